"""What a host is: this machine, a private network, a cloud's metadata service, a place the user named, or the world.

An address has many spellings (`2130706433`, `0x7f.1`, `0177.0.0.1`, `[::ffff:127.0.0.1]`); programs understand
them all, so this does too. A name that is not an address is never looked up here.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
import unicodedata
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

from interlock.model import labels
from interlock.model.effect import Environment, Kind, Resource
from interlock.model.errors import CatalogueError
from interlock.model.labels import RESOURCE_LABELS
from interlock.model.world import Setting

MAX_HOST = 8_192
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:(?=//|\\\\|/)")
_SCP = re.compile(r"^(?:[^@/\s]+@)?(\[[0-9A-Fa-f:.]+\]|[^:/@\s\[\]]+):(?!//)(?!\d+(?:/|$))")
_PORT = re.compile(r"^(.*?)(?::(\d{0,5}))?$", re.DOTALL)
_EMBEDDED = re.compile(r"(?:^|[.-])(?:(\d{1,3}(?:[.-]\d{1,3}){3})|([0-9a-f]{8}))$")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443", "ssh": "22", "git": "9418", "ftp": "21"}


class HostRules(NamedTuple):
    """`exact` names and `below` suffixes, each to its label; `embedding`: suffixes of names that spell an address.

    `words`: the lists by which `interlock.effects.pages` judges an address.
    """

    exact: dict[str, str]
    below: dict[str, str]
    embedding: tuple[str, ...]
    words: dict[str, frozenset[str]]


def host_resource(host_or_url: str, setting: Setting) -> Resource:
    """The host that a URL, `host:port`, `user@host:path` or bare name talks to.

    The name is `host` or `host:port` (the port only when it is not the scheme's own), in lower case, an address in its
    usual spelling. A text that names no host keeps its own form and gets no label. Never raises.
    """
    name, labelled = _host(host_or_url[:MAX_HOST], setting.known_hosts)
    return Resource(Kind.HOST, name, labelled)


def labels_of(host: str) -> tuple[str, ...]:
    """The facts that the packaged lists and its address give of a host, without the user's own names."""
    return _host(host[:MAX_HOST], ())[1]


def host_environment(resource: Resource, setting: Setting) -> Environment:
    """Whose world a host belongs to: the user's map, then the machine itself, then hints in the name."""
    from interlock.effects.environments import hinted, mapped

    bare = bare_name(resource)
    found = mapped("host", bare, setting) or mapped("host", resource.name, setting)
    if found is not None:
        return found
    if labels.LOOPBACK in resource.labels:
        return Environment.MACHINE
    return hinted("host", bare)


def bare_name(resource: Resource) -> str:
    """The host's name without its port."""
    name = resource.name
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0] if name.count(":") == 1 else name


