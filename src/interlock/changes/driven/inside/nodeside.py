"""One version of a module of JavaScript or TypeScript, as walks take it: in a Node.js of its own.

What goes in and out are lines of JSON. The code under the walk can write them as well as we do: what cannot be read is
the end of its walks.
"""

from __future__ import annotations

import base64
import json
import math
import os
import random
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from .answers import Outcome, Shown
from .entries import Entry
from .making import Recipe
from .sides import Opened, Step, Taken
from .texts import Words, matching
from .unknown import Shape

_MAIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "node", "main.js")
_HEAP = 256  # MiB
_MOMENT = 1.0  # CPU-seconds of one walk that no branch of the code ends, as a pattern that tries all ways
_WAITING = 5.0  # seconds of one that waits for what nobody does
_REACHING = ("__proto__", "__proto__.admin", "constructor.prototype.admin")  # what leads to all objects
_TICK = os.sysconf("SC_CLK_TCK")


class NodeError(Exception):
    """A version cannot be walked through; the message says why."""


def opened(folder: str, one: dict[str, Any], _scratch: str, _chance: random.Random) -> Opened:
    """Load both versions. Raises NodeError."""
    known = dict(one["constants"])
    known["text"] = list(dict.fromkeys([*known["text"], *_matching(known.pop("pattern"))]))
    known["text"] += _REACHING
    known["bytes"] = []
    sides = [
        NodeSide(one["program"], os.path.join(folder, side), one[side], known["text"]) for side in ("before", "after")
    ]

    def clock() -> float:
        return time.process_time() + sum(side.spent for side in sides)

    def close() -> None:
        for side in sides:
            side.close()

    try:
        found = list(_entries(sides))
    except BaseException:
        close()
        raise
    return Opened(list(sides), found, Words(known), clock, True, close)


def _matching(patterns: list[str]) -> Iterator[str]:
    for pattern in patterns:
        yield from matching(pattern)


class NodeSide:
    """Takes walks in a process of Node.js, which is started anew where one does not end."""

    def __init__(self, program: str, root: str, path: str, words: list[str]) -> None:
        self._argv = [program, f"--max-old-space-size={_HEAP}", "--stack-size=700", _MAIN]
        self._opening = {"op": "open", "root": root, "path": path, "words": words[:200]}
        self.spent, self._before = 0.0, 0.0  # CPU-seconds, and those of the processes that are gone
        self._shapes: dict[str, Shape] = {}
        self._ids: dict[int, str] = {}
        self.entries: dict[str, Entry] = {}
        self._begin()

    def _begin(self) -> None:
        into, out = os.pipe(), os.pipe()
        self._process = subprocess.Popen(  # noqa: S603 - in a room, and the program is the system's
            self._argv, stdin=into[0], stdout=out[1], stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "TZ": "UTC"},  # noqa: S108 - the room's own
        )  # fmt: skip
        os.close(into[0])
        os.close(out[1])
        self._into, self._from = os.fdopen(into[1], "wb"), out[0]
        self._rest = b""
        said = self._ask(self._opening, 4 * _MOMENT)
        if said is None:
            raise NodeError("it takes too long to be loaded, or ended Node.js")
        if "why" in said:
            raise NodeError(str(said["why"]))
        self.found: list[Any] = said["found"]

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        os.close(self._from)
        with suppress(OSError):
            self._into.close()

    def _ask(self, what: dict[str, Any], moment: float) -> dict[str, Any] | None:
        """What it says; None where it says nothing in its time, and is no more."""
        try:
            self._into.write(json.dumps(what).encode() + b"\n")
            self._into.flush()
        except OSError:
            return None
        line = self._line(_spent(self._process.pid) + moment, time.monotonic() + _WAITING)
        try:
            said = json.loads(line) if line else None
        except ValueError as error:
            raise NodeError("what it says cannot be read") from error
        if said is None or not isinstance(said, dict):
            return None
        self.spent = self._before + float(said["spent"])
        for path, event, value in said["lessons"]:
            self._learn(path, event, value)
        return said

    def _line(self, spent: float, until: float) -> bytes:
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], 0.05)
            if ready:
                piece = os.read(self._from, 1 << 20)
                if not piece:
                    return b""
                self._rest += piece
            elif time.monotonic() > until or _spent(self._process.pid) > spent:
                return b""
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _learn(self, path: list[str], event: str, value: Any) -> None:
        shape = self._shapes.get(path[0])
        if shape is None:
            return
        for step in path[1:]:
            if step == "[]":
                shape = shape.item
            elif step == "()":
                shape = shape.result
            else:
                shape = shape.part(shape.fields, step[1:])
        if event == "near":
            shape.near(value)
        elif event == "field":
            shape.part(shape.fields, value)
        elif event == "firm":
            shape.firmly(value)
        elif event == "maybe":
            shape.kinds[value] += 0
        else:
            shape.note(value)

    def built(self) -> dict[str, Entry]:
        """Its classes, and functions that give what has methods."""
        return self.entries

    def fields(self, name: str, recipes: list[Recipe]) -> set[str]:
        """What its objects have."""
        said = self._ask({"op": "fields", "name": name, "made": [self._recipe(one) for one in recipes]}, _MOMENT)
        return set(said["has"]) if said is not None and "has" in said else set()

    def taken(self, steps: list[Step], seed: int) -> Taken:
        """Take a walk."""
        table: list[dict[str, Any]] = []
        at: dict[Any, int] = {}
        order: list[tuple[int, float]] = []
        for step in steps:
            key = (step.entry.title, tuple((n, id(r)) for n, r in step.given.items()), id(step.on))
            if key not in at:
                at[key] = len(table)
                table.append(self._step(step))
            order.append((at[key], step.after))
        said = self._ask({"op": "take", "seed": seed, "table": table, "order": order}, _MOMENT)
        if said is None:
            self._again()
            return Taken([Outcome("late")], (), [])
        if "why" in said:  # its loading failed this time
            return Taken([Outcome("stumbles", said["why"])], (), [])
        found = [
            Outcome(how, _read(value), tuple(map(_read, calls)), drawn) for how, value, calls, drawn in said["outcomes"]
        ]
        return Taken(found, said["ran"], [(n, set(has) if has is not None else None) for n, has in said["gave"]])

    def _again(self) -> None:
        self._before = self.spent + _MOMENT
        self.close()
        self._begin()

    def _step(self, step: Step) -> dict[str, Any]:
        names = list(step.entry.shapes)
        last = max((names.index(name) for name in step.given), default=-1)
        args = [self._recipe(step.given[name]) if name in step.given else None for name in names[: last + 1]]
        on = step.on
        rest = next((n for n, name in enumerate(names) if name.startswith("...")), -1)
        return {"name": step.entry.name, "args": args, "on": self._recipe(on) if on is not None else None, "rest": rest}

    def _recipe(self, recipe: Recipe) -> Any:
        kind, given = recipe[0], recipe[1]
        if kind == "is":
            return ["is", _plain(given)]
        if kind in ("step", "global"):
            return [kind, given]
        if kind == "unknown":
            inside: Any = [kind, self._named(given)]
        elif kind in ("list", "tuple", "set"):
            inside = [kind, [self._recipe(one) for one in given]]
        elif kind == "map":
            inside = [kind, [[self._recipe(k), self._recipe(v)] for k, v in given]]
        elif kind == "bag":
            inside = [kind, {name: self._recipe(one) for name, one in given.items()}]
        elif kind == "call":
            inside = [kind, given, self._recipe(recipe[2])]
        elif kind in ("new", "from"):
            names = self.entries[given].shapes if given in self.entries else recipe[2]
            inside = [kind, given, [self._recipe(recipe[2][n]) if n in recipe[2] else None for n in names]]
        else:
            inside = [kind, given]
        return {"id": id(recipe), "r": inside}

    def _named(self, shape: Shape) -> str:
        if id(shape) not in self._ids:
            name = f"s{len(self._ids)}"
            self._ids[id(shape)] = name
            self._shapes[name] = shape
        return self._ids[id(shape)]


