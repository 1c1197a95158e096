"""One connection of the web server: who connects and does not send a whole request in time, is hung up on.

Without it a program that only connects could hold all the places that there are, and keep people out.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

WHOLE_SECONDS = 10.0  # for a request, from its first byte (the first one: from the connection) to the end of its body


class Connection(HttpToolsProtocol):
    """uvicorn's own, with a deadline for each request."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Somebody connects."""
        super().connection_made(transport)
        self._expect()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._expect()

    def on_message_complete(self) -> None:
        """The last one."""
        super().on_message_complete()
        self._relax()

    def connection_lost(self, exc: Exception | None) -> None:
        """They are gone."""
        self._relax()
        super().connection_lost(exc)

    def _expect(self) -> None:
        self._relax()
        self._deadline = asyncio.get_running_loop().call_later(WHOLE_SECONDS, self.transport.abort)

    def _relax(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
