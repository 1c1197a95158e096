"""Files and addresses in PowerShell: the cmdlets that read, write, remove, copy and fetch."""

from __future__ import annotations

import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.powershell.cmdlets import Bound
from interlock.effects.catalogue.readers.windows import placed
from interlock.effects.invocation import Word, word
from interlock.effects.places import file_resource
from interlock.effects.powershell import Call, Value, Walker
from interlock.effects.powershell.walk import NOTHING, UNKNOWN, joined
from interlock.effects.secret_names import secret_name
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Environment, Kind, Reversibility, Verb

_PATHS = ("path", "literalpath", "filepath")
_PROVIDER = re.compile(
    r"(?:[\w.]+\\)?(env|hklm|hkcu|hkcr|hku|hkcc|registry|cert|wsman|variable|function|alias|ad|iis|az):", re.IGNORECASE
)
_REGISTRY = frozenset({"hklm", "hkcu", "hkcr", "hku", "hkcc", "registry"})
_OWN = frozenset({"variable", "alias"})  # of this process: gone when it ends


class Files:
    """The part of the host that knows where things are."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.cwd = draft.inv.cwd
        self.assigned: list[tuple[str, Word]] = []

    def place(self, value: Word) -> Word:
        """The word as an absolute path."""
        return placed(self.draft, value, self.cwd)

    def write(self, target: Value, value: Value) -> None:
        """`> file`."""
        if (target.text or "").lower() not in ("$null", "nul", "null") and target.source.lower() != "$null":
            self.draft.file(Verb.WRITE, self.place(target.word()), taint=value.taint)

    def loads(self, value: Word) -> None:
        """Code of a file loads: the project's own, or a stranger's."""
        where = self.place(value)
        if where.text is not None and self.draft.ours(where.text):
            self.draft.project(where.text)
        else:
            shown = where.text or where.source
            self.draft.add(Verb.EXECUTE, Kind.CODE, shown, labels=(L.UNREAD,), env=Environment.MACHINE,
                           undo=Reversibility.IRREVERSIBLE)  # fmt: skip

    # -- paths that are no files

    def provider(self, verb: Verb, value: Word) -> bool:
        """`env:`, `HKLM:` and kin; True when this was one of them and its effect is written down."""
        text = value.text if value.text is not None else value.prefix
        found = _PROVIDER.match(text or "")
        if found is None:
            return False
        what, rest = found.group(1).lower(), (text or "")[found.end() :].strip(":\\/")
        if what == "env":
            self._environment(verb, rest)
        elif what in _REGISTRY and verb is not Verb.READ:
            self.draft.add(verb if verb is Verb.DELETE else Verb.CONFIGURE, Kind.SYSTEM, f"registry:{text}",
                           undo=Reversibility.IRREVERSIBLE if verb is Verb.DELETE else None)  # fmt: skip
        elif what in _REGISTRY and re.search(r"\b(?:sam|security)\b", text or "", re.I):
            self.draft.add(Verb.READ, Kind.SECRET, f"registry:{text}", labels=(L.SECRET,), env=Environment.MACHINE)
        elif what == "function" and verb is not Verb.READ:
            self.draft.opaque("a function is made from a value")
        elif what not in _OWN and verb is not Verb.READ:
            done = verb if verb is Verb.DELETE else Verb.GRANT
            self.draft.add(done, Kind.SYSTEM, text or "?", env=Environment.MACHINE)
        return True

    def _environment(self, verb: Verb, name: str) -> None:
        if verb is not Verb.READ:
            return
        if not name or any(char in name for char in "*?"):
            self.draft.add(Verb.READ, Kind.SYSTEM, "environment variables")
            self.draft.flow.add(L.FROM_ENVIRONMENT)
        elif secret_name(name):
            self.draft.add(Verb.READ, Kind.SECRET, f"${name}", labels=(L.SECRET,))
            self.draft.flow.add(L.FROM_SECRET)

    def _paths(self, bound: Bound) -> list[Word]:
        return [value.word() for value in bound.each(*_PATHS)]

    # -- cmdlets by role

    def _read(self, name: str, bound: Bound, call: Call, _walker: Walker) -> Value:
        before = set(self.draft.flow)
        self.draft.flow.clear()
        paths = self._paths(bound)
        if not paths and call.piped is not None and name != "select-string":
            paths = list(call.piped.things)
        if name == "get-item" or not paths:
            return self._named(paths or [value.word() for value in bound.loose], call)
        for value in paths:
            if not self.provider(Verb.READ, value):
                self.draft.file(Verb.READ, self.place(value))
        taint = frozenset(self.draft.flow | (call.piped.taint if call.piped is not None else set()))
        self.draft.flow |= before
        return Value(taint=taint, source=call.name)

    def _named(self, paths: list[Word], call: Call) -> Value:
        """Only names are looked at; they may come down the pipeline to something that acts."""
        for value in paths:
            if not self.provider(Verb.READ, value):
                self.draft.listing(self.place(value))
        flowing = call.piped.taint if call.piped is not None else frozenset()
        things = tuple(paths) or (call.piped.things if call.piped is not None else ())
        taint = flowing | frozenset(self.draft.flow & {L.FROM_ENVIRONMENT, L.FROM_SECRET})
        return Value(taint=taint, source=call.name, things=things)

    def _list(self, name: str, bound: Bound, call: Call, _walker: Walker) -> Value:
        if name == "join-path":
            parts = [value for value in (bound.get("path"), bound.get("childpath"), *bound.loose) if value is not None]
            return joined([piece for part in parts for piece in (part, Value(text="/"))][:-1]) if parts else UNKNOWN
        if name == "split-path":
            return UNKNOWN
        paths = self._paths(bound)
        chosen = bool(bound.get("filter", "include", "exclude")) or bool(bound.switches & {"file", "directory"})
        if name == "get-childitem" and not paths:
            paths = [word(".")]
        found = self._named(paths, call)
        return Value(taint=found.taint, source=call.name, things=tuple(self._listed(paths, bound)), chosen=chosen)

    def _listed(self, paths: list[Word], bound: Bound) -> list[Word]:
        """What a listing sends on: the directory, or with a filter the names that fit."""
        things: list[Word] = []
        patterns = [value.text for value in bound.each("filter", "include")]
        between = "*/" if "recurse" in bound.switches else ""
        for value in paths:
            if _PROVIDER.match(value.text or value.prefix):
                things.append(value)
                continue
            where = self.place(value)
            if not patterns or where.text is None or not all(patterns):
                things.append(where)
                continue
            for pattern in patterns:
                text = f"{where.text.rstrip('/')}/{between}{pattern}"
                things.append(Word(text=text, source=where.source, prefix=text, many=True, glob=True))
        return things

    def _write(self, name: str, bound: Bound, call: Call, _walker: Walker) -> Value:
        if "whatif" in bound.switches:
            return NOTHING
        content = bound.get("value", "inputobject") or call.piped
        taint = content.taint if content is not None else frozenset()
        for given in bound.each("source"):
            self.draft.file(Verb.READ, self.place(given.word()))
        paths = self._paths(bound) + [value.word() for value in bound.each("destinationpath")]
        if name in ("expand-archive", "compress-archive"):
            for value in paths:
                where = self.place(value)
                expands = name == "expand-archive"
                self.draft.file(Verb.WRITE, where, directory=expands or None, taint=taint | {L.FROM_FILE})
            return NOTHING
        for value in paths:
            if not self.provider(Verb.WRITE, value):
                self.draft.file(Verb.WRITE, self.place(value), taint=taint)
        if not paths and name not in ("new-temporaryfile", "start-transcript", "tee-object"):
            self.draft.opaque(f"what {call.name} writes to is not known")
        return call.piped if name == "tee-object" and call.piped is not None else NOTHING

    def _delete(self, _name: str, bound: Bound, call: Call, _walker: Walker) -> Value:
        if "whatif" in bound.switches:
            return NOTHING
        deep = "recurse" in bound.switches
        paths = self._paths(bound)
        some = bool(bound.get("include", "exclude", "filter"))
        for value in paths:
            if not self.provider(Verb.DELETE, value):
                self._remove(self.place(value), deep=deep and not some)
        if not paths and call.piped is not None:
            for value in call.piped.things:
                if not self.provider(Verb.DELETE, value):
                    self._below(self.place(value), chosen=call.piped.chosen or some, source=call.piped.source)
            if not call.piped.things:
                shown = call.piped.source or "(piped)"
                self.draft.file(Verb.DELETE, Word(text=None, source=shown, many=True), everything=True)
        elif not paths:
            self.draft.opaque(f"what {call.name} removes is not known")
        return NOTHING

    def _remove(self, where: Word, *, deep: bool) -> None:
        """A drive, a profile or Windows itself is a whole that nobody rebuilds."""
        self.draft.file(Verb.DELETE, where, directory=True if deep else None, everything=deep)

    def _below(self, where: Word, *, chosen: bool, source: str) -> None:
        """What a listing of `where` sent down the pipeline is removed."""
        whole = not chosen and where.text is not None and not where.glob and source.lower() != "get-item"
        if whole:
            inside = (where.text or "").rstrip("/") + "/*"
            where = Word(text=inside, source=where.source, prefix=inside, taint=where.taint, many=True, glob=True)
        self.draft.file(Verb.DELETE, where, everything=not chosen)

    def _make(self, _name: str, bound: Bound, call: Call, _walker: Walker) -> Value:
        kind = bound.get("itemtype")
        what = (kind.text or "" if kind is not None else "").lower()
        name = bound.get("name")
        target = bound.get("target", "value")
        for value in self._paths(bound) or [name.word() for name in [name] if name is not None]:
            if "whatif" in bound.switches or self.provider(Verb.WRITE, value):
                continue
            directory = what.startswith("dir") or call.name.lower() in ("md", "mkdir")
            where = self.place(value)
            self.draft.file(Verb.CREATE, where, directory=True if directory else None,
                            taint=target.taint if target is not None else ())  # fmt: skip
            if "link" in what or what == "junction":
                self.draft.opaque("a link is made, and what it leads to is not followed", call.name)
        return NOTHING

    def _copy(self, _name: str, bound: Bound, call: Call, _walker: Walker) -> Value:
        self._transfer(bound, call, removes=False)
        return NOTHING

    def _move(self, _name: str, bound: Bound, call: Call, _walker: Walker) -> Value:
        self._transfer(bound, call, removes=True)
        return NOTHING

    def _transfer(self, bound: Bound, call: Call, *, removes: bool) -> None:
        if "whatif" in bound.switches:
            return
        if "session" in bound.named or "tosession" in bound.named:
            self.draft.host(Verb.SEND, "PSSession", taint=(L.FROM_FILE,))
        sources = self._paths(bound) or (list(call.piped.things) if call.piped is not None else [])
        taint: set[str] = set()
        for value in sources:
            if self.provider(Verb.DELETE if removes else Verb.READ, value):
                continue
            where = self.place(value)
            resource = self.draft.file(Verb.READ, where)
            taint.add(L.FROM_SECRET if L.SECRET in resource.labels else L.FROM_FILE)
            if removes:
                self.draft.file(Verb.DELETE, where, undo=Reversibility.RECOVERABLE if self._safe(where) else None)
        target = bound.get("destination", "newname")
        if target is not None and not self.provider(Verb.WRITE, target.word()):
            self.draft.file(Verb.WRITE, self.place(target.word()), taint=taint)

    def _safe(self, where: Word) -> bool:
        if where.text is None:
            return False
        resource = file_resource(where.text, self.draft.setting, self.draft.world, cwd=self.cwd)
        return L.WORKSPACE in resource.labels and L.ROOT not in resource.labels

    def _directory(self, _name: str, bound: Bound, _call: Call, _walker: Walker) -> Value:
        paths = self._paths(bound)
        if paths:
            self.cwd = self.place(paths[0]).text
        return NOTHING

    # -- addresses

    def _fetch(self, _name: str, bound: Bound, call: Call, _walker: Walker) -> Value:
        """Web requests are read as curl would read them: one set of rules for both."""
        address = bound.get("uri", "source")
        if address is None:
            self.draft.opaque(f"where {call.name} goes is not known")
            return UNKNOWN
        words = [word("curl"), address.word()]
        method, body, given = bound.get("method", "custommethod"), bound.get("body"), bound.get("infile")
        if method is not None:
            words += [word("-X"), Word(text=method.text and method.text.upper(), source=method.source)]
        form = bound.get("form")
        for value in (body or (call.piped if method is not None else None), form):
            if value is not None:
                text = value.word()
                words += [word("--data-raw"), text if text.text is not None else Word(
                    text=None, source=text.source, taint=text.taint or (L.FROM_UNKNOWN,))]  # fmt: skip
        if given is not None:
            where = self.place(given.word())
            words += [word("-T"), where]
        for value in bound.each("headers"):
            words += [word("-H"), value.word()]
        target = bound.get("outfile", "destination")
        if target is not None:
            words += [word("-o"), self.place(target.word())]
        self.draft.argv(words, cwd=self.cwd)
        return Value(taint=frozenset({L.FROM_NETWORK}), source=call.name)
