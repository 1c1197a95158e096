"""Miller: verbs in a chain, and a language with commands and redirects inside two of them."""

from __future__ import annotations

import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.invocation import Word, word
from interlock.model.effect import Verb

_CALLS = re.compile(r"(?<![$\w])(?<!\$\{)(?:system|exec)\b.*\(", re.DOTALL)
_REDIRECTS = re.compile(r"\b(?:tee|emit\w*|e?print\w*|dump)\b[^;}]*[>|]")
_NO_FILE = re.compile(r"^-|[\s$=(]|^then$")
_PROGRAMS = frozenset({"put", "filter"})


def miller(draft: Draft) -> None:
    """Its language has `system`, `exec` and redirects, and two of its verbs write files (reference of Miller 6)."""
    for value in draft.values("file"):  # which of them are files depends on the verbs before: all that can be are taken
        if not _NO_FILE.search(value.text or ""):
            draft.file(Verb.WRITE if draft.has("inplace") else Verb.READ, value)
    verb, before = "", ""
    for value in draft.said.operands:
        text = value.text
        if verb in _PROGRAMS and before == "-f":
            path = draft.path(value)
            _judge(draft, value, draft.content(path) if path else None)
        else:
            _judge(draft, value, text)
        if not verb:
            verb = text or "?"
            if verb == "split":
                draft.file(Verb.WRITE, word("."))
        elif text == "then":
            verb = ""
        elif (verb == "tee" and not (text or "").startswith("-")) or (verb == "split" and before == "--prefix"):
            draft.file(Verb.WRITE, value)
        before = text or ""


def _judge(draft: Draft, value: Word, program: str | None) -> None:
    if program is None or _CALLS.search(program) or _REDIRECTS.search(program):
        draft.opaque("a program of Miller that runs commands or writes files", (value.text or value.source)[:200])
