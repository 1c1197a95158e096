"""What a change takes away: each kind of guard lost, and each refactoring that loses none."""

from __future__ import annotations

import textwrap

import pytest

from interlock.changes.guards import files
from interlock.changes.guards.guard import Unreadable
from interlock.changes.guards.losing import losses
from interlock.changes.guards.loss import Loss, Sign
from interlock.changes.guards.weight import Weight, weighed


def lost(before: str, after: str, path: str = "app/views.py", **more: object) -> list[Loss]:
    """What a change of one file takes away, notes left out."""
    sides = [files.functions(path, textwrap.dedent(text)) for text in (before, after)]
    found = losses(*sides, **more)  # type: ignore[arg-type]
    return [loss for loss in found if weighed(loss) is not Weight.NOTE]


def signs(before: str, after: str, path: str = "app/views.py") -> set[Sign]:
    return {loss.sign for loss in lost(before, after, path)}


GONE = {
    "a refusal": (
        "def f(x):\n    if x > 10:\n        raise ValueError\n    return x\n",
        "def f(x):\n    return x\n",
        Sign.EXIT,
    ),
    "an escape": ("def f(x):\n    return page(escape(x))\n", "def f(x):\n    return page(x)\n", Sign.CALL),
    "a comparison in constant time": (
        "def f(a, b):\n    return hmac.compare_digest(a, b)\n",
        "def f(a, b):\n    return a == b\n",
        Sign.CALL,
    ),
    "a decorator": (
        "@login_required\ndef f(request):\n    return delete(request)\n",
        "def f(request):\n    return delete(request)\n",
        Sign.DECORATOR,
    ),
    "a lock": (
        "def f(self):\n    with self._lock:\n        self.n += 1\n",
        "def f(self):\n    self.n += 1\n",
        Sign.HOLD,
    ),
    "a time limit": ("def f(u):\n    return get(u, timeout=3)\n", "def f(u):\n    return get(u)\n", Sign.KEYWORD),
    "a switch turned": (
        "def f(u):\n    return get(u, verify=True)\n",
        "def f(u):\n    return get(u, verify=False)\n",
        Sign.TURNED,
    ),
    "a default turned": (
        "def f(u, follow_symlinks=False):\n    return u\n",
        "def f(u, follow_symlinks=True):\n    return u\n",
        Sign.TURNED,
    ),
    "an entry of a list": (
        "BLOCKED = {'a', 'b'}\n\ndef f():\n    return 1\n",
        "BLOCKED = {'a'}\n\ndef f():\n    return 1\n",
        Sign.DENIED,
    ),
    "an entry too many": (
        "ALLOWED_HOSTS = ['a']\n",
        "ALLOWED_HOSTS = ['a', '*']\n",
        Sign.ALLOWED,
    ),
    "an anchor": (
        "import re\n\ndef f(x):\n    return re.match(r'^[a-z]+\\Z', x)\n",
        "import re\n\ndef f(x):\n    return re.match(r'^[a-z]+', x)\n",
        Sign.PATTERN,
    ),
    "half of a condition": (
        "def f(k):\n    if k == 'a' or k.startswith('_'):\n        raise KeyError\n    return k\n",
        "def f(k):\n    if k == 'a':\n        raise KeyError\n    return k\n",
        Sign.WEAKER,
    ),
    "the safe one of two": (
        "def f(x):\n    return yaml.safe_load(x)\n",
        "def f(x):\n    return yaml.load(x)\n",
        Sign.UNSAFE,
    ),
    "a limit that grew": ("MAX_CHUNK = 2 ** 20 - 1\n", "MAX_CHUNK = 2 ** 30 - 1\n", Sign.RAISED),
    "a least that shrank": ("ROUNDS = ITERATIONS = 600_000\n", "ROUNDS = ITERATIONS = 1_000\n", Sign.RAISED),
    "a case that refuses": (
        "def f(x):\n    match x:\n        case None:\n            raise ValueError\n        case _:\n"
        "            return x\n",
        "def f(x):\n    match x:\n        case _:\n            return x\n",
        Sign.EXIT,
    ),
    "a value made of one kind": (
        "def f(k):\n    k = str(k)\n    return table[k]\n",
        "def f(k):\n    return table[k]\n",
        Sign.CALL,
    ),
    "a call around a value, of any name": (
        "def f(u):\n    log.debug('to %s', without_password(u))\n    return get(u)\n",
        "def f(u):\n    log.debug('to %s', u)\n    return get(u)\n",
        Sign.UNWRAPPED,
    ),
    "how much is read": (
        "def f(s):\n    return s.body.read(MOST)\n",
        "def f(s):\n    return s.body.read()\n",
        Sign.UNBOUNDED,
    ),
    "of which kind it is": (
        "def f(x):\n    if not isinstance(x, Token) or not x.text:\n        raise TypeError\n    return x.text\n",
        "def f(x):\n    if x.name != 'Token' or not x.text:\n        raise TypeError\n    return x.text\n",
        Sign.KIND,
    ),
    "an option's value that cannot be an option": (
        "def f(rev):\n    return run(['hg', 'update', f'--rev={rev}'])\n",
        "def f(rev):\n    return run(['hg', 'update', '--rev', rev])\n",
        Sign.LITERAL,
    ),
    "code from wherever it is started": (
        "def f(path):\n    return path\n",
        "def f(path):\n    path.insert(0, os.getcwd())\n    return path\n",
        Sign.UNSAFE,
    ),
    "a refusal that became an answer": (
        "def f(data, want):\n    if data != want:\n        raise ProtocolError\n    want = want[len(data):]\n"
        "    return want\n",
        "def f(data, want):\n    want = want - len(data)\n    if want > 0:\n        return None\n    return want\n",
        Sign.EXIT,
    ),
    "a helper that refused": (
        "def f(x):\n    _bounds(x)\n    return x\n\ndef _bounds(x):\n    if x > 9:\n        raise ValueError\n",
        "def f(x):\n    return x\n",
        Sign.EXIT,
    ),
}


