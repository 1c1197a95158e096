"""java: a jar that is a known tool's client is that tool; one that is told to reset or delete is a question."""

from __future__ import annotations

import posixpath
import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.programs import RISKY
from interlock.effects.catalogue.words import word_list
from interlock.effects.invocation import Word

_CLIENTS = word_list("java-clients")
_VERSION = re.compile(r"-v?\d[\w.+-]*$")


def java(draft: Draft) -> None:
    """`java -jar NAME.jar words`: by the name of the jar, else by what it is told."""
    main = draft.said.value("main")
    _foreign(draft, main)
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


def _foreign(draft: Draft, main: Word | None) -> None:
    """A jar, a folder of classes or an agent that lies outside of the project: a program that nobody has read."""
    if draft.inv.remote or draft.has("asked"):
        return
    given = [(main.text or "") if main is not None and draft.has("jar") else ""]
    given += [part for value in draft.values("path") for part in re.split("[:;]", value.text or "")]
    given += [(word.text or "").partition(":")[2].partition("=")[0] for word in draft.inv.words[1:] if _agent(word)]
    for text in given:
        path = draft.path(text.removesuffix("/*")) if text.startswith(("/", "~", "..")) else None
        if path is not None and not draft.ours(path) and not path.startswith(_INSTALLED) and "/.m2/" not in path:
            draft.opaque("a program of Java from outside of the project", text)


def _agent(value: Word) -> bool:
    return (value.text or "").startswith(("-javaagent:", "-agentpath:"))


_INSTALLED = ("/usr/", "/opt/", "/Library/", "/nix/store/")
