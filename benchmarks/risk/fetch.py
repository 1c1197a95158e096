"""Fetches the releases that the risk model is fitted to, with the registries' own clients.

    python benchmarks/risk/fetch.py DIRECTORY

`projects.tsv` names them: runs of adjacent releases of projects that release often. Source distributions come through
`unearth` (the finder of PDM: `pip install unearth`), since pip asks a source distribution for its metadata, which runs
the package's own code; npm's come through `npm pack`. Nothing is installed, unpacked or run. Beside each archive stands
the day of its release as the registry has it. What cannot be had is listed and left out; the change then spans two
releases. DIRECTORY stays outside of the repository, which holds names and versions alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

HERE = Path(__file__).parent
SECONDS = 180
AT_ONCE = 4  # projects; a registry is no load test
INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple")


class Project(NamedTuple):
    """A run of releases. `rule`: what says that a release mends something, its `changelog` or its number (`patch`)."""

    registry: str
    name: str
    rule: str
    versions: tuple[str, ...]

    def archive(self, root: Path, version: str) -> Path:
        """Where one release lies, as it was packed."""
        return root / self.registry / f"{self.name.replace('/', '+')}@{version}.archive"


def projects() -> Iterator[Project]:
    """What the list beside this file names."""
    for line in (HERE / "projects.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            registry, name, rule, versions = line.split("\t")
            yield Project(registry, name, rule, tuple(versions.split()))


def keep(path: Path, data: bytes, day: datetime) -> None:
    """An archive and its day."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".day").write_text(day.isoformat())
    part = path.with_suffix(".part")
    part.write_bytes(data)
    part.rename(path)


def pypi(root: Path, project: Project) -> None:
    """Source distributions."""
    from unearth import PackageFinder

    finder = PackageFinder(index_urls=[INDEX], no_binary=[":all:"])
    found = {one.version: one.link for one in finder.find_all_packages(project.name)}
    for version in project.versions:
        path = project.archive(root, version)
        link = found.get(version)
        if path.exists():
            continue
        if link is None or link.upload_time is None:
            print(f"not to be had: {project.name} {version}", flush=True)
            continue
        answer = finder.session.get(link.normalized)
        answer.raise_for_status()
        keep(path, answer.content, link.upload_time)


def npm(root: Path, project: Project) -> None:
    """Packed tarballs."""
    said = subprocess.run(
        ("npm", "view", project.name, "time", "--json"), capture_output=True, timeout=SECONDS, check=True
    )
    days = json.loads(said.stdout)
    for version in project.versions:
        path = project.archive(root, version)
        if path.exists():
            continue
        with TemporaryDirectory() as scratch:
            done = subprocess.run(
                ("npm", "pack", "--silent", "--ignore-scripts", f"{project.name}@{version}"),
                cwd=scratch,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
            packed = next(Path(scratch).glob("*.tgz"), None)
            if done.returncode or packed is None or version not in days:
                print(f"not to be had: {project.name} {version}", flush=True)
                continue
            keep(path, packed.read_bytes(), datetime.fromisoformat(days[version]))


def main(root: Path) -> None:
    """Fetch what the list names, unless it is there."""

    def one(project: Project) -> str:
        {"pypi": pypi, "npm": npm}[project.registry](root, project)
        return f"{project.registry} {project.name}: {len(project.versions)}"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for told in pool.map(one, projects()):
            print(told, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    main(parser.parse_args().root)
