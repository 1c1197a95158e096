"""git: what a subcommand does to refs, to the working tree, to the other side, and what git runs on the way."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable
from fnmatch import fnmatchcase

from interlock.effects.catalogue.draft import Draft, absolute
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers import git_push
from interlock.effects.catalogue.readers.git_config import config, is_command, remote_url, settings
from interlock.effects.environments import environment_of
from interlock.effects.invocation import Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import ALL, ONE, Breadth, Kind, Reversibility, Scale, Verb

_LOCAL = Reversibility.RECOVERABLE  # the reflog has the old value


def git(draft: Draft) -> None:
    """The family's reader: first the settings given on the line, then the subcommand."""
    base = _base(draft)
    _line_settings(draft, base)
    if not draft.said.path:
        _unlisted(draft, base)
        return
    name = draft.said.path[0]
    if name == "push":
        git_push.push(draft, base)
    else:
        handler = _HANDLERS.get(name)
        if handler is not None:
            handler(draft, base)


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
        text = value.text if value.text is not None else value.prefix
        key, _, what = text.partition("=")
        if not is_command(key, what):
            continue
        if value.text is None or key.lower().startswith(
            ("core.hookspath", "include", "url.", "init.template", "protocol.")
        ):
            draft.opaque(f"git runs with {key} set on the line", value.source)
        elif key.lower().startswith("alias."):
            if draft.said.stray is not None and draft.said.stray.text == key[6:]:
                _alias(draft, what)
        else:
            draft.shell(what.lstrip("!"))
    for value in draft.values("gitdir"):
        where = draft.path(value, draft.inv.cwd)
        if not draft.inv.remote and not draft.ours(where):
            draft.opaque("git takes its configuration from a directory outside of the workspace", value.source)
    if draft.values("execpath"):
        draft.opaque("git takes its programs from another directory")
    if (
        draft.values("c")
        and draft.said.path[:1] == ["clone"]
        and any(is_command(*(v.text or "=").partition("=")[::2]) for v in draft.values("c"))
    ):
        draft.opaque("the clone is configured with a command")
    _ = base


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


# -- helps ----------------------------------------------------------------------------------------------------------


def protected(draft: Draft, branch: str) -> bool:
    """Whether the user protects this branch."""
    return any(fnmatchcase(branch, glob) for glob in draft.setting.protected_branches)


def current(draft: Draft, base: str | None) -> str:
    """The branch checked out, or HEAD when it is not known."""
    return (draft.world.branch(base) if base and not draft.inv.remote else None) or "HEAD"


def ref(
    draft: Draft, verb: Verb, name: str, *, undo: Reversibility = _LOCAL, scale: Scale = ONE, note: str = ""
) -> None:
    """An effect on a local ref."""
    marks = (L.PROTECTED,) if protected(draft, name) else ()
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
    draft: Draft, verb: Verb, name: str, *, undo: Reversibility = _LOCAL, scale: Scale = ONE, note: str = ""
) -> None:
    """An effect on the repository as a whole."""
    draft.add(verb, Kind.GIT_REPOSITORY, name, undo=undo, scale=scale, note=note)


def tree(draft: Draft, verb: Verb, base: str | None, *, breadth: Breadth = Breadth.ALL, note: str = "") -> None:
    """An effect on the whole working tree."""
    top = Word(base, base or "?", (0, 0), base or "")
    draft.file(verb, top, directory=True, breadth=breadth, undo=Reversibility.IRREVERSIBLE, note=note)


def paths(
    draft: Draft, verb: Verb, words: list[Word], base: str | None, *, note: str, undo: Reversibility | None = None
) -> None:
    """Effects on paths of the working tree; `.`, `:/` and `*` are all of it."""
    for value in words:
        text = value.text
        if text in (".", "./", ":/", "*", "--", ":(top)"):
            if text != "--":
                tree(draft, verb, base, note=note)
            continue
        if text is not None and base is not None and not text.startswith("/"):
            full = posixpath.normpath(posixpath.join(base, text))
            value = Word(full, full, value.span, full, value.taint, value.many, value.glob)  # noqa: PLW2901
        draft.file(verb, value, undo=undo or Reversibility.IRREVERSIBLE, note=note)


