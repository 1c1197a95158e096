"""What a file is by its own bytes, whatever its name says. Pure.

Names are the change's word; the first bytes are what a program that opens the file goes by. What is looked for is what
carries other things or runs, and the few forms that only show or sound.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Form(NamedTuple):
    """What a file is: `sort` is `archive`, `program`, `document`, `text`, `pointer`, or what it shows (`media`)."""

    sort: str
    name: str
    more: str = ""  # what stands beside it in the same file


_AT_START: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "archive", "a zip archive"), (b"PK\x05\x06", "archive", "a zip archive"),
    (b"PK\x07\x08", "archive", "a zip archive"), (b"\x1f\x8b", "archive", "a gzip archive"),
    (b"\x1f\x9d", "archive", "a compressed file"), (b"BZh", "archive", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "archive", "an xz archive"), (b"]\0\0", "archive", "an lzma archive"),
    (b"(\xb5/\xfd", "archive", "a zstd archive"), (b"\x04\"M\x18", "archive", "an lz4 archive"),
    (b"7z\xbc\xaf'\x1c", "archive", "a 7z archive"), (b"Rar!\x1a\x07", "archive", "a rar archive"),
    (b"MSCF\0\0\0\0", "archive", "a cab archive"), (b"!<arch>\n", "archive", "an ar archive"),
    (b"xar!", "archive", "a xar archive"), (b"\xed\xab\xee\xdb", "archive", "an rpm package"),
    (b"hsqs", "archive", "a squashfs image"), (b"070701", "archive", "a cpio archive"),
    (b"\x7fELF", "program", "an ELF program"), (b"MZ", "program", "a Windows program"),
    (b"\0asm", "program", "a WebAssembly program"), (b"dex\n", "program", "an Android program"),
    (b"\xfe\xed\xfa\xce", "program", "a macOS program"), (b"\xfe\xed\xfa\xcf", "program", "a macOS program"),
    (b"\xce\xfa\xed\xfe", "program", "a macOS program"), (b"\xcf\xfa\xed\xfe", "program", "a macOS program"),
    (b"\xca\xfe\xba\xbe", "program", "compiled Java, or a macOS program"), (b"\x1bLua", "program", "compiled Lua"),
    (b"L\0\0\0\x01\x14\x02\0", "program", "a Windows shortcut"), (b"BC\xc0\xde", "program", "LLVM bitcode"),
    (b"%PDF-", "document", "a PDF document"), (b"{\\rtf", "document", "an RTF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "document", "an Office document"),
    (b"SQLite format 3\0", "document", "a database"),
    (b"\x89PNG\r\n\x1a\n", "media", "a picture"), (b"\xff\xd8\xff", "media", "a picture"),
    (b"GIF87a", "media", "a picture"), (b"GIF89a", "media", "a picture"), (b"\0\0\x01\0", "media", "a picture"),
    (b"\0\0\x02\0", "media", "a picture"), (b"BM", "media", "a picture"), (b"II*\0", "media", "a picture"),
    (b"MM\0*", "media", "a picture"), (b"\xff\n", "media", "a picture"), (b"\0\0\0\x0cJXL ", "media", "a picture"),
    (b"8BPS", "media", "a picture"), (b"icns", "media", "a picture"), (b"\0\0\0\x0cjP  ", "media", "a picture"),
    (b"wOFF", "media", "a font"), (b"wOF2", "media", "a font"), (b"OTTO", "media", "a font"),
    (b"\0\x01\0\0", "media", "a font"), (b"true\0", "media", "a font"), (b"ttcf", "media", "a font"),
    (b"ID3", "media", "sound"), (b"fLaC", "media", "sound"), (b"OggS", "media", "sound or film"),
    (b"\xff\xfb", "media", "sound"), (b"\xff\xf3", "media", "sound"), (b"\x1aE\xdf\xa3", "media", "a film"),
)  # fmt: skip
_RIFF = {b"WEBP": "a picture", b"WAVE": "sound", b"AVI ": "a film"}
_PICKLE = re.compile(rb"\x80[\x02-\x05].*\.\Z", re.DOTALL)
_PYC = re.compile(rb"..\r\n[\0-\x03]\0\0\0", re.DOTALL)
_BOMS = ((b"\xff\xfe", "UTF-16 or UTF-32"), (b"\xfe\xff", "UTF-16"), (b"\0\0\xfe\xff", "UTF-32"))
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_POINTER = b"version https://git-lfs.github.com/spec/"
_ZIP_END = 22  # bytes of a zip's last record without its comment, which has at most 65,535


def form(data: bytes) -> Form | None:
    """What these bytes are; None where they are plain text, or nothing that is known. Total."""
    if data.startswith(_POINTER) and len(data) < 1_024:
        return Form("pointer", "a pointer to content that is kept elsewhere (Git LFS)")
    found = _first(data)
    if found is None or found.sort in ("media", "document"):
        more = _beside(data, found)
        if more and found is None:
            return Form("archive", more)
        return found and found._replace(more=more)
    return found


def _first(data: bytes) -> Form | None:
    if data[:2] in (b"BM", b"MZ") and b"\0" not in data[:64]:
        data = data[2:]  # a word that begins with these letters
    for start, sort, name in _AT_START:
        if data.startswith(start):
            return Form(sort, name)
    for mark, name in _BOMS:
        if data.startswith(mark):
            return Form("text", name)
    return _further_on(data)


def _further_on(data: bytes) -> Form | None:
    """What is known by other places than the first bytes."""
    if data[:4] == b"RIFF" and data[8:12] in _RIFF:
        return Form("media", _RIFF[data[8:12]])
    if data[4:8] == b"ftyp":
        return Form("media", "a picture or film")
    if data[257:262] == b"ustar":
        return Form("archive", "a tar archive")
    if data[0x8001:0x8006] == b"CD001":
        return Form("archive", "an image of a disc")
    if data[34:36] == b"LP" and int.from_bytes(data[:4], "little") == len(data):
        return Form("media", "a font")
    if _PYC.match(data[:8]):
        return Form("program", "compiled Python")
    return Form("program", "a pickle, which runs what it names") if _PICKLE.match(data) else None


def _beside(data: bytes, found: Form | None) -> str:
    """What else is in a file that is a picture or a document at its start."""
    if _zip_ends(data):
        return "a zip archive"
    if data.startswith(b"\x89PNG"):
        end = data.rfind(_PNG_END)
        if end < 0 or end + len(_PNG_END) != len(data):
            return "more after the picture's end"
    if (found is None or found.sort == "media") and b"%PDF-" in data[1:1_024]:
        return "a PDF document"
    return ""


def _zip_ends(data: bytes) -> bool:
    """Whether a zip's directory is at the end: readers of zip look there, whatever the file begins with."""
    at = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_535 - _ZIP_END))
    if at < 0 or at + _ZIP_END > len(data):
        return False
    size = int.from_bytes(data[at + 12 : at + 16], "little")
    return size <= at and (size == 0 or data[at - size : at - size + 4] == b"PK\x01\x02")
