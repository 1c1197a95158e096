"""What a change stops looking at, lets go on, or puts in another shape, seen without a word for what it protects."""

from __future__ import annotations

import pytest

from interlock.changes.formal import discharge
from interlock.changes.guards import files, numbers, patterns
from interlock.changes.guards.losing import losses
from interlock.changes.guards.loss import Sign
from interlock.changes.guards.weight import Weight, weighed


def signs(before: str, after: str, path: str = "app/a.py") -> set[Sign]:
    """What a person is shown of the change of one file, after the prover."""
    found = [discharge.judged(one) for one in losses(files.functions(path, before), files.functions(path, after))]
    return {one.loss.sign for one in found if weighed(one.loss) is not Weight.NOTE and one.answer != "PROVED"}


GONE = {
    "a parameter": (
        "def key(master, serial):\n    return digest(master, serial, KIND)\n",
        "def key(master, serial):\n    return digest(master, b'all', KIND)\n",
        Sign.UNUSED,
    ),
    "a parameter that was part of a key": (
        "def f(kept, tenant, name):\n    key = (tenant, name)\n    if key not in kept:\n"
        "        kept[key] = ask(tenant, name)\n    return kept[key]\n",
        "def f(kept, tenant, name):\n    if name not in kept:\n        kept[name] = ask(tenant, name)\n"
        "    return kept[name]\n",
        Sign.SHARED,
    ),
    "a constant that lies there": (
        "NAMES = {'a'}\n\n\ndef f(host):\n    return serve(host, NAMES)\n",
        "NAMES = {'a'}\n\n\ndef f(host):\n    return serve(host, None)\n",
        Sign.UNREAD,
    ),
    "a table in which a parameter was looked up": (
        "ORDERS = {'name': 'name'}\n\n\ndef f(sort):\n    return run('ORDER BY ' + ORDERS.get(sort, 'name'))\n",
        "def f(sort):\n    return run('ORDER BY ' + sort)\n",
        Sign.UNREAD,
    ),
    "a bound with a name": (
        "def f(rows, size):\n    return rows[:LARGEST if size > LARGEST else size]\n",
        "def f(rows, size):\n    return rows[:size]\n",
        Sign.UNBOUNDED,
    ),
    "a bound without one": (
        "def f(price, percent):\n    return price * (100 - min(percent, 50))\n",
        "def f(price, percent):\n    return price * (100 - percent)\n",
        Sign.CALL,
    ),
    "what is answered where a fixed table says nothing": (
        "def f(who):\n    return spent(who) < CAPS.get(who, 0)\n",
        "def f(who):\n    cap = CAPS.get(who)\n    return not cap or spent(who) < cap\n",
        Sign.LITERAL,
    ),
    "an error that ended it": (
        "def f(db, who):\n    try:\n        return db.ask(who)\n    except KeyError:\n        return False\n",
        "def f(db, who):\n    try:\n        return db.ask(who)\n    except KeyError:\n        return who.known\n",
        Sign.OPENED,
    ),
    "an error that ended what is written down": (
        "def f(audit, act):\n    audit.write(act.name)\n    return act()\n",
        "def f(audit, act):\n    try:\n        audit.write(act.name)\n    except OSError:\n        pass\n"
        "    return act()\n",
        Sign.SWALLOWED,
    ),
    "a few errors of many": (
        "def f(raw, want):\n    try:\n        verify_digest(raw, want)\n        return raw.decode()\n"
        "    except UnicodeDecodeError:\n        return raw.decode('latin-1')\n",
        "def f(raw, want):\n    try:\n        verify_digest(raw, want)\n        return raw.decode()\n"
        "    except Exception:\n        return raw.decode('latin-1')\n",
        Sign.CAUGHT,
    ),
    "one of each": (
        "class V:\n    def f(self, who):\n        self.turned.add(who)\n        return len(self.turned) > 1\n",
        "class V:\n    def f(self, who):\n        self.turned.append(who)\n        return len(self.turned) > 1\n",
        Sign.REPEATED,
    ),
    "a price that was worked out here": (
        "def f(article, item):\n    return PRICES[article] * item['count']\n",
        "def f(article, item):\n    return item.get('price', PRICES[article]) * item['count']\n",
        Sign.OVERRIDDEN,
    ),
    "a list of what is let in": (
        "def f(end):\n    if end not in ENDINGS:\n        raise ValueError(end)\n    return end\n",
        "def f(end):\n    if end in NEVER:\n        raise ValueError(end)\n    return end\n",
        Sign.REPLACED,
    ),
    "a fixed list, for a question whether something is there": (
        "def f(q):\n    if q['host'].lower() not in NAMES:\n        return 400\n    return serve(q)\n",
        "def f(q):\n    if not q['host']:\n        return 400\n    return serve(q)\n",
        Sign.REPLACED,
    ),
    "a link of a chain": (
        "def f(order, amount):\n    left = order.left\n    if not 0 < amount <= left:\n        raise ValueError\n"
        "    return 1\n",
        "def f(order, amount):\n    if amount <= 0:\n        raise ValueError\n    return 1\n",
        Sign.WEAKER,
    ),
    "a refusal of all, for one of some": (
        "def f(q, name):\n    if bad(name):\n        raise ValueError\n    return q\n",
        "def f(q, name):\n    if bad(name) and q.strict:\n        raise ValueError\n    return q\n",
        Sign.REPLACED,
    ),
    "one of two that it asked about": (
        "def f(order, state):\n    if state not in after(order.state):\n        raise ValueError\n    return state\n",
        "def f(order, state):\n    if state not in every():\n        raise ValueError\n    return state\n",
        Sign.CHANGED,
    ),
    "a part of what it accepts": (
        "def f(step, last, code, codes):\n    if step > last and codes.get(step) == code:\n        return True\n"
        "    return False\n",
        "def f(step, last, code, codes):\n    if codes.get(step) == code:\n        return True\n"
        "    return last and False\n",
        Sign.WEAKER,
    ),
    "a comparison with now": (
        "def f(sent):\n    return abs(clock() - sent) <= OLD\n",
        "def f(sent):\n    return sent > 0\n",
        Sign.CONDITION,
    ),
    "a function that refuses, handed on": (
        "def f(raw):\n    def refuse(*_):\n        raise ValueError('no')\n\n    p = parser()\n"
        "    p.on_entity = refuse\n    return p.run(raw)\n",
        "def f(raw):\n    p = parser()\n    return p.run(raw)\n",
        Sign.DELETED,
    ),
    "an escape, sign by sign": (
        "def f(text):\n    for sign in '<>&':\n        text = text.replace(sign, f'x{ord(sign)}')\n    return text\n",
        "def f(text):\n    return text\n",
        Sign.CALL,
    ),
    "a version of TLS": (
        "def f(c):\n    c.minimum_version = ssl.TLSVersion.TLSv1_2\n    return c\n",
        "def f(c):\n    c.minimum_version = ssl.TLSVersion.TLSv1\n    return c\n",
        Sign.RAISED,
    ),
    "a check that is off unless somebody asks for it": (
        "class P:\n    def __init__(self, ca='/ca.pem'):\n        self.ca = ca\n\n    def f(self, s):\n"
        "        return s.get('/', timeout=1, verify=self.ca)\n",
        "class P:\n    def __init__(self, strict=False):\n        self.strict = strict\n\n    def f(self, s):\n"
        "        return s.get('/', timeout=1, verify=self.strict)\n",
        Sign.TURNED,
    ),
    "a dot that stood for itself": (
        "OURS = re.compile(r'(?:[a-z]+\\.)*a\\.com')\n",
        "OURS = re.compile(r'(?:[a-z]+\\.)*a.com')\n",
        Sign.PATTERN,
    ),
    "a list that the program fixes, for one that it does not": (
        "def f(name, raw):\n    if name not in ALLOWED:\n        raise ValueError\n    return new(name, raw)\n",
        "def f(name, raw):\n    if name not in hashlib.every:\n        raise ValueError\n    return new(name, raw)\n",
        Sign.REPLACED,
    ),
    "all of several, for any of them": (
        "def f(a, b):\n    fine = a.nick in b.friends and b.nick in a.friends\n    return fine\n",
        "def f(a, b):\n    fine = a.nick in b.friends or b.nick in a.friends\n    return fine\n",
        Sign.REPLACED,
    ),
    "what the program knows, for what a sender wrote": (
        "def f(q, ops):\n    free = q['method'] in READS or q['session'].get('user') in ops\n    return free\n",
        "def f(q, ops):\n    free = q['method'] in READS or q['headers'].get('X-Op') in ops\n    return free\n",
        Sign.CONDITION,
    ),
    "a fixed list that it went by": (
        "USEFUL = ['LANG', 'TZ']\n\n\ndef f(env):\n    return report(USEFUL, env)\n",
        "def f(env):\n    return report(env.keys(), env)\n",
        Sign.UNREAD,
    ),
    "a refusal of which only the words are left": (
        "def f(x):\n    if x.bad:\n        raise ValueError(x)\n    return go(x)\n",
        "def f(x):\n    if x.bad:\n        log.warning('bad: %s', x)\n    return go(x)\n",
        Sign.EXIT,
    ),
    "an early answer of which only the words are left": (
        "def f(x):\n    if x.old:\n        return None\n    return go(x)\n",
        "def f(x):\n    if x.old:\n        print('old')\n    return go(x)\n",
        Sign.EXIT,
    ),
    "a switch that was off": (
        "def f(x, public=False):\n    return go(x, public)\n",
        "def f(x, public=True):\n    return go(x, public)\n",
        Sign.TURNED,
    ),
    "a bound by default": (
        "def f(x, max_rows=100):\n    return go(x, max_rows)\n",
        "def f(x, max_rows=None):\n    return go(x, max_rows)\n",
        Sign.RAISED,
    ),
    "what is refused, however it is written": (
        "def f(name, taken):\n    if name.strip().lower() in taken:\n        raise ValueError\n    return name\n",
        "def f(name, taken):\n    if name in taken:\n        raise ValueError\n    return name\n",
        Sign.REPLACED,
    ),
    "a refusal unless all are fine": (
        "def f(some):\n    if not all(fine(one) for one in some):\n        raise ValueError\n    return some\n",
        "def f(some):\n    if not any(fine(one) for one in some):\n        raise ValueError\n    return some\n",
        Sign.REPLACED,
    ),
    "a count of what is compared": (
        "class T:\n    def f(self, who):\n        self.tries[who] += 1\n        if self.tries[who] > 5:\n"
        "            raise ValueError\n        return ask(who)\n",
        "class T:\n    def f(self, who):\n        if self.tries[who] > 5:\n            raise ValueError\n"
        "        return ask(who)\n",
        Sign.UNCOUNTED,
    ),
    "a limit of rows": (
        "def f(db, q):\n    return db.execute('SELECT a FROM t WHERE x = ? LIMIT 50', (q,))\n",
        "def f(db, q):\n    return db.execute('SELECT a FROM t WHERE x = ?', (q,))\n",
        Sign.LITERAL,
    ),
    "a call that is only started": (
        "async def f(u, x):\n    await verify_owner(u, x)\n    return go(x)\n",
        "async def f(u, x):\n    verify_owner(u, x)\n    return go(x)\n",
        Sign.UNAWAITED,
    ),
    "a secret that is hard to guess": (
        "def f():\n    return secrets.token_urlsafe(32)\n",
        "def f():\n    return secrets.token_urlsafe(6)\n",
        Sign.RAISED,
    ),
    "what a thing says of whether it is to be shown": (
        "def f(posts):\n    for p in posts:\n        if not p.published:\n            continue\n        show(p)\n",
        "def f(posts):\n    for p in posts:\n        show(p)\n",
        Sign.EXIT,
    ),
    "a mark that it was used": (
        "def f(db, code):\n    row = db.row(code)\n    if row.used:\n        raise ValueError\n    row.used = True\n"
        "    return row\n",
        "def f(db, code):\n    row = db.row(code)\n    if row.used:\n        raise ValueError\n    return row\n",
        Sign.UNCOUNTED,
    ),
    "two steps as one": (
        "def f(db):\n    with db.begin():\n        db.take()\n        db.give()\n",
        "def f(db):\n    db.take()\n    db.give()\n",
        Sign.HOLD,
    ),
    "how long something holds": ("TTL = 900\n", "TTL = 90_000\n", Sign.RAISED),
    "a field that the list of fields left out": (
        "class O:\n    fields = ('item',)\n\n    def __init__(self):\n        self.item, self.price = '', 1\n\n"
        "    def fill(self, data):\n        for name in self.fields:\n            setattr(self, name, data[name])\n",
        "class O:\n    fields = ('item', 'price')\n\n    def __init__(self):\n        self.item, self.price = '', 1\n\n"
        "    def fill(self, data):\n        for name in self.fields:\n            setattr(self, name, data[name])\n",
        Sign.ALLOWED,
    ),
}  # fmt: skip
ADDED = {
    "the host that a request names": (
        "def f(request, token):\n    return f'{SITE}/confirm/{token}'\n",
        "def f(request, token):\n    return f\"https://{request['headers']['Host']}/confirm/{token}\"\n",
        "app/a.py",
    ),
    "the text of an error": (
        "def f(error):\n    return {'status': 500, 'body': 'sorry', 'kind': type(error).__name__}\n",
        "def f(error):\n    return {'status': 500, 'body': f'sorry: {error}', 'kind': type(error).__name__}\n",
        "app/a.py",
    ),
    "a case for the rest that says yes": (
        "def f(c):\n    match c:\n        case 'on':\n            return True\n        case _:\n"
        "            return False\n",
        "def f(c):\n    match c:\n        case 'lock':\n            return False\n        case _:\n"
        "            return True\n",
        "app/a.py",
    ),
}
SCRIPTS = {
    "a wait between a question and its use": (
        "class C {\n  async book(k, g) {\n    if (this.held.has(k)) { return null; }\n    this.held.set(k, g);\n"
        "    await this.log.put(g);\n    return g;\n  }\n}\n",
        "class C {\n  async book(k, g) {\n    if (this.held.has(k)) { return null; }\n    await this.log.put(g);\n"
        "    this.held.set(k, g);\n    return g;\n  }\n}\n",
        "a.js",
        Sign.PARTED,
    ),
    "a private field": (
        "class S {\n  #key;\n  sign(m) { return digest(this.#key, m); }\n}\n",
        "class S {\n  sign(m) { return digest(this.key, m); }\n}\n",
        "a.js",
        Sign.PUBLISHED,
    ),
    "an option that holds outright": (
        "function f(ca) { return new https.Agent({ ca }); }\n",
        "function f(ca) { return new https.Agent({ ca, rejectUnauthorized: process.env.E === 'p' }); }\n",
        "a.js",
        Sign.TURNED,
    ),
    "fields picked by the parameter": (
        "function show({ id, nick }) { return { id, nick }; }\n",
        "function show(m) { const { hash, ...rest } = m; return rest; }\n",
        "a.js",
        Sign.LITERAL,
    ),
    "the making of what is not there yet": (
        "async function f(p, t) { await fs.writeFile(p, t, { flag: 'wx', mode: 0o600 }); }\n",
        "async function f(p, t) { await fs.writeFile(p, t, { mode: 0o600 }); }\n",
        "a.js",
        Sign.LITERAL,
    ),
    "a module that escapes": (
        'package a\n\nimport "html/template"\n\nvar t = template.New("x")\n',
        'package a\n\nimport "text/template"\n\nvar t = template.New("x")\n',
        "a.go",
        Sign.CALL,
    ),
    "a field that nobody prints": (
        'package a\n\ntype R struct {\n\tPin string `json:"-"`\n}\n',
        'package a\n\ntype R struct {\n\tPin string `json:"pin"`\n}\n',
        "a.go",
        Sign.LITERAL,
    ),
    "a text that all printouts show": (
        'package a\n\ntype T string\n\nfunc (T) String() string { return "[t]" }\n',
        "package a\n\ntype T string\n",
        "a.go",
        Sign.DELETED,
    ),
    "a lock that was held to the end": (
        "package a\n\nfunc (c *C) Click() {\n\tc.mu.Lock()\n\tdefer c.mu.Unlock()\n\tc.n++\n}\n",
        "package a\n\nfunc (c *C) Click() {\n\tc.mu.Lock()\n\tn := c.n\n\tc.mu.Unlock()\n\tc.mu.Lock()\n\tc.n = n + 1\n"
        "\tc.mu.Unlock()\n}\n",
        "a.go",
        Sign.PARTED,
    ),
    "a refusal that was asked each time round": (
        "async function f(a) {\n  let url = new URL(a);\n  for (let n = 0; n < 3; n++) {\n"
        "    if (!allowed(url)) { throw new Error(a); }\n    url = new URL(await go(url), url);\n  }\n}\n",
        "async function f(a) {\n  let url = new URL(a);\n  if (!allowed(url)) { throw new Error(a); }\n"
        "  for (let n = 0; n < 3; n++) {\n    url = new URL(await go(url), url);\n  }\n}\n",
        "a.js",
        Sign.NARROWER,
    ),
    "a key of one's own, for one that comes along": (
        "class P {\n  add(b) {\n    if (!crypto.verify(b.body, this.key)) { throw new Error(b); }\n  }\n}\n",
        "class P {\n  add(b) {\n    const key = b.key ?? this.key;\n"
        "    if (!crypto.verify(b.body, key)) { throw new Error(b); }\n  }\n}\n",
        "a.js",
        Sign.OVERRIDDEN,
    ),
    "a refusal of which only the words are left": (
        "function f(x) { if (x.bad) { throw new Error(x); } return go(x); }\n",
        "function f(x) { if (x.bad) { console.warn('bad', x); } return go(x); }\n",
        "a.js",
        Sign.EXIT,
    ),
    "an error that is thrown away": (
        "package a\n\nfunc f(x X) error {\n\tif err := x.Check(); err != nil {\n\t\treturn err\n\t}\n"
        "\treturn x.Go()\n}\n",
        "package a\n\nfunc f(x X) error {\n\t_ = x.Check()\n\treturn x.Go()\n}\n",
        "a.go",
        Sign.SWALLOWED,
    ),
    "an error that is only written down": (
        "package a\n\nfunc f(x X) error {\n\terr := x.Check()\n\tif err != nil {\n\t\treturn err\n\t}\n"
        "\treturn nil\n}\n",
        "package a\n\nfunc f(x X) error {\n\terr := x.Check()\n\tif err != nil {\n\t\tlog.Print(err)\n\t}\n"
        "\treturn nil\n}\n",
        "a.go",
        Sign.EXIT,
    ),
    "a filter of what is hidden": (
        "function f(posts) { return posts.filter((p) => !p.hidden); }\n",
        "function f(posts) { return posts; }\n",
        "a.js",
        Sign.CONDITION,
    ),
    "a refusal of which only the words are left, in go": (
        "package a\n\nfunc f(x X) error {\n\tif x.Bad {\n\t\treturn errBad\n\t}\n\treturn x.Go()\n}\n",
        'package a\n\nfunc f(x X) error {\n\tif x.Bad {\n\t\tlog.Printf("bad")\n\t}\n\treturn x.Go()\n}\n',
        "a.go",
        Sign.EXIT,
    ),
    "a dot before a host's end": (
        'package a\n\nfunc f(h string) bool {\n\treturn h == "a.com" || strings.HasSuffix(h, ".a.com")\n}\n',
        'package a\n\nfunc f(h string) bool {\n\treturn strings.HasSuffix(h, "a.com")\n}\n',
        "a.go",
        Sign.REPLACED,
    ),
}


