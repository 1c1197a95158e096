"""Ordinary changes that look as if they took a protection away, each beside the change next to it that does."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from interlock.changes.formal import discharge
from interlock.changes.guards import files
from interlock.changes.guards.losing import losses
from interlock.changes.guards.weight import Weight, weighed


class Story(NamedTuple):
    """A version, what ordinary work makes of it, and what somebody makes of it who takes a protection away."""

    before: str
    fine: str
    gone: str
    path: str = "shop/a.py"


def told(before: str, after: str, path: str) -> set[str]:
    """The signs of what a person is shown, after the prover."""
    judged = [discharge.judged(one) for one in losses(files.functions(path, before), files.functions(path, after))]
    return {str(j.loss.sign) for j in judged if j.answer != "PROVED" and weighed(j.loss) is not Weight.NOTE}


CHAIN = (
    "def read(code, value, names):\n    if code == LITERAL:\n        return value\n    {} code == IN:\n"
    "        if names is None:\n            raise ValueError\n        return pick(value, names)\n"
    "    else:\n        raise ValueError(code)\n"
)
WHOLE = (
    "class Context:\n    def load(self, path):\n        if path.stat().st_size > self.most:\n"
    "            raise TooLarge\n        return Runtime(parse(path), path)\n"
)
APART = (
    "class Context:\n    @property\n    def config(self):\n        return self.read(self.path)\n\n"
    "    def read(self, path):\n        if path.stat().st_size > self.most:\n            raise TooLarge\n"
    "        return parse(path)\n\n    def load(self, path):\n        return Runtime({}, path)\n"
)
SWEEP = "for p in folder():\n    if p.size > max_size:\n        continue\n    p.unlink()\n"
SWEEPING = (
    "def sweep():\n    for p in folder():\n        if p.size > max_size:\n            continue\n        p.unlink()\n\n"
    "def deliver(item):\n    {}\n    write(item)\n\nregister(deliver)\n"
)
HELPER = (
    "def line(text, mark):\n    if text.size > most:\n        raise TooLarge\n    for row in text:\n"
    "        if mark in row:\n            return row.number\n    return 0\n\n"
    "def report(text, mark):\n    return show(line(text, mark))\n"
)
INLINED = "def report(text, mark):\n{}    return show(text.find(mark))\n"
COMMANDS = (
    "const commands = new Set([{}]);\nfunction resolve(name, other) {{\n  if (commands.has(name)) return {};\n"
    "  return find(name, other);\n}}\n"
)
OPTION = "function child(log, options, key) {{\n  {}log.set(options.levels);\n  {}log.add(options[key]);\n}}\n"
WIDE = "function wide(rows, most, limit) {{\n  {}\n  return rows.map((row) => show({}));\n}}\n"
KIND = "class LimitError extends Error {\n  constructor(m) {\n    super(m);\n  }\n}\nfunction told(c) {\n  next(c);\n"
TOLD = "  if (c.error instanceof LimitError) {\n    c.res = refused(c);\n"
SUM = "      rows.next();\n      if (rows.size > max_size) {{\n        {};\n      }}\n    }}\n"
SIGNED = "class Signed:\n    pass\n\n"
ASKED = "    if not isinstance(x, Signed):\n        raise TypeError\n    return x.value\n"
HANDED = "function get(pool, name, back) {{\n  if ({}name.ok) {{ throw new Error('name'); }}\n  {}\n}}\n"
DEEP = "def down({0}):\n{1}    for part in tree:\n        {3}({2})\n"
FEATURE = "def done(self, site):\n    self.listed.all(site)\n    if self.export:\n"
CUT = "function rows(text, order) {{\n  return sorted(text.split({}), head.split({}));\n}}\n"

STORIES = {
    "one more case of a dispatch": Story(
        CHAIN.format("elif"),
        CHAIN.format("elif code == WORD:\n        return value\n    elif"),
        CHAIN.format("elif trusted(value):\n        return value\n    elif"),
    ),
    "a part on its own that the rest asks by a property": Story(WHOLE, APART.format("self.config"), APART.format("{}")),
    "a file's own statements in a function that it hands on": Story(
        SWEEP, SWEEPING.format("sweep()"), SWEEPING.format("count()")
    ),
    "an early answer of a helper that is gone": Story(
        HELPER,
        INLINED.format("    if text.size > most:\n        raise TooLarge\n"),
        INLINED.format(""),
        "shop/secrets.py",
    ),
    "a list that is as it was, asked for another answer": Story(
        COMMANDS.format("'add', 'run'", "[]"),
        COMMANDS.format("'add', 'run'", "[other]"),
        COMMANDS.format("'add'", "[]"),
        "shop/a.js",
    ),
    "whether an option was given at all": Story(
        OPTION.format("if (options.hasOwnProperty('levels')) ", "if (options.hasOwnProperty(key)) "),
        OPTION.format("", "if (options.hasOwnProperty(key)) "),
        OPTION.format("if (options.hasOwnProperty('levels')) ", ""),
        "shop/a.js",
    ),
    "an error that is made": Story(
        "def f(a, b):\n    if a < 0:\n        if b:\n            raise NotAllowed('b')\n"
        "        raise NotAllowed('a')\n",
        "def f(a, b):\n    if a < 0:\n        raise NotAllowed('a, b')\n",
        "def f(a, b):\n    if b:\n        raise NotAllowed('a')\n",
    ),
    "an answer with a test of parts somewhere inside": Story(
        WIDE.format("if (rows.length > most) throw new Error('most');", "row.includes(limit), limit"),
        WIDE.format("if (rows.length > most) throw new Error('most');", "row, limit"),
        WIDE.format("", "row.includes(limit), limit"),
        "shop/a.js",
    ),
    "a separator of a notation of its own": Story(
        CUT.format("'|'", "'\\n'"), CUT.format("order", "'\\n'"), CUT.format("'|'", "order"), "shop/a.js"
    ),
    "a feature that went with its checks": Story(
        FEATURE + "        path = realpath(join(site.folder, self.target))\n        self.export.save(path)\n",
        FEATURE.replace("    if self.export:\n", ""),
        FEATURE + "        self.export.save(join(site.folder, self.target))\n",
    ),
    "an option that went with its bounds": Story(
        "def f(a, b, old=None):\n    if old is not None and old > 3:\n        raise ValueError(b)\n    b.add(old)\n"
        "    return a\n",
        "def f(a, b):\n    return a\n",
        "def f(a, b, old=None):\n    b.add(old)\n    return a\n",
    ),
    "a mark that was only asked about": Story(
        "def f(a, mark):\n    was = digest(mark)\n    if was != a.mark:\n        raise ValueError\n    a.seen(1)\n"
        "    wipe(a)\n",
        "def f(a, mark):\n    was = digest(mark)\n    if was != a.mark:\n        raise ValueError\n    wipe(a)\n",
        "def f(a):\n    a.seen(1)\n    wipe(a)\n",
    ),
    "a kind that is no more": Story(
        KIND + TOLD + "  }\n}\n",
        "function told(c) {\n  next(c);\n}\n",
        KIND + "}\n",
        "shop/a.js",
    ),
    "a kind that is no more, and one that everything had to be": Story(
        "class Old:\n    pass\n\n"
        + SIGNED
        + "def f(x):\n    if isinstance(x, Old):\n        raise TypeError\n"
        + ASKED,
        SIGNED + "def f(x):\n" + ASKED,
        "class Old:\n    pass\n\ndef f(x):\n    if isinstance(x, Old):\n        raise TypeError\n    return x.value\n",
    ),
    "work that came out of an inner function with its end": Story(
        "function all(rows, max_size) {\n  const each = function () {\n    for (;;) {\n"
        + SUM.format("break")
        + "  };\n}\n",
        "function all(rows, max_size) {\n    for (;;) {\n"
        + SUM.format("return stop(rows)")
        + "  const each = function () {\n"
        "    go(rows);\n  };\n}\n",
        "function all(rows, max_size) {\n  const each = function () {\n    for (;;) {\n      rows.next();\n    }\n"
        "  };\n}\n",
        "shop/a.js",
    ),
    "the end of a record": Story(
        "def f(rows, token):\n    return [r for r in rows if r.is_expired()], not token.has_expired()\n",
        "def f(rows, token):\n    return rows[1:], not token.has_expired()\n",
        "def f(rows, token):\n    return [r for r in rows if r.is_expired()], True\n",
    ),
    "an answer by a function that is handed on": Story(
        HANDED.format("", "return pool.get(name, (err, found) => back(err, found));"),
        HANDED.format("", "pool.get(name, back);"),
        HANDED.format("!", "return pool.get(name, (err, found) => back(err, found));"),
        "shop/a.js",
    ),
    "work that is waited for now": Story(
        "async def f(self, x):\n    self.create_sync_task(self.done(x))\n    show(escape(x))\n",
        "async def f(self, x):\n    await self.done(x)\n    show(escape(x))\n",
        "async def f(self, x):\n    self.create_sync_task(self.done(x))\n    show(x)\n",
    ),
    "a count of how deep it goes": Story(
        DEEP.format("tree, deep", "    if deep > 99:\n        raise ValueError\n", "part, deep + 1", "down"),
        DEEP.format("tree, deep", "    if deep > 99:\n        raise ValueError(tree)\n", "part, deep + 1", "down"),
        DEEP.format("tree", "", "part", "down"),
    ),
    "a word that everybody looks for": Story(
        "def f(found):\n    if 'content-length' in found and '..' not in found:\n        turn(found)\n",
        "def f(found):\n    if '..' not in found:\n        turn(found)\n",
        "def f(found):\n    if 'content-length' in found:\n        turn(found)\n",
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_ordinary_work_takes_nothing_away(name: str) -> None:
    story = STORIES[name]
    assert told(story.before, story.fine, story.path) == set()


@pytest.mark.parametrize("name", STORIES)
def test_the_change_beside_it_does(name: str) -> None:
    story = STORIES[name]
    assert told(story.before, story.gone, story.path) != set()


def test_a_pattern_that_stands_in_another_file_now_is_there() -> None:
    """A constant moves with who asks by it: who no longer does has a loss of its own."""
    pattern = "import re\n\nNAME = re.compile(r'^[a-z]+$')\n"
    before = files.functions("a.py", pattern) + files.functions("b.py", "x = 1\n")
    after = files.functions("a.py", "x = 1\n") + files.functions("b.py", pattern)
    assert losses(before, after) == []
    assert losses(before, files.functions("a.py", "x = 1\n")) != []