@pytest.mark.parametrize("name", GONE)
def test_a_lost_guard_is_found(name: str) -> None:
    before, after, sign = GONE[name]
    assert sign in signs(before, after)
    assert not lost(before, before)


KEPT = {
    "a rename of the function": (
        "def check(value, most):\n    if value > most or value < 0:\n        raise ValueError(value)\n"
        "    return value * most\n",
        "def bounded(value, most):\n    if value > most or value < 0:\n        raise ValueError(value)\n"
        "    return value * most\n",
    ),
    "the condition turned round": (
        "def f(user):\n    if not user.admin:\n        return None\n    return wipe(user)\n",
        "def f(user):\n    if user.admin:\n        return wipe(user)\n    return None\n",
    ),
    "a helper made of it": (
        "def f(x):\n    if x.size > LIMIT:\n        raise ValueError\n    return x\n",
        "def f(x):\n    fits(x)\n    return x\n\ndef fits(x):\n    if x.size > LIMIT:\n        raise ValueError\n",
    ),
    "a helper made of it, with other names": (
        "def f(x):\n    if x.size > LIMIT:\n        raise ValueError\n    return x\n",
        "def f(x):\n    fits(x)\n    return x\n\ndef fits(part):\n    if part.size > LIMIT:\n"
        "        raise ValueError\n",
    ),
    "moved to the only caller": (
        "def a(x):\n    return b(x)\n\ndef b(x):\n    if x < 0:\n        raise ValueError\n    return x\n",
        "def a(x):\n    if x < 0:\n        raise ValueError\n    return b(x)\n\ndef b(x):\n    return x\n",
    ),
    "moved into a decorator": (
        "def f(request):\n    if not request.user.is_staff:\n        raise Denied\n    return wipe(request)\n",
        "def staff(view):\n    def inner(request):\n        if not request.user.is_staff:\n            raise Denied\n"
        "        return view(request)\n    return inner\n\n@inner\ndef f(request):\n    return wipe(request)\n",
    ),
    "the function is gone": (
        "def f(x):\n    if x:\n        raise ValueError\n    return 1\n\ndef g():\n    return 2\n",
        "def g():\n    return 2\n",
    ),
    "two conditions made one": (
        "def f(a, b):\n    if a < 0:\n        raise ValueError\n    if b < 0:\n        raise ValueError\n"
        "    return a + b\n",
        "def f(a, b):\n    if a < 0 or b < 0:\n        raise ValueError\n    return a + b\n",
    ),
    "another message": (
        "def f(a):\n    if a < 0:\n        raise ValueError('no')\n    return a\n",
        "def f(a):\n    if a < 0:\n        raise ValueError('never')\n    return a\n",
    ),
    "a limit that shrank": ("MAX_CHUNK = 2 ** 21\n", "MAX_CHUNK = 2 ** 20\n"),
    "a limit that grew a little": ("MAX_RESULTS = 50\n", "MAX_RESULTS = 100\n"),
    "a pattern that took long": (
        "import re\n\ndef f(x):\n    return re.sub(r'\\s+$', '', x)\n",
        "def f(x):\n    return x.rstrip()\n",
    ),
    "a width that grew": ("MAX_WIDTH = 80\n", "MAX_WIDTH = 100\n"),
    "a loop that ends sooner": (
        "def f(c):\n    while c not in (1, 2):\n        c = g(c)\n",
        "def f(c):\n    while c not in (1, 2, 3):\n        c = g(c)\n",
    ),
    "a separator that went": ("def f(x):\n    return x.split(',')\n", "def f(x):\n    return x.split()\n"),
    "a container around a value": ("def f(x):\n    return g(list(x))\n", "def f(x):\n    return g(x)\n"),
    "a kind asked of what the value came from": (
        "def f(x):\n    if isinstance(x.a, str):\n        return None\n    return x.a\n",
        "def f(x):\n    a = x.a\n    if isinstance(a, str):\n        return None\n    return a\n",
    ),
    "other words looked for besides": (
        "import re\n\ndef f(x):\n    return re.search('token|secret', x)\n",
        "import re\n\ndef f(x):\n    return re.search('token|secret|key', x)\n",
    ),
    "a road that calls both": (
        "def a(x):\n    b(x)\n    return c(x)\n\ndef b(x):\n    if x < 0:\n        raise ValueError\n    return x\n\n"
        "def c(x):\n    return x\n",
        "def a(x):\n    b(x)\n    return c(x)\n\ndef b(x):\n    return x\n\ndef c(x):\n    if x < 0:\n"
        "        raise ValueError\n    return x\n",
    ),
    "a guard more": ("def f(a):\n    return a\n", "def f(a):\n    if a < 0:\n        raise ValueError\n    return a\n"),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_refactoring_loses_nothing(name: str) -> None:
    assert lost(*KEPT[name]) == []


def test_a_guard_that_moved_where_nothing_leads_is_lost() -> None:
    """An agent can carry a check to a function that nobody calls: that is no move."""
    before = "def f(x):\n    if x < 0:\n        raise ValueError\n    return x\n\ndef g(x):\n    return x\n"
    after = "def f(x):\n    return x\n\ndef g(x):\n    if x < 0:\n        raise ValueError\n    return x\n"
    (found,) = lost(before, after)
    assert found.sign is Sign.EXIT
    assert found.moved == "app/views.py:g"


def test_a_caller_that_is_not_seen_may_come_without_the_guard() -> None:
    before, after = KEPT["moved to the only caller"]
    assert not lost(before, after, used=lambda name: False)
    assert lost(before, after, used=lambda name: name == "b")


def test_where_it_matters_most_the_change_is_stopped() -> None:
    before, after, _ = GONE["a comparison in constant time"]
    for path, weight in (("app/text.py", Weight.REVIEW), ("app/auth/tokens.py", Weight.BLOCK)):
        assert {weighed(loss) for loss in lost(before, after, path)} == {weight}


SCRIPT = {
    "a refusal": (
        "function set(o, k, v) { if (k === '__proto__') { return; } o[k] = v; }",
        "function set(o, k, v) { o[k] = v; }",
        Sign.EXIT,
    ),
    "an object without ancestors": (
        "function f() { const o = Object.create(null); return o; }",
        "function f() { const o = {}; return o; }",
        Sign.CALL,
    ),
    "a guard of a route": (
        "app.post('/wipe', requireAuth, (req, res) => wipe(res));",
        "app.post('/wipe', (req, res) => wipe(res));",
        Sign.DECORATOR,
    ),
    "a bound": (
        "function f(x) { return parse(x, { maxDepth: 8 }); }",
        "function f(x) { return parse(x, {}); }",
        Sign.KEYWORD,
    ),
    "a value made a number": (
        "const f = (n) => { fill((n -= 0)); return n; };",
        "const f = (n) => { fill(n); return n; };",
        Sign.CALL,
    ),
    "a case that refuses": (
        "function f(k) { switch (k) { case 'eof': throw new Error('end'); default: return k; } }",
        "function f(k) { switch (k) { default: return k; } }",
        Sign.EXIT,
    ),
    "what a predicate asked of a kind": (
        "function ok(p) { return Array.isArray(p) && (typeof p[0] === 'string' || typeof p[0] === 'number'); }",
        "function ok(p) { return Array.isArray(p) && p.length > 0; }",
        Sign.KIND,
    ),
    "a part of a joined pattern": (
        "const p = ['^[a-z]+$', '(?:[0-9]+;)'].join('|');",
        "const p = ['^[a-z]+', '(?:[0-9]+;)'].join('|');",
        Sign.PATTERN,
    ),
    "what happens at a redirect": (
        "function f(o) { o.beforeRedirect = function (next) { o.again(next); }; return o; }",
        "function f(o) { return o; }",
        Sign.KEYWORD,
    ),
    "a throw": (
        "const f = (a) => { if (a.length > 10) { throw new RangeError('long'); } return a; };",
        "const f = (a) => { return a; };",
        Sign.EXIT,
    ),
}


@pytest.mark.parametrize("suffix", ["js", "ts", "tsx"])
@pytest.mark.parametrize("name", SCRIPT)
def test_a_guard_lost_in_a_script_is_found(name: str, suffix: str) -> None:
    before, after, sign = SCRIPT[name]
    assert sign in signs(before, after, f"src/a.{suffix}")
    assert not lost(before, before, f"src/a.{suffix}")


def test_a_guard_lost_in_go_is_found() -> None:
    before = (
        "package a\n\nfunc (s *Store) Put(k string) error {\n\ts.mu.Lock()\n\tif len(k) > max {\n"
        "\t\treturn ErrTooLong\n\t}\n\ts.put(k)\n\treturn nil\n}\n"
    )
    after = "package a\n\nfunc (s *Store) Put(k string) error {\n\ts.put(k)\n\treturn nil\n}\n"
    assert signs(before, after, "a.go") >= {Sign.EXIT, Sign.HOLD}
    (found, *_) = lost(before, after, "a.go")
    assert found.function == "Store.Put"


def test_a_limit_that_grew_a_little_is_looked_at_where_it_matters() -> None:
    assert signs("MAX_CHUNK = 2 ** 30 - 1\n", "MAX_CHUNK = 2 ** 31 - 1\n", "app/ciphers.py") == {Sign.NUDGED}


def test_a_property_asked_for_through_call_is_asked_for() -> None:
    before, after = (
        "function f(o, k) { return o.hasOwnProperty(k); }",
        ("function f(o, k) { return Object.prototype.hasOwnProperty.call(o, k); }"),
    )
    assert not lost(before, after, "src/a.js")
    assert lost(after, "function f(o, k) { return k in o; }", "src/a.js")


def test_a_refusal_at_the_end_in_go_stands_for_the_one_in_the_middle() -> None:
    before = "package a\n\nfunc f(a, b int) error {\n\tif a != b {\n\t\treturn ErrOther\n\t}\n\treturn nil\n}\n"
    after = "package a\n\nfunc f(a, b int) error {\n\tif a == b {\n\t\treturn nil\n\t}\n\treturn ErrOther\n}\n"
    assert not lost(before, after, "a.go")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "def f(:\n"),
        ("a.py", "x = " + "(" * 5000 + ")" * 5000),
        ("a.py", "a\0b"),
        ("a.js", "[" * 3000),
        ("a.go", ")))))((((( not go at all }}}}"),
        ("a.py", "x = 1\n" * 500_000),
    ],
)
def test_what_cannot_be_read_says_so(path: str, text: str) -> None:
    with pytest.raises(Unreadable):
        files.functions(path, text)
