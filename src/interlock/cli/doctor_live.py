"""`interlock doctor --live`: the real agent, its own configuration, and a model that only says what we tell it.

The model (a scripted server on loopback) asks for the canary command. What is looked at is the world afterwards: the
canary's file is there, or it is not.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from interlock.gates.install import canary
from interlock.gates.install.places import Places
from interlock.home import Home
from interlock.model.errors import OperatorError

SECONDS = 120.0


def drive(agent: str, at: Places, home: Home) -> canary.Verdict:
    """Let the real agent try the canary. Raises OperatorError: it is not here, or it never asked for the tool."""
    from interlock.drills.model_server import ModelServer
    from interlock.drills.script import Script, ToolCall, Turn

    program = shutil.which(agent)
    if program is None:
        raise OperatorError(f"`{agent}` is not on the PATH")
    text = canary.command(str(home.state))
    calls = {
        "claude": ToolCall("Bash", {"command": text, "description": "canary"}),
        "codex": ToolCall("exec_command", {"cmd": text}),
    }
    file = Path(text.split(" ", 1)[1])
    file.unlink(missing_ok=True)
    with ModelServer(Script((Turn(calls=(calls[agent],)),))) as model:
        argv = {"claude": _claude, "codex": _codex}[agent](program, model.url)
        env = os.environ | {
            "ANTHROPIC_BASE_URL": model.url,
            "ANTHROPIC_API_KEY": "canary",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "IS_SANDBOX": "1",
            "INTERLOCK_CANARY_KEY": "canary",
        }
        _run(argv, env, at.project)
        told = list(model.results().values())
    if file.exists():
        file.unlink()
        return canary.Verdict(False, f"the real {agent} RAN the canary command: its hooks do not stop it.")
    if not told:
        raise OperatorError(f"{agent} never called the tool (is the project trusted, is it logged in?)")
    return canary.Verdict(True, f"the real {agent} tried the canary command and was stopped.")


def _run(argv: list[str], env: dict[str, str], cwd: Path) -> None:
    try:
        subprocess.run(  # noqa: S603 - the agent itself
            argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise OperatorError(f"it did not end within {SECONDS:.0f} seconds") from None


def _claude(program: str, _url: str) -> list[str]:
    words = ["-p", "Run the canary.", "--output-format", "json", "--dangerously-skip-permissions", "--model", "canary"]
    return [program, *words]


def _codex(program: str, url: str) -> list[str]:
    # Everything on the command line: the person's own config.toml is not touched, and their trust in hooks counts.
    provider = f'{{name="canary",base_url="{url}/v1",wire_api="responses",env_key="INTERLOCK_CANARY_KEY"}}'
    settings = ['model="canary"', 'model_provider="canary"', f"model_providers.canary={provider}"]
    overrides = [word for setting in settings for word in ("-c", setting)]
    flags = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"]
    return [program, "exec", "--json", *overrides, *flags, "Run the canary."]
