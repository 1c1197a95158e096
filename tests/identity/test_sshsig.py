"""SSH signatures, held against OpenSSH's own program in both directions."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from interlock.identity.sshsig import DECISION, PEOPLE, sign, verify
from interlock.identity.sshsigners import FileSigner, signature
from interlock.identity.sshwire import SshKey, string
from interlock.model.errors import NotFound, Refused

from .hands import PRESENT, VERIFIED, SecurityKey, ssh_key

TEXT = b'{"verdict":"approve"}'


def keygen(folder: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    file = folder / f"id_{kind}"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "ada@example.org", "-f", str(file)], check=True
    )
    return file


def openssh_signs(file: Path, text: bytes, namespace: str = DECISION) -> str:
    done = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(file)],
        input=text, capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout.decode()


def openssh_takes(folder: Path, key: SshKey, armoured: str, text: bytes, namespace: str = DECISION) -> bool:
    (folder / "allowed").write_text(f'ada namespaces="{namespace}" {key.line}\n')
    (folder / "sig").write_text(armoured)
    done = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "verify", "-f", str(folder / "allowed"), "-I", "ada", "-n", namespace,
         "-s", str(folder / "sig")],
        input=text, capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == 0


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_what_openssh_signs_is_taken(tmp_path: Path, kind: str) -> None:
    file = keygen(tmp_path, kind)
    found = verify(openssh_signs(file, TEXT), TEXT, DECISION)
    assert found.key == SshKey.parse((tmp_path / f"{file.name}.pub").read_text())
    listed = subprocess.run(["ssh-keygen", "-l", "-f", str(file)], capture_output=True, text=True, check=True)
    assert listed.stdout.split()[1] == found.key.fingerprint


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_openssh_takes_what_is_signed_with_a_key_file(tmp_path: Path, kind: str) -> None:
    file = keygen(tmp_path, kind)
    armoured = signature(TEXT, DECISION, file, {})
    assert openssh_takes(tmp_path, verify(armoured, TEXT, DECISION).key, armoured, TEXT)
    assert not openssh_takes(tmp_path, verify(armoured, TEXT, DECISION).key, armoured, TEXT + b" ")


@pytest.mark.parametrize("ecdsa", [False, True])
def test_openssh_and_this_agree_on_a_security_keys_signature(tmp_path: Path, ecdsa: bool) -> None:
    hand = SecurityKey(ecdsa=ecdsa, flags=PRESENT | VERIFIED)
    armoured = sign(hand, TEXT, DECISION)
    assert openssh_takes(tmp_path, hand.key, armoured, TEXT)
    found = verify(armoured, TEXT, DECISION)
    assert (found.key, found.verified, found.counter) == (hand.key, True, 8)


def test_a_security_key_that_nobody_touched_decides_nothing() -> None:
    with pytest.raises(Refused, match="nobody touched it"):
        verify(sign(SecurityKey(flags=0), TEXT, DECISION), TEXT, DECISION)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A real SSH agent."""
    path = tmp_path / "agent.sock"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    environ = {**os.environ, "SSH_AUTH_SOCK": str(path)}
    try:
        for _ in range(500):
            if path.exists():
                break
            subprocess.run(["sleep", "0.01"], check=True)
        yield environ
    finally:
        process.terminate()
        process.wait(10)


def test_the_agent_signs_for_a_key_whose_file_has_a_passphrase(tmp_path: Path, agent: dict[str, str]) -> None:
    file = keygen(tmp_path, passphrase="correct horse")
    with pytest.raises(NotFound, match="no SSH agent with a key"):
        signature(TEXT, DECISION, None, agent)
    helper = tmp_path / "ask"
    helper.write_text("#!/bin/sh\necho correct horse\n")
    helper.chmod(0o700)
    asking = agent | {"SSH_ASKPASS": str(helper), "SSH_ASKPASS_REQUIRE": "force"}
    subprocess.run(["ssh-add", "-q", str(file)], env=asking, check=True, stdin=subprocess.DEVNULL)
    for named in (None, file, file.with_suffix(".pub")):
        armoured = signature(TEXT, DECISION, named, agent)
        assert openssh_takes(tmp_path, verify(armoured, TEXT, DECISION).key, armoured, TEXT)


