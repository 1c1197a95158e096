"""Guards that gave way to others: weaker ones, ones about which nobody can say, and the same ones in other words."""

from __future__ import annotations

import pytest

from interlock.changes.formal import discharge
from interlock.changes.guards import files
from interlock.changes.guards.losing import losses
from interlock.changes.guards.loss import Sign
from interlock.changes.guards.weight import Weight, weighed

PYTHON = "def wipe(store, user, size, role):\n    if {}:\n        raise Refused\n    return store.drop(user)\n"
SCRIPT = (
    "function wipe(store, user, size, role) {{\n  if ({}) {{ throw new Refused(); }}\n  return store.drop(user);\n}}\n"
)
GO = (
    "package a\n\nfunc wipe(store *Store, user User, size int, role string) error {{\n\tif {} {{\n"
    "\t\treturn errRefused\n\t}}\n\treturn store.Drop(user)\n}}\n"
)
FORMS = {"a.py": PYTHON, "a.js": SCRIPT, "a.ts": SCRIPT, "a.go": GO}


def told(before: str, after: str, path: str = "shop/a.py") -> set[tuple[Sign, Weight]]:
    """What the change of one file shows that is more than a note, after the prover was asked."""
    found = []
    for loss in losses(files.functions(path, before), files.functions(path, after)):
        judged = discharge.judged(loss)
        if judged.answer != "PROVED":
            found.append((judged.loss.sign, weighed(judged.loss)))
    return {(sign, weight) for sign, weight in found if weight is not Weight.NOTE}


WEAKER = {
    "another rank": ("not user.is_admin", "not user.is_active", "a.py"),
    "another rank in a script": ("!user.isAdmin", "!user.isActive", "a.js"),
    "another rank in a typed script": ("!user.isOwner", "!user.isMember", "a.ts"),
    "another rank in go": ("!user.IsAdmin", "!user.IsActive", "a.go"),
    "that somebody is there at all": ("not user.is_admin", "not user", "a.py"),
    "that somebody is there, after a lookup": ("not user.get('admin')", "not user", "a.py"),
    "that somebody is there, in a script": ("!store.allows(user, 'drop')", "!user", "a.js"),
    "that somebody is there, for none": ("user.role != 'admin'", "user is None", "a.py"),
    "that a secret is there": ("not compare_digest(store.token, role)", "not role", "a.py"),
    "and for or": ("size > 10 or not user.is_admin", "size > 10 and not user.is_admin", "a.py"),
    "and for or in a script": ("size > 10 || !user.isAdmin", "size > 10 && !user.isAdmin", "a.ts"),
    "and for or in go": ("size > 10 || !user.IsAdmin", "size > 10 && !user.IsAdmin", "a.go"),
    "a bound moved by one": ("size >= 10", "size > 10", "a.py"),
    "a bound moved by one in a script": ("size >= 10", "size > 10", "a.js"),
    "a bound moved by one in go": ("size >= 10", "size > 10", "a.go"),
    "a list for one": ("role != 'admin'", "role not in ('admin', 'guest')", "a.py"),
    "one kept out for all but one": ("role not in ('admin', 'owner')", "role == 'guest'", "a.py"),
    "one more in a script": ("role !== 'admin'", "role !== 'admin' && role !== 'guest'", "a.js"),
    "one more in go": ('role != "admin"', 'role != "admin" && role != "guest"', "a.go"),
    "emptiness for equality": ("role != 'admin'", "role == ''", "a.py"),
}


@pytest.mark.parametrize("name", WEAKER)
def test_a_weaker_condition_is_no_guard_in_its_place(name: str) -> None:
    before, after, path = WEAKER[name]
    form = FORMS[path]
    for folder, weight in (("shop", Weight.REVIEW), ("auth", Weight.BLOCK)):
        found = told(form.format(before), form.format(after), f"{folder}/{path}")
        assert (Sign.REPLACED, weight) in found or (Sign.WEAKER, weight) in found


