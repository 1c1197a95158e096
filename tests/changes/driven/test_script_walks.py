"""Both versions of a module of JavaScript or TypeScript under the same calls, in a real room."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from changes.driven.test_walks import walked
from interlock.changes import room
from interlock.changes.driven import driver
from interlock.changes.finding import Weight

pytestmark = [
    pytest.mark.skipif(not room.usable(), reason="nothing here contains the change's code"),
    pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed here"),
]

LEDGER = """
const DAILY = 500;
class LimitReached extends Error {}
class Ledger {
  constructor() { this.sent = new Map(); }
  transfer(account, cents) {
    if (!Number.isInteger(cents) || cents <= 0) throw new RangeError("an amount is more than nothing");
    const sent = this.sent.get(account) ?? 0;
    if (sent + cents > DAILY) throw new LimitReached(account);
    this.sent.set(account, sent + cents);
    return sent + cents;
  }
}
module.exports = { Ledger };
"""
HANDLER = """
const express = require("express");
const app = express();
function requireUser(req, res, next) {
  if (!req.user) return res.sendStatus(401);
  return next();
}
app.use(requireUser);
module.exports = { app, requireUser };
"""
PAGE = """
import { Kind, escaped } from "./escaping.js";
import type { Reader } from "./reader";
export class Page {
  constructor(private readonly title: string, public kind: Kind = Kind.Plain) {}
  show<T extends Reader>(name: string, _reader?: T): string {
    return `<h1>${this.title.length}</h1><p class="${Kind[this.kind]}">${escaped(name as string)!}</p>`;
  }
}
"""
ESCAPING = """
export enum Kind { Plain, Wide = 4, Wider }
export const escaped = (text: string): string => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
"""
SENDER = """
export async function send(body, post) {
  const { to, text } = body;
  if (typeof to !== "string" || !/^[a-z]+@shop\\.example$/.test(to)) throw new Error("no address");
  return post("mail", { to, text }).then(() => true);
}
"""
BODY = """
exports.readBody = (stream, most, done) => {
  const chunks = [];
  let size = 0;
  stream.on("data", (chunk) => {
    size += chunk.length;
    if (size > most) { stream.destroy(); done(new Error("too large")); return; }
    chunks.push(chunk);
  });
  stream.on("end", () => done(null, Buffer.concat(chunks)));
};
"""
MERGE = """
export const put = (object, path, value) => {
  const words = path.split(".");
  const last = words.pop();
  let at = object;
  for (const word of words) at = Object.hasOwn(at, word) ? at[word] : (at[word] = {});
  at[last] = value;
};
"""
COMPONENT = """
import { useState } from "react";
import { escaped } from "./escaping";
const Text = ({ of }: { of: string }) => <p dangerouslySetInnerHTML={{ __html: escaped(of) }} />;
export function Page({ text }: { text: string }) {
  const [open, turn] = useState(true);
  return <main className={open ? "open" : ""} onClick={() => turn(!open)}>{text.trim()} <Text of={text} /></main>;
}
"""
WAITING = """
import { limit } from "./limit.mjs";
const most = await limit;
for await (const _ of []) break;
export const take = (n) => {
  if (n > most) throw new Error("no");
  return n;
};
"""
COMPILED = """
var star = (this && this.star) || function (mod) {
  if (mod && mod.__esModule) return mod;
  var result = {};
  for (var k in mod) if (k !== "default" && Object.hasOwn(mod, k)) result[k] = mod[k];
  result.default = mod;
  return result;
};
const log = star(require("log"));
const fs = star(require("fs"));
log.setUp();
exports.take = (n) => {
  fs.existsSync("a");
  log.note(n);
  if (n > 5) throw new Error("no");
  return n;
};
"""
LIMIT = "await new Promise((done) => setTimeout(done, 50));\nexport const limit = Promise.resolve(5);\n"
PUBLIC = "exports.shown = (user) => {\n  const { password, ...rest } = user;\n  return rest;\n};\n"
SENT = ("!/^[a-z]+@shop\\.example$/.test(to)", "to.length < 3")
UNASKED = ("  if (!req.user) return res.sendStatus(401);\n", "")
STOPPED = ('if (size > most) { stream.destroy(); done(new Error("too large")); return; }', "")


@pytest.mark.parametrize(
    ("path", "text", "was", "now", "rule"),
    [
        ("m.js", LEDGER, "sent + cents > DAILY", "cents > DAILY", "accepts"),
        pytest.param("m.cjs", HANDLER, *UNASKED, "says-yes", marks=pytest.mark.slow),
        pytest.param("m.ts", PAGE, "escaped(name as string)!", "name as string", "raw", marks=pytest.mark.slow),
        pytest.param("m.tsx", COMPONENT, "escaped(of)", "of", "raw", marks=pytest.mark.slow),
        pytest.param("m.mjs", SENDER, *SENT, "accepts", marks=pytest.mark.slow),
        pytest.param("m.js", BODY, *STOPPED, "accepts", marks=pytest.mark.slow),
        pytest.param("m.mjs", MERGE, "Object.hasOwn(at, word)", "at[word]", "pollutes", marks=pytest.mark.slow),
        pytest.param("m.js", PUBLIC, "return rest", "return user", "tells-more", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_what_is_looser_is_shown_by_a_call(tmp_path: Path, path: str, text: str, was: str, now: str, rule: str) -> None:
    assert was in text
    around = {"src/escaping.ts": ESCAPING}
    one, other = {f"src/{path}": text}, {f"src/{path}": text.replace(was, now)}
    found, facts, notes = walked(tmp_path / "weaker", {**around, **one}, other)
    assert rule in {f.rule.removeprefix("formal/walk-") for f in found}, facts
    assert all(f.weight is Weight.REVIEW for f in found)
    back, facts, more = walked(tmp_path / "stronger", {**around, **other}, one)
    assert not back
    assert "looser in 0, stricter in 0" not in facts[f"walked src/{path}"]
    assert not notes
    assert not more


@pytest.mark.slow
def test_components_and_modules_that_wait_are_walked(tmp_path: Path) -> None:
    """What is ordinary in a page says nothing; what waits at its top is there when it is called."""
    files = {"m.tsx": COMPONENT, "escaping.ts": ESCAPING, "w.mjs": WAITING, "limit.mjs": LIMIT}
    other = {
        "m.tsx": COMPONENT.replace("{text.trim()}", "<b title={`of ${text}`}>{text.trim()}</b>"),
        "w.mjs": WAITING.replace("n > most", "n > most + 40"),
    }
    found, facts, notes = walked(tmp_path, {**files}, {**other})
    assert [(f.path, f.rule) for f in found] == [("w.mjs", "formal/walk-accepts")], facts
    assert "looser in 0, stricter in 0" in facts["walked m.tsx"]
    assert not notes


@pytest.mark.slow
def test_modules_that_import_each_other_and_what_they_describe_to_packages_are_walked(tmp_path: Path) -> None:
    """Stories: a function was none yet where the other module asked for it first; a rule, and what is done to a chain
    of calls, was an error, or seen by nobody; a compiler's copy of what is not installed had nothing in it."""
    files = {
        "rule.mjs": "import { limit } from './limit.mjs';\nimport { Creator, list } from 'rules';\n"
        "export function most() {\n  return 5;\n}\nlist().exclude((one) => one).sorted.first();\n"
        "export default Creator((name) => name.trim())({\n  take(n) {\n    if (n > limit) throw new Error('no');\n"
        "    return n;\n  },\n});\n",
        "limit.mjs": "import { most } from './rule.mjs';\nexport const limit = most();\n",
        "compiled.js": COMPILED,
    }
    looser = {
        "rule.mjs": files["rule.mjs"].replace("n > limit", "n > 90"),
        "compiled.js": COMPILED.replace("> 5", "> 90"),
    }
    found, facts, _ = walked(tmp_path, {**files}, {**looser})
    assert {(f.path, f.rule) for f in found} == {(path, "formal/walk-accepts") for path in looser}, facts
    titles = [f.title for f in found if f.path == "rule.mjs"]
    assert all("rules.Creator()  0.take.handle(n=" in title for title in titles), titles


