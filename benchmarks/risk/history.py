"""Turns runs of releases into git repositories, one commit a release, which the same code reads as any other's history.

    python benchmarks/risk/history.py DIRECTORY

DIRECTORY is what `fetch.py` filled; repositories come to lie in `DIRECTORY/git/`. A commit has the day of its release,
one author, and a tag. Its subject begins with `fix` where the release mends and does nothing else: where the project's
changelog speaks of fixes and of nothing new, or, where the number is made from the kinds of commits (`patch` in the
list), where it is a patch release. Releases that a changelog blames by their number ("a regression in 1.2") are listed
in `incidents.txt` of the repository, as a team would list the commits that caused its incidents.

What every release changes, whatever it is about, is left out: package metadata, changelogs, lock files, what a build
made, the version's own number. Nothing of a package runs.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.risk.fetch import Project, projects

from interlock.changes.risk.measures import FIX

MOST = 1 << 19  # bytes of one file: larger ones are data or made
_OUT = re.compile(
    r"(?i)(?:^|/)(?:[^/]*\.(?:egg-info|dist-info)/|node_modules/|PKG-INFO$|setup\.cfg$|(?:change(?:s|log)?|news|history|releases?"
    r"|release-notes|relnotes)(?:-v?\d[^/]*)?(?:\.(?:md|rst|txt))?$|_?version\.py$|.*\.lock$|package-lock\.json$|.*[.-]min\.[cm]?js$|.*\.map$|.*\.d\.[cm]?ts$)"
    r"|^dist/.*\.(?:cjs|umd\.js)$|^(?:changelog\.d|newsfragments|docs/changelog)/"
)
_LOGS = re.compile(r"(?i)(?:^|/)(?:change(?:s|log)?|news|history|release-notes)(?:\.(?:md|rst|txt))?$")
# What a build made of the sources that lie beside it.
_MADE = ("dist/", "build/", "umd/", "es/", "esm/", "cjs/", "compiler/", "dist/cjs/")
_NEW = re.compile(
    r"(?i)\b(?:feat(?:ures?)?|added|adds?|new|enhancements?|improve(?:d|ments?)|minor changes|breaking)\b"
)
_BLAMED = re.compile(
    r"(?i)\b(?:regress(?:ed|ions?)|br(?:oken?|eakage)|introduced|caused)\b[^.;:]{0,60}?\b(?:in|since|by|from|with)\b"
    r"[^.;:\d]{0,30}?(\d+\.\d+(?:\.\d+)*)"
)
_NUMBER = re.compile(r"^[\s#=*\[(]*(?:version\s+|v|release\s+|[a-z_.-]+[\s-]+v?)?(\d+(?:\.\d+)+)\b", re.I)
_WHO = {
    f"GIT_{who}_{what}": word
    for who in ("AUTHOR", "COMMITTER")
    for what, word in (("NAME", "release"), ("EMAIL", "release@example.org"))
}


def files(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Path and content of the text files of a packed release, without the folder that all of them are in."""
    data = archive.read_bytes()
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            pairs = [(info.filename, packed.read(info)) for info in packed.infolist() if info.file_size <= MOST]
    else:
        with tarfile.open(fileobj=io.BytesIO(data)) as unpacked:
            wanted = [one for one in unpacked if one.isfile() and (one.size <= MOST or _LOGS.search(one.name))]
            pairs = [(one.name, opened.read()) for one in wanted if (opened := unpacked.extractfile(one))]
    for name, content in pairs:
        path = PurePosixPath(name.partition("/")[2])
        if path.parts and ".." not in path.parts and ".git" not in path.parts and b"\0" not in content[:8000]:
            yield path.as_posix(), content


def entries(text: str) -> dict[str, str]:
    """Version -> what a changelog says of it. A heading is a line that begins with a number and is marked as one."""
    lines = text.splitlines()
    found: dict[str, list[str]] = {}
    at: list[str] | None = None
    for number, line in enumerate(lines):
        below = lines[number + 1] if number + 1 < len(lines) else ""
        marked = line.startswith(("#", "Version ", "v", "[")) or re.fullmatch(r"[=\-~^\"*+]{3,}\s*", below)
        match = _NUMBER.match(line) if marked and len(line) < 100 else None
        if match:
            at = found.setdefault(match[1], [])
        elif at is not None:
            at.append(line)
    return {version: " ".join(" ".join(said).split()) for version, said in found.items()}


