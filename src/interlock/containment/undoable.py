"""What undo will be able to do about an action, said before it runs: everything, a part, or nothing, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from interlock.containment.preimage import CHANGING, PLACES
from interlock.model import labels
from interlock.model.effect import Effect, Kind, Verb

_SHOWN = 4  # reasons in an entry
_LINE = 240  # characters of one
_GIT = frozenset({Kind.GIT_REF, Kind.GIT_REPOSITORY})
_STAYS: Mapping[Verb, str] = {
    Verb.SEND: "what is sent cannot be called back",
    Verb.PUBLISH: "what is published can be copied at once",
    Verb.DEPLOY: "what is deployed is in use at once",
    Verb.GRANT: "access that is given may be used at once",
    Verb.SPEND: "what is spent stays spent",
    Verb.INSTALL: "installed packages stay, and their scripts have run",
    Verb.EXECUTE: "what a program changes by itself is not known beforehand",
    Verb.OPAQUE: "what cannot be read cannot be undone",
}


class Fact(msgspec.Struct, frozen=True):
    """`undoable` and, unless it is yes, the reasons."""

    undoable: Literal["yes", "partly", "no"]
    why: tuple[str, ...] = ()

    def body(self) -> dict[str, Any]:
        """For an entry."""
        return {"undoable": self.undoable} | ({"why": list(self.why)} if self.why else {})

    def line(self) -> str:
        """For a card."""
        return self.undoable + (f": {'; '.join(self.why)}" if self.why else "")


def fact(effects: Sequence[Effect], lost: Iterable[tuple[str, str]] = (), *, git: bool = False) -> Fact | None:
    """What can be said, None for an action that changes nothing.

    Args:
        effects: what the action would do.
        lost: paths among them that could not be kept, with the reason.
        git: whether refs, index and stash of the repository are kept.
    """
    reasons: dict[str, None] = {}
    kept = False
    for effect in effects:
        why = _stays(effect, git=git)
        if why:
            reasons[why] = None
        kept = kept or why == ""
    by_reason: dict[str, list[str]] = {}
    for path, why in lost:
        by_reason.setdefault(why, []).append(path)
    for why, paths in by_reason.items():
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        reasons[f"{paths[0]}{more}: {why}"] = None
    if not reasons:
        return Fact("yes") if kept else None
    shown = [reason[:_LINE] for reason in list(reasons)[:_SHOWN]]
    if len(reasons) > _SHOWN:
        shown.append(f"and {len(reasons) - _SHOWN} more")
    return Fact("partly" if kept else "no", tuple(shown))


def _stays(effect: Effect, *, git: bool) -> str | None:
    """Why this effect would stay; "" where it is kept for undo; None where it changes nothing that counts."""
    resource, verb = effect.resource, effect.verb
    if verb in (Verb.READ, Verb.FETCH) or labels.DEVICE_NULL in resource.labels:
        return None
    if effect.via.startswith("git push"):
        return "what is pushed stays on the other side"
    if resource.kind in _GIT:
        return "" if git else "the repository is not within reach of undo"
    if verb in CHANGING and resource.kind in PLACES:
        return "" if labels.WORKSPACE in resource.labels else f"{resource.name} lies outside of the project"
    return _STAYS.get(verb) or f"nothing is kept of a {resource.kind.value.replace('_', ' ')}"
