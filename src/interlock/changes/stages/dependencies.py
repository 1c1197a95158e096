"""Stage *dependencies*: what the change makes the project depend on, and what that runs.

New names against the packaged list of everyday ones, sources other than the registries of record, scripts that run at
installation, manifest against lock file, modules that are imported and declared nowhere, known vulnerabilities. All of
it offline: whether a name exists cannot be asked, and the finding says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from interlock.changes import manifests, modules, osv, shapes
from interlock.changes.change import Change, FileChange, Kind, Version
from interlock.changes.finding import Finding, Weight
from interlock.changes.manifests import Dependency, Locked, Unread
from interlock.changes.stage import Found, Plain
from interlock.effects.packages_known import standing
from interlock.model.counts import many

_HOSTS = {
    "npm": ("https://registry.npmjs.org/", "https://registry.yarnpkg.com/"),
    "pypi": ("https://pypi.org/",),
    "crates": ("registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"),
}
_FIX_NAME = "Check the name in the registry, its owner and its age; then have a person confirm it."


class _Sides:
    """Dependencies of both sides, and what could not be read."""

    def __init__(self, change: Change) -> None:
        self.change = change
        self.problems: list[str] = []
        self.held = self._held()

    def dependencies(self, side: Version | None) -> list[Dependency]:
        """What a manifest asks for."""
        if side is None or not manifests.is_manifest(side.path):
            return []
        try:
            return manifests.dependencies(side.path, self._text(side))
        except Unread as error:
            self.problems.append(str(error))
            return []

    def locked(self, side: Version | None) -> list[Locked]:
        """What a lock file holds."""
        if side is None or not manifests.is_lock(side.path):
            return []
        try:
            return manifests.locked(side.path, self._text(side))
        except Unread as error:
            self.problems.append(str(error))
            return []

    @staticmethod
    def _text(side: Version) -> str:
        if side.kind is not Kind.TEXT:
            raise Unread(f"{side.path} is {side.kind.value}, and was not read")
        return side.text

    def _held(self) -> set[tuple[str, str]]:
        """Every (registry, name) that the base's manifests and lock files name."""
        out: set[tuple[str, str]] = set()
        for path in self.change.paths(after=False):
            if manifests.is_manifest(path) or manifests.is_lock(path):
                raw = self.change.read(path, after=False) or b""
                try:
                    reader = manifests.locked if manifests.is_lock(path) else manifests.dependencies
                    out |= {(d.registry, d.name) for d in reader(path, raw.decode("utf-8", "replace"))}
                except Unread:
                    continue  # it names nothing then: what the change asks for is new
        return out


def run(change: Change) -> Found:
    """Judge what the change depends on."""
    sides = _Sides(change)
    findings = shapes.new(change, shapes.load("dependencies"))
    new: list[tuple[FileChange, Dependency]] = []
    for file in change.files:
        before = {(d.registry, d.name, d.version, d.source) for d in sides.dependencies(file.before)}
        for dependency in sides.dependencies(file.after):
            if tuple(dependency) not in before:
                new.append((file, dependency))
                findings += _dependency(file, dependency, sides)
        findings += _locks(file, sides)
    findings += _agree(change, sides)
    findings += modules.undeclared(change, sides.held | {(d.registry, d.name) for _, d in new})
    notes = []
    if any((d.registry, d.name) not in sides.held for _, d in new):
        notes.append("whether a package of a new name exists cannot be asked offline")
    findings += _vulnerable(change, sides, new, notes)
    names = " ".join(sorted({d.name for _, d in new if (d.registry, d.name) not in sides.held}))
    return Found(
        findings=tuple(findings), problems=tuple(sides.problems), notes=tuple(notes), facts={"new": names}
    )  # fmt: skip


def _line(file: FileChange, name: str) -> int:
    return next((number for number, line in file.added() if name in manifests.plain(line) or name in line), 0)


def _dependency(file: FileChange, found: Dependency, sides: _Sides) -> Iterator[Finding]:
    about = f"{found.registry} {found.name} {found.source}"
    make = partial(Finding, path=file.path, anchor=about, line=_line(file, found.name))
    if found.source and not found.source.startswith((".", "file:.", "link:.", "workspace:")):
        yield make(
            rule="dependencies/source", weight=Weight.REVIEW,
            title=f"{found.name} comes from {found.source}, not from the registry of record.",
            why="What lies there can change without a version, and nobody scans it.",
            fix="Depend on a published version, or pin a full commit and review it.",
        )  # fmt: skip
    own = f"{found.registry}:{found.name}" in sides.change.config.dependencies
    if own or (found.registry, found.name) in sides.held or found.source:
        return
    known = standing(found.registry, found.name)
    if known.resembles and not known.known:
        yield make(
            rule="dependencies/look-alike", weight=Weight.BLOCK,
            title=f"{found.name} is new, and nearly {known.resembles}, which everybody uses.",
            why="Look-alike names are how packages of thieves are installed.", fix=_FIX_NAME,
        )  # fmt: skip
    elif not known.known:
        yield make(
            rule="dependencies/unknown", weight=Weight.REVIEW,
            title=f"{found.name} is new, and not among the packages that everybody uses.",
            why="Models invent names, and others register them. Whether it exists cannot be asked offline.",
            fix=_FIX_NAME,
        )  # fmt: skip
    else:
        yield make(rule="dependencies/new", weight=Weight.NOTE, title=f"{found.name} is a new dependency.")


