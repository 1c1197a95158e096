"""What people do on a page: one way in for all acts, with a script or without one.

    script   JSON, with the session's token in `X-Interlock-Token`
    form     urlencoded, with a token for this act on this subject in this session, which says when the form was painted

Both come through `defence.py` first (from our own pages, by POST). The form's token is bound to what it is about, so a
form that was taken from one card does nothing to another; for the same reason a stolen one is of no use elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from interlock.model.errors import AgentError, Refused
from interlock.panel.carried import meant
from interlock.panel.defence import JSON
from interlock.panel.seats import Seat, check_form, check_script

ARM_SECONDS = 0.7  # after a card was painted or changed, nothing on it can be pressed
_FIELDS = 40


async def fields(request: Request, seat: Seat) -> dict[str, str]:
    """What the page sent; `by` is "script" or "form", `painted` when a form was painted (seconds, as text).

    Raises AgentError for what is no form of ours, Refused for one of another page or session.
    """
    body = await request.body()
    if request.headers["content-type"].partition(";")[0].strip().lower() == JSON:
        check_script(seat, request.headers.get("x-interlock-token", ""))
        return {**_json(body), "by": "script"}
    found = _form(body)
    if "subject" in found:
        found["subject"] = meant(found["subject"])
    painted = check_form(seat, request.url.path, found.get("subject", ""), found.pop("token", ""))
    return {**found, "by": "form", "painted": str(painted)}


def unsigned(body: bytes) -> dict[str, str]:
    """The fields of the one form that has no token: that of a login link, whose secret is one. Raises AgentError."""
    return _form(body)


def unsigned_json(body: bytes) -> dict[str, str]:
    """What a script sends before anybody is signed in. Raises AgentError."""
    return _json(body)


def numbers(text: str) -> list[int]:
    """Numbers as a field holds them: `41,42`. Raises AgentError."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise AgentError("this is no list of numbers.") from None


def too_quick(sent: Mapping[str, str], now: float) -> None:
    """Raises Refused for a form that came back before anybody could have read it."""
    if sent["by"] == "form" and now - float(sent["painted"]) < ARM_SECONDS:
        raise Refused("that was quicker than a person reads. Look at the card, then press again.")


def by_hand(sent: Mapping[str, str], word: str) -> None:
    """Raises Refused unless a pointer pressed the button, as the page's own script says, or the word was typed.

    What loosens (a yes in advance, what is held, an order that ends) or cannot be had back is no matter of a key that
    was meant for something else. What stops and can be lifted again takes no word: a no needs nothing.
    """
    if sent.get("gesture") != "pointer" and sent.get("said", "").strip().lower() != word:
        raise Refused(f"a key alone does not do this: type the word {word} beside the button, then press it.")


def _json(body: bytes) -> dict[str, str]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise AgentError("the body is not JSON.") from None
    if not isinstance(found, dict) or len(found) > _FIELDS or not all(isinstance(v, str) for v in found.values()):
        raise AgentError("the body is no object of texts.")
    return found


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=_FIELDS)
    except ValueError:
        raise AgentError("the body is no form.") from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise AgentError("the form names a field twice.")
    return dict(pairs)
