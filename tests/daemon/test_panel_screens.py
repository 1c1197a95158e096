"""The panel's screens on a real daemon: what they show of hostile sessions, and where each gesture goes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest

from daemon.conftest import Guard
from daemon.visitor import Visitor, forms
from interlock.daemon.client import call
from interlock.ledger.note import parse_checkpoint
from interlock.panel.carried import meant

HOSTILE = 's<script>alert(1)</script>" onload="x\' {{7*7}} \u202e../?a=b&c=d#e'
SHOWN = "s&lt;script&gt;alert(1)&lt;/script&gt;"
SESSION = "/agents/session?" + urlencode({"agent": "claude", "session": "session-1"})


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    """A daemon that has seen a session, one with a name that attacks pages, and a sub-agent."""
    guard = Guard(tmp_path_factory.mktemp("busy"))
    guard.configure('[ask]\nhold_seconds = 0\n[containment]\nshell = "off"\n[approvals]\ndenials_in_a_row = 0\n')
    guard.start()
    file = guard.project / "app.py"
    file.write_text("print(1)\n")
    change = {"file_path": str(file), "old_string": "1", "new_string": "2"}
    guard.hook("Edit", change, tool_use_id="edit")
    file.write_text("print(2)\n")
    guard.hook("Edit", change, event="PostToolUse", tool_use_id="edit", tool_response={"ok": True})
    guard.hook("Bash", {"command": f"rm -rf ~/photos{HOSTILE}", "description": HOSTILE})
    guard.hook("Bash", {"command": "cat README.md"}, agent_id="sub-7", agent_type="reviewer")
    guard.hook("Bash", {"command": "ls"}, session_id=HOSTILE)
    yield guard
    guard.stop()


@pytest.fixture(scope="module")
def ada(busy: Guard) -> Visitor:
    return Visitor(busy.home)


def edited(guard: Guard) -> int:
    return next(entry["index"] for entry in guard.entries("intent") if entry["body"]["tool"] == "Edit")


@pytest.mark.parametrize("path", [
    "/agents", SESSION, "/grants", "/why", "/why?text=rm+-rf+build", "/halt", "/halt?what=pause&where=everything",
    "/ledger", "/ledger?kind=intent&range=all", "/ledger/3", "/insights", "/insights?range=1h",
])  # fmt: skip
def test_each_screen_is_a_page_and_the_same_as_json(ada: Visitor, path: str) -> None:
    status, text = ada.get(path)
    assert status == 200
    assert 'aria-current="page"' in text
    where, _, query = path.partition("?")
    assert ada.view(f"{where}.json?{query}")


def test_a_session_whose_name_attacks_pages_is_text_and_its_links_lead_to_it(ada: Visitor) -> None:
    _, text = ada.get("/agents")
    assert SHOWN in text
    assert "<script>alert" not in text
    assert "\u202e" not in text
    node = next(one for one in ada.view("/agents.json")["live"] if one["session"] == HOSTILE)
    status, page = ada.get("/agents/session?" + node["query"])
    assert status == 200
    assert "<script>alert" not in page
    assert "onload=&#34;x&#39;" in page


def test_what_nobody_knows_is_said(ada: Visitor) -> None:
    assert ada.get("/agents/session?agent=x&session=y")[0] == 404
    assert ada.get("/ledger/99999")[0] == 404
    assert ada.get("/undo/0")[0] == 404
    assert "Write" in ada.get("/halt?where=nonsense")[1] or "unknown field" in ada.get("/halt?where=nonsense")[1]


def test_the_tree_says_what_each_does(ada: Visitor) -> None:
    node = next(one for one in ada.view("/agents.json")["live"] if one["session"] == "session-1")
    assert node["waits"] == 1
    (child,) = node["children"]
    assert (child["subagent"], child["kind"], child["verdict"]) == ("sub-7", "reviewer", "allow")
    assert child["doing"] == "Bash: cat README.md"


def test_a_timeline_tells_each_action_with_its_end_and_its_way_back(ada: Visitor, busy: Guard) -> None:
    found = ada.view(SESSION.replace("session?", "session.json?"))
    deed = next(one for one in found["deeds"] if one["index"] == edited(busy))
    assert (deed["tool"], deed["mark"], deed["outcome"], deed["undo"]) == ("Edit", "allow", "done", "yes")
    assert deed["effects"][0].startswith("overwrite file")
    only = ada.view(SESSION.replace("session?", "session.json?") + "&subagent=sub-7")["deeds"]
    assert [one["text"] for one in only] == ["cat README.md"]


def test_the_ledger_is_verified_to_its_checkpoint_and_an_entry_has_its_proof(ada: Visitor, busy: Guard) -> None:
    view = ada.view("/ledger.json?range=all")
    signed = parse_checkpoint(view["checkpoint"])
    assert view["problem"] == ""
    assert view["verified"] <= signed.size
    assert view["verified"] > edited(busy)
    entry = ada.view(f"/ledger/{edited(busy)}.json")
    assert entry["proof"].startswith("c2sp.org/tlog-proof@v1")
    assert entry["entry"]["body"]["tool"] == "Edit"


def test_why_judges_and_records_nothing(ada: Visitor, busy: Guard) -> None:
    before = call(busy.home, "status")["entries"]
    query = {"text": f"cd /tmp && rm -rf ~/music | tee x{HOSTILE}", "cwd": str(busy.project)}
    status, text = ada.get("/why?" + urlencode(query))
    assert status == 200
    assert "<script>alert" not in text
    view = ada.view("/why.json?" + urlencode(query | {"text": "rm -rf ~/music && ls"}))
    assert view["answer"]["verdict"] == "ask"
    assert [piece["text"].strip() for piece in view["syntax"] if piece["kind"] == "command"] == ["rm -rf ~/music", "ls"]
    event = {"hook_event_name": "PreToolUse", "session_id": "s", "transcript_path": "", "cwd": str(busy.project),
             "tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_use_id": "1"}  # fmt: skip
    view = ada.view("/why.json?" + urlencode({"text": json.dumps(event), "agent": "claude"}))
    assert view["answer"]["verdict"] == "allow"
    assert "not" in ada.view("/why.json?" + urlencode({"text": "no json", "agent": "claude"}))["problem"]
    assert call(busy.home, "status")["entries"] == before


RULE = """@id("no-reading")
@why("nothing is read here")
@tier("2")
@matches("read file /code/app/main.py @workspace +workspace")
@spares("read table shop.public.orders @production")
forbid (principal, action == Interlock::Action::"read", resource) when { resource.kind == "file" };
"""


def test_a_rule_of_ones_own_is_tried_on_the_action_and_on_what_was_recorded(ada: Visitor, busy: Guard) -> None:
    query = {"text": "cat README.md", "cwd": str(busy.project), "policy": RULE}
    other = ada.view("/why.json?" + urlencode(query))["other"]
    assert other["problem"] == ""
    assert other["answer"]["verdict"] == "deny"
    assert other["answer"]["rules"] == ["no-reading"]
    assert "Bash: cat README.md" in [one["text"] for one in other["changed"]]
    refused = ada.view("/why.json?" + urlencode(query | {"policy": "permit (principal, action, resource);"}))["other"]
    assert refused["answer"] is None
    assert refused["problem"]
    assert call(busy.home, "status")["rule_problems"] == {}


def test_a_rule_in_force_is_tried_with_another_text_and_stays_as_it_is(ada: Visitor, busy: Guard) -> None:
    before = call(busy.home, "status")["policy"]
    assert "/why?rule=home-change" in ada.get("/grants?find=home-change")[1]
    view = ada.view("/why.json?rule=home-change")
    assert (view["rule"], view["policy"][:6]) == ("home-change", "forbid")
    assert view["answer"] is None
    query = {"text": "rm -rf ~/music", "rule": "home-change", "policy": view["policy"]}
    same = ada.view("/why.json?" + urlencode(query))
    assert same["other"]["problem"] == ""
    assert (same["other"]["answer"], same["other"]["changed"]) == (same["answer"], [])
    narrower = view["policy"].replace('contains("home")', 'contains("home") && !(resource.name like "*music*")')
    other = ada.view("/why.json?" + urlencode(query | {"policy": narrower}))["other"]
    assert "home-change" in same["answer"]["rules"]
    assert (other["problem"], "home-change" in other["answer"]["rules"]) == ("", False)
    weaker = view["policy"].replace("count >= 1", "count >= 2")
    assert "tier 4" in ada.view("/why.json?" + urlencode(query | {"policy": weaker}))["other"]["problem"]
    edited = view["policy"].replace("forbid", "permit", 1)
    status, page = ada.get("/why?" + urlencode(query | {"policy": edited}))
    assert status == 200
    assert "home-change" in page
    refused = ada.view("/why.json?" + urlencode(query | {"policy": edited}))["other"]
    assert refused["problem"]
    unknown = ada.view("/why.json?" + urlencode(query | {"rule": "no-such-rule"}))["other"]
    assert "no rule in force" in unknown["problem"]
    assert call(busy.home, "status")["policy"] == before
    assert call(busy.home, "status")["rule_problems"] == {}


def test_a_person_pauses_one_session_and_lets_it_go_on(ada: Visitor, busy: Guard) -> None:
    where = 'agent = "claude" and session = "other"'
    busy.hook("Bash", {"command": "ls"}, session_id="other")
    page = ada.get("/agents")[1]
    fields = next(
        found for act, found in forms(page) if act == "/agents/halt" and meant(unescape(found["subject"])) == where
    )
    assert ada.post("/agents/halt", {**fields, "what": "pause"})[0] in {303, 409}
    time.sleep(0.8)  # a form that comes back at once is refused
    assert ada.post("/agents/halt", {**fields, "what": "pause"}) == (303, "/agents")
    assert "paused" in busy.said_no(busy.hook("Bash", {"command": "ls"}, session_id="other")).lower()
    node = next(one for one in ada.view("/agents.json")["live"] if one["session"] == "other")
    assert node["paused"]
    fields = next(found for act, found in forms(ada.get("/agents")[1]) if act == "/agents/resume")
    time.sleep(0.8)
    assert ada.post("/agents/resume", fields)[0] == 409, "neither a pointer nor the word"
    assert ada.post("/agents/resume", {**fields, "said": "resume"}) == (303, "/agents")
    assert busy.hook("Bash", {"command": "ls"}, session_id="other").stdout == b""


def test_an_undo_is_planned_shown_and_carried_out(ada: Visitor, busy: Guard) -> None:
    path = f"/undo/{edited(busy)}"
    plan = ada.view(path + ".json")
    assert plan["changes"] == 1
    page = ada.get(path)[1]
    (fields,) = [found for act, found in forms(page) if act == path + "/run"]
    assert fields["subject"] == plan["plan"]
    time.sleep(0.8)
    assert ada.post(path + "/run", {**fields, "subject": "0" * 64})[0] == 409
    assert ada.post(path + "/run", fields)[0] == 409, "neither a pointer nor the word"
    status, where = ada.post(path + "/run", {**fields, "said": "back"})
    assert (status, where.startswith("/ledger/")) == (303, True)
    assert (busy.project / "app.py").read_text() == "print(1)\n"


def test_a_freeze_shows_its_reach_is_given_and_lifted(ada: Visitor, busy: Guard) -> None:
    query = urlencode({"what": "freeze", "where": 'kind = "table"'})
    page = ada.get("/halt?" + query)[1]
    (fields,) = [found for act, found in forms(page) if act == "/halt/order"]
    assert meant(unescape(fields["subject"])) == 'freeze kind = "table"'
    time.sleep(0.8)
    assert ada.post("/halt/order", {**fields, "because": HOSTILE, "hours": "1"}) == (303, "/halt")
    (order,) = ada.view("/halt.json")["orders"]
    assert (order["what"], order["active"], order["by"]) == ("freeze", True, busy_name(busy))
    assert order["end"]
    text = ada.get("/halt")[1]
    assert "<script>alert" not in text
    (fields,) = [found for act, found in forms(text) if act == "/halt/lift"]
    time.sleep(0.8)
    assert ada.post("/halt/lift", {**fields, "typed": "lift"})[0] == 409, "neither a pointer nor the word"
    assert ada.post("/halt/lift", {**fields, "gesture": "pointer"})[0] == 303
    assert ada.view("/halt.json")["orders"] == []


def busy_name(guard: Guard) -> str:
    return str(call(guard.home, "people.list", {})["owner"])


def test_everything_is_frozen_only_by_who_types_it(ada: Visitor, busy: Guard) -> None:
    page = ada.get("/halt?what=freeze&where=everything")[1]
    (fields,) = [found for act, found in forms(page) if act == "/halt/order"]
    time.sleep(0.8)
    status, said = ada.post("/halt/order", fields)
    assert status == 409
    assert "type the word" in said
    assert ada.view("/halt.json")["orders"] == []


GESTURES = ("/agents/halt", "/agents/resume", "/undo/{entry}/run", "/agents/run/3/settle", "/grants/revoke",
            "/grants/give", "/halt/order", "/halt/lift")  # fmt: skip


@pytest.mark.parametrize("act", GESTURES)
def test_no_gesture_is_made_for_a_person(ada: Visitor, busy: Guard, act: str) -> None:
    """A form of another site, one without our token, one with the token of another subject: nothing happens."""
    before = call(busy.home, "status")["entries"]
    path = act.format(entry=edited(busy))
    said = {"subject": 'session = "session-1"', "what": "kill", "word": "discard"}
    assert ada.post(path, said)[0] in {400, 403, 409}
    assert ada.post(path, {**said, "token": "1.00"})[0] in {400, 403, 409}
    page = ada.get("/halt?what=kill&where=agent+%3D+%22claude%22")[1]
    (fields,) = [found for acted, found in forms(page) if acted == "/halt/order"]
    stolen = {**said, "token": fields["token"]}
    assert ada.post(path, stolen)[0] in {400, 403, 409}
    for headers in (
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"content-type": "text/plain"},
        {"host": "evil.example"},
    ):
        assert ada.post(path, {**fields, **said, "token": fields["token"]}, **headers)[0] in {400, 403, 409, 415, 421}
    assert ada.get(path)[0] in {404, 405}
    assert call(busy.home, "status")["entries"] == before


def test_a_reader_sees_and_has_no_gesture(busy: Guard) -> None:
    reader = Visitor(busy.home, reader=True)
    pages = ["/agents", SESSION, "/grants", "/halt?what=kill&where=everything", "/why?text=ls", "/ledger", "/insights"]
    for path in [*pages, f"/undo/{edited(busy)}"]:
        status, text = reader.get(path)
        assert status == 200, path
        assert [act for act, _ in forms(text)] == ["/logout"], path


def test_links_of_messages_lead_to_the_panel(busy: Guard, ada: Visitor, tmp_path: Path) -> None:
    """The addresses that notifications carry are pages that exist."""
    del tmp_path
    (request,) = [one for one in call(busy.home, "inbox", {}) if one["state"] == "pending"]
    assert ada.get(f"/requests/{request['id']}")[0] == 200
    assert ada.get("/inbox")[0] == 200
    assert ada.get("/ledger/3")[0] == 200
