"""Attempts to leave a sandbox, each judged by what happened outside of it."""
