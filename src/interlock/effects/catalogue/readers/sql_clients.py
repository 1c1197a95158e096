"""Clients of other databases: their own words between the statements (`spool`, `host`, `GO`), then the SQL.

What a client understands by itself never reaches the SQL reader: a word that only sets how rows are printed is
dropped, one that leaves the client is a shell text, a file or a setting of the server.
"""

from __future__ import annotations

import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers.sql import Target, client, run_file, server
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.catalogue.words import word_list
from interlock.effects.invocation import Word
from interlock.model.effect import Kind, Reversibility, Verb

_DIALECTS = {
    "sqlcmd": "tsql",
    "go-sqlcmd": "tsql",
    "mssql-cli": "tsql",
    "osql": "tsql",
    "snowsql": "snowflake",
    "clickhouse-client": "clickhouse",
    "clickhouse-local": "clickhouse",
    "clickhouse": "clickhouse",
    "trino": "trino",
    "presto": "presto",
    "sqlplus": "oracle",
    "sqlcl": "oracle",
    "sql": "oracle",
    "hive": "hive",
    "beeline": "hive",
    "impala-shell": "hive",
    "spark-sql": "spark",
    "ysqlsh": "postgres",
    "vsql": "postgres",
    "gpsql": "postgres",
}
_MOST = 131_072
_ORACLE_QUIET = word_list("sqlplus-quiet")
_DB2_READS = word_list("db2-reads")
_SERVER_WORD = re.compile(r"(?:shutdown|startup|recover|archive|flashback)\b", re.IGNORECASE)


def other_sql(draft: Draft) -> None:
    """Clients of other databases."""
    target = server(draft, host_variable="DBHOST", database_variable="DBNAME")
    client(draft, target, _DIALECTS.get(draft.command, ""))


def oracle_sql(draft: Draft) -> None:
    """sqlplus and sqlcl: `@script` as an operand, else standard input, with the client's own words."""
    if draft.has("asked"):
        return
    logon = next((w.text or "" for w in draft.values("word") if not (w.text or "@").startswith("@")), "")
    target = Target(draft, host=logon.rpartition("@")[2] if "@" in logon else "")
    scripts = [w for w in draft.values("word") if (w.text or w.prefix).startswith("@")]
    for script in scripts:
        _script(draft, target, script)
    stdin = draft.inv.stdin
    if scripts:
        return
    path = draft.path(stdin.path) if stdin.path is not None else None
    text = stdin.text if stdin.text is not None else (draft.content(path) if path else None)
    if text is not None:
        _oracle_text(draft, target, text)
    elif stdin.present:
        draft.run_unread(draft.command, "the client runs SQL that it reads", stdin.taint)
    else:
        interactive(draft)


def _script(draft: Draft, target: Target, value: Word) -> None:
    name = (value.text or "").lstrip("@")
    path = draft.path(known(name)) if name else None
    text = draft.content(path) if path else None
    if text is None:
        draft.opaque("the SQL file cannot be read", value.text or value.source)
    else:
        _oracle_text(draft, target, text)


def _oracle_text(draft: Draft, target: Target, text: str) -> None:
    if len(text) > _MOST:
        draft.opaque("the text for SQL*Plus is too long to be read", text[:80])
        return
    sql = []
    for line in text.split("\n"):
        plain = line.strip()
        word = re.split(r"[\s;]", plain, maxsplit=1)[0].lower()
        rest = plain[len(word) :].strip().rstrip(";")
        if word in _ORACLE_QUIET or plain in ("/", "-"):
            continue
        if word in ("host", "ho", "!") or plain.startswith("!"):
            draft.shell(plain[1:] if plain.startswith("!") else rest)
        elif plain.startswith("@") or word in ("start", "get"):
            draft.opaque("the SQL file is not read", plain)
        elif word in ("spool", "save", "store") and rest.lower() not in ("off", "out"):
            draft.file(Verb.WRITE, known(rest.split()[0])) if rest else None
        elif word == "password":
            draft.add(Verb.GRANT, Kind.DATABASE, "oracle", env=target.environment)
        elif _SERVER_WORD.match(plain):
            draft.add(
                Verb.CONFIGURE,
                Kind.SYSTEM,
                f"oracle:{plain.rstrip(';')}",
                env=target.environment,
                undo=Reversibility.IRREVERSIBLE,
            )
        else:
            sql.append(line)
    rest = "\n".join(sql).strip()
    if rest:
        target.read(rest, "oracle")


def db2(draft: Draft) -> None:
    """db2: the words of the line are one statement, or one of the processor's own commands."""
    target = Target(draft)
    words = draft.values("word")
    files = draft.values("sqlfile")
    for value in files:
        run_file(draft, target, value, "")
    if any(word.text is None for word in words):
        draft.run_unread(" ".join(word.source for word in words), "the statement is not known", ())
    elif words:
        text = " ".join(word.text or "" for word in words).strip()
        if text.split()[:1] and text.split()[0].lower().rstrip(";") not in _DB2_READS:
            target.read(text, "")
    elif not files:
        client(draft, target, "")


def mysqlsh(draft: Draft) -> None:
    """mysqlsh: SQL where the line says so; its JavaScript and Python, and `-- util ...`, are not read."""
    if draft.has("asked"):
        return
    address = draft.text("uri") or ""
    host = draft.text("host") or address.rpartition("@")[2].partition(":")[0].partition("/")[0]
    target = Target(draft, host=host, database=draft.text("database") or "")
    if draft.values("word"):
        draft.opaque("a command of the MySQL Shell is not read")
    elif draft.has("sql"):
        for value in draft.values("code"):
            if value.text is None:
                draft.run_unread(value.source, "the SQL is not known", value.taint)
            else:
                target.read(value.text, "mysql")
        for value in draft.values("codefile"):
            run_file(draft, target, value, "mysql")
        if not draft.values("code") and not draft.values("codefile"):
            client(draft, target, "mysql")
    elif draft.values("code") or draft.values("codefile") or draft.inv.stdin.present:
        draft.opaque("a script for the MySQL Shell is not read")
    else:
        interactive(draft)
