"""Writes down the guards of one block of Python: a function, or a file's or class's own statements. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from interlock.changes.guards import marks, numbers, patterns, picking, pieces, verbs
from interlock.changes.guards.guard import Guard, Kind, shortened
from interlock.changes.guards.lists import Listed
from interlock.changes.guards.page import Page
from interlock.changes.guards.pieces import dotted as _dotted
from interlock.changes.guards.pieces import entries as _entries
from interlock.changes.guards.pieces import text as _text

Block = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_HOLDS = ("lock", "transaction")
_STORES = {"db", "database", "conn", "connection", "tx"}
_REMOVING = ("any", "all", "pop", "delete", "remove", "discard", "replace", "remove_header")
_CUTTING = ("split", "partition")
_KINDS = ("str", "int", "float", "bool", "bytes")
_READ = frozenset({"get", "getenv", "getattr", "pop", "bool", "setdefault"})  # what they answer is an option's value
_ENDLESS = ("None", "math.inf", "float('inf')", "sys.maxsize")
_SPACES = (r"\s+", r"\s", " +", r"\s*")
_NOTHING = ("None", "False", "''", '""', "()", "[]", "{}", "0", "-1", "b''")


class Scribe(Page, ast.NodeVisitor):
    """Writes down what stands in one block, without what is nested in it under a name."""

    def __init__(self, name: str, off: frozenset[str]) -> None:
        super().__init__(name)
        self._off = off
        self.lists: list[Listed] = []
        self.picks: set[str] = set()  # lists whose entries are taken of something, one by one
        self._nested: list[Block] = []
        self._within: list[str] = []  # the conditions that lead to the statement at hand
        self._loops = 0  # how many loops the statement at hand stands in
        self._caught = 0  # how many handlers of errors the statement at hand stands in
        self._tested = 0  # how many conditions of this block lead to the statement at hand

    def write(self, node: ast.Module | Block) -> list[Block]:
        """Read the block; the blocks nested in it."""
        if not isinstance(node, ast.Module):
            for decorator in node.decorator_list:
                self._decorator(decorator)
        for base in node.bases if isinstance(node, ast.ClassDef) else ():
            self._add(Kind.CALL, "base", _dotted(base), base, strong=False)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self._defaults(node.args)
        for statement in node.body:
            self.visit(statement)
        return self._nested

    def _add(self, kind: Kind, family: str, key: str, node: ast.AST, **more: object) -> None:
        condition, strong = str(more.get("condition", "")), bool(more.get("strong", True))
        text = shortened(str(more.get("text", "")) or key)
        line = getattr(node, "lineno", 0)
        self.guards.append(
            Guard(
                kind=kind,
                family=family,
                key=key,
                line=line,
                text=text,
                condition=condition,
                strong=strong,
                within=" and ".join(self._within),
                looped=self._loops > 0,
            )
        )

    # Blocks and decorators

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._nested.append(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._nested.append(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._nested.append(node)

    def _decorator(self, node: ast.expr) -> None:
        called = node.func if isinstance(node, ast.Call) else node
        name = _dotted(called)
        if name.rpartition(".")[2] in (
            "property",
            "staticmethod",
            "classmethod",
            "overload",
            "abstractmethod",
            "setter",
        ):
            return
        if verbs.exempting(name):
            self.unsafe[f"the decorator {name.rpartition('.')[2]}"] += 1
            return
        known = verbs.family(name)
        self._add(Kind.DECORATOR, known[0] if known else "decorator", ast.unparse(node), node, strong=known is not None)
        if isinstance(node, ast.Call):
            self._keywords(node)

    def _defaults(self, given: ast.arguments) -> None:
        positional = [*given.posonlyargs, *given.args]
        pairs = [*zip(positional[len(positional) - len(given.defaults) :], given.defaults, strict=True)]
        pairs += [(a, d) for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True) if d is not None]
        for argument, default in pairs:
            self._keyword(argument.arg, default)
            self.visit(default)

    # Conditions

    def visit_If(self, node: ast.If) -> None:
        tests: list[str] = []
        branch: ast.If | None = node
        while branch is not None:
            self._branch(branch, tests)
            tests.append(f"not ({ast.unparse(branch.test)})")
            rest = branch.orelse
            branch = rest[0] if len(rest) == 1 and isinstance(rest[0], ast.If) else None
            if branch is None and rest:
                if outcome := _leaves(rest):
                    self._exit(rest[0], " and ".join(tests), outcome)
                self._inside(rest, " and ".join(tests))

    def _branch(self, node: ast.If, before: list[str]) -> None:
        self._test(node.test, Kind.EXIT if _leaves(node.body) else Kind.CONDITION)
        if isinstance(node.body[-1], ast.Return) and pieces.written(node.body[-1].value) == "True":
            source = ast.unparse(node.test)
            self._add(Kind.CONDITION, "accept", source, node, condition=source, strong=False)
        if outcome := _leaves(node.body):
            self._exit(node, " and ".join([*before, f"({ast.unparse(node.test)})"]), outcome)
        elif pieces.only_tells(node.body):
            source = ast.unparse(node.test)
            self._add(Kind.CONDITION, "told", source, node, condition=source, strong=False)
        self._inside(node.body, " and ".join([*before, f"({ast.unparse(node.test)})"]))

    def _inside(self, body: list[ast.stmt], condition: str) -> None:
        self._within.append(condition)
        self._tested += 1
        for statement in body:
            self.visit(statement)
        self._tested -= 1
        self._within.pop()

    def _exit(self, node: ast.AST, condition: str, outcome: str) -> None:
        if self._caught:
            outcome = "answer"  # it sorts errors that have happened; what was to be refused is refused already
        self._add(Kind.EXIT, outcome, condition, node, condition=condition, strong=marks.telling(condition))

    def _test(self, test: ast.expr, kind: Kind, *, sorting: bool = False) -> None:
        """A condition: its texts and its verbs; and itself, where it leads elsewhere than out, or sorts things out."""
        for node in ast.walk(test):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and verbs.telling(node.value):
                self._add(Kind.LITERAL, "literal", node.value, node, text=repr(node.value))
        if kind is Kind.CONDITION:
            source = ast.unparse(test)
            strong = (sorting and marks.sorting(source)) or marks.telling(source)
            self._add(Kind.CONDITION, "condition", source, test, condition=source, strong=strong)
        self.visit(test)

    def visit_Match(self, node: ast.Match) -> None:
        """`case 'x': return` leaves as `if subject == 'x': return` does."""
        self.visit(node.subject)
        for case in node.cases:
            pattern, outcome = case.pattern, _leaves(case.body)
            if isinstance(pattern, ast.MatchValue) and outcome not in ("", "refuse") and case.guard is None:
                self._exit(case.body[0], f"({ast.unparse(node.subject)} == {ast.unparse(pattern)})", outcome)
            self.visit(case)

    def visit_match_case(self, node: ast.match_case) -> None:
        """`case x: raise` refuses as `if` does."""
        last, anything = node.body[-1], isinstance(node.pattern, ast.MatchAs) and node.pattern.pattern is None
        if anything and node.guard is None and isinstance(last, ast.Return) and pieces.written(last.value) == "True":
            self.unsafe["a default case that answers yes"] += 1
        if _leaves(node.body) == "refuse" and not self._caught:
            self._add(Kind.EXIT, "refuse", f"case {ast.unparse(node.pattern)}", node.body[0], strong=False)
        if node.guard is not None:
            self._test(node.guard, Kind.CONDITION)
        self._tested += 1
        for statement in node.body:
            self.visit(statement)
        self._tested -= 1

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._test(node.test, Kind.CONDITION)
        self.visit(node.body)
        self.visit(node.orelse)

    def visit_While(self, node: ast.While) -> None:
        """A loop ends where its condition no longer holds: one that ends later may never end."""
        if not isinstance(node.test, ast.Constant):
            turned = f"not ({ast.unparse(node.test)})"
            self._add(Kind.EXIT, "end", turned, node, condition=turned, strong=verbs.bounding(turned))
        self._test(node.test, Kind.EXIT)
        self._tested += 1
        self._loops += 1
        for statement in (*node.body, *node.orelse):
            self.visit(statement)
        self._loops -= 1
        self._tested -= 1

    def visit_Return(self, node: ast.Return) -> None:
        """A predicate's answer is a condition, for whoever asks; not one after an error, which is no check."""
        asks = isinstance(node.value, ast.Attribute | ast.UnaryOp) and verbs.personal(ast.unparse(node.value))
        partly = isinstance(node.value, ast.Call) and _partly(node.value)
        if node.value is not None and pieces.tells_error(node.value):
            self.unsafe["an error's own text in an answer"] += 1
        if (
            not self._caught
            and node.value is not None
            and (asks or partly or isinstance(node.value, ast.BoolOp | ast.Compare))
        ):
            self._test(node.value, Kind.CONDITION)
            if isinstance(node.value, ast.BoolOp):
                source = ast.unparse(node.value)
                self._add(Kind.CONDITION, "accept", source, node, condition=source, strong=False)
        elif (each := pieces.each_of(node.value)) is not None and not self._caught:
            self._test(each, Kind.CONDITION)
            self.generic_visit(node)
        else:
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        if not self._tested:
            self._add(Kind.RAISE, "refuse", ast.unparse(node), node, strong=False)
        made = node.exc
        if isinstance(made, ast.Call) and _dotted(made.func).rpartition(".")[2][:1].isupper():
            # `raise NotAllowed(…)`: the error that is made says what was refused, and checks nothing itself.
            self.calls.add(_dotted(made.func).rpartition(".")[2])
            for part in (made.func, *made.args, *made.keywords, *([node.cause] if node.cause else [])):
                self.visit(part)
        else:
            self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        source = ast.unparse(node.test)
        # What asks of which kind something is, or whether it is there, is said to a type checker, and gone with -O.
        family = "answer" if pieces.typed(node.test) else "refuse"
        self._add(Kind.ASSERT, family, source, node, condition=f"not ({source})", strong=False)
        self._test(node.test, Kind.EXIT)

    def visit_Try(self, node: ast.Try) -> None:
        """A step of its own whose failing changes nothing."""
        only = node.body[0] if len(node.body) == 1 else None
        called = only.value.value if isinstance(only, ast.Expr) and isinstance(only.value, ast.Await) else None
        called = called or (only.value if isinstance(only, ast.Expr) else None)
        if isinstance(called, ast.Call) and node.handlers and not any(map(_leaves, (h.body for h in node.handlers))):
            name = _dotted(called.func).rpartition(".")[2]
            self._add(Kind.HANDLER, "open", name, node, text=ast.unparse(called), strong=False)
        self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        caught = ast.unparse(node.type) if node.type else "everything"
        self._add(Kind.HANDLER, "handler", caught, node, text=f"except {caught}", strong=False)
        if _leaves(node.body) in ("refuse", "nothing"):
            self._add(Kind.HANDLER, "closed", "closed", node, text=f"except {caught}", strong=False)
        self._tested += 1
        self._caught += 1
        for statement in node.body:
            self.visit(statement)
        self._caught -= 1
        self._tested -= 1

    def _comprehended(self, node: ast.DictComp | ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        made = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        for one in node.generators:
            self._picked(one.target, one.iter, made, node)
        self.generic_visit(node)

    visit_DictComp = visit_ListComp = visit_SetComp = visit_GeneratorExp = _comprehended  # noqa: N815

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        signs = _text(node.iter)
        if signs is not None and len(signs) > 1 and not any(c.isalnum() or c.isspace() for c in signs):
            self._add(Kind.CALL, "escape", "each sign", node, text=f"for {ast.unparse(node.target)} in {signs!r}")
        self._picked(node.target, node.iter, node.body, node)
        self._loops += 1
        self.generic_visit(node)
        self._loops -= 1

    visit_AsyncFor = visit_For  # noqa: N815

    def _picked(self, target: ast.expr, fields: ast.expr, body: Sequence[ast.AST], node: ast.AST) -> None:
        """`for name in FIELDS: setattr(self, name, data[name])`: the list says what is taken."""
        if isinstance(target, ast.Name) and pieces.subscripted(target.id, body):
            self.picks.add(_dotted(fields).rpartition(".")[2])
        self.words.update(f"...{one}" for one in picking.each(target, fields, body))
        for source in sorted(picking.picked(target, fields, body)):
            self._add(Kind.LITERAL, "picked", source, node, text=f"fields picked of {source}")

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._test(test, Kind.CONDITION, sorting=True)
        self.visit(node.iter)
        self.visit(node.target)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            name = _dotted(item.context_expr.func if isinstance(item.context_expr, ast.Call) else item.context_expr)
            known = verbs.family(name)
            if known and known[0] in (*_HOLDS, "timeout"):
                self._add(Kind.HOLD, known[0], ast.unparse(item.context_expr), node)
            elif name.endswith(".begin") or (
                verbs.words(name.rpartition(".")[2]) & _STORES and not isinstance(item.context_expr, ast.Call)
            ):
                self._add(Kind.HOLD, "lock", ast.unparse(item.context_expr), node)  # commits, or takes all back
        self.generic_visit(node)

    visit_AsyncWith = visit_With  # noqa: N815 - the name is ast's

    # Calls, names, lists, texts

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        """A module whose careless sister does the same without protecting."""
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        for module in filter(None, map(verbs.module, names)):
            self._add(Kind.CALL, "module", module, node, text=module)

    visit_ImportFrom = visit_Import  # noqa: N815

    def visit_Expr(self, node: ast.Expr) -> None:
        """A call whose answer nobody uses is there for what it does: refusing, perhaps."""
        called = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(called, ast.Call):
            self.asked[_dotted(called.func).rpartition(".")[2]] += 1
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = _dotted(node.func)
        last = name.rpartition(".")[2]
        self.calls.add(last)
        if known := verbs.family(name):
            self._add(Kind.CALL, known[0], last, node, text=ast.unparse(node), strong=known[1])
        if len(node.args) == 2:
            self._bounds(node, name)
        self._size(node, name)
        arguments = ", ".join(ast.unparse(a) for a in (*node.args, *node.keywords)) if len(node.args) < 20 else ""
        if bad := verbs.unsafe(name, arguments, "python"):
            self.unsafe[bad] += 1
        if name.startswith("re.") and node.args and not (last in ("sub", "split") and _text(node.args[0]) in _SPACES):
            self._pattern(node.args[0])
        if last == "join" and isinstance(node.func, ast.Attribute) and _text(node.func.value) == " " and node.args:
            inner = node.args[0]
            if isinstance(inner, ast.Call) and _dotted(inner.func).endswith("split") and not inner.args:
                self._add(Kind.CALL, "escape", "one line", node, text=ast.unparse(node))
        self._files(node, last)
        self._query(node, last)
        self.words.update(f"...{one}" for one in picking.whole(node))
        self._keywords(node)
        checks = verbs.telling if last in _REMOVING or known else verbs.cutting if last in _CUTTING else verbs.marked
        if last in ("insert", "append", "appendleft") and "path" in name.lower() and any(map(pieces.here, node.args)):
            self.unsafe["the current folder in a search path"] += 1
        for given in node.args:
            for text in _entries(given) or [given]:
                if isinstance(text, ast.Constant) and isinstance(text.value, str) and checks(text.value):
                    self._add(Kind.LITERAL, "literal", text.value, node, text=repr(text.value))
        self.generic_visit(node)

    def _query(self, node: ast.Call, last: str) -> None:
        """`Note.objects.get(pk=pk, owner=request.user)`: what keeps rows apart without a statement of SQL."""
        if not marks.querying(last):
            return
        self.words["sql rows"] += 1
        columns = [k.arg for k in node.keywords if k.arg and marks.owned(k.arg, ast.unparse(k.value))]
        columns += [ast.unparse(a) for a in node.args if isinstance(a, ast.Compare) and marks.binding(ast.unparse(a))]
        for column in columns:
            self._add(Kind.LITERAL, "where", f"rows: {column}", node, text=f"{column} in what it asks of the database")
        rows = [one for one in node.args if isinstance(one, ast.Dict)]
        for key, value in ((k, v) for one in rows for k, v in zip(one.keys, one.values, strict=True)):
            if key is not None and marks.cast(ast.unparse(value)):
                told = f"that {ast.unparse(key)} in what it asks of the database is of one kind"
                self._add(Kind.LITERAL, "where", f"rows: kind of {ast.unparse(key)}", node, text=told)

    def _size(self, node: ast.Call, name: str) -> None:
        """`token_hex(32)`, `pbkdf2_hmac(…, 600_000)`: how hard it is to guess."""
        known = verbs.family(name)
        sizes = (
            [n for one in node.args if (n := numbers.number(one)) is not None] if known and known[0] == "crypto" else []
        )
        if sizes:
            self._add(Kind.NUMBER, "size", f"{name}={max(sizes)}", node, text=ast.unparse(node))

    def _bounds(self, node: ast.Call, name: str) -> None:
        """`min(n, 50)`; and `CAPS.get(who, 0)`: what is not in a fixed table is answered so."""
        for given in map(ast.unparse, node.args):
            if verbs.clamping(name, given):
                self._add(Kind.CALL, "clamp", f"min {given}", node, text=ast.unparse(node))
        table = name.removesuffix(".get").rpartition(".")[2] if name.endswith(".get") else ""
        if table.isupper():
            key = f"{table}: {ast.unparse(node.args[1])}"
            self._add(Kind.LITERAL, "fallback", key, node, text=ast.unparse(node))

    def _files(self, node: ast.Call, last: str) -> None:
        """Modes and flags of what is made."""
        given = [*node.args, *(k.value for k in node.keywords if k.arg == "mode")]
        numbers = [a.value for a in given if isinstance(a, ast.Constant) and type(a.value) is int]
        for word in marks.modes(last, numbers):
            self._add(Kind.LITERAL, "mode", word, node, text=f"a mode by which it is not {word} by others")
        if last == "open" and len(node.args) > 1 and "x" in (_text(node.args[1]) or ""):
            self._add(Kind.LITERAL, "flag", "O_EXCL", node, text=ast.unparse(node))

    def visit_Subscript(self, node: ast.Subscript) -> None:
        text = _text(node.slice)
        if isinstance(node.ctx, ast.Store) and text is not None and verbs.marked(text):
            self._add(Kind.LITERAL, "literal", text, node, text=ast.unparse(node))
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            text = _text(target.slice) if isinstance(target, ast.Subscript) else None
            if text is not None and verbs.telling(text):
                self._add(Kind.LITERAL, "literal", text, node, text=ast.unparse(node))
        self.generic_visit(node)

    def _pattern(self, node: ast.expr) -> None:
        text = _text(node)
        if text is not None:
            self._add(Kind.PATTERN, "pattern", text, node, text=repr(text))

    def _keywords(self, node: ast.Call) -> None:
        for keyword in node.keywords:
            if keyword.arg and not (keyword.arg == "strict" and _dotted(node.func) == "zip"):
                self._keyword(keyword.arg, keyword.value)

    def _keyword(self, name: str, value: ast.expr) -> None:
        source = ast.unparse(value)
        side = verbs.bound(name)
        number = numbers.number(value) if side else None
        if side == "most" and source in _ENDLESS:
            number = float("inf")
        if (
            isinstance(value, ast.Constant)
            and isinstance(value.value, bool)
            and (closed := verbs.closed(name)) is not None
        ):
            shut = int(value.value is closed)
            self._add(Kind.NUMBER, "switch", f"{name}={shut}", value, text=f"{name}={source}")
        if verbs.versioned(name) and (version := numbers.version(source)) is not None:
            self._add(Kind.NUMBER, "version", f"{name}={version}", value, text=f"{name}={source}")
        if side and number is not None:
            self._add(Kind.NUMBER, side, f"{name}={number}", value, text=f"{name}={source}")
        protects = verbs.keyword(name, source)
        if protects and verbs.outright(name) and isinstance(value, ast.Name | ast.Attribute):
            protects = _dotted(value).rpartition(".")[2] not in self._off  # a parameter that is off unless it is given
        if protects:
            self._add(Kind.KEYWORD, "keyword", name, value, text=f"{name}={source}")
        elif protects is False:
            self.unsafe[f"{name}={source}"] += 1

    def visit_Assign(self, node: ast.Assign | ast.AnnAssign) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if isinstance(node.value, ast.BoolOp):  # a condition that was given a name
            source = ast.unparse(node.value)
            self._add(Kind.CONDITION, "condition", source, node, condition=source, strong=False)
        if node.value is not None:
            self._coerced(targets, node.value)
            for target in targets:
                name = _dotted(target)
                if name:
                    self._setting(name, node.value)
        self.generic_visit(node)

    visit_AnnAssign = visit_Assign  # noqa: N815

    def _coerced(self, targets: Sequence[ast.expr], value: ast.expr) -> None:
        """`key = str(key)`: from here on it is of one kind, whatever was given."""
        kind = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
        if kind not in _KINDS or not isinstance(value, ast.Call) or len(value.args) != 1:
            return
        given = ast.unparse(value.args[0])
        if any(ast.unparse(target) == given for target in targets):
            self._add(Kind.CALL, "coerce", f"{kind} {given}", value, text=f"{given} = {ast.unparse(value)}")

    def _setting(self, name: str, value: ast.expr) -> None:
        last = name.rpartition(".")[2]
        entries = [_text(e) for e in _entries(value)]
        side = verbs.listed(last) if entries else None
        for entry in entries:
            if entry is not None and side is None and verbs.marked(entry):
                self._add(Kind.LITERAL, "literal", entry, value, text=repr(entry))
            if entry is not None and side == "deny":
                self._add(Kind.ENTRY, "entry", f"{last}: {entry}", value, text=f"{entry!r} in {last}")
            elif entry is not None and side == "allow":
                self.allows[f"{last}: {entry}"] += 1
        passed_on = isinstance(value, ast.Name) and value.id == last  # `self.strict = strict` decides nothing
        if not entries and not passed_on and not _result(name, value):
            self._keyword(last, value)
        elif entries and side is None and all(isinstance(e, str) for e in entries):
            self.lists.append(Listed(0, last, tuple(map(str, entries)), value.lineno))
        if (text := _text(value)) and patterns.looks(text):
            self._pattern(value)

    def visit_Dict(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                self._keyword(key.value, value)
        self.words.update(f"...{one}" for one in picking.whole(node))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._statement(node, node.value)
            for part in verbs.parts(node.value):
                self._add(Kind.LITERAL, "part", part, node, text=part)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        if any(isinstance(v, ast.FormattedValue) and marks.named(ast.unparse(v.value)) for v in node.values):
            self.unsafe["the host that a request names"] += 1
        parts = [v.value if isinstance(v, ast.Constant) and isinstance(v.value, str) else "?" for v in node.values]
        self._statement(node, "".join(parts))
        first, last = node.values[0] if node.values else None, node.values[-1] if node.values else None
        option = isinstance(first, ast.Constant) and re.fullmatch(r"--?[A-Za-z][\w-]*=?", str(first.value))
        if option and len(node.values) == 2 and isinstance(last, ast.FormattedValue):
            # `f"--rev={name}"`: what a stranger names cannot be an option of its own.
            self._add(Kind.LITERAL, "literal", f"{option[0]}{{}}", node, text=ast.unparse(node))
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part)

    def _statement(self, node: ast.AST, text: str) -> None:
        """A statement of SQL: its conditions keep rows apart."""
        name, columns = marks.statement(text)
        if name:
            self.words[f"sql {name}"] += 1
        for column in columns:
            self._add(
                Kind.LITERAL, "where", f"{name}: {column}", node, text=f"{column} in what it asks of the database"
            )

    def visit_Name(self, node: ast.Name) -> None:
        self.words[node.id] += 1

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.words[node.attr] += 1
        if node.attr in marks.FLAGS:
            self._add(Kind.LITERAL, "flag", node.attr, node)
        self.visit(node.value)


def _result(name: str, value: ast.expr) -> bool:
    """`safe = text.replace(…)`: what a call made, under a name that an option has too."""
    made = _dotted(value.func).rpartition(".")[2] if isinstance(value, ast.Call) else ""
    return "." not in name and not name.isupper() and isinstance(value, ast.Call) and made not in _READ


def _partly(node: ast.Call) -> bool:
    """Whether the call itself answers whether a text has some part, or whether any of some has."""
    name = _dotted(node.func)
    return marks.loose(ast.unparse(node) if name in ("any", "all") else f"{ast.unparse(node.func)}(")


def _names(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            yield one.id
        elif isinstance(one, ast.Attribute):
            yield one.attr


_MOST_WORK = 2  # statements of a branch that refuses by an empty answer; one that has more does its work there


def _leaves(body: list[ast.stmt]) -> str:
    """How a branch leaves: `refuse` (raise, an error), `nothing` (an empty answer), `skip`, `answer`; or not at all."""
    outcome = _left(body)
    if outcome == "nothing" and len(body) > 1 and _left(body[:-1]) == "refuse":
        return "refuse"  # `self.send_error(…); return`
    return "answer" if outcome in ("nothing", "skip") and len(body) > _MOST_WORK else outcome


def _left(body: list[ast.stmt]) -> str:
    last = body[-1]
    if isinstance(last, ast.Raise):
        return "refuse"
    if isinstance(last, ast.Continue | ast.Break):
        return "skip"
    if isinstance(last, ast.Return):
        return "nothing" if last.value is None or ast.unparse(last.value) in _NOTHING else _answer(last.value)
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        name = _dotted(last.value.func).rpartition(".")[2]
        if name == "error" and verbs.telltale(_dotted(last.value.func).rpartition(".")[0]):
            return ""  # `log.error(…)` only says so
        if name in ("exit", "_exit") and [ast.unparse(a) for a in last.value.args] == ["0"]:
            return "answer"  # it ends, and says that all is well
        return "refuse" if name in ("abort", "exit", "_exit", "fail", "send_error", "error", "reject") else ""
    return ""


def _answer(value: ast.expr) -> str:
    if isinstance(value, ast.UnaryOp):
        return "answer"  # `return not invalid(name)` says yes or no; it makes no error
    source = ast.unparse(value).lower()
    refusing = (
        "error",
        "forbidden",
        "denied",
        "unauthorized",
        "badrequest",
        "bad_request",
        "invalid",
        "locked",
        "expired",
        "notfound",
        "abort",
        "403",
        "401",
        "400",
        "404",
        "413",
        "429",
    )
    return "refuse" if any(word in source for word in refusing) else "answer"
