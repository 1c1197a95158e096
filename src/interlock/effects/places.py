"""What a path is: whose place it is in, and what would be lost, leaked or armed by touching it.

A path is judged twice, as written and with its symlinks followed, and the worse answer holds.
"""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache
from typing import NamedTuple

from interlock.effects.path_rules import Path, fold, packaged
from interlock.model import labels
from interlock.model.effect import Environment, Kind, Resource
from interlock.model.world import Setting, World

MAX_PATH = 4_096  # PATH_MAX of Linux: no longer name can be opened
_KIND_ORDER = (Kind.INTERLOCK, Kind.AGENT_CONFIG, Kind.SECRET, Kind.TERRAFORM_STATE)
MAX_WILD = 12  # live wildcards in one path; nobody's honest glob has more, and each is matched against every rule
MAX_WILD_NAME = 255  # NAME_MAX of Linux
_LIVE = re.compile(r"[*?\[]")
_KEYS = "/keys"  # what the folder of Interlock's own keys ends with, among its paths
_OWN = ("self", "thread-self")
_DESCRIPTOR = re.compile(r"(?:/dev/fd|/proc/(?:self|thread-self)/fd)/\d+")
_ANY_DESCRIPTOR = re.compile(r"/proc/[^/]+/(?:task/[^/]+/)?(?:fd|map_files|exe)(?:/|$)|/dev/fd/[^/]+/")
# Names that mean something else to every process: the daemon's own answer to them says nothing of the agent's.
_PER_PROCESS = re.compile(r"/proc/(?:self|thread-self)(?:/|$)|/dev/(?:fd|stdin|stdout|stderr|tty)(?:/|$)")
_WILD_TAIL = re.compile(r"^[*?.]*\*[*?.]*$|^\[[^\]]*\]\*$")


class Frame(NamedTuple):
    """The part of a `Setting` that places depend on: the key of the cache."""

    home: str
    workspace: str
    interlock: tuple[str, ...]
    scratch: str


class _Class(NamedTuple):
    kind: Kind | None
    labels: frozenset[str]


def file_resource(
    path: str,
    setting: Setting,
    world: World,
    *,
    cwd: str | None,
    directory: bool | None = None,
    glob: bool = False,
    follow: bool = True,
    recursive: bool = False,
) -> Resource:
    """The resource that `path` names, with its place and what it is as labels.

    Args:
        path: as a program receives it; a leading `~` is read as a home, to be on the safe side.
        cwd: the absolute directory that a relative path starts from; None when it is not known.
        directory: True or False where the caller knows; None asks the world.
        glob: the path holds live wildcards that nobody expanded: whatever they may stand for counts.
        follow: False where the operation acts on the link itself (`rm`, `mv`): the last name is not followed.

        recursive: everything below is read or sent too (`grep -r`, `tar`): a directory below which credentials usually
            lie (a home, `/etc`, `~/.config`), or Interlock's own keys, then carries the label `secret`, without
            becoming of the kind `secret`.

    Exactly one of `labels.PLACES` is among the labels. Never raises.
    """
    if not path or "\0" in path or len(path) > MAX_PATH:
        return Resource(Kind.FILE, path[:MAX_PATH], (labels.UNPLACED,))
    if recursive:
        top = file_resource(path, setting, world, cwd=cwd, directory=directory, glob=glob, follow=follow)
        return _with_what_is_below(top, _frame(setting))
    frame = _frame(setting)
    joined = absolute(path, setting, cwd=cwd)
    if joined is None:
        found = _classify(normal(path), frame, glob=glob)
        found = _Class(found.kind, (found.labels - labels.PLACES) | {labels.UNPLACED})
        return _resource(normal(path), (found,), directory=bool(directory) or path.endswith("/"))
    if glob and _is_bomb(joined):
        wild = _Class(None, frozenset({labels.UNPLACED, labels.SECRET}))
        return _resource(normal(joined), (wild,), directory=bool(directory))
    if glob:
        return _resource(normal(joined), _glob_classes(joined, frame), directory=bool(directory) or path.endswith("/"))
    lexical = normal(joined)
    classes = [_classify(lexical, frame)]
    real = lexical if _PER_PROCESS.match(lexical) else _resolved(joined, world, follow)
    if real != lexical:
        # Where a link is involved, the workspace and the home are compared as the filesystem has them.
        true_frame = frame._replace(home=world.resolve(frame.home), workspace=world.resolve(frame.workspace))
        classes = [_better(_classify(lexical, frame), _classify(lexical, true_frame))]
        classes.append(_better(_classify(real, true_frame), _classify(real, frame)))
    if directory is None:
        directory = path.endswith(("/", "/.", "/..")) or path in {".", ".."} or world.kind(real) == "directory"
    return _resource(real, classes, directory=directory)


