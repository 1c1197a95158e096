"""Readers for text tools: exact outputs of the small ones, and the languages of sed, awk and jq where they do more."""

from __future__ import annotations

import base64 as b64
import binascii
import posixpath
import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.files import emptied
from interlock.effects.invocation import Word, word
from interlock.effects.secret_names import secret_name
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Kind, Verb

_MOST_OUTPUT = 65_536  # longer outputs are never followed exactly


def plain_cat(draft: Draft) -> None:
    """`cat` without options hands its input on: what is known stays known, and what never ends fills a disk."""
    if draft.command == "cat" and any(w.text in _ENDLESS for w in draft.values("read")):
        fills(draft)
    if draft.command != "cat" or draft.said.tags:
        return
    operands = [w for w in draft.values("read") if w.text != "-"]
    if not operands:
        text = draft.inv.stdin.text
    else:
        paths = [draft.path(w) for w in operands]
        texts = ["" if p == "/dev/null" else draft.content(p) if p is not None else None for p in paths]
        text = None if None in texts else "".join(t or "" for t in texts)
    if text is not None and len(text) <= _MOST_OUTPUT:
        draft.output = text


_ENDLESS = frozenset({"/dev/zero", "/dev/urandom", "/dev/random", "/dev/full"})


def fills(draft: Draft) -> None:
    """What comes out never ends: where it goes into a file, the disk is full in the end."""
    for redirect in draft.inv.redirects:
        if redirect.fd in (1, -1) and redirect.op.startswith((">", "&>")) and redirect.target.text != "/dev/null":
            draft.opaque("output without end fills the disk", redirect.target.text or redirect.target.source)


def tee(draft: Draft) -> None:
    """tee: its files hold its input from then on; an input that is known to be nothing empties them."""
    nothing = draft.inv.stdin.present and draft.inv.stdin.text == "" and not draft.has("append")
    for value in draft.values("file"):
        if value.text == "-":
            continue
        if nothing:
            emptied(draft, value)
        else:
            draft.file(Verb.WRITE, value, taint=draft.flow)


def less(draft: Draft) -> None:
    """less: `+command` runs one of its own commands first, of which `!` and `|` leave it."""
    for value in draft.values("lesskey"):
        draft.opaque("a key file can bind a key to a command", value.text or value.source)
    for value in draft.values("file"):
        text = value.text or ""
        if not text.startswith("+"):
            draft.file(Verb.READ, value)
        elif text.lstrip("+").startswith(("!", "#")):
            draft.shell(text.lstrip("+")[1:])
        elif re.search(r"[!|vs]", text.lstrip("+0123456789")[:1]):
            draft.opaque("a command of less that leaves it", text)


def head(draft: Draft) -> None:
    """`head -n N` of a known input."""
    text = draft.inv.stdin.text
    count = draft.text("lines") or "10"
    if (
        draft.command == "head"
        and text is not None
        and count.isdigit()
        and not draft.values("read")
        and not draft.said.unknown
    ):
        draft.output = "".join(text.splitlines(keepends=True)[: int(count)])


def exact(draft: Draft) -> None:
    """echo, printf, pwd, basename, dirname: their output is a function of their words."""
    words = draft.inv.words[1:]
    draft.flow |= {t for w in words for t in w.taint}
    if any(w.text is None or w.glob for w in words):
        return
    texts = [w.text or "" for w in words]
    maker = {"echo": _echo, "printf": _printf, "basename": _basename, "dirname": _dirname}.get(draft.command)
    if draft.command == "pwd":
        draft.output = f"{draft.inv.cwd}\n" if draft.inv.cwd and not draft.inv.remote else None
    elif maker is not None:
        draft.output = maker(texts)


def _echo(texts: list[str]) -> str | None:
    newline, escapes = True, False
    while texts and re.fullmatch(r"-[neE]+", texts[0]):
        newline = newline and "n" not in texts[0]
        escapes = "e" in texts[0]
        texts = texts[1:]
    text = " ".join(texts)
    if escapes:
        return escaped(text + ("\n" if newline else ""))
    return text + ("\n" if newline else "")


_SIMPLE = {
    "n": "\n",
    "t": "\t",
    "\\": "\\",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "f": "\f",
    "r": "\r",
    "v": "\v",
    '"': '"',
}
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|0?[0-7]{1,3}|u[0-9A-Fa-f]{1,4}|c|.)", re.DOTALL)


def escaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match.group(1)
        if code in _SIMPLE:
            return _SIMPLE[code]
        if code[0] in "xu" and len(code) > 1:
            return chr(int(code[1:], 16))
        if code[0] in "01234567":
            return chr(int(code, 8) & 0xFF)
        return "\\" + code

    return _ESCAPE.sub(one, text)


def _printf(texts: list[str]) -> str | None:
    if texts[:1] == ["--"]:
        texts = texts[1:]
    if not texts or texts[0].startswith("-"):
        return None
    form, values = texts[0], texts[1:]
    parts = re.split(r"(%%|%-?\d*(?:\.\d+)?[sbdiq])", form)
    if any("%" in part for part in parts[::2]) or any(p.endswith("q") for p in parts[1::2]):
        return None
    places = sum(p != "%%" for p in parts[1::2])
    out: list[str] = []
    while True:
        for index, part in enumerate(parts):
            if index % 2 == 0:
                out.append(escaped(part))
            elif part == "%%":
                out.append("%")
            else:
                value = values.pop(0) if values else ("" if part[-1] in "sb" else "0")
                out.append(escaped(value) if part == "%b" else _formatted(part, value))
        if not values or not places or len(out) > 4_096:
            return "".join(out)


