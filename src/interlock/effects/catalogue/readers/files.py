"""Readers for core utilities whose operands differ by flag: rm, cp, mv, ln, chmod, dd, rsync and kin."""

from __future__ import annotations

import posixpath
import re

import msgspec

from interlock.effects.catalogue import files
from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.words import word_list
from interlock.effects.invocation import MOVED, Word
from interlock.effects.places import file_resource
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Kind, Reversibility, Verb

_REMOTE = re.compile(r"(?:[^/:@\s]+@)?[^/:\s]+::?(?!//)")


# What is not there to be looked at is a file where nobody would call a directory so.
_FILE_NAME = re.compile(
    r"[^/]\.(json|lock|log|txt|md|py|js|ts|tsx|jsx|css|html|ya?ml|toml|csv|tmp|pyc|out|xml|png|gz|tgz|zip)$"
)


def rm(draft: Draft) -> None:
    """`rm`: with -r every operand is a directory that goes whole, and so it is for the tools that always do."""
    always = draft.command in ("rimraf", "del-cli")
    deep = draft.has("recursive") or always
    for operand in draft.values("file"):
        if always and any(c in (operand.text or "") for c in "*?[{"):
            operand = msgspec.structs.replace(operand, glob=True, many=True)  # noqa: PLW2901 - these expand patterns
        kind = True if deep and not _plain_file(draft, operand) else None
        draft.file(Verb.DELETE, operand, directory=kind, everything=deep and kind is True)


def _plain_file(draft: Draft, operand: Word) -> bool:
    path = draft.path(operand) if not operand.glob else None
    if path is None:
        return False
    kind = draft.world.kind(path)
    return kind == "file" or (kind is None and _FILE_NAME.search(path) is not None)


def emptied(draft: Draft, value: Word, note: str = "") -> None:
    """The content of a file goes and nothing comes instead; of logs and scratch files nobody minds.

    That it is not there now frees nothing: nobody empties a file that is not there when the command runs.
    """
    resource, _ = files.place(value, draft.inv, draft.setting, draft.world)
    quiet = files.regenerable(resource, draft.setting) or L.DEVICE_NULL in resource.labels
    draft.file(Verb.OVERWRITE, value, labels=() if quiet else (L.EMPTIED,), note=note)


def blanked(draft: Draft, value: Word) -> None:
    """A program writes nothing into a file: a loss where the name is one of code or data, else a file is made."""
    if _precious(value) and not (value.text or "").endswith("__init__.py"):
        emptied(draft, value)
    else:
        draft.file(Verb.WRITE, value)


_NOISE = frozenset({"/dev/zero", "/dev/random", "/dev/urandom"})
_PRECIOUS = word_list("code_suffixes") | word_list("data_suffixes")


def _precious(value: Word) -> bool:
    """Whether a name is one of code or data: nobody makes such a file of zeros, one destroys it with them."""
    stem, dot, suffix = posixpath.basename(value.text or "").rpartition(".")
    return bool(stem and dot) and suffix.lower() in _PRECIOUS


def truncate(draft: Draft) -> None:
    """truncate: a size of nothing, or less than there is, takes content away; more than there is adds zeros."""
    size = draft.text("size")
    for value in draft.values("file"):
        if draft.has("reference") or size is None or not re.match(r"^[+>]|^[1-9]", size.strip()):
            emptied(draft, value)
        else:
            draft.file(Verb.OVERWRITE, value)


def shred(draft: Draft) -> None:
    """shred: the content is overwritten so that nothing can bring it back, be it ever so unimportant."""
    for value in draft.values("file"):
        emptied(draft, value, "its content is destroyed")


# What may not be changed under another name, even in the workspace.
_TOUCHY = frozenset({L.SECRET, L.GUARD, L.EXECUTES_LATER, L.CI, L.VCS, L.ROOT, L.AGENT_MEMORY})


def is_remote(text: str | None) -> bool:
    """Whether scp and rsync read this operand as `host:path`."""
    return text is not None and (text.startswith(("rsync://", "scp://", "sftp://")) or _REMOTE.match(text) is not None)


def remote_host(text: str) -> str:
    """The host of `user@host:path` or of a URL, as a host reader takes it."""
    if "://" in text:
        return text
    return text.partition(":")[0].rpartition("@")[2]


def into(draft: Draft, target: Word, source: Word, *, many: bool) -> Word:
    """Where a source lands: in the target when that is a directory, else at the target itself."""
    if target.text is None or source.text is None:
        return target
    path = draft.path(target)
    folder = many or target.text.endswith(("/", "/.", "/..")) or target.text in (".", "..", "~")
    if not folder and path is not None:
        folder = draft.world.kind(path) == "directory"
    name = posixpath.basename(source.text.rstrip("/"))
    if not folder or name in ("", ".", ".."):
        return target
    text = f"{target.text.rstrip('/')}/{name}"
    return Word(text, text, target.span, text, target.taint, source.many, source.glob)


