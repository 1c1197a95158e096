"""Messages to people from a real daemon to a real server on loopback: what arrives, and that nobody waits for it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from daemon.conftest import Guard
from interlock.daemon.client import call

ASKS = {"command": "rm -rf ~/photos"}


class Receiver:
    """A webhook's receiver; `hang` makes it take what is sent and answer nothing for so many seconds."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.hang = 0.0
        self.status = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heard.append(json.loads(body))
                time.sleep(receiver.hang)
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def wait(self, count: int) -> list[dict[str, Any]]:
        deadline = time.monotonic() + 15
        while len(self.heard) < count:
            assert time.monotonic() < deadline, self.heard
            time.sleep(0.02)
        return self.heard


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def told(cold: Guard, receiver: Receiver) -> Guard:
    cold.configure(
        '[ask]\nhold_seconds = 0\n[containment]\nshell = "off"\n[approvals]\nasks_an_hour = 6\n'
        f'[notify]\nquiet = []\n[[notify.to]]\nname = "hook"\nkind = "webhook"\nurl = "{receiver.url}"\n'
    )
    cold.start()
    return cold


def test_a_question_reaches_the_webhook_and_its_answer_ends_what_is_sent(told: Guard, receiver: Receiver) -> None:
    told.said_no(told.hook("Bash", ASKS))
    (first,) = receiver.wait(1)
    (request,) = call(told.home, "inbox", {})
    assert first["requests"] == [request["id"]]
    assert first["tier"] == request["tier"]
    assert any(line.startswith("claude session-") for line in first["lines"])
    assert first["lines"][1] == f"would {request['effects'][0]}".replace("://", "[:]//")
    status = told.cli("status", "--json")
    (target,) = json.loads(status.stdout)["notify"]["targets"]
    assert (target["sent"], target["problem"], target["where"]) == (1, "", "127.0.0.1")


def test_a_receiver_that_hangs_delays_no_answer_to_an_agent(told: Guard, receiver: Receiver) -> None:
    receiver.hang = 5.0
    took = []
    for number in range(4):
        began = time.monotonic()
        told.said_no(told.hook("Bash", {"command": f"rm -rf ~/photos-{number}"}))
        took.append(time.monotonic() - began)
        time.sleep(0.4)
    receiver.wait(1)
    assert max(took) < 4.5, took


def test_prompt_bombing_is_one_incident_and_no_rain_of_messages(told: Guard, receiver: Receiver) -> None:
    for number in range(12):
        told.said_no(told.hook("Bash", {"command": f"rm -rf ~/photos-{number}"}))
    deadline = time.monotonic() + 10
    while not any(message["incident"] for message in receiver.heard) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.5)
    incidents = [message["incident"] for message in receiver.heard if message["incident"]]
    assert incidents == ["prompt-bombing"]
    assert len(receiver.heard) <= 5, [message["title"] for message in receiver.heard]


def test_a_trial_says_what_came_of_it_and_an_agent_cannot_have_it_sent(told: Guard, receiver: Receiver) -> None:
    done = told.cli("notify", "--test")
    assert (done.returncode, done.stdout) == (0, "hook: sent\n")
    assert receiver.heard[0]["title"] == "Interlock: a trial message"
    receiver.status = 302
    done = told.cli("notify", "--test", "--to", "hook")
    assert done.returncode == 2
    assert "FAILED: it answers 302, a redirect, which is not followed" in done.stdout
    assert "failing: hook: it answers 302" in told.cli("status").stdout
    assert told.cli("notify", "--test", "--to", "nobody").returncode == 26


def test_configuration_is_read_anew_and_one_that_is_refused_keeps_the_old(told: Guard, receiver: Receiver) -> None:
    file = told.home.config / "interlock.toml"
    good = file.read_text()
    file.write_text(good + '[[notify.to]]\nname = "more"\nkind = "ntfy"\nurl = "https://u:p@n.example/t"\n')
    facts = call(told.home, "notify.status")
    assert [target["name"] for target in facts["targets"]] == ["hook"]
    assert "secret_file" in facts["problem"]
    file.write_text(good + '[[notify.to]]\nname = "screen"\nkind = "desktop"\n')
    facts = call(told.home, "notify.status")
    assert [target["name"] for target in facts["targets"]] == ["hook", "screen"]
    assert facts["problem"] == ""
    done = told.cli("notify", "--test", "--to", "screen")
    assert "no session bus here" in done.stdout


def test_a_project_has_no_say_in_who_is_told(told: Guard) -> None:
    (told.project / "interlock.toml").write_text('[notify]\nquiet = ["00:00-23:59"]\n')
    reason = told.said_no(told.hook("Bash", {"command": "true"}))
    assert "may not set notify" in reason
