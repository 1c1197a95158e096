"""Members of .NET types as PowerShell calls them: files, downloads, processes; what only computes is quiet."""

from __future__ import annotations

from abc import ABC, abstractmethod

from interlock.effects.catalogue.readers.powershell.cmdlets import Bound, cmdlets, quiet_type
from interlock.effects.catalogue.readers.powershell.files import Files
from interlock.effects.invocation import Word, word
from interlock.effects.powershell import Call, Value, Walker
from interlock.effects.powershell.walk import UNKNOWN
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Kind, Verb

_WEB = frozenset({"net.webclient", "system.net.webclient", "net.http.httpclient", "system.net.http.httpclient"})
_FILE = frozenset({"io.file", "system.io.file"})
_FOLDER = frozenset({"io.directory", "system.io.directory"})
_LOOKS = ("exists", "getlastwrite", "getcreation", "getattributes", "getlastaccess", "getcurrentdirectory")
_REQUESTS = ("download", "get", "upload", "post", "put", "openread", "send", "delete")
_MADE_KINDS = ("psobject", "psreference")


class Members(Files, ABC):
    """The part of the host that knows types."""

    def static(self, type_name: str, method: str, arguments: list[Value] | None) -> Value:
        """`[Type]::Member`."""
        lower = method.lower()
        given = arguments or []
        taint: frozenset[str] = frozenset().union(*(value.taint for value in given))
        if type_name in _FILE or type_name in _FOLDER:
            return self._disk(lower, given, folder=type_name in _FOLDER)
        if lower == "new" and type_name in _WEB:
            return Value(kind="net.webclient", source=f"[{type_name}]")
        if type_name.removeprefix("system.") == "environment":
            return self._environment_member(lower, given)
        if type_name.removeprefix("system.") == "diagnostics.process" and lower == "start" and given:
            target = given[0].word()
            if target.text is not None:
                self.draft.argv([target, *(part for v in given[1:] for part in _split(v))], cwd=self.cwd)
                return UNKNOWN
        if lower == "frombase64string" or quiet_type(type_name):
            return Value(taint=taint, source=f"[{type_name}]::{method}")
        if arguments is None and lower != "invoke":
            return UNKNOWN  # a property is only looked at
        self.draft.run_unread(f"[{type_name}]::{method}", "what this .NET method does is not known", taint)
        return UNKNOWN

    def _environment_member(self, lower: str, given: list[Value]) -> Value:
        name = given[0].text if given else None
        if lower == "getenvironmentvariables":
            self.draft.add(Verb.READ, Kind.SYSTEM, "environment variables")
            return Value(taint=frozenset({L.FROM_ENVIRONMENT}))
        if lower == "getenvironmentvariable" and name is not None:
            found = self.variable("env:" + name.lower())
            return found if found is not None else UNKNOWN
        if lower == "setenvironmentvariable" and len(given) > 2:
            self.draft.add(Verb.CONFIGURE, Kind.SYSTEM, f"environment:{name or '?'}", labels=(L.EXECUTES_LATER,))
        elif lower == "setenvironmentvariable" and name is not None and len(given) == 2:
            self.assigned.append((name.upper(), given[1].word()))
        return UNKNOWN

    @abstractmethod
    def variable(self, name: str) -> Value | None:
        """What is known of a variable."""

    def _disk(self, lower: str, given: list[Value], *, folder: bool) -> Value:
        """Members of File and Directory, by what their name begins with."""
        if not given or lower.startswith(_LOOKS):
            return UNKNOWN
        where = self.place(given[0].word())
        if lower.startswith(("read", "openread", "opentext")):
            resource = self.draft.file(Verb.READ, where)
            return Value(taint=frozenset({L.FROM_SECRET if L.SECRET in resource.labels else L.FROM_FILE}))
        if lower.startswith(("enumerate", "getfiles", "getdirectories", "getfilesystem")):
            self.draft.listing(where)
        elif lower == "delete":
            deep = folder and len(given) > 1
            self.draft.file(Verb.DELETE, where, directory=True if folder else None, everything=deep)
        elif lower.startswith(("write", "append", "create", "open", "set")):
            taint = given[1].taint if len(given) > 1 else ()
            self.draft.file(Verb.WRITE, where, directory=True if folder else None, taint=taint)
        elif lower in ("copy", "move", "replace") and len(given) > 1:
            self.draft.file(Verb.READ, where)
            if lower != "copy":
                self.draft.file(Verb.DELETE, where)
            self.draft.file(Verb.WRITE, self.place(given[1].word()), taint=(L.FROM_FILE,))
        else:
            self.draft.opaque(f"what the member {lower} does to a file is not known")
        return UNKNOWN

    def method(self, base: Value, name: str, arguments: list[Value] | None) -> Value:
        """`value.member` and `value.member(...)`."""
        lower = name.lower()
        given = arguments or []
        taint = base.taint.union(*(value.taint for value in given))
        if base.kind == "net.webclient" and arguments is not None:
            return self._web(lower, given)
        if arguments is None and lower in ("fullname", "pspath"):
            return base
        if arguments is None:
            return Value(taint=base.taint, source=f"{base.source}.{name}", things=base.things)
        if lower == "delete" and base.things:
            for thing in base.things:
                self.draft.file(Verb.DELETE, self.place(thing), everything=True)
            return UNKNOWN
        if lower in cmdlets().members:
            if base.text is not None and not given and lower in ("trim", "tostring"):
                return base
            return Value(taint=taint, source=f"{base.source}.{name}")
        self.draft.run_unread(f"{base.source}.{name}", "what this member does is not known", taint)
        return UNKNOWN

    def _web(self, lower: str, given: list[Value]) -> Value:
        """WebClient and HttpClient, read as curl would be."""
        if not given or not lower.startswith(_REQUESTS):
            return UNKNOWN
        words = [word("curl"), given[0].word()]
        if lower.startswith("downloadfile") and len(given) > 1:
            words += [word("-o"), self.place(given[1].word())]
        elif lower.startswith("uploadfile") and len(given) > 1:
            words += [word("-T"), self.place(given[-1].word())]
        elif lower.startswith(("upload", "post", "put", "send")):
            body = given[-1].word()
            unknown = Word(text=None, source=body.source, taint=body.taint or (L.FROM_UNKNOWN,))
            words += [word("--data-raw"), body if body.text else unknown]
        elif lower.startswith("delete"):
            words += [word("-X"), word("DELETE")]
        self.draft.argv(words, cwd=self.cwd)
        return Value(taint=frozenset({L.FROM_NETWORK}), source=lower)

    def _object(self, _name: str, bound: Bound, _call: Call, _walker: Walker) -> Value:
        """New-Object: a type that only computes, a web client, or something that nobody knows."""
        kind = bound.get("typename")
        text = (kind.text or "" if kind is not None else "").lower()
        if text in _WEB:
            return Value(kind="net.webclient", source=text)
        if quiet_type(text) or text in _MADE_KINDS:
            return Value(source=text)
        self.draft.opaque("what this object can do is not known", " ".join(w.source for w in self.draft.inv.words))
        return UNKNOWN


def _split(value: Value) -> list[Word]:
    """The arguments of a new process stand in one text."""
    given = value.word()
    return [word(part) for part in given.text.split()] if given.text is not None else [given]
