"""Parameters, substitutions and arithmetic: what is constant is known, what is not is said to be unknown."""

from __future__ import annotations

import pytest

from .bench import argvs, invocations, opaques, read


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('x=a; run "$x" ${x}', ["a", "a"]),
        ("x='a b'; run $x \"$x\"", ["a", "b", "a b"]),
        ("x=; run $x y", ["y"]),
        ('x=; run "$x" y', ["", "y"]),
        ("x=a; x+=b; run $x", ["ab"]),
        ("run ${x_not_set_here:=d} $x_not_set_here", ["?", "?"]),
        ("unset x; run ${x:-d} ${x-e} ${x:+f} ${x:=g} $x", ["d", "e", "g", "g"]),
        ("x=; run ${x:-d} ${x-e} ${x+f}", ["d", "f"]),
        ("x=v; run ${x:-d} ${x:+alt}", ["v", "alt"]),
        ("unset x; run ${x:-'a b'} ${x:-\"c d\"}", ["a b", "c d"]),
        ("unset x; run ${x:-a b}", ["a", "b"]),
        ('unset x; run "${x:-a b}"', ["a b"]),
        ("x=a.tar.gz; run ${x%.*} ${x%%.*} ${x#*.} ${x##*.}", ["a.tar", "a", "tar.gz", "gz"]),
        ("x=/usr/lib/z; run ${x##*/} ${x%/*}", ["z", "/usr/lib"]),
        (
            "x=banana; run ${x/an/_} ${x//an/_} ${x/#ba/X} ${x/%na/Y} ${x//a}",
            ["b_ana", "b__a", "Xnana", "banaY", "bnn"],
        ),
        ("x=hello; run ${x:1} ${x:1:3} ${x: -2} ${#x} ${x^} ${x^^}", ["ello", "ell", "lo", "5", "Hello", "HELLO"]),
        ("x=ABC; run ${x,} ${x,,}", ["aBC", "abc"]),
        ("y=x; x=v; run ${!y}", ["v"]),
        ("a=(1 'b c' 3); run ${a[1]} \"${a[1]}\" ${#a[@]} $a", ["b", "c", "b c", "3", "1"]),
        ("a=(1 'b c'); run \"${a[@]}\"", ["1", "b c"]),
        ('a=(1 2); a+=(3); run "${a[*]}" ${a[@]:1}', ["1 2 3", "2", "3"]),
        ("a=(x.c y.c); run ${a[@]%.c}", ["x", "y"]),
        ('set -- p \'q r\'; run $1 "$2" $# "$@"', ["p", "q r", "2", "p", "q r"]),
        ("set -- p q r; shift; run $@", ["q", "r"]),
        ('set --; run "$@"', []),
        ("run $((1+2*3)) $((2**10)) $((7/2)) $((-7%3)) $((0x10)) $((010))", ["7", "1024", "3", "-1", "16", "8"]),
        ("x=4; run $((x+1)) $((x>3)) $((x>3?10:20)) $(( (x+1)*2 ))", ["5", "1", "10", "10"]),
        ("x=4; ((x++)); run $x $((x+=2)) $x", ["5", "7", "7"]),
        ("let x=3+4; run $x", ["7"]),
        ("run $[1+1]", ["2"]),
        ("IFS=:; x=a:b; run $x", ["a", "b"]),
        ("run $HOME $USER $PWD", ["/home/u", "u", "/w"]),
        ("run $LANG", ["C"]),
        ("export x=1 y=2; run $x$y", ["12"]),
        ("declare x=a; readonly y=b; run $x$y", ["ab"]),
        ("printf -v x %s-%s a b; run $x", ["a-b"]),
        ('read x y <<< \'a b c\'; run "$x" "$y"', ["a", "b c"]),
        ("mapfile -t a <<< $'p q\\nr'; run \"${a[@]}\"", ["p q", "r"]),
    ],
)
def test_values(text: str, words: list[str]) -> None:
    assert argvs(text)[-1] == ["run", *words]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("run $(echo rm)", ["rm"]),
        ("run `echo rm`", ["rm"]),
        ("run `echo \\`echo deep\\``", ["deep"]),
        ('run "$(printf "a b")"', ["a b"]),
        ("run $(printf '\\x72\\x6d')", ["rm"]),
        ("run $(echo -n a; echo b)", ["ab"]),
        ("run $(echo -e 'a\\tb')", ["a", "b"]),
        ("run $(pwd)", ["/w"]),
        ("run $(cd /tmp && pwd)", ["/tmp"]),
        ("run $(cat <<E\nbody\nE\n)", ["body"]),
        ("run $(echo $(echo nested))", ["nested"]),
        ("run $(echo cm0= | base64 -d)", ["rm"]),
        ("run $(unknown-program)", ["?"]),
        ("run pre$(unknown-program)", ["?"]),
        ("run $( (echo sub) )", ["sub"]),
        ("run $(true && echo yes || echo no)", ["yes"]),
    ],
)
def test_substitutions(text: str, words: list[str]) -> None:
    assert ["run", *words] in argvs(text, {"/tmp/x": ""})


