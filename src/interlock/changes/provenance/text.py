"""A file as attribution sees it: lines, by what they are equal to. Pure.

Two keys a line: `exact` (its bytes without the line's end) and `loose` (without spaces, quotes and what formatters put
in or leave out). The loose key of a line with hardly a word in it (`}`, a blank one) begins with a zero byte: such a
line has no text of its own, and only its place tells it apart.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

LARGEST = 4 << 20  # bytes of a file that is looked at line by line
LONGEST = 100_000  # lines of one
KEY = 8  # bytes of a key: among 2^20 lines two differing ones share one with a chance of 3 in 10^8

_BINARY = 8_000  # bytes in which a NUL makes a file binary, as git has it
_LONG_LINE = 4_096  # bytes of a line that is taken apart into words
_WORD = re.compile(rb"[A-Za-z0-9_\x80-\xff]+|[^\sA-Za-z0-9_\x80-\xff]")
_LETTER = re.compile(rb"[A-Za-z0-9_\x80-\xff]")
_WORDS = 3  # letters or digits without which a line says nothing of its own
# What stands in lines of everybody's: two lines that share nothing else share nothing.
_COMMON = frozenset(
    b"and any as async await bool break case catch class const continue def default del do elif else end except export "
    b"extends false finally fn for from func function if impl import in int interface is lambda let match new nil none "
    b"not null or package pass private pub public raise return self static str string struct super switch then this "
    b"throw true try type undefined use var void while with yield".split()
)


class Text(msgspec.Struct, frozen=True):
    """One content. `lines` is None where only the keys were kept."""

    exact: tuple[bytes, ...]
    loose: tuple[bytes, ...]
    lines: tuple[bytes, ...] | None = None

    def __len__(self) -> int:
        return len(self.exact)


EMPTY = Text((), (), ())


def read(raw: bytes) -> Text | None:
    """The lines of a content; None for one that has none: binary, or too large."""
    if len(raw) > LARGEST or b"\0" in raw[:_BINARY]:
        return None
    lines = raw.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    if len(lines) > LONGEST:
        return None
    bare = tuple(line.removesuffix(b"\r") for line in lines)
    return Text(tuple(map(key, bare)), tuple(map(_loose, bare)), bare)


def key(line: bytes) -> bytes:
    """What a line is equal to."""
    return hashlib.blake2b(line, digest_size=KEY).digest()


def telling(text: Text, index: int) -> bool:
    """Whether a line has a text of its own."""
    return text.loose[index][0] != 0


def words(line: bytes) -> list[bytes]:
    """A line's words and signs, without what formatters put in or leave out: spaces, commas, semicolons, the shape of
    quotes.
    """
    return [b'"' if word in b"'`" else word for word in _WORD.findall(line[:_LONG_LINE]) if word not in b",;"]


def weight(word: bytes) -> int:
    """How much a word says of whose its line is: its length; nothing for signs and for words of every program."""
    return 0 if not _LETTER.match(word) or word.lower() in _COMMON else len(word)


def _loose(line: bytes) -> bytes:
    bare = key(line if len(line) > _LONG_LINE else b"\0".join(words(line)))
    said = len(line) > _LONG_LINE or len(_LETTER.findall(line)) >= _WORDS
    return bytes((bare[0] | 1 if said else 0,)) + bare[1:]


def digest(raw: bytes) -> str:
    """The name of a content."""
    return hashlib.sha256(raw).hexdigest()
