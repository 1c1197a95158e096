"""The functions of a JavaScript, TypeScript or Go file and the guards in them, through tree-sitter. Pure.

Conditions are written down as Python expressions over the program's own terms (`&&` as `and`), so that one prover reads
all languages; what has no such form stays as it is and is opaque to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from interlock.changes.guards import marks, numbers, outcomes, patterns, trees, verbs
from interlock.changes.guards.conditions import unquoted, written
from interlock.changes.guards.guard import Function, Guard, Kind, Unreadable, shortened
from interlock.changes.guards.lists import Listed, placed
from interlock.changes.guards.page import Page
from interlock.changes.guards.scripttexts import GRAMMARS, amount, answered, dotted, only_tells

if TYPE_CHECKING:
    from tree_sitter import Node

_MOST_DEPTH = 260
_MOST_WORK = 2  # statements of a branch that refuses by an empty answer; one that has more does its work there
SUFFIXES = tuple(GRAMMARS)

_NAMED = {"function_declaration", "generator_function_declaration", "method_definition", "method_declaration"}
_UNNAMED = {"function_expression", "function", "arrow_function", "generator_function", "func_literal"}
_TRUTHS = {"&&", "||", "==", "===", "!=", "!==", "<", "<=", ">", ">="}
_NAMING = {
    "variable_declarator": "name",
    "assignment_expression": "left",
    "pair": "key",
    "field_definition": "property",
    "public_field_definition": "name",
}
_CHECKING_CALLS = {
    *("indexOf", "includes", "startsWith", "endsWith", "has", "Contains", "HasPrefix", "ContainsAny"),
    *("delete", "removeHeader", "Del", "setHeader"),
    *("replace", "replaceAll", "Replace", "ReplaceAll", "NewReplacer", "IndexAny", "IndexByte", "ContainsRune"),
}
_METHODS = {"get", "post", "put", "patch", "delete", "all", "use", "handle", "handlefunc"}
_PICKING = {"filter", "find", "findIndex", "some", "every"}
_ANSWERS = {"json", "send", "end", "render"}
_TELLS = re.compile(r"\b(?:err|error|e|ex)\.(?:message|stack|toString\(\)|Error\(\))|\bString\((?:err|error|e)\)")
_YES = ("return true", "return true;")
_DRAWS = re.compile(r"\brand\.Read(?:er)?\b")  # what fills a slice of bytes with chance
# What TypeScript's compiler writes into each file: its own work, and nobody's guard.
_EMITTED = re.compile(
    r"__(?:importStar|importDefault|exportStar|createBinding|setModuleDefault|awaiter|generator|decorate|metadata|param"
    r"|rest|assign|extends|values|read|spread\w*|async\w+|classPrivateField\w+|propKey|runInitializers|esDecorate)"
    r"\s*=\s*\(this && this\.__"
)


def read(path: str, text: str) -> list[Function]:
    """The functions of `text`; the first one, without a name, is what stands outside of named ones.

    Raises:
        Unreadable: it cannot be parsed within the bounds.
    """
    suffix = "." + path.rpartition(".")[2].lower()
    data = text.encode("utf-8", "surrogatepass")
    root = trees.parse(GRAMMARS[suffix], path, data)
    reader = _Reader(path, data, "go" if suffix == ".go" else "javascript")
    reader.enter(root, "")
    numbers = {one.name: number for number, one in enumerate(reader.functions)}
    lists = [one._replace(function=numbers[name]) for name, one in reader.lists if name in numbers]
    return sorted(placed(reader.functions, lists), key=lambda f: (f.line, f.name))


class _Reader:
    def __init__(self, path: str, data: bytes, language: str) -> None:
        self._path = path
        self._data = data
        self._language = language
        self.functions: list[Function] = []
        self.lists: list[tuple[str, Listed]] = []
        self._page = Page("")
        self._depth = 0
        self._tested = 0
        self._caught = 0
        self._looped = 0
        self._within: list[str] = []  # the conditions that lead to the node at hand

    def _text(self, node: Node | None) -> str:
        return "" if node is None else self._data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def enter(self, node: Node, name: str) -> None:
        """Read one function, or the file, on a page of its own."""
        before, tested, within = self._page, self._tested, self._within
        self._page, self._tested, self._within = Page(name), 0, []
        for child in node.children:
            self.visit(child)
        page = self._page
        self._page, self._tested, self._within = before, tested, within
        parameters = node.child_by_field_name("parameters")
        self.functions.append(
            page.function(
                path=self._path,
                name=name,
                line=node.start_point.row + 1,
                end=node.end_point.row + 1,
                source=self._text(node),
                parameters=tuple(self._parameters(parameters)),
                answer=answered(node, self._data),
            )
        )

    def _parameters(self, node: Node | None) -> list[str]:
        found: list[str] = []
        for child in node.named_children if node is not None else ():
            names = child.children_by_field_name("name") or [child.child_by_field_name("pattern") or child]
            found += [word[0] for one in names if (word := re.search(r"[A-Za-z_$][\w$]*", self._text(one)))]
        return found

    def visit(self, node: Node) -> None:
        """One node, and what stands below it."""
        if not node.child_count and node.type in ("identifier", "property_identifier", "field_identifier"):
            self._page.words[self._text(node)] += 1
            return
        if node.type == "variable_declarator" and _EMITTED.match(self._text(node)[:120]):
            return
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise Unreadable(f"{self._path} is nested too deeply to be read for guards")
        name = self._named(node)
        if name:
            self.enter(node, f"{self._page.name}.{name}" if self._page.name else name)
        else:
            handler = getattr(self, f"_on_{node.type}", None)
            if handler is not None:
                handler(node)
            else:
                self._below(node)
        self._depth -= 1

    def _below(self, node: Node) -> None:
        for child in node.children:
            self.visit(child)

    def _named(self, node: Node) -> str:
        """The name of a function that has one: its own, or that of what it is assigned to."""
        if node.type in _NAMED:
            receiver = node.child_by_field_name("receiver")
            own = self._text(node.child_by_field_name("name"))
            kind = re.search(r"(\w+)(?:\[[^]]*\])?\s*\)$", self._text(receiver)) if receiver is not None else None
            return f"{kind[1]}.{own}" if kind else own
        if node.type in ("class_declaration", "class"):
            return self._text(node.child_by_field_name("name"))
        if node.type in _UNNAMED and node.parent is not None:
            parent = node.parent
            field = _NAMING.get(parent.type)
            named = (
                self._text(parent.child_by_field_name(field)) if field else self._text(node.child_by_field_name("name"))
            )
            return named if re.fullmatch(r"[\w$.#'\"-]+", named) else ""
        return ""

    def _add(
        self, kind: Kind, family: str, key: str, node: Node, *, text: str = "", condition: str = "", strong: bool = True
    ) -> None:
        self._page.guards.append(
            Guard(
                kind=kind,
                family=family,
                key=" ".join(key.split()),
                line=node.start_point.row + 1,
                text=shortened(text or key),
                condition=condition,
                strong=strong,
                within=" and ".join(self._within),
                looped=self._looped > 0,
            )
        )

    # Conditions

    def _on_if_statement(self, node: Node) -> None:
        test = node.child_by_field_name("condition")
        body = node.child_by_field_name("consequence")
        rest = node.child_by_field_name("alternative")
        first = node.child_by_field_name("initializer")
        if first is not None:
            self.visit(first)
        if test is None or body is None:
            return self._below(node)
        condition = written(test, self._data)
        outcome = self._leaves(body)
        if outcome and self._caught:
            outcome = "answer"  # it sorts errors that have happened; what was to be refused is refused already
        self._test(test, Kind.EXIT if outcome else Kind.CONDITION)
        if outcome:
            self._add(Kind.EXIT, outcome, condition, node, condition=condition, strong=marks.telling(condition))
        elif only_tells(body, self._text):
            self._add(Kind.CONDITION, "told", condition, node, condition=condition, strong=False)
        self._tested += 1
        self._within.append(f"({condition})")
        self.visit(body)
        self._within[-1] = f"not ({condition})"
        if rest is not None:
            inner = rest.named_children[0] if rest.type == "else_clause" and rest.named_children else rest
            if inner.type != "if_statement" and (left := self._leaves(inner)):
                turned = f"not ({condition})"
                self._add(Kind.EXIT, left, turned, inner, condition=turned, strong=marks.telling(condition))
            self.visit(rest)
        self._within.pop()
        self._tested -= 1
        return None

    def _test(self, test: Node, kind: Kind) -> None:
        self._literals(test)
        if kind is Kind.CONDITION:
            condition = written(test, self._data)
            known = marks.telling(condition)
            self._add(Kind.CONDITION, "condition", condition, test, condition=condition, strong=known)
        self.visit(test)

    def _literals(self, node: Node, checks: Callable[[str], bool] = verbs.telling) -> None:
        stack = [node]
        while stack:
            one = stack.pop()
            if one.type in ("string", "interpreted_string_literal", "raw_string_literal", "rune_literal"):
                text = unquoted(self._text(one))
                if checks(text):
                    self._add(Kind.LITERAL, "literal", text, one, text=repr(text))
            elif one.type not in _UNNAMED:
                stack.extend(one.children)

    def _tests(self, node: Node) -> None:
        test = node.child_by_field_name("condition")
        for child in node.children:
            if test is not None and child == test:
                self._test(test, Kind.CONDITION)
            else:
                self.visit(child)

    _on_ternary_expression = _tests

    def _loops(self, node: Node) -> None:
        """A loop ends where its condition no longer holds: one that ends later may never end."""
        test = node.child_by_field_name("condition")
        if test is not None:
            condition = written(test, self._data)
            if condition not in ("True", "1"):
                turned = f"not ({condition})"
                self._add(Kind.EXIT, "end", turned, test, condition=turned, strong=verbs.bounding(condition))
            self._literals(test)
        self._round(node)

    def _round(self, node: Node) -> None:
        self._looped += 1
        self._below(node)
        self._looped -= 1

    _on_while_statement = _on_do_statement = _loops
    _on_for_statement = _on_for_in_statement = _round

    def _on_binary_expression(self, node: Node) -> None:
        """`a && f()` as a statement tests `a`."""
        operator = self._text(node.child_by_field_name("operator"))
        if operator in ("&&", "||") and node.parent is not None and node.parent.type == "expression_statement":
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if left is not None and right is not None:
                self._test(left, Kind.CONDITION)
                return self.visit(right)
        elif (
            operator in ("==", "===", "!=", "!==")
            and node.parent is not None
            and node.parent.type == "return_statement"
        ):
            self._literals(node)
        return self._below(node)

    def _leaves(self, body: Node) -> str:
        """How a branch leaves; the words are those of the Python reader."""
        statements = [c for c in body.named_children if c.type != "comment"] if "block" in body.type else [body]
        if len(statements) == 1 and statements[0].type == "statement_list":
            statements = [c for c in statements[0].named_children if c.type != "comment"]
        if not statements:
            return ""
        last = statements[-1]
        outcome = self._left(last)
        if outcome == "nothing" and len(statements) > 1 and self._left(statements[-2]) == "refuse":
            return "refuse"  # `http.Error(…); return`
        return "answer" if outcome in ("nothing", "skip") and len(statements) > _MOST_WORK else outcome

    def _left(self, last: Node) -> str:
        if last.type == "throw_statement":
            return "refuse"
        if last.type in ("continue_statement", "break_statement"):
            return "skip"
        if last.type == "return_statement":
            return outcomes.answered(self._text(last).removeprefix("return").strip(" ;"), go=self._language == "go")
        if (
            last.type == "expression_statement"
            and last.named_children
            and last.named_children[0].type == "call_expression"
        ):
            call = last.named_children[0]
            name = self._text(call.child_by_field_name("function"))
            return outcomes.called(re.sub(r"\s+", "", name), self._text(call))
        return ""

    # Statements

    def _on_return_statement(self, node: Node) -> None:
        """What a predicate answers about somebody is a condition, for whoever asks."""
        value = node.named_children[0] if node.named_child_count == 1 else None
        if not self._tested and self._left(node) == "refuse":
            self._add(Kind.RAISE, "refuse", self._text(node), node, strong=False)
        if value is not None and value.type == "expression_list" and value.named_child_count == 1:
            value = value.named_children[0]
        if self._caught:
            return self._below(node)  # an answer after an error is no check
        told = ("member_expression", "selector_expression", "binary_expression", "unary_expression")
        if value is not None and (
            (value.type in told and verbs.personal(self._text(value)))
            or (value.type == "binary_expression" and self._text(value.child_by_field_name("operator")) in _TRUTHS)
            or (value.type == "call_expression" and self._partly(value))
        ):
            if self._text(value.child_by_field_name("operator")) == "&&":
                condition = written(value, self._data)
                self._add(Kind.CONDITION, "accept", condition, node, condition=condition, strong=False)
            return self._test(value, Kind.CONDITION)
        while value is not None and value.type == "parenthesized_expression" and value.named_child_count == 1:
            value = value.named_children[0]
        operator = self._text(value.child_by_field_name("operator")) if value is not None else ""
        if value is not None and value.type == "binary_expression" and operator in _TRUTHS:
            return self._test(value, Kind.CONDITION)
        return self._below(node)

    def _partly(self, node: Node) -> bool:
        """Whether the call itself answers whether a text has some part, or whether any of some has."""
        called = self._text(node.child_by_field_name("function"))
        picking = called.rpartition(".")[2] in _PICKING
        return marks.loose(self._text(node) if picking else f"{called}(")

    def _on_arrow_function(self, node: Node) -> None:
        """`rows.filter((row) => row.owner === user.id)`: what a callback answers decides what goes on."""
        body, parent = node.child_by_field_name("body"), node.parent
        call = parent.parent if parent is not None and parent.type == "arguments" else None
        called = dotted(self._text(call.child_by_field_name("function"))) if call is not None else ""
        asks = ("binary_expression", "unary_expression", "member_expression")
        if body is not None and body.type in asks and called.rpartition(".")[2] in _PICKING:
            self._test(body, Kind.CONDITION)
        else:
            self._below(node)

    def _on_throw_statement(self, node: Node) -> None:
        if not self._tested:
            self._add(Kind.RAISE, "refuse", self._text(node), node, strong=False)
        self._below(node)

    def _on_catch_clause(self, node: Node) -> None:
        self._add(Kind.HANDLER, "handler", "everything", node, text="catch", strong=False)
        body, tried = node.child_by_field_name("body"), node.parent and node.parent.child_by_field_name("body")
        if body is not None and (outcome := self._leaves(body)) in ("refuse", "nothing"):
            self._add(Kind.HANDLER, "closed", "closed", node, text=f"catch: {outcome}", strong=False)
        only = tried.named_children[0] if tried is not None and tried.named_child_count == 1 else None
        if body is not None and not self._leaves(body) and only is not None and only.type == "expression_statement":
            called = self._text(only).removeprefix("await ").partition("(")[0]
            self._add(Kind.HANDLER, "open", called.rpartition(".")[2], node, text=self._text(only), strong=False)
        self._tested += 1
        self._caught += 1
        self._below(node)
        self._caught -= 1
        self._tested -= 1

    def _on_switch_case(self, node: Node) -> None:
        value = node.child_by_field_name("value")
        if value is not None:
            self._literals(value)
        self._refusing_case(node, value)
        self._tested += 1
        self._below(node)
        self._tested -= 1

    _on_expression_case = _on_default_case = _on_switch_default = _on_switch_case

    def _refusing_case(self, node: Node, value: Node | None) -> None:
        """`case x: return err` refuses as `if` does."""
        body = [c for c in node.named_children if c != value and c.type != "comment"]
        if value is None and node.type != "expression_case" and self._text(body[-1] if body else None) in _YES:
            self._page.unsafe["a default case that answers yes"] += 1
        while len(body) == 1 and ("block" in body[0].type or body[0].type == "statement_list"):
            body = [c for c in body[0].named_children if c.type != "comment"]
        if body and body[-1].type != "break_statement" and self._left(body[-1]) == "refuse" and not self._caught:
            on = node.parent.child_by_field_name("value") if node.parent is not None else None
            if on is None and value is not None and node.type == "expression_case":
                condition = " or ".join(f"({written(one, self._data)})" for one in value.named_children)
                condition = condition if len(value.named_children) > 1 else written(value.named_children[0], self._data)
                self._add(Kind.EXIT, "refuse", condition, node, condition=condition, strong=marks.telling(condition))
                return
            asked = f"{self._text(on)} {self._text(value) or 'default'}".strip()
            self._add(Kind.EXIT, "refuse", f"case {asked}", body[-1], strong=False)

    def _on_decorator(self, node: Node) -> None:
        source = self._text(node)
        name = re.match(r"@([\w$.]+)", source)
        known = verbs.family(name[1]) if name else None
        self._page.decorators.append(source)
        if name and verbs.exempting(name[1]):
            self._page.unsafe[f"the decorator {name[1]}"] += 1
            return self._below(node)
        self._add(Kind.DECORATOR, known[0] if known else "decorator", source, node, strong=known is not None)
        return self._below(node)

    def _called(self, node: Node) -> None:
        name = dotted(self._text(node.child_by_field_name("function") or node.child_by_field_name("constructor")))
        given = self._text(node.child_by_field_name("arguments"))
        name = re.sub(r"\.(?:call|apply)$", "", name)  # `hasOwn.call(o, k)` asks as `o.hasOwn(k)` does
        last = name.rpartition(".")[2]
        self._page.calls.add(last)
        if node.parent is not None and node.parent.type in ("expression_statement", "await_expression"):
            self._page.asked[last] += 1
        elif re.fullmatch(r"\(\s*[A-Za-z_$][\w$.]*\s*\)", given):
            self._page.asked[f"{last}{given}"] += 1  # a handler in a wrapper, perhaps one that refuses
        if self._language == "javascript" and last == "create" and given.replace(" ", "") in ("(null)", "(null,{})"):
            self._add(Kind.CALL, "kind", "Object.create(null)", node, text=self._text(node))
        elif (last in ("test", "exec") and node.type == "call_expression") or verbs.option(f"{last}{given}"):
            self._add(Kind.CALL, "check", last, node, text=self._text(node), strong=False)
        elif (known := verbs.family(name)) and node.parent and node.parent.type != "throw_statement":
            # `throw new NotAllowed(…)`: the error that is made says what was refused, and checks nothing itself
            hold = self._language == "go" and last in ("Lock", "RLock")
            kind, family = (Kind.HOLD, "lock") if hold else (Kind.CALL, known[0])
            self._add(kind, family, last, node, text=self._text(node), strong=known[1])
        self._bounds(node, name, given[:2000])
        sizes = [int(one) for one in re.findall(r"(?<![\w.])(\d{1,12})(?![\w.])", given[:2000])]
        drawn = name == "make" and given.startswith("([]byte,") and self._draws(node)
        if sizes and (drawn or (verbs.family(name) or ("", False))[0] == "crypto"):
            self._add(Kind.NUMBER, "size", f"{name}={max(sizes)}", node, text=self._text(node))
        if bad := verbs.unsafe(name, given[:2000], self._language):
            self._page.unsafe[bad] += 1
        if name in ("RegExp", "regexp.MustCompile", "regexp.Compile"):
            first = re.match(r"""\(\s*(`[^`]*`|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", given)
            if first:
                self._add(Kind.PATTERN, "pattern", unquoted(first[1]), node, text=first[1])
        self._files(node, last, given[:2000])
        self._query(node, last)
        self._route(node, name, last)
        arguments = node.child_by_field_name("arguments")
        if arguments is not None:
            checks = verbs.cutting if last == "split" else verbs.marked
            self._literals(arguments, verbs.telling if last in _CHECKING_CALLS else checks)
        self._below(node)

    _on_call_expression = _on_new_expression = _called

    def _draws(self, node: Node) -> bool:
        """Whether the function around a node fills slices with chance."""
        above: Node | None = node
        while above is not None and above.type not in _NAMED | _UNNAMED:
            above = above.parent
        return _DRAWS.search(self._text(above)) is not None

    def _query(self, node: Node, last: str) -> None:
        """`notes.findOne({ id, owner: req.user.id })`: what keeps rows apart without a statement of SQL."""
        arguments = node.child_by_field_name("arguments")
        if arguments is None or not marks.querying(last):
            return
        self._page.words["sql rows"] += 1
        for column, value in self._fields(arguments):
            if marks.cast(value):
                told = f"that {column} in what it asks of the database is of one kind"
                self._add(Kind.LITERAL, "where", f"rows: kind of {column}", node, text=told)
            if marks.owned(column, value):
                told = f"{column} in what it asks of the database"
                self._add(Kind.LITERAL, "where", f"rows: {column}", node, text=told)

    def _fields(self, arguments: Node) -> Iterator[tuple[str, str]]:
        """Names and values of the objects that a call is given, and of those in their `where`."""
        for given in arguments.named_children:
            for one in given.named_children if given.type == "object" else ():
                if one.type == "shorthand_property_identifier":
                    yield self._text(one), self._text(one)
                key, value = one.child_by_field_name("key"), one.child_by_field_name("value")
                if key is None or value is None:
                    continue
                if value.type == "object":
                    yield from self._fields(one)
                else:
                    yield self._text(key).strip("'\""), self._text(value)

    def _bounds(self, node: Node, name: str, given: str) -> None:
        """`Math.min(n, 50)`; a module that protects; and an answer that holds the text of an error."""
        two = re.fullmatch(r"\(\s*([\w.]+)\s*,\s*([\w.]+)\s*\)|\(.*,\s*([\w.]+)\s*\)", given, re.DOTALL)
        for one in filter(None, two.groups()) if two is not None else ():
            if verbs.clamping(name, one):
                self._add(Kind.CALL, "clamp", f"min {one}", node, text=self._text(node))
        if name == "require" and (module := verbs.module(given.strip("()'\"` "))):
            self._add(Kind.CALL, "module", module, node, text=module)
        if (name.rpartition(".")[2] in _ANSWERS or name == "http.Error") and _TELLS.search(given):
            self._page.unsafe["an error's own text in an answer"] += 1

    def _files(self, node: Node, last: str, given: str) -> None:
        """Modes and flags of what is made."""
        for word in marks.modes(last, marks.octal(given)):
            self._add(Kind.LITERAL, "mode", word, node, text=f"a mode by which it is not {word} by others")
        if re.search(r"\bflags?:\s*['\"](?:wx|ax)", given):
            self._add(Kind.LITERAL, "flag", "O_EXCL", node, text="a flag by which it makes what is not there yet")
        for flag in marks.FLAGS:
            if re.search(rf"\b{flag}\b", given):
                self._add(Kind.LITERAL, "flag", flag, node)

    def _route(self, node: Node, name: str, last: str) -> None:
        """`router.post("/x", auth, handler)`: what stands between path and handler guards the route."""
        arguments = node.child_by_field_name("arguments")
        if last.lower() not in _METHODS or "." not in name or arguments is None or arguments.named_child_count < 2:
            return
        first, *between = [c for c in arguments.named_children if c.type != "comment"]
        path = unquoted(self._text(first))
        if first.type not in ("string", "interpreted_string_literal") or not path.startswith("/"):
            return
        guards = []
        for number, one in enumerate(between):
            called = one.child_by_field_name("function") if one.type == "call_expression" else None
            named = dotted(self._text(called if called is not None else one)) if one.type not in _UNNAMED else ""
            known = verbs.family(named) if named else None
            if known or (named and number < len(between) - 1):  # the last one is the handler itself
                family, strong = known or ("decorator", False)
                guards.append(
                    Guard(
                        kind=Kind.DECORATOR, family=family, key=named, line=one.start_point.row + 1,
                        text=self._text(one)[:80], strong=strong or known is not None,
                    )
                )  # fmt: skip
        self.functions.append(
            Function(
                path=self._path,
                name=f"route {last.upper()} {path}",
                line=node.start_point.row + 1,
                end=node.end_point.row + 1,
                source=f"{last} {path} {[g.key for g in guards]}",
                guards=tuple(guards),
            )
        )

    def _on_regex(self, node: Node) -> None:
        pattern = self._text(node.child_by_field_name("pattern"))
        self._add(Kind.PATTERN, "pattern", pattern, node, text=self._text(node))

    def _on_string(self, node: Node) -> None:
        """A statement of SQL: its conditions keep rows apart; a text made with the host that a request names."""
        if node.type == "template_string" and marks.named(self._text(node)):
            self._page.unsafe["the host that a request names"] += 1
        name, columns = marks.statement(re.sub(r"\$\{[^{}]*\}", "?", unquoted(self._text(node))))
        if name:
            self._page.words[f"sql {name}"] += 1
        for column in columns:
            told = f"{column} in what it asks of the database"
            self._add(Kind.LITERAL, "where", f"{name}: {column}", node, text=told)
        for part in verbs.parts(self._text(node)):
            self._add(Kind.LITERAL, "part", part, node, text=part)
        self._below(node)

    _on_template_string = _on_interpreted_string_literal = _on_raw_string_literal = _on_string

    def _on_object_pattern(self, node: Node) -> None:
        """`const { name, mail } = body`: fields are picked, so that no others come along."""
        parent = node.parent
        value = parent.child_by_field_name("value") if parent is not None else None
        whole = any(child.type == "rest_pattern" for child in node.named_children)
        given = parent is not None and parent.type in ("formal_parameters", "required_parameter")
        if given and node.named_children and not whole:
            self._add(Kind.LITERAL, "picked", "(parameter)", node, text=f"fields picked: {self._text(node)}")
        if value is not None and value.type in ("identifier", "member_expression"):
            source = self._text(value)
            self._add(Kind.LITERAL, "picked", source, node, text=f"fields picked of {source}")
        self._below(node)

    def _on_field_declaration(self, node: Node) -> None:
        """`json:"-"` of Go: a field that no printout shows."""
        tag, name = node.child_by_field_name("tag"), self._text(node.child_by_field_name("name"))
        if tag is not None and re.search(r'\b(?:json|xml|yaml):"-"', self._text(tag)):
            self._add(Kind.LITERAL, "hidden", name, node, text=f"{name} kept out of what is written")
        self._below(node)

    def _on_spread_element(self, node: Node) -> None:
        self._page.words[self._text(node).replace(" ", "")] += 1
        self._below(node)

    _on_rest_pattern = _on_spread_element

    # Names with values

    def _valued(self, node: Node, name: str, value: Node | None) -> None:
        last = re.split(r"[.\s\[]", name.strip("'\"` ]"))[-1].strip("'\"")
        if value is not None and value.type in _UNNAMED and verbs.keyword(last, "function"):
            self._add(Kind.KEYWORD, "keyword", last.lower(), node, text=f"{last}: a function")
        if value is None or value.type in _UNNAMED:
            return
        source = self._text(value)
        entries = self._entries(value)
        if value.type in ("string", "raw_string_literal") and patterns.looks(unquoted(source)):
            self._add(Kind.PATTERN, "pattern", unquoted(source), value, text=source)
        if verbs.versioned(last) and (version := numbers.version(source)) is not None:
            self._add(Kind.NUMBER, "version", f"{last}={version}", node, text=f"{last}: {source}")
        if source in ("true", "false") and (closed := verbs.closed(last)) is not None:
            shut = int((source == "true") is closed)
            self._add(Kind.NUMBER, "switch", f"{last}={shut}", node, text=f"{last}: {source}")
        bound = verbs.bound(last)
        if bound and (many := amount(source)) is not None:
            self._add(Kind.NUMBER, bound, f"{last}={many}", node, text=f"{last}: {source}")
        self._listed(value, last, entries)
        if len(source) < 200:
            protects = verbs.keyword(last, source)
            if protects:
                self._add(Kind.KEYWORD, "keyword", last.lower(), node, text=f"{last}: {source}")
            elif protects is False and not entries:
                self._page.unsafe[f"{last}={source}"] += 1
            if source == "Object.create(null)":
                return

    def _listed(self, value: Node, last: str, entries: list[str]) -> None:
        side = verbs.listed(last) if entries else None
        for entry in entries:
            if side == "deny":
                self._add(Kind.ENTRY, "entry", f"{last}: {entry}", value, text=f"{entry!r} in {last}")
            elif side == "allow":
                self._page.allows[f"{last}: {entry}"] += 1
        if entries and side is None:
            self.lists.append((self._page.name, Listed(0, last, tuple(entries), value.start_point.row + 1)))

    def _entries(self, value: Node) -> list[str]:
        if value.type == "new_expression":
            given = value.child_by_field_name("arguments")
            if given is None or not given.named_children:
                return []
            value = given.named_children[0]
        if value.type == "composite_literal":
            return [
                unquoted(t) for t in re.findall(r'"(?:[^"\\]|\\.)*"', self._text(value.child_by_field_name("body")))
            ]
        if value.type != "array":
            return []
        return [unquoted(self._text(c)) for c in value.named_children if c.type == "string"]

    def _on_array(self, node: Node) -> None:
        """Parts of a pattern that are joined."""
        for child in node.named_children:
            if child.type == "string" and patterns.looks(text := unquoted(self._text(child))):
                self._add(Kind.PATTERN, "pattern", text, child, text=text)
        self._below(node)

    def _on_pair(self, node: Node) -> None:
        self._valued(node, self._text(node.child_by_field_name("key")), node.child_by_field_name("value"))
        self._below(node)

    def _on_variable_declarator(self, node: Node) -> None:
        self._valued(node, self._text(node.child_by_field_name("name")), node.child_by_field_name("value"))
        self._below(node)

    def _on_augmented_assignment_expression(self, node: Node) -> None:
        """`size -= 0`: from here on it is a number, whatever was given."""
        sign, right = (self._text(node.child_by_field_name(field)) for field in ("operator", "right"))
        if right == "0" and sign in ("-=", "|=", ">>=", ">>>="):
            left = self._text(node.child_by_field_name("left"))
            self._add(Kind.CALL, "coerce", f"number {left}", node, text=self._text(node))
        self._below(node)

    def _coerced(self, node: Node, left: str) -> None:
        """`key = String(key)`: from here on it is of one kind, whatever was given."""
        right = self._text(node.child_by_field_name("right"))
        kind = re.fullmatch(r"(String|Number|Boolean|BigInt|parseInt|parseFloat)\(([^(),]+)(?:,\s*\d+)?\)", right)
        if (kind and kind[2].strip() == left) or right in (f"+{left}", f"{left} | 0", f"{left} >>> 0", f"!!{left}"):
            self._add(Kind.CALL, "coerce", f"{kind[1] if kind else 'plain'} {left}", node, text=self._text(node))

    def _on_assignment_expression(self, node: Node) -> None:
        left = self._text(node.child_by_field_name("left"))
        self._coerced(node, left)
        self._valued(node, left, node.child_by_field_name("right"))
        if left.endswith((".innerHTML", ".outerHTML")):
            self._page.unsafe["innerHTML"] += 1
        self._below(node)

    def _on_keyed_element(self, node: Node) -> None:
        if len(node.named_children) == 2:
            key, value = node.named_children
            self._valued(node, self._text(key), value.named_children[0] if value.named_children else value)
        self._below(node)

    def _on_const_spec(self, node: Node) -> None:
        self._valued(node, self._text(node.child_by_field_name("name")), node.child_by_field_name("value"))
        self._below(node)

    _on_var_spec = _on_const_spec

    def _on_import_spec(self, node: Node) -> None:
        """A module whose careless sister does the same without protecting."""
        if module := verbs.module(unquoted(self._text(node.child_by_field_name("path")))):
            self._add(Kind.CALL, "module", module, node, text=module)

    def _on_import_statement(self, node: Node) -> None:
        if module := verbs.module(unquoted(self._text(node.child_by_field_name("source")))):
            self._add(Kind.CALL, "module", module, node, text=module)
        self._below(node)
