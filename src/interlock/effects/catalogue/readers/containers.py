"""Containers: what a mount opens to them, whose engine runs them, and which words after the image are a command at all.

`docker run IMAGE WORDS`: the words replace the image's own command, or are arguments of its entry point; nobody can
tell from outside. An image's own program is unread anyway, so words that name no known program add nothing to it.
"""

from __future__ import annotations

import posixpath
import re

from interlock.effects.catalogue import contexts, files
from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.words import word_list
from interlock.effects.environments import environment_of
from interlock.effects.invocation import Word
from interlock.effects.places import file_resource
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Environment, Kind, Verb

_SHELLS = frozenset(
    {"sh", "bash", "ash", "dash", "zsh", "/bin/sh", "/bin/bash", "/bin/ash", "/bin/zsh", "/usr/bin/bash"}
)
_WHERE = ("context", "host", "url")
_WHERE_VARIABLES = ("DOCKER_HOST", "CONTAINER_HOST", "DOCKER_CONTEXT")
_HERE = ("unix:", "npipe:", "fd:", "tcp://localhost", "tcp://127.", "default", "rootless")
_OURS = frozenset({Environment.DEVELOPMENT, Environment.WORKSPACE, Environment.MACHINE})
_COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_OVERRIDES = tuple(name.replace(".y", ".override.y") for name in _COMPOSE_FILES)
# A line of a compose file that gives a container this machine: its devices, its root directory, its engine.
_MACHINE = re.compile(
    r"""^\s*privileged:\s*["']?(?:true|yes|on)\b|(?:docker|containerd|podman|crio)\.sock|^\s*-\s*["']?/:|[\["'\s]/:/"""
    r"""|^\s*(?:-\s*)?source:\s*["']?/["']?\s*$|^\s*(?:pid|ipc|uts|userns_mode):\s*["']?host\b"""
    r"""|^\s*-\s*["']?(?:CAP_)?(?:ALL|SYS_ADMIN|SYS_MODULE|SYS_PTRACE|SYS_RAWIO|DAC_READ_SEARCH)\b|/dev/(?:sd|nvme|mem\b)""",
    re.MULTILINE | re.IGNORECASE,
)
_COMMENT = re.compile(r"^\s*#.*$|\s#\s.*$", re.MULTILINE)
_PROGRAMS = dict(pair.split("=") for pair in word_list("image_programs"))
_READ_ONLY = frozenset({"ro", "readonly"})


def container_run(draft: Draft) -> None:
    """`docker run`: judge the engine and the mounts, then hand on the command when it is one."""
    container_engine(draft)
    for value in draft.values("volume"):
        source, _, options = (value.text or "").partition(":")
        _mount(draft, value, source, readonly=not _READ_ONLY.isdisjoint(options.split(":")[-1].split(",")))
    for value in draft.values("mount"):
        parts = dict(part.partition("=")[::2] for part in (value.text or "").split(","))
        if parts.get("type", "volume") == "bind":
            source = parts.get("source") or parts.get("src") or ""
            _mount(draft, value, source, readonly=not _READ_ONLY.isdisjoint(parts))
    words = _rest(draft)
    entry = draft.said.value("entrypoint")
    if entry is not None and entry.text != "":
        words.insert(0, entry)
    elif words and (program := _entry_point(draft.text("image") or "")):
        words.insert(0, known(program))
    if words and _is_command(words[0]):
        _inside(draft, words, draft.text("image") or draft.text("container") or "?")


def _entry_point(image: str) -> str:
    """The program that an image of that name starts, "" when nobody has written it down."""
    name = image.removeprefix("docker.io/").partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return _PROGRAMS.get(f"{folder}{slash}{last.partition(':')[0]}", "")


def container_exec(draft: Draft) -> None:
    """`docker exec`: the words are always a command."""
    container_engine(draft)
    words = _rest(draft)
    if words:
        _inside(draft, words, draft.text("container") or "?")


def container_engine(draft: Draft) -> None:
    """Something runs in an engine: where that is another machine's, it is said."""
    where = _engine(draft)
    if not where:
        return
    if re.match(r"(?:tcp|https?|ssh)://", where):
        draft.host(Verb.SEND, where, note="another machine's engine")
        return
    environment = environment_of("context", where, draft.setting)
    if environment not in _OURS:
        draft.add(
            Verb.EXECUTE, Kind.CONTAINER, f"engine {where}", labels=(L.REMOTE,), env=environment,
            note="another machine's engine",
        )  # fmt: skip


def _engine(draft: Draft) -> str:
    """The engine that is named by an option, a variable or the selected context; "" for the one of this machine."""
    for name in _WHERE:
        value = draft.said.value(name)
        if value is not None:
            where = value.text or value.source or "?"
            return "" if where.startswith(_HERE) else where
    for name in _WHERE_VARIABLES:
        if name in draft.inv.unknown or any(key == name and word.text is None for key, word in draft.inv.assignments):
            return f"${name}"
        where = draft.variable(name) or ""
        if where:
            return "" if where.startswith(_HERE) else where
    return next(iter(contexts.docker(draft)), "")


