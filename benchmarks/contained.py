"""Contained commands: starting one, in ratios to the system's bubblewrap; working in one, in ratios to working outside.

    python benchmarks/contained.py [--runs 200] [--rounds 9] [--launcher PATH] [--peers DIR] [--starts]
        [--json] [--check]

Start: spawn to exit of `true`, through the launcher (overlay, Landlock, filter, observation and all) and through
`bwrap` with the same namespaces and places hidden; its overlay is included where that bwrap knows how. They take turns.
Road: `interlock run -- true` through a warm daemon, with the entries of the ledger, beside the same; and, with
`--peers`, beside others' sandboxes (`peers.py` says how they are installed).
Work: a C project is compiled, a suite of tests is run by Python, packages are installed by npm, and many files are
written, read and renamed, inside and outside in turn.
With `--check`: exit status 1 when a limit of the project is missed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from peers import CALLS, Peers

STARTS = {"start": 2.0, "road": 2.0}  # times bwrap, median
PEERS = 0.2  # times another sandbox, median
SELDOM = 8  # others' sandboxes take their turn in every eighth round: they are slow
WORK = 1.10  # times the same work outside
# Nothing but names and small files: what the overlay and the rename shim cost at most. Told, without a limit.
EXTREMES = ("files",)
HIDDEN = ("/root", "/home", "/boot")
FRESH = ("/tmp", "/var/tmp", "/run", "/dev/shm")
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}

PYTHON = shutil.which("python3", path=ENVIRONMENT["PATH"]) or sys.executable
FILES = """
import os
for n in range(400):
    with open(f"made-{n}", "w") as file: file.write("x" * 2000)
for n in range(400): os.rename(f"made-{n}", f"moved-{n}")
for n in range(400): open(f"moved-{n}").read(); os.unlink(f"moved-{n}")
for _ in range(20):
    for top, _, names in os.walk("."):
        for name in names: os.stat(os.path.join(top, name))
"""


class Bench:
    """A directory with a project, and fresh layers for each run in it."""

    def __init__(self, base: Path, launcher: str) -> None:
        self.base = base
        self.launcher = launcher
        self.project = base / "project"
        self.project.mkdir()
        self.count = 0
        probed = subprocess.run([launcher, "--probe", str(base)], capture_output=True, text=True, check=True)
        self.landlock = "0" if "landlock=0" in probed.stdout else "1"

    def layers(self) -> tuple[str, str]:
        """An upper layer and a work directory that no run has used."""
        self.count += 1
        made = [self.base / f"{name}-{self.count}" for name in ("upper", "work")]
        for path in made:
            path.mkdir()
        return str(made[0]), str(made[1])

    def contained(self, command: list[str]) -> list[str]:
        """The command line that runs it in the launcher's sandbox."""
        upper, work = self.layers()
        records = [("version", "1"), ("id", f"bench-{self.count}"), ("network", "none"), ("wall", "0"), ("tty", "0")]
        records += [("write", "overlay"), ("upper", upper), ("work", work), ("landlock", self.landlock), ("shim", "1")]
        records += [("observe", "1"), ("note", "git push"), ("limit", f"memory:{1 << 40}")]
        records += [("workspace", str(self.project)), ("cwd", str(self.project)), ("fresh_bytes", str(1 << 30))]
        records += [("hide", path) for path in HIDDEN] + [("fresh", path) for path in FRESH]
        records += [("env", f"{name}={value}") for name, value in ENVIRONMENT.items()]
        records += [("arg", word) for word in command]
        plan = self.base / f"plan-{self.count}"
        plan.write_bytes(b"".join(f"{key}={value}".encode() + b"\0" for key, value in records))
        return [self.launcher, "--plan", str(plan)]

    def wrapped(self, command: list[str]) -> list[str]:
        """The same by bubblewrap."""
        words = [
            "bwrap",
            "--unshare-all",
            "--die-with-parent",
            "--ro-bind",
            "/",
            "/",
            "--dev",
            "/dev",
            "--proc",
            "/proc",
        ]
        for path in (*HIDDEN, *FRESH):
            words += ["--tmpfs", path]
        project = str(self.project)
        if "--overlay-src" in bwrap_help():
            words += ["--overlay-src", project, "--overlay", *self.layers(), project]
        else:
            words += ["--bind", project, project]
        words += ["--clearenv", "--chdir", project]
        for name, value in ENVIRONMENT.items():
            words += ["--setenv", name, value]
        return [*words, *command]


