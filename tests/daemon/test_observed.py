"""What a contained run really did, through a real daemon: in its entry, and as an alarm where nobody foresaw it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conftest import Guard
from daemon.test_contained import LAUNCHER, rewritten, run
from interlock.containment.cgroups import Group
from interlock.daemon.client import call, exchange
from interlock.daemon.wire import Door

pytestmark = pytest.mark.skipif(not LAUNCHER.is_file(), reason="no launcher: there was no C compiler at installation")

SUITE = "python3 -m unittest -q"


@pytest.fixture
def always(cold: Guard) -> Guard:
    """A daemon that contains whatever it can, and a project whose tests are yet to be written."""
    cold.configure('[ask]\nhold_seconds = 1\n[containment]\nshell = "always"\n')
    cold.start()
    return cold


def suite(guard: Guard, *lines: str) -> dict[str, Any]:
    """Runs a test that does this, as the agent would, and gives the run's entry."""
    body = "\n        ".join(lines)
    (guard.project / "test_it.py").write_text(
        f"import os, socket, subprocess, unittest\nclass T(unittest.TestCase):\n    def test(self):\n        {body}\n"
    )
    done = run(guard, rewritten(guard.hook("Bash", {"command": SUITE})))
    assert "Ran 1 test" in done.stderr
    body_: dict[str, Any] = guard.entries("changes")[-1]["body"]
    return body_


def tool(guard: Guard, name: str) -> None:
    path = guard.project / name
    path.write_text("#!/bin/sh\nexit 0\n")
    path.chmod(0o755)


def test_the_programs_that_ran_stand_in_the_entry(always: Guard) -> None:
    body = suite(always, "subprocess.run(['sh', '-c', 'true; /bin/true; /bin/true'])")
    names = {one["name"].rpartition("/")[2]: one for one in body["ran"]["first"]}
    assert names["true"]["times"] == 2
    assert names["true"]["by"] in {"dash", "sh", "bash"}
    assert {"python3", "sh"} <= set(names)
    assert body["ran"]["calls"] >= 4
    assert "drift" not in body
    assert not always.entries("alarm")
    shown = always.cli("changes", "show", str(always.entries("changes")[-1]["index"])).stdout
    assert "true 2" in shown


def test_a_grave_program_that_nobody_foresaw_is_an_alarm_and_costs_the_session_its_benefit(always: Guard) -> None:
    tool(always, "docker")
    tool(always, "curl")
    line = "ran docker, which works on containers, clusters, clouds or services, from python3"
    body = suite(always, "subprocess.run(['./docker', 'ps'])", "subprocess.run(['./curl', '--version'])")
    assert [one[: len(line)] for one in body["drift"]] == [line]
    (alarm,) = always.entries("alarm")
    assert alarm["body"]["alarm"] == "drift"
    assert alarm["body"]["differences"] == body["drift"]
    assert [one.split(",")[0] for one in body["lessons"]] == ["ran curl"]
    drift = always.cli("drift").stdout
    assert "ran docker" in drift
    assert "ran curl" not in drift
    assert "ran curl" in always.cli("drift", "--lessons").stdout
    # From now on a question stays a question: it is not answered by the sandbox any more.
    assert "Held" in always.said_no(always.hook("Bash", {"command": "rm -rf .git"}))


def test_an_address_that_was_called_by_number_is_observed(always: Guard) -> None:
    tool(always, "curl")
    body = suite(
        always,
        "subprocess.run(['./curl'])",
        "with self.assertRaises(OSError): socket.create_connection(('203.0.113.9', 8443))",
        "with self.assertRaises(OSError): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('8.8.8.8', 53))",
    )
    (observed,) = always.entries("observed")
    assert {name: observed["body"][name] for name in ("address", "port", "allowed")} == {
        "address": "203.0.113.9", "port": 8443, "allowed": False,
    }  # fmt: skip
    assert "no route" in observed["body"]["why"]
    assert body["network"]["refused"] == ["203.0.113.9"]
    assert body["drift"][0] == "tried to reach 203.0.113.9"
    assert body["drift"][1].startswith("ran curl, which speaks to hosts")
    assert body["lessons"] == ["asked for a route to 8.8.8.8:53/udp"]


def test_what_only_the_kernel_counted_is_an_alarm_too(always: Guard) -> None:
    send = "with self.assertRaises(OSError): plain.sendmsg([b'x'], [], 0, ('203.0.113.9', 53))"
    body = suite(always, "plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", send, send)
    assert body["ran"]["unseen_calls"] == 2
    assert body["drift"] == ["called addresses 2 times in a way that is only counted"]


def test_of_a_persons_own_command_nothing_was_foreseen_and_nothing_is_an_alarm(guard: Guard) -> None:
    tool(guard, "docker")
    assert guard.cli("run", "--", "sh", "-c", "./docker; echo x > made").returncode == 0
    (entry,) = guard.entries("changes")
    assert "docker" in {Path(one["name"]).name for one in entry["body"]["ran"]["first"]}
    assert "drift" not in entry["body"]
    assert not guard.entries("alarm")