def file_environment(resource: Resource, setting: Setting | None = None) -> Environment:
    """Whose world a file belongs to: the user's `directory` map when a setting is given, else by its place."""
    if setting is not None and setting.environments:
        from interlock.effects.environments import mapped

        found = mapped("directory", resource.name, setting)
        if found is not None:
            return found
    if labels.WORKSPACE in resource.labels:
        return Environment.WORKSPACE
    return Environment.UNKNOWN if labels.UNPLACED in resource.labels else Environment.MACHINE


def absolute(path: str, setting: Setting, *, cwd: str | None) -> str | None:
    """The path from the root, `~` and the process's own links opened, `..` still in place; None when unknowable."""
    path = _without_tilde(path, setting)
    if not path.startswith("/"):
        if cwd is None or not cwd.startswith("/"):
            return None
        path = f"{cwd}/{path}"
    for _ in range(8):  # /proc/self/root/proc/self/root/...: more is nobody's honest spelling
        opened = _opened(path, cwd)
        if opened == path or opened is None:
            return opened
        path = opened
    return None


def _opened(path: str, cwd: str | None) -> str | None:
    """The path with its first link of `/proc/PID/` followed (`root`, `cwd`); None where only another process knows.

    Component by component, because `..` behind such a link starts from where the link leads.
    """
    if "/proc" not in path and "/dev" not in path:
        return path
    done: list[str] = []
    parts = path.split("/")
    for index, part in enumerate(parts):
        if part in ("", "."):
            continue
        if part == "..":
            del done[-1:]
            continue
        done.append(part)
        link = _proc_link(done)
        rest = "/".join(parts[index + 1 :])
        if link == "root":
            return f"/{rest}"
        if link == "cwd":
            return f"{cwd}/{rest}" if cwd is not None and done[1] in _OWN and len(done) == 3 else None
        if link == "fd" and rest.strip("/."):
            return None
    return path


def _proc_link(parts: list[str]) -> str:
    """ "root", "cwd" or "fd" when `parts` is exactly such a link of a process, else ""."""
    if parts[:2] == ["dev", "fd"]:
        return "fd" if len(parts) == 3 else ""
    if len(parts) < 3 or parts[0] != "proc" or not (parts[1] in _OWN or parts[1].isdecimal()):
        return ""
    tail = parts[4:] if parts[2] == "task" else parts[2:]
    if len(tail) == 1 and tail[0] in ("root", "cwd"):
        return tail[0]
    return "fd" if len(tail) == 2 and tail[0] in ("fd", "map_files") else ""


def _without_tilde(path: str, setting: Setting) -> str:
    if not path.startswith("~"):
        return path
    user, slash, rest = path[1:].partition("/")
    if user in ("", setting.user):
        return setting.home + slash + rest
    if user == "root":
        return "/root" + slash + rest
    return f"/home/{user}{slash}{rest}" if re.fullmatch(r"[A-Za-z_][\w.-]*", user) else path


@lru_cache(maxsize=16_384)
def normal(path: str) -> str:
    """`.`, `..` and doubled slashes removed, by the text alone. A relative path may keep leading `..`."""
    rooted = path.startswith("/")
    out: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == ".." and out and out[-1] != "..":
            out.pop()
        elif part != ".." or not rooted:
            out.append(part)
    return ("/" if rooted else "") + "/".join(out) or "."


def inside(path: str, directory: str) -> bool:
    """Whether a normalised path is the directory or something in it."""
    return path == directory or path.startswith(directory if directory.endswith("/") else directory + "/")


def _is_bomb(path: str) -> bool:
    """More wildcards, or longer names with them, than a person writes: not worth the time of matching them."""
    live = [part for part in path.split("/") if _LIVE.search(part)]
    return len(live) > MAX_WILD or any(len(part) > MAX_WILD_NAME for part in live)


