"""A bound run: what runs is what was approved, whoever changes the files meanwhile; whatever differs ends it before."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from native.runs import Ran, Sandbox, Value, plan_bytes

GOOD = "echo good\n"
EVIL = "echo evil\n"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def node(path: Path) -> str:
    found = path.stat()
    return f"{found.st_dev}:{found.st_ino}"


class Bound:
    """Bound runs of one user, in one workspace."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.root = sandbox.workspace
        self.runs = 0

    def write(self, name: str, text: str, mode: int = 0o644) -> Path:
        return self.sandbox.write(name, text, mode)

    def plan(self, *argv: str, cwd: Path | None = None, **changes: Value | None) -> bytes:
        self.runs += 1
        folder = self.sandbox.base / f"bound-{self.runs}"
        for path in (folder, folder / "empty", folder / "work", folder / "copies"):
            path.mkdir()
            self.sandbox.own(path)
        cwd = cwd or self.root
        values: dict[str, Value | None] = {
            "bound": "1", "id": f"b{self.runs}", "arg": list(argv), "program": "/bin/sh",
            "cwd": str(cwd), "cwd_node": node(cwd), "root": str(self.root), "root_node": node(self.root),
            "folder": str(folder), "env": ["PATH=/usr/bin:/bin"], "unset": ["PATH", "BASH_ENV", "LD_*"],
        }  # fmt: skip
        return plan_bytes(**{key: value for key, value in (values | changes).items() if value is not None})

    def run(self, *argv: str, caller: dict[str, str] | None = None, **changes: Value | None) -> Ran:
        return self.run_bytes(self.plan(*argv, **changes), env=caller)

    def run_bytes(self, raw: bytes, *, env: dict[str, str] | None = None) -> Ran:
        plan = self.sandbox.base / f"plan-{self.runs}"
        plan.write_bytes(raw)
        self.sandbox.own(plan)
        ran = subprocess.run(
            self.sandbox.command("--bound-plan", str(plan)), input=b"", capture_output=True, timeout=20,
            check=False, env=self.sandbox.env | (env or {}), cwd=self.root,
        )  # fmt: skip
        return Ran(ran.returncode, ran.stdout.decode(errors="replace"), ran.stderr.decode(errors="replace"))

    @property
    def waits(self) -> str:
        """Shell that says that it runs, and waits: outside, for what comes into the workspace may not be seen by it."""
        base = self.sandbox.base
        return f"echo > {base}/ready; while [ ! -e {base}/go ]; do sleep 0.01; done"

    def start(self, raw: bytes) -> Callable[[], Ran]:
        """Starts a run that `waits`; what comes back lets it go on and gives its end."""
        found: list[Ran] = []
        running = threading.Thread(target=lambda: found.append(self.run_bytes(raw)))
        running.start()
        while not (self.sandbox.base / "ready").exists():
            assert running.is_alive(), found
            time.sleep(0.01)

        def end() -> Ran:
            (self.sandbox.base / "go").write_text("")
            running.join(20)
            return found[0]

        return end

    def file(self, name: str, text: str) -> str:
        return f"{digest(text)}:{self.root / name}"


@pytest.fixture
def bound(sandbox: Sandbox) -> Bound:
    return Bound(sandbox)


@contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    """Somebody does this again and again, as fast as it goes."""
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            with suppress(OSError):
                act()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_what_was_approved_runs_as_the_user_with_network_home_and_processes(bound: Bound) -> None:
    bound.write("deploy.sh", GOOD)
    ran = bound.run(
        "sh", "-c", "sh deploy.sh; id -u; readlink /proc/self/ns/net; readlink /proc/self/ns/pid; exit 7",
        file=[bound.file("deploy.sh", GOOD)],
    )  # fmt: skip
    same = [str(bound.sandbox.user), os.readlink("/proc/self/ns/net"), os.readlink("/proc/self/ns/pid")]
    assert ran.err == ""
    assert (ran.status, ran.out.splitlines()) == (7, ["good", *same])


def test_what_it_writes_is_there_at_once_and_is_an_ordinary_file(bound: Bound) -> None:
    bound.write("deploy.sh", GOOD)
    bound.write("old", "x")
    script = (
        "mkdir -p new/deep && echo 1 > new/deep/file && mv new moved && rm old && ln -s moved link && echo $$ > pid"
    )
    assert bound.run("sh", "-c", script, file=[bound.file("deploy.sh", GOOD)]) == Ran(0, "", "")
    assert (bound.root / "moved/deep/file").read_text() == "1\n"
    assert sorted(os.listdir(bound.root)) == ["deploy.sh", "link", "moved", "pid"]
    for path in (bound.root, bound.root / "moved", bound.root / "moved/deep"):
        assert path.stat().st_uid == bound.sandbox.user
        assert [name for name in os.listxattr(path) if "opaque" in name] == []


