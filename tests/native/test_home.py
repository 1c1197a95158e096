"""Where the client looks for the daemon: the same rules as `interlock.home`, and what an agent cannot redirect."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from interlock.home import locate
from native.conftest import Client
from native.daemons import Daemon, answering

HOMES: list[dict[str, str]] = [
    {"INTERLOCK_HOME": "{t}/moved"},
    {"INTERLOCK_HOME": "{t}/moved", "XDG_RUNTIME_DIR": "{t}/runtime", "HOME": "{t}/user"},
    {"INTERLOCK_HOME": "", "XDG_RUNTIME_DIR": "{t}/runtime", "HOME": "{t}/user"},
    {"XDG_RUNTIME_DIR": "{t}/runtime", "XDG_STATE_HOME": "{t}/state", "HOME": "{t}/user"},
    {"XDG_RUNTIME_DIR": "relative", "XDG_STATE_HOME": "{t}/state", "HOME": "{t}/user"},
    {"XDG_STATE_HOME": "relative", "HOME": "{t}/user"},
    {"XDG_STATE_HOME": "", "HOME": "{t}/user"},
    {"HOME": "{t}/user"},
]


@pytest.mark.parametrize("environ", HOMES, ids="+".join)
def test_client_and_python_compute_the_same_socket(client: Client, environ: dict[str, str], tmp_path: Path) -> None:
    environ = {name: value.format(t=tmp_path) for name, value in environ.items()}
    socket_path = locate(environ).socket
    daemon = Daemon(socket_path.parent.parent, answering(0, b"here")) if socket_path.parent.name == "run" else None
    if daemon is None:
        (socket_path.parent.parent / "run").parent.mkdir(parents=True, exist_ok=True)
        socket_path.parent.mkdir(parents=True)
        (socket_path.parent.parent / "run").symlink_to(socket_path.parent)
        daemon = Daemon(socket_path.parent.parent, answering(0, b"here"))
    try:
        assert client.call(env=environ | {"INTERLOCK_NO_AUTOSTART": "1"}).out == b"here"
    finally:
        daemon.close()


def test_a_path_longer_than_an_address_holds(client: Client, tmp_path: Path) -> None:
    client.home = tmp_path / ("d" * 100) / ("e" * 100)
    daemon = Daemon(client.home, answering(0, b"far"))
    try:
        assert client.call().out == b"far"
    finally:
        daemon.close()


@pytest.mark.parametrize("length", [*range(90, 99), 107, 108, 109])
def test_paths_around_the_length_of_an_address(client: Client, tmp_path: Path, length: int) -> None:
    pad = length - len(str(tmp_path)) - 1
    if pad < 1:
        pytest.skip("the temporary directory is longer already")
    client.home = tmp_path / ("p" * pad)
    daemon = Daemon(client.home, answering(0, b"edge"))
    try:
        assert client.call().out == b"edge"
    finally:
        daemon.close()


@pytest.mark.parametrize(
    "environ", [{}, {"HOME": ""}, {"HOME": "relative"}, {"INTERLOCK_HOME": "relative", "HOME": "/"}]
)
def test_no_home_is_a_no(client: Client, environ: dict[str, str]) -> None:
    ran = client.call(env=environ)
    assert ran.status == 2
    assert "absolute path" in ran.err


def test_an_overlong_home_is_a_no(client: Client) -> None:
    ran = client.call(env={"INTERLOCK_HOME": "/" + "x" * 5000})
    assert ran.status == 2
    assert "too long" in ran.err


@pytest.mark.parametrize("option", ["--home", "--run"])
def test_a_pinned_directory_beats_the_environment(client: Client, tmp_path: Path, option: str) -> None:
    """A project's settings can set the environment of hooks; they must not choose which daemon is asked."""
    fake = Daemon(tmp_path / "fake", answering(0, b"fake"))
    real = Daemon(tmp_path / "real", answering(2, b"", b"real"))
    pinned = tmp_path / "real" if option == "--home" else tmp_path / "real" / "run"
    environ = {
        "INTERLOCK_HOME": str(tmp_path / "fake"), "XDG_RUNTIME_DIR": str(tmp_path / "fake"),
        "XDG_STATE_HOME": str(tmp_path / "fake"), "HOME": str(tmp_path / "fake"),
    }  # fmt: skip
    try:
        ran = client.call(b"{}", "claude", option, str(pinned), env=environ)
        assert (ran.status, ran.err) == (2, "real")
        assert fake.calls == []
    finally:
        fake.close()
        real.close()


