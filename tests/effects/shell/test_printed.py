"""What the shell itself prints is read by the agent: a credential in a variable, or the whole environment."""

from __future__ import annotations

import pytest

from interlock.model import labels
from interlock.model.effect import Kind, Verb

from .bench import read


def printed(text: str) -> set[Kind]:
    """Kinds of what an agent gets to read that no file holds."""
    return {
        effect.resource.kind
        for effect in read(text).effects
        if effect.verb is Verb.READ and (effect.resource.kind is Kind.SYSTEM or labels.SECRET in effect.resource.labels)
    }


@pytest.mark.parametrize(
    "text", ["echo $API_TOKEN", 'printf %s "$AWS_SECRET_ACCESS_KEY"', "x=$GITHUB_TOKEN; echo ${x:0:4}"]
)
def test_a_credential_in_a_variable_is_read_when_it_is_printed(text: str) -> None:
    assert printed(text) == {Kind.SECRET}


@pytest.mark.parametrize("text", ["export -p", "declare -p", "set"])
def test_the_whole_environment_is_read_when_it_is_printed(text: str) -> None:
    assert printed(text) == {Kind.SYSTEM}


@pytest.mark.parametrize(
    "text",
    [
        "echo $HOME",
        'echo "${API_KEY:+set}"',
        '[ -n "$API_KEY" ] && echo set',
        "echo $API_TOKEN > /dev/null",
        "x=$API_TOKEN",
        "export API_TOKEN=abc",
    ],
)
def test_nothing_is_read_when_nothing_of_it_is_printed(text: str) -> None:
    assert printed(text) == set()
