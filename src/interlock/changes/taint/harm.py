"""Whether a call that may do harm does: what `when` in the data names. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

from interlock.changes.taint.calls import Call
from interlock.changes.taint.value import Tag, Taints, Value, merged

_SHELLS = frozenset({
    "sh", "bash", "zsh", "dash", "ksh", "cmd", "cmd.exe", "powershell", "powershell.exe", "pwsh", "/bin/sh",
    "/bin/bash", "/usr/bin/env", "env", "xargs", "ssh", "sudo", "python", "python3", "perl", "eval", "su",
})  # fmt: skip
_COMMANDS = frozenset({"-c", "/c", "/C", "-Command", "-e", "-lc", "-ec", "/k"})
_HOST = re.compile(r"[a-zA-Z][\w+.-]*://[^/?#\s]+[/?#]")
_HERE = re.compile(r"/[^/\\]|[?#]")
_WEAK = frozenset({"md5", "sha1", "md4", "sha", "md2", "ripemd160", "md5-sha1", "sha-1"})
_NOT_FOR_SECURITY = re.compile(
    r"(?i)etag|checksum|cache|fingerprint|dedup|gravatar|bucket|shard|file_?hash|content_?hash"
)

_MANAGER = re.compile(r"(?i)objects|\w*_?manager|\w+_set|\w*queryset|qs")
_DATABASE = re.compile(
    r"(?i)(?:\w{0,80}_)?(?:db|database|conn|connection|cursor|session|engine|pool|trx|transaction|knex)"
)
_ORM = re.compile(r"(?i)django|tortoise|peewee|pony|ormar|orator|masonite|models?\b")


def shell(call: Call, value: Value) -> Taints:
    """`subprocess.run`: all of it where a shell reads it, else what chooses the program."""
    flag = call.argument("shell")
    if flag is not None and flag.consts not in ((False,), (None,), (0,)):
        return value.all()
    if value.box is None:
        return {} if value.begins else _chosen(value.taints)
    return _program(list(value.box.items.values()), value.box.rest)


def program(call: Call, value: Value) -> Taints:
    """`os.execvp`, `os.spawnl`: the same for a program and its arguments."""
    placed = call.arguments.placed
    if call.name.startswith("os.spawn"):
        placed = placed[1:]
    parts: list[Value] = []
    for one in placed:
        parts += list(one.box.items.values()) if one.box is not None else [one]
    return _program(parts, None) if value is (placed or [value])[0] else {}


def _program(parts: list[Value], rest: Value | None) -> Taints:
    if rest is not None:
        words = {word for part in [*parts, rest] for word in part.consts}
        if words & (_COMMANDS | _SHELLS):
            return merged(part.all() for part in [*parts, rest])
        return _chosen(parts[0].all()) if parts else {}
    if not parts:
        return {}
    if parts[0].all():
        return _chosen(parts[0].all())
    first = {str(word) for word in parts[0].consts}
    reads = bool(first & _SHELLS) and any(str(word) in _COMMANDS for part in parts[1:3] for word in part.consts)
    if not reads:
        return {}
    for part in parts[1:]:
        if part.all():
            return part.all()
    return {}


def _chosen(taints: Taints) -> Taints:
    """A program that is chosen: a finding where the choice is somebody's far away, what wrappers are for elsewhere."""
    return {source: mark for source, mark in taints.items() if source.kind == "remote"}


def structure(_call: Call, value: Value) -> Taints:
    """A query for documents: what may be a structure, or stands as code."""
    taints = {source: mark for source, mark in value.all().items() if Tag.WHOLE in mark.cleared}
    if value.box is not None and "$where" in value.box.items:
        taints |= dict(value.box.items["$where"].all())
    return taints


def raw(call: Call, value: Value) -> Taints:
    """`.raw` of what asks a database by its names (`Item.objects.raw`, `db.raw`), or of a class where an ORM is."""
    chain = _chain(call.node.func)
    known = [*call.holder.kind.split("."), *chain]
    asks = any(_MANAGER.fullmatch(name) for name in known) or bool(chain and _DATABASE.fullmatch(chain[-1]))
    a_class = bool(chain) and chain[-1][:1].isupper() and bool(_ORM.search(call.frame.module.imports))
    return value.all() if asks or a_class else {}


def _chain(func: ast.expr) -> list[str]:
    """The names in front of a method, the outermost first: `Item.objects.using(x).raw` has Item, objects and using."""
    names: list[str] = []
    at = func.value if isinstance(func, ast.Attribute) else None
    while at is not None:
        if isinstance(at, ast.Attribute):
            names.append(at.attr)
            at = at.value
        elif isinstance(at, ast.Call):
            at = at.func
        else:
            names += [at.id] if isinstance(at, ast.Name) else []
            at = None
    return names[::-1]


def path(_call: Call, value: Value) -> Taints:
    """A method of a path."""
    return value.taints if value.kind.startswith("pathlib.") else {}


def file(call: Call, value: Value) -> Taints:
    """A file that was sent, saved under a name that came with it."""
    return value.all() if call.method == "save" and call.holder.taints else {}


def host(_call: Call, value: Value) -> Taints:
    """A request to a host that is not fixed."""
    return {} if _HOST.match(value.begins) else value.all()


def away(_call: Call, value: Value) -> Taints:
    """A redirect to somewhere that is not fixed."""
    return {} if _HOST.match(value.begins) or _HERE.match(value.begins) else value.all()


