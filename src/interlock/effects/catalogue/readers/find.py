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


class Branch:
    """One alternative of an expression: what it asks of a name."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.tested = False
        self.pruned = False
        self.empty = False


class Search:
    """One find expression, read once."""

    def __init__(self, words: tuple[Word, ...]) -> None:
        self.roots: list[Word] = []
        self.branches = [Branch()]
        self.deletes = False
        self.all_deleted = False
        self.printf = False
        self.writes: list[Word] = []
        self.runs: list[tuple[str, list[Word]]] = []
        self._negated = 0  # how deep in parentheses a `!` holds; 0: not at all
        self._depth = 0
        self._read(list(words))

    def _read(self, words: list[Word]) -> None:
        at = 0
        while at < len(words) and (words[at].text in ("-H", "-L", "-P") or (words[at].text or "").startswith("-O")):
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
        negative = at > 0 and words[at - 1].text in ("!", "-not")
        if text in ("(", ")", "!", "-not", "-o", "-or", "-a", "-and", ","):
            self._structure(text, negative=negative)
        else:
            self._test(text, words[at + 1].text if at + 1 < len(words) else None, negative or self._negated > 0)
        return at + (2 if text in _ONE or text.startswith("-newer") else 1)

    def _structure(self, text: str, *, negative: bool) -> None:
        if text == "(":
            self._depth += 1
            if negative and not self._negated:
                self._negated = self._depth
        elif text == ")":
            self._negated = 0 if self._negated == self._depth else self._negated
            self._depth -= 1
        elif text in ("-o", "-or", ","):
            self.branches.append(Branch())

    def _test(self, text: str, value: str | None, negative: bool) -> None:
        """All but some is nearly everything: a negated test does not narrow."""
        branch = self.branches[-1]
        if text == "-delete":
            self.deletes = True
            self.all_deleted = not any(b.tested or b.names for b in self.branches)  # a test behind it comes too late
        elif text == "-prune":
            branch.pruned = True
        elif negative:
            return
        elif text == "-empty":
            branch.empty = branch.tested = True
        elif text in _NAMES and value is not None:
            branch.names.append(value)
        if text.startswith("-") and text not in _NO_TEST:
            branch.tested = True

    def only_empty(self) -> bool:
        """Whether nothing but what is empty is found."""
        return all(branch.empty for branch in self.branches if not branch.pruned)

    def found(self, root: Word) -> list[Word]:
        """The words that stand for what is found under a root: one for each alternative."""
        if root.text is None:
            return [Word(None, root.source, root.span, root.prefix, root.taint, True)]
        base = root.text.rstrip("/") or ""
        branches = [branch for branch in self.branches if not branch.pruned] or self.branches[-1:]
        if all(branch.names for branch in branches):
            tails = [branch.names[-1].lstrip("/") for branch in branches]
            tails = [tail if tail.startswith("*/") else f"**/{tail.removeprefix('./')}" for tail in tails]
        else:
            tails = ["(what find finds)" if all(branch.tested for branch in branches) else "**/*"]
        words = []
        for tail in dict.fromkeys(tails):
            text = f"{base}/{tail}" if root.text != "." else f"./{tail}"
            words.append(Word(text, text, root.span, text, root.taint, True, not tail.startswith("(")))
        return words


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
                for found in search.found(root):
                    draft.file(Verb.DELETE, found, undo=Reversibility.RECOVERABLE if search.only_empty() else None)
    for how, words in search.runs:
        for root in roots:
            for found in search.found(root):
                draft.argv([_filled(w, found) for w in words], stdin=Stdin(), cwd=None)
        if how.endswith("dir") and words and "/" not in (words[0].text or "/") and draft.inv.cwd is None:
            draft.opaque("a program is run from directories that are not known")
    if not search.runs and not search.printf:
        draft.listed = [found for root in roots for found in search.found(root)]
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
