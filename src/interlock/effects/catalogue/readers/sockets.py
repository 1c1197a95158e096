"""netcat, socat, telnet, name lookups: bytes both ways, and names that can carry data away."""

from __future__ import annotations

import re

from interlock.effects import hosts
from interlock.effects.catalogue.draft import Draft
from interlock.effects.invocation import Word
from interlock.effects.pages import plain_name
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Kind, Verb


def _url(value: Word) -> str:
    return value.text if value.text is not None else (value.prefix or value.source or "?")


def netcat(draft: Draft) -> None:
    """netcat, telnet, socat: bytes both ways; -e and EXEC: hand them to a program."""
    words = list(draft.said.operands)
    if draft.command == "socat":
        _socat(draft, words)
        return
    names = [_url(w) for w in words]
    if draft.has("listen"):
        draft.host(Verb.PUBLISH, "localhost", note="listens for anybody who connects")
        return
    if not names:
        return
    if draft.has("unix"):
        _service(draft, names[0])
        return
    for proxy in draft.values("proxy"):
        draft.host(Verb.SEND, _url(proxy), taint=draft.flow, note="through a proxy")
    name = f"{names[0]}:{names[-1]}" if len(names) > 1 and names[-1].isdigit() else names[0]
    if not draft.has("scan"):
        draft.host(Verb.SEND, name, taint=draft.flow)
        return
    one = len(names) == 2 and names[-1].isdigit() and _constant(words[0]) and plain_name(names[0])
    draft.host(Verb.FETCH, name, labels=(L.PUBLIC,) if one else ())


def _constant(value: Word) -> bool:
    return value.text is not None and not value.taint


def _socat(draft: Draft, words: list[Word]) -> None:
    for value in words:
        text = _url(value)
        kind, _, rest = text.partition(":")
        kind = kind.upper()
        if kind in ("EXEC", "SYSTEM", "SHELL"):
            draft.shell(rest.split(",")[0].strip("'\""))
        elif kind.startswith(("TCP", "UDP", "OPENSSL", "SSL", "SCTP", "SOCKS", "PROXY")) and "LISTEN" not in kind:
            draft.host(Verb.SEND, rest.split(",")[0], taint=draft.flow)
        elif kind in ("FILE", "OPEN", "CREATE", "GOPEN"):
            path = rest.split(",")[0]
            draft.file(Verb.WRITE if kind == "CREATE" else Verb.READ, Word(path, path, value.span, path))
        elif kind.startswith(("UNIX", "ABSTRACT")) and "LISTEN" not in kind:
            _service(draft, text)
        elif text.startswith(("/", "./", "~/")):
            if re.search(r"\.(sock|socket|ctl|stats)\b|^(/var)?/run/", text):
                _service(draft, text)
            else:
                draft.file(Verb.WRITE, Word(text, text, value.span, text), taint=draft.flow)
        elif "LISTEN" in kind and not kind.startswith(("UNIX", "ABSTRACT")):
            draft.host(Verb.PUBLISH, "localhost", note="listens for anybody who connects")


def _service(draft: Draft, name: str) -> None:
    """What a service is told through its socket; one that is only asked (`show stat`) tells and does nothing."""
    said = draft.inv.stdin.text
    lines = [line.strip() for line in re.split(r"[;\n]", said) if line.strip()] if said else []
    if not lines or not all(re.match(r"(show|help|get|status|version)\b", line) for line in lines):
        draft.opaque("speaks to a local service through its socket", name)


_RECORDS = frozenset(
    {
        "A",
        "AAAA",
        "ANY",
        "CAA",
        "CNAME",
        "DNSKEY",
        "DS",
        "HTTPS",
        "IN",
        "MX",
        "NAPTR",
        "NS",
        "PTR",
        "SOA",
        "SRV",
        "SVCB",
        "TXT",
    }
)


def lookup(draft: Draft) -> None:
    """Names are asked of the network: an unknown part of a name can carry data away."""
    servers = [v.text or v.prefix or "?" for v in draft.values("server")]
    names: list[Word] = []
    for value in draft.said.operands:
        text = value.text
        if text is not None and text.startswith("@"):
            servers.append(text[1:])
        elif text is None or not (text.startswith("+") or text.upper() in _RECORDS):
            names.append(value)
    if draft.command in ("nslookup", "host") and len(names) > 1:
        servers.append(_url(names.pop()))
    names += draft.values("queried")
    known = hosts.packaged().words["resolvers"]
    for server in servers:
        draft.host(Verb.FETCH, server, labels=(L.PUBLIC,) if server in known or plain_name(server) else ())
    for value in names:
        _asked(draft, value)
    for value in draft.values("pattern"):
        if value.text is None or value.taint or len(value.text) > 4:
            target = _url(names[0]) if names else "?"
            draft.host(Verb.SEND, target, taint={*value.taint, L.FROM_UNKNOWN}, note="data in the packets")


