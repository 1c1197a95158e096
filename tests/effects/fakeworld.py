"""A world made of data: files with text, directories, symlinks."""

from __future__ import annotations

from interlock.effects.places import normal
from interlock.model.world import EnvironmentRule, Setting

HOME = "/home/ana"
WORKSPACE = "/home/ana/shop"
SETTING = Setting(
    cwd=WORKSPACE,
    home=HOME,
    user="ana",
    workspace=WORKSPACE,
    environments=(
        EnvironmentRule("database", "ledger*", "production"),
        EnvironmentRule("host", "*.corp.example", "staging"),
        EnvironmentRule("directory", "/srv/live", "production"),
    ),
    known_hosts=("*.example.org", "build.example:8443"),
    interlock_paths=("/home/ana/.config/interlock", "/home/ana/.local/state/interlock"),
)


class FakeWorld:
    """`files` maps paths to text, `links` symlinks to their targets, `trails` paths to what flowed into them before.

    Parents of everything are directories.
    """

    def __init__(
        self,
        files: dict[str, str] | None = None,
        links: dict[str, str] | None = None,
        trails: dict[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.files = files or {}
        self.trails = trails or {}
        self.links = links or {}
        self.directories = {"/"}
        for path in (*self.files, *self.links):
            parts = path.split("/")
            self.directories.update("/".join(parts[:end]) for end in range(2, len(parts)))

    def kind(self, path: str) -> str | None:
        if path in self.links:
            return "symlink"
        if path in self.files:
            return "file"
        return "directory" if path in self.directories else None

    def resolve(self, path: str) -> str:
        done = "/"
        todo = [part for part in path.split("/") if part not in ("", ".")]
        for _ in range(200):
            if not todo:
                return done
            part = todo.pop(0)
            if part == "..":
                done = done.rpartition("/")[0] or "/"
                continue
            there = normal(f"{done}/{part}")
            target = self.links.get(there)
            if target is None:
                done = there
            else:
                todo = [p for p in target.split("/") if p not in ("", ".")] + todo
                done = "/" if target.startswith("/") else done
        return normal(path)

    def text(self, path: str, limit: int = 262_144) -> str | None:
        text = self.files.get(path)
        return text if text is not None and len(text) <= limit else None

    def names(self, directory: str, limit: int = 4_096) -> tuple[str, ...] | None:
        if directory not in self.directories:
            return None
        found = {
            p
            for p in (*self.files, *self.links, *self.directories)
            if p != "/" and (p.rpartition("/")[0] or "/") == directory
        }
        return tuple(sorted(p.rpartition("/")[2] for p in found)) if len(found) <= limit else None

    def branch(self, directory: str) -> str | None:
        return None

    def trail(self, path: str) -> tuple[str, ...]:
        return self.trails.get(path, ())
