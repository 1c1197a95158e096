"""Whether an address is only an ordinary page of the public internet, asked for by name.

To fetch such a page is what every visitor does. Its danger lies in its content being run or obeyed, which taint tracks,
and in the address carrying something away, which is judged here: a name or a query that is long or looks random, a
credential, or a path that asks for something to be done is no ordinary page. See `docs/decisions/0010`.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlsplit

from interlock.effects import hosts
from interlock.effects.redact import has_secret
from interlock.model import labels

MAX_ADDRESS = 512  # characters; addresses that people read are shorter
MAX_QUERY = 240
MAX_NAME = 100  # of a host; a name that carries data is longer
_ORDINARY_PORTS = frozenset({"", "80", "443"})
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,38}[a-z0-9_])?")
_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_TOP = re.compile(r"[a-z]{2,24}")
_PIECES = re.compile(r"[/&=?;,+\s._~:%@!*'()\[\]{}|$#-]+")
_HEX = re.compile(r"[0-9a-f]{16,}", re.IGNORECASE)
_DIGESTS = frozenset({32, 40, 64})  # the lengths of MD5, SHA-1 and SHA-256: versions are named so in paths
_LOCAL = frozenset({labels.PRIVATE, labels.METADATA, labels.DUBIOUS, labels.LOOPBACK})


def plain_page(address: str) -> bool:
    """Whether a plain GET of `address` is no more than a visit to a public page."""
    return not why_not_plain(address)


@lru_cache(maxsize=1_024)
def why_not_plain(address: str) -> str:
    """Why an address is not an ordinary public page; "" when it is one."""
    text = address.strip()
    if len(text) > MAX_ADDRESS:
        return "the address is too long to be read as one"
    scheme, marked, rest = text.partition("://")
    if not marked:
        scheme, rest = "http", text
    if scheme.casefold() not in ("http", "https"):
        return "it is no address of the web"
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if "@" in authority:
        return "the address carries a user's name"
    split = hosts.split_host(text)
    near = split is not None and near_name(split[0])
    if split is None or (split[1] not in _ORDINARY_PORTS and not near):
        return "the address names a port of its own, or no host"
    if not near and not plain_name(split[0]):
        return "the host has no ordinary name"
    try:
        parts = urlsplit(f"http://{rest}")
    except ValueError:
        return "the address cannot be taken apart"
    if _acts(split[0], parts.path, parts.query):
        return "the address asks for something to be done"
    return _carried(text, parts.path, parts.query)


def near_name(host: str) -> bool:
    """Whether `host` is a number of a private network, or the machine that a container runs on.

    What is asked for there stays in the house, on any port: the next container, the test server in the rack. A name
    of a private network may be a service with rights of its own, and stays a question.
    """
    name = host.rstrip(".").casefold()
    address = hosts.address_of(name)
    if address is None:
        return name in hosts.packaged().words["engine_hosts"]
    return any(address in network for network in _PRIVATE if network.version == address.version)


def plain_name(host: str) -> bool:
    """Whether `host` is an ordinary name of the public internet: dotted, readable, in no doubtful class."""
    name = host.rstrip(".").casefold()
    if len(name) > MAX_NAME or hosts.address_of(name) is not None:
        return False
    if _LOCAL & set(hosts.labels_of(name)):
        return False
    parts = name.split(".")
    words = hosts.packaged().words
    if any(name.endswith("." + suffix) for suffix in hosts.packaged().embedding):
        return False  # an address that is spelled as a name
    if len(parts) < 2 or not _TOP.fullmatch(parts[-1]) or parts[-1] in words["reserved"]:
        return False
    if any(not _LABEL.fullmatch(part) or part.startswith("xn--") or random_piece(part) for part in parts):
        return False
    return not words["hostile"].intersection(re.split(r"[._-]", name))


def random_piece(piece: str, *, in_path: bool = False) -> bool:
    """Whether one piece of a name, a path or a query looks like data and not like words."""
    if _HEX.fullmatch(piece) and any(c.isdigit() for c in piece):
        named = (piece.isdigit() and len(piece) <= 20) or (in_path and len(piece) in _DIGESTS)
        return not named
    if len(piece) < 24:
        return False
    digits = sum(c.isdigit() for c in piece)
    turns = len(re.findall(r"[a-z][A-Z]|[A-Za-z][0-9]|[0-9][A-Za-z]", piece))
    return len(piece) > 48 or (digits >= 3 and digits < len(piece)) or turns > len(piece) / 6


def _acts(host: str, path: str, query: str) -> bool:
    """`/users/5/delete`, `/job/x/doDelete`, `?action=delete`: a GET that acts. Documentation may be named so."""
    words = hosts.packaged().words
    pieces = [piece.casefold() for piece in unquote(path).split("/") if piece]
    about = words["documentation"].intersection([*pieces, *host.split(".")])
    if pieces and words["acting"] & {pieces[-1], pieces[-1].partition(".")[0]} and not about:  # `/reboot.cgi`
        return True
    return any(
        name.casefold() in words["acting_parameters"] and _grave(value, words["acting"])
        for name, value in parse_qsl(query, keep_blank_values=True)
    )


def _grave(value: str, acting: frozenset[str]) -> bool:
    first = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", value)[:1]
    return value.casefold() in acting or bool(first and first[0].casefold() in acting)


def _carried(address: str, path: str, query: str) -> str:
    """What the address would carry to the host besides the name of a page."""
    names = {name.casefold() for name, _ in parse_qsl(query, keep_blank_values=True)}
    if names & hosts.packaged().words["credential_parameters"] or has_secret(address) or has_secret(unquote(address)):
        return "the address carries something that looks like a credential"
    if len(query) > MAX_QUERY:
        return f"the query is {len(query)} characters long"
    if any(random_piece(piece) for piece in _PIECES.split(unquote(query))):
        return "the query carries something that looks random"
    if any(random_piece(piece, in_path=True) for piece in _PIECES.split(unquote(path))):
        return "the path carries something that looks random"
    return ""