_help: list[str] = []


def bwrap_help() -> str:
    if not _help:
        _help.append(subprocess.run(["bwrap", "--help"], capture_output=True, text=True, check=False).stdout)
    return _help[0]


def spawned(argv: list[str], cwd: Path, environment: dict[str, str] = ENVIRONMENT) -> float:
    """Milliseconds from spawn to exit."""
    began = time.perf_counter()
    ran = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, cwd=cwd, env=environment, check=False)
    took = (time.perf_counter() - began) * 1000
    if ran.returncode != 0:
        raise SystemExit(f"{argv[0]} ended with {ran.returncode}: {(ran.stdout + ran.stderr).decode()[-600:]}")
    return took


def starts(bench: Bench, runs: int) -> dict[str, float]:
    """Medians of starting `true`: bare, by bwrap, by the launcher."""
    true = [shutil.which("true") or "/bin/true"]
    kinds: dict[str, Callable[[], list[str]]] = {
        "true": lambda: true, "bwrap": lambda: bench.wrapped(true), "run": lambda: bench.contained(true),
    }  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(runs + 5):
        for name, made in kinds.items():
            took = spawned(made(), bench.project)
            if number >= 5:  # the first ones warm the caches
                times[name].append(took)
    found = {f"{name}_ms": statistics.median(values) for name, values in times.items()}
    return found | {"ratio": found["run_ms"] / found["bwrap_ms"]}


TEST = """
 def test_{n}(self):
  with tempfile.TemporaryDirectory() as place:
   path = os.path.join(place, "a")
   with open(path, "w") as file: json.dump([{n}] * 3000, file)
   with open(path) as file: self.assertEqual(len(json.load(file)), 3000)
"""


def make_project(project: Path) -> dict[str, list[str]]:
    """Things to do, by name: command lines that leave the project as it was, or overwrite what they made before."""
    for number in range(10):
        body = "".join(
            f"int f{number}_{n}(int x) {{ return x * {n} + (x ? 1 : f{number}_{n}(x)); }}\n" for n in range(60)
        )
        (project / f"part{number}.c").write_text(f"#include <stdio.h>\n#include <stdlib.h>\n{body}")
        tests = "".join(TEST.replace("{n}", str(n)) for n in range(10))
        (project / f"test_{number}.py").write_text(
            f"import json, os, tempfile, unittest\nclass T(unittest.TestCase):\n{tests}"
        )
    works = {"files": [PYTHON, "-I", "-c", FILES]}
    if shutil.which("cc", path=ENVIRONMENT["PATH"]):
        works["compile"] = ["sh", "-c", "for f in part*.c; do cc -O1 -c $f -o ${f%.c}.o || exit 1; done"]
    discover = ["-m", "unittest", "discover", "-q", "-s", str(project), "-p", "test_*.py"]
    works["tests"] = [PYTHON, "-B", *discover]
    if shutil.which("npm", path=ENVIRONMENT["PATH"]):
        works["npm"] = make_packages(project / "packages")
    return works


def make_packages(top: Path) -> list[str]:
    """A project with forty dependencies that lie beside it as archives, and the command that installs them."""
    top.mkdir()
    dependencies = {}
    for number in range(40):
        name = f"part-{number}"
        with tarfile.open(top / f"{name}.tgz", "w:gz") as archive:
            about = json.dumps({"name": name, "version": "1.0.0"})
            files = {"package.json": about} | {f"lib/{n}.js": f"module.exports = {n};\n" * 50 for n in range(30)}
            for path, text in files.items():
                entry = tarfile.TarInfo(f"package/{path}")
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
        dependencies[name] = f"file:{name}.tgz"
    (top / "package.json").write_text(json.dumps({"name": "top", "version": "1.0.0", "dependencies": dependencies}))
    clean = "rm -rf node_modules package-lock.json .cache"
    install = "npm install --offline --no-audit --no-fund --no-update-notifier --cache .cache"
    return ["sh", "-c", f"cd {top} && {clean} && {install}"]


