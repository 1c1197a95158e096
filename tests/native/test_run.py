"""The launcher builds the sandbox that the plan says, runs the command in it, and answers with the command's status."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from native.conftest import SOURCES
from native.runs import Sandbox, Value, plan_bytes


def test_no_compiler_has_anything_to_say(tmp_path: Path) -> None:
    from native.test_build import STRICT

    for compiler in filter(shutil.which, ("cc", "musl-gcc", "clang")):
        command = [compiler, *STRICT, "-o", str(tmp_path / "run"), *map(str, SOURCES)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, ""), compiler


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_files_fit(path: Path) -> None:
    assert path.read_text().count("\n") <= 400


def test_status_output_and_input_are_the_commands(sandbox: Sandbox) -> None:
    assert sandbox.shell("exit 7").status == 7
    ran = sandbox.run("cat", input="through")
    assert (ran.status, ran.out, ran.err) == (0, "through", "")
    ran = sandbox.shell("echo out; echo err >&2; kill -9 $$")
    assert (ran.status, ran.out, ran.err) == (137, "out\n", "err\n")


def test_a_command_that_is_not_there_or_may_not_run(sandbox: Sandbox) -> None:
    ran = sandbox.run("no-such-command")
    assert (ran.status, ran.err) == (127, "interlock-run: no-such-command: command not found\n")
    sandbox.write("plain", "text")
    assert sandbox.run("./plain").status == 126
    sandbox.write("script", "exit 5\n", 0o755)
    assert sandbox.run("./script").status == 5
    assert sandbox.run("/usr").status == 126


def test_changes_land_in_the_upper_layer_alone(sandbox: Sandbox) -> None:
    sandbox.write("a", "old")
    sandbox.write("src/deep", "kept")
    ran = sandbox.shell("cat a && echo new > a && echo b > b && rm -r src && ls")
    assert (ran.status, ran.out) == (0, "olda\nb\n")
    assert (sandbox.workspace / "a").read_text() == "old"
    assert (sandbox.workspace / "src/deep").read_text() == "kept"
    assert sorted(path.name for path in sandbox.upper.iterdir()) == ["a", "b", "src"]
    assert (sandbox.upper / "a").read_text() == "new\n"
    assert (sandbox.upper / "a").stat().st_uid == sandbox.user


def test_a_bound_copy_is_written_and_the_workspace_is_not(sandbox: Sandbox) -> None:
    sandbox.write("a", "old")
    copy = sandbox.base / "copy"
    copy.mkdir()
    sandbox.own(copy)
    ran = sandbox.shell("ls; echo b > b", write="bind", source=str(copy), upper=None, work=None)
    assert (ran.status, ran.out) == (0, "")
    assert (copy / "b").read_text() == "b\n"
    assert not (sandbox.workspace / "b").exists()


def test_without_writing_the_workspace_is_read_only(sandbox: Sandbox) -> None:
    sandbox.write("a", "old")
    ran = sandbox.shell("cat a; echo b > a", write="none", upper=None, work=None)
    assert ran.out == "old"
    assert "Read-only file system" in ran.err


def test_everything_else_of_the_host_is_read_only(sandbox: Sandbox) -> None:
    outside = sandbox.base / "outside"
    outside.write_text("kept")
    sandbox.own(outside)
    hidden = sandbox.shell(f"cat {outside}")
    assert "No such file" in hidden.err  # it lies below /tmp, which is fresh
    ran = sandbox.shell(f"cat {outside}; echo x > {outside}; rm {outside}; chmod 777 {outside}", fresh=["/run"])
    assert ran.out == "kept"
    assert ran.err.count("Read-only file system") == 3
    for path in ("/etc/passwd", "/usr/bin/env", "/dev/null", "/proc/sys/kernel/core_pattern", "/"):
        ran = sandbox.shell(f"chmod 0 {path} && echo changed", fresh=["/run"])
        assert ran.out == "", path


def test_hidden_places_are_empty_and_holes_are_read_only(sandbox: Sandbox) -> None:
    sandbox.write("home/.ssh/key", "private")
    sandbox.write("home/.tool/bin/tool", "#!/bin/sh\necho tool\n", 0o755)
    sandbox.write("home/.tool/.secret/token", "private")
    sandbox.write(".env", "KEY=1")
    home = sandbox.workspace / "home"
    ran = sandbox.shell(
        "ls -A home; home/.tool/bin/tool; ls -A home/.tool/.secret; cat .env;"
        "echo x > home/new; echo x > home/.tool/new; echo x > .env",
        hide=[str(home), str(home / ".tool/.secret"), str(sandbox.workspace / ".env"), "/no/such/place"],
        show=[str(home / ".tool"), "/no/such/tool"],
    )
    assert ran.out == ".tool\ntool\n"
    assert ran.err.count("Read-only file system") == 3


def test_hiding_a_link_hides_where_it_leads(sandbox: Sandbox) -> None:
    sandbox.write("real/key", "private")
    (sandbox.workspace / "link").symlink_to("real")
    ran = sandbox.shell("ls -A real link/", hide=[str(sandbox.workspace / "link")])
    assert "key" not in ran.out


def test_a_link_is_no_hole(sandbox: Sandbox) -> None:
    sandbox.write("real/key", "private")
    (sandbox.workspace / "link").symlink_to("real")
    ran = sandbox.shell("ls -A", hide=[str(sandbox.workspace / "real")], show=[str(sandbox.workspace / "link/key")])
    assert "private" not in ran.out
    assert sandbox.shell("cat link/key", hide=[str(sandbox.workspace / "real")]).out == ""


def test_fresh_places_are_private_and_bounded(sandbox: Sandbox) -> None:
    mark = Path("/tmp", sandbox.base.name + ".mark")
    script = f"ls -A /tmp; echo x > {mark}; cat {mark}; head -c 3000000 /dev/zero > /tmp/y"
    ran = sandbox.shell(script, fresh_bytes=str(1 << 20))
    assert ran.out == sandbox.base.name + "\nx\n"  # the way to the workspace is all there is
    assert "No space left" in ran.err
    assert not mark.exists()


def test_the_environment_is_what_the_plan_says(sandbox: Sandbox) -> None:
    sandbox.env |= {"LC_ALL": "C", "LD_PRELOAD": "/nothing.so", "LCX": "1"}
    ran = sandbox.run("env", env=["PATH=/usr/bin:/bin", "A=b=c"])
    assert sorted(ran.out.split()) == ["A=b=c", "LC_ALL=C", "PATH=/usr/bin:/bin"]


def test_nobody_can_read_what_the_launcher_knew(sandbox: Sandbox) -> None:
    ran = sandbox.shell("cat /proc/1/environ /proc/1/mem; ls /proc/1/fd /proc/1/root/; grep -c s3cret /proc/*/environ")
    assert "s3cret" not in ran.out
    assert ran.err.count("Permission denied") >= 3


def test_no_capability_is_left_and_none_comes_back(sandbox: Sandbox) -> None:
    ran = sandbox.shell("grep -E 'Cap|NoNewPrivs' /proc/self/status; grep -h Cap /proc/1/status")
    words = ran.out.split()
    assert words.count("0000000000000000") == 10
    assert "NoNewPrivs:\t1" in ran.out
    assert sandbox.shell("id -u").out == f"{sandbox.user}\n"


def test_other_processes_are_not_seen(sandbox: Sandbox) -> None:
    ran = sandbox.shell("ls /proc | grep -c '^[0-9]'; kill -9 1; echo alive")
    assert int(ran.out.split()[0]) < 8
    assert ran.out.endswith("alive\n")


def test_there_is_no_network_but_its_own(sandbox: Sandbox) -> None:
    script = "import socket; socket.create_server(('127.0.0.1', 0)); print(open('/proc/net/dev').read().count(':'))"
    assert sandbox.python(script).out == "1\n"
    ran = sandbox.python("import socket; socket.create_connection(('1.1.1.1', 53), 2)")
    assert "unreachable" in ran.err


def test_other_descriptors_are_closed(sandbox: Sandbox) -> None:
    plan = sandbox.base / "plan"
    plan.write_bytes(plan_bytes(**sandbox.values("ls", "/proc/self/fd")))
    held = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    ran = subprocess.run(
        [str(sandbox.program), "--plan", str(plan)], pass_fds=(held,), capture_output=True, text=True, check=False,
        **sandbox.identity(),
    )  # fmt: skip
    os.close(held)
    assert ran.stdout.split() == ["0", "1", "2", "3"]  # 3 is the directory that ls reads


def test_the_directory_must_be_visible(sandbox: Sandbox) -> None:
    ran = sandbox.run("true", cwd="/home/nobody")
    assert ran.status == 125
    assert "the directory /home/nobody is not in the sandbox" in ran.err


# What makes a plan wrong, and the key that is named in the refusal.
WRONG: dict[str, list[dict[str, Value | None]]] = {
    "version": [{"version": "2"}, {"version": None}],
    "id": [{"id": "../x"}, {"id": None}, {"id": ""}, {"id": ["a", "a"]}],
    "arg": [{"arg": []}],
    "cwd": [{"cwd": None}, {"cwd": "/a/../b"}, {"cwd": "relative"}],
    "workspace": [{"workspace": "/"}, {"workspace": None}],
    "hide": [{"hide": ["/a//b"]}, {"hide": ["/a/"]}, {"hide": [""]}],
    "show": [{"show": ["/./a"]}],
    "write": [{"write": "all"}, {"write": None}, {"upper": None}, {"source": "/x"}],
    "network": [{"network": "host"}, {"network": None}, {"network": "listen"}, {"listener": ["53/udp"]}],
    "listener": [{"listener": ["0/tcp"]}, {"listener": ["53"]}, {"listener": ["65536/tcp"]}],
    "wall": [{"wall": "-1"}, {"wall": "01"}, {"wall": None}],
    "tty": [{"tty": "yes"}],
    "shim": [{"shim": None}],
    "landlock": [{"landlock": None}],
    "fresh_bytes": [{"fresh_bytes": None}, {"fresh_bytes": "0"}],
    "limit": [{"limit": ["swap:1"]}, {"limit": ["as"]}, {"limit": ["as:99999999999999999999999"]}],
    "keep": [{"keep": ["*"]}, {"keep": ["A*B"]}],
    "env": [{"env": ["A"]}, {"env": ["=b"]}],
    "privileged": [{"privileged": "1"}],
}


@pytest.mark.parametrize("word", WRONG)
def test_a_plan_that_is_not_understood_runs_nothing(sandbox: Sandbox, word: str) -> None:
    for changes in WRONG[word]:
        ran = sandbox.shell("echo ran", **changes)
        assert (ran.status, ran.out) == (125, "")
        assert ran.err.startswith(f"Interlock did not run this: its plan is not understood ({word}: ")
        assert ran.err.count("\n") == 1


@pytest.mark.parametrize("raw", [b"", b"version=1", b"version=1\0arg", b"\0\0", b"=\0", b"nonsense\0"])
def test_bytes_that_are_no_plan(sandbox: Sandbox, raw: bytes) -> None:
    ran = sandbox.run_bytes(raw)
    assert ran.status == 125
    assert "its plan is" in ran.err


def test_what_cannot_be_built_is_not_run(sandbox: Sandbox) -> None:
    for changes in (
        {"workspace": "/no/such"}, {"upper": "/no/such"}, {"work": str(sandbox.workspace)},
        {"hide": [str(sandbox.workspace)]}, {"fresh": [str(sandbox.workspace)]}, {"hide": ["/"]},
    ):  # fmt: skip
        ran = sandbox.shell("echo ran", **changes)  # type: ignore[arg-type]
        assert (ran.status, ran.out) == (125, ""), changes
        assert ran.err.startswith("Interlock did not run this: "), changes
    (sandbox.base / "link").symlink_to(sandbox.workspace)
    assert sandbox.shell("echo ran", workspace=str(sandbox.base / "link")).status == 125


def test_the_probe_tries_what_it_tells(sandbox: Sandbox) -> None:
    ran = subprocess.run(
        [str(sandbox.program), "--probe", str(sandbox.base)], capture_output=True, text=True, check=False,
        env=sandbox.env, **sandbox.identity(),
    )  # fmt: skip
    assert ran.returncode == 0
    found = dict(line.split("=") for line in ran.stdout.splitlines())
    assert set(found) == {
        "plan", "landlock", "userns", "overlay", "proc", "seccomp", "sandbox", "rename-shim", "nproc",
    }  # fmt: skip
    assert int(found["landlock"]) >= 0
    assert [found[name] for name in ("userns", "overlay", "proc", "seccomp", "sandbox", "rename-shim")] == ["yes"] * 6
    assert not [name for name in os.listdir(sandbox.base) if "probe" in name]


def test_the_probe_says_no_where_nothing_works(sandbox: Sandbox) -> None:
    """Inside a sandbox there are no namespaces to be had: the same words as on an old machine, and a reason."""
    program = sandbox.write("interlock-run", "", 0o755)
    program.write_bytes(sandbox.program.read_bytes())
    ran = sandbox.run("./interlock-run", "--probe")
    assert ran.status == 0
    assert "userns=no\noverlay=no\n" in ran.out
    assert "allows no namespaces of its own (Operation not permitted)" in ran.err
    ran = sandbox.run("./interlock-run", "--plan", "/no/such")
    assert ran.status == 125
