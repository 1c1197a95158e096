"""Words reach programs as bash would hand them over."""

from __future__ import annotations

import pytest

from .bench import argvs, opaques, read


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ("rm -rf x", ["rm", "-rf", "x"]),
        (r"\rm x", ["rm", "x"]),
        ("r''m x", ["rm", "x"]),
        ('"r"m x', ["rm", "x"]),
        (r"$'\x72m' x", ["rm", "x"]),
        (r"$'\162\u006d' x", ["rm", "x"]),
        ('$"rm" x', ["rm", "x"]),
        (r"a\ b 'c d' \"e", ["a b", "c d", '"e']),
        ("rm a\\\nb", ["rm", "ab"]),
        ("r\\\nm x", ["rm", "x"]),
        ("echo 'it'\\''s'", ["echo", "it's"]),
        ('echo "a\\"b\\$c\\x"', ["echo", 'a"b$c\\x']),
        (r"echo $'\t\e[0m\\'", ["echo", "\t\x1b[0m\\"]),
        (r"echo $'a\0b' x", ["echo", "a", "x"]),
        (r"echo $'\xc3\xa9'", ["echo", "é"]),
        ('echo ""', ["echo", ""]),
        ("echo '' x", ["echo", "", "x"]),
        ("echo a#b #c", ["echo", "a#b"]),
        ("echo $ a", ["echo", "$", "a"]),
        ("echo a{b", ["echo", "a{b"]),
        ("echo {} {a}", ["echo", "{}", "{a}"]),
        ("find . -exec rm {} \\;", ["find", ".", "-exec", "rm", "{}", ";"]),
        ("[ -f x ]", ["[", "-f", "x", "]"]),
        ("time -p rm x", ["rm", "x"]),
        ("! rm x", ["rm", "x"]),
        ("echo 1 2>&1", ["echo", "1"]),
        ("echo 12> /dev/null", ["echo"]),
        ("echo a=b c+=d", ["echo", "a=b", "c+=d"]),
        ("echo if then", ["echo", "if", "then"]),
    ],
)
def test_quoting(text: str, argv: list[str]) -> None:
    assert argvs(text) == [argv]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{a,b}c", ["ac", "bc"]),
        ("x{1..3}", ["x1", "x2", "x3"]),
        ("{3..1}", ["3", "2", "1"]),
        ("{a..e..2}", ["a", "c", "e"]),
        ("{01..03}", ["01", "02", "03"]),
        ("{a,{b,c}}", ["a", "b", "c"]),
        ("{a,b}{1,2}", ["a1", "a2", "b1", "b2"]),
        ("'{a,b}'", ["{a,b}"]),
        ("{a','b,c}", ["a,b", "c"]),
        ("pre{,.bak}", ["pre", "pre.bak"]),
        ('{"x y",z}', ["x y", "z"]),
        ("$HOME/{a,b}", ["/home/u/a", "/home/u/b"]),
    ],
)
def test_braces(text: str, words: list[str]) -> None:
    assert argvs(f"run {text}") == [["run", *words]]


def test_a_command_made_of_braces() -> None:
    assert argvs("{rm,-rf,x}") == [["rm", "-rf", "x"]]


def test_braces_do_not_expand_in_an_assignment_but_do_after_export() -> None:
    assert argvs('x={a,b}; run "$x"') == [["run", "{a,b}"]]
    assert ["run", "b"] in argvs('export x={a,b}; run "$x"')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("~", ["/home/u"]),
        ("~/x", ["/home/u/x"]),
        ("~u/x", ["/home/u/x"]),
        ("~root/x", ["/root/x"]),
        ("~other/x", ["/home/other/x"]),
        ("'~'/x", ["~/x"]),
        ('"~/x"', ["~/x"]),
        (r"\~/x", ["~/x"]),
        ("x~", ["x~"]),
        ("~+/x", ["/w/x"]),
        ("k=~/x:~/y", ["k=/home/u/x:/home/u/y"]),
        ("~/x:~/y", ["/home/u/x:~/y"]),
        ('~"/x"', ["~/x"]),
    ],
)
def test_tilde(text: str, words: list[str]) -> None:
    assert argvs(f"run {text}") == [["run", *words]]


def test_tilde_follows_a_home_that_the_text_sets() -> None:
    assert argvs("HOME=/; rm -rf ~/x ~") == [["rm", "-rf", "//x", "/"]]


FILES = {"/w/a.py": "", "/w/b.py": "", "/w/c.txt": "", "/w/d/e.py": "", "/w/.hidden": "", "/bin/rm": ""}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("*.py", ["a.py", "b.py"]),
        ("*", ["a.py", "b.py", "c.txt", "d"]),
        (".h*", [".hidden"]),
        ("[ab].py", ["a.py", "b.py"]),
        ("[!a].py", ["b.py"]),
        ("?.txt", ["c.txt"]),
        ("d/*", ["d/e.py"]),
        ("*/*.py", ["d/e.py"]),
        ("/w/*.txt", ["/w/c.txt"]),
        ("*/", ["d/"]),
        ("'*'.py", ["*.py"]),
        ("nothing*", ["nothing*"]),
        ('"a"*', ["a.py"]),
    ],
)
def test_globs_against_the_names_that_are_there(text: str, words: list[str]) -> None:
    assert argvs(f"run {text}", FILES) == [["run", *words]]


def test_a_glob_in_the_command_name_is_resolved_when_names_are_known() -> None:
    assert argvs("/bin/r? x", FILES) == [["/bin/rm", "x"]]
    assert opaques(read("/bin/r? x"))


def test_a_glob_without_known_names_stays_a_pattern() -> None:
    from .bench import invocations

    (inv,) = invocations("rm *.py")
    assert inv.words[1].text == "*.py"
    assert inv.words[1].glob
    assert inv.words[1].many


def test_a_glob_after_a_command_that_may_have_changed_the_directory_stays_a_pattern() -> None:
    assert ["run", "*.py"] in argvs("rm a.py; run *.py", FILES)


def test_unicode_blanks_are_not_blanks() -> None:
    assert argvs("rm\u00a0x") == [["rm\u00a0x"]]
    assert argvs("run a\u2003b\x0bc\x0cd") == [["run", "a\u2003b\x0bc\x0cd"]]


def test_a_carriage_return_is_a_part_of_the_word() -> None:
    assert argvs("rm x\r\nls\r\n") == [["rm", "x\r"], ["ls\r"]]
