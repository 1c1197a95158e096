"""The laws of the house (docs/architecture.md), held by a machine."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "interlock"
SOURCES = sorted(PACKAGE.rglob("*.py"))

# What each room may import from the house. The arrows never run backwards; `daemon`, `cli` and `drills` may import all.
MAY_IMPORT: dict[str, set[str]] = {
    "model": set(),
    "effects": {"model"},
    "policy": {"model"},
    "prover": {"model", "policy"},
    "replay": {"model", "policy", "ledger"},
    "ledger": {"model"},
    "identity": {"model", "ledger"},
    "approvals": {"model", "ledger", "identity"},
    "preview": {"model"},
    "containment": {"model"},
    "halt": {"model", "ledger"},
    "notify": {"model", "__version__"},
    "broker": {"model", "effects", "policy", "ledger", "identity", "approvals", "preview", "containment", "halt"},
    "gates": {"model", "broker", "home"},
    "watch": {"model", "ledger"},
    "changes": {"model", "effects", "preview", "policy", "ledger", "identity"},
    "home": {"model"},
    "panel": {"model", "ledger", "watch"},
}
PURE_FILES = ("model/", "effects/", "policy/", "watch/", "ledger/merkle.py")
# I/O, clocks, environment and chance: they come in as arguments.
BANNED_IN_PURE = {
    "os",
    "io",
    "socket",
    "subprocess",
    "time",
    "random",
    "secrets",
    "shutil",
    "tempfile",
    "asyncio",
    "threading",
}
BANNED_CALLS = {"open", "input", "print", "exec", "eval", "breakpoint"}
LONGEST_FILE = 700
LONGEST_FUNCTION = 70


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


class Known(NamedTuple):
    """What the laws ask about one module: each is parsed and walked once for all of them."""

    text: str
    empty: bool
    said: str | None
    imports: tuple[str, ...]
    calls: tuple[tuple[int, str], ...]  # line and name, of what is called by its bare name
    functions: tuple[tuple[str, int], ...]  # name and length in lines


@cache
def known(path: Path) -> Known:
    text = path.read_text()
    tree = ast.parse(text)
    imported: list[str] = []
    calls: list[tuple[int, str]] = []
    functions: list[tuple[str, int]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported += imports(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            calls.append((node.lineno, node.func.id))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.append((node.name, (node.end_lineno or node.lineno) - node.lineno + 1))
    said = ast.get_docstring(tree)
    return Known(text, not tree.body, said, tuple(imported), tuple(calls), tuple(functions))


def imports(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif node.module == "interlock" and node.level == 0:
        yield from (f"interlock.{alias.name}" for alias in node.names)
    elif node.module and node.level == 0:
        yield node.module


def test_the_arrows_never_run_backwards() -> None:
    backwards = []
    for path in SOURCES:
        room = relative(path).split("/")[0].removesuffix(".py")
        for name in known(path).imports if room in MAY_IMPORT else ():
            if name.startswith("interlock."):
                other = name.split(".")[1]
                if other not in {room, "__version__", *MAY_IMPORT[room]}:
                    backwards.append(f"{relative(path)}: {room} may not import {other}")
    assert not backwards


def test_the_core_does_no_io() -> None:
    found = []
    for path in SOURCES:
        if not relative(path).startswith(PURE_FILES):
            continue
        # `importlib.resources` reads the package's own data files: they are part of the code.
        found += [f"{relative(path)}: {name}" for name in known(path).imports if name.split(".")[0] in BANNED_IN_PURE]
        found += [f"{relative(path)}:{line}: {name}()" for line, name in known(path).calls if name in BANNED_CALLS]
    assert not found


def test_files_and_functions_fit() -> None:
    """A file that is too long is two rooms that have not been told apart yet."""
    found = []
    for path in SOURCES:
        if (lines := known(path).text.count("\n")) > LONGEST_FILE:
            found.append(f"{relative(path)} has {lines} lines")
        functions = known(path).functions
        found += [f"{relative(path)}: {name} has {n} lines" for name, n in functions if n > LONGEST_FUNCTION]
    assert not found


def test_every_module_says_what_it_is() -> None:
    """A module starts with its one idea."""
    assert not [relative(path) for path in SOURCES if not known(path).empty and not known(path).said]


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")
    nameless = re.compile(r"# (?:type: ignore|noqa)(?![\[:]\s?\w)")  # a mark says which rule it is about
    found = []
    for path in SOURCES:
        for number, line in enumerate(known(path).text.splitlines(), start=1):
            if later.search(line) or nameless.search(line):
                found.append(f"{relative(path)}:{number}: {line.strip()}")
    assert not found


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_machine_and_no_host_of_a_registry_is_named() -> None:
    forbidden = re.compile(r"(?<![\w.])/(?:work|farm)/|\.library\b|files\.pythonhosted|registry\.npmjs\.org/\S+\.tgz")
    found = []
    for name in tracked():
        if name.startswith("tests/test_tidy") or (ROOT / name).stat().st_size > 1 << 20:
            continue
        try:
            text = (ROOT / name).read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{name}:{n}" for n, line in enumerate(text.splitlines(), 1) if forbidden.search(line)]
    assert not found


def test_the_root_holds_what_a_stranger_expects_there() -> None:
    """Story: a note between two people stood beside the README for a day."""
    root = {name.split("/")[0] for name in tracked()}
    folders = {".ci", ".interlock", "benchmarks", "docs", "native", "requirements", "scripts", "src", "tests"}
    files = {".gitignore", "LICENSE", "Makefile", "README.md", "hatch_build.py", "pyproject.toml"}
    assert root <= folders | files


def test_what_is_an_extra_is_imported_where_it_is_used_alone() -> None:
    """Start-up must not depend on what else is installed: z3 in the rooms of proofs, DuckDB in that of replays …."""
    home = {"z3": ("prover/", "changes/formal/"), "duckdb": ("replay/",), "griffe": ("changes/formal/",)}
    outside = [
        f"{relative(path)}: {name}"
        for path in SOURCES
        for name in known(path).imports
        if not relative(path).startswith(home.get(name.split(".")[0], ""))
    ]
    assert not outside


def test_what_names_download_hosts_is_not_committed() -> None:
    assert "uv.lock" not in tracked()
    for name in tracked():
        if name.endswith(("package-lock.json", "npm-shrinkwrap.json")):
            assert '"resolved"' not in (ROOT / name).read_text(), name
    for name in ("requirements/run.txt", "requirements/dev.txt"):
        text = (ROOT / name).read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
