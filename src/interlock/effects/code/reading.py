"""From a text to its effects: every call in it is looked up on the language's sheet.

In `strict` text (inline, or a file outside of the workspace) whatever cannot be decided is opaque; for a script of the
workspace only what is certain is added, because project code may run anyway.
"""

from __future__ import annotations

from typing import Any

from interlock.effects.budget import Budget, Exhausted
from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.service_clients import acts_on_service
from interlock.effects.catalogue.words import word_list
from interlock.effects.code.actions import Actions
from interlock.effects.code.folding import Scope
from interlock.effects.code.sheet import Sheet, sheet
from interlock.effects.code.terms import Shape, Term
from interlock.effects.code.trees import Unreadable
from interlock.effects.secret_names import secret_name
from interlock.effects.services import acts, of_a_service, reveals
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Kind, Verb

_LANGUAGES = {
    "javascript": ("javascript", "JavaScript", "javascript", ""),
    "typescript": ("javascript", "TypeScript", "javascript", "typescript"),
    "tsx": ("javascript", "TypeScript", "javascript", "tsx"),
    "ruby": ("ruby", "Ruby", "ruby", ""),
    "perl": ("perl", "Perl", "perl", ""),
    "php": ("php", "Php", "php", ""),
    "phpfile": ("php", "Php", "php", "phpfile"),
    "go": ("golang", "Go", "go", ""),
}
_QUIET: tuple[str, tuple[str, ...]] = ("quiet", ())
_HARMLESS = frozenset({"quiet", "load", "use", "variable", "names"})  # actions that may be handed on
_MOST_NESTED = 4  # texts in texts in texts: eval("eval('…')")
_GRAVE = tuple(word_list("dangerous-beginnings"))
_FEW_WORDS = 4_000  # an ordinary script of four hundred lines; the grammars of Ruby and Perl are slow
_MOST_WORDS = {"javascript": 6_000, "php": 6_000, "go": 6_000}


def languages() -> frozenset[str]:
    """The languages that are read."""
    return frozenset(_LANGUAGES)


def read_code(draft: Draft, language: str, text: str, *, strict: bool) -> bool:
    """Add the effects of a text; False when it could not be read to its end. Never raises.

    Of strict text nothing is then added: it is opaque as a whole. Of project code what was certain stays.
    """
    before = len(draft.effects), len(draft.inner)
    acting = acts_on_service(text) if strict else ""
    if acting:
        draft.opaque("acts on a service elsewhere", acting)
    if Code(draft, language, strict=strict).read(text):
        return True
    if strict:
        del draft.effects[before[0] :]
        del draft.inner[before[1] :]
    return False