def _with_what_is_below(found: Resource, frame: Frame) -> Resource:
    if labels.SECRET in found.labels or found.kind not in (Kind.DIRECTORY, Kind.FILE, Kind.INTERLOCK):
        return found
    name = re.sub(r"(?:/[*?.]*\*[*?.]*)+$", "", found.name) or "/"  # `~/*` is read as far as `~` is
    ours = any(inside(keys, name) for keys in frame.interlock if keys.endswith(_KEYS))
    if ours and (found.kind is Kind.INTERLOCK or labels.WORKSPACE not in found.labels):
        return Resource(found.kind, found.name, tuple(sorted({*found.labels, labels.SECRET})))
    if found.kind is Kind.INTERLOCK:
        return found
    prepared = _prepared(name, frame, glob=False)
    spelled = ["/" + "/".join(prepared.segments)]
    if prepared.home >= 0:
        spelled.append("/".join(["~", *prepared.segments[prepared.home :]]))
    holds = any(one in packaged().holders for one in spelled) or name in packaged().tree.homes
    if not holds or (labels.WORKSPACE in found.labels and prepared.home != len(prepared.segments)):
        return found
    return Resource(found.kind, found.name, tuple(sorted({*found.labels, labels.SECRET})))


def _resolved(joined: str, world: World, follow: bool) -> str:
    parent, _, name = joined.rpartition("/")
    if follow or name in ("", ".", ".."):
        return normal(world.resolve(joined))
    return normal(f"{world.resolve(parent or '/')}/{name}")


@lru_cache(maxsize=64)
def _frame_of(home: str, workspace: str, interlock: tuple[str, ...], variables: tuple[tuple[str, str], ...]) -> Frame:
    scratch = normal(dict(variables).get("TMPDIR", ""))
    # A TMPDIR that is as wide as a home or the system is not a scratch directory, whatever it is called.
    if not scratch.startswith("/") or scratch.count("/") < 2 or inside(home, scratch) or inside(workspace, scratch):
        scratch = ""
    return Frame(normal(home), normal(workspace), tuple(normal(p) for p in interlock), scratch)


def _frame(setting: Setting) -> Frame:
    return _frame_of(setting.home, setting.workspace, setting.interlock_paths, setting.variables)


@lru_cache(maxsize=16_384)
def _classify(path: str, frame: Frame, *, glob: bool = False) -> _Class:
    """Kind and labels of a normalised path, by the text alone."""
    found: set[str] = set()
    kinds: set[Kind] = set()
    place = _place(path, frame)
    found.add(place)
    if _is_root(path, frame):
        found.add(labels.ROOT)
    if swallows(path):
        found.add(labels.DEVICE_NULL)
    for rule in packaged().match(_prepared(path, frame, glob=glob)):
        found.update(rule.labels)
        if rule.kind is not None:
            kinds.add(rule.kind)
    for own in frame.interlock:
        if inside(path, own):
            kinds.add(Kind.INTERLOCK)
            found.add(labels.GUARD)
        elif inside(own, path):
            found.add(labels.GUARD)  # a directory that holds Interlock's: losing it is losing the guard
    kind = next((k for k in _KIND_ORDER if k in kinds), None)
    if kind is None and path.startswith("/dev/") and place == labels.SYSTEM:
        kind = Kind.DEVICE
    return _Class(kind, frozenset(found))


def _prepared(path: str, frame: Frame, *, glob: bool) -> Path:
    segments = tuple(fold(s) for s in path.split("/") if s)
    home = -1
    if path.startswith("/"):
        for base in _home_of(path, frame):
            home = base.count("/")
    return Path(segments, home, path.startswith("/"), glob)


def _home_of(path: str, frame: Frame) -> tuple[str, ...]:
    if frame.home != "/" and inside(path, frame.home):
        return (frame.home,)
    if inside(path, "/root"):
        return ("/root",)
    for parent in packaged().tree.homes:
        if path.startswith(parent + "/"):
            user = path[len(parent) + 1 :].split("/", 1)[0]
            return (f"{parent}/{user}",)
    return ()