def _formatted(form: str, value: str) -> str:
    if form[-1] in "di":
        return (form[:-1].replace("%", "") and value) or value
    if form == "%s":
        return value
    match = re.fullmatch(r"%(-?)(\d*)(?:\.(\d+))?s", form)
    if match is None:
        return value
    value = value[: int(match.group(3))] if match.group(3) else value
    width = min(int(match.group(2) or 0), 1_000)
    return value.ljust(width) if match.group(1) else value.rjust(width)


def _basename(texts: list[str]) -> str | None:
    if not texts or texts[0].startswith("-") or len(texts) > 2:
        return None
    name = posixpath.basename(texts[0].rstrip("/")) or "/"
    if len(texts) == 2 and name.endswith(texts[1]) and name != texts[1]:
        name = name[: len(name) - len(texts[1])]
    return name + "\n"


def _dirname(texts: list[str]) -> str | None:
    if len(texts) != 1 or texts[0].startswith("-"):
        return None
    return (posixpath.dirname(texts[0].rstrip("/")) or ("/" if texts[0].startswith("/") else ".")) + "\n"


def base64(draft: Draft) -> None:
    """base64 of a known input, both ways."""
    text = draft.inv.stdin.text
    operands = [w for w in draft.values("read") if w.text != "-"]
    if operands:
        path = draft.path(operands[0])
        text = draft.content(path) if path else None
    if text is None or draft.command not in ("base64", "gbase64") or len(text) > _MOST_OUTPUT:
        return
    try:
        if draft.has("decode"):
            draft.output = b64.b64decode("".join(text.split()), validate=not draft.has("ignore-garbage")).decode(
                "utf-8"
            )
        else:
            draft.output = b64.b64encode(text.encode()).decode() + "\n"
    except (binascii.Error, UnicodeError):
        draft.output = None


_VARIABLE = re.compile(r"\b(?:str)?env\(\s*\"?(\w+)|\$ENV\.(\w+)|\bENV\[\"?(\w+)")


def in_place(draft: Draft) -> None:
    """Tools that print unless -i is given; yq reads single variables by name, some of which are credentials."""
    verb = Verb.WRITE if draft.has("inplace") else Verb.READ
    filters = draft.values("filter")
    files = [w for w in draft.values("file") if w not in filters]
    if draft.command in ("yq", "mlr", "miller") and filters and filters[0].text in _YQ_ACTIONS:
        filters, files = files[:1], files[1:]
    for value in files:
        draft.file(verb, value)
    for value in filters:
        names = [name for found in _VARIABLE.findall(value.text or "") for name in found if name]
        secrets = [name for name in names if secret_name(name)]
        for name in secrets:
            draft.add(Verb.READ, Kind.SECRET, name, labels=(L.SECRET,))
            draft.flow.add(L.FROM_SECRET)


_YQ_ACTIONS = frozenset({"eval", "e", "eval-all", "ea", "r", "read"})


def jo(draft: Draft) -> None:
    """jo: `name=@file`, `name=%file` and `name=:file` put a file into the answer (jo(1))."""
    for value in draft.values("pair"):
        name = re.split(r"=|^(?=[@%:])", value.text or "", maxsplit=1)[-1]
        if name[:1] in ("@", "%", ":") and len(name) > 1:
            draft.file(Verb.READ, word(name[1:]))


def jq(draft: Draft) -> None:
    """jq only reads; `$ENV` and `env` print the environment. `--arg NAME VALUE` takes two words."""
    texts = [w.text for w in draft.inv.words]
    if any(t in ("--arg", "--argjson", "--slurpfile", "--rawfile", "--args", "--jsonargs") for t in texts):
        draft.effects = []
        _jq_operands(draft)
    script = " ".join(t for t in texts if t)
    if re.search(r"\$ENV|(?<![.\w\"'])env\b", script):
        draft.flow.add(L.FROM_ENVIRONMENT)


def _jq_operands(draft: Draft) -> None:
    words = iter(draft.inv.words[1:])
    operands: list[Word] = []
    files = True
    for current in words:
        text = current.text or ""
        if text in ("--arg", "--argjson"):
            next(words, None)
            next(words, None)
        elif text in ("--slurpfile", "--rawfile"):
            next(words, None)
            value = next(words, None)
            if value is not None:
                draft.file(Verb.READ, value)
        elif text in ("--args", "--jsonargs"):
            files = False
        elif text in ("-L", "--indent"):
            next(words, None)
        elif text in ("-f", "--from-file"):
            value = next(words, None)
            if value is not None:
                draft.file(Verb.READ, value)
                operands.append(value)
        elif not text.startswith("-") and (files or not operands):
            operands.append(current)
    for value in operands[1:]:
        draft.file(Verb.READ, value)
