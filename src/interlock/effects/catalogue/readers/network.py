"""curl, wget, httpie and kin: which host, in which direction, and what goes with it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from interlock.effects import hosts
from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.files import place
from interlock.effects.catalogue.http_api import CHANGING, read_request
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.catalogue.words import word_list
from interlock.effects.invocation import Word, word
from interlock.effects.issuers import returns_home
from interlock.effects.pages import plain_page, random_piece
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Verb

_WEB = frozenset({"http", "https", "ws", "wss", "ftp", "ftps", "sftp", "scp"})
_PROGRAM_SUFFIXES = word_list("program_suffixes")
_TEXT_NAMES = word_list("text_names")
_LATER = frozenset({L.EXECUTES_LATER, L.CI, L.GUARD, L.AGENT_MEMORY})
_LONG_HEADER = 160  # characters: no header that people write is longer


@dataclass
class Request:
    """One request as the options describe it; `plain`: it asks for the page and carries nothing of its own."""

    method: str = ""
    body: str | None = None  # the text, "" when it is not known, None when there is none
    sending: bool = False
    plain: bool = True
    taint: set[str] = field(default_factory=set)
    headers: dict[str, str] = field(default_factory=dict)
    saved: list[Word] = field(default_factory=list)
    credentials: list[Word] = field(default_factory=list)  # in a header made for them, or as the user

    def carry(self, value: Word) -> None:
        """A header or a credential goes along: of a page that is only fetched, what is secret in it counts."""
        self.taint |= set(value.taint) if self.sending else set(value.taint) & {L.FROM_NETWORK, L.FROM_SECRET}


def address(value: Word) -> str:
    """What is known of an address."""
    return value.text if value.text is not None else (value.prefix or value.source or "?")


def visit(draft: Draft, url: Word, request: Request) -> None:
    """One request to one address: who is talked to, with what, and what changes there."""
    text = address(url)
    scheme = text.partition("://")[0].casefold() if "://" in text else "http"
    if text.casefold().startswith("file:"):
        draft.file(Verb.READ, word(re.sub(r"^file:(//[^/]*)?", "", text, flags=re.IGNORECASE)))
        return
    if scheme == "telnet" and url.text is not None:
        draft.host(Verb.SEND, text.partition("://")[2], taint=draft.flow | request.taint)
        return
    if scheme not in _WEB:
        draft.opaque("another protocol than the web's", text)
        return
    method = request.method or ("POST" if request.sending else "GET")
    reading = read_request(method, text, request.body, draft.setting, request.headers)
    sure = url.text is not None and not draft.has("insecure")
    strangers = [value for value in request.credentials if not (sure and returns_home(text, value.source))]
    for value in strangers:
        request.plain = False
        request.carry(value)
    taint = request.taint | set(url.taint)
    sends = (request.sending and not reading.asks) or bool(taint & {L.FROM_SECRET})
    plain = request.plain and not sends and url.text is not None and not url.taint and plain_page(text)
    draft.host(
        Verb.SEND if sends else Verb.FETCH,
        text,
        taint=taint if sends else set(url.taint),
        labels=(L.PUBLIC,) if plain and not _could_run(draft, request.saved) else (),
    )
    draft.include(reading.effects)


def _could_run(draft: Draft, saved: Iterable[Word]) -> bool:
    """Whether the answer is kept under a name that runs or is obeyed some day, by its suffix or by its place."""
    names = [*saved, *(r.target for r in draft.inv.redirects if r.op in (">", ">>", ">|", "&>") and r.fd in (1, -1))]
    for value in names:
        if value.text is None or is_program_name(value.text):
            return True
        if not _LATER.isdisjoint(place(value, draft.inv, draft.setting, draft.world)[0].labels):
            return True
    return False


def is_program_name(name: str) -> bool:
    """Whether a file of that name is something that runs: a script, a binary, a package, or a name without suffix."""
    base = posixpath.basename(name.rstrip("/"))
    if name in ("-", "/dev/null", "/dev/stdout", "/dev/stderr") or base.casefold() in _TEXT_NAMES:
        return False
    stem, dot, suffix = base.rpartition(".")
    return not dot or not stem or suffix.casefold() in _PROGRAM_SUFFIXES


def read_file(draft: Draft, name: str) -> set[str]:
    """A file that goes along: it is read, and this is what flows from it."""
    if name in ("-", "/dev/stdin", "."):
        return set(draft.inv.stdin.taint)
    before = set(draft.flow)
    draft.flow.clear()
    draft.file(Verb.READ, word(name))
    got = set(draft.flow)
    draft.flow |= before
    return got


def take_header(draft: Draft, request: Request, value: Word) -> None:
    """One `Name: text` header, or `@file` that holds some."""
    text = value.text if value.text is not None else value.prefix
    if value.text is None and L.FROM_SECRET in value.taint and _names_sender(text.partition(":")[0]):
        request.credentials.append(value)
        return
    if value.text is None or value.taint:
        request.plain = False
        request.carry(value)
    if text.startswith("@"):
        request.plain = False
        request.taint |= read_file(draft, text[1:])
        return
    name, _, said = text.partition(":")
    request.headers[name.strip().casefold()] = said.strip()
    if _names_sender(name) or len(said) > _LONG_HEADER or _odd(said):
        request.plain = False


def _names_sender(header: str) -> bool:
    words = set(re.split(r"[-_]", header.strip().casefold()))
    return not words.isdisjoint(hosts.packaged().words["credential_headers"])


def _odd(text: str) -> bool:
    return any(random_piece(piece) for piece in re.split(r"[\s/;,=.()_+-]+", text))


# -- curl ---------------------------------------------------------------------------------------------------------


def curl(draft: Draft) -> None:
    """curl: GET fetches, everything with a body or another method sends."""
    request = _curl_request(draft)
    urls = list(draft.values("url"))
    named = list(draft.values("output"))
    if draft.has("remote-header-name") and draft.has("remote-name"):
        request.plain = False  # the other side chooses the name
    if draft.has("remote-name"):
        named += [word(posixpath.basename(address(url).split("?")[0]) or "download") for url in urls]
    request.saved += named
    folder = draft.values("output-dir")
    for value in named:
        target = _below(folder[-1], value) if folder else value
        if target.text != "-":
            draft.file(Verb.WRITE, target, taint=(L.FROM_NETWORK,))
    for url in urls:
        visit(draft, _with_query(draft, url), request)
    for proxy in draft.values("proxy"):
        draft.host(Verb.SEND, address(proxy), taint=request.taint, note="through a proxy")
    for server in draft.values("elsewhere"):
        draft.host(Verb.SEND, address(server), note="names are asked of another server")
    draft.output_taint = {L.FROM_NETWORK} if urls else set()


def _below(folder: Word, value: Word) -> Word:
    if folder.text is None or value.text is None:
        return Word(None, f"{folder.source}/{value.source}", value.span, f"{folder.prefix}", value.taint)
    return word(posixpath.join(folder.text, value.text))


def _with_query(draft: Draft, url: Word) -> Word:
    """The address with what `-G -d` and `--url-query` add to it."""
    added = [*(draft.values("data") if draft.has("get", "head") else ()), *draft.values("url-query")]
    if not added or url.text is None:
        return url
    taint = tuple({*url.taint, *(t for value in added for t in value.taint)})
    if any(value.text is None for value in added):
        return Word(None, url.source, url.span, url.text, taint)
    query = "&".join((value.text or "").replace(" ", "+") for value in added)
    return Word(f"{url.text}{'&' if '?' in url.text else '?'}{query}", url.source, url.span, url.text, taint)


def _curl_request(draft: Draft) -> Request:
    request = Request(method=(draft.text("request") or "").upper())
    if draft.values("request") and draft.text("request") is None:
        request.method, request.plain = "DELETE", False  # a method that is not known is thought the worst
    _curl_elsewhere(draft, request)
    taint = _curl_body(draft, request)
    if draft.has("get", "head") and not draft.has("upload") and request.method not in CHANGING:
        request.sending, request.body = bool(taint), None
    else:
        request.sending = taint is not None or request.method in CHANGING or draft.has("mail", "quote", "telnet-option")
    request.taint |= taint or set()
    if draft.has("upload") and not request.method:
        request.method = "PUT"
    if draft.has("netrc"):
        request.plain = False
        for value in draft.values("netrc-file") or [word("~/.netrc")]:
            draft.file(Verb.READ, value)
    for value in draft.values("header"):
        take_header(draft, request, value)
    for value in [*draft.values("user-agent"), *draft.values("referer")]:
        request.carry(value)
        request.plain = request.plain and value.text is not None and not value.taint and not _odd(value.text)
    _curl_senders(draft, request)
    if draft.has("credentials"):
        request.plain = False
    return request


def _curl_senders(draft: Draft, request: Request) -> None:
    """The user and the cookies: who asks."""
    for value in draft.values("user"):
        if value.text is None and L.FROM_SECRET in value.taint:
            request.credentials.append(value)
            continue
        request.plain = False
        request.carry(value)
    for value in draft.values("cookie"):
        request.plain = False
        if value.text and "=" not in value.text:
            request.taint |= read_file(draft, value.text)  # without `=` it is the name of a file
        request.carry(value)


def _curl_elsewhere(draft: Draft, request: Request) -> None:
    """Options by which the address on the command line is not where the request goes, or not all that happens."""
    for value in draft.values("config"):
        if value.text != "/dev/null":
            draft.opaque("curl takes its options from a file", f"curl -K {address(value)}")
    for value in draft.values("redirected"):
        request.plain = False
        target = _redirected(value.text or "?")
        if target is None:
            draft.opaque("curl connects elsewhere than the address says", value.source or "?")
        else:
            draft.host(Verb.SEND if not _loopback(draft, target) else Verb.FETCH, target, note="instead of the address")
    for value in draft.values("unix-socket"):
        draft.opaque("curl speaks to a local service through its socket", value.source or "?")
    for value in draft.values("write-out"):
        if value.text is None or "%output{" in value.text:
            draft.opaque("curl writes a file that its format names", value.source or "?")
        elif value.text.startswith("@") and value.text != "@-":
            draft.file(Verb.READ, word(value.text[1:]))
    for value in draft.values("engine"):
        draft.opaque("curl loads a library", value.source or "?")
    if draft.values("elsewhere"):
        request.plain = False


def _redirected(text: str) -> str | None:
    """The host of `host:port:ADDRESS` and of `HOST1:PORT1:HOST2:PORT2`."""
    match = re.fullmatch(r"[^:\[\]]*:\d*:(\[[^\]]+\]|[^:\[\]]+)(:\d*)?", text.lstrip("+-"))
    return match.group(1) + (match.group(2) or "").rstrip(":") if match else None


def _loopback(draft: Draft, target: str) -> bool:
    return L.LOOPBACK in hosts.host_resource(target, draft.setting).labels


def _curl_body(draft: Draft, request: Request) -> set[str] | None:
    """The taint of what goes with the request, or None when nothing goes."""
    bodies = [draft.values(name) for name in ("data", "raw", "form", "upload", "variable")]
    if not any(bodies):
        return None
    data, raw, form, upload, variable = bodies
    taint: set[str] = {t for values in bodies for value in values for t in value.taint}
    for value in [*data, *variable]:
        text = value.text if value.text is not None else value.prefix
        match = re.match(r"^(?:[\w.%-]*)@(.+)$", text, re.DOTALL)
        if match and value.text is not None:
            taint |= read_file(draft, match.group(1))
        elif text.startswith("@"):
            taint |= {L.FROM_UNKNOWN, L.FROM_FILE}
        elif re.match(r"^%\w+$", text):
            taint |= {L.FROM_ENVIRONMENT}
    for value in form:
        match = re.match(r"^[^=]*=[@<]\"?([^;\",]+)", value.text or value.prefix)
        if match:
            taint |= read_file(draft, match.group(1))
    for value in upload:
        taint |= read_file(draft, value.text) if value.text else {L.FROM_FILE, L.FROM_UNKNOWN}
    known = [value.text for value in [*data, *raw]]
    request.body = "&".join(t for t in known if t is not None) if all(t is not None for t in known) else ""
    return taint


# -- wget ---------------------------------------------------------------------------------------------------------


def wget(draft: Draft) -> None:
    """wget: fetches into a file unless told otherwise."""
    request = Request(method=(draft.text("request") or "").upper())
    for value in draft.values("bodyfile"):
        request.taint |= read_file(draft, value.text) if value.text else {L.FROM_FILE, L.FROM_UNKNOWN}
        request.body = ""
    for value in draft.values("raw"):
        request.taint |= set(value.taint)
        request.body = value.text or ""
    request.sending = request.body is not None or request.method in CHANGING
    for value in draft.values("header"):
        take_header(draft, request, value)
    if draft.has("credentials", "content-disposition"):
        request.plain = False
    request.saved = [value for value in draft.values("output") if value.text != "-"]
    own_name = not draft.values("output") and not draft.has("spider")
    for url in draft.values("url"):
        if own_name:
            _wget_saves(draft, url, request)
        visit(draft, url, request)
    for value in draft.values("input-file"):
        draft.host(Verb.FETCH, f"(hosts named in {value.text or value.source})")
    _wget_settings(draft)
    draft.output_taint = {L.FROM_NETWORK}


def _wget_saves(draft: Draft, url: Word, request: Request) -> None:
    name = posixpath.basename(address(url).split("?")[0].partition("://")[2].partition("/")[2]) or "index.html"
    folder = draft.text("directory-prefix") or "."
    target = word(f"{folder.rstrip('/')}/{name}")
    page = draft.has("recursive", "page-requisites", "mirror")
    if page:
        host = address(url).partition("://")[2].partition("/")[0]
        site = folder if draft.has("flat") else f"{folder.rstrip('/')}/{host}"
        draft.file(Verb.CREATE, word(site), directory=True, taint=(L.FROM_NETWORK,))
    request.saved = [] if page and "." not in name else [target]
    draft.file(Verb.WRITE, target, taint=(L.FROM_NETWORK,))


def _wget_settings(draft: Draft) -> None:
    for value in draft.values("execute"):
        if not re.match(r"(robots|timeout|tries|wait|quiet|verbose|check_certificate)\s*=", value.text or ""):
            draft.opaque("wget takes a setting from -e", value.source or "?")
    if draft.values("config"):
        draft.opaque("wget takes its settings from a file", draft.values("config")[0].source or "?")


def aria2c(draft: Draft) -> None:
    """aria2c and axel: each address becomes a file, named by -o or by the address."""
    if draft.values("conf-path"):
        draft.opaque("aria2c takes its settings from a file", draft.values("conf-path")[0].source or "?")
    folder = draft.text("dir") or "."
    for url in draft.values("url"):
        request = Request(plain=not draft.has("credentials"))
        name = draft.text("out") or posixpath.basename(address(url).split("?")[0]) or "index.html"
        request.saved = [word(posixpath.join(folder, name))]
        draft.file(Verb.WRITE, request.saved[0], taint=(L.FROM_NETWORK,))
        visit(draft, url, request)
    draft.output_taint = {L.FROM_NETWORK}


# -- httpie, xh, curlie --------------------------------------------------------------------------------------------


def httpie(draft: Draft) -> None:
    """httpie: `http [METHOD] URL [ITEM...]`; items make it a POST; `:3000/x` is this machine."""
    items = list(draft.values("item"))
    request = Request()
    said = (items[0].text or "") if items else ""
    if re.fullmatch(r"[A-Za-z]+", said) and (len(items) > 1 or said.isupper()):
        first = said.upper()
        if first in CHANGING or first in ("GET", "HEAD", "OPTIONS", "TRACE", "CONNECT", "LIST", "QUERY"):
            request.method = first
            items.pop(0)
    if not items:
        return
    url, rest = _local(items[0]), items[1:]
    body: list[str] = [value.text or "" for value in draft.values("raw")]
    request.taint |= {t for value in draft.values("raw") for t in value.taint}
    sends = bool(body)
    for item in rest:
        sends |= _httpie_item(draft, request, item, body)
    if draft.inv.stdin.present and not draft.has("ignore-stdin"):
        sends = True
        request.taint |= set(draft.inv.stdin.taint)
    if draft.has("auth", "session", "credentials"):
        request.plain = False
    request.body = "&".join(body) if sends else None
    request.sending = request.method in CHANGING or (sends and request.method != "GET")
    request.saved += draft.values("output")
    if draft.has("download") and not draft.values("output"):
        request.saved.append(word(posixpath.basename(address(url).split("?")[0]) or "download"))
        draft.file(Verb.WRITE, request.saved[-1], taint=(L.FROM_NETWORK,))
    for proxy in draft.values("proxy"):
        draft.host(Verb.SEND, address(proxy).partition(":")[2], taint=request.taint, note="through a proxy")
    if draft.has("offline"):
        return  # the request is printed and stays here; the files that would go along were read
    visit(draft, url, request)
    draft.output_taint = {L.FROM_NETWORK}


def _local(url: Word) -> Word:
    text = url.text
    if text is not None and re.match(r"^:(\d|/|$)", text):
        made = f"http://localhost{text if text[1:2].isdigit() else text[1:]}"
        return Word(made, url.source, url.span, made, url.taint)
    return url


def _httpie_item(draft: Draft, request: Request, item: Word, body: list[str]) -> bool:
    """One `name=value`, `name:=json`, `name==query`, `name@file` or `Name:header`; whether it is part of a body."""
    text = item.text if item.text is not None else item.prefix
    request.taint |= set(item.taint)
    if item.taint or item.text is None:
        request.plain = False
    file = re.match(r"^[^=:@]*(?:=@|:=@|:@|==@|@)(.+)$", text)
    if file:
        request.taint |= read_file(draft, file.group(1))
        return True
    if re.match(r"^[^=:]*==", text):
        if len(text) > _LONG_HEADER or _odd(text):
            request.plain = False
        return False
    if re.match(r"^[\w-]+:(?!=)", text):
        take_header(draft, request, item)
        return False
    body.append(text)
    return "=" in text


# -- lynx, w3m ----------------------------------------------------------------------------------------------------


def browse(draft: Draft) -> None:
    """A browser in the terminal: with -dump it prints a page, else it waits for a person."""
    for value in [*draft.values("config"), *draft.values("cmd_script")]:
        draft.opaque("keys and settings for a browser that are not read", value.text or value.source)
    request = Request(plain=not draft.has("credentials"))
    for url in draft.values("url"):
        if _is_a_file(draft, url):
            draft.file(Verb.READ, url)
        else:
            visit(draft, url, request)
    if not draft.has("dump") and not draft.values("cmd_script"):
        interactive(draft)
    draft.output_taint = {L.FROM_NETWORK}


def _is_a_file(draft: Draft, url: Word) -> bool:
    text = address(url)
    there = draft.world.kind(draft.path(url) or "") == "file"
    return "://" not in text and (there or text.rpartition(".")[2].casefold() in ("html", "htm", "txt", "md"))
