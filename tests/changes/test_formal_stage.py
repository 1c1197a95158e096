"""Stage *formal*: functions side by side in real bubblewrap, migrations, interfaces, policies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from changes.making import Files, change
from interlock.changes import tools
from interlock.changes.conduct import conduct
from interlock.changes.finding import Result, Verdict, Weight
from interlock.changes.formal import differ, migrations
from interlock.changes.formal.pure import Pair, pairs
from interlock.changes.stages import formal, stages
from interlock.policy import defaults

contained = pytest.mark.skipif(not tools.confined(), reason="nothing here contains the change's code")


def judged(folder: Path, before: Files, after: Files) -> Result:
    return conduct(change(folder, before, after), stages(["formal"]))[0]


OLD = """
LIMIT = 100

def clamp(n: int) -> int:
    if n < 0:
        raise ValueError("negative")
    return min(n, LIMIT)

def title(text: str) -> str:
    return text.strip().capitalize()

def both(a: int, b: int) -> int:
    return a + b
"""


@contained
def test_functions_are_run_side_by_side(tmp_path: Path) -> None:
    new = OLD.replace("if n < 0:", "if n < -1:").replace("a + b", "b + a").replace(".strip()", ".rstrip()")
    result = judged(tmp_path, {"m.py": OLD}, {"m.py": new})
    assert result.facts["m.py:both"] == "PROVED IN BOUND, TESTED 300 (a: int, b: int)"
    assert result.facts["m.py:clamp"] == "DIFFERS"
    assert result.facts["m.py:title"] == "DIFFERS (proved to accept nothing that was refused, for text: str)"
    more = next(f for f in result.findings if f.rule == "formal/accepts-more")
    assert more.weight is Weight.REVIEW
    assert [f.rule for f in result.findings if "clamp(" in f.title] == ["formal/accepts-more"]
    assert "clamp(n=-1) raises ValueError before, gives -1 now" in more.title
    other = next(f for f in result.findings if f.rule == "formal/differs")
    assert other.weight is Weight.NOTE
    assert "title(" in other.title
    assert result.verdict is Verdict.INCONCLUSIVE


@contained
def test_what_stumbled_over_a_value_refused_nothing(tmp_path: Path) -> None:
    """Story: a check that was mended came to "accept" what the old one could not even look at."""
    old = "def ours(host) -> bool:\n    return host.endswith('.example.com')\n"
    new = "def ours(host) -> bool:\n    return isinstance(host, str) and host == 'www.example.com'\n"
    result = judged(tmp_path, {"m.py": old}, {"m.py": new})
    assert result.facts["m.py:ours"].startswith("DIFFERS")
    assert {f.weight for f in result.findings} <= {Weight.NOTE}


@contained
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def third(parts: list[int]) -> int:\n    return parts[2]\n",
         "def third(parts: list[int]) -> int:\n    return parts[2] if len(parts) > 2 else 0\n"),
        ("def half(n: int) -> float:\n    return 100 / n\n",
         "def half(n: int) -> float:\n    return 100 / n if n else 0.0\n"),
        ("def age(n: int) -> str:\n    if n < 0:\n        raise ValueError(n)\n    return f'{n} y'\n",
         "def age(n: int) -> str:\n    if n < 0:\n        return 'Error: no age is negative'\n    return f'{n} y'\n"),
    ],
)  # fmt: skip
def test_a_crash_that_became_an_answer_and_a_refusal_in_words_accept_nothing(
    tmp_path: Path, old: str, new: str
) -> None:
    result = judged(tmp_path, {"m.py": old}, {"m.py": new})
    assert any("DIFFERS" in text for text in result.facts.values())
    assert {f.weight for f in result.findings} <= {Weight.NOTE}


@contained
def test_arguments_that_go_by_place_alone_are_given(tmp_path: Path) -> None:
    """Story: each call by name raised TypeError in both versions, and that was called tested."""
    old = "def f(a: int, /, b: int) -> int:\n    return a + b\n"
    result = judged(tmp_path, {"m.py": old}, {"m.py": old.replace("a + b", "a - b")})
    assert result.facts["m.py:f"].startswith("DIFFERS")


@contained
def test_what_does_not_end_or_ends_the_interpreter_is_inconclusive() -> None:
    slow = Pair("f", 1, "def f(n):\n    return n\n", "def f(n):\n    while True:\n        pass\n", {"n": "int"})
    deep = Pair("g", 1, "def g(n):\n    return n\n", "def g(n):\n    return (", {"n": "int"})
    answers = differ.run([slow, deep], seconds=20)
    assert [a.label for a in answers] == ["INCONCLUSIVE", "INCONCLUSIVE"]
    assert all(a.reason for a in answers)


@contained
@pytest.mark.slow
def test_a_slow_function_is_run_on_fewer_examples() -> None:
    """Story: a key derived in 200,000 rounds took a tenth of a second, three hundred of them the whole stage's time."""
    old = "import hashlib\n\ndef key(word):\n    return hashlib.pbkdf2_hmac('sha256', word.encode(), b's', 200_000)\n"
    (answer,) = differ.run([Pair("key", 1, old, old.replace("b's'", "b't'"), {"word": "str"})], seconds=4)
    assert answer.label == "DIFFERS"


