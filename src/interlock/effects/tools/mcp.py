"""MCP tools: `mcp__server__tool`, known only by their names and arguments.

A server is a program of somebody else; its tool does what it likes. What can be said is read from the verb in the tool's
name and from arguments whose names say what they are (a command, a query, a path, a URL). A name without a verb that
is known to be harmless is opaque.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

from interlock.effects.environments import environment_of
from interlock.effects.places import file_environment, file_resource
from interlock.effects.redact import has_secret
from interlock.effects.tools.inputs import Malformed
from interlock.effects.tools.shell import shell_text
from interlock.effects.tools.web import read_url
from interlock.model import labels
from interlock.model.action import Action, Reading
from interlock.model.effect import ALL, MANY, Effect, Kind, Resource, Reversibility, Scale, Verb, opaque
from interlock.model.world import Setting, World

MAX_ARGUMENTS = 2_000
MAX_DEPTH = 12

# The first word of a tool's name that stands here decides; more serious words are looked for first.
_VERBS: tuple[tuple[Verb, frozenset[str]], ...] = (
    (
        Verb.DELETE,
        frozenset(
            "delete remove drop destroy purge wipe truncate erase reset clear terminate kill uninstall unlink archive revoke "
            "cancel restore rollback revert flush prune cleanup rm del".split()
        ),
    ),
    (Verb.EXECUTE, frozenset("execute exec run eval evaluate invoke call script shell command spawn start restart stop".split())),
    (Verb.SEND, frozenset("send post publish email mail notify share message reply comment invite broadcast tweet upload submit forward".split())),
    (Verb.DEPLOY, frozenset("deploy release promote apply migrate rollout provision launch".split())),
    (Verb.GRANT, frozenset("grant permit authorize assign approve".split())),
    (Verb.SPEND, frozenset("pay charge transfer buy purchase order refund checkout invoice".split())),
    (
        Verb.WRITE,
        frozenset(
            "create update write edit set put add insert upsert modify patch append move rename copy save merge push commit replace import "
            "close open enable disable configure attach detach fork star label lock unlock schedule register sync click type fill press drag "
            "select hover".split()
        ),
    ),
    (
        Verb.READ,
        frozenset(
            "get list read search find fetch query describe show view count lookup check status info inspect explain resolve browse "
            "export download tail logs diff compare summarize help ping whoami version snapshot screenshot wait navigate scrape crawl extract".split()
        ),
    ),
)
_COMMAND = frozenset({"command", "cmd", "commands", "shell", "shell_command", "bash", "command_line", "commandline", "argv"})
_SQL = frozenset({"sql", "query", "statement", "statements", "queries", "sql_query", "q"})
_CODE = frozenset({"code", "javascript", "js", "expression", "function", "python", "script", "source_code", "program"})
_PATHS = frozenset(
    {
        "path", "file", "file_path", "filepath", "filename", "directory", "dir", "folder", "paths", "files", "source", "destination", "src", "dst",
        "dest", "target_path", "output_path", "input_path", "root", "cwd", "workdir", "notebook_path", "absolute_path", "relative_path",
    }
)  # fmt: skip
_URLS = frozenset({"url", "uri", "endpoint", "href", "urls", "link", "webhook", "webhook_url"})
_SQL_WORD = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*.{0,2000}?\*/\s*){0,20}\(*\s*(?:select|with|insert|update|delete|merge|drop|create|alter|truncate|grant|revoke|explain|show|"
    r"begin|start|commit|rollback|set|copy|do|call|execute|exec|vacuum|analyze|pragma|attach|replace|describe|use|values|table|lock|comment)\b",
    re.IGNORECASE | re.DOTALL,
)
_DIALECTS = ("postgres", "mysql", "sqlite", "snowflake", "bigquery", "clickhouse", "duckdb", "oracle", "tsql", "redshift", "trino")
_ALIASES = {"mariadb": "mysql", "pg": "postgres", "postgresql": "postgres", "supabase": "postgres", "neon": "postgres", "mssql": "tsql", "sqlserver": "tsql"}


def mcp(action: Action, setting: Setting, world: World) -> Reading:
    """The reading of a call to an MCP tool."""
    _, _, rest = action.tool.partition("__")
    server, _, tool = rest.partition("__")
    if not server or not tool:
        raise Malformed("an MCP tool is named mcp__server__tool")
    call = _Call(action, setting, world, server, tool)
    for key, value in _leaves(action.input):
        call.argument(key, value)
    return call.reading()


class _Call:
    """One call while its arguments are read."""

    def __init__(self, action: Action, setting: Setting, world: World, server: str, tool: str) -> None:
        self.action, self.setting, self.world = action, setting, world
        self.server, self.tool = server, tool
        self.verb = verb_of(tool)
        self.effects: list[Effect] = []
        self.commands: list[tuple[str, ...]] = []
        self.operands: list[str] = []
        self.secret = False
        self.understood = False  # an argument was read in full, and it is what the tool runs
        self.environment = environment_of("host", server, setting)

    def argument(self, key: str, value: str) -> None:
        """One text in the input, under the last name that it stands below."""
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).casefold().replace("-", "_")
        self.secret = self.secret or has_secret(value) or has_secret(f"{name}={value}")
        if name in _COMMAND:
            self._absorb(shell_text(value, self.setting, self.world, cwd=self.action.cwd))
            self.understood = True
        elif name in _SQL and _SQL_WORD.match(value):
            self._sql(value)
        elif name in _CODE and self.verb is not Verb.READ:
            self.effects.append(opaque(value[:200], "code for another program", via=self.action.tool))
        elif name in _URLS and value:
            self.effects += read_url(value, self.setting, self.world, via=self.action.tool)
        elif name in _PATHS and value and "\n" not in value and "://" not in value:
            self.effects.append(self._path(value))

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
        found = read_sql(text, _dialect(self.server), database=self.server, environment=environment, via=self.action.tool)
        self.effects += found
        self.understood = self.understood or all(e.verb is not Verb.OPAQUE for e in found)

    def _path(self, value: str) -> Effect:
        verb = self.verb if self.verb in (Verb.READ, Verb.DELETE) else Verb.OVERWRITE
        resource = file_resource(value, self.setting, self.world, cwd=self.action.cwd, follow=verb is not Verb.DELETE)
        return Effect(
            verb=verb,
            resource=resource,
            environment=file_environment(resource, self.setting),
            reversibility=Reversibility.REVERSIBLE if verb is Verb.READ else Reversibility.IRREVERSIBLE,
            via=self.action.tool,
        )

    def _tool(self) -> tuple[Effect, ...]:
        taint = (labels.FROM_SECRET,) if self.secret else ()
        notes = ("an argument looks like a credential",) if self.secret else ()
        verb = self.verb
        if verb in (None, Verb.EXECUTE):
            if not self.understood:
                why = "its name does not say what it does" if verb is None else "it runs something that was not read"
                return (opaque(f"{self.server}/{self.tool}", f"an MCP tool: {why}", via=self.action.tool),)
            verb = Verb.EXECUTE
        if self.secret and verb is Verb.READ:
            verb = Verb.SEND
        assert verb is not None  # noqa: S101 - narrowed above: None became EXECUTE or returned
        return (
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
    words = [w for w in re.split(r"[^a-z]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", tool).casefold()) if w]
    reads = _VERBS[-1][1]
    if words and words[0] in reads and not any(w in _VERBS[0][1] | _VERBS[1][1] for w in words[1:]):
        # `get_pull_request_comments`, `search_orders`: what follows is the object of the look.
        return Verb.READ
    for verb, hints in _VERBS:
        if any(word in hints for word in words):
            return verb
    return None


def _scale(tool: str) -> Scale:
    words = set(re.split(r"[^a-z]+", tool.casefold()))
    if "all" in words:
        return ALL
    return MANY if words & {"bulk", "batch", "many", "multiple"} else Scale()


def _dialect(server: str) -> str:
    name = server.casefold()
    for word, dialect in _ALIASES.items():
        if word in re.split(r"[^a-z]+", name):
            return dialect
    return next((d for d in _DIALECTS if d in name), "")


def _leaves(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every text in the input with the name it stands under. A list of words under a command's name is one command.

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
            stack += [(str(k), v, depth + 1) for k, v in reversed(value.items())]
        elif isinstance(value, list):
            if key.casefold() in _COMMAND | {"args"} and value and all(isinstance(v, str) for v in value):
                yield key, shlex.join(value)
                continue
            stack += [(key, v, depth + 1) for v in reversed(value)]