def work(bench: Bench, command: list[str], rounds: int) -> dict[str, float]:
    """The quickest of some times, outside and inside: what a noisy machine adds is not the sandbox's."""
    times: dict[str, list[float]] = {"outside": [], "inside": []}
    for _ in range(rounds):
        times["outside"].append(spawned(command, bench.project))
        times["inside"].append(spawned(bench.contained(command), bench.project))
    found = {f"{name}_ms": min(values) for name, values in times.items()}
    return found | {"ratio": found["inside_ms"] / found["outside_ms"]}


def road(bench: Bench, runs: int, peers: Peers | None) -> dict[str, float]:
    """Medians of `interlock run -- true` through a warm daemon, its entries and all, beside bwrap and others."""
    command = str(Path(bench.launcher).with_name("interlock"))
    home = {"HOME": str(bench.base / "home"), "INTERLOCK_HOME": str(bench.base / "interlock")}
    Path(home["HOME"]).mkdir()
    environment = ENVIRONMENT | home
    others = peers.calls if peers else {}
    theirs = environment | {"PATH": peers.path} if peers else environment
    if peers:
        peers.prove(bench.project, bench.base, theirs)
    subprocess.run([command, "up", "--detach"], env=environment, check=True, capture_output=True)
    times: dict[str, list[float]] = {"bwrap": [], "run": []} | {name: [] for name in others}
    try:
        for number in range(runs + 5):
            made = {"bwrap": bench.wrapped(["true"]), "run": [command, "run", "--", "true"]}
            for name, argv in made.items():
                took = spawned(argv, bench.project, environment)
                if number >= 5:
                    times[name].append(took)
            for name, call in others.items() if number % SELDOM == SELDOM - 1 else ():
                times[name].append(spawned([*call, "true"], bench.project, theirs))
    finally:
        subprocess.run([command, "down"], env=environment, check=False, capture_output=True)
    found = {f"{name}_ms": statistics.median(values) for name, values in times.items() if values}
    beside = {f"of_{name}": found["run_ms"] / found[f"{name}_ms"] for name in others if times[name]}
    return found | {"ratio": found["run_ms"] / found["bwrap_ms"]} | beside


def measure(launcher: str, runs: int, rounds: int, peers: Peers | None) -> dict[str, dict[str, float]]:
    base = Path(tempfile.mkdtemp(prefix="interlock-bench-", dir="/var/tmp"))  # a disk; /tmp may be memory
    try:
        bench = Bench(base, launcher)
        works = make_project(bench.project)
        found = {"start": starts(bench, runs), "road": road(bench, runs, peers)} if shutil.which("bwrap") else {}
        for name, command in works.items() if rounds else ():
            found[name] = work(bench, command, rounds)
        return found
    finally:
        subprocess.run(["chmod", "-R", "u+rwx", str(base)], check=False, capture_output=True)
        shutil.rmtree(base)


def misses(found: dict[str, dict[str, float]]) -> list[str]:
    """The limits of the project that were missed."""
    return [
        f"{name}: {result['ratio']:.2f} x, allowed {STARTS.get(name, WORK)} x"
        for name, result in found.items()
        if name not in EXTREMES and result["ratio"] > STARTS.get(name, WORK)
    ] + [
        f"{name}: {share:.2f} of {peer.removeprefix('of_')}, allowed {PEERS}"
        for name, result in found.items()
        for peer, share in result.items()
        if peer.removeprefix("of_") in CALLS and share > PEERS
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--launcher", default=str(Path(sys.executable).parent / "interlock-run"))
    parser.add_argument("--peers", metavar="DIR", help="where npm installed others' sandboxes; '' looks on PATH alone")
    parser.add_argument("--starts", action="store_true", help="nothing but the starts")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if not os.access(options.launcher, os.X_OK):
        raise SystemExit(f"there is no launcher at {options.launcher}: is there a C compiler?")
    peers = None if options.peers is None else Peers(options.peers, ENVIRONMENT["PATH"])
    found = measure(options.launcher, options.runs, 0 if options.starts else options.rounds, peers)
    missed = misses(found)
    if options.json:
        print(json.dumps({"results": found, "missed": missed, "peers": peers.versions() if peers else {}}))
    else:
        for name, version in (peers.versions() if peers else {}).items():
            print(f"{name}: {version}")
        for name, result in found.items():
            print(f"{name}: " + "  ".join(f"{key} {value:.2f}" for key, value in result.items()))
        for text in missed:
            print(f"MISSED {text}")
    if options.check and missed:
        sys.exit(1)


if __name__ == "__main__":
    main()
