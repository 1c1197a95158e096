"""Protections that hold no longer where they have to: each way, its way back, and what looks alike."""

from __future__ import annotations

import pytest

from changes.guards.test_losses import signs
from interlock.changes.guards import loosenings
from interlock.changes.guards.loss import Sign

PYTHON, SCRIPT, GO = "app/views.py", "src/app.js", "app/app.go"

# before, after, how the loss shows
LOOSER = {
    "written down only where it went well": (
        PYTHON,
        "def look(book, who):\n    try:\n        return find(who)\n    finally:\n        book.record(who)\n",
        "def look(book, who):\n    found = find(who)\n    book.record(who)\n    return found\n",
        Sign.ANYWAY,
    ),
    "counted only where it went well": (
        SCRIPT,
        "function run(job) {\n  try {\n    return job();\n  } finally {\n    tries.count(job);\n  }\n}\n",
        "function run(job) {\n  const done = job();\n  tries.count(job);\n  return done;\n}\n",
        Sign.ANYWAY,
    ),
    "two writes of which one may stay": (
        PYTHON,
        "def move(db, a, b):\n    try:\n        db.execute('UPDATE purse SET n = n - 1 WHERE id = ?', (a,))\n"
        "        db.execute('INSERT INTO moved VALUES (?)', (b,))\n    except Error:\n        db.rollback()\n"
        "        raise\n",
        "def move(db, a, b):\n    db.execute('UPDATE purse SET n = n - 1 WHERE id = ?', (a,))\n"
        "    db.execute('INSERT INTO moved VALUES (?)', (b,))\n",
        Sign.HALF,
    ),
    "digits that show": (
        SCRIPT,
        "function shown(iban) {\n  return '*'.repeat(iban.length - 3) + iban.slice(-3);\n}\n",
        "function shown(iban) {\n  return iban.replace(/(.{4})/g, '$1 ');\n}\n",
        Sign.UNMASKED,
    ),
    "a row that may come twice": (
        PYTHON,
        "DDL = '''CREATE TABLE seat (hall TEXT, number INTEGER, UNIQUE (hall, number))'''\n",
        "DDL = '''CREATE TABLE seat (id INTEGER PRIMARY KEY, hall TEXT, number INTEGER)'''\n",
        Sign.CONSTRAINT,
    ),
    "a field that the query writes over": (
        SCRIPT,
        "function list(me, query) {\n  return rows({ ...query, shop: me.shop });\n}\n",
        "function list(me, query) {\n  return rows({ shop: me.shop, ...query });\n}\n",
        Sign.OVERWRITABLE,
    ),
    "the same in Python": (
        PYTHON,
        "def rows(me, query):\n    return find({**query, 'shop': me.shop})\n",
        "def rows(me, query):\n    return find({'shop': me.shop, **query})\n",
        Sign.OVERWRITABLE,
    ),
    "checked, and only then made plain": (
        PYTHON,
        "def check(name):\n    if name in TAKEN:\n        raise ValueError(name)\n    return name\n\n\n"
        "def enter(name):\n    name = unicodedata.normalize('NFKC', name)\n    return check(name)\n",
        "def check(name):\n    if name in TAKEN:\n        raise ValueError(name)\n    return name\n\n\n"
        "def enter(name):\n    name = check(name)\n    return unicodedata.normalize('NFKC', name)\n",
        Sign.LATE,
    ),
    "one answer checked and another used": (
        PYTHON,
        "def connect(host):\n    address = resolve(host)\n    if not public(address):\n        raise Refused(address)\n"
        "    return dial(address)\n",
        "def connect(host):\n    if not public(resolve(host)):\n        raise Refused(host)\n"
        "    return dial(resolve(host))\n",
        Sign.TWICE,
    ),
    "yes where nothing is said": (
        SCRIPT,
        "function options(given) {\n  return { scripts: given.scripts === true };\n}\n",
        "function options({ scripts = true } = {}) {\n  return { scripts };\n}\n",
        Sign.LENIENT,
    ),
    "too early is not too late": (
        PYTHON,
        "def fresh(stamp, now):\n    return abs(now - stamp) < WINDOW\n",
        "def fresh(stamp, now):\n    return now - stamp < WINDOW\n",
        Sign.ONE_SIDED,
    ),
    "who leaves the token out": (
        PYTHON,
        "def admit(token, wanted):\n    if token != wanted:\n        raise Denied(token)\n    return open_door()\n",
        "def admit(token, wanted):\n    if token and token != wanted:\n        raise Denied(token)\n"
        "    return open_door()\n",
        Sign.MISSING,
    ),
    "an end that is not set": (
        GO,
        "package app\n\nfunc Check(g Grant, now time.Time) error {\n\tif !now.Before(g.Until) {\n"
        "\t\treturn ErrOver\n\t}\n\treturn nil\n}\n",
        "package app\n\nfunc Check(g Grant, now time.Time) error {\n"
        "\tif !g.Until.IsZero() && now.After(g.Until) {\n\t\treturn ErrOver\n\t}\n\treturn nil\n}\n",
        Sign.MISSING,
    ),
    "past the drafts": (
        PYTHON,
        "def shown():\n    return [page for page in PAGES.values() if not page.draft]\n\n\n"
        "def titles():\n    return [page.title for page in shown()]\n",
        "def shown():\n    return [page for page in PAGES.values() if not page.draft]\n\n\n"
        "def titles():\n    return [page.title for page in PAGES.values()]\n",
        Sign.BYPASSED,
    ),
    "a part of a text for one of a list": (
        GO,
        "package app\n\nfunc may(key Key, scope string) bool {\n\tif !slices.Contains(key.Scopes, scope) {\n"
        "\t\treturn false\n\t}\n\treturn true\n}\n",
        'package app\n\nfunc may(key Key, scope string) bool {\n\tall := strings.Join(key.Scopes, ",")\n'
        "\tif !strings.Contains(all, scope) {\n\t\treturn false\n\t}\n\treturn true\n}\n",
        Sign.IN_TEXT,
    ),
    "a session that stays": (
        SCRIPT,
        "function leave(id) {\n  sessions.delete(id);\n  return cookie('');\n}\n",
        "function leave(id) {\n  if (!sessions.has(id)) return '';\n  return cookie('');\n}\n",
        Sign.KEPT_ON,
    ),
    "a route for everybody": (
        SCRIPT,
        "const routes = {\n  'DELETE /shop': [known, only('owner'), removeShop],\n};\n",
        "const routes = {\n  'DELETE /shop': [known, dropShop],\n};\n",
        Sign.UNROUTED,
    ),
    "past what is alive": (
        SCRIPT,
        "const alive = () => [...posts.values()].filter((one) => !one.gone);\n"
        "function read(id) {\n  return alive().find((one) => one.id === id);\n}\n",
        "const alive = () => [...posts.values()].filter((one) => !one.gone);\n"
        "function read(id) {\n  return posts.get(id);\n}\n",
        Sign.BYPASSED,
    ),
    "what has no entry": (
        PYTHON,
        "def call(self, user, path):\n    if self.needed.get(path, 'nobody') not in user.grants:\n"
        "        raise Denied(path)\n"
        "    return self.views[path]()\n",
        "def call(self, user, path):\n    needed = self.needed.get(path)\n"
        "    if needed and needed not in user.grants:\n        raise Denied(path)\n    return self.views[path]()\n",
        Sign.MISSING,
    ),
    "a text that became a format": (
        PYTHON,
        "def fill(text, known):\n    return FIELD.sub(lambda found: known.get(found[1], ''), text)\n",
        "def fill(text, known):\n    return text.format(**known)\n",
        Sign.FORMAT,
    ),
    "one of two cases": (
        GO,
        "package app\n\nfunc give(n int, a, b string) error {\n\tswitch {\n\tcase n <= 0, a == b:\n"
        "\t\treturn ErrAmount\n\t}\n\treturn nil\n}\n",
        "package app\n\nfunc give(n int, a, b string) error {\n\tswitch {\n\tcase a == b:\n"
        "\t\treturn ErrAmount\n\t}\n\treturn nil\n}\n",
        Sign.WEAKER,
    ),
    "rows that were deleted, by a statement that names its columns": (
        PYTHON,
        "def find(db, mail):\n"
        "    return db.execute('SELECT id, name FROM people WHERE mail = ? AND gone IS NULL', (mail,))\n",
        "def find(db, mail):\n    return db.execute('SELECT id, name, age FROM people WHERE mail = ?', (mail,))\n",
        Sign.LITERAL,
    ),
    "a bound of Go that nobody reads": (
        GO,
        "package app\n\nconst most = 50\n\nfunc take(n int) int {\n\tif n > most {\n\t\treturn most\n\t}\n"
        "\treturn n\n}\n",
        "package app\n\nconst most = 50\n\nfunc take(n int) int {\n\treturn n\n}\n",
        Sign.UNREAD,
    ),
}