class Code:
    """One text, walked once."""

    def __init__(self, draft: Draft, language: str, *, strict: bool, outer: Code | None = None) -> None:
        self.draft = draft
        self.language = language
        self.strict = strict
        self.nested: int = outer.nested + 1 if outer else 0
        self.sheet: Sheet = sheet(_LANGUAGES[language][2])
        self.budget: Budget = outer.budget if outer else Budget(_MOST_WORDS.get(_LANGUAGES[language][2], _FEW_WORDS))
        self.scope = Scope(draft, self.sheet, self.budget)
        self.foreign: set[str] = set()
        self.unclear: set[str] = set()
        self.actions = Actions(self)

    def read(self, text: str) -> bool:
        """Whether the text could be read at all."""
        try:
            self.budget.parse(text)
            root, errors = self._lowered(text)
        except (Exhausted, Unreadable, RecursionError, ImportError):
            return False
        if errors and self.strict:
            self.unsure(f"the {self.language} text is not quite {self.language}")
        try:
            self.scope.learn(root)
            self._walk(root)
            self.actions.finish()
        except (Exhausted, RecursionError):
            return False
        if self.foreign and self.strict and not self.nested:
            packages = ", ".join(sorted(self.foreign))[:200]
            self.draft.project(f"{self.draft.command} with {packages}", note="loads packages that are not read")
        return True

    def _lowered(self, text: str) -> tuple[Term, bool]:
        import importlib

        module, kind, _, grammar = _LANGUAGES[self.language]
        lowering = getattr(importlib.import_module(f"interlock.effects.code.{module}"), kind)()
        root: Term = lowering.read(text, grammar)
        return root, lowering.errors

    def again(self, text: str) -> bool:
        """Text of the same language that this text runs."""
        if self.nested >= _MOST_NESTED:
            return False
        inner = Code(self.draft, self.language, strict=self.strict, outer=self)
        inner.scope.aliases = dict(self.scope.aliases)
        inner.scope.values = dict(self.scope.values)
        return inner.read(text)

    # -- the walk

    def _walk(self, root: Term) -> None:
        """Calls are read; a dangerous name that is no call is handed on to be called elsewhere."""
        spared = self._spared(root)
        for term in root.walk():
            if term.shape is Shape.CALL:
                self.call(term)
                self.budget.run(len(self.draft.inner))
                if id(term) not in spared and self.scope.name(term) in self.sheet.reach:
                    self.unsure(f"hands {self.scope.name(term)} on, to be used elsewhere")
            elif term.shape in (Shape.NAME, Shape.MEMBER):
                self._mention(term, spared)

    def _spared(self, root: Term) -> set[int]:
        """Terms whose mention means nothing: what is called, what is renamed, and the base of a member."""
        out: set[int] = set()
        for term in root.walk():
            if term.shape in (Shape.CALL, Shape.MEMBER):
                out.add(id(term.parts[0]))
                if term.text == "import":
                    out.add(id(term))
                if term.shape is Shape.CALL and self.scope.name(term.parts[0]) in self.sheet.same:
                    out.update(id(part) for part in term.parts[1:])
            elif term.shape is Shape.BIND:
                target, value = term.parts
                out.update(id(part) for part in target.walk())
                single = target.shape is Shape.NAME and self.scope.bound.get(target.text) == 1
                if single or target.shape is Shape.PATTERN:
                    out.add(id(value))
            elif term.shape is Shape.PAIR and term.parts[0].text == "env":
                out.update(id(part) for part in term.parts[1].walk())
        return out

    def _mention(self, term: Term, spared: set[int]) -> None:
        name = self.scope.name(term)
        if term.shape is Shape.MEMBER:
            self._member(term, name)
        if id(term) in spared:
            return
        if name in self.sheet.environment:
            self.environment()
        elif (
            name in self.sheet.danger
            or name in self.sheet.reach
            or self.sheet.calls.get(name, _QUIET)[0] not in _HARMLESS
        ):
            self.unsure(f"hands {name} on, to be called elsewhere")

    def _member(self, term: Term, name: str) -> None:
        base, key = term.parts
        if self.scope.name(base) in self.sheet.environment:
            self.variable(self.scope.value(key))
        elif key.text in self.sheet.innards and key.shape is Shape.TEXT:
            self.unsure(f"reaches into the language itself by {key.text}")
        elif not name and self.sheet.within(self.scope.name(base), self.sheet.reach):
            self.unsure(f"reaches a member of {self.scope.name(base)} by a name that is not known")

    def variable(self, key: Any) -> None:
        """One variable of the environment, or the whole when nobody knows which."""
        if not isinstance(key, str):
            self.environment()
        elif secret_name(key):
            self.draft.flow.add(L.FROM_SECRET)

    def environment(self) -> None:
        """The whole environment is taken."""
        if self.strict and L.FROM_ENVIRONMENT not in self.draft.flow:
            self.draft.add(Verb.READ, Kind.SYSTEM, "environment variables")
        self.draft.flow.add(L.FROM_ENVIRONMENT)

    # -- calls

    def call(self, term: Term) -> None:
        """One call."""
        function = term.parts[0]
        name = self.scope.name(function)
        if term.text == "variable":
            held = self.scope.value(function)
            if isinstance(held, str):
                name = self.sheet.canonical(held.lower() if self.sheet is sheet("php") else held)
            elif name not in self.sheet.calls and not self._own(function):
                self.unsure("calls what a variable names")
                return
        action = self.sheet.calls.get(name)
        if action is not None:
            self.actions.do(action, term, name)
        elif function.shape is Shape.MEMBER and self.scope.name(function.parts[0]) in self.sheet.environment:
            self.environment()
        elif name and self.sheet.within(name, self.sheet.quiet):
            return
        elif name and "()" not in name and self.sheet.within(name, self.sheet.reach):
            self.unsure(f"calls {name}, which is not read")
        elif function.shape is Shape.MEMBER:
            self._method(term, name)

    def _own(self, function: Term) -> bool:
        """Whether a function of this very text is called."""
        if function.shape is Shape.NAME:
            return function.text in self.scope.functions
        return function.shape is Shape.FUNCTION

    def _method(self, term: Term, name: str) -> None:
        base, key = term.parts[0].parts
        method = self.scope.value(key)
        if not isinstance(method, str):
            if not isinstance(method, int):
                self.unsure("calls a method by a name that is not known")
            return
        action = self.sheet.methods.get(method)
        if self.strict and self._of_a_service(name, method):
            return
        if action is not None:
            self.actions.do(action, term, name or method)
        elif self.foreign:
            self._foreign(name, method, base)

    def _of_a_service(self, name: str, method: str) -> bool:
        """A method of a package that speaks to a service, when its name says that something changes there."""
        top = name.replace("()", "").replace(".", "::")
        theirs = of_a_service(top) or any(name == f or name.startswith((f + ".", f + "()")) for f in self.foreign)
        if not of_a_service(top) and not any(of_a_service(package) for package in self.foreign):
            return False
        if reveals(method):
            self.draft.add(Verb.READ, Kind.SECRET, f"what {method}() hands out", labels=(L.SECRET,))
        elif acts(method, theirs=theirs) or method.lower().startswith(_GRAVE):
            self.unsure(f"{method}() of a service changes something there")
        else:
            return False
        return True

    def _foreign(self, name: str, method: str, base: Term) -> None:
        """A call into a package nobody read: harmless names are project code, others are not decided here."""
        top = name.split(".", maxsplit=1)[0].replace("()", "")
        theirs = any(name == f or name.startswith((f + ".", f + "()")) for f in self.foreign)
        grave = method in ("del", "rm") or method.lower().startswith(_GRAVE)
        if method == "send" and base.text in ("res", "response", "reply"):
            return  # the answer of a server of one's own
        if grave and (theirs or not top) and base.shape is not Shape.LIST:
            self.unsure(f"calls {name or method}() of a package that is not read")

    def unsure(self, why: str) -> None:
        """Strict text that cannot be decided is opaque; a script of the project is judged as project code."""
        if self.strict and why not in self.unclear:
            self.unclear.add(why)
            self.draft.opaque(why)
