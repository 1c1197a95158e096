"""What undo needs is kept for a while, and within bounds."""

from __future__ import annotations

import os
from pathlib import Path

from interlock.containment.shelf import Shelf
from interlock.containment.store import Store
from interlock.daemon.keeping import Keeping

NOW = 1_000_000_000.0


def run(place: Path, name: str, *, age: float, size: int = 100, waits: str = "") -> Path:
    folder = place / name
    (folder / "commit0").mkdir(parents=True)
    (folder / "commit0" / "0").write_bytes(b"x" * size)
    if waits:
        (folder / waits).touch()
    os.utime(folder, (NOW - age, NOW - age))
    return folder


def keeping(tmp_path: Path) -> Keeping:
    return Keeping([tmp_path / "contained"], Shelf(tmp_path / "undo"), Store(tmp_path / "preimages"))


def test_what_is_too_old_goes_and_what_is_young_stays(tmp_path: Path) -> None:
    old = run(tmp_path / "contained", "r1-0000000a", age=100)
    young = run(tmp_path / "contained", "r2-0000000b", age=10)
    assert keeping(tmp_path).prune(NOW, age=50) == 1
    assert not old.exists()
    assert young.exists()


def test_beyond_the_bound_the_oldest_goes_but_nothing_that_waits_for_a_person(tmp_path: Path) -> None:
    held = run(tmp_path / "contained", "r1-0000000a", age=30, size=50_000, waits="held")
    old = run(tmp_path / "contained", "r2-0000000b", age=20, size=50_000)
    young = run(tmp_path / "contained", "r3-0000000c", age=10, size=50_000)
    assert keeping(tmp_path).prune(NOW, size=120_000, age=3_600) == 1
    assert held.exists()
    assert not old.exists()
    assert young.exists()


def test_what_the_overlay_closed_to_everybody_goes_too(tmp_path: Path) -> None:
    old = run(tmp_path / "contained", "r1-0000000a", age=100)
    (old / "work" / "work").mkdir(parents=True)
    (old / "work" / "work" / "x").touch()
    (old / "work" / "work").chmod(0)
    os.utime(old, (NOW - 100, NOW - 100))
    keeping(tmp_path).prune(NOW, age=50)
    assert not old.exists()
