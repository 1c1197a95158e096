"""Node, Ruby, Perl, PHP and other interpreters, in all the ways they are called.

Languages with a grammar are read by `interlock.effects.code`. The text of the others (Lua, R, Julia ...) is let through
only if it holds none of the words by which its language reaches outside.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from interlock.effects.catalogue import programs
from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.catalogue.words import word_list
from interlock.effects.invocation import Word
from interlock.effects.secret_names import secret_name
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Verb

_VARIABLE = re.compile(r"""\bENV(?:\.fetch)?[\[({]\s*["']?(\w+)["']?|\bgetenv\(\s*["'](\w+)["']""")

# Words by which the other languages reach outside. A text with none of them computes and prints.
_SIGNS = re.compile(r"""`|%x|<\(|>>|\|\s*['"]|\$\w+\s*\(|&\s*[${]|"[^"]*(?:[@$#]\{|\{\$)""")
_PRINTS = re.compile(r"\bIO\.(?:puts|inspect|write)\b")  # Elixir's and Lua's way to print
_WORD = re.compile(r"\w+")
_REACHING = word_list("reaching-words")
_REACHING_BEGINNINGS = (
    "curl_",
    "pg_",
    "call_user_func",
    "Invoke",
    "delete",
    "remove",
    "destroy",
    "drop",
    "erase",
    "purge",
)
_SCRIPTS = (".js", ".ts", ".tsx", ".jsx", ".mjs", ".cjs", ".mts", ".cts")
# Everyday calls whose names hold such a word: a clock, printing, a table of the working directory.
_HARMLESS = re.compile(
    r"\bSystem\.(?:(?:out|err)\.print\w*|version|currentTimeMillis|nanoTime)\b|\bos\.(?:date|time|clock|difftime)\b"
    r"|\bread\.(?:csv2?|table|delim)\b|\bIO\.(?:puts|inspect)\b|\bdev\.off\b|\bio\.write\b|(?<=[)\w\]] )<- "
)
_PLACE = re.compile(r"""["'](?:/|~|\.\.|\w+://)|\.(?:pem|key|env)\b|\.env""")
_MOST_TEXT = 50_000
_INSTALLS = ("CPAN", "App::cpan", "bundler/inline")  # their text names what is fetched and run
_PLAIN_LIBRARY = re.compile(r"[-\w:=,./@~ ]*")  # a Perl -M is code: `-M'strict;system(1)'`


def node(draft: Draft) -> None:
    """node: -e and -p texts, scripts, standard input."""
    for value in (*draft.values("preload"),):
        if (value.text or "").startswith(("/", "~", "..", "data:", "http:", "https:")) or value.text is None:
            draft.run_unread(value.source, "loads a module before it starts", value.taint)
        else:
            draft.project(f"{draft.command} with {value.text}")
    codes = draft.values("code")
    operands = [*draft.values("script"), *draft.values("argument")]
    for value in codes:
        node_text(draft, value)
    if draft.has("check"):
        for value in operands[:1]:
            draft.file(Verb.READ, value)
    elif draft.has("run"):
        draft.argv([known("npm"), known("run"), *draft.values("run")])
    elif draft.has("test") or draft.has("watch"):
        draft.project(f"{draft.command} --test")
    elif not codes and operands and operands[0].text != "-":
        run_script(draft, operands[0])
    elif not codes:
        _stdin(draft, node_text)


def deno_eval(draft: Draft) -> None:
    """deno eval and deno run."""
    for value in draft.values("code"):
        node_text(draft, value)
    for value in draft.values("script"):
        if value.text == "-":
            _stdin(draft, node_text)
        elif not (value.text or "").startswith(("http:", "https:", "npm:", "jsr:", "data:")):
            run_script(draft, value)


def runtime(draft: Draft) -> bool:
    """bun as a runtime: a text, or a file by its path; False when it is called as a package manager."""
    for value in draft.values("preload"):
        if not draft.ours(draft.path(value)):
            draft.run_unread(value.source or "?", "loads a module before it starts", value.taint)
    for value in draft.values("code"):
        node_text(draft, value)
    operands = draft.said.operands
    if draft.values("code") or not operands:
        return bool(draft.values("code"))
    first = operands[1] if operands[0].text == "run" and len(operands) > 1 else operands[0]
    if operands[0].text == "run" and first.text == "-":
        _stdin(draft, node_text)
        return True
    if first.text is not None and first.text.endswith(_SCRIPTS):
        run_script(draft, first)
        return True
    return False


def _environment(draft: Draft, text: str, single: re.Pattern[str], *, whole: str) -> None:
    """One variable by its name carries what its name says; the environment in any other way is the whole of it."""
    for found in single.finditer(text):
        if secret_name(next(name for name in found.groups() if name)):
            draft.flow.add(L.FROM_SECRET)
    if whole in single.sub("", text):
        draft.flow.add(L.FROM_ENVIRONMENT)


def node_text(draft: Draft, value: Word) -> None:
    """JavaScript text; the runners of TypeScript read both."""
    read_text(draft, value, "javascript" if draft.command.startswith("node") else "typescript")


def read_text(draft: Draft, value: Word, language: str) -> None:
    """Inline text of a language that is parsed."""
    from interlock.effects.code import read_code

    text = value.text
    if text is None:
        draft.run_unread(value.source[:200], f"the {language} text is not known", value.taint)
    elif not read_code(draft, language, text, strict=True):
        draft.opaque(f"the {language} text cannot be read", text[:200])


def run_script(draft: Draft, value: Word) -> None:
    """A script in a language that is not read: project code in the workspace, else a stranger."""
    path = draft.path(value)
    if path is not None and draft.ours(path) and posixpath.basename(path) in programs.ENTRY_POINTS:
        after = draft.inv.words.index(value) + 1
        draft.argv([known(posixpath.basename(path)), *draft.inv.words[after:]])
    if path is None:
        programs.script_elsewhere(draft, value)
    else:
        programs.script(draft, path, (), interpreter=draft.command)


def other_code(draft: Draft) -> None:
    """Ruby, Perl, PHP and kin."""
    codes = draft.values("code")
    files = draft.values("file")
    script = draft.values("script") or draft.values("scriptfile")
    in_place = draft.has("in-place")
    _loaded(draft)
    if draft.has("searched") and script:
        draft.argv([*script, *files])
        return
    for value in codes:
        other_text(draft, value)
    if draft.has("serve"):
        draft.project(f"{draft.command} -S")
    elif codes:
        for value in files:
            draft.file(Verb.WRITE if in_place else Verb.READ, value)
    elif draft.has("check"):
        for value in [*draft.values("script"), *files][:1]:
            draft.file(Verb.READ, value)
    elif script and script[0].text not in ("-", "/dev/stdin"):
        run_script(draft, script[0])
    elif not draft.has("asked"):
        _stdin(draft, other_text)


_DC_SHELL = re.compile(r"!(?![<>=])")  # `!<r`, `!>r` and `!=r` compare


def dc(draft: Draft) -> None:
    """dc: a `!` hands the rest of its line to a shell (dc(1))."""
    expressions, files = draft.values("expression"), draft.values("file")
    for value in expressions:
        _dc_text(draft, value)
    for value in files:
        path = draft.path(value)
        text = draft.content(path) if path else None
        draft.file(Verb.READ, value)
        if text is None or _DC_SHELL.search(text):
            draft.opaque("a dc program may hand lines to a shell", value.source or value.text or "")
    if not files and not expressions and draft.inv.stdin.present:
        _stdin(draft, _dc_text)


def _dc_text(draft: Draft, value: Word) -> None:
    if value.text is None:
        draft.run_unread(value.source[:200], "the dc text is not known", value.taint)
    elif _DC_SHELL.search(value.text):
        draft.opaque("a `!` of dc runs the rest of its line in a shell", value.text[:200])


def _loaded(draft: Draft) -> None:
    """Options by which Perl and PHP load code from elsewhere before the text runs."""
    for value in draft.values("library-folder"):
        if not draft.ours(draft.path(value)):
            draft.run_unread(value.source or "?", "loads modules from outside of the workspace", value.taint)
    for value in draft.values("library"):
        name = value.text
        if (
            name is None
            or not _PLAIN_LIBRARY.fullmatch(name)
            or name.startswith(_INSTALLS)
            or (name.startswith(("/", "~", "..")) and not draft.ours(draft.path(value)))
        ):
            draft.run_unread(value.source or "?", "loads a module before it starts", value.taint)
    if draft.has("debugger"):
        draft.opaque(f"{draft.command} loads a debugger, which runs first")
    for value in draft.values("setting"):
        if value.text is None or re.search(r"prepend_file|append_file|extension|include_path|sendmail", value.text):
            draft.opaque("a setting that loads other code", value.source or "?")


def other_text(draft: Draft, value: Word) -> None:
    """Inline text: parsed in the languages that have a grammar here, else judged by its words only."""
    from interlock.effects.code.files import language_of

    language = language_of(draft.command, "")
    if language:
        inline = language == "phpfile" and value.text is not None and "<?" not in value.text
        read_text(draft, value, "php" if inline else language)
        return
    text = value.text
    if text is None or len(text) > _MOST_TEXT:
        draft.run_unread(value.source[:200], f"the {draft.command} text is not known", value.taint)
        return
    text = _PRINTS.sub("print", text)
    plain = re.sub(r"""'[^'\\`]*'|"(?:(?![@$#]\{|\{\$)[^"\\`])*\"""", "''", text)
    if not _PLACE.search(text):
        plain = _HARMLESS.sub("", plain)
    if _SIGNS.search(plain) or any(map(_reaches, _WORD.findall(plain))):
        draft.opaque(f"{draft.command} text that may reach outside", text)
    _environment(draft, text, _VARIABLE, whole="ENV")
    if "getenv()" in text:
        draft.flow.add(L.FROM_ENVIRONMENT)


def _reaches(word: str) -> bool:
    return word in _REACHING or word.startswith(_REACHING_BEGINNINGS)


def _stdin(draft: Draft, read: Callable[[Draft, Word], None]) -> None:
    stdin = draft.inv.stdin
    if stdin.text is not None:
        read(draft, known(stdin.text))
    elif stdin.path is not None:
        run_script(draft, stdin.path)
    elif stdin.present:
        draft.run_unread(draft.command, f"{draft.command} runs what it reads", stdin.taint)
    elif not draft.has("asked"):
        interactive(draft)