ALIKE = {
    "a file that `with` closes": (
        PYTHON,
        "def read(path):\n    file = open(path)\n    try:\n        return file.read()\n    finally:\n"
        "        file.close()\n",
        "def read(path):\n    with open(path) as file:\n        return file.read()\n",
    ),
    "a lock that is given back by hand": (
        GO,
        "package app\n\nfunc (b *Box) Get() int {\n\tb.mu.Lock()\n\tdefer b.mu.Unlock()\n\treturn b.n\n}\n",
        "package app\n\nfunc (b *Box) Get() int {\n\tb.mu.Lock()\n\tn := b.n\n\tb.mu.Unlock()\n\treturn n\n}\n",
    ),
    "masked otherwise": (
        PYTHON,
        "def shown(number):\n    return '*' * 12 + number[-4:]\n",
        "def shown(number):\n    return mask(number, keep=4)\n",
    ),
    "only what is chosen, where some was masked": (
        PYTHON,
        "def kept(headers):\n    return {n: '***' if 'secret' in n else v for n, v in headers.items()}\n",
        "def kept(headers):\n    return {n: v for n, v in headers.items() if n in SHOWN}\n",
    ),
    "options with a default before them": (
        SCRIPT,
        "function page(options) {\n  return draw({ ...options });\n}\n",
        "function page(options) {\n  return draw({ colour: 'blue', ...options });\n}\n",
    ),
    "a path joined twice": (
        PYTHON,
        "def put(folder, name):\n    path = join(folder, name)\n    if exists(path):\n        raise Taken(path)\n"
        "    return write(path)\n",
        "def put(folder, name):\n    if exists(join(folder, name)):\n        raise Taken(name)\n"
        "    return write(join(folder, name))\n",
    ),
    "a condition that became a case": (
        GO,
        "package app\n\nfunc (c *Change) Approve(who string) error {\n\tif c.Out {\n\t\treturn ErrClosed\n\t}\n"
        "\treturn nil\n}\n",
        "package app\n\nfunc (c *Change) Approve(who string) error {\n\tswitch {\n\tcase c.Out:\n\t\treturn ErrClosed\n"
        "\tcase who == c.Author:\n\t\treturn ErrOwn\n\t}\n\treturn nil\n}\n",
    ),
    "what was left out passes no more": (
        PYTHON,
        "def admit(token, wanted):\n    if token and token != wanted:\n        raise Denied(token)\n"
        "    return open_door()\n",
        "def admit(token, wanted):\n    if token != wanted:\n        raise Denied(token)\n    return open_door()\n",
    ),
}


@pytest.mark.parametrize("name", LOOSER)
def test_what_holds_no_longer_is_lost(name: str) -> None:
    path, before, after, sign = LOOSER[name]
    assert sign in signs(before, after, path)


@pytest.mark.parametrize("name", LOOSER)
def test_the_way_back_does_not_show_as_the_same(name: str) -> None:
    path, before, after, sign = LOOSER[name]
    assert sign not in signs(after, before, path)


@pytest.mark.parametrize("name", ALIKE)
def test_what_only_looks_like_it_loses_nothing(name: str) -> None:
    path, before, after = ALIKE[name]
    assert not signs(before, after, path)


def test_braces_that_are_never_closed_keep_nobody_busy() -> None:
    """Each pair doubled the steps of the pattern for `dict(…)`: sixty would have taken longer than anybody lives."""
    bait = "def f(x):\n    return dict(" + "{}" * 60 + "\n"
    assert loosenings.overwritable(bait, bait + "pass\n") == []