@pytest.mark.parametrize(
    "text",
    [
        "if q; then echo a; else echo b; fi",
        "q && echo a; echo b",
        "echo a; q || echo b",
        "f",
        "for i in 1 2; do q && break; echo $i; done",
        "case $Q in a) echo a;; *) echo b;; esac",
        "while q; do echo a; done",
        "q || exit; echo a",
        "cd /not/known && pwd",
    ],
)
def test_output_that_depends_on_what_is_not_known_is_not_known(text: str) -> None:
    assert ["run", "?"] in argvs("f() { if q; then echo a; return; fi; echo b; }; run $(" + text + ")")


@pytest.mark.parametrize(
    "text", ["if true; then echo a; else echo b; fi", "case x in x) echo a;; *) echo b;; esac", "true && echo a"]
)
def test_output_that_depends_on_what_is_known_is_known(text: str) -> None:
    assert ["run", "a"] in argvs(f"q && run $({text})")


def test_a_constant_substitution_as_the_command() -> None:
    assert ["rm", "-rf", "/"] in argvs("$(echo rm) -rf /")
    assert ["rm", "-rf", "/"] in argvs("x=r; y=m; $x$y -rf /")
    assert ["rm", "-rf", "/"] in argvs('cmd="rm -rf"; $cmd /')


def test_an_unknown_command_name_is_opaque_with_its_span() -> None:
    text = "ls; $TOOL -rf /; ls"
    (effect,) = opaques(read(text))
    assert effect.span is not None
    assert text[slice(*effect.span)] == "$TOOL -rf /"


def test_an_unknown_word_keeps_the_prefix_it_must_begin_with() -> None:
    (inv,) = invocations('rm -rf "/srv/$X/y"')
    assert inv.words[2].text is None
    assert inv.words[2].prefix == "/srv/"
    assert not inv.words[2].many


def test_an_unquoted_unknown_may_be_many_words() -> None:
    (inv,) = invocations("rm $X")
    assert inv.words[1].many


def test_a_variable_that_two_ways_set_differently_is_not_known() -> None:
    assert ["rm", "?"] in argvs("x=a; if test -f q; then x=b; fi; rm $x")
    assert ["rm", "?"] in argvs("x=a; test -f q && x=b; rm $x")


def test_branches_that_agree_stay_known() -> None:
    assert ["rm", "v"] in argvs("if test -f q; then x=v; else x=v; fi; rm $x")


def test_a_secret_variable_taints_the_word() -> None:
    (inv,) = invocations('curl -H "Authorization: $GITHUB_TOKEN" https://x')
    assert inv.words[2].taint == ("secret",)


def test_a_variable_of_an_ordinary_name_has_no_taint() -> None:
    (inv,) = invocations('curl "$URL"')
    assert inv.words[1].taint == ()


@pytest.mark.parametrize(
    "text",
    [
        "x='a[$(rm -rf /)]'; echo $((x))",
        "x='a[$(rm -rf /)]'; ((x))",
        "x='a[`rm`]'; let x+1",
        "x='a[$(rm)]'; [[ $x -eq 1 ]]",
        "test -v 'a[$(rm)]'",
        "unset 'a[$(rm)]'",
        "echo ${PS1@P}",
    ],
)
def test_values_that_run_when_evaluated_are_opaque(text: str) -> None:
    assert opaques(read(text))


def test_commands_inside_arithmetic_subscripts_and_defaults_are_seen() -> None:
    for text in ("echo $((1+$(rm x)))", "a[$(rm x)]=1", "echo ${y:-$(rm x)}", "echo ${y/$(rm x)/z}", "((a=$(rm x)))"):
        assert ["rm", "x"] in argvs(text), text
