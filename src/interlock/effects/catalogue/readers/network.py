"""curl, wget, ssh, scp, netcat and kin: which host, in which direction, and what goes with it."""

from __future__ import annotations

import posixpath
import re

import msgspec

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.files import is_remote, remote_host
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.environments import environment_of
from interlock.effects.hosts import host_environment, host_resource
from interlock.effects.invocation import Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import ALL, ONE, Effect, Kind, Reversibility, Verb

_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE", "MKCOL", "MOVE", "COPY", "PROPPATCH"})
_OPTION_RUNS = re.compile(r"^\s*(ProxyCommand|LocalCommand|KnownHostsCommand)[ =]+(.*)$", re.IGNORECASE)
_PORT_LESS = re.compile(r"^[a-z]+://")


def _url(value: Word) -> str:
    return value.text if value.text is not None else (value.prefix or value.source or "?")


def curl(draft: Draft) -> None:
    """curl: GET fetches, everything with a body or another method sends."""
    urls = [*draft.values("url")]
    if draft.values("config") and draft.text("config") != "/dev/null":
        draft.opaque("curl takes its options from a file", f"curl -K {_url(draft.values('config')[0])}")
    _curl_elsewhere(draft)
    body = _curl_body(draft)
    method = (draft.text("request") or "").upper()
    sending = body is not None or (method in _CHANGING) or draft.has("upload", "form", "mail", "quote")
    if draft.has("get", "head") and not draft.has("upload") and method not in _CHANGING:
        sending = body is not None and bool(body)
    if draft.has("netrc"):
        draft.file(Verb.READ, Word("~/.netrc", "~/.netrc", (0, 0), "~/.netrc"))
    taint = set(body or ())
    taint |= _curl_headers(draft, sending=sending)
    written = [*draft.values("output")]
    for url in urls:
        _one(draft, url, method, taint | set(url.taint), sending=sending)
        if draft.has("remote-name"):
            name = posixpath.basename((_url(url)).split("?")[0]) or "download"
            written.append(Word(name, name, (0, 0), name))
    for effect in range(len(draft.effects)):
        found = draft.effects[effect]
        if found.verb is Verb.WRITE and not found.taint:
            draft.effects[effect] = _tainted(found)
    for value in written[len(draft.values("output")) :]:
        draft.file(Verb.WRITE, value, taint=(L.FROM_NETWORK,))
    for proxy in draft.values("proxy"):
        draft.host(Verb.SEND, _url(proxy), taint=taint, note="through a proxy")
    draft.output_taint = {L.FROM_NETWORK} if urls else set()


def _curl_elsewhere(draft: Draft) -> None:
    """Options by which the address on the command line is not where the request goes, or not all that is written."""
    for value in draft.values("redirected"):
        if not re.search(r":(127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)(:\d*)?$", value.text or "?"):
            draft.opaque("curl connects elsewhere than the address says", value.source or "?")
    for value in draft.values("unix-socket"):
        draft.opaque("curl speaks to a local service through its socket", value.source or "?")
    for value in draft.values("write-out"):
        if value.text is None or "%output{" in value.text:
            draft.opaque("curl writes a file that its format names", value.source or "?")


def _curl_headers(draft: Draft, *, sending: bool) -> set[str]:
    """What goes along in headers and cookies, which may come from files."""
    taint: set[str] = set()
    for header in (*draft.values("header"), *draft.values("user"), *draft.values("cookie")):
        text = header.text or ""
        if text.startswith("@"):
            taint |= _read(draft, text[1:])
        elif header in draft.values("cookie") and text and "=" not in text:
            taint |= _read(draft, text)  # without `=` it is the name of a file
        taint |= {t for t in header.taint if sending or t in (L.FROM_NETWORK, L.FROM_SECRET)}
    return taint


def _tainted(effect: Effect) -> Effect:
    return msgspec.structs.replace(effect, taint=(L.FROM_NETWORK,))