@lru_cache(maxsize=4_096)
def _host(text: str, known: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    split = split_host(text)
    if split is None:
        return text, ()
    host, port = split
    address = address_of(host)
    found: set[str] = set()
    if address is not None:
        host = str(address)
        found.update(_address_labels(address))
        found.update(_named(host))
    else:
        host = host.rstrip(".")
        found.update(_named(host))
        inner = _embedded(host)
        if inner is not None:
            found.update(_address_labels(inner) | _named(str(inner)))
    if any(fnmatchcase(host, g.casefold()) or fnmatchcase(f"{host}:{port}", g.casefold()) for g in known):
        found.add(labels.KNOWN)
    shown = f"[{host}]" if ":" in host and port else host
    return (f"{shown}:{port}" if port else shown), tuple(sorted(found))


def split_host(text: str) -> tuple[str, str] | None:
    """(host, port or "") of a URL or host text, in lower case; None when it names none, or hides control characters."""
    text = text.strip()
    if not text or _CONTROL.search(text):
        return None
    scheme = ""
    match = _SCHEME.match(text)
    if match:
        scheme = match[0][:-1].casefold()
        rest = text[match.end() :].lstrip("/\\")
    elif ":" in text and address_of(text) is not None:
        return _clean(text), ""
    elif scp := _SCP.match(text):
        return _clean(scp[1]), ""
    else:
        rest = text.removeprefix("//")
    authority = re.split(r"[/\\?#]", rest, maxsplit=1)[0]
    authority = authority.rpartition("@")[2]  # the part before the last @ is a user, whatever it looks like
    if authority.startswith("["):
        inner, closed, after = authority[1:].partition("]")
        port = after.removeprefix(":")
        if not closed or (after and not port.isdecimal()):
            return None
        return _clean(inner), "" if port == _DEFAULT_PORTS.get(scheme) else port
    if authority.count(":") > 1:  # a bare IPv6 address
        return (_clean(authority), "") if address_of(authority) is not None else None
    match = _PORT.match(authority)
    host, port = (match[1], match[2] or "") if match else (authority, "")
    if not host or (":" in host):
        return None
    return _clean(host), "" if port == _DEFAULT_PORTS.get(scheme) else port


def _clean(host: str) -> str:
    """Percent signs and full-width letters opened, as URL parsers do before they look a name up."""
    if "%" in host and ":" not in host:
        host = re.sub(r"%([0-9A-Fa-f]{2})", lambda m: chr(int(m[1], 16)), host)
    if not host.isascii():
        host = unicodedata.normalize("NFKC", host).replace("\u3002", ".")
    return host.casefold()


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address_of(host: str) -> Address | None:
    """The address that `host` spells, in any form that C libraries take (`inet_aton`: octal, hexadecimal, short)."""
    text = host.rstrip(".").partition("%")[0]
    if ":" in text:
        try:
            return _unwrapped(ipaddress.IPv6Address(text))
        except ValueError:
            return None
    parts = text.split(".")
    if not 1 <= len(parts) <= 4 or not all(re.fullmatch(r"0[xX][0-9A-Fa-f]{0,12}|[0-9]{1,14}", p) for p in parts):
        return None
    try:
        numbers = [_number(p) for p in parts]
    except ValueError:
        return None
    last_limit = 1 << (8 * (5 - len(numbers)))
    if any(n > 255 for n in numbers[:-1]) or numbers[-1] >= last_limit:
        return None
    value = numbers[-1]
    for index, number in enumerate(numbers[:-1]):
        value |= number << (8 * (3 - index))
    return ipaddress.IPv4Address(value)


def _number(text: str) -> int:
    if text[:2] in ("0x", "0X"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if len(text) > 1 and text.startswith("0") else int(text)


def _unwrapped(address: ipaddress.IPv6Address) -> Address:
    """The IPv4 address inside a mapped, 6to4 or NAT64 one, for that is where the packet goes."""
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and int(address) >> 32 in (0x0064_FF9B << 64, 0):
        low = int(address) & 0xFFFF_FFFF
        inner = ipaddress.IPv4Address(low) if low > 1 else None
    return inner if inner is not None else address


def _address_labels(address: Address) -> set[str]:
    found: set[str] = set()
    if address.is_loopback or address.is_unspecified:
        found.add(labels.LOOPBACK)
    elif address.is_link_local or address.is_private or address in ipaddress.IPv4Network("100.64.0.0/10"):
        found.add(labels.PRIVATE)
    return found


def _embedded(host: str) -> Address | None:
    """The address in `10-0-0-1.nip.io`, `app.127.0.0.1.nip.io`, `7f000001.nip.io`; None for any other name."""
    suffix = next((s for s in packaged().embedding if host.endswith("." + s)), None)
    if suffix is None:
        return None
    match = _EMBEDDED.search(host.removesuffix("." + suffix))
    if match is None:
        return None
    return address_of(match[1].replace("-", ".") if match[1] else f"0x{match[2]}")


def _named(host: str) -> set[str]:
    rules = packaged()
    found = {rules.exact[host]} if host in rules.exact else set()
    tail = host
    while tail:
        if tail in rules.below:
            found.add(rules.below[tail])
        _, dot, tail = tail.partition(".")
        if not dot:
            break
    return found


def load(text: str) -> HostRules:
    """The lists in `text` (TOML, the format of `data/hosts.toml`).

    Raises:
        CatalogueError: not TOML, an unknown label, or a group without a reason.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"the list of hosts is not TOML: {error}") from error
    words = {name: frozenset(text.split()) for name, text in table.get("words", {}).items()}
    rules = HostRules({}, {}, tuple(table.get("embedding", ())), words)
    for group in table.get("group", ()):
        label = group.get("label")
        if label not in RESOURCE_LABELS or not group.get("why"):
            raise CatalogueError(f"hosts: the group {label!r} needs a known label and a why")
        for host in group.get("hosts", ()):
            (rules.below if host.startswith(".") else rules.exact)[host.lstrip(".")] = label
    return rules


@cache
def packaged() -> HostRules:
    """The lists that ship with Interlock, read once."""
    return load(resources.files("interlock.effects").joinpath("data/hosts.toml").read_text("utf-8"))
