"""Protections that a change loses: two versions of files in, losses out. Pure.

`python` and `script` (JavaScript, TypeScript, Go) read a file's functions and the guards in them; `pairing` says which
function became which; `loss` counts what is gone and follows what only moved; `peers` finds what siblings have and new
code lacks. Which words protect is data (`data/`).
"""
