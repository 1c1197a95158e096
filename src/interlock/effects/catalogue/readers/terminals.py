"""Terminals in the background: new windows run a command, and keys sent to them are typed where no gate sees them."""

from __future__ import annotations

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.model.effect import Kind, Verb

_WINDOWS = frozenset({"new-session", "new"})


def tmux(draft: Draft) -> None:
    """tmux: its subcommands are data; what is left is who waits, and that `;` begins another command."""
    rest = list(draft.said.rest or ())
    for value in draft.values("config"):
        if value.text != "/dev/null":
            draft.opaque("a configuration of tmux can run anything", value.text or value.source)
    if any((word.text or "").endswith(";") for word in draft.inv.words[1:]):
        draft.opaque("several commands of tmux in one line")
        return
    sub = draft.said.path[-1] if draft.said.path else ""
    if not sub and draft.said.stray is None and not draft.values("c"):
        interactive(draft, "tmux")
    if rest and len(rest) > 1:
        draft.argv(rest)  # tmux runs several words as they are, and a single one through a shell
    elif rest:
        draft.shell_words(rest)
    if sub in _WINDOWS and not draft.has("detached"):
        interactive(draft, "tmux")


def screen(draft: Draft) -> None:
    """screen: `-X stuff` types, `-dm` runs in the background, anything else opens a window."""
    rest = list(draft.said.rest or ())
    for value in draft.values("config"):
        draft.opaque("a configuration of screen can run anything", value.text or value.source)
    if draft.has("lists"):
        return
    if draft.has("types"):
        if rest and rest[0].text in ("quit", "kill"):
            draft.add(Verb.DELETE, Kind.PROCESS, f"screen:{draft.text('session') or 'current'}")
        elif not rest or rest[0].text not in _ASKS:
            draft.opaque("keys or commands for another terminal")
        return
    draft.argv(rest)
    if draft.has("attaches") or not (draft.has("detached") and (draft.has("m") or rest)):
        interactive(draft, "screen")


_ASKS = frozenset({"windows", "info", "title", "version", "number", "time", "echo", "hardcopy", "log", "select"})
