"""The offline verifier: whatever was changed, it says so, with its own exit code and the name of what is wrong."""

from __future__ import annotations

import contextlib
import random
import shutil
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from interlock.ledger.keyhistory import KeyHistory
from interlock.ledger.merkle import Frontier, leaf_hash
from interlock.ledger.note import Checkpoint, PublicKey, parse_checkpoint, sign_checkpoint
from interlock.ledger.tiles import TileDirectory, number_path, tiles_of
from interlock.ledger.verify import verify
from interlock.ledger.verify.tiles import TileFiles, tile_path
from interlock.model.errors import (
    InterlockError,
    LedgerForked,
    LedgerIncomplete,
    LedgerTampered,
    LedgerUnverifiable,
)

from .logs import (
    DAEMON,
    HALF_WRITTEN,
    ORIGIN,
    OTHER,
    PRINCIPAL,
    ROOT,
    TIME,
    add,
    begin,
    exported,
    fill,
    flip,
    head_path,
    small_export,
    verified_elsewhere,
)
from .test_merkle import Memory, leaf


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of 600 entries and the ledger it came from, with a change of key; tests copy it."""
    base = tmp_path_factory.mktemp("made")
    with begin(base / "ledger") as ledger:
        fill(ledger, 299)
        ledger.rotate(OTHER, ROOT, time=TIME)
        fill(ledger, 299, kind="note")
        ledger.publish()
    exported(base / "ledger", base / "export")
    return base


@pytest.fixture
def export(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "export", tmp_path / "export"))


@pytest.fixture
def live(made: Path, tmp_path: Path) -> Path:
    shutil.copy(head_path(made / "ledger"), tmp_path)
    return Path(shutil.copytree(made / "ledger", tmp_path / "ledger"))


def test_a_sound_export(export: Path) -> None:
    report = verify(export, key=ROOT.vkey, origin=ORIGIN)
    assert (report.kind, report.origin, report.size, report.tiles, report.pinned) == ("export", ORIGIN, 600, 600, True)
    assert report.signing_keys == ((0, DAEMON.vkey), (300, OTHER.vkey))
    assert report.counts == {"intent": 299, "key.rotate": 1, "log.genesis": 1, "note": 299}
    assert report.checkpoints >= 2, "the last checkpoint of the old key is kept"


def test_a_sound_ledger_is_only_read(live: Path) -> None:
    before = {path: path.read_bytes() for path in sorted(live.rglob("*")) if path.is_file()}
    report = verify(live, key=ROOT.vkey)
    assert (report.kind, report.size, report.tiles) == ("ledger", 600, 600)
    assert {path: path.read_bytes() for path in sorted(live.rglob("*")) if path.is_file()} == before


def test_a_running_ledger(tmp_path: Path) -> None:
    with begin(tmp_path / "ledger") as ledger:
        fill(ledger, 300)
        assert verified_elsewhere(tmp_path / "ledger")["size"] == ledger.size
        ledger.publish()
        fill(ledger, 5)
        report = verified_elsewhere(tmp_path / "ledger")
        assert report["size"] == ledger.size
        assert 301 <= report["tiles_checked_to"] <= ledger.size


def test_a_killed_ledger_with_its_write_ahead_log(tmp_path: Path) -> None:
    ledger = begin(tmp_path / "ledger")
    fill(ledger, 10)
    shutil.copytree(tmp_path / "ledger", tmp_path / "killed", ignore=HALF_WRITTEN)
    shutil.copy(head_path(tmp_path / "ledger"), head_path(tmp_path / "killed"))
    ledger.close()
    assert (tmp_path / "killed/ledger.db-wal").stat().st_size > 0
    assert verify(tmp_path / "killed").size == 11


# -- bad input: each file of an export --


def test_no_flipped_bit_in_any_file_of_an_export_passes(export: Path) -> None:
    """One random bit in each tenth of every file; README is prose and proves nothing."""
    chance = random.Random(7)
    for path in sorted(p for p in export.rglob("*") if p.is_file() and p.name != "README.md"):
        size = path.stat().st_size
        for tenth in range(10):
            at, bit = chance.randrange(size * tenth // 10, max(size * (tenth + 1) // 10, 1)), chance.randrange(8)
            flip(path, at, bit)
            with pytest.raises((LedgerTampered, LedgerUnverifiable)):
                verify(export)
            flip(path, at, bit)
    verify(export)


def test_no_missing_file_of_an_export_passes(export: Path) -> None:
    for path in sorted((export / "tile").rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            path.unlink()
            with pytest.raises(LedgerIncomplete, match=f"{path.relative_to(export)} is missing"):
                verify(export)
            path.write_bytes(data)
    verify(export)


def test_no_truncated_file_of_an_export_passes(export: Path) -> None:
    for path in sorted(p for p in export.rglob("*") if p.is_file() and p.name != "README.md"):
        data = path.read_bytes()
        for cut in (0, len(data) // 2, len(data) - 1):
            path.write_bytes(data[:cut])
            with pytest.raises((LedgerTampered, LedgerUnverifiable)):
                verify(export)
        path.write_bytes(data + b"\0")
        with pytest.raises((LedgerTampered, LedgerUnverifiable)):
            verify(export)
        path.write_bytes(data)
    verify(export)


def test_the_sentence_names_the_entry(export: Path) -> None:
    bundle = export / "tile/entries/001"
    at = bundle.read_bytes().index(b'"n":7}')
    flip(bundle, at + 4)
    with pytest.raises(LedgerTampered, match=r"entry 308 does not match its hash in tile/0/001: the entry was changed"):
        verify(export)


def test_the_sentence_names_the_tile(export: Path) -> None:
    flip(export / "tile/0/001", 40)
    with pytest.raises(LedgerTampered, match=r"tile/0/001 does not match hash 1 of its parent tile/1/000.p/2"):
        verify(export)


def test_the_sentence_names_the_edge(export: Path) -> None:
    flip(export / "tile/0/002.p/88", 40)
    with pytest.raises(LedgerTampered, match=r"right edge \(tile/0/002.p/88, tile/1/000.p/2\)"):
        verify(export)


def test_the_sentence_names_the_checkpoint(export: Path) -> None:
    text = (export / "checkpoint").read_text()
    (export / "checkpoint").write_text(text.replace("\n600\n", "\n601\n"))
    with pytest.raises(LedgerTampered, match=r"the checkpoint: the signature of interlock\.test/log"):
        verify(export)


def test_an_older_checkpoint_of_the_same_log_is_not_the_head(export: Path) -> None:
    """Cutting the log back to an older signed state is seen by whoever kept a newer checkpoint."""
    newer = (export / "checkpoint").read_bytes()
    kept = sorted((export / "checkpoints").iterdir(), key=lambda p: int(p.name))[-1]
    shutil.copy(kept, export / "checkpoint")
    with pytest.raises((LedgerIncomplete, LedgerTampered)):
        verify(export)
    with pytest.raises((LedgerForked, LedgerIncomplete, LedgerTampered)):
        verify(export, since=newer)


def test_the_origin_and_the_key_that_one_expects(export: Path) -> None:
    with pytest.raises(LedgerUnverifiable, match=r"not 'other\.test/log'"):
        verify(export, origin="other.test/log")
    with pytest.raises(LedgerUnverifiable, match="you trust"):
        verify(export, key=str(PublicKey("interlock.test/root", b"x" * 32)))
    verify(export, key=DAEMON.vkey)


def test_a_checkpoint_that_was_signed_again_with_the_old_key(export: Path) -> None:
    """After a change of key, the old one signs nothing any more, even over the true tree."""
    point = parse_checkpoint((export / "checkpoint").read_text())
    (export / "checkpoint").write_text(sign_checkpoint(point, DAEMON))
    with pytest.raises(LedgerUnverifiable, match="the key that was valid at 600 entries"):
        verify(export)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnverifiable, match="neither a ledger nor an export"):
        verify(tmp_path)
    with pytest.raises(LedgerUnverifiable, match="neither a ledger nor an export"):
        verify(tmp_path / "nowhere")


# -- bad input: a live ledger --


def _sql(directory: Path, statement: str) -> None:
    connection = apsw.Connection(str(directory / "ledger.db"))
    connection.execute(statement).fetchall()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "error", "sentence"),
    [
        ("UPDATE entry SET raw = x'7b7d' WHERE idx = 17", LedgerTampered, "entry 17 does not match its hash"),
        ("UPDATE entry SET kind = 'note' WHERE idx = 17", LedgerTampered, "entry 17 is filed under 'note'"),
        ("DELETE FROM entry WHERE idx = 17", LedgerIncomplete, "entry 17 is missing"),
        ("DELETE FROM entry WHERE idx = 599", LedgerIncomplete, "holds 599 entries, and its checkpoint is of 600"),
        ("UPDATE node SET hash = zeroblob(32) WHERE idx = 1", LedgerTampered, "hash 1 of tile level 1"),
        ("DELETE FROM node WHERE idx = 0", LedgerTampered, "hash 0 of tile level 1"),
        ("UPDATE head SET checkpoint = 'x'", LedgerTampered, "no signed note"),
        (
            "UPDATE head SET checkpoint = (SELECT min(checkpoint) FROM milestone)",
            LedgerTampered,
            "its checkpoint is of",
        ),
        ("UPDATE milestone SET checkpoint = (SELECT checkpoint FROM head)", None, ""),
        ("DELETE FROM head", LedgerUnverifiable, "no log yet"),
        ("DROP TABLE entry", LedgerUnverifiable, "cannot be read"),
        ("UPDATE log SET origin = 'x.test'", None, ""),
    ],
)
def test_a_database_that_was_edited(
    live: Path, statement: str, error: type[InterlockError] | None, sentence: str
) -> None:
    _sql(live, statement)
    if error is None:
        verify(live)  # what is said twice, and derived, is not evidence
        return
    with pytest.raises(error, match=sentence):
        verify(live)


def test_a_resealed_entry_in_the_database_is_seen(live: Path) -> None:
    """Somebody who changes an entry and its leaf hash, both, still meets the tree."""
    raw = b'{"body":{"n":99},"schema":"interlock/intent/v1","time":"2026-11-21T02:00:00Z"}'
    connection = apsw.Connection(str(live / "ledger.db"))
    connection.execute("UPDATE entry SET raw = ?, leaf = ? WHERE idx = 17", (raw, leaf_hash(raw))).fetchall()
    connection.close()
    with pytest.raises(LedgerTampered, match="entry 17 does not match its hash in tile/0/000"):
        verify(live)
    shutil.rmtree(live / "tile")
    (live / "checkpoint").unlink()
    with pytest.raises(LedgerTampered, match="hash 0 of tile level 1"):
        verify(live)


def test_no_flipped_bit_of_the_database_passes_unless_it_means_nothing(live: Path) -> None:
    """Bits of free space and of indexes may flip unseen; an entry may not read differently."""
    chance = random.Random(11)
    path = live / "ledger.db"
    truth = verify(live)
    for _ in range(60):
        at, bit = chance.randrange(path.stat().st_size), chance.randrange(8)
        flip(path, at, bit)
        with contextlib.suppress(LedgerTampered, LedgerIncomplete, LedgerUnverifiable):
            assert verify(live) == truth
        flip(path, at, bit)


@pytest.mark.parametrize("keep", [0, 100, 4096, 20_000])
def test_a_truncated_database(live: Path, keep: int) -> None:
    path = live / "ledger.db"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises((LedgerTampered, LedgerIncomplete, LedgerUnverifiable)):
        verify(live)


def test_a_database_that_vanished_is_not_an_export(live: Path) -> None:
    """The files beside it are a sound export of a shorter past; the head file says that there was more."""
    (live / "ledger.db").unlink()
    with pytest.raises(LedgerIncomplete, match=r"ledger\.db is missing"):
        verify(live)


def test_a_missing_published_tile(live: Path) -> None:
    (live / "tile/0/001").unlink()
    with pytest.raises(LedgerIncomplete, match="tile/0/001 is missing"):
        verify(live)


def test_a_published_bundle_that_differs(live: Path) -> None:
    flip(live / "tile/entries/000", 50)
    with pytest.raises(LedgerTampered, match="entry 0 is another one in the published bundle"):
        verify(live)


def test_a_database_that_was_set_back(tmp_path: Path) -> None:
    directory = tmp_path / "ledger"
    with begin(directory) as ledger:
        fill(ledger, 5)
    shutil.copytree(directory, tmp_path / "backup")
    with begin(directory) as ledger:
        fill(ledger, 5)
    shutil.rmtree(directory)
    shutil.copytree(tmp_path / "backup", directory)
    with pytest.raises(LedgerForked, match="set back: it holds 6 entries"):
        verify(directory)
    head_path(directory).unlink()
    with pytest.raises(LedgerForked, match="is missing"):
        verify(directory)


def test_a_forked_history_is_seen_by_who_kept_a_checkpoint(tmp_path: Path) -> None:
    """A split view: two histories, both signed by the true key, both sound alone."""
    notes, exports = [], []
    for name in ("one", "other"):
        directory = tmp_path / name / "ledger"
        with begin(directory) as ledger:
            add(ledger, n=name)
            notes.append(ledger.checkpoint().encode())
            fill(ledger, 3)
        exports.append(exported(directory, tmp_path / name / "export"))
    for export, own, foreign in ((exports[0], notes[0], notes[1]), (exports[1], notes[1], notes[0])):
        assert verify(export, since=own).size == 5
        with pytest.raises(LedgerForked, match="history was changed: the first 2 entries"):
            verify(export, since=foreign)


def test_a_log_that_is_behind_what_one_saw(tmp_path: Path) -> None:
    directory = tmp_path / "ledger"
    with begin(directory) as ledger:
        fill(ledger, 3)
        exported(directory, tmp_path / "export")
        add(ledger, n=1)
        note = ledger.checkpoint().encode()
    with pytest.raises(LedgerForked, match="set back"):
        verify(tmp_path / "export", since=note)
    foreign = sign_checkpoint(Checkpoint("other.test/log", 2, b"x" * 32), DAEMON).encode()
    with pytest.raises(LedgerUnverifiable, match=r"is of the log 'other\.test/log'"):
        verify(tmp_path / "export", since=foreign)
    with pytest.raises(LedgerTampered, match="no signed note"):
        verify(tmp_path / "export", since=b"garbage")


# -- every tile --


@pytest.mark.parametrize("size", [300, 600, 1000, 70_000])
def test_forged_tiles_are_seen_at_the_sizes_of_cve_2026_56865(tmp_path: Path, size: int) -> None:
    """The Go tile reader accepted forged tiles in trees of these sizes."""
    memory, frontier = Memory(size), Frontier()
    for hashed in memory.levels[0]:
        frontier.append(hashed)
    root = frontier.root()
    TileDirectory(tmp_path).publish(size, "", _Hashes(memory))
    TileFiles(tmp_path, size).check(root)
    chance = random.Random(size)
    tiles = [tile for tile in tiles_of(size) if tile.level is not None]
    low = [tile for tile in tiles if tile.level == 0 and tile.width == 256]
    chosen = [tile for tile in tiles if tile not in low] + chance.sample(low, min(len(low), 4))
    for tile in chosen:
        for number in {0, tile.width - 1, chance.randrange(tile.width)}:
            flip(tmp_path / tile.path(), number * 32 + chance.randrange(32), chance.randrange(8))
            with pytest.raises(LedgerTampered):
                TileFiles(tmp_path, size).check(root)
            (tmp_path / tile.path()).write_bytes(
                b"".join(memory.hashes(tile.level or 0, tile.index * 256, tile.index * 256 + tile.width))
            )
    TileFiles(tmp_path, size).check(root)


class _Hashes:
    def __init__(self, memory: Memory) -> None:
        self.hashes = memory.hashes

    def raws(self, start: int, stop: int) -> list[bytes]:
        return [str(number).encode() for number in range(start, stop)]


def test_the_tiles_of_the_specification() -> None:
    """c2sp.org/tlog-tiles gives the tiles of a tree of 70,000 and the path of index 1234067."""
    assert number_path(1_234_067) == "x001/x234/067"
    assert number_path(7) == "007"
    tiles = [tile for tile in tiles_of(70_000) if tile.level is not None]
    assert sum(tile.level == 0 and tile.width == 256 for tile in tiles) == 273
    assert [tile.path() for tile in tiles if tile.width < 256] == [
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert [tile.path() for tile in tiles_of(256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]
    for tile in (*tiles_of(70_000), *tiles_of(256)):
        assert tile.path() == tile_path(tile.level, tile.index, tile.width)


def test_leaf_hashes_fill_the_first_level() -> None:
    assert Memory(3).hashes(0, 0, 3) == [leaf(0), leaf(1), leaf(2)]


# -- what the entries tell --


def test_intents_without_an_outcome_are_reported_and_refused_when_strict(tmp_path: Path) -> None:
    directory = tmp_path / "ledger"
    with begin(directory) as ledger:
        first, second = add(ledger, n=1), add(ledger, n=2)
        add(ledger, "outcome", intent=first)
    report = verify(directory)
    assert report.open_intents == (second,)
    with pytest.raises(LedgerIncomplete, match="1 intent has no outcome, the first of them entry 2"):
        verify(directory, strict=True)
    with begin(directory) as ledger:
        add(ledger, "outcome", intent=second)
    assert verify(directory, strict=True).open_intents == ()


def test_an_outcome_of_what_was_denied_is_told(tmp_path: Path) -> None:
    with begin(tmp_path / "ledger") as ledger:
        denied = add(ledger, "denial", n=1)
        add(ledger, "outcome", intent=denied)
        add(ledger, "outcome", intent=0)
        add(ledger, "outcome", intent=99)
        add(ledger, "outcome")
    problems = verify(tmp_path / "ledger").problems
    assert "which was denied: the action ran all the same" in problems[0]
    assert "which is no intent" in problems[1]
    assert all("does not say of which intent" in problem for problem in problems[2:])
    assert len(problems) == 4
    with pytest.raises(LedgerIncomplete, match="which was denied"):
        verify(tmp_path / "ledger", strict=True)


def test_the_counts_of_a_session_are_compared(tmp_path: Path) -> None:
    directory = tmp_path / "ledger"
    with begin(directory) as ledger:
        for counts in ({"intents": 1, "denials": 1}, {"intents": 5}):
            opened = add(ledger, "session.open", principal=PRINCIPAL)
            add(ledger, "outcome", intent=add(ledger, principal=PRINCIPAL))
            add(ledger, "denial", principal=PRINCIPAL)
            add(ledger, "session.close", principal=PRINCIPAL, opened=opened, counts=counts)
        add(ledger, "session.open", principal=PRINCIPAL)
    report = verify(directory)
    assert report.open_sessions == 1
    assert len(report.problems) == 2
    assert "counts 5 intents; the log holds 1" in report.problems[0]
    assert "counts 0 denials; the log holds 1" in report.problems[1]


def test_data_kept_by_digest_is_checked(tmp_path: Path) -> None:
    directory = tmp_path / "ledger"
    with begin(directory) as ledger:
        add(
            ledger, "note", output=ledger.blobs.put(b"hello", "text/plain"), more=[{"x": ledger.blobs.put(b"2", "t/p")}]
        )
    assert verify(directory).problems == ()
    export = exported(directory, tmp_path / "export")
    assert verify(export).problems == ()
    blob = next(path for path in (export / "blobs").rglob("*") if path.is_file())
    flip(blob, 0)
    with pytest.raises(LedgerTampered, match="is kept with other content"):
        verify(export)
    blob.unlink()
    assert "is not in the content store any more" in verify(export).problems[0]


def _forge(directory: Path, kind: str) -> None:
    """Append a key event with a writer that does not check: it is signed by nobody who may."""
    body = {"key": OTHER.vkey, "by": OTHER.vkey, "serial": 1, "signature": "AA==", "reason": ""}
    with begin(directory) as ledger, pytest.MonkeyPatch.context() as patch:
        patch.setattr(KeyHistory, "apply", lambda *_: None)
        add(ledger, kind, **body)


@pytest.mark.parametrize("kind", ["key.rotate", "key.add", "key.revoke", "log.genesis"])
def test_a_change_of_key_that_nobody_entitled_signed(tmp_path: Path, kind: str) -> None:
    directory = tmp_path / "ledger"
    _forge(directory, kind)
    with pytest.raises(LedgerTampered, match=f"entry 1 \\({kind}\\)"):
        verify(directory)
    with pytest.raises(LedgerTampered, match=f"entry 1 \\({kind}\\)|genesis"):
        begin(directory)


def test_the_verifier_needs_nothing_but_the_standard_library_and_cryptography(tmp_path: Path) -> None:
    export = small_export(tmp_path, 10)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from interlock.ledger.verify import verify\n"
        f"print(verify(Path({str(export)!r})).size)\n"
        "own = 'interlock.ledger.verify'\n"
        "ours = sorted(m for m in sys.modules if m.startswith('interlock.') and not m.startswith(own))\n"
        "print(ours, [m for m in ('apsw', 'msgspec', 'click') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "10",
        "['interlock.ledger', 'interlock.model', 'interlock.model.counts', 'interlock.model.errors', "
        "'interlock.model.provenance', 'interlock.model.selector'] []",
    ]
