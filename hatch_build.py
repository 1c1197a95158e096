"""Build hook: puts the hook client `interlock-hook` beside `interlock`, compiled where there is a C compiler.

Beside them goes `interlock-run`, which runs a command in a sandbox: only compiled, and only where it compiles (Linux).
Where it is absent, nothing is contained, and `interlock doctor` says so.

The client ships as a script of the wheel (not as package data), because its neighbour `interlock` is what it starts.
With a binary inside, the wheel is tagged for the platform; without a compiler the same client in Python goes in, and
the wheel stays `py3-none-any`. Editable installs take the same road.

`INTERLOCK_HOOK=python` in the environment chooses the Python client although there is a compiler.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-fstack-protector-strong", "-pthread")
# Static first: 0.2 ms less to start, and no LD_PRELOAD or library path of an agent's environment reaches it.
COMPILERS = (("musl-gcc", "-static", "-s"), ("cc", "-static", "-s"), ("cc", "-s"))

# `-I -S` do not survive the rewriting of a `#!python` line by installers, and `env` would look in the agent's PATH.
# So the script is both shell and Python: the shell takes the interpreter beside the script.
HEADER = """\
#!/bin/sh
''':'
for interpreter in "${0%/*}/python3" "${0%/*}/python" /usr/bin/python3 /usr/local/bin/python3; do
    [ -x "$interpreter" ] && exec "$interpreter" -I -S "$0" "$@"
done
echo "Interlock stopped this: its hook found no Python. Install Interlock again." >&2
exit 2
':'''
"""


# Installers put the interpreter's path in the place of `#!python`.
COMMAND = """\
#!python
from interlock.cli.main import main

main()
"""


# A shell for agents that Interlock has no gate for: SHELL=…/interlock-shell, and what they run is contained.
SHELL = """\
#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/interlock" run -- bash "$@"
"""


class HookClient(BuildHookInterface[Any]):
    """Compiles `native/interlock_hook.c`, or falls back to the Python client; and `native/run/`, or leaves it out."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the client to the wheel that is about to be built (`version` is "standard" or "editable")."""
        self._directory = tempfile.mkdtemp(prefix="interlock-hook-")
        client = Path(self._directory, "interlock-hook")
        launcher = Path(self._directory, "interlock-run")
        if self._compile(client):
            if version != "editable":
                platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
                build_data["tag"] = f"py3-none-{platform}"
            build_data["pure_python"] = False
            if compile_launcher(Path(self.root, "native/run"), launcher):
                launcher.chmod(0o755)
                build_data["shared_scripts"][str(launcher)] = "interlock-run"
            else:
                self.app.display_warning("the launcher of contained commands does not compile here: leaving it out")
        else:
            self.app.display_warning("no C compiler that works: installing the slower Python hook client")
            write_python_client(Path(self.root, "src/interlock/gates/hooks/client.py"), client)
        # `interlock run` must start at once, so the launcher is the command as well, under its name.
        command = Path(self._directory, "interlock")
        if launcher.is_file():
            shutil.copy(launcher, command)
        else:
            command.write_text(COMMAND, encoding="utf-8")
        command.chmod(0o755)
        build_data["shared_scripts"][str(command)] = "interlock"
        shell = Path(self._directory, "interlock-shell")
        shell.write_text(SHELL, encoding="utf-8")
        shell.chmod(0o755)
        build_data["shared_scripts"][str(shell)] = "interlock-shell"
        client.chmod(0o755)
        build_data["shared_scripts"][str(client)] = "interlock-hook"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatchling's
        """The client is in the wheel now."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _compile(self, target: Path) -> bool:
        if os.environ.get("INTERLOCK_HOOK") == "python":
            return False
        return compile_client(Path(self.root, "native/interlock_hook.c"), target)


def compile_client(source: Path, target: Path) -> bool:
    """Compile the client with the first compiler whose product runs; False when there is none."""
    return _compile([source, *_shared(source.parent)], target, refuses_with=2)


def compile_launcher(sources: Path, target: Path) -> bool:
    """Compile the launcher of contained commands; False where it does not compile or run."""
    return _compile([*sorted(sources.glob("*.c")), *_shared(sources.parent)], target, refuses_with=125)


def _shared(native: Path) -> list[Path]:
    """What both programs are made of."""
    return [native / "wire.c", native / "lease.c"]


def _compile(sources: list[Path], target: Path, *, refuses_with: int) -> bool:
    for compiler, *linking in COMPILERS:
        program = shutil.which(compiler)
        if program is None:
            continue
        command = [program, *FLAGS, *linking, "-o", str(target), *map(str, sources)]
        built = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if built.returncode == 0 and _works(target, refuses_with):
            return True
    return False


def _works(target: Path, refuses_with: int) -> bool:
    # Called without arguments each of them must say no, in words.
    ran = subprocess.run([str(target)], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20)
    return ran.returncode == refuses_with and b"Interlock" in ran.stderr


def write_python_client(source: Path, target: Path) -> None:
    """The Python client as a script that runs isolated, whatever the environment says."""
    code = source.read_text(encoding="utf-8").split('"""', 2)[2]  # the header is the docstring now
    target.write_text(HEADER + code, encoding="utf-8")
