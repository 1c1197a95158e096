"""git: what a subcommand does to refs, to the working tree, to the other side, and what git runs on the way."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable

from interlock.effects.catalogue.draft import Draft, absolute
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers.git import base as g
from interlock.effects.catalogue.readers.git import refs, tree
from interlock.effects.catalogue.readers.git.config import config, is_command, remote_url, settings
from interlock.effects.catalogue.readers.git.push import push
from interlock.effects.catalogue.words import word_list
from interlock.effects.invocation import Word
from interlock.effects.places import file_resource
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Breadth, Verb

# Commands that run hooks, and the variables by which hook managers can be told to leave theirs out.
_HOOKED = frozenset({"commit", "push", "merge", "rebase", "am", "cherry-pick", "revert", "checkout", "switch", "pull"})
_SKIPPING = {
    "HUSKY": "0",
    "LEFTHOOK": "0",
    "HUSKY_SKIP_HOOKS": "",
    "OVERCOMMIT_DISABLE": "",
    "SKIP": "",
    "PREK_SKIP": "",
}
_ADDITIONS = word_list("git-additions")
_EDITORS = ("core.editor", "sequence.editor", "core.sshcommand")  # often set on a line, and read like any command
_NO_COMMANDS = ("core.hookspath", "include", "url.", "init.template", "protocol.", "http", "safe.", "remote.")


def git(draft: Draft) -> None:
    """The family's reader: first the settings given on the line, then the subcommand."""
    base = _base(draft)
    _line_settings(draft, base)
    if not draft.said.path:
        _unlisted(draft, base)
        return
    name = draft.said.path[0]
    alias = settings(draft, base).get(f"alias.{name.lower()}") if name in _ADDITIONS else None
    if alias:  # programs such as git-undo are rarely installed; where they are not, git takes the alias
        _alias(draft, alias)
    g.programs_of_the_line(draft)
    if name in _HOOKED and any(_skips(key, value.text) for key, value in draft.inv.assignments):
        g.skips_hooks(draft)
    handler = _HANDLERS.get(name)
    if handler is not None:
        handler(draft, base)


def _rev_parse(draft: Draft, base: str | None) -> None:
    """`git rev-parse --show-toplevel` inside the project prints where it begins: scripts go there first."""
    asked = [word.text for word in draft.inv.words[1:] if word.text != "rev-parse"]
    if asked == ["--show-toplevel"] and draft.ours(base) and not draft.inv.remote:
        draft.output = draft.setting.workspace + "\n"
        draft.output_taint = set()


def _base(draft: Draft) -> str | None:
    """The directory git works in: -C options one after another."""
    base = draft.inv.cwd
    for value in draft.values("dir"):
        base = None if value.text is None else absolute(value.text, base, draft.setting.home)
    tree = draft.text("worktree")
    return absolute(tree, base, draft.setting.home) if tree else base


def _line_settings(draft: Draft, base: str | None) -> None:
    """`-c key=value`: some values are commands that git runs at once."""
    for value in draft.values("setting"):
        _setting(draft, value)
    for value in draft.values("gitdir"):
        where = draft.path(value, draft.inv.cwd)
        if not draft.inv.remote and not draft.ours(where):
            draft.opaque("git takes its configuration from a directory outside of the workspace", value.source)
    if draft.values("execpath"):
        draft.opaque("git takes its programs from another directory")
    if draft.values("config-env"):
        draft.opaque("git takes a setting from a variable")
    if draft.said.path[:1] == ["clone"] and any(is_command(*_split(v)) for v in draft.values("c")):
        draft.opaque("the clone is configured with a command")
    _ = base


def _skips(variable: str, value: str | None) -> bool:
    off = _SKIPPING.get(variable)
    return off is not None and (value is None or value == off or (not off and value not in ("", "0")))


def _split(value: Word) -> tuple[str, str]:
    key, _, what = (value.text if value.text is not None else value.prefix).partition("=")
    return key, what


