"""Proofs about policy sets: Cedar's syntax tree as formulas (z3, extra `prove`). Nothing that decides imports this."""
