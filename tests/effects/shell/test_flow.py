"""Control flow: what runs, what may run, and where."""

from __future__ import annotations

import pytest

from interlock.effects.invocation import Reach

from .bench import argvs, invocations, opaques, read


def names(text: str, files: dict[str, str] | None = None) -> list[str]:
    return [inv.words[0].text or "?" for inv in invocations(text, files)]


@pytest.mark.parametrize(
    ("text", "programs"),
    [
        ("a; b\nc", ["a", "b", "c"]),
        ("a && b || c", ["a", "b", "c"]),
        ("a | b |& c", ["a", "b", "c"]),
        ("a & b & wait", ["a", "b"]),
        ("(a; b); { c; d; }", ["a", "b", "c", "d"]),
        ("if a; then b; elif c; then d; else e; fi", ["a", "b", "c", "d", "e"]),
        ("while a; do b; done", ["a", "b"]),
        ("until a; do b; done", ["a", "b"]),
        ("case $x in a|b) c;; *) d;; esac", ["c", "d"]),
        ("case $x in (a) c;& b) d;;& *) e; esac", ["c", "d", "e"]),
        ("for ((i=0;i<3;i++)); do a; done", ["a"]),
        ("select x in a b; do c; done", ["c"]),
        ("f() { a; }; f; f", ["a", "a"]),
        ("function f { a; }; b", ["b"]),
        ("function f() ( a ); f", ["a"]),
        ("coproc rm x", ["rm"]),
        ("coproc P { rm x; }", ["rm"]),
        ("time -p rm x", ["rm"]),
        ("[[ -f x && $(a) == b ]] && c", ["a", "c"]),
        ("true && a; false && b; true || c; false || d", ["a", "d"]),
        ("if true; then a; else b; fi", ["a"]),
        ("exit; a", []),
        ("(exit); a", ["a"]),
        ("f() { return; a; }; f; b", ["b"]),
        ("if x; then exit; fi; a", ["x", "a"]),
        ("exec a; b", ["a"]),
        ("! a", ["a"]),
        ("trap 'a' EXIT; b", ["a", "b"]),
        ("eval 'a; b'", ["a", "b"]),
        ("eval a \\; b", ["a", "b"]),
        ("command a; builtin eval b", ["a", "b"]),
        ("command -v a", []),
        ("while read x; do a; done < f", ["a"]),
        ("a # b\nc", ["a", "c"]),
    ],
)
def test_what_runs(text: str, programs: list[str]) -> None:
    seen = names(text)
    assert sorted(set(seen)) == sorted(set(programs))


def test_a_function_that_hides_a_program_is_the_function() -> None:
    assert argvs("ls() { rm x; }; ls") == [["ls"], ["rm", "x"]]
    assert names("ls() { rm x; }; command ls") == ["ls"]


def test_a_function_gets_its_arguments_and_its_locals_end_with_it() -> None:
    assert ["rm", "/x"] in argvs('f() { rm "$1"; }; f /x')
    assert argvs("x=1; f() { local x=2; run $x; }; f; run $x")[-1] == ["run", "1"]


def test_a_function_defined_in_one_branch_may_be_either() -> None:
    seen = names("f() { a; }; if q; then f() { b; }; fi; f")
    assert {"a", "b"} <= set(seen)


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("for f in a b; do rm $f; done", ["a", "b"]),
        ("for f in {1..3}; do rm x$f; done", ["x1", "x2", "x3"]),
        ("set -- p q; for f; do rm $f; done", ["p", "q"]),
        ("x='p q'; for f in $x; do rm $f; done", ["p", "q"]),
        ("for f in a $X; do rm $f; done", ["?"]),
        ("for f in a b; do rm $f; break; done", ["a"]),
        ("for f in a b; do continue; rm $f; done", []),
        ("for f in a b; do for g in 1 2; do rm $f$g; break 2; done; done", ["a1"]),
        ("x=/safe; while q; do rm $x; x=/; done", ["/safe", "?"]),
    ],
)
def test_loops_over_constants_are_read_one_by_one(text: str, targets: list[str]) -> None:
    removed = [command[1] for command in argvs(text) if command[0] == "rm"]
    assert removed == targets


def test_a_loop_over_a_pattern_keeps_the_pattern() -> None:
    (inv,) = invocations('for f in *.log; do rm "$f"; done')
    assert (inv.words[1].text, inv.words[1].glob) == ("*.log", True)
    (inv,) = invocations('for f in /var/*.log; do mv "$f.old"; done')
    assert inv.words[1].text == "/var/*.log.old"


def test_what_may_not_run_is_marked_so() -> None:
    reach = {inv.words[0].text: inv.reach for inv in invocations("a && b; c; if d; then e; fi; f || g")}
    assert reach == {
        "a": Reach.ALWAYS,
        "b": Reach.MAYBE,
        "c": Reach.ALWAYS,
        "d": Reach.ALWAYS,
        "e": Reach.MAYBE,
        "f": Reach.ALWAYS,
        "g": Reach.MAYBE,
    }


