"""Documents cannot drift: what is generated is compared, what is cited must exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interlock.cli import reference

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]


@pytest.mark.parametrize("name", reference.pages())
def test_generated_pages_are_current(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text()
    assert written == reference.pages()[name], "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_files_that_are_named_exist(page: Path) -> None:
    for name in re.findall(r"`((?:docs|tests|src|native|benchmarks)/[\w./-]+)`", page.read_text()):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_rooms_and_files_of_the_house_that_are_named_exist(page: Path) -> None:
    house = ROOT / "src" / "interlock"
    rooms = "|".join(sorted(path.name for path in house.iterdir() if path.is_dir() and path.name[0] != "_"))
    for name in re.findall(rf"`((?:{rooms})/[\w./*<>-]*)`", page.read_text()):
        assert any(house.glob(re.sub(r"<\w+>", "*", name).rstrip("/"))), name


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text()))
    assert listed == {path.name for path in folder.glob("0*.md")}
