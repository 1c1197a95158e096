"""What protects without being a check: conditions of SQL, modes and flags of files, comparisons that bind. Pure.

Each question is asked of text or numbers, so that the readers of all languages share the answers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from interlock.changes.guards import verbs
from interlock.changes.guards.atoms import parsed

FLAGS = frozenset({"O_EXCL", "O_NOFOLLOW"})
# Python's, Node's and Go's calls that make a file or set its mode, by the last part of their names.
_MAKING = frozenset(
    {
        *("open", "mkdir", "makedirs", "mkfifo", "chmod", "fchmod", "lchmod", "touch"),
        *("WriteFile", "OpenFile", "Mkdir", "MkdirAll", "Chmod", "chmodSync", "mkdirSync", "openSync"),
        *("writeFile", "writeFileSync", "appendFile", "appendFileSync", "createWriteStream"),
    }
)
_PLAIN = frozenset({"write_text", "write_bytes", "copyfile", "copy", "Create", "writeFile", "writeFileSync"})
_PRIVATE = frozenset({"mkstemp", "NamedTemporaryFile", "TemporaryDirectory", "mkdtemp", "CreateTemp", "MkdirTemp"})
_STATEMENT = re.compile(r"\s*(select|update|delete)\b(.*?)\bwhere\b(.*)", re.IGNORECASE | re.DOTALL)
_TABLE = re.compile(r"(?:.*?\bfrom\b)?\s*([\w.\"`]+)", re.IGNORECASE | re.DOTALL)
_COLUMN = re.compile(
    r"(?:\b(?:lower|upper|trim)\s*\(\s*)?([a-z_][\w.]{0,80})[\"`]?\s*\)?\s*(?:=|<>|!=|<=?|>=?|\bin\b|\blike\b|\bis\b|\bbetween\b)",
    re.IGNORECASE,
)
# Calls by which rows are looked for, changed or deleted: Django, SQLAlchemy, Mongo, Prisma, Sequelize, knex, gorm.
_QUERYING = frozenset(
    {
        *("get", "filter", "filter_by", "exclude", "where", "andWhere", "Where", "First", "Find", "Take"),
        *("get_object_or_404", "get_or_404", "get_or_none", "one_or_none", "aget", "afirst"),
        *("find", "find_one", "find_many", "find_first", "find_unique", "delete_one", "delete_many"),
        *("update_one", "update_many", "deleteOne", "deleteMany", "updateOne", "updateMany", "destroy"),
    }
)
_FINDING = re.compile(r"find(?:[A-Z]\w*)?$")
_FIXED = re.compile(r"\bin (?:\w+\.)?[A-Z][A-Z0-9_]{2,}\b|\b[A-Z][A-Z0-9_]{2,}\.(?:has|includes)\(")
_MARKS = re.compile(r"""\bin (['"])(?:\\?[^\w\s'"]|\\[trn]){2,}\1""")
_LISTED = re.compile(r"([\w.]+)\.includes\((\w+)\)")
_NOW = re.compile(r"\b(?:clock|now|Now|utcnow|time|today|Since|Until|monotonic)\(")
_PLACES = re.compile(r"localhost|\.local\b|\b(?:127|10|192\.168|169\.254)\.")
_NETS = re.compile(r"\b(?:is_global|is_private|is_loopback|IsPrivate|IsLoopback|IsGlobalUnicast)\b")
_SENT = re.compile(r"\b(?:headers?|cookies?|query|form|body|args|params|GET|POST)\b")
_KNOWN = re.compile(r"\b(?:session|current_user|currentUser|principal|identity|state|ctx|context|peer|remote_addr)\b")
_HOST = re.compile(
    r"headers?['\"]?\]?(?:\.get\(|\[)\s*['\"](?:x-forwarded-)?host['\"]|\b(?:req|request)\.(?:hostname|headers\.host|host|get_host\()"
    r"|\breq(?:uest)?\.(?:get|header)\(['\"](?:x-forwarded-)?host|\br\.Host\b",
    re.IGNORECASE,
)
_CAST = re.compile(
    r"(?:str|int|float|bool|String|Number|Boolean|parseInt|parseFloat|(?:new )?[\w.]*ObjectI[dD])\([^()]{1,80}\)$"
    r"|\w[\w.]{0,80}\.toString\(\)$|\{\s*['\"]?\$eq['\"]?\s*:"
)
# Parts of an address of which somebody asks before it is gone to.
_ADDRESS = re.compile(r"\.(?:netloc|hostname|scheme|protocol|origin|Hostname\(\)|Scheme|Host)\b")
_PARTLY = re.compile(
    r"\.(?:startswith|endswith|startsWith|endsWith|includes|indexOf)\(|\b(?:HasPrefix|HasSuffix|Contains)\("
)


def statement(text: str) -> tuple[str, list[str]]:
    """What a statement of SQL does to which table (`delete notes`), and the columns that its WHERE asks for."""
    found = _STATEMENT.match(text) if len(text) < 20_000 else None
    if found is None:
        return "", []
    table = _TABLE.match(found[2])
    name = table[1] if table else ""
    columns = {one.rpartition(".")[2].lower() for one in _COLUMN.findall(found[3])}
    columns |= {"limit"} if re.search(r"\blimit\s+(?:\d|\?|:|\$|%)", found[3], re.IGNORECASE) else set()
    return f"{found[1].lower()} {name.lower()}", sorted(columns - {"and", "or", "not", "where"})


def querying(called: str) -> bool:
    """Whether a call of this name asks a store for rows."""
    return called in _QUERYING or _FINDING.match(called) is not None


def owned(column: str, value: str) -> bool:
    """Whether a query is kept to whose rows they are: `owner=request.user`, `Note.owner_id == user.id`."""
    return verbs.somebody(value) or (verbs.belonging(verbs.words(column)) and value.isidentifier())


def cast(value: str) -> bool:
    """Whether a value is made one of its kind, so that nobody passes an operator: `String(name)`, `{"$eq": name}`."""
    return _CAST.match(value) is not None


def modes(called: str, numbers: list[int]) -> list[str]:
    """What a call keeps from other people of the machine: `read and written`, `written`."""
    if called in _PRIVATE:
        return ["read", "written"]
    if called not in _MAKING or not numbers:
        return []
    mode = numbers[-1]
    return [word for word, bits in (("read", 0o044), ("written", 0o022)) if not mode & bits and mode > 7]


def makes(calls: Iterable[str]) -> bool:
    """Whether one of the calls makes a file, so that a mode or a flag could be missing there."""
    return any(called in _MAKING or called in _PLAIN for called in calls)


def octal(text: str) -> list[int]:
    """The modes in the arguments of a call of Go or JavaScript."""
    return [int(one, 8) for one in re.findall(r"(?<![\w.])0o?([0-7]{3,4})\b", text)]


def binding(condition: str) -> bool:
    """Whether a condition compares whose something is with who asks: `row.tenant == tenant`."""
    tree = parsed(condition)
    if tree is None:
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            sides = (node.left, node.comparators[0])
            if not any(isinstance(side, ast.Constant) for side in sides):
                words = [verbs.words(name) for name in verbs.identifiers(ast.unparse(node))]
                if any(map(verbs.belonging, words)):
                    return True
    return False


def fixed(condition: str) -> bool:
    """Whether a condition asks for membership in a collection that the program fixes: `key in EDITABLE`."""
    return _FIXED.search(condition) is not None


def timely(condition: str) -> bool:
    """Whether a condition compares a time with now: `clock() - sent <= OLDEST`."""
    return _NOW.search(condition) is not None and any(sign in condition for sign in ("<", ">", "Before(", "After("))


def telling(condition: str) -> bool:
    """Whether a condition protects by what it asks, whatever it leads to."""
    known = verbs.bounding(condition) or binding(condition) or fixed(condition) or timely(condition)
    return known or verbs.kept_back(condition) or any(one.search(condition) for one in (_MARKS, _ADDRESS))


def some_part(old: str, new: str) -> bool:
    """`names.includes(name)` became `names.some((n) => name.startsWith(n))`."""
    listed = _LISTED.search(old)
    return listed is not None and f"{listed[1]}.some(" in new and listed[2] in new and loose(new)


def places(text: str) -> bool:
    """Whether addresses of this machine and of private nets are named one by one."""
    return _PLACES.search(text) is not None


def nets(condition: str) -> bool:
    """Whether an address is asked of which net it is."""
    return _NETS.search(condition) is not None


def foreign(old: str, new: str) -> bool:
    """Whether a condition asks what a sender wrote, where the old one asked what the program itself knew."""
    return _SENT.search(new) is not None and _SENT.search(old) is None and _KNOWN.search(old) is not None


def decided(text: str) -> bool:
    """Whether a setting (`name=value`, `name: value`) is what a comparison or the environment makes of it."""
    value = re.split(r"[=:]", text, maxsplit=1)[-1]
    return re.search(r"[!=]==?|\bnot |^\s*!|\benv(?:iron)?\b|getenv", value) is not None


def named(text: str) -> bool:
    """Whether it is the host by which a request calls the program: what the sender wrote."""
    return _HOST.search(text) is not None


def answering(called: str) -> bool:
    """Whether a call of this name makes an answer to a request."""
    last = called.rpartition(".")[2]
    return last.endswith("Response") or last in ("jsonify", "make_response", "HTTPException", "json_response")


def sorting(condition: str) -> bool:
    """Whether a filter sorts by a field of what it goes through, and not by whether there is something at all."""
    tree = parsed(condition)
    return tree is not None and any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier()
        for part in ast.walk(tree)
        if isinstance(part, ast.Subscript | ast.Call)
        for node in ast.iter_child_nodes(part)
    )


def loose(condition: str) -> bool:
    """Whether a condition looks at a part of a text: its beginning, its end, anywhere in it."""
    return _PARTLY.search(condition) is not None