def test_a_run_that_eats_memory_is_ended_and_the_entry_says_so(cold: Guard) -> None:
    cold.configure("[containment.profiles.small]\nlimits = { memory = 100000000 }\n")
    cold.start()
    eat = "kept = [bytearray(b'x') * (1 << 20) for _ in range(4000)]"
    done = cold.cli("run", "--profile", "small", "--", "python3", "-c", eat)
    assert done.returncode == 137
    assert "more than 95 MiB of memory together" in done.stderr
    (entry,) = cold.entries("changes")
    assert entry["body"]["memory"]["over"] is True
    assert entry["body"]["memory"]["bound"] in {"group", "watch"}
    assert "more memory than its profile allows" in cold.cli("changes", "show", str(entry["index"])).stdout
    assert call(cold.home, "status")["contained"]["running"] == []


def test_observation_can_be_turned_off_in_a_profile(cold: Guard) -> None:
    cold.configure("[containment.profiles.quiet]\nobserve = false\nmemory_percent = 0\n")
    cold.start()
    assert cold.cli("run", "--profile", "quiet", "--", "true").returncode == 0
    (entry,) = cold.entries("changes")
    assert not {"ran", "memory"} & set(entry["body"])


def test_a_launcher_that_tells_nonsense_is_refused_and_its_run_settled_all_the_same(always: Guard) -> None:
    command = rewritten(always.hook("Bash", {"command": "echo x > made"}))
    ticket = command.partition("--ticket ")[2].split()[0].rstrip(";")
    socket = always.home.socket
    assert exchange(socket, Door.RUN, "-", f"open {ticket}\n".encode(), timeout=30).exit == 0
    for told in (b"ran\0", b"won\x001\0a\0b\0c\0", b"\xff" * 100):
        reply = exchange(socket, Door.RUN, "-", f"close {ticket} 0\n".encode() + told, timeout=30)
        assert reply.exit == 65
        assert b"launcher" in reply.stderr
    hostile = b"ran\x001\0\x1b[31m\xff\n\0\xff\0x\0unrouted\x000\0\0\0\0"
    assert exchange(socket, Door.RUN, "-", f"close {ticket} 0\n".encode() + hostile, timeout=30).exit == 0
    body = always.entries("changes")[-1]["body"]
    assert body["ran"]["first"][0]["name"] == "?[31m\\udcff?"
    shown = always.cli("changes", "show", str(always.entries("changes")[-1]["index"])).stdout
    assert "\x1b[31m" not in shown
    assert json.dumps(body)


def test_the_longest_names_fit_an_entry(always: Guard) -> None:
    """A control character takes six bytes in JSON; an entry that is too long would leave its run unsettled."""
    body = suite(
        always,
        "for n in range(60):",
        "    name = bytes([1 + n % 9]) * 200 + str(n).encode()",
        "    os.symlink('/bin/true', name)",
        "    subprocess.run([b'./' + name])",
        "    open(b'f' + name, 'w').close()",
        "    try: socket.create_connection((f'203.0.113.{n}', 1))",
        "    except OSError: pass",
    )
    assert body["ran"]["programs"] > 60
    assert len(body["network"]["refused"]) == 50


def test_a_run_lies_in_a_group_that_the_daemon_knows(guard: Guard) -> None:
    inside = call(guard.home, "status")["contained"]
    if not inside["group"]:
        pytest.skip("this machine offers no groups")
    groups = Path(inside["group"])
    assert (guard.home.run / "group").read_text() == f"{groups}\n"
    words = [str(LAUNCHER.with_name("interlock")), "run", "--", "sh", "-c", "echo ready; sleep 60"]
    with subprocess.Popen(words, cwd=guard.project, env=guard.environment, stdout=subprocess.PIPE, text=True) as held:
        assert held.stdout is not None
        assert held.stdout.readline() == "ready\n"
        group = Group(groups / f"run-{held.pid}")
        assert len(group.members()) >= 2
        assert group.freeze()
        assert group.kill()
        assert held.wait(20) == 137
    assert not group.exists
    assert guard.stop() == 0
    assert not groups.exists()


def test_the_doctor_and_the_status_say_what_contains_and_what_is_missing(guard: Guard) -> None:
    status = guard.cli("status").stdout
    assert "contain  overlay, layers in" in status
    assert "addresses that are called are seen" in status
    doctor = guard.cli("doctor")
    assert doctor.returncode == 40  # no agent is guarded here
    assert "containment: overlay, layers in" in doctor.stdout
    found = json.loads(guard.cli("doctor", "--json").stdout)["containment"]
    assert found["tier"] == "overlay"
    for lack in found["lacks"]:
        assert lack["what"] in doctor.stdout
        assert lack["remedy"] in doctor.stdout


def test_who_looks_for_news_of_itself_is_kept_from_it(always: Guard) -> None:
    """npm asks its registry at each run whether there is a newer npm: of a run without a network that made an alarm."""
    done = run(always, rewritten(always.hook("Bash", {"command": "env"})))
    assert "npm_config_update_notifier=false" in done.stdout.split()
    assert "DO_NOT_TRACK=1" in done.stdout.split()


def test_what_is_left_in_the_background_is_contained_too_where_everything_is(always: Guard) -> None:
    """Story: `run_in_background`, which the agent chooses, let a command run in the open."""
    reply = always.hook("Bash", {"command": "echo made > made", "run_in_background": True})
    assert json.loads(reply.stdout)["hookSpecificOutput"]["updatedInput"]["run_in_background"] is True
    assert run(always, rewritten(reply)).returncode == 0
    assert (always.project / "made").read_text() == "made\n"
    (intent,), (changes,) = always.entries("intent"), always.entries("changes")
    assert intent["body"]["contained"]["profile"] == "build"
    assert changes["body"]["intent"] == intent["index"]
