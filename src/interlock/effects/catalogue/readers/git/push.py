"""git push: which refs of which remote, forced or not, in every spelling."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.git.base import location, skips_hooks
from interlock.effects.catalogue.readers.git.config import remote_url, settings
from interlock.effects.environments import environment_of
from interlock.effects.invocation import Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import ALL, ONE, Kind, Reversibility, Scale, Verb

_EVERY = "*"


def push(draft: Draft, base: str | None) -> None:
    """The effects of one `git push`."""
    if draft.has("dry"):
        return
    if draft.has("no-verify"):
        skips_hooks(draft)
    remote = draft.said.value("remote")
    name = (remote.text or remote.source) if remote is not None else _default_remote(draft, base)
    _host(draft, base, name, remote)
    shown = re.sub(r"^[a-z+]+://", "", name).removesuffix(".git") if "://" in name else name
    forced = draft.has("force", "force-with-lease", "mirror")
    refs = draft.values("ref")
    if draft.has("mirror", "prune") or (draft.has("all") and not refs):
        _one(draft, shown, _EVERY, forced=forced or draft.has("mirror", "prune"), deleted=draft.has("prune", "mirror"))
        return
    if draft.has("tags", "follow-tags") and not refs:
        _one(draft, shown, "refs/tags/*", forced=forced, deleted=False)
        if draft.has("tags"):
            return
    if not refs:
        branch = (draft.world.branch(base) if base and not draft.inv.remote else None) or "HEAD"
        _one(draft, shown, branch, forced=forced, deleted=False)
    for value in refs:
        _refspec(draft, base, shown, value, forced=forced)


def _default_remote(draft: Draft, base: str | None) -> str:
    branch = draft.world.branch(base) if base and not draft.inv.remote else None
    return (settings(draft, base).get(f"branch.{branch}.remote") if branch else None) or "origin"


def _host(draft: Draft, base: str | None, name: str, remote: Word | None) -> None:
    url = remote_url(draft, base, name)
    if url:
        location(draft, Verb.SEND, url)
    elif remote is not None and remote.text is None:
        draft.add(
            Verb.PUBLISH,
            Kind.GIT_REPOSITORY,
            remote.source,
            undo=Reversibility.IRREVERSIBLE,
            note="which remote is not known",
        )


def _refspec(draft: Draft, base: str | None, remote: str, value: Word, *, forced: bool) -> None:
    text = value.text if value.text is not None else (value.prefix or value.source)
    if text.startswith("+"):
        forced, text = True, text[1:]
    source, colon, target = text.partition(":")
    if not colon:
        target = source
    deleted = draft.has("delete") or (bool(colon) and not source)
    if value.text is None and colon and not target:
        target = value.source
    target = target.removeprefix("refs/heads/")
    if target in ("HEAD", "@", "") and not deleted:
        target = (draft.world.branch(base) if base and not draft.inv.remote else None) or "HEAD"
    _one(draft, remote, target, forced=forced, deleted=deleted, sure=value.text is not None)


def _configured(draft: Draft, remote: str) -> bool:
    """Whether the remote is the clone's own: by its name, and not on the word of a URL, a variable or a setting."""
    if draft.said.value("remote") is not None and draft.text("remote") != remote:
        return False
    redirected = any(re.match(r"(?i)(remote|url)\.", value.text or "remote.") for value in draft.values("setting"))
    return remote in ("origin", "upstream") and not redirected


def _one(draft: Draft, remote: str, branch: str, *, forced: bool, deleted: bool, sure: bool = True) -> None:
    marks = set()
    every = "*" in branch
    tag = re.match(r"refs/|v?\d+(\.\d+)+", branch) is not None  # a tag can start a release
    if sure and not every and not tag and branch != "HEAD" and _configured(draft, remote):
        marks.add(L.KNOWN)
    if any(fnmatchcase(branch, glob) for glob in draft.setting.protected_branches) or (every and branch == _EVERY):
        marks.add(L.PROTECTED)
    if forced or deleted:
        marks.add(L.FORCE)
    if forced and draft.has("force-with-lease") and not draft.has("force", "mirror") and not draft.values("lease"):
        marks.add(L.LEASED)
    if branch == _EVERY and not forced:
        marks.discard(L.PROTECTED) if not draft.has("all") else None
    verb = Verb.DELETE if deleted and not every else Verb.OVERWRITE if forced else Verb.PUBLISH
    lost = forced or deleted
    scale: Scale = ALL if every else ONE
    draft.add(
        verb,
        Kind.GIT_REF,
        f"{remote}/{branch}",
        labels=marks,
        env=environment_of("branch", branch, draft.setting),
        undo=Reversibility.IRREVERSIBLE if lost else Reversibility.RECOVERABLE,
        scale=scale,
        note="history on the other side is replaced" if forced and not deleted else "",
    )
