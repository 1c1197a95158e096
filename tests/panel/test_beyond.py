"""The panel beyond this machine: what it refuses to listen without, and who signs in there, and how."""

from __future__ import annotations

import dataclasses
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from tests.daemon.conftest import Guard
from tests.daemon.test_provenance import commit, git
from tests.identity.hands import PRESENT, Passkey
from tests.panel.conftest import Browser, ask
from tests.panel.far import FAR, Far, certified, free

from interlock.broker.config import Oidc, Remote
from interlock.daemon import beyond
from interlock.daemon.arriving import Arrivals
from interlock.daemon.client import call
from interlock.identity.people import People, Person
from interlock.model.errors import ConfigError, Refused, StateError

# --- what it does not listen without


def wanted(folder: Path, **other: Any) -> Remote:
    plain = Remote(("127.0.0.1",), free(), "panel.example", str(folder / "panel.pem"), str(folder / "panel.key"))
    return msgspec.structs.replace(plain, **other)


def readable(folder: Path) -> None:
    (folder / "panel.key").chmod(0o640)


def anothers(folder: Path) -> None:
    certified(folder / "other")
    (folder / "panel.key").write_bytes((folder / "other" / "panel.key").read_bytes())


def gone(folder: Path) -> None:
    (folder / "panel.pem").unlink()


PROVIDER = Oidc("https://login.example", "interlock", people={"1": "ada"})


@pytest.mark.parametrize(
    ("other", "spoil", "said"),
    [
        ({"passkeys": False}, None, "no way to sign in"),
        ({"name": "192.0.2.1"}, None, "host name"),
        ({"name": "Panel example"}, None, "host name"),
        ({"listen": ("everywhere",)}, None, "no IP address"),
        ({"oidc": msgspec.structs.replace(PROVIDER, issuer="http://login.example")}, None, "no https"),
        ({"oidc": msgspec.structs.replace(PROVIDER, people={})}, None, "names nobody"),
        ({"oidc": msgspec.structs.replace(PROVIDER, secret_file="/nowhere")}, None, "cannot be read"),
        ({"oidc": msgspec.structs.replace(PROVIDER, reader_groups=("engineering",))}, None, "which claim lists them"),
        ({}, readable, "can be read by others"),
        ({}, anothers, "do not fit together"),
        ({}, gone, "cannot be read"),
    ],
)
def test_what_is_not_safe_is_not_listened_on(
    tmp_path: Path, other: dict[str, Any], spoil: Callable[[Path], None] | None, said: str
) -> None:
    certified(tmp_path, "panel.example")
    if spoil is not None:
        spoil(tmp_path)
    settings = wanted(tmp_path, **other)
    with pytest.raises(ConfigError, match=said):
        beyond.bind(settings)
    with closing(socket.create_server(("127.0.0.1", settings.port))):
        """Nobody listens there."""


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    certified(tmp_path, "panel.example")
    settings = wanted(tmp_path)
    with closing(socket.create_server(("127.0.0.1", settings.port))), pytest.raises(StateError, match="cannot listen"):
        beyond.bind(settings)


# --- a daemon that is served beyond


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    made = Far(tmp_path_factory.mktemp("far"))
    yield made
    made.close()


@pytest.fixture
def http(far: Far) -> Iterator[httpx2.Client]:
    """A browser that nobody has signed in with yet, before a provider that does all right."""
    far.provider.claims, far.provider.wrong = {"sub": "ada-at-work"}, ""
    with far.client() as client:
        yield client


def token(http: httpx2.Client) -> dict[str, str]:
    return {"x-interlock-token": http.get("/inbox").text.split('data-token="')[1].split('"')[0]}


