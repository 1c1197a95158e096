"""Fetches the packages that the evidence about lost guards is made of, with the registries' ordinary clients.

    python benchmarks/guards/fetch.py DIRECTORY [advisories|ordinary|commits|learned]

Nothing is installed and nothing of a package is run: wheels (PyPI), packed tarballs (npm) and module sources (Go) are
unpacked, source files alone. What cannot be had (no wheel, a version taken back) is listed at the end and left out of
every figure. The packages stay in DIRECTORY; the repository holds names and versions only.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
SOURCES = (".py", ".js", ".cjs", ".mjs", ".ts", ".tsx", ".jsx", ".go")
MOST = 2 << 20  # bytes of one file
SECONDS = 180
AT_ONCE = 4  # clients; they wait for the network most of the time
# Older releases have wheels for older interpreters only; the files in them are what counts.
PYTHONS = ("3.8", "3.12", "3.6")


def rows(name: str, *, held: bool) -> Iterator[list[str]]:
    """The rows of one of the lists beside this file; `held`: of the one that is held back."""
    for line in (HERE / "held" / name if held else HERE / name).read_text().splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def home(root: Path, registry: str, package: str, version: str) -> Path:
    """Where one version of a package is unpacked."""
    return root / registry / f"{package.replace('/', '+')}@{version}"


def keep(target: Path, name: str, data: bytes) -> None:
    """Write one source file of a package below `target`."""
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts:
        return
    path = target / inside
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def run(*command: str, cwd: str) -> str:
    """One client; its output. Raises where it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit {done.returncode}").splitlines()
        raise OSError(said[-1][:200])
    return done.stdout


def wheel(package: str, version: str, target: Path, scratch: str) -> None:
    """A wheel from PyPI: of any platform that has one."""
    for number, python in enumerate(PYTHONS):
        digits = python.replace(".", "")
        platforms = [
            f"--platform={p}" for p in ("any", "manylinux2014_x86_64", "manylinux1_x86_64", "manylinux_2_28_x86_64")
        ]
        abis = [f"--abi={a}" for a in (f"cp{digits}", f"cp{digits}m", "abi3", "none")]
        try:
            run(
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
                *(f"--python-version={python}", "--implementation=cp", *platforms, *abis, f"{package}=={version}"),
                cwd=scratch,
            )
            break
        except OSError:
            if number == len(PYTHONS) - 1:
                raise
    with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as archive:
        for info in archive.infolist():
            if info.filename.endswith(SOURCES) and info.file_size <= MOST:
                keep(target, info.filename, archive.read(info))


def tarball(package: str, version: str, target: Path, scratch: str) -> None:
    """A package from npm, as it was packed."""
    run("npm", "pack", "--silent", "--ignore-scripts", f"{package}@{version}", cwd=scratch)
    with tarfile.open(next(Path(scratch).glob("*.tgz"))) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(SOURCES) and member.size <= MOST:
                opened = archive.extractfile(member)
                if opened is not None:
                    keep(target, member.name.partition("/")[2], opened.read())


def module(package: str, version: str, target: Path, scratch: str) -> None:
    """A Go module, as the module proxy has it."""
    folder = Path(json.loads(run("go", "mod", "download", "-json", f"{package}@{version}", cwd=scratch))["Dir"])
    for path in folder.rglob("*.go"):
        if path.is_file() and path.stat().st_size <= MOST:
            keep(target, path.relative_to(folder).as_posix(), path.read_bytes())


CLIENTS = {"pypi": wheel, "npm": tarball, "go": module}


def fetch(root: Path, registry: str, package: str, version: str) -> str:
    """Unpack one version, unless it is there. What went wrong, or an empty text."""
    target = home(root, registry, package, version)
    if target.exists():
        return ""
    part = target.with_name(f".{target.name}")
    with TemporaryDirectory() as scratch:
        try:
            part.mkdir(parents=True, exist_ok=True)
            CLIENTS[registry](package, version, part, scratch)
        except (
            OSError,
            subprocess.TimeoutExpired,
            StopIteration,
            zipfile.BadZipFile,
            tarfile.TarError,
            KeyError,
        ) as error:
            return str(error)
    part.rename(target)
    return ""


def wanted(which: str) -> Iterator[tuple[str, str, str]]:
    """Registry, package, version: of the advisories, of the ordinary releases, or of those that are one commit."""
    for held in (False, True):
        if which in ("advisories", "all"):
            for _, registry, package, *versions in (row[:5] for row in rows("advisories.tsv", held=held)):
                yield from ((registry, package, version) for version in versions)
        if which in ("ordinary", "all"):
            for registry, package, versions in rows("ordinary.tsv", held=held):
                yield from ((registry, package, version) for version in versions.split())
    if which in ("commits", "all"):
        for registry, package, _, versions in rows("commits.tsv", held=True):
            yield from ((registry, package, version) for version in versions.split())
    if which == "learned":
        for registry, package, versions in rows("learned.tsv", held=False):
            yield from ((registry, package, version) for version in versions.split())


def main(root: Path, which: str = "all") -> None:
    """Fetch what the lists name."""
    missing = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        listed = list(dict.fromkeys(wanted(which)))
        for one, problem in zip(listed, pool.map(lambda one: fetch(root, *one), listed), strict=True):
            if problem:
                missing += 1
                print(f"{' '.join(one)}: {problem}", flush=True)
    print(f"{missing} of {len(listed)} could not be had")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument(
        "which", nargs="?", default="all", choices=("all", "advisories", "ordinary", "commits", "learned")
    )
    given = parser.parse_args()
    main(given.root, given.which)
