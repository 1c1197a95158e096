"""Each screen in real Chromium: it renders, it complains of nothing, and it loads nothing from elsewhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from tests.panel.browser.eyes import Person
from tests.panel.browser.scene import Day

SCREENS = (
    "now", "inbox", "approval", "approval-strong", "receipt", "agents", "session", "run", "undo", "grants", "why",
    "changes", "change", "incidents", "incident", "incident-record", "halt", "people", "ledger", "entry", "insights",
)  # fmt: skip
pytestmark = pytest.mark.browser


def test_the_link_is_shown_first_and_used_by_its_button(browser: Browser, day: Day) -> None:
    person = Person(browser, day.guard)
    person.page.goto(person.link)
    assert "Open the panel" in person.page.inner_text("main")
    assert not person.context.cookies()
    person.page.click("#enter")
    person.page.wait_for_url(f"{person.base}/")
    assert "Waits for a person" in person.page.inner_text("main")
    (cookie,) = person.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["expires"]) == (True, "Strict", -1)
    person.page.goto(person.link)
    assert "was used already" in person.page.inner_text("main")
    assert not [fault for fault in person.faults if "410" not in fault]
    person.close()


def test_no_screen_is_forgotten(day: Day) -> None:
    assert set(day.screens()) == set(SCREENS)


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_renders_and_its_browser_complains_of_nothing(ada: Person, day: Day, name: str) -> None:
    ada.faults.clear()
    ada.requests.clear()
    page = ada.visit(day.screens()[name])
    page.wait_for_selector("#theme:not([hidden])")  # its script has run
    page.wait_for_timeout(150)  # what it does after that, it has begun
    assert page.inner_text("main h1").strip()
    assert not ada.faults
    assert not ada.violations()
    assert all(url.startswith(ada.base + "/") for url in ada.requests), ada.requests


def test_a_page_that_is_open_shows_what_happens(ada: Person, day: Day) -> None:
    page = ada.visit("/inbox")
    page.wait_for_selector("#theme:not([hidden])")
    day.guard.hook("Bash", {"command": "curl -X POST https://live.example.com -d @charge.json"}, session_id="live")
    page.wait_for_selector("text=https://live.example.com")
    assert not ada.violations()