def _setting(draft: Draft, value: Word) -> None:
    key, what = _split(value)
    lower = key.lower()
    if lower == "core.hookspath" and what in ("/dev/null", ""):
        g.skips_hooks(draft)
    elif not is_command(key, what) or lower == "safe.directory":
        return
    elif lower.startswith("alias."):
        if draft.said.stray is not None and draft.said.stray.text == key[6:]:
            _alias(draft, what)
    elif value.text is None:
        draft.opaque(f"git runs with {key} set on the line", value.source)
    elif lower.startswith(_EDITORS):
        draft.shell(what.lstrip("!"))
    else:
        draft.opaque(f"git runs with {key} set on the line", value.source)
        if not lower.startswith(_NO_COMMANDS):
            draft.shell(what.lstrip("!"))


def _unlisted(draft: Draft, base: str | None) -> None:
    """A subcommand that no one wrote down: an alias of this repository or user, or a program called git-NAME."""
    stray = draft.said.stray
    if stray is None:
        return
    if stray.text is None:
        draft.opaque("which git command runs is not known", labels=(L.UNREAD,))
        return
    if any(v.text and v.text.startswith(f"alias.{stray.text}=") for v in draft.values("setting")):
        return
    alias = settings(draft, base).get(f"alias.{stray.text.lower()}")
    if alias:
        _alias(draft, alias)
    else:
        draft.opaque(f"git has no command {stray.text!r} of its own", labels=(L.UNKNOWN_COMMAND,))
        draft.resolved = False


def _alias(draft: Draft, text: str) -> None:
    rest = draft.said.operands[1:] if draft.said.operands else []
    if text.startswith("!"):
        draft.shell(text[1:] + "".join(f" {shlex.quote(w.text or '?')}" for w in rest))
        return
    try:
        words = [known(w) for w in shlex.split(text)]
    except ValueError:
        draft.opaque("a git alias that cannot be split", text)
        return
    if words and words[0].text == (draft.said.stray.text if draft.said.stray else None):
        draft.opaque("a git alias that names itself", text)
        return
    draft.argv([known("git"), *words, *rest])


# -- subcommands ----------------------------------------------------------------------------------------------------


def _commit(draft: Draft, base: str | None) -> None:
    if draft.has("dry-run"):
        return
    if draft.has("no-verify"):
        g.skips_hooks(draft)
    g.ref(draft, Verb.OVERWRITE if draft.has("amend") else Verb.CREATE, g.current(draft, base))


def _remote_read(draft: Draft, base: str | None) -> None:
    name = draft.text("remote") or ("(unknown)" if draft.said.value("remote") else "origin")
    g.repository(draft, Verb.FETCH, name)
    if re.match(r"[\w+.-]+::", name):
        g.location(draft, Verb.FETCH, name)
    _unknown_url(draft, draft.said.value("remote"))
    _contact(draft, base, name)
    if not draft.has("dry-run"):
        _fetched_onto(draft, base)
    if draft.said.path[0] == "pull":
        g.ref(draft, Verb.WRITE, g.current(draft, base))


def _fetched_onto(draft: Draft, base: str | None) -> None:
    """`+main:main`: a branch of one's own is thrown onto what the other side has, as by `git branch -f`."""
    for value in draft.values("ref"):
        text = value.text or ""
        source, _, target = text.lstrip("+").partition(":")
        forced = text.startswith("+") or draft.has("force")
        if forced and source and target and not target.startswith(("refs/remotes/", "refs/tags/", "refs/pull/")):
            moved = target.removeprefix("refs/heads/")
            refs.moves(draft, base, [known(moved)], onto="*" in moved or g.protected(draft, moved))


def _unknown_url(draft: Draft, value: Word | None) -> None:
    """`https://$(...)/x.git`: whoever serves the name is told what stands in it."""
    if value is not None and value.text is None and re.match(r"\w+://|[^/\s]+@", value.prefix):
        draft.host(Verb.FETCH, value.prefix, taint=value.taint)


def _contact(draft: Draft, base: str | None, name: str) -> None:
    url = remote_url(draft, base, name)
    if url:
        g.location(draft, Verb.FETCH, url)


