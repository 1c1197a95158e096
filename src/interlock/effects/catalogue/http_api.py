"""What an HTTP request does at the other end: known providers by their paths, everybody else by the method.

`http_effects` is for any reader that has found a request, whatever program makes it. The interfaces
that are known stand in `data/apis.toml`. A request to nobody in particular is judged by its method: DELETE is for good.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from interlock.effects.catalogue.api_table import Api, Call, packaged
from interlock.effects.environments import environment_of
from interlock.effects.hosts import host_environment, host_resource, split_host
from interlock.effects.pages import plain_page
from interlock.effects.sql import read_sql
from interlock.model import labels
from interlock.model.effect import Effect, Environment, Kind, Resource, Reversibility, Scale, Verb
from interlock.model.world import Setting

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE", "MKCOL", "MOVE", "COPY", "PROPPATCH", "PURGE"})
_OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")
_MOST_PIECES = 64  # of a path; the longest documented ones have about twenty
_LOSING = re.compile(
    r"(?:delete|remove|destroy|drop|purge|terminate|revoke|cancel|archive|disable|deactivate|wipe|reset|clear)", re.I
)
_CAREFUL = (Environment.PRODUCTION, Environment.UNKNOWN, Environment.STAGING)


class Reading(NamedTuple):
    """What a request changes at the other end; `asks`: it only asks, whatever its method and body look like."""

    effects: tuple[Effect, ...] = ()
    asks: bool = False


class _Request(NamedTuple):
    method: str
    url: str
    host: Resource
    environment: Environment
    path: str
    parameters: dict[str, str]


def http_effects(
    method: str,
    url: str,
    body: str | None,
    setting: Setting,
    *,
    headers: Mapping[str, str] | None = None,
    taint: tuple[str, ...] = (),
    via: str = "",
) -> tuple[Effect, ...]:
    """Everything that a request does: whom it talks to, with what, and what changes there.

    Args:
        method: as the program says it; "" for GET, or POST where there is a body.
        url: the address, as far as it is known.
        body: the text of the body, "" where there is one that is not known, None where there is none.
        headers: names in lower case.
        taint: what flows into the address or the body.
    """
    headers = headers or {}
    method = method.upper() or ("GET" if body is None else "POST")
    reading = read_request(method, url, body, setting, headers)
    host = host_resource(url, setting)
    sends = (method in CHANGING or body is not None) and not reading.asks
    marks = set(host.labels)
    if not sends and body is None and not headers and not taint and plain_page(url):
        marks.add(labels.PUBLIC)
    talk = Effect(
        verb=Verb.SEND if sends else Verb.FETCH,
        resource=Resource(host.kind, host.name, tuple(sorted(marks))),
        environment=host_environment(host, setting),
        reversibility=Reversibility.IRREVERSIBLE if sends else Reversibility.REVERSIBLE,
        taint=tuple(sorted(taint)),
        via=via,
    )
    return (talk, *reading.effects)


def read_request(
    method: str, url: str, body: str | None, setting: Setting, headers: Mapping[str, str] | None = None
) -> Reading:
    """What a request changes at the other end, besides that something is sent there."""
    request = _request(method, url, body, setting, headers or {})
    for api in _spoken(request):
        if any(_path_fits(path, request.path) for path in api.graphql):
            return _graphql(api, request, body)
        if any(_path_fits(path, request.path) for path in api.sql):
            return _sql(api, request, body)
        for call in api.calls:
            if _fits(call, request):
                return Reading(tuple(_effects(call, request, setting)), asks=call.asks)
        if api.hosts and any(fnmatchcase(_bare(request), glob) for glob in api.hosts):
            return _by_method(request, api.name)
    return _by_method(request, "")


def _request(method: str, url: str, body: str | None, setting: Setting, headers: Mapping[str, str]) -> _Request:
    host = host_resource(url, setting)
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        path, query = parts.path or "/", parts.query
    except ValueError:
        path, query = "/", ""
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    if body and "=" in body and body.lstrip()[:1] not in ("{", "["):
        parameters.update(parse_qsl(body, keep_blank_values=True))
    if body:
        parameters["body"] = body  # what a line of the table asks for as `?body=*delete*`
    target = headers.get("x-amz-target", "")
    if target:
        parameters["Action"] = target.rpartition(".")[2]
    method = next((headers[name].upper() for name in _OVERRIDES if name in headers), method.upper())
    if method == "POST" and parameters.get("_method"):
        method = parameters["_method"].upper()
    return _Request(method, url, host, host_environment(host, setting), path, parameters)


def _bare(request: _Request) -> str:
    split = split_host(request.url)
    return split[0].rstrip(".") if split else request.url


def _spoken(request: _Request) -> list[Api]:
    """The interfaces that may answer: those that the host or the port names, before those that the path resembles."""
    bare, split = _bare(request), split_host(request.url)
    port = split[1] if split else None
    named = [
        api for api in packaged() if any(fnmatchcase(bare, glob) for glob in api.hosts) or (port and port in api.ports)
    ]
    return named + [
        api for api in packaged() if api not in named and any(_path_fits(path, request.path) for path in api.paths)
    ]


def _path_fits(pattern: tuple[str, ...], path: str) -> bool:
    return _match(pattern, _pieces(path), {})


def _pieces(path: str) -> list[str]:
    """The pieces of a path; of one that is longer than anybody's, the beginning and the end."""
    pieces = [piece for piece in path.split("/") if piece]
    return pieces if len(pieces) <= _MOST_PIECES else [*pieces[: _MOST_PIECES - 8], *pieces[-8:]]


