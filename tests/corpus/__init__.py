"""A corpus of labelled actions, and the score of Interlock over it."""