def test_a_person_signs_in_at_the_provider_and_decides(far: Far, http: httpx2.Client) -> None:
    assert "Sign in at your organisation" in http.get("/inbox").text
    entered = far.enter(http)
    assert entered.status_code == 303
    cookie = entered.headers["set-cookie"].lower()
    assert cookie.startswith("__host-interlock=")
    for flag in ("secure", "httponly", "samesite=strict", "path=/"):
        assert flag in cookie
    page = http.get("/inbox")
    assert page.status_code == 200
    assert "max-age" in page.headers["strict-transport-security"]
    request = ask(far.guard, "curl -X POST https://far.example.com -d @x")
    sent = {"verdict": "approve", "gesture": "pointer", "subject": f"{request['id']}:{request['digest']}"}
    assert http.post(f"/requests/{request['id']}/decide", json=sent, headers=token(http)).status_code == 200
    after = call(far.guard.home, "request", {"id": request["id"]})
    assert (after["state"], after["decided_by"], after["decided_how"]) == ("approved", "ada", "panel")
    assert far.logins()[-1] | {"process": ""} == {"person": "ada", "role": "person", "process": "", "by": "oidc"}
    done = far.guard.cli("verify")
    assert done.returncode == 0, done.stdout


def test_what_is_typed_far_away_is_no_strong_yes_and_a_no_is_a_no(far: Far, http: httpx2.Client) -> None:
    far.enter(http)
    request = ask(far.guard, "npm publish")
    path, subject = f"/requests/{request['id']}", f"{request['id']}:{request['digest']}"
    assert "takes a passkey" in http.get(path).text
    code = request["fingerprint"].rsplit("-", 1)[1]
    sent = {"verdict": "approve", "gesture": "typed", "typed": code, "subject": subject}
    refused = http.post(f"{path}/decide", json=sent, headers=token(http))
    assert (refused.status_code, "takes a passkey" in refused.text) == (409, True)
    assert call(far.guard.home, "request", {"id": request["id"]})["votes"] == []
    denied = http.post(f"{path}/decide", json={"verdict": "deny", "subject": subject}, headers=token(http))
    assert denied.status_code == 200
    assert call(far.guard.home, "request", {"id": request["id"]})["state"] == "denied"


def test_what_is_done_on_the_machine_is_done_there(far: Far, http: httpx2.Client) -> None:
    far.enter(http)
    for path, sent in (
        ("/people/passkey/begin", {"name": "ada"}),
        ("/halt/lift", {"subject": "1", "gesture": "pointer"}),
        ("/undo/0/run", {"subject": "0" * 64, "gesture": "pointer"}),
        ("/incidents/0/close", {"how": "mended", "gesture": "pointer"}),
    ):
        refused = http.post(path, json=sent, headers=token(http))
        assert (refused.status_code, "on the machine itself" in refused.text) == (409, True), path


def test_what_went_wrong_is_recorded_from_another_machine(far: Far, http: httpx2.Client) -> None:
    """Who is called at night is elsewhere. Closing one, from which nothing may learn then, is done on the machine."""
    far.enter(http)
    ask(far.guard, "curl -X POST https://wrong.example.com -d @x", session_id="wrong")
    far.guard.hook("Bash", {"command": "ls"}, session_id="wrong")
    sent = {"subject": " wrong", "what": "it told a stranger", "severity": "high"}
    done = http.post("/incidents/new", json=sent, headers=token(http))
    assert done.status_code == 200, done.text
    (entry,) = far.guard.entries("incident")
    assert (entry["body"]["by"], entry["body"]["sessions"]) == ("ada", ["wrong"])
    page = http.get(done.json()["go"]).text
    assert "on the machine itself" in page
    assert "Close incident" not in page


def test_a_reader_of_the_provider_sees_and_does_not_decide(far: Far, http: httpx2.Client) -> None:
    far.provider.claims = {"sub": "auditor"}
    assert far.enter(http).status_code == 303
    request = ask(far.guard, "curl -X POST https://auditor.example.com -d @x")
    sent = {"verdict": "deny", "subject": f"{request['id']}:{request['digest']}"}
    refused = http.post(f"/requests/{request['id']}/decide", json=sent, headers=token(http))
    assert (refused.status_code, "made for a reader" in refused.text) == (409, True)


WRONG = ("a no", "state", "response issuer", "issuer", "audience", "audiences", "party", "expired", "no end", "nonce",
         "unsigned", "shared secret", "key", "key name")  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_a_token_that_is_wrong_opens_nothing(far: Far, http: httpx2.Client, wrong: str) -> None:
    before, far.provider.wrong = far.logins(), wrong
    refused = far.back(http)
    assert refused.status_code == 409, refused.text
    assert 'name="link"' not in refused.text
    assert http.get("/inbox").status_code == 401
    assert far.logins() == before