def _spent(pid: int) -> float:
    """CPU-seconds of a process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"b": base64.b64encode(value).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"n": {"inf": "Infinity", "-inf": "-Infinity"}.get(repr(value), "NaN")}
    return value


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return [_read(one) for one in value]
    if isinstance(value, dict) and "e" in value:
        return Shown(str(value["e"][0]), tuple(map(str, value["e"][1])))
    if isinstance(value, dict):
        return base64.b64decode(value["b"]) if "b" in value else int(value["n"])
    return value


def _entries(sides: list[NodeSide]) -> Iterator[Entry]:
    """What both versions let others call, as the new one has it."""
    old = {name: (kind, known) for name, kind, known in sides[0].found}
    for name, kind, known in sides[1].found:
        if name not in old or old[name][0] != kind:
            continue
        was = old[name][1]
        if kind == "object":
            yield from _methods(known["methods"], was["methods"], kept=name)
            continue
        entry = _entry(name, known["parameters"], was["parameters"])
        if kind == "class":
            yield from _methods(known["methods"], was["methods"], owner=name)
            yield from _methods(known["statics"], was["statics"], kept=name)
        else:
            yield entry
        if kind == "class" or known.get("gives"):
            for side in sides:
                side.entries[name] = entry
        if known.get("gives") and was.get("gives"):
            yield from _methods(known["gives"]["methods"], was["gives"]["methods"], owner=name)
            if known["gives"]["itself"] is not None and was["gives"]["itself"] is not None:
                yield _entry("", known["gives"]["itself"], was["gives"]["itself"])._replace(owner=name)


def _methods(known: dict[str, Any], was: dict[str, Any], **of: str) -> Iterator[Entry]:
    for name, parameters in known.items():
        if name in was:
            yield _entry(name, parameters, was[name])._replace(**of)  # type: ignore[arg-type]


def _entry(name: str, parameters: list[tuple[str, bool, bool, str]], was: list[tuple[str, bool, bool, str]]) -> Entry:
    """Something to call with as many arguments as both versions take: what a new one adds is no difference."""
    if not any(rest for _, _, rest, _ in was):
        parameters = parameters[: len(was)]
    shapes: dict[str, Shape] = {}
    required = set()
    for parameter, needed, rest, kinds in parameters:
        shape = shapes[f"...{parameter}" if rest else parameter] = Shape()
        for kind in filter(None, kinds.split("|")):
            of, _, item = kind.partition(".")
            shape.firmly(of)
            if item:
                shape.item.firmly(item)
        if rest:
            shape.firmly("list")
        elif needed:
            required.add(parameter)
    return Entry(name, shapes, required=frozenset(required))