def _locks(file: FileChange, sides: _Sides) -> Iterator[Finding]:
    before = {(p.registry, p.name, p.version): p for p in sides.locked(file.before)}
    hosts = tuple({_host(p.host) for p in before.values() if p.host})
    for package in sides.locked(file.after):
        old = before.get((package.registry, package.name, package.version))
        about = f"{package.registry} {package.name} {package.version}"
        make = partial(Finding, path=file.path, anchor=about, line=_line(file, package.name))
        if old == package:
            continue
        title = ""
        if old and _same_kind(old.digest, package.digest) and package.digest != old.digest:
            title = f"{package.name} {package.version} has another content than before."
        elif package.host and not _usual(package, hosts):
            title = f"{package.name} {package.version} is fetched from {_host(package.host)}."
        elif old and old.digest and not package.digest:
            title = f"{package.name} {package.version} lost its digest."
        if title:
            yield make(
                rule="dependencies/lock", weight=Weight.BLOCK, title=title,
                why="A version's content never changes, and comes from the registry of record.",
                fix="Make the lock file anew with the package manager, from the registry.",
            )  # fmt: skip
        elif package.runs and not old and (package.registry, package.name) not in sides.held:
            yield make(
                rule="dependencies/runs", weight=Weight.REVIEW,
                title=f"{package.name} runs a script when it is installed.", fix="Read it, or install without scripts.",
            )  # fmt: skip


def _same_kind(old: str, new: str) -> bool:
    """Whether two digests are of one algorithm: an algorithm may change with the package manager."""
    return bool(old and new) and old.partition("-")[0] == new.partition("-")[0]


def _host(source: str) -> str:
    return "/".join(source.split("/")[:3])


def _usual(package: Locked, hosts: tuple[str, ...]) -> bool:
    usual = _HOSTS.get(package.registry, ())
    return package.host.startswith(usual) or _host(package.host) in hosts or package.host.startswith((".", "path"))


def _agree(change: Change, sides: _Sides) -> Iterator[Finding]:
    """Manifest and lock file of one folder: what the manifest newly asks for is in the lock."""
    tree = set(change.paths())
    for file in change.files:
        folder, _, name = file.path.rpartition("/")
        beside = [f"{folder}/{lock}".lstrip("/") for lock in manifests.LOCKS_OF.get(name, ())]
        beside = [lock for lock in beside if lock in tree]
        if file.after is None or not beside:
            continue
        try:
            text = (change.read(beside[0]) or b"").decode("utf-8", "replace")
            held = {p.name for p in manifests.locked(beside[0], text)}
        except Unread as error:
            sides.problems.append(str(error))
            continue
        before = {d.name for d in sides.dependencies(file.before)}
        for dependency in sides.dependencies(file.after):
            if dependency.name not in held and dependency.name not in before and not dependency.source.startswith("."):
                yield Finding(
                    rule="dependencies/not-locked", weight=Weight.BLOCK, path=file.path, anchor=dependency.name,
                    line=_line(file, dependency.name), title=f"{dependency.name} is not in {beside[0]}.",
                    why="Nobody installed it: perhaps there is no such package.",
                    fix="Install it with the package manager.",
                )  # fmt: skip


def _vulnerable(
    change: Change, sides: _Sides, new: list[tuple[FileChange, Dependency]], notes: list[str]
) -> Iterator[Finding]:
    if not change.config.osv:
        return
    wanted: dict[tuple[str, str], set[str]] = {}
    where: dict[tuple[str, str], FileChange] = {}
    for file, dependency in new:
        version = dependency.version.lstrip("=^~v ")
        if version and version[0].isdigit() and "," not in version and not dependency.version.startswith((">", "<")):
            wanted.setdefault((dependency.registry, dependency.name), set()).add(version)
            where[dependency.registry, dependency.name] = file
    for file in change.files:
        old = {(p.registry, p.name, p.version) for p in sides.locked(file.before)}
        for package in sides.locked(file.after):
            if (package.registry, package.name, package.version) not in old:
                wanted.setdefault((package.registry, package.name), set()).add(package.version)
                where[package.registry, package.name] = file
    if not wanted:
        return
    try:
        snapshot = osv.Snapshot(change.config.osv)
        hits = snapshot.find(wanted)
    except (OSError, ValueError) as error:
        sides.problems.append(f"the snapshot of advisories cannot be used: {error}")
        return
    notes.append(f"compared with {many(len(snapshot.files), 'file')} of advisories in {change.config.osv}")
    for (registry, name, version), advisories in hits.items():
        file = where[registry, name]
        for advisory in advisories:
            yield Finding(
                rule="dependencies/vulnerable", weight=Weight.BLOCK, path=file.path, line=_line(file, name),
                anchor=f"{name} {advisory.id}",
                title=f"{name} {version} is vulnerable: {advisory.id} {advisory.summary}",
                fix=f"Use {advisory.fixed} or newer." if advisory.fixed else "No version without it is known.",
            )  # fmt: skip


def _reads(change: Change) -> str:
    try:
        return osv.Snapshot(change.config.osv).mark if change.config.osv else ""
    except OSError as error:
        return str(error)


STAGE = Plain("dependencies", run, version="1", budget=20.0, reads=_reads)
