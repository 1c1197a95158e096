"""psql, mysql, sqlite3 and kin: which server and database, where the SQL comes from, and what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.catalogue.words import word_list
from interlock.effects.environments import environment_of
from interlock.effects.hosts import host_environment, host_resource
from interlock.effects.invocation import Word, word
from interlock.effects.places import file_environment, file_resource
from interlock.effects.sql import read_sql
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Environment, Kind, Resource, Verb

_CAREFUL = (
    Environment.PRODUCTION,
    Environment.STAGING,
    Environment.DEVELOPMENT,
    Environment.WORKSPACE,
    Environment.MACHINE,
    Environment.UNKNOWN,
)
_MOST_FILE = 262_144
_OWN = frozenset({Environment.DEVELOPMENT, Environment.WORKSPACE, Environment.MACHINE})
_WORD = re.compile(r"[^a-z]+", re.IGNORECASE)
_LOSES = frozenset(word_list("sql-file-loses"))


def most_careful(found: Iterable[Environment]) -> Environment:
    """The environment that asks for the most care; a clue beats none."""
    given = set(found)
    return next((e for e in _CAREFUL if e in given), Environment.UNKNOWN)


class Target:
    """The database a client talks to."""

    def __init__(self, draft: Draft, *, host: str = "", database: str = "") -> None:
        self.draft = draft
        self.database = database
        clues = []
        if host:
            clues.append(host_environment(host_resource(host, draft.setting), draft.setting))
        if database:
            clues.append(environment_of("database", database, draft.setting))
        if draft.inv.remote:
            clues.append(environment_of("host", draft.inv.remote, draft.setting))
        named = [c for c in clues if c is not Environment.MACHINE]
        self.environment = most_careful(list(named or clues))
        self.host = host

    def read(self, text: str, dialect: str) -> None:
        """Add what the SQL says."""
        self.draft.effects.extend(
            read_sql(
                text,
                dialect,
                database=self.database,
                environment=self.environment,
                via=self.draft.command,
                span=self.draft.inv.span,
            )
        )
        self.draft.flow.add(L.FROM_FILE)


def read_text(draft: Draft, text: str, dialect: str, *, own: bool) -> None:
    """SQL that code hands to a database: nobody's, or a file of the project's `own`."""
    target = Target(draft)
    if own:
        target.environment = Environment.WORKSPACE
    target.read(text, dialect)


def uri(text: str) -> tuple[str, str]:
    """(host, database) of a connection URI or of a `key=value` string."""
    if "://" in text:
        try:
            parts = urlsplit(text)
            return parts.hostname or "", unquote(parts.path.lstrip("/"))
        except ValueError:
            return "?", ""
    pairs: dict[str, str] = dict(re.findall(r"(\w+)\s*=\s*('[^']*'|\S+)", text))
    return pairs.get("host", pairs.get("hostaddr", "")).strip("'"), pairs.get("dbname", "").strip("'")


def server(draft: Draft, *, host_variable: str, database_variable: str) -> Target:
    """The host and the database that the line or the environment names."""
    host = draft.text("host") or draft.variable(host_variable) or ""
    value = draft.said.value("database")
    database = ""
    if value is not None:
        database = value.text if value.text is not None else (value.prefix or "")
        variable = re.fullmatch(r"\"?\$\{?(\w+)\}?\"?", value.source) if value.text is None else None
        if variable:
            database = draft.variable(variable.group(1)) or variable.group(1).lower().replace("url", "").strip("_")
    else:
        database = draft.variable(database_variable) or ""
    if "://" in host:
        host, named = uri(host.removeprefix("jdbc:"))
        database = database or named
    if "://" in database or re.search(r"\b(host|dbname)\s*=", database):
        found_host, database = uri(database)
        host = found_host or host
    return Target(draft, host=host, database=database)


def psql(draft: Draft) -> None:
    """psql: -c, -f, standard input; backslash commands."""
    for value in draft.values("output"):
        if (value.text or "").lstrip().startswith("|"):
            draft.shell((value.text or "").lstrip()[1:])
        else:
            draft.file(Verb.WRITE, value)
    target = server(draft, host_variable="PGHOST", database_variable="PGDATABASE")
    client(draft, target, "postgres")


def mysql(draft: Draft) -> None:
    """mysql and mariadb."""
    target = server(draft, host_variable="MYSQL_HOST", database_variable="MYSQL_DATABASE")
    client(draft, target, "mysql")


def client(draft: Draft, target: Target, dialect: str) -> None:
    """Every text, file and standard input that a client runs."""
    if draft.has("list", "asked"):
        return
    texts = draft.values("sql")
    files = [*draft.values("sqlfile")]
    for value in texts:
        if value.text is None:
            draft.run_unread(value.source, "the SQL is not known", value.taint)
        else:
            _text(draft, target, value.text, dialect)
    for value in files:
        run_file(draft, target, value, dialect)
    if not texts and not files:
        _stdin(draft, target, dialect)


def _stdin(draft: Draft, target: Target, dialect: str) -> None:
    stdin = draft.inv.stdin
    if stdin.text is not None:
        _text(draft, target, stdin.text, dialect)
    elif stdin.path is not None:
        run_file(draft, target, stdin.path, dialect)
    elif stdin.present:
        draft.run_unread(f"{draft.command} {target.database}".strip(), "the client runs SQL that it reads", stdin.taint)
    else:
        interactive(draft)


def run_file(draft: Draft, target: Target, value: Word, dialect: str) -> None:
    """A file of statements."""
    if value.text == "-":
        _stdin(draft, target, dialect)
        return
    draft.file(Verb.READ, value)
    path = draft.path(value)
    text = draft.world.text(path, _MOST_FILE) if path is not None else None
    if text is None or path is None:
        _unread(draft, target, value, path)
        return
    draft.operands.append(path)
    _text(draft, target, text, dialect)


def _unread(draft: Draft, target: Target, value: Word, path: str | None) -> None:
    """A file that cannot be read: one of the project, for a database of development, is the project's own code."""
    loses = _LOSES.intersection(_WORD.split((value.text or "").lower()))
    if draft.ours(path) and target.environment in _OWN and not loses:
        draft.project(value.text or "", note="SQL of the project, for a database of development")
    else:
        draft.opaque("the SQL file cannot be read", value.text or value.source)


