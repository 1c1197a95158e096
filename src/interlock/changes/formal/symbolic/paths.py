"""Every path through a function: under which conditions it is taken, and what comes out at its end. Pure.

A loop is followed for so many turns; a path that would go on is cut, and the answer says that it holds within that
bound. Local names are bound to values, never to places: what changes a value in its place is `Beyond`.
"""

from __future__ import annotations

import ast
import builtins
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import z3

from interlock.changes.formal.symbolic import calls, operators
from interlock.changes.formal.symbolic.values import (
    FALSE,
    NONE,
    NUMBERS,
    Beyond,
    Branch,
    Kind,
    Raised,
    Value,
    integer,
    just,
    known,
    lifted,
    number,
    text,
    then,
    truth,
)

CUT = Raised("")  # a call that goes on for too long: nothing catches it
TURNS = 6  # of one loop
_PATHS = 300
_DEEP = 5  # calls within calls
_MOMENT = 100  # milliseconds in which z3 says whether a path can be taken; where it does not, it is followed


_SHOWN = (ast.Constant, ast.Name, ast.JoinedStr, ast.FormattedValue, ast.expr_context)


class State(NamedTuple):
    """Where a path is: what holds there, and what its names stand for."""

    where: tuple[Any, ...]
    names: dict[str, Value]


class End(NamedTuple):
    """How a path leaves a statement. `how`: `on`, `return`, `raise`, `break`, `continue`, or `cut`."""

    how: str
    state: State
    to: Value | Raised = NONE


