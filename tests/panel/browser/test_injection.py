"""Markup, `hx-*`, scripts, styles and addresses in every field that an agent controls: text on every screen.

Each payload would show itself in one of three ways: it sets `window.hit`, it comes to the attacker's server, or it
leaves an element that is marked. The policy of the page's content would stop most of them a second time; that it has
to is a failure here, too.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page
from tests.daemon.conftest import Guard
from tests.panel.browser.eyes import Person, state
from tests.panel.browser.foreign import Foreign, foreign
from tests.panel.browser.scene import contained

from interlock.daemon.client import call

pytestmark = pytest.mark.browser
# @ stands for the attacker's server. Each begins the value of a field, so that each way out of a context is tried.
PAYLOADS = (
    "<script data-pwn>window.hit=1;fetch('@/script')</script>",
    '"><img data-pwn src=x onerror="window.hit=1;fetch(\'@/img\')">',
    "' autofocus data-pwn onfocus='window.hit=1' x='",
    "</pre></code></textarea></title></noscript><svg data-pwn onload=window.hit=1>",
    "--></script></style><img data-pwn src=@/closed>",
    "<style data-pwn>@import '@/style'; * { background: url(@/background) }</style>",
    "<p data-pwn style=\"background:url('@/inline')\">",
    "<link data-pwn rel=stylesheet href=@/sheet><link data-pwn rel=prefetch href=@/prefetch>",
    "<div data-pwn hx-get=@/hx hx-trigger=load>x</div><div data-pwn data-hx-get=@/data-hx data-hx-trigger=load>",
    "<div data-pwn hx-on:load=window.hit=1 hx-on::load=window.hit=1 hx-sse:connect=@/sse hx-trigger='every 1s'>",
    "<form data-pwn id=approve-form action=@/form><input name=because><button id=approve>Approve once</button></form>",
    "<div data-pwn id=screen hx-swap-oob=true><div data-pwn id=card data-subject=x data-seen=y></div></div>",
    "<meta data-pwn http-equiv=refresh content='0;url=@/meta'><base data-pwn href=@/base/>",
    "<iframe data-pwn src=@/frame srcdoc='<script>parent.hit=1</script>'></iframe><object data-pwn data=@/object>",
    "javascript:window.hit=1;//<a data-pwn href=javascript:window.hit=1>x</a>",
    "data:text/html,<script data-pwn>window.hit=1</script>",
    "{{ 7*7 }}{% set hit = 1 %}${window.hit=1}<%= 7*7 %>#{7*7}",
    "\u202e\u2066<b data-pwn>\x1b]8;;@/osc\x07link\x1b]8;;\x07\x00\u200b",
    "&lt;img data-pwn src=@/twice&gt; &#60;script&#62;window.hit=1&#60;/script&#62; %3Cscript%3Ewindow.hit=1",
)
SESSIONS = ("branches", "paths", "mcp", "tools", "output")
MARKED = "() => [window.hit, document.querySelectorAll('[data-pwn], base, iframe, object, script:not([src])').length]"


@pytest.fixture(scope="module")
def evil() -> Iterator[Foreign]:
    with foreign() as server:
        yield server


@pytest.fixture(scope="module")
def payloads(guard: Guard, evil: Foreign) -> list[str]:
    """Every field of a question, an edit, a session and a sub-agent, filled with each of them in turn."""
    filled = [one.replace("@", evil.address()) for one in PAYLOADS]
    (guard.project / "app.py").write_text("x")
    for number, text in enumerate(filled):
        who = {"session_id": text, "agent_id": f"{text}", "agent_type": text, "model": text}
        command = f"curl -X POST https://p{number}.example.com/ -d {_quoted(text)}"
        guard.hook("Bash", {"command": command, "description": text}, **who)
        guard.hook("Bash", {"command": f"git push --force origin {_quoted(text)}"}, session_id="branches")
        guard.hook("Write", {"file_path": f"/opt/{text}", "content": text}, session_id="paths")
        guard.hook("mcp__srv__tool", {"text": text, text.replace("\0", ""): text}, session_id="mcp")
        guard.hook(f"mcp__{text}__{text}", {"description": text}, session_id="tools")
        done = {"tool_response": {"stdout": text, "stderr": text, "is_error": True}}
        guard.hook("Bash", {"command": "ls"}, tool_use_id=f"ls-{number}", session_id="output")
        guard.hook(
            "Bash", {"command": "ls"}, event="PostToolUse", tool_use_id=f"ls-{number}", session_id="output", **done
        )
    return filled


def _quoted(text: str) -> str:
    return "'" + text.replace("\0", "").replace("'", "'\\''") + "'"


@pytest.fixture
def harmless(ada: Person, evil: Foreign, guard: Guard, payloads: list[str]) -> Iterator[None]:
    """What is looked at stays text, and looking changes nothing."""
    ada.faults.clear()
    evil.heard.clear()
    before = state(guard)
    yield
    assert evil.heard == []
    assert state(guard) == before
    assert not [fault for fault in ada.faults if "404" not in fault]


def looked(ada: Person, path: str) -> Page:
    """The page, with all that is folded in it opened."""
    page = ada.visit(path)
    page.wait_for_selector("#theme:not([hidden])")
    assert page.evaluate(MARKED) == [None, 0], path
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.evaluate("for (const one of document.querySelectorAll('#screen, #screen [data-row]')) one.click()")
    assert page.evaluate(MARKED) == [None, 0], path
    assert page.evaluate("[...document.links].every((one) => one.origin === location.origin)"), path
    assert not ada.violations(), path
    return page


@pytest.mark.usefixtures("harmless")
@pytest.mark.parametrize("path", [
    "/", "/inbox", "/agents", "/ledger", "/ledger?kind=intent", "/ledger?kind=denial", "/grants", "/insights", "/halt",
    "/people", *(f"/agents/session?agent=claude&session={name}" for name in SESSIONS),
])  # fmt: skip
def test_the_screens_that_list(ada: Person, path: str) -> None:
    looked(ada, path)


@pytest.mark.usefixtures("harmless")
def test_every_question_and_its_receipt(ada: Person, guard: Guard, payloads: list[str]) -> None:
    found = call(guard.home, "inbox", {"all": True})
    assert len(found) >= 2 * len(payloads)
    for request in found:
        page = looked(ada, f"/requests/{request['id']}")
        assert page.locator("#card").count() == page.locator("#approve-form").count() == 1
        if "https://p" in request["text"]:
            looked(ada, f"/receipts/{request['id']}")


def test_what_a_tool_answered_and_what_a_server_says_of_it_are_on_no_page(
    ada: Person, evil: Foreign, guard: Guard, payloads: list[str]
) -> None:
    """Of a tool's answer the ledger keeps its size and whether it went well; an event has no description of the tool,
    and where one is sent along nothing keeps it. So no page has either: each entry is looked at, and each list.
    """
    first = call(guard.home, "history.entries")["size"]
    for number, text in enumerate(payloads):
        about = {"tool_description": f"told-{text}", "mcp_server": {"instructions": f"told-{text}"}}
        who = {"session_id": "answers", "tool_use_id": f"answer-{number}", **about}
        for tool, said in (("Bash", {"command": "ls"}), ("mcp__files__read_text_file", {"path": "README.md"})):
            guard.hook(tool, said, **who)
            answer = {"content": [{"type": "text", "text": f"told-{text}"}], "stdout": f"told-{text}"}
            guard.hook(tool, said, event="PostToolUse", tool_response=answer, **who)
            guard.hook(tool, said, event="PostToolUseFailure", error=f"told-{text}", **who)
    before = state(guard)
    evil.heard.clear()
    told = [entry["index"] for entry in guard.entries("outcome") if entry["index"] >= first]
    assert len(told) >= len(payloads)
    lists = ["/", "/ledger?kind=outcome", "/ledger", "/agents/session?agent=claude&session=answers", "/agents"]
    for path in [*lists, *(f"/ledger/{number}" for number in told[: len(payloads)])]:
        assert "told-" not in looked(ada, path).content(), path
    assert evil.heard == []
    assert state(guard) == before


@pytest.mark.usefixtures("harmless")
def test_addresses_that_carry_them(ada: Person, payloads: list[str]) -> None:
    for text in payloads:
        looked(ada, "/agents/session?" + urlencode({"agent": "claude", "session": text}))
        looked(ada, "/why?" + urlencode({"text": text, "cwd": text, "policy": text}))
        looked(ada, "/halt?" + urlencode({"what": text, "where": text}))
        looked(ada, "/grants?" + urlencode({"find": text, text: text, "range": text}))


def test_a_page_that_is_open_when_they_come(ada: Person, evil: Foreign, guard: Guard, payloads: list[str]) -> None:
    """Through htmx this time, which puts what it fetched into a page whose scripts have run."""
    page = ada.visit("/inbox")
    page.wait_for_selector("#theme:not([hidden])")
    evil.heard.clear()
    for number, text in enumerate(payloads):
        command = f"curl -X POST https://open{number}.example.com/ -d {_quoted(text)}"
        guard.hook("Bash", {"command": command, "description": text}, session_id=f"open {text}")
    page.wait_for_selector(f"text=https://open{len(payloads) - 1}.example.com")
    page.wait_for_timeout(300)
    assert page.evaluate(MARKED) == [None, 0]
    assert not ada.violations()
    assert evil.heard == []


def test_names_of_files_that_a_contained_run_made(
    ada: Person, evil: Foreign, guard: Guard, payloads: list[str]
) -> None:
    subprocess.run(["git", "init", "-q", str(guard.project)], check=True)
    names = [text.replace("/", "\u2215").replace("\0", "")[:80] for text in payloads]
    touched = "\n".join(f"echo x > {_quoted(name)}" for name in names)
    (guard.project / "make.sh").write_text(f"{touched}\nrm -rf .git app.py\n")
    entry = contained(guard, "sh make.sh", session_id="files")
    before = state(guard)
    page = looked(ada, f"/agents/run/{entry}")
    assert "window.hit=1" in page.inner_text("main")
    intent = next(one["body"]["intent"] for one in guard.entries("changes") if one["index"] == entry)
    looked(ada, f"/undo/{intent}")
    looked(ada, f"/ledger/{entry}")
    looked(ada, "/agents/session?agent=claude&session=files")
    assert evil.heard == []
    assert state(guard) == before
