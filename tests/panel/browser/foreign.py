"""A server of somebody else's on this machine: it serves pages that attack the panel, and notes who comes to it.

To a browser its pages are foreign in both ways that there are: under `evil.example` they are of another site, under
`localhost` of the panel's own site at another port, where the panel's cookie is sent along.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAMES = ("evil.example", "localhost")


class Foreign:
    """The server: `page` is what it serves to everybody at `/`, `heard` the other addresses that were asked for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.page = ""
        self.cookie = ""
        self.heard: list[str] = []

    def address(self, name: str = "localhost") -> str:
        return f"http://{name}:{self.port}"


@contextmanager
def foreign() -> Iterator[Foreign]:
    """It listens on loopback until the test is over."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/":
                made.heard.append(self.path)
            body = made.page.encode()
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            if made.cookie:
                self.send_header("set-cookie", made.cookie)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            made.heard.append(f"POST {self.path}")
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            """Nothing is said; `heard` is the log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Foreign(server.server_port)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join(10)
