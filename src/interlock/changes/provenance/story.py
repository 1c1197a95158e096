"""What an entry of the ledger says of the action behind a line: who, in which session, by which prompt and approval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def action(index: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of one `intent` entry; empty fields are left out."""
    body: Mapping[str, Any] = entry.get("body", {})
    who: Mapping[str, Any] = body.get("principal", {})
    origin: Mapping[str, Any] = body.get("provenance", {})
    models = origin.get("model") or ([who["model"]] if who.get("model") else [])
    said = {
        "entry": index,
        "time": entry.get("time", ""),
        "agent": who.get("agent", ""),
        "session": who.get("session", ""),
        "subagent": who.get("subagent", ""),
        "person": who.get("person", ""),
        "model": str(models[0]) if len(models) == 1 else "",
        "prompt": str((origin.get("prompt") or [""])[-1]),
        "tool": body.get("tool", ""),
        "text": str(body.get("text", ""))[:200],
        "tier": body.get("tier"),
        "verdict": body.get("verdict", ""),
        "approval": body.get("approval"),
        "grants": body.get("grants", []),
        "contained": bool(body.get("contained")),
    }
    return {name: value for name, value in said.items() if value not in ("", None, [], False)}
