"""What a capability token lets its holder ask for: a ceiling over policy, never a way around it. Pure.

A warrant is a list of scopes, one for each link of the token's chain; an effect must be inside of every one of them.
That is why a token can only ever be narrowed: a further scope takes away and cannot give.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

import msgspec

from interlock.model.effect import Effect, Environment, Kind, Resource, Verb
from interlock.model.errors import AgentError
from interlock.model.grant import includes, named

_PATHS = frozenset({Kind.FILE, Kind.DIRECTORY})  # kinds whose every name is a path
MAX_PERMITS = 16
MAX_NAMES = 32
MAX_PATTERN = 512


class Permit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Effects that are inside: one of the verbs, on one of the kinds, named by one of the patterns, in one of the
    environments. In a name `*` stands for any characters but `/`, `**` for any at all.
    """

    verbs: tuple[Verb, ...]
    kinds: tuple[Kind, ...]
    names: tuple[str, ...]
    environments: tuple[Environment, ...]

    def covers(self, effect: Effect) -> bool:
        """Whether this effect is inside."""
        resource = effect.resource
        return (
            effect.verb in self.verbs
            and resource.kind in self.kinds
            and effect.environment in self.environments
            and _plain(resource)
            and any(named(pattern, resource.name) for pattern in self.names)
        )


Scope = tuple[Permit, ...]


class Warrant(msgspec.Struct, frozen=True):
    """A token that was verified. `token` is its id in the ledger, `links` the digests of its links, the one that was
    presented last; `expires` in seconds since the epoch of Unix, `epoch` that of the halts.
    """

    token: str
    links: tuple[str, ...]
    principal: str
    scopes: tuple[Scope, ...]
    expires: int
    epoch: int = 0

    @property
    def link(self) -> str:
        """The digest of the link that was presented."""
        return self.links[-1]

    def outside(self, effects: Iterable[Effect]) -> Effect | None:
        """The first effect that the token does not let its holder ask for."""
        return next((effect for effect in effects if not all(covers(scope, effect) for scope in self.scopes)), None)


def wider(scope: Scope, above: Iterable[Scope]) -> str:
    """The first thing that this scope names and one of those `above` does not let pass, in words; "" for none.

    Such a scope gives nothing: what counts is what is inside of all. Whoever wrote it means something else, though.
    """
    scopes = tuple(above)
    for permit in scope:
        for verb, kind, name, where in product(permit.verbs, permit.kinds, permit.names, permit.environments):
            if not all(any(_allows(one, verb, kind, name, where) for one in allowed) for allowed in scopes):
                return f"{verb.value} {kind.value} {name} in {where.value}"
    return ""


def _allows(permit: Permit, verb: Verb, kind: Kind, name: str, where: Environment) -> bool:
    inside = verb in permit.verbs and kind in permit.kinds and where in permit.environments
    return inside and any(includes(pattern, name) for pattern in permit.names)


def covers(scope: Scope, effect: Effect) -> bool:
    """Whether one of the permits has the effect inside."""
    return any(permit.covers(effect) for permit in scope)


def check_scope(scope: Sequence[Permit]) -> None:
    """Raises AgentError for a scope that is empty, too large, or names paths that are not resolved."""
    if not 0 < len(scope) <= MAX_PERMITS:
        raise AgentError(f"a token's scope has 1 to {MAX_PERMITS} permits.")
    for permit in scope:
        if not (permit.verbs and permit.kinds and permit.names and permit.environments):
            raise AgentError("a permit names at least one verb, kind, name and environment: what it leaves out is out.")
        if len(permit.names) > MAX_NAMES or any(not 0 < len(name) <= MAX_PATTERN for name in permit.names):
            raise AgentError(f"a permit has at most {MAX_NAMES} names of at most {MAX_PATTERN} characters.")
        for name in permit.names:
            if "\0" in name or ".." in name.split("/"):
                raise AgentError(f"{name!r} cannot bound anything: `..` would lead out of it. Write the resolved path.")
            if set(permit.kinds) & _PATHS and name.startswith("/") and not resolved(name):
                raise AgentError(f"{name!r} is no resolved path: no `.`, no `//`, no slash at its end.")


def _plain(resource: Resource) -> bool:
    """Whether the name means what it says: a path that was not resolved may lead anywhere."""
    return resolved(resource.name) if resource.kind in _PATHS else ".." not in resource.name.split("/")


def resolved(path: str) -> bool:
    """Whether this is an absolute path in its one normal form."""
    return path == "/" or (path.startswith("/") and all(part not in {"", ".", ".."} for part in path[1:].split("/")))
