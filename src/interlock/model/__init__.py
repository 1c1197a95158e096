"""The nouns that every room shares. Pure data: no I/O, no clock, no environment."""
