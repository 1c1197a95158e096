"""From a word to the file it names: place, breadth, and whether somebody can bring it back."""

from __future__ import annotations

import posixpath
import re
from fnmatch import translate

from interlock.effects.catalogue.words import word_list
from interlock.effects.environments import environment_of, hinted
from interlock.effects.invocation import Invocation, Word
from interlock.effects.ownkeys import own_key
from interlock.effects.places import file_environment, file_resource
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Breadth, Environment, Kind, Resource, Reversibility
from interlock.model.world import Nowhere, Setting, World

# Directories that a build, an install or a test run makes again; deleting them loses time, not work.
REGENERABLE = word_list("regenerable")
_REGENERABLE_NAMES = re.compile("|".join(translate(glob) for glob in word_list("regenerable_names")))
_REGENERABLE_TOPS = word_list("regenerable_tops")


_DATABASE_FILES = frozenset({".db", ".sqlite", ".sqlite3", ".db3", ".duckdb", ".mdb", ".rdb"})


def place(
    value: Word,
    inv: Invocation,
    setting: Setting,
    world: World,
    *,
    directory: bool | None = None,
    follow: bool = True,
    content: bool = False,
) -> tuple[Resource, Breadth]:
    """The resource that a file operand names, and how much of it. `content`: what lies below it is read, too."""
    text = value.text
    breadth = Breadth.MANY if value.many or value.glob or value.matched else Breadth.ONE
    if text is None:
        own = None if inv.remote else own_key(value.source, setting, world, content=content)
        return own or _unknown(value, inv, setting, world, directory), Breadth.MANY if value.many else Breadth.ONE
    if inv.remote:
        return _remote(text, inv, setting, directory), breadth
    if value.glob and set(text.rstrip("/").rpartition("/")[2]) <= set("*.[]!{,}"):
        breadth = Breadth.ALL
    resource = file_resource(
        text, setting, world, cwd=inv.cwd, directory=directory, glob=value.glob, follow=follow, recursive=content
    )
    return resource, breadth


# `"$TMPDIR"/x`, `${TMPDIR:-/tmp}/x`: wherever that is, it is a scratch directory, and x something in it.
_SCRATCH = re.compile(
    r"""["']?\$\{?(?:TMPDIR|RUNNER_TEMP)(?::?-[^}$]*)?\}?["']?/((?!\.)[\w.-]+(?:/(?!\.)[\w.-]+)*)/?["']?"""
)


_ENVIRON = re.compile(r"""["']?/proc/[^/]+/(?:task/[^/]+/)?environ["']?""")


def _kind(directory: bool | None) -> Kind:
    return Kind.DIRECTORY if directory else Kind.FILE


def _unknown(value: Word, inv: Invocation, setting: Setting, world: World, directory: bool | None) -> Resource:
    """A path that is not known, or known only in its beginning.

    The environment of a process is one, whichever process it is.

    A beginning that already names something below a root places the word: `/w/build/x-$N` stays in the workspace
    unless $N holds `/../`; that risk is taken for values of this very session, never for bytes from a network.
    """
    if _ENVIRON.fullmatch(value.source) and not inv.remote:
        return file_resource("/proc/self/environ", setting, world, cwd="/", directory=directory)
    scratch = _SCRATCH.fullmatch(value.source)
    if scratch and not value.prefix and not inv.remote:
        return file_resource(f"/tmp/{scratch.group(1)}", setting, world, cwd="/", directory=directory)  # noqa: S108
    head = posixpath.dirname(value.prefix)
    hostile = L.FROM_NETWORK in value.taint or L.FROM_UNTRUSTED in value.taint
    begun = bool(head.strip("/.")) or value.prefix[:1].isalnum()  # `file-$N` stands in the directory that it is used in
    if hostile or not begun or inv.remote or (inv.cwd is None and not head.startswith("/")):
        return Resource(_kind(directory), value.source or "?", (L.UNPLACED,))
    if value.prefix.endswith("/"):
        # the unknown part may be empty: then the directory itself is meant
        return file_resource(head, setting, world, cwd=inv.cwd, directory=directory)
    return file_resource(value.prefix, setting, world, cwd=inv.cwd, directory=directory)