def _clone(draft: Draft, base: str | None) -> None:
    url = draft.said.value("url")
    if url is None:
        return
    text = url.text
    if text is None:
        draft.host(Verb.FETCH, url.prefix or url.source)
    else:
        g.location(draft, Verb.FETCH, text)
    target = draft.said.value("target")
    if target is None:
        name = posixpath.basename((text or "clone").rstrip("/").partition("?")[0]).removesuffix(".git") or "clone"
        target = known(posixpath.join(base, name.rpartition(":")[2])) if base else known(name.rpartition(":")[2])
    if text is None or not text.startswith(("ext::", "fd::")):
        draft.file(Verb.CREATE, target, directory=True, taint=(L.FROM_NETWORK,))
    if draft.has("template"):
        draft.opaque("a template directory brings hooks")


def _ls_remote(draft: Draft, base: str | None) -> None:
    text = draft.text("url") or "origin"
    _unknown_url(draft, draft.said.value("url"))
    if "/" in text or ":" in text:
        g.location(draft, Verb.FETCH, text)
    else:
        g.repository(draft, Verb.FETCH, text)
        _contact(draft, base, text)


def _remote(draft: Draft, base: str | None) -> None:
    action = draft.text("action")
    if action in ("add", "set-url", "rename", "remove", "rm", "set-head", "set-branches", "prune"):
        name = draft.text("what") or "?"
        g.repository(draft, Verb.CONFIGURE, f"remote {name}")
        for value in draft.values("what")[1:2] if action in ("add", "set-url") else ():
            g.location(draft, Verb.SEND, value.text if value.text is not None else value.source)
    elif action in ("show", "update"):
        g.repository(draft, Verb.FETCH, draft.text("what") or "origin")
        if "://" in (draft.text("what") or ""):
            g.location(draft, Verb.FETCH, draft.text("what") or "")
    _ = base


def _submodule(draft: Draft, base: str | None) -> None:
    action = draft.said.path[1] if len(draft.said.path) > 1 else ""
    if action in ("update", "add"):
        g.repository(draft, Verb.FETCH, "submodules")
        for value in draft.values("what"):
            text = value.text or ""
            if "::" in text or "://" in text or re.match(r"^[^/]+@[^/]+:", text):
                g.location(draft, Verb.FETCH, text)
        if action == "update" and draft.has("force"):
            g.discards(draft, "submodules")
    elif action == "deinit":
        g.tree(draft, Verb.DELETE, base, breadth=Breadth.MANY, note="working trees of submodules")
        if draft.has("force"):
            g.discards(draft, "submodules")
    elif action == "set-url":
        for value in draft.values("what")[1:2]:
            g.location(draft, Verb.FETCH, value.text if value.text is not None else value.source)


def _pager(draft: Draft, base: str | None) -> None:
    for value in draft.values("what"):
        revision, colon, path = (value.text or "").partition(":")
        if colon and revision and path and draft.said.path[0] != "grep":
            draft.file(Verb.READ, known(posixpath.join(base, path) if base else path), note=f"as of {revision}")
        elif draft.has("no-index") and value.text:
            draft.file(Verb.READ, value)
        elif _shows_content(draft):
            _revealed(draft, base, value)
    pager = draft.said.value("pagertext")
    if pager is not None and pager.text != "":
        draft.shell_words([pager])
    _ = base


def _shows_content(draft: Draft) -> bool:
    """Whether the files that are named are shown: `log` shows them only where it was asked for patches."""
    return draft.said.path[0] in ("diff", "show") or any(
        (w.text or "").startswith(("-p", "-u", "--patch", "-S", "-G", "-L")) for w in draft.inv.words
    )


def _revealed(draft: Draft, base: str | None, value: Word) -> None:
    """A file of credentials is read, as it is now or as it was: its text stands in the history as well."""
    text = (value.text or "").removeprefix(":/")
    name = known(posixpath.join(base, text) if base else text)
    path = draft.path(name) if text else None
    if path is not None and L.SECRET in file_resource(path, draft.setting, draft.world, cwd=draft.inv.cwd).labels:
        draft.file(Verb.READ, name, note="as the history has it")


def _blame(draft: Draft, base: str | None) -> None:
    for word in draft.inv.words[2:]:
        _revealed(draft, base, word)


