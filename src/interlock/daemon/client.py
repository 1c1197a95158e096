"""A person's command talking to the daemon."""

from __future__ import annotations

import json
import os
import secrets
import socket
import struct
import time
from pathlib import Path
from typing import Any

from interlock.daemon.wire import Door, Reply, parse_response, request
from interlock.home import Home
from interlock.model.errors import DaemonUnreachable, InterlockError, OperatorError

_DOWN = "Start it with `interlock up --detach`; if that fails, `interlock doctor` says why."
_ANSWER_LIMIT = 64 << 20  # bytes; the longest answer is the inbox with all its texts, some 10 MiB


class Remote(OperatorError):
    """The daemon answered with an error of its own; carries its code and exit status."""

    def __init__(self, message: str, code: str, status: int) -> None:
        super().__init__(message)
        self.remote_code = code
        self.status = status


def call(home: Home, method: str, params: dict[str, Any] | None = None, *, timeout: float = 30.0) -> Any:
    """One request to the daemon; `timeout` in seconds. Raises DaemonUnreachable, or Remote with its own words."""
    payload = json.dumps({"method": method, "params": params or {}}).encode()
    reply = exchange(home.socket, Door.RPC, "-", payload, timeout=timeout)
    try:
        if reply.exit == 0:
            return json.loads(reply.stdout)
        problem = json.loads(reply.stderr)
        raise Remote(str(problem["message"]), str(problem["error"]), reply.exit)
    except (ValueError, KeyError, TypeError) as error:
        raise DaemonUnreachable(f"the daemon on {home.socket} answers what is no answer. {_DOWN}") from error


def exchange(path: Path, door: Door, agent: str, payload: bytes, *, timeout: float) -> Reply:
    """Send one request and return the whole reply; `timeout` seconds for all of it. Raises DaemonUnreachable."""
    deadline = time.monotonic() + timeout
    nonce = secrets.token_hex(8)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        try:
            _connect(connection, path)
            _check_owner(connection, path)
            connection.sendall(request(door, agent, nonce, int(timeout * 1000), payload))
            received = bytearray()
            while part := connection.recv(262_144):
                received += part
                if len(received) > _ANSWER_LIMIT:
                    raise DaemonUnreachable(f"the daemon on {path} answers without end. {_DOWN}")
                connection.settimeout(max(0.001, deadline - time.monotonic()))
        except TimeoutError as error:
            raise DaemonUnreachable(f"the daemon on {path} did not answer within {timeout:g} s. {_DOWN}") from error
        except OSError as error:
            raise DaemonUnreachable(f"no daemon answers on {path}: {error.strerror or error}. {_DOWN}") from error
    reply = parse_response(bytes(received), nonce)
    if reply is None:
        raise DaemonUnreachable(f"the daemon on {path} hung up in the middle of its answer. {_DOWN}")
    return reply


def alive(home: Home) -> bool:
    """Whether a daemon answers."""
    try:
        call(home, "ping", timeout=2.0)
    except InterlockError:
        return False
    return True


def _connect(connection: socket.socket, path: Path) -> None:
    if len(os.fsencode(path)) <= 107:
        connection.connect(str(path))
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection.connect(f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)


def _check_owner(connection: socket.socket, path: Path) -> None:
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid = struct.unpack("3i", raw)[1]
    if uid not in {os.geteuid(), 0}:
        raise DaemonUnreachable(
            f"the socket {path} is served by uid {uid}, not by you. Remove it and start your own daemon."
        )
