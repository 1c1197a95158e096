"""A host's name, spelled one way.

What a list, a DNS question, a Host field or a server name says is compared only after this. On the wire a name is
ASCII already (`canonical`); only a list that a person wrote may hold other letters (`from_list`).
"""

from __future__ import annotations

import re
from encodings import idna

_LONGEST = 253  # RFC 1035: 255 bytes on the wire
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
# IDNA 2003 and 2008 disagree on these, so two programs may take one text for two hosts.
_DISPUTED = frozenset("\u00df\u03c2\u200c\u200d")


class NameRefused(ValueError):
    """This text is no host's name; the message says why."""


def canonical(name: bytes | str) -> str:
    """A name from the wire in its one spelling: ASCII, lower case, no dot at the end."""
    text = name.decode("latin-1") if isinstance(name, bytes) else name
    if not text.isascii():
        raise NameRefused("it holds letters beyond ASCII")
    text = text.lower()
    text = text.removesuffix(".")
    if not text or len(text) > _LONGEST:
        raise NameRefused("it is empty or too long")
    labels = text.split(".")
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise NameRefused("a part of it is empty, too long, or holds a character that no host name has")
    if _NUMBER.fullmatch(labels[-1]):
        raise NameRefused("it ends in a number, so programs read it as an address")
    return text


def from_list(text: str) -> str:
    """A name that a person wrote, international letters allowed."""
    if text.isascii():
        return canonical(text)
    if _DISPUTED & set(text):
        raise NameRefused("programs disagree on how to encode it; write it in its xn-- form")
    try:
        labels = [idna.ToASCII(label).decode("ascii") for label in re.split("[.\u3002\uff0e\uff61]", text)]
    except UnicodeError as error:
        raise NameRefused("it cannot be encoded (IDNA)") from error
    return canonical(".".join(labels))


def shown(name: bytes | str) -> str:
    """Whatever was asked for, as text that is safe to record: printable ASCII, bounded."""
    text = name.decode("latin-1") if isinstance(name, bytes) else name
    return "".join(c if " " <= c <= "~" else "?" for c in text[:_LONGEST])
