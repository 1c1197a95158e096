"""What lies inside a git directory: what git keeps for itself, and what it obeys.

Everything that git writes in ordinary work is listed; a name that is not listed is held, because some program asked for
it to be there and no one knows which.
"""

from __future__ import annotations

import re
from typing import Protocol

from interlock.containment.graves import gitconfig
from interlock.containment.graves.names import fold

# Names at the top of a git directory (folded) by which one is recognised.
TOPS = frozenset(
    [
        "head",
        "config",
        "config.worktree",
        "objects",
        "refs",
        "logs",
        "hooks",
        "info",
        "index",
        "packed-refs",
        "modules",
        "worktrees",
        "commondir",
        "gitdir",
        "orig_head",
        "fetch_head",
        "lfs",
        "rebase-merge",
        "rebase-apply",
        "sequencer",
        "description",
        "branches",
        "shallow",
        "index.lock",
        "config.lock",
    ]
)
_STATE = re.compile(
    r"(?:[a-z0-9]+_)*head|merge_(?:msg|mode|rr|autostash)|auto_merge|squash_msg|[a-z]+_editmsg[~]?|bisect_[a-z_]+"
    r"|index|index\.[\w.-]+|next-index-[\w.-]+|sharedindex\.\w+|packed-refs|packed-refs\.new|shallow|description"
    r"|gc\.(?:log|pid)|[\w.-]+\.lock|locked|gitdir|\.?probe-[\w-]+|fsmonitor--daemon(?:\.ipc)?|cookies"
)
_KEPT = frozenset({"logs", "refs", "reftable", "rr-cache", "lfs", "sequencer", "rebase-apply", "fsmonitor--daemon"})
_INFO = frozenset({"exclude", "refs", "sparse-checkout", "commit-graph", "commit-graphs"})
_EXEC = re.compile(r"^\s*(?:x|exec)\s|^\s*!", re.MULTILINE)


class Texts(Protocol):
    """The two sides of a file, None where it is absent or no regular file, and where the workspace lies."""

    root: str

    def old(self, path: str) -> str | None: ...
    def new(self, path: str) -> str | None: ...


def place(path: str) -> tuple[str, tuple[str, ...]] | None:
    """The git directory that a path lies in, as written, and the names below it; None outside of any.

    The innermost one counts: `.git/modules/lib/config` lies in `.git/modules/lib`.
    """
    if path.isascii() and "git" not in path.lower():
        return None
    names = path.split("/")
    start = next((i for i in range(len(names) - 1, -1, -1) if fold(names[i]) == ".git"), None)
    if start is None:
        return None
    at = start + 1
    while at < len(names):
        holder = fold(names[at])
        if holder == "worktrees" and at + 1 < len(names):
            at += 2
        elif holder == "modules" and at + 1 < len(names):
            # The name of a submodule may hold slashes.
            end = next((i for i in range(at + 2, len(names)) if fold(names[i]) in TOPS), len(names))
            at = end
        else:
            break
    return "/".join(names[:at]), tuple(names[at:])


def grave(
    found: tuple[str, tuple[str, ...]], texts: Texts, rules: gitconfig.Rules, *, gone: bool, executable: bool
) -> str | None:
    """Why a change inside a git directory (`place`) is grave; None where it is git's ordinary work."""
    directory, names = found
    path = "/".join((directory, *names)) if names else directory
    if not names:
        return _top(path, texts, gone=gone)
    first, last = fold(names[0]), fold(names[-1])
    if len(names) == 1 and first in ("config", "config.worktree"):
        return "the repository's configuration is gone" if gone else compared(path, texts, rules, directory)
    if first == "hooks":
        return _hook(names, last, gone=gone, executable=executable)
    if first == "objects":
        alternates = len(names) == 3 and fold(names[1]) == "info" and "alternates" in last
        return "git would take objects from elsewhere" if alternates and not gone else None
    if first == "info":
        return None if len(names) > 2 or last in _INFO or gone else _info(path, last, texts)
    if first == "commondir":
        return (
            None
            if (texts.new(path) or "").strip() in ("../..", "")
            else "git would take its configuration from elsewhere"
        )
    if first == "rebase-merge":
        todo = last.startswith("git-rebase-todo") and not gone
        return "continuing the rebase would run commands" if todo and _EXEC.search(texts.new(path) or "x ") else None
    if first == "refs" and len(names) > 2 and fold(names[1]) == "replace":
        return "a replacement stands in for other objects of the history"
    if gone:
        whole = fold(directory.rpartition("/")[2]) == ".git" and names == (names[0],)
        return "without it this is no repository" if whole and first == "head" else None
    if first in _KEPT or (len(names) == 1 and _STATE.fullmatch(first)):
        return None
    return "git itself does not write this"


