"""OpenAPI descriptions in several files: what a change of any of them takes from callers; what is not followed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from changes.making import Files, change
from interlock.changes.finding import Finding
from interlock.changes.formal import interface

MAIN = """
openapi: 3.0.3
paths:
  /items: {$ref: 'paths/items.yaml#/all'}
"""
PATHS = """
all:
  get:
    responses:
      '200':
        content:
          application/json:
            schema: {$ref: '../schemas/item.json#/Item'}
  post:
    requestBody:
      content:
        application/json:
          schema: {$ref: '../schemas/item.json#/Order'}
    responses: {'200': {description: ok}}
"""
ITEM = {
    "Item": {"type": "object", "properties": {"name": {"type": "string"}, "of": {"$ref": "#/Item"}}},
    "Order": {"type": "object", "properties": {"item": {"$ref": "item.json#/Item"}}},
}
BASE: Files = {"api/openapi.yaml": MAIN, "api/paths/items.yaml": PATHS, "api/schemas/item.json": json.dumps(ITEM)}
LESS = {**ITEM, "Item": {"type": "object", "required": ["size"], "properties": {"size": {}}}}
LOST = [
    "GET /items has no field name in its answer any more.",
    "GET /items has no field of in its answer any more.",
    "POST /items needs the field item.size now.",
]


def found(folder: Path, after: Files, before: Files = BASE) -> tuple[list[Finding], list[str], list[str]]:
    problems: list[str] = []
    notes: list[str] = []
    return list(interface.judged(change(folder, before, after), problems, notes)), problems, notes


def test_what_another_file_takes_from_callers_is_told_of_the_description(tmp_path: Path) -> None:
    """The description itself did not change, and refers to what did over a third file."""
    findings, problems, notes = found(tmp_path, {"api/schemas/item.json": json.dumps(LESS)})
    assert sorted(one.title for one in findings) == LOST
    assert {one.path for one in findings} == {"api/openapi.yaml"}
    assert (problems, notes) == ([], [])


def test_a_file_that_is_gone_or_moved_takes_all_that_was_in_it(tmp_path: Path) -> None:
    gone: Files = {"api/schemas/item.json": None}
    findings, _, notes = found(tmp_path / "gone", gone)
    assert "GET /items answers the body as anything, no longer as object." in [one.title for one in findings]
    assert "api/schemas/item.json#/Item" in notes[0]
    moved: Files = {**gone, "api/item.json": json.dumps(ITEM), "api/paths/items.yaml": PATHS.replace("schemas/", "")}
    assert found(tmp_path / "moved", moved) == ([], [], [])


def test_what_moves_into_a_file_of_its_own_is_no_loss(tmp_path: Path) -> None:
    plain = MAIN.replace("{$ref: 'paths/items.yaml#/all'}", "{get: {responses: {'200': {description: ok}}}}")
    own: Files = {
        "api/openapi.yaml": MAIN.replace("#/all", ""),
        "api/paths/items.yaml": "get: {responses: {'200': {}}}\n",
    }
    assert found(tmp_path, own, {"api/openapi.yaml": plain}) == ([], [], [])


def test_a_description_that_others_refer_back_to(tmp_path: Path) -> None:
    back = MAIN + "components: {schemas: {Size: {type: integer, maximum: 9}}}\n"
    sized = json.dumps({**ITEM, "Order": {"$ref": "../openapi.yaml#/components/schemas/Size"}})
    before: Files = {**BASE, "api/openapi.yaml": back, "api/schemas/item.json": sized}
    findings, _, _ = found(tmp_path, {"api/openapi.yaml": back.replace("9", "5")}, before)
    assert [one.title for one in findings] == ["POST /items takes less for the body (maximum 5, was 9)."]


@pytest.mark.parametrize(
    "place",
    ["https://x.example/item.json", "//x.example/item.json", "../../item.json", "/etc/item.json", "file:item.json",
     "..\\\\item.json", "%2e%2e/%2e%2e/item.json", "item.txt", "link.json"],
)  # fmt: skip
def test_what_lies_outside_of_the_repository_is_named_and_not_followed(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "r"
    (folder / "api").mkdir(parents=True)
    (tmp_path / "item.json").write_text("no json at all")
    (folder / "api" / "link.json").symlink_to(tmp_path / "item.json")
    said = MAIN.replace("paths/items.yaml", place)
    before: Files = {"api/openapi.yaml": said, "api/item.txt": "no json at all"}
    findings, problems, notes = found(folder, {"api/openapi.yaml": said + "# more\n"}, before)
    assert (findings, problems) == ([], [])
    assert "was not followed" in notes[0]


def test_documents_that_go_round_end(tmp_path: Path) -> None:
    """A file that leads to itself, two that lead to each other, and a chain longer than anybody writes."""
    chain: Files = {f"api/{n}.yaml": f"all: {{$ref: '{n + 1}.yaml#/all'}}\n" for n in range(40)}
    chain |= {"api/a.yaml": "all: {$ref: 'b.yaml#/all'}\n", "api/b.yaml": "all: {$ref: 'a.yaml#/all'}\n"}
    said = MAIN + "  /a: {$ref: 'a.yaml#/all'}\n  /b: {$ref: '0.yaml#/all'}\n"
    findings, problems, _ = found(
        tmp_path, {"api/openapi.yaml": said + "# more\n"}, {**BASE, **chain, "api/openapi.yaml": said}
    )
    assert (findings, problems) == ([], [])


def test_more_documents_than_anybody_writes_are_too_much(tmp_path: Path) -> None:
    many: Files = {f"api/{n}.yaml": "get: {responses: {'200': {description: ok}}}\n" for n in range(250)}
    said = "openapi: 3.0.3\npaths:\n" + "".join(f"  /{n}: {{$ref: '{n}.yaml'}}\n" for n in range(250))
    findings, problems, _ = found(tmp_path, {"api/openapi.yaml": said + "# more\n"}, {**many, "api/openapi.yaml": said})
    assert (findings, problems) == ([], ["api/openapi.yaml: the interface cannot be compared: it holds too much"])


def test_a_part_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    findings, problems, _ = found(tmp_path, {"api/schemas/item.json": '{"Item": 1, "Item": 2}'})
    assert not findings
    assert problems == [
        "api/openapi.yaml: the interface cannot be compared: api/schemas/item.json: the key 'Item' stands twice"
    ]
