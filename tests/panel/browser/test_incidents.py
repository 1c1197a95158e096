"""An incident in a real browser: recorded from a change, also without the script, and closed by hand alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from tests.daemon.conftest import Guard
from tests.panel.browser.eyes import Person, press
from tests.panel.browser.scene import Day

from interlock.daemon.client import call

pytestmark = pytest.mark.browser
ARMED_MS = 900  # longer than the server refuses a form that was just painted


def states(guard: Guard) -> dict[int, str]:
    return {one["entry"]: one["state"] for one in call(guard.home, "incident.list")["incidents"]}


@pytest.mark.parametrize("script", [True, False])
def test_a_person_records_what_a_change_did_and_sees_it_beside_the_change(
    browser: Browser, guard: Guard, day: Day, script: bool
) -> None:
    person = Person(browser, guard, java_script_enabled=script).enter()
    page = person.visit(f"/changes/{day.change}")
    before = set(states(guard))
    page.get_by_role("link", name="Record an incident").click()
    page.wait_for_url("**/incidents/record?*")
    assert "Behind it: 1 action of claude" in page.inner_text("main")
    page.wait_for_timeout(ARMED_MS)
    page.get_by_label("What happened").fill(f"<b>files</b> were listed, script {script}")
    page.get_by_label("How bad was it?").select_option("high")
    page.get_by_label("When, in UTC").fill("2026-01-02T10:00")
    page.get_by_role("button", name="Record it").press("Enter")
    page.wait_for_url("**/incidents/*")
    (made,) = set(states(guard)) - before
    assert page.url.endswith(f"/incidents/{made}")
    assert page.inner_text("h1") == f"<b>files</b> were listed, script {script}"
    assert "2026-01-02 10:00:00 UTC" in page.inner_text("main")
    person.visit(f"/changes/{day.change}")
    page.get_by_role("link", name=f"#{made}").click()
    page.wait_for_url(f"**/incidents/{made}")
    assert not person.faults
    person.close()


def test_a_key_closes_none_and_the_word_does(ada: Person, guard: Guard, day: Day) -> None:
    page = ada.visit(day.screens()["incident"])
    page.wait_for_selector("#theme:not([hidden])")
    page.wait_for_timeout(ARMED_MS)
    page.get_by_label("How did it end?").select_option("mended")
    button = page.get_by_role("button", name=f"Close incident #{day.incident}")
    button.focus()
    press(page, "Enter")
    assert page.evaluate("document.activeElement.name") == "said"
    press(page, *"closed", "Enter")
    assert states(guard)[day.incident] == "open"
    page.evaluate("document.activeElement.value = ''")
    press(page, *"close")
    button.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert states(guard)[day.incident] == "mended"
    assert "As mended, by" in page.inner_text("main")
    assert not ada.faults


def test_a_press_of_the_pointer_closes_one(ada: Person, guard: Guard, day: Day) -> None:
    told = {"what": "x", "severity": "low", "sessions": ["stock"]}
    number = call(guard.home, "incident.record", told)["entry"]
    page = ada.visit(f"/incidents/{number}")
    page.wait_for_selector("#theme:not([hidden])")
    page.wait_for_timeout(ARMED_MS)
    page.get_by_label("How did it end?").select_option("mistaken")
    with page.expect_navigation():
        page.get_by_role("button", name="Close incident").click()
    assert states(guard)[number] == "mistaken"


def test_an_open_list_shows_what_is_recorded(ada: Person, guard: Guard, day: Day) -> None:
    page = ada.visit("/incidents")
    page.wait_for_selector("#theme:not([hidden])")
    call(guard.home, "incident.record", {"what": "heard at once", "severity": "low", "sessions": ["stock"]})
    page.wait_for_selector("text=heard at once")
    assert not ada.violations()
