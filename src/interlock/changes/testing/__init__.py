"""Whether the tests of a change hold what it changes: which tests, run in a room, traced, and tried on mutants.

lines.py ──► which behaviour is new      suite.py ──► which tests say something of it
                      │                       │
mutants.py ───────────┴──► trial.py (a room for each run; probe.py is what runs inside) ──► stages/tests.py
"""