def _one(draft: Draft, url: Word, method: str, taint: set[str], *, sending: bool) -> None:
    text = _url(url)
    if text.startswith("file:"):
        path = re.sub(r"^file:(//[^/]*)?", "", text)
        draft.file(Verb.READ, Word(path, path, url.span, path))
        return
    if re.match(r"^(gopher|dict|smb|telnet|ldap|tftp|rtsp|imap|pop3|smtp)s?://", text, re.IGNORECASE):
        draft.opaque("curl speaks another protocol than the web's", text)
    secretive = bool(taint & {L.FROM_SECRET})
    verb = Verb.SEND if sending or secretive else Verb.FETCH
    draft.host(verb, text, taint=taint if verb is Verb.SEND else set(url.taint))
    hosting = L.VCS_HOST in host_resource(text, draft.setting).labels
    if method in ("PUT", "PATCH") or (sending and hosting and method != "DELETE" and not text.endswith("/graphql")):
        _changed(draft, text)
    elif method == "DELETE":
        _deleted(draft, text)


# Ports on which a DELETE empties a database: Elasticsearch and OpenSearch, CouchDB, InfluxDB, Qdrant.
_STORES = (":9200", ":5984", ":8086", ":6333")


def _changed(draft: Draft, url: str) -> None:
    """PUT and PATCH change what the URL names, on a host of others."""
    resource = host_resource(url, draft.setting)
    if not {L.LOOPBACK, L.PRIVATE, L.KNOWN} & set(resource.labels):
        draft.add(Verb.CONFIGURE, Kind.CLOUD_RESOURCE, url, env=host_environment(resource, draft.setting))


def _deleted(draft: Draft, url: str) -> None:
    """DELETE removes what the URL names."""
    resource = host_resource(url, draft.setting)
    store = resource.name.endswith(_STORES)
    marks = [label for label in resource.labels if label in (L.LOOPBACK, L.PRIVATE)]
    draft.add(
        Verb.DELETE,
        Kind.DATABASE if store else Kind.CLOUD_RESOURCE,
        url,
        labels=marks,
        env=host_environment(resource, draft.setting),
        scale=ALL if store else ONE,
        note="an HTTP DELETE",
    )


def _read(draft: Draft, name: str) -> set[str]:
    if name in ("-", "/dev/stdin", "."):
        return set(draft.inv.stdin.taint)
    before = set(draft.flow)
    draft.flow.clear()
    draft.file(Verb.READ, Word(name, name, (0, 0), name))
    got = set(draft.flow)
    draft.flow |= before
    return got


def _curl_body(draft: Draft) -> set[str] | None:
    """The taint of what goes with the request, or None when nothing goes."""
    bodies = [*draft.values("data"), *draft.values("raw"), *draft.values("form"), *draft.values("upload")]
    if not bodies:
        return None
    taint: set[str] = set()
    for value in draft.values("data"):
        text = value.text if value.text is not None else value.prefix
        taint |= set(value.taint)
        match = re.match(r"^(?:[\w.-]*)@(.+)$", text, re.DOTALL)
        if match and value.text is not None:
            taint |= _read(draft, match.group(1))
        elif text.startswith("@"):
            taint |= {L.FROM_UNKNOWN, L.FROM_FILE}
    for value in draft.values("form"):
        text = value.text or value.prefix
        taint |= set(value.taint)
        match = re.match(r"^[^=]*=[@<]\"?([^;\"]+)", text)
        if match:
            taint |= _read(draft, match.group(1))
    for value in draft.values("upload"):
        taint |= _read(draft, value.text) if value.text else {L.FROM_FILE, L.FROM_UNKNOWN}
    for value in draft.values("raw"):
        taint |= set(value.taint)
    return taint


