"""The sheet on which one invocation is interpreted: the data writes on it first, then the family's reader.

A reader is a function of a `Draft`; it looks at `draft.said` (the parsed argv) and adds effects through the few verbs
below. Everything a reader may know of the machine stands in `draft.inv`, `draft.setting` and `draft.world`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

import msgspec

from interlock.effects.catalogue import files
from interlock.effects.catalogue.grammar import Parsed
from interlock.effects.environments import environment_of, mapped
from interlock.effects.hosts import host_environment, host_resource
from interlock.effects.invocation import InnerArgv, InnerText, Interpretation, Invocation, Stdin, Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import (
    ONE,
    Breadth,
    Effect,
    Environment,
    Kind,
    Resource,
    Reversibility,
    Scale,
    Verb,
    opaque,
)
from interlock.model.world import Setting, World

_MOST_EFFECTS = 512  # an argv of a thousand operands is one effect of many after this
_CHANGES = frozenset(
    {Verb.WRITE, Verb.CREATE, Verb.DELETE, Verb.OVERWRITE, Verb.EXECUTE, Verb.INSTALL, Verb.CONFIGURE, Verb.OPAQUE}
)
_ADDING = frozenset({Verb.WRITE, Verb.CREATE})
_LOSING = frozenset({Verb.DELETE, Verb.OVERWRITE})
# A program that is given one of these for a file talks to a host (ffmpeg, xmllint, pandoc), or finds nothing.
_AWAY = re.compile(r"(?:https?|ftps?|sftp|tftp|rtmp[est]{0,2}|rtsps?|srt|icecast|gopher|smb)://", re.IGNORECASE)
_HERE = re.compile(r"file:(?://(?:localhost)?(?=/))?(?=[/~.\w])", re.IGNORECASE)


class Draft:
    """One interpretation in the making."""

    __slots__ = (
        "command",
        "effects",
        "flow",
        "inner",
        "inv",
        "listed",
        "operands",
        "output",
        "output_taint",
        "resolved",
        "said",
        "setting",
        "uploads",
        "world",
    )

    def __init__(self, command: str, said: Parsed, inv: Invocation, setting: Setting, world: World) -> None:
        self.command = command
        self.said = said
        self.inv = inv
        self.setting = setting
        self.world = world
        self.effects: list[Effect] = []
        self.inner: list[InnerArgv | InnerText] = []
        self.flow: set[str] = set(inv.stdin.taint)
        self.operands: list[str] = []
        self.uploads: list[tuple[str, tuple[str, ...]]] = []  # addresses in the place of a file that is written
        self.listed: list[Word] = []
        self.output: str | None = None
        self.output_taint: set[str] | None = None
        self.resolved = True

    # -- what the argv says -------------------------------------------------------------------------------------

    def has(self, *tags: str) -> bool:
        """Whether any of these flags was given."""
        return not self.said.tags.isdisjoint(tags)

    def values(self, name: str) -> list[Word]:
        """Every value captured under `name`."""
        return self.said.values.get(name, [])

    def text(self, name: str) -> str | None:
        """The last value captured under `name`, when it is known."""
        return self.said.text(name)

    def variable(self, name: str) -> str | None:
        """An environment variable as this command sees it: assigned before it, exported, or of the setting."""
        for key, value in self.inv.assignments:
            if key == name:
                return value.text
        for key, text in (*self.inv.variables, *self.setting.variables):
            if key == name:
                return text
        return None

    # -- what it does -------------------------------------------------------------------------------------------

    def add(  # noqa: PLR0913 - the words of an effect
        self,
        verb: Verb,
        kind: Kind,
        name: str,
        *,
        labels: Iterable[str] = (),
        env: Environment | None = None,
        undo: Reversibility | None = None,
        scale: Scale = ONE,
        taint: Iterable[str] = (),
        note: str = "",
    ) -> None:
        """Add one effect on a resource that is no file and no host."""
        marks = set(labels)
        if self.inv.privileged and verb in _CHANGES:
            marks.add(L.PRIVILEGED)
        if self.inv.remote:
            marks.add(L.REMOTE)
        if env is None:
            env = self._usual(kind, marks, name)
        if undo is None:
            undo = Reversibility.IRREVERSIBLE if verb in _LOSING else Reversibility.REVERSIBLE
        self._push(
            Effect(
                verb=verb,
                resource=Resource(kind, name, tuple(sorted(marks))),
                environment=env,
                reversibility=undo,
                scale=scale,
                taint=tuple(sorted(set(taint))),
                via=self.command,
                notes=(note,) if note else (),
                span=self.inv.span,
            )
        )

    def _usual(self, kind: Kind, marks: set[str], name: str) -> Environment:
        if self.inv.remote:
            return environment_of("host", self.inv.remote, self.setting)
        if L.PROJECT in marks or kind is Kind.PACKAGE:
            return Environment.WORKSPACE
        if kind in (Kind.PROCESS, Kind.SYSTEM, Kind.DEVICE, Kind.AGENT_CONFIG, Kind.INTERLOCK):
            return Environment.MACHINE
        if kind is Kind.DATABASE:
            # `manage.py flush` names no database: a person says in the map which one `django` is here.
            return mapped("database", name, self.setting) or Environment.UNKNOWN
        return Environment.UNKNOWN

    def _push(self, effect: Effect) -> None:
        if len(self.effects) < _MOST_EFFECTS:
            self.effects.append(effect)
        elif len(self.effects) == _MOST_EFFECTS:
            self.effects.append(
                opaque(self.command, f"more than {_MOST_EFFECTS} effects in one command", span=self.inv.span)
            )

    def file(  # noqa: PLR0913 - the words of an effect
        self,
        verb: Verb,
        value: Word,
        *,
        directory: bool | None = None,
        everything: bool = False,
        breadth: Breadth | None = None,
        undo: Reversibility | None = None,
        taint: Iterable[str] = (),
        note: str = "",
        labels: Iterable[str] = (),
    ) -> Resource:
        """Add one effect on a file operand; reads feed the command's output taint.

        A URL in a file's place is a host too, that is asked or gets what was read; and still the file of that name,
        for most programs know no addresses, and `https:` may be a directory here.
        """
        address = value.text if value.text is not None else value.prefix
        if _AWAY.match(address):
            if verb is Verb.READ:
                self.host(Verb.FETCH, address, taint={*taint, *value.taint})
            else:
                self.uploads.append((address, (*taint, *value.taint)))
        elif value.text is not None and (here := _HERE.match(address)):
            self.file(verb, msgspec.structs.replace(value, text=address[here.end() :]), taint=taint)
        resource, seen = files.place(
            value,
            self.inv,
            self.setting,
            self.world,
            directory=directory,
            follow=verb is not Verb.DELETE,
            content=verb is Verb.READ,
        )
        if verb in _ADDING and not everything and breadth is not Breadth.ALL:
            resource = files.entered(resource, self.setting)
        breadth = breadth or seen
        notes: tuple[str, ...] = (note,) if note else ()
        if verb in _LOSING and undo is None:
            undo, why = files.loss(resource, self.setting, self.world)
            notes += why
        if everything:
            breadth = Breadth.ALL
        marks = set(resource.labels) | set(labels)
        if self.inv.privileged and verb in _CHANGES:
            marks.add(L.PRIVILEGED)
        if marks != set(resource.labels):
            resource = Resource(resource.kind, resource.name, tuple(sorted(marks)))
        if verb is Verb.READ:
            self.reads(resource)
        self._push(
            Effect(
                verb=verb,
                resource=resource,
                environment=files.environment(resource, self.inv, self.setting),
                reversibility=undo or Reversibility.REVERSIBLE,
                scale=Scale(breadth=breadth, unit="files" if breadth is not Breadth.ONE else ""),
                taint=tuple(sorted(set(taint) | set(value.taint))),
                via=self.command,
                notes=notes,
                span=value.span if value.span != (0, 0) else self.inv.span,
            )
        )
        return resource

    def landing(self, target: Word) -> Word:
        """Where what comes from elsewhere lies in the end: in a directory, by the name of its one source (`{from}`).

        The directory itself where there are several sources, a pattern, or all that a source holds.
        """
        sources = self.values("from")
        given = sources[0].text if len(sources) == 1 else None
        name = posixpath.basename((given or "").rpartition(":")[2])
        everything = self.has("recursive") or not {"sync", "rsync"}.isdisjoint(self.said.path)
        path = self.path(target)
        if everything or path is None or not name or name in (".", "..") or not set("*?[{").isdisjoint(name):
            return target
        if (
            target.text not in (".", "..")
            and not str(target.text).endswith("/")
            and self.world.kind(path) != "directory"
        ):
            return target
        text = posixpath.join(str(target.text), name)
        return Word(text, target.source, target.span, text, target.taint)

    def reads(self, resource: Resource) -> None:
        """Note that the content of this resource flows through the command."""
        if L.DEVICE_NULL in resource.labels:
            return
        self.flow.add(L.FROM_SECRET if resource.kind is Kind.SECRET or L.SECRET in resource.labels else L.FROM_FILE)

    def listing(self, value: Word) -> None:
        """Names in a directory are read, not what stands in the files."""
        resource, breadth = files.place(value, self.inv, self.setting, self.world)
        marks = tuple(label for label in resource.labels if label != L.SECRET)
        kind = resource.kind if resource.kind is Kind.FILE else Kind.DIRECTORY
        self._push(
            Effect(
                verb=Verb.READ,
                resource=Resource(kind, resource.name, marks),
                environment=files.environment(resource, self.inv, self.setting),
                scale=Scale(breadth=breadth),
                via=self.command,
                notes=("names only",),
                span=self.inv.span,
            )
        )

    def host(
        self, verb: Verb, name: str, *, taint: Iterable[str] = (), note: str = "", labels: Iterable[str] = ()
    ) -> None:
        """Talk to a host: `name` is a host, `host:port` or a URL."""
        resource = host_resource(name, self.setting)
        if labels:
            resource = Resource(resource.kind, resource.name, tuple(sorted({*resource.labels, *labels})))
        self._push(
            Effect(
                verb=verb,
                resource=resource,
                environment=host_environment(resource, self.setting),
                reversibility=Reversibility.REVERSIBLE if verb is Verb.FETCH else Reversibility.IRREVERSIBLE,
                taint=tuple(sorted(set(taint))),
                via=self.command,
                notes=(note,) if note else (),
                span=self.inv.span,
            )
        )
        if verb is Verb.FETCH:
            self.flow.add(L.FROM_NETWORK)

    def include(self, effects: Iterable[Effect]) -> None:
        """Add effects that a pure reader found, as this command's own."""
        for effect in effects:
            marks = {*effect.resource.labels, *((L.REMOTE,) if self.inv.remote else ())}
            resource = Resource(effect.resource.kind, effect.resource.name, tuple(sorted(marks)))
            self._push(
                Effect(
                    verb=effect.verb,
                    resource=resource,
                    environment=effect.environment,
                    reversibility=effect.reversibility,
                    scale=effect.scale,
                    taint=effect.taint,
                    via=self.command,
                    notes=effect.notes,
                    span=self.inv.span,
                )
            )

    def project(self, name: str = "", note: str = "") -> None:
        """Code of the workspace runs: tests, builds, scripts."""
        self.add(Verb.EXECUTE, Kind.PROCESS, name or self.command, labels=(L.PROJECT,), note=note)

    def opaque(self, why: str, what: str = "", labels: Iterable[str] = (L.UNREAD,)) -> None:
        """Say that this could not be read."""
        marks = {*labels, *((L.PRIVILEGED,) if self.inv.privileged else ()), *((L.REMOTE,) if self.inv.remote else ())}
        shown = what or " ".join(w.text if w.text is not None else (w.source or "?") for w in self.inv.words)
        self._push(
            Effect(
                verb=Verb.OPAQUE,
                resource=Resource(Kind.CODE, shown[:400], tuple(sorted(marks))),
                reversibility=Reversibility.IRREVERSIBLE,
                via=self.command,
                notes=(why,),
                span=self.inv.span,
            )
        )

    def run_unread(self, what: str, why: str, taint: Iterable[str] = ()) -> None:
        """Code runs that nobody has read; bytes off the network are named as such."""
        flowing = set(taint)
        if L.FROM_NETWORK in flowing or L.FROM_UNTRUSTED in flowing:
            self.add(
                Verb.EXECUTE,
                Kind.CODE,
                what,
                labels=(L.DOWNLOADED, L.UNREAD),
                env=Environment.MACHINE,
                undo=Reversibility.IRREVERSIBLE,
                taint=flowing,
                note=why,
            )
        else:
            self.opaque(why, what)

    # -- what runs inside ---------------------------------------------------------------------------------------

    def argv(
        self,
        words: Iterable[Word],
        *,
        privileged: bool = False,
        remote: str = "",
        user: str = "",
        cwd: str | None = None,
        clears: bool = False,
        assignments: tuple[tuple[str, Word], ...] = (),
        stdin: Stdin | None = None,
    ) -> None:
        """Another command runs inside this one."""
        inner = tuple(words)
        if inner:
            self.inner.append(InnerArgv(inner, self.command, cwd, privileged, remote, user, clears, assignments, stdin))

    def shell(
        self,
        text: str,
        *,
        cwd: str | None = None,
        remote: str = "",
        user: str = "",
        privileged: bool = False,
        arguments: tuple[Word, ...] = (),
        origin: str = "",
        stdin: Stdin | None = None,
    ) -> None:
        """Shell text runs inside this command."""
        self.inner.append(InnerText(text, self.command, cwd, remote, privileged, user, arguments, origin, stdin))
        if origin:
            self.operands.append(origin)

    def shell_words(self, words: list[Word], what: str = "command", **more: str | bool) -> None:
        """Words that a shell joins with blanks and reads again (`ssh`, `watch`, `su -c`)."""
        if any(w.text is None for w in words):
            taint = {t for w in words for t in w.taint}
            self.run_unread(" ".join(w.source or w.text or "?" for w in words), f"the {what} is not known", taint)
            return
        text = " ".join(w.text or "" for w in words)
        self.shell(
            text,
            remote=str(more.get("remote", "")),
            user=str(more.get("user", "")),
            privileged=bool(more.get("privileged", False)),
        )

    # -- the end ------------------------------------------------------------------------------------------------

    def finish(self) -> Interpretation:
        """What was said, frozen."""
        for address, carried in self.uploads:  # at last: an address may stand before what is sent there
            self.host(Verb.SEND, address, taint={*carried, *self.flow})
        taint = self.flow if self.output_taint is None else self.output_taint
        return Interpretation(
            effects=tuple(self.effects),
            inner=tuple(self.inner),
            output=self.output,
            output_taint=tuple(sorted(taint)),
            operands=tuple(dict.fromkeys(self.operands)),
            resolved=self.resolved,
            listed=tuple(self.listed),
        )

    # -- small helps --------------------------------------------------------------------------------------------

    def path(self, value: Word | str, base: str | None = None) -> str | None:
        """The absolute path of a local file operand, or None when it is not known."""
        text = value if isinstance(value, str) else value.text
        if text is None or self.inv.remote:
            return None
        return absolute(text, base or self.inv.cwd, self.setting.home)

    def ours(self, path: str | None) -> bool:
        """Whether a path lies in the workspace: code there is the project's own."""
        top = self.setting.workspace.rstrip("/")
        return path is not None and (path == top or path.startswith(top + "/"))

    def content(self, path: str) -> str | None:
        """The text of a file on which the answer depends; its path goes into the operands."""
        text = self.world.text(path)
        if text is not None:
            self.operands.append(path)
        return text


def absolute(text: str, cwd: str | None, home: str) -> str | None:
    """The absolute, normalised path that `text` names from `cwd`."""
    import posixpath

    if text == "~" or text.startswith("~/"):
        return posixpath.normpath(home + text[1:])
    if text.startswith("/"):
        return "/" + posixpath.normpath(text).lstrip("/")
    return None if cwd is None else posixpath.normpath(posixpath.join(cwd, text))
