"""What is asked still in other words is no loss; what only sounds like it is one."""

from __future__ import annotations

import pytest

from changes.guards.test_losses import lost, signs
from interlock.changes.guards import files
from interlock.changes.guards.bindings import bound_once
from interlock.changes.guards.losing import losses
from interlock.changes.guards.loss import Sign
from interlock.changes.guards.weight import Weight, weighed

SAME = {
    "looked up and not looked for": (
        "src/app.js",
        "function join(code) {\n  if (!invites.has(code)) throw new Error('unknown');\n"
        "  return invites.get(code).room;\n}\n",
        "function join(code) {\n  const invite = invites.get(code);\n  if (!invite) throw new Error('unknown');\n"
        "  return invite.room;\n}\n",
    ),
    "an answer that has a name": (
        "src/app.js",
        "function enter(person, word) {\n  if (!fits(word, person.hash)) throw new Error('wrong');\n"
        "  return person.id;\n}\n",
        "function enter(person, word) {\n  const right = fits(word, person.hash);\n"
        "  if (!right || person.closed) throw new Error('wrong');\n  return person.id;\n}\n",
    ),
    "the same of what is called the same": (
        "app/shop.py",
        "def price(basket, day):\n    percent = basket['percent'] if valid(basket.get('code'), day) else 0\n"
        "    return full(percent)\n",
        "def price(basket, day):\n    code = basket.get('code')\n    if not valid(code, day):\n"
        "        return full(0)\n    return full(LIST[code])\n",
    ),
    "a number by making it one": (
        "app/shop.py",
        "def read(self, text, known):\n    if known is None or not text.isdigit():\n        raise Denied(text)\n"
        "    return known\n",
        "def read(self, text, known):\n    if known is None or int(text) != known.epoch:\n"
        "        raise Denied(text)\n    return known\n",
    ),
    "in a header and not in an address": (
        "src/app.js",
        "function ask(key) {\n  return fetch(`${ROOT}?key=${encodeURIComponent(key)}`);\n}\n",
        "function ask(key) {\n  return fetch(ROOT, { headers: { 'x-key': key } });\n}\n",
    ),
    "made each time and not once": (
        "app/shop.py",
        "import secrets\n\nNONCE = secrets.token_urlsafe(16)\n\n\ndef page(nonce=NONCE):\n    return draw(nonce)\n",
        "import secrets\n\n\ndef new():\n    return secrets.token_urlsafe(16)\n\n\ndef page():\n"
        "    return draw(new())\n",
    ),
    "a row that the statement takes only where it is free": (
        "app/shop.py",
        "def sell(db, seat, guest):\n    row = db.execute('SELECT guest FROM seat WHERE id = ?', (seat,)).fetchone()\n"
        "    if row is None or row[0] is not None:\n        return False\n"
        "    db.execute('UPDATE seat SET guest = ? WHERE id = ?', (guest, seat))\n    return True\n",
        "def sell(db, seat, guest):\n"
        "    done = db.execute('UPDATE seat SET guest = ? WHERE id = ? AND guest IS NULL', (guest, seat))\n"
        "    return done.rowcount == 1\n",
    ),
}

