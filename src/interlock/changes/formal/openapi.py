"""What a change of an OpenAPI description takes from those who call the service, and whom it lets in. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from interlock.changes.formal.admission import asked, weaker
from interlock.changes.formal.schemas import Both, Side, given, taken

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


class Broken(NamedTuple):
    """One sentence. `admits`: it is about who may call; `grave`: nobody is asked any more."""

    title: str
    admits: bool = False
    grave: bool = False


def broken(old: Side, new: Side) -> tuple[list[Broken], frozenset[str]]:
    """What callers had and have no more, or must give and need not have; and references that lead out of what is read.

    Raises:
        TooMuch: it holds too much to be compared.
        Unreadable: a document that it refers to cannot be read.
    """
    said = dict.fromkeys([*_admitted(old, new), *_compared(Both(old, new)), *_schemes(old, new)])
    return list(said), frozenset(old.outside | new.outside)


class _Operation(NamedTuple):
    route: str
    item: dict[str, Any]
    said: dict[str, Any]


def _admitted(old: Side, new: Side) -> Iterator[Broken]:
    """Routes that ask less of who calls, or are new and ask nobody; those of the same sentence together."""
    mine, theirs = _operations(old), _operations(new)
    found: dict[tuple[bool, str], list[str]] = {}
    if any(asked(old.whole, was.said) for was in mine.values()):
        open_ = [now.route for key, now in sorted(theirs.items()) if key not in mine and not asked(new.whole, now.said)]
        if open_:
            found[False, "is new and asks nobody who is calling, where others ask"] = open_
    for key, was in sorted(mine.items()):
        now = theirs.get(key)
        if now is not None and (less := weaker(asked(old.whole, was.said), asked(new.whole, now.said)))[1]:
            found.setdefault(less, []).append(now.route)
    for (grave, said), routes in found.items():
        more = f" (and {len(routes) - 1} more, the last {routes[-1]})" if len(routes) > 1 else ""
        yield Broken(f"{routes[0]} {said}{more}.", admits=True, grave=grave)


def _compared(both: Both) -> Iterator[Broken]:
    theirs = _operations(both.new)
    for key, was in sorted(_operations(both.old).items()):
        now = theirs.get(key)
        if now is None:
            yield Broken(f"{was.route} is gone.")
            continue
        for ends in (_parameters(both, was, now), _body(both, was.said, now.said), _answers(both, was.said, now.said)):
            yield from (Broken(f"{now.route} {end}.") for end in ends)


def _operations(side: Side) -> dict[str, _Operation]:
    """By method and path; how a part of a path is called is not what callers see."""
    found = {}
    for path, item in _map(side.whole.get("paths")).items():
        whole = side.at(item)
        for method, operation in whole.items():
            if method in _METHODS and isinstance(operation, dict):
                route = f"{method.upper()} {path}"
                found[re.sub(r"\{[^{}/]*\}", "{}", route)] = _Operation(route, whole, operation)
    return found


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _given(side: Side, operation: _Operation) -> dict[str, dict[str, Any]]:
    """Parameters but for those that are parts of the path, and the body as Swagger 2 has it."""
    found = {}
    for one in [*_list(operation.item.get("parameters")), *_list(operation.said.get("parameters"))]:
        parameter = side.at(one)
        place = parameter.get("in", "query")
        if "name" in parameter and place not in ("path", "body"):
            found[f"{'the field' if place == 'formData' else 'the parameter'} {parameter['name']}"] = parameter
    return found


def _parameters(both: Both, was: _Operation, now: _Operation) -> Iterator[str]:
    had, has = _given(both.old, was), _given(both.new, now)
    for name in sorted(has.keys() - had.keys()):
        if has[name].get("required") is True:
            yield f"needs {name} now"
    for name in sorted(had.keys() & has.keys()):
        one, other = had[name], has[name]
        if other.get("required") is True and one.get("required") is not True:
            yield f"needs {name} now, which could be left out"
        if one.get("in") != other.get("in"):
            yield f"looks for {name} in the {other.get('in')}, no longer in the {one.get('in')}"
        yield from taken(both, one.get("schema", one), other.get("schema", other), name)


def _body(both: Both, was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    one, other = _bodies(both.old, was), _bodies(both.new, now)
    if other.needed and not one.needed:
        yield "needs a body now" if not one.kinds else "needs a body now, which could be left out"
    if one.kinds and other.kinds:
        yield from (f"takes no {kind} any more" for kind in sorted(one.kinds.keys() - other.kinds.keys()))
    for kind in sorted(one.kinds.keys() & other.kinds.keys()):
        yield from taken(both, one.kinds[kind], other.kinds[kind], "the body")


class _Bodies(NamedTuple):
    needed: bool
    kinds: dict[str, Any]  # media type -> schema


def _bodies(side: Side, operation: dict[str, Any]) -> _Bodies:
    body = side.at(operation.get("requestBody"))
    for one in _list(operation.get("parameters")):
        parameter = side.at(one)
        if parameter.get("in") == "body":
            return _Bodies(parameter.get("required") is True, {"body": parameter.get("schema")})
    return _Bodies(body.get("required") is True, _media(body))


def _media(holder: dict[str, Any]) -> dict[str, Any]:
    return {str(kind): _map(media).get("schema") for kind, media in _map(holder.get("content")).items()}


def _answers(both: Both, was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    """Answers of success: that a service fails in another way is not what callers rely on."""
    one, other = _map(was.get("responses")), _map(now.get("responses"))
    for code in sorted(str(code) for code in one if str(code).startswith("2")):
        mine, theirs = both.old.at(one.get(code)), other.get(code)
        if theirs is None:
            yield f"has no answer {code} any more"
            continue
        answer = both.new.at(theirs)
        kinds, others = _media(mine), _media(answer)
        yield from (f"answers {code} no longer as {kind}" for kind in sorted(kinds.keys() - others.keys()))
        for kind in sorted(kinds.keys() & others.keys()):
            yield from given(both, kinds[kind], others[kind], "the body")
        if "schema" in mine:
            yield from given(both, mine["schema"], answer.get("schema"), "the body")


def _schemes(old: Side, new: Side) -> Iterator[Broken]:
    """What a name in `security` means: an API key in place of OAuth is asked for under the same name."""
    before, after = _defined(old), _defined(new)
    for name in sorted(before.keys() & after.keys()):
        one, other = ({k: v.get(k) for k in ("type", "scheme", "in", "name")} for v in (before[name], after[name]))
        if one != other:
            was, now = (" ".join(str(v) for v in side.values() if v is not None) for side in (one, other))
            yield Broken(f"Whoever calls shows something else as {name}: {now}, no longer {was}.", admits=True)


def _defined(side: Side) -> dict[str, dict[str, Any]]:
    holder = _map(side.whole.get("components")).get("securitySchemes") or side.whole.get("securityDefinitions")
    return {str(name): side.at(one) for name, one in _map(holder).items()}
