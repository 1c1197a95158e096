"""The packaged examples are tried here, at every change, so that no start of Interlock has to: the receipt says so."""

from __future__ import annotations

from importlib.metadata import version

import msgspec
import pytest

from interlock.model.errors import PolicyError
from interlock.policy import defaults, engine, schema, tried
from interlock.policy.engine import Engine
from interlock.policy.examples import problems
from interlock.policy.rules import Layer, read

PACKAGED = defaults.layer()
NEVER = "forbid (principal, action, resource);\n"


def test_every_packaged_example_holds_and_the_receipt_is_of_these_very_files() -> None:
    assert [f"{rule.id} {problem}" for rule in read([PACKAGED]) for problem in problems(rule)] == []
    assert PACKAGED.tried == tried.write(PACKAGED, version("cedarpy")), "run `make docs`"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The rules whose examples a load tries."""
    names: list[str] = []
    monkeypatch.setattr(engine, "check", lambda rule: names.append(rule.id))
    return names


def test_a_start_does_not_try_them_again(counted: list[str]) -> None:
    Engine.load([PACKAGED])
    assert counted == []


def test_without_the_receipt_all_are_tried(counted: list[str]) -> None:
    Engine.load([msgspec.structs.replace(PACKAGED, tried="")])
    assert len(counted) == len(read([PACKAGED]))


def test_an_edited_packaged_rule_is_tried_though_the_receipt_lies_beside_it() -> None:
    text = PACKAGED.sources["00-base.cedar"]
    wrong = text.replace('@matches("read file /code/app/main.py', '@matches("delete file /nobody/says/this', 1)
    with pytest.raises(PolicyError, match="/nobody/says/this"):
        Engine.load([msgspec.structs.replace(PACKAGED, sources={**PACKAGED.sources, "00-base.cedar": wrong})])


def test_a_second_layer_of_the_same_name_is_tried(counted: list[str]) -> None:
    more = Layer("default", {"x": '@id("r")\n@tier("4")\n@why("w")\n@matches("read file x")\n' + NEVER})
    Engine.load([PACKAGED, more])
    assert "r" in counted


@pytest.mark.parametrize("field", ["policy", "schema", "interlock", "cedarpy"])
def test_a_receipt_of_anything_else_is_not_taken(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    other = msgspec.json.encode(msgspec.json.decode(PACKAGED.tried) | {field: "another"}).decode()
    if field == "cedarpy":  # which is here is known at the edge, where the package's files are read
        assert defaults._by_this_cedarpy(PACKAGED.tried) == PACKAGED.tried
        assert defaults._by_this_cedarpy(other) == ""
    else:
        assert tried.holds(PACKAGED)
        assert not tried.holds(msgspec.structs.replace(PACKAGED, tried=other))


def test_another_word_in_the_schema_has_them_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    text = schema.text()
    monkeypatch.setattr(schema, "text", lambda: text + "// another meaning\n")
    assert not tried.holds(PACKAGED)


@pytest.mark.parametrize("text", ["", "null", "{}", "[" * 100_000, '{"policy": 1}'])
def test_what_is_no_receipt_is_none(text: str) -> None:
    assert not tried.holds(msgspec.structs.replace(PACKAGED, tried=text))