def beside(client: Client, text: str) -> Callable[[], None]:
    program = client.program.parent / "interlock"
    program.write_text(text)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program.unlink


STARTER = """#!/bin/sh
[ "$1 $2" = "up --detach" ] || exit 9
env > "{home}/environment"
pwd >> "{home}/environment"
exec {python} -c '
import sys; sys.path.insert(0, "{tests}")
from pathlib import Path
from native.daemons import Daemon, answering
import time
Daemon(Path("{home}"), answering(0, b"started"))
time.sleep(4)'
"""


def test_it_starts_the_daemon_in_a_clean_environment(client: Client) -> None:
    import sys

    client.home.mkdir()
    tests = Path(__file__).resolve().parents[1]
    remove = beside(client, STARTER.format(home=client.home, python=sys.executable, tests=tests))
    environ = {
        "INTERLOCK_HOME": str(client.home), "HOME": "/h", "PATH": "/evil", "PYTHONPATH": "/evil",
        "LD_LIBRARY_PATH": "/evil", "XDG_RUNTIME_DIR": "/x", "ANTHROPIC_API_KEY": "k",
    }  # fmt: skip
    try:
        ran = client.call(env=environ)
        assert (ran.status, ran.out) == (0, b"started")
    finally:
        remove()
    seen = (client.home / "environment").read_text()
    assert f"INTERLOCK_HOME={client.home}" in seen
    assert "HOME=/h" in seen
    assert "evil" not in seen
    assert "ANTHROPIC" not in seen
    assert seen.endswith("/\n")


def test_a_pinned_daemon_is_started_where_it_is_looked_for(client: Client, tmp_path: Path) -> None:
    import sys

    run = tmp_path / "runtime" / "interlock"
    tests = Path(__file__).resolve().parents[1]
    client.home.mkdir()
    text = STARTER.format(home=client.home, python=sys.executable, tests=tests)
    remove = beside(client, text)
    run.parent.mkdir()
    run.symlink_to(client.home / "run")
    environ = {"INTERLOCK_HOME": "/elsewhere", "XDG_RUNTIME_DIR": "/elsewhere", "HOME": "/h"}
    try:
        ran = client.call(b"{}", "claude", "--run", str(run), env=environ)
        assert (ran.status, ran.out) == (0, b"started")
    finally:
        remove()
    seen = (client.home / "environment").read_text().splitlines()
    assert f"XDG_RUNTIME_DIR={tmp_path}/runtime" in seen
    assert not [line for line in seen if "elsewhere" in line]


def test_a_daemon_that_cannot_start_is_a_no_soon(client: Client) -> None:
    remove = beside(client, "#!/bin/sh\nexit 20\n")
    try:
        ran = client.call(env={"INTERLOCK_HOME": str(client.home)})
    finally:
        remove()
    assert ran.status == 2
    assert "could not be started" in ran.err
    assert ran.seconds < 7.5


@pytest.mark.parametrize("status", [24, 25])
def test_another_daemon_coming_up_is_waited_for(client: Client, status: int) -> None:
    """Eight hooks of parallel calls started the daemon at once; six said no, as their own start had failed."""
    remove = beside(client, f"#!/bin/sh\nexit {status}\n")
    import threading

    started: list[Daemon] = []
    later = threading.Timer(0.7, lambda: started.append(Daemon(client.home, answering(0, b"other"))))
    later.start()
    try:
        ran = client.call(env={"INTERLOCK_HOME": str(client.home)})
        assert (ran.status, ran.out) == (0, b"other")
    finally:
        later.join()
        remove()
        for one in started:
            one.close()


def test_no_interlock_beside_it_is_a_no(client: Client) -> None:
    ran = client.call(env={"INTERLOCK_HOME": str(client.home), "PATH": os.environ["PATH"]})
    assert ran.status == 2
    assert "beside the hook" in ran.err


@pytest.mark.slow
def test_a_daemon_that_never_comes_up_is_a_no(client: Client) -> None:
    remove = beside(client, "#!/bin/sh\nexec sleep 9\n")
    began = time.monotonic()
    try:
        ran = client.call(env={"INTERLOCK_HOME": str(client.home)})
    finally:
        remove()
    assert ran.status == 2
    assert "did not come up" in ran.err
    assert 7 < time.monotonic() - began < 20
