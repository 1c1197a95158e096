"""How each real agent is started headless against a scripted model: its command line and its whole environment.

The environment is built from nothing, never inherited: no key of the person who runs the drill can reach an
agent, and no agent can find the real home folder. All keys are plainly fake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

FAKE_KEY = "fake-key-of-the-drill-not-a-secret"


class Launch(msgspec.Struct, frozen=True):
    """A process to start: arguments, the whole environment, the working directory."""

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: Path


def claude(binary: Sequence[str], *, home: Path, cwd: Path, url: str, path: str, extra: Mapping[str, str]) -> Launch:
    """Claude Code, permissions bypassed: what is stopped then, only a hook has stopped.

    Args:
        binary: the command that starts it (one word, or an interpreter and a module).
        home: becomes `HOME`. cwd: where it works. path: becomes `PATH`.
        url: base address of the model. extra: further environment (such as `INTERLOCK_HOME`).
    """
    env = {
        **_bare(home, path),
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": FAKE_KEY,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "IS_SANDBOX": "1",  # permits bypassed permissions as root, which a container usually is
        **extra,
    }
    flags = ("-p", "Follow the plan.", "--output-format", "json", "--dangerously-skip-permissions")
    return Launch((*binary, *flags), env, cwd)


def codex(binary: Sequence[str], *, home: Path, cwd: Path, url: str, path: str, extra: Mapping[str, str]) -> Launch:
    """Codex CLI, sandbox and approvals bypassed; hooks run untrusted, since trust can only be given in its
    interactive form.

    Writes the model provider into `home/.codex/config.toml`, before whatever that file holds already.
    """
    own = home / ".codex"
    own.mkdir(exist_ok=True)
    config = own / "config.toml"
    kept = config.read_text() if config.exists() else ""
    config.write_text(f'model = "scripted"\nmodel_provider = "scripted"\n{kept}\n{_PROVIDER.format(url=url)}')
    env = {**_bare(home, path), "CODEX_HOME": str(own), "SCRIPTED_MODEL_KEY": FAKE_KEY, **extra}
    bypass = ("--dangerously-bypass-approvals-and-sandbox", "--dangerously-bypass-hook-trust")
    flags = ("exec", "--json", "--skip-git-repo-check", *bypass, "-C", str(cwd), "Follow the plan.")
    return Launch((*binary, *flags), env, cwd)


_PROVIDER = """[model_providers.scripted]
name = "scripted"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "SCRIPTED_MODEL_KEY"
request_max_retries = 0
stream_max_retries = 0
"""


def _bare(home: Path, path: str) -> dict[str, str]:
    return {"HOME": str(home), "PATH": path, "LANG": "C.UTF-8", "TERM": "dumb", "SHELL": "/bin/bash", "TMPDIR": "/tmp"}  # noqa: S108
