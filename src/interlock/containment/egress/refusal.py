"""Why a connection of a contained run goes no further."""

from __future__ import annotations


class Refused(Exception):
    """An answer, not a fault: the text is recorded and shown. No more of the connection may be passed on."""
