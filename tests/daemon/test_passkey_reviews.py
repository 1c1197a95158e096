"""A person signs a review of a change with a passkey, and it counts wherever the gate runs; nobody else's does."""

from __future__ import annotations

import json
import sys
from typing import Any, NamedTuple

import pytest

import nursery
from daemon.conftest import Guard
from daemon.test_provenance import commit, git, write
from daemon.test_whose_session import LivingAgent
from identity.hands import Passkey
from interlock.daemon.client import Remote, call

SITE = {"relying_party": "localhost"}


class Scene(NamedTuple):
    """A daemon, pia's device, and the entry of the gate's verdict on what an agent wrote."""

    guard: Guard
    device: Passkey
    key: str  # its id
    judged: int


def enrolled(guard: Guard, name: str, device: Passkey) -> str:
    """A person with a passkey, as the People screen adds one; the id of it."""
    call(guard.home, "people.change", {"kind": "person.add", "change": {"name": name, "groups": ["approvers"]}})
    options = call(guard.home, "people.passkey.begin", {"name": name, **SITE})
    answer = {"name": name, **SITE, "origins": [device.origin], "response": device.create(options)}
    key = call(guard.home, "people.passkey.finish", answer)
    call(guard.home, "people.change", {"kind": "person.key.add", "change": {"name": name, "keys": [key]}})
    return str(key["id"])


@pytest.fixture
def scene(guard: Guard) -> Scene:
    device = Passkey()
    git(guard, "init", "-q", "-b", "main")
    key = enrolled(guard, "pia", device)
    rules = guard.project / ".interlock"
    rules.mkdir()
    daemon = (guard.home.state / "keys" / "daemon.vkey").read_text().strip()
    listed = guard.cli("people", "list", "--gate").stdout
    assert key in listed
    text = f'[provenance]\nkeys = ["{daemon}"]\n[[review]]\nroles = ["critic"]\n{listed}'
    (rules / "gate.toml").write_text(text)
    commit(guard, "rules")
    git(guard, "checkout", "-q", "-b", "work")
    guard.hook("", {}, event="SessionStart")
    write(guard, "shop.py", "def sell():\n    return 1\n")
    commit(guard, "sell")
    assert guard.cli("attest", "--notes").returncode == 0
    assert absent(guard)
    return Scene(guard, device, key, int(guard.entries("gate")[-1]["index"]))


def absent(guard: Guard, home: str = "") -> bool:
    """Whether the gate still asks for a critic: here, or with another home, where no daemon ever ran, as in CI."""
    words = ("gate", "main..work", "--stage", "review", "--json")
    environment = guard.environment | ({"INTERLOCK_HOME": home} if home else {})
    done = nursery.run("interlock.cli.main", words, environment, guard.project, "")
    found = [one["rule"] for stage in json.loads(done.stdout)["stages"] for one in stage["findings"]]
    return "review/absent" in found


def asked(scene: Scene, says: str = "ok", **more: Any) -> dict[str, Any]:
    wish = {"id": scene.judged, "reviewer": "pia", "role": "critic", "says": says, "because": "", **SITE}
    found: dict[str, Any] = call(scene.guard.home, "review.challenge", wish | more)
    return found


def said(scene: Scene, statement: str, response: str) -> dict[str, Any]:
    found: dict[str, Any] = call(scene.guard.home, "review.passkey", {"statement": statement, "response": response})
    return found


def test_a_signed_review_is_evidence_and_the_gate_counts_it(scene: Scene) -> None:
    guard = scene.guard
    page = asked(scene, because="I read\nevery line.")
    assert f"tree {git(guard, 'rev-parse', 'work^{tree}')}\nfrom {git(guard, 'rev-parse', 'main')}" in page["statement"]
    assert "because I read every line." in page["statement"]
    said(scene, page["statement"], scene.device.get(page["options"]))
    (entry,) = guard.entries("review")
    assert (entry["body"]["by"], entry["body"]["says"]) == ({"person": "pia"}, "ok")
    (shown,) = call(guard.home, "gate.show", {"id": scene.judged})["reviews"]
    assert (shown["by"], shown["passkey"]) == ({"person": "pia"}, True)
    assert absent(guard)  # so far it is in this ledger alone
    assert guard.cli("attest", "--reviews").returncode == 0
    elsewhere = str(guard.base / "ci")
    assert (absent(guard), absent(guard, elsewhere)) == (False, False)
    done = guard.cli("verify")
    assert (done.returncode, "1 signed review" in done.stdout) == (0, True), done.stdout + done.stderr
    words = ("verify", "--commit", "HEAD", "--base", "main", "--json")
    (row,) = json.loads(guard.cli(*words).stdout)["reviews"]
    assert (row["signed"], row["key"], row["by"], row["holds"]) == ("passkey", scene.key, "pia", True)
    # She leaves: what she signed counts no more here, and the ledger is as sound as before.
    assert guard.cli("people", "key", "remove", "pia", scene.key).returncode == 0
    assert absent(guard)
    assert guard.cli("verify").returncode == 0
    (row,) = json.loads(guard.cli(*words).stdout)["reviews"]
    assert (row["holds"], "taken out of use" in row["why"]) == (False, True)
    # Elsewhere it does until the base names her passkey no more; then the log's word is left, until its day.
    assert not absent(guard, elsewhere)


