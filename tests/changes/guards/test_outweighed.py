"""Home-made guards that the real thing replaced are notes; what a stronger guard cannot make up for stays a loss."""

from __future__ import annotations

import pytest

from changes.guards.test_losses import lost
from interlock.changes.guards.loss import Sign

BETTER = {
    "a comparison became one in constant time": (
        "def verify(a, b):\n    return a == b\n",
        "def verify(a, b):\n    return hmac.compare_digest(a, b)\n",
    ),
    "looking for two dots became a confined path": (
        "def f(root, name):\n    if '..' in name:\n        raise ValueError\n    return open(root + name)\n",
        "def f(root, name):\n    path = os.path.realpath(root + name)\n"
        "    if not path.startswith(root):\n        raise ValueError\n    return open(path)\n",
    ),
    "looking for bad words became a list of what may be": (
        "def f(name):\n    if 'drop' in name or ';' in name:\n        raise ValueError\n    return run(name)\n",
        "def f(name):\n    if name not in COLUMNS:\n        raise ValueError\n    return run(name)\n",
    ),
    "whether it is there became whether it is his": (
        "def f(me, pk):\n    user = find(pk)\n    if user is None:\n        raise Absent\n    remove(user)\n",
        "def f(me, pk):\n    if not me.is_admin and me.id != pk:\n        raise Forbidden\n    remove(find(pk))\n",
    ),
    "made a number became asked whether it is one": (
        "def f(items, count):\n    items.append(int(count))\n",
        "def f(items, count):\n    if not isinstance(count, int):\n        raise TypeError\n    items.append(count)\n",
    ),
    "whether it is in the table became taking it from there": (
        "def f(key):\n    if key not in PRICES:\n        raise KeyError(key)\n    return 1\n",
        "def f(key):\n    return PRICES[key]\n",
    ),
    "whether the file is there became making it only where it is not": (
        "def f(path):\n    if os.path.exists(path):\n        raise Taken\n    return open(path, 'w')\n",
        "def f(path):\n    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)\n",
    ),
    "as many as fit became a refusal of more": (
        "def f(rows):\n    for row in itertools.islice(rows, MOST):\n        send(row)\n",
        "def f(rows):\n    if len(rows) > MOST:\n        raise TooMany\n    for row in rows:\n        send(row)\n",
    ),
    "how much is packed became how much comes out of it": (
        "def f(blob):\n    if len(blob) > MOST:\n        raise TooLarge\n    return unpack(blob)\n",
        "def f(blob):\n    engine = start()\n    text = engine.take(blob, MOST)\n"
        "    if engine.rest or not engine.done:\n        raise TooLarge\n    return text\n",
    ),
    "a refusal after what is fine became one of what is not": (
        "def f(card, pin):\n    if same(card.pin, pin):\n        return card\n    raise Wrong\n",
        "def f(card, pin):\n    if not same(card.pin, pin):\n        raise Wrong\n    return card\n",
    ),
    "a column is asked for in any case": (
        "def f(db, mail):\n    return db.execute('SELECT n FROM account WHERE mail LIKE ?', (mail,))\n",
        "def f(db, mail):\n    return db.execute('SELECT n FROM account WHERE lower(mail) = lower(?)', (mail,))\n",
    ),
    "the beginning of an address became its parts": (
        "def f(url):\n    if not url.startswith('http'):\n        raise Refused\n    return url\n",
        "def f(url):\n    where = urlsplit(url)\n    if (where.scheme, where.hostname) != ('https', HOST):\n"
        "        raise Refused\n    return url\n",
    ),
    "bad signs that were looked for became the names that may be": (
        "def f(name):\n    if '\"' in name or name == '':\n        raise Refused\n    return name\n",
        "def f(name):\n    if name in ('day', 'route'):\n        return name\n    raise Refused\n",
    ),
    "a name that an option has too": (
        "def f(text):\n    safe = text.replace('a', '')\n    return show(safe)\n",
        "def f(text):\n    return show(text)\n",
    ),
}

