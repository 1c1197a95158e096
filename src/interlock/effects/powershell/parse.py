"""Statements, pipelines and commands of PowerShell, bounded in length, depth and count."""

from __future__ import annotations

import re

from interlock.effects.powershell import lex
from interlock.effects.powershell.expressions import Expressions, Unreadable
from interlock.effects.powershell.syntax import (
    Assign,
    Block,
    Body,
    Branches,
    Command,
    Foreign,
    Function,
    Loop,
    Node,
    Parameter,
    Pipeline,
    Redirect,
    Splat,
    Statement,
    Sub,
    Text,
)

MAX_TEXT = 262_144  # characters
_ASSIGN = re.compile(r"(?:[-+*/%]|\?\?)?=(?!=)")
_REDIRECT = re.compile(r"[1-6*]?>>?(?:&[12])?")
_PARAMETER = re.compile(r"-([A-Za-z_?][\w-]*)(:?)")
_KEYWORD = re.compile(r"[A-Za-z]+(?![\w-])")
_FOREIGN = frozenset(
    {"class", "enum", "configuration", "workflow", "data", "trap", "dynamicparam", "sequence", "parallel"}
)
_NEGATIVE = re.compile(r"-(?:\d|\(|\$|not\b|join\b|split\b|bnot\b|-\$)", re.IGNORECASE)
_JUMPS = frozenset({"return", "throw", "exit", "break", "continue"})
_STARTS_VALUE = frozenset("$\"'(@{[-!+,")

__all__ = ["Unreadable", "read"]


def read(text: str) -> Body:
    """The statements of a text.

    Raises:
        Unreadable: the text is too long, too deep, or not the syntax that is understood here.
    """
    if len(text) > MAX_TEXT:
        raise Unreadable(f"the text is longer than {MAX_TEXT} characters")
    parser = _Parser(lex.plain(text))
    body = parser.body("")
    if parser.at < len(parser.text):
        raise parser.stop("a closing bracket that nothing opened")
    return body