def _cat_file(draft: Draft, base: str | None) -> None:
    if not any(w.text in ("-t", "-s", "-e") for w in draft.inv.words):
        for word in draft.inv.words[2:]:
            revision, colon, path = (word.text or "").partition(":")
            if colon and revision and path:
                _revealed(draft, base, known(path))


def _archive(draft: Draft, base: str | None) -> None:
    url = draft.text("url")
    name = draft.said.path[0]
    if url:
        g.location(draft, Verb.FETCH, url)
    if name == "bundle" and draft.text("what") == "create" and len(draft.values("what")) > 1:
        draft.file(Verb.WRITE, draft.values("what")[1])
    elif name == "archive":
        for value in draft.values("what")[1:]:
            _revealed(draft, base, value)
    elif name == "format-patch" and not draft.has("output", "stdout"):
        g.tree(draft, Verb.WRITE, base, breadth=Breadth.MANY)
    draft.flow.add(L.FROM_FILE)


def _init(draft: Draft, base: str | None) -> None:
    if draft.has("template"):
        draft.opaque("a template directory brings hooks")
    target = draft.said.value("target")
    path = draft.path(target, base) if target is not None else base
    if target is not None and path is not None and L.ROOT in _place(draft, path):
        draft.file(Verb.CREATE, target, directory=True, note="everything below becomes a working tree")


def _place(draft: Draft, path: str) -> tuple[str, ...]:
    return file_resource(path, draft.setting, draft.world, cwd="/", directory=True).labels


def _lfs(draft: Draft, base: str | None) -> None:
    """git-lfs: large files on the other side, and `migrate`, which rewrites history."""
    action, words = draft.text("action"), draft.values("what")
    if action in ("fetch", "pull", "clone", "checkout", "locks"):
        g.repository(draft, Verb.FETCH, "lfs")
    elif action in ("push", "lock", "unlock"):
        g.repository(draft, Verb.PUBLISH, f"lfs {action}")
    elif action == "migrate" and not (words and words[0].text == "info"):
        g.history(draft, "files are moved into or out of large file storage in every commit")
    elif action == "prune" and not draft.has("dry"):
        g.repository(draft, Verb.DELETE, "lfs cache")
    elif action in ("track", "untrack"):
        draft.file(Verb.WRITE, known(posixpath.join(base, ".gitattributes") if base else ".gitattributes"))
    elif action in ("install", "uninstall", "update", "dedup"):
        g.repository(draft, Verb.CONFIGURE, f"lfs {action}")


_HANDLERS: dict[str, Callable[[Draft, str | None], None]] = {
    "rev-parse": _rev_parse,
    "am": refs.integrate,
    "apply": tree.apply,
    "archive": _archive,
    "annotate": _blame,
    "bisect": refs.bisect,
    "blame": _blame,
    "branch": refs.branch,
    "bundle": _archive,
    "cat-file": _cat_file,
    "checkout": tree.checkout,
    "checkout-index": tree.checkout_index,
    "cherry-pick": refs.integrate,
    "clean": tree.clean,
    "clone": _clone,
    "commit": _commit,
    "config": config,
    "diff": _pager,
    "fast-import": refs.fast_import,
    "fetch": _remote_read,
    "filter-branch": refs.rewrite,
    "filter-repo": refs.rewrite,
    "format-patch": _archive,
    "gc": refs.housekeeping,
    "grep": _pager,
    "init": _init,
    "init-db": _init,
    "lfs": _lfs,
    "log": _pager,
    "ls-remote": _ls_remote,
    "maintenance": refs.housekeeping,
    "merge": refs.integrate,
    "notes": refs.notes,
    "prune": refs.housekeeping,
    "pull": _remote_read,
    "push": push,
    "read-tree": tree.read_tree,
    "rebase": refs.integrate,
    "reflog": refs.reflog,
    "remote": _remote,
    "repack": refs.housekeeping,
    "replace": refs.replace,
    "reset": tree.reset,
    "restore": tree.restore,
    "revert": refs.integrate,
    "rm": tree.rm,
    "show": _pager,
    "stash": refs.stash,
    "submodule": _submodule,
    "switch": tree.switch,
    "symbolic-ref": refs.update_ref,
    "tag": refs.tag,
    "update-ref": refs.update_ref,
    "worktree": tree.worktree,
}
