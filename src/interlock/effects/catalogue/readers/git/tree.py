"""git and the working tree: what is written into it, and what is thrown away that was never committed."""

from __future__ import annotations

import posixpath

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers.git import base as g
from interlock.effects.catalogue.readers.git.refs import moves
from interlock.model.effect import Breadth, Reversibility, Verb

_REPLACED = "changes that were never committed are replaced"


def checkout(draft: Draft, base: str | None) -> None:
    """`git checkout`: a branch is taken up, or paths are replaced by what git has."""
    before, after = g.after_dashes(draft, draft.values("what"))
    if draft.has("force-new"):
        moves(draft, base, draft.values("force-new"), onto=bool(before))
    for value in draft.values("new"):
        g.ref(draft, Verb.CREATE, value.text or value.source)
    if draft.has("force"):
        g.discards_tree(draft, base, _REPLACED)
    if draft.values("pathspec-from-file"):
        g.discards_tree(draft, base, _REPLACED)
    elif draft.has("patch"):
        g.discards(draft, "the working tree")
    elif after:
        g.discards_paths(draft, after, base, note=_REPLACED)
    elif draft.has("ours"):
        g.discards_paths(draft, before, base, note=_REPLACED)
    else:
        files = [w for w in before if g.whole_tree(w) or g.is_file(draft, w, base)]
        if len(before) > 1 and not draft.has("new", "force-new"):
            files = before[1:] if before[0] not in files else files
        g.discards_paths(draft, files, base, note=_REPLACED)
        if not files and before and not draft.has("new", "force-new"):
            g.ref(draft, Verb.WRITE, "HEAD")


def switch(draft: Draft, base: str | None) -> None:
    """`git switch` keeps changes, unless it is told not to."""
    if draft.has("force-new"):
        moves(draft, base, draft.values("force-new"), onto=bool(draft.values("what")))
    for value in draft.values("new"):
        g.ref(draft, Verb.CREATE, value.text or value.source)
    if draft.has("force"):
        g.discards_tree(draft, base, _REPLACED)


def restore(draft: Draft, base: str | None) -> None:
    """`git restore`: without --staged it is the working tree that is replaced."""
    if draft.has("staged") and not draft.has("worktree"):
        g.repository(draft, Verb.WRITE, "index")
        return
    if draft.values("pathspec-from-file"):
        g.discards_tree(draft, base, _REPLACED)
    elif draft.has("patch") and not draft.values("path"):
        g.discards(draft, "the working tree")
    g.discards_paths(draft, draft.values("path"), base, note=_REPLACED)


def reset(draft: Draft, base: str | None) -> None:
    """`git reset`: the index and the branch can be found again, what --hard and --merge replace cannot."""
    words = draft.values("what")
    if draft.has("hard"):
        g.discards_tree(draft, base, "changes that were never committed are lost")
        if words and words[0].text != "HEAD":
            g.ref(draft, Verb.OVERWRITE, g.current(draft, base))
        return
    if draft.has("merge"):
        g.discards(draft, "the index")
    before, after = g.after_dashes(draft, words)
    moving = [w for w in before if not g.is_file(draft, w, base)]
    if after or len(before) > 1 or not moving or moving[0].text == "HEAD":
        g.repository(draft, Verb.WRITE, "index")
    else:
        g.ref(draft, Verb.OVERWRITE, g.current(draft, base))


def clean(draft: Draft, base: str | None) -> None:
    """`git clean`: files that git never had."""
    unguarded = any(
        (v.text or "").lower().replace(" ", "") == "clean.requireforce=false" for v in draft.values("setting")
    )
    if draft.has("dry") or not (draft.has("force", "interactive") or unguarded):
        return
    words = draft.values("path")
    note = "files that git does not have" + (", ignored ones too" if draft.has("x", "X") else "")
    for value in words:
        if g.whole_tree(value):
            g.tree(draft, Verb.DELETE, base, breadth=Breadth.MANY, note=note)
        else:
            draft.file(Verb.DELETE, g.inside(value, base), directory=True, everything=True, note=note)
    if not words:
        g.tree(draft, Verb.DELETE, base, breadth=Breadth.MANY, note=note)


def rm(draft: Draft, base: str | None) -> None:
    """`git rm`: the last commit has the files, unless changes are forced away."""
    if draft.has("cached", "dry"):
        g.repository(draft, Verb.WRITE, "index")
        return
    undo = Reversibility.IRREVERSIBLE if draft.has("force") else Reversibility.RECOVERABLE
    deep = draft.has("recursive")
    if draft.has("force") and draft.values("pathspec-from-file"):
        g.discards_tree(draft, base, _REPLACED)
    for value in draft.values("path"):
        draft.file(
            Verb.DELETE,
            g.inside(value, base) if base != draft.inv.cwd else value,
            undo=undo,
            directory=True if deep else None,
            everything=deep,
            note="git has the last commit",
        )


def read_tree(draft: Draft, base: str | None) -> None:
    """`git read-tree --reset -u` is a hard reset by another name."""
    g.repository(draft, Verb.WRITE, "index")
    if draft.has("resets") and draft.has("updates") and not draft.has("dry"):
        g.discards_tree(draft, base, _REPLACED)


def checkout_index(draft: Draft, base: str | None) -> None:
    """`git checkout-index -f` replaces files by what the index has."""
    g.repository(draft, Verb.WRITE, "index")
    elsewhere = (draft.text("prefix") or "").removeprefix("./") not in ("", "/")
    if not draft.has("force") or elsewhere or draft.has("temp", "no-create"):
        return
    if draft.has("all", "stdin"):
        g.discards_tree(draft, base, _REPLACED)
    g.discards_paths(draft, draft.values("path"), base, note=_REPLACED)


def worktree(draft: Draft, base: str | None) -> None:
    """`git worktree`: further working trees, beside the project or in it."""
    action, words = draft.text("action"), draft.values("what")
    if action == "remove" and words and draft.has("force"):
        draft.file(Verb.DELETE, words[0], directory=True, everything=True, note="a working tree")
        g.discards(draft, words[0].text or words[0].source)
    elif action == "remove" and words:
        name = draft.path(words[0], base) or words[0].source
        g.repository(draft, Verb.DELETE, name, note="a working tree; git refuses where something is not committed")
    elif action == "add" and words:
        path = draft.path(words[0], base)
        beside = path is not None and posixpath.dirname(path) == posixpath.dirname(draft.setting.workspace)
        if draft.has("force-new"):
            moves(draft, base, draft.values("force-new"), onto=len(words) > 1)
        if beside and path is not None and draft.world.kind(path) is None:
            g.repository(draft, Verb.CREATE, path, note="a new working tree beside the project")
        else:
            draft.file(Verb.CREATE, words[0], directory=True)


def apply(draft: Draft, base: str | None) -> None:
    """`git apply`: a patch written into the working tree, or checked only."""
    if draft.has("check") and not draft.has("apply"):
        return
    g.unread_patch(draft)
    where = draft.text("directory")
    if draft.has("unsafe-paths") or (where is not None and not draft.ours(draft.path(known(where), base))):
        draft.opaque("a patch that may write outside of the repository")
    if draft.has("cached"):
        g.repository(draft, Verb.WRITE, "index")
    else:
        g.tree(draft, Verb.WRITE, base, breadth=Breadth.MANY)
