"""What a change takes from those who import a package, by griffe, over real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from changes.making import Files, change
from interlock.changes.finding import Finding, Weight
from interlock.changes.formal import pythonapi

A = """
def price(item, count=1, *, tax=0.2):
    return item * count * (1 + tax)


class Basket:
    def add(self, item): ...
    def _sum(self): ...


def _round(n): ...
"""
BASE: Files = {
    "pyproject.toml": "[build-system]\nrequires = []\n",
    "src/shop/__init__.py": "from shop._inner import total\n__all__ = ['total']\n",
    "src/shop/_inner.py": "def total(items, start=0):\n    return sum(items, start)\n",
    "src/shop/prices.py": A,
}


def found(folder: Path, after: Files, *, before: Files = BASE) -> tuple[list[Finding], list[str], list[str]]:
    problems: list[str] = []
    notes: list[str] = []
    return list(pythonapi.judged(change(folder, before, after), problems, notes)), problems, notes


@pytest.mark.parametrize(
    ("after", "titles"),
    [
        (
            {"src/shop/prices.py": A.replace("item, count=1, *, tax=0.2", "item, count, coin, *, tax=0.3")},
            [
                "shop.prices.price() needs coin now.",
                "shop.prices.price() needs count now, which could be left out.",
                "shop.prices.price() takes 0.3 for tax where it is left out, no longer 0.2.",
            ],
        ),
        (
            {"src/shop/prices.py": A.replace("def price", "def cost").replace("def add", "def put").replace("_", "_x")},
            ["shop.prices.Basket.add() is gone.", "shop.prices.price() is gone."],
        ),
        (
            {"src/shop/_inner.py": "def total(items, start):\n    return sum(items, start)\n"},
            ["shop._inner.total() needs start now, which could be left out."],
        ),
        (
            {"src/shop/prices.py": None, "src/shop/costs.py": A},
            ["shop.prices is gone: it has moved to src/shop/costs.py, and nothing is left in its place."],
        ),
        (
            {"src/shop/prices.py": A.replace("def price(", "def other("), "src/shop/costs.py": A},
            ["shop.prices.price() is gone: shop.costs.price has that name now, and nothing is left in its place."],
        ),
        (
            {"src/shop/prices.py": A.replace("def price(item, ", "def cost(item, coin, ") + "\nprice = cost\n"},
            ["shop.prices.cost() needs coin now."],
        ),
    ],
)  # fmt: skip
def test_what_breaks_callers_wants_a_person(tmp_path: Path, after: Files, titles: list[str]) -> None:
    findings, problems, _ = found(tmp_path, after)
    assert sorted(f.title for f in findings if "takes count at" not in f.title) == titles
    assert {f.weight for f in findings} == {Weight.REVIEW}
    assert not problems


@pytest.mark.parametrize(
    "after",
    [
        {"src/shop/prices.py": A.replace("def price(", "def cost(") + "\nprice = cost\n"},
        {"src/shop/prices.py": "from shop.costs import Basket, price\n", "src/shop/costs.py": A},
        {"src/shop/prices.py": "from shop.costs import *\n", "src/shop/costs.py": A},
        {"src/shop/prices.py": "def __getattr__(name): ...\n"},
        {"src/shop/prices.py": A.replace("tax=0.2):", "tax=0.2, coin=None):")},
        {"src/shop/prices.py": A.replace("tax=0.2):", "tax=0.2, _memory={}):")},
        {"src/shop/prices.py": A.replace("_round", "_trim").replace("_sum", "_all")},
        {"tests/test_shop.py": "def test_it(): ...\n"},
    ],
)
def test_what_stays_by_another_way_is_quiet(tmp_path: Path, after: Files) -> None:
    assert found(tmp_path, after) == ([], [], [])


BUILT = "[build-system]\nrequires = []\n"
OLD, NEW = "def price(item): ...\n", "def price(item, coin): ...\n"


@pytest.mark.parametrize(
    ("path", "name"),
    [("src/acme/shop/prices.py", "acme.shop.prices"), ("src/prices.py", "prices"), ("price_list.py", "price_list")],
)
def test_a_namespace_or_one_module_is_imported_as_a_package_is(tmp_path: Path, path: str, name: str) -> None:
    """Story: without an `__init__.py` nothing was compared, and nothing said so."""
    manifest = BUILT + "[project]\nname = 'Price-List'\n"
    findings, problems, _ = found(tmp_path, {path: NEW}, before={"pyproject.toml": manifest, path: OLD})
    assert ([(f.title, f.path, f.weight) for f in findings], problems) == (
        [(f"{name}.price() needs coin now.", path, Weight.REVIEW)], []
    )  # fmt: skip


def test_older_manifests_say_it_too(tmp_path: Path) -> None:
    """What each of them can say stands in `test_layout`."""
    before: Files = {"setup.py": "setup(package_dir={'': 'lib'})\n", "lib/acme/prices.py": OLD}
    findings, _, _ = found(tmp_path, {"lib/acme/prices.py": NEW}, before=before)
    assert [f.title for f in findings] == ["acme.prices.price() needs coin now."]


def test_a_folder_of_scripts_is_nobodys_interface(tmp_path: Path) -> None:
    paths = ("scripts/prices.py", "prices.py", "src/_prices.py", "src/price-list/prices.py")
    before: Files = {"pyproject.toml": BUILT, **dict.fromkeys(paths, OLD)}
    assert found(tmp_path / "built", dict.fromkeys(paths, NEW), before=before) == ([], [], [])
    unbuilt: Files = {"pyproject.toml": "[tool.ruff]\n", "src/acme/prices.py": OLD}
    assert found(tmp_path / "not", {"src/acme/prices.py": NEW}, before=unbuilt) == ([], [], [])


def test_the_base_may_publish_a_single_file(tmp_path: Path) -> None:
    before: Files = {"tools/prices.py": OLD, ".interlock/gate.toml": 'published = ["tools/prices.py"]\n'}
    findings, _, _ = found(tmp_path, {"tools/prices.py": NEW}, before=before)
    assert [(f.title, f.weight) for f in findings] == [("prices.price() needs coin now.", Weight.REVIEW)]


@pytest.mark.parametrize(
    ("before", "title"),
    [
        ({"src/acme/prices.py": OLD, "src/acme/till.py": OLD}, "acme.prices is gone."),
        ({"src/acme/__init__.py": "x = 1\n", "src/acme/prices.py": OLD}, "acme.prices is gone."),
        ({"src/acme/prices.py": OLD}, "The package acme is gone, or has moved."),
    ],
    ids=["a namespace stays", "a package stays", "the last file"],
)
def test_one_file_that_goes_is_not_the_whole_package(tmp_path: Path, before: Files, title: str) -> None:
    """Story: taking one module out of a package was told as if the package were gone."""
    findings, _, _ = found(tmp_path, {"src/acme/prices.py": None}, before={"pyproject.toml": BUILT, **before})
    assert [f.title for f in findings] == [title]


def test_a_module_that_became_a_package_of_the_same_names_is_whole(tmp_path: Path) -> None:
    before: Files = {"pyproject.toml": BUILT, "src/prices.py": OLD}
    after: Files = {"src/prices.py": None, "src/prices/__init__.py": OLD}
    assert found(tmp_path, after, before=before)[0] == []


def test_what_is_analysed_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    ran = f"open({str(mark)!r}, 'w').close()\n"
    findings, _, _ = found(tmp_path / "r", {"src/shop/prices.py": ran + A.replace("def price", "def cost")})
    assert [f.title for f in findings] == ["shop.prices.price() is gone."]
    assert not mark.exists()


def test_where_nothing_is_built_it_is_a_note(tmp_path: Path) -> None:
    findings, _, _ = found(
        tmp_path, {"src/shop/prices.py": "x = 1\n"}, before={k: v for k, v in BASE.items() if k != "pyproject.toml"}
    )
    assert {f.weight for f in findings} == {Weight.NOTE}


def test_the_base_says_what_others_import(tmp_path: Path) -> None:
    before: Files = {**BASE, ".interlock/gate.toml": 'published = ["src/shop/_inner.py"]\n'}
    after: Files = {"src/shop/_inner.py": "def total(items): ...\n", "src/shop/prices.py": "x = 1\n"}
    findings, _, _ = found(tmp_path, after, before=before)
    assert {(f.path, f.weight) for f in findings} == {
        ("src/shop/_inner.py", Weight.REVIEW), ("src/shop/prices.py", Weight.NOTE)
    }  # fmt: skip


def test_a_name_that_leads_nowhere_at_hand_is_no_error(tmp_path: Path) -> None:
    """Story: griffe raised for an import from a module that the change left alone, and nothing was compared."""
    findings, problems, _ = found(tmp_path, {"src/shop/prices.py": "from shop.other import price\n"})
    assert ([f.title for f in findings], problems) == (["shop.prices.Basket is gone."], [])


def test_what_does_not_parse_is_a_problem(tmp_path: Path) -> None:
    findings, problems, _ = found(tmp_path, {"src/shop/prices.py": "def price(:\n"})
    assert not findings
    assert problems == ["src/shop/prices.py does not parse: its interface was not compared"]


def test_without_griffe_a_note_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythonapi, "available", lambda: False)
    assert found(tmp_path, {"src/shop/prices.py": "x = 1\n"}) == ([], [], [pythonapi.MISSING])


def test_a_name_that_its_module_has_too_ends_nothing(tmp_path: Path) -> None:
    """Story: `from shop.total import total`, of a file that the change leaves alone, made it all inconclusive."""
    before = {
        **BASE,
        "src/shop/__init__.py": "from shop.total import total\n__all__ = ['total']\n",
        "src/shop/total.py": "def total(items):\n    return sum(items)\n",
    }
    other = {"src/shop/prices.py": A.replace("def price", "def cost")}
    said, problems, _ = found(tmp_path / "a", other, before=before)
    assert not problems
    assert "shop.prices.price() is gone." in [one.title for one in said]
    gone, problems, _ = found(tmp_path / "b", {"src/shop/__init__.py": "__all__ = []\n"}, before=before)
    assert not problems
    assert [one.title for one in gone] == ["shop.total is gone."]
