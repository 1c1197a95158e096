"""Any text gets an answer, in bounded time; what is beyond a bound is opaque, never silently left out."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.model.action import Reading
from interlock.model.effect import Verb

from .bench import opaques, read

BOMBS = {
    "substitutions": "$(" * 10_000,
    "closed substitutions": "$(" * 10_000 + ")" * 10_000,
    "quoted substitutions": '"$(' * 10_000,
    "subshells": "(" * 10_000,
    "subshells apart": "( " * 10_000,
    "groups": "{ " * 10_000,
    "arithmetic": "$((" * 10_000,
    "arithmetic that is none": "$((x " * 2_000 + ") " * 4_000,
    "arithmetic commands": "((a" * 30_000,
    "backquotes": "`" * 100_000,
    "escaped backquotes": "`echo " * 3_000,
    "conditionals": "if a; then " * 5_000,
    "loops": "while a; do " * 20 + "x=1" + "; done" * 20,
    "case items": "case x in " + "a) b;; " * 20_000 + "esac",
    "here-documents": "<<a " * 20_000,
    "here-document lines": "cat <<EOF\n" + "line of $text here\n" * 50_000 + "EOF\n",
    "braces": "echo {1..999999}{1..999999}",
    "brace products": "echo " + "{a,b}" * 40,
    "open braces": "echo " + "{" * 100_000,
    "nested braces": "echo " + "{a," * 5_000,
    "commas": "echo {" + "," * 100_000 + "}",
    "doubling": "x=aa; " + "x=$x$x; " * 60 + "rm $x",
    "doubling arrays": "a=(x y); " + 'a=("${a[@]}" "${a[@]}"); ' * 40 + 'rm "${a[@]}"',
    "recursion": "f() { f; f; }; f",
    "mutual recursion": "f() { g; }; g() { f; }; f",
    "eval recursion": 'x=\'eval "$x"\'; eval "$x"',
    "source recursion": ". ./a.sh",
    "nested bash": "bash -c '" * 50,
    "loops of loops": "for i in {1..60}; do for j in {1..60}; do for k in {1..60}; do rm $i$j$k; done; done; done",
    "commands": "rm x; " * 100_000,
    "words": "rm " + "x " * 300_000,
    "long word": "r" * 1_000_000,
    "backslashes": "\\" * 1_000_000,
    "pattern": "x=" + "a" * 3_000 + "; rm ${x/*a*a*a*a*b/} ${x##*a*a*a*b} ${x%%*b*b*b}",
    "aliases": "shopt -s expand_aliases\n" + "alias a='a;a;a'\n" * 3 + "a;" * 500,
    "traps": "trap 'trap \"trap x EXIT\" EXIT' EXIT; x=1",
    "expansions": "${x:-" * 10_000,
    "brackets": "a[" * 10_000,
    "tests": "[[ " + "( " * 10_000,
    "arrays": "a=(" * 10_000,
    "pipes": "a|" * 50_000,
    "and": "a&&" * 50_000,
    "functions": "f() { " * 5_000,
    "glob brackets": "rm " + "[" * 50_000,
    "ansi": "$'" + "\\x41" * 100_000 + "'",
    "process substitutions": "<(" * 10_000,
    "tildes": "x=" + "~:" * 50_000,
    "arithmetic chain": "echo $((" + "1+" * 100_000 + "1))",
    "arithmetic nest": "echo $((" + "(" * 1_000 + "1" + ")" * 1_000 + "))",
    "power": "echo $((9**9**9**9)) $((1<<99999999999999999999))",
    "range": "echo {1..99999999999999999999} {a..z..0}",
    "substring": "x=a; echo ${x:99999999999999999999} ${x: -99999999:99999999}",
    "printf": "x=$(printf '%999999999d' 1); rm $x",
    "split": "x='" + "a " * 100_000 + "'; rm $x",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_answered_in_time(name: str) -> None:
    begun = time.process_time()
    reading = read(BOMBS[name], {"/w/a.sh": ". ./a.sh\n. ./a.sh\n"})
    taken = time.process_time() - begun
    assert isinstance(reading, Reading)
    assert taken < 1.5, taken  # the goal is 0.05 s; shared machines are slower, a bomb would take minutes


@pytest.mark.parametrize(
    "name",
    [
        "substitutions",
        "subshells",
        "arithmetic commands",
        "braces",
        "brace products",
        "doubling",
        "recursion",
        "commands",
        "words",
        "loops of loops",
        "nested bash",
        "expansions",
        "eval recursion",
        "source recursion",
    ],
)
def test_what_is_beyond_a_bound_is_opaque(name: str) -> None:
    assert opaques(read(BOMBS[name], {"/w/a.sh": ". ./a.sh\n. ./a.sh\n"}))


@pytest.mark.parametrize("text", ["rm x\0", "rm \ud800", "x" * 1_048_577])
def test_text_that_no_shell_would_read_as_it_stands_is_opaque(text: str) -> None:
    reading = read(text)
    (effect,) = reading.effects
    assert effect.verb is Verb.OPAQUE
    effect.resource.name.encode()


PIECES = st.sampled_from(
    [
        "rm",
        " ",
        "\n",
        ";",
        "&",
        "&&",
        "|",
        "||",
        "(",
        ")",
        "{",
        "}",
        "((",
        "))",
        "$((",
        "$(",
        "${",
        "`",
        "'",
        '"',
        "\\",
        "$",
        "x",
        "=",
        "[",
        "]",
        "[[",
        "]]",
        "<",
        ">",
        ">>",
        "<<",
        "<<<",
        "<(",
        "&>",
        "EOF",
        "if",
        "then",
        "fi",
        "for",
        "in",
        "do",
        "done",
        "while",
        "case",
        "esac",
        ";;",
        "function",
        "f()",
        "!",
        "time",
        "coproc",
        "*",
        "?",
        "~",
        ":-",
        "%",
        "/",
        "#",
        "@",
        "1",
        ",",
        "..",
        "eval ",
        "bash -c ",
        ". ",
        "trap ",
        "export ",
        "read ",
        "printf ",
        "echo ",
        "-",
        "\t",
        "\r",
        "é",
        "\u2028",
        "$'",
        '$"',
        "\\\n",
        "x=(",
        "+=",
        "local ",
        "set -- ",
        "shift",
        "exec ",
        "cd ",
        "alias ",
        "unset ",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=40).map("".join)))
def test_any_text_gets_an_answer(text: str) -> None:
    reading = read(text)
    for effect in reading.effects:
        if effect.span is not None:
            start, end = effect.span
            assert 0 <= start <= end <= len(text)
    assert reading.summary


@pytest.mark.slow
@settings(max_examples=20_000, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=120).map("".join)))
def test_any_text_gets_an_answer_at_length(text: str) -> None:
    assert isinstance(read(text), Reading)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=20).map("".join))
def test_reading_is_a_function_of_the_text(text: str) -> None:
    assert read(text) == read(text)


def test_a_long_text_that_is_handed_on_again_and_again_ends_the_reading() -> None:
    """The story: a function with 8 KB of Python in it, called 1,400 times, took a second."""
    text = "f() { python3 -c '" + "x = 1; " * 1_100 + "'; }\n" + "f; " * 1_400
    assert any("are given more than" in effect.notes[0] for effect in opaques(read(text)))
