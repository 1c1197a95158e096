"""A plan in the system's bubblewrap: the words it is called with, and that they hold."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interlock.containment import bwrap, tiers
from interlock.containment.bwrap import Bubblewrap, arguments
from interlock.containment.plan import Plan, Write
from interlock.model.errors import StateError

MEANS = Bubblewrap(Path("/usr/bin/bwrap"), Path("/state/empty"), True)
PLAN = Plan(
    id="t",
    argv=("make", "test"),
    cwd="/home/u/w/src",
    workspace="/home/u/w",
    write=Write.BIND,
    source="/state/copy",
    hide=("/home", "/etc/shadow", "/home/u/w/.env"),
    show=("/home/u/.pyenv",),
    fresh=("/home/u", "/tmp"),
    fresh_bytes=4096,
)
GOLDEN = """\
--unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-net --unshare-cgroup-try
--die-with-parent --cap-drop ALL --json-status-fd 5 --disable-userns
--new-session
--ro-bind / / --dev /dev --proc /proc
--perms 0755 --size 1048576 --tmpfs /home
--perms 1777 --size 4096 --tmpfs /tmp
--ro-bind /state/empty /etc/shadow
--perms 0755 --size 4096 --tmpfs /home/u
--ro-bind /home/u/.pyenv /home/u/.pyenv
--bind /state/copy /home/u/w
--ro-bind /state/empty /home/u/w/.env
--remount-ro /home
--chdir /home/u/w/src --
/bin/sh -c exec_"$@" sh make test
"""


def looked(path: str) -> tuple[str, bool]:
    return path, not path.endswith(("shadow", ".env"))


def words(plan: Plan = PLAN, means: Bubblewrap = MEANS, calls: int | None = None) -> list[str]:
    return [word.replace(" ", "_") for word in arguments(plan, means, looked, status=5, calls=calls)]


def changed(plan: Plan = PLAN, **more: Any) -> Plan:
    return Plan(**{**{name: getattr(plan, name) for name in plan.__struct_fields__}, **more})


def test_the_words_of_a_plan() -> None:
    assert words() == GOLDEN.split()


def test_a_filter_of_calls_takes_the_place_of_a_session_of_its_own() -> None:
    assert words(calls=7) == GOLDEN.replace("--new-session", "--seccomp 7").split()


def test_an_old_bubblewrap_is_called_without_what_it_does_not_know() -> None:
    assert words(means=MEANS._replace(disable_userns=False)) == GOLDEN.replace(" --disable-userns", "").split()


def test_a_workspace_that_cannot_be_written_is_bound_read_only() -> None:
    expected = GOLDEN.replace("--bind /state/copy /home/u/w", "--ro-bind /home/u/w /home/u/w").split()
    assert words(changed(write=Write.NONE, source="")) == expected


def test_what_bubblewrap_cannot_do_is_refused_and_not_left_out() -> None:
    with pytest.raises(StateError, match="overlay"):
        words(changed(write=Write.OVERLAY, upper="/u", work="/v"))
    with pytest.raises(StateError, match="network"):
        words(changed(listeners=("443/tcp",), egress="/e"))


class Box:
    """A workspace, a copy of it, and runs in a process of their own, as the command line would do them."""

    def __init__(self, base: Path, program: Path) -> None:
        self.base = base
        for name in ("workspace", "copy", "secret"):
            (base / name).mkdir()
        (base / "empty").touch()
        (base / "secret" / "key").write_text("secret")
        (base / "workspace" / "file").write_text("outside")
        (base / "copy" / "file").write_text("outside")
        self.means = Bubblewrap(program, base / "empty", True)

    def run(self, *argv: str, environ: dict[str, str] | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
        workspace = str(self.base / "workspace")
        values: dict[str, Any] = {
            "id": "t", "argv": argv, "cwd": workspace, "workspace": workspace, "write": Write.BIND,
            "source": str(self.base / "copy"), "hide": (str(self.base / "secret"),), "keep": ("PATH",),
        }  # fmt: skip
        plan = Plan(**{**values, **more})
        code = (
            "import os, sys, msgspec\n"
            "from pathlib import Path\n"
            "from interlock.containment import bwrap\n"
            "from interlock.containment.plan import Plan\n"
            "plan = msgspec.json.decode(sys.argv[1], type=Plan)\n"
            "means = bwrap.Bubblewrap(Path(sys.argv[2]), Path(sys.argv[3]), True)\n"
            "sys.exit(bwrap.run(plan, means, dict(os.environ)).status)\n"
        )
        given = [msgspec.json.encode(plan).decode(), str(self.means.program), str(self.means.empty)]
        inherited = {"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(sys.path), "TOKEN": "secret"}
        return subprocess.run(
            [sys.executable, "-c", code, *given],
            env=inherited | (environ or {}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def box(tmp_path: Path) -> Box:
    program = tiers.found("bwrap")
    if program is None:
        pytest.skip("bubblewrap is not installed")
    if subprocess.run([program, "--unshare-all", "--ro-bind", "/", "/", "true"], check=False).returncode != 0:
        pytest.skip("bubblewrap makes no namespaces here")
    return Box(tmp_path, program)


def test_a_command_works_on_the_copy_and_sees_nothing_hidden(box: Box) -> None:
    script = f"cat file && echo inside > file && ls {box.base}/secret && env"
    ran = box.run("/bin/sh", "-c", script)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (box.base / "workspace" / "file").read_text() == "outside"
    assert (box.base / "copy" / "file").read_text() == "inside\n"
    assert "key" not in ran.stdout
    assert "TOKEN" not in ran.stdout


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("exit 7", 7),
        ("kill -9 $$", 137),
        ("no-such-program", 127),
        ("echo x > {base}/outside", 2),
        ("echo x > /etc/outside", 2),
        ("echo x > {base}/secret/new", 2),
        ("umount {base}/secret", 1),
        ("unshare --user true", 1),
    ],
)
def test_a_status_is_the_commands_own(box: Box, script: str, status: int) -> None:
    ran = box.run("/bin/sh", "-c", script.format(base=box.base))
    assert ran.returncode in ({status} if status != 1 else {1, 32})
    assert not (box.base / "outside").exists()


def test_a_program_that_is_not_there_has_the_status_that_shells_give(box: Box) -> None:
    assert box.run("no-such-program").returncode == 127
    assert box.run(str(box.base / "workspace")).returncode == 126


def test_where_the_sandbox_cannot_be_built_the_command_has_not_run(box: Box) -> None:
    ran = box.run("/bin/sh", "-c", "echo ran", cwd="/no/such/directory")
    assert ran.returncode == bwrap.UNBUILT
    assert "ran" not in ran.stdout


def test_what_outlives_its_command_is_dead_when_the_run_ends(box: Box) -> None:
    ran = box.run("/bin/sh", "-c", "(sleep 1; echo late > late) > /dev/null 2>&1 & exit 3")
    assert ran.returncode == 3
    time.sleep(1.2)
    assert not (box.base / "copy" / "late").exists()


def test_a_run_ends_with_its_time(box: Box) -> None:
    began = time.monotonic()
    ran = box.run("/bin/sh", "-c", "trap 'echo asked >&2; exit 1' TERM; sleep 30 & wait", wall=1)
    assert ran.returncode == bwrap.TIMED_OUT
    assert time.monotonic() - began < 10
    assert "asked" in ran.stderr
    assert box.run("/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done", wall=1).returncode == bwrap.TIMED_OUT


def test_limits_hold_inside(box: Box) -> None:
    ran = box.run("/bin/sh", "-c", "ulimit -n; ulimit -c", limits=(("nofile", 64), ("core", 0), ("nproc", 500)))
    assert ran.stdout.split() == ["64", "0"]


def test_nothing_of_the_runner_is_inherited(box: Box) -> None:
    ran = box.run("/bin/ls", "/proc/self/fd")
    assert ran.stdout.split() == ["0", "1", "2", "3"], "3 is the listing itself"


def test_memory_is_bound_for_all_of_a_run(box: Box) -> None:
    """Story: the bound of the profile was left out under bubblewrap, which was said in `interlock doctor` alone."""
    hungry = f"{sys.executable} -c 'import time; x = bytearray(60 << 20); time.sleep(60)'"
    began = time.monotonic()
    ran = box.run("/bin/sh", "-c", f"{hungry} & {hungry} & wait", limits=(("memory", 100 << 20),), hide=())
    assert ran.returncode == 137
    assert time.monotonic() - began < 30


def test_what_lies_in_its_fresh_directories_counts(box: Box) -> None:
    script = "head -c 80000000 /dev/zero > /dev/shm/x; sleep 60"
    ran = box.run("/bin/sh", "-c", script, limits=(("memory", 50 << 20),), fresh=("/dev/shm",))
    assert ran.returncode == 137
