"""kubectl: which secrets a look shows, what a delete takes with it, and what the manifests it applies contain."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from interlock.effects.catalogue import contexts
from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.containers import container_copy
from interlock.effects.catalogue.readers.sql import most_careful
from interlock.effects.catalogue.words import word_list
from interlock.effects.environments import environment_of
from interlock.effects.invocation import Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Breadth, Environment, Kind, Known, Reversibility, Scale, Verb

_REMADE = word_list("kube_remade")  # kinds whose controllers make them again
_HOLDING = word_list("kube_holding")  # kinds that take others, or data, with them
_RIGHTS = word_list("kube_rights")
_LOGINS = word_list("kube_logins")  # programs that a kubeconfig may run to log in
_QUIET_OUTPUTS = ("name", "wide")
_SHOWS_DATA = re.compile(r"(?<!meta)data|items|\.\.|\*|range|\{@?\}|\{\$\}", re.IGNORECASE)
_DOCUMENT = re.compile(r"^---[^\n]*$", re.MULTILINE)
_KIND = re.compile(r"""^(?:-[ ]|[ ]{0,4})?["']?kind["']?:[ \t]*["']?(\w+)|"kind":\s*"(\w+)\"""", re.MULTILINE)
_NAME = re.compile(r"""^[ ]{2,8}["']?name["']?:[ \t]*["']?([\w.:-]+)|"name":\s*"([\w.:-]+)\"""", re.MULTILINE)
_NAMESPACE = re.compile(
    r"""^[ ]{2,8}["']?namespace["']?:[ \t]*["']?([\w.-]+)|"namespace":\s*"([\w.-]+)\"""", re.MULTILINE
)
_NODE = re.compile(
    r"""\bprivileged["']?:\s*["']?true|\bhost(?:PID|IPC)["']?:\s*["']?true|\bhostPath["']?:\s*\{?\s*["']?path["']?:\s*"""
    r"""["']?/(?:["'\s}]|etc\b|root\b|var/run|var/lib/(?:kubelet|docker|containerd)|proc\b|home\b)|\b(?:docker|containerd)\.sock"""
    r"""|\bSYS_ADMIN\b"""
)
_EXEC = re.compile(r"""^\s*(?:-\s+)?command:\s*["']?([^\s"']+)""", re.MULTILINE)
_MOST_FILES = 64
_MANIFESTS = (".yaml", ".yml", ".json")


@dataclass(slots=True)
class Manifests:
    """What stands in the files that a command is given."""

    objects: list[tuple[str, str]] = field(default_factory=list)  # kind in lower case, name
    namespaces: list[str] = field(default_factory=list)
    node: str = ""  # words that give a container the node
    unread: list[str] = field(default_factory=list)
    missing: bool = False  # a file of the project that could not be read: its own, but nobody knows how much

    def read(self, text: str) -> None:
        """Take in one file: its documents, by their first kind and name; a JSON list by each kind in it."""
        found = _NODE.search(text)
        self.node = self.node or (found[0] if found else "")
        for document in _DOCUMENT.split(text)[:1_000]:
            kinds = [a or b for a, b in _KIND.findall(document)]
            name = _NAME.search(document)
            for kind in kinds[:200]:
                self.objects.append((kind.lower(), (name[1] or name[2]) if name else "?"))
            self.namespaces += [a or b for a, b in _NAMESPACE.findall(document)[:50]]


def kubectl(draft: Draft) -> None:
    """The family's reader."""
    path = draft.said.path
    if not path:
        return
    _login(draft)
    _elsewhere(draft)
    verb = path[0]
    if verb in ("get", "describe"):
        _look(draft, verb)
    elif verb == "delete":
        _delete(draft)
    elif verb in ("apply", "create", "replace") and len(path) == 1:
        _apply(draft, Verb.CREATE if verb == "create" else Verb.WRITE)
    elif verb in ("cp", "rsync"):
        container_copy(draft, far=True)


def _environment(draft: Draft, *more: tuple[str, str]) -> Environment:
    """The most careful of what context, kubeconfig, namespace and server say."""
    chosen = draft.said.value("context") or draft.said.value("cluster")
    names = [chosen.text or chosen.source] if chosen is not None else contexts.kube(draft)
    clues = [("context", name) for name in names]
    clues += [("context", path) for path in (draft.text("kubeconfig") or draft.variable("KUBECONFIG"),) if path]
    clues += [("namespace", w.text or w.source) for w in draft.values("namespace")]
    clues += [("host", host) for host in (draft.text("server"), draft.inv.remote) if host]
    return most_careful([environment_of(what, name, draft.setting) for what, name in (*clues, *more)])


