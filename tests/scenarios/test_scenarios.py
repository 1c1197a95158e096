"""Stories in the operator's language: the console blocks of `*.md` are run, and their output must be what stands there.

Regenerate after a wanted change, and read the diff:  UPDATE_SCENARIOS=1 .venv/bin/pytest tests/scenarios
"""

from __future__ import annotations

import getpass
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ME = re.escape(getpass.getuser())
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)

# What differs from run to run is written as a name. Order matters: the longest first.
REDACTIONS = (
    (re.compile(r"http://localhost:\d+/login/[0-9a-f]{64}"), "<a link to the panel>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<sha256>"),
    (
        re.compile(r"\b(?:[bdfghjklmnprstvz][aiou][bdfghjklmnprstvz][aiou][bdfghjklmnprstvz]-){4}[0-9a-f]{8}\b"),
        "<fingerprint>",
    ),
    (re.compile(r"interlock/[\w.-]+/[0-9a-f]{12}(?:\+\w{8}\+[\w+/=]+)?"), "<log>"),
    (re.compile(r"(?<=root        )\S{44}"), "<root>"),
    (re.compile(r"sha256:[0-9a-f]{9}\b"), "<policy>"),
    (re.compile(r"\b\d+ signed checkpoints?, tiles of \d+ entr(?:y|ies)"), "<signed checkpoints and tiles>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"), "<time>"),
    (re.compile(r"(?<= )\d\d:\d\d:\d\d(?= )"), "<time>"),
    (re.compile(rf"(?<=approved ){ME}|(?<=A person \(){ME}"), "<you>"),
    (re.compile(rf"(?<= ){ME}(?= takes back)|(?<= by     ){ME}"), "<you>"),
    (re.compile(rf"(?<=, by ){ME}\b|(?<=, for ){ME}(?=, of)|^{ME}(?= \(owner)", re.MULTILINE), "<you>"),
    (re.compile(r"spiffe://[0-9a-f]{12}\.[\w.-]+"), "spiffe://<log>"),
    (re.compile(r"(?<=Token )[0-9a-f]{12}|(?<=token )[0-9a-f]{32}|(?<=link \d )[0-9a-f]{16}"), "<id>"),
    (re.compile(r"pid[= ]\d+"), "pid <pid>"),
    (re.compile(rf"(?<=in force  by ){ME}\b"), "<you>"),
    (re.compile(r"(?<=by the kernel in )\d+ ms"), "<time>"),
    (re.compile(r"\b\d+ (?:s|min) ago"), "<age> ago"),
    (re.compile(r"in \d+ (?:s|min|h)\b"), "in <age>"),
    (re.compile(r"memory   \d+ MB"), "memory   <memory>"),
    (re.compile(r"is told: \S+ approved"), "is told: <you> approved"),
)

# What a coding agent does before a tool call, or with "after" when it is done. A process of its own, since Interlock
# knows agents by that.
AGENT = """
import json, os, subprocess, sys
tool, tool_input, after = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:] == ["after"]
event = {"hook_event_name": "PostToolUse" if after else "PreToolUse", "session_id": "s-1", "cwd": os.getcwd(),
         "tool_use_id": "t", "tool_name": tool, "tool_input": tool_input}
done = subprocess.run(["interlock-hook", "claude"], input=json.dumps(event), capture_output=True, text=True)
said = "noted" if after else "released"
if done.returncode == 0 and "additionalContext" in done.stdout:
    said += ", and the model is told: " + json.loads(done.stdout)["hookSpecificOutput"]["additionalContext"]
    done.stdout = ""
print(said if done.returncode == 0 and not done.stdout else "stopped: " + done.stderr.strip())
"""


def stories() -> list[Path]:
    return sorted(HERE.glob("*.md"))


def steps(block: str) -> Iterator[tuple[str, str]]:
    """(command, expected output) of each `$ ` line of a block; `> ` lines continue the command."""
    command, output = "", []
    for line in block.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, "\n".join(output)
            command, output = line[2:], []
        elif line.startswith("> ") and command and not output:
            command += "\n" + line[2:]
        else:
            output.append(line)
    if command:
        yield command, "\n".join(output)


class Shell:
    """Runs a story's commands in one temporary home."""

    def __init__(self, base: Path) -> None:
        self.base = base
        (base / "home" / "project" / ".git").mkdir(parents=True)
        (base / "home" / "project" / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
        agent = base / "bin" / "agent"
        agent.parent.mkdir()
        agent.write_text(f"#!{sys.executable}\n{AGENT}")
        agent.chmod(0o755)
        self.environment = {
            "PATH": f"{agent.parent}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(base / "home"),
            "INTERLOCK_HOME": str(base / "state"),
            "COLUMNS": "110",
            "LC_ALL": "C.UTF-8",
        }

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.base / "home" / "project",
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        text = self.redact(done.stdout).rstrip("\n")
        if done.returncode:
            text += f"{chr(10) if text else ''}[exit {done.returncode}]"
        return text

    def redact(self, text: str) -> str:
        text = text.replace(str(self.base / "home"), "/home/you").replace(str(self.base / "state"), "<interlock>")
        for pattern, name in REDACTIONS:
            text = pattern.sub(name, text)
        return "\n".join(line.rstrip() for line in text.splitlines())


# A story takes seconds of a whole machine: the default ring tells how an action is judged, stopped, let by and undone.
QUICK = frozenset({"check", "freeze", "a-persons-yes", "undo"})
EACH = [pytest.param(p, id=p.stem, marks=[] if p.stem in QUICK else [pytest.mark.slow]) for p in stories()]


@pytest.mark.parametrize("story", EACH)
def test_the_story_is_true(story: Path) -> None:
    tell(story)


def tell(story: Path, *, xdg: bool = False) -> None:
    """Run a story's blocks and compare, or write it anew. With `xdg`, state lies where a user's does."""
    # A name of always the same length: lines are wrapped before they are redacted.
    with tempfile.TemporaryDirectory(prefix="interlock") as base:
        _tell(story, Shell(Path(base)), xdg=xdg)


def _tell(story: Path, shell: Shell, *, xdg: bool) -> None:
    text = story.read_text()
    if xdg:
        del shell.environment["INTERLOCK_HOME"]
    told: list[str] = []

    def retell(block: re.Match[str]) -> str:
        lines = []
        for command, expected in steps(block[1]):
            actual = shell.run(command)
            first, *rest = command.split("\n")
            lines += [f"$ {first}", *(f"> {line}" for line in rest)]
            lines += [actual] if actual else []
            if actual != expected:
                told.append(f"$ {command}\n--- expected\n{expected}\n--- actual\n{actual}")
        return "```console\n" + "\n".join(lines) + "\n```"

    try:
        retold = BLOCK.sub(retell, text)
    finally:
        shell.run("interlock down")
    # A story told anew in the middle of an edit: it happened that a README showed a broken reader for a result.
    assert "the reader failed" not in retold
    if os.environ.get("UPDATE_SCENARIOS"):
        story.write_text(retold)
    else:
        assert not told, "\n\n".join(told)
