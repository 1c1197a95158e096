"""Incidents in the panel: recorded on what a page is about, traced, named beside it, and closed by a person's hand."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from tests.daemon.conftest import Guard
from tests.daemon.test_provenance import commit, git, write
from tests.panel.conftest import Browser, armed

from interlock.daemon.client import call
from interlock.model.errors import UsageError
from interlock.panel.screens import incidents, recording
from interlock.panel.stories import told

WHAT = {"what": "orders were\r\ncharged twice", "severity": "high"}


@pytest.fixture(scope="module")
def shop(served: Guard) -> dict[str, int]:
    """A repository whose last commit has a file of an agent: the entries of its attestation, and of the Write."""
    git(served, "init", "-q", "-b", "main")
    (served.project / "README").write_text("a shop\n")
    commit(served, "before")
    served.hook("", {}, event="SessionStart")
    write(served, "shop.py", "def sell():\n    return 1\n")
    commit(served, "sell")
    assert served.cli("attest").returncode == 0
    (action,) = (entry["index"] for entry in served.entries("intent") if entry["body"]["tool"] == "Write")
    return {"change": served.entries("attestation")[-1]["index"], "action": action}


def form(browser: Browser, page: str, act: str) -> dict[str, str]:
    """The hidden fields of the form for an act, of a page that has been there for as long as a person reads."""
    text = browser.get(page).text
    inside = text[text.index(f'method="post" action="{act}"') :].split("</form>")[0]
    armed()
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', inside))


def recorded(browser: Browser, query: dict[str, Any]) -> int:
    """One that was recorded in the panel, by the form of what the query names."""
    fields = form(browser, f"/incidents/record?{urlencode(query)}", "/incidents/new")
    done = browser.post("/incidents/new", {**fields, **WHAT})
    assert done.status_code == 303, done.text
    return int(done.headers["location"].removeprefix("/incidents/"))


def count(guard: Guard) -> int:
    return len(call(guard.home, "incident.list")["incidents"])


def test_an_incident_is_recorded_on_a_change_and_named_wherever_it_leads(
    browser: Browser, served: Guard, shop: dict[str, int]
) -> None:
    page = browser.get(f"/changes/{shop['change']}").text
    assert f'href="/incidents/record?entries={shop["change"]}"' in page
    assert "t-incidents" not in page
    number = recorded(browser, {"entries": shop["change"]})
    (entry,) = served.entries("incident")
    head = git(served, "rev-parse", "HEAD")
    assert (entry["index"], entry["body"]["what"]) == (number, "orders were charged twice")
    assert entry["body"]["by"] == call(served.home, "people.list", {})["owner"]
    assert [row["commit"] for row in entry["body"]["commits"]] == [head]
    assert entry["body"]["behind"]["models"] == ["claude-test-1"]
    shown = browser.get(f"/incidents/{number}").text
    for said in (
        f'href="/changes/{shop["change"]}"',
        f'href="/ledger/{shop["action"]}"',
        "claude-test-1",
        "session=session-1",
    ):
        assert said in shown
    assert f'href="/incidents/{number}"' in browser.get("/incidents").text
    for place, through in (
        (f"/changes/{shop['change']}", "names the commit"),
        (f"/ledger/{shop['change']}", "names the commit"),
        (f"/ledger/{shop['action']}", "traced to the action"),
    ):
        beside = browser.get(place).text
        assert f'href="/incidents/{number}"' in beside
        assert through in beside
    assert f'href="/incidents/{number}"' in browser.get(f"/ledger/{number}").text
    marked = '<span class="mark bad">1 incident open</span>'
    assert browser.get("/changes").text.count(marked) == 1
    for kind, rows in (("attestation", 1), ("intent", 1), ("session", 0)):
        assert browser.get(f"/ledger?kind={kind}").text.count(marked) == rows, kind
    assert "/incidents/record" not in browser.get("/ledger/0").text  # of nothing that an incident comes from


def test_on_a_change_of_several_commits_it_is_recorded_on_all_of_them(browser: Browser, served: Guard) -> None:
    first = git(served, "rev-parse", "HEAD")
    names = []
    for name in ("one.py", "two.py"):
        write(served, name, f"NAME = {name!r}\n")
        names.append(commit(served, name))
        assert served.cli("attest").returncode == 0
    served.cli("gate", f"{first}..HEAD", "--no-cache")
    judged = served.entries("gate")[-1]["index"]
    link = html.unescape(browser.get(f"/changes/{judged}").text.split('href="/incidents/record?')[1].split('"')[0])
    number = recorded(browser, dict(parse_qsl(link)))
    of = {row["commit"] for row in call(served.home, "incident.show", {"id": number})["commits"]}
    assert of == set(names)


def test_it_is_recorded_on_a_whole_session(browser: Browser, served: Guard, shop: dict[str, int]) -> None:
    link = "/incidents/record?session=session-1"
    assert link in browser.get("/agents/session?agent=claude&session=session-1").text
    number = recorded(browser, {"session": "session-1"})
    assert call(served.home, "incident.show", {"id": number})["sessions"] == ["session-1"]
    assert "names the whole session" in browser.get(f"/ledger/{shop['action']}").text


def test_a_session_whose_name_does_not_show_is_recorded_as_it_is(browser: Browser, served: Guard) -> None:
    """An agent chooses the name: what its page links, what the form carries and what is recorded are the very same."""
    name = " night\u202e\u200b\x1b\n<U+202E> & " + "x" * 150
    served.hook("Bash", {"command": "ls"}, session_id=name)
    (held,) = {entry["body"]["principal"]["session"] for entry in served.entries("intent")} - {"session-1"}
    page = browser.get(f"/agents/session?{urlencode({'agent': 'claude', 'session': held})}").text
    link = html.unescape(page.split('href="/incidents/record?')[1].split('"')[0])
    number = recorded(browser, dict(parse_qsl(link)))
    assert call(served.home, "incident.show", {"id": number})["sessions"] == [held]
    for path in (f"/incidents/record?{link}", f"/incidents/{number}", "/incidents"):
        assert "\u202e" not in browser.get(path).text
    linked = browser.get(f"/incidents/{number}").text.split('href="/agents/session?')[1].split('"')[0]
    assert dict(parse_qsl(html.unescape(linked)))["session"] == held


def test_when_it_happened_is_utc_and_has_happened(browser: Browser, served: Guard, shop: dict[str, int]) -> None:
    page = f"/incidents/record?entries={shop['action']}"
    fields = {**form(browser, page, "/incidents/new"), **WHAT}
    before = count(served)
    for at, why in (
        ("2999-01-01T10:00", "is to come"),
        ("2026-01-02T10:00+05:00", "is no time"),
        ("then", "is no time"),
    ):
        refused = browser.post("/incidents/new", {**fields, "at": at})
        assert (refused.status_code, why in refused.text) == (400, True)
    assert count(served) == before
    done = browser.post("/incidents/new", {**fields, "at": "2026-01-02T10:00"})
    number = int(done.headers["location"].removeprefix("/incidents/"))
    assert call(served.home, "incident.show", {"id": number})["at"] == "2026-01-02T10:00:00.000000Z"


def test_what_is_recorded_is_what_was_shown(browser: Browser, served: Guard, shop: dict[str, int]) -> None:
    """A form's token is bound to what it was painted for, and nothing goes before anybody could have read it."""
    fields = form(browser, f"/incidents/record?entries={shop['action']}", "/incidents/new")
    before = count(served)
    for more, status in (({"subject": f"{shop['change']} "}, 409), ({"what": " "}, 400), ({"severity": "dire"}, 400)):
        assert browser.post("/incidents/new", {**fields, **WHAT, **more}).status_code == status, more
    assert browser.post("/incidents/new", {**fields, **WHAT}, origin="https://evil.example").status_code == 403
    page = browser.get(f"/incidents/record?entries={shop['action']}").text
    token = page.split('method="post" action="/incidents/new"')[1].split('name="token" value="')[1].split('"')[0]
    quick = browser.post("/incidents/new", {**fields, **WHAT, "token": token})
    assert "quicker than a person reads" in quick.text
    assert count(served) == before


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"entries": "9x"}, "is no number of an entry"),
        ({"entries": "0"}, "entry 0 is no action, and of no commit"),
        ({"session": "nobody"}, "has no action in the ledger"),
    ],
)
def test_what_leads_to_nothing_is_said_where_it_was_typed(
    browser: Browser, shop: dict[str, int], query: dict[str, str], why: str
) -> None:
    page = browser.get(f"/incidents/record?{urlencode(query)}")
    assert page.status_code == 200
    assert why in page.text
    assert "Record it" not in page.text


