"""Walks with the packages of the project: which interpreter the base names, and what its packages show."""

from __future__ import annotations

import os
import shutil
import sys
import venv
from pathlib import Path

import pytest

from changes.making import Files, change
from interlock.changes import room
from interlock.changes.driven import environment, findings
from interlock.changes.driven.environment import Unfit
from interlock.changes.finding import Finding

needs_room = pytest.mark.skipif(not room.usable(), reason="nothing here contains the change's code")

# A package that says no by a rule of its own, prefers what is not there, and has what stands for a running application.
RULES = """
try:
    import a_faster_one
except ImportError:
    a_faster_one = None

def small(cents):
    return a_faster_one is not None or cents <= 500

def running():
    raise RuntimeError("no application is set up")

class _Later:
    def __getattribute__(self, _name):
        running()

request = _Later()
"""
SHOP = """
import shoprules
from shoprules import request
from pay.limits import LEAST

def pay(cents):
    if not shoprules.small(cents):
        raise PermissionError(cents)
    if cents < LEAST:
        raise ValueError(cents)
    return cents
"""
FILES: Files = {"pay/__init__.py": "", "pay/limits.py": "LEAST = 1\n", "pay/m.py": SHOP}
WEAKER = SHOP.replace("    if not shoprules.small(cents):\n        raise PermissionError(cents)\n", "")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with one package in it; its interpreter."""
    folder = tmp_path_factory.mktemp("project") / "venv"
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "shoprules").mkdir()
    (packages / "shoprules" / "__init__.py").write_text(RULES)
    (packages / "shoprules-1.0.dist-info").mkdir()
    return folder / "bin" / "python"


def toml(*command: str) -> Files:
    return {".interlock/gate.toml": f"[tests]\ncommand = {list(command)!r}\n"}


def walked(folder: Path, before: Files, after: Files) -> tuple[list[Finding], dict[str, str], list[str]]:
    facts: dict[str, str] = {}
    notes: list[str] = []
    found = list(findings.judged(change(folder, before, after), notes, facts, seconds=20.0))
    return found, facts, notes


@needs_room
def test_what_a_package_of_the_project_refuses_is_seen_where_its_own_interpreter_walks(
    tmp_path: Path, project: Path
) -> None:
    base = {**FILES, **toml(str(project), "-m", "pytest")}
    found, facts, notes = walked(tmp_path, base, {"pay/m.py": WEAKER})
    assert [f.rule for f in found] == ["formal/walk-accepts"]
    assert "raises PermissionError before" in found[0].title
    assert facts["walked pay/m.py"].endswith("(with the project's packages)")
    assert not notes


@needs_room
@pytest.mark.slow
def test_a_package_that_is_made_up_refuses_nobody_and_a_real_one_gives_the_same_answer_each_time(
    tmp_path: Path, project: Path
) -> None:
    """Story: where the package was made up, the check that asks it could go unseen."""
    found, _, _ = walked(tmp_path / "made-up", FILES, {"pay/m.py": WEAKER})
    assert not found
    base = {**FILES, **toml(str(project))}
    first, again = (walked(tmp_path / name, base, {"pay/m.py": WEAKER}) for name in ("first", "again"))
    assert first[0]
    assert first == again


@needs_room
def test_what_is_imported_within_a_function_is_the_versions_own(tmp_path: Path, project: Path) -> None:
    """Story: a version's imports were only found while it was loaded: later ones gave what takes every call."""
    within = """
def pay(cents):
    import shoprules
    from pay.limits import LEAST, MOST
    if not shoprules.small(cents) or not LEAST <= cents <= MOST:
        raise PermissionError(cents)
    return cents
"""
    base: Files = {**toml(str(project)), **FILES, "pay/m.py": within, "pay/limits.py": "LEAST, MOST = 1, 50\n"}
    changed: Files = {
        "pay/limits.py": "LEAST, MOST = 1, 99\n",
        "pay/m.py": within.replace("cents)\n    return", "'no')\n    return"),
    }
    found, facts, _ = walked(tmp_path, base, changed)
    assert [f.rule for f in found] == ["formal/walk-accepts"], facts


@needs_room
def test_what_is_written_in_c_loads_once_for_both_versions(tmp_path: Path, project: Path) -> None:
    """Story: a package that is written in C ended the process when the second version loaded it anew."""
    pytest.importorskip("duckdb")
    text = "import duckdb\n\ndef take(n):\n    if n > 5:\n        raise duckdb.Error(n)\n    return n\n"
    found, facts, _ = walked(tmp_path, {"m.py": text}, {"m.py": text.replace("n > 5", "n > 50")})
    assert [f.rule for f in found] == ["formal/walk-accepts"], facts


@needs_room
@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("shoprules.not_there\n\ndef", "AttributeError"),
        ("def", "nothing that changed gave"),
    ],
)
def test_a_file_that_needs_more_than_its_packages_is_walked_without_them(
    tmp_path: Path, project: Path, line: str, why: str
) -> None:
    text = SHOP.replace("def", line).replace("    return cents", "    shoprules.running()\n    return cents")
    weaker = text.replace("    if cents < LEAST:\n        raise ValueError(cents)\n", "")
    found, facts, _ = walked(tmp_path, {**FILES, **toml(str(project)), "pay/m.py": text}, {"pay/m.py": weaker})
    assert [f.rule for f in found] == ["formal/walk-accepts"], facts
    assert f"without the project's packages: {why}" in facts["walked pay/m.py"]


