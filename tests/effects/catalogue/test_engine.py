"""The engine: grammars read argv as programs do, bad files are refused by name and key, layers only add."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.effects.catalogue import Catalogue, interpret, packaged, sources
from interlock.effects.catalogue.examples import SETTING, Files, check, invocation, judge
from interlock.effects.catalogue.shelf import Shelf
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
--keep=false : kept
'''
args = "read* TARGET"
does = ["delete cloud_resource {target}, all if force, env context:{name}, when force|strange, unless kept"]
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
        ("tool --keep=false -f x", "never delete"),  # a spelling may hold its value
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
        (("[command.tool.sub.deep]", '[command.tool.sub.deep]\notherwise = "opaque"'), "says nothing"),
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


PROGRAMS = sorted(packaged().programs)
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


ENGINES = """
about = "an engine and its plugins"
[command.engine]
flags = "-c --context <CONTEXT>\\n-n --dry-run : dry"
env = "context:{context|current-cluster}"
otherwise = "plugin"
sub.start = { args = "NAME", does = "create cluster_object {name}, unless dry" }
sub.box = { above = true, sub.ls = {} }
sub."drop-*" = { args = "NAME", does = "delete cluster_object {name}" }
sub.more = { order = "raw", args = "inner", wraps = { program = "engine --context kind-x" } }
sub.file = { args = "NAME", does = "write file {name}" }
[command.engine-drop]
args = "NAME"
does = "delete cluster_object {name}"
[examples]
"engine box ls" = "nothing"
"""
_CONFIG = "apiVersion: v1\ncurrent-context: {}\nusers:\n- user: {{token: hunter2}}\n"


def engine(text: str, files: dict[str, str] | None = None):
    catalogue = Catalogue.load({"engine.toml": ENGINES})
    return catalogue.interpret(invocation(text), SETTING, Files(files or {}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("engine start x -c prod", "create cluster_object x, env:production"),  # the command's own clues
        ("engine -c kind-a box start x", "create cluster_object x, env:development"),  # box knows what stands beside it
        ("engine box drop-all x", "delete cluster_object x"),  # patterns too
        ("engine more -c x start y --dry-run", "inner engine --context kind-x -c x start y --dry-run"),
        ("engine drop --all x", "inner engine-drop --all x"),
        ("engine start x --dry-run", "nothing"),
        ("engine start x --dry-run=none", "create cluster_object x"),
        ("engine start x --dry-run=$HOW", "create cluster_object x"),
        ("engine start x", "create cluster_object x, env:unknown"),
        ("engine file x", "write file x, env:workspace"),
    ],
)
def test_commands_share_clues_and_siblings_and_hand_on_their_words(text, expected):
    assert judge(expected, engine(text)) == ""


def kubeconfig(name: str) -> dict[str, str]:
    return {"../.kube/config": _CONFIG.format(name), "other.yaml": _CONFIG.format("prod-eu")}


@pytest.mark.parametrize(
    ("text", "context", "expected"),
    [
        ("engine start x", "kind-dev", "env:development"),
        ("engine start x", "docker-desktop", "env:development"),
        ("engine start x", "'eu-shopprod01'", "env:production"),
        ("engine start x", "product-catalog-dev", "env:development"),
        ("engine start x", "shop", "env:unknown"),
        ("engine start x -c shop", "kind-dev", "env:unknown"),  # what is named counts, not what is selected
        ("KUBECONFIG=other.yaml engine start x", "kind-dev", "env:production"),
        ("KUBECONFIG=$FILE engine start x", "kind-dev", "env:unknown"),
    ],
)
def test_the_selected_cluster_says_whose_it_is(text, context, expected):
    got = engine(text, kubeconfig(context))
    assert judge(f"create cluster_object x, {expected}", got) == ""
    assert "hunter2" not in repr(got)


def test_a_start_up_file_that_chooses_a_cluster_makes_a_local_one_doubtful():
    files = {**kubeconfig("kind-dev"), "../.bashrc": "export KUBECONFIG=$HOME/work.yaml"}
    assert judge("create cluster_object x, env:unknown", engine("engine start x", files)) == ""
    prod = {**kubeconfig("prod"), "../.bashrc": "export KUBECONFIG=$HOME/work.yaml"}
    assert judge("create cluster_object x, env:production", engine("engine start x", prod)) == ""


def test_a_cluster_chosen_by_a_variable_nobody_knows_is_unknown():
    from interlock.effects.invocation import Invocation as Call

    call = Call((word("engine"), word("start"), word("x")), SETTING.cwd, unknown=("KUBECONFIG",))
    got = Catalogue.load({"engine.toml": ENGINES}).interpret(call, SETTING, Files(kubeconfig("kind-dev")))
    assert judge("create cluster_object x, env:unknown", got) == ""


def test_a_layer_over_a_known_program_says_nothing_of_what_it_leaves_out():
    layer = 'about = "ours"\n[command.git]\nsub.nuke = { does = "delete git_repository all, irreversible" }\n'
    catalogue = packaged().over({"ours.toml": layer})
    inv = invocation("git status")
    assert catalogue.interpret(inv, SETTING, Files({})) == packaged().interpret(inv, SETTING, Files({}))


def test_one_broken_family_stops_its_own_programs_only():
    catalogue = Catalogue((Shelf({"a.toml": "about = 'a'\n[command.alpha]\nargs = [", "b.toml": BETA}),))
    broken = catalogue.interpret(invocation("alpha x"), SETTING, Files({}))
    assert broken.effects[0].verb is Verb.OPAQUE
    assert "a.toml" in broken.effects[0].notes[0]
    assert catalogue.interpret(invocation("beta x"), SETTING, Files({})).effects == ()


BETA = "about = 'b'\n[command.beta]\nargs = 'WHAT*'\n"


def test_each_packaged_program_has_a_table_whose_header_names_it():
    assert {program for family in packaged().families for program in family.commands} == set(packaged().programs)


def test_a_device_that_is_no_path_is_a_device_all_the_same():
    family = 'about = "x"\n[command.pool]\nargs = "NAME"\ndoes = "delete device volume:{name}, all, irreversible"\n'
    effect = say("pool tank/data", Catalogue.load({"pool.toml": family})).effects[0]
    assert (effect.resource.kind, effect.resource.name) == (Kind.DEVICE, "volume:tank/data")


KIT = """
about = "a kit"
[command.kit]
reader = "kubectl"
otherwise = "opaque"
[command.kit.sub.info]
sub.dump = {}
[examples]
"kit info" = "nothing"
"""


def test_a_reader_that_a_group_only_inherits_does_not_excuse_a_stray_subcommand():
    kit = Catalogue.load({"kit.toml": KIT})
    assert not judge("nothing", say("kit info", kit))
    assert not judge("opaque code", say("kit info erase", kit))


def test_a_condition_that_can_never_hold_is_refused():
    with pytest.raises(CatalogueError, match="no condition can ask for sub"):
        Catalogue.load({"tool.toml": TOOL.replace("unless kept", "unless kept|sub=deep")})


def test_a_cloud_at_this_machines_own_address_is_no_cloud():
    text = TOOL.replace("env context:{name}", "env host:{name}")
    catalogue = Catalogue.load({"tool.toml": text})
    near = say("tool -f -n http://localhost:4566 x", catalogue)
    assert not judge("delete cloud_resource x, loopback", near)
    assert judge("delete cloud_resource x, loopback", say("tool -f -n https://example.com x", catalogue))


GUESSED = """
about = "a tool"
[command.tool]
args = "ACTION WHAT?"
does = [
  "delete database {what|=all}, all, irreversible, when action=drop*",
  "configure database {what|=all}, unless action=show|action=get-*",
]
[examples]
"tool show x" = ["never configure database", "never delete database"]
"tool get-x x" = "nothing"
"tool $X" = ["delete database", "configure database"]
"tool get-$X" = ["never configure database", "never delete database"]
"tool ge$X" = ["configure database", "never delete database"]
"tool drop$X" = ["delete database", "configure database"]
"""


def test_a_word_nobody_knows_is_assumed_and_never_excuses():
    catalogue = Catalogue.load({"tool.toml": GUESSED})
    assert [c for f in catalogue.families for c in check(catalogue, f)] == []


HELPED = """
about = "a tool"
[command.tool]
help_word = true
flags = "--host <HOST>"
otherwise = "opaque"
[command.tool.sub."drop"]
args = "NAME*"
does = "delete database {name|=all}, all, irreversible"
[command.tool.sub."quiet"]
flags = "-h"
help_word = false
args = "NAME*"
does = "delete database {name|=all}, all, irreversible"
[examples]
"tool drop -h" = "nothing"
"tool drop shop -h" = "nothing"
"tool drop -h shop" = "delete database"
"tool drop --host -h" = "delete database"
"tool drop -fh" = "delete database"
"tool drop help" = "nothing"
"tool drop help shop" = "delete database"
"tool drop --host help" = "delete database"
"tool quiet -h" = "delete database"
"tool quiet help" = "delete database help"
"tool -h" = "nothing"
"""


def test_a_last_word_that_asks_ends_a_subcommand_and_only_where_it_means_nothing_else():
    catalogue = Catalogue.load({"tool.toml": HELPED})
    assert [c for f in catalogue.families for c in check(catalogue, f)] == []


VERSIONED = '''
about = "a tool"
[command.tool]
flags = """
-v --version : asked
-q
"""
[command.tool.sub."drop"]
args = "NAME"
does = "delete database {name}, all, irreversible"
[command.tool.sub."set"]
flags = "-v --value <VALUE>"
args = "NAME"
does = "configure database {name} {value|=}"
[examples]
"tool -v" = "nothing"
"tool -v drop shop" = "nothing"
"tool drop shop --version" = "nothing"
"tool drop -v shop" = "delete database shop"
"tool drop shop -qv" = "delete database shop"
"tool set -v 1 shop" = "configure database shop 1"
'''


def test_a_short_v_after_a_subcommand_asks_for_no_version():
    catalogue = Catalogue.load({"tool.toml": VERSIONED})
    assert [c for f in catalogue.families for c in check(catalogue, f)] == []
