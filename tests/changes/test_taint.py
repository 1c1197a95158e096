"""The taint reader: labelled programs, and what is new in a change."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from changes.making import Files, change
from changes.taintcases import Program, others, programs
from interlock.changes.conduct import conduct
from interlock.changes.finding import Finding, Result, Weight
from interlock.changes.stages import stages
from interlock.changes.taint.harm import CONDITIONS, CONSTRUCTS
from interlock.changes.taint.reader import read
from interlock.changes.taint.rules import rules


def sees(program: Program) -> bool:
    return any(flow.category == program.category for flow in read(program.files).flows)


@pytest.mark.parametrize("program", [p for p in others() if not p.held], ids=lambda p: p.name)
def test_a_program_of_another_style(program: Program) -> None:
    assert sees(program) is program.bad


def test_the_half_for_looking_at_is_told_apart() -> None:
    wrong = [p.name for p in programs() if not p.held and sees(p) is not p.bad]
    assert not wrong


def test_the_half_held_back_is_told_apart_well_enough() -> None:
    """The bound is the target, not what was measured: this half is scored, never tuned for."""
    count: dict[str, Counter[tuple[bool, bool]]] = {}
    for program in programs():
        if program.held:
            count.setdefault(program.category, Counter())[program.bad, sees(program)] += 1
    rates = []
    for seen in count.values():
        bad, good = (seen[side, True] + seen[side, False] for side in (True, False))
        rates.append((seen[True, True] / bad if bad else 1.0) - (seen[False, True] / good if good else 0.0))
    assert sum(rates) / len(rates) >= 0.6


def test_every_condition_that_the_data_names_is_there() -> None:
    known = rules()
    sinks = [s for table in (known.sinks, known.sink_methods) for group in table.values() for s in group]
    constructs = [s for table in (known.constructs, known.construct_methods) for group in table.values() for s in group]
    assert {s.when for s in sinks} - {""} == set(CONDITIONS)
    assert {s.when for s in constructs} | {""} == set(CONSTRUCTS)
    assert {s.category for s in [*sinks, *constructs]} | {s.category for s in known.stores} == set(known.categories)


HANDLER = """
from flask import Flask, request
from tools import clean, run
app = Flask(__name__)


@app.route("/go")
def go():
    name = request.args["name"]
    run(clean(name))
    return "ok"
"""
TOOLS = """
import os
import shlex


def clean(text):
    return shlex.quote(text)


def run(text):
    os.system("ls " + text)
"""


def flows(folder: Path, before: Files, after: Files) -> tuple[list[Finding], Result]:
    result = conduct(change(folder, before, after), stages(["static"]))[0]
    return [f for f in result.findings if f.rule.startswith("static/flow-")], result


def test_a_sanitiser_that_goes_from_another_file_is_a_new_flow_with_its_way(tmp_path: Path) -> None:
    after = TOOLS.replace("return shlex.quote(text)", "return text")
    found, _ = flows(tmp_path, {"web.py": HANDLER, "tools.py": TOOLS}, {"tools.py": after})
    assert [(f.rule, f.weight, f.path) for f in found] == [("static/flow-command", Weight.BLOCK, "tools.py")]
    assert "web.py:9" in found[0].why
    assert "tools.py:11" in found[0].why


def test_what_the_base_had_is_not_new_and_moves_freely(tmp_path: Path) -> None:
    bad = {"web.py": HANDLER.replace("clean(name)", "name"), "tools.py": TOOLS}
    assert not flows(tmp_path / "a", bad, {"web.py": "\n\n" + bad["web.py"]})[0]
    assert not flows(tmp_path / "b", bad, {"web.py": None, "site/pages.py": bad["web.py"]})[0]


def test_a_second_flow_of_the_same_line_is_new(tmp_path: Path) -> None:
    base = {"web.py": HANDLER.replace("clean(name)", "name"), "tools.py": TOOLS}
    more = TOOLS + '\n\ndef again(text):\n    os.system("ls " + text)\n'
    assert [f.weight for f in flows(tmp_path, base, {"tools.py": more})[0]] == [Weight.REVIEW]


def test_tests_and_text_that_is_no_program_are_not_followed(tmp_path: Path) -> None:
    found, result = flows(tmp_path, {"a": ""}, {"tests/test_x.py": HANDLER + TOOLS, "b.py": "def (:\n"})
    assert not found
    assert any("b.py does not parse" in problem for problem in result.problems)


@pytest.mark.parametrize(
    "text",
    [
        "x = []\nx.append(x)\nfor y in x:\n    x[0] = y\n",
        "class A:\n    def __init__(self):\n        self.me = self\nwhile A().me.me:\n    A()\n",
        "def f(a):\n    return g(a)\ndef g(a):\n    return f(a) + f(f(a))\nf(input())\n",
        "x = 'a'\n" + "x = x + x\n" * 200 + "y = 10 ** 10 ** 10\nz = 'x' * 10 ** 9\n",
        "def f(" + ", ".join(f"a{n}=f" for n in range(100)) + "):\n" + "    while a0:\n        f()\n" * 20,
        "x = " + "[" * 60 + "]" * 60 + "\n",
        "lambda: (yield)\nmatch 1:\n    case [a, *b] | {'x': a, **b}:\n        pass\n",
    ],
)
def test_programs_that_turn_in_circles_end(text: str) -> None:
    read({"a.py": text})


def test_a_key_in_the_program_is_not_shown(tmp_path: Path) -> None:
    word = "not-a-real-key-of-anything"
    found, _ = flows(tmp_path, {"a": ""}, {"t.py": f'import jwt\nx = jwt.encode({{}}, "{word}")\n'})
    assert [f.rule for f in found] == ["static/flow-key"]
    assert word not in found[0].text + found[0].why + found[0].title


PAGE = """
from fastapi import Request
from fastapi.responses import HTMLResponse
from pages import render