def _after_dashes(draft: Draft, words: list[Word]) -> tuple[list[Word], list[Word]]:
    cut = draft.said.dashes
    return (words, []) if cut < 0 else (words[:cut], words[cut:])


# -- subcommands ----------------------------------------------------------------------------------------------------


def _commit(draft: Draft, base: str | None) -> None:
    if draft.has("dry-run"):
        return
    note = "skips the project's hooks" if draft.has("no-verify") else ""
    ref(draft, Verb.OVERWRITE if draft.has("amend") else Verb.CREATE, current(draft, base), note=note)


def _remote_read(draft: Draft, base: str | None) -> None:
    name = draft.text("remote") or ("(unknown)" if draft.said.value("remote") else "origin")
    repository(draft, Verb.FETCH, name)
    _contact(draft, base, name)
    if draft.said.path[0] == "pull":
        ref(draft, Verb.WRITE, current(draft, base))


def _contact(draft: Draft, base: str | None, name: str) -> None:
    url = remote_url(draft, base, name)
    if url:
        location(draft, Verb.FETCH, url)


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


def _clone(draft: Draft, base: str | None) -> None:
    url = draft.said.value("url")
    if url is None:
        return
    text = url.text
    if text is None:
        draft.host(Verb.FETCH, url.prefix or url.source)
    else:
        location(draft, Verb.FETCH, text)
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
    if "/" in text or ":" in text:
        location(draft, Verb.FETCH, text)
    else:
        repository(draft, Verb.FETCH, text)
        _contact(draft, base, text)


def _checkout(draft: Draft, base: str | None) -> None:
    for value in draft.values("new"):
        ref(draft, Verb.CREATE, value.text or value.source)
    words = draft.values("what")
    before, after = _after_dashes(draft, words)
    note = "changes that were never committed are replaced"
    if draft.has("force"):
        tree(draft, Verb.OVERWRITE, base, note=note)
    if after:
        paths(draft, Verb.OVERWRITE, after, base, note=note)
    elif draft.has("ours"):
        paths(draft, Verb.OVERWRITE, before, base, note=note)
    else:
        files = [w for w in before if w.text in (".", ":/", "*") or _is_file(draft, w, base)]
        paths(draft, Verb.OVERWRITE, files, base, note=note)
        if not files and before and not draft.values("new"):
            ref(draft, Verb.WRITE, "HEAD")


def _is_file(draft: Draft, value: Word, base: str | None) -> bool:
    path = draft.path(value, base)
    return value.glob or (
        path is not None and draft.world.kind(path) is not None and value.text not in ("main", "master")
    )


def _switch(draft: Draft, base: str | None) -> None:
    for value in draft.values("new"):
        ref(draft, Verb.CREATE, value.text or value.source)
    if draft.has("force"):
        tree(draft, Verb.OVERWRITE, base, note="changes that were never committed are replaced")


def _restore(draft: Draft, base: str | None) -> None:
    if draft.has("staged") and not draft.has("worktree"):
        repository(draft, Verb.WRITE, "index")
        return
    paths(draft, Verb.OVERWRITE, draft.values("path"), base, note="changes that were never committed are replaced")


def _reset(draft: Draft, base: str | None) -> None:
    words = draft.values("what")
    if draft.has("hard"):
        tree(draft, Verb.OVERWRITE, base, note="changes that were never committed are lost")
        if words and words[0].text != "HEAD":
            ref(draft, Verb.OVERWRITE, current(draft, base))
        return
    before, after = _after_dashes(draft, words)
    moving = [w for w in before if not _is_file(draft, w, base)]
    if after or len(before) > 1 or not moving or moving[0].text == "HEAD":
        repository(draft, Verb.WRITE, "index")
    else:
        ref(draft, Verb.OVERWRITE, current(draft, base))


def _clean(draft: Draft, base: str | None) -> None:
    if draft.has("dry") or not draft.has("force", "interactive"):
        return
    words = draft.values("path")
    note = "files that git does not have" + (", ignored ones too" if draft.has("x", "X") else "")
    for value in words:
        if value.text in (".", "*", ":/"):
            tree(draft, Verb.DELETE, base, breadth=Breadth.MANY, note=note)
        else:
            draft.file(Verb.DELETE, value, directory=True, everything=True, note=note)
    if not words:
        tree(draft, Verb.DELETE, base, breadth=Breadth.MANY, note=note)


