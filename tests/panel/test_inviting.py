"""Inviting somebody who has no shell here, over real TLS: from the administrator's command to their first sign-in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.daemon.test_people import keygen
from tests.identity.hands import PRESENT, Passkey, b64
from tests.panel.far import Far
from tests.panel.test_serving import below_an_agent

from interlock.daemon.client import call

FINISH = """
import httpx2, json, ssl, sys
base, certificate, body = sys.argv[1:]
context = ssl.create_default_context(cafile=certificate)
print(httpx2.post(f"{base}/enrol/finish", json=json.loads(body), headers={"origin": base}, verify=context).status_code)
"""


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    made = Far(tmp_path_factory.mktemp("inviting"))
    yield made
    made.close()


@pytest.fixture
def http(far: Far) -> Iterator[httpx2.Client]:
    with far.client() as client:
        yield client


def added(far: Far, name: str) -> str:
    call(far.guard.home, "people.change", {"kind": "person.add", "change": {"name": name, "groups": ["approvers"]}})
    return name


def secret(link: str) -> str:
    return link.rsplit("/", 1)[1]


def begun(http: httpx2.Client, link: str) -> Any:
    answer = http.post("/enrol/begin", json={"link": secret(link)})
    assert answer.status_code == 200, answer.text
    return answer.json()["options"]


def finished(http: httpx2.Client, link: str, response: str) -> httpx2.Response:
    return http.post("/enrol/finish", json={"link": secret(link), "response": response, "label": "a laptop"})


def offered(http: httpx2.Client, link: str, device: Passkey) -> str:
    """The words that the invited browser shows."""
    answer = finished(http, link, device.create(begun(http, link)))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["words"])


def signs_in(http: httpx2.Client, device: Passkey) -> httpx2.Response:
    page = http.post("/login/passkey/begin", json={}).json()
    sent = {"statement": page["statement"], "response": device.get(page["options"])}
    return http.post("/login/passkey", json=sent)


def test_who_is_invited_signs_in_once_the_words_were_read_out(far: Far, http: httpx2.Client) -> None:
    added(far, "bea")
    done = far.guard.cli("people", "invite", "bea", "--for", "10m")
    link, device = done.stdout.strip(), Passkey(far.base)
    assert "interlock people accept bea WORDS" in done.stderr
    page = http.get(f"/enrol/{secret(link)}")
    assert (page.status_code, "A passkey for bea" in page.text) == (200, True)
    options = begun(http, link)
    assert options["authenticatorSelection"]["residentKey"] == "required", "a browser must find it by itself"
    answer = finished(http, link, device.create(options))
    words = answer.json()["words"]
    assert "nobody's here" in signs_in(http, device).json()["message"], "it counts for nothing before it is accepted"
    assert "interlock people accept bea WORDS" in far.guard.cli("people", "show", "bea").stdout
    accepted = far.guard.cli("people", "accept", "bea", *words.split("-"))
    assert accepted.stdout.startswith("bea signs in with a passkey now."), accepted.stdout + accepted.stderr
    assert signs_in(http, device).json() == {"go": "/"}
    assert http.get("/inbox").status_code == 200
    kinds = ("person.invite", "person.offer", "person.key.add")
    invited, offer, key = (far.guard.entries(kind)[-1]["body"] for kind in kinds)
    owner = call(far.guard.home, "people.list")["owner"]
    assert (invited["name"], invited["by"], invited["seconds"]) == ("bea", owner, 600)
    assert (offer["name"], offer["key"], offer["from"]) == ("bea", key["change"]["keys"][0]["id"], "127.0.0.1")
    assert secret(link) not in far.guard.cli("log", "--json").stdout
    assert far.guard.cli("verify").returncode == 0


def test_a_link_is_used_once(far: Far, http: httpx2.Client) -> None:
    link, device = far.invite(added(far, "cleo")), Passkey(far.base)
    response = device.create(begun(http, link))
    assert finished(http, link, response).status_code == 200
    assert "used already" in finished(http, link, response).json()["message"]
    assert "used already" in http.post("/enrol/begin", json={"link": secret(link)}).json()["message"]
    page = http.get(f"/enrol/{secret(link)}")
    assert (page.status_code, "used already" in page.text, 'id="enrol"' in page.text) == (410, True, False)


def test_what_was_made_for_one_beginning_answers_no_other(far: Far, http: httpx2.Client) -> None:
    link, device = far.invite(added(far, "dora")), Passkey(far.base)
    first = device.create(begun(http, link))
    begun(http, link)
    assert finished(http, link, first).status_code == 409
    other = far.invite(added(far, "dan"))
    assert finished(http, other, device.create(begun(http, link))).status_code == 409, "another person's link"
    assert not {"dora", "dan"} & {offer["name"] for offer in call(far.guard.home, "people.offers")}


@pytest.mark.parametrize("device", [Passkey("https://evil.example"), Passkey("http://localhost"), "unverified"])
def test_what_another_page_or_nobody_made_is_refused_and_the_link_stays(
    far: Far, http: httpx2.Client, device: Passkey | str
) -> None:
    made = Passkey(far.base, flags=PRESENT) if isinstance(device, str) else device
    link = far.invite("ada")
    assert finished(http, link, made.create(begun(http, link))).status_code == 409
    assert offered(http, link, Passkey(far.base))


def test_the_words_of_one_add_no_key_to_another(far: Far, http: httpx2.Client) -> None:
    words = {name: offered(http, far.invite(added(far, name)), Passkey(far.base)) for name in ("eve", "fay")}
    for name, said in (("eve", words["fay"]), ("ada-who", words["eve"])):
        refused = far.guard.cli("people", "accept", name, said)
        assert refused.returncode != 0, refused.stdout
    assert [key for person in call(far.guard.home, "people.list")["people"] if person["name"] in words
            for key in person["authenticators"]] == []  # fmt: skip
    assert far.guard.cli("people", "accept", "eve", words["eve"]).returncode == 0
    assert far.guard.cli("people", "accept", "eve", words["eve"]).returncode != 0, "once"


def test_a_passkey_that_is_somebodys_already_is_not_offered(far: Far, http: httpx2.Client) -> None:
    device = Passkey(far.base)
    far.guard.cli("people", "accept", "gil", offered(http, far.invite(added(far, "gil")), device))
    link = far.invite(added(far, "guy"))
    assert "somebody's here already" in finished(http, link, device.create(begun(http, link))).json()["message"]


def test_who_was_removed_makes_nothing_and_nothing_of_theirs_is_accepted(far: Far, http: httpx2.Client) -> None:
    waiting = offered(http, far.invite(added(far, "hal")), Passkey(far.base))
    link, device = far.invite(added(far, "ida")), Passkey(far.base)
    response = device.create(begun(http, link))
    for name in ("hal", "ida"):
        call(far.guard.home, "people.change", {"kind": "person.remove", "change": {"name": name}})
    assert "ida was removed" in finished(http, link, response).json()["message"]
    assert http.get(f"/enrol/{secret(link)}").status_code == 410
    added(far, "hal")  # another person of that name
    assert far.guard.cli("people", "accept", "hal", waiting).returncode != 0
    assert "was removed" in http.get(f"/enrol/{secret(link)}").text


def test_no_agent_invites_and_no_agents_program_follows_a_link(far: Far, http: httpx2.Client) -> None:
    link = far.invite(added(far, "jan"))
    agents = below_an_agent(far.guard, sys.executable, "-m", "interlock.cli.main", "people", "invite", "jan")
    assert (agents.returncode, "started by the agent" in agents.stderr) != (0, False), agents
    response = Passkey(far.base).create(begun(http, link))
    body = json.dumps({"link": secret(link), "response": response})
    certificate = str(far.guard.home.config / "panel.pem")
    done = below_an_agent(far.guard, sys.executable, "-c", FINISH, far.base, certificate, body)
    assert done.stdout.strip() == "409", done
    assert far.guard.entries("alarm")[-1]["body"]["alarm"] == "panel-invitation"
    assert "no person" in http.get(f"/enrol/{secret(link)}").text, "the link is ended by that"


def test_two_administrators_accept_together_as_they_add_every_key(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    far = Far(tmp_path_factory.mktemp("guarded"))
    try:
        bob, statement = keygen(tmp_path, "bob"), tmp_path / "ada.json"
        assert far.guard.cli("people", "add", "bob", "--group", "admins", "--key", f"{bob}.pub").returncode == 0
        device = Passkey(far.base)
        with far.client() as http:
            accept = ("people", "accept", "ada", offered(http, far.invite("ada"), device))
            alone = far.guard.cli(*accept)
            assert "2 administrators together" in alone.stderr, alone
            assert far.guard.cli(*accept, "--statement", str(statement)).returncode == 0
            words = ["ssh-keygen", "-q", "-Y", "sign", "-n", "interlock-people@v1", "-f", str(bob), str(statement)]
            subprocess.run(words, check=True)
            both = far.guard.cli(*accept, "--signature", f"{statement}.sig")
            assert both.returncode == 0, both.stderr
            assert signs_in(http, device).status_code == 200
    finally:
        far.close()


def test_who_had_the_link_first_is_the_person_once_their_words_are_taken(far: Far, http: httpx2.Client) -> None:
    """The open risk of the register: the words say which key it is, and a voice says whose."""
    link, thief = far.invite(added(far, "kim")), Passkey(far.base)
    words = offered(http, link, thief)
    assert http.get(f"/enrol/{secret(link)}").status_code == 410, "kim sees that somebody was there"
    assert far.guard.cli("people", "accept", "kim", words).returncode == 0
    assert signs_in(http, thief).status_code == 200
    call(
        far.guard.home, "people.change", {"kind": "person.key.remove", "change": {"name": "kim", "key": b64(thief.id)}}
    )
    refused = http.get("/inbox")
    assert (refused.status_code, "passkey that you signed in with was removed" in refused.text) == (409, True)
    assert signs_in(http, thief).status_code == 409


def test_a_session_is_not_of_the_next_person_with_that_name(far: Far, http: httpx2.Client) -> None:
    device = Passkey(far.base)
    words = offered(http, far.invite(added(far, "lou")), device)
    assert far.guard.cli("people", "accept", "lou", words).returncode == 0
    assert signs_in(http, device).status_code == 200
    assert http.get("/inbox").status_code == 200
    call(far.guard.home, "people.change", {"kind": "person.remove", "change": {"name": "lou"}})
    added(far, "lou")
    refused = http.get("/inbox")
    assert (refused.status_code, "added anew" in refused.text) == (409, True)
    assert http.get("/inbox").status_code == 401, "the session is over, and the page to sign in is there again"
