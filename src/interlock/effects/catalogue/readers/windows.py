"""Readers for cmd.exe and for its own programs, whose operands are paths as Windows writes them."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources

from interlock.effects.catalogue.draft import Draft, absolute
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.invocation import Word
from interlock.effects.windows_paths import expanded, looks_like_path, windows_word
from interlock.model.effect import Kind, Verb

_MOST_COMMANDS = 256
_RUNS = ("/c", "/k", "/r")  # `//c` in a shell that would take `/c` for a path
_SEPARATORS = ("&&", "||", "&", "|")
_SWITCH = re.compile(r"/[A-Za-z?][A-Za-z]?(?::[^\s]*)?|/mir|/purge", re.IGNORECASE)


@cache
def _builtin() -> dict[str, str]:
    """Each word that cmd.exe has built in, with what it does."""
    text = resources.files("interlock.effects").joinpath("data/windows.toml").read_text("utf-8")
    return {name: role for role, names in tomllib.loads(text)["cmd"].items() for name in names.split()}


def windows_delete(draft: Draft) -> None:
    """del, erase, rd: with /s it is everything below."""
    _delete(draft, draft.values("file"), deep=draft.has("s", "deep"), base=draft.inv.cwd)


def windows_copy(draft: Draft) -> None:
    """copy, xcopy, robocopy: with /mir the target loses what the source does not have."""
    if not draft.has("dry"):
        _copy(draft, [*draft.values("source"), *draft.values("target")], mirrors=draft.has("mirrors"), move=False,
              base=draft.inv.cwd)  # fmt: skip


def placed(draft: Draft, value: Word, base: str | None) -> Word:
    """The word as an absolute path of the reader's own spelling, seen from `base`."""
    word = windows_word(value, draft.setting)
    if word.text is None:
        return word
    path = absolute(word.text, base, draft.setting.home)
    if path is None:
        return Word(text=None, source=word.source, span=word.span, taint=word.taint, many=word.many)
    return Word(text=path, source=word.source, span=word.span, prefix=path, taint=word.taint, many=word.many,
                glob=word.glob)  # fmt: skip


def _delete(draft: Draft, values: list[Word], *, deep: bool, base: str | None) -> None:
    for value in values:
        draft.file(Verb.DELETE, placed(draft, value, base), directory=True if deep else None, everything=deep)
    if not values:
        draft.opaque(f"what {draft.command} removes is not known")


def _copy(draft: Draft, values: list[Word], *, mirrors: bool, move: bool, base: str | None) -> None:
    if not values:
        return
    source = placed(draft, values[0], base)
    target = placed(draft, values[1], base) if len(values) > 1 else None
    draft.file(Verb.READ, source)
    if move:
        draft.file(Verb.DELETE, source)
    if target is not None:
        if mirrors:
            draft.file(Verb.DELETE, target, directory=True, everything=True)
        else:
            draft.file(Verb.WRITE, target, taint=draft.flow)


# -- cmd.exe ----------------------------------------------------------------------------------------------------------


def cmd(draft: Draft) -> None:
    """cmd /c TEXT: the text is split as cmd.exe splits it, and each command is read."""
    words = list(draft.inv.words[1:])
    at = next((i for i, w in enumerate(words) if (w.text or "").lower().replace("//", "/", 1)[:2] in _RUNS), None)
    if at is None:
        if draft.inv.stdin.present:
            draft.run_unread(draft.command, "cmd runs what it reads", draft.inv.stdin.taint)
        elif not any((w.text or "") == "/?" for w in words):
            interactive(draft)
        return
    rest = words[at + 1 :]
    glued = (words[at].text or "").replace("//", "/", 1)[2:]
    if any(w.text is None for w in rest):
        draft.run_unread("cmd", "the text for cmd is not known", {t for w in rest for t in w.taint})
        return
    text = " ".join([*([glued] if glued else []), *((w.text or "") for w in rest)])
    if (words[at].text or "").lower().lstrip("/").startswith("k"):
        interactive(draft)
    _text(draft, text)


def _text(draft: Draft, text: str) -> None:
    commands = split(text)
    if len(commands) > _MOST_COMMANDS:
        draft.opaque(f"more than {_MOST_COMMANDS} commands in one text")
        return
    base = draft.inv.cwd
    for words, _ in commands:
        base = _one(draft, words, base)


def split(text: str) -> list[tuple[list[str], str]]:
    """The commands of a text for cmd.exe: words, and what stands after them. Quotes stay within their word."""
    commands: list[tuple[list[str], str]] = []
    words: list[str] = []
    word = ""
    quoted = False
    index = 0
    while index < len(text):
        char = text[index]
        if char == "^" and not quoted and index + 1 < len(text):
            index += 1
            word += text[index]
        elif char == '"':
            quoted = not quoted
            word += char
        elif quoted or char not in " \t\r\n&|()<>,;=":
            word += char
        else:
            if char == "=" and word:
                word += char  # `set A=B`, `/fo=x`
            else:
                words += [word] if word else []
                word = ""
            if char in "&|\n":
                separator = text[index : index + 2] if text[index : index + 2] in _SEPARATORS else char
                index += len(separator) - 1
                commands.append((words, separator))
                words = []
            elif char in "<>":
                double = text[index : index + 2] == ">>"
                words.append(">>" if double else char)
                index += 1 if double else 0
        index += 1
    commands.append(([*words, *([word] if word else [])], ""))
    return [(found, separator) for found, separator in commands if found]