def test_keys_of_the_provider_change_and_the_old_ones_sign_nothing(far: Far, http: httpx2.Client) -> None:
    assert far.enter(http).status_code == 303
    far.provider.rotate()
    with far.client() as after:
        assert far.enter(after).status_code == 303, "a new key is fetched"
    far.provider.wrong = "old key"
    with far.client() as late:
        assert far.back(late).status_code == 409
        assert late.get("/inbox").status_code == 401


def test_a_provider_that_cannot_be_asked_is_said(far: Far, http: httpx2.Client) -> None:
    begun = http.get(FAR)
    answer = httpx2.get(begun.headers["location"]).headers["location"]
    far.provider.wrong = "broken"
    refused = http.get(answer)
    assert (refused.status_code, "127.0.0.1 answers 500" in refused.text) == (503, True), refused.text
    assert http.get("/inbox").status_code == 401


def test_a_group_of_the_provider_looks_and_a_person_who_is_named_decides(far: Far, http: httpx2.Client) -> None:
    for subject, role in (("somebody", "reader"), ("ada-at-work", "person")):
        far.provider.claims = {"sub": subject, "teams": ["engineering", "x"]}
        with far.client() as one:
            assert far.enter(one).status_code == 303
            assert one.get("/inbox").status_code == 200
        assert far.logins()[-1]["role"] == role
    for teams in (["other"], [], "engineering", ["engineering", 7], {"engineering": True}):
        far.provider.claims = {"sub": "somebody", "teams": teams}
        assert far.back(http).status_code == 409, teams


def test_who_is_in_no_required_group_stays_outside_named_or_not() -> None:
    settings = Oidc("https://login.example", "i", people={"1": "ada"}, readers=("2",), groups="teams",
                    reader_groups=("all",), required_groups=("interlock",))  # fmt: skip
    known = People("log", Person("ada"))
    remote = Remote(("127.0.0.1",), 1, "i.example", "", "", oidc=settings)
    arrivals = Arrivals(remote, "https://i.example/", known, now=lambda: 0.0, counted=_never, there=_never)
    for subject in ("1", "2", "3"):
        with pytest.raises(Refused, match="none of the groups"):
            arrivals.mapped(subject, frozenset({"all"}))
    roles = [arrivals.mapped(subject, frozenset({"all", "interlock"})).role for subject in ("1", "2", "3")]
    assert roles == ["person", "reader", "reader"]


async def _never(*_: Any) -> Any:
    raise AssertionError


@pytest.mark.parametrize("claims", [{"sub": "mallory"}, {"sub": "gone"}, {"sub": 7}, {"sub": ""}])
def test_whom_nobody_named_is_nobody(far: Far, http: httpx2.Client, claims: dict[str, Any]) -> None:
    far.provider.claims = claims
    assert far.back(http).status_code == 409
    assert http.get("/inbox").status_code == 401


def test_an_answer_of_the_provider_is_used_once_and_by_who_asked(far: Far, http: httpx2.Client) -> None:
    begun = http.get(FAR)
    answer = httpx2.get(begun.headers["location"]).headers["location"]
    before = far.provider.exchanges
    with far.client() as thief:
        assert thief.get(answer).status_code == 409  # without what the browser kept
    kept = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
    assert http.get(answer).status_code == 200
    assert http.get(answer, headers={"cookie": kept}).status_code == 409
    assert far.provider.exchanges == before + 1
    assert http.get("/inbox").status_code == 401, "no GET opens a session"


def test_another_page_cannot_begin_a_sign_in(http: httpx2.Client) -> None:
    sent = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    http.headers.pop("origin")
    assert http.get(FAR, headers=sent).status_code == 409


def test_another_host_name_and_plain_http_get_nothing(far: Far, http: httpx2.Client) -> None:
    assert http.get("/inbox", headers={"host": "evil.example"}).status_code == 421
    assert http.get("/inbox", headers={"host": f"127.0.0.1:{far.port}"}).status_code == 421
    with pytest.raises(httpx2.HTTPError):
        httpx2.get(f"http://localhost:{far.port}/inbox")