def container_build(draft: Draft) -> None:
    """`docker build`: the project goes to the engine, wherever it is."""
    container_engine(draft)


def container_copy(draft: Draft, *, far: bool = False) -> None:
    """`docker cp`: files of this machine go in, files of the container come out, secrets among them.

    `far`: the container is another machine's, so what comes out of it comes from the network.
    """
    source, target = draft.said.value("from"), draft.said.value("to")
    if source is not None and source.text != "-":
        inside = _inside_path(source)
        if inside is None:
            draft.file(Verb.READ, source)
        elif L.SECRET in file_resource(inside, draft.setting, draft.world, cwd="/").labels:
            draft.add(Verb.READ, Kind.SECRET, source.text or source.source, labels=(L.SECRET,))
            draft.flow.add(L.FROM_SECRET)
        if inside is not None and far:
            draft.flow.add(L.FROM_NETWORK)
    if target is not None and target.text != "-" and _inside_path(target) is None:
        # A directory is copied into one that is there without its own name.
        whole = source is None or "." not in posixpath.basename(source.text or "")
        draft.file(Verb.WRITE, target if whole or not far else draft.landing(target), taint=draft.flow)


def _inside_path(value: Word) -> str | None:
    """The path in the container that `NAME:PATH` names; None for a path of this machine."""
    text = value.text if value.text is not None else value.prefix
    name, colon, path = text.partition(":")
    return None if not colon or name.startswith(("/", ".", "~")) else path


def compose_up(draft: Draft) -> None:
    """Services start as their file says: one nobody can read is code, one that hands out the machine is said."""
    container_engine(draft)
    named = draft.values("file")
    given = [w.text for w in named] if named else (draft.variable("COMPOSE_FILE") or "").split(":")
    texts: list[str] = []
    for name in given:
        if not named and not name:
            continue
        path = draft.path(name) if name and "://" not in name and not name.startswith(("git@", "-")) else None
        text = draft.content(path) if path is not None else None
        if text is None and (path is None or not draft.ours(path)) and not draft.inv.remote:
            draft.opaque("the services stand in a file that could not be read", name or "?")
        texts.append(text or "")
    if not texts:
        texts = _default_files(draft)
    for text in texts:
        found = _MACHINE.search(_COMMENT.sub("", text))
        if found:
            draft.add(
                Verb.EXECUTE, Kind.CONTAINER, "compose", labels=(L.PRIVILEGED,), env=Environment.MACHINE,
                note=f"the file gives a container this machine: {found[0].strip()}",
            )  # fmt: skip
            return


def _default_files(draft: Draft) -> list[str]:
    folder = draft.said.value("directory")
    base = draft.path(folder) if folder is not None else draft.inv.cwd
    if base is None or draft.inv.remote:
        return []
    found = []
    for names in (_COMPOSE_FILES, _OVERRIDES):
        text = next((t for t in (draft.content(posixpath.join(base, name)) for name in names) if t is not None), None)
        if text is not None:
            found.append(text)
    return found


def _rest(draft: Draft) -> list[Word]:
    """The words after the image or the container, without the `--` that some programs want before them."""
    words = list(draft.said.rest or ())
    return words[1:] if words and words[0].text == "--" else words


def _inside(draft: Draft, words: list[Word], name: str) -> None:
    """Run inside the container, unless it is a bare shell that nothing is typed into: an agent has no terminal."""
    if len(words) == 1 and words[0].text in _SHELLS and not draft.inv.stdin.present:
        return
    draft.argv(words, remote=f"{_engine(draft) or 'local'} container {name}")


def _is_command(first: Word) -> bool:
    from interlock.effects.catalogue.packaged import packaged

    if first.text is None:
        return True
    return not first.text.startswith("-") and bool(packaged().find(posixpath.basename(first.text)))


def _mount(draft: Draft, value: Word, source: str, *, readonly: bool) -> None:
    """A directory of this machine inside the container: whose it is decides."""
    if not source.startswith(("/", "~", ".")) or draft.inv.remote:
        return  # a named volume, or a path of another machine
    place = Word(text=source, source=source, span=value.span, prefix=source, taint=value.taint)
    resource, _ = files.place(place, draft.inv, draft.setting, draft.world, directory=True)
    marks = set(resource.labels)
    if L.SECRET in marks or resource.kind is Kind.SECRET:
        draft.file(Verb.READ, place, note="the container gets the person's credentials")
    if not readonly and L.GUARD in marks and not {L.WORKSPACE, L.ROOT} <= marks:
        draft.file(Verb.WRITE, place, note="the container can change it")
    whole = L.ROOT in marks and not marks & {L.WORKSPACE, L.SCRATCH}
    if whole or L.OTHER_USER in marks or (L.SYSTEM in marks and not readonly and L.DEVICE_NULL not in marks):
        draft.add(
            Verb.EXECUTE, Kind.CONTAINER, draft.text("image") or draft.text("container") or "?", labels=(L.PRIVILEGED,),
            env=Environment.MACHINE, note=f"it can reach {resource.name} of this machine",
        )  # fmt: skip
