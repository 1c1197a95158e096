"""Which processes are agents."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from interlock.daemon.agents import AgentProcesses
from interlock.daemon.callers import Callers
from interlock.daemon.server import Peer
from interlock.identity.people import ADMINS, People, Person
from interlock.model.errors import NotFound, Refused

SLEEP = [sys.executable, "-c", "import time; time.sleep(30)"]


def agents_with(client: int) -> AgentProcesses:
    agents = AgentProcesses()
    agents.saw_hook(client, "claude")
    return agents


def test_the_process_that_starts_a_hook_client_is_an_agent_and_so_is_all_below_it() -> None:
    client = subprocess.Popen(SLEEP)
    try:
        agents = agents_with(client.pid)
        assert agents.ancestor(os.getpid()) == "claude"
        assert agents.ancestor(client.pid) == "claude"
    finally:
        client.kill()
        client.wait()


def test_a_shell_between_the_agent_and_the_client_is_not_the_agent() -> None:
    shell = subprocess.Popen(
        ["bash", "-c", f"'{sys.executable}' -c 'import time; time.sleep(30)' & echo $!; wait"], stdout=-1
    )
    assert shell.stdout is not None
    client = int(shell.stdout.readline())
    try:
        _until_running(client)
        agents = agents_with(client)
        assert agents.ancestor(os.getpid()) == "claude"
    finally:
        os.kill(client, 9)
        shell.wait()
        shell.stdout.close()


def test_other_processes_are_people() -> None:
    client = subprocess.Popen(SLEEP)
    try:
        agents = agents_with(client.pid)
        assert agents.ancestor(1) == ""
        assert agents.ancestor(os.getppid()) == ""
    finally:
        client.kill()
        client.wait()


@pytest.mark.parametrize("pid", [2**22 + 1, 0, -1])
def test_a_process_that_cannot_be_seen_is_no_person(pid: int) -> None:
    """Story: an agent's `interlock approve 5 &` sent its bytes and was gone when the daemon looked who it was.

    Pid 0 is what the kernel gives for a peer in another pid namespace.
    """
    agents = AgentProcesses()
    agents.saw_hook(pid, "claude")
    assert agents.ancestor(pid) == "?"


def test_residual_r4_a_detached_process_is_not_known_as_the_agents(tmp_path: Path) -> None:
    """Residual risk R4 (docs/security.md): the kernel forgets who started a process that outlives its parent."""
    note = tmp_path / "pid"
    program = (
        "import os, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        with open(sys.argv[1] + '.new', 'w') as file:\n"
        "            file.write(str(os.getpid()))\n"
        "        os.rename(sys.argv[1] + '.new', sys.argv[1])\n"
        "        time.sleep(30)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    client = subprocess.Popen(SLEEP)
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(note)], check=True)
    deadline = time.monotonic() + 10
    while not note.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    detached = int(note.read_text())
    try:
        agents = agents_with(client.pid)
        assert agents.ancestor(os.getpid()) == "claude"
        assert agents.ancestor(detached) == ""
    finally:
        os.kill(detached, 9)
        client.kill()
        client.wait()


def _until_running(pid: int) -> None:
    deadline = time.monotonic() + 10
    while "python" not in os.readlink(f"/proc/{pid}/exe"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_root_is_nobody_unless_added() -> None:
    """Story: the user's word and root's were taken for two people's when a freeze of production was lifted."""
    callers = Callers(AgentProcesses(), People("log", Person("ana", uid=1000, groups=(ADMINS,))))
    assert callers.known(Peer(os.getppid(), 1000)).name == "ana"
    with pytest.raises(Refused, match="uid 0 is nobody"):
        callers.known(Peer(os.getppid(), 0))


def test_who_signed_in_from_another_machine_is_who_they_are_known_as_and_has_no_uid() -> None:
    callers = Callers(AgentProcesses(), People("log", Person("ana", uid=1000, groups=(ADMINS,))))
    far = Peer(0, -1, afar="ana")
    assert callers.known(far).name == "ana"
    assert callers.person(far).uid == -1, "no word of the owner's own user"
    with pytest.raises(NotFound):
        callers.person(Peer(0, -1, afar="mallory"))
    callers.inside = lambda _: True
    with pytest.raises(Refused, match="inside of a run"):
        callers.person(Peer(os.getpid(), -1, afar="ana"))
