"""Everyday changes of projects that release often, each beside the change next to it that takes a protection away."""

from __future__ import annotations

import pytest
from tests.changes.guards.test_ordinary import Story, told

from interlock.changes.guards import files
from interlock.changes.guards.guard import Unreadable

NESTED = (
    "def f(rows, bad):\n    {}if bad(rows):\n    {}    raise ValueError\n    {}for row in rows:\n"
    "    {}    row.save(bad)\n"
)
NEED = "def f(rows):\n{}    for row in rows:\n        row.close()\n{}"
OPTIONS = "function f(options, host) {{\n  return dial({{ host, {} }}{});\n}}\n"
COUNTED = (
    'func parse(args []string) (*opts, error) {\n\tvar o opts\n\tfor _, a := range args {\n\t\tif a == "nx" {\n'
    "\t\t\to.nx = true\n\t\t}\n\t}\n\treturn &o, nil\n}\n\n"
)
COUNT = 'func set(args []string) {{\n\t{}\n\tif o.nx && had(o.key) {{\n\t\tpanic("had")\n\t}}\n\tput(o.key)\n}}\n'
STYLED = "func show(p *P) {{\n\tp.out = append(p.out, {})\n}}\n"
PAGE = "\nfunc page(w, x) {{\n\tw.Write({})\n}}\n"
EMITTED = "var __importStar = (this && this.__importStar) || (function () {{\n  return function (m) {{ {} }};\n}})();\n"
PAGED = "class P:\n    def rows(self, q, n):\n        most = min(n, {})\n        return q[:most]\n"
TAKEN = (
    "def f(word):\n    return keep({})\n\n"
    "def g(text):\n    name = cut({})\n    if name in KNOWN:\n        return None\n    return name\n"
)
SENT = "function f(x, done) {{\n  if (!x.ok) {{\n    {}\n  }}\n  keep(x);\n}}\n"

HELPED = (
    "def mend(row):\n    for part in row:\n        if part.size > max_size:\n            continue\n"
    "        part.wash()\n\n"
    "def f(row):\n    mend(row)\n    keep(row)\n"
)
LINES = (
    "def lines(text):\n    return [x.replace('\\n', ' ') for x in text]\n\ndef f(text):\n"
    "    text.show()\n    return {}\n"
)
ENTERED = (
    "def f(x, deep):\n    if {}:\n        if x.size > max_size:\n            raise ValueError\n        x.keep(deep)\n{}"
)

SET = "package a\n\nfunc set(s *S, n int) {{\n{}\ts.set(n)\n}}\n"
STATUS = "package a\n\nfunc next(s *S) error {{\n\t{}\n\treturn nil\n}}\n"

