"""What a page carries and gets back as it was: names that agents choose, through what shows every character. Pure.

Whatever a page prints is made visible first (`render`), so a name with characters that do not show, or with a thousand
equal ones, would come back from a field or a link as the text that stands in its place, and be another name. Here it
travels in characters that are shown as they are: `%` and two digits for each byte of UTF-8, as addresses have it.

    carried    the value of a hidden field; `meant` is its inverse
    address    the query of a link
    typed      a field that people see and may change: they see tokens, and what they send back is what these stand for
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes, urlencode

from interlock.model.errors import AgentError
from interlock.model.visible import original, visible

_READABLE = frozenset(range(0x21, 0x7F)) - frozenset(b"%&<>\"'")  # the rest has a meaning of its own in a page
AS_SHOWN = "as-shown"  # the field that says: the others come from a page, which showed them
_LONGEST = 16_000  # characters; as the longest field of a page


def carried(text: str) -> str:
    """A text as a hidden field holds it. What is printable ASCII stays readable where it is shown as it is."""
    written = "".join(chr(byte) if byte in _READABLE else f"%{byte:02X}" for byte in _bytes(text))
    return written if visible(written) == written else _each(text)


def meant(field: str) -> str:
    """The text that `carried` was given. Raises AgentError for what is none."""
    try:
        return unquote_to_bytes(field).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise AgentError("the form holds a name that is no text.") from None


def address(query: Mapping[str, str | int]) -> str:
    """A query that a page shows as it is, and a link therefore keeps."""
    written = urlencode(query, errors="surrogatepass")
    if visible(written) == written:
        return written
    return "&".join(f"{_each(name)}={_each(str(value))}" for name, value in query.items())


def typed(query: Mapping[str, str], name: str) -> str:
    """What a person means by a field of an address: of one that a page showed them, what its tokens stand for."""
    said = query.get(name, "")
    return original(said.replace("\r\n", "\n"), longest=_LONGEST) if AS_SHOWN in query else said


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _each(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in _bytes(text))
