"""JSON over https, bounded: what is asked of an identity provider. Blocks; no redirect is followed, no proxy used."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any
from urllib.parse import urlencode, urlsplit

from interlock.identity.oidc import safe
from interlock.model.errors import OperatorError

_SECONDS = 10.0  # for each step of an exchange
_LONGEST = 256 << 10  # bytes of an answer


def fetched(address: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> Any:
    """The JSON at an address; with `form`, what it answers to that. Raises OperatorError, ConfigError."""
    parts = urlsplit(safe(address))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = {"accept": "application/json", **(headers or {})}
    body = None
    if form is not None:
        body = urlencode(form).encode()
        sent["content-type"] = "application/x-www-form-urlencoded"
    connection = _connection(parts.scheme, parts.hostname or "", parts.port)
    try:
        connection.request("GET" if body is None else "POST", path, body, sent)
        answer = connection.getresponse()
        text = answer.read(_LONGEST + 1)
    except (OSError, http.client.HTTPException) as error:
        raise OperatorError(f"{parts.hostname} cannot be asked: {str(error)[:200] or type(error).__name__}.") from error
    finally:
        connection.close()
    if answer.status != http.client.OK or len(text) > _LONGEST:
        raise OperatorError(f"{parts.hostname} answers {answer.status} with {len(text)} bytes, and no JSON to use.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OperatorError(f"{parts.hostname} answers with what is no JSON.") from error


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=_SECONDS)
    return http.client.HTTPSConnection(host, port, timeout=_SECONDS, context=ssl.create_default_context())
