"""git's refs and history: what the reflog can give back, and what it cannot."""

from __future__ import annotations

import posixpath

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.git import base as g
from interlock.effects.invocation import Word
from interlock.model.effect import ALL, MANY, ONE, Verb

_FOUND_NO_MORE = "lost commits cannot be found again"


def moves(draft: Draft, base: str | None, names: list[Word], *, onto: bool) -> None:
    """A branch is made, or thrown onto another commit when it is there already (-B, -C, -f, -M)."""
    for value in names:
        text = value.text or value.source
        there = base is not None and draft.world.kind(posixpath.join(base, ".git/refs/heads", text)) is not None
        lost = onto or there or value.text is None or g.protected(draft, text)
        note = "a branch of this name is thrown onto another commit"
        g.ref(draft, Verb.OVERWRITE, text, undo=g.LOST if lost else g.LOCAL, note=note if lost else "")


def branch(draft: Draft, base: str | None) -> None:
    """`git branch`: made, renamed or moved, removed when merged (-d) or in any case (-D)."""
    names = draft.values("name")
    changes = draft.has("delete", "delete-force", "move", "move-force", "force")
    if draft.has("list", "remotes") and not changes:  # `git branch -v -D x` lists nothing
        return
    if draft.has("unset-upstream", "set-upstream-to", "edit-description"):
        g.repository(draft, Verb.WRITE, "branch settings")
        return
    forced = draft.has("force", "delete-force")
    if draft.has("delete", "delete-force"):
        for value in names:
            text = value.text or value.source
            note = "commits that only this branch has are lost" if forced else ""
            g.ref(draft, Verb.DELETE, text, undo=g.LOST if forced else g.LOCAL, note=note)
    elif draft.has("move-force"):
        fresh = len(names) == 1 and names[0].text in ("main", "master", "trunk")
        if fresh and not _there(draft, base, names[0]):
            g.ref(draft, Verb.WRITE, names[0].text or "?")
        else:
            moves(draft, base, names[-1:], onto=False)
    elif draft.has("move"):
        g.ref(draft, Verb.OVERWRITE, names[-1].text or names[-1].source if names else "HEAD")
    elif draft.has("force"):
        moves(draft, base, names[:1], onto=True)
    elif names:
        g.ref(draft, Verb.CREATE, names[0].text or names[0].source)


def _there(draft: Draft, base: str | None, name: Word) -> bool:
    path = None if base is None or name.text is None else posixpath.join(base, ".git/refs/heads", name.text)
    return path is None or draft.world.kind(path) is not None


def tag(draft: Draft, base: str | None) -> None:
    """`git tag`: made, replaced or removed; a tag has no reflog."""
    names = draft.values("name")
    if draft.has("delete"):
        for value in names:
            g.ref(draft, Verb.DELETE, value.text or value.source, undo=g.LOST, note="a tag has no reflog")
    elif draft.has("list", "sort", "contains", "points-at", "verify", "n"):
        return
    elif names:
        verb = Verb.OVERWRITE if draft.has("force") else Verb.CREATE
        g.ref(draft, verb, names[0].text or names[0].source, undo=g.LOST if draft.has("force") else g.LOCAL)
    _ = base


def stash(draft: Draft, base: str | None) -> None:
    """`git stash`: dropped stashes cannot be found again."""
    action = draft.text("action") or "push"
    if action in ("drop", "clear"):
        scale = ALL if action == "clear" else ONE
        g.ref(draft, Verb.DELETE, "stash", undo=g.LOST, scale=scale, note="stashed work is lost")
    elif action in ("pop", "apply", "branch"):
        g.repository(draft, Verb.WRITE, "working tree")
    elif action not in ("list", "show", "create"):
        g.ref(draft, Verb.CREATE, "stash")
    _ = base


def reflog(draft: Draft, base: str | None) -> None:
    """`git reflog`: what makes mistakes reparable."""
    if draft.text("action") in ("expire", "delete", "drop") and not draft.has("dry"):
        g.repository(draft, Verb.DELETE, "reflog", undo=g.LOST, scale=ALL, note=_FOUND_NO_MORE)
    _ = base


