"""What each kind of entry says in one line: its mark, its tone, its words, and where more about it stands. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from interlock.model.counts import many
from interlock.model.given import given

Story = tuple[str, str, str, str]  # mark ("": the kind itself), tone, text, link ("": the entry)
_Body = Mapping[str, Any]
_UNSHOWN = frozenset({"principal", "call", "asked", "inside"})
_TONES = {"allow": "good", "ask": "warn", "deny": "bad"}
_BY = {"agent": "an agent", "human": "a person", "restored": "nobody: it was so before"}
_SHOWN = 8  # numbers of entries in one line


def told(kind: str, body: _Body) -> Story:
    """One entry's story; of a kind that is not known here, or has not what it should, its plain facts."""
    story = _STORIES.get(kind)
    if story is None:
        story = next((of for begin, of in _FAMILIES.items() if kind.startswith(begin)), _rest)
    try:
        return story(body)
    except (KeyError, TypeError, AttributeError):
        return _rest(body)


def _action(body: _Body) -> Story:
    return body["verdict"], _TONES.get(body["verdict"], "calm"), f"{body['tool']}: {body['text']}", ""


def _outcome(body: _Body) -> Story:
    ok = body["result"].get("ok", True)
    return ("done" if ok else "failed"), ("good" if ok else "warn"), f"of {body['intent']}", ""


def _asked(body: _Body) -> Story:
    return "asks", "warn", f"{body['tool']}: {body['text']}", ""


def _approval(body: _Body) -> Story:
    change, number = body.get("change", {}), body.get("request", "?")
    state = change.get("state", "") or f"asks {body.get('to', '')} too"
    by = f" by {change['decided_by']}" if change.get("decided_by") else ""
    proof = body.get("proof", {})
    if by and (how := given(proof.get("how", change.get("decided_how", "")), typed=proof.get("typed") is True)):
        by += f", {how}"
    tone = {"approved": "good", "denied": "bad", "revoked": "bad", "drifted": "bad"}.get(state, "calm")
    return state, tone, f"request {number}{by}", f"/receipts/{number}"


def _alarm(body: _Body) -> Story:
    return "alarm", "bad", str(body.get("message", "")), ""


def _changes(body: _Body) -> Story:
    return "changes", "calm", f"run {body.get('run', '')}: {len(body.get('committed', ()))} committed", ""


def _opened(body: _Body) -> Story:
    return "begins", "calm", str(body.get("workspace", "")), ""


def _closed(body: _Body) -> Story:
    return "ends", "calm", str(body.get("name", "")), ""


def _rest(body: _Body) -> Story:
    parts = (f"{name} {value}" for name, value in body.items() if name not in _UNSHOWN and isinstance(value, str | int))
    return "", "calm", ", ".join(parts), ""


def _login(body: _Body) -> Story:
    looks = body["role"] == "reader" or (not body["process"] and body.get("by", "link") == "link")
    role = ", to look" if looks else ""
    return "signs in", "calm", f"{body['person']} at the panel{role}", ""


def _invited(body: _Body) -> Story:
    return "invites", "calm", f"{body['name']}, by {body['by']}, to make a passkey for {body['at']}", ""


def _offered(body: _Body) -> Story:
    return "offers", "warn", f"a passkey for {body['name']}, from {body['from']}: it counts once it is accepted", ""


def _gate(body: _Body) -> Story:
    verdict = str(body["verdict"])
    tone = {"PASS": "good", "BLOCK": "bad"}.get(verdict, "warn")
    return f"gate: {verdict}", tone, f"commit {body['commit'][:12]}", ""


def _reviewed(body: _Body) -> Story:
    by = body["by"]
    who = f"{by['agent']} {by.get('session', '')}" if by.get("agent") else by.get("person", "")
    signed = ", signed with a passkey" if "proof" in body else ""
    text = f"{who}, {body['role']} of commit {body['commit'][:12]}{signed}"
    return f"says {body['says']}", "good" if body["says"] == "ok" else "warn", text, ""


def _incident(body: _Body) -> Story:
    behind = many(body["behind"]["actions"], "action")
    return (
        f"incident: {body['severity']}",
        "bad",
        f"{body['what']}, by {body['by']}, with {behind} behind it",
        "/incidents",
    )


def _incident_closed(body: _Body) -> Story:
    tone = "good" if body["as"] == "mended" else "calm"
    return (
        str(body["as"]),
        tone,
        f"incident {body['incident']}, by {body['by']}{_because(body)}",
        f"/incidents/{body['incident']}",
    )