OTHER = {
    "another table looked up": (
        "src/app.js",
        "function join(code) {\n  if (!invites.has(code)) throw new Error('unknown');\n  return room(code);\n}\n",
        "function join(code) {\n  const invite = drafts.get(code);\n  if (!invite) console.log('unknown');\n"
        "  return room(code);\n}\n",
    ),
    "asked only where something else holds": (
        "src/app.js",
        "function enter(person, word) {\n  if (!fits(word, person.hash)) throw new Error('wrong');\n"
        "  return person.id;\n}\n",
        "function enter(person, word) {\n  const right = fits(word, person.hash);\n"
        "  if (!right && person.strict) throw new Error('wrong');\n  return person.id;\n}\n",
    ),
    "a name that is given another value": (
        "src/app.js",
        "function enter(person, word) {\n  if (!fits(word, person.hash)) throw new Error('wrong');\n"
        "  return person.id;\n}\n",
        "function enter(person, word) {\n  let right = fits(word, person.hash);\n  right = true;\n"
        "  if (!right) throw new Error('wrong');\n  return person.id;\n}\n",
    ),
    "a look-up that is given another value": (
        "src/app.js",
        "function join(code) {\n  if (!invites.has(code)) throw new Error('unknown');\n  return room(code);\n}\n",
        "function join(code) {\n  let invite = invites.get(code);\n  invite = {};\n"
        "  if (!invite) throw new Error('unknown');\n  return room(code);\n}\n",
    ),
    "a refusal that became an answer": (
        "src/app.js",
        "function join(code) {\n  if (!invites.has(code)) throw new Error('unknown');\n  return room(code);\n}\n",
        "function join(code) {\n  const invite = invites.get(code);\n  if (!invite) return { ok: true };\n"
        "  return room(code);\n}\n",
    ),
    "a code that is taken out, there or not": (
        "app/shop.py",
        "def redeem(self, code):\n    if code not in self.codes:\n        return False\n    self.codes.pop(code)\n"
        "    return True\n",
        "def redeem(self, code):\n    self.codes.pop(code, None)\n    return True\n",
    ),
    "less than nothing": (
        "app/shop.py",
        "def pay(self, text):\n    if not text.isdigit():\n        raise Denied(text)\n    return send(int(text))\n",
        "def pay(self, text):\n    if int(text) > MOST:\n        raise Denied(text)\n    return send(int(text))\n",
    ),
    "an address in a table": (
        "src/app.js",
        "function ask(name) {\n  return call({ url: ROOT + encodeURIComponent(name) });\n}\n",
        "function ask(name) {\n  return call({ url: name });\n}\n",
    ),
    "a defence in a function that nobody calls": (
        "src/app.js",
        "const app = express();\napp.use(csrf());\nmodule.exports = app;\n",
        "const app = express();\nfunction later() {\n  app.use(csrf());\n}\nmodule.exports = app;\n",
    ),
    "another column of the row": (
        "app/shop.py",
        "def drop(db, note, user):\n    row = db.execute('SELECT owner FROM note WHERE id = ?', (note,)).fetchone()\n"
        "    if row[0] != user:\n        raise Denied(note)\n"
        "    db.execute('DELETE FROM note WHERE id = ?', (note,))\n",
        "def drop(db, note, user):\n"
        "    done = db.execute('DELETE FROM note WHERE id = ? AND old = 0', (note,))\n    return done.rowcount == 1\n",
    ),
    "a user whom the body names": (
        "app/shop.py",
        "def drop(session, body):\n    if not owns(session['user'], body['note']):\n        raise Denied(body)\n"
        "    return gone()\n",
        "def drop(session, body):\n    if not owns(body['user'], body['note']):\n        raise Denied(body)\n"
        "    return gone()\n",
    ),
}

# Another condition in its place, of which nobody can say whether it is as strong: it is told, as a note.
NOTED = {
    "a code that the program names": (
        "app/shop.py",
        "def price(basket, day):\n    if not valid(basket.get('code'), day):\n        raise Denied(day)\n"
        "    return half(basket)\n",
        "def price(basket, day):\n    code = 'ALWAYS'\n    if not valid(code, day):\n        raise Denied(day)\n"
        "    return half(basket)\n",
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_in_other_words_is_no_loss(name: str) -> None:
    path, before, after = SAME[name]
    assert not lost(before, after, path)


@pytest.mark.parametrize("name", OTHER)
def test_what_only_sounds_the_same_is_a_loss(name: str) -> None:
    path, before, after = OTHER[name]
    assert signs(before, after, path)


@pytest.mark.parametrize("name", NOTED)
def test_what_may_be_another_is_told(name: str) -> None:
    path, before, after = NOTED[name]
    assert losses(files.functions(path, before), files.functions(path, after))


def test_who_leaves_the_password_out_is_stopped_where_it_is_critical() -> None:
    """It blocked as a weaker condition before it had a name of its own, and only wanted a person with it."""
    before = "def set_password(user, old):\n    if not fits(user, old):\n        raise Denied(user)\n    return user\n"
    after = before.replace("if not", "if old and not")
    assert {(loss.sign, weighed(loss)) for loss in lost(before, after)} == {(Sign.MISSING, Weight.BLOCK)}


@pytest.mark.parametrize(
    "more",
    [
        "right = true", "right ||= true", "[right] = [true]", "({ right } = { right: true })",
        "[\n  right,\n  x,\n] = y", "for (right of all) {}", "right++", "a = 1; right = true",
    ],
)  # fmt: skip
def test_a_name_with_a_second_value_is_seen(more: str) -> None:
    source = (
        "function f(a, b) {\n  let right = fits(a, b); if (right === a || right <= b) return g(right, a == b);{}\n}\n"
    )
    assert bound_once("right", source.replace("{}", ""))
    assert not bound_once("right", source.replace("{}", f" {more};"))
