"""The ledger as the daemon holds it: two classes of entry, one writer, and what a start refuses."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import apsw
import pytest

from interlock.ledger.head import BLOCK
from interlock.ledger.note import PublicKey, open_checkpoint, parse_checkpoint, sign_checkpoint
from interlock.ledger.reader import Reader
from interlock.ledger.store import Ledger, settled
from interlock.ledger.verify import verify, verify_proof
from interlock.model.errors import (
    InterlockError,
    LedgerForked,
    LedgerTampered,
    LedgerUnavailable,
    LedgerUnverifiable,
    NotFound,
    Refused,
    StateError,
)

from .logs import DAEMON, ORIGIN, OTHER, ROOT, TIME, add, begin, bodies, copy_state, fill, head_path, put_back


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def test_a_new_log_begins_with_its_keys(directory: Path) -> None:
    with begin(directory) as ledger:
        assert ledger.size == 1
        genesis = ledger.entry(0).entry()
        assert genesis.kind == "log.genesis"
        assert (genesis.body["origin"], genesis.body["root"], genesis.body["key"]) == (ORIGIN, ROOT.vkey, DAEMON.vkey)
        assert str(ledger.keys.root) == ROOT.vkey


def test_entries_come_back_as_they_were_hashed_across_restarts(directory: Path) -> None:
    with begin(directory) as ledger:
        assert [add(ledger, n=n) for n in range(3)] == [1, 2, 3]
        note = ledger.checkpoint()
    with begin(directory) as ledger:
        assert ledger.checkpoint() == note
        assert bodies(ledger, ["intent"]) == [{"n": 0}, {"n": 1}, {"n": 2}]
        assert add(ledger, n=3) == 4
        point = open_checkpoint(ledger.checkpoint(), PublicKey.of(DAEMON))
        assert (point.origin, point.size) == (ORIGIN, 5)


def test_scans_by_kind_keep_the_order_of_the_log(directory: Path) -> None:
    with begin(directory) as ledger:
        for n in range(700):
            ledger.submit(("intent", "outcome", "alarm")[n % 3], {"n": n}, time=TIME)
        add(ledger, n=700)
        assert [body["n"] for body in bodies(ledger, ["outcome", "alarm"])] == [n for n in range(700) if n % 3]
        assert [s.index for s in ledger.entries(600, 605)] == [600, 601, 602, 603, 604]
        assert [s.index for s in ledger.entries(600, 605, kinds=["intent"])] == [601, 604]
        assert list(ledger.entries(5000)) == []
        with pytest.raises(NotFound, match="no entry 5000"):
            ledger.entry(5000)


def test_relaxed_entries_are_acknowledged_at_once_and_in_order(directory: Path) -> None:
    with begin(directory) as ledger:
        promised = []
        for n in range(300):
            future = ledger.submit("outcome", {"n": n}, time=TIME, durable=False)
            assert future.done()
            promised.append(future.result())
            if n % 50 == 0:
                assert add(ledger, n="durable") > promised[-1]
        add(ledger, n="end")
        for n, index in enumerate(promised):
            assert ledger.entry(index).entry().body == {"n": n}


def test_relaxed_entries_alone_are_written_soon_and_at_close(directory: Path) -> None:
    ledger = begin(directory)
    ledger.submit("outcome", {"n": 1}, time=TIME, durable=False)
    for _ in range(200):
        if ledger.size == 2:
            break
        threading.Event().wait(0.01)
    assert ledger.size == 2
    ledger.submit("outcome", {"n": 2}, time=TIME, durable=False)
    ledger.close()
    with Reader.open(directory) as reader:
        assert bodies(reader, ["outcome"]) == [{"n": 1}, {"n": 2}]


def test_the_disk_that_is_faster_than_the_acknowledgement_answers_once(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Story: among a million relaxed entries one was on the disk before its writer was told, and was answered twice."""

    others: list[threading.Thread] = []

    class Slow(Future[int]):
        def set_result(self, result: int) -> None:
            if threading.current_thread() is threading.main_thread():
                others.append(threading.Thread(target=add, args=(ledger, "intent")))
                others[-1].start()  # makes the group be written at once
                time.sleep(0.3)
            super().set_result(result)

    with begin(directory) as ledger:
        monkeypatch.setattr("interlock.ledger.store.Future", Slow)
        index = ledger.submit("outcome", {"n": 1}, time=TIME, durable=False).result(timeout=10)
        monkeypatch.undo()
        assert add(ledger, n=2) > index
        assert ledger.entry(index).kind == "outcome"
        for other in others:  # on a busy machine it comes so late that it met a ledger that was being closed
            other.join(10)


