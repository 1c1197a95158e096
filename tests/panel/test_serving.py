"""The panel of a real daemon: who gets in, from which process, and what a decision needs."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.daemon.conftest import AGENT, Guard
from tests.panel.conftest import Browser, armed, ask

from interlock.daemon.client import call

# An agent that has called its hook once, and then runs something else below itself.
BELOW = """
my ($hook, $agent, $event) = splice(@ARGV, 0, 3);
open(my $in, "|-", $hook, $agent); print $in $event; close $in;
system(@ARGV); exit($? >> 8)
"""
ENTER = """
import sys, httpx2
base, link = sys.argv[1:]
print(httpx2.post(f"{base}/login", data={"link": link}, headers={"origin": base}).status_code)
"""
LOOK = """
import sys, httpx2
print(httpx2.get(f"{sys.argv[1]}/inbox", headers={"cookie": sys.argv[2]}).status_code)
"""


def below_an_agent(guard: Guard, *command: str) -> subprocess.CompletedProcess[str]:
    event = {
        "session_id": "thief", "transcript_path": "", "cwd": str(guard.project), "hook_event_name": "PreToolUse",
        "tool_name": "Read", "tool_input": {"file_path": str(guard.project / "a")}, "tool_use_id": "call-0",
    }  # fmt: skip
    return subprocess.run(
        ["perl", "-e", BELOW, *AGENT[-2:], json.dumps(event), *command],
        env=guard.environment | {"INTERLOCK_NO_AUTOSTART": "1"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def elsewhere(code: str, *arguments: str) -> str:
    """What a program of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_an_agent_gets_no_link(served: Guard) -> None:
    done = below_an_agent(served, sys.executable, "-m", "interlock.cli.main", "panel", "--json")
    assert done.returncode == 27, done.stderr
    assert "an agent cannot decide" in done.stdout
    assert "login" not in done.stdout


def test_a_link_that_an_agent_found_opens_nothing_and_is_burnt(served: Guard) -> None:
    person = Browser(served)
    done = below_an_agent(served, sys.executable, "-c", ENTER, person.base, person.link.rsplit("/", 1)[1])
    assert done.stdout.split()[-1] == "409", done
    assert any("no person's browser" in entry["body"]["message"] for entry in served.entries("alarm"))
    assert person.enter().status_code == 410


def test_a_program_that_left_its_agent_is_taken_for_a_persons(served: Guard) -> None:
    """The open risk of the register: who started it is not to be seen any more. The login is an entry, and the person
    finds the link used."""
    person = Browser(served)
    before = len(served.entries("panel.login"))
    leave = ["setsid", "--fork", sys.executable, "-c", f"import time; time.sleep(0.5)\n{ENTER}"]
    below_an_agent(served, *leave, person.base, person.link.rsplit("/", 1)[1])
    deadline = time.monotonic() + 10
    while len(served.entries("panel.login")) == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert person.enter().status_code == 410


def test_looking_at_a_link_uses_nothing_up_and_entering_does(served: Guard) -> None:
    person = Browser(served)
    for _ in range(2):
        assert "Open the panel" in person.get(person.link).text
    assert person.enter().status_code == 303
    assert person.enter().status_code == 410, "a link that is replayed"
    assert "works once" not in person.get(person.link).text


def test_a_cookie_is_of_no_use_to_another_process(browser: Browser) -> None:
    """Story: browsers send a cookie of localhost to every port of it, so whoever serves another one has it."""
    cookie = "; ".join(f"{name}={value}" for name, value in browser.http.cookies.items())
    assert browser.get("/inbox").status_code == 200
    assert elsewhere(LOOK, browser.base, cookie).strip() == "401"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(served: Guard) -> None:
    said = Browser(served).enter().headers["set-cookie"]
    assert "HttpOnly" in said
    assert "samesite=strict" in said.lower()
    assert "expires" not in said.lower()
    assert "max-age" not in said.lower()


def test_both_loopback_addresses_are_ours(browser: Browser) -> None:
    """Story: `localhost` is two addresses. On one that was left free, somebody else could answer as the panel."""
    port = int(browser.base.rsplit(":", 1)[1])
    for host in ("127.0.0.1", "::1"):
        with socket.create_connection((host, port), timeout=5) as connection:
            connection.sendall(b"GET /inbox HTTP/1.1\r\nhost: localhost:%d\r\n\r\n" % port)
            assert connection.recv(12) == b"HTTP/1.1 401"


