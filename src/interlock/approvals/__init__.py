"""Asking a person: requests, decisions, and the single use of a yes."""