def markup(call: Call, value: Value) -> Taints:
    """An answer that a browser takes for a page."""
    for name in ("mimetype", "content_type", "media_type"):
        said = call.argument(name)
        if (
            said is not None
            and said.consts
            and not any("html" in str(word) or "svg" in str(word) for word in said.consts)
        ):
            return {}
    if call.name.startswith("aiohttp.") and call.argument("content_type") is None:
        return {}
    return {s: m for s, m in (value.all() if value.box is None else value.taints).items() if Tag.WHOLE not in m.cleared}


def answer(call: Call, value: Value) -> Taints:
    """What a server of the standard library, or tornado, sends."""
    return (
        value.all() if call.name in ("self.write", "self.wfile.write", "handler.wfile.write", "handler.write") else {}
    )


def logger(call: Call, value: Value) -> Taints:
    """A logger's method."""
    return value.all() if re.search(r"(?i)log", call.name.rpartition(".")[0] or "log") else {}


def headers(call: Call, value: Value) -> Taints:
    """A header's name or value."""
    return value.all() if call.method != "add" or call.holder.kind.endswith("headers") else {}


def loader(call: Call, value: Value) -> Taints:
    """`yaml.load` without a safe loader, `torch.load` of more than weights, `numpy.load` of objects."""
    if call.name.startswith("yaml."):
        given = call.argument("Loader", 1)
        return {} if given is not None and given.kind.endswith(("SafeLoader", "BaseLoader")) else value.all()
    if call.name.startswith("torch."):
        flag = call.argument("weights_only")
        return {} if flag is not None and flag.consts == (True,) else value.all()
    flag = call.argument("allow_pickle", 2)
    return value.all() if flag is not None and True in flag.consts else {}


def entities(call: Call, value: Value) -> Taints:
    """An XML parser that fetches what a document names."""
    if call.name.startswith("lxml."):
        given = call.argument("parser", 1)
        if given is None or given.box is None:
            return value.all() if given is None or "XMLParser" in given.kind else {}
        said = given.box.items.get("resolve_entities")
        return {} if said is not None and said.consts in ((False,), ("internal",)) else value.all()
    parser = call.holder if call.method in ("feed", "parse", "parseString") and call.holder.box is not None else None
    if parser is None or "arser" not in parser.kind:
        parser = call.argument("parser", 1, 2)
    if parser is None or parser.box is None:
        return {}
    for name, said in parser.box.items.items():
        if isinstance(name, str) and name.endswith(
            ("feature_external_ges", "external-general-entities", "resolve_entities")
        ):
            return {} if said.consts and not any(said.consts) else value.all()
    return {}


# ------------------------------------------------------------------ whoever chose the values


def for_security(call: Call) -> bool:
    """A weak hash that nothing says is for something else."""
    flag = call.argument("usedforsecurity")
    return not (flag is not None and flag.consts == (False,)) and not _elsewhere(call)


def _elsewhere(call: Call) -> bool:
    return bool(_NOT_FOR_SECURITY.search(call.frame.function + call.frame.module.line(call.node.lineno)))


def weak_name(call: Call) -> bool:
    """A weak hash by its name."""
    flag = call.argument("usedforsecurity")
    if flag is not None and flag.consts == (False,):
        return False
    given = call.argument("name", 0) if call.name == "hashlib.new" else call.argument("digestmod", "digest", 2)
    if given is None:
        return False
    words = {str(word).lower() for word in given.consts} or {given.kind.rpartition(".")[2].lower()}
    return bool(words & _WEAK) and not _elsewhere(call)


def ecb(call: Call) -> bool:
    """AES block by block."""
    mode = call.argument("mode", 1)
    return mode is not None and (mode.kind.endswith("MODE_ECB") or mode.consts == (1,))


def _number(value: Value | None) -> int | None:
    word: Any = value.consts[0] if value is not None and len(value.consts) == 1 else None
    return word if isinstance(word, int) and not isinstance(word, bool) else None


def small_key(call: Call) -> bool:
    """A key of less than 2,048 bits."""
    bits = _number(call.argument("key_size", "bits", 1 if "cryptography" in call.name else 0))
    return bits is not None and bits < 2_048


def few_rounds(call: Call) -> bool:
    """Less than 100,000 rounds."""
    rounds = _number(call.argument("iterations", "count", 3))
    return rounds is not None and rounds < 100_000


def insecure_cookie(call: Call) -> bool:
    """A cookie that also goes over plain connections."""
    flag = call.argument("secure")
    if flag is None:
        return call.arguments.more is None
    return bool(flag.consts) and not all(flag.consts)


def constant_key(call: Call) -> bool:
    """A key that stands in the program."""
    place: int = 1 if call.name.endswith("jwt.encode") else 0
    return _fixed(call.argument("key", "secret_key", place))


def constant_password(call: Call) -> bool:
    """A password that stands in the program."""
    return _fixed(call.argument("password", "passwd", "pass", *((1,) if call.method in ("login",) else ())))


def _fixed(value: Value | None) -> bool:
    return (
        value is not None
        and bool(value.consts)
        and all(isinstance(w, str | bytes) and len(w) > 3 for w in value.consts)
    )


CONDITIONS: dict[str, Callable[[Call, Value], Taints]] = {
    "raw": raw, "shell": shell, "program": program, "structure": structure, "path": path, "file": file, "host": host,
    "away": away,
    "markup": markup, "answer": answer, "logger": logger, "headers": headers, "loader": loader, "entities": entities,
}  # fmt: skip
CONSTRUCTS: dict[str, Callable[[Call], bool]] = {
    "": lambda _: True, "for_security": for_security, "weak_name": weak_name, "ecb": ecb, "small_key": small_key,
    "few_rounds": few_rounds, "insecure_cookie": insecure_cookie, "constant_key": constant_key,
    "constant_password": constant_password,
}  # fmt: skip
