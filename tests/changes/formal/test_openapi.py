"""OpenAPI descriptions, JSON and YAML: what callers lose, whom a change lets in, and texts that are not to be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from changes.making import change
from interlock.changes.conduct import conduct
from interlock.changes.finding import Verdict
from interlock.changes.formal.described import Unreadable, described, document
from interlock.changes.formal.openapi import broken
from interlock.changes.formal.schemas import Side
from interlock.changes.stages import stages

API = """
openapi: 3.0.3
info: {title: shop, version: "1"}
security:
  - key: []
paths:
  /items/{id}:
    parameters:
      - $ref: '#/components/parameters/Trace'
    get:
      parameters:
        - {name: limit, in: query, schema: {type: integer, maximum: 100}}
        - name: sort
          in: query
          schema: {type: string, enum: [up, down]}
      responses:
        200:
          description: ok
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Item'}
        '201': {description: made}
    post:
      requestBody:
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Order'}
      responses: {'200': {description: ok}}
components:
  parameters:
    Trace: {name: trace, in: header, schema: {type: string}}
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
  schemas:
    Item: {type: object, properties: {name: {type: string}, size: {type: number}}}
    Order:
      allOf:
        - {$ref: '#/components/schemas/Item'}
        - type: object
          required: [name]
          properties: {parts: {type: array, items: {$ref: '#/components/schemas/Order'}}}
"""
ASKS_NOBODY = (
    "GET /items/{id} asks nobody who is calling any more; it asked for key (and 1 more, the last POST /items/{id})."
)


def said(new: str) -> list[str]:
    before, after = described("a.yaml", API), described("a.yaml", new)
    assert before is not None
    assert after is not None
    return [one.title for one in broken(Side(before), Side(after))[0]]


@pytest.mark.parametrize(
    ("old", "new", "titles"),
    [
        ("  - key: []", "  - {}", [ASKS_NOBODY]),
        ("security:\n  - key: []\n", "", [ASKS_NOBODY]),
        ("    get:\n", "    get:\n      security: []\n",
         ["GET /items/{id} asks nobody who is calling any more; it asked for key."]),
        ("  - key: []\n", "  - key: []\n  - guest: []\n",
         ["GET /items/{id} lets in whoever shows guest; it asked for key (and 1 more, the last POST /items/{id})."]),
        ("  - key: []\n", "  - key: [admin]\n    other: []\n", []),
        ("apiKey, in: header, name: X-Key", "http, scheme: basic",
         ["Whoever calls shows something else as key: http basic, no longer apiKey header X-Key."]),
        ("    post:", "    put:\n      security: []",
         ["PUT /items/{id} is new and asks nobody who is calling, where others ask.", "POST /items/{id} is gone."]),
        ("    post:", "    put:", ["POST /items/{id} is gone."]),
        ("/items/{id}", "/items/{key}", []),
        ("maximum: 100", "maximum: 50", ["GET /items/{id} takes less for the parameter limit (maximum 50, was 100)."]),
        ("[up, down]", "[up, down, off]", []),
        ("[up, down]", "[up]", ["GET /items/{id} takes no down for the parameter sort any more."]),
        ("        '201': {description: made}\n", "", ["GET /items/{id} has no answer 201 any more."]),
        ("required: [name]", "required: [name, size]",
         ["POST /items/{id} needs the field size now, which could be left out."]),
        ("size: {type: number}", "size: {type: integer}",
         ["POST /items/{id} takes size as integer only, no longer as number."]),
        ("name: {type: string}, size", "size", ["GET /items/{id} has no field name in its answer any more."]),
        ("post:\n      requestBody:\n", "post:\n      requestBody:\n        required: true\n",
         ["POST /items/{id} needs a body now, which could be left out."]),
        ("trace, in: header,", "trace, in: header, required: true,",
         ["GET /items/{id} needs the parameter trace now, which could be left out.",
          "POST /items/{id} needs the parameter trace now, which could be left out."]),
    ],
)  # fmt: skip
def test_what_callers_lose_and_whom_it_lets_in(old: str, new: str, titles: list[str]) -> None:
    assert old in API
    assert said(API.replace(old, new)) == titles


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: 1\nb: 2\na: 3\n", "stands twice"),
        ("a: [\n", "line"),
        ("a: !!python/object/apply:os.system [id]\n", "python/object"),
        ("a: !x 1\n", "of the kind"),
        ("a: &a [*a]\n", "stands for nothing"),
        ("a: &a {k: v}\nb:\n  <<: *a\n", "merges"),
        ("a: 1\n---\na: 2\n", "more than one"),
        ("a: " + "[" * 150 + "]" * 150, "too deep"),
        ("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
         + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)), "too much"),
    ],
)  # fmt: skip
def test_yaml_that_is_not_plain_is_not_read(text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        document("a.yaml", text)


def test_yaml_reads_as_the_format_has_it() -> None:
    text = "a: no\nb: 012\nc: '1'\nd: 1.5\ne: ~\nf: &x [1, true]\ng: *x\n200: ok\n"
    value = {"a": "no", "b": "012", "c": "1", "d": 1.5, "e": None, "f": [1, True], "g": [1, True], "200": "ok"}
    assert document("a.yml", text) == value
    with pytest.raises(Unreadable, match="stands twice"):
        document("a.json", '{"a": 1, "a": 2}')


def test_the_stage_stops_what_asks_nobody_and_passes_nothing_it_cannot_read(tmp_path: Path) -> None:
    def verdict(name: str, path: str, before: str, after: str | None) -> tuple[Verdict, list[str]]:
        taken = change(tmp_path / name, {path: before}, {path: after})
        result = conduct(taken, stages(["formal"]))[0]
        return result.verdict, [f.rule for f in result.findings]

    open_ = API.replace("  - key: []", "  - {}")
    assert verdict("a", "api.yaml", API, open_) == (Verdict.BLOCK, ["formal/interface-asks-less"])
    whole = json.dumps({"info": {}, **document("a.yaml", API)})
    assert verdict("b", "api.json", whole, whole.replace('"post"', '"put"'))[0] is Verdict.INCONCLUSIVE
    assert verdict("c", "api.yaml", API, API + "info: {}\n") == (Verdict.INCONCLUSIVE, [])
    assert verdict("d", "api.yaml", API, None) == (Verdict.INCONCLUSIVE, ["formal/interface-breaks"])
    hidden = open_.replace("openapi:", '"open\\u0061pi":')
    assert verdict("f", "api.yaml", API, hidden) == (Verdict.BLOCK, ["formal/interface-asks-less"])
    assert verdict("e", "api.yaml", API, API + "# more\n") == (Verdict.PASS, [])
