"""Which files a command runs without being given them as its program."""

from __future__ import annotations

import pytest

from interlock.effects.handed import handed


@pytest.mark.parametrize(
    ("called", "words", "found"),
    [
        ("make all", ["make", "all"], "/p/Makefile"),
        ("make", ["/usr/bin/make", "-f", "sub/rules.mk"], "/p/sub/rules.mk"),
        ("pytest", ["python", "-m", "pytest", "tests/../test_a.py"], "/p/test_a.py"),
        ("pytest", ["pytest", "--rootdir=..", "--confcutdir=x/conftest.py"], "/p/x/conftest.py"),
        ("python -m a.b", ["python", "-m", "a.b"], "/p/a/b/__main__.py"),
        ("uvicorn", ["uvicorn", "src.app:make_app"], "/p/src/app.py"),
        ("node with ./hook", ["node", "-e", "require('./hook')"], "/p/hook.js"),
        (".", ["python3", "-m", "pip", "install", "."], "/p/setup.py"),
        ("(the project's own)", ["npm", "ci"], "/p/package.json"),
        ("docker build", ["docker", "build", "-f", "/srv/Dockerfile", None], "/srv/Dockerfile"),
    ],
)
def test_what_a_command_looks_for(called: str, words: list[str | None], found: str) -> None:
    assert found in set(handed(called, words, "/p"))


@pytest.mark.parametrize(
    ("called", "words"),
    [
        ("ruff", ["ruff", "check", "a.py"]),
        ("maker", ["maker"]),
        ("docker run", ["docker", "run", "x"]),
        ("", []),
        ("x", [None, "Makefile"]),
    ],
)
def test_what_looks_for_nothing(called: str, words: list[str | None]) -> None:
    assert not list(handed(called, words, "/p"))