def test_openssh_itself_asks_for_the_passphrase_where_no_agent_has_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = keygen(tmp_path, passphrase="correct horse")
    helper = tmp_path / "ask"
    helper.write_text("#!/bin/sh\necho correct horse\n")
    helper.chmod(0o700)
    monkeypatch.setenv("SSH_ASKPASS", str(helper))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    assert verify(signature(TEXT, DECISION, file, {}), TEXT, DECISION)
    helper.write_text("#!/bin/sh\necho wrong\n")
    with pytest.raises(Refused, match="ssh-keygen did not sign"):
        signature(TEXT, DECISION, file, {})


def test_a_signature_for_another_purpose_or_text_is_refused() -> None:
    hand = ssh_key()
    with pytest.raises(Refused, match="made for 'interlock-people@v1'"):
        verify(sign(hand, TEXT, PEOPLE), TEXT, DECISION)
    with pytest.raises(Refused, match="made for another text"):
        verify(sign(hand, TEXT, DECISION), TEXT + b" ", DECISION)


def test_a_signature_under_somebody_elses_key_is_refused() -> None:
    """Swapped keys: the embedded public key decides who it would be, and the signature must be that key's."""
    mine, theirs = ssh_key(), ssh_key()
    armoured = sign(mine, TEXT, DECISION)
    body = base64.b64decode("".join(armoured.splitlines()[1:-1]))
    swapped = body.replace(string(mine.key.blob), string(theirs.key.blob))
    text = "-----BEGIN SSH SIGNATURE-----\n" + base64.b64encode(swapped).decode() + "\n-----END SSH SIGNATURE-----\n"
    with pytest.raises(Refused, match="made for another text, or changed"):
        verify(text, TEXT, DECISION)


@pytest.mark.parametrize("kind", ["rsa", "ecdsa521"])
def test_keys_of_other_types_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "id"
    words = ["-t", "rsa", "-b", "2048"] if kind == "rsa" else ["-t", "ecdsa", "-b", "521"]
    subprocess.run(["ssh-keygen", "-q", *words, "-N", "", "-f", str(file)], check=True)
    with pytest.raises(Refused, match="are not taken"):
        verify(openssh_signs(file, TEXT), TEXT, DECISION)
    with pytest.raises(Refused, match="not taken"):
        signature(TEXT, DECISION, file, {})


def test_each_key_has_one_text() -> None:
    line = ssh_key().key.line
    assert SshKey.parse(f"{line} a comment").line == line
    for wrong in ("", "ssh-ed25519", line[:-4], line + "AAAA", line.replace("ssh-ed25519 ", "ecdsa-sha2-nistp256 ")):
        with pytest.raises(Refused):
            SshKey.parse(wrong)
    compressed = ec.generate_private_key(ec.SECP256R1()).public_key()
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    point = compressed.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    blob = string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(point)
    with pytest.raises(Refused, match="not on its curve"):
        SshKey.of_blob(blob)


HAND = ssh_key()
GOOD = base64.b64decode("".join(sign(HAND, TEXT, DECISION).splitlines()[1:-1]))


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_changed_byte_is_taken(at: int, flip: int) -> None:
    body = bytearray(GOOD)
    body[at] ^= flip
    text = "-----BEGIN SSH SIGNATURE-----\n" + base64.b64encode(body).decode() + "\n-----END SSH SIGNATURE-----\n"
    with pytest.raises(Refused):
        verify(text, TEXT, DECISION)


@given(st.integers(0, len(GOOD) - 1))
def test_nothing_cut_short_is_taken(size: int) -> None:
    text = "-----BEGIN SSH SIGNATURE-----\n" + base64.b64encode(GOOD[:size]).decode() + "\n-----END SSH SIGNATURE-----"
    with pytest.raises(Refused):
        verify(text, TEXT, DECISION)


@given(st.binary(max_size=400))
def test_garbage_is_refused_and_never_crashes(raw: bytes) -> None:
    text = "-----BEGIN SSH SIGNATURE-----\n" + base64.b64encode(raw).decode() + "\n-----END SSH SIGNATURE-----"
    for armoured in (text, raw.decode("latin-1")):
        with pytest.raises(Refused):
            verify(armoured, TEXT, DECISION)


def test_a_megabyte_is_not_read() -> None:
    with pytest.raises(Refused, match="none takes more than"):
        verify("-----BEGIN SSH SIGNATURE-----\n" + "A" * (1 << 20), TEXT, DECISION)


def test_a_signers_key_is_that_of_its_file(tmp_path: Path) -> None:
    hand = ssh_key()
    assert isinstance(hand, FileSigner)
    assert openssh_takes(tmp_path, hand.key, sign(hand, TEXT, DECISION), TEXT)
