"""Roles: named bundles of typed grants, and the roles that take away. Data, read from TOML; pure.

Nobody has a role for good. A role that gives is handed to one session, for minutes, for the things that are named, and
then is a grant like any other. A role that takes away (`restricts`) is a rule over `principal.roles`, and lasts until a
person ends it. A project's file can only narrow a role or switch it off.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import product
from typing import Annotated

import msgspec

from interlock.model.effect import Breadth, Environment, Kind, Reversibility, Verb
from interlock.model.errors import PolicyError, UsageError
from interlock.model.grant import Pattern
from interlock.model.rung import Rung
from interlock.policy.vocabulary import RESTRICTING

DEFAULT = "developer"
MAX_PATTERNS = 24  # what one grant may hold
MOST_MINUTES = 480
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_Groups = Annotated[tuple[str, ...], msgspec.Meta(max_length=16)]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of thing that a role lets happen; the names come when it is given."""

    verbs: tuple[Verb, ...]
    kinds: tuple[Kind, ...]
    environments: tuple[Environment, ...]
    labels: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    breadth: Breadth = Breadth.ONE
    loss: Reversibility = Reversibility.RECOVERABLE


class Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a role gives or takes, who may give it (groups), and for how long at most."""

    about: str = ""
    restricts: bool = False
    who: _Groups = ()
    minutes: Annotated[int, msgspec.Meta(ge=1, le=MOST_MINUTES)] = 60
    strong: bool = False
    off: bool = False
    agents: _Groups = ()  # kinds of agents that always have it; for roles that take away alone
    grants: Annotated[tuple[Part, ...], msgspec.Meta(max_length=16)] = ()

    @property
    def rung(self) -> Rung:
        """What its grants stand for."""
        return Rung.ONE_STRONG if self.strong else Rung.ONE


Roles = Mapping[str, Role]


def read(text: str, name: str) -> dict[str, Role]:
    """The roles in a TOML text. Raises PolicyError."""
    try:
        found = msgspec.convert(tomllib.loads(text), dict[str, Role])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise PolicyError(f"{name}: {error}") from error
    check(found, name)
    return found


def check(roles: Roles, name: str) -> None:
    """Raises PolicyError for a role that contradicts itself."""
    for title, role in roles.items():
        if not _NAME.fullmatch(title):
            raise PolicyError(f"{name}: {title!r} cannot name a role: lower-case letters, digits and dashes.")
        if role.restricts and (role.grants or title not in RESTRICTING):
            raise PolicyError(
                f"{name}: the role {title} cannot take away: those that do are {', '.join(sorted(RESTRICTING))}, and "
                "they give nothing."
            )
        if role.agents and not role.restricts:
            raise PolicyError(f"{name}: the role {title} gives something, so no agent can have it always.")
        for part in role.grants:
            if not part.verbs or not part.kinds or not part.environments:
                raise PolicyError(f"{name}: a grant of the role {title} names its verbs, kinds and environments.")


@cache
def packaged() -> Mapping[str, Role]:
    """The packaged roles."""
    folder = resources.files("interlock.policy.defaults")
    return read((folder / "roles.toml").read_text("utf-8"), "roles.toml")


def combined(below: Roles, above: Roles) -> dict[str, Role]:
    """The roles of a layer over those below it: a role is replaced as a whole."""
    return {**below, **above}


def narrowed(below: Roles, project: Roles, name: str) -> dict[str, Role]:
    """A project's word over the roles below it. Raises PolicyError where it would give more."""
    found = dict(below)
    for title, said in project.items():
        known = below.get(title)
        if known is None:
            raise PolicyError(f"{name}: a project can only narrow roles, and {title} is none of yours.")
        mine = msgspec.structs.replace(
            known,
            minutes=min(known.minutes, said.minutes),
            off=known.off or said.off,
            strong=known.strong or said.strong,
            agents=tuple(sorted({*known.agents, *said.agents})),
        )
        plain = Role(minutes=said.minutes, off=said.off, strong=said.strong, agents=said.agents)
        if said != plain or (said.agents and not known.restricts):
            raise PolicyError(
                f"{name}: a project can only narrow the role {title}: minutes (fewer), strong, off, and for a role "
                "that takes away also agents. Move the rest to your own interlock.toml."
            )
        found[title] = mine
    return found


def patterns(role: Role, names: Sequence[str]) -> tuple[Pattern, ...]:
    """What the role's grants are for these things. Raises UsageError: none named, or too many."""
    if not names:
        raise UsageError("a role is given for the things that you name: --resource NAME (* and ** stand for text).")
    found = tuple(
        Pattern(
            verbs=part.verbs, kind=kind, name=name, environments=part.environments, labels=part.labels, via=part.via,
            breadth=part.breadth, loss=part.loss,
        )
        for part in role.grants
        for kind, name in product(part.kinds, names)
    )  # fmt: skip
    if len(found) > MAX_PATTERNS:
        most = MAX_PATTERNS * len(names) // len(found)
        raise UsageError(f"that is too much for one grant: name {max(1, most)} things at most, and give it twice.")
    return found


def always(roles: Roles, agent: str) -> tuple[str, ...]:
    """The roles that take away and that this kind of agent always has."""
    return tuple(sorted(title for title, role in roles.items() if role.restricts and agent in role.agents))
