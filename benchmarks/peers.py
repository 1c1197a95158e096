"""Others' sandboxes, as their users start them: which are here, in which version, and that they really hold.

Found in a directory where npm installed them, or on PATH:

    npm install --prefix DIR @anthropic-ai/sandbox-runtime @openai/codex

They need bubblewrap, socat and ripgrep. Codex comes twice: by the command that npm installs, which is what its users
call, and by the program that this command starts, which is told but has no limit.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

CALLS = {"srt": ["srt"], "codex": ["codex", "sandbox", "--"]}  # and then the command
_BINARY = "node_modules/@openai/codex-*/vendor/*/bin/codex"


class Peers:
    """The sandboxes beside which ours is measured. `path` is the PATH of their environment."""

    def __init__(self, directory: str, path: str) -> None:
        """`directory` is where npm put them; empty: only PATH is looked through."""
        places = [str(Path(directory).resolve() / "node_modules" / ".bin")] if directory else []
        self.path = os.pathsep.join([*places, path])
        self.calls: dict[str, list[str]] = {}
        for name, (program, *rest) in CALLS.items():
            found = shutil.which(program, path=self.path)
            if found:
                self.calls[name] = [found, *rest]
        for binary in sorted(Path(directory).resolve().glob(_BINARY)) if directory else ():
            self.calls["codex-binary"] = [str(binary), *CALLS["codex"][1:]]

    def versions(self) -> dict[str, str]:
        """What each says of itself; the npm sandbox names no version of its own and is told by its package."""
        said = {}
        for name, (program, *_) in self.calls.items():
            ran = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
            said[name] = ran.stdout.strip() or "?"
        return said

    def prove(self, project: Path, outside: Path, environment: dict[str, str]) -> None:
        """Each of them must refuse a write outside of the project: else it is no sandbox that is measured.

        Raises SystemExit.
        """
        target = outside / "written-by-a-peer"
        for name, call in self.calls.items():
            command = [*call, "sh", "-c", 'echo x > "$0"', str(target)]
            ran = subprocess.run(
                command, cwd=project, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
            if ran.returncode == 0 or target.exists():
                raise SystemExit(f"{name} let a write outside of the project pass: nothing is contained there")
