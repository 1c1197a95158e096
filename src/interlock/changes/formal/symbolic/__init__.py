"""Symbolic execution of small pure functions over z3: both versions on every argument of a stated kind at once.

What is read exactly is integers, truth values, text, None, and tuples and lists of a known length. Methods of text that
z3 has no word for are unknown functions, the same on both sides: what is proved holds whatever they do, and an example
that they are part of is shown only after both versions were run on it. All else is `Beyond`, and nothing is decided.
"""
