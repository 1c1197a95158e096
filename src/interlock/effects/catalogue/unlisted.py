"""What a family did not write down: subcommands and options that a tool has and its file does not.

A family lists what its author knew, and tools grow. A word that only asks (`list`, `show`, `status`) is taken at its
word; every other unlisted subcommand is opaque, and so is an unlisted option whose name says that it removes,
replaces, runs or sends something. Doubt is a question, never silence.
"""

from __future__ import annotations

import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.family import Command
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.programs import RISKY
from interlock.effects.catalogue.words import word_list

_ASKING = word_list("asking")
_GRAVE = word_list("grave")
_ACTIONS = ("action", "area", "verb")  # what families call such an operand
_GRAVE_ACTIONS = word_list("grave_actions")
_QUIET_OPTIONS = word_list("quiet_options")
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def parts(name: str) -> list[str]:
    """The words of a name in any spelling: `--rm-all`, `deleteAll` and `db:drop` are two words each."""
    return [part.lower() for part in _PARTS.findall(name)]


def only_asks(name: str) -> bool:
    """Whether a subcommand's own name says that it looks and changes nothing."""
    words = parts(name)
    return bool(words) and words[0] in _ASKING and not _GRAVE.intersection(words)


def is_grave(name: str) -> bool:
    """Whether a name says that something is removed, replaced, run or sent."""
    return not _GRAVE.isdisjoint(parts(name))


def judge_subcommand(command: Command, base: str, draft: Draft, *, more: bool = False) -> None:
    """Say what is to be thought of the word that stands where a subcommand was due.

    `more`: a layer below knows this program too. What this one leaves out is then that layer's to judge.
    """
    stray = draft.said.stray
    if stray is None or command.otherwise == "known":
        return
    shown = stray.text or stray.source
    if command.otherwise == "project" and stray.text is not None:
        if RISKY.search(stray.text):
            draft.opaque(f"{base} runs {shown} of the project, whose name says that it reaches beyond it")
        else:
            draft.project(f"{base} {shown}")
        return
    if command.otherwise == "plugin" and stray.text is not None:
        after = next(at for at, given in enumerate(draft.inv.words) if given is stray)
        draft.argv((known(f"{command.name}-{stray.text}"), *draft.inv.words[after + 1 :]))
        return
    if command.otherwise == "guess":
        if more or command.judges or command.grammar.slots or command.grammar.forms:
            return  # an operand, or a reader in this very table that has the last word
        if stray.text is not None and only_asks(stray.text):
            return
    draft.opaque(f"the subcommand {shown!r} of {base} is not in the catalogue")
    draft.resolved = False


def judge_action(command: Command, shown: str, draft: Draft) -> None:
    """The same for families that tell their actions apart by an operand: `tool ACTION NAME`, with lines `when action=`.

    An action that no line speaks of and that had no effect is silence only where its name is not grave.
    """
    actions = [word.text for name in _ACTIONS for word in draft.values(name) if word.text is not None]
    if not actions or draft.effects or draft.inner or command.reader:
        return
    if not is_grave(actions[0]) and _GRAVE_ACTIONS.isdisjoint(parts(actions[0])):
        return
    said = draft.said
    if not any(rule.when is None or rule.when.holds(said.tags, said.values) for rule in command.rules):
        draft.opaque(f"{shown} {actions[0]} is not in the catalogue")


def judge_options(command: Command, shown: str, draft: Draft) -> None:
    """Options that the family does not list: opaque where it is strict, or where their name is grave."""
    unknown = draft.said.unknown
    if command.strict and unknown:
        draft.opaque(f"{shown} is not known to take {unknown[0]}")
        return
    for option in unknown:
        if len(option.lstrip("-")) > 2 and is_grave(option) and option.lstrip("-") not in _QUIET_OPTIONS:
            draft.opaque(f"{shown} is not known to take {option}, and its name says that it changes something")
            return
