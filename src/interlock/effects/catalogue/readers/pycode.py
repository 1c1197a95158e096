"""A small reader of Python text: which files, programs and hosts would it touch, as far as constants show?

It walks the syntax tree once, folds constants (names bound once, joins, f-strings, `Path` arithmetic) and knows the
parts of the standard library that reach outside. In `inline` text whatever it cannot decide is opaque; for a script of
the workspace it adds only what is certain.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable
from typing import Any

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers import pynames as N  # noqa: N812 - the names are used on every line
from interlock.effects.catalogue.readers.pyenviron import single_variables
from interlock.effects.invocation import Word
from interlock.effects.secret_names import secret_name
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Kind, Verb

_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.(?!db$|sqlite3?$|duckdb$)[a-z]\w*(:\d+)?|\d+(\.\d+){3}")
_MODULES = frozenset({"os", "subprocess", "shutil", "pty", "ctypes", "importlib", "builtins"})
_WRAPPERS = frozenset({"sorted", "list", "reversed", "set", "tuple"})
_MOST_TEXT = 100_000  # characters; longer text is not read inline


def _reaches(name: str) -> bool:
    """Whether a call of this name would reach outside."""
    return name in N.DELETE or name in N.SHELL or name in N.RUN or name in N.EVAL or name.startswith(N.EXEC)


def _used(tree: ast.AST) -> set[int]:
    """The nodes whose own member is taken, that are given a name or only asked about: all that is seen."""
    out: set[int] = set()
    for node in ast.walk(tree):
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


class Unknown:
    """A value nobody knows; `taint` says what is in it."""

    def __init__(self, taint: Iterable[str] = ()) -> None:
        self.taint = set(taint)


class Code:
    """One text, walked once."""

    def __init__(self, draft: Draft, *, inline: bool) -> None:
        self.draft = draft
        self.inline = inline
        self.single: set[int] = set()  # ids of the nodes of `os.environ` that only one variable is taken from
        self.names: dict[str, Any] = {}
        self.aliases: dict[str, str] = {}
        self.foreign: set[str] = set()
        self.taint: set[str] = set(draft.inv.stdin.taint)
        self.hosts: set[str] = set()
        self.depth = 0

    def read(self, text: str) -> bool:
        """Whether the text could be read at all."""
        if len(text) > _MOST_TEXT or text.count("(") > 5_000:
            return False
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        try:
            self._imports(tree)
            self._bindings(tree)
            called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
            self.single, names = single_variables(tree, self.name)
            if self.inline and any(secret_name(name) for name in names):
                self.draft.flow.add(L.FROM_SECRET)
            used = _used(tree)
            for node in ast.walk(tree):
                if isinstance(node, (ast.Call, ast.Name)) and id(node) not in used and self.name(node) in _MODULES:
                    self.unsure(f"hands {self.name(node)} on, to be used elsewhere")
                if isinstance(node, ast.Call):
                    self._call(node)
                elif isinstance(node, (ast.Attribute, ast.Name)):
                    self._mention(node, called=id(node) in called)
            if self.inline:
                self._secrets(tree)
        except RecursionError:
            return False
        return True

    # -- names and constants

    def _imports(self, tree: ast.AST) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self.aliases[alias.asname or alias.name.split(".")[0]] = (
                        alias.name if alias.asname else alias.name.split(".")[0]
                    )
                    self._module(alias.name)
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
                self._module(module if not node.level else ".")
                for alias in node.names:
                    self.aliases[alias.asname or alias.name] = f"{module}.{alias.name}"
                    if alias.name == "*" and module in ("os", "subprocess", "shutil", "pathlib"):
                        for name in ("system", "remove", "unlink", "rmtree", "run", "Popen", "call", "Path", "popen"):
                            self.aliases.setdefault(name, f"{module}.{name}")

    def _module(self, name: str) -> None:
        top = name.split(".", maxsplit=1)[0]
        if name not in N.STANDARD and top not in N.STANDARD and top not in {h.split(".")[0] for h in N.HTTP}:
            self.foreign.add(top)

    def _bindings(self, tree: ast.AST) -> None:
        """Names that are bound once to a constant; a name bound twice is not known."""
        seen: dict[str, int] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                seen[node.id] = seen.get(node.id, 0) + 1
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if seen.get(name) == 1:
                    called = self.name(node.value)
                    if called and called != name:
                        self.aliases[name] = called
                    else:
                        self.names[name] = self.value(node.value)
            elif (
                isinstance(node, (ast.For, ast.comprehension))
                and isinstance(node.target, ast.Name)
                and seen.get(node.target.id) == 1
            ):
                self._each(node.target.id, node.iter)

    def _each(self, name: str, items: ast.expr) -> None:
        """The variable of a loop: one of several constants, or some name below a directory that is known."""
        value = self.value(items)
        if isinstance(value, list) and value and all(isinstance(i, str) for i in value):
            self.names[name] = Several(value)
        inner: ast.AST = items
        while isinstance(inner, ast.Call) and inner.args and self.name(inner.func) in _WRAPPERS:
            inner = inner.args[0]
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
            self._below(name, inner, inner.func)

    def _below(self, name: str, items: ast.Call, func: ast.Attribute) -> None:
        """The variable of a loop over the names in a directory."""
        called = self.name(func)
        if called in ("glob.glob", "glob.iglob") and items.args:
            pattern = self.value(items.args[0])
            folder: Any = posixpath.dirname(pattern) if isinstance(pattern, str) else None
        elif func.attr in ("glob", "rglob", "iterdir", "walk"):
            folder = self.value(func.value)
        else:
            return
        if isinstance(folder, str) and not set("*?[").intersection(folder):
            self.names[name] = Prefixed(posixpath.join(folder or ".", ""), ())

    def name(self, node: ast.AST) -> str:
        """The dotted name that an expression stands for, with imports followed; "" when it has none."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id, node.id if node.id not in self.names else "")
        if isinstance(node, ast.Attribute):
            head = self.name(node.value)
            held = node.attr.lstrip("_")
            if held in N.HELD and head in N.STANDARD:
                return "os" if held == "posix" else held
            return f"{head}.{node.attr}" if head else ""
        if isinstance(node, ast.Call):
            called = self.name(node.func)
            if called in ("__import__", "importlib.import_module") and node.args:
                module = self.value(node.args[0])
                if isinstance(module, str):
                    self._module(module)
                    return module
            if called == "getattr" and len(node.args) >= 2:
                head, attribute = self.name(node.args[0]), self.value(node.args[1])
                if head and isinstance(attribute, str):
                    return f"{head}.{attribute}"
        return ""

    def value(self, node: ast.AST | None) -> Any:
        """The constant an expression stands for, or `Unknown`."""
        self.depth += 1
        try:
            if self.depth > 40:
                return Unknown()
            return self._value(node)
        finally:
            self.depth -= 1

    def _value(self, node: ast.AST | None) -> Any:
        if isinstance(node, ast.Constant):
            if isinstance(node.value, bytes):
                return node.value.decode("utf-8", "replace")
            return node.value if isinstance(node.value, (str, int, bool)) or node.value is None else str(node.value)
        if isinstance(node, ast.Name):
            return self.names.get(node.id, Unknown(self.taint if node.id not in self.aliases else ()))
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self.value(item) for item in node.elts]
        if isinstance(node, ast.JoinedStr):
            return self._joined([self.value(v.value if isinstance(v, ast.FormattedValue) else v) for v in node.values])
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Div)):
            return self._added(node)
        if isinstance(node, ast.Call):
            return self._called(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            got = self.value(node.operand)
            return -got if isinstance(got, int) else Unknown()
        if isinstance(node, ast.Attribute) and self.name(node) == "sys.executable":
            return "python3"
        taint: set[str] = set()
        for child in ast.iter_child_nodes(node) if node is not None else ():
            got = self.value(child)
            if isinstance(got, Unknown):
                taint |= got.taint
        return Unknown(taint)

    def _added(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, ast.Div):
            return self._path([left, right])
        if isinstance(left, list) and isinstance(right, list):
            return left + right
        return self._joined([left, right])

    def _joined(self, parts: list[Any]) -> Any:
        if all(isinstance(p, (str, int)) for p in parts):
            return "".join(str(p) for p in parts)
        return Prefixed("".join(_leading(parts)), {t for p in parts if isinstance(p, Unknown) for t in p.taint})

    def _path(self, parts: list[Any]) -> Any:
        if parts and all(isinstance(p, str) for p in parts):
            return posixpath.join(*parts)
        start = _leading(parts)
        return Prefixed(posixpath.join(*start, "") if start else "", ())

    def _called(self, node: ast.Call) -> Any:
        called = self.name(node.func)
        values = [self.value(a) for a in node.args]
        if called in ("os.path.join", "pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath"):
            return self._path(values) if values else "."
        if (
            called
            in ("str", "os.fspath", "os.path.abspath", "os.path.realpath", "os.path.normpath", "os.path.expandvars")
            and values
        ):
            return values[0]
        if called in ("os.path.expanduser", "pathlib.Path.home"):
            home = self.draft.setting.home
            if called.endswith("home"):
                return home
            return (
                home + values[0][1:]
                if values and isinstance(values[0], str) and values[0].startswith("~")
                else values[0]
                if values
                else home
            )
        if called in ("os.getcwd", "pathlib.Path.cwd"):
            return self.draft.inv.cwd or Unknown()
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func, values)
        return Unknown({t for v in values if isinstance(v, Unknown) for t in v.taint})

    def _method(self, node: ast.Call, func: ast.Attribute, values: list[Any]) -> Any:
        base = self.value(func.value)
        if func.attr in ("joinpath",) and isinstance(base, str):
            return self._path([base, *values])
        if func.attr in ("expanduser", "resolve", "absolute", "strip", "as_posix", "encode", "decode") and isinstance(
            base, str
        ):
            return self.draft.setting.home + base[1:] if func.attr == "expanduser" and base.startswith("~") else base
        if func.attr == "split" and isinstance(base, str) and not node.args:
            return base.split()
        if (
            func.attr == "join"
            and isinstance(base, str)
            and values
            and isinstance(values[0], list)
            and all(isinstance(v, str) for v in values[0])
        ):
            return base.join(values[0])
        if func.attr in ("read", "read_text", "read_bytes", "readlines", "glob", "rglob", "iterdir"):
            taint = {L.FROM_FILE}
            opened = func.value
            if isinstance(opened, ast.Call) and self.name(opened.func) == "open" and opened.args:
                path = self.value(opened.args[0])
                if isinstance(path, str) and self._secret(path):
                    taint.add(L.FROM_SECRET)
            elif isinstance(base, str) and self._secret(base):
                taint.add(L.FROM_SECRET)
            return Unknown(taint)
        inner = base.taint if isinstance(base, Unknown) else set()
        return Unknown(inner | {t for v in values if isinstance(v, Unknown) for t in v.taint})

    def _secret(self, path: str) -> bool:
        from interlock.effects.places import file_resource

        resource = file_resource(path, self.draft.setting, self.draft.world, cwd=self.draft.inv.cwd)
        return resource.kind is Kind.SECRET or L.SECRET in resource.labels

    def _mention(self, node: ast.Attribute | ast.Name, *, called: bool) -> None:
        """A name that is not called here: what it stands for may be called elsewhere, under another name."""
        name = self.name(node)
        if name in ("os.environ", "os.environb") and self.inline and id(node) not in self.single:
            self.draft.flow.add(L.FROM_ENVIRONMENT)
        last = node.attr if isinstance(node, ast.Attribute) else node.id
        if last in N.INNARDS or name in ("sys.modules", "builtins"):
            self.unsure(f"reaches into Python itself by {last}")
        elif not called and isinstance(node.ctx, ast.Load) and self.inline and _reaches(name):
            self.unsure(f"hands {name} on, to be called elsewhere")

    # -- calls

    def _call(self, node: ast.Call) -> None:
        called = self.name(node.func)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if not called and not isinstance(node.func, (ast.Name, ast.Attribute)):
            self.unsure("calls what an expression makes")
            return
        if not called.startswith(("os.", "subprocess.", "shutil.")) and isinstance(node.func, ast.Attribute):
            base = self.value(node.func.value)
            owner = self.name(node.func.value.func) if isinstance(node.func.value, ast.Call) else ""
            pathish = (
                owner.startswith("pathlib.")
                or isinstance(base, (str, Prefixed))
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
        if called in N.DELETE:
            self._files(Verb.DELETE, node.args[:1], everything=N.DELETE[called])
        elif called in N.WRITE:
            self._files(Verb.CREATE if "mkdir" in called or "makedirs" in called else Verb.WRITE, node.args[:1])
        elif called in N.READ:
            self._files(Verb.READ, node.args[:1])
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
        elif self.inline:
            self._foreign(called, method)

    def _indirect(self, called: str, method: str, node: ast.Call) -> bool:
        """Calls that reach outside through something else: a process number, a script, a search path, an archive."""
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

    def _secrets(self, tree: ast.AST) -> None:
        """A secret's path that is handed to any call is read, whatever that call is."""
        seen = {effect.resource.name for effect in self.draft.effects}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            last = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if last in N.ASKS:
                continue
            for part in (*node.args, *(k.value for k in node.keywords)):
                value = self.value(part)
                if not isinstance(value, str) or len(value) > 1_024 or "\n" in value or " " in value:
                    continue
                path = self.draft.path(known(value))
                if path is not None and path not in seen and ("/" in value or value[:1] == ".") and self._secret(value):
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
        word = _word(base, node)
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
        else:
            self.draft.file(Verb.CREATE if full.endswith("mkdir") else Verb.WRITE, word, taint=self.draft.flow)

    def _files(self, verb: Verb, nodes: list[ast.expr], *, everything: bool = False) -> None:
        for node in nodes:
            value = self.value(node)
            if isinstance(value, Unknown) and not self.inline:
                continue
            for item in value.items if isinstance(value, Several) else [value]:
                self.draft.file(
                    verb,
                    _word(item, node),
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
            if isinstance(value, str):
                self.draft.shell(value)
            elif isinstance(value, list):
                self._argv(value)
            else:
                self.unsure("runs a shell text that is not constant")

    def _run(self, node: ast.Call) -> None:
        through = any(k.arg == "shell" and self._maybe(k.value) for k in node.keywords)
        first = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "args"), None)
        value = self.value(first)
        if isinstance(value, str):
            if through:
                self.draft.shell(value)
            else:
                self.draft.argv([known(value)])
        elif isinstance(value, list) and not through:
            self._argv(value)
        elif isinstance(value, list) and value and isinstance(value[0], str):
            self.draft.shell(value[0])
        else:
            self.unsure("runs a program that is not constant")

    def _maybe(self, node: ast.expr) -> bool:
        """Whether an expression may be true: what is not known may."""
        value = self.value(node)
        return isinstance(value, Unknown) or bool(value)

    def _argv(self, values: list[Any]) -> None:
        if not values or isinstance(values[0], Unknown):
            self.unsure("runs a program that is not constant")
        else:
            self.draft.argv([_word(v, None) for v in values])

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
            if inner.read(value):
                return
        self.unsure(f"{called}() runs what is not constant")

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
        value = self.value(node.args[0])
        if isinstance(value, str):
            from interlock.effects.catalogue.readers.sql import read_text

            read_text(self.draft, value, "", "")
        elif self.inline:
            self.unsure("executes SQL that is not constant")

    def unsure(self, why: str) -> None:
        """Inline text that cannot be decided is opaque; a script of the project is judged as project code."""
        if self.inline:
            self.draft.opaque(why)


class Several:
    """One of several constants (a loop over a literal list)."""

    def __init__(self, items: list[str]) -> None:
        self.items = items


class Prefixed(Unknown):
    """A text of which only the beginning is known."""

    def __init__(self, prefix: str, taint: Iterable[str]) -> None:
        super().__init__(taint)
        self.prefix = prefix


def _leading(parts: list[Any]) -> list[str]:
    out = []
    for part in parts:
        if isinstance(part, Prefixed):
            out.append(part.prefix)
        if not isinstance(part, (str, int)):
            break
        out.append(str(part))
    return out


def _word(value: Any, node: ast.AST | None) -> Word:
    if isinstance(value, Prefixed):
        return Word(None, f"{value.prefix}?", (0, 0), value.prefix, tuple(sorted(value.taint)))
    if isinstance(value, (Unknown, Several)) or value is None:
        source = "?"
        if node is not None:
            try:
                source = ast.unparse(node)[:200]
            except (ValueError, RecursionError):
                source = "?"
        taint = tuple(sorted(value.taint)) if isinstance(value, Unknown) else ()
        return Word(None, source, (0, 0), "", taint)
    return known(str(value))