@contained
def test_a_step_that_takes_all_memory_is_left_out() -> None:
    """Story: `size` was a text, a page's number two thousand millions, and one multiplication outlived the stage."""
    old = "def page(size, number):\n    return (number - 1) * size\n"
    kinds = {"size": "str", "number": "int"}
    (answer,) = differ.run([Pair("page", 1, old, old.replace("- 1", "+ 0"), kinds)], seconds=10)
    assert answer.label == "DIFFERS"


def test_without_containment_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "confined", lambda: False)
    found = formal.run(change(tmp_path, {"m.py": OLD}, {"m.py": OLD.replace("a + b", "a - b")}))
    assert found.notes == (differ.UNCONTAINED,)
    assert not found.findings
    with pytest.raises(AssertionError):
        differ.run([], seconds=1)


@pytest.mark.parametrize(
    "body",
    [
        "import os\ndef f(a):\n    return os.getcwd() + a\n",
        "def f(a):\n    return open(a).read()\n",
        "import json\ndef f(a):\n    return json.codecs.open(a).read()\n",
        "from json import codecs\ndef f(a):\n    return codecs.open(a).read()\n",
        "def f(a):\n    return a.__class__.__mro__\n",
        "import string\ndef f(a):\n    return string.Formatter().get_field(a, (), {})\n",
        "def f(a):\n    return getattr(a, 'x')\n",
        "import datetime\ndef f(a):\n    return datetime.datetime.now()\n",
        "def f(a):\n    a.x = 1\n    return a\n",
        "def f(a):\n    import os\n    return os\n",
        "@cached\ndef f(a):\n    return a\n",
        "import random\ndef f(a):\n    return random.random()\n",
        "def f(a):\n    return eval(a)\n",
        "def f(a):\n    return unknown(a)\n",
    ],
)
def test_what_does_more_than_compute_is_never_run(body: str) -> None:
    assert pairs(body, body.replace("return ", "return 1 and ", 1)) == []


def test_a_helper_and_a_constant_come_along() -> None:
    text = "import math\nBY = 3\ndef g(x):\n    return x * BY\ndef f(a: int) -> int:\n    return g(a) + math.floor(a)\n"
    found = pairs(text, text.replace("BY = 3", "BY = 4"))
    assert {pair.name for pair in found} == {"f", "g"}
    assert pairs(text, text.replace("def f(a: int)", "def f(a: 'int')")) == []


