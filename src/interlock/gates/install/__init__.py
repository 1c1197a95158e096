"""Puts Interlock's hooks into agents' own configuration, takes them out again, and looks whether they are there."""
