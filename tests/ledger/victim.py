"""A process made to be killed: it writes to a ledger from many threads and notes each acknowledgement in a file.

The file survives the process (what `write` has taken stays), so it holds exactly what callers had been told.
Started once; each line on stdin, `<directory> <acknowledgements> <round>`, makes it fork one writer and print its pid.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from pathlib import Path
from typing import NoReturn

from interlock.identity.keys import Ed25519Key
from interlock.ledger.store import Ledger

THREADS = 8
TIME = "2026-11-21T02:00:00Z"


def write_until_killed(directory: Path, told: Path, number: int, key: Ed25519Key, root: Ed25519Key) -> NoReturn:
    ledger = Ledger.open(directory, key, key.name, root=root, now=lambda: TIME)
    notes = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    counter = itertools.count(number * 1_000_000)

    def writer() -> None:
        while True:
            n = next(counter)
            durable = n % 5 != 0
            index = ledger.submit("intent", {"n": n, "pad": "x" * (n % 900)}, time=TIME, durable=durable).result()
            if durable:
                os.write(notes, f"{index} {n}\n".encode())

    for _ in range(THREADS):
        threading.Thread(target=writer, daemon=True).start()
    threading.Event().wait()
    os._exit(1)


def serve() -> None:
    from ledger.logs import DAEMON, ROOT

    DAEMON.sign(b"warm")
    for line in sys.stdin:
        directory, told, number = line.rsplit(" ", 2)
        pid = os.fork()
        if pid == 0:
            write_until_killed(Path(directory), Path(told), int(number), DAEMON, ROOT)
        print(pid, flush=True)  # noqa: T201 - this is how it speaks to the test
        os.waitpid(pid, 0)
        print("dead", flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    serve()