def test_what_means_the_same_is_neither_looser_nor_stricter(tmp_path: Path) -> None:
    other = LEDGER.replace(
        "const sent = this.sent.get(account) ?? 0;",
        "let sent = 0;\n    if (this.sent.has(account)) sent = this.sent.get(account);",
    )
    found, facts, notes = walked(tmp_path, {"m.js": LEDGER}, {"m.js": other})
    assert not found
    assert not notes
    assert "looser in 0, stricter in 0" in facts["walked m.js"]


def test_where_a_version_stands_and_a_pattern_that_is_none_make_no_difference(tmp_path: Path) -> None:
    """Stories: each version saw its own folder in `__dirname`; quoting what goes into a pattern was told as looser."""
    text = """
const fs = require("fs");
const path = require("path");
exports.read = (name) => fs.readFileSync(path.join(__dirname, "parts", name), "utf8");
exports.finds = (word) => typeof new RegExp(word).source;
"""
    other = text.replace("new RegExp(word)", 'new RegExp(word.replace(/[^a-z]/g, "\\\\$&"))')
    found, facts, _ = walked(tmp_path, {"m.js": text}, {"m.js": other.replace("(name) =>", "(name, _how) =>")})
    assert not found
    assert "looser in 0, stricter in 0" in facts["walked m.js"]


