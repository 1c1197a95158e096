"""Protections by how strong they are, and in a language's own words: one way they are lost, the other none is."""

from __future__ import annotations

import pytest

from interlock.changes.guards import files
from interlock.changes.guards.losing import losses
from interlock.changes.guards.weight import Weight, decided

GO = 'package m\n\nimport (\n\t"crypto/rand"\n\t"io"\n\t"os"\n\t"strings"\n)\n\n'
DRAWN = GO + "func token() string {{\n\tb := make([]byte, {})\n\trand.Read(b)\n\treturn string(b)\n}}\n"
READ = GO + "func keep(p string) error {{\n{}\treturn os.Remove(p)\n}}\n"
ROOT = GO + "func open(name string) (*os.File, error) {{\n{}}}\n"
HOLDS = '\troot, err := os.OpenRoot("/srv")\n\tif err != nil {\n\t\treturn nil, err\n\t}\n\treturn root.Open(name)\n'
HEAD = GO + 'func set(h map[string]string, v string) {{\n{}\th["X-Name"] = v\n}}\n'
COPY = GO + "func take(w io.Writer, r io.Reader) error {{\n\t_, err := io.{}\n\treturn err\n}}\n"
KEY = "function make(crypto) {{\n  const keySize = {};\n  return crypto.made({{ bits: keySize }});\n}}\n"
ROW = "async function found(db, name, word) {{\n  return db.users.findOne({{ name: {}, word: {} }});\n}}\n"
JSON = "function serve(app, express) {{\n  app.use(express.json({{ limit: '{}' }}));\n}}\n"
XML = "function read(lib, text) {{\n  return lib.parseXml(text{});\n}}\n"
TOKEN = "function who(jwt, text, key) {{\n  return jwt.verify(text, key{});\n}}\n"
FILE = "const fs = require('fs');\nfunction keep(bytes) {{\n  fs.writeFileSync('key', bytes{});\n}}\n"
CASES = {
    "fewer random bytes": ("a.go", DRAWN.format(32), DRAWN.format(4)),
    "an error nobody takes": (
        "a.go",
        READ.format("\tif err := os.Chmod(p, 0o600); err != nil {\n\t\treturn err\n\t}\n"),
        READ.format("\tos.Chmod(p, 0o600)\n"),
    ),
    "a folder that holds what it opens": (
        "a.go",
        ROOT.format(HOLDS),
        ROOT.format('\treturn os.Open("/srv/" + name)\n'),
    ),
    "line ends in a header": (
        "a.go",
        HEAD.format('\tv = strings.ReplaceAll(strings.ReplaceAll(v, "\\r", ""), "\\n", "")\n'),
        HEAD.format(""),
    ),
    "a copy without a bound": ("a.go", COPY.format("CopyN(w, r, 1<<20)"), COPY.format("Copy(w, r)")),
    "a shorter key": ("a.js", KEY.format(3072), KEY.format(1024)),
    "an operator in a query": ("a.js", ROW.format("String(name)", "String(word)"), ROW.format("name", "word")),
    "a larger body": ("a.js", JSON.format("100kb"), JSON.format("500mb")),
    "entities of a stranger": ("a.js", XML.format(""), XML.format(", { noent: true }")),
    "any algorithm": ("a.js", TOKEN.format(", { algorithms: ['RS256'] }"), TOKEN.format("")),
    "a file for everybody": ("a.js", FILE.format(", { mode: 0o600 }"), FILE.format("")),
    "an object of a stranger's kind": (
        "a.js",
        "function read(t) {\n  return JSON.parse(t);\n}\n",
        "function read(t) {\n  return require('node-serialize').unserialize(t);\n}\n",
    ),
    "rounds of a password": (
        "a.py",
        "import bcrypt\n\n\ndef kept(word):\n    return bcrypt.hashpw(word, bcrypt.gensalt(12))\n",
        "import bcrypt\n\n\ndef kept(word):\n    return bcrypt.hashpw(word, bcrypt.gensalt(4))\n",
    ),
    "a connection in the clear": (
        "a.py",
        "def send(box, user, word):\n    box.starttls()\n    box.login(user, word)\n",
        "def send(box, user, word):\n    box.login(user, word)\n",
    ),
    "a decorator that exempts": (
        "a.py",
        "def pay(request):\n    return charge(request.POST)\n",
        "@csrf_exempt\ndef pay(request):\n    return charge(request.POST)\n",
    ),
    "an operator in a query of Python": (
        "a.py",
        "def found(db, name):\n    return db.users.find_one({'name': str(name)})\n",
        "def found(db, name):\n    return db.users.find_one({'name': name})\n",
    ),
    "every field there is": (
        "a.py",
        "def edit(user, data):\n    for field in ('name', 'mail'):\n        setattr(user, field, data[field])\n",
        "def edit(user, data):\n    for field in data:\n        setattr(user, field, data[field])\n",
    ),
    "where a link leads": (
        "a.py",
        "def back(go, to):\n    if urlsplit(to).netloc:\n        to = '/'\n    return go(to)\n",
        "def back(go, to):\n    return go(to)\n",
    ),
}


def asked(path: str, before: str, after: str) -> list[str]:
    found = losses(files.functions(path, before), files.functions(path, after))
    return [loss.sign.value for loss in found if decided(loss) is not Weight.NOTE]


@pytest.mark.parametrize("case", CASES)
def test_the_weaker_one_is_asked_about_and_the_stronger_is_not(case: str) -> None:
    path, strong, weak = CASES[case]
    assert asked(path, strong, weak)
    assert not asked(path, weak, strong)


def test_an_unsafe_call_that_goes_is_no_loss() -> None:
    """Story: `template.HTML(name)` became `name`, and what had wrapped the value was missed."""
    before = GO + "func show(name string) any {\n\treturn template.HTML(name)\n}\n"
    assert not asked("a.go", before, before.replace("template.HTML(name)", "name"))


def test_a_hash_that_goes_is_a_loss_however_weak_it_was() -> None:
    """Story: MD5 is an unsafe call, so a password that was kept as it comes had lost nothing."""
    before = "def keep(db, word):\n    db.save(hashlib.md5(word))\n"
    assert asked("a.py", before, before.replace("hashlib.md5(word)", "word"))


def test_an_error_that_is_no_longer_told_is_no_forgotten_parameter() -> None:
    before = GO + "func fail(w http.ResponseWriter, err error) {\n\thttp.Error(w, err.Error(), 500)\n}\n"
    assert not asked("a.go", before, before.replace("err.Error()", '"something went wrong"'))
