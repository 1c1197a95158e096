"""sed: its scripts can write, read and execute."""

from __future__ import annotations

import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.files import emptied
from interlock.effects.invocation import Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Verb

_SED_PLAIN = frozenset("=dDgGhHnNpPxzF}")
MAX_SCRIPT = 16_384  # characters; people write a tenth of that, and the walk takes 0.3 µs a character


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
    if len(text) > MAX_SCRIPT:
        draft.opaque("the sed script is too long to be read", text)
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