def test_a_new_argument_is_no_difference(tmp_path: Path) -> None:
    """Story: a style sheet got a callback for names; the calls of it were told as what it does more."""
    text = "exports.name = (text) => `css-${text}`;\n"
    other = "exports.name = (text, told) => {\n  if (told) told(`css-${text}`);\n  return `css-${text}`;\n};\n"
    found, facts, _ = walked(tmp_path, {"m.js": text}, {"m.js": other})
    assert not found
    assert "looser in 0, stricter in 0" in facts["walked m.js"]


def test_formatting_and_types_alone_are_walked_nowhere(tmp_path: Path) -> None:
    files = {"a.js": LEDGER, "b.ts": PAGE}
    other = {
        "a.js": LEDGER.replace("\n", "\n\n").replace("const DAILY", "// each day\nconst DAILY"),
        "b.ts": PAGE.replace("name: string, _reader", "name: string | undefined, _reader"),
    }
    _, facts, _ = walked(tmp_path, files, other)
    assert not facts


def test_what_cannot_be_walked_through_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space = "namespace N { export const most = 5; }\nexport const take = (n: number) => n > N.most;\n"
    broken = "export const take = (n) => n > 5;\nthrow new Error('not today');\n"
    waits = "await new Promise(() => {});\nexport const take = (n) => n > 5;\n"
    files = {"a.ts": space, "b.js": broken, "c.mjs": waits}
    other = {path: text.replace("n > ", "n >= ") for path, text in files.items()}
    _, _, notes = walked(tmp_path / "one", files, other)
    assert notes == [
        "a.ts was not walked through: it has a namespace",
        "b.js was not walked through: NodeError: Error: not today",
        "c.mjs was not walked through: NodeError: Error: it waits for what nobody does",
    ]
    monkeypatch.setattr(driver, "node", lambda: "")
    _, _, notes = walked(tmp_path / "two", {"m.js": LEDGER}, {"m.js": LEDGER.replace("500", "600")})
    assert notes == [
        "changed modules of JavaScript and TypeScript were not walked through: Node.js is not installed here"
    ]


TAKE = "exports.take = (n) => {\n  if (n > 5) throw new Error('no');\n  return n;\n};\n"


@pytest.mark.parametrize(
    "hostile",
    [
        "process.exit(3);\n",
        "for (;;) {}\n",
        pytest.param("try { for (;;) {} } catch { for (;;) {} }\n", marks=pytest.mark.slow),
        pytest.param("/^(a+)+$/.test('a'.repeat(60) + 'b');\n", marks=pytest.mark.slow),
        "process.binding('spawn_sync'); globalThis.Reflect = null;\n",
        "Object.prototype.id = 5; Math.random = () => 4;\n",
    ],
)
def test_a_module_that_attacks_its_walker_is_told_as_not_walked(tmp_path: Path, hostile: str) -> None:
    found, facts, notes = walked(tmp_path, {"m.js": TAKE}, {"m.js": hostile + TAKE.replace("n > 5", "n > 50")})
    told = facts["walked m.js"]
    assert found or notes  # it was walked, or it is said that it was not
    assert (" calls; " in told) is not bool(notes)


def test_a_call_that_waits_for_ever_keeps_the_others_from_nothing(tmp_path: Path) -> None:
    text = "exports.wait = () => new Promise(() => {});\nexports.turn = () => { for (;;) {} };\n" + TAKE
    found, facts, _ = walked(tmp_path, {"m.js": text}, {"m.js": text.replace("n > 5", "n > 50")})
    assert [f.rule for f in found] == ["formal/walk-accepts"], facts


@pytest.mark.slow
def test_an_argument_is_of_the_kind_that_its_type_says(tmp_path: Path) -> None:
    """A loop in place of `Array.from` was told as what tells more: it was asked for the numbers from "a" to "b"."""
    head = "export function between(from: number, to: number): number[] {"
    before = f"{head} return Array.from({{ length: Math.max(0, to - from) }}, (_, i) => from + i); }}\n"
    after = f"{head} const out: number[] = []; for (let i = from; i < to; i++) out.push(i); return out; }}\n"
    found, facts, _ = walked(tmp_path / "typed", {"range.ts": before}, {"range.ts": after})
    assert not found
    assert "walked range.ts" in facts
    one, other = (text.replace(": number[]", "").replace(": number", "") for text in (before, after))
    assert walked(tmp_path / "untyped", {"range.ts": one}, {"range.ts": other})[0]
