"""What stands around the log: keys, the content store, exports and the two commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from interlock.cli.export import command as export_command
from interlock.cli.verify import command as verify_command
from interlock.identity.keys import load_or_create
from interlock.ledger.blobs import MAX_BLOB_BYTES, BlobStore
from interlock.ledger.files import write_atomic
from interlock.ledger.keyhistory import KeyHistory
from interlock.ledger.note import PublicKey
from interlock.model.errors import InternalError, LedgerIncomplete, LedgerTampered, LedgerUnavailable, StateError

from .logs import DAEMON, ORIGIN, OTHER, ROOT, TIME, add, begin, exported, fill, flip

# -- keys --


def test_a_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    key = load_or_create(tmp_path / "keys", "daemon", ORIGIN, environ={})
    again = load_or_create(tmp_path / "keys", "daemon", ORIGIN, environ={})
    assert key.public == again.public
    assert (tmp_path / "keys/daemon.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys/daemon.vkey").read_text() == key.vkey + "\n"
    PublicKey.of(key).verify(again.sign(b"x"), b"x")
    assert load_or_create(tmp_path / "keys", "root", ORIGIN, environ={}).public != key.public


def test_a_key_never_shows_its_private_half() -> None:
    assert "d" * 8 not in repr(DAEMON)
    assert repr(DAEMON) == f"<Ed25519Key {DAEMON.vkey}>"


def test_a_key_under_a_passphrase(tmp_path: Path) -> None:
    key = load_or_create(tmp_path, "root", ORIGIN, environ={}, passphrase=b"horse")
    assert b"ENCRYPTED" in (tmp_path / "root.key").read_bytes()
    assert load_or_create(tmp_path, "root", ORIGIN, environ={}, passphrase=b"horse").public == key.public
    with pytest.raises(StateError, match="encrypted"):
        load_or_create(tmp_path, "root", ORIGIN, environ={})
    with pytest.raises(StateError, match="no private key"):
        load_or_create(tmp_path, "root", ORIGIN, environ={}, passphrase=b"donkey")


def test_a_key_from_a_uri_or_a_credential_comes_first(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.pem"
    elsewhere.write_bytes(OTHER.pem())
    elsewhere.chmod(0o600)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    given = credentials / "interlock.daemon"
    given.write_bytes(ROOT.pem())
    given.chmod(0o400)
    environ = {"CREDENTIALS_DIRECTORY": str(credentials)}
    state = tmp_path / "keys"
    assert load_or_create(state, "daemon", ORIGIN, uri=f"file:{elsewhere}", environ=environ).public == OTHER.public
    assert (
        load_or_create(state, "daemon", ORIGIN, uri="credential:interlock.daemon", environ=environ).public
        == ROOT.public
    )
    assert load_or_create(state, "daemon", ORIGIN, environ=environ).public == ROOT.public
    assert not state.exists()


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("file:relative", "does not say where"),
        ("vault:x", "does not say where"),
        ("file:/nowhere/at/all", "cannot be read"),
        ("credential:x", "CREDENTIALS_DIRECTORY"),
    ],
)
def test_a_uri_that_leads_nowhere(tmp_path: Path, uri: str, sentence: str) -> None:
    with pytest.raises(StateError, match=sentence):
        load_or_create(tmp_path, "daemon", ORIGIN, uri=uri, environ={})


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_or_create(tmp_path, "daemon", ORIGIN, environ={})
    (tmp_path / "daemon.key").chmod(0o644)
    with pytest.raises(StateError, match="chmod 600"):
        load_or_create(tmp_path, "daemon", ORIGIN, environ={})


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as out
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    pem = generate_private_key(SECP256R1()).private_bytes(out.Encoding.PEM, out.PrivateFormat.PKCS8, out.NoEncryption())
    path = tmp_path / "p256.pem"
    path.write_bytes(pem)
    path.chmod(0o600)
    with pytest.raises(StateError, match="not an Ed25519"):
        load_or_create(tmp_path, "daemon", ORIGIN, uri=f"file:{path}", environ={})


def test_an_old_statement_cannot_be_played_again() -> None:
    history = KeyHistory(ORIGIN)
    history.apply(0, "log.genesis", history.event("log.genesis", PublicKey.of(DAEMON), ROOT))
    there = history.event("key.rotate", PublicKey.of(OTHER), ROOT)
    history.apply(1, "key.rotate", there)
    history.apply(2, "key.rotate", history.event("key.rotate", PublicKey.of(DAEMON), ROOT))
    with pytest.raises(LedgerTampered, match="serial"):
        history.apply(3, "key.rotate", there)
    signed_by_old = KeyHistory(ORIGIN)
    signed_by_old.apply(0, "log.genesis", signed_by_old.event("log.genesis", PublicKey.of(DAEMON), ROOT))
    stolen = signed_by_old.event("key.rotate", PublicKey.of(OTHER), DAEMON)
    with pytest.raises(LedgerTampered, match="signature"):
        signed_by_old.apply(1, "key.rotate", {**stolen, "reason": "changed"})
    with pytest.raises(LedgerTampered, match="well-formed"):
        signed_by_old.apply(1, "key.rotate", {})


def test_an_added_key_is_added_once() -> None:
    history = KeyHistory(ORIGIN)
    history.apply(0, "log.genesis", history.event("log.genesis", PublicKey.of(DAEMON), ROOT))
    event = history.event("key.add", PublicKey.of(OTHER), ROOT, purpose="approver", subject="ann")
    history.apply(1, "key.add", event)
    with pytest.raises(LedgerTampered, match="valid already"):
        history.apply(
            2, "key.add", history.event("key.add", PublicKey.of(OTHER), ROOT, purpose="approver", subject="ann")
        )
    history.apply(2, "key.revoke", history.event("key.revoke", PublicKey.of(OTHER), ROOT, reason="left"))
    with pytest.raises(LedgerTampered, match="not valid"):
        history.apply(3, "key.revoke", history.event("key.revoke", PublicKey.of(OTHER), ROOT, reason="left"))
    with pytest.raises(InternalError):
        history.event("key.add", PublicKey.of(OTHER), ROOT, purpose="fun", subject="x")


# -- the content store --


def test_data_is_kept_once_by_its_digest(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")
    told = store.put(b"hello", "text/plain")
    assert told == {"digest": f"sha256:{sha256(b'hello').hexdigest()}", "mediaType": "text/plain", "size": 5}
    assert store.put(b"hello", "text/plain") == told
    assert store.get(told["digest"]) == b"hello"
    assert len([path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]) == 1


def test_data_that_changed_or_went_away_is_told(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")
    digest = store.put(b"hello", "text/plain")["digest"]
    path = next(path for path in (tmp_path / "blobs").rglob("*") if path.is_file())
    flip(path, 0)
    with pytest.raises(LedgerTampered):
        store.get(digest)
    path.unlink()
    with pytest.raises(LedgerIncomplete):
        store.get(digest)
    for wrong in ("sha256:../../etc/passwd", "md5:" + "0" * 32, ""):
        with pytest.raises(InternalError):
            store.get(wrong)


def test_data_has_a_limit(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="do not fit"):
        BlobStore(tmp_path / "blobs").put(b"x" * (MAX_BLOB_BYTES + 1), "text/plain")


def test_data_that_cannot_be_written_is_a_disk_that_says_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int, data: bytes) -> int:
        raise OSError(28, os.strerror(28))

    store = BlobStore(tmp_path / "blobs")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(LedgerUnavailable, match="No space left"):
            store.put(b"hello", "text/plain")
    assert not [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()], "no half of it stays"


# -- exports and commands --


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTERLOCK_HOME", str(tmp_path))
    with begin(tmp_path / "state/ledger") as ledger:
        fill(ledger, 299)
        add(ledger, "note", output=ledger.blobs.put(b"x" * 100, "text/plain"))
    return tmp_path


def _files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_same_log_exports_to_the_same_bytes(home: Path) -> None:
    one, two = exported(home / "state/ledger", home / "one"), exported(home / "state/ledger", home / "two")
    assert _files(one) == _files(two)
    with begin(home / "state/ledger"):
        assert _files(exported(home / "state/ledger", home / "three")) == _files(one), (
            "a running daemon changes nothing"
        )
    assert {"README.md", "checkpoint", "keys", "tile/0/000", "tile/entries/001.p/45"} <= _files(one).keys()
    assert (one / "keys").read_text() == f"root {ROOT.vkey}\n0 {DAEMON.vkey}\n"


def test_export_and_verify_as_commands(home: Path) -> None:
    target = home / "evidence"
    done = CliRunner().invoke(export_command, [str(target)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "Wrote 301 entries" in done.output
    told = CliRunner().invoke(verify_command, [str(target), "--json"], catch_exceptions=False)
    report = json.loads(told.output)
    assert (report["sound"], report["size"], report["kind"]) == (True, 301, "export")
    own = CliRunner().invoke(verify_command, [], catch_exceptions=False)
    assert "Sound." in own.output
    assert "299 intents have no outcome" in own.output
    assert "pass --key" in own.output


def test_a_proof_as_a_command(home: Path) -> None:
    with begin(home / "state/ledger") as ledger:
        (home / "7.tlog-proof").write_text(ledger.proof(7))
        (home / "7.json").write_bytes(ledger.entry(7).raw)
    arguments = ["--proof", str(home / "7.tlog-proof"), "--entry", str(home / "7.json"), "--key", DAEMON.vkey]
    done = CliRunner().invoke(verify_command, arguments, catch_exceptions=False)
    assert "entry 7 is in the log interlock.test/log of 301 entries" in done.output
    (home / "vkey").write_text(DAEMON.vkey + "\n")
    done = CliRunner().invoke(verify_command, [*arguments[:-1], str(home / "vkey"), "--json"], catch_exceptions=False)
    assert json.loads(done.output)["index"] == 7


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["verify", "evidence"], 0, "Sound"),
        (["verify", "--strict", "evidence"], 31, "no outcome"),
        (["verify", "--origin", "x", "evidence"], 32, "not 'x'"),
        (["verify", "nowhere"], 32, "neither"),
        (["verify", "tampered"], 30, "entry 2 does not match its hash"),
        (["verify", "--since", "foreign", "evidence"], 34, "history was changed"),
        (["export", "evidence"], 27, "exists already"),
    ],
)
def test_exit_codes_tell_apart(home: Path, arguments: list[str], status: int, sentence: str) -> None:
    exported(home / "state/ledger", home / "evidence")
    bundle = exported(home / "state/ledger", home / "tampered") / "tile/entries/000"
    flip(bundle, bundle.read_bytes().index(b'"n":1}') + 4)
    with begin(home / "other") as other:
        add(other, n="another history")
        (home / "foreign").write_text(other.checkpoint())
    program = "from interlock.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    assert sentence in done.stdout + done.stderr
    assert TIME not in done.stderr


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    """Story: `interlock gate --attest /dev/null`, by root, left a file in the place of the device."""
    pipe, folder, link = tmp_path / "pipe", tmp_path / "folder", tmp_path / "link"
    os.mkfifo(pipe)
    folder.mkdir()
    link.symlink_to(pipe)
    for place in (pipe, folder):
        with pytest.raises(FileExistsError, match="a device, a pipe or a folder"):
            write_atomic(place, b"x", sync=False)
    write_atomic(link, b"x", sync=False)
    assert (link.read_bytes(), link.is_symlink(), pipe.is_fifo(), folder.is_dir()) == (b"x", False, True, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "link", "pipe"]
