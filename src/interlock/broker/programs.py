"""Programs that ran in a contained command and that its reading did not foresee: is it an alarm, or a lesson?

Pure. That a build runs a compiler, and a compiler an assembler, is nobody's business: only the families of
`programs.toml` are. Those that can do harm by themselves are an alarm; those that need a host, where a host was called;
the rest is a lesson about what the command really does.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cache
from importlib import resources

import msgspec

from interlock.containment.sight import UNREADABLE, Program, Sight
from interlock.model.effect import Effect, Kind, Verb

_MOST = 20  # that are named
_BETWEEN = re.compile(r"[\s;|&()<>'\"`$={}/]+")


class Alarm(StrEnum):
    """When a program of a family is an alarm."""

    ALWAYS = "always"
    REACHED = "reached"  # when a host was called as well
    NEVER = "never"


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Programs of one sort, and by what a reading foresees them."""

    about: str
    alarm: Alarm
    programs: frozenset[str]
    verbs: frozenset[Verb] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    labels: frozenset[str] = frozenset()

    def of(self, program: Program) -> str:
        """The name by which it belongs here; empty where it does not."""
        called, blank, word = program.name.partition(" ")
        for path in (called, program.file):
            name = path.rpartition("/")[2]
            if blank and f"{name} {word}" in self.programs:
                return f"{name} {word}"
            if name in self.programs:
                return name
        return ""

    def foreseen(self, effects: Iterable[Effect]) -> bool:
        """Whether an effect of the reading is of this sort."""
        return any(
            effect.verb in self.verbs
            or effect.resource.kind in self.kinds
            or not self.labels.isdisjoint(effect.resource.labels)
            for effect in effects
        )


class Unforeseen(msgspec.Struct, frozen=True):
    """Lines for people."""

    alarms: tuple[str, ...] = ()
    lessons: tuple[str, ...] = ()


@cache
def families() -> tuple[Family, ...]:
    """The packaged families."""
    raw = resources.files("interlock.broker").joinpath("programs.toml").read_text(encoding="utf-8")
    return tuple(msgspec.convert(tomllib.loads(raw), dict[str, Family]).values())


@cache
def notes() -> tuple[str, ...]:
    """The programs of which a word of the command line must be known: `git push`."""
    return tuple(sorted(name for family in families() for name in family.programs if " " in name))


def unforeseen(
    effects: Sequence[Effect], argv: Sequence[str], sight: Sight, *, whole: bool, reached: bool
) -> Unforeseen:
    """What ran and was not foreseen.

    Args:
        effects: those of the reading.
        argv: the words of the command, as they were read.
        sight: what was seen of the run.
        whole: whether the reading followed the command to its last word, so that what stands in it was foreseen.
        reached: whether the run called a host.
    """
    alarms: dict[str, None] = {}
    lessons: dict[str, None] = {}
    said = frozenset(_BETWEEN.split(" ".join(argv))) if whole else frozenset()
    started = {
        effect.resource.name.split(" ")[0].rpartition("/")[2] for effect in effects if effect.verb is Verb.EXECUTE
    }
    for program in sight.programs:
        for family in families():
            name = family.of(program)
            if (
                not name
                or name.split(" ")[0] in started
                or said.issuperset(name.split(" "))
                or family.foreseen(effects)
            ):
                continue
            grave = family.alarm is Alarm.ALWAYS or (family.alarm is Alarm.REACHED and reached)
            by = program.by.rpartition("/")[2]
            (alarms if grave else lessons)[f"ran {name}, which {family.about}, from {by or UNREADABLE}"] = None
            break
    if any(program.name == UNREADABLE for program in sight.programs):
        lessons["ran a program whose name could not be read"] = None
    return Unforeseen(tuple(alarms)[:_MOST], tuple(lessons)[:_MOST])
