"""Labelled programs for the taint reader: a start, a bend on the way, and an end, put together in two styles.

Starts, bends and ends are data in `taint/`. A program is bad where its bend lets the foreign value through and its end
is unsafe. Half of the bends and of the ends (by the digest of their names) was for looking at while the reader was
written; programs with any of the other half are only scored.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "taint"

_HELPERS = """
def passed_on(text):
    return "<" + text + ">"


def forgotten(text):
    return "fixed"


class Keeper:
    def __init__(self):
        self.value = ""

    def keep(self, text):
        self.value = text

    def held(self):
        return self.value


class Dropper(Keeper):
    def keep(self, text):
        self.value = "fixed"
"""


class Program(NamedTuple):
    """Files that belong together, which category is asked about, and whether it is there."""

    name: str
    category: str
    bad: bool
    held: bool
    files: dict[str, str]


def _blocks(name: str) -> list[tuple[list[str], str]]:
    out = []
    for block in ("\n" + (FOLDER / name).read_text()).split("\n== ")[1:]:
        head, _, body = block.partition("\n")
        out.append((head.split(" | "), body.rstrip("\n")))
    return out


def _held(name: str) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 1


def programs() -> Iterator[Program]:
    """All of them. Each end meets every bend; starts and styles take turns."""
    starts, bends, ends = _blocks("starts.txt"), _blocks("bends.txt"), _blocks("ends.txt")
    number = 0
    for (end, category, label), body in ends:
        for (bend, passes), way in bends:
            number += 1
            start = starts[number % len(starts)][0]
            imports, _, code = ("\n" + body).partition("\n---\n")
            bad = label == "bad" and passes == "foreign"
            files = _files(imports.strip(), start[1], f"{way}\n{code}", number)
            yield Program(f"{end}/{bend}/{start[0]}", category, bad, _held(end) or _held(bend), files)
    for number, ((end, category, label), body) in enumerate(_blocks("alone.txt")):
        imports, _, code = ("\n" + body).partition("\n---\n")
        files = _files(imports.strip(), "request.args.get('name')", code, number)
        yield Program(end, category, label == "bad", _held(end), files)


def others() -> Iterator[Program]:
    """Programs of another style: each as it stands, in other frameworks or none."""
    for (name, category, label), body in _blocks("other.txt"):
        first, *more = ("case.py\n" + body).split("\n--- ")
        files = dict(part.split("\n", 1) for part in (first, *more))
        yield Program(name, category, label == "bad", _held(name), {path: text + "\n" for path, text in files.items()})


def _files(imports: str, start: str, code: str, number: int) -> dict[str, str]:
    helped = any(word in code for word in ("passed_on", "forgotten", "Keeper", "Dropper"))
    body = f"param = {start}\n{code}\nreturn 'done'\n"
    if number % 2:
        head = f"from flask import Flask, request\n{imports}\n"
        route = "\n\n@app.route('/case', methods=['GET', 'POST'])\ndef case():\n"
        files = {"case.py": f"{head}app = Flask(__name__)\n{_HELPERS if helped else ''}{route}{_indented(body, 4)}"}
    else:
        head = f"from flask import request\n{imports}\n" + ("from tools.helping import *\n" if helped else "")
        inner = "def init(app):\n    @app.route('/case', methods=['POST'])\n    def case_post():\n"
        inner += _indented(body, 8) + "\n    @app.route('/case', methods=['GET'])\n    def case_get():\n"
        files = {"pages/case.py": f"{head}\n\n{inner}        return case_post()\n"}
        if helped:
            files["tools/helping.py"] = _HELPERS
    return files


def _indented(text: str, by: int) -> str:
    return textwrap.indent(text, " " * by)
