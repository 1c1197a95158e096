"""Words: quoting, expansions and here-documents, read as bash reads them.

The reader is scannerless: it walks the text once with compiled character classes, so a megabyte of plain characters is
one step. `steps` and `depth` bound the work; beyond them `Unreadable` is raised and the caller turns the rest into
`opaque`.
Source: bash 5.2 manual, chapters 3.1 and 3.5; parse.y (`read_token_word`, `parse_matched_pair`, `parse_comsub`).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from interlock.effects.shell.escapes import ansi_c
from interlock.effects.shell.syntax import Arith, Lit, Param, Part, Proc, Redir, Sequence, Sub, WordNode

MAX_STEPS = 12_000  # at most 50 ms of reading; the longest script agents were seen to write has some 4,000 words
MAX_DEPTH = 40  # nested constructs; the deepest seen in real scripts is 9

_RUN = re.compile(r"[^ \t\n|&;()<>'\"\\$`]+")
_DRUN = re.compile(r"[^\"\\$`]+")
_HRUN = re.compile(r"[^\\$`]+")
_BRUN = re.compile(r"[^}'\"\\$`]+")
_BDRUN = re.compile(r"[^}\"\\$`]+")
_ARUN = re.compile(r"[^()'\"\\$`]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PARAM = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#?$!-]")
_BRACED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]")
_OPERATOR = re.compile(r":[-=?+]|[-=?+]|##?|%%?|//?|\^\^?|,,?|~~?|@[A-Za-z]|:")
_BLANK = re.compile(r"(?:[ \t]|\\\n)+")
_MATTERS = re.compile(r"[*?{~]|\[(?=[^\[]*\])")  # `[` alone is a command's name
_CHANGES = re.compile(r"[*?{~\[]")
METACHARACTERS = frozenset(" \t\n|&;()<>")


class Unreadable(Exception):
    """The text cannot be read from `start` on."""

    def __init__(self, reason: str, start: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.start = start


class WordReader(ABC):
    """Reads words at `pos`. The command grammar stands in `parse.Parser`, which extends it."""

    def __init__(self, text: str, *, depth: int = 0, steps: int = 0) -> None:
        self.text = text
        self.size = len(text)
        self.pos = 0
        self.depth = depth
        self.steps = steps
        self.pending: list[tuple[Redir, str, bool]] = []  # here-documents announced: delimiter, quoted

    # -- to be given by the command grammar

    @abstractmethod
    def substitution(self, start: int) -> Sequence:
        """The list up to the closing parenthesis, which is consumed."""

    @abstractmethod
    def whole(self) -> Sequence:
        """The whole text as a list; raises `Unreadable` when it is not one."""

    # -- bounds

    def step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise Unreadable("the text is too long to be read", self.pos)

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable(f"nested more than {MAX_DEPTH} deep", self.pos)

    def leave(self) -> None:
        self.depth -= 1

    def blanks(self) -> None:
        """Skip spaces, tabs and line continuations."""
        match = _BLANK.match(self.text, self.pos)
        if match:
            self.pos = match.end()

    # -- words

    def word(self) -> WordNode:
        """The word at `pos`, which must not be blank."""
        text, start = self.text, self.pos
        match = _RUN.match(text, start)
        if match:
            stop = match.end()
            if stop == self.size or text[stop] in METACHARACTERS:
                run = match.group()
                if not (text.startswith(("<(", ">("), stop)):
                    self.pos = stop
                    self.step()
                    if _MATTERS.search(run) is None:
                        return WordNode((Lit(run),), start, stop, run, bare=True)
                    return WordNode((Lit(run),), start, stop)
        parts: list[Part] = []
        self.parts_until_blank(parts)
        return finish(parts, start, self.pos)

    def parts_until_blank(self, parts: list[Part]) -> None:
        text = self.text
        while self.pos < self.size:
            self.step()
            match = _RUN.match(text, self.pos)
            if match:
                parts.append(Lit(match.group()))
                self.pos = match.end()
                continue
            char = text[self.pos]
            if char in METACHARACTERS:
                if char in "<>" and text.startswith("(", self.pos + 1):
                    parts.append(self.process())
                    continue
                return
            self.quoted_or_expansion(char, parts)

    def quoted_or_expansion(self, char: str, parts: list[Part]) -> None:
        """One quoted stretch or expansion outside double quotes; `char` is the character at `pos`."""
        if char == "'":
            parts.append(Lit(self.single(), quoted=True))
        elif char == '"':
            self.double(parts)
        elif char == "\\":
            self.backslash(parts)
        elif char == "`":
            parts.append(self.backquote(quoted=False))
        else:
            self.dollar(parts, quoted=False)

    def single(self) -> str:
        start = self.pos
        stop = self.text.find("'", start + 1)
        if stop < 0:
            raise Unreadable("a single quote is never closed", start)
        self.pos = stop + 1
        return self.text[start + 1 : stop]

    def backslash(self, parts: list[Part]) -> None:
        if self.pos + 1 >= self.size:
            parts.append(Lit("\\", quoted=True))
            self.pos += 1
            return
        char = self.text[self.pos + 1]
        if char != "\n":
            parts.append(Lit(char, quoted=True))
        self.pos += 2

    def double(self, parts: list[Part]) -> None:
        """A double-quoted string, from its opening quote."""
        start = self.pos
        self.pos += 1
        begun = len(parts)
        while True:
            self.step()
            match = _DRUN.match(self.text, self.pos)
            if match:
                parts.append(Lit(match.group(), quoted=True))
                self.pos = match.end()
            if self.pos >= self.size:
                raise Unreadable("a double quote is never closed", start)
            char = self.text[self.pos]
            if char == '"':
                self.pos += 1
                if not (len(parts) == begun + 1 and _is_list(parts[begun])):
                    parts.insert(begun, Lit("", quoted=True))  # even an empty string is a word; "$@" alone may be none
                return
            if char == "\\":
                self.escaped(parts, '$`"\\')
            elif char == "`":
                parts.append(self.backquote(quoted=True))
            else:
                self.dollar(parts, quoted=True)

    def escaped(self, parts: list[Part], special: str) -> None:
        """A backslash inside double quotes, a here-document or an arithmetic expression."""
        char = self.text[self.pos + 1 : self.pos + 2]
        if char == "\n":
            self.pos += 2
        elif char and char in special:
            parts.append(Lit(char, quoted=True))
            self.pos += 2
        else:
            parts.append(Lit("\\", quoted=True))
            self.pos += 1

    # -- expansions

    def dollar(self, parts: list[Part], *, quoted: bool) -> None:
        text, start = self.text, self.pos
        following = text[start + 1 : start + 2]
        if following == "(":
            parts.append(self.parenthesis(quoted=quoted))
        elif following == "{":
            parts.append(self.braced(quoted=quoted))
        elif following == "[":
            parts.append(self.old_arithmetic(quoted=quoted))
        elif following == "'" and not quoted:
            parts.append(self.ansi_string())
        elif following == '"' and not quoted:
            self.pos += 1
            self.double(parts)
        elif following == "\\" and text.startswith("\n", start + 2):
            raise Unreadable("a line continuation right after $", start)
        else:
            match = _PARAM.match(text, start + 1)
            if match is None:
                parts.append(Lit("$", quoted=True))
                self.pos += 1
                return
            self.pos = match.end()
            if text.startswith("\\\n", self.pos):
                raise Unreadable("a line continuation right after a variable's name", start)
            parts.append(Param(match.group(), quoted, start, self.pos))

    def ansi_string(self) -> Lit:
        start = self.pos
        at = start + 2
        while True:
            quote = self.text.find("'", at)
            if quote < 0:
                raise Unreadable("a $' quote is never closed", start)
            slash = self.text.find("\\", at, quote)
            if slash < 0:
                break
            self.step()
            at = slash + 2
        self.pos = quote + 1
        return Lit(ansi_c(self.text[start + 2 : quote]), quoted=True)

    def parenthesis(self, *, quoted: bool) -> Part:
        """`$(( … ))` or `$( … )`."""
        start = self.pos
        if self.text.startswith("$((", start):
            self.pos += 3
            steps = self.steps
            parts = self.arithmetic_parts()
            if parts is not None:
                return Arith(parts, quoted, start, self.pos)
            # Read as arithmetic first, as bash does; the second reading costs the steps of the first once more.
            self.steps = max(self.steps, steps + 1) + 50
        self.pos = start + 2
        body = self.substitution(start)
        return Sub(body, quoted, start, self.pos)

    def arithmetic_parts(self) -> tuple[Part, ...] | None:
        """Up to and over `))`, or None when the parentheses say that it is not arithmetic."""
        parts: list[Part] = []
        level = 0
        start = self.pos
        self.enter()
        try:
            while self.pos < self.size:
                self.step()
                match = _ARUN.match(self.text, self.pos)
                if match:
                    parts.append(Lit(match.group()))
                    self.pos = match.end()
                    continue
                char = self.text[self.pos]
                if char == "(":
                    level += 1
                    parts.append(Lit(char))
                    self.pos += 1
                elif char == ")":
                    if level == 0:
                        if not self.text.startswith("))", self.pos):
                            return None
                        self.pos += 2
                        return tuple(parts)
                    level -= 1
                    parts.append(Lit(char))
                    self.pos += 1
                elif char == "\\":
                    self.escaped(parts, '$`"\\')
                elif char == "'":
                    parts.append(Lit(self.single()))
                else:
                    self.quoted_or_expansion(char, parts)
        finally:
            self.leave()
        raise Unreadable("(( is never closed", start)

    def old_arithmetic(self, *, quoted: bool) -> Part:
        start = self.pos
        self.pos += 2
        parts = self.parts_until("]", quoted=True)
        return Arith(tuple(parts), quoted, start, self.pos)

    def parts_until(self, close: str, *, quoted: bool) -> list[Part]:
        """Parts up to and over the closing bracket, counting nested ones: subscripts and `$[ … ]`."""
        opening = "["
        parts: list[Part] = []
        level = 0
        start = self.pos
        while self.pos < self.size:
            self.step()
            char = self.text[self.pos]
            if char == close:
                self.pos += 1
                if level == 0:
                    return parts
                level -= 1
                parts.append(Lit(char))
            elif char == opening:
                level += 1
                parts.append(Lit(char))
                self.pos += 1
            elif char in '"\\`$' or (char == "'" and not quoted):
                self.quoted_or_expansion(char, parts)
            else:
                self.literal(char, parts)
        raise Unreadable("a bracket is never closed", start)

    def literal(self, char: str, parts: list[Part]) -> None:
        if parts and isinstance(parts[-1], Lit) and not parts[-1].quoted:
            parts[-1] = Lit(parts[-1].text + char)
        else:
            parts.append(Lit(char))
        self.pos += 1

    def backquote(self, *, quoted: bool) -> Sub:
        """The old substitution: its text is unescaped once and read by itself."""
        start = self.pos
        at = start + 1
        inside: list[str] = []
        special = '$`\\"' if quoted else "$`\\"
        while True:
            self.step()
            if at >= self.size:
                raise Unreadable("a backquote is never closed", start)
            char = self.text[at]
            if char == "`":
                break
            if char == "\\" and at + 1 < self.size:
                following = self.text[at + 1]
                if following in special:
                    inside.append(following)
                else:
                    inside.append(char + following)
                at += 2
                continue
            stop = at + 1
            while stop < self.size and self.text[stop] not in "`\\":
                stop += 1
            inside.append(self.text[at:stop])
            at = stop
        self.enter()
        text = "".join(inside)
        inner = type(self)(text, depth=self.depth, steps=self.steps)
        try:
            body = inner.whole()
        except Unreadable as error:
            raise Unreadable(error.reason, start) from None
        self.leave()
        self.steps = inner.steps
        self.pos = at + 1
        return Sub(body, quoted, start, self.pos, inside=text)

    def process(self) -> Proc:
        start = self.pos
        reads = self.text[start] == "<"
        self.pos += 2
        body = self.substitution(start)
        return Proc(body, reads, start, self.pos)

    # -- ${ … }

    def braced(self, *, quoted: bool) -> Param:
        text, start = self.text, self.pos
        self.pos += 2
        self.enter()
        indirect = length = False
        if text.startswith("#", self.pos) and not text.startswith(("#}", "#:", "#-", "#?", "#%", "#/"), self.pos):
            length = True
            self.pos += 1
        elif text.startswith("!", self.pos) and _NAME.match(text, self.pos + 1):
            indirect = True
            self.pos += 1
        match = _BRACED.match(text, self.pos)
        if match is None:
            raise Unreadable("an expansion in braces that bash refuses or runs as a command", start)
        name = match.group()
        self.pos = match.end()
        index = None
        if text.startswith("[", self.pos):
            self.pos += 1
            index = tuple(self.parts_until("]", quoted=False))
        node = self.operator(name, index, start, quoted=quoted, indirect=indirect, length=length)
        self.leave()
        return node

    def operator(
        self, name: str, index: tuple[Part, ...] | None, start: int, *, quoted: bool, indirect: bool, length: bool
    ) -> Param:
        text = self.text
        if text.startswith("}", self.pos):
            self.pos += 1
            return Param(name, quoted, start, self.pos, op="#len" if length else "", index=index, indirect=indirect)
        match = _OPERATOR.match(text, self.pos)
        if match is None or length:
            if indirect and text.startswith("*}", self.pos):
                self.pos += 2
                return Param(name, quoted, start, self.pos, op="@names", indirect=True)
            raise Unreadable("an operator in ${…} that bash does not know", start)
        op = match.group()
        self.pos = match.end()
        if op in ("/", "//"):
            return self.replacement(name, index, op, start, quoted=quoted, indirect=indirect)
        pattern = op[0] in "#%^,~"
        arg = tuple(self.until_brace(start, quoted=quoted and not pattern))
        return Param(name, quoted, start, self.pos, op=op, arg=arg, index=index, indirect=indirect)

    def replacement(
        self, name: str, index: tuple[Part, ...] | None, op: str, start: int, *, quoted: bool, indirect: bool
    ) -> Param:
        if op == "/" and self.text.startswith(("#", "%"), self.pos):
            op += self.text[self.pos]
            self.pos += 1
        arg = tuple(self.until_brace(start, quoted=False, slash=True))
        arg2: tuple[Part, ...] | None = None
        if self.text[self.pos - 1] == "/":
            arg2 = tuple(self.until_brace(start, quoted=False))
        return Param(name, quoted, start, self.pos, op=op, arg=arg, arg2=arg2, index=index, indirect=indirect)

    def until_brace(self, start: int, *, quoted: bool, slash: bool = False) -> list[Part]:
        """The operand of an operator, up to and over `}` (or an unquoted `/` that ends a pattern)."""
        parts: list[Part] = []
        run = _BDRUN if quoted else _BRUN
        while self.pos < self.size:
            self.step()
            match = run.match(self.text, self.pos)
            if match:
                stop = match.end()
                if slash and (at := self.text.find("/", self.pos, stop)) >= 0:
                    parts.append(Lit(self.text[self.pos : at]))
                    self.pos = at + 1
                    return parts
                parts.append(Lit(match.group(), quoted=quoted))
                self.pos = stop
                continue
            char = self.text[self.pos]
            if char == "}":
                self.pos += 1
                return parts
            if not quoted or char == '"':
                self.quoted_or_expansion(char, parts)
            elif char == "\\":
                self.escaped(parts, '$`"\\}')
            elif char == "`":
                parts.append(self.backquote(quoted=True))
            else:
                self.dollar(parts, quoted=True)
        raise Unreadable("${ is never closed", start)

    # -- here-documents

    def document(self, text: str) -> tuple[Part, ...]:
        """The parts of an unquoted here-document's body."""
        self.enter()
        inner = type(self)(text, depth=self.depth, steps=self.steps)
        parts: list[Part] = []
        try:
            inner.document_parts(parts)
        except Unreadable as error:
            raise Unreadable(error.reason, self.pos) from None
        self.leave()
        self.steps = inner.steps
        return tuple(parts)

    def document_parts(self, parts: list[Part]) -> None:
        while self.pos < self.size:
            self.step()
            match = _HRUN.match(self.text, self.pos)
            if match:
                parts.append(Lit(match.group(), quoted=True))
                self.pos = match.end()
                continue
            char = self.text[self.pos]
            if char == "\\":
                self.escaped(parts, "$`\\")
            elif char == "`":
                parts.append(self.backquote(quoted=True))
            else:
                self.dollar(parts, quoted=True)


def _is_list(part: Part) -> bool:
    """Whether a quoted part stands for any number of words: `$@`, `${a[@]}` and what is made of them."""
    if not isinstance(part, Param):
        return False
    return part.name == "@" or (part.index is not None and part.index == (Lit("@"),))


def finish(parts: list[Part], start: int, end: int) -> WordNode:
    """The word made of `parts`: neighbouring quoted stretches joined, its value known when nothing in it expands."""
    joined: list[Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, Lit) and isinstance(last, Lit) and part.quoted == last.quoted:
            joined[-1] = Lit(last.text + part.text, last.quoted)
        else:
            joined.append(part)
    value: list[str] = []
    for part in joined:
        if not isinstance(part, Lit) or (not part.quoted and _CHANGES.search(part.text)):
            return WordNode(tuple(joined), start, end)
        value.append(part.text)
    return WordNode(tuple(joined), start, end, "".join(value))