def _text(draft: Draft, target: Target, text: str, dialect: str) -> None:
    sql = []
    for line in text.split("\n"):
        plain = line.strip()
        if plain.startswith("\\") and dialect in ("postgres", "mysql"):
            _backslash(draft, target, plain, dialect)
        elif dialect == "mysql" and re.match(r"^(system|source)\s", plain, re.IGNORECASE):
            _backslash(draft, target, "\\" + ("! " if plain[1:2] in "yY" else ". ") + plain.split(None, 1)[1], dialect)
        elif dialect == "mysql" and re.match(r"^(?:status|\\s|use \w+|exit|quit|\\q);?$", plain, re.IGNORECASE):
            continue
        elif dialect == "tsql" and plain.startswith("!!"):
            draft.shell(plain[2:])
        elif dialect == "tsql" and re.match(r"^(?:go(?:\s+\d+)?|exit|quit)$", plain, re.IGNORECASE):
            sql.append(";")
        elif dialect == "tsql" and plain.lower().startswith((":r ", ":out ", ":connect ", ":serverlist")):
            draft.opaque("a meta-command that is not followed", plain)
        else:
            cut = re.search(r"\\(g|gx|gexec|watch|!|o|copy|crosstabview)\b.*$", line) if dialect == "postgres" else None
            if cut and "'" not in line[cut.start() :] + line[: cut.start()].replace("''", ""):
                _backslash(draft, target, cut.group(), dialect)
                line = line[: cut.start()]  # noqa: PLW2901
            sql.append(line)
    rest = "\n".join(sql).strip()
    if rest:
        target.read(rest, dialect)


