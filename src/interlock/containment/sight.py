"""What was seen of a contained run: the programs that ran, the addresses that were called, and the bound on memory.

The launcher tells it at the end (`native/run/sight.c` says how it looks, and what can hide from it): five texts for
each thing, each ended by a NUL. Names come from inside the sandbox: whatever bytes they hold is taken and shown safely.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from interlock.model.errors import AgentError

UNREADABLE = "?"  # whoever asked did not let itself be looked into
_MOST = 1_000  # things; the launcher tells of a third of that
_TEXT = 300  # bytes of a text
_FIELDS = 5
_DIGITS = 10  # of a count: of 32 bits


class Bound(StrEnum):
    """What held the bound on memory."""

    NONE = ""
    GROUP = "group"  # the kernel, for all of the run together
    WATCH = "watch"  # the sandbox's first process, which looks now and then


class Program(msgspec.Struct, frozen=True):
    """A program as it was called (with the word that was asked for), its file, who started it, and how often."""

    name: str
    file: str
    by: str
    times: int


class Place(msgspec.Struct, frozen=True):
    """An address and port outside of the sandbox that a program called, and how often. No route leads there."""

    name: str
    by: str
    times: int

    @property
    def asked(self) -> bool:
        """Whether it only asked for a route, as many programs do to learn their own address: nothing was to be sent."""
        return self.name.endswith("/udp")


class Sight(msgspec.Struct, frozen=True):
    """All of it. `more_` are calls that found no room in the launcher's tables."""

    observed: bool = False
    programs: tuple[Program, ...] = ()
    places: tuple[Place, ...] = ()
    more_programs: int = 0
    more_places: int = 0
    unrouted: int = 0  # by the kernel's own count, which nobody inside can pass by
    bound: Bound = Bound.NONE
    over: bool = False  # ended because it used more memory than it may

    @property
    def unseen(self) -> int:
        """Calls to the outside of which only the kernel's count tells: messages that name an address in memory."""
        return max(0, self.unrouted - self.more_places - sum(place.times for place in self.places))


def parse(raw: bytes) -> Sight:
    """What the launcher told. Raises AgentError for anything that it would not."""
    texts = raw.split(b"\0")
    if texts.pop() or len(texts) % _FIELDS or len(texts) > _MOST * _FIELDS or any(len(text) > _TEXT for text in texts):
        raise AgentError("the launcher told of a run in words that no launcher has.")
    programs, places, counts, bound = [], [], {"more-ran": 0, "more-called": 0, "unrouted": 0, "memory": 0}, Bound.NONE
    for at in range(0, len(texts), _FIELDS):
        kind, count, *rest = (text.decode("utf-8", "surrogateescape") for text in texts[at : at + _FIELDS])
        name, file, by = rest
        if not count.isascii() or not count.isdecimal() or len(count) > _DIGITS:
            raise AgentError("the launcher counted what cannot be counted.")
        if kind == "ran":
            programs.append(Program(name, file, by, int(count)))
        elif kind == "called":
            places.append(Place(name, by, int(count)))
        elif kind in counts:
            counts[kind] = int(count)
            if kind == "memory":
                bound = Bound(name) if name in set(Bound) else Bound.NONE
        else:
            raise AgentError("the launcher told of a kind of thing that no launcher knows.")
    return Sight(
        observed="unrouted" in {text.decode("ascii", "replace") for text in texts[::_FIELDS]},
        programs=tuple(programs),
        places=tuple(places),
        more_programs=counts["more-ran"],
        more_places=counts["more-called"],
        unrouted=counts["unrouted"],
        bound=bound,
        over=counts["memory"] > 0,
    )