def wget(draft: Draft) -> None:
    """wget: fetches into a file unless told otherwise."""
    taint: set[str] = set()
    for value in draft.values("bodyfile"):
        taint |= _read(draft, value.text) if value.text else {L.FROM_FILE, L.FROM_UNKNOWN}
    for value in draft.values("raw"):
        taint |= set(value.taint)
    method = (draft.text("request") or "").upper()
    sending = bool(draft.values("bodyfile") or draft.values("raw")) or method in _CHANGING
    outputs = [w.text for w in draft.values("output")]
    for url in draft.values("url"):
        _one(draft, url, method, taint | set(url.taint), sending=sending)
        if not outputs and not draft.has("spider"):
            name = posixpath.basename(_url(url).split("?")[0].partition("://")[2]) or "index.html"
            folder = draft.text("directory-prefix") or "."
            target = f"{folder.rstrip('/')}/{name}"
            draft.file(Verb.WRITE, Word(target, target, (0, 0), target), taint=(L.FROM_NETWORK,))
    for value in draft.values("input-file"):
        draft.host(Verb.FETCH, f"(hosts named in {value.text or value.source})")
    for value in draft.values("execute"):
        if not re.match(r"(robots|timeout|tries|wait|quiet|verbose|check_certificate)\s*=", value.text or ""):
            draft.opaque("wget takes a setting from -e", value.source or "?")
    if draft.values("config"):
        draft.opaque("wget takes its settings from a file", draft.values("config")[0].source or "?")
    draft.output_taint = {L.FROM_NETWORK}


def httpie(draft: Draft) -> None:
    """httpie: `http [METHOD] URL [ITEM...]`; items make it a POST."""
    items = list(draft.values("item"))
    method = ""
    if items and (items[0].text or "").isupper() and (items[0].text or "").isalpha():
        method = items.pop(0).text or ""
    if not items:
        return
    url, rest = items[0], items[1:]
    taint: set[str] = set(url.taint)
    body = False
    for item in rest:
        text = item.text or item.prefix
        taint |= set(item.taint)
        match = re.match(r"^[\w.-]*(?:=@|:=@|@)(.+)$", text)
        if match:
            taint |= _read(draft, match.group(1))
        body = body or "=" in text.replace("==", "") or bool(match)
    if draft.inv.stdin.present:
        body = True
        taint |= set(draft.inv.stdin.taint)
    _one(draft, url, method, taint, sending=method in _CHANGING or (body and method != "GET"))


def lftp(draft: Draft) -> None:
    """lftp -e runs commands of its own language."""
    for value in draft.values("e"):
        draft.opaque("a script for an FTP client that is not read", value.text or value.source)


def netcat(draft: Draft) -> None:
    """netcat, telnet, socat: bytes both ways; -e and EXEC: hand them to a program."""
    words = list(draft.said.operands)
    if draft.command == "socat":
        _socat(draft, words)
        return
    names = [_url(w) for w in words]
    if draft.has("listen"):
        draft.host(Verb.FETCH, "localhost", note="listens for anybody")
        return
    if not names:
        return
    name = f"{names[0]}:{names[-1]}" if len(names) > 1 and names[-1].isdigit() else names[0]
    draft.host(Verb.FETCH if draft.has("scan") else Verb.SEND, name, taint=draft.flow)


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
            draft.opaque("speaks to a local service through its socket", text)
        elif "LISTEN" in kind:
            draft.host(Verb.FETCH, "localhost", note="listens for anybody")


def ssh(draft: Draft) -> None:
    """ssh: a shell text on another host, or an interactive shell there; some options run commands here."""
    _ssh_options(draft)
    host = draft.said.value("host")
    if host is None or draft.has("query") or draft.values("Q"):
        return
    name = _url(host)
    bare = remote_host(name + ":") if "://" not in name else name
    draft.host(Verb.SEND, bare, taint=draft.inv.stdin.taint, note="logs in there")
    words = list(draft.said.rest or ())
    if words:
        draft.shell_words(words, "remote command", remote=bare)
    elif draft.inv.stdin.text is not None:
        draft.shell(draft.inv.stdin.text, remote=bare)
    elif draft.inv.stdin.present:
        draft.run_unread(draft.command, "a remote shell runs what it reads", draft.inv.stdin.taint)
    elif not draft.has("nothing") and not draft.values("O") and not draft.values("W"):
        draft.add(
            Verb.EXECUTE,
            Kind.PROCESS,
            f"shell on {bare}",
            labels=(L.INTERACTIVE, L.REMOTE),
            env=environment_of("host", bare, draft.setting),
            note="an interactive shell on another host",
        )


