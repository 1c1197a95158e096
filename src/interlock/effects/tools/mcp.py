"""MCP tools: `mcp__server__tool`, known only by their names and arguments.

A server is a program of somebody else; its tool does what it likes. What can be said is read from the verb in the
tool's name and from arguments whose names say what they are (a command, a query, a path, a URL). A name whose words
say nothing is opaque.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

from interlock.effects.environments import environment_of
from interlock.effects.places import file_environment, file_resource
from interlock.effects.redact import has_secret
from interlock.effects.sql.words import looks_like_sql
from interlock.effects.tools.inputs import Malformed, path_of
from interlock.effects.tools.mcp_words import packaged
from interlock.effects.tools.shell import shell_text
from interlock.effects.tools.web import read_url
from interlock.model import labels
from interlock.model.action import Action, Reading
from interlock.model.effect import ALL, MANY, Effect, Kind, Resource, Reversibility, Scale, Verb, opaque
from interlock.model.world import Setting, World

MAX_ARGUMENTS = 2_000
MAX_DEPTH = 12
MAX_ARGUMENT = 262_144  # characters of one argument; the search for credentials takes 50 ns a character
MAX_PATHS = 100  # lines of an argument that is called a path; beyond them nobody means paths
_CODE = frozenset({"code", "script", "javascript", "python", "js", "program"})
_TEXTS = frozenset({"text", "statement", "q", "query", "expression", "input"})
_TELLING = re.compile(
    r"passw(?:or)?d|passphrase|secret|api_?key|private_?key|(?:access|auth|bearer|refresh|id)_token|credential"
)


def mcp(action: Action, setting: Setting, world: World) -> Reading:
    """The reading of a call to an MCP tool."""
    _, _, rest = action.tool.partition("__")
    server, _, tool = rest.partition("__")
    if not server or not tool:
        raise Malformed("an MCP tool is named mcp__server__tool")
    call = _Call(action, setting, world, server, tool)
    for key, value in _leaves(action.input, call.words.writing_stages):
        call.argument(key, value)
    return call.reading()


class _Call:
    """One call while its arguments are read."""

    def __init__(self, action: Action, setting: Setting, world: World, server: str, tool: str) -> None:
        self.action, self.setting, self.world = action, setting, world
        self.server, self.tool = server, tool
        self.words = packaged()
        self.verb = verb_of(tool)
        self.effects: list[Effect] = []
        self.commands: list[tuple[str, ...]] = []
        self.operands: list[str] = []
        self.secret = False
        self.paths = 0  # arguments that are whole paths of this machine
        self.understood = False  # an argument was read in full, and it is what the tool runs
        self.environment = environment_of("host", server, setting)

    def argument(self, key: str, value: str) -> None:
        """One text in the input, under the last name that it stands below."""
        name = _argument_name(key)
        if len(value) > MAX_ARGUMENT:
            shown = f"{name} ({len(value)} characters)"
            self.effects.append(opaque(shown, "an argument too long to be read", via=self.action.tool))
            return
        self.secret = self.secret or has_secret(value) or (bool(value) and _TELLING.search(name) is not None)
        if key in self.words.writing_stages:
            self._writes(value)
        elif name in self.words.command or name.endswith("_command"):
            self._absorb(shell_text(value, self.setting, self.world, cwd=self.action.cwd))
            self.understood = True
        elif name in self.words.sql and looks_like_sql(value):
            self._sql(value)
        elif name in self.words.code and self.verb is not Verb.READ:
            self.effects.append(opaque(value[:200], "code for another program", via=self.action.tool))
        elif (name in self.words.url and value) or (name in self.words.path and "://" in value):
            self.effects += read_url(value, self.setting, self.world, via=self.action.tool)
        elif name in self.words.path:
            self.effects += (self._path(line) for line in value.splitlines()[:MAX_PATHS] if path_of(line))
        elif name in _CODE and len(value.split()) > 1:
            self.effects.append(opaque(value[:200], "code for another program", via=self.action.tool))
        elif looks_like_sql(value) and self.verb is Verb.READ and name in _TEXTS:
            self._sql(value)
        elif value.startswith(("/", "~/")) and "\n" not in value:
            found = self._path(value)
            if found.resource.kind is Kind.SECRET or labels.SECRET in found.resource.labels:
                self.effects.append(found)

    def _writes(self, target: str) -> None:
        """A stage of a query that writes what was asked into a table."""
        table = Resource(Kind.TABLE, f"{self.server}.{target}")
        self.effects.append(
            Effect(Verb.OVERWRITE, table, self.environment, Reversibility.IRREVERSIBLE, ALL, via=self.action.tool)
        )

    def reading(self) -> Reading:
        return Reading(
            effects=(*self.effects, *self._tool()),
            commands=tuple(self.commands),
            operands=tuple(self.operands),
        )

    def _absorb(self, reading: Reading) -> None:
        self.effects += reading.effects
        self.commands += reading.commands
        self.operands += reading.operands

    def _sql(self, text: str) -> None:
        from interlock.effects.sql import read_sql

        environment = environment_of("database", self.server, self.setting)
        found = read_sql(
            text, _dialect(self.server), database=self.server, environment=environment, via=self.action.tool
        )
        self.effects += found
        self.understood = self.understood or all(e.verb is not Verb.OPAQUE for e in found)

    def _path(self, value: str) -> Effect:
        verb: Verb = self.verb if self.verb in (Verb.READ, Verb.DELETE) else Verb.OVERWRITE
        self.paths += value.startswith(("/", "~/"))
        if {"create", "make"} & set(_split(self.tool)) and {"directory", "folder", "dir"} & set(_split(self.tool)):
            verb = Verb.CREATE
        elif self.tool in self.words.quiet:
            verb = Verb.READ
        resource = file_resource(
            path_of(value), self.setting, self.world, cwd=self.action.cwd, follow=verb is not Verb.DELETE
        )
        return Effect(
            verb=verb,
            resource=resource,
            environment=file_environment(resource, self.setting),
            reversibility=Reversibility.REVERSIBLE if verb in (Verb.READ, Verb.CREATE) else Reversibility.IRREVERSIBLE,
            via=self.action.tool,
        )

    def _tool(self) -> tuple[Effect, ...]:
        taint = (labels.FROM_SECRET,) if self.secret else ()
        notes = ("an argument looks like a credential",) if self.secret else ()
        verb = self.verb
        if (self.tool in self.words.quiet or self._only_files()) and not self.secret:
            verb, self.understood = Verb.EXECUTE, True
        if verb in (None, Verb.EXECUTE):
            if not self.understood:
                why = "its name does not say what it does" if verb is None else "it runs something that was not read"
                return (opaque(f"{self.server}/{self.tool}", f"an MCP tool: {why}", via=self.action.tool),)
            verb = Verb.EXECUTE
        if self.secret and verb is Verb.READ:
            verb = Verb.SEND
        kept: tuple[Effect, ...] = ()
        if verb is Verb.READ and (not _SECRET_WORDS.isdisjoint(_split(self.tool)) or self._keeps_secrets()):
            secret = Resource(Kind.SECRET, f"{self.server}/{self.tool}", (labels.SECRET,))
            note = "its name says that it hands out a credential"
            kept = (Effect(Verb.READ, secret, self.environment, via=self.action.tool, notes=(note,)),)
        assert verb is not None  # noqa: S101 - narrowed above: None became EXECUTE or returned
        return (
            *kept,
            Effect(
                verb=verb,
                resource=Resource(Kind.TOOL, f"{self.server}/{self.tool}"),
                environment=self.environment,
                reversibility=_REVERSIBILITY.get(verb, Reversibility.RECOVERABLE),
                scale=_scale(self.tool),
                taint=taint,
                via=self.action.tool,
                notes=notes,
            ),
        )

    def _only_files(self) -> bool:
        """`write_file`, `edit_file`, `create_directory`: all that it does is what was said of its paths."""
        first, *rest = _split(self.tool) or [""]
        plain = self.verb is Verb.WRITE and first in ("write", "edit", "create", "append", "make")
        here = self.words.local_arguments.issuperset(_argument_name(key) for key in self.action.input)
        return plain and here and self.paths > 0 and bool(rest) and self.words.local.issuperset(rest)

    def _keeps_secrets(self) -> bool:
        """A look into a store of credentials that does more than name what is there."""
        words = set(_split(self.server)) | {self.server.casefold()}
        return not self.words.keepers.isdisjoint(words) and self.words.names_only.isdisjoint(_split(self.tool))


_SECRET_WORDS = frozenset({"secret", "secrets", "password", "passwords", "credential", "credentials", "env", "dotenv"})
_REVERSIBILITY = {
    Verb.READ: Reversibility.REVERSIBLE,
    Verb.DELETE: Reversibility.IRREVERSIBLE,
    Verb.SEND: Reversibility.IRREVERSIBLE,
    Verb.SPEND: Reversibility.IRREVERSIBLE,
    Verb.DEPLOY: Reversibility.IRREVERSIBLE,
}


def verb_of(tool: str) -> Verb | None:
    """What the words of a tool's name say it does; None when they say nothing. The most serious word wins.

    A word in front weighs more than one behind (`list_deleted_items` reads, `get_and_delete` does not).
    """
    words = _split(tool)
    verbs = packaged().verbs
    reads, serious = verbs[-1][1], verbs[0][1] | verbs[1][1]
    if words and words[0] in reads and serious.isdisjoint(words[1:]):
        return Verb.READ  # `get_pull_request_comments`, `search_orders`: what follows is the object of the look
    return next((verb for verb, hints in verbs if not hints.isdisjoint(words)), None)


def _argument_name(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).casefold().replace("-", "_")


def _split(name: str) -> list[str]:
    """The words of `delete_user`, `deleteUser`, `delete-user`."""
    return [w for w in re.split(r"[^a-z]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).casefold()) if w]


def _scale(tool: str) -> Scale:
    words = set(_split(tool))
    if "all" in words:
        return ALL
    return MANY if words & {"bulk", "batch", "many", "multiple"} else Scale()


def _dialect(server: str) -> str:
    name, words = server.casefold(), _split(server)
    known = packaged().dialects
    return next((d for w, d in known.items() if w in words), next((d for d in known.values() if d in name), ""))


def _leaves(data: dict[str, Any], whole: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Every text in the input with the name it stands under, or below one of `whole`.

    A list of words under a command's name is one command.

    Raises:
        Malformed: too many values, or nested too deep: nobody can say what is in there.
    """
    stack: list[tuple[str, Any, int]] = [("", data, 0)]
    seen = 0
    while stack:
        key, value, depth = stack.pop()
        seen += 1
        if seen > MAX_ARGUMENTS or depth > MAX_DEPTH:
            raise Malformed("the arguments are too many, or nested too deep")
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, dict):
            stack += [(key if key in whole else str(k), v, depth + 1) for k, v in reversed(value.items())]
        elif isinstance(value, list):
            if key.casefold() in packaged().command | {"args"} and value and all(isinstance(v, str) for v in value):
                yield key, shlex.join(value)
                continue
            stack += [(key, v, depth + 1) for v in reversed(value)]
