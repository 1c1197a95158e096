"""JavaScript and TypeScript written anew, and what of a changed file is worth walking through."""

from __future__ import annotations

import pytest

from interlock.changes.driven.rendering import Unwritten, rendered
from interlock.changes.driven.scripts import constants, needed, subject


@pytest.mark.parametrize(
    ("path", "text", "there", "gone"),
    [
        ("m.ts", "const n: number = take<string>(x as any)!;", "= take ((x))", "string"),
        ("m.ts", "class A { constructor(private x: B) { super(f(1)); } }", "super(f(1)); this.x = x;", "private"),
        ("m.ts", "enum E { A, B = 4, C }", '__e["C"] = __e["B"] + 1', "enum"),
        ("m.ts", "import type { A } from './a';\nexport const n = 1;", "() => n", "require"),
        ("m.ts", "f = (n: number, s?: string | null, r: A) => 1", "(/*:number*/ n , /*:text|none*/ s  , r )", "string"),
        ("m.ts", "function f(a: string[], b: readonly (number)[]) {}", "/*:list.text*/ a , /*:list.number*/ b", "["),
        ("m.mjs", "import { a as b } from './a';\nb();", '__bind(__scope, "b", () => __m1.a)', "import"),
        ("m.js", "if (a) // why\n  b();", "__ok(a)", "why"),
        ("m.mjs", "import { a } from './a';\nexport * from './b';", '__m1 = __require(\'./a\');\n__m2 =', "import {"),
        ("m.mjs", "const a = await b();", "/*waits*/ __esm(__exports)", "return (function"),
        ("m.mjs", "export const a = async () => { await b(); };", "{ return (function () {", "/*waits*/"),
        ("m.js", "x = function () {} // noop\n\nif (a) b()", "}\n\nif", "noop"),
        ("m.js", "take(1, /* a\nb */ 2)", "take(1, \n 2)", "b */"),
        ("m.js", "throw new Error('no')", "throw __own(new Error('no'))", "throw new"),
        ("m.js", "const f = (n) => n === 3 ? 1 : 2;", "__eq(n, 3)", "==="),
        ("m.js", "async () => ask().catch(() => 1)", '__promise(ask(), "catch").catch(', " ask().catch"),
    ],
)  # fmt: skip
def test_a_module_is_written_anew(path: str, text: str, there: str, gone: str) -> None:
    anew = rendered(path, text)
    assert there in anew
    assert gone not in anew


@pytest.mark.parametrize("text", ["namespace N { export const a = 1; }", "const = 5;"])
def test_what_cannot_be_written_anew_says_so(text: str) -> None:
    with pytest.raises(Unwritten):
        rendered("m.ts", text)


OLD = """
const most = 5;
const few = (n) => n < most;
class Desk { open(n) { return few(n); } close() { return 1; } }
function other() { return 2; }
module.exports = { Desk, other, few };
"""


def test_what_changed_and_what_uses_it_is_near() -> None:
    found = subject(("m.js", OLD), ("m.js", OLD.replace("most = 5", "most = 6")))
    assert found is not None
    assert found.near >= {"most", "few", "Desk.open"}
    assert not found.near & {"other", "Desk.close"}
    assert subject(("m.js", OLD), ("m.js", OLD.replace("\n", "\n// word\n"))) is None


def test_constants_and_patterns_and_keys_are_named() -> None:
    found = constants(("m.js", "\"use strict\";\nconst a = { jazz: 'x', n: 0x10 }; /^(?<y>\\d+)$/.test(`in ${a}`);"))
    assert found["text"] == ["jazz", "x", "n", "in "]
    assert found["number"] == [16]
    assert found["pattern"] == ["^(?P<y>\\d+)$"]


def test_the_files_that_a_file_names_are_needed() -> None:
    texts = {
        "src/a.ts": "import { b } from './b.js'; import x from 'react';", "src/b.ts": "const c = require('../lib');",
        "lib/index.js": "", "src/d.js": "",
    }  # fmt: skip
    assert needed(["src/a.ts"], texts, 10) == {"src/a.ts", "src/b.ts", "lib/index.js"}
    pages = {"a.tsx": "import { b } from './b.jsx'; import './c';", "b.tsx": "", "c/index.jsx": ""}
    assert needed(["a.tsx"], pages, 10) == {*pages}
    assert needed(["src/a.ts"], texts, 2) == {"src/a.ts", "src/b.ts"}
