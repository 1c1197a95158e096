"""What a person takes along from the ledger: all of it as one file, or one entry with the proof that it is in it.

Each is a plain link, a GET that changes nothing, and for whoever may look. What is handed out is what stands in the
ledger, byte for byte: `interlock verify` takes it anywhere, and takes the panel's word for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from interlock.model.errors import Refused
from interlock.panel.seats import Seat, Seats

if TYPE_CHECKING:
    from interlock.panel.app import Daemon

_EXPORTS = 2  # downloads at once: each holds a thread and a reader of the ledger for as long as its taker likes
_PIECE = 256 << 10  # bytes that are sent at once
Handler = Callable[[Request], Awaitable[Response]]


class Export(Protocol):
    """A file that is read while it is sent. `name` is made of nothing that anybody wrote."""

    @property
    def name(self) -> str:
        """What it is to be called."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None:
        """Let go of what it reads from."""


class Files:
    """The handlers. `sitting` is whose request it is, `outside` the answer to everybody else."""

    def __init__(
        self,
        daemon: Daemon,
        seats: Seats,
        sitting: Callable[[Request], Seat | None],
        outside: Callable[[Request], Response],
    ) -> None:
        self._daemon = daemon
        self._seats = seats
        self._sitting = sitting
        self._outside = outside
        self._under_way = 0

    def routes(self, caught: Callable[[Handler], Handler]) -> list[Route]:
        """Where they are fetched from."""
        return [
            Route("/ledger/export.tar", caught(self._export)),
            Route("/ledger/{id:int}/entry.json", caught(self._entry)),
            Route("/ledger/{id:int}/entry.tlog-proof", caught(self._proof)),
        ]

    async def _entry(self, request: Request) -> Response:
        """The bytes that were hashed."""
        return await self._of_entry(request, "raw", "json", "application/json")

    async def _proof(self, request: Request) -> Response:
        """How their hash leads to the root that a checkpoint signs."""
        return await self._of_entry(request, "proof", "tlog-proof", "text/plain")

    async def _of_entry(self, request: Request, part: str, ending: str, kind: str) -> Response:
        seat = self._sitting(request)
        if seat is None:
            return self._outside(request)
        number = int(request.path_params["id"])
        found: dict[str, Any] = await self._daemon.ask(seat, "entry", {"id": number, "raw": True})
        return Response(found[part].encode(), headers=_to_keep(f"{number}.{ending}"), media_type=kind)

    async def _export(self, request: Request) -> Response:
        seat = self._sitting(request)
        if seat is None:
            return self._outside(request)
        if self._under_way >= _EXPORTS:
            raise Refused(f"{_EXPORTS} exports are under way already. Try again when one of them is done.")
        export = await self._daemon.export(seat)
        headers = _to_keep(export.name)
        if request.method == "HEAD":
            export.close()
            return Response(headers=headers, media_type="application/x-tar")
        return StreamingResponse(self._sent(seat, export), headers=headers, media_type="application/x-tar")

    async def _sent(self, seat: Seat, export: Export) -> AsyncIterator[bytes]:
        """Its pieces, the next ones read when the last are sent.

        Raises Refused when the session ends meanwhile, LedgerError for what cannot be read: the connection is broken
        off, and the browser says that the file is not whole.
        """
        self._under_way += 1
        try:
            pieces = _together(iter(export))
            while piece := await asyncio.to_thread(next, pieces, b""):
                if self._seats.alive(seat) is None:
                    raise Refused("the session ended while the ledger was sent.")
                yield piece
        finally:
            self._under_way -= 1
            export.close()


def _together(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Small pieces as larger ones: a tile of hashes is not worth a way to another thread and back."""
    waiting, length = list[bytes](), 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= _PIECE:
            yield b"".join(waiting)
            waiting, length = [], 0
    if waiting:
        yield b"".join(waiting)


def _to_keep(name: str) -> dict[str, str]:
    """The header of a file that a browser keeps under this name, and shows nowhere."""
    return {"content-disposition": f'attachment; filename="{name}"'}