STILL = {
    "an owner, though a limit came": (
        "def f(me, row):\n    if row.owner != me.id:\n        raise Forbidden\n    return row\n",
        "def f(me, row):\n    if row.size > 10:\n        raise TooLarge\n    return row\n",
    ),
    "two dots, though a length came": (
        "def f(name):\n    if '..' in name:\n        raise ValueError\n    return open(name)\n",
        "def f(name):\n    if len(name) > 9:\n        raise ValueError\n    return open(name)\n",
    ),
    "the one who asks, though the row is looked at": (
        "def f(user, row):\n    if user is None:\n        raise Forbidden\n    return row\n",
        "def f(user, row):\n    if row.size > 10:\n        raise TooLarge\n    return row\n",
    ),
    "an escape, however many refusals came": (
        "def f(x):\n    return page(escape(x))\n",
        "def f(x):\n    if x > 10:\n        raise ValueError\n    if x < 2:\n        raise ValueError\n"
        "    return page(x)\n",
    ),
    "two dots, though another value is asked for its kind": (
        "def f(name, size):\n    if '..' in name:\n        raise ValueError\n    return open(name)\n",
        "def f(name, size):\n    if not isinstance(size, int):\n        raise ValueError\n    return open(name)\n",
    ),
    "two dots, though something is refused where nobody comes": (
        "def f(name):\n    if '..' in name:\n        raise ValueError\n    return open(name)\n",
        "def f(name):\n    return open(name)\n    raise ValueError\n",
    ),
    "a bound that is written down, though something else is refused": (
        "def f(body):\n    if len(body) > MOST:\n        raise TooLarge\n    return body\n",
        "def f(body, n):\n    log.info(MOST)\n    if n == 3:\n        raise Odd\n    return body\n",
    ),
    "a bound, though much else is refused": (
        "def f(n, a, b):\n    if n < 0 or n > 10:\n        raise TooMany\n    return n\n",
        "def f(n, a, b):\n    if n < 0:\n        raise TooMany\n    if a > 9999:\n        raise Odd\n"
        "    if b > 9999:\n        raise Odd\n    return n\n",
    ),
    "who is signed in, though the session is asked for him": (
        "def f(session):\n    if not session.get('user'):\n        raise Forbidden\n    return 1\n",
        "def f(session):\n    return session['user']\n",
    ),
    "a comparison with a fixed text": (
        "def f(a, b):\n    if b != 'https':\n        raise ValueError\n    return a\n",
        "def f(a, b):\n    return hmac.compare_digest(a, b)\n",
    ),
}


@pytest.mark.parametrize("sides", BETTER.values(), ids=BETTER)
def test_what_the_real_thing_replaced_is_no_loss(sides: tuple[str, str]) -> None:
    assert lost(*sides) == []


@pytest.mark.parametrize("sides", STILL.values(), ids=STILL)
def test_what_nothing_makes_up_for_is_lost(sides: tuple[str, str]) -> None:
    assert lost(*sides)


def test_a_table_of_a_script_answers_for_what_it_has_not() -> None:
    before = "function f(key) {\n  if (!(key in PRICES)) { throw new Refused(); }\n  return PRICES[key];\n}\n"
    assert lost(before, "function f(key) {\n  return PRICES[key];\n}\n", "a.js")


ROWS = {
    "Django": ("f.py", "def f(request, pk):\n    return Note.objects.get(pk=pk{})\n", ", owner=request.user"),
    "SQLAlchemy": (
        "f.py",
        "def f(session, user, pk):\n    return session.query(Note).filter(Note.id == pk{}).first()\n",
        ", Note.owner_id == user.id",
    ),
    "Mongo": (
        "f.js",
        "async function f(req) {{\n  return notes.findOne({{ id: req.id{} }});\n}}\n",
        ", owner: req.user.id",
    ),
    "Prisma": (
        "f.js",
        "async function f(db, userId, id) {{\n  return db.note.deleteMany({{ where: {{ id{} }} }});\n}}\n",
        ", userId",
    ),
}


@pytest.mark.parametrize(("path", "text", "kept"), ROWS.values(), ids=ROWS)
def test_a_query_that_is_no_longer_kept_to_its_owner_is_a_loss(path: str, text: str, kept: str) -> None:
    (loss,) = lost(text.format(kept), text.format(""), path)
    assert (loss.sign, loss.family) == (Sign.LITERAL, "where")
    assert lost(text.format(""), text.format(kept), path) == []