def _rm(draft: Draft, base: str | None) -> None:
    if draft.has("cached", "dry"):
        repository(draft, Verb.WRITE, "index")
        return
    undo = Reversibility.IRREVERSIBLE if draft.has("force") else Reversibility.RECOVERABLE
    deep = draft.has("recursive")
    for value in draft.values("path"):
        if base is not None and base != draft.inv.cwd and value.text is not None:
            value = known(posixpath.join(base, value.text))  # noqa: PLW2901
        draft.file(
            Verb.DELETE,
            value,
            undo=undo,
            directory=True if deep else None,
            everything=deep,
            note="git has the last commit",
        )


def _branch(draft: Draft, base: str | None) -> None:
    names = draft.values("name")
    for value in names:
        text = value.text or value.source
        if draft.has("delete"):
            ref(draft, Verb.DELETE, text)
        elif draft.has("move", "force"):
            ref(draft, Verb.OVERWRITE, text)
        else:
            ref(draft, Verb.CREATE, text)
            break
    _ = base


def _tag(draft: Draft, base: str | None) -> None:
    if draft.has("list", "sort", "contains", "points-at") and not draft.has("delete"):
        return
    _branch(draft, base)


def _stash(draft: Draft, base: str | None) -> None:
    action = draft.text("action") or "push"
    if action in ("drop", "clear"):
        scale = ALL if action == "clear" else ONE
        ref(draft, Verb.DELETE, "stash", undo=Reversibility.IRREVERSIBLE, scale=scale, note="stashed work is lost")
    elif action in ("pop", "apply", "branch"):
        repository(draft, Verb.WRITE, "working tree")
    elif action not in ("list", "show", "create"):
        ref(draft, Verb.CREATE, "stash")
    _ = base


def _integrate(draft: Draft, base: str | None) -> None:
    name = draft.said.path[0]
    words = draft.values("what")
    if name == "apply":
        if not draft.has("check"):
            tree(draft, Verb.WRITE, base, breadth=Breadth.MANY)
    elif name == "bisect":
        texts = [w.text for w in words]
        if texts[:1] == ["run"]:
            draft.argv(words[1:])
        elif texts[:1] == ["reset"]:
            ref(draft, Verb.WRITE, "HEAD")
    elif draft.has("step"):
        repository(draft, Verb.WRITE, "working tree")
    else:
        ref(draft, Verb.OVERWRITE if name == "rebase" else Verb.WRITE, current(draft, base))


def _reflog(draft: Draft, base: str | None) -> None:
    if draft.text("action") in ("expire", "delete", "drop"):
        repository(
            draft,
            Verb.DELETE,
            "reflog",
            undo=Reversibility.IRREVERSIBLE,
            scale=ALL,
            note="lost commits cannot be found again",
        )
    _ = base


def _gc(draft: Draft, base: str | None) -> None:
    when = draft.text("prune") or draft.text("expire") or ""
    name = draft.said.path[0]
    if when in ("now", "all") or (name == "prune" and not draft.has("dry-run") and not when):
        repository(
            draft,
            Verb.DELETE,
            "unreachable objects",
            undo=Reversibility.IRREVERSIBLE,
            scale=ALL,
            note="lost commits cannot be found again",
        )
    else:
        repository(draft, Verb.WRITE, "objects")
    _ = base


def _filter(draft: Draft, base: str | None) -> None:
    repository(
        draft, Verb.OVERWRITE, "history", undo=Reversibility.IRREVERSIBLE, scale=ALL, note="every commit is rewritten"
    )
    if any(name.endswith("callback") for name in draft.said.tags):
        draft.opaque("a filter-repo callback is Python that is not read")
    _ = base


def _update_ref(draft: Draft, base: str | None) -> None:
    for value in draft.values("name")[:1]:
        text = value.text or value.source
        if draft.has("delete"):
            ref(draft, Verb.DELETE, text)
        elif len(draft.values("name")) > 1:
            ref(draft, Verb.OVERWRITE, text)
    _ = base