def _targets(draft: Draft, sources: list[Word]) -> list[Word]:
    directory = draft.said.value("target-directory")
    target = directory or draft.said.value("to")
    if target is None:
        return []
    many = directory is not None or len(sources) > 1
    if draft.has("no-target-directory"):
        return [target]
    return [into(draft, target, source, many=many) for source in sources] or [target]


def copy(draft: Draft) -> None:
    """cp and install: every source is read (by its role), and written under the target."""
    sources = draft.values("read")
    targets = _targets(draft, sources)
    empty = bool(sources) and all(source.text == "/dev/null" for source in sources)
    noise = bool(sources) and all(source.text in _NOISE for source in sources)
    for target in targets:
        if empty or (noise and _precious(target)):
            emptied(draft, target)
        else:
            draft.file(Verb.WRITE, target, taint=draft.flow)
    mode = draft.text("mode")
    if mode is not None and draft.command != "cp":
        for target in targets:
            _moded(draft, target, mode)
    if draft.has("symbolic-link") or draft.has("link"):
        _reached(draft, sources, targets, symbolic=draft.has("symbolic-link"))


def move(draft: Draft) -> None:
    """mv: the source goes away, the same content stands under the target."""
    sources = draft.values("from")
    targets = _targets(draft, sources)
    sink = any(t.text in ("/dev/null",) for t in targets)
    undo = Reversibility.IRREVERSIBLE if sink else Reversibility.REVERSIBLE
    for source in sources:
        whole = L.ROOT in files.place(source, draft.inv, draft.setting, draft.world, follow=False)[0].labels
        # A project that is no longer where everybody looks for it is theirs to find again.
        back = Reversibility.RECOVERABLE if whole and not sink else undo
        draft.file(Verb.DELETE, source, undo=back, note=MOVED, labels=(L.EMPTIED,) if sink else ())
    for target in targets:
        draft.file(Verb.WRITE, target)


# `s/a/b/gi`, `y/A-Z/a-z/`, or the plain words that util-linux takes; a replacement with `e` or an `@{}` is code.
_RENAMES = re.compile(r"(?:s|y|tr)([/|#,!])(?:(?!\1).)*\1(?:(?!\1)[^@])*\1[gicdsrmx]*;?|[\w.*?\[\]-]*")


def rename(draft: Draft) -> None:
    """rename's expression is Perl; anything beyond a substitution is code."""
    code = draft.said.value("code")
    if code is not None and (code.text is None or not _RENAMES.fullmatch(code.text)):
        draft.opaque("rename runs a Perl expression", code.source)


def link(draft: Draft) -> None:
    """ln makes a name; a hard link reaches the file's content."""
    sources = draft.values("from")
    if not sources and draft.said.value("to") is not None:
        only = draft.said.value("to")
        name = posixpath.basename((only.text or "") if only else "")
        if name:
            draft.file(Verb.CREATE, Word(name, name, (0, 0), name))
        return
    targets = _targets(draft, sources)
    for target in targets:
        draft.file(Verb.WRITE if draft.has("force") else Verb.CREATE, target)
    _reached(draft, sources, targets, symbolic=draft.has("symbolic"))
    if not draft.has("symbolic"):
        for source in sources:
            draft.file(Verb.READ, source)


def _reached(draft: Draft, sources: list[Word], targets: list[Word], *, symbolic: bool) -> None:
    """What a link points to can be changed under the link's name, by this very text or, for a hard link, at any time.

    So a link to anything but the project's own files is a change of what it points to. A relative symbolic link is read
    from where it stands.
    """
    for number, source in enumerate(sources):
        place = targets[min(number, len(targets) - 1)] if targets else None
        if symbolic and source.text and place is not None and place.text:
            path = posixpath.join(posixpath.dirname(place.text), source.text)
            source = msgspec.structs.replace(source, text=path, prefix=path)  # noqa: PLW2901
        reached, _ = files.place(source, draft.inv, draft.setting, draft.world)
        marks = set(reached.labels)
        if marks & _TOUCHY or not marks & {L.WORKSPACE, L.SCRATCH, L.DEVICE_NULL}:
            draft.file(Verb.READ, source)
            draft.file(Verb.WRITE, source, note="a link makes it writable under another name")


_OCTAL = re.compile(r"[0-7]{1,4}")
_SYMBOLIC = re.compile(r"([ugoa]*)((?:[-+=][rwxXstugo]*)+)")


def opens(mode: str) -> tuple[bool, bool]:
    """What a mode gives away: whether anybody may write, and whether it runs with its owner's or group's rights."""
    if _OCTAL.fullmatch(mode):
        bits = int(mode, 8)
        return bool(bits & 0o002) and not bits & 0o1000, bool(bits & 0o6000)
    writable = special = False
    for clause in mode.split(","):
        match = _SYMBOLIC.fullmatch(clause)
        if match is None:
            continue
        who = match.group(1)
        given = "".join(bits for sign, bits in re.findall(r"([-+=])([rwxXstugo]*)", match.group(2)) if sign in "+=")
        writable = writable or ("w" in given and ("o" in who or "a" in who))
        special = special or ("s" in given and (not who or bool(set(who) & set("uga"))))
    return writable, special


