"""Why the shell has a reader of its own: what the tree-sitter grammar makes of these, and what we make of them.

Each pins a misreading of tree-sitter-bash 0.25. Should one fail after an upgrade, the grammar got better there.
"""

from __future__ import annotations

import time

import pytest

from .bench import argvs, invocations, opaques, read

tree_sitter = pytest.importorskip("tree_sitter")
tree_sitter_bash = pytest.importorskip("tree_sitter_bash")


def tree(text: str) -> str:
    """The tree in brackets."""
    language = tree_sitter.Language(tree_sitter_bash.language())
    return str(tree_sitter.Parser(language).parse(text.encode()).root_node)


def test_a_redirection_belongs_to_the_last_command_of_a_list() -> None:
    text = "a && b > x"
    assert tree(text).startswith("(program (redirected_statement body: (list")
    shown = {inv.words[0].text: [r.op for r in inv.redirects] for inv in invocations(text)}
    assert shown == {"a": [], "b": [">"]}


def test_the_rest_of_a_line_is_not_inside_its_here_document() -> None:
    text = "cat <<E | grep x && rm y\nbody\nE\n"
    assert "(heredoc_redirect (heredoc_start) (pipeline" in tree(text)
    assert argvs(text) == [["cat"], ["grep", "x"], ["rm", "y"]]


def test_backquotes_in_a_here_document_run() -> None:
    text = "cat <<E\nx $y `rm z`\nE\n"
    assert "command_substitution" not in tree(text)
    assert ["rm", "z"] in argvs(text)


def test_one_unusual_ending_does_not_spoil_the_line() -> None:
    text = "for i in a; do rm $i; done; case $x in a) foo;; *) bar;& esac"
    assert tree(text).startswith("(program (ERROR")
    assert not opaques(read(text))
    assert argvs(text) == [["rm", "a"], ["foo"], ["bar"]]


def test_both_directions_of_a_redirection() -> None:
    assert "ERROR" in tree("exec 3<>/dev/tcp/h/80")
    assert not opaques(read("exec 3<> f"))


def test_coproc_and_time_are_words_of_the_grammar() -> None:
    assert "(command name: (command_name (word)) argument: (word) argument: (word)" in tree("coproc rm x")
    assert argvs("coproc rm x; time -p rm y") == [["rm", "x"], ["rm", "y"]]


def test_a_quoted_name_is_the_name() -> None:
    for text in (r"\rm x", '"r"m x', r"$'\x72m' x"):
        assert argvs(text) == [["rm", "x"]]


def test_words_after_a_redirection_are_arguments() -> None:
    assert tree("cat < in a b").count("destination: (word)") == 3
    assert argvs("cat < in a b") == [["cat", "a", "b"]]


def test_a_small_text_that_keeps_the_grammar_busy_for_long() -> None:
    text = "((a" * 1_000
    begun = time.process_time()
    tree(text)
    grammar = time.process_time() - begun
    begun = time.process_time()
    assert opaques(read(text))
    ours = time.process_time() - begun
    assert ours < grammar