def housekeeping(draft: Draft, base: str | None) -> None:
    """gc, prune, repack, maintenance: harmless while nothing young is thrown away."""
    when = draft.text("prune") or draft.text("expire") or ""
    name = draft.said.path[0]
    settings = " ".join((v.text or "").lower() for v in draft.values("setting"))
    soon = "gc." in settings and any(f"{k}={w}" in settings for k in ("expire", "unreachable") for w in ("now", "all"))
    if name == "maintenance" and draft.text("what") in ("start", "stop", "register", "unregister"):
        g.repository(draft, Verb.CONFIGURE, "maintenance")
        draft.opaque("git's maintenance is put into the timers of this machine, or taken out")
    elif soon or when in ("now", "all") or (name == "prune" and not draft.has("dry") and not when):
        g.repository(draft, Verb.DELETE, "unreachable objects", undo=g.LOST, scale=ALL, note=_FOUND_NO_MORE)
    else:
        g.repository(draft, Verb.WRITE, "objects")
    _ = base


def rewrite(draft: Draft, base: str | None) -> None:
    """filter-branch and filter-repo: every commit becomes another one."""
    if draft.has("analyze", "dry"):
        return
    g.history(draft, "every commit is rewritten")
    if any(name.endswith("callback") for name in draft.said.tags):
        draft.opaque("a filter-repo callback is Python that is not read")
    _ = base


def replace(draft: Draft, base: str | None) -> None:
    """`git replace`: an object is shown instead of another one."""
    if draft.has("list") or not (draft.values("name") or draft.has("edit", "graft", "convert-graft-file")):
        return
    what = next((v.text or v.source for v in draft.values("name")), "grafts")
    g.ref(draft, Verb.OVERWRITE, f"refs/replace/{what}", undo=g.LOST, note="history looks different from now on")
    _ = base


def update_ref(draft: Draft, base: str | None) -> None:
    """`git update-ref` and `symbolic-ref`: refs set by hand, without git's questions."""
    names = draft.values("name")
    if draft.has("stdin"):
        g.ref(draft, Verb.OVERWRITE, "(many)", undo=g.LOST, scale=MANY, note="refs are set by hand")
    for value in names[:1]:
        text = value.text or value.source
        if draft.has("delete"):
            g.ref(draft, Verb.DELETE, text, undo=g.LOST)
        elif len(names) > 1 and draft.said.path[0] == "symbolic-ref":
            g.ref(draft, Verb.WRITE, text)
        elif len(names) > 1:
            g.ref(draft, Verb.OVERWRITE, text, undo=g.LOST, note="a ref is set by hand")
    _ = base


def notes(draft: Draft, base: str | None) -> None:
    """`git notes`: notes are commits of a ref of their own."""
    if draft.text("action") not in (None, "list", "show", "get-ref"):
        g.ref(draft, Verb.WRITE, "refs/notes/commits")
    _ = base


def fast_import(draft: Draft, base: str | None) -> None:
    """`git fast-import`: refs and commits from a stream."""
    if draft.has("force"):
        g.history(draft, "branches are replaced by what a stream says")
    else:
        g.repository(draft, Verb.WRITE, "objects and refs")
    _ = base


def integrate(draft: Draft, base: str | None) -> None:
    """merge, rebase, cherry-pick, revert, am: new commits on the current branch; the reflog has the old one."""
    name = draft.said.path[0]
    if draft.has("no-verify"):
        g.skips_hooks(draft)
    if draft.has("step"):
        g.repository(draft, Verb.WRITE, "working tree")
        return
    if name == "am":
        g.unread_patch(draft)
    if name == "rebase" and draft.has("root"):
        g.ref(draft, Verb.OVERWRITE, g.current(draft, base), undo=g.LOST, note="the whole history is rewritten")
    else:
        g.ref(draft, Verb.OVERWRITE if name == "rebase" else Verb.WRITE, g.current(draft, base))


def bisect(draft: Draft, base: str | None) -> None:
    """`git bisect`: looks for a commit; `run` is a command of the line."""
    words = draft.values("what")
    first = words[0].text if words else None
    if first == "run":
        draft.argv(words[1:])
    elif first in ("start", "reset", "good", "bad", "old", "new", "skip", "replay", "next"):
        g.ref(draft, Verb.WRITE, "HEAD")
    _ = base
