"""How fast the ledger acknowledges, beside what this disk can do at all, measured in the same run.

    python benchmarks/ledger.py [DIRECTORY]        the directory says which disk is measured (default: a temporary one)

Prints acknowledgements a second at 1, 8 and 64 writers, the raw fdatasync rate (a file that grows, and one that is
overwritten, as a write-ahead log is), and one SQLite FULL insert a commit; then the ratios. The target is 2,000 durable
acknowledgements a second at 64 writers. `--json` for machines.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import apsw

from interlock.identity.keys import Ed25519Key
from interlock.ledger.store import Ledger

TARGET = 2_000.0
SECONDS = 3.0
BODY = {
    "principal": {"agent": "claude", "session": "0f3c0f3c-benchmark", "person": "you"},
    "tool": "Bash",
    "text": "git commit -am 'a change of the ordinary kind' && git push origin feature",
    "cwd": "/home/you/project",
    "verdict": "allow",
    "effects": ["execute process git (one, recoverable, workspace)"] * 6,
}
STAMP = "2026-11-21T02:00:00.000000Z"


def appends(directory: Path) -> list[float]:
    """Seconds of each fdatasync after 4 KiB at the end of a growing file."""
    return fsyncs(directory / "growing", 1 << 40)


def overwrites(directory: Path) -> list[float]:
    """Seconds of each fdatasync after 4 KiB somewhere in a file of 1 MiB that exists already."""
    (directory / "fixed").write_bytes(b"x" * (1 << 20))
    return fsyncs(directory / "fixed", 1 << 20)


def fsyncs(path: Path, wrap: int) -> list[float]:
    """Write and sync 4 KiB after 4 KiB, from the start again after `wrap` bytes."""
    taken: list[float] = []
    handle = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    end = time.perf_counter() + SECONDS / 2
    while time.perf_counter() < end:
        start = time.perf_counter()
        os.pwrite(handle, b"y" * 4096, len(taken) * 4096 % wrap)
        os.fdatasync(handle)
        taken.append(time.perf_counter() - start)
    os.close(handle)
    return taken


def inserts(directory: Path) -> list[float]:
    """Seconds of each SQLite WAL, synchronous=FULL commit of one 1 KiB row."""
    connection = apsw.Connection(str(directory / "floor.db"))
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", 2)
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, raw BLOB)").fetchall()
    taken = []
    end = time.perf_counter() + SECONDS / 2
    while time.perf_counter() < end:
        start = time.perf_counter()
        connection.execute("INSERT INTO t (raw) VALUES (?)", (b"x" * 1024,)).fetchall()
        taken.append(time.perf_counter() - start)
    connection.close()
    return taken


def acknowledgements(ledger: Ledger, writers: int) -> list[float]:
    """Seconds from submit to acknowledgement, of every entry that this many threads wrote one after another."""
    taken: list[list[float]] = [[] for _ in range(writers)]
    end = time.perf_counter() + SECONDS

    def work(mine: list[float]) -> None:
        while time.perf_counter() < end:
            start = time.perf_counter()
            ledger.submit("intent", BODY, time=STAMP).result()
            mine.append(time.perf_counter() - start)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [seconds for mine in taken for seconds in mine]


def told(name: str, taken: list[float], seconds: float) -> dict[str, float | str]:
    """One line of the table."""
    ordered = sorted(taken)
    return {
        "what": name,
        "per_second": len(taken) / seconds,
        "p50_ms": statistics.median(ordered) * 1e3,
        "p99_ms": ordered[int(len(ordered) * 0.99)] * 1e3,
    }


def measure(directory: Path) -> list[dict[str, float | str]]:
    """The floors and the ledger, one after another on the same disk."""
    rows = []
    floors: list[tuple[str, Callable[[Path], list[float]]]] = [
        ("fdatasync, growing", appends),
        ("fdatasync, in place", overwrites),
        ("SQLite FULL insert", inserts),
    ]
    for name, floor in floors:
        taken = floor(directory)
        rows.append(told(name, taken, sum(taken)))
    key = Ed25519Key.generate("benchmark.test/log")
    with Ledger.open(directory / "ledger", key, key.name) as ledger:
        acknowledgements(ledger, 8)  # warm: the WAL file has its size, the tiles their directories
        rows += [told(f"ledger, {count} writers", acknowledgements(ledger, count), SECONDS) for count in (1, 8, 64)]
    return rows


def main(arguments: list[str]) -> int:
    """Run; the exit status says whether the target was reached."""
    places = [argument for argument in arguments if not argument.startswith("-")]
    directory = Path(tempfile.mkdtemp(prefix="ledger-", dir=places[0] if places else None))
    try:
        rows = measure(directory)
    finally:
        shutil.rmtree(directory)
    by_name = {str(row["what"]): row for row in rows}
    rate = float(by_name["ledger, 64 writers"]["per_second"])
    ratios = {
        "64 writers / fdatasyncs in place": rate / float(by_name["fdatasync, in place"]["per_second"]),
        "64 writers / SQLite inserts": rate / float(by_name["SQLite FULL insert"]["per_second"]),
        "one append / one fdatasync, growing (p50)": float(by_name["ledger, 1 writers"]["p50_ms"])
        / float(by_name["fdatasync, growing"]["p50_ms"]),
        "one append / one SQLite insert (p50)": float(by_name["ledger, 1 writers"]["p50_ms"])
        / float(by_name["SQLite FULL insert"]["p50_ms"]),
    }
    if "--json" in arguments:
        print(json.dumps({"rows": rows, "ratios": ratios, "target": TARGET, "reached": rate >= TARGET}))
        return 0 if rate >= TARGET else 1
    for row in rows:
        print(
            f"{row['what']:<22}{row['per_second']:>10.0f}/s   p50 {row['p50_ms']:7.2f} ms   p99 {row['p99_ms']:7.2f} ms"
        )
    for name, ratio in ratios.items():
        print(f"{name:<44}{ratio:7.2f}")
    print(f"target {TARGET:.0f}/s at 64 writers: {'reached' if rate >= TARGET else 'MISSED'} ({rate:.0f}/s)")
    return 0 if rate >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
