"""Reports of other scanners, SARIF 2.1.0, read strictly: one that is cut short must not look like a clean one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from interlock.changes.finding import Finding, Weight

_LARGEST = 64 << 20


class Incomplete(Exception):
    """The report does not say that the scanner looked at everything."""


def findings(raw: bytes, added: Mapping[str, frozenset[int]], head: str) -> Iterator[Finding]:
    """Results on new lines, or of files that are new as a whole.

    Args:
        raw: the report.
        added: path -> numbers of its new lines.
        head: the commit that is judged.

    Raises:
        Incomplete: it is cut short, of another commit, or its own notifications say that something went wrong.
    """
    log = _parsed(raw)
    for run in log["runs"]:
        tool = _complete(run, head)
        rules = {rule.get("id"): rule for rule in run["tool"]["driver"].get("rules") or ()}
        for result in run["results"]:
            if result.get("baselineState") == "absent" or _answered(result):
                continue
            yield from _finding(result, tool, rules, added)


def _parsed(raw: bytes) -> dict[str, Any]:
    if len(raw) > _LARGEST:
        raise Incomplete(f"it has more than {_LARGEST >> 20} MiB")
    try:
        log = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Incomplete(f"it is no JSON, or was cut short: {error}") from error
    if not isinstance(log, dict) or log.get("version") != "2.1.0" or not isinstance(log.get("runs"), list):
        raise Incomplete("it is no SARIF 2.1.0")
    if not log["runs"]:
        raise Incomplete("it holds no run: the scanner did not start")
    return log


def _complete(run: dict[str, Any], head: str) -> str:
    """The tool's name. Raises Incomplete."""
    try:
        name = str(run["tool"]["driver"]["name"])
    except (KeyError, TypeError) as error:
        raise Incomplete("a run does not name its tool") from error
    if not isinstance(run.get("results"), list):
        raise Incomplete(f"{name} has no list of results: by the standard it did not scan")
    for call in run.get("invocations") or ():
        if call.get("executionSuccessful") is not True:
            raise Incomplete(f"{name} says that it did not succeed")
        for key in ("toolExecutionNotifications", "toolConfigurationNotifications"):
            errors = [n for n in call.get(key) or () if n.get("level") == "error"]
            if errors:
                said = str((errors[0].get("message") or {}).get("text", ""))[:200]
                raise Incomplete(f"{name} reports {len(errors)} errors of its own: {said}")
    for where in run.get("versionControlProvenance") or ():
        revision = str(where.get("revisionId", ""))
        if revision and not head.startswith(revision) and not revision.startswith(head):
            raise Incomplete(f"{name} looked at another commit, {revision[:12]}")
    return name


def _answered(result: dict[str, Any]) -> bool:
    """Whether people left it out, in the scanner's own place. A comment in the source is the change's own word."""
    said = result.get("suppressions") or ()
    return any(one.get("kind") == "external" and one.get("status", "accepted") == "accepted" for one in said)


def _finding(
    result: dict[str, Any], tool: str, rules: Mapping[Any, Any], added: Mapping[str, frozenset[int]]
) -> Iterator[Finding]:
    rule = str(result.get("ruleId") or (result.get("rule") or {}).get("id") or "unnamed")
    said = str((result.get("message") or {}).get("text", ""))[:300]
    for location in (result.get("locations") or ())[:1]:
        place = location.get("physicalLocation") or {}
        path = unquote(str((place.get("artifactLocation") or {}).get("uri", ""))).removeprefix("file://").lstrip("./")
        line = int((place.get("region") or {}).get("startLine") or 0)
        end = int((place.get("region") or {}).get("endLine") or line)
        mine = next(
            (name for name in (path, *added) if name in added and (path == name or path.endswith("/" + name))), ""
        )
        if mine and (not line or any(n in added[mine] for n in range(line, end + 1))):
            weight = _weight(result, rules.get(rule))
            # A baseline may be part of the change: what it calls old and stands on a new line is for a person to see.
            if result.get("baselineState") == "unchanged" and weight is Weight.BLOCK:
                weight = Weight.REVIEW
            yield Finding(
                rule=f"static/{tool}/{rule}", weight=weight, path=mine, line=line, end=end,
                anchor=said, title=f"{tool}: {said}", fix="See what the scanner says about this rule.",
            )  # fmt: skip


def _weight(result: dict[str, Any], rule: Any) -> Weight:
    """By `security-severity` (GitHub's property, 0 to 10: high from 7), otherwise by the level."""
    properties = (rule or {}).get("properties") or {}
    default = ((rule or {}).get("defaultConfiguration") or {}).get("level", "warning")
    level = result.get("level") or default
    try:
        severity = float(properties.get("security-severity", ""))
    except (TypeError, ValueError):
        severity = {"error": 7.0, "warning": 4.0}.get(level, 0.0)
    if severity >= 7:
        return Weight.BLOCK
    return Weight.REVIEW if severity >= 4 else Weight.NOTE
