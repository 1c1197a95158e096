"""Who is on the other end of the socket, when its process may have ended meanwhile."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.daemon import peer
from interlock.daemon.agents import AgentProcesses, process
from interlock.daemon.bound import launcher_of
from interlock.daemon.callers import Callers
from interlock.daemon.peer import Peer, peer_of
from interlock.identity.people import ADMINS, People, Person
from interlock.model.errors import Refused

# Connects, hands the socket on to a child, says the child's pid, and ends when it is told to.
HANDING_ON = """
import os, socket, sys, time
ours = socket.socket(socket.AF_UNIX)
ours.connect(sys.argv[1])
child = os.fork()
if child == 0:
    os.close(1)
    time.sleep(60)
print(child, flush=True)
sys.stdin.readline()
"""


class _Anybody(AgentProcesses):
    """As if whoever has the number now had been started by a person."""

    def ancestor(self, pid: int) -> str:
        del pid
        return ""


@pytest.fixture(params=["pidfd", "older kernel"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pidfd" and not peer._supported():
        pytest.skip("this kernel has no SO_PEERPIDFD")
    if request.param == "older kernel":
        monkeypatch.setattr(peer, "_supported", lambda: False)


def test_who_connected_and_has_ended_is_nobody_whoever_has_its_number_now(kernel: None, tmp_path: Path) -> None:
    """Story: an agent's process connected, handed the socket to its child and ended; the daemon looked at the number,
    which by then was that of somebody's shell.
    """
    del kernel
    callers = Callers(_Anybody(), People("log", Person("ana", uid=os.getuid(), groups=(ADMINS,))))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    listener.listen()
    connects = subprocess.Popen(
        [sys.executable, "-c", HANDING_ON, str(tmp_path / "socket")], stdin=-1, stdout=-1, text=True
    )
    assert connects.stdout is not None
    child = int(connects.stdout.readline())
    accepted, _ = listener.accept()
    with listener, accepted:
        try:
            found = peer_of(accepted)
            assert (found.pid, found.uid) == (connects.pid, os.getuid())
            assert found.lives()
            assert callers.person(found).uid == os.getuid()
            assert launcher_of(found) == process(connects.pid)
            connects.communicate("end\n")
            assert not found.lives()
            with pytest.raises(Refused, match="cannot be seen who started this"):
                callers.person(found)
            with pytest.raises(Refused, match="the launcher ended"):
                launcher_of(Peer(os.getpid(), found.uid, lives=found.lives))
        finally:
            os.kill(child, 9)


def test_a_connection_that_is_closed_names_nobody(kernel: None) -> None:
    del kernel
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            found = peer_of(ours)
            assert found.lives()
        if peer._supported():
            assert not found.lives()