def _remote(text: str, inv: Invocation, setting: Setting, directory: bool | None) -> Resource:
    """A file of another host or a container: its name alone says whether it holds credentials."""
    found = [L.REMOTE]
    if text.rstrip("/") in ("", "/*", "~") or text in ("/", "~/*"):
        found.append(L.ROOT)
    name = posixpath.normpath(text) if text.startswith(("/", "~")) else text
    here = file_resource(text, setting, Nowhere(), cwd="/app", directory=directory)
    kind = _kind(directory)
    if L.SECRET in here.labels and L.UNPLACED not in here.labels:
        found.append(L.SECRET)
        kind = here.kind if here.kind is Kind.SECRET else kind
    return Resource(kind, f"{inv.remote}:{name}", tuple(sorted(found)))


def environment(resource: Resource, inv: Invocation, setting: Setting) -> Environment:
    """Whose world the file belongs to; a remote file belongs to its host's."""
    if inv.remote:
        return environment_of("host", inv.remote, setting)
    if L.UNPLACED in resource.labels:
        return Environment.UNKNOWN
    name = posixpath.basename(resource.name)
    if posixpath.splitext(name)[1] in _DATABASE_FILES and hinted("database", name) is Environment.PRODUCTION:
        return Environment.PRODUCTION  # `production.sqlite3` is what it says, wherever it lies
    return file_environment(resource, setting)


def regenerable(resource: Resource, setting: Setting) -> bool:
    """Whether a build, an install or a test run makes it again, or the system clears it by itself.

    What counts is the name of the thing itself, or a directory above it that holds nothing but such things; the names
    of directories above the workspace say nothing.
    """
    if L.SCRATCH in resource.labels:
        return L.ROOT not in resource.labels
    if L.WORKSPACE not in resource.labels or L.ROOT in resource.labels:
        return False
    top = posixpath.normpath(setting.workspace)
    name = resource.name[len(top) :] if resource.name.startswith(top + "/") else resource.name
    parts = [part for part in name.split("/") if part]
    while parts and set(parts[-1]) <= set("*?."):  # `build/*` is what is in build
        parts.pop()
    if not parts:
        return False
    return (
        parts[-1] in REGENERABLE
        or _REGENERABLE_NAMES.fullmatch(parts[-1]) is not None
        or not _REGENERABLE_TOPS.isdisjoint(parts[:-1])
    )


def entered(resource: Resource, setting: Setting) -> Resource:
    """A scratch directory into which something is put: whatever else lies there (a workspace, the guard) stays."""
    held = any(one.startswith(resource.name.rstrip("/") + "/") for one in setting.interlock_paths)
    if not held or not {L.SCRATCH, L.GUARD} <= set(resource.labels) or resource.kind is Kind.INTERLOCK:
        return resource
    return Resource(resource.kind, resource.name, tuple(sorted(set(resource.labels) - {L.GUARD, L.ROOT})))


def absent(path: str, world: World) -> bool:
    """Whether nothing is there for certain: the directory can be seen, and it has no such file."""
    return world.kind(path) is None and world.kind(posixpath.dirname(path)) == "directory"


def loss(resource: Resource, setting: Setting, world: World) -> tuple[Reversibility, tuple[str, ...]]:
    """Who can bring a deleted or overwritten file back, and why we think so."""
    if L.WORKSPACE in resource.labels and L.ROOT not in resource.labels:
        if regenerable(resource, setting):
            return Reversibility.RECOVERABLE, ("a build or an install makes it again",)
        if not any(c in resource.name for c in "*?[") and world.kind(resource.name) is None:
            return Reversibility.IRREVERSIBLE, ("nothing is there now",)
    return Reversibility.IRREVERSIBLE, ()