def _asked(draft: Draft, value: Word) -> None:
    text = value.text
    carries = set(value.taint) - {L.FROM_ENVIRONMENT}
    if text is None and value.source and "." in value.source:
        draft.host(Verb.SEND, value.source, taint=carries | {L.FROM_UNKNOWN}, note="data in a name that is looked up")
        return
    address = hosts.address_of(text) if text else None
    fine = text is not None and not value.taint and (address is not None or _looks_named(text))
    draft.host(Verb.FETCH, text or value.source or "?", taint=carries, labels=(L.PUBLIC,) if fine else ())


def _looks_named(text: str) -> bool:
    """A name that people use, also one of a private network: to ask for it tells nobody anything."""
    name = text.rstrip(".").casefold()
    if plain_name(name) or L.PRIVATE in hosts.labels_of(name) or re.fullmatch(r"[a-z][a-z0-9-]{0,14}", name):
        return True
    return name.endswith((".in-addr.arpa", ".ip6.arpa")) or (name.startswith("as") and name[2:].isdigit())


_KEY_ACTIONS = frozenset({"rsa", "pkey", "ec", "dsa", "pkcs8", "pkcs12"})
_PUBLIC_ONLY = frozenset({"-pubout", "-pubin", "-nokeys", "-check", "-modulus"})


def openssl(draft: Draft) -> None:
    """openssl: s_client talks, -out writes, -in reads; the rest computes."""
    words = list(draft.inv.words[1:])
    action = words[0].text if words else ""
    options = {w.text or "" for w in words}
    used = action in ("x509", "req", "verify", "crl", "s_client") or (
        action in _KEY_ACTIONS and not _prints_a_key(action, options) and bool(options & _PUBLIC_ONLY)
    )
    for index, value in enumerate(words[:-1]):
        after = words[index + 1]
        if value.text in ("-connect", "-host") and action != "s_server":
            _talks(draft, after)
        elif value.text in ("-out", "-keyout", "-writerand", "-CAserial", "-crl_out", "-sess_out", "-keylogfile"):
            draft.file(Verb.WRITE, after, taint=draft.flow)
        elif value.text in ("-inkey", "-key", "-CAkey", "-CA", "-sign", "-certfile") or (value.text == "-in" and used):
            draft.listing(after)  # the key does its work and does not come out
        elif value.text in ("-in", "-config", "-kfile"):
            draft.file(Verb.READ, after)
        elif value.text in ("-engine", "-provider", "-provider-path", "-provider_path"):
            draft.opaque("openssl loads a library")
        elif value.text == "-proxy":
            draft.host(Verb.SEND, _url(after), note="through a proxy")
        elif value.text in ("-passin", "-pass", "-passout", "-k") and (after.text or "").startswith("file:"):
            draft.file(Verb.READ, Word(after.text[5:] if after.text else "?", "", after.span))
    _opens(draft, action or "", words[1:])
    if _prints_a_key(action or "", options):
        draft.add(Verb.READ, Kind.SECRET, "private key", labels=(L.SECRET,), note="openssl prints a private key")
        draft.output_taint = {L.FROM_SECRET}


def _opens(draft: Draft, action: str, words: list[Word]) -> None:
    """Actions that load a library by its path, or wait for anybody."""
    if action == "engine" and any("/" in (w.text or "/") for w in words):
        draft.opaque("openssl loads a library")
    elif action == "s_server":
        draft.host(Verb.FETCH, "localhost", note="listens for anybody")
        if any(w.text in ("-WWW", "-HTTP", "-www") for w in words):
            draft.opaque("openssl serves the files of this directory")


def _prints_a_key(action: str, options: set[str]) -> bool:
    """`openssl rsa -in key` writes the private key out, unless it was asked for the public part or for nothing."""
    if action not in _KEY_ACTIONS or "-in" not in options:
        return False
    if "-out" in options or options & _PUBLIC_ONLY:
        return False
    return "-noout" not in options or "-text" in options


def _talks(draft: Draft, target: Word) -> None:
    """s_client: without anything to say it only shows a certificate."""
    stdin = draft.inv.stdin
    quiet = (not stdin.present or (stdin.text is not None and stdin.text.strip() in ("", "Q"))) or (
        stdin.path is not None and stdin.path.text == "/dev/null"
    )
    if not quiet:
        draft.host(Verb.SEND, _url(target), taint=draft.flow)
        return
    host = (hosts.split_host(_url(target)) or ("", ""))[0]
    fine = target.text is not None and not target.taint and plain_name(host) and stdin.present
    draft.host(Verb.FETCH if fine else Verb.SEND, _url(target), labels=(L.PUBLIC,) if fine else ())
