"""Policies are shown as they were written, whatever stands in their strings and comments."""

from __future__ import annotations

import pytest

from interlock.model.errors import PolicyError
from interlock.policy.bodies import MAX_NESTING, MAX_OPERATORS, bodies, excess
from interlock.policy.defaults import layer
from interlock.policy.rules import Layer, read

TRICKY = r"""
// permit (principal, action, resource); a comment is no policy
@id("one") @why("we forbid; or \"permit\" // not a comment")
permit (principal, action, resource)
when { resource.name == "a;b // forbid" };  // the end

@id("two")
forbid (principal, action, resource) unless { context.frozen };
"""


def test_strings_and_comments_begin_and_end_nothing() -> None:
    assert bodies(TRICKY) == [
        'permit (principal, action, resource)\nwhen { resource.name == "a;b // forbid" };',
        "forbid (principal, action, resource) unless { context.frozen };",
    ]


def test_a_file_without_policies() -> None:
    assert bodies("// nothing\n") == []


DEEP = {
    "brackets": "(" * 700 + "true" + ")" * 700,
    "sets": "[" * 30_000 + "1" + "]" * 30_000,
    "a row of and": " && ".join(["true"] * 1_400),
    "a row of dots": "resource" + ".labels" * 30_000,
    "a ladder of if": "if true then " * 1_400 + "true" + " else true" * 1_400,
    "never closed": "(" * 200_000,
    "behind a string": '"\\"" == "(" || ' * 400 + "true",
}


@pytest.mark.parametrize("condition", DEEP.values(), ids=DEEP)
def test_a_policy_that_would_kill_the_parser_is_refused_before_it(condition: str) -> None:
    """cedarpy 4.12 dies of a segmentation fault here, and a cloned repository can bring such a file along."""
    notes = '@id("r") @tier("4") @why("w") @matches("read file x")'
    text = f"{notes} forbid (principal, action, resource) when {{ {condition} }};"
    with pytest.raises(PolicyError, match=r"project/a\.cedar: (brackets|one policy)"):
        read([Layer("project", {"a.cedar": text})])


def test_the_bounds_are_far_from_what_people_write() -> None:
    for text in layer().sources.values():
        assert excess(text) == ""
    assert excess("(" * MAX_NESTING + ")" * MAX_NESTING + ";" + "!" * MAX_OPERATORS + ";" + "!" * MAX_OPERATORS) == ""
    assert excess('"' + "(" * 1_000 + '" // ' + "(" * 1_000) == ""