def logs(packed: dict[str, dict[str, bytes]]) -> dict[str, str]:
    """Version -> what the changelogs in these releases say of it."""
    known: dict[str, str] = {}
    for content in packed.values():
        for path in sorted((path for path in content if _LOGS.search(path)), key=len)[:2]:
            known |= {k: v for k, v in entries(content[path].decode("utf-8", "replace")).items() if v}
    return {version: known.get(version, known.get(re.sub(r"\.0$", "", version), "")) for version in packed}


def mends(rule: str, version: str, entry: str) -> bool:
    """Whether a release mends, and does nothing else."""
    if rule == "patch":
        return version.split(".")[2:3] not in ([], ["0"])
    return bool(FIX.search(entry)) and not _NEW.search(entry)


def plain(path: str, content: bytes, version: str) -> bytes:
    """A file without its own version's number, in lines that are about it."""
    number = version.encode()
    if number not in content:
        return content
    lines = content.split(b"\n")
    return b"\n".join(
        line.replace(number, b"VERSION") if b"version" in line.lower() or path.endswith(".json") else line
        for line in lines
    )


def kept(content: dict[str, bytes], version: str) -> dict[str, bytes]:
    """What of a release is people's work: no metadata, and nothing that a build made of sources beside it."""
    made = _MADE if any(path.startswith(("lib/", "src/")) for path in content) else _MADE[-1:]
    return {p: plain(p, c, version) for p, c in content.items() if not _OUT.search(p) and not p.startswith(made)}


def build(root: Path, project: Project) -> str:
    """The repository of one project; what can be said of it."""
    home = root / "git" / project.name.replace("/", "+")
    if (home / ".done").exists():
        return (home / ".done").read_text()
    packed = {v: dict(files(path)) for v in project.versions if (path := project.archive(root, v)).exists()}
    told = logs(packed)
    stream = io.BytesIO()
    written, fixes, blamed = [], 0, set()
    for version, content in packed.items():
        if not told[version] and project.rule == "changelog":
            continue  # nobody says what it is about: its outcome would be a guess
        day = datetime.fromisoformat(project.archive(root, version).with_suffix(".day").read_text())
        fix = mends(project.rule, version, told[version])
        subject = f"{'fix' if fix else 'change'}: {project.name} {version}\n\n{told[version][:4000]}"
        stream.write(_commit(int(day.timestamp()), subject.encode(), kept(content, version)))
        stream.write(f"reset refs/tags/v{version}\nfrom refs/heads/main\n\n".encode())
        fixes += fix
        blamed |= {one for one in _BLAMED.findall(told[version]) if one in written}
        written.append(version)
    home.mkdir(parents=True, exist_ok=True)
    git(home, "init", "-q", "-b", "main")
    git(home, "fast-import", "--quiet", "--force", feed=stream.getvalue())
    (home / "incidents.txt").write_text("".join(f"v{version}\n" for version in sorted(blamed)))
    said = f"{project.name}: {len(written)} of {len(project.versions)} releases, {fixes} mend, {len(blamed)} blamed"
    (home / ".done").write_text(said)
    return said


def _commit(when: int, message: bytes, content: dict[str, bytes]) -> bytes:
    """One commit with exactly these files, as `git fast-import` reads it."""
    parts = [
        f"commit refs/heads/main\ncommitter release <release@example.org> {when} +0000\n".encode(),
        b"data %d\n%b\ndeleteall\n" % (len(message), message),
    ]
    for path, data in sorted(content.items()):
        name = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        parts.append(b'M 100644 inline "%b"\ndata %d\n%b\n' % (name.encode(), len(data), data))
    return b"".join(parts) + b"\n"


def git(home: Path, *words: str, feed: bytes | None = None) -> None:
    """Git in that folder."""
    settings = {**os.environ, **_WHO, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(("git", *words), cwd=home, input=feed, env=settings, check=True)


def main(root: Path) -> None:
    """Build what is not there."""
    for project in projects():
        print(build(root, project), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    main(parser.parse_args().root)
