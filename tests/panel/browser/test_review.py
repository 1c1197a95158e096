"""A person reviews a change with a passkey, in real Chromium with a device in software."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.panel.browser import axe
from tests.panel.browser.device import Device
from tests.panel.browser.eyes import Person
from tests.panel.browser.scene import Day

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def reviewer(browser: Browser, day: Day) -> Iterator[tuple[Person, Device]]:
    """Somebody at the panel who has just made a passkey there."""
    person = Person(browser, day.guard).enter()
    device = Device(person.page)
    page = person.visit("/people")
    page.click(".passkey-add:visible")
    page.wait_for_selector(".tile li")
    yield person, device
    person.close()


def opened(person: Person, day: Day) -> Page:
    page = person.visit(f"/changes/{day.change}")
    page.wait_for_selector("#review-ok:visible")
    page.wait_for_timeout(800)  # ms; what has just appeared is not signed
    return page


# Presses a button in the moment in which it shows. Asked from here, a busy machine takes longer than the button waits.
AT_ONCE = """
if (location.hash === "#at-once") new MutationObserver((_, observer) => {
  const button = document.querySelector("#review-ok");
  if (!button || button.hidden) return;
  observer.disconnect();
  button.click();
}).observe(document, {subtree: true, childList: true, attributes: true});
"""


def reviews(day: Day) -> list[dict[str, Any]]:
    return [entry["body"] for entry in day.guard.entries("review") if "proof" in entry["body"]]


def told(page: Page) -> str:
    page.wait_for_selector("#review-said:not(:empty)")
    return page.inner_text("#review-said")


def test_a_person_objects_and_then_approves_and_the_gate_hears_of_both(
    reviewer: tuple[Person, Device], day: Day
) -> None:
    person, _ = reviewer
    page = opened(person, day)
    page.click("#review-no")
    assert "say what is wrong with the change" in told(page)
    assert reviews(day) == []
    page.fill("#review-because", "The name goes into a shell.")
    page.click("#review-no")
    page.wait_for_selector("text=says no signed with a passkey")
    page = opened(person, day)
    page.click("#review-ok")
    page.wait_for_selector("text=says ok signed with a passkey")
    assert [one["says"] for one in reviews(day)] == ["no", "ok"]
    assert not person.violations()
    assert not [fault for fault in person.faults if "409" not in fault and "422" not in fault]
    assert "2 signed reviews" in day.guard.cli("verify").stdout


def test_nothing_is_signed_at_once_or_by_nobody(reviewer: tuple[Person, Device], day: Day) -> None:
    person, device = reviewer
    before = len(reviews(day))
    page = person.visit(f"/changes/{day.change}")
    page.evaluate("location.hash = 'at-once'")
    page.add_init_script(AT_ONCE)
    page.reload()
    assert "Not yet" in told(page)
    device.recognise(False)
    page = opened(person, day)
    page.click("#review-ok")
    assert "Nothing was signed" in told(page)
    device.recognise(True)
    assert len(reviews(day)) == before


def test_axe_finds_nothing_where_somebody_reviews(
    reviewer: tuple[Person, Device], day: Day, tmp_path_factory: pytest.TempPathFactory
) -> None:
    person, _ = reviewer
    person.context.add_init_script(axe.install(tmp_path_factory.mktemp("axe")))
    page = opened(person, day)
    assert not axe.violations(page)


def test_who_may_only_look_is_offered_nothing(browser: Browser, day: Day) -> None:
    reader = Person(browser, day.guard, reader=True).enter()
    page = reader.visit(f"/changes/{day.change}")
    assert page.locator("#review").count() == 0
    reader.close()
