"""The world as it will be while the text runs: files that the text itself wrote lie over the real ones.

So `echo 'rm -rf x' > a.sh; bash a.sh` is read through, and a file written with unknown content is never taken for what
lies on the disk now.
"""

from __future__ import annotations

from interlock.effects.invocation import Word
from interlock.effects.places import inside, normal, stands_for, swallows
from interlock.model import labels
from interlock.model.action import Trail
from interlock.model.effect import Effect
from interlock.model.world import World

MAX_FILES = 256


class Overlay:
    """A `World` that remembers what this reading wrote: text (None: not known) and taint by absolute path."""

    def __init__(self, under: World) -> None:
        self.under = under
        self.written: dict[str, str | None] = {}
        self.taints: dict[str, tuple[str, ...]] = {}
        self.made: set[str] = set()  # directories
        self.fresh: set[str] = set()  # what this text made where nothing was, by itself or with all that is below
        self.changed = False  # a program ran that may have changed any file
        self.carried: list[tuple[str, Effect]] = []  # where something was moved to, and the move out of its old place
        self.streams = 0
        self.built: set[str] = set()  # programs that this text compiled from the project's own source
        self.unread: set[str] = set()  # files that a redirection filled with what nobody knows
        self.arrived: set[str] = set()  # directories that were filled from the network
        self.version = 0  # counts what was written
        self.listings: dict[str, tuple[Word, ...]] = {}  # streams whose lines are names

    def taint(self, path: str) -> tuple[str, ...]:
        """What has flowed into the file, or into those that a pattern stands for: in this text, else earlier."""
        here = self.taints.get(path)
        if here is None and "*" in path:
            ours = {label for name, those in self.taints.items() if those and stands_for(path, name) for label in those}
            if any(stands_for(path, directory + "/") for directory in self.arrived):
                ours.add(labels.FROM_NETWORK)
            return tuple(sorted(ours.union(self.under.trail(path))))
        known = self.under.trail(path) if here is None else here
        around = self._around(path, written=here is not None)
        return tuple(sorted({*known, *around})) if around else known

    def _around(self, path: str, *, written: bool) -> set[str]:
        """What flowed into directories around it.

        One that was filled from the network may hold it anew, even where it was `written` before. What was written as
        a file and has something below it was a directory.
        """
        found: set[str] = set()
        end = path.rfind("/") if self.taints or self.arrived else 0
        while end > 0:
            if path[:end] in self.arrived:
                found.add(labels.FROM_NETWORK)
            if not written:
                found.update(self.taints.get(path[:end], ()))
            end = path.rfind("/", 0, end)
        return found

    def trails(self) -> tuple[Trail, ...]:
        """What later actions must know of the files that this text fills."""
        files = [
            Trail(path, taint)
            for path, taint in self.taints.items()
            if not swallows(path) and (taint or (self.written.get(path) is not None and self.under.trail(path)))
        ]
        return (*files, *(Trail(directory + "/", (labels.FROM_NETWORK,)) for directory in sorted(self.arrived)))

    def write(self, path: str, text: str | None, taint: tuple[str, ...], *, append: bool) -> None:
        """`path` now holds `text` (after what it held, when appended)."""
        path = normal(path)
        if path not in self.written and self.under.kind(path) is None:
            self.changed = True  # a pattern may find it, if the command that makes it does not fail
            self.fresh.add(path)
        if len(self.written) >= MAX_FILES and path not in self.written:
            self.changed = True
            return
        if append:
            before = self.text(path) if self.kind(path) is not None else ""
            text = None if before is None or text is None else before + text
            taint = tuple(sorted(set(taint) | set(self.taint(path))))
        self.written[path] = text
        self.taints[path] = taint
        self.built.discard(path)
        self.version += 1

    def make(self, directory: str) -> None:
        """A directory is there from now on; those above it that were not there are made with it."""
        self.made.add(directory)
        self.version += 1
        chain: list[str] = []
        above = normal(directory)
        while above.count("/") > 1 and self.under.kind(above) is None:
            chain.append(above)
            above = above.rpartition("/")[0]
        seen = above.count("/") > 1  # else nothing of this tree can be seen, and what is above is not guessed at
        self.fresh.update(chain if seen else chain[:1])

    def own(self, path: str) -> bool:
        """Whether this text made it: the thing itself, or a directory above it."""
        if not self.fresh:
            return False
        path = normal(path).rstrip("/*")
        return path in self.fresh or any(path.startswith(one + "/") for one in self.fresh)

    def carry(self, targets: list[str], moves: list[Effect]) -> None:
        """What was moved, and where it stands from now on."""
        if targets and len(self.carried) < MAX_FILES:
            places = targets if len(targets) == len(moves) else targets[:1] * len(moves)
            self.carried += zip(places, moves, strict=True)

    def lost(self, path: str) -> list[Effect]:
        """The moves whose content goes when `path` is removed: what was moved there, or below it, or holds it."""
        path = normal(path).rstrip("/*") or "/"
        return [move for place, move in self.carried if inside(place, path) or inside(path, place)]

    def flow(self, path: str, taint: tuple[str, ...]) -> None:
        """Something is being written to a file that is held open: what it holds now is not known."""
        path = normal(path)
        self.written[path] = None
        self.unread.add(path)
        if taint:
            self.taints[path] = tuple(sorted(set(taint) | set(self.taint(path))))
        self.version += 1

    def stream(self, text: str | None, taint: tuple[str, ...]) -> str:
        """A new `/dev/fd` path whose content is `text`: what a process substitution stands for."""
        path = f"/dev/fd/{63 - self.streams % 50}"
        self.streams += 1
        self.written[path] = text
        self.taints[path] = taint
        self.version += 1
        if text is None:
            self.unread.add(path)
        return path

    def kind(self, path: str) -> str | None:
        if path in self.written:
            return "file"
        if path in self.made:
            return "directory"
        return self.under.kind(path)

    def resolve(self, path: str) -> str:
        return path if path in self.written and path.startswith("/dev/fd/") else self.under.resolve(path)

    def text(self, path: str, limit: int = 262_144) -> str | None:
        if not self.written:
            return self.under.text(path, limit)
        path = normal(path)
        if path in self.written:
            text = self.written[path]
            return text if text is not None and len(text) <= limit else None
        return self.under.text(path, limit)

    def names(self, directory: str, limit: int = 4_096) -> tuple[str, ...] | None:
        return self.under.names(directory, limit)

    def branch(self, directory: str) -> str | None:
        return self.under.branch(directory)

    def trail(self, path: str) -> tuple[str, ...]:
        return self.taint(path)