def _elsewhere(draft: Draft) -> None:
    """A server or a cluster named beside the context: its name then says nothing, and credentials go there."""
    server = draft.said.value("server")
    if server is not None:
        draft.host(Verb.SEND, server.text or server.source, note="the API of another cluster gets the credentials")
    if draft.said.value("cluster") is not None and draft.said.value("context") is not None:
        draft.opaque("a cluster is named beside the context: which one is meant is not known")


def _login(draft: Draft) -> None:
    """A kubeconfig that the command line brings along may name a program that runs to log in."""
    given = draft.said.value("kubeconfig")
    path = draft.path(given) if given is not None else None
    text = draft.content(path) if path is not None else None
    for command in _EXEC.findall(text or ""):
        if posixpath.basename(command) not in _LOGINS:
            draft.opaque("the kubeconfig runs a program to log in", command)


# -- looking


def _types(draft: Draft) -> list[tuple[str, str]]:
    """What is named: (type, name) pairs; name "" for all of a type, type "?" for one that is not known."""
    first = draft.said.value("type")
    if first is None:
        return []
    names = draft.values("name")
    texts = [w.text if w.text is not None else "?" for w in (first, *names)]
    if "/" in texts[0]:
        return [(kind, name) for kind, _, name in (text.partition("/") for text in texts)]
    kinds = texts[0].split(",")
    return [(kind, name) for kind in kinds for name in (texts[1:] or [""])]


def _plain(kind: str) -> str:
    """A type without its group and version: `secrets.v1.` is `secrets`."""
    return kind.lower().partition(".")[0]


def _look(draft: Draft, verb: str) -> None:
    raw = draft.said.value("raw")
    shown = draft.said.value("output")
    template = draft.text("template") or ""
    text = (shown.text or "") if shown is not None else ""
    named = next((name for kind, name in _types(draft) if kind == "?" or _plain(kind) in ("secret", "secrets")), None)
    if raw is not None:
        secret = raw.text is None or "secret" in raw.text or "/proxy" in raw.text
        named = raw.text or "?"
    elif verb == "describe":
        secret = named is not None and (named in ("", "?") or "token" in named)
    elif shown is None and not template:
        secret = False
    else:
        kind, _, wanted = text.partition("=")
        wanted += template
        secret = shown is not None and shown.text is None
        secret = secret or (
            kind not in _QUIET_OUTPUTS and (not wanted or bool(_SHOWS_DATA.search(wanted)) or "file" in kind)
        )
        secret = secret and named is not None
    if secret:
        draft.add(
            Verb.READ, Kind.SECRET, f"secret/{named or 'all'}", labels=(L.SECRET,), env=_environment(draft),
            note="the values are shown",
        )  # fmt: skip
        draft.flow.add(L.FROM_SECRET)


# -- changing


def _delete(draft: Draft) -> None:
    if "dry-run" in draft.said.tags - draft.said.doubtful:
        return
    files = draft.values("filename")
    if files:
        _delete_files(draft, files)
        return
    wide = Breadth.ALL if draft.has("all", "everywhere") else Breadth.MANY if draft.has("selector") else Breadth.ONE
    for kind, name in _types(draft):
        plain = _plain(kind)
        clue = (
            [("namespace", name)] if plain in ("ns", "namespace", "namespaces", "project", "projects") and name else []
        )
        holds = plain in _HOLDING
        draft.add(
            Verb.DELETE, Kind.CLUSTER_OBJECT, f"{kind}/{name or '*'}", env=_environment(draft, *clue),
            undo=Reversibility.RECOVERABLE if plain in _REMADE else Reversibility.IRREVERSIBLE,
            scale=Scale(Breadth.ALL if clue or (holds and not name and wide is Breadth.ONE) else wide),
            note="its controller makes it again" if plain in _REMADE else "with everything in it" if holds else "",
        )  # fmt: skip


