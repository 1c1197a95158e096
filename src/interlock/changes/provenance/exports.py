"""Lines of a commit in other people's formats: a note of the git-ai standard 3.0.0, and a record of agent-trace 0.1.

Both name agents' lines only by session, model and lines; neither holds a prompt's text, because Interlock keeps none.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

NOTES = "refs/notes/ai"
_KINDS = {"agent": "ai", "human": "human", "mixed": "mixed", "unknown": "unknown"}


def git_ai(commit: str, files: Mapping[str, Any], version: str) -> str:
    """The authorship log of a commit. `files` are its new lines by path, as the daemon tells them."""
    prompts: dict[str, dict[str, Any]] = {}
    body: list[str] = []
    for path, file in sorted(files.items()):
        by: dict[str, list[int]] = defaultdict(list)
        for line in file["lines"]:
            act = _last(line, file["actions"])
            if act is None:
                continue
            name = _name(act)
            by[name].append(line["line"])
            about = prompts.setdefault(name, _prompt(act))
            about["total_additions"] += 1
            about["overriden_lines" if line["author"] == "mixed" else "accepted_lines"] += 1
        if by:
            body.append(json.dumps(path) if any(sign in path for sign in ' "\\\n') else path)
            body += [f"  {name} {','.join(_spans(numbers))}" for name, numbers in sorted(by.items())]
    facts = {
        "schema_version": "authorship/3.0.0",
        "git_ai_version": f"interlock {version}",
        "base_commit_sha": commit,
        "prompts": prompts,
    }
    return "\n".join([*body, "---", json.dumps(facts, sort_keys=True, indent=2)]) + "\n"


def agent_trace(commit: str, files: Mapping[str, Any], time: str, version: str) -> dict[str, Any]:
    """One record, with one conversation for each session and kind of author in a file."""
    found = []
    for path, file in sorted(files.items()):
        by: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for line in file["lines"]:
            act = _last(line, file["actions"]) or {}
            by[_KINDS[line["author"]], str(act.get("session", "")), str(act.get("model", ""))].append(line["line"])
        conversations = []
        for (kind, session, model), numbers in sorted(by.items()):
            contributor = {"type": kind} | ({"model_id": model} if model else {})
            ranges = [{"start_line": first, "end_line": last} for first, last in _ranges(numbers)]
            url = {"url": f"urn:interlock:session:{session}"} if session else {}
            conversations.append({**url, "contributor": contributor, "ranges": ranges})
        found.append({"path": path, "conversations": conversations})
    return {
        "version": "0.1.0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:interlock:commit:{commit}")),
        "timestamp": time,
        "vcs": {"type": "git", "revision": commit},
        "tool": {"name": "interlock", "version": version},
        "files": found,
    }


def _last(line: Mapping[str, Any], stories: Mapping[str, Any]) -> dict[str, Any] | None:
    """The last action that had a hand in a line."""
    found: dict[str, Any] | None = stories.get(str(line["actions"][-1])) if line["actions"] else None
    return found


def _name(act: Mapping[str, Any]) -> str:
    text = f"{act.get('agent', '')}:{act.get('session', '')}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _prompt(act: Mapping[str, Any]) -> dict[str, Any]:
    agent = {"tool": act.get("agent", ""), "id": act.get("session", ""), "model": act.get("model", "")}
    return {
        "agent_id": agent,
        "human_author": act.get("person", ""),
        "messages": [],
        "total_additions": 0,
        "total_deletions": 0,
        "accepted_lines": 0,
        "overriden_lines": 0,
    }


def _ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = 0
    for number in sorted(numbers):
        if first and number == last + 1:
            last = number
            continue
        if first:
            yield first, last
        first = last = number
    if first:
        yield first, last


def _spans(numbers: Iterable[int]) -> list[str]:
    return [str(first) if first == last else f"{first}-{last}" for first, last in _ranges(numbers)]