def _backslash(draft: Draft, target: Target, line: str, dialect: str) -> None:
    """Meta-commands: most only look, some leave the database."""
    name, _, rest = line[1:].partition(" ")
    if line.startswith("\\!"):
        draft.shell(line[2:].strip())
    elif name in ("i", "ir", "include", "include_relative", "."):
        run_file(draft, target, known(rest.strip().strip("'\"")), dialect)
    elif name in ("copy",):
        _copy(draft, target, rest)
    elif name in ("o", "out", "g", "gx", "w", "write", "s", "lo_export") and rest.strip():
        where = rest.strip()
        if where.startswith("|"):
            draft.shell(where[1:])
        elif not where.startswith("("):
            draft.file(Verb.WRITE, known(where.split()[-1]))
    elif name == "gexec":
        draft.opaque("the result of a query is executed (\\gexec)", line)
    elif name in ("setenv", "e", "edit", "ef", "ev", "lo_import"):
        draft.opaque("a meta-command that is not followed", line)
    elif name in ("c", "connect", "u", "use") and rest.strip():
        draft.opaque("another database is chosen inside the text", line) if "://" in rest else None


def _copy(draft: Draft, target: Target, rest: str) -> None:
    program = re.search(r"\b(?:from|to)\s+program\s+'((?:[^']|'')*)'", rest, re.IGNORECASE)
    place = re.search(r"\b(from|to)\s+('?)([^\s';]+)\2", rest, re.IGNORECASE)
    if program:
        draft.shell(program.group(1).replace("''", "'"))
    elif place and place.group(3).lower() not in ("stdin", "stdout", "pstdin", "pstdout"):
        verb = Verb.READ if place.group(1).lower() == "from" else Verb.WRITE
        draft.file(verb, known(place.group(3)))
    table = rest.split(maxsplit=1)[0] if rest.split() else "?"
    incoming = re.search(r"\bfrom\b", rest, re.IGNORECASE) and not table.startswith("(")
    draft.add(Verb.WRITE if incoming else Verb.READ, Kind.TABLE, table, env=target.environment)


def sqlite(draft: Draft) -> None:
    """sqlite3 and duckdb: a database is a file here; dot-commands."""
    value = draft.said.value("database")
    name = value.text if value is not None else None
    target = Target(draft, database="")
    resource = _database_file(draft, target, name)
    dialect = "duckdb" if draft.command == "duckdb" else "sqlite"
    texts = draft.values("sql")
    for text in texts:
        if text.text is None:
            draft.run_unread(text.source, "the SQL is not known", text.taint)
        else:
            _dotted(draft, target, text.text, dialect)
    for file in draft.values("sqlfile"):
        path = draft.path(file)
        got = draft.content(path) if path else None
        if got is None:
            _unread(draft, target, file, path)
        else:
            _dotted(draft, target, got, dialect)
    if not texts and not draft.values("sqlfile"):
        _dotted_stdin(draft, target, dialect)
    if resource is not None and value is not None:
        kept = any(one.verb is Verb.READ and one.resource.kind is Kind.SECRET for one in draft.effects)
        draft.reads(resource)
        if resource.kind is Kind.SECRET or draft.world.trail(resource.name):
            draft.file(Verb.READ, value)
        if kept and not draft.has("readonly"):  # what is read into a table stays in the file
            draft.file(Verb.WRITE, value, taint=(L.FROM_SECRET,))


def _database_file(draft: Draft, target: Target, name: str | None) -> Resource | None:
    """The file behind the name, and whose world it is: the name may only make it more serious inside the workspace."""
    if not name or name == ":memory:":
        target.environment = Environment.WORKSPACE
        return None
    target.environment = Environment.MACHINE
    if draft.inv.remote:
        return None
    plain = name.removeprefix("file:").split("?", maxsplit=1)[0]
    resource = file_resource(plain, draft.setting, draft.world, cwd=draft.inv.cwd)
    target.environment = file_environment(resource, draft.setting)
    hint = environment_of("database", name, draft.setting)
    outside = target.environment is not Environment.WORKSPACE
    if hint is Environment.PRODUCTION or (outside and hint is not Environment.UNKNOWN):
        target.environment = hint
    return resource


