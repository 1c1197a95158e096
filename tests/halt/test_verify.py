"""What the offline verifier makes of orders: a daemon that let something happen under one is found out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from interlock.cli.verify import command
from interlock.halt.certificate import certificate
from interlock.halt.order import Order, What, selector
from interlock.identity.keys import Ed25519Key
from interlock.ledger.dsse import MEDIA_TYPE
from interlock.ledger.store import Ledger
from interlock.ledger.verify import check_certificate, verify
from interlock.ledger.verify.notes import Key
from interlock.model.errors import LedgerPolicyFailed, LedgerTampered

NAME = "interlock/test/1"
SIGNER = Ed25519Key.from_seed(NAME, b"s" * 32)
WRITE = ["write", "file", "workspace", "/w/a"]
READ = ["read", "file", "workspace", "/w/a"]
TIMES = {name: {"time": "2026-01-01T00:00:00.000000Z", "boottime": 1} for name in ("issued", "confirmed")}
DROP = ["delete", "table", "production", "users"]


class Log:
    """A ledger as a daemon would write it; `at` is the clock, in seconds of one day."""

    def __init__(self, folder: Path) -> None:
        root = Ed25519Key.from_seed(NAME, b"r" * 32)
        self.folder = folder / "ledger"
        self.ledger = Ledger.open(self.folder, SIGNER, NAME, root=root)
        self.at = 0

    def now(self) -> str:
        return f"2026-01-01T00:{self.at // 60:02}:{self.at % 60:02}.000000Z"

    def add(self, kind: str, **body: Any) -> int:
        return self.ledger.submit(kind, body, time=self.now()).result()

    def order(self, what: What, where: str, epoch: int, **more: Any) -> int:
        return self.add("halt.order", **Order(-1, what, selector(where), "r", epoch=epoch, **more).body())

    def act(self, epoch: int, *effects: list[str], kind: str = "intent", session: str = "s", **of: Any) -> int:
        known = {"tool": ["Bash"], "workspace": ["/w"], "model": ["m"], "prompt": [], "skill": []}
        provenance = {**known, **of, "effects": list(effects)}
        principal = {"agent": "claude", "session": session}
        return self.add(kind, principal=principal, epoch=epoch, provenance=provenance)

    def certify(
        self,
        order: int,
        epoch: int,
        sessions: list[list[str]],
        signer: Ed25519Key = SIGNER,
        said: dict[str, Any] | None = None,
    ) -> int:
        now = {"time": self.now(), "boottime": self.at}
        predicate = {"order": {"id": order}, "epoch": epoch, "sessions": sessions, "issued": now, "confirmed": now}
        predicate |= said or {}
        raw = certificate(signer, order, self.ledger.entry(order).raw, predicate)
        return self.add(
            "halt.certificate", order=order, epoch=epoch, certificate=self.ledger.blobs.put(raw, MEDIA_TYPE)
        )

    def judge(self) -> Any:
        self.ledger.close()
        return verify(self.folder)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    made = Log(tmp_path)
    yield made
    made.ledger.close()


def failed(log: Log, says: str) -> None:
    with pytest.raises(LedgerPolicyFailed, match=says):
        log.judge()


def test_a_day_with_orders_that_all_held_is_sound(log: Log) -> None:
    log.act(0, WRITE)
    freeze = log.order(What.FREEZE, 'environment = "production"', 1)
    log.certify(freeze, 1, [])
    log.act(1, WRITE)
    log.act(1, ["read", "table", "production", "users"])
    log.add("halt.lift", order=freeze, by=["ana"], epoch=2)
    log.act(2, DROP)
    pause = log.order(What.PAUSE, 'session = "s"', 3)
    log.certify(pause, 3, [["claude", "s"]])
    log.act(3, WRITE, session="t")
    log.add("halt.lift", order=pause, by=["ana"], epoch=4)
    log.act(4, WRITE)
    assert log.judge().problems == ()


def test_a_change_under_a_freeze_is_found(log: Log) -> None:
    log.order(What.FREEZE, 'environment = "production"', 1)
    bad = log.act(1, WRITE, DROP)
    failed(log, f"entry {bad} .*released under order 1, a freeze")


def test_what_the_freeze_allows_is_not_found(log: Log) -> None:
    log.certify(log.order(What.FREEZE, 'environment = "production"', 1, allow=selector('name = "users"')), 1, [])
    log.act(1, DROP)
    assert log.judge().problems == ()


def test_a_fact_that_is_not_known_counts_as_meant(log: Log) -> None:
    log.order(What.KILL, 'model = "x"', 1)
    log.act(1, READ)
    failed_at = log.act(1, READ, model=None)
    failed(log, f"entry {failed_at} ")


def test_a_release_without_provenance_under_an_order_is_found(log: Log) -> None:
    log.order(What.PAUSE, 'session = "s"', 1)
    log.add("intent", principal={"agent": "claude", "session": "t"}, epoch=1)
    failed(log, "released under order 1, a pause")


def test_reading_in_a_paused_session_is_found_too(log: Log) -> None:
    log.order(What.PAUSE, 'session = "s"', 1)
    log.act(1, READ)
    failed(log, "a pause")


def test_a_session_that_a_kill_was_carried_out_on_stays_dead(log: Log) -> None:
    """By what it did before, which a later action of its own does not show."""
    kill = log.order(What.KILL, 'environment = "production"', 1)
    log.certify(kill, 1, [["claude", "s"]])
    log.act(1, WRITE, session="t")
    bad = log.act(1, WRITE)
    failed(log, f"entry {bad} ")


def test_skills_and_instructions_stand_in_the_session(log: Log) -> None:
    facts = {"skills": [{"name": "bad", "digest": "0" * 64}], "unknown": ["version"]}
    log.add("session.open", principal={"agent": "claude", "session": "s"}, facts=facts)
    log.add("session.open", principal={"agent": "claude", "session": "t"}, facts={"unknown": ["version"]})
    log.order(What.FREEZE, f'skill = "sha256:{"0" * 64}"', 1)
    log.act(1, WRITE, session="t")
    bad = log.act(1, WRITE)
    failed(log, f"entry {bad} ")


@pytest.mark.parametrize("kind", ["intent", "run", "approval.ticket", "token.issue"])
def test_an_older_epoch_is_found(log: Log, kind: str) -> None:
    log.order(What.PAUSE, 'session = "nobody"', 5)
    bad = log.act(4, kind=kind)
    failed(log, f"entry {bad} .*epoch 4, when an order or a lifting had raised it to 5")


@pytest.mark.parametrize("epoch", [0, 1])
def test_an_order_or_lifting_that_does_not_raise_the_epoch_is_found(log: Log, epoch: int) -> None:
    order = log.order(What.PAUSE, 'session = "nobody"', 1)
    log.add("halt.lift", order=order, by=["ana"], epoch=epoch)
    failed(log, "does not raise the epoch")


def test_lifting_what_is_not_in_force_is_found(log: Log) -> None:
    log.add("halt.lift", order=3, by=["ana"], epoch=1)
    failed(log, "lifts an order that is not in force")


def test_an_order_that_nobody_carried_out_is_a_gap(log: Log) -> None:
    log.order(What.PAUSE, 'session = "nobody"', 1)
    assert log.judge().problems == ("nobody has certified that order 1 was carried out",)


def test_a_planned_freeze_counts_from_its_beginning_to_its_end(log: Log) -> None:
    day = 1_767_225_600.0  # 2026-01-01T00:00:00Z
    freeze = log.order(What.FREEZE, 'agent = "claude"', 1, start=day + 60, end=day + 120)
    log.act(1, WRITE)
    log.at = 61
    log.add("halt.begin", order=freeze, epoch=2)
    log.certify(freeze, 1, [])
    log.at = 121
    log.act(2, WRITE)
    assert log.judge().problems == ()


def test_a_change_in_a_planned_freeze_is_found(log: Log) -> None:
    day = 1_767_225_600.0
    freeze = log.order(What.FREEZE, 'agent = "claude"', 1, start=day + 60, end=day + 120)
    log.at = 61
    log.add("halt.begin", order=freeze, epoch=2)
    bad = log.act(2, WRITE)
    failed(log, f"entry {bad} ")


def standing(log: Log, workspace: str = "/w", number: int = 0, **more: Any) -> None:
    body = {"workspace": workspace, "number": number, "of": 1, "reason": "r", "source": "f", **more}
    log.add("halt.standing", **{"where": 'environment = "production"', **body})


def test_a_freeze_of_a_file_counts_in_its_workspace_and_its_spans(log: Log) -> None:
    began = int(datetime.fromisoformat("2026-01-01T00:00:00Z").timestamp())
    log.add("policy.loaded", workspace="/w")
    standing(log, spans=[[began + 10, began + 20], [began + 40, began + 50]], until=began + 90, calendar="c.ics")
    standing(log, number=1, where='name = "/w/a"', start=began + 60, end=began + 70)
    for second in (5, 20, 39, 50, 61, 89):
        log.at = second
        log.act(0, DROP)
    log.at = 45
    log.act(0, READ, WRITE)
    log.act(0, DROP, workspace=["/elsewhere"])
    log.act(0, DROP, workspace=[])
    log.at = 71
    log.act(0, WRITE)
    log.judge()


@pytest.mark.parametrize(
    ("second", "effect", "more", "says"),
    [
        (15, DROP, {}, "released in freeze 0 of a file"),
        (45, DROP, {"kind": "run"}, "released in freeze 0 of a file"),
        (65, WRITE, {}, "released in freeze 1 of a file"),
        (15, DROP, {"workspace": None}, "released in freeze 0 of a file"),  # not known which: any
        (91, READ, {}, "nobody had said until when"),
    ],
)
def test_a_change_in_a_freeze_of_a_file_is_found(log: Log, second: int, effect: Any, more: Any, says: str) -> None:
    began = int(datetime.fromisoformat("2026-01-01T00:00:00Z").timestamp())
    standing(log, spans=[[began + 10, began + 20], [began + 40, began + 50]], until=began + 90)
    standing(log, number=1, where='name = "/w/a"', start=began + 60, end=began + 70)
    log.at = second
    log.act(0, effect, **more)
    failed(log, says)


def test_rules_that_come_into_force_without_it_end_a_freeze_of_a_file(log: Log) -> None:
    standing(log)
    log.add("policy.loaded", workspace="/elsewhere")
    log.add("policy.loaded", workspace="/w")
    log.act(0, DROP)
    log.judge()


def test_what_a_freeze_of_a_file_allows_is_not_found_and_nonsense_is(log: Log) -> None:
    standing(log, allow='name = "users"')
    log.act(0, DROP)
    standing(log, spans=[["soon"]])
    failed(log, "a freeze that cannot be read")


def test_a_certificate_of_another_key_or_another_order_is_no_certificate(log: Log, tmp_path: Path) -> None:
    first = log.order(What.PAUSE, 'session = "a"', 1)
    log.certify(first, 1, [], signer=Ed25519Key.generate(NAME))
    with pytest.raises(LedgerTampered, match="signature"):
        log.judge()
    other = Log(tmp_path / "other")
    first, second = other.order(What.PAUSE, 'session = "a"', 1), other.order(What.PAUSE, 'session = "b"', 2)
    raw = certificate(SIGNER, first, other.ledger.entry(first).raw, {"order": {"id": first}, **TIMES})
    other.add("halt.certificate", order=second, epoch=2, certificate=other.ledger.blobs.put(raw, MEDIA_TYPE))
    with pytest.raises(LedgerTampered, match="another order"):
        other.judge()


def test_a_certificate_is_shown_once(log: Log) -> None:
    """The order is carried out again after a start; that it was carried out before is no proof of now."""
    order = log.order(What.PAUSE, 'session = "a"', 1)
    log.certify(order, 1, [])
    log.certify(order, 1, [])
    failed(log, "shows the certificate of entry 2 again")


def test_an_order_that_was_carried_out_twice_has_two_certificates(log: Log) -> None:
    order = log.order(What.PAUSE, 'session = "a"', 1)
    log.certify(order, 1, [])
    log.at += 1
    log.certify(order, 1, [])
    assert log.judge().counts["halt.certificate"] == 2


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"confirmed": {"time": "2026-01-01T00:10:00.000000Z", "boottime": 600}}, "dated later than the entry"),
        ({"issued": {"time": "2026-01-01T00:10:00.000000Z", "boottime": 0}}, "confirmed before it was begun"),
        ({"issued": {"time": "2026-01-01T00:00:00.000000Z", "boottime": 900}}, "confirmed before it was begun"),
        ({"confirmed": {"time": "soon", "boottime": 0}}, "does not say when"),
        ({"confirmed": {}}, "does not say when"),
        ({"epoch": 7}, "another epoch"),
    ],
)
def test_a_certificate_from_another_time_is_found(log: Log, said: dict[str, Any], says: str) -> None:
    log.certify(log.order(What.PAUSE, 'session = "a"', 1), 1, [], said=said)
    with pytest.raises(LedgerTampered, match=says):
        log.judge()


def test_a_certificate_from_tomorrow_or_of_another_order_is_refused_offline(tmp_path: Path) -> None:
    """What an auditor does who has the file, the order's entry and the log's key, and nothing else."""
    file, entry = tmp_path / "halt.json", tmp_path / "3.json"
    entry.write_bytes(b"entry")
    asked = ["--certificate", str(file), "--key", SIGNER.vkey, "--entry", str(entry)]
    file.write_bytes(certificate(SIGNER, 3, b"entry", {"order": {"id": 3}, **TIMES}))
    assert CliRunner().invoke(command, asked).exit_code == 0
    file.write_bytes(certificate(SIGNER, 4, b"another", {"order": {"id": 4}, **TIMES}))
    other = CliRunner().invoke(command, asked)
    assert isinstance(other.exception, LedgerTampered)
    assert "another order" in str(other.exception)
    ahead = {name: {"time": "2999-01-01T00:00:00.000000Z", "boottime": 1} for name in ("issued", "confirmed")}
    file.write_bytes(certificate(SIGNER, 3, b"entry", {"order": {"id": 3}, **ahead}))
    future = CliRunner().invoke(command, asked)
    assert isinstance(future.exception, LedgerTampered)
    assert "minutes from now" in str(future.exception)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw[:-10],
        lambda raw: b"{}",
        lambda raw: b"\xff" + raw,
        lambda raw: json.dumps({**json.loads(raw), "signatures": []}).encode(),
        lambda raw: json.dumps({**json.loads(raw), "payloadType": "text/plain"}).encode(),
        lambda raw: json.dumps({**json.loads(raw), "payload": "AAAA"}).encode(),
    ],
)
def test_a_spoilt_certificate_is_refused(spoil: Any) -> None:
    raw = certificate(SIGNER, 3, b"entry", {"order": {"id": 3}, **TIMES})
    assert check_certificate(raw, Key.parse(SIGNER.vkey))["predicate"]["order"]["id"] == 3
    changed = spoil(raw)
    assert changed != raw
    with pytest.raises(LedgerTampered):
        check_certificate(changed, Key.parse(SIGNER.vkey))