def stands_for(pattern: str, path: str) -> bool:
    """Whether a path is one of those that a pattern stands for: `/p/**/a.py`, as a search hands them to a command.

    A path that ends in `/` is a whole directory: so it is where one of those may lie in it.
    """
    fixed = pattern.partition("*")[0]
    if path.endswith("/") and (path.startswith(fixed) or fixed.startswith(path)):
        return True
    return fnmatch.fnmatchcase(path, pattern.replace("/**/", "/*"))


def swallows(path: str) -> bool:
    """Whether what is written at this absolute path is never a file's: `/dev/null`, a terminal, a descriptor."""
    return path in packaged().tree.sinks or _DESCRIPTOR.fullmatch(path) is not None


def _place(path: str, frame: Frame) -> str:
    if not path.startswith("/") or _ANY_DESCRIPTOR.match(path):
        return labels.UNPLACED
    if inside(path, frame.workspace) and not _too_wide(frame):
        return labels.WORKSPACE
    if frame.scratch and inside(path, frame.scratch):
        return labels.SCRATCH
    # Before /tmp: a home that lies there (a build machine, a container) is a home all the same.
    if frame.home != "/" and inside(path, frame.home):
        return labels.HOME
    if any(inside(path, s) for s in packaged().tree.scratch):
        return labels.SCRATCH
    if _home_of(path, frame):
        return labels.OTHER_USER
    return labels.SYSTEM


@lru_cache(maxsize=64)
def _too_wide(frame: Frame) -> bool:
    """A workspace that is a home, holds a home or is a part of the system gives no licence to write there."""
    w = frame.workspace
    tree = packaged().tree
    return not w.startswith("/") or inside(frame.home, w) or w in tree.tops or w in tree.homes or w in tree.roots


def _is_root(path: str, frame: Frame) -> bool:
    if not path.startswith("/"):
        return False
    if inside(frame.home, path) or inside(frame.workspace, path):
        return True
    tree, parent = packaged().tree, path.rpartition("/")[0]
    return path in tree.tops or path in tree.roots or parent in tree.mounts or parent in tree.homes


def _glob_classes(joined: str, frame: Frame) -> list[_Class]:
    """The classes of a path with live wildcards: as a name, and of the directory it empties when its tail is `*`."""
    flat = normal(joined)
    classes = [_classify(flat, frame, glob=True)]
    constant: list[str] = []
    for segment in flat.split("/"):
        if _LIVE.search(segment):
            break
        constant.append(segment)
    prefix = "/".join(constant) or "/"
    tail = flat[len(prefix) :].strip("/")
    if all(_WILD_TAIL.match(part) for part in tail.split("/")):
        # Everything in a directory is the directory: its root label holds, its name rules too.
        classes.append(_classify(prefix, frame))
    if _place(prefix, frame) not in classes[0].labels:
        classes.append(_Class(None, frozenset({_place(prefix, frame)})))
    written = joined.split("/")
    first = next((index for index, part in enumerate(written) if _LIVE.search(part)), len(written))
    if ".." in written[first:]:  # behind a wildcard: nobody knows from where
        classes.append(_Class(None, frozenset({labels.UNPLACED})))
    return classes


# How bad it is to be somewhere: a path that is in two places (a symlink out of the workspace) is in the worse.
_WORSE = (labels.WORKSPACE, labels.SCRATCH, labels.HOME, labels.SYSTEM, labels.OTHER_USER, labels.UNPLACED)


def _severity(found: _Class) -> int:
    return max(_WORSE.index(label) for label in found.labels & labels.PLACES)


def _better(one: _Class, other: _Class) -> _Class:
    return one if _severity(one) <= _severity(other) else other


def _resource(name: str, classes: list[_Class] | tuple[_Class, ...], *, directory: bool) -> Resource:
    every = frozenset().union(*(c.labels for c in classes))
    place = max(every & labels.PLACES, key=_WORSE.index)
    kinds = {c.kind for c in classes}
    kind = next((k for k in (*_KIND_ORDER, Kind.DEVICE) if k in kinds), None)
    if kind is None:
        kind = Kind.DIRECTORY if directory or labels.ROOT in every else Kind.FILE
    return Resource(kind, name, tuple(sorted((every - labels.PLACES) | {place})))