@pytest.mark.parametrize("change", ["contents", "gone", "link", "directory"])
def test_another_file_is_refused_and_nothing_runs(bound: Bound, change: str) -> None:
    path = bound.write("deploy.sh", GOOD)
    if change == "contents":
        path.write_text(EVIL)
    elif change == "link":
        other = bound.write("other.sh", GOOD)
        path.unlink()
        path.symlink_to(other)
    else:
        path.unlink()
        if change == "directory":
            path.mkdir()
    ran = bound.run("sh", "-c", "echo ran; sh deploy.sh", file=[bound.file("deploy.sh", GOOD)])
    assert (ran.status, ran.out) == (125, "")
    assert ran.err.startswith(f"Interlock did not run this: {path} ")
    assert "make the same call again" in ran.err


def test_another_working_directory_is_refused(bound: Bound) -> None:
    bound.write("one/x", "1")
    raw = bound.plan("sh", "-c", "cat x", cwd=bound.root / "one", root=None, root_node=None)
    (bound.root / "one").rename(bound.root / "two")
    bound.write("one/x", "2")
    ran = bound.run_bytes(raw)
    assert (ran.status, ran.out) == (125, "")
    assert "is another directory" in ran.err


def test_the_environment_is_as_it_was_approved(bound: Bound) -> None:
    env = {"PATH": "/nowhere", "LD_OTHER": "evil", "KEEP": "kept", "BASH_ENV": "evil", "SHELLY": "x"}
    ran = bound.run("sh", "-c", 'echo "$PATH|$LD_OTHER|$KEEP|$BASH_ENV"', caller=env)
    assert ran == Ran(0, "/usr/bin:/bin||kept|\n", "")


def test_a_name_found_first_is_the_approved_one(bound: Bound) -> None:
    bin_ = bound.root / "bin"
    bound.write("bin/uname", "#!/bin/sh\necho evil\n", 0o755)
    bound.write("tools/helper", "#!/bin/sh\necho helper $0 $1\n", 0o755)
    place = bound.sandbox.base / "names"
    place.mkdir()
    bound.sandbox.own(place)
    ran = bound.run(
        "sh", "-c", "uname >&2; helper 1", bin=str(place), env=[f"PATH={place}:{bin_}:/usr/bin:/bin"],
        tool=["uname:/usr/bin/uname", f"!helper:{bound.root}/tools/helper"],
        file=[bound.file("tools/helper", "#!/bin/sh\necho helper $0 $1\n")],
    )  # fmt: skip
    assert ran == Ran(0, f"helper {bound.root}/tools/helper 1\n", "Linux\n")


def replace(path: Path, text: str, mode: int = 0o644) -> Callable[[], None]:
    """Puts another file in the place, as an editor does."""
    other = path.with_name(f"{path.name}.new")

    def act() -> None:
        other.write_text(text)
        other.chmod(mode)
        other.rename(path)

    return act


@pytest.mark.parametrize("how", ["renamed over", "written into", "directory swapped"])
def test_the_copy_runs_although_the_file_is_changed_after_the_check(bound: Bound, how: str) -> None:
    """The command waits, so that the change surely comes between the check and the reading."""
    script = bound.write("scripts/x.sh", GOOD)
    raw = bound.plan(
        "sh", "-c", f"{bound.waits}; sh scripts/x.sh; sh $PWD/scripts/x.sh", file=[bound.file("scripts/x.sh", GOOD)]
    )
    going = bound.start(raw)
    if how == "renamed over":
        replace(script, EVIL)()
    elif how == "written into":
        script.write_text(EVIL)
    else:
        script.parent.rename(bound.root / "away")
        bound.write("scripts/x.sh", EVIL)
    assert going() == Ran(0, "good\ngood\n", "")