def test_many_writers_share_a_group(directory: Path) -> None:
    commits = []
    with begin(directory) as ledger:
        before = ledger.size
        fill(ledger, 2_000)
        with Reader.open(directory) as reader:
            commits = reader.milestones(ledger.size)
        assert ledger.size == before + 2_000
    assert len(commits) <= 4, "kept checkpoints are few"


def test_asyncio_waits_without_threads(directory: Path) -> None:
    async def many(ledger: Ledger) -> list[int]:
        return await asyncio.gather(*(settled(ledger.submit("intent", {"n": n}, time=TIME)) for n in range(50)))

    with begin(directory) as ledger:
        assert asyncio.run(many(ledger)) == list(range(1, 51))


def test_a_waiter_that_goes_away_does_not_take_its_entry_back(directory: Path) -> None:
    async def impatient(ledger: Ledger) -> None:
        waiting = asyncio.ensure_future(settled(ledger.submit("intent", {"n": 1}, time=TIME)))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    with begin(directory) as ledger:
        asyncio.run(impatient(ledger))
        add(ledger, n=2)
        assert bodies(ledger, ["intent"]) == [{"n": 1}, {"n": 2}]
        assert ledger.healthy


def test_proofs_hold(directory: Path) -> None:
    with begin(directory) as ledger:
        fill(ledger, 300)
        for index in (0, 1, 255, 256, 299, 300):
            found = verify_proof(ledger.proof(index).encode(), ledger.entry(index).raw, DAEMON.vkey)
            assert found == {"origin": ORIGIN, "index": index, "size": 301}
        with pytest.raises(LedgerTampered):
            verify_proof(ledger.proof(7).encode(), ledger.entry(8).raw, DAEMON.vkey)
        with pytest.raises(LedgerUnverifiable):
            verify_proof(ledger.proof(7).encode(), ledger.entry(7).raw, OTHER.vkey)
        with pytest.raises(NotFound):
            ledger.proof(301)
        with pytest.raises(NotFound):
            ledger.consistency(0)


def test_there_is_one_writer(directory: Path) -> None:
    with begin(directory), pytest.raises(StateError, match="another process"):
        begin(directory)
    begin(directory).close()


def test_files_are_private(directory: Path) -> None:
    with begin(directory) as ledger:
        fill(ledger, 300)
        ledger.blobs.put(b"x" * 20_000, "text/plain")
        ledger.publish()
        for path in [directory, *directory.rglob("*"), head_path(directory)]:
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_directory_that_others_can_read_is_refused(directory: Path) -> None:
    directory.mkdir()
    directory.chmod(0o755)
    with pytest.raises(StateError, match="chmod 700"):
        begin(directory)


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "x" * 129, "interlock/key/v1"])
def test_an_origin_is_a_plain_name(directory: Path, origin: str) -> None:
    with pytest.raises(StateError):
        Ledger.open(directory, DAEMON, origin)


def test_another_key_or_another_origin_is_refused(directory: Path) -> None:
    begin(directory).close()
    with pytest.raises(StateError, match="rotate keys"):
        begin(directory, signer=OTHER)
    with pytest.raises(StateError, match="is the log of"):
        Ledger.open(directory, DAEMON, "another.test/log")


def test_a_database_that_was_set_back_is_refused(directory: Path, tmp_path: Path) -> None:
    with begin(directory) as ledger:
        add(ledger, n=1)
    copy_state(directory, tmp_path / "backup")
    with begin(directory) as ledger:
        add(ledger, n=2)
    put_back(directory, tmp_path / "backup")
    with pytest.raises(LedgerForked, match="set back: it holds 2 entries, and 3 were signed"):
        begin(directory)