def _top(path: str, texts: Texts, *, gone: bool) -> str | None:
    if gone:
        # A pointer goes with its worktree.
        return None if texts.old(path) is not None else "the repository itself is gone"
    pointed = re.fullmatch(r"gitdir: (.+)\n?", texts.new(path) or "")
    target = pointed[1] if pointed else ""
    parent = path.rpartition("/")[0]
    if target.startswith(f"{texts.root}/"):
        target, parent = target.removeprefix(f"{texts.root}/"), ""
    # What git writes for a worktree or a submodule leads into a git directory, whose files are judged on their own.
    if re.search(r"(?:^|/)\.git/(?:modules|worktrees)/", target) and gitconfig.within(parent, target):
        return None
    return "git would take another directory for its own"


def _hook(names: tuple[str, ...], last: str, *, gone: bool, executable: bool) -> str | None:
    if len(names) == 1 or (last.endswith(".sample") and not gone) or (gone and last.endswith(".sample")):
        return None
    if gone:
        return "a hook that guarded this repository is gone"
    return "git runs hooks by itself" if executable else "git runs hooks by itself once they are executable"


def _info(path: str, last: str, texts: Texts) -> str | None:
    if last == "attributes":
        return (
            "attributes choose programs that git runs" if drivers(texts.new(path)) != drivers(texts.old(path)) else None
        )
    return "grafts stand in for other objects of the history" if last == "grafts" else "git itself does not write this"


def compared(path: str, texts: Texts, rules: gitconfig.Rules, directory: str) -> str | None:
    """Why the change of a configuration file is grave."""
    new = texts.new(path)
    if new is None:
        return "git's configuration cannot be read"
    return gitconfig.grave(texts.old(path), new, rules, directory)


def bare(old: str | None, new: str | None, rules: gitconfig.Rules, directory: str) -> str | None:
    """Why a configuration in a directory that looks like a repository is grave."""
    return gitconfig.grave(old, new, rules, directory) if new is not None else None


def odd_module(text: str | None) -> bool:
    """Whether a `.gitmodules` names or places a submodule outside of where submodules lie."""
    try:
        modules = [s for s in gitconfig.parse(text or "") if s.section == "submodule"]
    except gitconfig.Unreadable:
        return True
    return any(
        ".." in (s.middle or "").replace("\\", "/").split("/")
        or (s.key == "path" and not gitconfig.within("", s.value or ""))
        or (s.key == "path" and any(fold(name) == ".git" for name in (s.value or "").split("/")))
        or (s.value or "").startswith("-")
        for s in modules
    )


_DRIVER = re.compile(r"(?:^|\s)(filter|diff|merge)=(\S+)")
# `ours` needs a driver in the configuration, which is judged.
_BUILT_IN = frozenset(
    [
        "text",
        "union",
        "binary",
        "lfs",
        "ours",
        "ada",
        "bash",
        "bibtex",
        "cpp",
        "csharp",
        "css",
        "dts",
        "elixir",
        "fortran",
        "fountain",
        "golang",
        "html",
        "java",
        "kotlin",
        "markdown",
        "matlab",
        "objc",
        "pascal",
        "perl",
        "php",
        "python",
        "ruby",
        "rust",
        "scheme",
        "tex",
        "astextplain",
    ]
)


def drivers(text: str | None) -> frozenset[tuple[str, str, str]]:
    """The programs that a file of attributes asks for: (pattern, what for, name)."""
    found = set()
    for line in (text or "").splitlines():
        if not line.lstrip().startswith("#"):
            pattern = line.split(None, 1)[0] if line.split() else ""
            found |= {(pattern, kind, name) for kind, name in _DRIVER.findall(line) if name not in _BUILT_IN}
    return frozenset(found)
