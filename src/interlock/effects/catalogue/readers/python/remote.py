"""Calls of a Python text that act through a package: the client of a cloud, a chat, a camera, a way to run programs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers.python.stores import Store
from interlock.effects.catalogue.readers.python.values import Prefixed, word_of
from interlock.effects.places import file_resource
from interlock.effects.services import acts, of_a_service, reaches_out, reveals, runs_text
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Kind, Verb

if TYPE_CHECKING:
    from interlock.effects.catalogue.readers.python.calls import Code

_AWAY = re.compile(r"(?:s3a?|gs|gcs|az|abfss?|adl|wasbs?|hdfs|ftp|sftp|ssh|https?)://")
_ROUNDS = 3  # `c = boto3.client(...)`, `b = c.bucket(...)`, `o = b.object(...)`


class Remote:
    """What one text does through such packages."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.handles: set[str] = set()  # names that stand for something of a service
        self.serves = False

    def learn(self, nodes: list[ast.AST]) -> None:
        """Which names of the text a service stands behind."""
        self.handles = {name for name, dotted in self.code.aliases.items() if of_a_service(dotted)}
        self.serves = bool(self.handles)
        for _ in range(_ROUNDS if self.serves else 0):
            for node in nodes:
                self.handles.update(name for target, value in _bindings(node) if self._theirs(value) for name in target)

    def _theirs(self, node: ast.expr) -> bool:
        inner: ast.expr = node
        while isinstance(inner, (ast.Attribute, ast.Call, ast.Subscript, ast.Await)):
            inner = inner.func if isinstance(inner, ast.Call) else inner.value
        return isinstance(inner, ast.Name) and inner.id in self.handles

    def call(self, called: str, method: str, node: ast.Call) -> bool:
        """Whether this call is said to do something, and so is judged."""
        code = self.code
        if called.startswith("sh.") and "sh" in code.foreign and called.count(".") == 1:
            code.draft.argv([known(called[3:].replace("_", "-")), *(word_of(code.value(a), a) for a in node.args)])
        elif "git" in code.foreign and _of_git(node.func):
            code.draft.argv(
                [known("git"), known(method.replace("_", "-")), *(word_of(code.value(a), a) for a in node.args)]
            )
        elif runs_text(called):
            first = code.value(node.args[0]) if node.args else None
            code.draft.shell(first) if isinstance(first, str) else code.unsure(f"{called}() runs what is not constant")
        elif reaches_out(called):
            code.unsure(f"{called}() reaches out of the text")
        elif called in ("os.chdir", "contextlib.chdir", "os.fchdir"):
            self._moved(node)
        elif method == "to_sql" and code.store is Store.UNKNOWN:
            code.unsure("writes a table of a database that is not known")
        elif method.startswith(("to_", "write_", "save")) and self._away(node):
            code.unsure(f"{method}() writes to a store outside of this machine")
        elif self.serves and reveals(method):
            code.draft.add(Verb.READ, Kind.SECRET, f"what {method}() hands out", labels=(L.SECRET,))
        elif self.serves and acts(method, theirs=self._theirs(node.func)):
            code.unsure(f"{method}() of a service changes something there")
        else:
            return False
        return True

    def _away(self, node: ast.Call) -> bool:
        """`df.to_csv("s3://bucket/x.csv")`."""
        value = self.code.value(node.args[0]) if node.args else None
        return isinstance(value, str) and _AWAY.match(value) is not None

    def member(self, name: str) -> None:
        """A member that holds a credential."""
        if self.serves and reveals(name):
            self.code.draft.add(Verb.READ, Kind.SECRET, f"what .{name} holds", labels=(L.SECRET,))

    def _moved(self, node: ast.Call) -> None:
        """The names after it are of another folder: of one in the project or in scratch it makes no difference."""
        value = self.code.value(node.args[0]) if node.args else None
        path = value if isinstance(value, str) else value.prefix if isinstance(value, Prefixed) else ""
        found = file_resource(path, self.code.draft.setting, self.code.draft.world, cwd=self.code.draft.inv.cwd)
        if not path or not {L.WORKSPACE, L.SCRATCH} & set(found.labels):
            self.code.unsure("goes to a folder outside of the project, where its names mean other files")


def _of_git(function: ast.expr) -> bool:
    """`repo.git.push(...)`: GitPython hands any name on to git."""
    inner = function.value if isinstance(function, ast.Attribute) else None
    return isinstance(inner, ast.Attribute) and inner.attr == "git"


def _bindings(node: ast.AST) -> Iterable[tuple[list[str], ast.expr]]:
    if isinstance(node, ast.Assign):
        yield [n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)], node.value
    elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        yield [n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)], node.iter
    elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
        yield [node.optional_vars.id], node.context_expr
    elif isinstance(node, ast.NamedExpr):
        yield [node.target.id], node.value