def _word(text: str) -> Word:
    whole = expanded(text.replace('"', ""))
    if whole is None or re.search(r"%%?[A-Za-z\d*~]|![A-Za-z_]\w*!", whole):
        return Word(text=None, source=text, prefix=re.split(r"[%!]", text.replace('"', ""), maxsplit=1)[0])
    return Word(text=whole, source=text, prefix=whole)


def _redirected(draft: Draft, words: list[str], base: str | None) -> list[str]:
    """Write down where output goes; the words without it."""
    kept: list[str] = []
    index = 0
    while index < len(words):
        if words[index] in (">", ">>", "<"):
            target = words[index + 1] if index + 1 < len(words) else ""
            if kept and kept[-1] in ("1", "2"):
                kept.pop()
            if target and target.lower() not in ("nul", "con", "&1", "&2"):
                verb = Verb.READ if words[index] == "<" else Verb.WRITE
                draft.file(verb, placed(draft, _word(target), base), taint=draft.flow if verb is Verb.WRITE else ())
            index += 2
        else:
            kept.append(words[index])
            index += 1
    return kept


def _one(draft: Draft, texts: list[str], base: str | None) -> str | None:
    """One command of the text; answers the directory in which the next one runs."""
    texts = _condition(_redirected(draft, texts, base))
    if not texts:
        return base
    name = texts[0].strip('"').lstrip("@").lower().removesuffix(".exe")
    role = _builtin().get(name, "")
    operands = [_word(text) for text in texts[1:] if _SWITCH.fullmatch(text) is None]
    switches = {text.lower() for text in texts[1:] if _SWITCH.fullmatch(text)}
    if role == "directory":
        return _into(draft, operands, base)
    if name == "set":
        if not operands:
            draft.add(Verb.READ, Kind.SYSTEM, "environment variables")
    elif role == "runs":
        if name == "start" and operands and texts[1].startswith('"'):
            operands = operands[1:]  # the title of the window
        _hand_over(draft, operands, base)
    elif not role:
        _hand_over(draft, [_word(text) for text in texts], base)
    else:
        if name in ("find", "findstr"):
            operands = operands[1:]  # what is looked for
        _builtin_acts(draft, role, operands, switches, base)
    return base


def _condition(texts: list[str]) -> list[str]:
    """The command behind `if exist X`, `if a == b`, `for %i in (...) do`."""
    while texts:
        first = texts[0].lower().lstrip("@")
        if first == "if":
            rest = texts[1:]
            while rest and rest[0].lower() in ("not", "/i"):
                rest = rest[1:]
            skip = 2 if rest and rest[0].lower() in ("exist", "defined", "errorlevel") else 1
            if skip == 1 and len(rest) > 1 and (rest[1].lower() in ("equ", "neq", "lss", "leq", "gtr", "geq")):
                skip = 3
            elif skip == 1 and len(rest) > 1 and rest[0].endswith("==") and rest[0] != "==":
                skip = 2
            texts = rest[skip:]
        elif first == "for" and "do" in [text.lower() for text in texts]:
            texts = texts[[text.lower() for text in texts].index("do") + 1 :]
        elif first == "else":
            texts = texts[1:]
        else:
            return texts
    return texts


def _into(draft: Draft, operands: list[Word], base: str | None) -> str | None:
    if not operands:
        return base
    return placed(draft, operands[-1], base).text


def _hand_over(draft: Draft, words: list[Word], base: str | None) -> None:
    """A program: the catalogue says what it does."""
    if not words:
        return
    if words[0].text is None:
        draft.run_unread(words[0].source, "which program runs is not known", words[0].taint)
        return
    first = words[0].text
    if re.fullmatch(r"[\w.-]+\.bat", first, re.IGNORECASE):
        words = [_word(f"./{first}"), *words[1:]]  # a batch file of the current directory
    elif re.fullmatch(r"[\w.-]+\.cmd", first, re.IGNORECASE):
        words = [_word(first[:-4]), *words[1:]]
    mapped = [
        windows_word(word, draft.setting) if word.text is not None and looks_like_path(word.text) else word
        for word in words
    ]
    draft.argv(mapped, cwd=base)


def _builtin_acts(draft: Draft, role: str, operands: list[Word], switches: set[str], base: str | None) -> None:
    if role in ("read", "list"):
        for value in operands:
            where = placed(draft, value, base)
            if role == "list":
                draft.listing(where)
            else:
                draft.file(Verb.READ, where)
    elif role == "delete":
        _delete(draft, operands, deep="/s" in switches, base=base)
    elif role == "make":
        for value in operands:
            draft.file(Verb.CREATE, placed(draft, value, base), directory=True)
    elif role == "copy":
        _copy(draft, operands, mirrors=bool(switches & {"/mir", "/purge", "/mov", "/move"}), move=False, base=base)
    elif role == "move":
        _copy(draft, operands, mirrors=False, move=True, base=base)
