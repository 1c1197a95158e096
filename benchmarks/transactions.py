"""Listing, committing and undoing the changes of a contained command, beside the bare system calls of the same run.

    python benchmarks/transactions.py [DIRECTORY] [--json]     the directory says which disk is measured

A tree of 50,000 files, on which a command in a rootless overlay makes 2,500 changes: 1,000 files rewritten, 800 new
ones in old directories, 200 in a new directory, 499 deleted, and one directory of 100 files removed. The floor of a
listing is one `scandir` of what the upper layer holds with one `lstat` on either side; of a commit and of an undo, one
rename for each change, and two `fsync`s. The whole is repeated on a tree half as large: the cost should be that of the
changes. Targets: 35 ms, 250 ms and 110 ms.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from interlock.containment.change import ChangeSet
from interlock.containment.changes import overlay, start
from interlock.containment.commit import commit
from interlock.containment.rewind import rewind

TARGETS = {"list": 35.0, "commit": 250.0, "undo": 110.0}
ROUNDS = 5
INSIDE = """
import ctypes, os, shutil, sys
workspace, upper, work = sys.argv[1:]
options = f"lowerdir={workspace},upperdir={upper},workdir={work},userxattr,volatile".encode()
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"overlay", workspace.encode(), b"overlay", 0, options):
    sys.exit(os.strerror(ctypes.get_errno()))
os.chdir(workspace)
directories = sorted(name for name in os.listdir(".") if name.startswith("d"))
for n in range(1000):
    with open(f"{directories[n % 200]}/f{n // 200}", "a") as file: file.write("changed\\n")
for n in range(800):
    with open(f"{directories[n % 200]}/new{n}", "w") as file: file.write("new\\n" * 20)
os.mkdir("fresh")
for n in range(200):
    with open(f"fresh/{n}", "w") as file: file.write("new\\n" * 20)
for n in range(499):
    os.remove(f"{directories[n % 200]}/f{20 + n // 200}")
shutil.rmtree("whole")
"""


def build(place: Path, files: int) -> Path:
    """A tree of so many files, a hundred in a directory."""
    workspace = place / "workspace"
    for number in range(files // 100):
        directory = workspace / (f"d{number:04}" if number else "whole")
        directory.mkdir(parents=True)
        for name in range(100):
            (directory / f"f{name}").write_bytes(b"a line of source text\n" * 50)
    return workspace


def contained(workspace: Path, run: Path) -> int:
    """Run the changes on an overlay; returns when it began."""
    for name in ("upper", "work"):
        (run / name).mkdir(parents=True)
    time.sleep(0.02)
    began = start(run)
    time.sleep(0.02)
    words = ["unshare", "-Urm", sys.executable, "-c", INSIDE, str(workspace), str(run / "upper"), str(run / "work")]
    subprocess.run(words, check=True)
    return began


def timed(act: Callable[..., object], *words: Any) -> float:
    """Milliseconds of one call, without somebody else's garbage in it."""
    gc.collect()
    begun = time.perf_counter()
    act(*words)
    return (time.perf_counter() - begun) * 1000


def listed(upper: Path, workspace: Path, began: int) -> ChangeSet:
    """The change set."""
    above, live = (os.open(place, os.O_RDONLY | os.O_DIRECTORY) for place in (upper, workspace))
    try:
        return overlay(above, live, began=began)
    finally:
        os.close(above)
        os.close(live)


def floor_list(upper: Path, workspace: Path) -> None:
    """The bare calls of a listing."""
    for directory, _, _ in os.walk(upper):
        live = os.path.join(workspace, os.path.relpath(directory, upper))
        with os.scandir(directory) as found:
            for entry in found:
                entry.stat(follow_symlinks=False)
                try:
                    os.lstat(os.path.join(live, entry.name))
                except OSError:
                    continue


def floor_moves(workspace: Path, changes: ChangeSet, stage: Path) -> tuple[float, float]:
    """The bare calls of a commit and of an undo: each object moved once there and once back."""
    stage.mkdir()
    pairs = []
    for number, change in enumerate(changes):
        place = workspace / change.path
        if change.what in ("changed", "deleted"):
            pairs.append((str(place), str(stage / str(number))))
        elif change.path == "fresh" or not change.path.startswith("fresh/"):
            (stage / str(number)).write_bytes(b"")
            pairs.append((str(stage / str(number)), str(place)))
    file = os.open(stage, os.O_RDONLY)

    def there() -> None:
        os.fsync(file)
        for old, new in pairs:
            os.rename(old, new)
        os.fsync(file)

    def back() -> None:
        os.fsync(file)
        for old, new in pairs:
            os.rename(new, old)
        os.fsync(file)

    figures = timed(there), timed(back)
    os.close(file)
    shutil.rmtree(stage)
    return figures


def redo(folder: Path) -> None:
    """The undo of an undo."""
    rewind(folder, redo=True)


def measure(place: Path, files: int) -> dict[str, float]:
    """Medians over the rounds, in milliseconds."""
    workspace = build(place, files)
    rows: dict[str, list[float]] = {name: [] for name in ("list", "commit", "undo", "redo")}
    rows |= {f"floor {name}": [] for name in TARGETS}
    for number in range(ROUNDS):
        run = place / f"run{number}"
        began = contained(workspace, run)
        changes = listed(run / "upper", workspace, began)
        rows["list"].append(timed(listed, run / "upper", workspace, began))
        rows["floor list"].append(timed(floor_list, run / "upper", workspace))
        there, back = floor_moves(workspace, changes, run / "floor")
        rows["floor commit"].append(there)
        rows["floor undo"].append(back)
        began = time.time_ns()
        changes = listed(run / "upper", workspace, began)
        rows["commit"].append(timed(commit, run / "t", str(workspace), str(run / "upper"), changes))
        rows["undo"].append(timed(rewind, run / "t"))
        rows["redo"].append(timed(redo, run / "t"))
        rows["undo"].append(timed(rewind, run / "t"))
        shutil.rmtree(run)
    shutil.rmtree(workspace)
    return {"changes": float(len(changes)), **{name: statistics.median(values) for name, values in rows.items()}}


def main() -> int:
    """Print the table; the exit status says whether the targets are met."""
    words = [word for word in sys.argv[1:] if word != "--json"]
    place = Path(tempfile.mkdtemp(dir=words[0] if words else None))
    try:
        figures = {files: measure(place, files) for files in (50_000, 25_000)}
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if "--json" in sys.argv:
        print(json.dumps(figures))
    for files, row in figures.items() if "--json" not in sys.argv else ():
        print(f"{files:,} files, {row['changes']:.0f} changes")
        for name, target in TARGETS.items():
            ratio = row[name] / row[f"floor {name}"]
            floor = row[f"floor {name}"]
            print(f"  {name:7} {row[name]:7.1f} ms   floor {floor:7.1f} ms   x{ratio:4.1f}   target {target:.0f} ms")
        print(f"  {'redo':7} {row['redo']:7.1f} ms")
    return 0 if all(figures[50_000][name] <= target for name, target in TARGETS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