def _dotted_stdin(draft: Draft, target: Target, dialect: str) -> None:
    stdin = draft.inv.stdin
    path = draft.path(stdin.path) if stdin.path is not None else None
    text = stdin.text if stdin.text is not None else (draft.content(path) if path else None)
    if text is not None:
        _dotted(draft, target, text, dialect)
    elif stdin.path is not None:
        _unread(draft, target, stdin.path, path)
    elif stdin.present:
        draft.run_unread(draft.command, "the client runs SQL that it reads", stdin.taint)
    else:
        interactive(draft)


def _dotted(draft: Draft, target: Target, text: str, dialect: str) -> None:
    sql = []
    for line in text.split("\n"):
        plain = line.strip()
        if not plain.startswith("."):
            sql.append(line)
            continue
        try:
            words = shlex.split(plain[1:])
        except ValueError:
            words = plain[1:].split()
        _dot(draft, target, words, dialect)
    rest = "\n".join(sql).strip()
    if rest:
        draft.effects.extend(
            read_sql(
                rest,
                dialect,
                database=target.database,
                environment=target.environment,
                via=draft.command,
                span=draft.inv.span,
                files=lambda p: file_resource(p, draft.setting, draft.world, cwd=draft.inv.cwd),
            )
        )


def _dot(draft: Draft, target: Target, words: list[str], dialect: str) -> None:
    name, rest = (words[0] if words else ""), words[1:]
    if len(name) > 1 and ("shell".startswith(name) or "system".startswith(name)):  # sqlite takes any beginning
        draft.shell(" ".join(rest))
    elif name in ("output", "once", "dump", "backup", "save", "clone", "log", "excel") and rest and name != "dump":
        where = rest[-1]
        if where.startswith("|"):
            draft.shell(" ".join(rest)[1:])
        else:
            draft.file(Verb.WRITE, known(where))
    elif name in ("read",) and rest:
        path = draft.path(known(rest[0])) if not rest[0].startswith("|") else None
        if rest[0].startswith("|"):
            draft.shell(" ".join(rest)[1:])
            return
        got = draft.content(path) if path else None
        if got is None:
            draft.opaque("the SQL file cannot be read", rest[0])
        else:
            _dotted(draft, target, got, dialect)
    elif name in ("import",) and rest:
        piped = next((word for word in rest if word.startswith("|")), None)
        if piped is not None:
            draft.shell(piped[1:] or " ".join(rest[1:-1]))
        else:
            draft.file(Verb.READ, known(rest[0]))
        draft.add(Verb.WRITE, Kind.TABLE, rest[-1], env=target.environment)
    elif name in ("load", "restore", "archive", "ar", "open"):
        draft.opaque(f"sqlite's .{name} is not followed", " ".join(words))


# -- frameworks -----------------------------------------------------------------------------------------------------


def rails_runner(draft: Draft) -> None:
    """rails runner: Ruby text, or a file by its path, with the application loaded; a console reads from a pipe."""
    from interlock.effects.catalogue.readers.othercode import read_text as read_code_text
    from interlock.effects.catalogue.readers.othercode import run_script

    for value in draft.values("code"):
        if (value.text or "").endswith(".rb"):
            run_script(draft, value)
        else:
            read_code_text(draft, value, "ruby")
    if not draft.values("code") and draft.inv.stdin.text is not None:
        read_code_text(draft, word(draft.inv.stdin.text or ""), "ruby")


def django(draft: Draft) -> None:
    """manage.py shell: Python after -c, or from a pipe."""
    from interlock.effects.catalogue.readers.python import inline

    for value in draft.values("shellcode"):
        inline(draft, value.text, value, packages=("django",))
    if draft.inv.stdin.text is not None and not draft.values("shellcode"):
        inline(draft, draft.inv.stdin.text, word(draft.inv.stdin.text or ""), packages=("django",))
