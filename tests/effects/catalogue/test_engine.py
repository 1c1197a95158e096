"""The engine: grammars read argv as programs do, bad files are refused by name and key, layers only add."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.effects.catalogue import Catalogue, interpret, packaged, sources
from interlock.effects.catalogue.examples import SETTING, Files, check, invocation, judge
from interlock.effects.invocation import Invocation, Stdin, Word, word
from interlock.model.effect import Kind, Verb
from interlock.model.errors import CatalogueError
from interlock.model.world import Nowhere

TOOL = """
about = "a tool"
[command.tool]
flags = '''
-f --force
-o --output <write>
-n --name <NAME>
--color[=WHEN]
-x : strange
'''
args = "read* TARGET"
does = ["delete cloud_resource {target}, all if force, env context:{name}, when force|strange"]
[command.tool.sub.deep]
args = "WHAT"
does = "create cloud_resource {what}"
[examples]
"tool a" = "nothing"
"""


def say(text: str, catalogue: Catalogue | None = None):
    return (catalogue or Catalogue.load({"tool.toml": TOOL})).interpret(invocation(text), SETTING, Files({}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tool -f x", "delete cloud_resource x, all"),
        ("tool --force x", "delete cloud_resource x, all"),
        ("tool --for x", "delete cloud_resource x, all"),  # GNU abbreviations
        ("tool -xf x", "delete cloud_resource x, all"),
        ("tool -fn prod x", "delete cloud_resource x, env:production"),
        ("tool -fnprod x", "delete cloud_resource x, env:production"),
        ("tool --name=prod -f x", "delete cloud_resource x, env:production"),
        ("tool x -f", "delete cloud_resource x"),
        ("tool -ofile -f x", "write file file"),
        ("tool --output=out x", "write file out"),
        ("tool a b c -f", "delete cloud_resource c"),
        ("tool a b c", "read file b"),
        ("tool --color -f x", "delete cloud_resource x"),
        ("tool deep thing", "create cloud_resource thing"),
    ],
)
def test_options_are_read_as_the_program_reads_them(text, expected):
    assert judge(expected, say(text)) == ""


@pytest.mark.parametrize("text", ["tool -- -f", "tool -n -f x", "tool --name -f x", "tool x"])
def test_a_word_that_is_no_option_sets_no_option(text):
    assert judge("never delete cloud_resource", say(text)) == ""


def test_an_expectation_that_does_not_hold_is_a_complaint():
    assert judge("delete cloud_resource y", say("tool -f x")) != ""
    assert judge("never delete", say("tool -f x")) != ""
    assert judge("nothing", say("tool -f x")) != ""
    assert judge("harmless", say("tool -f x")) != ""


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (('about = "a tool"', ""), "about"),
        (("when force|strange", "when forse"), "forse"),
        (("<write>", "<wriet>"), "wriet"),
        (("delete cloud_resource", "destroy cloud_resource"), "destroy"),
        (("delete cloud_resource", "delete cloud_resourc"), "cloud_resourc"),
        (("{target}", "{tarjet}"), "tarjet"),
        (("env context", "env kontext"), "kontext"),
        (("-x : strange", "-f : strange"), "-f"),
        (('args = "read* TARGET"', 'args = "read* TARGET*"'), "read*"),
        (("[command.tool.sub.deep]", "[command.tool.sub.deep]\nsurprise = 1"), "surprise"),
        (("[command.tool]", '[command.tool]\nreader = "nobody"'), "nobody"),
        (("[command.tool]", "[command.tool"), "not TOML"),
        (("[command.tool]", '[command.tool]\notherwise = "maybe"'), "otherwise"),
    ],
)
def test_a_bad_file_is_refused_by_name_and_key(change, names):
    text = TOOL.replace(*change)
    assert text != TOOL
    with pytest.raises(CatalogueError) as refused:
        Catalogue.load({"tool.toml": text})
    assert "tool.toml" in str(refused.value)
    assert names in str(refused.value)


def test_two_files_of_one_layer_cannot_describe_one_program():
    with pytest.raises(CatalogueError, match=r"also in a\.toml"):
        Catalogue.load({"a.toml": TOOL, "b.toml": TOOL})


def test_a_layer_can_add_an_effect_and_never_take_one_away():
    harmless_rm = 'about = "rm is fine"\n[command.rm]\nargs = "FILE*"\n'
    watched_ls = 'about = "ls"\n[command.ls]\ndoes = "read secret listing, label secret"\n'
    layered = Catalogue.load(sources(), {"mine.toml": harmless_rm, "ours.toml": watched_ls})
    assert judge("delete directory /, all root", say("rm -rf /", layered)) == ""
    assert judge("read secret listing", say("ls", layered)) == ""


def test_an_example_that_does_not_hold_is_found_by_the_lint():
    catalogue = Catalogue.load({"tool.toml": TOOL.replace('"tool a" = "nothing"', '"tool -f a" = "nothing"')})
    assert [c for f in catalogue.families for c in check(catalogue, f)]


def test_an_unknown_program_is_opaque_and_says_so():
    got = say("frobnicate --hard")
    assert not got.resolved
    assert got.effects[0].verb is Verb.OPAQUE
    assert "unknown-command" in got.effects[0].resource.labels


def test_a_program_that_is_not_known_by_name_is_opaque():
    got = interpret(Invocation((Word(text=None, source="$CMD"), word("x")), "/w"), SETTING, Nowhere())
    assert got.effects[0].verb is Verb.OPAQUE


def test_a_reader_that_stumbles_makes_the_command_opaque(monkeypatch):
    def stumble(draft):
        raise RuntimeError("bug")

    import interlock.effects.catalogue.catalogue as engine

    monkeypatch.setattr(engine, "READERS", {**engine.READERS, "rm": stumble})
    got = interpret(invocation("rm -rf /"), SETTING, Nowhere())
    assert got.effects[0].verb is Verb.OPAQUE
    assert not got.resolved


def test_bytes_off_the_network_into_a_shell_are_downloaded_code():
    inv = Invocation((word("bash"),), "/w", stdin=Stdin(present=True, taint=("network",)))
    effect = interpret(inv, SETTING, Nowhere()).effects[0]
    assert effect.resource.kind is Kind.CODE
    assert "downloaded" in effect.resource.labels


def test_a_remote_command_does_not_touch_files_here():
    inv = Invocation((word("rm"), word("-rf"), word("/data")), "/w", remote="db.prod.example")
    effect = interpret(inv, SETTING, Nowhere()).effects[0]
    assert effect.resource.name == "db.prod.example:/data"
    assert "remote" in effect.resource.labels
    assert effect.environment.value == "production"


PROGRAMS = sorted(packaged().commands)
WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["-rf", "--force", "--", "-", "-c", "-e", "/", "~", "*", ".", "-x", "{}", ";", "a=b", "@f", "$(x)", "s/a/b/e"]
    ),
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(PROGRAMS),
    st.lists(st.one_of(WORDS.map(word), WORDS.map(lambda t: Word(None, t, prefix=t[:2]))), max_size=8),
    st.one_of(st.none(), st.text(max_size=40)),
)
def test_any_argv_of_any_program_is_answered_without_a_stumble(program, words, stdin):
    inv = Invocation((word(program), *words), "/home/dev/app", stdin=Stdin(present=stdin is not None, text=stdin))
    got = packaged().interpret(inv, SETTING, Files({"package.json": "{}", "Makefile": "all:\n\techo hi\n"}))
    assert not [n for e in got.effects for n in e.notes if " failed (" in n]


def test_an_everyday_command_is_read_in_well_under_a_millisecond():
    lines = [invocation(t) for t in ("ls -la src", "git status", "rm -rf build", "grep -rn x src", "git push origin x")]
    world = Files({})
    for inv in lines:
        interpret(inv, SETTING, world)
    start = time.process_time()
    for _ in range(200):
        for inv in lines:
            interpret(inv, SETTING, world)
    assert (time.process_time() - start) / 1000 < 0.001
