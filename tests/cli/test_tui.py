"""The terminal's own screen, driven as a person would drive it, on a real daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input, Static

from daemon.conftest import Guard
from interlock.cli.tui_app import Inbox, drawn
from interlock.daemon.client import call


class Time:
    """A clock that stands still between two keys unless it is told to go on."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


class Hand:
    """A person before the screen, who takes their time."""

    def __init__(self, app: Inbox, pilot: Pilot[None], clock: Time) -> None:
        self.app, self.pilot, self.clock = app, pilot, clock

    async def press(self, *keys: str, apart: float = 0.1) -> None:
        for key in keys:
            self.clock.at += apart
            await self.pilot.press(key)
        await self.pilot.pause()

    def text(self, name: str) -> str:
        return str(self.app.query_one(name, Static).content)


Story = Callable[[Hand], Awaitable[None]]


def live(guard: Guard, story: Story) -> None:
    async def run() -> None:
        clock = Time()
        app = Inbox(lambda method, params: call(guard.home, method, params), clock)
        async with app.run_test(size=(120, 60)) as pilot:
            await pilot.pause()
            await story(Hand(app, pilot, clock))

    asyncio.run(run())


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    guard = Guard(tmp_path_factory.mktemp("tui"))
    guard.configure('[ask]\nhold_seconds = 0\n[containment]\nshell = "off"\n[approvals]\ndenials_in_a_row = 0\n')
    guard.start()
    yield guard
    guard.kill()


def ask(guard: Guard, command: str, **more: Any) -> dict[str, Any]:
    for old in call(guard.home, "inbox"):
        call(guard.home, "deny", {"id": old["id"]})
    guard.hook("Bash", {"command": command}, **more)
    (found,) = [one for one in call(guard.home, "inbox") if one["text"] == command]
    return dict(found)


def state(guard: Guard, request: dict[str, Any]) -> str:
    return str(call(guard.home, "request", {"id": request["id"]})["state"])


def test_it_shows_the_same_card_and_fingerprint_as_every_command(asked: Guard) -> None:
    request = ask(asked, "curl -X POST https://tui.example.com -d '\u202e[red]x[/red]'")

    async def story(hand: Hand) -> None:
        shown = hand.text("#card")
        assert request["fingerprint"] in shown
        assert "<U+202E>[red]x[/red]" in shown
        assert "\u202e" not in shown
        assert shown.partition("\n")[2] == drawn(request).partition("\n")[2]  # its first line says how old it is

    live(asked, story)
    assert request["fingerprint"] in asked.cli("show", str(request["id"])).stdout


def test_the_first_word_is_a_yes_and_enter_is_none(asked: Guard) -> None:
    request = ask(asked, "curl -X POST https://word.example.com -d @x")
    word = request["fingerprint"].split("-")[0]

    async def story(hand: Hand) -> None:
        await hand.press("enter", "y", "a", "enter", "enter", apart=1.0)
        assert state(asked, request) == "pending"
        await hand.press(*"wrong"[: len(word)].ljust(len(word), "q"))
        assert "Nothing was approved" in hand.text("#said")
        assert state(asked, request) == "pending"
        await hand.press(*word)
        assert "is approved" in hand.text("#said")

    live(asked, story)
    assert state(asked, request) == "approved"


def test_a_grave_yes_takes_the_last_part(asked: Guard) -> None:
    request = ask(asked, "npm publish --tag tui")
    words = request["fingerprint"].split("-")

    async def story(hand: Hand) -> None:
        await hand.press("a", *words[0], *"xxx", apart=1.0)
        assert state(asked, request) == "pending"
        await hand.press("escape", "a", *words[-1])

    live(asked, story)
    after = call(asked.home, "request", {"id": request["id"]})
    assert (after["state"], after["decided_how"], after["votes"][0]["strong"]) == ("approved", "uid", True)


def test_a_no_carries_its_words_and_pauses_where_that_is_meant(asked: Guard) -> None:
    for key, session in (("d", "denied"), ("p", "paused")):
        request = ask(asked, f"npm publish --tag {session}", session_id=session)

        async def story(hand: Hand, key: str = key) -> None:
            await hand.press(key, *"no way", "enter")

        live(asked, story)
        after = call(asked.home, "request", {"id": request["id"]})
        assert (after["state"], after["because"]) == ("denied", "no way")
        again = asked.hook("Bash", {"command": "ls"}, session_id=session)
        assert (b"paused" in again.stdout.lower()) is (key == "p")


def test_what_is_typed_too_early_pasted_or_rains_down_is_no_yes(asked: Guard) -> None:
    request = ask(asked, "curl -X POST https://stray.example.com -d @x")
    word = request["fingerprint"].split("-")[0]

    async def story(hand: Hand) -> None:
        await hand.press("a", *word, apart=0.05)
        assert "Not yet" in hand.text("#said")
        await hand.press("a", apart=2.0)
        await hand.press(*word, apart=0.001)
        field = hand.app.query_one("#typed", Input)
        field.post_message(Paste(word))
        await hand.pilot.pause()
        assert state(asked, request) == "pending"

    live(asked, story)
    assert state(asked, request) == "pending"


def test_a_card_that_changes_throws_away_what_was_typed(asked: Guard) -> None:
    first = ask(asked, "curl -X POST https://first.example.com -d @x")
    word = first["fingerprint"].split("-")[0]

    async def story(hand: Hand) -> None:
        await hand.press("a", *word[:-1], apart=1.0)
        asked.hook("Bash", {"command": "npm publish --tag graver"})
        call(asked.home, "deny", {"id": first["id"]})
        hand.app.look()
        await hand.pilot.pause()
        assert "npm publish" in hand.text("#card")
        await hand.press(word[-1], *word, apart=0.05)

    live(asked, story)
    assert [one["state"] for one in call(asked.home, "inbox")] == ["pending"]


def test_without_a_terminal_it_says_what_to_use(asked: Guard) -> None:
    refused = asked.cli("tui")
    assert refused.returncode == 2
    assert "interlock inbox" in refused.stderr
    assert asked.cli("tui", "--json").stdout == asked.cli("inbox", "--json").stdout
