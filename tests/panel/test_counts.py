"""One is one and two are two: what a person reads of a number of things, on every screen and in every command."""

from __future__ import annotations

import ast
import html
import re
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

import interlock
from interlock.model.counts import filled, many
from interlock.panel.app import found
from interlock.panel.page import page
from interlock.panel.render import render
from interlock.panel.screen import Screen, Visit
from interlock.panel.screens import changes, grants
from interlock.panel.seats import Seat
from interlock.panel.span import span
from interlock.panel.words import size

STAMP = "2026-11-29T02:00:00Z"
SEAT = Seat("id", "ada", 0, "person", "1 2", b"x" * 32, 0.0, 0.0)
STATUS = {"ledger_healthy": True, "ledger_problem": "", "rule_problems": {}, "mode": "enforce"}
# Fields whose text is a moment.
MOMENTS = {"time", "at", "stamp", "asked_at", "decide_by", "execute_by", "until", "start", "end"}
# A number and the word behind it, which may be an adjective with its noun.
COUNTED = re.compile(
    r"(?<![\w.#:-])(\d+) (?:(?:changed|distinct|held|live|more|new|recorded|signed) )?([a-z]+(?:-[a-z]+)?)"
)
NO_NOUN = re.compile("alike|and|asked|at|d|failed|h|held|in|min|more|of|older|only|other|s|stopped|to|waiting|x")
ENDS_IN_S = frozenset({"is", "has", "wants", "blocks", "was", "waits", "yes"})


def made(kind: Any, number: int, name: str = "") -> Any:
    """A value of this type: each count in it is `number`, and each list so long."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind(**{one.name: made(one.type, number, one.name) for one in msgspec.structs.fields(kind)})
    if origin is tuple and name == "children":  # what is below a node is a node
        return ()
    if origin is tuple:
        return (made(inner[0], number),) * number if inner[-1] is ... else tuple(made(one, number) for one in inner)
    if origin is dict:
        return {"x": made(inner[1], number)} if inner[1] is int else {}
    if origin is types.UnionType:
        return made(inner[0], number)
    plain: Mapping[Any, Any] = {int: number, float: 0.5, bool: True, str: STAMP if name in MOMENTS else "x"}
    return plain[kind]


def shown(screen: Screen, number: int) -> str:
    """What a screen says, as one line, where there are so many of everything."""

    async def ask(method: str, /, **params: Any) -> Any:
        raise AssertionError(method, params)

    visit = Visit(ask, SEAT, 1_795_917_600.0, span({}, 0.0), {"id": 7})
    view = made(typing.get_type_hints(screen.load)["return"], number)
    frame = page("/", "n", screen, visit, {**STATUS, "undecided": number}, "", found()[0])
    text = render(screen.template, {"page": frame, "view": view, "visit": visit})
    main = text[text.index("<main") : text.index("</main>")]
    text = re.sub(r"<(?:textarea|option)[^>]*>[^<]*|</(?:span|p|h[1-6]|li|d[dt]|t[dh]|time|a|code)>", " · ", main)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())


def wrong(text: str) -> list[str]:
    """Counts with the noun of another count."""
    counts = [(int(one[1]), one[2], one[0]) for one in COUNTED.finditer(text) if not NO_NOUN.fullmatch(one[2])]
    plural = [
        (number, (word.endswith("s") and word not in ENDS_IN_S) or word == "people", said)
        for number, word, said in counts
    ]
    return [said for number, more, said in plural if more == (number == 1)]


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("screen", found()[0], ids=lambda screen: str(screen.name))
def test_each_screen_counts_as_people_do(screen: Screen, number: int) -> None:
    assert wrong(shown(screen, number)) == []


def test_a_wrong_count_is_found() -> None:
    for text in ("1 entries", "2 file", "0 entry more and 1 live sessions", "1 people", "2 person"):
        assert wrong(text), text
    assert not wrong("1 entry, 2 files, 0 people, 1 person, 1 of 3 live sessions, 2 stopped, #1 entries, 0.1 files")
    assert (many(0, "file"), many(1, "entry", "entries"), many(2, "entry", "entries")) == (
        "0 files",
        "1 entry",
        "2 entries",
    )


@pytest.mark.parametrize("number", [1, 2])
def test_what_a_screen_makes_of_numbers_counts_so_too(number: int) -> None:
    grant = {"id": 1, "standing": "live", "patterns": [], "uses": number, "used": 0}
    row = {
        "entry": 1,
        "time": STAMP,
        "commit": "c",
        "repository": "",
        "findings": dict.fromkeys(("block", "review", "note"), number),
    }
    (listed,) = changes.view({"changes": [row], "more": 0, "whole": True}, {1: number}).rows
    said = [grants.view([grant], [], {}, [], "", "").live[0].left, changes.machine({"agent": number}), *listed.findings]
    assert listed.incidents == number
    assert [wrong(one) for one in said] == [[]] * len(said), said


NOUNS = (
    "entries files sessions questions actions findings commits lines processes rules grants orders requests "
    "keys intents gaps checkpoints changes decisions days pieces times prompts yeses runs commands branches steps "
    "sub-agents events rows objects resources notes properties families programs complaints"
)
SEVERAL = {"len(asks)", "count"}  # where it was looked at that there is more than one: notices, `more than … files`
BEHIND = re.compile(rf" (?:[a-z-]+ )?(?:{'|'.join(NOUNS.split())})\b")
ROOMS = (
    "cli",
    "panel",
    "notify",
    "preview",
    "watch",
    "changes/report",
    "drills/screen.py",
    "drills/tripwires.py",
)


def counts_by_hand(source: str) -> list[str]:
    """Texts in which a number that is not known stands before a noun for many."""
    listed = []
    for node in (one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.JoinedStr)):
        for value, behind in zip(node.values, node.values[1:], strict=False):
            if isinstance(value, ast.FormattedValue) and isinstance(behind, ast.Constant):
                number = ast.unparse(value.value)  # a limit, in capitals, is a number that is known
                if BEHIND.match(behind.value) and not (
                    number in SEVERAL or number.startswith("many(") or number.lstrip("_").isupper()
                ):
                    listed.append(f"{node.lineno}: {{{number}}}{behind.value[:40]}")
    return listed


def test_no_command_counts_by_hand() -> None:
    root, listed = Path(interlock.__file__).parent, []
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")) if (root / room).is_dir() else [root / room]:
            listed += [f"{path.relative_to(root)}:{line}" for line in counts_by_hand(path.read_text())]
    assert listed == []
    assert counts_by_hand('f"{number} live sessions"')
    assert not counts_by_hand("f\"at most {_MOST} sessions; {many(1, 'file')}\"")


def test_a_sentence_of_a_file_of_data_takes_its_number() -> None:
    said = "{n finding wants|findings want} a person, of {n}"
    assert [filled(said, number) for number in (0, 1, 2)] == [
        "0 findings want a person, of 0", "1 finding wants a person, of 1", "2 findings want a person, of 2",
    ]  # fmt: skip
    says = re.findall(
        r'^says = "(.*)"$', (Path(interlock.__file__).parent / "changes/data/risk.toml").read_text(), re.M
    )
    assert len(says) > 10
    assert [wrong(filled(one, number)) for one in says for number in (0, 1, 2)] == [[]] * 3 * len(says)
    assert [size(count) for count in (0, 1, 999, 23_943, 5_000_000)] == [
        "0 bytes", "1 byte", "999 bytes", "23.9 kB", "5.0 MB",
    ]  # fmt: skip