def _remote(draft: Draft, base: str | None) -> None:
    action = draft.text("action")
    if action in ("add", "set-url", "rename", "remove", "rm", "set-head", "set-branches", "prune"):
        name = draft.text("what") or "?"
        repository(draft, Verb.CONFIGURE, f"remote {name}")
        for value in draft.values("what")[1:2] if action == "set-url" else ():
            location(draft, Verb.SEND, value.text if value.text is not None else value.source)
    elif action in ("show", "update"):
        repository(draft, Verb.FETCH, draft.text("what") or "origin")
    _ = base


def _submodule(draft: Draft, base: str | None) -> None:
    action = draft.text("action")
    if action == "foreach":
        words = [w for w in draft.said.rest or () if w.text != "--recursive"]
        draft.inner.clear()
        draft.shell_words(words)
        return
    draft.inner.clear()
    draft.effects[:] = [e for e in draft.effects if e.verb is not Verb.OPAQUE]
    if action in ("update", "add"):
        repository(draft, Verb.FETCH, "submodules")
        for value in draft.said.rest or ():
            if value.text and re.match(r"^(?:ext|fd)::", value.text):
                draft.opaque("a remote helper runs a command", value.text)
            elif value.text and ("://" in value.text or re.match(r"^[^/]+@[^/]+:", value.text)):
                location(draft, Verb.FETCH, value.text)
    elif action == "deinit":
        tree(draft, Verb.DELETE, base, breadth=Breadth.MANY, note="working trees of submodules")


def _worktree(draft: Draft, base: str | None) -> None:
    action, words = draft.text("action"), draft.values("what")
    if action == "remove" and words:
        draft.file(Verb.DELETE, words[0], directory=True, everything=True, note="a working tree")
    elif action == "add" and words:
        path = draft.path(words[0], base)
        beside = path is not None and posixpath.dirname(path) == posixpath.dirname(draft.setting.workspace)
        if beside and path is not None and draft.world.kind(path) is None:
            repository(draft, Verb.CREATE, path, note="a new working tree beside the project")
        else:
            draft.file(Verb.CREATE, words[0], directory=True)
    _ = base


def _pager(draft: Draft, base: str | None) -> None:
    for value in draft.values("what"):
        revision, colon, path = (value.text or "").partition(":")
        if colon and revision and path and draft.said.path[0] != "grep":
            draft.file(Verb.READ, known(posixpath.join(base, path) if base else path), note=f"as of {revision}")
        elif draft.has("no-index") and value.text:
            draft.file(Verb.READ, value)
    pager = draft.said.value("pagertext")
    if pager is not None and pager.text != "":
        draft.shell_words([pager])
    _ = base


def _archive(draft: Draft, base: str | None) -> None:
    url = draft.text("url")
    if url:
        location(draft, Verb.FETCH, url)
    if draft.said.path[0] == "bundle" and draft.text("what") == "create" and len(draft.values("what")) > 1:
        draft.file(Verb.WRITE, draft.values("what")[1])
    elif draft.said.path[0] == "format-patch" and not draft.has("output"):
        tree(draft, Verb.WRITE, base, breadth=Breadth.MANY)
    draft.flow.add(L.FROM_FILE)


def _init(draft: Draft, base: str | None) -> None:
    if draft.has("template"):
        draft.opaque("a template directory brings hooks")
    _ = base


_HANDLERS: dict[str, Callable[[Draft, str | None], None]] = {
    "commit": _commit,
    "fetch": _remote_read,
    "pull": _remote_read,
    "clone": _clone,
    "ls-remote": _ls_remote,
    "checkout": _checkout,
    "switch": _switch,
    "restore": _restore,
    "reset": _reset,
    "clean": _clean,
    "rm": _rm,
    "branch": _branch,
    "tag": _tag,
    "stash": _stash,
    "merge": _integrate,
    "rebase": _integrate,
    "cherry-pick": _integrate,
    "revert": _integrate,
    "am": _integrate,
    "apply": _integrate,
    "bisect": _integrate,
    "reflog": _reflog,
    "gc": _gc,
    "prune": _gc,
    "repack": _gc,
    "filter-branch": _filter,
    "filter-repo": _filter,
    "update-ref": _update_ref,
    "config": config,
    "remote": _remote,
    "submodule": _submodule,
    "worktree": _worktree,
    "log": _pager,
    "show": _pager,
    "diff": _pager,
    "grep": _pager,
    "archive": _archive,
    "bundle": _archive,
    "format-patch": _archive,
    "init": _init,
    "init-db": _init,
}