def test_a_set_back_is_seen_even_after_a_kill(directory: Path, tmp_path: Path) -> None:
    """The head file is written after each commit, not only at close."""
    with begin(directory) as ledger:
        add(ledger, n=1)
    copy_state(directory, tmp_path / "backup")
    ledger = begin(directory)
    add(ledger, n=2)
    head = head_path(directory).read_bytes()  # what a killed process leaves
    ledger.close()
    put_back(directory, tmp_path / "backup")
    head_path(directory).write_bytes(head)
    with pytest.raises(LedgerForked, match="set back"):
        begin(directory)


def test_a_ledger_that_was_removed_is_noticed(directory: Path) -> None:
    with begin(directory) as ledger:
        add(ledger, n=1)
    shutil.rmtree(directory)
    with pytest.raises(LedgerForked, match="it holds 0 entries, and 2 were signed"):
        begin(directory)


def test_another_history_of_the_same_length_is_refused(directory: Path, tmp_path: Path) -> None:
    """A split view: the same key signed two histories (a copied machine), and one is put in the other's place."""
    begin(directory).close()
    copy_state(directory, tmp_path / "backup")
    head = head_path(directory).read_bytes()
    with begin(directory) as ledger:
        add(ledger, n="one")
    signed = head_path(directory).read_bytes()
    put_back(directory, tmp_path / "backup")
    head_path(directory).write_bytes(head)
    with begin(directory) as ledger:
        add(ledger, n="other")
        add(ledger, n="and longer")
    head_path(directory).write_bytes(signed)
    with pytest.raises(LedgerForked, match="not the ledger that was signed"):
        begin(directory)


def _garble(path: Path) -> None:
    path.write_bytes(b"\0" * BLOCK)


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (Path.unlink, "is missing"),
        (_garble, "was not signed by this log"),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), "is damaged"),
        (lambda path: path.write_bytes(b""), "is damaged"),
        (lambda path: path.write_bytes(b"\n" * BLOCK), "is damaged"),
        (lambda path: path.write_bytes(b"\xff" * BLOCK), "is damaged"),
        (
            lambda path: path.write_bytes(
                sign_checkpoint(parse_checkpoint(path.read_text().rstrip() + "\n"), OTHER).encode().ljust(BLOCK, b"\n")
            ),
            "was not signed by this log",
        ),
    ],
)
def test_a_head_file_that_cannot_be_trusted_is_refused(
    directory: Path, harm: Callable[[Path], None], sentence: str
) -> None:
    begin(directory).close()
    harm(head_path(directory))
    with pytest.raises(LedgerForked, match=sentence):
        begin(directory)


def test_an_older_head_file_is_what_a_power_cut_leaves_and_is_fine(directory: Path) -> None:
    begin(directory).close()
    older = head_path(directory).read_bytes()
    with begin(directory) as ledger:
        add(ledger, n=1)
    head_path(directory).write_bytes(older)
    with begin(directory) as ledger:
        assert ledger.size == 2


def test_a_start_that_died_before_its_first_entry_goes_on(directory: Path) -> None:
    """Head file and empty database exist; the genesis entry was never committed."""
    with pytest.raises(ZeroDivisionError):
        Ledger.open(directory, DAEMON, ORIGIN, root=ROOT, now=lambda: str(1 // 0))
    assert head_path(directory).exists()
    with begin(directory) as ledger:
        assert ledger.size == 1


def _sql(directory: Path, statement: str) -> None:
    connection = apsw.Connection(str(directory / "ledger.db"))
    connection.execute(statement).fetchall()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "error", "sentence"),
    [
        (
            "UPDATE entry SET raw = CAST(replace(CAST(raw AS TEXT), '5', '6') AS BLOB) WHERE idx = 3",
            LedgerTampered,
            "entry 3 has been changed",
        ),
        ("UPDATE entry SET leaf = zeroblob(32) WHERE idx = 3", LedgerTampered, "frontier"),
        ("DELETE FROM entry WHERE idx = 3", LedgerTampered, "not all in the database"),
        ("DELETE FROM entry WHERE idx = 9", LedgerTampered, "holds 10 entries and its last one is 8"),
        ("UPDATE head SET size = 9", LedgerTampered, "holds 9 entries and its last one is 9"),
        ("UPDATE head SET frontier = zeroblob(64)", LedgerTampered, "frontier"),
        ("UPDATE head SET frontier = x'00'", LedgerTampered, "do not make a tree"),
        ("UPDATE head SET checkpoint = (SELECT checkpoint FROM milestone LIMIT 1)", LedgerTampered, "not that of"),
        ("UPDATE head SET checkpoint = 'x'", LedgerTampered, "not a signed note"),
        ("UPDATE log SET origin = 'x.test'", StateError, "is the log of"),
        ("PRAGMA user_version = 2", LedgerUnverifiable, "format"),
        ("PRAGMA application_id = 7", LedgerUnverifiable, "format"),
    ],
)
def test_a_database_that_was_edited_is_refused_at_start(
    directory: Path, statement: str, error: type[InterlockError], sentence: str
) -> None:
    with begin(directory) as ledger:
        fill(ledger, 8, five=5)
        ledger.add_key(PublicKey.of(OTHER), ROOT, purpose="session", subject="s", time=TIME)
    _sql(directory, statement)
    with pytest.raises(error, match=sentence):
        begin(directory)


