"""Passkeys, registered and used by a software authenticator."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.identity import passkeys
from interlock.identity.authenticator import Authenticator
from interlock.model.errors import Refused

from .hands import PRESENT, Passkey, b64, unb64

SITE, PAGES = "localhost", ("http://localhost:7777",)
NONCE = bytes(range(32))


def registered(device: Passkey) -> Authenticator:
    options = passkeys.registration_options("ada", SITE, NONCE)
    return passkeys.register(device.create(options), nonce=NONCE, relying_party=SITE, origins=PAGES, label="phone")


def answer(device: Passkey, key: Authenticator, statement: bytes = b"yes") -> str:
    return device.get(passkeys.assertion_options(SITE, passkeys.challenge(statement), [key]))


def test_a_passkey_is_registered_and_signs_a_decision() -> None:
    device = Passkey()
    key = registered(device)
    assert (key.id, key.label, key.relying_party, key.verified) == (b64(device.id), "phone", SITE, True)
    assert key.hardware
    seen = passkeys.verify(key, answer(device, key), wanted=passkeys.challenge(b"yes"), count=0)
    assert seen == passkeys.Asserted(counter=1, verified=True)


def test_a_yes_to_one_text_is_none_to_another() -> None:
    device = Passkey()
    key = registered(device)
    with pytest.raises(Refused, match="does not count"):
        passkeys.verify(key, answer(device, key, b"yes"), wanted=passkeys.challenge(b"yes, and more"), count=0)


def test_a_cloned_passkey_is_seen_by_its_counter() -> None:
    device = Passkey()
    key = registered(device)
    first = answer(device, key)
    device.count = 40
    assert passkeys.verify(key, answer(device, key), wanted=passkeys.challenge(b"yes"), count=1).counter == 41
    with pytest.raises(Refused, match="does not count"):
        passkeys.verify(key, first, wanted=passkeys.challenge(b"yes"), count=41)


def test_a_device_without_a_counter_is_taken() -> None:
    device = Passkey()
    key = registered(device)
    device.count = -1  # `get` makes it 0, as synchronised passkeys report for ever
    said = answer(device, key)
    assert passkeys.verify(key, said, wanted=passkeys.challenge(b"yes"), count=0).counter == 0


def test_a_touch_without_pin_or_fingerprint_is_not_enough() -> None:
    device = Passkey()
    key = registered(device)
    device.flags = PRESENT
    with pytest.raises(Refused, match=r"(?i)user verif"):
        passkeys.verify(key, answer(device, key), wanted=passkeys.challenge(b"yes"), count=0)
    with pytest.raises(Refused, match=r"(?i)user verif"):
        registered(Passkey(flags=PRESENT))


def test_another_page_or_another_site_is_refused() -> None:
    device = Passkey()
    key = registered(device)
    device.origin = "http://localhost:9999"
    with pytest.raises(Refused, match="does not count"):
        passkeys.verify(key, answer(device, key), wanted=passkeys.challenge(b"yes"), count=0)
    device.origin = PAGES[0]
    options = passkeys.assertion_options(SITE, passkeys.challenge(b"yes"), [key])
    with pytest.raises(Refused, match="does not count"):
        passkeys.verify(key, device.get(options, site="evil.example"), wanted=passkeys.challenge(b"yes"), count=0)


def test_another_device_or_key_is_refused() -> None:
    mine, theirs = Passkey(), Passkey()
    key = registered(mine)
    with pytest.raises(Refused, match="another passkey"):
        passkeys.verify(key, answer(theirs, key), wanted=passkeys.challenge(b"yes"), count=0)
    theirs.id = mine.id
    with pytest.raises(Refused, match="does not count"):
        passkeys.verify(key, answer(theirs, key), wanted=passkeys.challenge(b"yes"), count=0)


@pytest.mark.parametrize(
    ("site", "pages", "why"),
    [
        ("127.0.0.1", ("http://127.0.0.1:7777",), "never an IP"),
        ("Localhost", ("http://localhost",), "host name"),
        ("example.org", ("http://example.org",), "need https"),
        ("example.org", ("https://example.org.evil.net",), "no page of"),
        ("example.org", ("https://notexample.org",), "no page of"),
        ("localhost", (), "at least one origin"),
    ],
)
def test_a_place_where_no_browser_would_use_it_is_refused_at_once(site: str, pages: tuple[str, ...], why: str) -> None:
    with pytest.raises(Refused, match=why):
        passkeys.site(site, pages)


DEVICE = Passkey()
KEY = registered(DEVICE)
SAID = json.loads(answer(DEVICE, KEY))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.sampled_from(["clientDataJSON", "authenticatorData", "signature"]), st.integers(0, 4_000), st.integers(1, 255)
)
def test_no_changed_byte_of_an_answer_is_taken(part: str, at: int, flip: int) -> None:
    raw = bytearray(unb64(SAID["response"][part]))
    raw[at % len(raw)] ^= flip
    changed = json.dumps({**SAID, "response": {**SAID["response"], part: b64(bytes(raw))}})
    with pytest.raises(Refused):
        passkeys.verify(KEY, changed, wanted=passkeys.challenge(b"yes"), count=0)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda raw: json.dumps({"id": b64(raw)}))))
def test_garbage_is_refused_and_never_crashes(said: str) -> None:
    with pytest.raises(Refused):
        passkeys.verify(KEY, said, wanted=passkeys.challenge(b"yes"), count=0)
    with pytest.raises(Refused):
        passkeys.register(said, nonce=NONCE, relying_party=SITE, origins=PAGES)


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(1, 255))
def test_a_changed_registration_is_refused_or_of_the_same_name(at: int, flip: int) -> None:
    """Without attestation nothing signs a registration but its challenge: it may hold another key, never a name that
    the browser did not say (py_webauthn takes one).
    """
    options = passkeys.registration_options("ada", SITE, NONCE)
    made = json.loads(DEVICE.create(options))
    raw = bytearray(unb64(made["response"]["attestationObject"]))
    raw[at % len(raw)] ^= flip
    made["response"]["attestationObject"] = b64(bytes(raw))
    try:
        key = passkeys.register(json.dumps(made), nonce=NONCE, relying_party=SITE, origins=PAGES)
    except Refused:
        return
    assert key.id == KEY.id


def test_an_old_registration_cannot_be_played_again() -> None:
    made = Passkey().create(passkeys.registration_options("ada", SITE, NONCE))
    with pytest.raises(Refused, match="not registered"):
        passkeys.register(made, nonce=bytes(32), relying_party=SITE, origins=PAGES)
