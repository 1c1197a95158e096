"""JSX: how it is written as calls, what pages show, and which way a difference between two of them goes."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from interlock.changes.driven.inside.answers import Call, Outcome, Shown, way
from interlock.changes.driven.rendering import Unwritten, rendered


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("<br/>", '__jsx("br", {  })'),
        ("<A.B x={1} y z='a &quot;b\n   c' {...p}/>", '__jsx(A.B, { ["x"]: 1, ["y"]: true, ["z"]: "a \\"b c", ...p })'),
        ("<></>", '__jsx("", {  })'),
        ("<my-tag data-x={<b/>}/>", '__jsx("my-tag", { ["data-x"]: __jsx("b", {  }) })'),
        ("<p>\n  Ann &amp; Bob //\n  of {name} {/* no */}\n  {...all}\n</p>",
         '__jsx("p", {  }, "Ann & Bob // of ", name, " ", ...all)'),
        ("<p>{a, b}{n === 1}</p>", '__jsx("p", {  }, (a, b), __eq(n, 1))'),
        ("<p>&nosuch; &#65;&#x42;&apos;</p>", '__jsx("p", {  }, "&nosuch; AB\'")'),
        ("(n) => <i>{n}</i>", '(n) => (__at(1), __jsx("i", {  }, n))'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["js", "jsx", "tsx"])
def test_jsx_is_written_as_calls(ending: str, text: str, there: str) -> None:
    assert f"x = {there};" in " ".join(rendered(f"m.{ending}", f"x = {text};").split(" "))


def test_jsx_in_a_file_of_plain_typescript_is_none() -> None:
    with pytest.raises(Unwritten, match="does not parse"):
        rendered("m.ts", "const x = <p>one</p>;")


PAGE = """
import React, { Component, createContext, memo, useContext, useMemo, useState } from "react";
import { jsx } from "react/jsx-runtime";
import { Foreign } from "elsewhere";
const Theme = createContext("dark");
const Row = memo(({ name, children }) => <li title={name}>{children}</li>);
class Frame extends Component { render() { return <section>{this.props.children}</section>; } }
const Broken = ({ of }) => <i>{of.no.such}</i>;
const Denied = () => { throw new Error("no"); };
export const Page = ({ names, url, html, ...rest }) => {
  const [open] = useState(() => true);
  const loud = useMemo(() => names.map((name) => name.toUpperCase()), [names]);
  return (
    <Frame>
      {loud.map((name) => <Row key={name} name={'"'} {...rest}>{name}{open && "!"}{useContext(Theme)}</Row>)}
      <a href={url} onClick={() => 1}>{html}</a>
      <p dangerouslySetInnerHTML={{ __html: html }} />
      <Foreign>{jsx("b", { children: 5 })}</Foreign>
      <Broken of={{}} />
    </Frame>
  );
};
export const Refusing = () => <p><Denied /></p>;
export const Later = async ({ id }) => <>{await id}</>;
export const handle = (_req, res) => res.send(<b>{React.createElement("i", null, 1, 2)}</b>);
export class Old extends Component { render() { return [<b>{this.props.name}</b>, null]; } }
"""


def _taken(folder: Path, text: str, calls: dict[str, list[Any]]) -> list[list[Any]]:
    """What each call of a module comes to, by the scripts of the room: our own text may be run outside of it."""
    (folder / "m.jsx").write_text(rendered("m.jsx", text))
    table = [{"name": name, "args": args, "on": None, "rest": -1} for name, args in calls.items()]
    asked = [
        {"op": "open", "root": str(folder), "path": "m.jsx", "words": ["a"]},
        {"op": "take", "seed": 1, "table": table, "order": [[n, 0] for n in range(len(table))]},
    ]
    main = resources.files("interlock.changes.driven.inside") / "node" / "main.js"
    lines = "".join(json.dumps(one) + "\n" for one in asked)
    done = subprocess.run(["node", str(main)], input=lines, capture_output=True, text=True, check=True, timeout=60)
    opened, took = map(json.loads, done.stdout.splitlines())
    assert {name for name, _, _ in opened["found"]} == {"Page", "Refusing", "Later", "handle", "Old"}
    assert next(known for name, _, known in opened["found"] if name == "Old")["parameters"][0][0] == "props"
    return list(took["outcomes"])


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed here")
def test_components_are_drawn_and_what_the_browser_takes_as_it_is_is_told(tmp_path: Path) -> None:
    def bag(number: int, **fields: Any) -> dict[str, Any]:
        return {"id": number, "r": ["bag", {name: ["is", one] for name, one in fields.items()}]}

    response = {"id": 9, "r": ["bag", {"send": {"id": 10, "r": ["call", "send", ["is", None]]}}]}
    props = {"id": 1, "r": ["bag", {
        "names": {"id": 2, "r": ["list", [["is", "ann"], ["is", "bob"]]]}, "url": ["is", "javascript:x"],
        "html": ["is", "<u>"], "id": ["is", "r"],
    }]}  # fmt: skip
    page, refusing, later, handle = _taken(
        tmp_path, PAGE, {"Page": [props], "Refusing": [], "Later": [bag(3, id=7)], "handle": [bag(4), response]}
    )
    rows = "".join(f'<li title="&quot;">{name}!dark</li>' for name in ("ANN", "BOB"))
    link = '<a href="javascript:x" onClick="~">&lt;u&gt;</a>'
    shown = f"<section>{rows}{link}<p><u></p><~><b>5</b></~><Broken?></section>"
    assert page == ["gives", {"e": [shown, ["href: javascript:x", "__html: <u>"]]}, [], 0]
    assert refusing[:2] == ["raises", "Error"]
    assert later[:2] == ["gives", {"e": ["7", []]}]
    assert handle[1][1] == ["body", {"e": ["<b><i>12</i></b>", []]}]


HOSTILE = "<script>alert(1)</script>"
LINK = "javascript:alert(1)"


def _page(text: str, *raw: str) -> Outcome:
    return Outcome("gives", Shown(text, raw))


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        (_page("<p>a</p>"), _page(f"<p>{HOSTILE}</p>", f"__html: {HOSTILE}"), "raw"),
        (_page('<a href="#">'), _page(f'<a href="{LINK}">', f"href: {LINK}"), "raw"),
        (Outcome("raises", "Error"), _page("<p>a</p>"), "accepts"),
    ],
)
def test_a_page_that_hands_on_a_strangers_text_or_refuses_no_more_is_looser(
    was: Outcome, now: Outcome, kind: str
) -> None:
    call = Call("Page", True, frozenset(), [HOSTILE, LINK], again=frozenset(), plain=True)
    assert way(was, now, call) == (1, kind)
    assert way(now, was, call) == (-1, kind)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (Outcome("gives", None), _page("<p>please log in</p>")),
        (_page("<p>ann</p>"), _page(f"<p>ann, {HOSTILE}</p>")),
        (_page("<p></p>"), _page('<p class="btn">')._replace(calls=(["list", "clsx", ["list", f"btn-{HOSTILE}"]],))),
        (_page("<p>", "__html: a"), _page(f"<p>{HOSTILE}", "__html: b")),
        (Outcome("gives", ["list", Shown("a", ())]), Outcome("gives", ["list", Shown("a", ()), HOSTILE])),
    ],
)
def test_a_page_that_shows_more_or_something_else_is_neither(was: Outcome, now: Outcome) -> None:
    """What is ordinary work on pages: a word in place of nothing, another field, a class made of a text, a hook."""
    call = Call("Page", True, frozenset(map(repr, (HOSTILE, "ann"))), [HOSTILE], again=frozenset(), plain=True)
    assert way(was, now, call).way == 0
