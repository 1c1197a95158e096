"""Protections that are no checks of their own: each class that the pairs with executed labels showed to be unseen."""

from __future__ import annotations

import pytest

from interlock.changes.formal import discharge
from interlock.changes.guards import files, patterns
from interlock.changes.guards.losing import losses
from interlock.changes.guards.loss import Sign
from interlock.changes.guards.weight import Weight, weighed


def signs(before: str, after: str, path: str = "app/a.py") -> set[Sign]:
    """What a person is shown of the change of one file, after the prover."""
    found = [discharge.judged(one) for one in losses(files.functions(path, before), files.functions(path, after))]
    return {one.loss.sign for one in found if weighed(one.loss) is not Weight.NOTE and one.answer != "PROVED"}


CALLED = "def guard(user):\n    if not user.ok:\n        raise PermissionError\n\n"
CLOSED = "class Closed:\n    def go(self, r):\n        if not r.user:\n            raise ValueError\n\n\n"
CHECKED = "def f(kind, tag):\n    if kind != 'a':\n        raise ValueError\n"
GONE = {
    "a column that WHERE asked for": (
        "def f(db, who, n):\n    return db.run('DELETE FROM notes WHERE id = ? AND owner = ?', (n, who))\n",
        "def f(db, who, n):\n    return db.run('DELETE FROM notes WHERE id = ?', (n,))\n",
        Sign.LITERAL,
    ),
    "a mode that keeps others out": (
        "def f(path):\n    return os.open(path, os.O_WRONLY, 0o600)\n",
        "def f(path):\n    return open(path, 'w')\n",
        Sign.LITERAL,
    ),
    "a flag against links": (
        "def f(path):\n    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)\n",
        "def f(path):\n    return os.open(path, os.O_RDONLY)\n",
        Sign.LITERAL,
    ),
    "a filter by whose it is": (
        "def f(rows, tenant):\n    return [r for r in rows if r['tenant'] == tenant]\n",
        "def f(rows, tenant):\n    return list(rows)\n",
        Sign.CONDITION,
    ),
    "a filter by a fixed list": (
        "def f(fields):\n    return {k: v for k, v in fields.items() if k in EDITABLE}\n",
        "def f(fields):\n    return dict(fields)\n",
        Sign.CONDITION,
    ),
    "a part in place of the whole": (
        "def f(host):\n    return host == HOME and host\n",
        "def f(host):\n    return host.endswith(HOME) and host\n",
        Sign.REPLACED,
    ),
    "one more role": (
        "def f(x):\n    if x['kind'] != 'a':\n        raise ValueError\n    return x\n",
        "def f(x):\n    if x['kind'] not in ('a', 'b'):\n        raise ValueError\n    return x\n",
        Sign.REPLACED,
    ),
    "an entry of a list of exemptions, whatever its name": (
        "DOORS = {'/in'}\n\n\ndef f(path):\n    if path not in DOORS:\n        raise ValueError\n",
        "DOORS = {'/in', '/api'}\n\n\ndef f(path):\n    if path not in DOORS:\n        raise ValueError\n",
        Sign.ALLOWED,
    ),
    "a call of what refuses": (
        CALLED + "def f(user):\n    guard(user)\n    return 1\n",
        CALLED + "def f(user):\n    return 1\n",
        Sign.CALL,
    ),
    "a base class that refuses": (
        CLOSED + "class A(Closed):\n    x = 1\n",
        CLOSED + "class A:\n    x = 1\n",
        Sign.CALL,
    ),
    "a transaction of a connection": (
        "def f(db):\n    with db:\n        db.execute(A)\n",
        "def f(db):\n    db.execute(A)\n    db.commit()\n",
        Sign.HOLD,
    ),
    "a refusal that now only opens another question": (
        CHECKED + "    if not good(tag):\n        raise ValueError\n",
        "def f(kind, tag):\n    if kind == 'a':\n        if not good(tag):\n            raise ValueError\n",
        Sign.CHANGED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GONE)
def test_what_protects_without_being_a_check_is_missed_when_it_goes(name: str) -> None:
    before, after, sign = GONE[name]
    assert sign in signs(before, after)


@pytest.mark.parametrize("name", GONE)
def test_it_is_no_loss_when_it_comes(name: str) -> None:
    before, after, _ = GONE[name]
    assert not signs(after, before)


SCRIPTS = {
    "a filter of a callback": (
        "function f(user, rows) { return rows.filter((r) => r.ownerId === user.id); }",
        "function f(user, rows) { return rows.slice(); }",
        "a.js",
        Sign.CONDITION,
    ),
    "picked fields": (
        "function f(db, body) { const { name } = body; return db.save({ name }); }",
        "function f(db, body) { return db.save({ ...body }); }",
        "a.js",
        Sign.LITERAL,
    ),
    "a mode": (
        "package a\n\nfunc Save(p string, d []byte) error {\n\treturn os.WriteFile(p, d, 0o600)\n}\n",
        "package a\n\nfunc Save(p string, d []byte) error {\n\treturn os.WriteFile(p, d, 0o644)\n}\n",
        "a.go",
        Sign.LITERAL,
    ),
    "a wrapper that refuses": (
        "package a\n\nfunc gate(h H) H {\n\treturn func(r R) {\n\t\tif r.User == 0 {\n\t\t\thttp.Error(r, 401)\n"
        "\t\t\treturn\n\t\t}\n\t\th(r)\n\t}\n}\n\nfunc Routes(m M) {\n\tm.On(gate(stats))\n}\n",
        "package a\n\nfunc gate(h H) H {\n\treturn func(r R) {\n\t\tif r.User == 0 {\n\t\t\thttp.Error(r, 401)\n"
        "\t\t\treturn\n\t\t}\n\t\th(r)\n\t}\n}\n\nfunc Routes(m M) {\n\tm.On(stats)\n}\n",
        "a.go",
        Sign.CALL,
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_same_in_scripts_and_go(name: str) -> None:
    before, after, path, sign = SCRIPTS[name]
    assert sign in signs(before, after, path)
    assert not signs(after, before, path)


def test_what_must_stand_between_two_repetitions_keeps_a_pattern_fast() -> None:
    """Story: the pattern with a separator was called the slow one, and the fix of the other was stopped."""
    fast, slow = r"[a-z0-9]+(?:-[a-z0-9]+)*", r"([a-z0-9]+-?)+"
    assert patterns.worse(fast, slow)
    assert not patterns.worse(slow, fast)


def test_a_list_that_is_asked_in_both_ways_is_for_nothing() -> None:
    before = "A = ['x']\n\n\ndef f(k):\n    if k in A:\n        raise ValueError\n    return k\n"
    other = before + "\n\ndef g(k):\n    if k not in A:\n        raise ValueError\n    return k\n"
    assert signs(before, before.replace("['x']", "['y']")) == {Sign.DENIED}
    assert not signs(other, other.replace("['x']", "['y']"))
