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


HELP = """Usage: rocketctl [OPTIONS] COMMAND

Options:
  -e, --env <STAGE>    Which stage
  -n, --dry-run        Only say
  --output=FILE        Where to
  -h, --help           Help

Commands:
  status, st   Show what runs
  list         List launches
  launch       Start one
  destroy      Remove one
  frobnicate   Nobody knows
  exec         Run a command there
"""


@pytest.fixture
def drafted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "help.txt").write_text(HELP)
    result = run("new", "rocketctl", "--from", "help.txt")
    assert result.exit_code == 0, result.output
    return tmp_path / "rocketctl.toml"


def test_new_drafts_a_family_that_its_own_lint_takes(drafted):
    result = run("lint", str(drafted), "--json")
    assert json.loads(result.output)["complaints"] == []


def test_new_reads_options_values_and_subcommands_from_the_help_text(drafted):
    text = drafted.read_text()
    assert "-e --env <STAGE>" in text
    assert "--output <FILE>" in text
    assert 'sub."status st list"' in text
    assert "delete cloud_resource rocketctl:{what|=everything}, irreversible" in text
    assert "# Not decided yet, and so asked about: frobnicate" in text


def test_new_never_writes_over_a_file(drafted):
    before = drafted.read_text()
    assert "there already" in str(run("new", "rocketctl").exception)
    assert drafted.read_text() == before


def test_new_can_run_the_program(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "bin" / "rocketctl"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat <<'E'\n{HELP}E\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    assert run("new", "rocketctl", "--run").exit_code == 0
    assert "destroy" in (tmp_path / "rocketctl.toml").read_text()


def test_a_family_of_ones_own_is_in_force(tmp_path, monkeypatch):
    monkeypatch.setenv("INTERLOCK_HOME", str(tmp_path))
    folder = tmp_path / "config" / "catalogue"
    folder.mkdir(parents=True)
    (folder / "ours.toml").write_text(GOOD)
    assert "ourtool" in run("list").output
    assert "delete cloud_resource x" in run("explain", "ourtool", "x").output
