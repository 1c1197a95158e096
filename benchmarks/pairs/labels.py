"""Runs a pair's two tests on its two versions, so that its labels are known and not believed.

Each run is a process (of Go a subtest, for there a program is long in the making) in a temporary folder, without a
network and with nothing else to write in, where bubblewrap can take that away. A test says by its status what came of
it: 0 it passed, FAILED an assertion did not hold, anything else is no answer (a program that does not compile is not
insecure). Node and Go are used where they are installed.
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
import os, signal, sys, traceback
sys.dont_write_bytecode = True
sys.path.insert(0, "")
def refused(call, *given, **more):
    try:
        call(*given, **more)
    except Exception:
        return
    raise AssertionError("it was not refused")
def run():
    global m
    try:
        import subject as m
        exec(compile(open("test.txt").read(), "test.txt", "exec"), globals())
    except AssertionError as failure:
        print(failure)
        return 3
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0
for place in sys.argv[2:]:
    child = os.fork()
    if not child:
        signal.alarm(int(sys.argv[1]))
        os.chdir(place)
        said = os.open("said", os.O_WRONLY | os.O_CREAT)
        os.dup2(said, 1)
        os.dup2(said, 2)
        status = run()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    print(place, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
_SCRIPT = """\
const assert = require("assert"), fs = require("fs");
function refused(call) {
  try { call(); } catch (error) { return; }
  assert.fail("it was not refused");
}
const Test = Object.getPrototypeOf(async function () {}).constructor;
new Test("m", "assert", "refused", "require", fs.readFileSync("test.txt", "utf8"))(
  require(process.cwd() + "/subject.js"), assert, refused, require).then(
  () => process.exit(0),
  (error) => { console.log(error); process.exit(error.code === "ERR_ASSERTION" ? 3 : 1); });