def test_every_page_has_its_json_and_is_whole(browser: Browser, served: Guard) -> None:
    number = ask(served, "curl -X POST https://pages.example.com -d @x")["id"]
    for path in ("/", "/inbox", f"/requests/{number}", f"/receipts/{number}"):
        page = browser.get(path)
        assert page.status_code == 200, page.text
        assert "<h1" in page.text
        assert f"nonce-{page.text.split('nonce=')[1][1:25]}" in page.headers["content-security-policy"]
        answer = browser.get(f"{'/now' if path == '/' else path}.json")
        assert answer.status_code == 200
        answer.json()
    assert browser.get("/requests/999999").status_code == 404
    assert browser.get("/nowhere").status_code == 404
    assert browser.get(f"/inbox/{number}").headers["location"] == f"/requests/{number}"


def test_a_yes_without_a_script_needs_the_word_and_time(browser: Browser, served: Guard) -> None:
    request = ask(served, "curl -X POST https://form.example.com -d @x")
    path, word = f"/requests/{request['id']}/decide", request["fingerprint"].split("-")[0]
    fields = browser.form(request["id"], "approve-form")
    assert "quicker than a person reads" in browser.post(path, {**fields, "typed": word}).text
    armed()
    assert "first word" in browser.post(path, {**fields, "typed": ""}).text
    assert call(served.home, "request", {"id": request["id"]})["state"] == "pending"
    done = browser.post(path, {**fields, "typed": word})
    assert (done.status_code, done.headers["location"]) == (303, f"/receipts/{request['id']}")
    after = call(served.home, "request", {"id": request["id"]})
    assert after["state"] == "approved"
    decision = next(e for e in served.entries("approval.decision") if e["body"]["request"] == request["id"])
    assert decision["body"]["decision"]["shown_ms"] >= 700


def test_a_grave_yes_needs_the_code_from_a_script_too(browser: Browser, served: Guard) -> None:
    request = ask(served, "npm publish")
    path = f"/requests/{request['id']}/decide"
    sent = {"verdict": "approve", "gesture": "pointer", "subject": f"{request['id']}:{request['digest']}"}
    assert "last part of the fingerprint" in browser.script(path, sent).json()["message"]
    code = request["fingerprint"].rsplit("-", 1)[1]
    assert browser.script(path, {**sent, "typed": code}).json() == {"go": f"/receipts/{request['id']}"}


def test_a_key_is_no_pointer(browser: Browser, served: Guard) -> None:
    request = ask(served, "curl -X POST https://key.example.com -d @x")
    sent = {"verdict": "approve", "gesture": "typed", "subject": f"{request['id']}:{request['digest']}"}
    assert browser.script(f"/requests/{request['id']}/decide", sent).status_code == 409
    assert browser.script(f"/requests/{request['id']}/decide", {**sent, "gesture": "pointer"}).status_code == 200


def test_a_form_of_one_card_does_nothing_to_another(browser: Browser, served: Guard) -> None:
    one = ask(served, "curl -X POST https://one.example.com -d @x")
    two = ask(served, "curl -X POST https://two.example.com -d @x")
    fields = browser.form(one["id"], "deny-form")
    assert browser.post(f"/requests/{two['id']}/decide", {**fields, "verdict": "deny"}).status_code == 409
    other = {**fields, "subject": f"{two['id']}:{two['digest']}", "verdict": "deny"}
    assert browser.post(f"/requests/{one['id']}/decide", other).status_code == 409
    assert browser.post(f"/requests/{one['id']}/decide", {**fields, "verdict": "deny"}).status_code == 303
    assert call(served.home, "request", {"id": two["id"]})["state"] == "pending"
    assert call(served.home, "request", {"id": one["id"]})["state"] == "denied"


