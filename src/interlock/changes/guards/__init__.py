"""Protections that a change loses: two versions of files in, losses out. Pure.

`python` and `script` (JavaScript, TypeScript, Go) read a file's functions and the guards in them; `pairing` says which
function became which; `losing` and `comparison` count what is gone and follow what only moved; `replaced` and `members`
weigh a condition against the one in its place; `forgotten` and `shapes` see what needs no word: a parameter that nobody
looks at any more, a set that became a list; `outweighed` says what makes up for what; `weight` and `odds` say who
is asked about it; `peers` finds what siblings have and new code lacks. Which words protect is data (`data/`).
"""
