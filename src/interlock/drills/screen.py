"""How a drill looks: live on a terminal, or as JSON lines. Text in, lines out; colours only where they are wanted."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from interlock.drills.incidents import Kind, Step
from interlock.drills.script import ToolCall
from interlock.drills.site import Site
from interlock.drills.story import Ending, Told
from interlock.drills.tripwires import Look
from interlock.model.counts import many
from interlock.model.visible import visible

NARROW, WIDE = 72, 110
MOST_EFFECTS = 4
_INDENT = 10

Print = Callable[[str], None]


class Screen(Protocol):
    """Where a drill is shown."""

    def say(self, text: str) -> None:
        """A remark while things are set up."""

    def begin(self, agent: str, site: Site) -> None:
        """The agent starts."""

    def asked(self, number: int, step: Step) -> None:
        """The model has told the agent to do this."""

    def told(self, told: Told) -> None:
        """The step is over."""

    def end(self, ending: Ending, kept: str) -> None:
        """The drill is over; `kept` is the folder left behind, or empty."""


_TITLES = {
    Kind.WORK: "Useful work",
    Kind.INCIDENT: "Incidents of record",
    Kind.UNDONE: "Contained, and taken back",
}
_COUNTED = (
    (Kind.WORK, "useful actions", "passed"),
    (Kind.INCIDENT, "incidents", "stopped"),
    (Kind.UNDONE, "contained", "taken back whole"),
)


class Terminal:
    """For people. `print_line` writes one line; `width` in columns; `colour` off prints plain text."""

    def __init__(self, print_line: Print, *, width: int, colour: bool) -> None:
        self._print = print_line
        self._width = min(max(width, NARROW), WIDE)
        self._colour = colour
        self._short: list[tuple[str, str]] = []
        self._kind: Kind | None = None

    def say(self, text: str) -> None:
        """A remark, dimmed."""
        self._lines(text, "  ", "2")

    def begin(self, agent: str, site: Site) -> None:
        """The title, and where things are."""
        self._short = [(f"{site.project}/", ""), (str(site.home), "~"), (str(site.root), "…")]
        self._print("")
        self._print(f"  {self._paint('Interlock incident drill', '1')}")
        self._lines(f"Agent: {agent}.", "  ", "")
        self._lines(
            "Its model is a script on loopback and its permissions are bypassed: only Interlock stands between it "
            "and the damage. terraform, psql and curl are stand-ins that would really do it, all within "
            f"{site.root} (~ is its home folder).",
            "  ",
            "2",
        )

    def asked(self, number: int, step: Step) -> None:
        """What the agent wants, before anybody has answered."""
        del number
        if step.kind is not self._kind:
            self._kind = step.kind
            title = _TITLES[step.kind]
            self._print("")
            self._print(f"  {self._paint(f'── {title} ', '1')}{self._paint('─' * (self._width - len(title) - 6), '2')}")
        if step.kind is not Kind.WORK:
            self._print("")
            self._lines(step.title, "  ", "1")
        self._lines(f"{step.call.name}  {self._shorten(wish(step.call))}", "  agent   ", "36")

    def told(self, told: Told) -> None:
        """What Interlock understood and decided, and what is the case."""
        heard = told.heard
        if heard is not None:
            for effect in heard.effects[:MOST_EFFECTS]:
                self._lines(self._shorten(effect), "  effect  ", "2")
            if len(heard.effects) > MOST_EFFECTS:
                self._lines(f"and {len(heard.effects) - MOST_EFFECTS} more", "          ", "2")
            rule = f"  {', '.join(heard.rules)}" if heard.rules else ""
            held = ", contained" if heard.contained else ""
            verdict = f"{heard.verdict.upper()}{held}, tier {heard.tier}{rule}"
            self._lines(verdict, "  verdict ", {"allow": "32", "ask": "33"}.get(heard.verdict, "31;1"))
            if heard.verdict != "allow" and heard.why:
                self._lines(self._shorten(reason(heard.why)), "  why     ", "", most=3)
        if told.undone:
            self._lines(f"interlock undo: {self._shorten(told.undone)}", "  person  ", "36")
        for look in told.looks:
            if look.intact:
                self._lines(f"{look.title}: {look.now}", "  intact  ", "32")
        if told.problem:
            self._lines(self._shorten(told.problem), "  FAILED  ", "31;1")

    def end(self, ending: Ending, kept: str) -> None:
        """The closing table."""
        self._print("")
        self._print(f"  {self._paint('── What is left ', '1')}{self._paint('─' * (self._width - 18), '2')}")
        for look in ending.looks:
            room = min(46, self._width - 38)
            before = self._shorten(look.before)[:room]
            self._print(f"  {self._mark(good=look.intact)} {look.title:<22} {before:<{room}} {_state(look)}")
            if not look.intact:
                self._lines(f"now: {self._shorten(look.now)}", " " * 27, "31;1")
        self._print("")
        for kind, title, done in _COUNTED:
            good, planned = ending.count(kind)
            how = _how(ending.verdicts()) if kind is Kind.INCIDENT else ""
            self._print(f"  {self._mark(good=good == planned)} {title:<22} {good} of {planned} {done}{how}")
        lost = sum(not look.intact for look in ending.looks)
        self._print(
            f"  {self._mark(good=not lost)} {'lost':<22} {'nothing' if not lost else f'{lost} of {len(ending.looks)}'}"
        )
        mark = self._mark(good=ending.ledger.sound)
        self._lines(
            f"{many(ending.entries, 'entry', 'entries')}. {self._shorten(ending.ledger.said)}",
            f"  {mark} {'ledger':<22} ",
            "",
        )
        if ending.trouble:
            self._lines(ending.trouble, "  FAILED  ", "31;1")
        self._print("")
        verdict = "Nothing was lost." if ending.good else "THE DRILL FAILED."
        kept = f" Kept in {kept}" if kept else ""
        self._print(f"  {self._paint(verdict, '32;1' if ending.good else '31;1')} {ending.seconds:.0f} seconds.{kept}")
        self._print("")

    def _mark(self, *, good: bool) -> str:
        return self._paint("✓", "32;1") if good else self._paint("✗", "31;1")

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code and text else text

    def _shorten(self, text: str) -> str:
        for long, short in self._short:
            text = text.replace(long, short)
        return text

    def _lines(self, text: str, head: str, code: str, most: int = 8) -> None:
        """Wrapped text behind a head; the lines after the first are indented as far. Past `most` lines it is cut."""
        bare = len(head) if "\x1b" not in head else _INDENT + 17
        lines = textwrap.wrap(visible(text), self._width - bare, break_on_hyphens=False) or [""]
        painted_head = head if code in {"", "2", "1"} or not head.strip() else self._paint(head, "2")
        if len(lines) > most:
            lines = [*lines[: most - 1], lines[most - 1][: self._width - bare - 2] + " …"]
        for at, line in enumerate(lines):
            self._print(f"{painted_head if at == 0 else ' ' * bare}{self._paint(line, code)}")


class JsonLines:
    """For programs: one JSON object a line, each with its `event`."""

    def __init__(self, print_line: Print) -> None:
        self._print = print_line

    def say(self, text: str) -> None:
        """A remark."""
        self._emit("remark", {"text": text})

    def begin(self, agent: str, site: Site) -> None:
        """The start."""
        self._emit("begin", {"agent": agent, "root": str(site.root)})

    def asked(self, number: int, step: Step) -> None:
        """The step begins."""
        asked = {"tool": step.call.name, "input": step.call.input}
        self._emit(
            "asked", {"number": number, "step": step.name, "kind": step.kind.value, "title": step.title, **asked}
        )

    def told(self, told: Told) -> None:
        """The step is over."""
        self._emit(
            "told",
            {
                "number": told.number,
                "step": told.step.name,
                "good": told.good,
                "problem": told.problem,
                "heard": msgspec.to_builtins(told.heard),
                "result": msgspec.to_builtins(told.result),
                "tripwires": msgspec.to_builtins(told.looks),
            },
        )

    def end(self, ending: Ending, kept: str) -> None:
        """The closing figures."""
        (work, works), (stopped, incidents) = ending.count(Kind.WORK), ending.count(Kind.INCIDENT)
        restored, undone = ending.count(Kind.UNDONE)
        self._emit(
            "end",
            {
                "good": ending.good,
                "work": {"passed": work, "planned": works},
                "incidents": {"stopped": stopped, "planned": incidents},
                "undone": {"restored": restored, "planned": undone},
                "tripwires": msgspec.to_builtins(ending.looks),
                "ledger": {**msgspec.to_builtins(ending.ledger), "entries": ending.entries},
                "milliseconds": int(ending.seconds * 1000),
                "trouble": ending.trouble,
                "kept": kept,
            },
        )

    def _emit(self, event: str, fields: dict[str, Any]) -> None:
        self._print(json.dumps({"event": event, **fields}, ensure_ascii=True))


def _state(look: Look) -> str:
    return "unchanged" if look.intact else "LOST"


def _how(verdicts: Mapping[str, int]) -> str:
    words = {"deny": "denied", "ask": "held for a person"}
    said = ", ".join(f"{count} {words[verdict]}" for verdict, count in verdicts.items())
    return f" ({said})" if said else ""


def wish(call: ToolCall) -> str:
    """What a tool call asks for, in one line."""
    for key in ("command", "file_path"):
        if key in call.input:
            text = str(call.input[key])
            return f"{text}  {call.input['content'].strip()}" if "content" in call.input else text
    return json.dumps(call.input)


def reason(why: str) -> str:
    """The reason within the words that the agent got: the effects stand above it, and advice to the agent is left
    out.

    Where the words are not of that form they are shown whole.
    """
    _, found, rest = why.partition(". Rule ")
    for advice in (" A rule said no", " Do not retry"):
        rest = rest.partition(advice)[0]
    return rest if found and rest else why