def _ssh_options(draft: Draft) -> None:
    for value in (*draft.values("o"), *draft.values("option")):
        match = _OPTION_RUNS.match(value.text or value.prefix)
        if match and value.text is not None:
            if match.group(2) not in ("none", ""):
                draft.shell(match.group(2))
        elif match:
            draft.run_unread(value.source, "an ssh option runs a command that is not known", value.taint)
    for value in (*draft.values("F"), *draft.values("config")):
        if value.text not in ("/dev/null", "none"):
            draft.file(Verb.READ, value)


def sshpass(draft: Draft) -> None:
    """sshpass -p SECRET ssh ...: the program inside; autossh and mosh take ssh's own words."""
    words = list(draft.said.rest or ())
    if draft.command == "sshpass":
        draft.argv(words)
    else:
        draft.argv([Word("ssh", "ssh", (0, 0), "ssh"), *words])


def scp(draft: Draft) -> None:
    """scp: operands of the form host:path are elsewhere."""
    _ssh_options(draft)
    target = draft.said.value("to")
    for source in draft.values("from"):
        if is_remote(source.text):
            draft.host(Verb.FETCH, remote_host(source.text or ""))
        else:
            draft.file(Verb.READ, source)
    if target is None:
        return
    if is_remote(target.text) or (target.text is None and ":" in target.source):
        draft.host(Verb.SEND, remote_host(target.text or target.prefix or target.source), taint=draft.flow)
    else:
        draft.file(Verb.WRITE, target, taint=draft.flow)


def sftp(draft: Draft) -> None:
    """sftp: an interactive session, or a batch that is not read here."""
    _ssh_options(draft)
    host = draft.said.value("host")
    if host is not None:
        draft.host(Verb.SEND, remote_host(_url(host) + ":"), taint={*draft.flow, L.FROM_UNKNOWN})
    if draft.inv.stdin.present or draft.values("b"):
        draft.opaque("an sftp batch that is not read")
    else:
        interactive(draft)


def ssh_copy_id(draft: Draft) -> None:
    """A public key goes there."""
    host = draft.said.value("host")
    if host is not None:
        draft.host(Verb.SEND, remote_host(_url(host) + ":"))


def lookup(draft: Draft) -> None:
    """Names are asked of the network: an unknown part of a name can carry data away."""
    for value in draft.said.operands:
        text = value.text
        if text is not None and (
            text.startswith(("+", "@"))
            or text.upper() in ("A", "AAAA", "MX", "TXT", "NS", "ANY", "SOA", "CNAME", "PTR", "SRV", "CAA")
        ):
            if text.startswith("@"):
                draft.host(Verb.FETCH, text[1:])
            continue
        carries = set(value.taint) - {L.FROM_ENVIRONMENT}
        if text is None and value.source and "." in value.source:
            draft.host(
                Verb.SEND, value.source, taint=carries | {L.FROM_UNKNOWN}, note="data in a name that is looked up"
            )
        else:
            draft.host(Verb.FETCH, text or value.source or "?")


def openssl(draft: Draft) -> None:
    """openssl: s_client talks, -out writes, -in reads; the rest computes."""
    words = list(draft.inv.words[1:])
    for index, value in enumerate(words[:-1]):
        after = words[index + 1]
        if value.text in ("-connect", "-host"):
            draft.host(Verb.SEND, _url(after), taint=draft.flow)
        elif value.text in ("-out", "-keyout", "-writerand"):
            draft.file(Verb.WRITE, after)
        elif value.text in ("-in", "-inkey", "-key", "-CAkey", "-CA", "-sign", "-config"):
            draft.file(Verb.READ, after)
        elif value.text in ("-engine", "-provider"):
            draft.opaque("openssl loads a library")


_ = (Reversibility, _PORT_LESS)