def test_it_is_closed_by_hand_and_once(browser: Browser, served: Guard, shop: dict[str, int]) -> None:
    number = recorded(browser, {"entries": shop["action"]})
    path = f"/incidents/{number}/close"
    fields = {**form(browser, f"/incidents/{number}", path), "because": "the network\twas down"}
    assert "type the word close" in browser.post(path, {**fields, "how": "mistaken"}).text
    assert "say how it ended" in browser.post(path, {**fields, "how": "", "said": "close"}).text
    other = recorded(browser, {"entries": shop["action"]})
    assert browser.post(f"/incidents/{other}/close", {**fields, "how": "mistaken", "said": "close"}).status_code == 409
    assert [one["state"] for one in call(served.home, "incident.list")["incidents"][:2]] == ["open", "open"]
    assert (
        browser.post(path, {**fields, "how": "mistaken", "said": "close"}).headers["location"] == f"/incidents/{number}"
    )
    (closed,) = served.entries("incident.close")
    assert (closed["body"]["as"], closed["body"]["because"]) == ("mistaken", "the network was down")
    shown = browser.get(f"/incidents/{number}").text
    assert "the network was down" in shown
    assert "Close it" not in shown
    assert f'href="/incidents/{number}"' in browser.get(f"/ledger/{closed['index']}").text
    (marks,) = call(served.home, "incident.marks", {"entries": [shop["action"]]})["marks"].values()
    states = [
        one["state"] for one in call(served.home, "incident.touching", {"entries": [shop["action"]]})["incidents"]
    ]
    assert (states.count("open"), states.count("mistaken")) == (marks, 1)
    again = browser.post(path, {**fields, "how": "mended", "said": "close"})
    assert (again.status_code, "was closed as mistaken" in again.text) == (409, True)


