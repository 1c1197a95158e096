"""Known vulnerabilities from a directory of OSV records (the OSV schema, one JSON file each, or a zip of them).

Offline: the records are a snapshot that a person fetched; how old it is stands in what is said. Versions of PyPI are
compared as PEP 440 has it (`packaging`), others as semantic versions.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version

_ECOSYSTEMS = {"pypi": "PyPI", "npm": "npm", "go": "Go", "crates": "crates.io"}
_RECORDS = 1_000_000
_RECORD = 4 << 20  # bytes of one record


class Advisory(NamedTuple):
    """One record that names a package at a version."""

    id: str
    summary: str
    fixed: str  # the first version without it, or ""


class Snapshot:
    """Records below a directory. Raises OSError where there is none."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self.files = sorted(p for p in self._folder.rglob("*") if p.suffix in (".json", ".zip") and p.is_file())
        if not self.files:
            raise OSError(f"{folder} holds no OSV records")

    @property
    def mark(self) -> str:
        """Which snapshot it is: how many files, and when the newest was written."""
        return f"{len(self.files)} {max(p.stat().st_mtime_ns for p in self.files)}"

    def find(self, wanted: Mapping[tuple[str, str], Iterable[str]]) -> dict[tuple[str, str, str], list[Advisory]]:
        """(registry, name, version) -> advisories, for (registry, name) -> versions.

        Raises:
            ValueError: a record cannot be read: what it says is not known to be harmless.
        """
        names = {
            (_ECOSYSTEMS[registry], name): (registry, name) for registry, name in wanted if registry in _ECOSYSTEMS
        }
        quick = re.compile(
            b"|".join(re.escape(json.dumps(name).encode()) for _, name in names) or rb"\Z(?!\Z)", re.IGNORECASE
        )
        out: dict[tuple[str, str, str], list[Advisory]] = {}
        for raw in self._raw():
            if not quick.search(raw):
                continue
            record = json.loads(raw)
            if record.get("withdrawn"):
                continue
            for affected in record.get("affected", ()):
                package = affected.get("package", {})
                key = names.get((str(package.get("ecosystem", "")).partition(":")[0], _name(package)))
                if key is None:
                    continue
                for version in wanted[key]:
                    fixed = _affects(affected, key[0], version)
                    if fixed is not None:
                        said = str(record.get("summary") or record.get("details", ""))[:160].split("\n")[0]
                        out.setdefault((*key, version), []).append(Advisory(str(record.get("id", "")), said, fixed))
        return out

    def _raw(self) -> Iterator[bytes]:
        count = 0
        for path in self.files:
            if path.suffix == ".json":
                yield path.read_bytes()[:_RECORD]
                continue
            with zipfile.ZipFile(path) as archive:
                for entry in archive.infolist():
                    count += 1
                    if count > _RECORDS or entry.file_size > _RECORD:
                        raise ValueError(f"{path} holds more, or larger, records than are read")
                    if entry.filename.endswith(".json"):
                        yield archive.read(entry)


def _name(package: Mapping[str, Any]) -> str:
    name = str(package.get("name", ""))
    return re.sub(r"[-_.]+", "-", name).lower() if package.get("ecosystem") == "PyPI" else name


def _affects(affected: Mapping[str, Any], registry: str, version: str) -> str | None:
    """None: it does not affect this version; otherwise the first version that is mended, or ""."""
    if version in affected.get("versions", ()):
        return _fixed(affected)
    mine = _parsed(registry, version)
    for span in affected.get("ranges", ()):
        if span.get("type") == "GIT":
            continue
        inside = False
        for event in sorted(span.get("events", ()), key=lambda e: _order(registry, e)):
            if "introduced" in event:
                inside = inside or event["introduced"] == "0" or mine >= _parsed(registry, event["introduced"])
            elif "fixed" in event:
                inside = inside and mine < _parsed(registry, event["fixed"])
            elif "last_affected" in event:
                inside = inside and mine <= _parsed(registry, event["last_affected"])
        if inside:
            return _fixed(affected)
    return None


def _fixed(affected: Mapping[str, Any]) -> str:
    return next((str(e["fixed"]) for s in affected.get("ranges", ()) for e in s.get("events", ()) if "fixed" in e), "")


def _order(registry: str, event: Mapping[str, str]) -> Any:
    value = next(iter(event.values()))
    return _parsed(registry, "0" if value == "0" else value)


def _parsed(registry: str, version: str) -> Any:
    """Something that compares as the registry's versions do. Raises ValueError."""
    text = version.lstrip("v=")
    if registry == "pypi":
        try:
            return Version(text)
        except InvalidVersion as error:
            raise ValueError(f"{version!r} is no version") from error
    match = re.match(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([\w.-]+))?", text)
    if match is None:
        raise ValueError(f"{version!r} is no version")
    numbers = tuple(int(match[i] or 0) for i in (1, 2, 3))
    before = match[4]
    parts = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in before.split(".")) if before else ()
    return (*numbers, (0, parts) if before else (1, ()))