UNSURE = {
    "another question": ("not user.is_admin", "not user.likes_tea", "a.py"),
    "another question in a script": ("!user.isAdmin", "!user.likesTea", "a.ts"),
    "another question in go": ("!user.IsAdmin", "!user.LikesTea", "a.go"),
    "a call that nobody can read": ("not user.is_admin", "not fine(user)", "a.py"),
}


@pytest.mark.parametrize("name", UNSURE)
def test_what_nobody_can_say_wants_a_person_and_stops_nothing(name: str) -> None:
    before, after, path = UNSURE[name]
    form = FORMS[path]
    for folder in ("shop", "auth"):
        assert told(form.format(before), form.format(after), f"{folder}/{path}") == {(Sign.CHANGED, Weight.REVIEW)}


SAME = {
    "turned round": ("not (user.is_admin and size < 10)", "not user.is_admin or size >= 10", "a.py"),
    "turned round in a script": ("!(user.isAdmin && size < 10)", "!user.isAdmin || !(size < 10)", "a.js"),
    "turned round in go": ("!(user.IsAdmin && size < 10)", "!user.IsAdmin || size >= 10", "a.go"),
    "a stronger rank": ("not user.is_active", "not user.is_admin", "a.py"),
    "a stronger rank in go": ("!user.IsActive", "!user.IsAdmin", "a.go"),
    "a stricter bound": ("size > 10", "size > 9", "a.py"),
    "one less of a list": ("role not in ('admin', 'guest')", "role != 'admin'", "a.py"),
    "one more that is kept out": ("user.banned", "user.banned or user.locked", "a.py"),
    "everybody kept out": ("user.is_banned", "user", "a.py"),
    "another form of the same": ("not role == 'admin'", "role != 'admin'", "a.py"),
    "a chain": ("size < 0 or size > 9", "not 0 <= size <= 9", "a.py"),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_in_other_words_or_more_is_nothing(name: str) -> None:
    before, after, path = SAME[name]
    form = FORMS[path]
    assert told(form.format(before), form.format(after), f"auth/{path}") == set()


MOVED = {
    "a parameter renamed": (
        "def f(user, amount):\n    if amount > user.limit:\n        raise Refused\n    return amount\n",
        "def f(user, value):\n    if value > user.limit:\n        raise Refused\n    return value\n",
        "a.py",
    ),
    "a variable renamed": (
        "def f(q):\n    who = session(q)\n    if not who.is_admin:\n        raise Refused\n    return 1\n",
        "def f(q):\n    user = session(q)\n    if not user.is_admin:\n        raise Refused\n    return 1\n",
        "a.py",
    ),
    "a parameter renamed in a script": (
        "function f(who) { if (!who.isAdmin) { throw new Refused(); } return who; }",
        "function f(user) { if (!user.isAdmin) { throw new Refused(); } return user; }",
        "a.js",
    ),
    "a variable renamed in a typed script": (
        "function f(q: Q) {\n  const who = session(q);\n  if (!who.isAdmin) { throw new Refused(); }\n  return 1;\n}",
        "function f(q: Q) {\n  const user = session(q);\n  if (!user.isAdmin) { throw new Refused(); }\n  return 1;\n}",
        "a.ts",
    ),
    "a variable renamed in go": (
        "package a\n\nfunc f(q Q) error {\n\twho := session(q)\n\tif !who.IsAdmin {\n\t\treturn errNo\n\t}\n"
        "\treturn nil\n}\n",
        "package a\n\nfunc f(q Q) error {\n\tuser := session(q)\n\tif !user.IsAdmin {\n\t\treturn errNo\n\t}\n"
        "\treturn nil\n}\n",
        "a.go",
    ),
    "a predicate made of it": (
        PYTHON.format("not user.is_admin or size > 9"),
        PYTHON.format("not may(user, size)") + "\n\ndef may(who, much):\n    return who.is_admin and much <= 9\n",
        "a.py",
    ),
    "a predicate made of it in a script": (
        SCRIPT.format("!user.isAdmin"),
        SCRIPT.format("!may(user)") + "const may = (who) => who.isAdmin;\n",
        "a.js",
    ),
    "a predicate made of it in go": (
        GO.format("!user.IsAdmin"),
        GO.format("!may(user)") + "\nfunc may(who User) bool {\n\treturn who.IsAdmin\n}\n",
        "a.go",
    ),
    "an attribute renamed everywhere": (
        "class User:\n    is_admin = False\n\n\n" + PYTHON.format("not user.is_admin"),
        "class User:\n    is_boss = False\n\n\n" + PYTHON.format("not user.is_boss"),
        "a.py",
    ),
    "a name given to it": (
        "def f(user):\n    if not user.is_admin:\n        raise Refused\n    return 1\n",
        "def f(user):\n    denied = not user.is_admin\n    if not user.is_admin:\n        log(denied)\n"
        "        raise Refused\n    return 1\n",
        "a.py",
    ),
}


@pytest.mark.parametrize("name", MOVED)
def test_a_renamed_or_extracted_condition_is_the_same(name: str) -> None:
    before, after, path = MOVED[name]
    assert told(before, after, f"auth/{path}") == set()


def test_a_renaming_hides_no_other_variable() -> None:
    """`asked` is no new word for `owner`: it is bound to something else."""
    before = "def f(q):\n    owner = session(q)\n    if not owner.is_admin:\n        raise Refused\n    return 1\n"
    after = before.replace("owner", "asked").replace("session(q)", "q.args['who']")
    assert told(before, after, "auth/a.py") == {(Sign.CHANGED, Weight.REVIEW)}


def test_one_swapped_attribute_is_no_renaming() -> None:
    """The class keeps its old name for it."""
    before = "class User:\n    is_admin = False\n    is_boss = False\n\n\n" + PYTHON.format("not user.is_admin")
    assert told(before, before.replace("not user.is_admin", "not user.is_boss")) == {(Sign.CHANGED, Weight.REVIEW)}


def test_a_predicate_that_answers_yes_to_more_is_weaker() -> None:
    before = "def may_drop(user):\n    return user.is_admin\n"
    assert told(before, before.replace("is_admin", "is_active")) == {(Sign.REPLACED, Weight.REVIEW)}
    script = "function mayDrop(user) {\n  return user.isAdmin;\n}\n"
    assert told(script, script.replace("isAdmin", "isActive"), "a.ts") == {(Sign.REPLACED, Weight.REVIEW)}


def test_a_branch_that_opens_to_more_is_weaker() -> None:
    before = "def f(user, store):\n    if user.is_admin:\n        store.drop()\n    return 1\n"
    assert told(before, before.replace("is_admin", "is_active")) == {(Sign.REPLACED, Weight.REVIEW)}
    assert told(before.replace("is_admin", "is_active"), before) == set()


LOOP = "def line(stream):\n    c = stream.read(1)\n    while c not in ({}):\n        c = stream.read(1)\n"


def test_a_loop_that_ended_where_nothing_more_comes_may_never_end() -> None:
    assert told(LOOP.format("b'\\n', b''"), LOOP.format("b'\\n',")) == {(Sign.REPLACED, Weight.REVIEW)}
    assert not told(LOOP.format("b'\\n',"), LOOP.format("b'\\n', b''"))


def test_the_words_of_lower_ranks_are_no_people_where_nobody_is_spoken_of() -> None:
    form = "def f(self, x):\n    if self.events is not None and self.events.subscribers:\n        return x\n"
    assert not told(form, form.replace("self.events is not None and self.events.subscribers", "self.public"), "a.py")


LESS = {
    "an age that is not asked any more": (
        "a.py",
        "def f(self, token, now):\n    entry = self.made.pop(token)\n"
        "    if entry is None or now - entry.at > self.ttl:\n        return None\n    return entry.user\n",
        "def f(self, token, now):\n    entry = self.made.get(token)\n    return entry.user if entry else None\n",
    ),
    "rows of one tenant became rows since a day": (
        "a.py",
        "def f(user, rows):\n    return [r for r in rows if r['tenant'] == user['tenant']]\n",
        "def f(user, rows, since):\n    return [r for r in rows if since is None or r['at'] >= since]\n",
    ),
    "a name on a list became the beginning of one": (
        "a.js",
        "function f(origin, names) {\n  return names.includes(origin) ? origin : null;\n}\n",
        "function f(origin, names) {\n  return names.some((n) => origin.startsWith(n)) ? origin : null;\n}\n",
    ),
    "fields of a list became all fields": (
        "a.py",
        "def f(row, data):\n    for field in EDITABLE:\n"
        "        if field in data:\n            set(row, field, data[field])\n",
        "def f(row, data):\n    for field, value in data.items():\n        set(row, field, value)\n",
    ),
    "some of the environment became all of it": (
        "a.py",
        "def f(run):\n    return run({k: os.environ[k] for k in KEPT if k in os.environ})\n",
        "def f(run):\n    return run({**os.environ, 'A': '1'})\n",
    ),
    "a cell's dangerous first sign": (
        "a.py",
        "def f(rows):\n    return [\"'\" + c if c[:1] in '=+-@' else c for c in rows]\n",
        "def f(rows):\n    return [c for c in rows]\n",
    ),
}


@pytest.mark.parametrize(("path", "before", "after"), LESS.values(), ids=LESS)
def test_what_asks_less_is_a_loss_whatever_it_leads_to(path: str, before: str, after: str) -> None:
    assert told(before, after, path)
    assert not told(after, before, path)


WHEREVER = {
    "one of two queries is not kept to the account": (
        "a.py",
        "def f(db, account, after):\n"
        "    return db.execute('SELECT n FROM item WHERE account = ? AND n > ?', (account, after))\n",
        "def f(db, account, after):\n    if after is None:\n"
        "        return db.execute('SELECT n FROM item WHERE account = ?', (account,))\n"
        "    return db.execute('SELECT n FROM item WHERE n > ?', (after,))\n",
    ),
    "a header in a table": (
        "a.py",
        "HEADERS = (('X-Frame-Options', 'DENY'), ('Referrer-Policy', 'no-referrer'))\n",
        "HEADERS = (('Referrer-Policy', 'no-referrer'),)\n",
    ),
    "a cipher that is authenticated": (
        "a.js",
        "function f(key, iv) {\n  return crypto.createCipheriv('aes-256-gcm', key, iv);\n}\n",
        "function f(key, iv) {\n  return crypto.createCipheriv('aes-256-ctr', key, iv);\n}\n",
    ),
    "the origin that a message is for": (
        "a.js",
        "function f(w, token) {\n  w.postMessage({ token }, ORIGIN);\n}\n",
        "function f(w, token) {\n  w.postMessage({ token }, '*');\n}\n",
    ),
    "an environment of one's own": (
        "a.py",
        "def f(run, kept):\n    return run(['tool'], env={'PATH': kept})\n",
        "def f(run, kept):\n    return run(['tool'])\n",
    ),
}


@pytest.mark.parametrize(("path", "before", "after"), WHEREVER.values(), ids=WHEREVER)
def test_what_keeps_others_out_is_seen_wherever_it_stands(path: str, before: str, after: str) -> None:
    assert told(before, after, path)
    assert not told(after, before, path)


def test_a_word_of_another_language_that_is_none_of_pythons_ends_nothing() -> None:
    """Story: `allowed(options.import)` of a script was no expression of Python, and the stage fell over it."""
    text = (
        "function allowed(x) {{\n  return x.role === 'admin';\n}}\n"
        "function f(options) {{\n  if (!allowed(options.import)) {{ throw new Refused(); }}\n  return {};\n}}\n"
    )
    assert told(text.format(1), text.format(2), "a.js") == set()
