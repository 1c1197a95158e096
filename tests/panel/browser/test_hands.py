"""Without a mouse and without a script: the inbox is walked and decided."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page
from tests.daemon.conftest import Guard
from tests.panel.browser.eyes import Person, press
from tests.panel.browser.scene import asked

from interlock.daemon.client import call

pytestmark = pytest.mark.browser


def send(name: str) -> str:
    return f"curl -X POST https://{name}.example.com/ -d @x.json"


def request(guard: Guard, number: int) -> dict[str, str]:
    found: dict[str, str] = call(guard.home, "request", {"id": number})
    return found


def chosen(page: Page) -> str | None:
    return page.evaluate("document.querySelector('.chosen')?.dataset.row")


@pytest.fixture
def inbox(ada: Person) -> Callable[[], Page]:
    def opened() -> Page:
        page = ada.visit("/inbox")
        page.wait_for_selector("#theme:not([hidden])")
        return page

    return opened


def armed(page: Page) -> None:
    page.wait_for_selector("#decide[data-armed='1']")


def test_the_inbox_is_walked_and_a_question_approved_by_its_word(inbox: Callable[[], Page], guard: Guard) -> None:
    first, second = asked(guard, send("walk-one")), asked(guard, send("walk-two"))
    page = inbox()
    rows = []
    for key in ("j", "j", "k"):
        press(page, key)
        rows.append(chosen(page))
    assert rows == [f"/requests/{first}", f"/requests/{second}", f"/requests/{first}"]
    press(page, "o")
    page.wait_for_url(f"**/requests/{first}")
    armed(page)
    press(page, "a")
    assert page.evaluate("document.activeElement.id") == "typed"
    press(page, "Enter")
    assert request(guard, first)["state"] == "pending", "Enter never approves"
    press(page, *request(guard, first)["fingerprint"].split("-")[0])
    page.wait_for_url(f"**/receipts/{first}")
    assert request(guard, first)["state"] == "approved"
    assert request(guard, second)["state"] == "pending"


def test_a_wrong_word_approves_nothing_and_is_thrown_away(ada: Person, guard: Guard) -> None:
    number = asked(guard, send("wrong-word"))
    page = ada.visit(f"/requests/{number}")
    armed(page)
    press(page, "a", *("q" * len(request(guard, number)["fingerprint"].split("-")[0])))
    page.wait_for_selector("text=That is not the first word")
    assert page.input_value("#typed") == ""
    assert request(guard, number)["state"] == "pending"


def test_a_no_is_said_with_its_reason(ada: Person, guard: Guard) -> None:
    number = asked(guard, send("deny"))
    page = ada.visit(f"/requests/{number}")
    armed(page)
    press(page, "d", *"not today", "Control+Enter")
    page.wait_for_url(f"**/receipts/{number}")
    found = request(guard, number)
    assert (found["state"], found["because"]) == ("denied", "not today")


def test_a_question_is_skipped_and_stays(ada: Person, guard: Guard) -> None:
    first, second = asked(guard, send("skip-one")), asked(guard, send("skip-two"))
    page = ada.visit(f"/requests/{first}")
    armed(page)
    press(page, "s")
    page.wait_for_url(f"**/requests/{second}")
    assert request(guard, first)["state"] == "pending"
    page.wait_for_selector("#theme:not([hidden])")
    press(page, "k")
    page.wait_for_url(f"**/requests/{first}")


def test_places_keys_and_the_palette(inbox: Callable[[], Page], guard: Guard) -> None:
    number = asked(guard, send("palette"))
    page = inbox()
    for key, path in (("a", "/agents"), ("l", "/ledger"), ("n", "/"), ("i", "/inbox")):
        press(page, "g", key)
        page.wait_for_url(f"**{path}")
        page.wait_for_selector("#theme:not([hidden])")
    press(page, "?")
    page.wait_for_selector("#help[open]")
    press(page, "Escape")
    page.wait_for_selector("#help", state="hidden")
    press(page, "Control+k", *str(number), "Enter")
    page.wait_for_url(f"**/requests/{number}")
    page.wait_for_selector("#theme:not([hidden])")
    press(page, "Control+k", *"insi", "Enter")
    page.wait_for_url("**/insights")


def test_the_range_of_time_keeps_the_rest_of_the_address(ada: Person, guard: Guard) -> None:
    asked(guard, send("range"))
    page = ada.visit("/agents/session?agent=claude&session=session-1")
    page.wait_for_selector("#theme:not([hidden])")
    page.select_option("#range", "7d")
    page.wait_for_url("**range=7d*")
    assert "session-1" in page.inner_text("main h1")


@pytest.mark.parametrize("script", [True, False])
def test_a_session_whose_name_does_not_show_stays_itself_in_another_range(
    browser: Browser, guard: Guard, script: bool
) -> None:
    name = "night\u202e\u200b <U+202E> " + "x" * 200
    guard.hook("Bash", {"command": "ls"}, session_id=name)
    person = Person(browser, guard, java_script_enabled=script).enter()
    query = urlencode({"agent": "claude", "session": name})
    page = person.visit(f"/agents/session?{query}&subagent=")
    if script:
        page.wait_for_selector("#theme:not([hidden])")
    page.select_option("#range", "7d")
    if not script:
        page.click(".span-form button")
    page.wait_for_url("**range=7d*")
    assert parse_qs(urlsplit(page.url).query)["session"] == [name]
    assert "night<U+202E><U+200B>" in page.inner_text("main h1")
    person.close()


def test_every_control_of_a_card_is_reached_by_tab(ada: Person, guard: Guard) -> None:
    page = ada.visit(f"/requests/{asked(guard, send('tab'))}")
    armed(page)
    page.focus("#screen")
    reached = []
    for _ in range(30):
        press(page, "Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    wanted = [one for one in reached if one in {"typed", "but", "approve", "because", "deny", "deny-pause"}]
    assert wanted[:6] == ["typed", "but", "approve", "because", "deny", "deny-pause"]


def test_without_a_script_a_question_is_approved_and_another_denied(browser: Browser, guard: Guard) -> None:
    plain = Person(browser, guard, java_script_enabled=False).enter()
    yes, no = asked(guard, send("plain-yes")), asked(guard, send("plain-no"))
    page = plain.visit("/inbox")
    page.click(f"a[href='/requests/{yes}']")
    page.wait_for_url(f"**/requests/{yes}")
    page.wait_for_timeout(800)
    page.click("#approve")
    assert "type the first word" in page.inner_text("main")
    assert request(guard, yes)["state"] == "pending"
    page.go_back()
    page.wait_for_timeout(800)
    page.fill("#typed", request(guard, yes)["fingerprint"].split("-")[0])
    page.click("#approve")
    page.wait_for_url(f"**/receipts/{yes}")
    plain.visit(f"/requests/{no}")
    page.fill("#because", "no, thank you")
    page.click("#deny")
    page.wait_for_url(f"**/receipts/{no}")
    assert (request(guard, yes)["state"], request(guard, no)["state"]) == ("approved", "denied")
    assert request(guard, no)["because"] == "no, thank you"
    assert not plain.faults or all("409" in fault for fault in plain.faults)
    plain.close()
