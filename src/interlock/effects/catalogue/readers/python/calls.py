"""A small reader of Python text: which files, programs and hosts would it touch, as far as constants show?

It walks the syntax tree once, with what its expressions stand for (`values.py`), and knows the parts of the standard
library that reach outside (`names.py`). In `inline` text whatever it cannot decide is opaque; for a script of
the workspace it adds only what is certain.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from interlock.effects.budget import Exhausted
from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.http_api import CHANGING, read_request
from interlock.effects.catalogue.readers.files import blanked
from interlock.effects.catalogue.readers.python import names as N  # noqa: N812 - the names are used on every line
from interlock.effects.catalogue.readers.python.environ import single_variables
from interlock.effects.catalogue.readers.python.remote import Remote
from interlock.effects.catalogue.readers.python.shown import shown
from interlock.effects.catalogue.readers.python.stores import Store, store
from interlock.effects.catalogue.readers.python.values import Prefixed, Several, Unknown, Values, ways, word_of
from interlock.effects.invocation import Word
from interlock.effects.secret_names import secret_name
from interlock.effects.services import reaches_out
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Kind, Verb

_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.(?!db$|sqlite3?$|duckdb$)[a-z]\w*(:\d+)?|\d+(\.\d+){3}")
_MODULES = frozenset({"os", "subprocess", "shutil", "pty", "ctypes", "importlib", "builtins"})
_LEAVES_MEMORY = re.compile(r"\b(?:attach|load_extension|copy|export|install|load|into)\b", re.IGNORECASE)
_STORES = frozenset({"sqlalchemy", "sqlmodel", "duckdb", "aiosqlite", "apsw", "pandas", "polars", "numpy"})
_MOST_TEXT = 100_000  # characters; longer text is not read inline


def _reaches(name: str) -> bool:
    """Whether a call of this name would reach outside."""
    return name in N.DELETE or name in N.SHELL or name in N.RUN or name in N.EVAL or name.startswith(N.EXEC)


def _used(nodes: list[ast.AST]) -> set[int]:
    """The nodes whose own member is taken, that are given a name or only asked about: all that is seen."""
    out: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.Attribute):
            out.add(id(node.value))
        elif isinstance(node, ast.Assign):
            out.update(id(part) for part in (node.value, *node.targets))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("getattr", "hasattr", "dir", "help", "print", "type", "repr", "vars"):
                out.update(id(part) for part in node.args)
        elif isinstance(node, ast.Expr):
            out.add(id(node.value))
    return out


def _nothing(nodes: list[ast.expr]) -> bool:
    return bool(nodes) and isinstance(nodes[0], ast.Constant) and nodes[0].value in ("", b"")


class Code(Values):
    """One text, walked once."""

    def __init__(self, draft: Draft, *, inline: bool) -> None:
        super().__init__(draft)
        self.inline = inline
        self.single: set[int] = set()  # ids of the nodes of `os.environ` that only one variable is taken from
        self.hosts: set[str] = set()
        self.remote = Remote(self)
        self.store = Store.UNKNOWN

    def read(self, text: str) -> bool:
        """Whether the text could be read at all."""
        if len(text) > _MOST_TEXT:
            return False
        try:
            self.budget.parse(text)
            nodes = list(ast.walk(ast.parse(text)))
        except (Exhausted, SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        try:
            self.imports(nodes)
            self.bindings(nodes)
            self.remote.learn(nodes)
            if self.foreign <= _STORES:  # else a connection may come from a package that nobody read
                self.store = store(nodes, self.name, self.value, lambda path: self.draft.ours(self.draft.path(path)))
            called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
            self.single, names = single_variables(nodes, self.name)
            if self.inline and any(secret_name(name) for name in names):
                self.draft.flow.add(L.FROM_SECRET)
            used = _used(nodes)
            visible = shown(nodes, self.name)
            for node in nodes:
                if isinstance(node, (ast.Call, ast.Name)) and id(node) not in used and self.name(node) in _MODULES:
                    self.unsure(f"hands {self.name(node)} on, to be used elsewhere")
                if isinstance(node, ast.Call):
                    self._call(node)
                    self.budget.run(len(self.draft.inner))
                elif isinstance(node, (ast.Attribute, ast.Name)) and id(node) not in visible:
                    self._mention(node, called=id(node) in called)
            if self.inline:
                self._secrets(nodes)
        except (Exhausted, RecursionError):
            return False
        return True

    def _mention(self, node: ast.Attribute | ast.Name, *, called: bool) -> None:
        """A name that is not called here: what it stands for may be called elsewhere, under another name."""
        name = self.name(node)
        if name in ("os.environ", "os.environb") and self.inline and id(node) not in self.single:
            self.draft.flow.add(L.FROM_ENVIRONMENT)
        last = node.attr if isinstance(node, ast.Attribute) else node.id
        if self.inline and not called:
            self.remote.member(last)
        if last in N.INNARDS or name in ("sys.modules", "builtins"):
            self.unsure(f"reaches into Python itself by {last}")
        elif not called and isinstance(node.ctx, ast.Load) and self.inline and _reaches(name):
            self.unsure(f"hands {name} on, to be called elsewhere")

    # -- calls

    def _call(self, node: ast.Call) -> None:
        called = self.name(node.func)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if not called and not isinstance(node.func, (ast.Name, ast.Attribute)):
            self._made(node.func)
            return
        if not called.startswith(("os.", "subprocess.", "shutil.")) and isinstance(node.func, ast.Attribute):
            base = self.value(node.func.value)
            owner = self.name(node.func.value.func) if isinstance(node.func.value, ast.Call) else ""
            pathish = (
                owner.startswith("pathlib.")
                or isinstance(base, (str, Prefixed, Several))
                or isinstance(node.func.value, ast.BinOp)
            )
            full = f"pathlib.Path.{method}"
            if pathish and (
                full in N.DELETE
                or full in N.WRITE
                or full in N.READ
                or full in N.CHANGE
                or full in N.MOVE
                or method == "open"
            ):
                self._path_method(full, base, node)
                return
            if isinstance(base, Unknown) and (full in N.DELETE) and called not in N.DELETE:
                self.unsure(f"deletes by .{method}() what is not known")
                return
        self._emptied(node, method)
        if called in N.DELETE:
            self._files(Verb.DELETE, node.args[:1], everything=N.DELETE[called])
        elif called in N.WRITE:
            self._files(Verb.CREATE if "mkdir" in called or "makedirs" in called else Verb.WRITE, node.args[:1])
        elif called in N.READ:
            in_place = any(k.arg == "inplace" and self._maybe(k.value) for k in node.keywords)  # fileinput
            self._files(Verb.OVERWRITE if in_place else Verb.READ, node.args[:1])
        elif called in N.CHANGE:
            self._files(Verb.CONFIGURE, node.args[:1])
        elif called in N.MOVE:
            self._files(Verb.DELETE, node.args[:1])
            self._files(Verb.WRITE, node.args[1:2])
        elif called in N.COPY:
            self._files(Verb.READ, node.args[:1])
            self._files(Verb.WRITE, node.args[1:2])
        elif called in ("open", "io.open", "codecs.open", "os.open", "builtins.open"):
            self._open(node)
        else:
            self._reaching(called, method, node)

    def _made(self, function: ast.expr) -> None:
        """What an expression makes is called: of `nn.Linear(2, 2)(x)` it is as much project code as the maker is."""
        maker = self.name(function.func) if isinstance(function, ast.Call) else ""
        if maker == "functools.partial":
            return  # what it holds is named there, and judged as a name that is handed on
        if maker.split(".", maxsplit=1)[0] not in {*self.foreign, "unittest"} or reaches_out(maker):
            self.unsure("calls what an expression makes")

    def _reaching(self, called: str, method: str, node: ast.Call) -> None:
        if called in N.SHELL:
            self._shell(node.args[:1])
        elif called in N.RUN:
            self._run(node)
        elif called.startswith(N.EXEC):
            self._exec(called, node)
        elif called in N.EVAL or (called == "compile" and self.inline):
            self._eval(called, node)
        elif called in ("__import__", "importlib.import_module", "getattr"):
            self._by_name(called, node)
        elif called.startswith((*N.HTTP, "socket.")):
            self._network(called, method, node)
        elif method in ("connect", "connect_ex", "sendto", "create_connection") and node.args:
            self._connect(node.args[-1] if method == "sendto" else node.args[0])
        elif method in N.SQL_CALLS and node.args:
            self._sql(node)
        elif self._indirect(called, method, node):
            return
        elif called in N.SECRETS:
            self.draft.add(Verb.READ, Kind.SECRET, "keyring", labels=(L.SECRET,))
        elif self.inline and not _shapes(method, node):
            self._foreign(called, method)

    def _indirect(self, called: str, method: str, node: ast.Call) -> bool:
        """Calls that reach outside through something else: a process number, a script, a search path, an archive."""
        if self.inline and self.remote.call(called, method, node):
            return True
        if method in ("exec_command", "invoke_shell"):
            self.unsure(f"runs a program on another machine by .{method}()")
            return True
        if called in ("os.kill", "os.killpg"):
            number = self.value(node.args[0]) if node.args else Unknown()
            if isinstance(number, int) and (number <= 1 or called.endswith("pg")):
                self.draft.argv([known("kill"), known("--"), known(str(-abs(number)) if number else "0")])
            else:
                self.draft.add(Verb.CONFIGURE, Kind.PROCESS, "a process by its number")
        elif called == "runpy.run_path":
            self._argv(["python3", self.value(node.args[0])] if node.args else [])
        elif called in N.SEARCHES and node.args:
            self._searched(node.args[-1])
        elif method == "extractall" or called == "shutil.unpack_archive":
            self._files(Verb.WRITE, node.args[1:2] if called else node.args[:1])
        else:
            return False
        return True

    def _searched(self, node: ast.expr) -> None:
        """A new place to import from: in the workspace it is project code, elsewhere code that nobody read."""
        folder = self.value(node)
        if isinstance(folder, str) and not self.draft.ours(self.draft.path(known(folder))):
            self.unsure(f"imports from {folder}, which is not of the workspace")

    def _secrets(self, nodes: list[ast.AST]) -> None:
        """A secret's path that is handed to any call is read, whatever that call is."""
        seen = {effect.resource.name for effect in self.draft.effects}
        for node in nodes:
            if not isinstance(node, ast.Call):
                continue
            last = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if last in N.ASKS:
                continue
            for part in (*node.args, *(k.value for k in node.keywords)):
                value = self.value(part)
                for item in value.items if isinstance(value, Several) else [value]:
                    self._named(item, seen)

    def _named(self, value: Any, seen: set[str]) -> None:
        if not isinstance(value, str) or len(value) > 1_024 or "\n" in value or " " in value:
            return
        path = self.draft.path(known(value))
        if path is not None and path not in seen and ("/" in value or value[:1] == ".") and self.secret(value):
            seen.add(path)
            self.draft.file(Verb.READ, known(value))

    def _by_name(self, called: str, node: ast.Call) -> None:
        if called == "getattr":
            if len(node.args) >= 2 and not isinstance(self.value(node.args[1]), str):
                self.unsure("reaches an attribute by a name that is not known")
        elif not self.name(node):
            self.unsure("imports a module by a name that is not known")

    def _foreign(self, called: str, method: str) -> None:
        """A call into a package nobody read: harmless names are project code, others are not decided here."""
        if not self.foreign:
            return
        word = (method or called.rpartition(".")[2]).lower()
        if word not in ("format", "reset_index", "dropna", "drop_duplicates") and word.startswith(N.DANGEROUS_WORDS):
            top = called.split(".", maxsplit=1)[0]
            if top in self.foreign or not called or top not in N.STANDARD:
                self.unsure(f"calls {called or '.' + method}() of a package that is not read")

    def _path_method(self, full: str, base: Any, node: ast.Call) -> None:
        for item in base.items if isinstance(base, Several) else [base]:
            self._at_path(full, word_of(item, node), node)

    def _at_path(self, full: str, word: Word, node: ast.Call) -> None:
        if full in N.DELETE:
            self.draft.file(Verb.DELETE, word)
        elif full in N.READ:
            self.draft.file(Verb.READ, word)
        elif full in N.CHANGE:
            self.draft.file(Verb.CONFIGURE, word)
        elif full in N.MOVE:
            self.draft.file(Verb.DELETE, word)
            self._files(Verb.WRITE, node.args[:1])
        elif full.endswith(".open"):
            mode = self.value(node.args[0]) if node.args else "r"
            self.draft.file(Verb.READ if isinstance(mode, str) and set(mode) <= set("rbt") else Verb.WRITE, word)
        elif full in ("pathlib.Path.write_text", "pathlib.Path.write_bytes") and _nothing(node.args[:1]):
            blanked(self.draft, word)
        else:
            self.draft.file(Verb.CREATE if full.endswith("mkdir") else Verb.WRITE, word, taint=self.draft.flow)

    def _emptied(self, node: ast.Call, method: str) -> None:
        """`open(x, "w").close()`: opened to be written, and nothing is; `os.truncate(x, 0)`."""
        opened = node.func.value if isinstance(node.func, ast.Attribute) else None
        if isinstance(opened, ast.Call) and (method == "close" or (method == "write" and _nothing(node.args))):
            mode = self.value(opened.args[1]) if len(opened.args) > 1 else ""
            if self.name(opened.func) not in ("open", "io.open") or not isinstance(mode, str) or "w" not in mode:
                return
            node = opened
        elif self.name(node.func) != "os.truncate" or len(node.args) < 2 or self.value(node.args[1]) != 0:
            return
        value = self.value(node.args[0])
        for item in value.items if isinstance(value, Several) else [value]:
            if not isinstance(item, Unknown):
                blanked(self.draft, word_of(item, node))

    def _files(self, verb: Verb, nodes: list[ast.expr], *, everything: bool = False) -> None:
        for node in nodes:
            value = self.value(node)
            if isinstance(value, Unknown) and not self.inline:
                continue
            for item in value.items if isinstance(value, Several) else [value]:
                self.draft.file(
                    verb,
                    word_of(item, node),
                    everything=everything,
                    directory=True if everything else None,
                    taint=self.draft.flow if verb is Verb.WRITE else (),
                )

    def _open(self, node: ast.Call) -> None:
        mode: Any = self.value(node.args[1]) if len(node.args) > 1 else "r"
        for keyword in node.keywords:
            if keyword.arg == "mode":
                mode = self.value(keyword.value)
        reading = isinstance(mode, str) and set(mode) <= set("rbtU")
        if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, int):
            return  # a file descriptor that is open already
        self._files(Verb.READ if reading else Verb.WRITE, node.args[:1])

    def _shell(self, nodes: list[ast.expr]) -> None:
        for node in nodes:
            value = self.value(node)
            if isinstance(value, list):
                self._argv(value)
            else:
                self._text(value, "runs a shell text that is not constant")

    def _text(self, value: Any, unsure: str) -> None:
        """A shell text, or each of several."""
        for item in value.items if isinstance(value, Several) else [value]:
            if isinstance(item, str):
                self.draft.shell(item)
            else:
                self.unsure(unsure)

    def _run(self, node: ast.Call) -> None:
        through = any(k.arg == "shell" and self._maybe(k.value) for k in node.keywords)
        first = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "args"), None)
        value = self.value(first)
        if isinstance(value, list) and not through:
            self._argv(value)
        elif through:
            self._text(value[0] if isinstance(value, list) and value else value, "runs a program that is not constant")
        else:
            self._argv([value])

    def _maybe(self, node: ast.expr) -> bool:
        """Whether an expression may be true: what is not known may."""
        value = self.value(node)
        return isinstance(value, Unknown) or bool(value)

    def _argv(self, values: list[Any]) -> None:
        found = ways(values)
        if not found or not all(isinstance(one[0], str) for one in found if one) or not values:
            self.unsure("runs a program that is not constant")
            return
        for one in found:
            self.draft.argv([word_of(v, None) for v in one])

    def _exec(self, called: str, node: ast.Call) -> None:
        values = [self.value(a) for a in node.args]
        if called.startswith("os.spawn"):
            values = values[1:]
        if called.startswith("asyncio"):
            self._argv(values)
            return
        flat = values[1] if len(values) > 1 and isinstance(values[1], list) else values[1:]
        if values and isinstance(values[0], str):
            self._argv([values[0], *flat[1:]])
        else:
            self.unsure("executes a program that is not constant")

    def _eval(self, called: str, node: ast.Call) -> None:
        value = self.value(node.args[0]) if node.args else Unknown()
        if called in N.TEXTS and isinstance(value, str):
            inner = Code(self.draft, inline=self.inline)
            inner.aliases, inner.names = dict(self.aliases), dict(self.names)
            inner.budget = self.budget
            if inner.read(value):
                return
        self.unsure(f"{called}() runs what is not constant")

    def _asks_of(self, method: str, node: ast.Call, target: str, *, sending: bool) -> None:
        """What the request changes at the other end, besides that something is sent there."""
        if "://" not in target:
            return
        said = self.value(node.args[0]) if method == "request" and node.args else method
        verb = said.upper() if isinstance(said, str) and said.upper() in CHANGING else "POST" if sending else "GET"
        self.draft.include(read_request(verb, target, "" if sending else None, self.draft.setting).effects)

    def _network(self, called: str, method: str, node: ast.Call) -> None:
        sending = (
            method in N.SENDING
            or called.startswith("smtplib")
            or bool([k for k in node.keywords if k.arg in ("data", "json", "files")])
        )
        taint: set[str] = set()
        for part in (*node.args, *(k.value for k in node.keywords)):
            got = self.value(part)
            if isinstance(got, Unknown):
                taint |= got.taint
        target = next(
            (v for v in map(self.value, node.args) if isinstance(v, str) and ("." in v or "://" in v or ":" in v)), None
        )
        if called == "urllib.request.urlopen" and (len(node.args) > 1):
            sending = True
        if target is not None:
            self.draft.host(
                Verb.SEND if sending else Verb.FETCH, target, taint=(taint | self.draft.flow) if sending else ()
            )
            self._asks_of(method, node, target, sending=sending)
            if called.endswith("urlretrieve"):
                self._files(Verb.WRITE, node.args[1:2])
        elif called in (
            "socket.socket",
            "requests.Session",
            "httpx.Client",
            "urllib3.PoolManager",
            "urllib.request.build_opener",
            "socket.gethostname",
            "socket.AF_INET",
            "socket.getfqdn",
            "aiohttp.ClientSession",
        ):
            return
        elif called.startswith("socket.") and method in ("connect", "create_connection") and node.args:
            self._connect(node.args[0])
        elif called.startswith(N.HTTP) and node.args:
            start = self.value(node.args[0])
            self.draft.host(
                Verb.SEND,
                start.prefix if isinstance(start, Prefixed) and start.prefix else "?",
                taint=taint | {L.FROM_UNKNOWN},
            )

    def _connect(self, node: ast.expr) -> None:
        value = self.value(node)
        if isinstance(value, str) and _HOST.fullmatch(value):
            self.draft.host(Verb.SEND, value, taint=self.draft.flow | {L.FROM_UNKNOWN})
        elif isinstance(value, list) and len(value) >= 2:
            host, port = value[0], value[1]
            name = (
                f"{host}:{port}"
                if isinstance(host, str) and isinstance(port, int)
                else str(host)
                if isinstance(host, str)
                else "?"
            )
            self.draft.host(Verb.SEND, name, taint=self.draft.flow | {L.FROM_UNKNOWN})

    def _sql(self, node: ast.Call) -> None:
        said = node.args[0]
        if isinstance(said, ast.Call) and self.name(said.func).rpartition(".")[2] == "text" and said.args:
            said = said.args[0]  # SQLAlchemy's own mark of a text
        value = self.value(said)
        if isinstance(value, str) and self.store is Store.MEMORY and not _LEAVES_MEMORY.search(value):
            return
        if isinstance(value, str):
            from interlock.effects.catalogue.readers.sql import read_text

            read_text(self.draft, value, "sqlite" if self.store is Store.OURS else "", own=self.store is Store.OURS)
        elif self.inline:
            self.unsure("executes SQL that is not constant")

    def unsure(self, why: str) -> None:
        """Inline text that cannot be decided is opaque; a script of the project is judged as project code."""
        if self.inline:
            self.draft.opaque(why)


def _shapes(method: str, node: ast.Call) -> bool:
    """`df.drop(columns=[...])` gives a table without some of its columns, and takes nothing away."""
    return method == "drop" and bool({"columns", "index", "axis"} & {k.arg for k in node.keywords})