class Program:
    """The definitions that one version of a function needs, and the paths through it."""

    def __init__(self, source: str, *, until: float) -> None:
        """`until`: when to stop, by `time.monotonic`. Raises Beyond for constants that are not read here."""
        self.functions: dict[str, ast.FunctionDef] = {}
        self.constants: dict[str, ast.expr] = {}
        self.imported: set[str] = set()
        self.until = until
        self._steps = 0
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.constants[node.targets[0].id] = node.value
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self.imported |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}

    def ends(self, name: str, given: Mapping[str, Value]) -> list[End]:
        """The ends of all paths: `return`, `raise` and `cut`."""
        ends = self._body(self.functions[name], dict(given), (), 0)
        return [end._replace(how="cut") if end.to == CUT else end for end in ends]

    def _body(self, node: ast.FunctionDef, names: dict[str, Value], where: tuple[Any, ...], deep: int) -> list[End]:
        if deep > _DEEP:
            return [End("raise", State(where, names), CUT)]
        ends = _Body(self, node, deep).block(node.body, State(where, names))
        return [End("return", end.state, NONE) if end.how == "on" else end for end in ends]

    def called(self, name: str, given: list[Value], named: dict[str, Value], deep: int) -> list[End]:
        """The ends of a call of another function of the program."""
        node = self.functions[name]
        places = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
        names = dict(zip(places, given, strict=False)) | named
        defaults = dict(zip(reversed(places), reversed(node.args.defaults), strict=False))
        defaults |= {
            a.arg: d for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is not None
        }
        for missing in defaults.keys() - names.keys():
            names[missing] = self.constant(defaults[missing])
        if len(given) > len(places) or names.keys() != {*places, *(a.arg for a in node.args.kwonlyargs)}:
            raise Beyond(f"{name}() so called")
        return self._body(node, names, (), deep + 1)

    def constant(self, node: ast.expr) -> Value:
        """The value of a constant of the module. Raises Beyond where it is not read here."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) <= 1:
            made = {"frozenset": frozenset, "set": set, "tuple": tuple, "dict": dict}.get(node.func.id)
            if made is not None and not node.keywords:
                return lifted(made(ast.literal_eval(node.args[0])) if node.args else made())
        try:
            return lifted(ast.literal_eval(node))
        except (ValueError, TypeError, SyntaxError):
            raise Beyond(f"the constant {ast.unparse(node)[:40]}") from None

    def step(self, many: int) -> None:
        """Count work. Raises Beyond when there is no more time, or there are too many paths."""
        self._steps += 1
        if many > _PATHS:
            raise Beyond("it has too many paths")
        if time.monotonic() > self.until:
            raise Beyond("there was no more time")

    def possible(self, where: tuple[Any, ...]) -> bool:
        """Whether a path may be taken."""
        last = where[-1] if where else z3.BoolVal(True)
        plain = known(last)
        if plain is not None:
            return bool(plain)
        solver = z3.Solver()
        solver.set("timeout", _MOMENT)
        solver.add(*where)
        return bool(solver.check() != z3.unsat)


class _Body:
    """The statements of one call."""

    def __init__(self, program: Program, node: ast.FunctionDef, deep: int) -> None:
        self.program, self.deep = program, deep
        self.own = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}

    def block(self, body: list[ast.stmt], state: State) -> list[End]:
        running, done = [state], []
        for statement in body:
            following: list[State] = []
            for one in running:
                for end in self._statement(statement, one):
                    if end.how == "on":
                        following.append(end.state)
                    else:
                        done.append(end)
            running = following
            self.program.step(len(running) + len(done))
        return [*(End("on", one) for one in running), *done]

    def _split(self, node: ast.expr, state: State) -> list[tuple[State, Value | Raised]]:
        """The branches of an expression that may be taken."""
        branches = self._value(node, state)
        if len(branches) == 1 and not branches[0].where:
            return [(state, branches[0].to)]
        self.program.step(len(branches))
        out = []
        for branch in branches:
            where = (*state.where, *branch.where)
            if self.program.possible(where):
                out.append((State(where, state.names), branch.to))
        return out

    def _statement(self, node: ast.stmt, state: State) -> list[End]:
        if isinstance(node, ast.Pass):
            return [End("on", state)]
        if isinstance(node, ast.Break | ast.Continue):
            return [End("break" if isinstance(node, ast.Break) else "continue", state)]
        if isinstance(node, ast.Return):
            if node.value is None:
                return [End("return", state, NONE)]
            return [
                End("raise" if isinstance(to, Raised) else "return", s, to) for s, to in self._split(node.value, state)
            ]
        if isinstance(node, ast.Raise):
            return self._raise(node, state)
        if isinstance(node, ast.Expr):
            return [
                End("raise", s, to) if isinstance(to, Raised) else End("on", s)
                for s, to in self._split(node.value, state)
            ]
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            return self._assign(node, state)
        if isinstance(node, ast.If | ast.Assert):
            return self._if(node, state)
        if isinstance(node, ast.While | ast.For):
            return self._loop(node, state)
        if isinstance(node, ast.Try):
            return self._try(node, state)
        raise Beyond(f"a statement that is not read ({type(node).__name__})")

    def _raise(self, node: ast.Raise, state: State) -> list[End]:
        made = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if not isinstance(made, ast.Name) or _exception(made.id) is None or made.id in state.names:
            raise Beyond("what it raises is not known")
        given = node.exc.args if isinstance(node.exc, ast.Call) else []
        if isinstance(node.exc, ast.Call) and node.exc.keywords:
            raise Beyond("what it raises is not known")
        # Its message is computed first, and may fail; that of names alone does not.
        shown = [one for one in given if not all(isinstance(n, _SHOWN) for n in ast.walk(one))]
        ends = self._split(ast.Tuple(shown, ast.Load()), state)
        return [End("raise", at, to if isinstance(to, Raised) else Raised(made.id)) for at, to in ends]

    def _assign(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign, state: State) -> list[End]:
        if isinstance(node, ast.AugAssign):
            if not isinstance(node.target, ast.Name):
                raise Beyond("it changes a value in its place")
            value: ast.expr = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
            if state.names.get(node.target.id, NONE).kind is Kind.LIST:
                raise Beyond("it changes a list in its place")
        elif node.value is None:
            return [End("on", state)]
        else:
            value = node.value
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        out = []
        for one, to in self._split(value, state):
            if isinstance(to, Raised):
                out.append(End("raise", one, to))
                continue
            names = dict(one.names)
            wrong = [self._bind(target, to, names) for target in targets]
            out.append(End("raise", one, Raised("ValueError")) if any(wrong) else End("on", State(one.where, names)))
        return out

    def _bind(self, target: ast.expr, to: Value, names: dict[str, Value]) -> bool:
        """Bind names; whether there are too many or too few."""
        if isinstance(target, ast.Name):
            names[target.id] = to
            return False
        if isinstance(target, ast.Tuple | ast.List) and to.kind in (Kind.TUPLE, Kind.LIST):
            if len(target.elts) != len(to.items):
                return True
            wrong = [self._bind(one, part, names) for one, part in zip(target.elts, to.items, strict=True)]
            return any(wrong)
        raise Beyond("it assigns to what is no name")

    def _if(self, node: ast.If | ast.Assert, state: State) -> list[End]:
        out = []
        for one, to in self._split(node.test, state):
            if isinstance(to, Raised):
                out.append(End("raise", one, to))
                continue
            held = truth(to)
            for wanted in (held, z3.Not(held)):
                following = State((*one.where, wanted), one.names)
                if not self.program.possible(following.where):
                    continue
                if isinstance(node, ast.If):
                    out += self.block(node.body if wanted is held else node.orelse, following)
                else:
                    failed = End("raise", following, Raised("AssertionError"))
                    out.append(End("on", following) if wanted is held else failed)
        return out

    def _loop(self, node: ast.While | ast.For, state: State) -> list[End]:
        if isinstance(node, ast.For):
            return self._for(node, state)
        running, out = [state], []
        for turn in range(TURNS + 1):
            following: list[State] = []
            for one in running:
                asked = ast.If(node.test, [ast.Continue()], [ast.Break()])
                for end in self._if(asked, one):
                    if end.how == "break":
                        out += self.block(node.orelse, end.state)
                    elif end.how == "raise":
                        out.append(end)
                    elif turn == TURNS:
                        out.append(End("cut", end.state))
                    else:
                        self._turn(node.body, end.state, following, out)
            running = following
            self.program.step(len(running) + len(out))
        return out

    def _turn(self, body: list[ast.stmt], state: State, following: list[State], out: list[End]) -> None:
        for end in self.block(body, state):
            if end.how in ("on", "continue"):
                following.append(end.state)
            elif end.how == "break":
                out.append(End("on", end.state))
            else:
                out.append(end)

    def _for(self, node: ast.For, state: State) -> list[End]:
        out: list[End] = []
        for run in self._over(node.iter, state):
            if isinstance(run, End):
                out.append(run)
                continue
            running = [run.state]
            for value in run.values:
                following: list[State] = []
                for one in running:
                    names = dict(one.names)
                    if self._bind(node.target, value, names):
                        out.append(End("raise", one, Raised("ValueError")))
                    else:
                        self._turn(node.body, State(one.where, names), following, out)
                running = following
                self.program.step(len(running) + len(out))
            for one in running:
                out += [End("cut", one)] if run.more else self.block(node.orelse, one)
        return out

    def _over(self, node: ast.expr, state: State) -> list[_Run | End]:
        """What is gone through: one run for each number of turns it may take."""
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "range"
            and not node.keywords
        ):
            return self._range(node.args, state)
        out: list[_Run | End] = []
        for one, to in self._split(node, state):
            if isinstance(to, Raised) or to.kind in NUMBERS or to.kind is Kind.NONE:
                out.append(End("raise", one, to if isinstance(to, Raised) else Raised("TypeError")))
            elif to.kind in (Kind.TUPLE, Kind.LIST):
                out.append(_Run(one, list(to.items)))
            elif to.kind is Kind.TEXT:
                signs = [text(z3.SubString(to.term, z3.IntVal(n), 1)) for n in range(TURNS)]
                out += self._runs(one, signs, z3.Length(to.term))
            else:
                raise Beyond(f"a loop over a {to.kind}")
        return out

    def _runs(self, state: State, values: list[Value], size: Any) -> list[_Run | End]:
        out: list[_Run | End] = []
        for many in range(TURNS + 2):
            where = (*state.where, size == many if many <= TURNS else size > TURNS)
            if many == 0:
                where = (*state.where, size <= 0)
            if self.program.possible(where):
                more = many > TURNS
                out.append(
                    End("cut", State(where, state.names)) if more else _Run(State(where, state.names), values[:many])
                )
        return out

    def _range(self, words: list[ast.expr], state: State) -> list[_Run | End]:
        if len(words) not in (1, 2):
            raise Beyond("a range with steps")
        out: list[_Run | End] = []
        for one, to in self._split(ast.Tuple(words, ast.Load()), state):
            if isinstance(to, Raised) or any(v.kind not in NUMBERS for v in to.items):
                out.append(End("raise", one, to if isinstance(to, Raised) else Raised("TypeError")))
                continue
            numbers = [z3.IntVal(0)] * (2 - len(words)) + [number(v) for v in to.items]
            first, size = numbers[0], numbers[1] - numbers[0]
            fixed = known(size)
            if fixed is not None and fixed <= 64:
                out.append(_Run(one, [integer(first + n) for n in range(fixed)]))
            else:
                out += self._runs(one, [integer(first + n) for n in range(TURNS)], size)
        return out

    def _try(self, node: ast.Try, state: State) -> list[End]:
        if node.finalbody:
            raise Beyond("a statement that is not read (finally)")
        out: list[End] = []
        for end in self.block(node.body, state):
            if end.how == "on":
                out += self.block(node.orelse, end.state)
            elif end.how == "raise" and isinstance(end.to, Raised):
                handler = (
                    None if end.to == CUT else next((one for one in node.handlers if _caught(one, end.to.name)), None)
                )
                if handler is None:
                    out.append(end)
                elif handler.name:
                    raise Beyond("it looks into an exception")
                else:
                    out += self.block(handler.body, end.state)
            else:
                out.append(end)
        return out

    def _value(self, node: ast.expr, state: State) -> list[Branch]:
        """What an expression comes to."""
        if isinstance(node, ast.Constant):
            return just(lifted(node.value))
        if isinstance(node, ast.Name):
            return just(self._named(node.id, state))
        if isinstance(node, ast.UnaryOp):
            return then(self._value(node.operand, state), lambda v: operators.unary(node.op, v))
        if isinstance(node, ast.BinOp):
            return self._all([node.left, node.right], state, lambda v: operators.binary(node.op, v[0], v[1]))
        if isinstance(node, ast.BoolOp):
            return self._bool(node.values, isinstance(node.op, ast.And), state)
        if isinstance(node, ast.Compare):
            return self._compare(node.left, list(node.ops), node.comparators, state)
        if isinstance(node, ast.IfExp):
            return then(self._value(node.test, state), lambda v: self._either(truth(v), node.body, node.orelse, state))
        return self._compound(node, state)

    def _compound(self, node: ast.expr, state: State) -> list[Branch]:
        if isinstance(node, ast.Tuple | ast.List | ast.Set) and not any(isinstance(e, ast.Starred) for e in node.elts):
            kind = {ast.Tuple: Kind.TUPLE, ast.List: Kind.LIST, ast.Set: Kind.SET}[type(node)]
            return self._all(node.elts, state, lambda values: just(Value(kind, items=tuple(values))))
        if isinstance(node, ast.Dict):
            return just(self.program.constant(node))
        if isinstance(node, ast.Subscript):
            return self._subscript(node, state)
        if isinstance(node, ast.Call):
            return self._call(node, state)
        if isinstance(node, ast.JoinedStr):
            return self._joined(node, state)
        if isinstance(node, ast.ListComp):
            return self._comprehension(node, state)
        raise Beyond(f"an expression that is not read ({type(node).__name__})")

    def _named(self, name: str, state: State) -> Value:
        if name in state.names:
            return state.names[name]
        if name in self.program.constants and name not in self.own:
            return self.program.constant(self.program.constants[name])
        raise Beyond(f"the name {name}")

    def _all(self, nodes: Iterable[ast.expr], state: State, going: Any) -> list[Branch]:
        """All of several expressions, one after the other, and then `going` with their values."""
        listed = list(nodes)

        def rest(at: int, values: list[Value]) -> list[Branch]:
            if at == len(listed):
                return list(going(values))
            return then(self._value(listed[at], state), lambda v: rest(at + 1, [*values, v]))

        return rest(0, [])

    def _either(self, held: Any, one: ast.expr, other: ast.expr, state: State) -> list[Branch]:
        plain = known(held)
        if plain is not None:
            return self._value(one if plain else other, state)
        return _joined_by(held, self._value(one, state), self._value(other, state))

    def _bool(self, values: list[ast.expr], both: bool, state: State) -> list[Branch]:
        first, rest = values[0], values[1:]
        if not rest:
            return self._value(first, state)

        def going(value: Value) -> list[Branch]:
            held = truth(value)
            plain = known(held)
            if plain is not None:
                return self._bool(rest, both, state) if plain is both else just(value)
            following = self._bool(rest, both, state)
            return _joined_by(held, following, just(value)) if both else _joined_by(held, just(value), following)

        return then(self._value(first, state), going)

    def _compare(self, left: ast.expr, ops: list[ast.cmpop], sides: list[ast.expr], state: State) -> list[Branch]:
        def on(value: Value, at: int) -> list[Branch]:
            def with_right(right: Value) -> list[Branch]:
                held = operators.compared(ops[at], value, right)
                if at + 1 == len(ops):
                    return held
                return then(held, lambda v: _joined_by(truth(v), on(right, at + 1), just(FALSE)))

            return then(self._value(sides[at], state), with_right)

        return then(self._value(left, state), lambda v: on(v, 0))

    def _subscript(self, node: ast.Subscript, state: State) -> list[Branch]:
        if not isinstance(node.slice, ast.Slice):
            return self._all([node.value, node.slice], state, lambda v: operators.item(v[0], v[1]))
        if node.slice.step is not None:
            raise Beyond("a part with steps")
        ends = [end or ast.Constant(None) for end in (node.slice.lower, node.slice.upper)]
        return self._all([node.value, *ends], state, lambda v: operators.part(v[0], v[1], v[2]))

    def _joined(self, node: ast.JoinedStr, state: State) -> list[Branch]:
        parts = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                if part.format_spec is not None or part.conversion not in (-1, 115):
                    raise Beyond("text that is formatted")
                parts.append(part.value)
            else:
                parts.append(part)
        if not parts:
            return just(text(z3.StringVal("")))

        def going(values: list[Value]) -> list[Branch]:
            terms = [calls.shown(value) for value in values]
            return just(text(z3.Concat(*terms) if len(terms) > 1 else terms[0]))

        return self._all(parts, state, going)

    def _call(self, node: ast.Call, state: State) -> list[Branch]:
        if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            raise Beyond("a call with *")
        if isinstance(node.func, ast.Attribute):
            if node.keywords:
                raise Beyond(f"the method {node.func.attr} so called")
            name = node.func.attr
            return self._all([node.func.value, *node.args], state, lambda v: calls.method(v[0], name, v[1:]))
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if not name or name in state.names or name in self.own | self.program.imported | self.program.constants.keys():
            raise Beyond("a call of what is not known")
        if name in self.program.functions:
            words = [k.arg or "" for k in node.keywords]
            count = len(node.args)
            return self._all(
                [*node.args, *(k.value for k in node.keywords)], state,
                lambda v: self._inner(name, v[:count], dict(zip(words, v[count:], strict=True))),
            )  # fmt: skip
        if node.keywords:
            raise Beyond(f"{name}() so called")
        if name == "isinstance" and len(node.args) == 2:
            types = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
            names = [one.id if isinstance(one, ast.Name) else "" for one in types]
            return then(self._value(node.args[0], state), lambda v: just(calls.is_of(v, names)))
        if len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp) and name in calls.OVER:
            rows = self._comprehension(node.args[0], state)
            if any(isinstance(row.to, Raised) and row.to != CUT for row in rows):
                raise Beyond("an error in what may not be come to")  # any() and all() stop where they know
            return then(rows, lambda v: calls.builtin(name, [v]))
        return self._all(node.args, state, lambda v: calls.builtin(name, v))

    def _inner(self, name: str, given: list[Value], named: dict[str, Value]) -> list[Branch]:
        ends = self.program.called(name, given, named, self.deep)
        self.program.step(len(ends))
        return [Branch(end.state.where, CUT if end.how == "cut" else end.to) for end in ends]

    def _comprehension(self, node: ast.GeneratorExp | ast.ListComp, state: State) -> list[Branch]:
        if len(node.generators) != 1 or node.generators[0].ifs or node.generators[0].is_async:
            raise Beyond("a comprehension with conditions")
        over = node.generators[0]
        out: list[Branch] = []
        for run in self._over(over.iter, state):
            if isinstance(run, End):
                out.append(Branch(run.state.where[len(state.where) :], CUT if run.how == "cut" else run.to))
                continue
            rows: list[Branch] = [Branch(run.state.where[len(state.where) :], Value(Kind.LIST))]
            for value in run.values:
                names = dict(state.names)
                if self._bind(over.target, value, names):
                    raise Beyond("a comprehension over parts of other sizes")
                inner = State(run.state.where, names)
                rows = self._longer(rows, node.elt, inner)
                self.program.step(len(rows))
            out += rows
        return out

    def _longer(self, rows: list[Branch], node: ast.expr, state: State) -> list[Branch]:
        def with_one(row: Value) -> list[Branch]:
            return then(self._value(node, state), lambda v: just(Value(Kind.LIST, items=(*row.items, v))))

        return then(rows, with_one)


class _Run(NamedTuple):
    """The values that a loop goes through. `more`: it would go on."""

    state: State
    values: list[Value]
    more: bool = False


def _joined_by(held: Any, one: list[Branch], other: list[Branch]) -> list[Branch]:
    """Branches of a condition, in one term where both sides have the same kind and no branch of their own."""
    if len(one) == len(other) == 1 and not one[0].where and not other[0].where:
        mine, theirs = one[0].to, other[0].to
        if isinstance(mine, Value) and isinstance(theirs, Value) and mine.kind is theirs.kind and mine.term is not None:
            return just(Value(mine.kind, z3.If(held, mine.term, theirs.term)))
    return [
        *(Branch((held, *b.where), b.to) for b in one),
        *(Branch((z3.Not(held), *b.where), b.to) for b in other),
    ]


def _exception(name: str) -> type[BaseException] | None:
    found = getattr(builtins, name, None)
    return found if isinstance(found, type) and issubclass(found, BaseException) else None


def _caught(handler: ast.ExceptHandler, name: str) -> bool:
    raised = _exception(name)
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    for one in types:
        caught = _exception(one.id) if isinstance(one, ast.Name) else None
        if caught is None or raised is None:
            raise Beyond("what it catches is not known")
        if issubclass(raised, caught):
            return True
    return False