def test_a_session_of_one_site_is_none_of_the_other(far: Far, http: httpx2.Client) -> None:
    far.enter(http)
    cookie = http.cookies["__Host-interlock"]
    near = Browser(far.guard)
    port = near.base.rsplit(":", 1)[1]
    assert near.get("/inbox", cookie=f"interlock-{port}={cookie}").status_code == 401
    near.enter()
    other = near.http.cookies[f"interlock-{port}"]
    with far.client() as stranger:
        assert stranger.get("/inbox", headers={"cookie": f"__Host-interlock={other}"}).status_code == 401


@pytest.fixture(scope="module")
def device(far: Far) -> Passkey:
    """The owner's passkey for that host name, made by a link for it in a browser on this machine."""
    found = call(far.guard.home, "panel.link", {"remote": True})
    made = Passkey(far.base)
    with far.client() as http:
        assert http.post("/login", data={"link": found["link"].rsplit("/", 1)[1]}).status_code == 303
        owner = call(far.guard.home, "people.list", {})["owner"]
        options = http.post("/people/passkey/begin", json={"name": owner}, headers=token(http)).json()["options"]
        sent = {"name": owner, "label": "a key", "response": made.create(options)}
        assert http.post("/people/passkey/finish", json=sent, headers=token(http)).json() == {"go": "/people"}
    return made


def begun(http: httpx2.Client) -> dict[str, Any]:
    found: dict[str, Any] = http.post("/login/passkey/begin", json={}).json()
    return found


def allowing(options: dict[str, Any], device: Passkey) -> dict[str, Any]:
    """The browser finds its passkey by itself: the page names none."""
    assert options.get("allowCredentials", []) == []
    return options


def test_a_passkey_signs_in_once_and_then_signs_what_is_grave(far: Far, http: httpx2.Client, device: Passkey) -> None:
    page = begun(http)
    sent = {"statement": page["statement"], "response": device.get(allowing(page["options"], device))}
    assert http.post("/login/passkey", json=sent).json() == {"go": "/"}
    assert far.logins()[-1]["by"] == "passkey"
    with far.client() as thief:
        assert "used already" in thief.post("/login/passkey", json=sent).json()["message"]
    request = ask(far.guard, "npm publish --tag far")
    owner = call(far.guard.home, "people.list", {})["owner"]
    path, subject = f"/requests/{request['id']}", f"{request['id']}:{request['digest']}"
    asked = {"verdict": "approve", "subject": subject, "approver": owner}
    drawn = http.post(f"{path}/challenge", json=asked, headers=token(http)).json()
    signed = {"subject": subject, "decision": drawn["decision"], "response": device.get(drawn["options"])}
    assert http.post(f"{path}/passkey", json=signed, headers=token(http)).status_code == 200
    after = call(far.guard.home, "request", {"id": request["id"]})
    assert (after["state"], after["decided_how"]) == ("approved", "passkey")
    assert far.guard.cli("verify").returncode == 0


def test_a_change_is_reviewed_by_passkey_from_another_machine(far: Far, http: httpx2.Client, device: Passkey) -> None:
    """Story: the screen *Changes* was refused to whoever had signed in from elsewhere, and to readers."""
    git(far.guard, "init", "-q", "-b", "main")
    (far.guard.project / "a.py").write_text("a = 1\n")
    commit(far.guard, "before")
    git(far.guard, "checkout", "-q", "-b", "work")
    (far.guard.project / "a.py").write_text("a = 2\n")
    commit(far.guard, "after")
    assert far.guard.cli("gate", "main..work", "--stage", "scope").returncode == 0
    page = begun(http)
    sent = {"statement": page["statement"], "response": device.get(allowing(page["options"], device))}
    assert http.post("/login/passkey", json=sent).json() == {"go": "/"}
    assert http.get("/changes").status_code == 200
    path = f"/changes/{far.guard.entries('gate')[-1]['index']}"
    shown = http.get(f"{path}.json").json()["shown"]
    owner = call(far.guard.home, "people.list", {})["owner"]
    asked = {"shown": shown, "reviewer": owner, "role": "critic", "says": "ok", "because": ""}
    drawn = http.post(f"{path}/challenge", json=asked, headers=token(http)).json()
    signed = {"statement": drawn["statement"], "response": device.get(drawn["options"])}
    assert http.post(f"{path}/review", json=signed, headers=token(http)).json() == {"go": path}
    assert http.post(f"{path}/review", json=signed, headers=token(http)).status_code == 409
    other = {**asked, "shown": "sha256:00"}
    assert "another report" in http.post(f"{path}/challenge", json=other, headers=token(http)).json()["message"]
    assert far.guard.entries("review")[-1]["body"]["by"] == {"person": owner}


