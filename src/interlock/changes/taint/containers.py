"""Methods of lists, dictionaries and of configuration parsers, which are used as such. Pure."""

from __future__ import annotations

from collections.abc import Callable

from interlock.changes.taint.value import UNKNOWN, Box, Value, constant, joined


def called(holder: Value, method: str, placed: list[Value], named: dict[str, Value]) -> Value | None:
    """What a method of a container gives, and what it changes; None where it is no such method."""
    if not method:
        return None
    if "ConfigParser()" in holder.kind or "configparser." in holder.kind.lower():
        return _configured(holder, method, placed, named)
    box = holder.box
    action = _METHODS.get(method)
    if box is None or action is None:
        return None
    if method == "update":
        box.items.update(named)
    return action(box, [*placed, *(value for name, value in named.items() if name == "default")])


def _get(box: Box, placed: list[Value]) -> Value | None:
    if not placed:
        return None
    default = placed[1] if len(placed) > 1 else None
    key = placed[0]
    if len(key.consts) == 1 and box.rest is None:
        return box.items.get(key.consts[0]) or default or UNKNOWN
    return joined(box.get(key), default)


def _append(box: Box, placed: list[Value]) -> Value:
    for value in placed[:1]:
        box.append(value)
    return UNKNOWN


def _insert(box: Box, placed: list[Value]) -> Value:
    if len(placed) < 2:
        return UNKNOWN
    where = placed[0].consts
    if box.rest is None and box.listed and len(where) == 1 and isinstance(where[0], int):
        held = list(box.items.values())
        held.insert(where[0], placed[1])
        box.items = dict(enumerate(held))
    else:
        box.rest = joined(box.anything(), placed[1])
        box.items = {}
    return UNKNOWN


def _pop(box: Box, placed: list[Value]) -> Value:
    key = placed[0].consts[0] if placed and len(placed[0].consts) == 1 else None
    if not box.listed:
        return box.items.pop(key, box.rest or UNKNOWN) if placed else box.anything()
    if box.rest is None and (not placed or isinstance(key, int)):
        held = list(box.items.values())
        try:
            found = held.pop(key if isinstance(key, int) else -1)
        except IndexError:
            return UNKNOWN
        box.items = dict(enumerate(held))
        return found
    return box.anything()


def _remove(box: Box, placed: list[Value]) -> Value:
    """`remove(value)`: where the constants say which one goes; else all places are forgotten."""
    held = list(box.items.values())
    wanted = placed[0].consts if placed else ()
    if box.rest is None and box.listed and len(wanted) == 1:
        for position, value in enumerate(held):
            if value.consts == wanted:
                del held[position]
                box.items = dict(enumerate(held))
                return UNKNOWN
            if not value.consts:
                break
    box.blur()
    return UNKNOWN


def _extend(box: Box, placed: list[Value]) -> Value:
    other = placed[0] if placed else UNKNOWN
    if other.box is not None and other.box.listed and other.box.rest is None:
        for value in list(other.box.items.values()):
            box.append(value)
    else:
        box.rest = joined(box.anything(), Value(other.all()))
        box.items = {}
    return UNKNOWN


def _update(box: Box, placed: list[Value]) -> Value:
    for other in placed[:1]:
        if other.box is not None:
            box.items.update(other.box.items)
            box.rest = joined(box.rest, other.box.rest) if other.box.rest is not None else box.rest
        elif other.taints:
            box.rest = joined(box.rest, other)
    return UNKNOWN


def _setdefault(box: Box, placed: list[Value]) -> Value:
    if len(placed) < 2:
        return UNKNOWN
    known = box.items.get(placed[0].consts[0]) if len(placed[0].consts) == 1 else None
    if known is None:
        box.put(placed[0], placed[1])
        return placed[1]
    return known


def _values(box: Box, _placed: list[Value]) -> Value:
    return Value(box=Box(dict(enumerate(box.items.values())), box.rest, listed=True))


def _keys(box: Box, _placed: list[Value]) -> Value:
    return Value(box=Box(dict(enumerate(map(constant, box.items))), None if box.rest is None else UNKNOWN, listed=True))


def _items(box: Box, _placed: list[Value]) -> Value:
    pairs = [Value(box=Box({0: constant(k), 1: v}, listed=True)) for k, v in box.items.items()]
    rest = Value(box=Box({0: UNKNOWN, 1: box.rest}, listed=True)) if box.rest is not None else None
    return Value(box=Box(dict(enumerate(pairs)), rest, listed=True))


def _copy(box: Box, _placed: list[Value]) -> Value:
    return Value(box=Box(dict(box.items), box.rest, listed=box.listed))


def _clear(box: Box, _placed: list[Value]) -> Value:
    box.items, box.rest = {}, None
    return UNKNOWN


def _turned(box: Box, _placed: list[Value]) -> Value:
    if box.rest is None and box.listed:
        box.items = dict(enumerate(reversed(list(box.items.values()))))
    return UNKNOWN


def _sorted(box: Box, _placed: list[Value]) -> Value:
    box.blur()
    return UNKNOWN


_METHODS: dict[str, Callable[[Box, list[Value]], Value | None]] = {
    "get": _get, "append": _append, "add": _append, "insert": _insert, "pop": _pop, "popleft": _pop, "remove": _remove,
    "extend": _extend, "update": _update, "setdefault": _setdefault, "values": _values, "keys": _keys, "items": _items,
    "copy": _copy, "clear": _clear, "reverse": _turned, "sort": _sorted, "put": _append, "appendleft": _sorted,
    "discard": _remove, "getlist": _get,
}  # fmt: skip


def _configured(holder: Value, method: str, placed: list[Value], named: dict[str, Value]) -> Value | None:
    """A configuration parser: a dictionary under pairs of names."""
    box = holder.box
    if box is None:
        return None
    key = tuple(value.consts[0] if len(value.consts) == 1 else None for value in placed[:2])
    if method == "set" and len(placed) > 2:
        box.put(constant(key) if None not in key else UNKNOWN, placed[2])
        return UNKNOWN
    if method == "get" and len(placed) > 1:
        default = placed[2] if len(placed) > 2 else named.get("fallback")
        found = box.items.get(key) if None not in key else box.anything()
        return found or box.rest or default or UNKNOWN
    return UNKNOWN if method in ("add_section", "has_section", "has_option", "read", "read_string") else None
