"""What a project depends on, as its manifests and lock files say. Pure; formats of Python, JavaScript, Go and Rust.

pyproject.toml (PEP 621, PEP 735, Poetry), requirements files, package.json, go.mod, Cargo.toml; package-lock.json,
yarn.lock, pnpm-lock.yaml, poetry.lock, uv.lock, Cargo.lock, go.sum.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

_T = TypeVar("_T")


class Dependency(NamedTuple):
    """One requirement. `source`: where it comes from, if not from the registry of record."""

    registry: str  # pypi, npm, go, crates
    name: str
    version: str
    source: str = ""


class Locked(NamedTuple):
    """One package of a lock file. `host`: where it is fetched, `digest`: of its content; "" where it says none."""

    registry: str
    name: str
    version: str
    host: str = ""
    digest: str = ""
    runs: bool = False  # it runs a script when it is installed


class Unread(Exception):
    """A manifest that cannot be read as what its name says."""


def plain(name: str) -> str:
    """The one spelling of a name on PyPI (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:@\s*(\S+)|([^;#]*))")


def _requirement(text: str) -> Dependency | None:
    match = _REQUIREMENT.match(text)
    if match is None:
        return None
    return Dependency("pypi", plain(match[1]), (match[3] or "").strip(" ()"), match[2] or "")


def _pyproject(text: str) -> Iterator[Dependency]:
    data = tomllib.loads(text)
    project = data.get("project", {})
    lists = [project.get("dependencies", []), data.get("build-system", {}).get("requires", [])]
    lists += [*project.get("optional-dependencies", {}).values(), *data.get("dependency-groups", {}).values()]
    for entry in (one for many in lists for one in many if isinstance(one, str)):
        if found := _requirement(entry):
            yield found
    poetry = data.get("tool", {}).get("poetry", {})
    tables = [poetry.get("dependencies", {}), poetry.get("dev-dependencies", {})]
    tables += [group.get("dependencies", {}) for group in poetry.get("group", {}).values()]
    for table in tables:
        for name, spec in table.items():
            if name != "python":
                yield Dependency("pypi", plain(name), *_spec(spec))


def _spec(spec: Any) -> tuple[str, str]:
    """The version and the source of an entry that is a text or a table."""
    if not isinstance(spec, dict):
        return str(spec), ""
    source = next((str(spec[key]) for key in ("git", "url", "path", "registry") if key in spec), "")
    return str(spec.get("version", "")), source


def _requirements(text: str) -> Iterator[Dependency]:
    for line in re.sub(r"\\\n", " ", text).splitlines():
        entry = re.sub(r"(?:^|\s)#.*|\s--hash=.*", "", line).strip()
        if entry.startswith(("git+", "http://", "https://", "file:", "-e ")):
            source = entry.removeprefix("-e ").strip()
            yield Dependency("pypi", plain(source.partition("#egg=")[2]), "", source)
        elif entry and not entry.startswith("-") and (found := _requirement(entry)):
            yield found


def _package_json(text: str) -> Iterator[Dependency]:
    data = _object(text)
    for table in ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies"):
        for name, spec in (data.get(table) or {}).items():
            version = str(spec)
            odd = re.match(r"(?:git|https?|file|link|github|gitlab|bitbucket|npm)[:+]|[\w.-]+/[\w.-]+(?:#|$)", version)
            yield Dependency("npm", name, "" if odd else version, version if odd else "")


def _object(text: str) -> dict[str, Any]:
    data = json.loads(text)
    if not isinstance(data, dict):
        raise TypeError("it is no object")
    return data


def _go_mod(text: str) -> Iterator[Dependency]:
    for block in re.finditer(r"^require\s*\(([^)]*)\)|^require\s+([^(\n]+)$", text, re.MULTILINE):
        for line in (block[1] or block[2]).splitlines():
            words = line.partition("//")[0].split()
            if len(words) == 2:
                yield Dependency("go", words[0], words[1])
    for match in re.finditer(r"^(?:replace\s+|\t)(\S+)(?:\s+v\S+)?\s+=>\s+(\S+)", text, re.MULTILINE):
        yield Dependency("go", match[1], "", match[2])


def _cargo(text: str) -> Iterator[Dependency]:
    data = tomllib.loads(text)
    holders = [data, data.get("workspace", {}), *data.get("target", {}).values()]
    for holder in holders:
        for key in ("dependencies", "dev-dependencies", "build-dependencies"):
            for name, spec in holder.get(key, {}).items():
                renamed = spec.get("package", name) if isinstance(spec, dict) else name
                if not (isinstance(spec, dict) and spec.get("workspace")):
                    yield Dependency("crates", renamed, *_spec(spec))


def _package_lock(text: str) -> Iterator[Locked]:
    data = _object(text)
    for path, entry in (data.get("packages") or {}).items():
        if path and not entry.get("link"):
            name = entry.get("name") or path.rpartition("node_modules/")[2]
            yield _npm(name, entry)
    for name, entry in (data.get("dependencies") or {}).items() if "packages" not in data else ():
        yield _npm(name, entry)


def _npm(name: str, entry: dict[str, Any]) -> Locked:
    version, host, digest = (str(entry.get(key, "")) for key in ("version", "resolved", "integrity"))
    return Locked("npm", name, version, host, digest, bool(entry.get("hasInstallScript")))


def _yarn_lock(text: str) -> Iterator[Locked]:
    for block in re.split(r"\n(?=\S)", text):
        head = re.match(r'"?((?:@[^/\s"]+/)?[^@\s"]+)@', block)
        version = re.search(r'^\s+version:?\s+"?([^"\s]+)', block, re.MULTILINE)
        if head and version:
            host = re.search(r'^\s+resolved\s+"([^"]+)"', block, re.MULTILINE)
            digest = re.search(r"^\s+(?:integrity|checksum):?\s+(\S+)", block, re.MULTILINE)
            yield Locked("npm", head[1], version[1], host[1] if host else "", digest[1] if digest else "")


_PNPM = re.compile(
    r"""^  ['"]?/?((?:@[\w.-]+/)?[\w.-]+)[@/](\d[\w.+-]*)[^\n]*:\s*\n(?:    resolution: \{integrity: (\S+?)[,}])?""",
    re.MULTILINE,
)


def _pnpm_lock(text: str) -> Iterator[Locked]:
    for match in _PNPM.finditer(text):
        yield Locked("npm", match[1], match[2], "", match[3] or "")


def _toml_lock(registry: str) -> Callable[[str], Iterator[Locked]]:
    def read(text: str) -> Iterator[Locked]:
        for entry in tomllib.loads(text).get("package", ()):
            source = entry.get("source", "")
            if isinstance(source, dict):
                source = next((source[key] for key in ("url", "git", "registry") if key in source), "")
            host = str(source)
            name = plain(entry["name"]) if registry == "pypi" else str(entry["name"])
            yield Locked(registry, name, str(entry.get("version", "")), host, str(entry.get("checksum", "")))

    return read


def _go_sum(text: str) -> Iterator[Locked]:
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and not words[1].endswith("/go.mod"):
            yield Locked("go", words[0], words[1], "", words[2])


_MANIFESTS: dict[str, Callable[[str], Iterator[Dependency]]] = {
    "pyproject.toml": _pyproject,
    "package.json": _package_json,
    "go.mod": _go_mod,
    "Cargo.toml": _cargo,
}
_LOCKS: dict[str, Callable[[str], Iterator[Locked]]] = {
    "package-lock.json": _package_lock,
    "npm-shrinkwrap.json": _package_lock,
    "yarn.lock": _yarn_lock,
    "pnpm-lock.yaml": _pnpm_lock,
    "poetry.lock": _toml_lock("pypi"),
    "uv.lock": _toml_lock("pypi"),
    "Cargo.lock": _toml_lock("crates"),
    "go.sum": _go_sum,
}
# manifest -> the lock files that may stand beside it
LOCKS_OF = {
    "package.json": ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml"),
    "pyproject.toml": ("poetry.lock", "uv.lock"),
    "Cargo.toml": ("Cargo.lock",),
    "go.mod": ("go.sum",),
}
_REQUIREMENTS = re.compile(r"(?:.*[-_.])?requirements(?:[-_.].*)?\.(?:txt|in)|constraints.*\.txt")


def is_manifest(path: str) -> bool:
    """Whether `dependencies` reads a file of this name."""
    name = path.rpartition("/")[2]
    return (
        name in _MANIFESTS
        or bool(_REQUIREMENTS.fullmatch(name))
        or (name.endswith(".txt") and "/requirements/" in f"/{path}")
    )


def is_lock(path: str) -> bool:
    """Whether `locked` reads a file of this name."""
    return path.rpartition("/")[2] in _LOCKS


def dependencies(path: str, text: str) -> list[Dependency]:
    """What a manifest asks for. Raises Unread."""
    return _read(path, text, _MANIFESTS.get(path.rpartition("/")[2], _requirements))


def locked(path: str, text: str) -> list[Locked]:
    """What a lock file holds. Raises Unread."""
    return _read(path, text, _LOCKS[path.rpartition("/")[2]])


def _read(path: str, text: str, reader: Callable[[str], Iterator[_T]]) -> list[_T]:
    try:
        return list(reader(text))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise Unread(f"{path} cannot be read: {error}") from error
