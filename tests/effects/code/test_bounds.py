"""Any bytes become effects or an opaque effect, at a bounded cost and never with an exception."""

from __future__ import annotations

import sys
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.effects.catalogue import interpret
from interlock.effects.catalogue.examples import SETTING, Files
from interlock.effects.code import languages
from interlock.effects.invocation import Invocation, word
from interlock.model.effect import Verb

PROGRAMS = (("node", "-e"), ("tsx", "-e"), ("ruby", "-e"), ("perl", "-e"), ("php", "-r"), ("python3", "-c"))
BOMBS = (
    "(",
    "[",
    "{",
    "((a",
    "`",
    '"#{',
    "a = b;\n",
    "<<A;\n",
    "q{",
    "a<",
    "a?b:",
    "(a=>",
    "-",
    "/",
    "<?php ",
    "a.b().",
    "'a'+",
    "$",
    "eval('",
    "x=x+x;",
)


def run(program: tuple[str, str], text: str):
    words = (word(program[0]), word(program[1]), word(text))
    return interpret(Invocation(words, "/home/dev/app"), SETTING, Files({}))


@pytest.mark.parametrize("program", PROGRAMS, ids=[p[0] for p in PROGRAMS])
@pytest.mark.parametrize("size", [3_000, 60_000, 1_000_000])
def test_no_text_costs_much(program, size):
    run(program, "1")
    for bomb in BOMBS:
        text = bomb * (size // len(bomb))
        before = time.process_time()
        found = run(program, text)
        # Ten times what it takes here, for a machine that is busy or slow; without the bounds it is minutes.
        assert time.process_time() - before < 2, (program, bomb, size)
        if size > 100_000:
            assert any(effect.verb is Verb.OPAQUE for effect in found.effects), bomb


def test_a_megabyte_is_refused_before_it_is_parsed():
    tracemalloc.start()
    for program in PROGRAMS:
        run(program, "f(" * 500_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000


WORDS = """
require('fs') .rmSync( ) ( [ ] { } " ' ` $ $_ @{[ ]} #{ ${ } ; , . -> => :: = + eval system exec \\ / s/a/b/e <<E E do
end function fn if unlink 1 'a' x ENV %ENV process.env import from * ? : & | && <?php ?> qx{ %x( class def sub my for in
of each map { |x| }
"""
FRAGMENTS = st.sampled_from([*WORDS.split(), "\n"])


@pytest.mark.parametrize("program", PROGRAMS, ids=[p[0] for p in PROGRAMS])
@given(pieces=st.lists(FRAGMENTS | st.text(max_size=4), max_size=14), space=st.sampled_from(["", " "]))
@settings(max_examples=120, deadline=None)
def test_whatever_the_text_says_it_is_read_or_opaque(program, pieces, space):
    run(program, space.join(pieces))


def test_a_grammar_is_imported_with_the_first_text_of_its_language():
    import subprocess

    code = (
        "import sys; from interlock.effects.catalogue import packaged; packaged().find('node');"
        "from interlock.effects.code import read_code; print([m for m in sys.modules if m.startswith('tree_sitter')])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_every_language_has_a_grammar():
    from interlock.effects.code.trees import parse

    assert all(not parse(language, "").has_error for language in languages())
