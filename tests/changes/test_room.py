"""The room in which a change's own code runs: what it sees, what it may take, and that nothing of it is left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from changes.making import change
from interlock.changes import room
from interlock.changes.config import Tests
from interlock.changes.export import lay
from interlock.changes.room import NoRoom, Room
from interlock.changes.testing.trial import Missing, program

needs_room = pytest.mark.skipif(not room.usable(), reason="requires bubblewrap")


def shell(folder: Path, script: str, seconds: float = 20.0, **more: bool) -> room.Ended:
    return Room(folder, **more).run(("/bin/sh", "-c", script), seconds=seconds, env={"MINE": "yes"})


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Something beside the folder, and in a variable, that nobody in the room may know."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-key")
    path = tmp_path / "secret"
    path.write_text("not-a-real-secret")
    (tmp_path / "r").mkdir()
    yield path
    assert path.read_text() == "not-a-real-secret"


@needs_room
def test_nothing_beside_the_folder_is_seen_and_nobody_is_reached(secret: Path) -> None:
    folder = secret.parent / "r"
    home = os.path.expanduser("~")
    said = shell(
        folder,
        f"cat {secret}; ls {home} /root /home /var /run /tree; env; ls /sys/class/net; id -u; echo no > /tree/a; "
        f"echo no > {secret}; grep -c : /proc/net/dev; ls /proc | grep -c '^[0-9]'",
    ).out.decode()
    assert "not-a-real" not in said
    assert "MINE=yes" in said
    assert not (folder / "a").exists()
    assert said.split()[-2:] == ["3", "5"] or int(said.split()[-1]) < 10  # its own processes, and the loopback alone


@needs_room
def test_a_server_outside_is_not_reached(tmp_path: Path) -> None:
    """Story: a `conftest.py` that phones home. Even this machine's own loopback is another one in the room."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        call = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
        ended = Room(tmp_path).run(("/usr/bin/python3", "-c", call), seconds=20.0, env={})
        assert ended.status != 0
        with pytest.raises(TimeoutError):
            server.accept()


@needs_room
@pytest.mark.parametrize(
    ("script", "why"),
    [
        pytest.param("while true; do sleep 60 & done", "processes", marks=pytest.mark.slow),
        pytest.param("while true; do sh -c 'sleep 60' & done", "processes", marks=pytest.mark.slow),
        ("sleep 60", "too long"),
    ],
)
def test_what_takes_too_much_is_ended_with_all_it_started(tmp_path: Path, script: str, why: str) -> None:
    ended = shell(tmp_path, f"# {tmp_path}\n{script}", 3.0)
    assert why in ended.why or (why == "processes" and "too long" in ended.why)
    for _ in range(200):
        left = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True, check=False).stdout
        if not left.strip():
            return
        time.sleep(0.05)
    pytest.fail(f"still at work: {left}")


@needs_room
@pytest.mark.slow
def test_memory_is_counted_over_all_processes(tmp_path: Path) -> None:
    """Each of them stays below its own limit; together they do not."""
    one = "x = bytearray(600 << 20); x[::4096] = b'1' * len(x[::4096]); import time; time.sleep(30)"
    ended = shell(tmp_path, f'for n in 1 2 3 4 5 6; do /usr/bin/python3 -c "{one}" & done; wait', 30.0)
    assert "memory" in ended.why


@needs_room
def test_a_folder_is_written_only_where_that_was_asked_for(tmp_path: Path) -> None:
    assert shell(tmp_path, "echo a > /tree/a").status
    assert shell(tmp_path, "echo a > /tree/a", writable=True).status == 0
    assert (tmp_path / "a").read_text() == "a\n"


def test_where_nothing_contains_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "usable", lambda: False)
    with pytest.raises(NoRoom):
        shell(tmp_path, f"touch {tmp_path}/ran")
    assert not (tmp_path / "ran").exists()


def test_a_program_shows_its_environment_and_never_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = program(Tests(command=f"{sys.executable} -m pytest -x"))
    assert found.pytest
    assert os.path.dirname(os.path.dirname(sys.executable)) in found.reads
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "py").symlink_to("/usr/bin/python3")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert str(tmp_path) not in program(Tests(command=(f"{tmp_path}/bin/py", "-m", "unittest"))).reads
    with pytest.raises(Missing, match="no-such-program"):
        program(Tests(command="no-such-program"))


def test_a_tree_is_laid_out_below_its_folder_alone(tmp_path: Path) -> None:
    files: dict[str, str | bytes | None] = {"a/b.py": "x\n", "c.sh": "#!/bin/sh\n"}
    made = change(tmp_path / "r", files, {"a/b.py": "y\n", "d\u00e9": b"\xff\0"})
    (tmp_path / "out").mkdir()
    lay(made, tmp_path / "out", after=True, other={"../up": b"no", "/abs": b"no", ".git/hooks/x": b"no", "c.sh": None})
    seen = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file() and "r/" not in str(p)}
    assert {name for name in seen if not name.startswith("r/")} == {"out/a/b.py", "out/d\u00e9"}
    assert (tmp_path / "out/a/b.py").read_text() == "y\n"


def test_a_link_of_the_tree_is_a_link_and_is_never_written_through(tmp_path: Path) -> None:
    from changes.making import git, repository
    from interlock.changes.intake import take
    from interlock.changes.repo import Repo

    folder = repository(tmp_path / "r", {"a": "1\n"})
    (folder / "link").symlink_to("/etc/passwd")
    git(folder, "add", "link")
    git(folder, "commit", "-q", "-m", "link")
    (tmp_path / "out").mkdir()
    lay(take(Repo(str(folder)), "HEAD~1", "HEAD"), tmp_path / "out", after=True)
    assert os.readlink(tmp_path / "out/link") == "/etc/passwd"