READER = """
import sys
from pathlib import Path
from interlock.ledger.verify.database import snapshot
with snapshot(Path(sys.argv[1])) as seen:
    print(seen.size, flush=True)
    sys.stdin.readline()
    print(len(list(seen.entries())), flush=True)
"""


def test_a_verifier_at_work_does_not_keep_the_ledger_from_starting(directory: Path) -> None:
    ledger = begin(directory)
    add(ledger, n=1)
    arguments = [sys.executable, "-c", READER, str(directory / "ledger.db")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as verifier:
        assert verifier.stdout is not None
        assert verifier.stdout.readline() == "2\n"
        add(ledger, n=2)
        ledger.close()
        with begin(directory) as again:
            assert add(again, n=3) == 3
        assert verifier.communicate("\n", timeout=30)[0] == "2\n", "the verifier still sees its own moment"
    with begin(directory) as again:
        assert again.size == 4
    assert verify(directory).size == 4


def test_the_process_that_writes_does_not_verify(directory: Path) -> None:
    """Two SQLite libraries in one process do not see each other's locks; one drops those of the other."""
    with begin(directory) as ledger:
        with pytest.raises(LedgerUnverifiable, match="this very process"):
            verify(directory)
        add(ledger, n=1)
    assert verify(directory).size == 2


def test_damage_that_sqlite_does_not_notice_is_still_damage(directory: Path) -> None:
    """Found by flipping bits: a blob that reads as a number, and text that is not UTF-8, were a crash."""
    begin(directory).close()
    _sql(directory, "UPDATE head SET checkpoint = CAST(x'ff' AS TEXT)")
    with pytest.raises(LedgerTampered, match="is damaged"):
        begin(directory)
    with pytest.raises(LedgerTampered, match="is damaged"):
        Reader.open(directory)
    _sql(directory, "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')')")
    _sql(directory, "UPDATE entry SET raw = 5; UPDATE head SET checkpoint = 7")
    with pytest.raises(LedgerTampered):
        begin(directory)
    with pytest.raises(LedgerTampered):
        verify(directory)


def test_a_file_that_is_no_database_is_refused(directory: Path) -> None:
    begin(directory).close()
    (directory / "ledger.db").write_bytes(os.urandom(8192))
    with pytest.raises(LedgerTampered, match="damaged"):
        begin(directory)


def test_another_writer_on_the_same_database_is_noticed(directory: Path) -> None:
    """The lock is advisory: who ignores it and writes must not make us sign a tree that we do not know."""
    ledger = begin(directory)
    _sql(directory, "UPDATE head SET size = 5")
    with pytest.raises(LedgerUnavailable, match="another process has written"):
        add(ledger, n=1)
    with pytest.raises(LedgerUnavailable):
        ledger.close()


def test_keys_change_by_entries(directory: Path) -> None:
    with begin(directory) as ledger:
        add(ledger, n=1)
        index = ledger.rotate(OTHER, ROOT, time=TIME, reason="a test")
        assert index == 2
        assert open_checkpoint(ledger.checkpoint(), PublicKey.of(OTHER)).size == 3
        with pytest.raises(Refused, match="may not change keys"):
            ledger.rotate(DAEMON, DAEMON, time=TIME)
        session = PublicKey("session.test", b"s" * 32)
        added = ledger.add_key(session, OTHER, purpose="session", subject="claude s1", time=TIME)
        gone = ledger.revoke_key(session, ROOT, time=TIME, reason="over")
        valid = [index for index in range(ledger.size) if ledger.keys.valid(str(session), index)]
        assert valid == list(range(added, gone))
    with pytest.raises(StateError):
        begin(directory)
    with begin(directory, signer=OTHER) as ledger:
        assert ledger.keys.checkpoint_key(2) == PublicKey.of(DAEMON)
        assert ledger.keys.checkpoint_key(3) == PublicKey.of(OTHER)


def test_a_lost_key_is_replaced_by_the_root_key(directory: Path) -> None:
    with begin(directory) as ledger:
        add(ledger, n=1)
    with pytest.raises(Refused, match="may not change keys"):
        Ledger.open(directory, OTHER, ORIGIN, root=OTHER, lost_key=True)
    with begin(directory, signer=OTHER, lost_key=True) as ledger:
        assert ledger.keys.current == PublicKey.of(OTHER)
        assert bodies(ledger, ["key.rotate"])[0]["reason"] == "the key before is lost"
        add(ledger, n=2)
    with begin(directory, signer=OTHER, lost_key=True) as ledger:
        assert len(bodies(ledger, ["key.rotate"])) == 1
    assert verify(directory).size == 4


def test_a_lost_head_is_accepted_openly(directory: Path, tmp_path: Path) -> None:
    begin(directory).close()
    copy_state(directory, tmp_path / "backup")
    with begin(directory) as ledger:
        add(ledger, n=1)
    signed = head_path(directory).read_text().rstrip("\n")
    put_back(directory, tmp_path / "backup")
    with pytest.raises(LedgerForked):
        begin(directory)
    with begin(directory, lost_head=True) as ledger:
        told = bodies(ledger, ["log.head_accepted"])
        assert told[0]["was"] == signed
        assert told[0]["now"].split("\n")[1] == "1"
    head_path(directory).unlink()
    begin(directory, lost_head=True).close()
    with begin(directory) as ledger:
        assert [body["was"] for body in bodies(ledger, ["log.head_accepted"])] == [signed, ""]


def test_a_closed_ledger_says_so(directory: Path) -> None:
    ledger = begin(directory)
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerUnavailable, match="closing"):
        add(ledger, n=1)


