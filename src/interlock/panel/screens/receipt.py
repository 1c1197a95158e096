"""Receipt: what became of one question, from the ledger: who said what, when, and what really happened."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interlock.panel.activity import Line, activity
from interlock.panel.card import Card, card
from interlock.panel.screen import Screen, Visit
from interlock.panel.screens.now import entries_of

_KINDS = ("approval.request", "approval.decision", "approval.ticket", "approval.use", "approval.end",
          "approval.escalate", "intent", "outcome", "changes", "undo")  # fmt: skip


class View(msgspec.Struct, frozen=True):
    """The page. `intent` is the entry of the action itself, -1 where it did not run."""

    card: Card
    steps: tuple[Line, ...]
    intent: int
    drift: tuple[str, ...]
    whole: bool  # whether all of it was found in what was read of the ledger
    next: int  # the question that waits next, -1 for none


def view(request: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], waiting: Sequence[int], whole: bool) -> View:
    """The request and the entries that are about it."""
    number = request["id"]
    intent = next((e["index"] for e in entries if _kind(e) == "intent" and e["body"].get("approval") == number), -1)
    about = [e for e in entries if _about(e, number, intent)]
    drift = [line for e in about for line in e["body"].get("drift", ())]
    return View(
        card=card(request),
        steps=tuple(activity(about)),
        intent=intent,
        drift=tuple(str(line) for line in drift),
        whole=whole,
        next=next((other for other in waiting if other != number), -1),
    )


def _kind(entry: Mapping[str, Any]) -> str:
    return str(entry["schema"]).removeprefix("interlock/").rsplit("/", 1)[0]


def _about(entry: Mapping[str, Any], number: int, intent: int) -> bool:
    body = entry["body"]
    if entry["index"] == number or body.get("request") == number or body.get("approval") == number:
        return True
    return intent >= 0 and (entry["index"] == intent or body.get("intent") == intent or intent in body.get("of", ()))


async def load(visit: Visit) -> View:
    """The ledger from the question on."""
    number = visit.path["id"]
    request, log, waiting = await asyncio.gather(
        visit.ask("request", id=number), visit.ask("log", start=number, kinds=list(_KINDS)), visit.ask("inbox")
    )
    found = entries_of(log)
    open_ones = [one["id"] for one in waiting if one["state"] in {"pending", "partial"}]
    return view(request, found, open_ones, whole=len(found) < 1_000)


SCREENS = (Screen("receipt", "/receipts/{id:int}", "Receipt", "receipt.html", load, ("inbox", "sessions")),)
