"""The buttons that loosen something, or that cannot be had back: no key presses them, the pointer or a word does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.daemon.conftest import Guard
from tests.panel.browser.eyes import Person, press
from tests.panel.browser.scene import Day, asked, decided

from interlock.daemon.client import call
from interlock.halt.order import of_session
from interlock.model.visible import visible

pytestmark = pytest.mark.browser
ARMED_MS = 900  # longer than the server refuses a form that was just painted


def entries(guard: Guard) -> int:
    return int(call(guard.home, "history.entries")["size"])


def held(guard: Guard, day: Day) -> int:
    return len(call(guard.home, "changes", {"id": day.run})["waiting"])


def orders(guard: Guard) -> list[tuple[str, str]]:
    return [(one["what"], one["where"]) for one in call(guard.home, "halt.list")["orders"]]


def grants(guard: Guard) -> int:
    return sum(one["standing"] == "live" for one in call(guard.home, "grants", {"all": True}))


def edited(guard: Guard) -> str:
    return (guard.project / "app.py").read_text()


@pytest.fixture(scope="module")
def suggested(guard: Guard, day: Day) -> Day:
    """Five yeses to questions of one shape: the panel suggests a grant."""
    for number in range(5):
        command = "curl -X POST https://again.example.com/ -d @charge.json"
        decided(guard, asked(guard, command, session_id=f"again-{number}"), "approve")
        guard.hook("Bash", {"command": command}, session_id=f"again-{number}", tool_use_id=f"again-{number}")
    return day


# Each: the page, the button, and what it would have changed.
ACTS: dict[str, tuple[Callable[[Day], str], str, Callable[[Guard, Day], Any]]] = {
    "through": (lambda day: f"/agents/run/{day.run}", "button[value=commit]", held),
    "drop": (lambda day: f"/agents/run/{day.run}", "button[value=discard]", held),
    "back": (lambda day: f"/undo/{day.edit}", "form[data-word=back] button", lambda guard, _: edited(guard)),
    "lift": (lambda _: "/halt", "form[action='/halt/lift'] button", lambda guard, _: orders(guard)),
    "order a kill": (
        lambda _: "/halt?what=kill&where=session+%3D+%22yesterday%22",
        "form[action='/halt/order'] button",
        lambda guard, _: orders(guard),
    ),
    "resume": (lambda _: "/agents", "form[action='/agents/resume'] button", lambda guard, _: orders(guard)),
    "kill": (lambda _: "/agents", "form[data-word=kill] button", lambda guard, _: orders(guard)),
    "grant": (lambda _: "/grants", "form[action='/grants/give'] button", lambda guard, _: grants(guard)),
}


def shown(person: Person, day: Day, act: str) -> tuple[Page, str]:
    """The page of an act, loaded, opened and older than 0.7 s; and the button."""
    path, button, _ = ACTS[act]
    page = person.visit(path(day))
    page.wait_for_selector("#theme:not([hidden])")
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.wait_for_timeout(ARMED_MS)
    return page, button


@pytest.fixture
def paused(guard: Guard, suggested: Day) -> Day:
    """A session that is paused, whatever the test before did to it."""
    guard.hook("Bash", {"command": "ls"}, session_id="halted")
    if ("pause", 'session = "halted"') not in orders(guard):
        call(guard.home, "halt.order", {"what": "pause", "where": 'session = "halted"', "reason": "x"})
    return suggested


@pytest.mark.parametrize("act", ACTS)
def test_a_key_on_the_button_changes_nothing_and_leads_to_the_word(
    ada: Person, guard: Guard, paused: Day, act: str
) -> None:
    page, button = shown(ada, paused, act)
    before, length, here = ACTS[act][2](guard, paused), entries(guard), page.url
    for key in ("Enter", "Space"):
        page.locator(button).first.focus()
        press(page, key)
        assert page.evaluate("document.activeElement.name") == "said"
        press(page, "q", "Enter")  # a wrong word, and a key that never approves
    page.locator(button).first.focus()
    press(page, "Enter")
    page.wait_for_timeout(300)
    assert page.url == here
    assert (ACTS[act][2](guard, paused), entries(guard)) == (before, length)


@pytest.mark.parametrize("act", ["back", "lift", "resume", "grant"])
def test_the_word_and_then_a_key_on_the_button_does_it(ada: Person, guard: Guard, paused: Day, act: str) -> None:
    page, button = shown(ada, paused, act)
    before = ACTS[act][2](guard, paused)
    page.locator(button).first.focus()
    press(page, "Enter")
    word = page.evaluate("document.activeElement.form.dataset.word")
    press(page, *word)
    page.locator(button).first.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator(".door-card").count() == 0, page.inner_text("body")
    assert ACTS[act][2](guard, paused) != before


def test_the_word_held_down_or_in_one_breath_is_no_typing(ada: Person, paused: Day) -> None:
    page, button = shown(ada, paused, "through")
    page.locator(button).first.focus()
    press(page, "Enter")
    page.keyboard.type("through")
    assert page.evaluate("document.activeElement.value") != "through"


@pytest.mark.parametrize("act", ["through", "lift"])
def test_a_press_of_the_pointer_does_it(ada: Person, guard: Guard, paused: Day, act: str) -> None:
    if act == "lift":
        call(guard.home, "halt.order", {"what": "freeze", "where": 'kind = "table"', "reason": "x"})
    page, button = shown(ada, paused, act)
    before = ACTS[act][2](guard, paused)
    with page.expect_navigation():
        page.locator(button).first.click()
    assert page.locator(".door-card").count() == 0, page.inner_text("body")
    assert ACTS[act][2](guard, paused) != before


def test_without_a_script_it_is_the_word_that_counts(browser: Browser, guard: Guard, paused: Day) -> None:
    plain = Person(browser, guard, java_script_enabled=False).enter()
    page, form = plain.visit("/agents"), "form[action='/agents/resume']"
    page.wait_for_timeout(ARMED_MS)
    before = orders(guard)
    page.locator(f"{form} button").first.click()
    assert "type the word resume" in page.inner_text("main")
    assert orders(guard) == before
    plain.visit("/agents")
    page.wait_for_timeout(ARMED_MS)
    page.locator(f"{form} [name=said]").first.fill("resume")
    page.locator(f"{form} button").first.click()
    page.wait_for_url("**/agents")
    assert orders(guard) != before
    plain.close()


@pytest.mark.parametrize("script", [True, False])
def test_a_session_whose_name_does_not_show_is_paused_and_resumed(browser: Browser, guard: Guard, script: bool) -> None:
    """Story: the form held the name as the page shows it, so every gesture was about a session that is not there."""
    name = f"night\u202e\u200b\U000e0041\x1b\n<U+202E> {script} " + "x" * 150
    guard.hook("Bash", {"command": "ls"}, session_id=name)
    guard.hook("Bash", {"command": "ls"}, session_id=visible(name)[:256])  # one that looks the same is left alone
    meant = str(of_session("claude", name))
    before = orders(guard)
    person = Person(browser, guard, java_script_enabled=script).enter()
    page = person.visit("/agents")
    shown = page.locator(".node", has_text=visible(name))
    for act, button, wanted in (
        ("pause", "button[value=pause]", [*before, ("pause", meant)]),
        ("resume", "form[action='/agents/resume'] button", before),
    ):
        if script:
            page.wait_for_selector("#theme:not([hidden])")
        page.wait_for_timeout(ARMED_MS)
        if act == "resume" and not script:
            shown.locator("[name=said]").first.fill("resume")
        with page.expect_navigation():
            shown.locator(button).first.click()
        assert page.locator(".door-card").count() == 0, page.inner_text("body")
        assert sorted(orders(guard)) == sorted(wanted)
    assert not person.faults
    person.close()
