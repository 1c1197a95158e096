"""Attacks on a browser that is signed in: nothing changes, whatever another page, link or name makes it do.

The attacker here knows more than any would: the number of the question, its digest, and a form's token.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from tests.daemon.conftest import Guard
from tests.panel.browser.eyes import Person, state
from tests.panel.browser.foreign import NAMES, Foreign, foreign
from tests.panel.browser.scene import asked

from interlock.daemon.client import call

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def evil() -> Iterator[Foreign]:
    with foreign() as server:
        yield server


class Target:
    """One question, and all that an attacker could want to know of it."""

    def __init__(self, guard: Guard, ada: Person) -> None:
        self.number = asked(guard, "curl -X POST https://target.example.com/ -d @x.json")
        page = ada.visit(f"/requests/{self.number}")
        self.act = f"{ada.base}/requests/{self.number}/decide"
        self.fields = {
            "subject": str(page.get_attribute("#deny-form [name=subject]", "value")),
            "token": str(page.get_attribute("#deny-form [name=token]", "value")),
            "verdict": "deny",
        }
        self.script = str(page.get_attribute("body", "data-token"))


@pytest.fixture(scope="module")
def target(guard: Guard, ada: Person) -> Target:
    return Target(guard, ada)


@pytest.fixture
def unchanged(guard: Guard, target: Target) -> Iterator[None]:
    """Nothing that a test does changes anything."""
    before = state(guard)
    yield
    assert state(guard) == before
    assert call(guard.home, "request", {"id": target.number})["state"] == "pending"


def lured(ada: Person, evil: Foreign, name: str, page: str) -> Page:
    """The person opens a page of the attacker's in a tab beside the panel."""
    evil.page, evil.heard = f"<!doctype html><title>kittens</title>{page}", []
    tab = ada.context.new_page()
    tab.goto(evil.address(name) + "/")
    return tab


