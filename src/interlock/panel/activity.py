"""Entries of the ledger as lines that a person reads. Pure; `ledger`, `now` and the timelines share it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from interlock.model.given import given
from interlock.panel import words

_UNSHOWN = frozenset({"principal", "call", "asked", "inside"})


class Line(msgspec.Struct, frozen=True):
    """One entry. `tone` is "good", "warn", "bad" or "calm"; `link` leads to more about it."""

    index: int
    time: str
    kind: str
    agent: str
    session: str
    mark: str
    tone: str
    text: str
    link: str = ""


def activity(entries: Iterable[Mapping[str, Any]]) -> list[Line]:
    """Each entry in one line, in their order."""
    return [line(entry) for entry in entries]


def line(entry: Mapping[str, Any]) -> Line:
    """One entry."""
    kind, body = words.kind_of(entry), entry["body"]
    who = body.get("principal") or {}
    mark, tone, text, link = _STORIES.get(kind, _rest)(body)
    if kind.startswith("approval.") and kind not in _STORIES:
        mark, tone, text, link = _approval(body)
    return Line(
        index=entry["index"],
        time=entry["time"],
        kind=kind,
        agent=str(who.get("agent", "")),
        session=str(who.get("session", "")),
        mark=mark or kind,
        tone=tone,
        text=text,
        link=link or f"/ledger/{entry['index']}",
    )


_Story = tuple[str, str, str, str]
_TONES = {"allow": "good", "ask": "warn", "deny": "bad"}


def _action(body: Mapping[str, Any]) -> _Story:
    return body["verdict"], _TONES.get(body["verdict"], "calm"), f"{body['tool']}: {body['text']}", ""


def _outcome(body: Mapping[str, Any]) -> _Story:
    ok = body["result"].get("ok", True)
    return ("done" if ok else "failed"), ("good" if ok else "warn"), f"of {body['intent']}", ""


def _asked(body: Mapping[str, Any]) -> _Story:
    return "asks", "warn", f"{body['tool']}: {body['text']}", ""


def _approval(body: Mapping[str, Any]) -> _Story:
    change, number = body.get("change", {}), body.get("request", "?")
    state = change.get("state", "") or f"asks {body.get('to', '')} too"
    by = f" by {change['decided_by']}" if change.get("decided_by") else ""
    proof = body.get("proof", {})
    if by and (how := given(proof.get("how", change.get("decided_how", "")), typed=proof.get("typed") is True)):
        by += f", {how}"
    tone = {"approved": "good", "denied": "bad", "revoked": "bad", "drifted": "bad"}.get(state, "calm")
    return state, tone, f"request {number}{by}", f"/receipts/{number}"


def _alarm(body: Mapping[str, Any]) -> _Story:
    return "alarm", "bad", str(body.get("message", "")), ""


def _changes(body: Mapping[str, Any]) -> _Story:
    return "changes", "calm", f"run {body.get('run', '')}: {len(body.get('committed', ()))} committed", ""


def _opened(body: Mapping[str, Any]) -> _Story:
    return "begins", "calm", str(body.get("workspace", "")), ""


def _closed(body: Mapping[str, Any]) -> _Story:
    return "ends", "calm", str(body.get("name", "")), ""


def _rest(body: Mapping[str, Any]) -> _Story:
    parts = (f"{name} {value}" for name, value in body.items() if name not in _UNSHOWN and isinstance(value, str | int))
    return "", "calm", ", ".join(parts), ""


def _login(body: Mapping[str, Any]) -> _Story:
    looks = body["role"] == "reader" or (not body["process"] and body.get("by", "link") == "link")
    role = ", to look" if looks else ""
    return "signs in", "calm", f"{body['person']} at the panel{role}", ""


def _invited(body: Mapping[str, Any]) -> _Story:
    return "invites", "calm", f"{body['name']}, by {body['by']}, to make a passkey for {body['at']}", ""


def _offered(body: Mapping[str, Any]) -> _Story:
    return "offers", "warn", f"a passkey for {body['name']}, from {body['from']}: it counts once it is accepted", ""


def _gate(body: Mapping[str, Any]) -> _Story:
    verdict = str(body["verdict"])
    tone = {"PASS": "good", "BLOCK": "bad"}.get(verdict, "warn")
    return f"gate: {verdict}", tone, f"commit {body['commit'][:12]}", ""


def _reviewed(body: Mapping[str, Any]) -> _Story:
    by = body["by"]
    who = f"{by['agent']} {by.get('session', '')}" if by.get("agent") else by.get("person", "")
    text = f"{who}, {body['role']} of commit {body['commit'][:12]}"
    return f"says {body['says']}", "good" if body["says"] == "ok" else "warn", text, ""


_STORIES: dict[str, Callable[[Mapping[str, Any]], _Story]] = {
    "intent": _action,
    "denial": _action,
    "outcome": _outcome,
    "approval.request": _asked,
    "alarm": _alarm,
    "panel.login": _login,
    "person.invite": _invited,
    "person.offer": _offered,
    "gate": _gate,
    "review": _reviewed,
    "changes": _changes,
    "session.open": _opened,
    "session.close": _closed,
}
