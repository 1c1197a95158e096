"""A scripted model on loopback: real coding agents talk to it as if it were their vendor's.

It answers `POST /v1/messages` and `POST /v1/responses` from a `Script` and keeps every request, so that a test or
a drill can see what an agent told its model about each tool call: the result, or the reason for which it was
blocked.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

from interlock.drills import dialects
from interlock.drills.script import Place, Script, ToolResult, Turn
from interlock.model.errors import InternalError

# A request of a long session is a few megabytes; beyond this something is wrong with the agent or the script.
LARGEST_REQUEST = 64 * 1024 * 1024


class Exchange(msgspec.Struct, frozen=True):
    """One request that an agent made, and the turn with which it was answered (-1: not from the script)."""

    at: float  # monotonic seconds
    method: str
    path: str
    headers: dict[str, str]
    asked: dialects.Asked | None
    turn: int
    body: dict[str, Any]


Watcher = Callable[[dialects.Asked, Place], Turn | None]


class ModelServer:
    """Serves a script on 127.0.0.1 at a free port, from the `with` statement to its end.

    `watcher` is called before each scripted answer, in the order of the conversation: what
    was asked (with the results of the turn before) and the place of the answer. It may take its time: the agent
    waits.
    """

    def __init__(self, script: Script, watcher: Watcher | None = None) -> None:
        self._script = script
        self._watcher = watcher
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._faults: list[BaseException] = []
        owner = self

        class Handler(_Handler):
            server_of_script = owner

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.05,), name="scripted-model", daemon=True
        )

    @property
    def url(self) -> str:
        """The base address, without a path: `http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All requests so far, oldest first."""
        with self._lock:
            return tuple(self._exchanges)

    def results(self) -> dict[str, ToolResult]:
        """What the model was told about each of its tool calls, by the call's id (the latest word counts)."""
        return {r.call_id: r for x in self.exchanges if x.asked for r in x.asked.results}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)
        if self._faults and error is None:
            first = self._faults[0]
            raise InternalError(f"the scripted model failed while it answered: {first!r}") from first

    # --- called by the handler, in the threads of the requests

    def note(self, exchange: Exchange) -> None:
        """Keep a request."""
        with self._lock:
            self._exchanges.append(exchange)

    def next(self, asked: dialects.Asked) -> Place:
        """The turn for a request; a side request (one without tools) gets a line of text and no place in the
        script."""
        if not asked.tools:
            return Place(0, -1, Turn(text='{"title": "Scripted session"}'))
        place = self._script.turn(asked.opening, asked.call_ids)
        if self._watcher is None:
            return place
        try:
            other = self._watcher(asked, place)
        except Exception as error:  # noqa: BLE001 - kept for the owner; an agent left without an answer would retry for minutes
            self.fault(error)
            other = Turn(text="The watcher of this script failed.")
        return place if other is None else Place(place.talk, place.number, other)

    def fault(self, error: BaseException) -> None:
        """Keep an error of ours, to raise it where the test can see it."""
        with self._lock:
            self._faults.append(error)


class _Handler(BaseHTTPRequestHandler):
    """The HTTP edge: reads a request, asks the script, writes JSON or server-sent events."""

    server_of_script: ModelServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._note()
        self._send(200, "application/json", (b"",))

    def do_GET(self) -> None:
        self._note()
        self._json(200, {"object": "list", "data": [], "models": []})

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        path = urlsplit(self.path).path
        try:
            if path == "/v1/messages/count_tokens":
                self._note(body=body)
                self._json(200, {"input_tokens": 1})
            elif path == "/v1/messages":
                self._messages(body)
            elif path == "/v1/responses":
                self._responses(body)
            else:
                self._note(body=body)
                self._json(404, {"type": "error", "error": {"type": "not_found_error", "message": "not scripted"}})
        except OSError:  # the agent hung up: its right
            self.close_connection = True
        except Exception as error:  # noqa: BLE001 - a thread's error would be lost; the owner raises it at its end
            self.server_of_script.fault(error)
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Requests are kept by the server, not printed."""

    def _messages(self, body: dict[str, Any]) -> None:
        asked = dialects.read_messages(body)
        place = self.server_of_script.next(asked)
        self._note(asked=asked, turn=place.number, body=body)
        if body.get("stream"):
            self._send(200, "text/event-stream", dialects.messages_stream(place, asked.model))
        else:
            self._json(200, dialects.messages_answer(place, asked.model))

    def _responses(self, body: dict[str, Any]) -> None:
        asked = dialects.read_responses(body)
        place = self.server_of_script.next(asked)
        self._note(asked=asked, turn=place.number, body=body)
        self._send(200, "text/event-stream", dialects.responses_stream(place, asked.model))

    def _body(self) -> dict[str, Any] | None:
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > LARGEST_REQUEST:
            self._json(413, {"error": {"message": "a request needs a length, at most 64 MiB"}})
            return None
        try:
            body = json.loads(self.rfile.read(int(length)) or b"{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self._json(400, {"error": {"message": "the body must be a JSON object"}})
            return None
        return body

    def _note(self, *, asked: dialects.Asked | None = None, turn: int = -1, body: dict[str, Any] | None = None) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server_of_script.note(
            Exchange(time.monotonic(), self.command, self.path, headers, asked, turn, body if body is not None else {})
        )

    def _json(self, status: int, value: object) -> None:
        self._send(status, "application/json", (json.dumps(value).encode(),))

    def _send(self, status: int, kind: str, chunks: Iterable[bytes]) -> None:
        data = b"".join(chunks)
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.send_header("request-id", "req_scripted")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