def _delete_files(draft: Draft, given: list[Word]) -> None:
    said = _manifests(draft, given)
    whole = any(kind in _HOLDING for kind, _ in said.objects) or draft.has("all") or bool(said.unread)
    environment = _environment(draft, *(("namespace", n) for n in said.namespaces))
    for value in given:
        draft.add(
            Verb.DELETE, Kind.CLUSTER_OBJECT, value.text or value.source or "?", env=environment,
            undo=Reversibility.IRREVERSIBLE, scale=_scale(said, Breadth.ALL if whole else Breadth.MANY),
        )  # fmt: skip


def _apply(draft: Draft, verb: Verb) -> None:
    """`apply`, `create`, `replace`: the objects of the files, the rights they give, the node they reach for."""
    given = draft.values("filename")
    if not given or draft.said.value("raw") is not None:
        return
    said = _manifests(draft, given)
    if "dry-run" in draft.said.tags - draft.said.doubtful:
        return
    environment = _environment(draft, *(("namespace", n) for n in said.namespaces))
    for value in given:
        draft.add(
            verb,
            Kind.CLUSTER_OBJECT,
            value.text or value.source or "?",
            env=environment,
            scale=_scale(said, Breadth.ONE),
        )
    if environment is Environment.DEVELOPMENT:
        for name in said.unread:
            draft.opaque("the objects could not be read", name)
    else:
        for kind, name in said.objects:
            if kind in _RIGHTS:
                draft.add(Verb.GRANT, Kind.CLUSTER_OBJECT, f"{kind}/{name}", env=environment)
    if said.node:
        draft.add(
            Verb.EXECUTE, Kind.CONTAINER, said.objects[0][1] if said.objects else "?", labels=(L.PRIVILEGED,),
            env=environment, note=f"it reaches for the node: {said.node.strip()}",
        )  # fmt: skip


def _scale(said: Manifests, breadth: Breadth) -> Scale:
    if not said.objects or said.unread or said.missing:
        return Scale(breadth)
    return Scale(breadth, len(said.objects), "objects", Known.COUNT)


# -- manifests


def _manifests(draft: Draft, given: list[Word]) -> Manifests:
    said = Manifests()
    for value in given:
        text = value.text
        if text is None:
            said.unread.append(value.source or "?")
        elif text == "-":
            _typed(draft, said)
        elif text.startswith(("http://", "https://")):
            draft.host(Verb.FETCH, text)
            said.unread.append(text)
        else:
            draft.file(Verb.READ, value)
            path = draft.path(value)
            if path is None:
                said.unread.append(text)
            else:
                _files(draft, said, path)
    return said


def _typed(draft: Draft, said: Manifests) -> None:
    """Objects on standard input."""
    stdin = draft.inv.stdin
    text = stdin.text
    if text is None and stdin.path is not None:
        path = draft.path(stdin.path)
        text = draft.content(path) if path is not None else None
    if text is None:
        said.unread.append("(standard input)")
    else:
        said.read(text)


def _files(draft: Draft, said: Manifests, path: str) -> None:
    if draft.world.kind(path) != "directory":
        _file(draft, said, path)
        return
    paths = list(_below(draft, path, 2))
    if len(paths) > _MOST_FILES:
        said.unread.append(path)
    for found in paths[:_MOST_FILES]:
        _file(draft, said, found)


def _file(draft: Draft, said: Manifests, path: str) -> None:
    text = draft.content(path)
    if text is not None:
        said.read(text)
    elif draft.ours(path):
        said.missing = True
    else:
        said.unread.append(path)


def _below(draft: Draft, folder: str, depth: int) -> Iterator[str]:
    """The manifests of a directory; of a kustomization, which may draw them from elsewhere, also those beside it."""
    names = draft.world.names(folder) or ()
    for name in names:
        path = posixpath.join(folder, name)
        if name.endswith(_MANIFESTS):
            yield path
        elif depth and draft.world.kind(path) == "directory":
            yield from _below(draft, path, depth - 1)
    if "kustomization.yaml" in names and depth:
        text = draft.content(posixpath.join(folder, "kustomization.yaml")) or ""
        for other in re.findall(r"^\s*-\s*(\.\.?/[\w./-]+)", text, re.MULTILINE)[:16]:
            path = posixpath.normpath(posixpath.join(folder, other))
            if path.endswith(_MANIFESTS):
                yield path
            elif not path.startswith(folder):
                yield from _below(draft, path, depth - 1)
