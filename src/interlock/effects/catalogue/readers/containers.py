"""Containers: what a mount opens to them, and which words after the image are a command at all.

`docker run IMAGE WORDS`: the words replace the image's own command, or are arguments of its entry point; nobody can
tell from outside. An image's own program is unread anyway, so words that name no known program add nothing to it.
"""

from __future__ import annotations

import posixpath

from interlock.effects.catalogue import files
from interlock.effects.catalogue.draft import Draft
from interlock.effects.invocation import Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Environment, Kind, Verb

_SHELLS = frozenset(
    {"sh", "bash", "ash", "dash", "zsh", "/bin/sh", "/bin/bash", "/bin/ash", "/bin/zsh", "/usr/bin/bash"}
)
_WHERE = ("context", "host", "url")
_READ_ONLY = frozenset({"ro", "readonly"})


def container_run(draft: Draft) -> None:
    """`docker run`: judge the mounts, then hand on the command when it is one."""
    for value in draft.values("volume"):
        source, _, options = (value.text or "").partition(":")
        _mount(draft, value, source, readonly=not _READ_ONLY.isdisjoint(options.split(":")[-1].split(",")))
    for value in draft.values("mount"):
        parts = dict(part.partition("=")[::2] for part in (value.text or "").split(","))
        if parts.get("type", "volume") == "bind":
            source = parts.get("source") or parts.get("src") or ""
            _mount(draft, value, source, readonly=not _READ_ONLY.isdisjoint(parts))
    words = list(draft.said.rest or ())
    entry = draft.said.value("entrypoint")
    if entry is not None and entry.text != "":
        words.insert(0, entry)
    if words and _is_command(words[0]):
        _inside(draft, words, draft.text("image") or draft.text("container") or "?")


def container_exec(draft: Draft) -> None:
    """`docker exec`: the words are always a command."""
    if draft.said.rest:
        _inside(draft, list(draft.said.rest), draft.text("container") or "?")


def _inside(draft: Draft, words: list[Word], name: str) -> None:
    """Run inside the container, unless it is a bare shell that nothing is typed into: an agent has no terminal."""
    if len(words) == 1 and words[0].text in _SHELLS and not draft.inv.stdin.present:
        return
    where = next((w for w in (draft.text(flag) for flag in _WHERE) if w), None)
    where = where or draft.variable("DOCKER_HOST") or draft.variable("DOCKER_CONTEXT") or "local"
    draft.argv(words, remote=f"{where} container {name}")


def _is_command(first: Word) -> bool:
    from interlock.effects.catalogue.packaged import packaged

    if first.text is None:
        return True
    return not first.text.startswith("-") and bool(packaged().find(posixpath.basename(first.text)))


def _mount(draft: Draft, value: Word, source: str, *, readonly: bool) -> None:
    """A directory of this machine inside the container: whose it is decides."""
    if not source.startswith(("/", "~", ".")) or draft.inv.remote:
        return  # a named volume, or a path of another machine
    place = Word(text=source, source=source, span=value.span, prefix=source, taint=value.taint)
    resource, _ = files.place(place, draft.inv, draft.setting, draft.world, directory=True)
    marks = set(resource.labels)
    if L.SECRET in marks or resource.kind is Kind.SECRET:
        draft.file(Verb.READ, place, note="the container gets the person's credentials")
    if not readonly and L.GUARD in marks and not {L.WORKSPACE, L.ROOT} <= marks:
        draft.file(Verb.WRITE, place, note="the container can change it")
    whole = L.ROOT in marks and not marks & {L.WORKSPACE, L.SCRATCH}
    if whole or L.OTHER_USER in marks or (L.SYSTEM in marks and not readonly and L.DEVICE_NULL not in marks):
        draft.add(
            Verb.EXECUTE, Kind.CONTAINER, draft.text("image") or draft.text("container") or "?", labels=(L.PRIVILEGED,),
            env=Environment.MACHINE, note=f"it can reach {resource.name} of this machine",
        )  # fmt: skip
