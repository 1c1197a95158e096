"""Who may say yes to a request, and how many must: from the rung that policy named, and from configuration. Pure.

Configuration only adds: more people, fewer who may, somebody excluded. The rung is Cedar's word and stays the least.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from interlock.model.decision import Rung
from interlock.model.errors import Refused
from interlock.model.given import UNSIGNED

if TYPE_CHECKING:
    from interlock.approvals.request import Request, Vote

# Beside the owner, who may say yes where configuration names no groups.
APPROVERS = frozenset({"approvers", "admins"})


class Who(msgspec.Struct, frozen=True):
    """One rule of configuration: who decides on requests from a tier on, in an environment ("" for any)."""

    tier: int = 0
    environment: str = ""
    groups: tuple[str, ...] = ()  # in the order in which they are asked
    exclude: tuple[str, ...] = ()
    people: int = 1
    strong: bool = False


class Needs(msgspec.Struct, frozen=True, omit_defaults=True):
    """What it takes for a yes. `groups`, in the order in which they are asked; () means whoever may approve here."""

    people: int = 1
    strong: bool = False
    owner: bool = True  # whether the agent's owner may be one of them
    groups: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class Key(Protocol):
    """A person's key, as far as counting needs it."""

    @property
    def id(self) -> str:
        """Its name."""


class Member(Protocol):
    """A person, as far as counting needs one."""

    @property
    def name(self) -> str:
        """Who it is."""

    @property
    def groups(self) -> tuple[str, ...]:
        """What they belong to."""

    @property
    def since(self) -> int:
        """The entry that added them."""

    @property
    def authenticators(self) -> Sequence[Key]:
        """With what they sign."""


class Known(Protocol):
    """Who the people are, now."""

    @property
    def owner(self) -> Member:
        """The person whose daemon it is."""

    def find(self, name: str) -> Member | None:
        """A person who is valid now."""


def needed(rung: Rung, tier: int, environments: Iterable[str], rules: Sequence[Who]) -> Needs:
    """What a request needs: the rung's demands, raised by every rule of configuration that speaks of it."""
    here = set(environments)
    speaking = [rule for rule in rules if tier >= rule.tier and (not rule.environment or rule.environment in here)]
    named = [rule.groups for rule in speaking if rule.groups]
    # Where several rules name groups, the last one (the layer nearest to the project) may only choose among them.
    groups = named[0] if named else ()
    for other in named[1:]:
        groups = tuple(group for group in groups if group in other)
    two = rung is Rung.TWO_STRONG
    return Needs(
        people=max([2 if two else 1, *(rule.people for rule in speaking)]),
        strong=rung in {Rung.ONE_STRONG, Rung.TWO_STRONG} or any(rule.strong for rule in speaking),
        owner=not two,
        groups=groups if not named or groups else ("",),  # rules that contradict each other: nobody may
        exclude=tuple(sorted({name for rule in speaking for name in rule.exclude})),
    )


def covers(had: Needs, wanted: Needs) -> bool:
    """Whether what was asked for is at least what is needed now."""
    return (
        had.people >= wanted.people
        and had.strong >= wanted.strong
        and had.owner <= wanted.owner
        and set(wanted.exclude) <= set(had.exclude)
        and (not wanted.groups or (bool(had.groups) and set(had.groups) <= set(wanted.groups)))
    )


def asked(needs: Needs, level: int) -> tuple[str, ...]:
    """The groups that are asked at this level of escalation; () for whoever may approve here."""
    return needs.groups[: level + 1]


def counted(request: Request, known: Known) -> tuple[Vote, ...]:
    """The votes that count now: of people who are still there, with keys that are still theirs, each person once."""
    seen: dict[str, Vote] = {}
    for vote in request.votes:
        if not _fault(request, vote, known):
            seen.setdefault(vote.name, vote)
    return tuple(seen.values())


def enough(request: Request, known: Known) -> bool:
    """Whether the votes that count now are what it takes."""
    return len(counted(request, known)) >= request.needs.people


def admit(request: Request, vote: Vote, known: Known) -> None:
    """Raises Refused, in the person's words, when this vote may not count."""
    fault = _fault(request, vote, known)
    if fault:
        raise Refused(fault)
    if any(earlier.name == vote.name for earlier in counted(request, known)):
        raise Refused(f"{vote.name} has approved request {request.id} already; it needs another person.")


def _fault(request: Request, vote: Vote, known: Known) -> str:
    """Why this vote does not count; "" where it does."""
    needs, person = request.needs, known.find(vote.name)
    if person is None or (person.since != vote.since and vote.name != known.owner.name):
        return f"{vote.name} is nobody whom this Interlock knows. `interlock people list` shows who may decide."
    if vote.how not in UNSIGNED and all(key.id != vote.key for key in person.authenticators):
        return f"the key that {vote.name} signed with is not theirs any more."
    owner = vote.name in {known.owner.name, request.principal.person}
    if owner and not needs.owner:
        return (
            f"request {request.id} is tier {request.tier}: it needs {_people(needs.people)}, neither of them the "
            f"agent's owner (you, {vote.name}). Do it yourself outside the agent, or deny it."
        )
    if vote.name in needs.exclude:
        return f"request {request.id}: your configuration excludes {vote.name} from deciding on this."
    fault = _outside(request, person, owner=owner)
    if fault:
        return fault
    if needs.strong and not vote.strong:
        return (
            f"request {request.id} is tier {request.tier}: type the last part of its fingerprint, to show that you "
            f"read it (interlock inbox {request.id}; interlock approve {request.id} --code ________)."
        )
    return ""


def _outside(request: Request, person: Member, *, owner: bool) -> str:
    groups = asked(request.needs, request.level)
    if groups:
        if set(person.groups).isdisjoint(groups):
            return f"request {request.id} is for the group {' or '.join(groups)}, and {person.name} is in none of them."
    elif not owner and APPROVERS.isdisjoint(person.groups):
        return (
            f"{person.name} may not approve: they are in none of the groups {', '.join(sorted(APPROVERS))}. "
            f"(interlock people groups {person.name} …)"
        )
    return ""


def _people(number: int) -> str:
    return {1: "one person", 2: "two people"}.get(number, f"{number} people")