def chmod(draft: Draft) -> None:
    """chmod: setuid bits are a privilege, and what anybody may write is nobody's."""
    word = draft.said.value("mode")
    mode = (word.text if word is not None else "") or ""
    targets = draft.values("file")
    for flag in draft.said.unknown:
        if set(flag) <= set("-rwxXstugoa"):
            targets = (
                [word, *targets] if word is not None else targets
            )  # `chmod -x FILE`: the mode looks like an option
            mode = flag
            break
    unknown = word is not None and word.text is None and bool(word.taint)
    for value in targets:
        _moded(draft, value, mode, deep=draft.has("recursive"), unknown=unknown)


_CLOSES = re.compile(r"0?[4567]00|(?:u=rw?x?,)?(?:go|og)(?:-r?w?x?|=)|g-rwx,o-rwx")


def _key(draft: Draft, value: Word) -> bool:
    """Whether this is a credential of the user's own, or the directory of one."""
    path = draft.path(value)
    if path is None:
        return False
    resource = file_resource(path, draft.setting, draft.world, cwd=draft.inv.cwd)
    own = L.HOME in resource.labels and L.GUARD not in resource.labels
    folders = (posixpath.join(draft.setting.home, name) for name in (".ssh", ".gnupg", ".aws", ".kube"))
    return own and (resource.kind is Kind.SECRET or path in folders)


def _moded(draft: Draft, value: Word, mode: str, *, deep: bool = False, unknown: bool = False) -> None:
    """A file gets this mode."""
    writable, special = opens(mode)
    if not deep and _CLOSES.fullmatch(mode) and _key(draft, value):
        return  # ssh and gpg refuse a key that others can read: this is what they ask for
    draft.file(
        Verb.CONFIGURE,
        value,
        everything=deep,
        note="sets the setuid or setgid bit" if special else "anybody may write" if writable else "",
        labels=(*((L.PRIVILEGED,) if special else ()), *((L.OPENED,) if writable or unknown else ())),
        directory=True if deep else None,
    )


def chown(draft: Draft) -> None:
    """chown and chgrp: a whole tree that gets another owner is given away."""
    deep = draft.has("recursive")
    for value in draft.values("file"):
        draft.file(
            Verb.CONFIGURE,
            value,
            everything=deep,
            labels=(L.OPENED,) if deep else (),
            directory=True if deep else None,
        )


def dd(draft: Draft) -> None:
    """dd: `if=` is read, `of=` is overwritten from its start."""
    for operand in draft.said.operands:
        text = operand.text if operand.text is not None else operand.prefix
        name, _, value = text.partition("=")
        if operand.text is None:
            target = Word(None, operand.source, operand.span, value, operand.taint)
        else:
            target = Word(value, value, operand.span, value)
        if name == "if":
            draft.file(Verb.READ, target)
    for operand in draft.said.operands:
        text = operand.text if operand.text is not None else operand.prefix
        if text.startswith("of="):
            known = operand.text is not None
            target = Word(
                text[3:] if known else None, operand.source if not known else text[3:], operand.span, text[3:]
            )
            sources = [(w.text or "").removeprefix("if=") for w in draft.said.operands if (w.text or "")[:3] == "if="]
            nothing = not sources and draft.inv.stdin.present and draft.inv.stdin.text == ""
            if nothing or "/dev/null" in sources or (not _NOISE.isdisjoint(sources) and _precious(target)):
                emptied(draft, target)
            else:
                draft.file(Verb.OVERWRITE, target, taint=draft.flow)


def rsync(draft: Draft) -> None:
    """rsync: local to local copies, to a host sends, from a host fetches; --delete empties what the source lacks."""
    shell = draft.said.value("rsh")
    if shell is not None and (
        shell.text is None or not re.match(r"^ssh( |$)(?!.*(ProxyCommand|LocalCommand))", shell.text)
    ):
        draft.shell_words([shell])
    if draft.has("dry"):
        return
    target = draft.said.value("to")
    sources = draft.values("from")
    for source in sources:
        if is_remote(source.text):
            draft.host(Verb.FETCH, remote_host(source.text or ""))
        else:
            draft.file(Verb.READ, source)
            if draft.has("remove"):
                draft.file(Verb.DELETE, source, everything=True)
    if target is None:
        return
    deletes = draft.has("delete", "delete-before")
    if is_remote(target.text):
        draft.host(Verb.SEND, remote_host(target.text or ""), taint=draft.flow)
        if deletes:
            draft.add(
                Verb.DELETE,
                Kind.DIRECTORY,
                target.text or "",
                labels=(L.REMOTE,),
                env=draft.effects[-1].environment,
                note="everything there that the source does not have",
            )
        return
    wide = Word(target.text, target.source, target.span, target.prefix, target.taint, True, target.glob)
    draft.file(Verb.WRITE, wide, directory=True if (target.text or "").endswith("/") else None, taint=draft.flow)
    if deletes:
        draft.file(
            Verb.DELETE, target, directory=True, everything=True, note="everything there that the source does not have"
        )
