"""Where points lie: one directory an action, `<state>/undo/<id>/`, written whole or not at all.

Names are given by the clock and by chance, so that the oldest sort first and none is met twice. An undo has several
points, `<id>.0`, `<id>.1` ..., in directories of its own, so that they go when it goes.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import TypeVar

import msgspec

from interlock.containment.point import After, Point
from interlock.model.errors import NotFound, StateError

POINTS_KEPT = 20_000  # some 2 KiB each; a busy day of several agents makes a thousand
SECONDS_KEPT = 30 * 86_400  # as long as the store keeps contents
_T = TypeVar("_T")
_NAME = re.compile(r"[0-9a-f]{11}-[0-9a-f]{12}")
_PART_OF = re.compile(rf"({_NAME.pattern})\.([0-9]{{1,6}})")


class Shelf:
    """The points of one installation."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)

    def name(self, now: float) -> str:
        """A new name, for a moment in seconds since the epoch."""
        return f"{int(now * 1000):011x}-{secrets.token_hex(6)}"

    def save(self, point: Point, *, durable: bool = False) -> None:
        """Write what was there before. Raises OSError."""
        self.write(point.id, "point", msgspec.msgpack.encode(point), durable=durable)

    def point(self, name: str) -> Point:
        """What was there before. Raises NotFound, StateError."""
        return self.decoded(name, "point", Point)

    def decoded(self, name: str, part: str, kind: type[_T]) -> _T:
        """One file of a point as what it holds. Raises NotFound, StateError."""
        return _decoded(self.read(name, part), kind, name)

    def finish(self, name: str, after: After) -> None:
        """Write what was left. Raises OSError."""
        self.write(name, "after", msgspec.msgpack.encode(after))

    def after(self, name: str) -> After | None:
        """What was left; None where no outcome was ever reported. Raises StateError."""
        try:
            raw = self.read(name, "after")
        except NotFound:
            return None
        return _decoded(raw, After, name)

    def write(self, name: str, part: str, raw: bytes, *, durable: bool = False) -> None:
        """One file of a point, replaced in one step. Raises OSError."""
        place = self._place(name)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = place / f".{part}.{secrets.token_hex(4)}"
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                file.write(raw)
                file.flush()
                if durable:
                    os.fsync(descriptor)
            new.rename(place / part)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        if durable:
            while place != self._folder.parent:
                _sync(place)
                place = place.parent

    def read(self, name: str, part: str) -> bytes:
        """One file of a point. Raises NotFound, StateError."""
        try:
            return (self._place(name) / part).read_bytes()
        except FileNotFoundError:
            raise NotFound("what was kept for this action is no longer there. It may have been pruned.") from None
        except OSError as error:
            raise StateError(f"cannot read what was kept for {name}: {error.strerror}. Check its owner.") from error

    def has(self, name: str, part: str) -> bool:
        """Whether a point has this file."""
        return (self._place(name) / part).is_file()

    def drop(self, name: str, part: str) -> None:
        """Remove one file of a point, if it is there. Raises OSError."""
        (self._place(name) / part).unlink(missing_ok=True)

    def taken(self, name: str) -> float:
        """When a point was taken, in seconds since the epoch."""
        return int(name[:11], 16) / 1000

    def with_part(self, part: str) -> list[str]:
        """Every point that has this file, the oldest first."""
        return sorted(path.parent.name for path in self._folder.glob(f"*/{part}") if _NAME.fullmatch(path.parent.name))

    def path(self, name: str, part: str) -> Path:
        """Where a file of a point lies, for programs that read it."""
        return self._place(name) / part

    def prune(self, now: float, *, most: int = POINTS_KEPT, age: float = SECONDS_KEPT) -> int:
        """Drop the points older than `age` seconds and, beyond `most`, the oldest; never an undo that is under way."""
        try:
            names = sorted(entry.name for entry in os.scandir(self._folder) if _NAME.fullmatch(entry.name))
        except FileNotFoundError:
            return 0
        oldest = int((now - age) * 1000)
        doomed = [name for place, name in enumerate(names) if int(name[:11], 16) < oldest or len(names) - place > most]
        for name in doomed:
            if not self.has(name, "plan") or self.has(name, "done"):
                shutil.rmtree(self._folder / name, ignore_errors=True)
        return len(doomed)

    def _place(self, name: str) -> Path:
        if _NAME.fullmatch(name):
            return self._folder / name
        if match := _PART_OF.fullmatch(name):
            return self._folder / match[1] / match[2]
        raise NotFound("that is no name of something kept for undo.")


def _decoded(raw: bytes, kind: type[_T], name: str) -> _T:
    try:
        return msgspec.msgpack.decode(raw, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise StateError(f"what was kept for {name} is damaged; nothing is undone from it.") from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with contextlib.suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)
