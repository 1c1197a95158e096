"""`interlock catalogue`: what a person sees of the families, and how a bad file is told."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from interlock.cli.catalogue import command
from interlock.model.errors import CatalogueError, NotFound

GOOD = """
about = "ours"
[command.ourtool]
args = "NAME"
does = "delete cloud_resource {name}"
[examples]
"ourtool x" = "delete cloud_resource x"
"""


def run(*words):
    return CliRunner().invoke(command, list(words))


def test_list_shows_families_and_programs():
    facts = json.loads(run("list", "--json").output)
    assert facts["programs"] > 500
    assert any("rm" in family["programs"] for family in facts["families"])


def test_list_of_a_family_that_is_not_there_says_so():
    assert isinstance(run("list", "--family", "nosuch").exception, NotFound)


def test_explain_names_effect_family_and_alternative():
    result = run("explain", "git", "push", "-f", "origin", "main")
    assert result.exit_code == 0
    assert "overwrite git_ref origin/main" in result.output
    assert "git.toml" in result.output
    assert "instead" in result.output


def test_explain_of_an_unknown_program_says_how_to_add_it():
    assert "docs/catalogue.md" in run("explain", "frobnicate").output


def test_lint_takes_a_sound_file(tmp_path):
    path = tmp_path / "ours.toml"
    path.write_text(GOOD)
    result = run("lint", str(path), "--json")
    assert result.exit_code == 0
    assert json.loads(result.output) == {"families": 1, "examples": 1, "complaints": []}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace('= "delete cloud_resource x"', '= "nothing"'), "must have no effect"),
        (GOOD.replace("{name}", "{nmae}"), "nmae"),
        ('about = "ours"\n[command.ourtool]\n', "no examples"),
        ("about = [", "not TOML"),
    ],
)
def test_lint_refuses_a_bad_file_and_says_why(tmp_path, text, says):
    path = tmp_path / "ours.toml"
    path.write_text(text)
    error = run("lint", str(path)).exception
    assert isinstance(error, CatalogueError)
    assert says in str(error)
