"""Runs a pair's two tests on its two versions, so that its labels are known and not believed.

Each run is a process in a temporary folder, without a network where bubblewrap can take it away. A test says by its
status what came of it: 0 it passed, FAILED an assertion did not hold, anything else is no answer (a program that does
not compile is not insecure). Node and Go are used where they are installed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from benchmarks.pairs.pair import Pair

FAILED = 3
_SECONDS = 60
_WANTED = {("safe", "works"): "passes", ("safe", "guarded"): "passes",
           ("unsafe", "works"): "passes", ("unsafe", "guarded"): "fails"}  # fmt: skip
_PYTHON = """\
import sys
sys.dont_write_bytecode = True
def refused(call, *given, **more):
    try:
        call(*given, **more)
    except Exception:
        return
    raise AssertionError("it was not refused")
try:
    import subject as m
    exec(compile(open("test.txt").read(), "test.txt", "exec"))
except AssertionError as failure:
    print(failure)
    sys.exit(3)
"""
_SCRIPT = """\
const assert = require("assert"), fs = require("fs");
function refused(call) {
  try { call(); } catch (error) { return; }
  assert.fail("it was not refused");
}
const Test = Object.getPrototypeOf(async function () {}).constructor;
new Test("m", "assert", "refused", "require", fs.readFileSync("test.txt", "utf8"))(
  require("./subject.js"), assert, refused, require).then(
  () => process.exit(0),
  (error) => { console.log(error); process.exit(error.code === "ERR_ASSERTION" ? 3 : 1); });
"""
_PACKAGES = {name.rpartition("/")[2]: name for name in (
    "bytes", "context", "errors", "io", "io/fs", "math", "net/http", "net/http/httptest", "net/url", "os", "os/exec",
    "path/filepath", "strings", "sync", "time", "crypto/tls", "archive/zip", "crypto/hmac", "crypto/sha256",
    "encoding/hex", "log", "fmt")}  # fmt: skip


def missing(pair: Pair) -> str:
    """The program that the pair cannot be run without and that is not here."""
    wanted = {"python": "", "javascript": "node", "go": "go"}[pair.language]
    return wanted if wanted and shutil.which(wanted) is None else ""


def wrong(some: Iterable[Pair]) -> dict[str, list[str]]:
    """Pair -> which of its labels do not hold; empty lists where all do. Pairs that cannot be run are left out."""
    found: dict[str, list[str]] = {}
    here = [pair for pair in some if not missing(pair)]
    with tempfile.TemporaryDirectory(prefix="pairs-") as folder:
        for number, pair in enumerate(p for p in here if p.language != "go"):
            found[pair.name] = _apart(pair, Path(folder) / str(number))
        if gophers := [p for p in here if p.language == "go"]:
            found |= _together(gophers, Path(folder) / "go")
    return found


def _apart(pair: Pair, folder: Path) -> list[str]:
    """Each version and each test in a process of its own."""
    bad = []
    for (version, test), want in _WANTED.items():
        here = folder / version / test
        here.mkdir(parents=True)
        suffix = pair.path.rpartition(".")[2]
        (here / f"subject.{suffix}").write_text(getattr(pair, version), "utf-8")
        (here / "test.txt").write_text(getattr(pair, test), "utf-8")
        (here / f"run.{suffix}").write_text(_PYTHON if suffix == "py" else _SCRIPT, "utf-8")
        program = [sys.executable, "-I", "-c", "import sys; sys.path.insert(0, ''); exec(open('run.py').read())"]
        status, said = _run(program if suffix == "py" else ["node", "run.js"], here)
        got = {0: "passes", FAILED: "fails"}.get(status, f"ends with {status}")
        if got != want:
            bad.append(f"{test} {got} on the {version} version: {said[-400:].strip()}")
    return bad


def _together(some: Sequence[Pair], folder: Path) -> dict[str, list[str]]:
    """Go compiles: all versions are packages of one module, and one call tests them."""
    names = {}
    for number, pair in enumerate(some):
        for version in ("safe", "unsafe"):
            names[f"pairs/p{number}{version}"] = (pair.name, version)
            here = folder / f"p{number}{version}"
            here.mkdir(parents=True)
            (here / "subject.go").write_text(re.sub(r"(?m)^package \w+", "package subject", getattr(pair, version)))
            (here / "subject_test.go").write_text(_gotest(pair))
    (folder / "go.mod").write_text("module pairs\n\ngo 1.21\n")
    _, said = _run(["go", "test", "-json", "-vet=off", "./..."], folder, seconds=600)
    ended: dict[tuple[str, str], str] = {}
    wrote: dict[str, str] = defaultdict(str)
    for line in said.splitlines():
        row = json.loads(line) if line.startswith("{") else {}
        package = row.get("Package", row.get("ImportPath", "").partition(" ")[0])
        wrote[package] += row.get("Output", "")
        if row.get("Action") in ("pass", "fail") and row.get("Test") in ("TestWorks", "TestGuarded"):
            ended[package, row["Test"][4:].lower()] = f"{row['Action']}{'es' if row['Action'] == 'pass' else 's'}"
    bad: dict[str, list[str]] = {pair.name: [] for pair in some}
    for package, (name, version) in names.items():
        for test in ("works", "guarded"):
            got = ended.get((package, test), "does not end")
            if "panic: " in wrote[package]:
                got = "panics"
            if got != _WANTED[version, test]:
                bad[name].append(f"{test} {got} on the {version} version: {wrote[package][-400:].strip()}")
    return bad


def _gotest(pair: Pair) -> str:
    used = {p for p in _PACKAGES if re.search(rf"(?<![\w.]){p}\.", pair.works + pair.guarded)} | {"testing"}
    imports = "".join(f'\t"{_PACKAGES.get(name, name)}"\n' for name in sorted(used))
    bodies = "".join(
        f"func Test{name}(t *testing.T) {{\n{text}}}\n"
        for name, text in (("Works", pair.works), ("Guarded", pair.guarded))
    )
    return f"package subject\n\nimport (\n{imports})\n\n{bodies}"


def _run(words: Sequence[str], folder: Path, seconds: int = _SECONDS) -> tuple[int, str]:
    """One program; its status, or 124 where it did not end, and what it wrote."""
    keep = {name: os.environ[name] for name in ("PATH", "GOROOT") if name in os.environ}
    settings = {**keep, "HOME": str(folder), "TMPDIR": str(folder.parent), "GOFLAGS": "-mod=mod", "GOPROXY": "off",
                "GOCACHE": str(folder / "cache"), "GOTOOLCHAIN": "local", "LANG": "C.UTF-8"}  # fmt: skip
    try:
        done = subprocess.run(
            [*_room(), *words], cwd=folder, env=settings, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return 124, "it did not end"
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


@cache
def _room() -> tuple[str, ...]:
    """What takes the network away, where that is possible."""
    words = ("bwrap", "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent", "--")
    if shutil.which("bwrap") and not subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        return words
    return ()
