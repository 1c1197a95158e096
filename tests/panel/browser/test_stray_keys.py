"""Keys that were meant for something else: a storm of them, while questions come, change and go, approves nothing."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error
from tests.daemon.conftest import Guard
from tests.panel.browser.eyes import Person, chromium
from tests.panel.browser.scene import asked, decided

from interlock.daemon.client import call
from interlock.model.errors import InterlockError

pytestmark = pytest.mark.browser
STROKES = 10_000
ROUNDS = 40
SEED = 20_261_129
KEYS = (*"abcdefghijklmnopqrstuvwxyz0123456789-?./ ", "Enter", "Space", "Tab", "Escape", "ArrowDown", "Backspace")
# What stray fingers hit most where it could matter: the panel's own keys, and those that press what has the focus.
LIKELY = (*"jkoadsgi", "a", "a", "Enter", "Enter", "Tab", "Tab", "Space", "Control+Enter", "Shift+Tab")


def strokes(chance: random.Random) -> Iterator[tuple[str, int]]:
    """Keys without end, each with how often it repeats while it is held down."""
    while True:
        key = chance.choice(LIKELY if chance.random() < 0.5 else KEYS)
        held = chance.random() < 0.15 and "+" not in key
        yield key, chance.randint(2, 30) if held else 1


def strike(person: Person, key: str, times: int) -> None:
    keyboard = person.page.keyboard
    if times == 1:
        keyboard.press(key)
        return
    for _ in range(times):
        keyboard.down(key)  # the second and all later ones are told as repeated
    keyboard.up(key)


def elsewhere(guard: Guard, chance: random.Random, number: int) -> None:
    """Something happens to the questions: a new one, one that means another thing now, one that is over."""
    (guard.project / "x.json").write_text(str(number))  # what a command sends is part of what is asked
    if number % 3 == 0:
        asked(guard, f"curl -X POST https://s{number}.example.com/ -d @x.json", session_id=f"storm-{number}")
    elif number % 3 == 1:
        guard.hook("Bash", {"command": "curl -X POST https://again.example.com/ -d @x.json"}, tool_use_id="again")
    else:
        waiting = [one["id"] for one in call(guard.home, "inbox") if one["state"] == "pending"]
        if len(waiting) > 4:
            with contextlib.suppress(InterlockError):  # a stray key was quicker to say no
                decided(guard, chance.choice(waiting), "deny")


def alone(person: Person) -> Person:
    """Control and Enter on a link open it beside; of pages that listen Chromium has six at most, and no more load."""
    person.context.on("page", lambda tab: tab.close())
    return person


def landed(person: Person, guard: Guard, chance: random.Random) -> Person:
    """A fresh look at a question, or at the inbox; by a new link where a stray key has signed the person out."""
    waiting = [one["id"] for one in call(guard.home, "inbox") if one["state"] == "pending"]
    path = chance.choice(["/inbox", *(f"/requests/{number}" for number in waiting)])
    answer = None
    for _ in range(20):
        person.page.wait_for_timeout(150)  # a page that the last key asked for comes, or not
        with contextlib.suppress(Error):  # it came just now, and was quicker
            answer = person.page.goto(person.base + path)
            break
    assert answer is not None
    if answer.status == 401:
        browser = person.context.browser
        assert browser is not None
        person = alone(Person(browser, guard).enter())
        person.visit(path)
    return person


def test_ten_thousand_stray_keys_approve_nothing(guard: Guard) -> None:
    # A browser of its own, which is ended whole: after all these keys a profile once did not close in ten minutes.
    with chromium() as browser:
        storm(browser, guard)
    said = [entry["body"]["decision"]["verdict"] for entry in guard.entries("approval.decision")]
    assert "approve" not in said
    assert {one["state"] for one in call(guard.home, "inbox", {"all": True})} <= {
        "pending", "denied", "superseded", "withdrawn", "revoked",
    }  # fmt: skip
    assert call(guard.home, "grants", {"all": True}) == []


def storm(browser: Browser, guard: Guard) -> None:
    """All the keys, while questions come, change and go."""
    chance = random.Random(SEED)
    person = alone(Person(browser, guard).enter())
    for name in ("one", "two", "three"):
        asked(guard, f"curl -X POST https://{name}.example.com/ -d @x.json", session_id=name)
    asked(guard, "npm publish", session_id="grave")
    keys, struck, rounds = strokes(chance), 0, 0
    while struck < STROKES:
        person = landed(person, guard, chance)
        rounds += 1
        end = struck + STROKES // ROUNDS
        while struck < end:
            if chance.random() < 0.03:
                elsewhere(guard, chance, struck)
            if chance.random() < 0.04:
                person.page.wait_for_timeout(chance.choice((30, 120, 800)))  # long enough for a card to arm
            key, times = next(keys)
            strike(person, key, times)
            struck += times
    assert rounds >= ROUNDS // 2


def test_the_word_in_one_breath_is_no_typing(ada: Person, guard: Guard) -> None:
    """A keyboard that sends the right word without a pause, as a wedge scanner or a pasted macro does."""
    number = asked(guard, "curl -X POST https://breath.example.com/ -d @x.json", session_id="breath")
    word = call(guard.home, "request", {"id": number})["fingerprint"].split("-")[0]
    page = ada.visit(f"/requests/{number}")
    page.wait_for_selector("#decide[data-armed='1']")
    page.keyboard.press("a")
    page.keyboard.type(word)
    page.wait_for_timeout(300)
    assert call(guard.home, "request", {"id": number})["state"] == "pending"


def test_a_card_that_has_just_changed_is_not_armed(ada: Person, guard: Guard) -> None:
    """The click that was meant for the card before it: what is asked about is replaced under the pointer."""
    (guard.project / "y.json").write_text("1")
    command = "curl -X POST https://changed.example.com/ -d @y.json"
    # A session of its own: one of those that the storm was about may have been paused with a no.
    of = {"tool_use_id": "changed", "session_id": "changed"}
    number = asked(guard, command, **of)
    page = ada.visit(f"/requests/{number}")
    page.wait_for_selector("#decide[data-armed='1']")
    place = page.locator("#approve").bounding_box()
    assert place is not None
    (guard.project / "y.json").write_text("2")
    guard.hook("Bash", {"command": command}, **of)
    page.mouse.click(place["x"] + 5, place["y"] + 5)
    page.wait_for_timeout(500)
    states = {one["state"] for one in call(guard.home, "inbox", {"all": True}) if one["text"] == command}
    assert "approved" not in states


def test_a_click_before_the_card_arms_says_so_and_approves_nothing(browser: Browser, guard: Guard) -> None:
    number = asked(guard, "curl -X POST https://early.example.com/ -d @x.json", session_id="early")
    quick = Person(browser, guard).enter()
    quick.page.clock.install(time=0)
    quick.page.clock.pause_at(1_000)  # the page's own time stands still: it never arms by itself
    page = quick.visit(f"/requests/{number}")
    page.wait_for_selector("#theme:not([hidden])")
    page.click("#approve", force=True)
    page.wait_for_selector("text=Not yet")
    assert call(guard.home, "request", {"id": number})["state"] == "pending"
    page.clock.run_for(650)
    assert page.get_attribute("#decide", "data-armed") == "0"
    page.clock.run_for(150)
    page.click("#approve")
    page.wait_for_url(f"**/receipts/{number}")
    quick.close()
