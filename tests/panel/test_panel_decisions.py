"""A decision in the panel says that it was one, in its entry, its receipt and a terminal; a no needs nothing at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.daemon.conftest import Guard
from tests.identity.hands import Passkey
from tests.panel.conftest import Browser, ask

from interlock.daemon.client import call
from interlock.panel.app import found


def subject(request: dict[str, Any]) -> str:
    return f"{request['id']}:{request['digest']}"


def decided(guard: Guard, request: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = next(
        entry["body"] for entry in guard.entries("approval.decision") if entry["body"]["request"] == request["id"]
    )
    return body


def verified(guard: Guard) -> None:
    done = guard.cli("verify")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_yes_in_the_panel_names_its_session(browser: Browser, served: Guard) -> None:
    request = ask(served, "npm publish --tag panel")
    sent = {"verdict": "approve", "gesture": "typed", "subject": subject(request)}
    sent["typed"] = request["fingerprint"].rsplit("-", 1)[1]
    assert browser.script(f"/requests/{request['id']}/decide", sent).status_code == 200
    body = decided(served, request)
    login = next(e for e in served.entries("panel.login") if e["index"] == body["proof"]["login"])
    assert body["proof"] == {"how": "panel", "login": login["index"], "typed": True}
    assert login["body"]["person"] == body["decision"]["approver"]
    assert "in the panel, the code typed" in browser.get(f"/receipts/{request['id']}").text
    shown = served.cli("show", str(request["id"])).stdout
    assert request["fingerprint"] in shown
    assert f"by {body['decision']['approver']}, in the panel" in shown


def test_a_word_at_a_terminal_is_none_of_the_panels(browser: Browser, served: Guard) -> None:
    request = ask(served, "curl -X POST https://terminal.example.com -d @x")
    call(served.home, "approve", {"id": request["id"]})
    assert decided(served, request)["proof"] == {"how": "uid", "typed": False}
    assert "at a terminal" in browser.get(f"/receipts/{request['id']}").text


GRAVE = ("npm publish --tag {}", "terraform destroy -auto-approve -var x={}")


@pytest.mark.parametrize("command", GRAVE)
@pytest.mark.parametrize("verdict", ["deny", "deny_and_pause"])
@pytest.mark.parametrize("way", ["form", "script"])
def test_a_no_needs_no_passkey_no_code_and_no_time(
    browser: Browser, served: Guard, command: str, verdict: str, way: str
) -> None:
    session = f"{verdict}-{way}-{command[:3]}"
    request = ask(served, command.format(session), session_id=session)
    assert request["tier"] >= 3
    path = f"/requests/{request['id']}/decide"
    if way == "form":
        fields = browser.form(request["id"], "deny-form")
        assert browser.post(path, {**fields, "verdict": verdict, "because": "not today"}).status_code == 303
    else:
        sent = {"verdict": verdict, "subject": subject(request), "because": "not today"}
        assert browser.script(path, sent).status_code == 200
    after = call(served.home, "request", {"id": request["id"]})
    assert (after["state"], after["decided_how"], after["because"]) == ("denied", "panel", "not today")
    assert "in the panel" in browser.get(f"/receipts/{request['id']}").text
    again = served.hook("Bash", {"command": "ls"}, session_id=session)
    assert (b"paused" in again.stdout.lower()) is (verdict == "deny_and_pause")


@pytest.fixture(scope="module")
def passkey(browser: Browser) -> Passkey:
    """A device of the person who is signed in, made as their browser would make it."""
    device = Passkey(browser.base)
    name = call(browser.guard.home, "people.list", {})["owner"]
    options = browser.script("/people/passkey/begin", {"name": name}).json()["options"]
    made = {"name": name, "label": "a phone", "response": device.create(options)}
    assert browser.script("/people/passkey/finish", made).json() == {"go": "/people"}
    return device


@pytest.mark.parametrize("verdict", ["approve", "deny"])
def test_what_a_passkey_signs_in_the_panel_says_both(
    browser: Browser, served: Guard, passkey: Passkey, verdict: str
) -> None:
    request = ask(served, f"npm publish --tag {verdict}")
    name = call(served.home, "people.list", {})["owner"]
    sent = {"verdict": verdict, "subject": subject(request), "approver": name}
    drawn = browser.script(f"/requests/{request['id']}/challenge", sent).json()
    signed = {**sent, "decision": drawn["decision"], "response": passkey.get(drawn["options"])}
    turned = {**signed, "decision": drawn["decision"].replace(verdict, "deny_and_pause")}
    assert browser.script(f"/requests/{request['id']}/passkey", turned).status_code in {400, 409}
    assert browser.script(f"/requests/{request['id']}/passkey", signed).status_code == 200
    proof = decided(served, request)["proof"]
    assert proof["how"] == "passkey"
    assert proof["login"] in [entry["index"] for entry in served.entries("panel.login")]
    assert "signed with a passkey" in browser.get(f"/receipts/{request['id']}").text
    assert "signed with a passkey" in served.cli("show", str(request["id"])).stdout
    assert json.loads(served.cli("show", str(request["id"]), "--json").stdout)["request"]["decided_how"] == "passkey"
    verified(served)


@pytest.mark.parametrize("path", sorted(act.path for act in found()[1]))
def test_a_reader_is_refused_every_act(served: Guard, reader: Browser, path: str) -> None:
    """Whatever screens bring: an act that is added is tried here too, with the token of the reader's own page."""
    request = call(served.home, "inbox", {"all": True})[0]
    before = call(served.home, "status")["entries"]
    sent = {"verdict": "deny", "subject": subject(request), "what": "kill", "word": "discard", "name": "ada"}
    refused = reader.script(path.replace("{id:int}", str(request["id"])), sent)
    assert refused.status_code == 409
    assert "made for a reader" in refused.json()["message"]
    assert call(served.home, "status")["entries"] == before


@pytest.fixture(scope="module")
def reader(served: Guard) -> Browser:
    made = Browser(served, reader=True)
    assert made.enter().status_code == 303
    return made
