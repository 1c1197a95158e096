"""Both hook clients, built the way the wheel builds them; every test of this folder runs against each."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from built import once
from native.daemons import Daemon, Script
from native.runs import NOBODY, Sandbox, lacking, new_sandbox, remove

ROOT = Path(__file__).resolve().parents[2]
SHARED = [ROOT / "native/wire.c", ROOT / "native/lease.c"]
SOURCES = [*sorted((ROOT / "native/run").glob("*.c")), *SHARED]  # of the launcher

_spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
assert _spec is not None
assert _spec.loader is not None
hatch_build = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hatch_build)


@dataclass
class Ran:
    """What the agent sees of a hook."""

    status: int
    out: bytes
    err: str
    seconds: float


@dataclass
class Client:
    """One hook client, called as an agent calls it."""

    program: Path
    home: Path
    env: dict[str, str] = field(default_factory=dict)

    def call(
        self,
        event: bytes = b'{"hook_event_name":"PreToolUse"}',
        *words: str,
        env: dict[str, str] | None = None,
        timeout: float = 30,
    ) -> Ran:
        environ = {"PATH": "/usr/bin:/bin", "INTERLOCK_HOME": str(self.home), "INTERLOCK_NO_AUTOSTART": "1"}
        began = time.monotonic()
        ran = subprocess.run(
            [str(self.program), *(words or ("claude",))],
            input=event,
            capture_output=True,
            env=environ if env is None else env,
            timeout=timeout,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr.decode(), time.monotonic() - began)


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path | None]:
    """The client of a kind, if it compiles, in a directory of this worker's own. Only what is asked for is built."""

    @functools.cache
    def program(kind: str) -> Path | None:
        built = once(tmp_path_factory, f"interlock-hook-{kind}", lambda target: build_client(kind, target))
        return built and Path(shutil.copy(built, tmp_path_factory.mktemp(kind) / "interlock-hook"))

    return program


def build_client(kind: str, target: Path) -> bool:
    """The client as it ships, in C or in Python, or one that dies of any undefined behaviour."""
    if kind == "python":
        hatch_build.write_python_client(ROOT / "src/interlock/gates/hooks/client.py", target)
        target.chmod(0o755)
        return True
    if kind == "c":
        return hatch_build.compile_client(ROOT / "native/interlock_hook.c", target)
    ran = shutil.which("gcc") and subprocess.run(sanitizing(target), capture_output=True, check=False)
    return bool(ran) and ran.returncode == 0


def sanitizing(target: Path) -> list[str]:
    """The command that builds a client which dies (exit status 99) of any undefined behaviour."""
    flags = ["-std=c11", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-pthread"]
    return ["gcc", *flags, "-o", str(target), str(ROOT / "native/interlock_hook.c"), *map(str, SHARED)]


def build_launcher(kind: str, target: Path) -> bool:
    """The launcher as it ships, or one that dies (exit status 99) of any undefined behaviour."""
    if kind == "c":
        return hatch_build.compile_launcher(ROOT / "native/run", target)
    # Looking for leaks needs ptrace, which nothing in the sandbox has; the launcher ends with everything in use anyway.
    options = target.with_name("options.c")
    options.write_text('const char *__asan_default_options(void) { return "detect_leaks=0:exitcode=99"; }\n')
    flags = ["-std=c11", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-pthread"]
    command = ["gcc", *flags, "-o", str(target), *map(str, SOURCES), str(options)]
    ran = shutil.which("gcc") and subprocess.run(command, capture_output=True, check=False)
    return bool(ran) and ran.returncode == 0


@pytest.fixture(scope="session", params=["c", pytest.param("sanitized", marks=pytest.mark.slow)])
def launcher(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    kind = request.param
    built = once(tmp_path_factory, f"interlock-run-{kind}", lambda target: build_launcher(kind, target))
    if built is None:
        pytest.skip("no C compiler for the launcher here")
    return built


@pytest.fixture(scope="session")
def lacks(launcher: Path) -> Callable[[int], str]:
    """What this machine lacks for a sandbox of a user; looked at once for each."""

    @functools.cache
    def lacking_for(user: int) -> str:
        made = new_sandbox(launcher, user)
        try:
            return lacking(made) if made.run("true").status == 125 else ""
        finally:
            remove(made.base)

    return lacking_for


@pytest.fixture(params=[pytest.param("root", marks=pytest.mark.slow), "ordinary"])
def sandbox(request: pytest.FixtureRequest, launcher: Path, lacks: Callable[[int], str]) -> Iterator[Sandbox]:
    """As root (when the tests run as root) and as an ordinary user."""
    if request.param == "root" and os.geteuid() != 0:
        pytest.skip("the tests do not run as root")
    user = 0 if request.param == "root" else os.geteuid() or NOBODY
    if why := lacks(user):
        pytest.skip(f"this machine has no sandbox for this user: {why}")
    made = new_sandbox(launcher, user)
    try:
        yield made
    finally:
        remove(made.base)


@pytest.fixture(params=["c", "python", pytest.param("sanitized", marks=pytest.mark.slow)])
def client(request: pytest.FixtureRequest, programs: Callable[[str], Path | None], tmp_path: Path) -> Client:
    program = programs(request.param)
    if program is None:
        pytest.skip("no such C compiler here")
    return Client(program, tmp_path / "home")


@pytest.fixture
def daemon(client: Client) -> Iterator[Callable[..., Daemon]]:
    running: list[Daemon] = []

    def start(script: Script, *, backlog: int = 16) -> Daemon:
        running.append(Daemon(client.home, script, backlog=backlog))
        return running[-1]

    yield start
    for one in running:
        one.close()


def fast(seconds: float) -> bool:
    """Far below every limit of the client, and far above what a loaded machine needs."""
    return seconds < 4


def uid() -> int:
    return os.geteuid()
