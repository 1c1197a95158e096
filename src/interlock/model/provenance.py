"""Where an action comes from and what it touches, as orders and entries hold it: facts that selectors ask for.

The daemon judges by the very facts that it records, so that whoever verifies the ledger comes to the same answer. What
did not fit an entry is not known to either.

Standard library only: the offline verifier reads these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from interlock.model.selector import Lookup, Match, Selector

Values = frozenset[str] | None  # None: not known

OF_EFFECT = ("verb", "kind", "environment", "name")
_RECORDED = ("model", "repository", "organisation", "workspace", "prompt", "skill", "mcp", "person", "tool")
_NAMED = 1_000  # bytes of names that one action's facts hold
_EFFECTS = 40  # combinations of verb, kind and environment; there are some hundreds in all, and never many at once
_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^@/\s]*@)?([^:/\s]+)(?::\d+)?[:/]+(.+?)(?:\.git)?/*", re.IGNORECASE)

# What a freeze stops, by verb; a local change of a git repository goes on, its publication does not. The same as the
# rules `freeze` and `freeze-push` of the default policy: tests/halt holds them together.
_STOPPED = frozenset(
    "write create delete overwrite configure execute install publish deploy grant spend".split()  # noqa: SIM905
)
_STOPPED_OF_GIT = frozenset({"send", "publish", "deploy"})
_GIT = frozenset({"git_ref", "git_repository"})
# Data and infrastructure that nobody mapped to an environment may be production's: a freeze of that stops it.
DATA = frozenset({"table", "database", "terraform_state", "cloud_resource", "cluster_object"})
_ENVIRONMENTS = ("production", "staging", "development", "workspace", "machine")


@dataclass(frozen=True, slots=True)
class Touched:
    """One effect, as facts hold it; None where it is not known, or did not fit."""

    verb: str | None
    kind: str | None
    environment: str | None
    name: str | None = None

    @property
    def changes(self) -> bool:
        """Whether a freeze that covers it stops it."""
        return self.verb is None or self.verb in (_STOPPED_OF_GIT if self.kind in _GIT else _STOPPED)


UNKNOWN = Touched(None, None, None)


@dataclass(frozen=True, slots=True)
class Facts:
    """`of` holds what is known of the action or session by field; a field that is missing has no value."""

    of: Mapping[str, Values]
    effects: tuple[Touched, ...] = field(default=())

    def lookup(self, touched: Touched | None) -> Lookup:
        """What selectors ask, about one of the effects (None: about none)."""

        def values(name: str) -> Values:
            if name not in OF_EFFECT:
                return self.of.get(name, frozenset())
            if touched is None:
                return frozenset()
            value: str | None = getattr(touched, name)
            return None if value is None else frozenset({value})

        return values

    def covered(self, where: Selector, allow: Selector | None = None, *, changes: bool = False) -> Match:
        """Whether an order is about it, but for what it allows; with `changes` only by what a freeze stops."""
        best = Match.NO
        for touched in self.effects or (None,):
            if not changes:
                match = covers(where, allow, self.lookup(touched))
            elif touched is None or not touched.changes:
                continue
            else:
                match = covers_for_sure(where, allow, self, touched)
                if match is Match.UNSURE and touched.kind is not None and touched.kind not in DATA:
                    continue
            best = max(best, match, key=lambda match: match.value)
        return best

    def body(self) -> dict[str, Any]:
        """As entries hold it, beside their `principal`: null is what is not known, what is missing has no value."""
        kept: dict[str, Any] = {}
        for name in _RECORDED:
            values = self.of.get(name, frozenset())
            if values is None:
                kept[name] = None
            elif values:
                kept[name] = sorted(values)
        if self.effects:
            kept["effects"] = [_row(one) for one in self.effects]
        return kept


def covers(where: Selector, allow: Selector | None, lookup: Lookup) -> Match:
    """Whether an order is about what `lookup` tells of: about it, and not surely allowed."""
    about = where.match(lookup)
    allowed = allow.match(lookup) if allow is not None else Match.NO
    if about is Match.NO or allowed is Match.YES:
        return Match.NO
    return Match.YES if about is Match.YES and allowed is Match.NO else Match.UNSURE


def covers_for_sure(where: Selector, allow: Selector | None, facts: Facts, touched: Touched) -> Match:
    """The same for one effect, where UNSURE is left for one thing: its environment is not known, and it decides.

    Every other fact that is not known counts as if it were the one that is meant.
    """
    match = covers(where, allow, facts.lookup(touched))
    if match is not Match.UNSURE:
        return match
    if touched.environment is not None:
        return Match.YES
    spared = any(
        covers(where, allow, facts.lookup(replace(touched, environment=one))) is Match.NO for one in _ENVIRONMENTS
    )
    return Match.UNSURE if spared else Match.YES


def facts_of(body: Mapping[str, Any]) -> Facts:
    """The facts of an entry: its `provenance` and its `principal`. What cannot be understood is not known."""
    recorded = body.get("provenance")
    principal = body.get("principal")
    if not isinstance(recorded, dict) or not isinstance(principal, dict):
        return Facts(dict.fromkeys((*_RECORDED, "agent", "session", "subagent")), (UNKNOWN,))
    of: dict[str, Values] = {}
    for name in _RECORDED:
        value = recorded.get(name, ())
        of[name] = frozenset(map(str, value)) if isinstance(value, list | tuple) else None
    of |= who(principal)
    rows = recorded.get("effects", [])
    effects = tuple(_touched(row) for row in rows) if isinstance(rows, list) else (UNKNOWN,)
    return Facts(of, effects)


def made_of(facts: Facts, agent: Mapping[str, Any], *, servers: bool = False) -> Facts:
    """With the skills and instructions (and `servers`) that the agent is made of, as `session.open` holds them.

    Nothing is known of a sort that could not be seen, or for all of which there was no room.
    """
    of = dict(facts.of)
    sorts = {"skill": "skills", "prompt": "prompts"} | ({"mcp": "servers"} if servers else {})
    for name, sort in sorts.items():
        values, pieces = of.get(name, frozenset()), agent.get(sort, ())
        unseen = sort in agent.get("unknown", ()) or agent.get("more") or not isinstance(pieces, list | tuple)
        if values is None or unseen:
            of[name] = None
            continue
        found = [piece for piece in pieces if isinstance(piece, dict)]
        named = {str(piece.get("name", "")) for piece in found}
        of[name] = values | named | {f"sha256:{piece.get('digest', '')}" for piece in found}
    return replace(facts, of=of)


def who(principal: Mapping[str, Any]) -> dict[str, Values]:
    """The fields that a recorded principal fills."""
    subagent = {str(principal[name]) for name in ("subagent", "subagent_type") if principal.get(name)}
    return {
        "agent": frozenset({str(principal.get("agent", ""))} - {""}),
        "session": frozenset({str(principal.get("session", ""))} - {""}),
        "subagent": frozenset(subagent),
    }


def only(principal: Any) -> dict[str, Values]:
    """The fields of an action of which nothing but its principal is known."""
    known = {name: str(getattr(principal, name)) for name in ("agent", "session", "subagent", "subagent_type")}
    of: dict[str, Values] = {**dict.fromkeys(_RECORDED), **who(known)}
    for name in ("model", "person"):
        if value := str(getattr(principal, name)):
            of[name] = frozenset({value})
    return of


def compact(effects: Iterable[tuple[str, str, str, str | None]]) -> tuple[Touched, ...]:
    """Effects as facts hold them, from (verb, kind, environment, name): each once, names as far as there is room.

    `unknown` as an environment is no value: nobody can say that it is not production.
    """
    found: dict[Touched, None] = {}
    room = _NAMED
    for verb, kind, environment, name in effects:
        size = len(name.encode("utf-8", "replace")) if name is not None else 0
        kept = name if size <= room else None
        touched = Touched(verb, kind, environment if environment != "unknown" else None, kept)
        if touched in found:
            continue
        room -= size if kept is not None else 0
        found[touched] = None
        if len(found) > _EFFECTS:
            bare = dict.fromkeys(Touched(one.verb, one.kind, one.environment) for one in found)
            found, room = bare, 0
            if len(found) > _EFFECTS:
                return (UNKNOWN,)
    return tuple(found)


def origin(url: str) -> dict[str, Values]:
    """Repository and organisation of a git origin: with the host and without it. A path of this machine is neither."""
    found = _URL.fullmatch(url.strip())
    if found is None or url.strip().startswith(("/", ".", "file:")):
        return {"repository": frozenset({url.strip()} - {""}), "organisation": frozenset()}
    host, path = found[1].lower(), found[2].strip("/")
    owner = path.rpartition("/")[0]
    return {
        "repository": frozenset({path, f"{host}/{path}"}),
        "organisation": frozenset({owner, f"{host}/{owner}"} if owner else {host}),
    }


def _row(touched: Touched) -> list[str | None]:
    row = [touched.verb, touched.kind, touched.environment]
    return [*row, touched.name] if touched.name is not None else row


def _touched(row: object) -> Touched:
    if not isinstance(row, list) or not 3 <= len(row) <= 4:
        return UNKNOWN
    words = [word if isinstance(word, str) else None for word in row]
    return Touched(words[0], words[1], words[2], words[3] if len(words) == 4 else None)