@pytest.mark.parametrize(
    ("text", "cwd"),
    [
        ("run", "/w"),
        ("cd /tmp && run", "/tmp"),
        ("cd x && run", "/w/x"),
        ("cd ../y; cd z; run", "/y/z"),
        ("cd; run", "/home/u"),
        ("cd ~/p; run", "/home/u/p"),
        ('cd "$X"; run', None),
        ("cd /tmp; cd -; run", "/w"),
        ("(cd /tmp); run", "/w"),
        ("cd /tmp | true; run", "/w"),
        ("pushd /tmp; run", "/tmp"),
        ("pushd /tmp; popd; run", "/w"),
        ("f() { cd /tmp; }; f; run", "/tmp"),
        ("if q; then cd /a; else cd /b; fi; run", None),
        ("cd $(echo /tmp) && run", "/tmp"),
        ("bash -c 'cd /tmp'; run", "/w"),
        ("eval 'cd /tmp'; run", "/tmp"),
        ("CDPATH=/q; cd x; run", None),
    ],
)
def test_the_directory_is_followed(text: str, cwd: str | None) -> None:
    assert [inv.cwd for inv in invocations(text) if inv.words[0].text == "run"] == [cwd]


def test_a_subshell_keeps_its_variables_to_itself() -> None:
    assert argvs("x=1; (x=2; run $x); run $x") == [["run", "2"], ["run", "1"]]
    assert argvs("x=1; echo y | read x; run $x")[-1] == ["run", "1"]


def test_aliases_of_the_text_are_read_both_ways() -> None:
    seen = argvs("shopt -s expand_aliases\nalias ll='rm -rf'\nll x")
    assert ["rm", "-rf", "x"] in seen
    assert ["ll", "x"] in seen


def test_a_trap_at_exit_sees_the_last_values() -> None:
    assert ["rm", "late"] in argvs("trap 'rm $x' EXIT; x=late")


def test_a_sourced_file_is_read_and_its_content_bound() -> None:
    reading = read(". ./env.sh; run $x", {"/w/env.sh": "x=5\nrm y\n"})
    assert ("rm", "y") in reading.commands
    assert ("run", "5") in reading.commands
    assert reading.operands == ("/w/env.sh",)


def test_a_sourced_file_that_is_not_there_leaves_nothing_known() -> None:
    reading = read("x=1; . ./env.sh; run $x")
    assert opaques(reading)
    assert ("run", "?") in reading.commands


def test_a_syntax_error_hides_only_what_follows_it() -> None:
    reading = read("rm a\nrm b )\nrm c\n")
    assert reading.commands == (("rm", "a"),)
    (effect,) = opaques(reading)
    assert effect.span == (5, 17)


def test_a_directory_that_is_not_there_is_gone_to_only_where_going_succeeded() -> None:
    files = {"/w/here/x": ""}
    text = "cd gone && one; two"
    assert [(inv.words[0].text, inv.cwd) for inv in invocations(text, files)] == [("one", "/w/gone"), ("two", None)]
    assert [inv.cwd for inv in invocations("cd gone; rm -rf x", files)] == [None]
    assert [inv.cwd for inv in invocations("cd gone 2>/dev/null; rm -rf x", files)] == [None]
    assert [inv.cwd for inv in invocations("cd gone || one; two", files)] == ["/w", None]
    assert [inv.cwd for inv in invocations("cd gone || exit; two", files)] == ["/w/gone"]
    assert [inv.cwd for inv in invocations("mkdir gone; cd gone; two", files)][-1] is None
    assert [inv.cwd for inv in invocations("cd here; two", files)] == ["/w/here"]


def test_a_function_that_is_exported_hides_the_program_in_the_child_too() -> None:
    assert ["rm", "x"] in argvs("ls() { rm x; }; export -f ls; bash -c ls")
    assert ["rm", "x"] not in argvs("ls() { rm x; }; bash -c ls")


def test_an_alias_of_exit_does_not_hide_what_follows() -> None:
    assert ["rm", "x"] in argvs("shopt -s expand_aliases\nalias exit=true\nexit\nrm x")
    assert ["rm", "x"] in argvs("exit() { true; }; exit; rm x")


def test_declared_attributes_change_what_an_assignment_means() -> None:
    assert ["run", "?"] in argvs("declare -l x; x=RM; run $x")
    assert ["run", "?"] in argvs("declare -i x; x=1+1; run $x")
    assert opaques(read("declare -n r=x; r=evil; $x"))


def test_what_follows_a_conditional_exit_may_not_run() -> None:
    reach = {inv.words[0].text: inv.reach for inv in invocations("q || exit 1; rm x")}
    assert reach["rm"] is Reach.MAYBE
    reach = {inv.words[0].text: inv.reach for inv in invocations("f() { q || return; a; }; f; b")}
    assert reach["a"] is Reach.MAYBE
    assert reach["b"] is Reach.ALWAYS


def test_a_second_round_reads_another_line() -> None:
    assert ["rm", "?"] in argvs("y=$Q; printf 'a\\nb\\n' | while read y; do rm $y; done")


def test_an_error_in_an_expansion_throws_the_loop_away() -> None:
    assert argvs('for y in a b; do one "${!q}"; done\nrun $y')[-1] == ["run", "?"]
    assert argvs("y='a b'; for y in 's q' c; do one $((y+1)); done\nrun $y")[-1] == ["run", "?"]
