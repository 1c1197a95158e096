"""Readers for archives: what is packed, where it is unpacked, and the options that run a command."""

from __future__ import annotations

import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.files import is_remote, remote_host
from interlock.effects.catalogue.words import word_list
from interlock.effects.invocation import Word
from interlock.model.effect import Reversibility, Verb

_KEPT = "its content stays in the archive"


def gzip(draft: Draft) -> None:
    """gzip and kin replace a file by its compressed form, and the other way round."""
    if draft.has("only") or draft.has("stdout"):
        for value in draft.values("file"):
            draft.file(Verb.READ, value)
        return
    if draft.has("trains"):
        return
    opening = draft.has("decompress") or draft.command.startswith(("un", "gunzip", "bunzip2"))
    if draft.has("recursive"):
        for value in draft.values("file"):
            draft.file(Verb.READ, value)
            draft.file(
                Verb.DELETE,
                value,
                directory=True,
                everything=True,
                undo=Reversibility.RECOVERABLE,
                note="each file below is replaced by its other form",
            )
        return
    for value in draft.values("file"):
        if value.text == "-":
            continue
        draft.file(Verb.READ, value)
        if value.text is None or value.glob:
            draft.file(Verb.WRITE, value)
            continue
        plain = re.sub(r"\.(gz|bz2|xz|lzma|zst|lz4|Z|br|lz)$", "", value.text)
        made = plain if opening else value.text + _ENDINGS.get(draft.command, ".gz")
        if not draft.has("output"):
            draft.file(Verb.WRITE, Word(made, made, value.span, made))
        keeps = draft.has("keep") or (draft.command in _KEEPING and not draft.has("removes"))
        if not keeps:
            draft.file(Verb.DELETE, value, undo=Reversibility.RECOVERABLE, note="its content stays in the other form")


_KEEPING = frozenset({"zstd", "unzstd", "zstdmt", "lz4", "unlz4", "brotli", "lzop"})
_ENDINGS = {
    "bzip2": ".bz2",
    "pbzip2": ".bz2",
    "xz": ".xz",
    "lzma": ".lzma",
    "zstd": ".zst",
    "lz4": ".lz4",
    "brotli": ".br",
    "compress": ".Z",
    "lzip": ".lz",
}
_COMPRESSORS = word_list("compressors")


def tar(draft: Draft) -> None:
    """tar: packs, unpacks or lists; four options run commands."""
    _tar_programs(draft)
    archive = draft.said.value("file")
    remote = archive is not None and is_remote(archive.text) and not draft.has("force-local")
    members = draft.values("member")
    base = draft.said.value("directory")
    if draft.has("create"):
        for value in draft.values("list"):
            if value.text == "-":
                members = [*members, *draft.inv.stdin.listed]
            if value.text in ("-", None):
                continue
            path = draft.path(value)
            names = draft.content(path) if path is not None else None
            if names is None:
                draft.opaque("which files are packed is not known", value.source)
            members = [*members, *(Word(n, n, value.span, n) for n in (names or "").splitlines()[:256] if n)]
        for member in members:
            draft.file(Verb.READ, _under(base, member))
            if draft.has("remove-files"):
                lost = archive is not None and (archive.text or "").startswith("/dev/")
                draft.file(
                    Verb.DELETE, _under(base, member), everything=True,
                    undo=Reversibility.IRREVERSIBLE if lost else Reversibility.RECOVERABLE,
                    note="its content goes to a device" if lost else "its content stays in the archive",
                )  # fmt: skip
        _tar_out(draft, archive, remote=remote)
    elif draft.has("extract", "list", "delete") and archive is not None and archive.text != "-" and not remote:
        draft.file(Verb.READ, archive)
    if draft.has("extract"):
        _unpacked(draft, base)
    if draft.has("delete") and archive is not None:
        draft.file(Verb.WRITE, archive)


def _unpacked(draft: Draft, base: Word | None) -> None:
    """What is unpacked lands under the directory, unless names are absolute or made by an expression."""
    for value in draft.values("transform"):
        if value.text is None or re.search(r"[,|/#!;]/|\.\./", value.text[1:]):
            draft.file(Verb.WRITE, Word(None, "(names that an expression makes)"))
    if draft.has("to-command", "stdout"):
        return
    draft.file(Verb.WRITE, members_of(base or Word(".", ".", (0, 0), ".")))
    if draft.has("absolute-names"):
        draft.file(Verb.WRITE, Word(None, "(absolute names in the archive)"))


def _tar_programs(draft: Draft) -> None:
    """Checkpoint actions and compressors are commands; `--to-command` and its kin are by their role."""
    for value in draft.values("action"):
        text = value.text
        if text is None:
            draft.opaque("a checkpoint action that is not known", value.source)
        elif text.startswith("exec="):
            draft.shell(text[5:])
    program = draft.said.value("use-compress-program")
    if program is not None and (program.text or "").split(" ", maxsplit=1)[0] not in _COMPRESSORS:
        draft.shell_words([program])


def members_of(directory: Word) -> Word:
    """The word for whatever an archive puts into a directory."""
    if directory.text is None:
        return directory
    text = directory.text.rstrip("/") + "/(members)"
    return Word(text, text, directory.span, text, directory.taint, True, False)


def _tar_out(draft: Draft, archive: Word | None, *, remote: bool) -> None:
    if remote and archive is not None:
        draft.host(Verb.SEND, remote_host(archive.text or ""), taint=draft.flow)
    elif archive is not None and archive.text != "-":
        draft.file(Verb.WRITE, archive, taint=draft.flow)


def _under(base: Word | None, member: Word) -> Word:
    if base is None or base.text is None or member.text is None or member.text.startswith(("/", "~")):
        return member
    text = f"{base.text.rstrip('/')}/{member.text}"
    return Word(text, text, member.span, text, member.taint, member.many, member.glob)