"""
_ROOM = ("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-net", "--unshare-pid",
         "--unshare-ipc", "--die-with-parent")  # fmt: skip
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
    """Each version and each test in a process and a folder of its own."""
    suffix = pair.path.rpartition(".")[2]
    places = [f"{version}/{test}" for version, test in _WANTED]
    for (version, test), place in zip(_WANTED, places, strict=True):
        here = folder / place
        here.mkdir(parents=True)
        (here / f"subject.{suffix}").write_text(getattr(pair, version), "utf-8")
        (here / "test.txt").write_text(getattr(pair, test), "utf-8")
    ends = (_forked if suffix == "py" else _started)(places, folder)
    bad = []
    for (version, test), want in _WANTED.items():
        status, said = ends.get(f"{version}/{test}", (124, "it did not end"))
        got = {0: "passes", FAILED: "fails"}.get(status, f"ends with {status}")
        if got != want:
            bad.append(f"{test} {got} on the {version} version: {said[-400:].strip()}")
    return bad


def _started(places: Sequence[str], folder: Path) -> dict[str, tuple[int, str]]:
    """Place -> status and what was written there; a Node for each."""
    (folder / "run.js").write_text(_SCRIPT, "utf-8")
    return {one: run(["node", str(folder / "run.js")], folder / one) for one in places}


def _forked(places: Sequence[str], folder: Path) -> dict[str, tuple[int, str]]:
    """The same; one Python starts the process of each, and each has its time."""
    (folder / "run.py").write_text(_PYTHON, "utf-8")
    seconds = len(places) * _SECONDS
    _, said = run([sys.executable, "-I", "run.py", str(_SECONDS), *places], folder, seconds=seconds + _SECONDS)
    ended = dict(line.split(" ", 1) for line in said.splitlines() if line.partition(" ")[0] in places)
    return {one: (int(status), (folder / one / "said").read_text("utf-8", "replace")) for one, status in ended.items()}


def _together(some: Sequence[Pair], folder: Path) -> dict[str, list[str]]:
    """Go compiles and links: all versions are packages of one program, and each test is a subtest of it."""
    names = {}
    for number, pair in enumerate(some):
        for version in ("safe", "unsafe"):
            names[f"p{number}{version}"] = (pair.name, version)
            here = folder / f"p{number}{version}"
            here.mkdir(parents=True)
            (here / "subject.go").write_text(re.sub(r"(?m)^package \w+", "package subject", getattr(pair, version)))
            (here / "proofs.go").write_text(_proofs(pair))
    (folder / "go.mod").write_text("module pairs\n\ngo 1.21\n")
    (folder / "all_test.go").write_text(_alltest(list(names)))
    _, said = run(["go", "test", "-json", "-vet=off", "."], folder, seconds=600)
    ended: dict[str, str] = {}
    wrote: dict[str, str] = defaultdict(str)
    for line in said.splitlines():
        row = json.loads(line) if line.startswith("{") else {"Output": line}
        name = row.get("Test", "").removeprefix("TestAll/")
        wrote[name] += row.get("Output", "")
        if row.get("Action") in ("pass", "fail"):
            ended[name] = f"{row['Action']}{'es' if row['Action'] == 'pass' else 's'}"
    bad: dict[str, list[str]] = {pair.name: [] for pair in some}
    for package, (name, version) in names.items():
        for test in ("works", "guarded"):
            one = f"{package}.{test}"
            got = "panics" if "panic: " in wrote[one] else ended.get(one, "does not end")
            if got != _WANTED[version, test]:
                bad[name].append(f"{test} {got} on the {version} version: {(wrote[one] or wrote[''])[-400:].strip()}")
    return bad


_ALL = """\
func TestAll(t *testing.T) {
	for _, one := range []struct { name string; run func(*testing.T) }{
%s	} {
		t.Run(one.name, func(t *testing.T) {
			defer func() {
				if why := recover(); why != nil { t.Fatal("panic: ", why) }
			}()
			one.run(t)
		})
	}
}
"""


def _alltest(names: Sequence[str]) -> str:
    imports = "".join(f'\t{name} "pairs/{name}"\n' for name in names)
    rows = "".join(
        f'\t\t{{"{name}.{test.lower()}", {name}.Proof{test}}},\n' for name in names for test in ("Works", "Guarded")
    )
    return f'package pairs\n\nimport (\n\t"testing"\n{imports})\n\n' + _ALL % rows


def _proofs(pair: Pair) -> str:
    used = {p for p in _PACKAGES if re.search(rf"(?<![\w.]){p}\.", pair.works + pair.guarded)} | {"testing"}
    imports = "".join(f'\t"{_PACKAGES.get(name, name)}"\n' for name in sorted(used))
    bodies = "".join(
        f"func Proof{name}(t *testing.T) {{\n{text}}}\n"
        for name, text in (("Works", pair.works), ("Guarded", pair.guarded))
    )
    return f"package subject\n\nimport (\n{imports})\n\n{bodies}"


def run(words: Sequence[str], folder: Path, seconds: int = _SECONDS) -> tuple[int, str]:
    """One program; its status, or 124 where it did not end, and what it wrote."""
    keep = {name: os.environ[name] for name in ("PATH", "GOROOT") if name in os.environ}
    settings = {**keep, "HOME": str(folder), "TMPDIR": str(folder.parent), "GOFLAGS": "-mod=mod", "GOPROXY": "off",
                "GOCACHE": str(folder / "cache"), "GOTOOLCHAIN": "local", "LANG": "C.UTF-8"}  # fmt: skip
    try:
        done = subprocess.run(
            [*_room(folder.parent), *words], cwd=folder, env=settings, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return 124, "it did not end"
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def _room(writable: Path) -> tuple[str, ...]:
    """What takes the network away, and the right to write anywhere else, where that is possible."""
    return (*_ROOM, "--bind", str(writable), str(writable), "--") if contained() else ()


@cache
def contained() -> bool:
    """Whether what runs here has no network, and writes into its own folder alone."""
    return (
        shutil.which("bwrap") is not None
        and not subprocess.run([*_ROOM, "--", "true"], capture_output=True, check=False).returncode
    )