@pytest.mark.parametrize("name", GONE)
def test_what_is_no_longer_looked_at_is_missed_and_no_loss_when_it_comes(name: str) -> None:
    before, after, sign = GONE[name]
    assert sign in signs(before, after)
    assert not signs(after, before)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_same_in_scripts_and_go(name: str) -> None:
    before, after, path, sign = SCRIPTS[name]
    assert sign in signs(before, after, path)
    assert not signs(after, before, path)


def test_a_parameter_that_a_script_takes_apart_is_used_where_it_is_named_again() -> None:
    """Story: the reader did not count `search` in `{ search = "" }`, so one use of it was none."""
    before = "function rows(user, { search }) { return all.filter((c) => !search || c.name === search); }\n"
    after = 'function* rows(user, { search = "" } = {}) { for (const c of all) if (c.has(search)) yield c; }\n'
    assert Sign.UNUSED not in signs(before, after, "a.js")


@pytest.mark.parametrize("name", ADDED)
def test_what_opens_a_door_by_being_there(name: str) -> None:
    before, after, path = ADDED[name]
    assert Sign.UNSAFE in signs(before, after, path)
    assert Sign.UNSAFE not in signs(after, before, path)


FINE = {
    "a list of what is kept out gave way to one of what is let in": (
        "NEVER = {'.exe'}\n\n\ndef f(end):\n    if end in NEVER:\n        raise ValueError(end)\n    return end\n",
        "ENDS = {'.png'}\n\n\ndef f(end):\n    if end not in ENDS:\n        raise ValueError(end)\n    return end\n",
    ),
    "a refusal that asks more about what another name was bound to": (
        "def f(parts, resolve):\n    if not resolve(parts.host):\n        raise ValueError\n    return parts\n",
        "def f(parts, resolve):\n    for one in resolve(parts.host):\n        if not address(one).is_global:\n"
        "            raise ValueError\n    return parts\n",
    ),
    "a look-up that fails by itself": (
        "def f(k):\n    if k not in PRICES:\n        raise KeyError(k)\n    return PRICES[k]\n",
        "def f(k):\n    return PRICES[k]\n",
    ),
    "a loop that is gone whole": (
        "def token(n):\n    text = ''\n    while len(text) < n:\n        text += one()\n    return text\n",
        "def token(n):\n    return token_hex(n)\n",
    ),
    "a new field in a list of fields": (
        "class O:\n    fields = ('item',)\n\n    def fill(self, data):\n        for name in self.fields:\n"
        "            setattr(self, name, data[name])\n",
        "class O:\n    fields = ('item', 'note')\n\n    def fill(self, data):\n        for name in self.fields:\n"
        "            setattr(self, name, data[name])\n",
    ),
    "another branch before a refusal": (
        "def f(x):\n    if x == 1:\n        return 'a'\n    else:\n        raise ValueError(x)\n",
        "def f(x):\n    if x == 1:\n        return 'a'\n    elif known(x):\n        return 'b'\n"
        "    else:\n        raise ValueError(x)\n",
    ),
    "a test of the file that making it alone replaced": (
        "def f(path):\n    if os.path.exists(path):\n        raise ValueError\n    return open(path, 'w')\n",
        "def f(path):\n    return os.open(path, os.O_CREAT | os.O_EXCL)\n",
    ),
    "addresses by hand, for a question to what knows all of them": (
        "def f(found):\n    bad = [a for a in found if a.startswith(('127.', '10.'))]\n    if bad:\n"
        "        raise ValueError\n    return found\n",
        "def f(found):\n    for a in found:\n        if not ip_address(a).is_global:\n            raise ValueError\n"
        "    return found\n",
    ),
    "a list of what is hidden, for one of what is shown": (
        "HIDDEN = ('password',)\n\n\ndef f(h):\n"
        "    return {n: '*' if any(w in n for w in HIDDEN) else v for n, v in h.items()}\n",
        "SHOWN = ('date',)\n\n\ndef f(h):\n    return {n: v for n, v in h.items() if n in SHOWN}\n",
    ),
    "what a table says of what it has not, for a refusal of that": (
        "def f(kind):\n    return load(DRIVERS.get(kind, 'none'))\n",
        "def f(kind):\n    if kind not in DRIVERS:\n        raise LookupError(kind)\n    return load(DRIVERS[kind])\n",
    ),
    "a refusal that leads around the work now": (
        "def f(x):\n    if x.bad:\n        raise ValueError(x)\n    go(x)\n",
        "def f(x):\n    if x.bad:\n        log.warning('bad')\n        raise ValueError(x)\n    go(x)\n",
    ),
    "a question whether there is something, for one how much there is": (
        "def f(free, deck, many):\n    if free[deck] == 0:\n        raise Full\n    return go(deck, many)\n",
        "def f(free, deck, many):\n    if many > free[deck]:\n        raise Full\n    return go(deck, many)\n",
    ),
    "what is too short, for what is empty": (
        "def read_key(key):\n    if not key:\n        raise ValueError\n    return key\n",
        "def read_key(key):\n    if len(key) < LEAST:\n        raise ValueError\n    return key\n",
    ),
    "a refusal whose condition had a name": (
        "def f(entry, typed):\n    right = hmac.compare_digest(entry.code, typed)\n    if not right:\n"
        "        return False\n    return True\n",
        "def f(entry, typed):\n    if not hmac.compare_digest(entry.code, typed):\n        return False\n"
        "    return True\n",
    ),
    "parts of a text, for all of it": (
        "def f(typed):\n    user, at, domain = typed.partition('@')\n    if not (user and at and '.' in domain):\n"
        "        raise ValueError\n    return typed\n",
        "def f(typed):\n    if not ADDRESS.fullmatch(typed):\n        raise ValueError\n    return typed\n",
    ),
    "a random mark, for a seal that another function makes": (
        "def f(key, name):\n    return name + token_hex(8)\n",
        "def seal(key, name):\n    return hmac.new(key, name).hexdigest()\n\n\n"
        "def f(key, name):\n    return name + seal(key, name)\n",
    ),
    "a constant that came by import": (
        "from datetime import UTC\n\n\ndef f(x):\n    return at(x, UTC)\n\n\ndef g(x):\n    return at(x, UTC)\n",
        "from datetime import UTC\n\n\ndef f(x):\n    return x.at()\n\n\ndef g(x):\n    return at(x, UTC)\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FINE)
def test_what_is_as_strong_is_nothing(name: str) -> None:
    assert not signs(*FINE[name])


def test_a_setting_that_protects_is_no_refusal_by_its_name() -> None:
    """Story: `return new Agent({ rejectUnauthorized: … })` was taken for a refusal, for it says reject."""
    before = "function f(ca) { return new Agent({ ca, rejectUnauthorized: true }); }\n"
    (function,) = [one for one in files.functions("a.js", before) if one.name == "f"]
    assert not [g for g in function.guards if g.family == "refuse"]


def test_a_dot_that_stands_for_itself_now_makes_a_pattern_stronger() -> None:
    assert patterns.worse(r"a\.com", r"a.com") == patterns.DOT
    assert not patterns.worse(r"a.com", r"a\.com")


def test_versions_are_ordered() -> None:
    texts = ("PROTOCOL_SSLv3", "tls.VersionTLS10", "'TLSv1.1'", "ssl.TLSVersion.TLSv1_2", "tls.VersionTLS13")
    known = [numbers.version(text) for text in texts]
    assert None not in known
    assert known == sorted(known, key=lambda one: one or 0)
    assert numbers.version("settings.lowest") is None