ALEMBIC = "from alembic import op\n\ndef upgrade():\n    {up}\n\ndef downgrade():\n    {down}\n"


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        (ALEMBIC.format(up="op.drop_column('a', 'b')", down="pass"), ["one-way"]),
        (ALEMBIC.format(up="op.execute('x')", down="op.execute('y')"), []),
        (ALEMBIC.format(up="op.create_index('i', 'big', ['c'])", down="op.drop_index('i')"), ["locks"]),
        (
            ALEMBIC.format(
                up="op.create_index('i', 'big', ['c'], postgresql_concurrently=True)", down="op.drop_index('i')"
            ),
            [],
        ),
        (
            ALEMBIC.format(
                up="op.create_table('big', x)\n    op.create_index('i', 'big', ['c'])", down="op.drop_table('big')"
            ),
            [],
        ),
        ("class Migration:\n    operations = [migrations.RunPython(forwards)]\n", ["one-way"]),
        ("class Migration:\n    operations = [migrations.RunPython(forwards, backwards)]\n", []),
        ("class Migration:\n    operations = [migrations.AddIndex(model_name='item', index=i)]\n", ["locks"]),
    ],
)
def test_migrations(text: str, rules: list[str]) -> None:
    assert [doubt.rule for doubt in migrations.doubts("versions/a.py", text)] == rules


@pytest.mark.parametrize(
    ("up", "grave"),
    [
        ("op.add_column('a', sa.Column('b', sa.Integer()))", False),
        ("op.create_index('i', 'a', ['b'], postgresql_concurrently=True)", False),
        ("op.drop_column('a', 'b')", True),
        ("op.add_column('a', c); op.execute('DELETE FROM a')", True),
        ("op.add_column('a', c); helper()", True),
        ("with op.batch_alter_table('a') as batch: batch.drop_column('b')", True),
    ],
)
def test_a_migration_that_only_adds_is_taken_back_by_hand(up: str, grave: bool) -> None:
    doubts = migrations.doubts("versions/a.py", ALEMBIC.format(up=up, down="pass"))
    assert [doubt.grave for doubt in doubts if doubt.rule == "one-way"] == [grave]


def test_an_interface_that_breaks_wants_a_person(tmp_path: Path) -> None:
    def api(required: bool, *paths: str) -> str:
        one = {"parameters": [{"name": "limit", "in": "query", "required": required}], "responses": {"200": {}}}
        return json.dumps({"openapi": "3.1.0", "paths": {path: {"get": one} for path in paths}})

    result = judged(tmp_path, {"api.json": api(False, "/a", "/b")}, {"api.json": api(True, "/a", "/c")})
    assert [f.title for f in result.findings] == [
        "GET /a needs the parameter limit now, which could be left out.", "GET /b is gone."
    ]  # fmt: skip
    assert result.verdict is Verdict.INCONCLUSIVE


RULE = """
@id("ours-nothing-is-published")
@tier("4")
@why("nothing is published from here")
@instead("ask a person")
@matches("publish package left-pad")
@spares("read file /code/app/main.py @workspace +workspace")
forbid (principal, action == Interlock::Action::"publish", resource);
"""


def test_a_policy_that_decides_otherwise_wants_a_person(tmp_path: Path) -> None:
    narrower = RULE.replace("resource);", 'resource)\nwhen { resource.environment != "production" };')
    result = judged(tmp_path, {"policy/a.cedar": RULE}, {"policy/a.cedar": narrower})
    assert [f.rule for f in result.findings] == ["formal/policy-decides-otherwise"], result.problems
    broken = judged(tmp_path / "b", {"policy/a.cedar": RULE}, {"policy/a.cedar": RULE.replace("forbid", "forbi")})
    assert broken.verdict is Verdict.INCONCLUSIVE
    assert "cannot be compared" in broken.problems[0]


def test_the_packaged_policies_are_compared_without_themselves_below(tmp_path: Path) -> None:
    """Story: a change of the rules that Interlock comes with was inconclusive: each of their ids was taken twice."""
    files: Files = {f"rules/{name}": text for name, text in defaults.layer().sources.items()}
    result = judged(
        tmp_path, files, {"rules/10-self-protection.cedar": f"{files['rules/10-self-protection.cedar']}\n{RULE}"}
    )
    assert not result.problems
    assert [f.rule for f in result.findings] == ["formal/policy-decides-otherwise"]
