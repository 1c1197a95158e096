"""What a page hands back is what it was given, and what a tool answered is on no page. Over plain HTTP."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.daemon.conftest import Guard
from tests.panel.conftest import Browser

NAME = "night\u202e\u200b <U+202E> " + "x" * 200


def test_a_session_whose_name_does_not_show_stays_itself_in_another_range(served: Guard, browser: Browser) -> None:
    served.hook("Bash", {"command": "ls"}, session_id=NAME)
    page = browser.get("/agents/session?" + urlencode({"agent": "claude", "session": NAME})).text
    (field,) = re.findall(r'<input type="hidden" name="kept" value="([^"]*)">', page)
    moved = browser.get("/agents/session?" + urlencode({"range": "7d", "kept": field}))
    assert moved.status_code == 303
    where = urlsplit(moved.headers["location"])
    assert (where.path, where.netloc) == ("/agents/session", "")
    assert parse_qs(where.query) == {"agent": ["claude"], "session": [NAME], "range": ["7d"]}
    there = browser.get(moved.headers["location"])
    assert there.status_code == 200
    assert "night&lt;U+202E&gt;&lt;U+200B&gt;" in there.text


def test_what_a_tool_answered_and_what_a_server_says_of_it_are_on_no_page(served: Guard, browser: Browser) -> None:
    """The ledger keeps an answer's size; an event has no description of the tool, and one sent along is not kept."""
    told = "told-<script>window.hit=1</script>"
    for tool, said in (("Bash", {"command": "ls"}), ("mcp__files__read_text_file", {"path": "README.md"})):
        who = {"session_id": "answers", "tool_use_id": tool, "tool_description": told, "mcp_server": {"about": told}}
        served.hook(tool, said, **who)
        answer = {"content": [{"type": "text", "text": told}], "stdout": told, "stderr": told}
        served.hook(tool, said, event="PostToolUse", tool_response=answer, **who)
        served.hook(tool, said, event="PostToolUseFailure", error=told, **who)
    outcomes = [entry["index"] for entry in served.entries("outcome")]
    assert outcomes
    lists = ["/", "/ledger", "/ledger?kind=outcome", "/agents", "/agents/session?agent=claude&session=answers"]
    for path in [*lists, *(f"/ledger/{number}" for number in outcomes)]:
        answer_page = browser.get(path)
        assert answer_page.status_code == 200
        assert "told-" not in answer_page.text, path


def test_the_title_of_a_question_is_a_sentence(served: Guard, browser: Browser) -> None:
    served.hook("Bash", {"command": "curl -X POST https://title.example.com/ -d @x.json"}, session_id="title")
    (number,) = [e["index"] for e in served.entries("approval.request") if "title.example.com" in e["body"]["text"]]
    page = browser.get(f"/requests/{number}").text
    title = re.sub(r"<[^>]+>", "", page.split('<h1 id="card-title">')[1].split("</h1>")[0])
    assert title == "It would send to host title.example.com (irreversible), and do 1 thing more."
