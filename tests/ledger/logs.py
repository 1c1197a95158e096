"""Small logs for the tests: fixed keys, a fixed clock, and nothing but the public face of the ledger."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interlock.identity.keys import Ed25519Key
from interlock.ledger.export import export
from interlock.ledger.reader import Reader
from interlock.ledger.store import Ledger, head_path

ORIGIN = "interlock.test/log"
TIME = "2026-11-21T02:00:00Z"
DAEMON = Ed25519Key.from_seed(ORIGIN, b"d" * 32)
ROOT = Ed25519Key.from_seed("interlock.test/root", b"r" * 32)
OTHER = Ed25519Key.from_seed(ORIGIN, b"o" * 32)
PRINCIPAL = {"agent": "claude", "session": "s1"}
# A ledger that runs writes its tiles beside the rest: what it is writing may be gone when a copy comes to it.
HALF_WRITTEN = shutil.ignore_patterns(".*.new", "*.new")


def begin(directory: Path, **options: Any) -> Ledger:
    """The ledger in `directory`, with a clock that stands still."""
    return Ledger.open(directory, options.pop("signer", DAEMON), ORIGIN, root=ROOT, now=lambda: TIME, **options)


def add(ledger: Ledger, kind: str = "intent", *, durable: bool = True, **body: Any) -> int:
    """One entry, waited for."""
    return ledger.submit(kind, body, time=TIME, durable=durable).result(timeout=30)


def fill(ledger: Ledger, count: int, kind: str = "intent", **body: Any) -> None:
    """Many entries in few groups."""
    futures = [ledger.submit(kind, {"n": number, **body}, time=TIME) for number in range(count)]
    for future in futures:
        future.result(timeout=60)


def exported(ledger_directory: Path, target: Path) -> Path:
    """An export of a ledger."""
    with Reader.open(ledger_directory) as reader:
        export(reader, ledger_directory, target)
    return target


def small_export(tmp_path: Path, entries: int) -> Path:
    """An export with this many entries."""
    directory = tmp_path / "ledger"
    with begin(directory) as ledger:
        fill(ledger, entries - ledger.size)
    return exported(directory, tmp_path / "export")


def verified_elsewhere(directory: Path, *arguments: str) -> dict[str, Any]:
    """The report of `interlock verify` in a process of its own, as a running ledger needs it."""
    program = "from interlock.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "verify", "--json", str(directory), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def copy_state(directory: Path, target: Path) -> None:
    """What a backup of the state directory holds: the ledger without its head file."""
    shutil.copytree(directory, target, ignore=HALF_WRITTEN)


def put_back(directory: Path, backup: Path) -> None:
    """Restore a backup over the ledger; the head file stays."""
    shutil.rmtree(directory)
    shutil.copytree(backup, directory)


def flip(path: Path, at: int, bit: int = 0) -> None:
    """Flip one bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


def bodies(ledger: Ledger | Reader, kinds: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The decoded bodies, in order."""
    return [stored.entry().body for stored in ledger.entries(kinds=kinds)]


__all__ = [
    "DAEMON",
    "ORIGIN",
    "OTHER",
    "PRINCIPAL",
    "ROOT",
    "TIME",
    "add",
    "begin",
    "bodies",
    "copy_state",
    "exported",
    "fill",
    "flip",
    "head_path",
    "put_back",
    "small_export",
    "verified_elsewhere",
]
