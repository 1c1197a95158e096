"""Examples are a family's tests: a command, and what must or must not be said of it.

    "rm -rf build"      = "delete file /w/build, all"
    "rm --version"      = "nothing"
    "sudo ls"           = "inner ls"
    "psql -c 'SELECT'"  = ["read table", "never delete"]

An expectation is VERB [KIND [NAME glob]] and clauses: a breadth, a reversibility, an environment, or labels; `never`
turns it round; `nothing` says that there is no effect; `inner TEXT` that a command begins so; `taint X` is what flows
out; `output TEXT` is the exact output; `harmless` allows only reads of files that hold no secret, and project code.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from fnmatch import fnmatchcase

from interlock.effects.catalogue.catalogue import Catalogue
from interlock.effects.catalogue.family import Family
from interlock.effects.invocation import InnerArgv, Interpretation, Invocation, Stdin, Word, word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Breadth, Effect, Environment, Kind, Reversibility, Verb
from interlock.model.errors import CatalogueError
from interlock.model.labels import RESOURCE_LABELS, TAINTS
from interlock.model.world import Nowhere, Setting

HOME, WORKSPACE = "/home/dev", "/home/dev/app"
SETTING = Setting(cwd=WORKSPACE, home=HOME, user="dev", workspace=WORKSPACE)


_TOKEN = re.compile(r"""<<<|<|(?:[^\s'"<]|'[^']*'|"[^"]*")+""")


class Files(Nowhere):
    """A world that holds the files of a family's `[files]` table (paths relative to the workspace)."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = {posixpath.normpath(posixpath.join(WORKSPACE, name)): text for name, text in files.items()}

    def kind(self, path: str) -> str | None:
        if path in self.files:
            return "file"
        return "directory" if any(name.startswith(path.rstrip("/") + "/") for name in self.files) else None

    def text(self, path: str, limit: int = 262_144) -> str | None:
        text = self.files.get(path)
        return text if text is None or len(text) <= limit else None

    def names(self, directory: str, limit: int = 4_096) -> tuple[str, ...] | None:
        start = directory.rstrip("/") + "/"
        found = {name[len(start) :].split("/")[0] for name in self.files if name.startswith(start)}
        return tuple(sorted(found))[:limit] if found else None

    def branch(self, directory: str) -> str | None:  # noqa: ARG002 - one repository in this world
        text = self.files.get(posixpath.join(WORKSPACE, ".git/HEAD"), "")
        return text.removeprefix("ref: refs/heads/").strip() or None if text.startswith("ref:") else None


def invocation(command: str) -> Invocation:
    """An example's command as a shell would hand it over: words, `VAR=value` before it, `< file` and `<<< text` after.

    `$NAME` unquoted stands for a word that is not known; unquoted `*` is a glob.
    """
    raw = _TOKEN.findall(command)
    words: list[Word] = []
    assignments: list[tuple[str, Word]] = []
    stdin = Stdin()
    pieces = iter(raw)
    for piece in pieces:
        if piece in ("<", "<<<"):
            made = _word(next(pieces, ""))
            stdin = (
                Stdin(present=True, path=made, taint=(L.FROM_FILE,))
                if piece == "<"
                else Stdin(present=True, text=made.text)
            )
            continue
        made = _word(piece)
        name, equals, _ = piece.partition("=")
        if not words and equals and name.isidentifier():
            assignments.append((name, _word(piece[len(name) + 1 :])))
        else:
            words.append(made)
    return Invocation(tuple(words), WORKSPACE, tuple(assignments), stdin=stdin)


def _word(piece: str) -> Word:
    quoted = piece[:1] == "'"
    if not quoted and "$" in piece:
        plain = piece.strip('"')
        return Word(text=None, source=piece, prefix=plain[: plain.index("$")], many=piece[:1] != '"')
    try:
        text = "".join(shlex.split(piece)) if piece else ""
    except ValueError:
        text = piece
    if any(c in piece for c in "*?") and "'" not in piece and '"' not in piece:
        return Word(text=text, source=piece, prefix=text, glob=True, many=True)
    return word(text) if piece not in ("''", '""') else word("")


def check(catalogue: Catalogue, family: Family) -> Iterator[str]:
    """Complaints about a family's own examples: one sentence for each expectation that does not hold."""
    for run, wanted in family.examples.items():
        got = catalogue.interpret(invocation(run), SETTING, Files(family.files))
        if any(" failed (" in note for effect in got.effects for note in effect.notes):
            yield f"{family.name}: example {run!r}: {got.effects[0].notes[0]}"
        for line in wanted:
            complaint = judge(line, got)
            if complaint:
                yield f"{family.name}: example {run!r}: {complaint}"


def judge(expectation: str, got: Interpretation) -> str:
    """Why the expectation does not hold, or ""."""
    said = "; ".join(describe(e) for e in got.effects) or "no effect"
    said += "".join(f"; inner {i!r}" for i in map(_inner, got.inner))
    head, *clauses = [c.strip() for c in expectation.split(", ")]
    verb, _, rest = head.partition(" ")
    if verb == "nothing":
        return f"must have no effect, has: {said}" if got.effects or got.inner else ""
    if verb == "harmless":
        bad = [describe(e) for e in got.effects if not harmless(e)]
        return f"must be harmless, but: {'; '.join(bad)}" if bad else ""
    if verb == "inner":
        return "" if any(_inner(i).startswith(rest) for i in got.inner) else f"must run {rest!r} inside: {said}"
    if verb == "output":
        return (
            "" if got.output is not None and got.output.rstrip("\n") == rest else f"must print {rest!r}: {got.output!r}"
        )
    if verb == "taint":
        flows = set(got.output_taint)
        wanted = set() if rest == "none" else set(rest.split())
        return "" if (wanted <= flows and (wanted or not flows)) else f"must let {rest} flow out: {sorted(flows)}"
    never = verb == "never"
    if never:
        verb, _, rest = rest.partition(" ")
    kind, _, name = rest.partition(" ")
    hits = [e for e in got.effects if _matches(e, verb, kind, name, clauses)]
    if never:
        return f"must not have {head}: {said}" if hits else ""
    return "" if hits else f"must have {expectation!r}: {said}"


def harmless(effect: Effect) -> bool:
    """A read of something that is no secret, or the project's own code."""
    marks = effect.resource.labels
    if effect.verb is Verb.EXECUTE:
        return L.PROJECT in marks
    if effect.resource.kind is Kind.GIT_REPOSITORY:
        return effect.verb is Verb.WRITE
    return effect.verb is Verb.READ and effect.resource.kind is not Kind.SECRET and L.SECRET not in marks


def _inner(inner: object) -> str:
    if isinstance(inner, InnerArgv):
        return " ".join(w.text if w.text is not None else "?" for w in inner.words)
    return str(getattr(inner, "text", ""))


def _matches(effect: Effect, verb: str, kind: str, name: str, clauses: list[str]) -> bool:
    if effect.verb.value != verb or (kind and effect.resource.kind.value != kind):
        return False
    if name:
        names = {effect.resource.name}
        if effect.resource.name.startswith(WORKSPACE + "/"):
            names.add(effect.resource.name[len(WORKSPACE) + 1 :])
        if not any(fnmatchcase(n, name) for n in names):
            return False
    return all(_clause(effect, term) for clause in clauses for term in clause.split())


def _clause(effect: Effect, term: str) -> bool:
    wanted = not term.startswith("!")
    term = term.removeprefix("!")
    if term.startswith("taint:"):
        known, holds = term[6:] in TAINTS, term[6:] in effect.taint
    elif term in set(Breadth):
        known, holds = True, effect.scale.breadth.value == term
    elif term in set(Reversibility):
        known, holds = True, effect.reversibility.value == term
    elif term.startswith("env:"):
        known, holds = term[4:] in set(Environment), effect.environment.value == term[4:]
    else:
        known, holds = term in RESOURCE_LABELS, term in effect.resource.labels
    if not known:
        raise CatalogueError(f"expectation {term!r}: no breadth, reversibility, env:, taint: or label")
    return holds is wanted


def describe(effect: Effect) -> str:
    """One effect in one line."""
    marks = f" [{' '.join(effect.resource.labels)}]" if effect.resource.labels else ""
    taint = f" carrying {' '.join(effect.taint)}" if effect.taint else ""
    return (
        f"{effect.verb.value} {effect.resource.kind.value} {effect.resource.name}{marks} "
        f"({effect.environment.value}, {effect.scale.breadth.value}, {effect.reversibility.value}){taint}"
    )