STORIES = {
    "a bound by a call": Story(
        SET.format("\tif n > MaxPending {\n\t\tn = MaxPending\n\t}\n"),
        SET.format("\tn = min(n, MaxPending)\n"),
        SET.format("\tn = max(n, MaxPending)\n"),
        "shop/a.go",
    ),
    "one result more of a call": Story(
        STATUS.format("if err := s.status(); err != nil {\n\t\treturn err\n\t}"),
        STATUS.format("if end, _ := s.status(); end != nil {\n\t\treturn end\n\t}"),
        STATUS.format("_ = s.status()"),
        "shop/a.go",
    ),
    "a helper that is gone with its work": Story(
        HELPED,
        "def f(row):\n    keep(row)\n",
        "def f(row):\n    for part in row:\n        part.wash()\n    keep(row)\n",
    ),
    "a text that a helper looks for": Story(
        LINES.format("text[0].replace('\\n', ' ')"), LINES.format("lines(text)[0]"), LINES.format("text[0]")
    ),
    "a block that is entered on another condition": Story(
        ENTERED.format("deep or not x.a", ""),
        ENTERED.format("deep or x.a is None or x.b", ""),
        ENTERED.format("deep or x.a is None or x.b", "    else:\n        x.keep(deep)\n"),
    ),
    "a pattern that takes a text apart": Story(
        "import re\nPART = re.compile(r'\\[((?:\\d*;?){2,3})([uA])')\nNAME = re.compile(r'^[a-z]+$')\n",
        "import re\nPART = re.compile(r'\\[((?:[\\d:]*;?){2,3})([uA])')\nNAME = re.compile(r'^[a-z]+$')\n",
        "import re\nPART = re.compile(r'\\[((?:\\d*;?){2,3})([uA])')\nNAME = re.compile(r'^[a-z ]+$')\n",
    ),
    "a check that went behind a condition with all of its work": Story(
        NESTED.format("", "", "", ""),
        NESTED.format("if rows:\n        ", "    ", "    ", "    "),
        NESTED.format("if rows:\n        ", "    ", "", ""),
    ),
    "a question for emptiness before a loop that ends it all": Story(
        NEED.format("    if not rows:\n        return\n", ""),
        NEED.format("", ""),
        NEED.format("", "    grant(rows)\n"),
    ),
    "a refusal that asks for less, and so refuses more": Story(
        "def f(x):\n    if x.old and x.size > max_size:\n        raise ValueError\n    keep(x)\n",
        "def f(x):\n    if x.size > max_size:\n        raise ValueError\n    keep(x)\n",
        "def f(x):\n    if x.old and x.size > max_size and x.late:\n        raise ValueError\n    keep(x)\n",
    ),
    "what is nothing at all, for what is 0": Story(
        "def f(x, n):\n    if n == 0:\n        raise ValueError\n    keep(x, n)\n",
        "def f(x, n):\n    if not n:\n        raise ValueError\n    keep(x, n)\n",
        "def f(x, n):\n    if not x:\n        raise ValueError\n    keep(x, n)\n",
    ),
    "a character at its place, as a beginning": Story(
        "def f(text):\n    if text[0] == '/':\n        use(text)\n    host = text.host\n"
        "    if host == 'a.example':\n        go()\n",
        "def f(text):\n    if text.startswith('/'):\n        use(text)\n    host = text.host\n"
        "    if host == 'a.example':\n"
        "        go()\n",
        "def f(text):\n    if text[0] == '/':\n        use(text)\n    host = text.host\n"
        "    if host.endswith('a.example'):\n"
        "        go()\n",
    ),
    "a condition turned round": Story(
        "def f(rows):\n    for r in rows:\n        if r.fine and not r.raw:\n            show(r)\n",
        "def f(rows):\n    for r in rows:\n        if not r.fine or r.raw:\n            continue\n        show(r)\n",
        "def f(rows):\n    for r in rows:\n        if r.fine or not r.raw:\n            show(r)\n",
    ),
    "a condition that has a name now": Story(
        "def f(path):\n    if path.startswith((b'/', b'~')):\n        raise ValueError\n    keep(path)\n",
        "def f(path):\n    out = path.startswith((b'/', b'~')) or drive(path)\n    if out:\n"
        "        raise ValueError\n"
        "    keep(path)\n",
        "def f(path):\n    out = path.startswith((b'/', b'~')) and drive(path)\n    if out:\n"
        "        raise ValueError\n"
        "    keep(path)\n",
    ),
    "a branch as a case": Story(
        "def f(key, x):\n    if key == 'old':\n        keep(x)\n        return\n    use(x)\n",
        "def f(key, x):\n    match key:\n        case 'old':\n            keep(x)\n            return\n    use(x)\n",
        "def f(key, x):\n    use(x)\n",
    ),
    "a kind that is asserted for a type checker": Story(
        "def f(x):\n    assert isinstance(x.parent, Widget)\n    if x.size > max_size:\n"
        "        raise ValueError\n    use(x)\n",
        "def f(x):\n    if x.size > max_size:\n        raise ValueError\n    use(x)\n",
        "def f(x):\n    assert isinstance(x.parent, Widget)\n    use(x)\n",
    ),
    "an error in the log of another rank": Story(
        "def f(x):\n    try:\n        use(validate(x))\n    except ValueError:\n        log.error('bad')\n",
        "def f(x):\n    try:\n        use(validate(x))\n    except ValueError:\n        log.debug('bad')\n",
        "def f(x):\n    use(x)\n",
    ),
    "a check that another thread makes": Story(
        "async def f(self, x):\n    if self.is_safe(x.path):\n        use(x)\n",
        "async def f(self, x):\n    if await asyncio.to_thread(self.is_safe, x.path):\n        use(x)\n",
        "async def f(self, x):\n    if await asyncio.to_thread(self.is_there, x.path):\n        use(x)\n",
    ),
    "a check in a thread that is waited for": Story(
        "async def f(self, x):\n    authorise(x)\n    use(x)\n",
        "async def f(self, x):\n    await asyncio.to_thread(authorise, x)\n    use(x)\n",
        "async def f(self, x):\n    self.pool.submit(authorise, x)\n    use(x)\n",
    ),
    "a limit that is asked for once and kept": Story(
        "function f(x) {\n  if (x.a) {\n    return readTimeout(x);\n  }\n  use(x);\n  return readTimeout(x);\n}\n",
        "function f(x) {\n  const most = readTimeout(x);\n  if (x.a) {\n    return most;\n  }\n  use(x);\n"
        "  return most;\n}\n",
        "function f(x) {\n  if (x.a) {\n    return readTimeout(x);\n  }\n  use(x);\n  return 0;\n}\n",
        "shop/a.js",
    ),
    "options that are given whole": Story(
        OPTIONS.format("tls: options.tls", ""),
        OPTIONS.format("port: 1", ", options"),
        OPTIONS.format("port: 1", ", host"),
        "shop/a.js",
    ),
    "a default that has to be given": Story(
        "def f(host, timeout=30):\n    return dial(host, timeout)\n",
        "def f(host, timeout):\n    return dial(host, timeout)\n",
        "def f(host):\n    return dial(host)\n",
    ),
    "a check of TLS that was off and is the default": Story(
        "def f(host, ssl_context=False):\n    return dial(host, ssl_context)\n",
        "def f(host, ssl_context=None):\n    return dial(host, ssl_context)\n",
        "def f(host, verify=False):\n    return dial(host, verify)\n",
    ),
    "a switch that what is called now writes": Story(
        COUNT.format('var o opts\n\to.nx = args[0] == "nx"'),
        COUNTED + COUNT.format("o, _ := parse(args)"),
        COUNT.format("var o opts"),
        "shop/a.go",
    ),
    "a colour": Story(
        STYLED.format("Gray(p.text)") + PAGE.format("hidden(x)"),
        STYLED.format("p.text") + PAGE.format("hidden(x)"),
        STYLED.format("Gray(p.text)") + PAGE.format("x"),
        "shop/a.go",
    ),
    "what a compiler writes into each file": Story(
        EMITTED.format("if (Object.hasOwn(m, 'a')) { take(m); }")
        + "function f(m, k) {\n  if (Object.hasOwn(m, k)) use(m);\n}\n",
        EMITTED.format("own(m);") + "function f(m, k) {\n  if (Object.hasOwn(m, k)) use(m);\n}\n",
        EMITTED.format("own(m);") + "function f(m, k) {\n  use(m);\n}\n",
        "shop/a.js",
    ),
    "a bound that an object holds": Story(
        PAGED.format("settings.PAGE_LIMIT"), PAGED.format("self.max_rows"), PAGED.format("q.max_rows")
    ),
    "a way to go on": Story(
        SENT.format("return done(null, x);")
        + "function g(x, done) {\n  if (x.bad) return done(new Error('bad'));\n  keep(x);\n}\n",
        SENT.format("done(null, x); return 1;")
        + "function g(x, done) {\n  if (x.bad) return done(new Error('bad'));\n  keep(x);\n}\n",
        SENT.format("return done(null, x);") + "function g(x, done) {\n  keep(x);\n}\n",
        "shop/a.js",
    ),
    "the end of a program that went well": Story(
        "import os\n\ndef f(x):\n    if x.version:\n        print(x.version)\n        os._exit(0)\n"
        "    if x.bad:\n        os._exit(1)\n",
        "import os\n\ndef f(x):\n    if x.bad:\n        os._exit(1)\n",
        "import os\n\ndef f(x):\n    if x.version:\n        print(x.version)\n        os._exit(0)\n",
    ),
    "since when a feature is there": Story(
        "const a = { supported: ['1.2.3'] };\nconst b = { allowed: ['x'] };\n",
        "const a = { supported: ['1.2.3', '0.11.3'] };\nconst b = { allowed: ['x'] };\n",
        "const a = { supported: ['1.2.3'] };\nconst b = { allowed: ['x', 'y'] };\n",
        "shop/a.js",
    ),
    "one more that is not allowed": Story(
        "const notAllowed = ['a'];\nconst allowed = ['x'];\n",
        "const notAllowed = ['a', 'b'];\nconst allowed = ['x'];\n",
        "const notAllowed = ['a'];\nconst allowed = ['x', 'y'];\n",
        "shop/a.js",
    ),
    "what is taken out of a text": Story(
        "function f(x) {\n  return keep(x.replace(/^!/u, ''));\n}\nfunction g(x) {\n  return /^[a-z]+$/.test(x);\n}\n",
        "function f(x) {\n  return keep(x.replace(/^[!\\/]/u, ''));\n}\nfunction g(x) {\n"
        "  return /^[a-z]+$/.test(x);\n}\n",
        "function f(x) {\n  return keep(x.replace(/^!/u, ''));\n}\nfunction g(x) {\n  return /^[a-z ]+$/.test(x);\n}\n",
        "shop/a.js",
    ),
    "an escape taken back that nothing asks about": Story(
        TAKEN.format("unquote(word)", "unquote(text)"),
        TAKEN.format("word", "unquote(text)"),
        TAKEN.format("unquote(word)", "text"),
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_an_everyday_change_takes_nothing_away(name: str) -> None:
    story = STORIES[name]
    assert told(story.before, story.fine, story.path) == set()


@pytest.mark.parametrize("name", STORIES)
def test_the_change_beside_it_does(name: str) -> None:
    story = STORIES[name]
    assert told(story.before, story.gone, story.path) != set()


def test_a_file_that_a_machine_wrote_is_not_said_to_have_lost_nothing() -> None:
    """Its names change from one time to the next: nobody can say what was lost, so somebody has to look."""
    line = "var a=" + ",".join(f"b{n}=function(c){{return c+{n}}}" for n in range(120)) + ";"
    with pytest.raises(Unreadable, match="written by a machine"):
        files.functions("dist/a.js", line)
    assert files.functions("dist/a.js", line.replace(",", ",\n"))


def test_a_refusal_is_not_made_up_for_by_one_that_asks_something_else_of_its_names() -> None:
    """Story: bytes at the end of a chunk were no longer compared, and `assert left == 0` behind them excused that."""
    before = (
        "class Chunks:\n    def read(self, buf):\n        if self.left:\n            data = buf.take(len(self.left))\n"
        "            if data is None:\n                return None\n            if data != self.left[: len(data)]:\n"
        "                raise ValueError(data)\n            self.left = self.left[len(data) :]\n"
        "            if self.left:\n                return None\n        assert self.left == b''\n"
    )
    after = (
        "class Chunks:\n    def read(self, buf):\n        if self.left > 0:\n            data = buf.take(self.left)\n"
        "            if data is None:\n                return None\n            self.left -= len(data)\n"
        "            if self.left > 0:\n                return None\n        assert self.left == 0\n"
    )
    assert told(before, after, "shop/a.py") != set()