def test_a_reader_of_nothing_says_so(directory: Path) -> None:
    with pytest.raises(NotFound):
        Reader.open(directory)


def test_tiles_are_published_while_the_ledger_runs_and_come_back_when_removed(directory: Path) -> None:
    with begin(directory) as ledger:
        fill(ledger, 299)
        ledger.publish()
        assert (directory / "checkpoint").read_text() == ledger.checkpoint()
        assert (directory / "tile/0/000").stat().st_size == 8192
        assert (directory / "tile/0/001.p/44").stat().st_size == 44 * 32
        assert (directory / "tile/1/000.p/1").stat().st_size == 32
        add(ledger, n=1)
        ledger.publish()
        assert not (directory / "tile/0/001.p/44").exists()
        assert (directory / "tile/0/001.p/45").exists()
        fill(ledger, 250)
        ledger.publish()
        assert not (directory / "tile/0/001.p").exists()
    shutil.rmtree(directory / "tile")
    with begin(directory) as ledger:
        ledger.publish()
        assert (directory / "tile/0/001").exists()


def test_two_publications_at_once_do_not_step_on_each_other(directory: Path) -> None:
    """The publisher's thread and `close` once wrote the same temporary file, and a tile was missing afterwards."""
    with begin(directory) as ledger:
        for _ in range(5):
            fill(ledger, 100)
            threads = [threading.Thread(target=ledger.publish) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert ledger.faults.publish == 0, ledger.faults.last


@pytest.mark.slow
def test_memory_does_not_grow_with_the_log(directory: Path) -> None:
    import psutil

    process = psutil.Process()
    with begin(directory) as ledger:
        for _ in range(3):  # until queues, caches and the allocator have their working size
            fill(ledger, 5_000, pad="x" * 500)
        before = process.memory_info().rss
        for _ in range(20):
            fill(ledger, 5_000, pad="x" * 500)
        grown = process.memory_info().rss - before
    assert grown < 15 * 1024 * 1024, f"{grown / 1e6:.1f} MB for 100,000 entries"
