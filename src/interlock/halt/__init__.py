"""Halts: orders of people that stop agents, the lease by which a silent daemon stops them too, and the proof."""
