"""The lease: what is written is read by both readers, and what is not whole, ours and fresh is none."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from interlock.gates.hooks import client
from interlock.halt.lease import ALL_HALTED, FROZEN, KILLED, LIVE, SIZE, Lease, Reader, boottime, name_of
from interlock.model.errors import StateError

ROOT = Path(__file__).resolve().parents[2]
DIGEST = bytes(range(32))

_STUB = """
#include "wire.h"
#include "lease.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
_Noreturn void no(const char *remedy, const char *format, ...) { (void)remedy; (void)format; exit(9); }
struct buffer reply;
int main(int count, char **words)
{
    snprintf(run_directory, sizeof run_directory, "%s", words[1]);
    struct terms terms = look_at_lease(name_of_run(count > 2 ? words[2] : ""));
    printf("%s|%llu|%d\\n", terms.why ? terms.why : "", (unsigned long long)terms.epoch, terms.halt);
}
"""


@pytest.fixture(scope="session")
def reader_in_c(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lease")
    (folder / "main.c").write_text(_STUB)
    program = folder / "look"
    native = ROOT / "native"
    sources = [folder / "main.c", native / "lease.c", native / "wire.c"]
    subprocess.run(["cc", "-O2", f"-I{native}", "-o", program, *sources], check=True)
    return program


@pytest.fixture
def lease(tmp_path: Path) -> Lease:
    made = Lease(tmp_path / "lease")
    made.renew(41, DIGEST, {})
    return made


def in_c(program: Path, folder: Path, run: str = "") -> tuple[str, int, int]:
    said = subprocess.run([program, folder, run], capture_output=True, text=True, check=True).stdout
    why, epoch, halt = said.strip().split("|")
    return why, int(epoch), int(halt)


def test_both_readers_read_what_was_written(lease: Lease, reader_in_c: Path) -> None:
    until = lease.renew(42, DIGEST, {"r1": FROZEN, "r2": KILLED})
    terms = Reader(lease.path).fresh()
    assert terms is not None
    assert (terms.epoch, terms.until, terms.digest, terms.state) == (42, until, DIGEST, LIVE)
    assert [terms.of(run) for run in ("r1", "r2", "r3")] == [FROZEN, KILLED, 0]
    for run, halt in (("r1", FROZEN), ("r2", KILLED), ("r3", 0)):
        assert in_c(reader_in_c, lease.path.parent, run) == ("", 42, halt)
    assert client.lease(str(lease.path.parent)) == 42


def test_more_halted_runs_than_there_are_rows_halt_all(lease: Lease, reader_in_c: Path) -> None:
    lease.renew(2, DIGEST, {f"r{number}": KILLED for number in range(251)})
    terms = Reader(lease.path).fresh()
    assert terms is not None
    assert terms.state == ALL_HALTED
    assert terms.of("another") == FROZEN
    assert in_c(reader_in_c, lease.path.parent, "another") == ("", 2, FROZEN)


def test_it_lapses_by_the_clock_that_nobody_sets(tmp_path: Path, reader_in_c: Path) -> None:
    late = Lease(tmp_path / "lease", now=lambda: boottime() - int(5.1e9))
    late.renew(1, DIGEST, {})
    reader = Reader(tmp_path / "lease")
    assert reader.terms() is not None
    assert reader.fresh() is None
    assert in_c(reader_in_c, tmp_path)[0] == client.lease(str(tmp_path)) == "its lease has lapsed"


def test_one_from_the_future_is_none(tmp_path: Path, reader_in_c: Path) -> None:
    """CLOCK_BOOTTIME never goes back but at a boot: a lease that is newer than now is of another one."""
    Lease(tmp_path / "lease", now=lambda: boottime() + int(60e9)).renew(1, DIGEST, {})
    assert Reader(tmp_path / "lease").fresh() is None
    assert in_c(reader_in_c, tmp_path)[0] == client.lease(str(tmp_path)) == "its lease has lapsed"


def believed(path: Path) -> bool:
    try:
        return Reader(path).fresh() is not None
    except StateError:
        return False


def spoil(path: Path, at: int, raw: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(raw)


def spoilt_sum(path: Path) -> None:
    """Everything right but one number, and its check sum: as a program would that knows the layout half."""
    raw = bytearray(path.read_bytes())
    raw[80:84] = (9).to_bytes(4, "little")
    raw[92:96] = zlib.crc32(bytes(raw[24:92])).to_bytes(4, "little")
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda p: spoil(p, 24, b"\xff"), "torn"),
        (lambda p: spoil(p, 0, b"X"), "torn"),
        (lambda p: spoil(p, 8, b"\x02"), "torn"),
        (lambda p: spoil(p, 16, b"\xff"), "torn"),  # an odd sequence: somebody died while writing
        (lambda p: spoil(p, 84, b"\xff\xff"), "torn"),
        (spoilt_sum, "torn"),
        (lambda p: p.write_bytes(bytes(SIZE)), "torn"),
        (lambda p: p.write_bytes(os.urandom(SIZE)), "torn"),
        (lambda p: os.truncate(p, 100), "no lease"),
        (lambda p: os.truncate(p, 0), "no lease"),
        (lambda p: os.truncate(p, SIZE + 1), "no lease"),
        (lambda p: p.chmod(0o666), "others"),
        (lambda p: p.chmod(0o620), "others"),
        (lambda p: p.unlink(), "not there"),
        (lambda p: (p.unlink(), p.mkdir()), "no lease"),
        (lambda p: (p.unlink(), os.mkfifo(p, 0o600)), "no lease"),
        (lambda p: (p.rename(p.with_name("real")), p.symlink_to("real")), "not there"),
    ],
)
def test_what_is_not_whole_and_ours_is_none(
    lease: Lease, reader_in_c: Path, damage: Callable[[Path], object], why: str
) -> None:
    folder = lease.path.parent
    assert in_c(reader_in_c, folder) == ("", 41, 0)
    damage(lease.path)
    assert why in in_c(reader_in_c, folder)[0]
    assert why in str(client.lease(str(folder)))
    assert not believed(lease.path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_one_that_belongs_to_somebody_else_is_none(lease: Lease, reader_in_c: Path) -> None:
    folder = lease.path.parent
    os.chown(lease.path, 65534, 65534)
    assert "somebody else" in in_c(reader_in_c, folder)[0]
    assert "somebody else" in str(client.lease(str(folder)))
    with pytest.raises(StateError, match="uid 65534"):
        Reader(lease.path)


def test_a_new_daemon_goes_on_with_the_file_that_others_have_mapped(lease: Lease) -> None:
    reader = Reader(lease.path)
    lease.close()
    Lease(lease.path).renew(50, DIGEST, {})
    terms = reader.fresh()
    assert terms is not None
    assert terms.epoch == 50


def test_a_daemon_that_was_killed_while_writing_leaves_none_until_the_next_one(lease: Lease) -> None:
    spoil(lease.path, 16, b"\x01")
    assert Reader(lease.path).fresh() is None
    Lease(lease.path).renew(1, DIGEST, {})
    assert Reader(lease.path).fresh() is not None


def test_a_spoilt_file_is_replaced(lease: Lease) -> None:
    os.truncate(lease.path, 10)
    Lease(lease.path).renew(3, DIGEST, {})
    assert Reader(lease.path).fresh() is not None
    assert lease.path.stat().st_mode & 0o777 == 0o600


def test_a_reader_never_sees_half_of_a_writing(lease: Lease) -> None:
    """Each writing says one number in three places; no reading has two."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            lease.renew(number, number.to_bytes(32, "little"), {str(number): KILLED})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        reader, seen = Reader(lease.path), 0
        for _ in range(20_000):
            terms = reader.terms()
            if terms is not None and terms.epoch != 41:
                seen += 1
                assert int.from_bytes(terms.digest, "little") == terms.epoch
                assert terms.halted == {name_of(str(terms.epoch)): KILLED}
        assert seen > 100
    finally:
        stop.set()
        writer.join()


def test_a_look_that_falls_into_a_writing_waits_for_its_end(lease: Lease, reader_in_c: Path) -> None:
    """Story: a drill on a busy machine refused a Read ("its lease is torn"): the daemon had lost its processor between
    two bytes of it, and the client gave up within a microsecond.
    """
    folder, stop = lease.path.parent, threading.Event()

    def write() -> None:
        while not stop.is_set():
            spoil(lease.path, 16, b"\x01")
            time.sleep(0.005)
            lease.renew(41, DIGEST, {})
            time.sleep(0.005)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        reader = Reader(lease.path)
        for _ in range(20):
            assert in_c(reader_in_c, folder) == ("", 41, 0)
            assert client.lease(str(folder)) == 41
            assert reader.fresh() is not None
    finally:
        stop.set()
        writer.join()


def test_names_of_runs_are_the_same_in_both_languages(reader_in_c: Path) -> None:
    assert name_of("") == 0xCBF29CE484222325
    assert name_of("a") == 0xAF63DC4C8601EC8C  # the published test vector of FNV-1a
    assert ctypes.c_uint64(name_of("r1764-0badcafe")).value == name_of("r1764-0badcafe")
