"""Which names a command prints, one a line: so that `find … | xargs rm` and `rm $(git ls-files)` are read as one.

A listing is a tuple of words, patterns mostly: every line is a name that one of them describes. Filters pass it on, and
grep narrows it where its expression is plain enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.files import REGENERABLE
from interlock.effects.catalogue.words import word_list
from interlock.effects.invocation import Word

_FILTERS = word_list("line_filters")
_GREPS = word_list("greps")
_LISTERS = word_list("listers")
_PLAIN = re.compile(r"\^?(?:\./|\.\*|/)*((?:\\\.|[\w-])+)(\$?)")
_LOCATES = frozenset({"locate", "mlocate", "plocate"})
_MOST = 16  # alternatives of one expression that are followed


def pattern(text: str, span: tuple[int, int] = (0, 0)) -> Word:
    """The word for every name that a pattern describes."""
    return Word(text, text, span, text, (), True, True)


def lines(draft: Draft) -> tuple[Word, ...]:
    """The names that this command prints; empty where that is not known."""
    if draft.listed:
        return tuple(draft.listed)
    command = draft.command
    if command in _LISTERS:
        return _listing(draft)
    if command in _LOCATES:
        return tuple(_located(draft))
    if command.startswith("git "):
        return _tracked(draft)
    if command in _GREPS and draft.has("files-with-matches", "files"):
        roots = draft.values("read") or [Word(".", ".", (0, 0), ".")]
        return tuple(_below(root) for root in roots)
    handed_on = draft.inv.stdin.listed
    if command == "xargs" and handed_on and _names_files(draft):
        return handed_on
    if not handed_on or draft.values("read"):
        return ()
    if command in _FILTERS or (command == "tr" and draft.inv.words[1:2] and draft.inv.words[1].text in ("\n", "\\n")):
        return handed_on
    return _narrowed(draft, handed_on) if command in _GREPS else ()


def _located(draft: Draft) -> Iterator[Word]:
    """`locate NAME` prints every path of this machine with NAME in it."""
    for value in draft.values("what"):
        plain = value.text is not None and not draft.has("regex") and not set("*?[").intersection(value.text)
        yield pattern(f"/**/*{value.text}*" if plain else "/**/*", value.span)


def _listing(draft: Draft) -> tuple[Word, ...]:
    """`ls`: the operands where they are patterns, else the names in the directory they name."""
    if draft.has("l", "long", "n", "numeric-uid-gid", "o", "s", "size"):
        return ()
    given = [value for value in draft.values("list") if value.glob or value.matched]
    if given:
        return tuple(given)
    return () if draft.inv.remote else (pattern("*", draft.inv.span),)


def _names_files(draft: Draft) -> bool:
    """Whether xargs runs a grep that prints names: some of those that it was given."""
    inner = [word.text or "" for word in draft.said.rest or ()]
    return inner[:1] != [] and inner[0] in _GREPS and any(re.match(r"-[a-zA-Z]*[lL]|--files-w", w) for w in inner[1:])


def _tracked(draft: Draft) -> tuple[Word, ...]:
    """git names files of the project, all of them or those that its operands describe."""
    given = {word.text for word in draft.inv.words[1:]}
    if draft.command != "git ls-files" and not given & {"--name-only", "-l", "--files-with-matches"}:
        return ()
    globs = [
        w for w in draft.inv.words[2:] if w.text and not w.text.startswith("-") and any(c in w.text for c in "*?[")
    ]
    return tuple(pattern(f"./**/{(w.text or '').rpartition('/')[2]}", w.span) for w in globs) or (pattern("./**/*"),)


def _below(root: Word) -> Word:
    if root.text is None:
        return Word(None, root.source, root.span, root.prefix, root.taint, True)
    return pattern("./**/*" if root.text in (".", "./") else f"{root.text.rstrip('/')}/**/*", root.span)


def _narrowed(draft: Draft, given: tuple[Word, ...]) -> tuple[Word, ...]:
    """What an expression leaves of a listing that ends in any name; all of it where the expression says too much."""
    shown = draft.said.value("pattern") or draft.said.value("expression")
    if draft.has("invert-match") or shown is None or shown.text is None:
        return given
    if len(draft.values("expression")) > 1 or any(word.text is None or not word.text.endswith("*") for word in given):
        return given
    found: list[Word] = []
    text = re.sub(r"\\([()|])", r"\1", shown.text)  # basic and extended expressions differ in these only
    text = re.sub(r"^\((.*)\)(\$?)$", lambda m: "|".join(p + m.group(2) for p in m.group(1).split("|")), text)
    for part in text.split("|")[:_MOST]:
        match = _PLAIN.fullmatch(part)
        if match is None:
            return given
        name = match.group(1).replace("\\", "")
        if name in REGENERABLE:
            tail = name
        elif match.group(2):
            tail = f"*{name}"
        else:
            tail = f"*{name}" if name.startswith(".") else f"*{name}*"
        for word in given:
            base = (word.text or "").rpartition("/")[0]
            found.append(pattern(f"{base}/{tail}" if base else tail, word.span))
    return tuple(found)
