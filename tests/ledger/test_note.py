"""Signed notes, byte for byte as other people's tools write and read them."""

from __future__ import annotations

import base64

import pytest

from interlock.identity.keys import Ed25519Key
from interlock.ledger.note import Checkpoint, PublicKey, open_checkpoint, parse_checkpoint, sign_checkpoint, valid_name
from interlock.ledger.verify.notes import Key, Note
from interlock.model.errors import LedgerTampered, LedgerUnverifiable

from .logs import DAEMON, ORIGIN, OTHER

# The key of the documentation of Go's sumdb/note package.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
POINT = Checkpoint(ORIGIN, 42, bytes(range(32)))


def test_the_key_of_the_go_documentation() -> None:
    assert Ed25519Key.from_seed("PeterNeumann", GO_SEED).vkey == GO_VKEY
    assert str(PublicKey.parse(GO_VKEY)) == GO_VKEY == str(Key.parse(GO_VKEY))


def test_the_bytes_of_a_checkpoint() -> None:
    note = sign_checkpoint(POINT, DAEMON)
    lines = note.split("\n")
    assert lines[:4] == [ORIGIN, "42", base64.b64encode(bytes(range(32))).decode(), ""]
    assert lines[4].startswith(f"— {ORIGIN} ")
    signature = base64.b64decode(lines[4].rsplit(" ", 1)[1])
    assert signature[:4] == PublicKey.of(DAEMON).key_id
    assert len(signature) == 68
    assert lines[5:] == [""]
    assert open_checkpoint(note, PublicKey.of(DAEMON)) == POINT == parse_checkpoint(note)
    Note.parse(note.encode(), "it").check(Key.parse(DAEMON.vkey), "it")


def test_another_key_does_not_open_it() -> None:
    note = sign_checkpoint(POINT, DAEMON)
    with pytest.raises(LedgerUnverifiable):
        open_checkpoint(note, PublicKey.of(OTHER))
    with pytest.raises(LedgerUnverifiable):
        Note.parse(note.encode(), "it").check(Key.parse(OTHER.vkey), "it")


def test_a_cosigned_checkpoint_opens_with_either_key() -> None:
    witness = Ed25519Key.from_seed("witness.test", b"w" * 32)
    note = sign_checkpoint(POINT, DAEMON) + sign_checkpoint(POINT, witness).rsplit("\n\n", 1)[1]
    assert open_checkpoint(note, PublicKey.of(DAEMON)) == POINT
    assert open_checkpoint(note, PublicKey.of(witness)) == POINT


def test_no_flipped_bit_of_a_checkpoint_opens() -> None:
    note = sign_checkpoint(POINT, DAEMON).encode()
    for at in range(len(note)):
        for bit in range(8):
            changed = bytearray(note)
            changed[at] ^= 1 << bit
            with pytest.raises((LedgerTampered, LedgerUnverifiable)):
                Note.parse(bytes(changed), "it").check(Key.parse(DAEMON.vkey), "it")
            try:
                text = changed.decode()
            except UnicodeDecodeError:
                continue
            with pytest.raises((LedgerTampered, LedgerUnverifiable)):
                open_checkpoint(text, PublicKey.of(DAEMON))


@pytest.mark.parametrize("cut", [0, 1, 20, 60, 80, -1])
def test_a_checkpoint_that_is_cut_short_is_refused(cut: int) -> None:
    note = sign_checkpoint(POINT, DAEMON)[:cut]
    with pytest.raises(LedgerTampered):
        parse_checkpoint(note)
    with pytest.raises(LedgerTampered):
        Note.parse(note.encode(), "it")


@pytest.mark.parametrize("vkey", ["", "x", "a+b+c", GO_VKEY[:-2], GO_VKEY.replace("c74f", "c74e"), "a b" + GO_VKEY])
def test_what_is_no_key_is_refused(vkey: str) -> None:
    with pytest.raises(LedgerUnverifiable):
        PublicKey.parse(vkey)
    with pytest.raises(LedgerUnverifiable):
        Key.parse(vkey)


def test_names() -> None:
    assert valid_name("example.org/log-1")
    for name in ("", "a b", "a+b", "a\nb", "a\u2003b", "x" * 129):
        assert not valid_name(name)