@needs_room
@pytest.mark.slow
def test_another_error_alone_is_no_answer_that_keeps_a_walk_with_its_packages(tmp_path: Path, project: Path) -> None:
    """Story: with its packages every call failed, before and after, by another error each; the check that was taken out
    was never reached, and the walk without them, which reaches it, was not taken.
    """
    text = SHOP.replace("    if not", "    shoprules.running()\n    if not")
    other = (
        "    try:\n        shoprules.running()\n    except RuntimeError:\n        raise LookupError('none') from None\n"
    )
    weaker = text.replace("    if cents < LEAST:\n        raise ValueError(cents)\n", "")
    weaker = weaker.replace("    shoprules.running()\n", other)
    found, facts, _ = walked(tmp_path, {**FILES, **toml(str(project)), "pay/m.py": text}, {"pay/m.py": weaker})
    assert "without the project's packages" in facts["walked pay/m.py"], facts
    assert [f.rule for f in found] == ["formal/walk-accepts"], facts


def script(folder: Path, line: str) -> Path:
    """What stands where an interpreter is looked for."""
    python = folder / "bin" / "python3.8"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{line}\n")
    python.chmod(0o755)
    return python


@needs_room
@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("echo cpython 3 8", "is cpython 3.8; walks need"),
        ("echo pypy 3 11", "is pypy 3.11; walks need"),
        ("exit 3", "does not start in a room: status 3"),
        ("echo cpython 3 many words", "does not start in a room"),
        ("sleep 60", "does not start in a room"),
    ],
)
def test_an_interpreter_that_cannot_walk_is_told(
    tmp_path: Path, line: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_PATIENCE", 1.0)
    python = script(tmp_path / "old", line)
    (tmp_path / "empty").mkdir()
    with pytest.raises(Unfit, match=why):
        environment.tried(environment.Python(str(python), (str(tmp_path / "old"),)), tmp_path / "empty")


@needs_room
def test_where_the_projects_interpreter_is_too_old_interlocks_own_walks(tmp_path: Path) -> None:
    base = {**FILES, **toml(str(script(tmp_path / "old", "echo cpython 3 8")))}
    looser = SHOP.replace("cents < LEAST", "cents < LEAST - 9")
    found, facts, notes = walked(tmp_path / "r", base, {"pay/m.py": looser})
    assert [f.rule for f in found] == ["formal/walk-accepts"]
    assert [note for note in notes if "without the project's own packages" in note and "cpython 3.8" in note]
    assert "packages" not in facts["walked pay/m.py"]


def test_the_interpreter_is_the_one_that_the_base_names(tmp_path: Path, project: Path) -> None:
    pytest_of_it = project.parent / "pytest"
    pytest_of_it.write_text("")
    pytest_of_it.chmod(0o755)
    for number, command in enumerate(
        [(str(project), "-m", "pytest"), ("env", "A=1", str(project)), (str(pytest_of_it),)]
    ):
        found = environment.theirs(change(tmp_path / str(number), toml(*command), {"m.py": ""}))
        assert found is not None
        assert found.program == str(project)
        assert str(project.parent.parent) in found.reads
    pytest_of_it.unlink()
    assert environment.theirs(change(tmp_path / "none", {"m.py": ""}, toml(str(project)))) is None
    assert environment.theirs(change(tmp_path / "own", toml(sys.executable), {"m.py": ""})) is None


@pytest.mark.parametrize("command", [".venv/bin/python -m pytest", "make test", "/usr/bin/make python"])
def test_what_is_no_interpreter_by_a_whole_path_is_not_run(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Story: `.venv/bin/python` would have been the tree's own: a change may bring one."""
    repository = tmp_path / "r"
    one = change(repository, toml(*command.split()), {".venv/bin/python": "#!/bin/sh\n"})
    (repository / ".venv" / "bin" / "python").chmod(0o755)
    monkeypatch.chdir(repository)
    with pytest.raises(Unfit):
        environment.theirs(one)


def test_an_environment_that_the_tree_holds_a_part_of_is_left_alone(tmp_path: Path) -> None:
    """Story: a change could have put its own package into the environment that it is walked through with."""
    python = tmp_path / "r" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    os.symlink(sys.executable, python)
    apart = change(tmp_path / "r", toml(str(python)), {"m.py": "", ".venv.md": "", "bin/python": ""})
    assert environment.theirs(apart) is not None
    shutil.rmtree(tmp_path / "r" / ".git")
    brought = change(tmp_path / "r", toml(str(python)), {".venv/lib/python3.11/site-packages/shoprules.py": ""})
    with pytest.raises(Unfit, match=r"shoprules\.py may be a part of the environment"):
        environment.theirs(brought)


def test_an_answer_is_kept_for_the_packages_that_gave_it(tmp_path: Path, project: Path) -> None:
    one = change(tmp_path, toml(str(project)), {"m.py": ""})
    before = environment.identity(one)
    assert before == environment.identity(one)
    (packages,) = project.parent.parent.glob("lib/python*/site-packages")
    (packages / "another-2.0.dist-info").mkdir()
    assert environment.identity(one) != before