def test_a_script_needs_the_token_of_its_session(browser: Browser, served: Guard) -> None:
    other = Browser(served)
    other.enter()
    request = ask(served, "curl -X POST https://token.example.com -d @x")
    sent = {"verdict": "deny", "subject": f"{request['id']}:{request['digest']}"}
    for token in ("0" * 64, other.token()):
        assert browser.script(f"/requests/{request['id']}/decide", sent, token).status_code == 409
    assert call(served.home, "request", {"id": request["id"]})["state"] == "pending"


def test_a_reader_sees_and_does_not_decide(served: Guard) -> None:
    reader = Browser(served, reader=True)
    reader.enter()
    request = ask(served, "curl -X POST https://reader.example.com -d @x")
    page = reader.get(f"/requests/{request['id']}").text
    assert "made for a reader" in page
    assert 'id="approve"' not in page
    sent = {"verdict": "deny", "subject": f"{request['id']}:{request['digest']}"}
    refused = reader.script(f"/requests/{request['id']}/decide", sent)
    assert refused.status_code == 409
    assert "made for a reader" in refused.json()["message"]
    assert call(served.home, "request", {"id": request["id"]})["state"] == "pending"


def test_what_an_agent_writes_is_shown_as_it_is(browser: Browser, served: Guard) -> None:
    nasty = (
        "curl -X POST https://x.example.com -d '<script>alert(1)</script><img src=x onerror=a() hx-get=/>\u202e\u200b'"
    )
    request = ask(served, nasty)
    page = browser.get(f"/requests/{request['id']}").text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert "&lt;U+202E&gt;&lt;U+200B&gt;" in page


def test_a_new_question_is_heard_at_once(browser: Browser, served: Guard) -> None:
    with browser.http.stream("GET", "/events?known=", headers={"sec-fetch-site": "same-origin"}) as stream:
        lines = stream.iter_lines()
        while not next(lines).startswith("event: ledger"):
            pass
        begun = time.monotonic()
        ask(served, "curl -X POST https://live.example.com -d @x")
        while next(lines) != "event: inbox":
            assert time.monotonic() < begun + 10
        assert next(lines).startswith("data: ")


def test_signing_out_ends_the_session(served: Guard) -> None:
    person = Browser(served)
    person.enter()
    page = person.get("/inbox").text
    token = page.split('action="/logout"')[1].split('name="token" value="')[1].split('"')[0]
    kept = dict(person.http.cookies)
    assert person.post("/logout", {"subject": "", "token": token}).status_code == 200
    assert httpx2.get(f"{person.base}/inbox", cookies=kept).status_code == 401
    assert person.get("/inbox").status_code == 401


def test_the_web_server_is_not_loaded_before_somebody_comes(cold_start: Guard) -> None:
    def loaded() -> bool:
        assert cold_start.process is not None
        with open(f"/proc/{cold_start.process.pid}/maps", encoding="utf-8", errors="replace") as maps:
            return "httptools" in maps.read()

    assert not loaded()
    assert Browser(cold_start).enter().status_code == 303
    assert loaded()


def test_a_panel_that_is_turned_off_says_so(cold_start: Guard) -> None:
    cold_start.stop()
    cold_start.configure("[panel]\nenabled = false\n")
    cold_start.start()
    done = cold_start.cli("panel", "--print")
    assert done.returncode == 27
    assert "turned off" in done.stderr


@pytest.fixture(scope="module")
def cold_start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    guard = Guard(tmp_path_factory.mktemp("cold"))
    guard.start()
    yield guard
    guard.kill()


def test_of_what_is_over_as_much_is_told_as_is_asked_for(served: Guard) -> None:
    numbers = [ask(served, f"curl -X POST https://over{n}.example.com -d @x")["id"] for n in range(3)]
    other = ask(served, "npm publish --tag over", session_id="elsewhere")["id"]
    for number in numbers[:2]:
        call(served.home, "deny", {"id": number})

    def told(**params: Any) -> set[int]:
        return {request["id"] for request in call(served.home, "inbox", params)} & {*numbers, other}

    waiting = {numbers[2], other}
    assert told() == told(past=0) == waiting
    assert told(past=1) == waiting | {numbers[1]}
    assert told(past=10_000) == told(all=True) == {*numbers, other}
    assert told(beside=numbers[2]) == {*numbers, other}
    call(served.home, "deny", {"id": other})
    assert told(beside=numbers[2]) == set(numbers)