def test_what_was_signed_once_is_taken_once(scene: Scene) -> None:
    page = asked(scene)
    response = scene.device.get(page["options"])
    with pytest.raises(Remote, match="nobody is asked to sign this"):
        said(scene, page["statement"].replace("says ok", "says no"), response)
    said(scene, page["statement"], response)
    with pytest.raises(Remote, match="signed already"):
        said(scene, page["statement"], response)
    again = asked(scene)  # the same words a second time are another text
    assert again["statement"] != page["statement"]
    with pytest.raises(Remote, match="does not count"):
        said(scene, again["statement"], response)
    scene.device.count = 0  # a copy of the device, which has not counted along
    with pytest.raises(Remote, match="sign count"):
        said(scene, again["statement"], scene.device.get(again["options"]))
    assert len(scene.guard.entries("review")) == 1


def test_only_who_was_asked_signs_it_and_only_while_they_are_here(scene: Scene) -> None:
    other = Passkey()
    enrolled(scene.guard, "otto", other)
    page = asked(scene)
    with pytest.raises(Remote, match="pia was asked to sign this review, and otto did"):
        said(scene, page["statement"], other.get(page["options"]))
    with pytest.raises(Remote, match="nobody who is known here"):
        said(scene, page["statement"], Passkey().get(page["options"]))
    assert scene.guard.cli("people", "remove", "pia").returncode == 0
    with pytest.raises(Remote, match="nobody who is known here"):
        said(scene, page["statement"], scene.device.get(page["options"]))
    assert scene.guard.entries("review") == []


def test_what_cannot_be_said_is_not_asked_for(scene: Scene) -> None:
    wishes: tuple[tuple[dict[str, Any], str], ...] = (
        ({"says": "no"}, "say what is wrong"),
        ({"says": "maybe"}, "says ok or no"),
        ({"role": "owner"}, "critic or a tester"),
        ({"reviewer": "nobody"}, "nobody here is called"),
        ({"reviewer": call(scene.guard.home, "people.list")["owner"]}, "has no passkey"),
        ({"id": 0}, "no change that was judged"),
        ({"id": 1 << 40}, "no change that was judged"),
        ({"relying_party": "elsewhere.example"}, "no passkey for elsewhere.example"),
    )
    for more, words in wishes:
        with pytest.raises(Remote, match=words):
            asked(scene, **more)
    for statement, response in (("x" * 7_000, "{}"), ("x", "y" * 5_000), ("\ud800", "{}")):
        with pytest.raises(Remote):
            said(scene, statement, response)
    assert asked(scene, because="\ud800\x1b[2J" + "é" * 2_000)["statement"]


ASKS = """
import json, sys
from interlock.daemon.client import Remote, call
from interlock.home import locate
try:
    print(call(locate(), sys.argv[1], json.loads(sys.argv[2])))
except Remote as error:
    print(error)
"""


def test_an_agents_process_neither_asks_for_a_signature_nor_hands_one_in(scene: Scene) -> None:
    """Story: an agent waited for a person's device to be unlocked, and asked it to approve the agent's own change."""
    page = asked(scene)
    response = scene.device.get(page["options"])
    agent = LivingAgent(scene.guard)
    agent.event("SessionStart", "s-author", source="startup")
    try:
        for method, params in (
            ("review.challenge", {"id": scene.judged, "reviewer": "pia", "role": "critic", "says": "ok", **SITE}),
            ("review.passkey", {"statement": page["statement"], "response": response}),
        ):
            _, out, err = agent.run([sys.executable, "-c", ASKS, method, json.dumps(params)])
            assert "an agent cannot decide" in out, out + err
    finally:
        agent.end()
    assert scene.guard.entries("review") == []
