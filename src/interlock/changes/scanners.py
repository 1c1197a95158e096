"""ruff's security rules and bandit, run so that their traps do not open: each says of every file that it was read.

ruff is told nothing by the project (`--isolated`), reads copies (so no path is excluded), and its silencing comments do
not count. bandit skips files that its own Python cannot parse, with the exit status of an ordinary run: what it skipped
is in `errors` and missing in `metrics`. Neither's exit status is believed.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from interlock.changes import tools
from interlock.changes.finding import Finding, Weight

_RUFF: tuple[str, ...] = (
    "ruff", "check", "--isolated", "--select", "S", "--ignore", "S101", "--ignore-noqa", "--output-format", "json",
    "--no-cache", "--exit-zero", "--target-version", "py313", ".",
)  # fmt: skip
_BANDIT = ("bandit", "-q", "-f", "json", "--ignore-nosec", "--exit-zero", "-s", "B101", "-r", ".")


class Answer(NamedTuple):
    """What one scanner found, and what it could not read."""

    findings: list[Finding]
    problems: list[str]


@cache
def _harmless() -> dict[str, re.Pattern[str]]:
    text = resources.files("interlock.changes.data").joinpath("scanners.toml").read_text("utf-8")
    return {rule: re.compile(regex) for rule, regex in tomllib.loads(text)["harmless"].items()}


@cache
def _weights() -> dict[str, Weight]:
    text = resources.files("interlock.changes.data").joinpath("scanners.toml").read_text("utf-8")
    data = tomllib.loads(text)
    return {
        rule: weight
        for weight in Weight
        for scanner in ("ruff", "bandit")
        for rule in data[scanner].get(weight.value, "").split()
    }


def weight_of(code: str) -> Weight:
    """What a rule of a scanner weighs here."""
    return _weights().get(code, Weight.NOTE)


def ruff(files: Mapping[str, tuple[str, bytes]], seconds: float) -> Answer:
    """Scan copies. `files`: name of the copy -> (path, content). Raises ToolMissing."""
    return _scan("ruff", _RUFF, files, seconds, _ruff)


def bandit(files: Mapping[str, tuple[str, bytes]], seconds: float) -> Answer:
    """The same with bandit. Raises ToolMissing."""
    return _scan("bandit", _BANDIT, files, seconds, _bandit)


def _scan(
    name: str, argv: tuple[str, ...], files: Mapping[str, tuple[str, bytes]], seconds: float, read: Any
) -> Answer:
    if not files:
        return Answer([], [])
    with tools.copies({copy: content for copy, (_, content) in files.items()}) as folder:
        try:
            status, raw = tools.run(argv, folder, seconds=seconds)
        except tools.ToolFailed as error:
            return Answer([], [str(error)])
        if status:
            return Answer([], [f"{name} ended with status {status}"])
        try:
            found: Answer = read(json.loads(raw), files)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return Answer([], [f"{name}'s report cannot be read, or was cut short: {error}"])
        return found


def _ruff(report: Any, files: Mapping[str, tuple[str, bytes]]) -> Answer:
    findings, problems = [], []
    for entry in report:
        path, content = files[Path(entry["filename"]).name]
        code, row = entry["code"], int(entry["location"]["row"])
        if not code or not code.startswith("S"):  # a syntax error has no code, or one in words
            problems.append(f"{path}: ruff cannot parse it: {entry['message']}"[:300])
        else:
            findings.append(_finding("ruff", code, path, content, row, entry["message"]))
    return Answer(findings, problems)


def _bandit(report: Any, files: Mapping[str, tuple[str, bytes]]) -> Answer:
    problems = [f"{files[Path(e['filename']).name][0]}: bandit skipped it: {e['reason']}" for e in report["errors"]]
    read = {Path(name).name for name in report["metrics"]}
    problems += [f"{path}: bandit did not look at it" for copy, (path, _) in files.items() if copy not in read]
    findings = []
    for entry in report["results"]:
        path, content = files[Path(entry["filename"]).name]
        findings.append(
            _finding("bandit", entry["test_id"], path, content, int(entry["line_number"]), entry["issue_text"])
        )
    return Answer(findings, problems)


def _finding(tool: str, code: str, path: str, content: bytes, row: int, message: str) -> Finding:
    lines = content.decode("utf-8", "replace").split("\n")
    text = lines[row - 1] if 0 < row <= len(lines) else ""
    known = _harmless().get(code)
    weight = Weight.NOTE if known and known.search(f"{message}\n{text}") else weight_of(code)
    return Finding(
        rule=f"static/{tool}/{code}", weight=weight, path=path, line=row, anchor=text,
        text=text.strip()[:200], title=f"{tool} {code}: {message}", fix=f"See rule {code} of {tool}.",
    )  # fmt: skip
