"""Policies are shown as they were written, whatever stands in their strings and comments."""

from __future__ import annotations

from interlock.policy.bodies import bodies

TRICKY = r'''
// permit (principal, action, resource); a comment is no policy
@id("one") @why("we forbid; or \"permit\" // not a comment")
permit (principal, action, resource)
when { resource.name == "a;b // forbid" };  // the end

@id("two")
forbid (principal, action, resource) unless { context.frozen };
'''


def test_strings_and_comments_begin_and_end_nothing() -> None:
    assert bodies(TRICKY) == [
        'permit (principal, action, resource)\nwhen { resource.name == "a;b // forbid" };',
        "forbid (principal, action, resource) unless { context.frozen };",
    ]


def test_a_file_without_policies() -> None:
    assert bodies("// nothing\n") == []