def _edit(body: _Body) -> Story:
    lines = f", {body['own']} of {many(body['lines'], 'line')} new" if "lines" in body else ""
    return "edits", "calm", f"{body['path']} in {_place(body)}{lines}, by {_by(body)}", ""


def _commit(body: _Body) -> Story:
    return "commits", "calm", f"{body['commit'][:12]} in {_place(body)}, by {_by(body)}", ""


def _repository(body: _Body) -> Story:
    gap = body.get("gap", "")
    return "looks", "warn" if gap else "calm", f"{_place(body)}{f': {gap}' if gap else ''}", ""


def _attestation(body: _Body) -> Story:
    return "attests", "calm", f"commit {body['commit'][:12]}, with {many(body['actions'], 'action')} behind it", ""


def _by(body: _Body) -> str:
    return _BY.get(body["by"], "somebody unknown")


def _place(body: _Body) -> str:
    return str(body["top"]).rpartition("/")[2]


def _granted(body: _Body) -> Story:
    for_ = ", ".join(str(body[name]) for name in ("agent", "session") if body.get(name)) or "any agent"
    what = ", ".join(f"{' or '.join(one['verbs'])} {one['kind']} {one['name']}" for one in body["patterns"][:_SHOWN])
    return "grants", "warn", f"{what}, to {for_}, by {body['given_by']}", "/grants"


def _grant_used(body: _Body) -> Story:
    return "uses", "calm", f"grant {body['grant']}", "/grants"


def _grant_revoked(body: _Body) -> Story:
    return "revokes", "calm", f"grant {body['grant']}, by {body['by']}{_because(body)}", "/grants"


def _ordered(body: _Body) -> Story:
    return body["what"], "bad", f"{body['where']}, by {body['by']}: {body['reason']}", "/halt"


def _lifted(body: _Body) -> Story:
    return "lifts", "good", f"order {body['order']}, by {body['by']}{_because(body)}", "/halt"


def _voted(body: _Body) -> Story:
    return "would lift", "calm", f"order {body['order']}: {body['by']}", "/halt"


def _halt_begins(body: _Body) -> Story:
    return "in force", "bad", f"order {body['order']}", "/halt"


def _certified(body: _Body) -> Story:
    silent = f", {body['silent']} silent until their lease ends" if body["silent"] else ""
    took = max(1, body["took_us"] // 1_000)
    said = f"order {body['order']}: {many(body['processes'], 'process', 'processes')} seen to stand still{silent}"
    return "stopped", "warn" if silent else "good", f"{said}, after {took} ms", "/halt"


def _undone(body: _Body) -> Story:
    entries = ", ".join(map(str, body["of"][:_SHOWN])) + (" …" if len(body["of"]) > _SHOWN else "")
    return "takes back", "warn", f"{entries}, by {body['by']}: {many(body['changes'], 'change')}", ""


def _undo_ended(body: _Body) -> Story:
    ok = body["result"]["ok"]
    return ("taken back" if ok else "in part"), ("good" if ok else "warn"), f"of {body['undo']}", ""


def _batch(body: _Body) -> Story:
    decision = body["decision"]
    items = ", ".join(str(item["request"]) for item in decision["items"])
    return decision["verdict"], "calm", f"{items}, by {decision['approver']}", ""


def _person(body: _Body) -> Story:
    by = ", ".join(consent["person"] for consent in body["by"])
    return "", "calm", f"{body['change']['name']}, by {by}{' alone' if body.get('alone') else ''}", "/people"


def _role(body: _Body) -> Story:
    return "", "calm", f"{body['role']}, of session {body['session']}, by {body['by']}", "/grants"


def _prompt(body: _Body) -> Story:
    return "prompt", "calm", f"{many(body['prompt']['size'], 'byte')}, kept as a digest", ""


def _because(body: _Body) -> str:
    return f": {body['because']}" if body.get("because") else ""


_STORIES: dict[str, Callable[[_Body], Story]] = {
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
    "incident": _incident,
    "incident.close": _incident_closed,
    "changes": _changes,
    "session.open": _opened,
    "session.close": _closed,
    "edit": _edit,
    "commit": _commit,
    "repository": _repository,
    "attestation": _attestation,
    "grant.give": _granted,
    "grant.use": _grant_used,
    "grant.revoke": _grant_revoked,
    "halt.order": _ordered,
    "halt.lift": _lifted,
    "halt.vote": _voted,
    "halt.begin": _halt_begins,
    "halt.certificate": _certified,
    "undo": _undone,
    "undo.outcome": _undo_ended,
    "approval.batch": _batch,
    "role.give": _role,
    "role.end": _role,
    "prompt": _prompt,
}
_FAMILIES: dict[str, Callable[[_Body], Story]] = {"approval.": _approval, "person.": _person}