class _Parser(Expressions):
    """Recursive descent over characters: what a character means depends on where it stands."""

    def body(self, closer: str) -> Body:
        """Statements up to `closer`, which is not taken."""
        self.deeper()
        found: list[Statement] = []
        while True:
            self.at = lex.blank(self.text, self.at, lines=True)
            char = self.peek()
            if char == ";":
                self.at += 1
            elif char == "" or char in ")}":
                if char != closer:
                    raise self.stop("brackets do not match")
                break
            else:
                found.append(self.statement())
                if found[-1] != Pipeline(()):  # `param(...)` may have a statement right behind it
                    self.ended()
        self.depth -= 1
        return Body(tuple(found))

    def ended(self) -> None:
        self.at = lex.blank(self.text, self.at, lines=False)
        if self.peek() not in ("", ";", "\n", ")", "}"):
            before = self.text[: self.at].rstrip()
            if not before.endswith(("}", ";", "\n")):
                raise self.stop("the end of a statement was due")

    # -- statements

    def statement(self) -> Statement:
        self.spend()
        if self.peek() == ":" or self.text.startswith("[", self.at):
            self.labelled()
        keyword = _KEYWORD.match(self.text, self.at)
        if keyword is not None:
            found = self.keyword(keyword.group().lower(), keyword.end())
            if found is not None:
                return found
        return self.chain()

    def labelled(self) -> None:
        label = re.compile(r":\w+\s+").match(self.text, self.at)
        if label is not None:
            self.at = label.end()

    def keyword(self, word: str, end: int) -> Statement | None:
        start, kept = self.at, self.at
        self.at = end
        if word == "if":
            return self.choice()
        if word in ("while", "for", "foreach", "switch"):
            found = self.loop(word)
            if found is not None:
                return found
        elif word == "do":
            body = self.braces()
            self.word("while") or self.word("until")
            return Loop(self.parenthesised(), body)
        elif word == "try":
            return self.attempt()
        elif word in ("function", "filter"):
            return self.function()
        elif word in _JUMPS:
            self.at = lex.blank(self.text, self.at, lines=False)
            return self.chain() if self.peek() not in ("", ";", "\n", "}", ")") else Pipeline(())
        elif word == "param":
            self.parenthesised_text()
            return Pipeline(())
        elif word in ("begin", "process", "end", "clean") and self.next_is("{"):
            return Branches((self.braces(),))
        elif word == "using":
            line_end = self.text.find("\n", self.at)
            stop = min((i for i in (line_end, self.text.find(";", self.at)) if i >= 0), default=len(self.text))
            text, self.at = self.text[start:stop], stop
            return Pipeline(()) if "namespace" in text.lower() else Foreign(text, "code of a module is loaded")
        elif word in _FOREIGN and not self.next_is("="):
            text, self.at = self.text[start:], len(self.text)
            return Foreign(text[:200], f"`{word}` is not read")
        self.at = kept
        return None

    def choice(self) -> Statement:
        bodies = [self.parenthesised(), self.braces()]
        while True:
            kept = self.at
            self.at = lex.blank(self.text, self.at, lines=True)
            if self.word("elseif"):
                bodies += [self.parenthesised(), self.braces()]
            elif self.word("else"):
                bodies.append(self.braces())
            else:
                self.at = kept
                return Branches(tuple(bodies))

    def loop(self, word: str) -> Statement | None:
        self.at = lex.blank(self.text, self.at, lines=True)
        while word == "switch" and self.peek() == "-":
            self.bare()
            self.at = lex.blank(self.text, self.at, lines=True)
        if self.peek() != "(":
            return None
        if word == "switch":
            return Branches((self.parenthesised(), *self.cases()))
        if word == "while":
            return Loop(self.parenthesised(), self.braces())
        self.at += 1
        variable = ""
        if word == "foreach":
            self.at = lex.blank(self.text, self.at, lines=True)
            named = lex.VARIABLE.match(self.text, self.at)
            if named is None:
                raise self.stop("foreach needs a variable")
            variable, self.at = lex.variable_name(named), named.end()
            self.at = lex.blank(self.text, self.at, lines=True)
            if not self.word("in"):
                raise self.stop("foreach needs `in`")
        head = self.body(")")
        self.at += 1
        return Loop(head, self.braces(), variable)

    def cases(self) -> list[Body]:
        """The cases of a switch: a value or a condition, then a block."""
        self.expect("{")
        bodies: list[Body] = []
        while True:
            self.at = lex.blank(self.text, self.at, lines=True)
            if self.peek() in (";", ","):
                self.at += 1
            elif self.peek() == "}":
                self.at += 1
                return bodies
            elif self.peek() == "{":
                bodies.append(self.braces())
            elif self.peek() == "":
                raise self.stop("a switch does not end")
            else:
                self.argument()
                bodies.append(self.braces())

    def attempt(self) -> Statement:
        bodies = [self.braces()]
        while True:
            kept = self.at
            self.at = lex.blank(self.text, self.at, lines=True)
            if self.word("catch"):
                self.at = lex.blank(self.text, self.at, lines=True)
                while self.peek() in ("[", ","):
                    self.at = self.text.find("]", self.at) + 1 if self.peek() == "[" else self.at + 1
                    if self.at == 0:
                        raise self.stop("a type does not end")
                    self.at = lex.blank(self.text, self.at, lines=True)
                bodies.append(self.braces())
            elif self.word("finally"):
                bodies.append(self.braces())
            else:
                self.at = kept
                return Branches(tuple(bodies))

    def function(self) -> Statement:
        self.at = lex.blank(self.text, self.at, lines=True)
        named = re.compile(r"(?:\w+:)?[\w-]+").match(self.text, self.at)
        if named is None:
            raise self.stop("a function needs a name")
        self.at = named.end()
        parameters: tuple[str, ...] = ()
        if self.next_is("("):
            parameters = self.parenthesised_text()
        body, inner = self.block_body()
        name = named.group().lower().rpartition(":")[2]
        return Function(name, body, parameters or inner)

    # -- pipelines

    def chain(self) -> Statement:
        """`a | b && c || d`, or an assignment."""
        first = self.part()
        rest: list[Body] = []
        while True:
            kept = self.at
            self.at = lex.blank(self.text, self.at, lines=False)
            if not self.text.startswith(("&&", "||"), self.at):
                self.at = kept
                break
            self.at = lex.blank(self.text, self.at + 2, lines=True)
            rest.append(Body((self.part(),)))
        if not rest:
            return first
        return Branches((Body((first,)), *rest))

    def part(self) -> Statement:
        """A pipeline, or an assignment: which of them shows only behind the first value."""
        if self.peek() in ("&", ".") or not self.is_value():
            return self.pipeline(self.element())
        value = self.expression()
        kept = self.at
        self.at = lex.blank(self.text, self.at, lines=False)
        operator = _ASSIGN.match(self.text, self.at)
        if operator is not None:
            self.at = lex.blank(self.text, operator.end(), lines=True)
            return Assign(self.assigned_name(value), operator.group(), self.statement(), value)
        self.at = kept
        return self.pipeline(self.with_redirects(value))

    def pipeline(self, first: Command | Node) -> Pipeline:
        """What follows the first element through pipes."""
        elements = [first]
        while True:
            kept = self.at
            self.at = lex.blank(self.text, self.at, lines=True)
            if self.peek() != "|" or self.text.startswith("||", self.at):
                self.at = kept
                break
            self.at = lex.blank(self.text, self.at + 1, lines=True)
            elements.append(self.element())
        self.at = lex.blank(self.text, self.at, lines=False)
        if self.peek() == "&" and not self.text.startswith("&&", self.at):
            self.at += 1
        return Pipeline(tuple(elements))

    def element(self) -> Command | Node:
        self.spend()
        char = self.peek()
        if char in ("&", ".") and self.invokes():
            self.at = lex.blank(self.text, self.at + 1, lines=False)
            return self.command(char)
        return self.with_redirects(self.expression()) if self.is_value() else self.command("")

    def with_redirects(self, value: Node) -> Command | Node:
        redirects = self.redirects()
        return Command((Text("write-output"), value), "", redirects) if redirects else value

    def invokes(self) -> bool:
        following = self.text[self.at + 1 : self.at + 2]
        return self.peek() == "&" or following in (" ", "\t", "$", "(", "{", '"', "'")

    def is_value(self) -> bool:
        """Whether an expression begins here, not the name of a command."""
        char = self.peek()
        if char in _STARTS_VALUE:
            if char == "-":
                return _NEGATIVE.match(self.text, self.at) is not None
            return char != "@" or self.text[self.at + 1 : self.at + 2] in ("(", "{", "'", '"')
        number = lex.NUMBER.match(self.text, self.at)
        return number is not None and not re.compile(r"[\w\\/:-]").match(self.text, number.end())

    def command(self, invoked: str) -> Command:
        words: list[Node | Parameter | Splat] = []
        redirects: list[Redirect] = []
        while True:
            self.at = lex.blank(self.text, self.at, lines=False)
            self.spend()
            char = self.peek()
            if char in ("", "\n", ";", "|", ")", "}") or char == "&":
                break
            redirect = _REDIRECT.match(self.text, self.at)
            if redirect is not None:
                redirects += self.redirects()
            elif self.text.startswith("--% ", self.at):
                words += self.verbatim()
            else:
                words.append(self.argument() if words or invoked else self.named())
        if not words:
            raise self.stop("a command was due")
        return Command(tuple(words), invoked, tuple(redirects))

    def named(self) -> Node | Parameter | Splat:
        """The name of a command: a bare word may begin with what would be an operator elsewhere."""
        return self.bare()

    def redirects(self) -> tuple[Redirect, ...]:
        found: list[Redirect] = []
        while True:
            kept = self.at
            self.at = lex.blank(self.text, self.at, lines=False)
            redirect = _REDIRECT.match(self.text, self.at)
            if redirect is None:
                self.at = kept
                return tuple(found)
            self.at = redirect.end()
            if not redirect.group().endswith(("&1", "&2")):
                self.at = lex.blank(self.text, self.at, lines=False)
                target = self.argument()
                if isinstance(target, Parameter | Splat):
                    raise self.stop("a redirection needs a file")
                found.append(Redirect(target, ">>" in redirect.group()))

    def verbatim(self) -> list[Node | Parameter | Splat]:
        """`--%`: the rest of the line reaches the program as it is."""
        stop = self.at
        while stop < len(self.text) and self.text[stop] not in "\n|":
            stop += 1
        rest, self.at = self.text[self.at + 4 : stop], stop
        return [Text(part.replace('"', "")) for part in re.findall(r'(?:[^\s"]|"[^"]*")+', rest)]

    def argument(self) -> Node | Parameter | Splat:
        """One argument: a parameter, a value, or several values with commas between them."""
        parameter = _PARAMETER.match(self.text, self.at)
        if parameter is not None:
            found = self.parameter(parameter)
            if found is not None:
                return found
        named = lex.NAME.match(self.text, self.at + 1) if self.peek() == "@" else None
        if named is not None:
            self.at = named.end()
            return Splat(named.group().lower())
        items = [self.single_argument()]
        while True:
            kept = self.at
            self.at = lex.blank(self.text, self.at, lines=False)
            if self.peek() != ",":
                self.at = kept
                break
            self.at = lex.blank(self.text, self.at + 1, lines=True)
            items.append(self.single_argument())
        return items[0] if len(items) == 1 else self.listed(items)

    def parameter(self, matched: re.Match[str]) -> Parameter | None:
        behind = self.text[matched.end() : matched.end() + 1]
        if matched.group(2):
            self.at = lex.blank(self.text, matched.end(), lines=False)
            if self.peek() in ("", "\n", ";", "|", ")", "}"):
                return Parameter(matched.group(1), None, matched.group())
            return Parameter(matched.group(1), self.single_argument(), matched.group())
        if behind and behind not in " \t\n;|&(){},<>":
            return None  # `-Dname=value` of a program: a bare word
        self.at = matched.end()
        return Parameter(matched.group(1), None, matched.group())

    def entry(self) -> Node:
        return self.expression() if self.is_value() else Sub(Body((self.statement(),)))

    # -- brackets

    def braces(self) -> Body:
        """`{ statements }`."""
        return self.block_body()[0]

    def block_body(self) -> tuple[Body, tuple[str, ...]]:
        """A block, and the names of its parameters."""
        self.expect("{")
        kept = self.at
        self.at = lex.blank(self.text, self.at, lines=True)
        parameters: tuple[str, ...] = ()
        while self.peek() == "[" and re.compile(r"\[\s*CmdletBinding", re.I).match(self.text, self.at):
            self.type_text()
            self.at = lex.blank(self.text, self.at, lines=True)
        if self.word("param"):
            parameters = self.parenthesised_text()
        else:
            self.at = kept
        body = self.body("}")
        self.at += 1
        return body, parameters

    def block(self) -> Node:
        body, parameters = self.block_body()
        return Block(body, parameters)

    def sub(self, closer: str) -> Node:
        body = self.body(closer)
        self.at += 1
        return Sub(body)

    def parenthesised(self) -> Body:
        """`( statements )`."""
        self.expect("(")
        body = self.body(")")
        self.at += 1
        return body

    def parenthesised_text(self) -> tuple[str, ...]:
        """The parameters of a function: their names; defaults and attributes are data until somebody calls it."""
        self.expect("(")
        start, depth = self.at, 1
        names: list[str] = []
        while depth:
            char = self.peek()
            if char == "":
                raise self.stop("a bracket does not end")
            if char == "$" and depth == 1:
                named = lex.VARIABLE.match(self.text, self.at)
                if named is not None:
                    names.append(lex.variable_name(named))
                    self.at = named.end()
                    continue
            if char in "\"'":
                self.operand()
                continue
            depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(char, 0)
            self.at += 1
        self.defaults(self.text[start : self.at - 1])
        return tuple(names)

    def defaults(self, text: str) -> None:
        """A default may run a command: such a list is not read."""
        if re.search(r"\$\(|=\s*\(|@\(\s*[A-Za-z]", text):
            raise self.stop("a parameter whose default runs something")
