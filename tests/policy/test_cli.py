"""`interlock policy`: show, test, explain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from interlock.cli.policy import command
from interlock.model.errors import NotFound, PolicyError
from prover.proofs import prove_folder

GOOD = '@id("mine") @tier("4") @why("because") @matches("read file x") forbid (principal, action, resource);'


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> Result:
    result = CliRunner().invoke(command, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_show_lists_the_rules() -> None:
    assert "secret-leaves" in run("show").output
    facts = json.loads(run("show", "--json").output)
    assert {"id", "answer", "tier", "why", "policy"} <= set(facts["rules"][0])


def test_show_takes_the_users_own_rules(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "config" / "policy"
    folder.mkdir(parents=True)
    (folder / "mine.cedar").write_text(GOOD)
    assert [rule["id"] for rule in json.loads(run("show", "--layer", "user", "--json").output)["rules"]] == ["mine"]


def test_explain_shows_the_policy_as_written() -> None:
    output = run("explain", "production-destroyed").output
    assert "ask, tier 4" in output
    assert 'resource.environment == "production" && context.reversibility' in output
    assert json.loads(run("explain", "freeze", "--json").output)["answer"] == "deny"


def test_explain_knows_interlocks_own_answers() -> None:
    assert "no rule allows this" in run("explain", "default-deny").output
    assert json.loads(run("explain", "internal", "--json").output)["id"] == "internal"


def test_explain_helps_with_a_misspelt_rule() -> None:
    with pytest.raises(NotFound, match="Did you mean secret-leaves"):
        run("explain", "secret-leave")


def test_test_counts_what_holds(tmp_path: Path) -> None:
    (tmp_path / "a.cedar").write_text(GOOD)
    assert "1 rule and 1 example hold" in run("test", "a.cedar").output
    assert json.loads(run("test", "--json").output)["rules"] > 50


def test_test_refuses_what_the_daemon_would_refuse(tmp_path: Path) -> None:
    (tmp_path / "a.cedar").write_text(GOOD.replace("forbid", "permit"))
    with pytest.raises(PolicyError, match="the project layer can only tighten"):
        run("test", "a.cedar")
    assert run("test", "--layer", "organisation", "a.cedar").exit_code == 0


def test_a_folder_is_tested_whole(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.cedar").write_text(GOOD)
    (tmp_path / "set" / "b.cedar").write_text(GOOD)
    with pytest.raises(PolicyError, match="already taken"):
        run("test", "set")


def test_test_shows_every_example_that_fails(tmp_path: Path) -> None:
    """Story: a report that ends at the first failure is run as often as there are failures."""
    other = GOOD.replace('"mine"', '"other"').replace(
        '"read file x"', '"\nread file x\nlook file x\nread file y frozen"'
    )
    narrow = "forbid (principal, action, resource) when { context.frozen };"
    (tmp_path / "a.cedar").write_text(GOOD + "\n" + other.replace("forbid (principal, action, resource);", narrow))
    result = CliRunner().invoke(command, ["test", "a.cedar"])
    assert isinstance(result.exception, PolicyError)
    assert "2 of 4 examples fail" in str(result.exception)
    assert result.output.splitlines() == [
        "ok    mine                     1 it must apply to",
        "FAILS other                    3 it must apply to",
        "        must apply to its example: read file x",
        "        has an example that cannot be read: unknown verb 'look' in the example 'look file x'",
    ]
    said = CliRunner().invoke(command, ["test", "--json", "a.cedar"])
    assert said.exit_code == PolicyError.exit
    assert len(json.loads(said.output)["failed"]["other"]) == 2


def test_test_says_whether_the_set_is_proved(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.cedar").write_text(GOOD)
    assert "nobody has proved them" in run("test", "set").output
    assert not json.loads(run("test", "--json", "set").output)["proved"]
    prove_folder(tmp_path / "set", "project")
    assert "It is proved, and so may come into force." in run("test", "set").output
    (tmp_path / "set" / "a.cedar").write_text(GOOD + " ")
    assert "they have changed since they were proved" in run("test", "set").output
