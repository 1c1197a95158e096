"""Looks up what an asked action depends on: read-only, bounded, and never for what policy allows by itself."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from interlock.broker.facts import UNKNOWN, Directory, Facts, Kind, Operand, Program, environment_digest
from interlock.broker.judge import Judgement
from interlock.broker.places import below, settled, walk
from interlock.broker.world import find_repository
from interlock.model.action import Action
from interlock.model.effect import Breadth, Effect, Verb
from interlock.model.effect import Kind as Thing
from interlock.model.errors import InterlockError

_MOST_FILES = 400
_MOST_BYTES = 256 << 20  # of one file; and of all of them
_MOST_REFS = 8_000
_REMEMBERED = 4_096
_RECENT = 0.1  # seconds: a file that changed so lately could change again within one tick of its clock
_CHANGES = frozenset({Verb.WRITE, Verb.CREATE, Verb.DELETE, Verb.OVERWRITE, Verb.CONFIGURE})
_FILES = frozenset({Thing.FILE, Thing.DIRECTORY, Thing.SECRET})
# Rewritten by the very commands that read them.
_MANIFESTS = frozenset(
    {
        "package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "pyproject.toml",
        "poetry.lock", "uv.lock", "Pipfile", "Pipfile.lock", "Cargo.toml", "Cargo.lock", "go.mod", "go.sum",
        "composer.json", "composer.lock", "Gemfile", "Gemfile.lock", "requirements.txt",
    }
)  # fmt: skip
_STATES = ("*.tfstate", "*.tfstate.backup", "*/.terraform/*")
_TERRAFORM = frozenset({"terraform", "tofu"})
_CONFIGURATION = ("*.tf", "*.tf.json", "*.tfvars", "*.tfvars.json", "*.tofu")
_LOOKS = frozenset({"push", "status", "log", "diff", "show", "rev-parse", "ls-files", "ls-remote", "cat-file"})
_HOOKS = re.compile(rb"^\s*hooksPath\s*=(.*)$", re.IGNORECASE | re.MULTILINE)
_SHEBANG = re.compile(rb"#![ \t]*(\S+)(?:[ \t]+(?:-S[ \t]*)?([^\s-]\S*))?")

Git = Callable[..., bytes]


class Sealer:
    """Looks for one daemon. `git` is how the broker calls git; `user` is whose daemon it is."""

    def __init__(
        self, git: Git | None = None, *, user: int | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._git = git
        self._user = os.geteuid() if user is None else user
        self._now = now
        self._known: dict[tuple[int, int, int, int, int], str] = {}

    def look(self, action: Action, judged: Judgement, workspace: str) -> Judgement:
        """The judgement with what else it depends on, as it is now."""
        return msgspec.structs.replace(judged, facts=_Look(self, action, judged, workspace).facts())

    @property
    def user(self) -> int:
        """Whose daemon it is."""
        return self._user

    def digest(self, path: str, *, remember: bool = False) -> str | None:
        """SHA-256 of a regular file; None for what is none, cannot be read, or is too large.

        `remember`: one with the same inode, size and times of change is not read again.
        """
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or found.st_size > _MOST_BYTES:
                return None
            key = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            if remember and (known := self._known.get(key)) is not None:
                return known
            sha = hashlib.sha256()
            while part := os.read(fd, 1 << 20):
                sha.update(part)
        except OSError:
            return None
        finally:
            os.close(fd)
        if remember and found.st_ctime < self._now() - _RECENT:
            while len(self._known) >= _REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[key] = sha.hexdigest()
        return sha.hexdigest()

    def tree(self, path: str) -> str | None:
        """SHA-256 over the names and contents of all files in a directory; None for what is none or holds more."""
        lines: list[bytes] = []
        try:
            for directory, inside, names in os.walk(path, onerror=_raise):
                if any(os.path.islink(os.path.join(directory, name)) for name in inside):
                    return None
                for name in names:
                    file = os.path.join(directory, name)
                    digest = self.digest(file)
                    if digest is None or len(lines) >= _MOST_REFS:
                        return None
                    lines.append(os.fsencode(f"{os.path.relpath(file, path)} {digest}\n"))
        except OSError:
            return None
        return hashlib.sha256(b"".join(sorted(lines))).hexdigest()

    def differing(self, operands: Iterable[tuple[str, str]]) -> str:
        """The first of these (path, SHA-256; "" for none there) that is not what it was; "" where all are."""
        return next((path for path, digest in operands if self._differs(path, digest)), "")

    def _differs(self, path: str, digest: str) -> bool:
        return self.digest(os.path.realpath(path)) != digest if digest else os.path.lexists(path)

    def published(self, repository: str) -> tuple[tuple[str, str], ...]:
        """The commit that is checked out, and its tree."""
        if self._git is None:
            return ()
        try:
            said = self._git(repository, "rev-parse", "--verify", "HEAD", "HEAD^{tree}").decode("ascii", "replace")
        except InterlockError:
            return (("commit", UNKNOWN),)
        return tuple(zip(("commit", "tree"), said.split(), strict=False))


def absent(effects: Iterable[Effect]) -> tuple[tuple[str, str], ...]:
    """The scripts that would run and are not there, as `Sealer.differing` takes them: nobody has read them."""
    named = dict.fromkeys(effect.resource.name for effect in effects if effect.verb is Verb.EXECUTE)
    return tuple((path, "") for path in named if path.startswith("/") and not os.path.lexists(path))


class _Look:
    """One look, at one action."""

    def __init__(self, sealer: Sealer, action: Action, judged: Judgement, workspace: str) -> None:
        self._sealer = sealer
        self._action = action
        self._reading = judged.reading
        self._read = judged.operands
        self._workspace = os.path.realpath(workspace) if workspace else ""
        self._operands: dict[tuple[str, Kind], Operand] = {}
        self._programs: dict[str, Program] = {}
        self._unbound: dict[str, None] = {}
        self._installs = any(effect.verb is Verb.INSTALL for effect in self._reading.effects)
        self._changed = {e.resource.name for e in self._reading.effects if e.verb in _CHANGES}

    def facts(self) -> Facts:
        shell = self._action.tool == "Bash"
        for path in self._files():
            self._operand(path)
        if shell:
            self._commands()
            self._terraform()
        state = self._repository()
        return Facts(
            cwd=self._directory(),
            operands=tuple(self._operands[key] for key in sorted(self._operands)),
            programs=tuple(self._programs[name] for name in sorted(self._programs)),
            environment=environment_digest(self._action.variables) if shell else "",
            state=state,
            unbound=tuple(self._unbound),
        )

    def _directory(self) -> Directory | None:
        try:
            real, links = walk(self._action.cwd)
            found = os.stat(real)
        except (OSError, ValueError):
            return None
        self._links(links)
        return Directory(real, found.st_dev, found.st_ino)

    def _files(self) -> Iterator[str]:
        """Files whose contents were read, run, or would be passed on or changed."""
        named = [e.resource.name for e in self._reading.effects if _is_named(e)]
        every = dict.fromkeys((*self._reading.operands, *self._read, *named))
        for number, path in enumerate(every):
            if number >= _MOST_FILES:
                self._unbound["it depends on more files than are compared"] = None
                return
            yield path

    def _operand(self, path: str) -> str:
        """Takes one path up; returns where it really is."""
        try:
            real, links = walk(path)
        except (OSError, ValueError):
            return path
        self._links(links)
        if os.path.isdir(real):
            return real
        digest = self._sealer.digest(real)
        if digest is not None:
            self._add(Operand(real, Kind.FILE, digest, self._writes(path, real)))
            self._shebang(real)
            self._beyond(real)
        elif not os.path.lexists(real):
            self._add(Operand(real, Kind.ABSENT, ""))
        else:
            self._unbound[f"{real} cannot be read, so it is not compared"] = None
        return real

    def _links(self, links: Iterable[str]) -> None:
        for link in links:
            if settled(link, self._sealer.user):
                continue
            try:
                target = os.fsencode(os.readlink(link))
            except OSError:
                continue
            self._add(Operand(link, Kind.LINK, hashlib.sha256(target).hexdigest()))
            self._beyond(link)

    def _add(self, operand: Operand) -> None:
        self._operands[operand.path, operand.kind] = operand

    def _beyond(self, path: str) -> None:
        if not below(path, self._workspace) and not settled(path, self._sealer.user):
            self._unbound[f"{path} lies outside of the project: it is compared at the start, and not kept after"] = None

    def _writes(self, path: str, real: str) -> bool:
        return (
            not self._changed.isdisjoint({path, real})
            or (self._installs and os.path.basename(real) in _MANIFESTS)
            or any(fnmatch.fnmatchcase(real, pattern) for pattern in _STATES)
        )

    # --- programs

    def _commands(self) -> None:
        if self._action.variables is None:
            return
        self._program("bash")
        for command in self._reading.commands:
            if command and command[0] not in {"", "?"}:
                self._program(command[0])

    def _program(self, name: str) -> None:
        if name in self._programs:
            return
        found = self._found(name)
        if found is None:
            return  # a word of the shell, or nothing that could run
        path, loose = found
        try:
            real, links = walk(path)
        except OSError:
            return
        own = settled(real, self._sealer.user)
        self._links(links)
        digest = "" if own else self._sealer.digest(real, remember=True) or UNKNOWN
        self._programs[name] = Program(name, path, real, digest, loose)
        if own:
            return
        if digest == UNKNOWN:
            self._unbound[f"{real} cannot be read, so it is not compared"] = None
            return
        self._add(Operand(real, Kind.FILE, digest))
        self._beyond(real)
        self._shebang(real)

    def _found(self, name: str) -> tuple[str, bool] | None:
        if "/" in name:
            # A shell may have gone elsewhere by then: what is found from where it starts is what can be said.
            path = os.path.join(self._action.cwd, name)
            return (path, False) if os.path.isfile(path) and os.access(path, os.X_OK) else None
        loose = False
        for part in dict(self._action.variables or ()).get("PATH", os.defpath).split(":"):
            directory = os.path.join(self._action.cwd, part)
            path = os.path.join(directory, name)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path, loose or not settled(os.path.realpath(directory), self._sealer.user)
            loose = loose or not settled(os.path.realpath(directory), self._sealer.user)
        return None

    def _shebang(self, path: str) -> None:
        """The interpreter that a script's first line asks for, as a program of its own."""
        if self._action.variables is None:
            return
        try:
            with open(path, "rb") as file:
                said = _SHEBANG.match(file.read(256))
        except OSError:
            return
        if said is None:
            return
        interpreter = os.fsdecode(said[1])
        self._program(interpreter)
        if os.path.basename(interpreter) == "env" and said[2]:
            self._program(os.fsdecode(said[2]))

    # --- what is read by the directory

    def _terraform(self) -> None:
        """Every file of its configuration decides; that none is added later can be compared, and not prevented."""
        for ran in self._reading.commands:
            if ran and os.path.basename(ran[0]) in _TERRAFORM and not any(self._is_plan(word) for word in ran[1:]):
                for path in sorted(Path(self._action.cwd).glob("*")):
                    if any(fnmatch.fnmatchcase(path.name, pattern) for pattern in _CONFIGURATION):
                        self._operand(str(path))
                self._unbound[f"{ran[0]} reads whatever is in its directory: apply a saved plan to bind that"] = None

    def _is_plan(self, word: str) -> bool:
        return os.path.join(self._action.cwd, word) in self._read

    def _repository(self) -> tuple[tuple[str, str], ...]:
        """What a push takes along: HEAD, the branches and tags, and the settings that say where to."""
        if not any(e.resource.kind in {Thing.GIT_REF, Thing.GIT_REPOSITORY} for e in self._reading.effects):
            return ()
        repository = find_repository(self._action.cwd)
        if repository is None:
            return ()
        git = str(repository / ".git")
        if not os.path.isdir(git):
            self._unbound["this working tree belongs to a repository elsewhere: it is not held"] = None
            return self._sealer.published(str(repository))
        only_looks = all(_subcommand(command) in _LOOKS for command in self._reading.commands if _is_git(command))
        upstream = any({"-u", "--set-upstream"} & set(command) for command in self._reading.commands)
        self._references(git, writes=not only_looks, settings=upstream or not only_looks)
        return self._sealer.published(str(repository))

    def _references(self, git: str, *, writes: bool, settings: bool) -> None:
        try:
            real, links = walk(git)
        except OSError:
            return
        self._links(links)
        changed = {"HEAD": writes, "packed-refs": writes, "config": settings}
        for name, changes in changed.items():
            path = f"{real}/{name}"
            digest = self._sealer.digest(path)
            kind = Kind.FILE if digest is not None else Kind.ABSENT
            self._add(Operand(path, kind, digest or "", changes))
        for path in (f"{real}/refs/heads", f"{real}/refs/tags", f"{real}/hooks", *_hooks(f"{real}/config")):
            digest = self._sealer.tree(path)
            if digest is not None:
                self._add(Operand(path, Kind.TREE, digest, writes))
            elif os.path.lexists(path):
                self._unbound[f"{path} cannot be compared"] = None
        if writes:
            self._unbound["it changes the repository itself, which is compared at the start and not held"] = None


def _hooks(config: str) -> tuple[str, ...]:
    """Where a repository's own settings say that its hooks are."""
    try:
        with open(config, "rb") as file:
            said = _HOOKS.search(file.read(1 << 18))
    except OSError:
        return ()
    if said is None:
        return ()
    path = os.path.expanduser(os.fsdecode(said[1]).strip().strip('"'))
    return (os.path.realpath(os.path.join(os.path.dirname(config), os.pardir, path)),)


def _is_named(effect: Effect) -> bool:
    """Whether an effect names one file whose contents matter: what is read goes somewhere, what is changed was so."""
    return (
        effect.resource.kind in _FILES
        and effect.scale.breadth is Breadth.ONE
        and effect.resource.name.startswith("/")
        and effect.verb in _CHANGES | {Verb.READ, Verb.EXECUTE, Verb.SEND}
    )


def _is_git(command: tuple[str, ...]) -> bool:
    return bool(command) and os.path.basename(command[0]) == "git"


def _subcommand(command: tuple[str, ...]) -> str:
    words = iter(command[1:])
    for word in words:
        if word in {"-C", "-c", "--git-dir", "--work-tree", "--namespace"}:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


def _raise(error: OSError) -> None:
    raise error
