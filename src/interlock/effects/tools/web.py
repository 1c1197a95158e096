"""WebFetch and WebSearch. A URL carries its query to the host: a fetch can be a send."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from interlock.effects.hosts import host_environment, host_resource, split_host
from interlock.effects.pages import plain_page
from interlock.effects.places import file_environment, file_resource
from interlock.effects.redact import has_secret
from interlock.effects.tools.inputs import Malformed, required
from interlock.model import labels
from interlock.model.action import Action
from interlock.model.effect import Effect, Kind, Resource, Reversibility, Verb, opaque
from interlock.model.world import Setting, World

Effects = tuple[Effect, ...]
MAX_URL = 32_768  # characters; servers and clients give up far below
MAX_QUERY = 1_024  # characters after the host; nobody's page address needs more, an exfiltrated file does


def web_fetch(action: Action, setting: Setting, world: World) -> Effects:
    """WebFetch, web_fetch: one page is fetched and read by the agent."""
    return read_url(required(action.input, "url"), setting, world, via=action.tool)


def web_search(action: Action, _setting: Setting, _world: World) -> Effects:
    """WebSearch: the query goes to the agent's own provider."""
    query = action.input.get("query", action.input.get("q", ""))
    if not isinstance(query, str):
        raise Malformed("`query` must be text")
    resource = Resource(Kind.TOOL, action.tool)
    if has_secret(query):
        note = "the query carries something that looks like a credential"
        return (_send(resource, action.tool, labels.FROM_SECRET, note),)
    return (Effect(verb=Verb.READ, resource=resource, via=action.tool),)


def read_url(url: str, setting: Setting, world: World, *, via: str) -> Effects:
    """The effects of fetching `url`: of a file, of a host, and of what the URL itself carries there."""
    if len(url) > MAX_URL:
        return (opaque(url[:200], "an address too long to be one", via=via),)
    scheme = url.strip().partition(":")[0].casefold()
    if scheme == "file":
        path = unquote(urlsplit(url.strip()).path) if url.isascii() else ""
        resource = file_resource(path or url, setting, world, cwd=None)
        return (Effect(verb=Verb.READ, resource=resource, environment=file_environment(resource, setting), via=via),)
    if "://" in url and scheme not in ("http", "https", "ws", "wss"):
        return (opaque(url[:200], f"{via} of an address of the kind {scheme[:20]!r}", via=via),)
    if split_host(url) is None:
        return (opaque(url[:200], "the address names no host", via=via),)
    host = host_resource(url, setting)
    if plain_page(url):
        host = Resource(host.kind, host.name, tuple(sorted({*host.labels, labels.PUBLIC})))
    effects = [Effect(verb=Verb.FETCH, resource=host, environment=host_environment(host, setting), via=via)]
    tail = url.strip().partition("://")[2].partition("/")[2]
    if has_secret(url) or has_secret(unquote(url)):
        effects.append(
            _send(host, via, labels.FROM_SECRET, "the address carries something that looks like a credential")
        )
    elif len(tail) > MAX_QUERY:
        effects.append(_send(host, via, labels.FROM_UNKNOWN, f"the address carries {len(tail)} characters to the host"))
    return tuple(effects)


def _send(resource: Resource, via: str, taint: str, note: str) -> Effect:
    return Effect(
        verb=Verb.SEND,
        resource=resource,
        reversibility=Reversibility.IRREVERSIBLE,
        taint=(taint,),
        via=via,
        notes=(note,),
    )