def test_what_a_passkey_signed_for_something_else_signs_nobody_in(
    far: Far, http: httpx2.Client, device: Passkey
) -> None:
    page = begun(http)
    request = ask(far.guard, "npm publish --tag other")
    owner = call(far.guard.home, "people.list", {})["owner"]
    asked = {"id": request["id"], "verdict": "approve", "approver": owner, "relying_party": "localhost"}
    drawn = call(far.guard.home, "decide.challenge", asked)
    for statement, options in (
        (page["statement"], drawn["options"]),  # a decision
        (drawn["decision"], drawn["options"]),  # its own text
        (page["statement"].replace("a", "b", 1), page["options"]),  # another sign-in
        (begun(http)["statement"], page["options"]),
    ):
        refused = http.post("/login/passkey", json={"statement": statement, "response": device.get(options)})
        assert refused.status_code == 409, refused.text
    stranger = Passkey(far.base)
    sent = {"statement": page["statement"], "response": stranger.get(page["options"])}
    assert http.post("/login/passkey", json=sent).status_code == 409
    assert http.get("/inbox").status_code == 401


def another_page(device: Passkey) -> dict[str, str]:
    device.origin = device.origin.rsplit(":", 1)[0] + ":1"
    return {}


def another_site(_: Passkey) -> dict[str, str]:
    return {"site": "other.example"}


def unverified(device: Passkey) -> dict[str, str]:
    device.flags = PRESENT
    return {}


def a_copy(device: Passkey) -> dict[str, str]:
    device.count = 0
    return {}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(another_page, "origin"), (another_site, "RP ID"), (unverified, "verif"), (a_copy, "count")],
)
def test_a_signature_of_another_page_site_or_copy_or_of_nobody_opens_nothing(
    far: Far, http: httpx2.Client, device: Passkey, spoil: Callable[[Passkey], dict[str, str]], said: str
) -> None:
    enter = begun(http)
    good = {"statement": enter["statement"], "response": device.get(enter["options"])}
    assert http.post("/login/passkey", json=good).status_code == 200
    page, other = begun(http), dataclasses.replace(device)
    sent = {"statement": page["statement"], "response": other.get(page["options"], **spoil(other))}
    with far.client() as stranger:
        refused = stranger.post("/login/passkey", json=sent)
        assert (refused.status_code, said.lower() in refused.text.lower()) == (409, True), refused.text
        assert stranger.get("/inbox").status_code == 401


def test_who_is_removed_sees_nothing_more(far: Far, http: httpx2.Client) -> None:
    call(far.guard.home, "people.change", {"kind": "person.add", "change": {"name": "nobody", "groups": []}})
    far.provider.claims = {"sub": "gone"}
    assert far.enter(http).status_code == 303
    assert http.get("/inbox").status_code == 200
    call(far.guard.home, "people.change", {"kind": "person.remove", "change": {"name": "nobody"}})
    refused = http.get("/inbox")
    assert refused.status_code == 409
    assert "nobody here any more" in refused.text


def test_settings_that_are_not_safe_leave_the_near_panel_and_say_why(far: Far, tmp_path: Path) -> None:
    guard = Guard(tmp_path)
    certified(guard.home.config)
    (guard.home.config / "panel.key").chmod(0o644)
    settings = (
        f'listen = ["127.0.0.1"]\nport = {free()}\nname = "localhost"\ncertificate = "panel.pem"\nkey = "panel.key"'
    )
    guard.configure(f"[panel.remote]\n{settings}\n")
    guard.start()
    try:
        assert json.loads(guard.cli("panel", "--json").stdout)["link"].startswith("http://localhost:")
        refused = guard.cli("panel", "--remote", "--json")
        assert "can be read by others" in refused.stdout + refused.stderr
        nowhere = guard.cli("people", "invite", guard.cli("people", "list").stdout.split()[0])
        assert "not served beyond this machine: [panel.remote] key:" in nowhere.stderr, nowhere
    finally:
        guard.kill()
