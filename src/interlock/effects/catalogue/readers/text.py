"""Readers for text tools: exact outputs of the small ones, and the languages of sed, awk and jq where they do more."""

from __future__ import annotations

import base64 as b64
import binascii
import posixpath
import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.files import emptied
from interlock.effects.catalogue.readers.system import secret_name
from interlock.effects.invocation import Word
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
        return _escaped(text + ("\n" if newline else ""))
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


def _escaped(text: str) -> str:
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
                out.append(_escaped(part))
            elif part == "%%":
                out.append("%")
            else:
                value = values.pop(0) if values else ("" if part[-1] in "sb" else "0")
                out.append(_escaped(value) if part == "%b" else _formatted(part, value))
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


# -- sed ------------------------------------------------------------------------------------------------------------

_SED_PLAIN = frozenset("=dDgGhHnNpPxzF}")


# Scripts that leave nothing of any line.
_CLEARS = re.compile(r"(?:(?:[01]|1~1),\$\s*)?d|s([/|#,])(?:\^?\.\*\$?)\1\1[gI]*")


def sed(draft: Draft) -> None:
    """sed reads or rewrites its operands, and its scripts can write (w), read (r) and execute (e)."""
    files = [w for w in draft.values("file") if w.text != ""]  # BSD: `-i ''` takes its suffix as the next word
    scripts = draft.values("expression") or ([] if draft.values("file:script") else draft.values("script"))
    named = [w for w in files if w in draft.said.operands]
    from_file = [w for w in files if w not in named]
    in_place_now = draft.has("in-place")
    if in_place_now and len(scripts) == 1 and scripts[0].text == "" and named:
        scripts, named = named[:1], named[1:]  # BSD: `-i ''` takes its suffix as the next word
    clears = len(scripts) == 1 and _CLEARS.fullmatch((scripts[0].text or "").strip()) is not None
    for value in named:
        if in_place_now and clears:
            emptied(draft, value)
        else:
            draft.file(Verb.WRITE if in_place_now else Verb.READ, value)
    for value in from_file:
        draft.file(Verb.READ, value)
        path = draft.path(value)
        text = draft.content(path) if path else None
        _sed_script(draft, text, value)
    if scripts and all(s.text is not None for s in scripts):
        _sed_script(draft, "\n".join(s.text or "" for s in scripts), scripts[0])
    else:
        for value in scripts:
            if value.text is None and not re.match(r"^(\d+|\$)?[sy]?.?", value.prefix):
                _sed_script(draft, value.text, value)
            elif value.text is None:
                _sed_unknown(draft, value)


def _sed_unknown(draft: Draft, value: Word) -> None:
    """A script with unknown parts: `s/$A/$B/` is everyday; only bytes off a network make it a risk worth a question."""
    if L.FROM_NETWORK in value.taint or L.FROM_UNTRUSTED in value.taint or not value.prefix:
        _sed_script(draft, None, value)


def _sed_script(draft: Draft, text: str | None, value: Word) -> None:
    if text is None:
        draft.opaque("the sed script is not known", value.source)
        return
    if not SedScript(text, draft).walk():
        draft.opaque("the sed script is not understood", text)


class SedScript:
    """One pass over a sed script, for the commands that reach outside: w, W, r, R, e and the flags of s."""

    def __init__(self, text: str, draft: Draft) -> None:
        self.text = text
        self.at = 0
        self.draft = draft

    def walk(self) -> bool:
        """Whether every command was understood; effects go to the draft."""
        while True:
            self._skip(" \t\n;")
            if self.at >= len(self.text):
                return True
            if not self._addresses() or not self._command():
                return False

    def _skip(self, chars: str) -> None:
        while self.at < len(self.text) and self.text[self.at] in chars:
            self.at += 1

    def _peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def _until(self, delimiter: str, *, classes: bool = True) -> str | None:
        """Up to an unescaped delimiter; a bracket expression of a regex may hold it."""
        start = self.at
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "\\":
                self.at += 2
                continue
            if classes and char == "[" and delimiter != "[":
                close = self.text.find("]", self.at + (3 if self.text[self.at + 1 : self.at + 2] == "^" else 2))
                stop = self.text.find(delimiter, self.at)
                if close != -1 and (stop == -1 or close > stop) and self.text.find(delimiter, close) != -1:
                    self.at = close + 1
                    continue
            if char == delimiter:
                self.at += 1
                return self.text[start : self.at - 1]
            self.at += 1
        return None

    def _line(self) -> str:
        end = self.text.find("\n", self.at)
        end = len(self.text) if end == -1 else end
        line = self.text[self.at : end]
        self.at = end
        return line.strip()

    def _addresses(self) -> bool:
        while True:
            char = self._peek()
            if char.isdigit() or (char and char in "+~$"):
                self.at += 1
                while self._peek().isdigit() or self._peek() == "~":
                    self.at += 1
            elif char == "/" or (char == "\\" and self.at + 1 < len(self.text)):
                if char == "\\":
                    self.at += 1
                delimiter = self.text[self.at]
                self.at += 1
                if self._until(delimiter) is None:
                    return False
                self._skip("IM")
            self._skip(" \t")
            if self._peek() == ",":
                self.at += 1
                self._skip(" \t")
                continue
            self._skip("! \t")
            return True

    def _command(self) -> bool:
        char = self._peek()
        self.at += 1
        if char == "" or char in _SED_PLAIN or char == "{":
            return True
        if char == "#":
            self._line()
            return True
        if char in "sy":
            return self._substitute(char)
        if char in "aic":
            while True:
                line = self._line()
                if not line.endswith("\\") or self.at >= len(self.text):
                    return True
                self.at += 1
        if char in "btT:":
            while self._peek() not in ("", "\n", ";", "}"):
                self.at += 1
            return True
        if char in "qQlL":
            self._skip(" 0123456789")
            return True
        return self._outward(char)

    def _outward(self, char: str) -> bool:
        if char in "rRwW":
            name = self._line()
            if name:
                self.draft.file(Verb.READ if char in "rR" else Verb.WRITE, Word(text=name, source=name, prefix=name))
            return bool(name)
        if char == "e":
            command = self._line()
            if command:
                self.draft.shell(command)
            else:
                self.draft.opaque("sed executes the lines of its input")
            return True
        return False

    def _substitute(self, char: str) -> bool:
        delimiter = self._peek()
        self.at += 1
        if not delimiter or self._until(delimiter) is None or self._until(delimiter, classes=False) is None:
            return False
        if char == "y":
            return True
        while self._peek() and self._peek() in "gpiImMe0123456789":
            if self._peek() == "e":
                self.draft.opaque("sed executes the result of a substitution (s///e)")
            self.at += 1
        if self._peek() == "w":
            self.at += 1
            return self._outward("w")
        self._skip(" \t")
        return self._peek() in ("", "\n", ";", "}", "#")


# -- awk ------------------------------------------------------------------------------------------------------------

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
            match = re.compile(r"/(?:[^/\\\n\[]|\\.|\[(?:\^?\]?)(?:[^\]\\\n]|\\.)*\])*/").match(text, at)
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
    return _escaped(token[1][1:-1])


def _awk_program(draft: Draft, text: str) -> None:
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
        elif piece == "<" and index and tokens[index - 1][1] == "getline":
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
