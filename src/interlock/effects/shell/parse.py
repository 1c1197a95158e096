"""Commands: the shell grammar, by recursive descent.

Why our own reader and not the tree-sitter grammar: as measured on tree-sitter-bash 0.25, `a && b > x` hangs the
redirection on the whole list, `cat <<E | grep x && y` nests the rest of the line in the here-document, backquotes in
here-documents are not read, one `;&` turns every other construct of the line into an error, and 90 kB of `((a` take 25
seconds without a way to stop it (`tests/effects/shell/test_second_opinion.py` pins these). What is read here is linear
in the text and bounded by steps.
Source: bash 5.2 manual, chapter 3.2; POSIX.1-2024, 2.10.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from interlock.effects.shell.lex import Unreadable
from interlock.effects.shell.simple import SimpleReader
from interlock.effects.shell.syntax import (
    AndOr,
    ArithCommand,
    Bad,
    Case,
    CFor,
    Command,
    Coproc,
    For,
    Function,
    Group,
    If,
    Lit,
    Part,
    Pipeline,
    Redir,
    Sequence,
    Simple,
    Test,
    While,
    WordNode,
)

_BOUND = r"(?=[ \t\n;&|()<>]|\Z)"
_RESERVED = re.compile(
    r"(?:if|then|else|elif|fi|do|done|case|esac|while|until|for|select|in|function|time|coproc|\[\[|[{}!])" + _BOUND
)
_CLOSERS = frozenset(["then", "else", "elif", "fi", "do", "done", "esac", "}"])
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_REGEX = re.compile(r"[^ \t\n'\"\\$`]+")
_COPROC_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)[ \t]+")


class Parser(SimpleReader):
    """Reads a text into a `Sequence`.

    A syntax error ends the reading with a `Bad` item, for bash runs what stands before it.
    """

    def text_of(self) -> Sequence:
        """The text, line by line as bash reads it: what follows the first unreadable line is one `Bad`."""
        items: list[tuple[Command, bool]] = []
        begun = 0
        try:
            while True:
                self.newlines()
                if self.pos >= self.size:
                    break
                begun = self.pos
                line = self.line()
                items.extend(line)
            if self.pending:
                self.documents()
        except Unreadable as error:
            items.append((Bad(error.reason, begun, self.size), False))
        return Sequence(tuple(items))

    def line(self) -> list[tuple[Command, bool]]:
        """One complete command line, up to its newline."""
        items: list[tuple[Command, bool]] = []
        while True:
            self.blanks()
            self.comment()
            if self.pos >= self.size or self.text[self.pos] == "\n":
                self.newlines()
                return items
            node = self.and_or()
            background, ended = self.separator()
            items.append((node, background))
            if not ended:
                self.comment()
                if self.pos < self.size and self.text[self.pos] != "\n":
                    raise Unreadable(f"unexpected {self.text[self.pos]!r}", self.pos)
                self.newlines()
                return items

    def whole(self) -> Sequence:
        body = self.sequence("")
        if self.pos < self.size:
            raise Unreadable("a syntax error in a substitution", self.pos)
        if self.pending:
            self.documents()
        return body

    def separator(self) -> tuple[bool, bool]:
        """After a command: (it runs in the background, more may follow on this line)."""
        self.blanks()
        text = self.text
        if text.startswith(";", self.pos):
            if text.startswith((";;", ";&"), self.pos):
                return False, False
            self.pos += 1
            self.continued()
            return False, True
        if text.startswith("&", self.pos):
            self.pos += 1
            self.continued()
            return True, True
        return False, False

    # -- lists

    def sequence(self, closer: str) -> Sequence:
        """A list up to a closing word or `)`, which stays. `closer` is ")" or "" (reserved words, `;;`, end)."""
        items: list[tuple[Command, bool]] = []
        while True:
            self.step()
            self.newlines()
            if self.pos >= self.size:
                return Sequence(tuple(items))
            char = self.text[self.pos]
            if char == ")" or (char == ";" and self.text.startswith((";;", ";&"), self.pos)):
                return Sequence(tuple(items))
            if not closer and self.reserved() in _CLOSERS:
                return Sequence(tuple(items))
            node = self.and_or()
            background, ended = self.separator()
            items.append((node, background))
            if not ended and self.pos < self.size and self.text[self.pos] not in "\n);#":
                if not (not closer and self.reserved() in _CLOSERS):
                    raise Unreadable(f"unexpected {self.text[self.pos]!r}", self.pos)
                # `{ a } ` cannot be reached: a closing word is an argument unless a separator precedes it, except
                # after a compound command (`{ { a; } }`), where it closes.
                return Sequence(tuple(items))

    def reserved(self) -> str:
        match = _RESERVED.match(self.text, self.pos)
        return match.group() if match else ""

    def expect(self, word: str) -> None:
        self.newlines()
        if self.reserved() != word:
            raise Unreadable(f"expected {word!r}", self.pos)
        self.pos += len(word)

    def body(self, opening: str, closing: str) -> Sequence:
        self.expect(opening)
        return self.closed(closing)

    def closed(self, closing: str) -> Sequence:
        body = self.sequence("")
        if not body.items:
            raise Unreadable(f"an empty list before {closing!r}", self.pos)
        self.expect(closing)
        return body

    def substitution(self, start: int) -> Sequence:
        self.enter()
        saved, self.pending = self.pending, []
        body = self.sequence(")")
        if self.pending or not self.text.startswith(")", self.pos):
            raise Unreadable("a substitution is never closed", start)
        self.pos += 1
        self.pending = saved
        self.leave()
        return body

    def and_or(self) -> Command:
        start = self.pos
        first = self.pipeline()
        rest: list[tuple[str, Command]] = []
        while True:
            self.blanks()
            op = self.text[self.pos : self.pos + 2]
            if op not in ("&&", "||"):
                break
            self.pos += 2
            self.continued()
            self.newlines()
            rest.append((op, self.pipeline()))
        return AndOr(first, tuple(rest), start, self.pos) if rest else first

    def pipeline(self) -> Command:
        start = self.pos
        negated = False
        while (word := self.reserved()) in ("!", "time"):
            self.step()
            self.pos += len(word)
            self.blanks()
            if word == "!":
                negated = not negated
            else:
                for option in ("-p", "--"):
                    if self.text.startswith(option, self.pos) and self.text[self.pos + 2 : self.pos + 3] in " \t\n":
                        self.pos += 2
                        self.blanks()
            if self.at_end():
                return Simple((), (), (), start, self.pos)
        commands = [self.command()]
        both: list[bool] = []
        while True:
            self.blanks()
            if not self.text.startswith("|", self.pos) or self.text.startswith("||", self.pos):
                break
            self.pos += 1
            self.continued()
            joint = self.text.startswith("&", self.pos)
            self.pos += joint
            self.newlines()
            both.append(joint)
            commands.append(self.command())
        if len(commands) == 1 and not negated:
            return commands[0]
        return Pipeline(tuple(commands), tuple(both), negated, start, self.pos)

    def at_end(self) -> bool:
        return self.pos >= self.size or self.text[self.pos] in ";\n&|)"

    # -- commands

    def command(self) -> Command:
        self.blanks()
        if self.pos >= self.size:
            raise Unreadable("a command is missing", self.pos)
        text, start = self.text, self.pos
        self.step()
        if text[start] == "(":
            return self.parenthesis_command()
        word = self.reserved()
        if word and word not in ("in", "time"):  # after a pipe, `time` is the program
            method = _COMPOUND.get(word)
            if method is None:
                raise Unreadable(f"unexpected {word!r}", start)
            self.enter()
            self.pos += len(word)
            node = method(self, start)
            self.leave()
            return node
        return self.simple()

    def redirections(self) -> tuple[Redir, ...]:
        """Those after a compound command."""
        redirs: list[Redir] = []
        while True:
            self.blanks()
            if not self.redirection(redirs):
                return tuple(redirs)

    def parenthesis_command(self) -> Command:
        start = self.pos
        self.enter()
        if self.text.startswith("((", start):
            self.pos += 2
            saved = self.steps
            parts = self.arithmetic_parts()
            if parts is not None:
                self.leave()
                return ArithCommand(parts, self.redirections(), start, self.pos)
            self.steps = max(self.steps, saved) + 50
            self.pos = start
        self.pos += 1
        body = self.sequence(")")
        if not self.text.startswith(")", self.pos) or not body.items:
            raise Unreadable("a subshell is never closed", start)
        self.pos += 1
        self.leave()
        return Group(body, True, self.redirections(), start, self.pos)

    def group(self, start: int) -> Command:
        body = self.closed("}")
        return Group(body, False, self.redirections(), start, self.pos)

    def if_(self, start: int) -> Command:
        clauses: list[tuple[Sequence, Sequence]] = []
        otherwise = None
        word = "if"
        while word in ("if", "elif"):
            condition = self.closed("then")
            body = self.sequence("")
            clauses.append((condition, body))
            word = self.reserved()
            self.pos += len(word)
        if word == "else":
            otherwise = self.closed("fi")
        elif word != "fi":
            raise Unreadable("if is never closed", start)
        return If(tuple(clauses), otherwise, self.redirections(), start, self.pos)

    def while_(self, start: int) -> Command:
        until = self.text.startswith("until", start)
        condition = self.closed("do")
        body = self.closed("done")
        return While(condition, body, until, self.redirections(), start, self.pos)

    def loop_body(self) -> Sequence:
        self.newlines()
        return self.body("{", "}") if self.reserved() == "{" else self.body("do", "done")

    def for_(self, start: int) -> Command:
        select = self.text.startswith("select", start)
        self.blanks()
        if self.text.startswith("((", self.pos):
            self.pos += 2
            header = self.arithmetic_parts()
            if header is None:
                raise Unreadable("a for (( without its ))", start)
            self.blanks()
            if self.text.startswith(";", self.pos):
                self.pos += 1
            body = self.loop_body()
            return CFor(header, body, self.redirections(), start, self.pos)
        name = self.word().plain if not self.at_end() else None
        if name is None or not _IDENTIFIER.match(name):
            raise Unreadable("a loop variable that is not a name", start)
        self.newlines()
        words: list[WordNode] | None = None
        if self.reserved() == "in":
            self.pos += 2
            words = []
            while True:
                self.blanks()
                self.comment()
                if self.at_end():
                    break
                words.append(self.argument())
        self.blanks()
        if self.text.startswith(";", self.pos):
            self.pos += 1
        body = self.loop_body()
        return For(name, None if words is None else tuple(words), body, select, self.redirections(), start, self.pos)

    def case(self, start: int) -> Command:
        self.blanks()
        if self.at_end():
            raise Unreadable("case without a word", start)
        word = self.argument()
        self.expect("in")
        items: list[tuple[tuple[WordNode, ...], Sequence, str]] = []
        while True:
            self.step()
            self.newlines()
            if self.reserved() == "esac":
                self.pos += 4
                break
            if self.text.startswith("(", self.pos):
                self.pos += 1
            patterns = self.patterns(start)
            body = self.sequence("")
            ending = next((e for e in (";;&", ";;", ";&") if self.text.startswith(e, self.pos)), "")
            self.pos += len(ending)
            items.append((patterns, body, ending or ";;"))
            if not ending:
                self.expect("esac")
                break
        return Case(word, tuple(items), self.redirections(), start, self.pos)

    def patterns(self, start: int) -> tuple[WordNode, ...]:
        patterns: list[WordNode] = []
        while True:
            self.blanks()
            if self.pos >= self.size:
                raise Unreadable("case is never closed", start)
            patterns.append(self.argument())
            self.blanks()
            char = self.text[self.pos : self.pos + 1]
            if char == ")":
                self.pos += 1
                return tuple(patterns)
            if char != "|":
                raise Unreadable("a case pattern that cannot be read", self.pos)
            self.pos += 1

    def function(self, start: int) -> Command:
        self.blanks()
        if self.at_end():
            raise Unreadable("a function without a name", start)
        name = self.argument().plain
        if name is None:
            raise Unreadable("a function whose name is not constant", start)
        self.blanks()
        if self.text.startswith("(", self.pos):
            self.pos += 1
            self.blanks()
            if not self.text.startswith(")", self.pos):
                raise Unreadable("a function definition that cannot be read", start)
            self.pos += 1
        return self.function_body(name, start)

    def function_body(self, name: str, start: int) -> Command:
        self.newlines()
        self.enter()
        body = self.command()
        self.leave()
        if isinstance(body, Simple | Function | Coproc | Bad):
            raise Unreadable("a function whose body is not a compound command", start)
        return Function(name, body, start, self.pos)

    def test(self, start: int) -> Command:
        words: list[WordNode] = []
        level = 0
        while True:
            self.newlines()
            if self.pos >= self.size:
                raise Unreadable("[[ is never closed", start)
            if self.text.startswith("]]", self.pos) and self.text[self.pos + 2 : self.pos + 3] in _ENDS:
                if level:
                    raise Unreadable("an unbalanced [[ … ]]", start)
                self.pos += 2
                return Test(tuple(words), self.redirections(), start, self.pos)
            self.step()
            char = self.text[self.pos]
            if self.text.startswith(("&&", "||"), self.pos):
                self.pos += 2
            elif char == "|" or (char in "<>" and not self.text.startswith("(", self.pos + 1)):
                self.pos += 1
            elif char in "()":
                level += 1 if char == "(" else -1
                self.pos += 1
            else:
                word = self.argument()
                words.append(word)
                if word.plain == "=~":
                    self.blanks()
                    words.append(self.regex())

    def regex(self) -> WordNode:
        """The right side of `=~`, where `( | ) < >` are ordinary."""
        start = self.pos
        parts: list[Part] = []
        level = 0
        while self.pos < self.size:
            self.step()
            match = _REGEX.match(self.text, self.pos)
            if match:
                run = match.group()
                level += run.count("(") - run.count(")")
                parts.append(Lit(run, quoted=True))
                self.pos = match.end()
                continue
            char = self.text[self.pos]
            if char in " \t\n":
                if level <= 0 or char == "\n":
                    break
                self.pos += 1
                continue
            self.quoted_or_expansion(char, parts)
        return WordNode(tuple(parts), start, self.pos)

    def coproc(self, start: int) -> Command:
        self.blanks()
        name = "COPROC"
        saved = self.pos
        match = _COPROC_NAME.match(self.text, saved)
        if match and not self.reserved():
            self.pos = match.end()
            if self.reserved() in ("{", "while", "until", "for", "if", "case", "[[") or self.text.startswith(
                "(", self.pos
            ):
                name = match.group(1)
            else:
                self.pos = saved
        if self.at_end():
            raise Unreadable("coproc without a command", start)
        command = self.command()
        return Coproc(name, command, start, self.pos)


_ENDS = ("", " ", "\t", "\n", ";", "&", "|", ")", "<", ">")
_COMPOUND: dict[str, Callable[[Parser, int], Command]] = {
    "{": Parser.group,
    "if": Parser.if_,
    "while": Parser.while_,
    "until": Parser.while_,
    "for": Parser.for_,
    "select": Parser.for_,
    "case": Parser.case,
    "function": Parser.function,
    "[[": Parser.test,
    "coproc": Parser.coproc,
}