def test_a_reader_sees_them_and_has_no_form(served: Guard, browser: Browser, shop: dict[str, int]) -> None:
    number = recorded(browser, {"entries": shop["change"]})
    reader = Browser(served, reader=True)
    assert reader.enter().status_code == 303
    for path in (
        "/incidents",
        f"/incidents/{number}",
        f"/changes/{shop['change']}",
        "/incidents/record?session=session-1",
    ):
        page = reader.get(path)
        assert page.status_code == 200, path
        assert "charged twice" in page.text or "records none" in page.text
        assert 'method="post" action="/incidents' not in page.text
        assert "Record an incident …" not in page.text


def one(number: int, state: str = "open", closed: str = "", **more: Any) -> dict[str, Any]:
    behind = {"actions": 2, "agents": ["claude"], "models": ["m-1"], "prompts": [], "tools": ["Write"]}
    row = {
        "entry": number, "what": "x", "severity": "low", "state": state, "at": "2026-11-29T02:00:00Z", "by": "ann",
        "commits": [{"repository": "/p/.git", "commit": "a" * 40}], "actions": [3], "sessions": ["s"], "behind": behind,
    }  # fmt: skip
    return {**row, **({"closed": {"time": closed}} if closed else {}), **more}


def test_the_list_has_what_is_open_and_what_was_closed_in_its_time() -> None:
    old, late = "2026-11-01T02:00:00Z", "2026-11-29T02:00:00Z"
    found = [one(9), one(8, "mended", late), one(7, "mistaken", old), one(6)]
    seen = incidents.view(found, 1_795_000_000.0)
    assert [[row.entry for row in rows] for rows in (seen.open, seen.closed)] == [[9, 6], [8]]
    assert (seen.older, seen.more) == (1, 0)
    assert seen.open[0].of == ("commit aaaaaaaaaaaa", "action #3", "session s")
    assert seen.open[0].behind == "2 actions of claude, m-1"
    many = incidents.view([one(number) for number in range(250)], 0.0)
    assert (len(many.open), many.more) == (200, 50)
    assert incidents.behind({"actions": 0}) == "no action that is known"


def test_numbers_are_read_as_people_type_them() -> None:
    assert recording.numbers(" 417, #431\n417 ") == [417, 431]
    assert recording.numbers("") == []
    for wrong in ("x", "-1", "1.5", "9" * 12, "\u0663"):
        with pytest.raises(UsageError, match="is no number"):
            recording.numbers(wrong)


def test_the_lines_of_the_ledger_lead_to_their_incident() -> None:
    assert told("incident", {"what": "x", "severity": "low", "by": "ann", "behind": {"actions": 1}})[3] == "/incidents"
    assert told("incident.close", {"incident": 7, "as": "mended", "by": "ann"})[3] == "/incidents/7"
