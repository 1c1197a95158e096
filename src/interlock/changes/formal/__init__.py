"""What a change does to a guard and to a pure function, as exactly as it can be said.

`implication` asks z3 whether the new guard refuses all that the old one refused; `differ` runs the old and the new
version of a pure function side by side. Neither ever says "equivalent": the labels are PROVED, TESTED n, DIFFERS with
an example, and INCONCLUSIVE with a reason. `migrations`, `openapi` and `policies` compare what is not code.
"""
