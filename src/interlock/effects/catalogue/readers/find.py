"""find and fd: what they find is named by pattern, and handed to the commands they run."""

from __future__ import annotations

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.files import REGENERABLE
from interlock.effects.catalogue.words import word_list
from interlock.effects.invocation import Stdin, Word
from interlock.model.effect import Reversibility, Verb

# Tests and options of find that take one word; anything else that begins with a dash takes none.
_ONE = word_list("find-one")
_WRITES = frozenset({"-fprint", "-fprint0", "-fls", "-fprintf"})
_RUNS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_NAMES = frozenset({"-name", "-iname", "-path", "-ipath", "-wholename"})
_NO_TEST = frozenset(
    {"-maxdepth", "-mindepth", "-depth", "-mount", "-xdev", "-print", "-delete", "-noleaf", "-D", "-type", "-print0"}
)


class Search:
    """One find expression, read once."""

    def __init__(self, words: tuple[Word, ...]) -> None:
        self.roots: list[Word] = []
        self.names: list[str] = []
        self.tested = False
        self.either = False
        self.negated = False
        self.deletes = False
        self.all_deleted = False
        self.empty = False
        self.printf = False
        self.writes: list[Word] = []
        self.runs: list[tuple[str, list[Word]]] = []
        self._read(list(words))

    def _read(self, words: list[Word]) -> None:
        at = 0
        while at < len(words) and words[at].text in ("-H", "-L", "-P"):
            at += 1
        while at < len(words):
            text = words[at].text
            if text is not None and (text.startswith("-") or text in ("(", "!", ")")):
                break
            self.roots.append(words[at])
            at += 1
        while at < len(words):
            at = self._term(words, at)

    def _term(self, words: list[Word], at: int) -> int:
        text = words[at].text or ""
        if text in _RUNS:
            end = at + 1
            while (
                end < len(words)
                and words[end].text != ";"
                and not (words[end].text == "+" and words[end - 1].text == "{}")
            ):
                end += 1
            self.runs.append((text, words[at + 1 : end]))
            return end + 1
        self.printf = self.printf or text in ("-printf", "-ls")
        if text in _WRITES:
            self.writes += words[at + 1 : at + 2]
            return at + (3 if text == "-fprintf" else 2)
        if text == "-delete":
            self.deletes = True
            self.all_deleted = not (self.tested or self.names)  # a test behind -delete comes too late
        elif text == "-empty":
            self.empty = not (at > 0 and words[at - 1].text in ("!", "-not"))
        elif text in ("-o", "-or"):
            self.either = True
        elif text in ("!", "-not"):
            self.negated = True
        elif text in _NAMES and at + 1 < len(words) and not self.negated:
            self.names.append(words[at + 1].text or "*")
        negative = at > 0 and words[at - 1].text in ("!", "-not")  # all but some is nearly everything
        if (
            not negative
            and text.startswith("-")
            and text not in _NO_TEST
            and text not in ("-o", "-or", "-a", "-and", "-not")
        ):
            self.tested = True
        return at + (2 if text in _ONE or text.startswith("-newer") else 1)

    def found(self, root: Word) -> Word:
        """The word that stands for what is found under a root."""
        if root.text is None:
            return Word(None, root.source, root.span, root.prefix, root.taint, True)
        base = root.text.rstrip("/") or ""
        if self.names and not self.either:
            tail = self.names[-1].lstrip("/")
            tail = tail if tail.startswith("*/") else f"**/{tail}"
        elif self.names:
            tail = f"**/{{{','.join(n.rpartition('/')[2] for n in self.names[:8])}}}"
        elif self.tested:
            tail = "(what find finds)"
        else:
            tail = "**/*"
        text = f"{base}/{tail}" if root.text != "." else f"./{tail}"
        return Word(text, text, root.span, text, root.taint, True, not tail.startswith("("))


def find(draft: Draft) -> None:
    """find: listing is harmless; -delete, -exec and -fprint are what they say, on what the expression names."""
    search = Search(draft.inv.words[1:])
    roots = search.roots or [Word(".", ".", (0, 0), ".")]
    for root in roots:
        draft.listing(root)
    for value in search.writes:
        draft.file(Verb.WRITE, value)
    if search.deletes:
        for root in roots:
            if search.all_deleted:
                draft.file(Verb.DELETE, root, directory=True, everything=True)
            else:
                undo = Reversibility.RECOVERABLE if search.empty and not search.either else None
                draft.file(Verb.DELETE, search.found(root), undo=undo)
    for how, words in search.runs:
        for root in roots:
            found = search.found(root)
            draft.argv([_filled(w, found) for w in words], stdin=Stdin(), cwd=None)
        if how.endswith("dir") and words and "/" not in (words[0].text or "/") and draft.inv.cwd is None:
            draft.opaque("a program is run from directories that are not known")
    if not search.runs and not search.printf:
        draft.listed = [search.found(root) for root in roots]
    draft.output_taint = set()


def _filled(value: Word, found: Word) -> Word:
    if value.text is None or "{}" not in value.text:
        return value
    if value.text == "{}":
        return found
    head = value.text.split("{}")[0]
    if found.text is not None and not head.strip():
        text = value.text.replace("{}", found.text)
        return Word(text, text, value.span, text, found.taint, True, found.glob)
    return Word(None, value.text, value.span, head, found.taint)


def fd(draft: Draft) -> None:
    """fd: after -x or -X the rest is a command, once for each or once for all that is found."""
    pattern = (draft.text("pattern") or "").removeprefix("^").removesuffix("$")
    extension = draft.text("extension")
    plain = pattern in ("", ".") or pattern in REGENERABLE
    name = f"**/{pattern.strip('.') or '*'}" if plain else f"**/*{pattern}*"
    if plain and pattern.startswith(".") and pattern != ".":
        name = f"**/{pattern}"
    name += f".{extension}" if extension else ""
    roots = draft.values("list") or [Word(".", ".", (0, 0), ".")]
    found = [_below(root, name) for root in roots]
    words = draft.inv.words
    at = next((i for i, w in enumerate(words) if w.text in ("-x", "-X", "--exec", "--exec-batch")), None)
    if at is None:
        draft.listed = found
    else:
        command = list(words[at + 1 :])
        for word in found:
            if any("{" in (w.text or "") for w in command):
                draft.argv([_filled(w, word) for w in command], stdin=Stdin())
            else:
                draft.argv([*command, word], stdin=Stdin())
    draft.output_taint = set()


def _below(root: Word, name: str) -> Word:
    if root.text is None:
        return Word(None, root.source, root.span, root.prefix, root.taint, True)
    text = f"{root.text.rstrip('/')}/{name}"
    return Word(text, text, root.span, text, root.taint, True, True)
