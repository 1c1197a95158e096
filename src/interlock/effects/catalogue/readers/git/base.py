"""What git's readers share: effects on refs, on the repository, on the working tree, and on the other side."""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.words import word_list
from interlock.effects.environments import environment_of
from interlock.effects.invocation import Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import ALL, ONE, Breadth, Kind, Reversibility, Scale, Verb

LOCAL = Reversibility.RECOVERABLE  # the reflog has the old value
LOST = Reversibility.IRREVERSIBLE
_WHOLE = (".", "./", ":/", "*", ":(top)", "..", "-A")
_QUIET_PROGRAMS = word_list("git-programs")


def protected(draft: Draft, branch: str) -> bool:
    """Whether the user protects this branch."""
    return any(fnmatchcase(branch, glob) for glob in draft.setting.protected_branches)


def current(draft: Draft, base: str | None) -> str:
    """The branch checked out, or HEAD when it is not known."""
    return (draft.world.branch(base) if base and not draft.inv.remote else None) or "HEAD"


def ref(
    draft: Draft, verb: Verb, name: str, *, undo: Reversibility = LOCAL, scale: Scale = ONE, note: str = ""
) -> None:
    """An effect on a local ref."""
    marks = (L.PROTECTED,) if protected(draft, name.removeprefix("refs/heads/")) else ()
    draft.add(
        verb,
        Kind.GIT_REF,
        name,
        labels=marks,
        env=environment_of("branch", name, draft.setting),
        undo=undo,
        scale=scale,
        note=note,
    )


def repository(
    draft: Draft, verb: Verb, name: str, *, undo: Reversibility = LOCAL, scale: Scale = ONE, note: str = ""
) -> None:
    """An effect on the repository as a whole."""
    draft.add(verb, Kind.GIT_REPOSITORY, name, undo=undo, scale=scale, note=note)


def history(draft: Draft, note: str, *, scale: Scale = ALL) -> None:
    """Commits that are there would be replaced by others."""
    repository(draft, Verb.OVERWRITE, "history", undo=LOST, scale=scale, note=note)


def discards(draft: Draft, what: str) -> None:
    """Work that was never committed is thrown away; git keeps no copy of it."""
    repository(draft, Verb.OVERWRITE, f"uncommitted work in {what}", undo=LOST, note="git keeps no copy of it")


def skips_hooks(draft: Draft) -> None:
    """The checks that the project has set up for this step are left out."""
    repository(draft, Verb.CONFIGURE, "hooks (skipped)", note="the project's own checks do not run")


def tree(draft: Draft, verb: Verb, base: str | None, *, breadth: Breadth = Breadth.ALL, note: str = "") -> None:
    """An effect on the whole working tree."""
    top = Word(base, base or "?", (0, 0), base or "")
    draft.file(verb, top, directory=True, breadth=breadth, undo=LOST, note=note)


def discards_tree(draft: Draft, base: str | None, note: str) -> None:
    """The working tree is replaced, with every change that is in it."""
    tree(draft, Verb.OVERWRITE, base, note=note)


def discards_paths(draft: Draft, words: list[Word], base: str | None, *, note: str) -> None:
    """Paths of the working tree are replaced by what git has; `.`, `:/` and `*` are all of it."""
    for value in words:
        if value.text in _WHOLE:
            discards_tree(draft, base, note)
            continue
        if L.SCRATCH not in draft.file(Verb.OVERWRITE, inside(value, base), undo=LOST, note=note).labels:
            discards(draft, value.text or value.source)


def inside(value: Word, base: str | None) -> Word:
    """A path that git takes from the directory it works in."""
    text = value.text
    if text is None or base is None or text.startswith("/"):
        return value
    full = posixpath.normpath(posixpath.join(base, text))
    return Word(full, full, value.span, full, value.taint, value.many, value.glob)


def whole_tree(value: Word) -> bool:
    """Whether this pathspec is everything."""
    return value.text in _WHOLE


def after_dashes(draft: Draft, words: list[Word]) -> tuple[list[Word], list[Word]]:
    """The words before `--` and those after it."""
    cut = draft.said.dashes
    return (words, []) if cut < 0 else (words[:cut], words[cut:])


def is_file(draft: Draft, value: Word, base: str | None) -> bool:
    """Whether a word that may be a branch or a path is a path."""
    path = draft.path(value, base)
    return value.glob or (
        path is not None and draft.world.kind(path) is not None and value.text not in ("main", "master")
    )


def location(draft: Draft, verb: Verb, url: str) -> None:
    """The host behind a git URL; `ext::` and helpers run programs."""
    if re.match(r"^(ext|fd)::", url) or url.startswith("-"):
        draft.opaque("this git URL runs a program", url)
    elif "::" in url.split("/", maxsplit=1)[0]:
        draft.opaque("this git URL asks for a remote helper", url)
    elif "://" in url:
        if not url.startswith("file://"):
            draft.host(verb, url)
    elif re.match(r"^(?:[^/@\s]+@)?[^/:\s]+:(?!\\)", url):
        draft.host(verb, url.partition(":")[0].rpartition("@")[2])


def programs_of_the_line(draft: Draft) -> None:
    """`--upload-pack`, `--exec`, `-O`, `-x`: git runs the program that the line names; a few are everyday ones."""
    for value in draft.values("runs"):
        words = (value.text or "").split()
        name = posixpath.basename(words[0]) if words else ""
        if value.text is not None:
            draft.shell_words([value])
        if name not in _QUIET_PROGRAMS:
            draft.opaque("git runs a program that the line names", value.text or value.source)


def unread_patch(draft: Draft) -> None:
    """`curl ... | git apply`, `| git am`: code off the network becomes the project's own, and nobody has seen it."""
    if draft.has("downloaded"):
        draft.run_unread("patch", "a patch off the network, applied before anybody has read it", draft.flow)
