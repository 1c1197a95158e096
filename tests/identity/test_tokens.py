"""Capability tokens: narrowed and never widened, and nothing but a whole, living, proven one counts."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.identity import tokenbook, tokens
from interlock.identity.keys import Ed25519Key
from interlock.identity.tokenbook import ISSUE, REVOKE, Replays, TokenBook
from interlock.identity.tokens import MAX_SECONDS, MICROS, SKEW, WINDOW, Link, Token
from interlock.ledger.note import PublicKey
from interlock.model.effect import Breadth, Effect, Environment, Kind, Known, Resource, Reversibility, Scale, Verb
from interlock.model.errors import AgentError, NotFound, Refused
from interlock.model.warrant import Permit, check_scope

LOG = "interlock/test/0123"
NOW = 1_800_000_000
DAEMON, ADA, BOB, EVE = (
    Ed25519Key.from_seed(name, bytes([n]) * 32) for n, name in enumerate(("daemon", "a", "b", "e"))
)
ROOT = PublicKey.of(DAEMON)
SHOP = Permit((Verb.READ, Verb.WRITE), (Kind.FILE,), ("/srv/shop/**",), (Environment.STAGING, Environment.DEVELOPMENT))
TESTS = Permit((Verb.READ,), (Kind.FILE,), ("/srv/shop/tests/*",), (Environment.STAGING,))


def first(**change: Any) -> Link:
    link = Link(
        scope=(SHOP,), holder=tokens.holder_text(ADA), issued=NOW, starts=NOW, expires=NOW + 900, depth=2,
        log=LOG, id="0" * 32, principal="olga", agent="ci", session="build-7", epoch=3,
    )  # fmt: skip
    return msgspec.structs.replace(link, **change)


def further(**change: Any) -> Link:
    link = Link(scope=(TESTS,), holder=tokens.holder_text(BOB), issued=NOW, starts=NOW, expires=NOW + 300, depth=1)
    return msgspec.structs.replace(link, **change)


TOKEN = tokens.issue(first(), DAEMON)
NARROW = tokens.attenuate(TOKEN, further(sub="tests"), ADA)


def effect(
    name: str, verb: Verb = Verb.READ, kind: Kind = Kind.FILE, where: Environment = Environment.STAGING
) -> Effect:
    scale = Scale(None, "", Known.UNKNOWN, Breadth.ONE)
    return Effect(verb, Resource(kind, name), where, Reversibility.REVERSIBLE, scale)


def test_a_token_is_issued_narrowed_passed_on_and_checked_offline() -> None:
    again = tokens.parse(NARROW.text + "\n")
    warrant = tokens.verify(again, ROOT, NOW + 10)
    assert again == NARROW
    assert (warrant.token, warrant.principal, warrant.epoch) == ("0" * 32, "olga", 3)
    assert warrant.outside([effect("/srv/shop/tests/a.py")]) is None
    outside = effect("/srv/shop/app.py")
    assert warrant.outside([effect("/srv/shop/tests/a.py"), outside]) == outside
    assert tokens.verify(TOKEN, ROOT, NOW + 10).outside([outside]) is None


@pytest.mark.parametrize(
    "name", ["/srv/shop/../../etc/passwd", "/srv/shop/./x", "/srv/shop//x", "srv/shop/x", "/srv/shop/..", "../x", ""]
)
def test_a_path_that_was_not_resolved_is_outside(name: str) -> None:
    everything = Permit((Verb.READ,), (Kind.FILE,), ("**",), (Environment.STAGING,))
    assert not everything.covers(effect(name))


@pytest.mark.parametrize("name", ["/srv/shop/../**", "../**", "/srv/./x", "/srv//x", "/srv/x/", "x\0"])
def test_a_scope_names_resolved_paths(name: str) -> None:
    with pytest.raises(AgentError, match=r"resolved path"):
        check_scope([msgspec.structs.replace(SHOP, names=(name,))])


# -- narrowing --------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["/srv/shop/**", "/srv/shop/tests/*", "/srv/**", "/etc/passwd", "**", "/srv/shop/a.py"])
PERMITS = st.builds(
    Permit,
    st.lists(st.sampled_from([Verb.READ, Verb.WRITE, Verb.DELETE]), min_size=1, unique=True).map(tuple),
    st.lists(st.sampled_from([Kind.FILE, Kind.DIRECTORY, Kind.SECRET]), min_size=1, unique=True).map(tuple),
    st.lists(NAMES, min_size=1, unique=True).map(tuple),
    st.lists(st.sampled_from(list(Environment)), min_size=1, unique=True).map(tuple),
)
SCOPES = st.lists(PERMITS, min_size=1, max_size=3).map(tuple)
EFFECTS = st.builds(
    effect,
    st.sampled_from(["/srv/shop/a.py", "/srv/shop/tests/t.py", "/etc/passwd", "/srv/x", "/srv/shop/../x"]),
    st.sampled_from([Verb.READ, Verb.WRITE, Verb.DELETE, Verb.OPAQUE]),
    st.sampled_from([Kind.FILE, Kind.DIRECTORY, Kind.SECRET]),
    st.sampled_from(list(Environment)),
)
KEYS = (ADA, BOB, EVE, DAEMON)


@settings(max_examples=300, deadline=None)
@given(st.lists(SCOPES, min_size=1, max_size=5), st.lists(EFFECTS, min_size=1, max_size=20))
def test_a_narrowed_token_never_permits_what_its_parent_does_not(scopes: list[Any], effects: list[Effect]) -> None:
    chain = [tokens.issue(first(scope=scopes[0], depth=4), DAEMON)]
    for place, scope in enumerate(scopes[1:]):
        link = further(scope=scope, holder=tokens.holder_text(KEYS[(place + 1) % 4]), depth=3 - place)
        chain.append(tokens.attenuate(chain[-1], link, KEYS[place % 4]))
    rights = [tokens.verify(token, ROOT, NOW) for token in chain]
    allowed = [{i for i, effect in enumerate(effects) if right.outside([effect]) is None} for right in rights]
    assert all(later <= earlier for earlier, later in itertools.pairwise(allowed))
    ends = [min(link.expires for link in token.links) for token in chain]
    assert ends == sorted(ends, reverse=True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"expires": NOW + 901}, "never lives longer"),
        ({"starts": NOW - 1}, "never lives longer"),
        ({"depth": 2}, "depth that its issuer allowed"),
        ({"depth": 7}, "at most 4 times"),
        ({"scope": ()}, "1 to 16 permits"),
        ({"holder": "AAAA"}, "32 bytes"),
    ],
)
def test_a_holder_cannot_widen(change: dict[str, Any], why: str) -> None:
    with pytest.raises(AgentError, match=why):
        tokens.attenuate(TOKEN, further(**change), ADA)
    # And when they build the link by hand, whoever verifies it says the same.
    made = msgspec.structs.replace(further(**change), parent=TOKEN.digests[-1])
    with pytest.raises(Refused, match=why):
        tokens.verify(by_hand(TOKEN, made, ADA), ROOT, NOW)


def by_hand(above: Token, link: Link, key: Ed25519Key) -> Token:
    raw = tokens._encode(link)
    return Token((*above.links, link), (*above.raw, raw), (*above.signatures, key.sign(tokens._covered(raw))))


def test_the_depth_ends() -> None:
    token = tokens.attenuate(NARROW, further(depth=0, holder=tokens.holder_text(EVE)), BOB)
    with pytest.raises(AgentError, match="depth that its issuer allowed"):
        tokens.attenuate(token, further(depth=0), EVE)
    long = token
    for _ in range(4):
        made = msgspec.structs.replace(further(depth=0), parent=long.digests[-1], holder=tokens.holder_text(EVE))
        long = by_hand(long, made, EVE)
    with pytest.raises(AgentError, match="at most 5"):
        tokens.parse(long.text)


def test_only_the_holder_narrows() -> None:
    with pytest.raises(AgentError, match="not the token's holder"):
        tokens.attenuate(TOKEN, further(), EVE)
    stolen = by_hand(TOKEN, msgspec.structs.replace(further(), parent=TOKEN.digests[-1]), EVE)
    with pytest.raises(Refused, match="link 1 of the token is not signed by the holder"):
        tokens.verify(stolen, ROOT, NOW)


# -- hostile input ----------------------------------------------------------------------------------------------------


def test_a_forged_token_is_refused() -> None:
    with pytest.raises(Refused, match="link 0 of the token is not signed by this log's daemon"):
        tokens.verify(tokens.issue(first(), EVE), ROOT, NOW)


def test_links_in_another_order_or_from_another_token_are_refused() -> None:
    other = tokens.attenuate(tokens.issue(first(id="1" * 32), DAEMON), further(), ADA)
    mixed = Token((TOKEN.first, other.last), (TOKEN.raw[0], other.raw[1]), (TOKEN.signatures[0], other.signatures[1]))
    with pytest.raises(Refused, match="made for another token, or stands at another place"):
        tokens.verify(mixed, ROOT, NOW)
    turned = Token(NARROW.links[::-1], NARROW.raw[::-1], NARROW.signatures[::-1])
    with pytest.raises(Refused, match="link 0"):
        tokens.verify(turned, ROOT, NOW)


def test_a_swapped_holder_is_seen() -> None:
    link = msgspec.structs.replace(TOKEN.first, holder=tokens.holder_text(EVE))
    with pytest.raises(Refused, match="link 0"):
        tokens.verify(Token((link,), (tokens._encode(link),), TOKEN.signatures), ROOT, NOW)


def test_dropping_the_last_link_gives_the_parent_whose_key_one_does_not_hold() -> None:
    parent = Token(NARROW.links[:1], NARROW.raw[:1], NARROW.signatures[:1])
    proof = tokens.prove(parent, "r", BOB, NOW * MICROS, "0" * 32)
    with pytest.raises(Refused, match="does not hold its key"):
        tokens.check_proof(parent, proof, "r", NOW)


@pytest.mark.parametrize(
    ("change", "now", "why"),
    [
        ({}, NOW + 900, "has expired"),
        ({}, NOW - SKEW - 1, "issued in the future"),
        ({"starts": NOW + 600}, NOW + 1, "not valid yet"),
    ],
)
def test_time_is_minded(change: dict[str, int], now: float, why: str) -> None:
    with pytest.raises(Refused, match=why):
        tokens.verify(tokens.issue(first(**change), DAEMON), ROOT, now)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"expires": NOW + MAX_SECONDS + 1}, "at most 24 hours"),
        ({"expires": NOW}, "starts before it expires"),
        ({"issued": -1}, "starts before it expires"),
        ({"id": "x"}, "32 hex digits"),
        ({"principal": ""}, "the person"),
        ({"agent": "a b"}, "plain names"),
        ({"session": "a\nb"}, "plain names"),
        ({"parent": "x"}, "no parent"),
        ({"epoch": -1}, "not negative"),
        ({"scope": (SHOP,) * 17}, "1 to 16"),
        ({"scope": (msgspec.structs.replace(SHOP, verbs=()),)}, "at least one verb"),
        ({"scope": (msgspec.structs.replace(SHOP, names=tuple(f"/srv/{'x' * 400}{n}" for n in range(20))),)}, "bytes"),
    ],
)
def test_a_token_that_makes_no_sense_is_not_issued(change: dict[str, Any], why: str) -> None:
    with pytest.raises(AgentError, match=why):
        tokens.issue(first(**change), DAEMON)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed_text(raw: bytes) -> str:
    return f"ilk1.{b64(raw)}.{b64(DAEMON.sign(tokens._covered(raw)))}"


def test_two_readings_of_the_same_bytes_are_impossible() -> None:
    """Duplicate keys, spaces, another order, floats: well signed and nevertheless refused."""
    raw = TOKEN.raw[0]
    plain = json.loads(raw)
    for wrong in (
        raw.replace(b'{"agent"', b'{"agent":"root","agent"', 1),
        json.dumps(plain, sort_keys=True).encode(),
        json.dumps(dict(reversed(plain.items())), separators=(",", ":")).encode(),
        raw.replace(b'"depth":2', b'"depth":2.0'),
        raw.replace(b'"depth":2', b'"depth":NaN'),
        raw.replace(b'"depth":2', b'"depth":true'),
        raw.replace(b'"agent"', b'"admin":true,"agent"'),
        raw.replace(b'"read"', b'"anything"'),
        b"[" * 2_000,
        b"",
        b"null",
    ):
        with pytest.raises(AgentError):
            tokens.parse(signed_text(wrong))
    with pytest.raises(AgentError, match="one form"):
        tokens.parse(TOKEN.text[:-1] + chr(ord(TOKEN.text[-1]) + 1))


@given(st.integers(0, len(NARROW.text) - 1))
def test_nothing_cut_short_is_taken(size: int) -> None:
    if NARROW.text[:size] == TOKEN.text:
        return  # a whole token again: the parent, whose key one does not hold
    with pytest.raises((AgentError, Refused)):
        tokens.verify(tokens.parse(NARROW.text[:size]), ROOT, NOW)


@settings(max_examples=300)
@given(st.integers(0, len(NARROW.text) - 1), st.characters(min_codepoint=33, max_codepoint=126))
def test_no_changed_character_is_taken(at: int, character: str) -> None:
    changed = NARROW.text[:at] + character + NARROW.text[at + 1 :]
    if changed == NARROW.text:
        return
    with pytest.raises((AgentError, Refused)):
        tokens.verify(tokens.parse(changed), ROOT, NOW)


@given(st.text(max_size=300))
def test_garbage_is_refused_and_never_crashes(text: str) -> None:
    for given_text in (text, f"ilk1.{text}", f"ilk1.{b64(text.encode('utf-8', 'replace'))}.AAAA"):
        with pytest.raises(AgentError):
            tokens.parse(given_text)


def test_a_megabyte_is_not_read() -> None:
    with pytest.raises(AgentError, match="none has more than"):
        tokens.parse("ilk1." + "A" * (1 << 20))


# -- proof of possession ----------------------------------------------------------------------------------------------


def test_a_proof_is_for_one_request_at_one_time_by_the_last_holder() -> None:
    proof = tokens.prove(NARROW, "request", BOB, NOW * MICROS, "a" * 32)
    tokens.check_proof(NARROW, proof, "request", NOW + WINDOW)
    for token, request, now, why in (
        (NARROW, "another", NOW, "does not hold its key"),
        (TOKEN, "request", NOW, "does not hold its key"),
        (NARROW, "request", NOW + WINDOW + 1, "too long ago"),
        (NARROW, "request", NOW - SKEW - 1, "in the future"),
    ):
        with pytest.raises(Refused, match=why):
            tokens.check_proof(token, proof, request, now)
    for change in (
        {"nonce": "b" * 32},
        {"at": NOW * MICROS + 1},
        {"signature": "AAAA"},
        {"signature": "!"},
        {"nonce": "x"},
    ):
        with pytest.raises(Refused):
            tokens.check_proof(NARROW, msgspec.structs.replace(proof, **change), "request", NOW)
    with pytest.raises(Refused, match="does not hold its key"):
        tokens.check_proof(NARROW, tokens.prove(NARROW, "request", ADA, NOW * MICROS, "a" * 32), "request", NOW)


def test_a_proof_is_used_once() -> None:
    replays = Replays(since=NOW)
    replays.use("link", "n", NOW, NOW, WINDOW)
    replays.use("other link", "n", NOW, NOW, WINDOW)
    with pytest.raises(Refused, match="used already"):
        replays.use("link", "n", NOW, NOW + WINDOW - 1, WINDOW)
    # One that is dated ahead stays remembered for as long as it could be presented.
    replays.use("link", "ahead", NOW + SKEW, NOW, WINDOW)
    with pytest.raises(Refused, match="used already"):
        replays.use("link", "ahead", NOW + SKEW, NOW + SKEW + WINDOW, WINDOW)


def test_a_proof_from_before_the_daemons_start_is_refused() -> None:
    """What was used before a crash is not remembered after it."""
    with pytest.raises(Refused, match="before the daemon started"):
        Replays(since=NOW).use("link", "n", NOW - 1, NOW, WINDOW)


def test_a_proof_of_the_daemons_first_second_counts_and_one_from_just_before_it_does_not() -> None:
    replays = Replays(since=NOW + 0.25)
    replays.use("link", "n", NOW + 0.2501, NOW + 0.26, WINDOW)
    with pytest.raises(Refused, match="before the daemon started"):
        replays.use("link", "m", NOW + 0.2499, NOW + 0.26, WINDOW)


# -- the ledger's word ------------------------------------------------------------------------------------------------


def issued(*made: Token) -> TokenBook:
    book = TokenBook()
    book.restore((n, ISSUE, tokenbook.body(token, "olga")) for n, token in enumerate(made))
    return book


def test_a_token_that_the_ledger_does_not_know_is_refused() -> None:
    assert issued(TOKEN).valid(NARROW.warrant).by == "olga"
    with pytest.raises(Refused, match="not in this ledger"):
        issued().valid(TOKEN.warrant)


def test_a_revocation_ends_a_token_and_everything_made_from_it() -> None:
    book = issued(TOKEN)
    book.apply(9, REVOKE, {"id": TOKEN.first.id, "reason": "done", "by": "olga"})
    for token in (TOKEN, NARROW):
        with pytest.raises(Refused, match="was revoked: done"):
            book.valid(token.warrant)
    assert book.live(NOW) == ()


def test_one_narrowing_is_revoked_alone() -> None:
    book = issued(TOKEN)
    deeper = tokens.attenuate(NARROW, further(depth=0), BOB)
    book.apply(9, REVOKE, {"id": "", "link": NARROW.digests[-1], "by": "olga"})
    assert book.valid(TOKEN.warrant)
    for token in (NARROW, deeper):
        with pytest.raises(Refused, match="this narrowing"):
            book.valid(token.warrant)


def test_what_cannot_be_understood_is_never_more_permissive() -> None:
    entries = [(0, ISSUE, tokenbook.body(TOKEN, "olga")), (1, ISSUE, {"id": 7})]
    book = TokenBook()
    assert book.restore(entries) == [1]
    assert book.valid(TOKEN.warrant)
    assert TokenBook().restore([*entries, (2, REVOKE, {"who": "?"})]) == [1, 2]
    book.restore([(2, REVOKE, {"who": "?"})])
    with pytest.raises(Refused, match="not in this ledger"):
        book.valid(TOKEN.warrant)


def test_a_token_is_found_by_the_start_of_its_id() -> None:
    book = issued(TOKEN)
    assert book.find("0000").id == "0" * 32
    for start in ("", "000", "1111"):
        with pytest.raises(NotFound):
            book.find(start)
