"""The first draft of a family, from a tool's own help text: a person corrects it instead of starting with nothing.

What the names say is taken for a start: `delete` deletes, `list` only looks. A subcommand whose name says neither is
left out, so that it stays a question until somebody has thought about it.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from interlock.effects.catalogue.unlisted import is_grave, only_asks, parts

_MOST = 200  # options and subcommands of one draft
_OPTION = re.compile(
    r"^\s{1,12}(?P<names>-{1,2}[\w?][\w.-]*(?:(?:,\s*|\s*\|\s*|\s+)-{1,2}[\w][\w.-]*)*)(?P<value>(?:=|\s)?(?:<[^>]+>|\[=?[A-Za-z_-]+\]|[A-Z][A-Z0-9_-]+|(?:string|strings|int|duration|file|path|list)\b))?"
)
_SECTION = re.compile(r"^(?:\w[\w /-]*\b)?(?:sub)?commands?\b.*:?\s*$|^[A-Z ]*COMMANDS[A-Z ]*:?\s*$", re.IGNORECASE)
_COMMAND = re.compile(r"^\s{1,8}(?P<names>[a-z][\w:-]*(?:,\s*[a-z][\w:-]*)*)(?:\s{2,}\S.*|\s*)$")
_DEPLOYS = frozenset({"deploy", "apply", "promote", "launch", "release", "rollout", "up"})
_CHANGES = frozenset({"create", "add", "update", "set", "edit", "patch", "import", "scale", "enable", "rename"})
_RUNS = frozenset({"exec", "run", "shell", "ssh", "console"})


class Sketch(NamedTuple):
    """What a help text says: option lines of the grammar, and the subcommands with their aliases."""

    options: tuple[str, ...]
    commands: tuple[tuple[str, ...], ...]


def read_help(text: str) -> Sketch:
    """The options and subcommands in a help text of the usual layout."""
    options: dict[str, None] = {}
    commands: dict[tuple[str, ...], None] = {}
    inside = False
    for line in text.splitlines()[:5_000]:
        if line[:1].strip():
            inside = _SECTION.match(line) is not None
        option = _OPTION.match(line)
        if option is not None:
            options[_option(option)] = None
        elif inside and (command := _COMMAND.match(line)) is not None:
            commands[tuple(name.strip() for name in command["names"].split(","))] = None
    kept = [option for option in options if option.split()[0] not in ("-h", "--help", "--version")]
    return Sketch(tuple(kept)[:_MOST], tuple(commands)[:_MOST])


def _option(match: re.Match[str]) -> str:
    names = re.findall(r"-{1,2}[\w?][\w.-]*", match["names"])
    value = re.sub(r"[^A-Za-z0-9]+", "", match["value"] or "").upper()
    if not value:
        return " ".join(names)
    optional = (match["value"] or "").strip().startswith("[")
    return f"{' '.join(names)}{f'[={value}]' if optional else f' <{value}>'}"


def family(name: str, text: str) -> str:
    """The TOML of a family for the program `name`, drafted from its help text ("" gives the bare frame)."""
    found = read_help(text)
    tables, examples = _subcommands(name, found.commands)
    lines = [
        f'about = "{name}: say in one line what it is"',
        'severity = "medium"  # none, low, medium, high, critical: what its worst use costs',
        'why = "say what goes wrong when it is used wrongly"',
        f'instead = "say what to do first: `{name} --help`"',
        "",
        f"[command.{_key(name)}]",
    ]
    if found.options:
        lines += ['flags = """', *found.options, '"""']
    if not found.commands:
        lines += ['args = "WHAT*"', '# does = "delete cloud_resource {what}, irreversible, when force"']
    lines += [*tables, "", "[examples]", f'{json.dumps(f"{name} --version")} = "nothing"']
    return "\n".join([*lines, *(f"{json.dumps(run)} = {json.dumps(said)}" for run, said in examples.items())]) + "\n"


def _subcommands(name: str, commands: tuple[tuple[str, ...], ...]) -> tuple[list[str], dict[str, str]]:
    """The tables of the subcommands whose names say what they do, and an example of each."""
    lines: list[str] = []
    examples: dict[str, str] = {}
    looking = [names for names in commands if only_asks(names[0])]
    if looking:
        lines += ["", f'sub."{" ".join(alias for names in looking for alias in names)}" = {{ args = "WHAT*" }}']
        examples[f"{name} {looking[0][0]}"] = "nothing"
    undecided = []
    for names in commands:
        effect = _effect(name, names[0])
        if effect:
            lines += ["", f'[command.{_key(name)}.sub."{" ".join(names)}"]', 'args = "WHAT*"']
            lines += [f"does = {json.dumps(effect)}"]
            examples[f"{name} {names[0]} x"] = " ".join(effect.split(" ")[:2])
        elif names not in looking:
            undecided.append(names[0])
    if undecided:
        lines += ["", f"# Not decided yet, and so asked about: {', '.join(undecided)}"]
    return lines, examples


def _effect(name: str, command: str) -> str:
    """What a subcommand's name says it does, as an effect line; "" where it says nothing."""
    words = set(parts(command))
    if words & _RUNS:
        return f"execute code {name}-{command}, label unread, note runs what it is given"
    if words & _DEPLOYS:
        return f"deploy cloud_resource {name}:{{what|=everything}}"
    if is_grave(command):
        return f"delete cloud_resource {name}:{{what|=everything}}, irreversible"
    if words & _CHANGES:
        return f"configure cloud_resource {name}:{{what|={command}}}"
    return ""


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else json.dumps(name)
