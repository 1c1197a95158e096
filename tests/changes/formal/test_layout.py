"""Where Python looks for what a repository distributes: what each kind of manifest says of it."""

from __future__ import annotations

import pytest

from interlock.changes.formal.layout import layout

BUILT = "[build-system]\nrequires = []\n"
CFG = "[metadata]\nname = x\n"


@pytest.mark.parametrize(
    ("name", "text", "path", "found"),
    [
        ("pyproject.toml", BUILT, "src/acme/shop/prices.py", ("src", "acme")),
        ("pyproject.toml", BUILT, "src/prices.py", ("src", "prices")),
        ("pyproject.toml", BUILT, "parts/till/src/acme/prices.py", ("parts/till/src", "acme")),
        ("pyproject.toml", BUILT + "[project]\nname = 'Price-List'\n", "price_list.py", ("", "price_list")),
        ("pyproject.toml", BUILT + "[tool.setuptools]\npy-modules = ['prices']\n", "prices.py", ("", "prices")),
        ("pyproject.toml", BUILT + "[tool.setuptools.packages.find]\nwhere = ['lib']\n", "lib/a/b.py", ("lib", "a")),
        ("pyproject.toml", BUILT + "[tool.setuptools.packages.find]\ninclude = ['acme*']\n", "acme/b.py", ("", "acme")),
        ("pyproject.toml", BUILT + "[tool.setuptools.package-dir]\n'' = 'lib'\n", "lib/prices.py", ("lib", "prices")),
        ("pyproject.toml", BUILT + "[tool.poetry]\npackages = [{include = 'a', from = './lib/'}]\n", "lib/a/b.py",
         ("lib", "a")),
        ("pyproject.toml", BUILT + "[tool.hatch.build.targets.wheel]\npackages = ['lib/a']\n", "lib/a/b.py",
         ("lib", "a")),
        ("pyproject.toml", BUILT + "[tool.uv.build-backend]\nmodule-root = 'lib'\n", "lib/a/b.py", ("lib", "a")),
        ("pyproject.toml", BUILT + "[tool.flit.module]\nname = 'prices'\n", "prices.py", ("", "prices")),
        ("setup.py", "setup(py_modules=['prices'])\n", "prices.py", ("", "prices")),
        ("setup.py", "setup(package_dir={'': 'lib'})\n", "lib/acme/prices.py", ("lib", "acme")),
        ("setup.cfg", CFG + "[options]\npy_modules =\n    cart\n    prices\n", "prices.py", ("", "prices")),
        ("setup.cfg", CFG + "[options]\npy_modules = cart\nzip_safe = no\n", "zip_safe.py", None),
        ("setup.cfg", CFG + "[options]\npackage_dir =\n    = lib\n", "lib/prices.py", ("lib", "prices")),
        ("setup.cfg", CFG + "[options.packages.find]\nwhere = lib\n", "lib/acme/prices.py", ("lib", "acme")),
        ("pyproject.toml", BUILT, "scripts/prices.py", None),
        ("pyproject.toml", BUILT, "prices.py", None),
        ("pyproject.toml", "[build-system", "scripts/prices.py", None),
        ("pyproject.toml", BUILT + "[tool]\nsetuptools = 1\nhatch = []\n[project]\nname = 2\n", "prices.py", None),
    ],
)  # fmt: skip
def test_what_a_manifest_says(name: str, text: str, path: str, found: tuple[str, str] | None) -> None:
    assert layout({name: text}.get).top(path, {path}) == found


def test_a_folder_called_src_within_a_package_is_part_of_it() -> None:
    tree = {"shop/__init__.py", "shop/src/prices.py", "src/__init__.py", "src/a.py"}
    said = layout({"pyproject.toml": BUILT}.get)
    assert [said.top(path, tree) for path in ("shop/src/prices.py", "src/a.py")] == [None, None]


@pytest.mark.parametrize(
    ("name", "text", "built"),
    [
        ("pyproject.toml", BUILT, True),
        ("setup.cfg", CFG, True),
        ("setup.py", "from setuptools import setup\nsetup(name='x')\n", True),
        ("pyproject.toml", "[tool.ruff]\n", False),
        ("setup.cfg", "[flake8]\n", False),
    ],
)
def test_what_builds_a_distribution(name: str, text: str, built: bool) -> None:
    assert layout({name: text}.get).built is built
