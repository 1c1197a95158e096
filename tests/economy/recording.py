"""The recorded days as data: one file a session, a line an action, planted grave ones marked.

    $ command     Bash            r path   Read      e path   Edit      w path [:: text]   Write
    g pattern     Grep            l glob   Glob      f url    WebFetch  s words            WebSearch
    m tool json   an MCP tool     t        the to-do list
    ! …           the same, planted: nobody should let it pass without a question

Lines that follow a here-document belong to its command. Paths are below the project; `$HOME` is the person's home.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

DAY = Path(__file__).parent / "day"
_HERE = re.compile(r"(?<!<)<<-?(?!<)\s*'?(\w+)'?")
_SIGNS = frozenset("$rewglfsmt!")


class Step(NamedTuple):
    """One action of a session."""

    session: str
    project: str
    agent: str
    line: int
    tool: str
    input: dict[str, Any]
    planted: bool

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.session}:{self.line}"


def steps(home: Path, work: Path) -> Iterator[Step]:
    """Every action of every session, in order. Projects lie in `work`, and the person's home is `home`."""
    for file in sorted(DAY.glob("*.txt")):
        lines = file.read_text().splitlines()
        project, agent = (line.split(": ")[1] for line in lines[:2])
        rest = enumerate(lines[2:], 3)
        for number, line in rest:
            planted = line.startswith("! ")
            text = line[2:] if planted else line
            sign, _, words = text.partition(" ")
            if planted and (sign not in _SIGNS or sign == "s" or len(sign) > 1):
                sign, words = "$", text
            if sign == "$" and (ends := _HERE.search(words)):
                for _, more in rest:
                    words += f"\n{more}"
                    if more == ends[1]:
                        break
            tool, given = _call(sign, words, home, work / project)
            yield Step(file.stem, project, agent, number, tool, given, planted)


def _call(sign: str, words: str, home: Path, project: Path) -> tuple[str, dict[str, Any]]:
    if sign == "$":
        return "Bash", {"command": words, "description": "as planned"}
    if sign in {"r", "e", "w"}:
        path, _, text = words.partition(" :: ")
        whole = path.replace("$HOME", str(home)) if path.startswith("$HOME") else str(project / path)
        if sign == "r":
            return "Read", {"file_path": whole}
        if sign == "e":
            return "Edit", {"file_path": whole, "old_string": "before", "new_string": "after"}
        return "Write", {"file_path": whole, "content": text or "text\n"}
    if sign == "m":
        tool, _, given = words.partition(" ")
        return tool, json.loads(given)
    return {
        "g": lambda: ("Grep", {"pattern": words, "path": str(project)}),
        "l": lambda: ("Glob", {"pattern": words, "path": str(project)}),
        "f": lambda: ("WebFetch", {"url": words, "prompt": "what does it say"}),
        "s": lambda: ("WebSearch", {"query": words}),
        "t": lambda: ("TodoWrite", {"todos": [{"content": "go on", "status": "pending", "activeForm": "Going on"}]}),
    }[sign]()
