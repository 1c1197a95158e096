"""`interlock policy prove` and `ask`: what a person reads, and what a program gets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from interlock.cli.policy import command
from interlock.daemon.rules import layers, proved
from interlock.model.errors import PolicyError, Unproved, UsageError
from interlock.policy import describe, notation, receipt
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine
from interlock.policy.rules import Layer, read
from interlock.prover import concrete
from interlock.prover import layers as prove_layers

FORBID = (
    '@id("no-shop") @tier("4") @why("because") @matches("read table shop.orders") '
    'forbid (principal, action, resource) when { resource.name like "shop.*" };'
)
PERMIT = (
    '@id("pipelines") @tier("1") @why("because") @matches("opaque code x via:ci") '
    'permit (principal, action, resource) when { context.via like "ci*" };'
)
PROMISE = """
[[never]]
id = "orders-survive"
why = "the orders are the memory of the shop"
verbs = ["destroy"]
when = 'resource.kind == "table" && resource.name like "shop.orders*"'
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> Result:
    result = CliRunner().invoke(command, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def folder(tmp_path: Path, policy: str, promise: str = "", name: str = "set") -> Path:
    made = tmp_path / name
    made.mkdir()
    (made / "a.cedar").write_text(policy)
    if promise:
        (made / "properties.toml").write_text(promise)
    return made


def test_the_packaged_set_is_proved_in_time() -> None:
    said = json.loads(run("prove", "--json").output)
    assert said["proved"]
    assert said["milliseconds"] < 5_000
    assert len(said["results"]) >= 20


def test_a_candidate_that_is_proved_gets_its_receipt(tmp_path: Path) -> None:
    made = folder(tmp_path, FORBID, PROMISE)
    done = run("prove", str(made))
    assert done.exit_code == 0
    assert "proved   orders-survive" in done.output
    (got,) = receipt.read((made / receipt.FILE).read_text())
    assert "orders-survive" in got.proved
    before = (made / receipt.FILE).read_bytes()
    assert run("prove", str(made)).exit_code == 0
    assert (made / receipt.FILE).read_bytes() == before


def test_a_promise_that_does_not_hold_is_shown_with_a_request_that_breaks_it(tmp_path: Path) -> None:
    made = folder(tmp_path, PERMIT, PROMISE)
    done = run("prove", "--layer", "organisation", str(made))
    assert done.exit_code == 28
    assert "REFUTED  orders-survive" in done.output
    assert not (made / receipt.FILE).exists()
    said = json.loads(run("prove", "--layer", "organisation", "--json", str(made)).output)
    broken = {one["id"]: one for one in said["results"] if one["outcome"] != "proved"}
    scene = describe.read(json.dumps(broken["orders-survive"]["request"]))
    assert scene.effect.resource.name.startswith("shop.orders")
    rules = read([layer()]) + read([layer(), _as_layer(made)])[-1:]
    assert concrete.permitted(rules, scene)
    assert broken["orders-survive"]["words"].startswith("claude ")


def test_no_permit_of_an_organisation_breaks_what_the_packaged_rules_promise(tmp_path: Path) -> None:
    """Each `never` of the packaged set is held by a forbid, not by the absence of a permit."""
    everything = '@id("all") @tier("1") @why("w") @matches("read file x") permit (principal, action, resource);'
    assert run("prove", "--layer", "organisation", str(folder(tmp_path, everything))).exit_code == 0


def test_a_set_that_permits_more_than_an_older_one_is_found(tmp_path: Path) -> None:
    old, new = folder(tmp_path, FORBID, name="old"), folder(tmp_path, FORBID.replace("shop.*", "shop.o*"), name="new")
    assert run("prove", "--against", str(old), str(new)).exit_code == 28
    assert run("prove", "--against", str(new), str(old)).exit_code == 0
    with pytest.raises(UsageError, match="two folders"):
        run("prove", "--against", str(old))


def test_a_promise_about_nothing_is_no_promise(tmp_path: Path) -> None:
    nothing = PROMISE.replace('resource.kind == "table"', 'resource.kind == "table" && resource.kind == "file"')
    done = run("prove", str(folder(tmp_path, FORBID, nothing)))
    assert done.exit_code == 28
    assert "VACUOUS  orders-survive" in done.output


@pytest.mark.parametrize(
    ("promise", "said"),
    [
        ("nonsense", "properties.toml"),
        (PROMISE.replace("verbs", "verb"), "verb"),
        (PROMISE.replace("destroy", "destroi"), "no verb"),
        (PROMISE.replace('"table"', '"tabel"'), "did you mean"),
        (PROMISE.replace("resource.kind", "resource.sort"), "sort"),
        (PROMISE.replace("orders-survive", "forbid-wins"), "own"),
        (PROMISE.replace("orders-survive", "guard-stays"), "taken by the default layer"),
        (PROMISE + PROMISE, "twice"),
        (PROMISE.replace("'resource", "'true } unless { resource"), "one expression"),
        (
            PROMISE.replace("'resource", "'true }; permit (principal, action, resource) when { resource"),
            "one expression",
        ),
        (PROMISE.replace("shop.orders*", "x" * 5_000), "4000"),
        (PROMISE.replace("resource.kind", "context.count + 1 > 2 && resource.kind"), "can fail"),
        (PROMISE.replace('["destroy"]', "[]"), "empty"),
    ],
)
def test_a_promise_that_cannot_be_read_is_refused(tmp_path: Path, promise: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        run("prove", str(folder(tmp_path, FORBID, promise)))


def test_a_set_with_the_line_ends_of_windows_comes_into_force(tmp_path: Path) -> None:
    """It was proved with other line ends than it has, and so its receipt never fitted."""
    made = folder(tmp_path, "")
    (made / "a.cedar").write_bytes((FORBID.replace(" forbid", "\r\nforbid") + "\r\n").encode())
    (made / "properties.toml").write_bytes(PROMISE.replace("\n", "\r\n").encode())
    assert run("prove", str(made)).exit_code == 0
    sources = layers([("project", made)])
    assert proved(sources, Engine.load(sources))[-1]["layer"] == "project"
    assert "may come into force" in run("test", str(made)).output


def test_a_receipt_is_never_written_through_a_link(tmp_path: Path) -> None:
    """A stranger's repository could have a person's own file overwritten by `policy prove`."""
    made = folder(tmp_path, FORBID)
    mine = tmp_path / "mine"
    mine.write_text("precious")
    (made / receipt.FILE).symlink_to(mine)
    assert run("prove", str(made)).exit_code == 0
    assert mine.read_text() == "precious"
    assert not (made / receipt.FILE).is_symlink()


@pytest.mark.parametrize("words", [["test"], ["prove"], ["ask", "read file x", "--policy"]])
def test_a_pipe_among_the_policies_is_refused_and_not_waited_for(tmp_path: Path, words: list[str]) -> None:
    made = folder(tmp_path, FORBID)
    os.mkfifo(made / "b.cedar")
    with pytest.raises(PolicyError, match="no regular file"):
        run(*words, str(made))


def test_of_two_files_with_one_name_neither_is_left_out(tmp_path: Path) -> None:
    """Only the last of them was tested, and the whole was called sound."""
    one, two = folder(tmp_path, "permit (", name="one"), folder(tmp_path, FORBID, name="two")
    with pytest.raises(PolicyError, match=r"two of the files are called a\.cedar"):
        run("test", str(one / "a.cedar"), str(two / "a.cedar"))


@pytest.mark.parametrize("words", [["test"], ["prove"], ["ask", "read file x", "--policy"], ["replay", "--policy"]])
def test_a_folder_without_policies_is_no_candidate(tmp_path: Path, words: list[str]) -> None:
    """A rule in a file of another name was proved, tested and never in force."""
    made = folder(tmp_path, FORBID)
    (made / "a.cedar").rename(made / "a.cedar.txt")
    with pytest.raises(PolicyError, match="holds no policy"):
        run(*words, str(made))
    assert "proved" in run("diff", str(made), str(made)).output


def test_a_set_that_is_changed_while_it_is_proved_does_not_come_into_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = folder(tmp_path, FORBID)
    really = prove_layers.receipted

    def swap(*args: Any) -> receipt.Receipt:
        (made / "a.cedar").write_text(FORBID.replace("shop.*", "shop.o*"))
        return really(*args)

    monkeypatch.setattr(prove_layers, "receipted", swap)
    assert run("prove", str(made)).exit_code == 0
    sources = layers([("project", made)])
    with pytest.raises(Unproved, match="changed since they were proved"):
        proved(sources, Engine.load(sources))


def test_ask_judges_a_line_and_a_request(tmp_path: Path) -> None:
    line = "delete table shop.users @production irreversible all"
    done = run("ask", line)
    assert done.exit_code == 10
    assert "production-destroyed" in done.output
    as_json = json.dumps(describe.facts(notation.parse(line)))
    assert json.loads(run("ask", "--json", as_json).output)["rung"] == "two_strong"
    made = folder(tmp_path, FORBID)
    assert run("ask", "--policy", str(made), line).exit_code == 11
    with pytest.raises(PolicyError, match="cannot read the request"):
        run("ask", '{"principal": 7}')


def test_what_decides_and_what_shows_never_loads_the_prover() -> None:
    code = "import sys, interlock.daemon.run, interlock.cli.policy; print({'z3', 'duckdb'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_without_z3_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "z3", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'interlock\[prove\]'"):
        run("prove")


def _as_layer(made: Path) -> Layer:

    return Layer("organisation", {"a.cedar": (made / "a.cedar").read_text()})