def test_a_mount_on_the_file_itself_would_not_do(bound: Bound) -> None:
    """Why there is an overlay: the kernel takes a mount away when somebody outside renames over its place.

    It is also how it is known that the test above can fail.
    """
    script = bound.write("scripts/x.sh", GOOD)
    sealed = {"file": [bound.file("scripts/x.sh", GOOD)], "root": None, "root_node": None}
    going = bound.start(bound.plan("sh", "-c", f"{bound.waits}; sh scripts/x.sh", **sealed))
    replace(script, EVIL)()
    assert going() == Ran(0, "evil\n", "")


def test_a_link_leads_where_it_led(bound: Bound) -> None:
    for name, text in (("one", GOOD), ("two", EVIL)):
        bound.write(f"{name}/x.sh", text)
    link = bound.root / "current"
    link.symlink_to("one")
    raw = bound.plan(
        "sh", "-c", f"{bound.waits}; cd current && sh x.sh",
        file=[bound.file("one/x.sh", GOOD)], link=[f"{digest('one')}:{link}"],
    )  # fmt: skip
    going = bound.start(raw)
    link.unlink()
    link.symlink_to("two")
    assert going() == Ran(0, "good\n", "")
    assert "leads elsewhere" in bound.run("sh", "-c", "echo ran", link=[f"{digest('one')}:{link}"]).err


def test_a_directory_is_bound_with_all_that_is_in_it(bound: Bound) -> None:
    bound.write("refs/heads/main", "1\n")
    bound.write("refs/heads/feature/x", "2\n")
    lines = sorted([f"main {digest('1' + chr(10))}\n", f"feature/x {digest('2' + chr(10))}\n"])
    tree = [f"{digest(''.join(lines))}:{bound.root}/refs/heads"]
    read = (
        "sh",
        "-c",
        "cat refs/heads/main refs/heads/feature/x; ls refs/heads; echo 3 2>&1 > refs/heads/main || echo ro",
    )
    ran = bound.run(*read, tree=tree)
    assert ran.out.splitlines()[:4] == ["1", "2", "feature", "main"]
    assert ran.out.splitlines()[-1] == "ro"
    bound.write("refs/heads/extra", "3\n")
    assert bound.run(*read, tree=tree).status == 125


def test_what_was_not_there_must_not_be_there(bound: Bound) -> None:
    assert bound.run("sh", "-c", "echo ran", absent=[f"{bound.root}/x"]) == Ran(0, "ran\n", "")
    bound.write("x", "")
    assert bound.run("sh", "-c", "echo ran", absent=[f"{bound.root}/x"]).status == 125


@pytest.mark.parametrize(
    "broken",
    [{"bound": "2"}, {"what": "x"}, {"file": ["x:/y"]}, {"cwd_node": "1"}, {"root_node": None}, {"tool": ["a/b:/x"]},
     {"program": None}, {"root": "/a/../b"}, {"id": ["a", "b"]}],
)  # fmt: skip
def test_a_plan_that_is_not_understood_runs_nothing(bound: Bound, broken: dict[str, Value | None]) -> None:
    ran = bound.run("sh", "-c", "echo ran", **broken)
    assert (ran.status, ran.out) == (125, "")
    assert "its plan is not understood" in ran.err


def test_a_killed_launcher_takes_its_command_along(bound: Bound) -> None:
    plan = bound.sandbox.base / "plan"
    plan.write_bytes(bound.plan("sh", "-c", "echo $$; exec sleep 100"))
    bound.sandbox.own(plan)
    with subprocess.Popen(
        [str(bound.sandbox.program), "--bound-plan", str(plan)], stdout=subprocess.PIPE, env=bound.sandbox.env,
        **bound.sandbox.identity(),
    ) as running:  # fmt: skip
        assert running.stdout is not None
        child = int(running.stdout.readline())
        running.kill()
        running.wait()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", [1, 2, 10, 15])
def test_signals_reach_the_command(bound: Bound, number: int, request: pytest.FixtureRequest) -> None:
    ours = signal.signal(number, signal.SIG_DFL)  # of a job in the background it is ignored, and a shell keeps that
    request.addfinalizer(lambda: signal.signal(number, ours))
    plan = bound.sandbox.base / "plan"
    plan.write_bytes(bound.plan("sh", "-c", f"trap 'exit 42' {number}; echo ready; while :; do sleep 0.05; done"))
    bound.sandbox.own(plan)
    with subprocess.Popen(
        [str(bound.sandbox.program), "--bound-plan", str(plan)], stdout=subprocess.PIPE, env=bound.sandbox.env,
        **bound.sandbox.identity(),
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        running.send_signal(number)
        try:
            assert running.wait(10) == 42
        finally:
            running.kill()
