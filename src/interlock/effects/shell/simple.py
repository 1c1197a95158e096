"""Simple commands: assignments, words and redirections. Source: bash 5.2 manual, 3.2.2, 3.4 and 3.6."""

from __future__ import annotations

import re
from abc import abstractmethod

from interlock.effects.shell.documents import DocumentReader
from interlock.effects.shell.lex import METACHARACTERS, Unreadable
from interlock.effects.shell.syntax import Assign, Command, Redir, Simple, WordNode

RESERVED = frozenset(
    (
        "if",
        "then",
        "else",
        "elif",
        "fi",
        "do",
        "done",
        "case",
        "esac",
        "while",
        "until",
        "for",
        "select",
        "time",
        "function",
        "coproc",
        "[[",
        "{",
        "}",
        "!",
    )
)
_ASSIGN = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?=|\[)")
_REDIR = re.compile(r"(?:([0-9]+)|\{([A-Za-z_][A-Za-z0-9_]*)\})?(<<<|<<-|<<|<&|<>|<|>>|>&|>\||>)|(&>>|&>)")
_DECLARES = frozenset(("export", "declare", "typeset", "local", "readonly"))


class SimpleReader(DocumentReader):
    """Reads one simple command; the compound ones stand in `parse`."""

    @abstractmethod
    def function_body(self, name: str, start: int) -> Command:
        """The compound command that a function's definition ends with."""

    # -- space

    def comment(self) -> None:
        if self.text.startswith("#", self.pos):
            stop = self.text.find("\n", self.pos)
            self.pos = self.size if stop < 0 else stop

    def newlines(self) -> None:
        """Skip blanks, comments and newlines; here-documents begin at a newline."""
        while True:
            self.blanks()
            self.comment()
            if not self.text.startswith("\n", self.pos):
                return
            self.step()
            self.pos += 1
            if self.pending:
                self.documents()

    def argument(self) -> WordNode:
        if self.text[self.pos] in METACHARACTERS and not self.text.startswith(("<(", ">("), self.pos):
            raise Unreadable(f"unexpected {self.text[self.pos]!r}", self.pos)
        return self.word()

    def continued(self) -> None:
        """An operator that a line continuation may lengthen is not guessed at."""
        if self.text.startswith("\\\n", self.pos):
            raise Unreadable("a line continuation right after an operator", self.pos)

    # -- simple commands

    def simple(self) -> Command:
        start = self.pos
        assigns: list[Assign] = []
        words: list[WordNode | Assign] = []
        redirs: list[Redir] = []
        declares = False
        text = self.text
        while True:
            self.blanks()
            if self.pos >= self.size:
                break
            char = text[self.pos]
            if char in "\n;|)" or (char == "&" and not text.startswith("&>", self.pos)):
                break
            if char == "#":
                self.comment()
                break
            if (char in "<>&{" or char.isdigit()) and self.redirection(redirs):
                continue
            if char == "(":
                return self.definition(words, assigns, redirs, start)
            if (not words or declares) and (assign := self.assignment()) is not None:
                if words:
                    words.append(assign)
                else:
                    assigns.append(assign)
                continue
            word = self.argument()
            if not words:
                self.check_first(word)
                declares = word.plain in _DECLARES
            elif not declares and isinstance(words[0], WordNode) and words[0].plain in ("command", "builtin"):
                declares = word.plain in _DECLARES
            words.append(word)
        if not (assigns or words or redirs):
            raise Unreadable(f"unexpected {text[self.pos : self.pos + 1] or 'end'!r}", self.pos)
        return Simple(tuple(assigns), tuple(words), tuple(redirs), start, self.pos)

    def check_first(self, word: WordNode) -> None:
        """A reserved word that only a line continuation hides would change the grammar."""
        if word.plain in RESERVED and "\\\n" in self.text[word.start : word.end + 2]:
            raise Unreadable("a reserved word with a line continuation", word.start)

    def definition(
        self, words: list[WordNode | Assign], assigns: list[Assign], redirs: list[Redir], start: int
    ) -> Command:
        """`name () body`, met at its parenthesis."""
        first = words[0] if len(words) == 1 else None
        if not isinstance(first, WordNode) or first.plain is None or assigns or redirs:
            raise Unreadable("unexpected '('", self.pos)
        self.pos += 1
        self.blanks()
        if not self.text.startswith(")", self.pos):
            raise Unreadable("unexpected '('", self.pos)
        self.pos += 1
        return self.function_body(first.plain, start)

    def assignment(self) -> Assign | None:
        """The assignment at `pos`, or None when the word is not one."""
        start = self.pos
        match = _ASSIGN.match(self.text, start)
        if match is None:
            return None
        name, op = match.groups()
        index = None
        self.pos = match.end()
        if op == "[":
            parts = self.parts_until("]", quoted=False)
            follows = self.text[self.pos : self.pos + 2]
            if not follows.startswith("=") and follows != "+=":
                self.pos = start
                return None
            index = tuple(parts)
            op = "+=" if follows == "+=" else "="
            self.pos += len(op)
        append = op == "+="
        if self.text.startswith("(", self.pos):
            self.pos += 1
            items = self.array(start)
            return Assign(name, None, start, self.pos, append, index, items)
        value = None
        if self.pos < self.size and (
            self.text[self.pos] not in METACHARACTERS or self.text.startswith(("<(", ">("), self.pos)
        ):
            value = self.word()
        return Assign(name, value, start, self.pos, append, index)

    def array(self, start: int) -> tuple[WordNode | Assign, ...]:
        items: list[WordNode | Assign] = []
        while True:
            self.newlines()
            if self.pos >= self.size:
                raise Unreadable("an array is never closed", start)
            char = self.text[self.pos]
            if char == ")":
                self.pos += 1
                return tuple(items)
            if char == "[":
                saved = self.pos
                self.pos += 1
                parts = self.parts_until("]", quoted=False)
                if self.text.startswith(("=", "+="), self.pos):
                    append = self.text[self.pos] == "+"
                    self.pos += 1 + append
                    blank = self.pos >= self.size or self.text[self.pos] in METACHARACTERS
                    value = None if blank else self.word()
                    items.append(Assign("", value, saved, self.pos, append, tuple(parts)))
                    continue
                self.pos = saved
            items.append(self.argument())

    # -- redirections

    def redirection(self, redirs: list[Redir]) -> bool:
        """Read the redirection at `pos`, if there is one."""
        match = _REDIR.match(self.text, self.pos)
        if match is None:
            return False
        fd, variable, op, both = match.groups()
        start = self.pos
        if op in ("<", ">") and not fd and not variable and self.text.startswith("(", match.end()):
            return False
        self.step()
        self.pos = match.end()
        self.continued()
        self.blanks()
        if self.pos >= self.size or (
            self.text[self.pos] in METACHARACTERS and not self.text.startswith(("<(", ">("), self.pos)
        ):
            raise Unreadable("a redirection without a target", start)
        if fd is not None and len(fd) > 9:
            raise Unreadable("a file descriptor that no system has", start)
        target = self.word()
        redir = Redir(both or op, int(fd) if fd else None, target, start, self.pos, variable or "")
        redirs.append(redir)
        if op in ("<<", "<<-"):
            self.announce(redir)
        return True
