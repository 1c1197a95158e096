"""Ansible: which machines a line means, and what its module or its playbook would do to them.

A module that only asks changes nothing; `shell` and `command` are text that runs there; anything else changes the
machines. A playbook is read for its hosts, its modules and what it removes; one for this machine alone that only
prints and renders is project code, and every other is asked about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.sql import most_careful
from interlock.effects.catalogue.words import word_list
from interlock.effects.environments import environment_of
from interlock.effects.invocation import Word
from interlock.effects.secret_names import secret_name
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Breadth, Environment, Kind, Reversibility, Scale, Verb

_ASKING = word_list("ansible_asking")
_QUIET = word_list("ansible_quiet")
_KEYWORDS = word_list("ansible_keywords")
_TEXT = frozenset({"shell", "command", "raw", "win_shell", "win_command", "expect"})
_HERE = frozenset({"localhost", "127.0.0.1", "localhost,", "127.0.0.1,"})
_HOSTS = re.compile(r"""^\s*(?:-\s+)?hosts:\s*["']?([^"'\n#]+?)["']?\s*$""", re.MULTILINE)
_MODULE = re.compile(r"^\s+(?:-\s+)?((?:[a-z_]+\.[a-z_]+\.)?[a-z][a-z_0-9]+):(?:\s|$)", re.MULTILINE)
_GONE = re.compile(r"""\bstate["']?\s*[:=]\s*["']?absent\b""")
_INVENTORY = re.compile(r"^\s*inventory\s*=\s*(\S+)", re.MULTILINE)
_MOST_NAMED = 8


def ansible(draft: Draft) -> None:
    """`ansible HOSTS -m MODULE -a ARGS`: one module on the machines of a pattern."""
    hosts = draft.values("hosts")
    if not hosts or _checks(draft):
        return
    module = draft.said.value("module")
    name = "command" if module is None else (module.text or "?").rpartition(".")[2]
    arguments = draft.said.value("args")
    here = _is_here(draft, [w.text or "" for w in hosts])
    shown = " ".join(w.text or w.source for w in hosts)
    environment = Environment.MACHINE if here else _environment(draft, [w.text or w.source for w in hosts])
    if name in _TEXT:
        _text(draft, arguments, shown, environment, here=here)
    elif name == "script":
        draft.opaque("a script runs on other machines", (arguments.text if arguments else None) or "?")
    elif name in ("slurp", "fetch"):
        draft.add(Verb.READ, Kind.SECRET, f"files of {shown}", labels=(L.SECRET,), env=environment)
    elif name == "debug" and any(
        secret_name(word) for word in re.findall(r"\w+", (arguments and arguments.text) or "")
    ):
        draft.add(Verb.READ, Kind.SECRET, "variables of Ansible", labels=(L.SECRET,), env=environment)
    elif name not in _ASKING:
        draft.add(
            Verb.CONFIGURE, Kind.CLOUD_RESOURCE, f"ansible:{shown} {name}", env=environment,
            undo=Reversibility.IRREVERSIBLE, scale=Scale(Breadth.MANY),
        )  # fmt: skip


def _checks(draft: Draft) -> bool:
    return "check" in draft.said.tags - draft.said.doubtful


def _text(draft: Draft, arguments: Word | None, shown: str, environment: Environment, *, here: bool) -> None:
    """Text for a shell, on this machine or on others."""
    text = arguments.text if arguments is not None else None
    privileged = draft.has("become")
    if text is None:
        source = arguments.source if arguments is not None else "?"
        draft.run_unread(source, "what runs on the machines is not known", arguments.taint if arguments else ())
        return
    if not here:
        draft.add(Verb.EXECUTE, Kind.PROCESS, "ansible", labels=(L.REMOTE,), env=environment, note=f"on {shown}")
    draft.shell(text, remote="" if here else shown, privileged=privileged)


def _is_here(draft: Draft, hosts: list[str]) -> bool:
    """Whether only this machine is meant."""
    inventory = {w.text or "?" for w in draft.values("inventory")}
    local = draft.text("connection") == "local"
    known = bool(hosts) and all(host in _HERE for host in hosts)
    return known or (local and inventory <= _HERE and bool(inventory))


def _environment(draft: Draft, hosts: list[str]) -> Environment:
    """The most careful of what the hosts, the limit, the inventory and the variables say."""
    names = list(hosts)
    for capture in ("limit", "inventory", "variable", "what"):
        names += [w.text or w.prefix or w.source for w in draft.values(capture)]
    if "inventory" not in draft.said.values and draft.inv.cwd is not None:
        config = draft.world.text(f"{draft.inv.cwd}/ansible.cfg")
        names += [m[1] for m in _INVENTORY.finditer(config or "")]
    return most_careful([environment_of("host", name, draft.setting) for name in names])


@dataclass(slots=True)
class Playbook:
    """What a playbook says, as far as its lines show it."""

    hosts: list[str] = field(default_factory=list)
    modules: set[str] = field(default_factory=set)
    removes: int = 0
    read: bool = True

    def take(self, text: str) -> None:
        """Take in one file."""
        self.hosts += [found.strip() for found in _HOSTS.findall(text)]
        self.modules |= {name.rpartition(".")[2] for name in _MODULE.findall(text)} - _KEYWORDS
        self.removes += len(_GONE.findall(text))


def ansible_playbook(draft: Draft) -> None:
    """`ansible-playbook`: the plays of its files, on the machines that they and the options name."""
    if _checks(draft):
        return
    book = Playbook()
    words = draft.values("what")
    for value in words:
        path = draft.path(value) if value.text is not None else None
        text = draft.content(path) if path is not None else None
        if text is None:
            book.read = False
        else:
            book.take(text)
    known = book.modules & (_QUIET | _ASKING | _TEXT)
    local = book.read and bool(book.hosts) and all(host in _HERE for host in book.hosts)
    if local and book.modules == known:
        if known & _TEXT:
            draft.opaque("the playbook runs commands on this machine")
        draft.project("ansible-playbook")
        return
    _remote(draft, book, words)


def _remote(draft: Draft, book: Playbook, words: list[Word]) -> None:
    shown = next((w.text or w.source for name in ("limit", "inventory", "what") for w in draft.values(name)), "hosts")
    environment = _environment(draft, book.hosts)
    grave = sorted(book.modules - _QUIET - _ASKING)
    note = f"on {', '.join(book.hosts[:_MOST_NAMED])}" if book.hosts else ""
    note += f" with {', '.join(grave[:_MOST_NAMED])}" if grave else ""
    draft.add(
        Verb.CONFIGURE, Kind.CLOUD_RESOURCE, f"ansible:{shown}", env=environment,
        undo=Reversibility.IRREVERSIBLE, scale=Scale(Breadth.MANY), note=note.strip(),
    )  # fmt: skip
    if book.removes:
        draft.add(
            Verb.DELETE, Kind.CLOUD_RESOURCE, f"what {words[0].text or '?'} removes", env=environment,
            scale=Scale(Breadth.MANY), note=f"{book.removes} tasks remove something",
        )  # fmt: skip
