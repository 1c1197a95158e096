"""awk: its programs run commands, read from them and write files."""

from __future__ import annotations

import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.text import escaped
from interlock.effects.invocation import Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Verb

MAX_SCRIPT = 16_384  # characters; people write a tenth of that, and the walk takes 0.5 µs a character


_AWK_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<name>[A-Za-z_]\w*)|(?P<number>\d[\w.]*)|(?P<comment>#[^\n]*)'
    r"|(?P<op>\|\||&&|>>|\|&|[<>=!~]=|\+\+|--|[-+*/%^]=|.|\n)",
    re.DOTALL,
)
_AWK_REGEX_AFTER = frozenset(
    {"(", ",", "{", "}", ";", "!", "~", "&&", "||", "\n", "==", "!=", "", "print", "return", "in", "?", ":"}
)


def awk(draft: Draft) -> None:
    """awk runs commands by system(), pipes and getline, and writes files by print redirection."""
    for value in draft.values("file"):
        if value in draft.said.operands:
            if not re.match(r"[A-Za-z_]\w*=", value.text or ""):
                draft.file(Verb.READ, value)
            continue
        path = draft.path(value)
        text = draft.content(path) if path else None
        if text is None:
            draft.opaque("the awk program file cannot be read", value.source)
        else:
            draft.file(Verb.READ, value)
            _awk_program(draft, text)
    if draft.has("load", "include"):
        draft.opaque("awk loads an extension or a library")
    if draft.has("in-place") or "inplace" in (draft.text("include") or ""):
        for value in draft.values("file"):
            draft.file(Verb.WRITE, value)
    for value in (*draft.values("script"), *draft.values("source")):
        if value.text is None:
            draft.opaque("the awk program is not known", value.source)
        else:
            _awk_program(draft, value.text)


def _awk_tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        previous = tokens[-1][1] if tokens else ""
        if text[at] == "/" and previous in _AWK_REGEX_AFTER:
            match = re.compile(r"/(?:[^/\\\n\[]|\\.|\[\^?+\]?+(?:[^\]\\\n]|\\.)*\])*/").match(text, at)
            if match:
                tokens.append(("regex", match.group()))
                at = match.end()
                continue
        match = _AWK_TOKEN.match(text, at)
        if match is None:
            break
        at = match.end()
        kind = match.lastgroup or "op"
        if kind == "comment" or match.group() in (" ", "\t", "\r"):
            continue
        tokens.append((kind, match.group()))
    return tokens


def _awk_text(token: tuple[str, str] | None) -> str | None:
    if token is None or token[0] != "string":
        return None
    return escaped(token[1][1:-1])


def _awk_program(draft: Draft, text: str) -> None:
    if len(text) > MAX_SCRIPT:
        draft.opaque("the awk program is too long to be read", text)
        return
    tokens = _awk_tokens(text)
    printing, depth = False, 0
    for index, (kind, piece) in enumerate(tokens):
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        beyond = tokens[index + 2] if index + 2 < len(tokens) else None
        if kind == "name" and piece in ("print", "printf"):
            printing, depth = True, 0
        elif piece in (";", "}", "\n"):
            printing = False
        elif piece in ("(", ")"):
            depth += 1 if piece == "(" else -1
        elif kind == "name" and piece == "system":
            inside = beyond if after is not None and after[1] == "(" else None
            closed = tokens[index + 3][1] == ")" if index + 3 < len(tokens) else False
            _awk_run(draft, _awk_text(inside) if closed else None, "system()")
        elif piece in ("|", "|&") and after is not None and after[1] == "getline":
            _awk_run(
                draft, _awk_text(tokens[index - 1]) if index and not _joined(tokens, index - 1, -1) else None, "getline"
            )
        elif piece in ("|", "|&"):
            _awk_run(draft, _awk_text(after) if not _joined(tokens, index + 1, 1) else None, "a pipe")
        elif piece in (">", ">>") and printing and depth <= 0:
            _awk_file(draft, Verb.WRITE, _awk_text(after) if not _joined(tokens, index + 1, 1) else None)
        elif piece == "<" and "getline" in (tokens[index - 1][1], tokens[index - 2][1])[: min(index, 2)]:
            _awk_file(draft, Verb.READ, _awk_text(after))
        else:
            _awk_word(draft, kind, piece, text)


def _awk_word(draft: Draft, kind: str, piece: str, text: str) -> None:
    """Single words that reach outside: @load, ENVIRON, /inet/."""
    if piece == "@":
        draft.opaque("awk loads other code or calls by name", text)
    elif kind == "name" and piece == "ENVIRON":
        draft.flow.add(L.FROM_ENVIRONMENT)
    elif kind == "string" and piece.startswith('"/inet'):
        parts = piece.strip('"').split("/")
        draft.host(Verb.SEND, parts[4] if len(parts) > 4 else "?", taint=draft.flow)


def _joined(tokens: list[tuple[str, str]], index: int, step: int) -> bool:
    """Whether the piece beyond is an operand too: then awk joins both, and the text is not the whole."""
    beyond = index + step
    if not 0 <= beyond < len(tokens):
        return False
    kind, piece = tokens[beyond]
    return (
        kind in ("string", "number", "regex")
        or piece in ("$", "(", ")")
        or (kind == "name" and step > 0 and piece != "while")
    )


def _awk_run(draft: Draft, command: str | None, how: str) -> None:
    if command is None:
        draft.opaque(f"awk runs a command by {how} whose text is not constant")
    else:
        draft.shell(command)


def _awk_file(draft: Draft, verb: Verb, name: str | None) -> None:
    value = Word(text=name, source=name or "(computed by awk)", prefix=name or "")
    draft.file(verb, value, taint=draft.flow if verb is Verb.WRITE else ())
