"""Our own taint reader for Python: from where somebody else's value comes to where it can do harm, and by which way.

Every function is read once from its beginning to its end over abstract values (`value`): where their text comes from,
which constants they may be, what containers hold at known keys. Calls of functions that are at hand are followed with
the values they get (`calls`), branches whose condition is known are not taken (`statements`), and conditions that
validate discharge (`conditions`). Sources, sinks and sanitisers are data: `changes/data/taint.toml`.
"""
