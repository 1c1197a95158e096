"""ImageMagick, sox, exiftool: names that are commands, scripts or files of another form, and Perl in options."""

from __future__ import annotations

import re
from collections.abc import Iterator

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.othercode import read_text
from interlock.effects.invocation import Word, word
from interlock.model.effect import Verb

_FORM = re.compile(r"([A-Za-z][\w-]*):(?!//)(.+)", re.DOTALL)
_DRAWN = frozenset({"xc", "canvas", "gradient", "radial-gradient", "label", "caption", "pattern", "plasma", "pango"})
_IN_PLACE = frozenset({"mogrify", "optipng", "jpegoptim"})


def pictures(draft: Draft) -> None:
    """ImageMagick and kin: `|command`, `msl:` is a script, `ephemeral:` deletes what it read, `png:name` is a file."""
    read = draft.values("in")
    for value in draft.said.operands:
        text = value.text or ""
        form = _FORM.fullmatch(text)
        kind, rest = (form.group(1).lower(), form.group(2)) if form else ("", text)
        verb = Verb.WRITE if value not in read or draft.command in _IN_PLACE else Verb.READ
        if text.startswith("|"):
            draft.shell(text[1:])
        elif kind == "msl":
            draft.opaque("a script of ImageMagick", text)
        elif kind == "ephemeral":
            draft.file(Verb.DELETE, word(rest))
        elif rest.startswith("@"):
            draft.file(Verb.READ, word(rest[1:]))
        elif kind and kind not in _DRAWN:
            draft.file(verb if draft.command != "identify" else Verb.READ, word(rest))
        elif value in read:
            draft.file(verb, value)


_ASSIGNS = re.compile(r"-[\w:#*?\-]+[+\-^]?(?:<=|[=<>])")  # -all=, -filename<createdate, -comment<=file
_IMPORTS = re.compile(r"-(?:csv|json|j|geotag)\+?=(.+)", re.IGNORECASE)
_EXPRESSION = re.compile(r"\$\{[^}]*;")  # `${TAG;EXPR}`: EXPR is Perl
_VALUED = frozenset({
    "d", "dateformat", "ext", "extension", "i", "ignore", "charset", "fileorder", "password", "require", "x", "exclude",
    "c", "coordformat", "echo", "echo2", "userparam", "sep", "listitem", "efile", "srcfile",
})  # fmt: skip


def exiftool(draft: Draft) -> None:
    """exiftool: tags that are assigned rewrite the files, and conditions and formats are Perl (its manual)."""
    words = iter(draft.inv.words[1:])
    files: list[Word] = []
    changes = False
    for one in words:
        text = one.prefix if one.text is None else one.text
        if not text.startswith("-") or text == "-":
            files.append(one)
        elif _ASSIGNS.match(text):
            changes = True
            _assigned(draft, text)
        else:
            # Long options come in any case; of the single letters -P, -D and -X are others than -p, -d and -x.
            changes |= _option(draft, text[1:] if len(text) == 2 else text[1:].lower(), words)
    carried = {taint for one in draft.inv.words for taint in one.taint}
    for one in files:
        if changes:
            draft.file(Verb.WRITE, one, taint=carried | draft.flow)
        else:
            draft.file(Verb.READ, one)


def _assigned(draft: Draft, text: str) -> None:
    source = text.partition("<=")[2] or next(iter(_IMPORTS.findall(text)), "")
    if source:
        draft.file(Verb.READ, word(source))
    if _EXPRESSION.search(text):
        draft.opaque("an expression of exiftool is Perl", text[:200])


def _option(draft: Draft, option: str, words: Iterator[Word]) -> bool:
    """One option, with its value from `words`; True where it changes the files."""
    if re.fullmatch(r"if\d*", option):
        read_text(draft, next(words, word("")), "perl")
    elif option in ("p", "printformat"):
        _format(draft, next(words, word("")))
    elif option in ("config", "@"):
        draft.opaque(f"-{option} of exiftool takes code or options from a file", (next(words, word("")).text or "?"))
    elif option == "api":
        value = next(words, word(""))
        if value.text is None or value.text.lower().startswith("filter"):
            draft.opaque("a filter of exiftool is Perl", (value.text or value.source)[:200])
    elif option in ("o", "out", "w", "W", "w!", "w+", "textout", "tagout"):
        draft.file(Verb.WRITE, next(words, word(".")))
    elif option == "tagsfromfile":
        draft.file(Verb.READ, next(words, word(".")))
        return True
    elif option in _VALUED:
        next(words, None)
    return option.startswith(("overwrite_original", "restore_original", "delete_original"))


def _format(draft: Draft, value: Word) -> None:
    """A format is a text, or the name of a file that holds it."""
    path = draft.path(value)
    text = (draft.content(path) if path and draft.world.kind(path) == "file" else None) or value.text
    if text is None or _EXPRESSION.search(text):
        draft.opaque("an expression of exiftool is Perl", (value.text or value.source)[:200])
