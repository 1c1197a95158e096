"""A digest in a form that two people can compare aloud, and that one can type the end of. Pure."""

from __future__ import annotations

_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"


def fingerprint(digest: bytes) -> str:
    """Four pronounceable words (16 bits each, as proquints: Wilkerson 2009, arXiv:0901.4016) and eight hex digits."""
    words = [_proquint(int.from_bytes(digest[i : i + 2])) for i in range(0, 8, 2)]
    return "-".join([*words, digest[8:12].hex()])


def code(printed: str) -> str:
    """What a person types to show that the fingerprint was read: its eight hex digits."""
    return printed.rsplit("-", 1)[1]


def _proquint(value: int) -> str:
    return (
        _CONSONANTS[value >> 12 & 15]
        + _VOWELS[value >> 10 & 3]
        + _CONSONANTS[value >> 6 & 15]
        + _VOWELS[value >> 4 & 3]
        + _CONSONANTS[value & 15]
    )
