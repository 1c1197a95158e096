"""The screen of `interlock tui`: what waits, one card whole, and an answer. Extra `tui`.

It decides nothing by itself: what a yes takes is checked by the daemon, from a person's own process as for every
command. What is shown goes through the one renderer first, because a widget would pass an escape on to the terminal.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Key, Paste
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from interlock.cli.inbox import card
from interlock.model.errors import InterlockError
from interlock.model.visible import visible

ARM_SECONDS = 0.7  # after a card appeared or changed, nothing is answered with yes
STRAY_SECONDS = 0.025  # keys that come faster than a hand types
_LOOK_SECONDS = 1.0
_OPEN = frozenset({"pending", "partial"})

Ask = Callable[[str, dict[str, Any]], Any]


class Typed(Input):
    """Where the fingerprint is typed: each key on its own. What is pasted, or rains down, is no typing."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(id="typed", placeholder="type of the fingerprint to approve; Esc leaves", disabled=True)
        self._now = now
        self._last = 0.0

    def _on_paste(self, event: Paste) -> None:
        event.stop()
        event.prevent_default()

    async def _on_key(self, event: Key) -> None:
        now = self._now()
        quick, self._last = now - self._last < STRAY_SECONDS, now
        if quick:
            self.value = ""
            event.prevent_default()
            return
        await super()._on_key(event)


class Inbox(App[None]):
    """What waits on the left, the chosen question on the right, its answer below. `now` is in seconds."""

    TITLE = "Interlock"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = "#rows"  # a field is entered by its key alone
    CSS = """
    #rows { width: 34; }
    #card { padding: 0 1; }
    #said { height: auto; padding: 0 1; }
    Input { display: none; }
    Input.open { display: block; }
    """
    BINDINGS: ClassVar = [
        ("j", "choose(1)", "Next"),
        ("k", "choose(-1)", "Previous"),
        ("a", "approve", "Approve"),
        ("d", "deny", "Deny"),
        ("p", "pause", "Deny and pause"),
        ("escape", "leave", "Leave the field"),
        ("q", "quit", "Quit"),
    ]

    def __init__(self, ask: Ask, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._ask = ask
        self._now = now
        self._waiting: list[dict[str, Any]] = []
        self._shown: dict[str, Any] = {}
        self._since = 0.0
        self._verdict = "deny"
        self._rows = OptionList(id="rows", markup=False)
        self._card = Static(id="card", markup=False)
        self._said = Static(id="said", markup=False)
        self._typed = Typed(now)
        why = "why not? The agent reads it. Enter denies; Esc leaves"
        self._because = Input(id="because", placeholder=why, max_length=1_000, disabled=True)

    def compose(self) -> ComposeResult:
        """The parts of the screen."""
        with Horizontal():
            yield self._rows
            with VerticalScroll():
                yield self._card
        yield self._said
        yield self._typed
        yield self._because
        yield Footer()

    def on_mount(self) -> None:
        """Look now, and again and again."""
        self.look()
        self.set_interval(_LOOK_SECONDS, self.look)

    # --- what is seen

    def look(self) -> None:
        """Fetch what waits; a card that changed, or is not there any more, is a new one."""
        if not self._rows.is_attached:
            return  # the screen is going away
        try:
            found = [one for one in self._ask("inbox", {}) if one["state"] in _OPEN]
        except InterlockError as error:
            self._say(str(error))
            return
        self._waiting = sorted(found, key=lambda one: (-one["tier"], one["decide_by"], one["id"]))
        rows = self._rows
        chosen = self._shown.get("id", -1)
        rows.clear_options()
        rows.add_options([Option(Content(_row(one)), id=str(one["id"])) for one in self._waiting])
        at = next((place for place, one in enumerate(self._waiting) if one["id"] == chosen), 0)
        rows.highlighted = at if self._waiting else None
        self._show(self._waiting[at] if self._waiting else {})

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another question is chosen."""
        one = next((one for one in self._waiting if str(one["id"]) == event.option_id), None)
        if one is not None:
            self._show(one)

    def _show(self, one: dict[str, Any]) -> None:
        if one == self._shown:
            return
        self._shown, self._since = one, self._now()
        self._typed.value = ""
        self._card.update(Content(drawn(one) if one else "Nothing waits for you."))
        if not one:
            self.action_leave()

    def _say(self, text: str) -> None:
        self._said.update(Content(visible(text)))

    # --- what is done

    def action_choose(self, step: int) -> None:
        """The next question, or the one before."""
        rows = self._rows
        if self._waiting:
            rows.highlighted = max(0, min(len(self._waiting) - 1, (rows.highlighted or 0) + step))

    def action_leave(self) -> None:
        """Out of the field; what was typed is thrown away."""
        for field in (self._typed, self._because):
            field.value, field.disabled = "", True
            field.remove_class("open")
        self._rows.focus()

    def action_approve(self) -> None:
        """To the field where a yes is typed."""
        self._open(self._typed, f"Type {_wanted(self._shown)[0]} of the fingerprint.")

    def action_deny(self) -> None:
        """To the field where a no is explained."""
        self._verdict = "deny"
        self._open(self._because, "")

    def action_pause(self) -> None:
        """The same, and the session is paused."""
        self._verdict = "deny_and_pause"
        self._open(self._because, "The session will be paused.")

    def _open(self, field: Input, text: str) -> None:
        if not self._shown:
            return
        self.action_leave()
        self._say(text)
        field.disabled = False
        field.add_class("open").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The last letter of the right word is the yes; Enter is none."""
        if event.input.id != "typed" or not self._shown:
            return
        typed, (_, wanted) = event.value.strip().lower(), _wanted(self._shown)
        if len(typed) < len(wanted):
            return
        event.input.value = ""
        if self._now() - self._since < ARM_SECONDS:
            self._say("Not yet: the card has just appeared or changed.")
        elif typed != wanted:
            self._say("That is not it. Nothing was approved.")
        else:
            self._answer("approve", {"code": wanted} if self._shown["needs"].get("strong") else {})

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter sends a no, with its words."""
        if event.input.id == "because" and self._shown:
            self._answer("deny", {"because": event.value, "pause": self._verdict == "deny_and_pause"})

    def _answer(self, method: str, more: dict[str, Any]) -> None:
        one, shown = self._shown, int((self._now() - self._since) * 1_000)
        try:
            if self._ask("request", {"id": one["id"]})["fingerprint"] != one["fingerprint"]:
                self._say("The question has changed. Look at it again.")
                return
            after = self._ask(method, {"id": one["id"], "shown_ms": shown, **more})
        except InterlockError as error:
            self._say(str(error))
            return
        self.action_leave()
        self._say(f"#{one['id']} is {after['state']}. `interlock show {one['id']}` says what becomes of it.")
        self.look()


def drawn(request: Mapping[str, Any]) -> str:
    """The card as every command prints it: made visible, wrapped, nothing cut."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        card(dict(request))
    return text.getvalue()


def _row(request: Mapping[str, Any]) -> str:
    return visible(f"#{request['id']} tier {request['tier']}  {request['tool']}: {request['text']}")


def _wanted(request: Mapping[str, Any]) -> tuple[str, str]:
    printed = str(request.get("fingerprint", ""))
    if request.get("needs", {}).get("strong"):
        return "the last part", printed.rsplit("-", 1)[-1]
    return "the first word", printed.split("-", 1)[0]