def _match(pattern: tuple[str, ...], pieces: list[str], found: dict[str, str]) -> bool:
    """Whether the pieces of a path fit, and under which names."""
    if not pattern:
        return not pieces
    first, rest = pattern[0], pattern[1:]
    if first == "**":
        return any(_match(rest, pieces[count:], found) for count in range(len(pieces) + 1))
    if not pieces or not _piece(first, pieces[0], found):
        return False
    return _match(rest, pieces[1:], found)


def _piece(pattern: str, piece: str, found: dict[str, str]) -> bool:
    name, closed, after = pattern[1:].partition("}") if pattern.startswith("{") else ("", "", "")
    if not closed:
        return any(fnmatchcase(piece, glob) for glob in pattern.split("|"))
    colon = after.removeprefix(":")
    head, _, tail = piece.partition(":") if colon else (piece, "", "")
    found[name] = head
    return not colon or any(fnmatchcase(tail, glob) for glob in colon.split("|"))


def _fits(call: Call, request: _Request) -> bool:
    if call.methods and request.method not in call.methods:
        return False
    if not _match(call.path, _pieces(request.path), {}):
        return False
    return all(
        any(fnmatchcase(request.parameters.get(name, ""), glob) for glob in globs) and name in request.parameters
        for name, globs in call.parameters
    )


def _effects(call: Call, request: _Request, setting: Setting) -> list[Effect]:
    found: dict[str, str] = {"host": _bare(request), "path": request.path}
    _match(call.path, _pieces(request.path), found)
    found.update((name, request.parameters[name]) for name, _ in call.parameters)

    def lookup(name: str) -> list[str]:
        return [found[name]] if name in found else []

    made: list[Effect] = []
    for rule in call.rules:
        environment = rule.environment or request.environment
        clues = {environment_of(what, text, setting) for what, clue in rule.clues for text in clue.fill(lookup)}
        environment = next((e for e in _CAREFUL if e in clues), environment)
        made += [
            Effect(
                verb=rule.verb,
                resource=Resource(rule.kind, name, tuple(sorted({*rule.labels, *_near(request)}))),
                environment=environment,
                reversibility=rule.undo or Reversibility.REVERSIBLE,
                scale=Scale(breadth=rule.breadth),
                notes=(f"{request.method} {request.path}",),
            )
            for name in rule.name.fill(lookup)
        ]
    return made


def _near(request: _Request) -> set[str]:
    return {label for label in request.host.labels if label in (labels.LOOPBACK, labels.PRIVATE)}


def _graphql(api: Api, request: _Request, body: str | None) -> Reading:
    """A query asks, a mutation changes, and one whose name says so deletes."""
    text = _query_of(body) if body else request.parameters.get("query", "")
    if text is None:
        return Reading((_changed(request, Verb.CONFIGURE, api.name, "a GraphQL request that is not known"),))
    if not text.strip() and request.method == "GET":
        return Reading(asks=True)
    if not re.search(r"\bmutation\b|\bsubscription\b", text) and text.strip():
        return Reading(asks=True)
    verb = Verb.DELETE if _LOSING.search(text) else Verb.CONFIGURE
    return Reading((_changed(request, verb, api.name, "a GraphQL mutation"),))


def _sql(api: Api, request: _Request, body: str | None) -> Reading:
    """A database that takes SQL over HTTP: in the address, in the body, or the one after the other."""
    given = [request.parameters.get(name, "") for name in ("query", "q")]
    if body and not any(text and text in body for text in given):
        given.append(body)
    if body == "":
        return Reading((_changed(request, Verb.DELETE, "", f"SQL for {api.name} that is not known"),))
    text = " ".join(text for text in given if text).strip()
    if not text:
        return Reading(asks=request.method == "GET")
    dialect = api.name if api.name in ("clickhouse", "trino") else ""
    effects = read_sql(text, dialect, database="", environment=request.environment, via=api.name)
    return Reading(effects, asks=all(effect.verb is Verb.READ for effect in effects))


def _query_of(body: str) -> str | None:
    try:
        read: Any = json.loads(body)
    except (ValueError, RecursionError):
        return body if body.lstrip().startswith(("mutation", "query", "{", "subscription")) else None
    entries = read if isinstance(read, list) else [read]
    texts = [entry.get("query") for entry in entries if isinstance(entry, dict)]
    known = [text for text in texts if isinstance(text, str)]
    return " ".join(known) if known and len(known) == len(texts) else None


def _by_method(request: _Request, api: str) -> Reading:
    """A request that no line describes: its method says what it does."""
    marks = set(request.host.labels)
    if request.method == "DELETE":
        return Reading((_changed(request, Verb.DELETE, api, "an HTTP DELETE"),))
    if request.method not in CHANGING:
        return Reading()
    ours = bool({labels.LOOPBACK, labels.PRIVATE, labels.KNOWN} & marks)
    named = bool(api) or labels.VCS_HOST in marks or request.method in ("PUT", "PATCH")
    if ours or not named:
        return Reading()
    return Reading((_changed(request, Verb.CONFIGURE, api, f"an HTTP {request.method}"),))


def _changed(request: _Request, verb: Verb, api: str, note: str) -> Effect:
    return Effect(
        verb=verb,
        resource=Resource(Kind.CLOUD_RESOURCE, request.url, tuple(sorted(_near(request)))),
        environment=request.environment,
        reversibility=Reversibility.IRREVERSIBLE if verb is Verb.DELETE or api else Reversibility.REVERSIBLE,
        notes=(note,),
    )