def form(act: str, fields: dict[str, str], enctype: str) -> str:
    inputs = "".join(f'<input name="{html.escape(k)}" value="{html.escape(v)}">' for k, v in fields.items())
    return f'<form id="f" method="post" action="{act}" enctype="{enctype}">{inputs}</form>'


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("enctype", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
def test_a_form_of_another_page(ada: Person, evil: Foreign, target: Target, name: str, enctype: str) -> None:
    fields = target.fields
    if enctype == "text/plain":  # one field whose name and value are JSON, with the `=` inside of a string
        said = json.dumps({**fields, "x": "="})
        fields = {said.partition("=")[0]: said.partition("=")[2]}
    tab = lured(ada, evil, name, form(target.act, fields, enctype))
    with tab.expect_navigation() as gone:
        tab.evaluate("document.getElementById('f').submit()")
    assert gone.value.status == 403
    tab.close()


FETCH = """async ([url, kind, body, token, mode]) => {
  try {
    const headers = {"Content-Type": kind};
    if (token) headers["X-Interlock-Token"] = token;
    const answer = await fetch(url, {method: "POST", mode, credentials: "include", headers, body});
    return answer.type === "opaque" ? "opaque" : `read ${answer.status}`;
  } catch (error) { return "refused"; }
}"""


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("name", NAMES)
def test_a_script_of_another_page(ada: Person, evil: Foreign, target: Target, name: str) -> None:
    tab = lured(ada, evil, name, "")
    body = json.dumps({**target.fields, "gesture": "pointer"})
    for kind, token, mode in (
        ("application/json", target.script, "cors"),
        ("text/plain", target.script, "cors"),
        ("text/plain", "", "no-cors"),
        ("application/x-www-form-urlencoded", "", "no-cors"),
    ):
        assert tab.evaluate(FETCH, [target.act, kind, body, token, mode]) in {"refused", "opaque"}
    tab.close()


LISTEN = """async (url) => new Promise((done) => {
  const stream = new EventSource(url, {withCredentials: true}), said = [];
  for (const kind of ["open", "message", "inbox", "ledger"]) stream.addEventListener(kind, () => said.push(kind));
  stream.addEventListener("error", () => { stream.close(); done(said); });
  setTimeout(() => { stream.close(); done([...said, "goes on"]); }, 5000);
})"""
READ = """async (url) => {
  try { return await (await fetch(url, {credentials: "include"})).text(); } catch (error) { return ""; }
}"""


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("name", NAMES)
def test_another_page_neither_listens_nor_reads(ada: Person, evil: Foreign, name: str) -> None:
    tab = lured(ada, evil, name, "")
    assert tab.evaluate(LISTEN, f"{ada.base}/events?known=") == []
    for path in ("/inbox", "/inbox.json", "/now.json", "/ledger/1.json"):
        assert tab.evaluate(READ, ada.base + path) == ""
    tab.close()


@pytest.mark.usefixtures("unchanged")
def test_a_name_that_was_led_here(ada: Person, target: Target) -> None:
    """DNS rebinding: the panel's own port, under a name of the attacker's."""
    port = ada.base.rsplit(":", 1)[1]
    tab = ada.context.new_page()
    answer = tab.goto(f"http://evil.example:{port}/inbox")
    assert answer is not None
    assert answer.status == 421
    assert "target.example.com" not in tab.content()
    here = f"http://evil.example:{port}"
    body = json.dumps({**target.fields, "gesture": "pointer"})
    act = target.act.replace(ada.base, here)
    assert tab.evaluate(FETCH, [act, "application/json", body, target.script, "cors"]) == "read 421"
    assert tab.evaluate(LISTEN, f"{here}/events?known=") == []
    tab.close()


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("name", NAMES)
def test_a_frame_under_the_pointer(ada: Person, evil: Foreign, target: Target, name: str) -> None:
    """Clickjacking: the card in a frame that cannot be seen, and clicks all over it."""
    src = f"{ada.base}/requests/{target.number}"
    tab = lured(ada, evil, name, f'<iframe src="{src}" width="900" height="1200" style="opacity:0.01"></iframe>')
    tab.wait_for_timeout(1_000)
    (frame,) = [one for one in tab.frames if one is not tab.main_frame]
    assert frame.url != src
    for y in range(50, 700, 130):
        tab.mouse.click(200, y)
    tab.close()


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("name", NAMES)
def test_addresses_that_are_fetched_without_being_asked_for(
    ada: Person, evil: Foreign, target: Target, name: str
) -> None:
    query = "?verdict=approve&" + "&".join(f"{key}={value}" for key, value in target.fields.items())
    acts = [f"/requests/{target.number}", f"/requests/{target.number}/decide{query}", "/halt/order?what=freeze",
            "/agents/halt?what=kill", "/grants/revoke?subject=1", "/logout", "/login?link=x"]  # fmt: skip
    tags = "".join(
        f'<img src="{url}"><link rel="prefetch" href="{url}"><script src="{url}"></script>'
        f'<link rel="stylesheet" href="{url}"><object data="{url}"></object>'
        for url in (html.escape(ada.base + act) for act in acts)
    )
    rules = json.dumps({"prerender": [{"urls": [ada.base + act for act in acts], "eagerness": "immediate"}]})
    tab = lured(ada, evil, name, f'{tags}<script type="speculationrules">{rules}</script>')
    tab.wait_for_timeout(1_000)
    for act in acts:  # and opened whole, as a link in a message would
        tab.goto(ada.base + act)
    tab.close()
    assert ada.visit("/inbox").is_visible("#screen"), "still signed in"


@pytest.mark.usefixtures("unchanged")
def test_a_link_that_is_fetched_in_advance_still_works_and_once_alone(
    browser: Browser, ada: Person, evil: Foreign, guard: Guard
) -> None:
    del guard
    link = Person(browser, ada.guard)
    tags = f'<img src="{link.link}"><link rel="prefetch" href="{link.link}"><iframe src="{link.link}"></iframe>'
    tab = lured(ada, evil, "evil.example", tags)
    tab.wait_for_timeout(500)
    tab.close()
    answer = link.page.goto(link.link)
    assert answer is not None
    assert answer.status == 200
    link.close()


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_signed_in_by_another_page(
    browser: Browser, guard: Guard, evil: Foreign, target: Target, name: str
) -> None:
    """Login CSRF: the attacker's link, sent by the attacker's page. The link stays good; nobody used it."""
    before = state(guard)
    victim = Person(browser, guard)
    secret = victim.link.rsplit("/", 1)[1]
    act = form(f"{victim.base}/login", {"link": secret}, "application/x-www-form-urlencoded")
    tab = lured(victim, evil, name, act)
    with tab.expect_navigation() as gone:
        tab.evaluate("document.getElementById('f').submit()")
    assert gone.value.status == 403
    assert victim.context.cookies() == []
    assert state(guard) == before
    assert victim.enter().page.is_visible("#screen")
    victim.close()


def test_a_link_that_was_used_opens_nothing_again(browser: Browser, guard: Guard) -> None:
    first = Person(browser, guard).enter()
    before = state(guard)
    second = Person(browser, guard)
    for address in (first.link, first.link + "?again", f"{first.base}/inbox"):
        answer = second.page.goto(address)
        assert answer is not None
        assert answer.status in {401, 410}
        assert not second.page.is_visible("#enter")
    secret = first.link.rsplit("/", 1)[1]
    sent = second.page.evaluate(
        "async (link) => (await fetch('/login', {method: 'POST', body: new URLSearchParams({link})})).status", secret
    )
    assert sent == 410
    assert second.context.cookies() == []
    assert state(guard) == before
    first.close()
    second.close()


def test_a_planted_session_is_not_the_one_that_is_entered(browser: Browser, guard: Guard, evil: Foreign) -> None:
    """Session fixation: a server at another port of this host sets the panel's cookie, before and after the login.

    What it plants is a session that exists, and belongs to this very browser: somebody else's, who may only look.
    """
    other = Person(browser, guard, reader=True).enter()
    (known,) = other.context.cookies()
    victim, before = Person(browser, guard), state(guard)
    for path in ("/", "/requests"):
        evil.cookie = f"{known['name']}={known['value']}; Path={path}"
        lured(victim, evil, "localhost", "").close()
        if path == "/":
            assert [one["value"] for one in victim.context.cookies()] == [known["value"]]
            victim.enter()
            before = state(guard)
    evil.cookie = ""
    assert [one["value"] for one in victim.context.cookies() if one["path"] == "/"] != [known["value"]]
    page = victim.visit(f"/requests/{before[1][0][0]}")
    assert page.is_visible("#deny"), "hers, and not the reader's"
    assert state(guard) == before
    other.close()
    victim.close()


@pytest.mark.usefixtures("unchanged")
def test_no_address_leads_out_of_the_panel(ada: Person, evil: Foreign, target: Target) -> None:
    out = evil.address("evil.example")
    evil.heard = []
    host = out.removeprefix("http://")
    paths = (f"/{out}", f"//{host}/", f"/\\{host}/", f"/%2f%2f{host}", f"/inbox?next={out}", f"/login?next={out}",
             f"/inbox/1?to={out}", f"/inbox/1%0d%0alocation:{out}", f"/entry/1//{host}")  # fmt: skip
    for path in paths:
        ada.page.goto(ada.base + path)
        assert ada.page.url.startswith(ada.base + "/"), path
    page = ada.visit(f"/requests/{target.number}")
    sent = """async ([act, fields]) => {
      const answer = await fetch(act, {method: "POST", body: new URLSearchParams(fields), redirect: "follow"});
      return answer.url;
    }"""
    more = {"next": out, "go": out, "return": out, "verdict": "neither"}
    assert str(page.evaluate(sent, [target.act, {**target.fields, **more}])).startswith(ada.base + "/")
    assert evil.heard == []


def test_the_very_form_is_taken_from_its_own_page(ada: Person, guard: Guard, target: Target) -> None:
    """What the attacks above sent was right in every other way."""
    page = ada.visit(f"/requests/{target.number}")
    fields = {**target.fields, "because": "the test's own"}
    sent = "async ([act, fields]) => (await fetch(act, {method: 'POST', body: new URLSearchParams(fields)})).status"
    assert page.evaluate(sent, [target.act, fields]) == 200
    found = call(guard.home, "request", {"id": target.number})
    assert (found["state"], found["because"]) == ("denied", "the test's own")
    assert re.fullmatch(r"\d+:sha256:[0-9a-f]{64}|\d+:[0-9a-f]{64}", target.fields["subject"])
