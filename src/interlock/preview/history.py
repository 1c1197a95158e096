"""Commits that would be lost: what a force-push orphans, what only a branch that goes away holds."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.model.counts import many
from interlock.model.effect import Effect, Kind, Known, Reversibility, Scale, Verb
from interlock.model.labels import FORCE, LEASED
from interlock.preview.finding import Asked, Finding, Tools, Unseen
from interlock.preview.git import Git

RECOVERABLE = Reversibility.RECOVERABLE


def look(asked: Asked, tools: Tools) -> Iterator[Finding]:
    """One finding for each git ref that would be replaced or removed."""
    folders = dict.fromkeys(ran.cwd for ran in asked.here if ran.argv[0].rpartition("/")[2] == "git")
    folder = next(iter(folders), asked.workspace)
    for place, effect in enumerate(asked.effects):
        if effect.resource.kind is Kind.GIT_REF and effect.verb in (Verb.OVERWRITE, Verb.DELETE):
            yield _looked(place, effect, Git(folder, tools))


def _looked(place: int, effect: Effect, git: Git) -> Finding:
    name = effect.resource.name
    if name == "stash" or name.startswith("stash@"):
        count = git.count("rev-list", "--walk-reflogs", "--count", "refs/stash") if git.knows("refs/stash") else 0
        return Finding(many(count, "stashed change"), place, _scale(effect, count, "stashes"))
    if FORCE in effect.resource.labels or ("/" in name and git.knows(f"refs/remotes/{name}")):
        return _orphaned(place, effect, git)
    if effect.verb is Verb.DELETE and git.knows(f"refs/heads/{name}"):
        others = ("--not", f"--exclude=refs/heads/{name}", "--all")
        count = git.count("rev-list", "--count", f"refs/heads/{name}", *others)
        said = f"on {name} and nowhere else: {many(count, 'commit')}"
        return Finding(said, place, _scale(effect, count, "commits"))
    raise Unseen(f"{name} is not known here")


def _orphaned(place: int, effect: Effect, git: Git) -> Finding:
    """What the other side has, as far as the last fetch says, and the branch that replaces it has not."""
    name = effect.resource.name
    remote = f"refs/remotes/{name}"
    if not git.knows(remote):
        raise Unseen(f"nothing was fetched from {name} yet")
    branch = name.partition("/")[2]
    ours = f"refs/heads/{branch}" if git.knows(f"refs/heads/{branch}") else "HEAD"
    if effect.verb is Verb.DELETE:
        count = git.count("rev-list", "--count", remote, "--not", "--branches", "--tags")
        said = f"{many(count, 'commit')} of {name} on no branch here"
    else:
        count = git.count("rev-list", "--count", remote, f"^{ours}")
        said = f"{many(count, 'commit')} of {name}, as last fetched, not in what replaces it"
        if LEASED in effect.resource.labels and _kept_here(remote, ours, git):
            return Finding(
                f"{said}; this branch stood there itself, and git keeps it here",
                place,
                _scale(effect, count, "commits"),
                RECOVERABLE,
            )
    return Finding(said, place, _scale(effect, count, "commits"))


def _kept_here(remote: str, branch: str, git: Git) -> bool:
    """Whether what the other side has was this very branch before: then this repository keeps it."""
    tip = git.ask("rev-parse", "--verify", "--quiet", remote).strip()
    return bool(tip) and tip in git.ask("rev-list", "--walk-reflogs", branch).split()


def _scale(effect: Effect, count: int, unit: str) -> Scale:
    return Scale(breadth=effect.scale.breadth, count=count, unit=unit, known=Known.COUNT)
