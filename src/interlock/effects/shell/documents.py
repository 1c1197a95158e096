"""Here-documents: announced on one line, read from the next. Source: bash 5.2 manual, 3.6.6."""

from __future__ import annotations

from interlock.effects.shell.lex import Unreadable, WordReader
from interlock.effects.shell.syntax import Lit, Redir


class DocumentReader(WordReader):
    """Reads the bodies that the redirections of a line asked for."""

    def announce(self, redir: Redir) -> None:
        """Remember a here-document; its body begins after the next newline."""
        source = self.text[redir.target.start : redir.target.end]
        quoted = any(char in source for char in "'\"\\")
        if not quoted:
            delimiter = source
        elif redir.target.parts and all(isinstance(part, Lit) for part in redir.target.parts):
            delimiter = "".join(part.text for part in redir.target.parts if isinstance(part, Lit))
        elif not redir.target.parts:
            delimiter = ""
        else:
            raise Unreadable("a here-document whose delimiter cannot be read", redir.start)
        if "\n" in delimiter or "\\\n" in source:
            raise Unreadable("a here-document whose delimiter cannot be read", redir.start)
        self.pending.append((redir, delimiter, quoted))

    def documents(self) -> None:
        """Read the bodies of the here-documents announced on the line that just ended."""
        pending, self.pending = self.pending, []
        for redir, delimiter, quoted in pending:
            body = self.document_text(delimiter, quoted=quoted, strip=redir.op == "<<-")
            redir.document = body
            redir.body = (Lit(body, quoted=True),) if quoted else self.document(body)

    def document_text(self, delimiter: str, *, quoted: bool, strip: bool) -> str:
        """The body up to the delimiter's line, which is consumed; to the end of the text when there is none."""
        stop, after = self.document_end(delimiter, strip=strip)
        body = self.text[self.pos : stop]
        if not quoted and "\\\n" in body:
            # A continued line is joined before it is compared with the delimiter, so the end may be another one.
            return self.joined_document(delimiter, strip=strip)
        self.pos = after
        if body and not body.endswith("\n"):
            body += "\n"
        return "".join(line.lstrip("\t") for line in body.splitlines(keepends=True)) if strip else body

    def document_end(self, delimiter: str, *, strip: bool) -> tuple[int, int]:
        """Where the delimiter's line begins, and where the text goes on."""
        at = self.pos
        while at < self.size:
            if strip or not delimiter:
                self.step()
                line_end = self.text.find("\n", at)
                line_end = self.size if line_end < 0 else line_end
                line = self.text[at:line_end]
                found = (line.lstrip("\t") if strip else line).startswith(delimiter) if delimiter else not line
            else:
                found = self.text.startswith(delimiter, at)
                line_end = at
            if found:
                self.step()
                line_end = self.text.find("\n", at)
                line_end = self.size if line_end < 0 else line_end
                line = self.text[at:line_end]
                if self.ends_document(line.lstrip("\t") if strip else line, delimiter):
                    return at, min(line_end + 1, self.size)
            following = self.text.find("\n" if strip or not delimiter else "\n" + delimiter, at)
            if following < 0:
                break
            at = following + 1
        return self.size, self.size

    def ends_document(self, line: str, delimiter: str) -> bool:
        rest = line[len(delimiter) :]
        if self.depth and delimiter and rest.lstrip(" \t").startswith((")", "`")):
            raise Unreadable("a here-document that may end inside a substitution", self.pos)
        return not rest

    def joined_document(self, delimiter: str, *, strip: bool) -> str:
        lines: list[str] = []
        held = False
        while self.pos < self.size:
            self.step()
            stop = self.text.find("\n", self.pos)
            end = self.size if stop < 0 else stop
            line = self.text[self.pos : end]
            self.pos = min(end + 1, self.size)
            if strip and not held:
                line = line.lstrip("\t")
            if (
                not held
                and (line.startswith(delimiter) if delimiter else not line)
                and self.ends_document(line, delimiter)
            ):
                break
            held = (len(line) - len(line.rstrip("\\"))) % 2 == 1
            lines.append(line[:-1] if held else line + "\n")
        return "".join(lines)
