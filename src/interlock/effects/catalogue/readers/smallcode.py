"""Programs that look harmless and take a text that is code: dc, exiftool, Miller, jo."""

from __future__ import annotations

import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.othercode import stdin_text
from interlock.effects.invocation import Word, word
from interlock.model.effect import Verb

_DC_SHELL = re.compile(r"!(?![<>=])")  # `!<r`, `!>r` and `!=r` compare
_EXIF_CODE = re.compile(r"[(`;{]|\b(?:qx|system|exec|do|require|eval|open|unlink)\b")
_EXIF_CHANGES = re.compile(r"-[\w:#*?\-]+[+\-^]?(?:<=|[=<>])")  # -all=, -filename<createdate, -comment<=file
_MILLER_RUNS = re.compile(r"\b(?:system|exec|os_type)\s*\(|[>|]\s*\"|[>|]\s*\$|\b(?:tee|emit|print|dump)\b[^=]*>")
_MILLER_WORD = re.compile(r"^-|[\s$=(]|^then$")
_MILLER_WRITES = frozenset({"tee", "split"})


def dc(draft: Draft) -> None:
    """dc: a `!` hands the rest of its line to a shell (dc(1))."""
    for value in draft.values("expression"):
        _dc_text(draft, value)
    files = draft.values("file")
    for value in files:
        path = draft.path(value)
        text = draft.content(path) if path else None
        draft.file(Verb.READ, value)
        if text is None or _DC_SHELL.search(text):
            draft.opaque("a dc program may hand lines to a shell", value.source or value.text or "")
    if not files and not draft.values("expression") and draft.inv.stdin.present:
        stdin_text(draft, _dc_text)


def _dc_text(draft: Draft, value: Word) -> None:
    if value.text is None:
        draft.run_unread(value.source[:200], "the dc text is not known", value.taint)
    elif _DC_SHELL.search(value.text):
        draft.opaque("a `!` of dc runs the rest of its line in a shell", value.text[:200])


def exiftool(draft: Draft) -> None:
    """exiftool: tags that are assigned rewrite the files, and conditions and formats are Perl (its manual)."""
    for value in (*draft.values("if"), *draft.values("format")):
        if value.text is None or _EXIF_CODE.search(value.text):
            draft.opaque("an expression of exiftool is Perl", (value.text or value.source)[:200])
    texts = [one for one in draft.inv.words[1:] if one.text is None or _EXIF_CHANGES.match(one.text)]
    changes = bool(texts) or draft.has("changes")
    for value in draft.values("file"):
        if value not in texts:
            draft.file(Verb.WRITE if changes else Verb.READ, value)
    for one in texts:
        source = (one.text or "").partition("<=")[2]
        if source:
            draft.file(Verb.READ, word(source))


def miller(draft: Draft) -> None:
    """Miller: its language has `system` and `exec` and redirects, and two of its verbs write files (its reference)."""
    operands = draft.said.operands
    verb = Verb.WRITE if draft.has("inplace") else Verb.READ
    for value in draft.values("file"):  # which of them name files the verbs before them say: all that could are taken
        if not _MILLER_WORD.search(value.text or ""):
            draft.file(verb, value)
    for number, value in enumerate(operands):
        if value.text is None or _MILLER_RUNS.search(value.text):
            draft.opaque("a program of Miller that runs commands or writes files", (value.text or value.source)[:200])
        elif value.text in _MILLER_WRITES:
            following = [one for one in operands[number + 1 :] if not (one.text or "-").startswith("-")]
            if value.text == "tee" and following:
                draft.file(Verb.WRITE, following[0])
            elif value.text == "split":
                draft.file(Verb.WRITE, word("."))


def jo(draft: Draft) -> None:
    """jo: `name=@file`, `name=%file` and `name=:file` put a file into the answer (jo(1))."""
    for value in draft.values("pair"):
        text = value.text or ""
        name = re.split(r"=|^(?=[@%:])", text, maxsplit=1)[-1]
        if name[:1] in ("@", "%", ":") and len(name) > 1:
            draft.file(Verb.READ, word(name[1:]))


def pictures(draft: Draft) -> None:
    """ImageMagick, sox and kin: `|command` is read from, `msl:` is a script, `ephemeral:` deletes what it read."""
    for value in draft.said.operands:
        text = value.text or ""
        if text.startswith("|"):
            draft.shell(text[1:])
        elif text.lower().startswith("msl:"):
            draft.opaque("a script of ImageMagick", text)
        elif text.lower().startswith("ephemeral:"):
            draft.file(Verb.DELETE, word(text.partition(":")[2]))
        elif ":@" in text:
            draft.file(Verb.READ, word(text.partition(":@")[2]))
        elif value in draft.values("in"):
            draft.file(Verb.READ, value)
