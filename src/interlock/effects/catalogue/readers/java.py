"""java: a jar that is a known tool's client is that tool; one that is told to reset or delete is a question."""

from __future__ import annotations

import posixpath
import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.programs import RISKY
from interlock.effects.catalogue.words import word_list

_CLIENTS = word_list("java-clients")
_VERSION = re.compile(r"-v?\d[\w.+-]*$")


def java(draft: Draft) -> None:
    """`java -jar NAME.jar words`: by the name of the jar, else by what it is told."""
    main = draft.said.value("main")
    if not draft.has("jar") or main is None or main.text is None or main not in draft.inv.words:
        return
    after = draft.inv.words[draft.inv.words.index(main) + 1 :]
    stem = _VERSION.sub("", posixpath.basename(main.text).removesuffix(".jar"))
    if stem in _CLIENTS:
        draft.argv([known(stem.removesuffix("-commandline")), *after])
        return
    told = [word.text for word in after if word.text and not word.text.startswith("-")]
    risky = next((text for text in told if RISKY.search(text)), "")
    if risky:
        draft.opaque("a program of Java that is told so", f"{stem} {risky}")
