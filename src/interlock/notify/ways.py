"""A message in the words of each way out: a webhook, ntfy, Slack and its like. No button and no answer, ever."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from interlock.model.errors import ConfigError
from interlock.notify.notice import Message
from interlock.notify.post import Request, Undelivered
from interlock.notify.settings import Kind, Target, address

_LIMIT = 4096  # bytes of a file with an address or a token
_JSON = {"Content-Type": "application/json"}
# ntfy: 1 (least) to 5 (rings through).
_PRIORITY = {3: 4, 4: 5}


def request(target: Target, message: Message, now: float) -> Request:
    """The HTTP request that brings `message` to `target` (which is no desktop). Raises Undelivered, lasting."""
    try:
        url = target.url or address(secret(target.folder, target.url_file), target.name, plain=target.plain_http)
        key = secret(target.folder, target.secret_file) if target.secret_file else ""
    except ConfigError as error:
        raise Undelivered(str(error), lasting=True) from error
    if target.kind is Kind.NTFY:
        return _ntfy(url, key, message)
    if target.kind is Kind.SLACK:
        return Request(url, _encoded(slack(message)), _JSON)
    body = _encoded(message.facts())
    return Request(url, body, _JSON | (signed(key, message.id, int(now), body) if key else {}))


def where(target: Target) -> str:
    """Where a target's messages go, without what is secret in it."""
    if target.kind is Kind.DESKTOP:
        return "this desktop"
    return urlsplit(target.url).hostname or "" if target.url else f"the address in {target.url_file}"


def signed(secret: str, number: str, now: int, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks (standardwebhooks.com): the receiver can tell who sent it, and when.

    The key is the secret's text, or what `whsec_` in front of it says is base64.
    """
    key = secret.encode()
    if secret.startswith("whsec_"):
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError as error:
            raise Undelivered("its secret begins with whsec_, and what follows is no base64", lasting=True) from error
    text = f"{number}.{now}.".encode() + body
    mark = base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()
    return {"webhook-id": number, "webhook-timestamp": str(now), "webhook-signature": f"v1,{mark}"}


def slack(message: Message) -> dict[str, Any]:
    """What came from outside stands in a block of code: there no sign makes a link, a mention or a heading."""
    title = _escaped(message.title)
    # A back quote would end the block; written out it is what the one renderer would make of a strange sign.
    lines = _escaped("\n".join(message.lines)).replace("`", "&lt;U+0060&gt;")
    block = f"\n```\n{lines}\n```" if lines else ""
    return {"text": f"{title}{block}\n{message.where}", "unfurl_links": False, "unfurl_media": False, "parse": "none"}


def _escaped(text: str) -> str:
    """As Slack's message format wants it: these three signs begin mentions, links and entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _ntfy(url: str, token: str, message: Message) -> Request:
    parts = urlsplit(url)
    root, _, topic = parts.path.rpartition("/")
    if not topic:
        raise Undelivered("an ntfy address ends with its topic: https://host/topic", lasting=True)
    body: dict[str, Any] = {
        "topic": topic,
        "title": message.title,
        "message": message.text if message.lines else message.where,
        "priority": _PRIORITY.get(message.tier, 3),
        "tags": ["rotating_light" if message.urgent else "raised_hand"],
    }
    if message.link:
        body["click"] = message.link
    headers = _JSON | ({"Authorization": f"Bearer {token}"} if token else {})
    return Request(urlunsplit((parts.scheme, parts.netloc, root + "/", "", "")), _encoded(body), headers)


def _encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


def secret(folder: str, name: str) -> str:
    """One line of a file that only its owner reads. Raises ConfigError."""
    file = Path(folder) / Path(name).expanduser()
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as opened:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode) or mode & 0o077:
                raise ConfigError(f"{name} can be read by others. It holds a secret: chmod 600 it.")
            text = opened.read(_LIMIT).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} cannot be read: {getattr(error, 'strerror', None) or 'no ASCII'}.") from error
    if not text or not text.isprintable() or " " in text:
        raise ConfigError(f"{name} holds no secret in one word.")
    return text
