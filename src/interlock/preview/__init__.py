"""A look before a person is asked: how much an action would really take, found out without changing anything.

The effects of an action are read from its text. How many files a pattern matches, which of them git does not have, how
many rows a WHERE holds: that stands in the world. The policy says which looks a question deserves (`@looks`), the
broker has them made while the agent waits, and what was found stands in the effects' scale and on the card.

INVARIANT: a look changes nothing and executes nothing that an agent could have written, unless the person's own
configuration says so (`[preview] run = true`); a look that fails or takes too long says so, and nothing is assumed.
"""