async def shown(request: Request):
    return HTMLResponse(render({}))
"""


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("'login.html', {'who': request.query_params['who']}", False),
        ("request.query_params['page'], {}", True),
        ("'<p>' + request.query_params['who']", True),
    ],
)
def test_a_renderer_of_a_fixed_template_escapes_and_one_of_foreign_text_does_not(given: str, found: bool) -> None:
    flows_ = read({"web.py": PAGE.format(given)}).flows
    assert ("xss" in {flow.category for flow in flows_}) is found


CLIENT = """
import socket

def ask(path):
    with socket.socket(socket.{}, socket.SOCK_STREAM) as line:
        line.connect(path)
        name = line.recv(100).decode()
    return open("/srv/" + name).read()
"""


def test_what_a_local_service_answers_is_no_request() -> None:
    kinds = {how: {f.kind for f in read({"a.py": CLIENT.format(how)}).flows} for how in ("AF_UNIX", "AF_INET")}
    assert "remote" not in kinds["AF_UNIX"]
    assert "remote" in kinds["AF_INET"]


RAW = "import {imports}\n\n\ndef show(request):\n    {first}\n    return {call}\n"


@pytest.mark.parametrize(
    ("call", "bad"),
    [
        ("Item.objects.raw('select ' + request.GET['q'])", True),
        ("Item.objects.using('far').raw(raw_query='select ' + request.GET['q'])", True),
        ("Item._default_manager.raw('select ' + request.GET['q'])", True),
        ("shop.item_set.raw('select ' + request.GET['q'])", True),
        ("Item.raw('select ' + request.GET['q'])", True),
        ("db.raw('select ' + request.GET['q'])", True),
        ("self.read_db.raw('select ' + request.GET['q'])", True),
        ("which.raw('select ' + request.GET['q'])", True),
        ("Item.objects.raw('select * from t where a = %s', [request.GET['q']])", False),
        ("console.raw('hello ' + request.GET['q'])", False),
        ("self.raw('hello ' + request.GET['q'])", False),
        ("self.printer.raw(request.GET['q'])", False),
        ("response().raw(request.GET['q'])", False),
    ],
)
def test_raw_takes_a_statement_where_a_database_is_asked(call: str, bad: bool) -> None:
    """Story: each `.raw(x)` was taken for Django's, a printer's as well."""
    text = RAW.format(imports="django.http", first="which = Item.objects", call=call)
    found = [flow.category for flow in read({"views.py": text}).flows]
    assert ("sql" in found) is bad, found


def test_a_class_has_statements_only_where_an_orm_is(tmp_path: Path) -> None:
    """Where nothing of an ORM is imported, `Picture.raw(bytes)` is a picture."""
    head = "from flask import request\nimport {}\n\n\ndef show():\n    return Picture.raw('p' + request.args['q'])\n"
    flows = {name: [f.category for f in read({"v.py": head.format(name)}).flows] for name in ("imaging", "peewee")}
    assert ("sql" in flows["imaging"], "sql" in flows["peewee"]) == (False, True)
