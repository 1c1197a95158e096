"""Values of PowerShell: quotes, variables, members, operators. Statements inside brackets come from the parser."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from interlock.effects.powershell import lex
from interlock.effects.powershell.syntax import Cast, Joined, Many, Member, Node, Text, Type, Variable

MAX_DEPTH = 48  # brackets in brackets; nobody's honest script has more
MAX_NODES = 60_000
_WORD_OPERATOR = re.compile(r"-[A-Za-z]+")
_OPERATOR = re.compile(r"\.\.|\?\?(?!=)|[+*/%](?!=)|-(?![A-Za-z=])|,|\?(?=\s)|:(?=\s)")
_UNARY = re.compile(r"-(?:not|bnot|join|split|csplit|isplit)\b|!|\+\+|--|[-+,]", re.IGNORECASE)
_KEY = re.compile(r"[\w.-]+")
_PLAIN = re.compile(r"[^\"`$]+|.", re.DOTALL)
_MEMBER = re.compile(r"\??\.(?=[A-Za-z_$\"'({])|::")


class Unreadable(Exception):
    """This text is no PowerShell that is understood here, or too much of it."""


class Expressions(ABC):
    """A cursor over a text, and the values that can stand there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.nodes = 0
        self.looks = 0

    @abstractmethod
    def block(self) -> Node:
        """`{ statements }` at the cursor."""

    @abstractmethod
    def sub(self, closer: str) -> Node:
        """Statements up to `closer`, which is taken."""

    @abstractmethod
    def entry(self) -> Node:
        """The value of an entry in a table: a statement, whose brackets may be left out."""

    # -- the cursor

    def peek(self) -> str:
        self.looks += 1  # every loop looks: none of them is endless, whatever the text
        if self.looks > 10_000 + 64 * len(self.text):
            raise self.stop("this text leads round in a circle")
        return self.text[self.at : self.at + 1]

    def stop(self, why: str) -> Unreadable:
        return Unreadable(f"{why} (at character {self.at})")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.stop("nested too deep")

    def spend(self) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.stop("too many parts")

    def expect(self, char: str) -> None:
        self.at = lex.blank(self.text, self.at, lines=True)
        if self.peek() != char:
            raise self.stop(f"`{char}` was due")
        self.at += 1

    def next_is(self, char: str) -> bool:
        return self.text.startswith(char, lex.blank(self.text, self.at, lines=True))

    def word(self, name: str) -> bool:
        """Take this keyword when it stands here."""
        at = lex.blank(self.text, self.at, lines=True)
        end = at + len(name)
        if self.text[at:end].lower() != name or re.compile(r"[\w-]").match(self.text, end):
            return False
        self.at = end
        return True

    # -- values

    def expression(self, *, commas: bool = True) -> Node:
        """Operands with operators between them; in a call a comma ends the argument."""
        self.deeper()
        items = [self.operand()]
        operators: list[str] = []
        while True:
            kept = self.at
            self.at = lex.blank(self.text, self.at, lines=False)
            found = _WORD_OPERATOR.match(self.text, self.at) or _OPERATOR.match(self.text, self.at)
            if found is None or (not commas and found.group() == ","):
                self.at = kept
                break
            self.spend()
            self.at = lex.blank(self.text, found.end(), lines=True)
            operators.append(found.group().lower())
            items.append(self.operand())
        self.depth -= 1
        if not operators:
            return items[0]
        if set(operators) == {"+"}:
            return Joined(tuple(items))
        if set(operators) == {","}:
            return Many(",", tuple(items))
        return Many(operators[0] if len(operators) == 1 else " ".join(operators), tuple(items))

    def operand(self) -> Node:
        self.deeper()
        self.spend()
        found = _UNARY.match(self.text, self.at)
        if found is not None:
            self.at = lex.blank(self.text, found.end(), lines=False)
            value: Node = Many(found.group().lower(), (self.operand(),))
        else:
            value = self.postfix(self.primary())
        self.depth -= 1
        return value

    def primary(self) -> Node:
        char = self.peek()
        if char == "$":
            if self.text.startswith("$(", self.at):
                self.at += 2
                return self.sub(")")
            return self.variable()
        if char in "\"'" and char:
            return self.quoted()
        if char == "(":
            self.at += 1
            return self.sub(")")
        if char == "{":
            return self.block()
        if char == "@":
            return self.at_sign()
        if char == "[":
            return self.bracket()
        number = lex.NUMBER.match(self.text, self.at)
        if number is not None:
            self.at = number.end()
            return Text(number.group())
        raise self.stop("a value was due")

    def variable(self) -> Node:
        named = lex.VARIABLE.match(self.text, self.at)
        if named is None:
            raise self.stop("a variable was due")
        self.at = named.end()
        return Variable(lex.variable_name(named))

    def at_sign(self) -> Node:
        following = self.text[self.at + 1 : self.at + 2]
        if following in ("'", '"') and following:
            found = lex.here(self.text, self.at)
            if found is None:
                raise self.stop("a here-string does not end")
            body, self.at = found
            return Text(body) if following == "'" else self.expandable(body)
        if following == "(":
            self.at += 2
            return self.sub(")")
        if following == "{":
            return self.table()
        raise self.stop("`@` stands alone")

    def table(self) -> Node:
        """`@{ key = value; ... }`: the values are looked at."""
        self.at += 2
        items: list[Node] = []
        while True:
            self.at = lex.blank(self.text, self.at, lines=True)
            char = self.peek()
            if char == "}":
                self.at += 1
                return Many("@{", tuple(items))
            if char == ";":
                self.at += 1
                continue
            key = self.operand() if char in "\"'$([" and char else self.key()
            self.expect("=")
            self.at = lex.blank(self.text, self.at, lines=True)
            items += [key, self.entry()]

    def key(self) -> Node:
        found = _KEY.match(self.text, self.at)
        if found is None:
            raise self.stop("a key was due")
        self.at = found.end()
        return Text(found.group())

    def bracket(self) -> Node:
        """A type, or a cast when a value follows."""
        name = self.type_text()
        after = self.peek()
        if after and (after in "$\"'(@{[" or after.isdigit()):
            return Cast(name, self.operand())
        kept = self.at
        self.at = lex.blank(self.text, self.at, lines=False)
        after = self.peek()
        if after and after in "$\"'(@{[" and not self.text.startswith("::", kept):
            return Cast(name, self.operand())
        self.at = kept
        return Type(name)

    def type_text(self) -> str:
        start, depth = self.at, 0
        while True:
            char = self.peek()
            if char == "" or self.at - start > 2_000:
                raise self.stop("a type does not end")
            depth += {"[": 1, "]": -1}.get(char, 0)
            self.at += 1
            if depth == 0:
                return self.text[start + 1 : self.at - 1].strip()

    def postfix(self, base: Node) -> Node:
        """Members, calls and indexes behind a value."""
        while True:
            self.spend()
            if self.text.startswith(("++", "--"), self.at) and not self.text.startswith("--%", self.at):
                self.at += 2
                continue
            if self.peek() == "[":
                self.at += 1
                index = self.inside("]")
                base = Many("[]", (base, *index))
                continue
            member = _MEMBER.match(self.text, self.at)
            if member is None:
                return base
            self.at = member.end()
            base = self.member(base, static=member.group() == "::")

    def member(self, base: Node, *, static: bool) -> Node:
        named = lex.NAME.match(self.text, self.at)
        if named is not None:
            self.at = named.end()
            name: Node = Text(named.group())
        else:
            name = self.primary()
        if self.peek() != "(":
            return Member(base, name, None, static)
        self.at += 1
        return Member(base, name, self.inside(")"), static)

    def inside(self, closer: str) -> tuple[Node, ...]:
        """Values with commas between them, up to `closer`, which is taken."""
        items: list[Node] = []
        while True:
            self.at = lex.blank(self.text, self.at, lines=True)
            if self.peek() == closer:
                self.at += 1
                return tuple(items)
            if self.peek() == ",":
                self.at += 1
                continue
            items.append(self.expression(commas=False))
            self.at = lex.blank(self.text, self.at, lines=True)
            if self.peek() not in (closer, ","):
                raise self.stop(f"`{closer}` was due")

    # -- text with something in it

    def quoted(self) -> Node:
        if self.peek() == "'":
            found = lex.single(self.text, self.at)
            if found is None:
                raise self.stop("a quote does not end")
            text, self.at = found
            return Text(text)
        self.at += 1
        parts: list[Node] = []
        held: list[str] = []
        while True:
            char = self.peek()
            if char == "":
                raise self.stop("a quote does not end")
            if char == '"':
                self.at += 1
                if self.peek() != '"':
                    break
                held.append('"')
                self.at += 1
            else:
                self.piece(parts, held)
        return self.joined(parts, held)

    def piece(self, parts: list[Node], held: list[str]) -> None:
        """One character, escape, variable or `$( )` of a text."""
        self.spend()
        char = self.peek()
        if char == "`":
            letter, self.at = lex.escaped(self.text, self.at)
            held.append(letter)
        elif self.text.startswith("$(", self.at) or (char == "$" and lex.VARIABLE.match(self.text, self.at)):
            if held:
                parts.append(Text("".join(held)))
                held.clear()
            parts.append(self.primary())
        else:
            end = _PLAIN.match(self.text, self.at)
            stop = end.end() if end is not None else self.at + 1
            held.append(self.text[self.at : stop])
            self.at = stop

    @staticmethod
    def joined(parts: list[Node], held: list[str]) -> Node:
        if held or not parts:
            parts.append(Text("".join(held)))
        return parts[0] if len(parts) == 1 and isinstance(parts[0], Text) else Joined(tuple(parts))

    def expandable(self, body: str) -> Node:
        """The body of a here-string in double quotes."""
        outer, place = self.text, self.at
        self.text, self.at = body, 0
        parts: list[Node] = []
        held: list[str] = []
        try:
            while self.at < len(self.text):
                if self.peek() == '"':
                    held.append('"')
                    self.at += 1
                else:
                    self.piece(parts, held)
        finally:
            self.text, self.at = outer, place
        return self.joined(parts, held)

    def single_argument(self) -> Node:
        """One argument of a command, without commas."""
        char = self.peek()
        if char in ("(", "{") or self.text.startswith(("@(", "@{", "@'", '@"'), self.at):
            return self.postfix(self.primary())
        if char == "$" and not self.text.startswith("$(", self.at):
            value = self.variable() if lex.VARIABLE.match(self.text, self.at) else self.bare()
            if _MEMBER.match(self.text, self.at) or self.peek() == "[":
                value = self.postfix(value)
            return self.glued(value)
        return self.bare()

    def glued(self, first: Node) -> Node:
        if self.peek() == "" or self.peek() in " \t\n;|&(){},<>":
            return first
        rest = self.bare()
        return Joined((first, rest))

    def bare(self) -> Node:
        """A bare word: letters, with quotes, variables and escapes in it."""
        parts: list[Node] = []
        held: list[str] = []
        start = self.at
        while True:
            char = self.peek()
            if char == "" or (char in lex.BARE_END and char not in "\"'`$"):
                break
            if char in "\"'":
                if held:
                    parts.append(Text("".join(held)))
                    held.clear()
                parts.append(self.quoted())
            elif char in "`$":
                self.piece(parts, held)
            else:
                held.append(char)
                self.at += 1
        if self.at == start:
            raise self.stop("a word was due")
        if all(isinstance(part, Text) for part in parts):
            held = [*(part.text for part in parts if isinstance(part, Text)), *held]
            return Text("".join(held))
        return self.joined(parts, held)

    @staticmethod
    def listed(items: list[Node]) -> Node:
        return Many(",", tuple(items))

    @staticmethod
    def assigned_name(target: Node) -> str:
        """The variable that is assigned, or "" for a member or an element."""
        while isinstance(target, Cast):
            target = target.value
        return target.name if isinstance(target, Variable) else ""
