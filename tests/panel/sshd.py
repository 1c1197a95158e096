"""OpenSSH's own server and client, on loopback: a server of the test's own, with its own keys, for this user alone."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

SERVER = "/usr/sbin/sshd"
ROOM = Path("/run/sshd")  # where root's sshd takes its rights away; the package's service makes it
HOST = "build.example.com"
_SERVER = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized_keys
PidFile {folder}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
"""
_CLIENT = """
Host {host}
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/user
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
  HostKeyAlias {host}
  BatchMode yes
  ExitOnForwardFailure yes
"""


def free() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        return int(one.getsockname()[1])


def missing() -> str:
    """What is not there that this takes, "" for nothing."""
    if not (os.access(SERVER, os.X_OK) and shutil.which("ssh") and shutil.which("ssh-keygen")):
        return "no OpenSSH server and client (apt install openssh-server openssh-client)"
    if os.geteuid() == 0 and not ROOM.is_dir():
        return f"root's sshd wants {ROOM} (mkdir {ROOM})"
    return ""


class Server:
    """A machine with the name of the documentation, to which its user can ssh."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free()
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
        shutil.copy(folder / "user.pub", folder / "authorized_keys")
        (folder / "known_hosts").write_text(f"{HOST} {(folder / 'host.pub').read_text()}")
        told = {"folder": folder, "port": self._port, "user": getpass.getuser(), "host": HOST}
        (folder / "sshd_config").write_text(_SERVER.format(**told))
        (folder / "config").write_text(_CLIENT.format(**told))
        words = [SERVER, "-D", "-e", "-f", str(folder / "sshd_config")]
        with (folder / "sshd.log").open("wb") as log:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._until(self._port, self._process)

    def log(self) -> str:
        return (self._folder / "sshd.log").read_text()

    @contextlib.contextmanager
    def led(self, command: str, port: int, host: str = "127.0.0.1") -> Iterator[None]:
        """While this `ssh …` of the documentation runs; `-N` keeps it from a shell, `-F` names our machine."""
        ssh, *words = command.split()
        assert ssh == "ssh"
        with (self._folder / "ssh.log").open("wb") as log:
            process = subprocess.Popen(
                ["ssh", "-F", str(self._folder / "config"), "-N", *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            self._until(port, process, host)
            yield
        finally:
            process.terminate()
            process.wait(20)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)

    def _until(self, port: int, process: subprocess.Popen[bytes], host: str = "127.0.0.1") -> None:
        deadline = time.monotonic() + 30
        while True:
            with closing(socket.socket()) as one:
                if one.connect_ex((host, port)) == 0:
                    return
            said = [file.read_text() for file in self._folder.glob("*.log")]
            assert process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.02)


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Where something for it is missing: a skip, and under CI a failure."""
    if why := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    started = Server(folder)
    try:
        yield started
    finally:
        started.close()
