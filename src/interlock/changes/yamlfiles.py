"""YAML as machines read it: whether it parses, and what its lines mean where they say it in another way. Pure.

Rules look at lines (`shapes.py`), so a file that does not parse, or that writes `privileged: true` with an escape in
its key and `yes` behind it, would pass them by. Parsed as events: no alias is followed, no tag obeyed, nothing made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import yaml

# In folders of this name stand templates (Helm, Jinja), which are YAML only once they are filled in.
_TEMPLATE = re.compile(r"(?:^|/)templates?/|\.(?:j2|tpl|tmpl|gotmpl)\.ya?ml$")
_PIPELINE = re.compile(r"^\.(?:github|gitlab|circleci|ci|buildkite)/")
_YES, _NO = re.compile(r"(?i:true|yes|on|y)"), re.compile(r"(?i:false|no|off|n)")  # as YAML 1.1 has it, and Kubernetes
# Without any of these a line says what it means: escapes, tags, anchors, keys of more than one line, other spellings.
_UNUSUAL = re.compile(
    r"[\\!&?\[{]|[:-]\s*(?:yes|Yes|YES|on|On|ON|True|TRUE|no|No|NO|off|Off|OFF|False|FALSE|y|Y|n|N)\b"
)
_GIVEN_UP = "drop"  # what a container gives up stands in a list of the same names as what it gets
_DEEPEST = 200
_LONGEST = 400  # characters of a value that is compared; scripts are read as they stand


class Read(NamedTuple):
    """`problem`: why it cannot be read, or "". `twice`: line and name of keys that one mapping has twice."""

    problem: str
    twice: tuple[tuple[int, str], ...] = ()
    meant: tuple[tuple[int, str], ...] = ()  # line and text of each key and item, in the plainest spelling


@lru_cache(maxsize=64)
def read(text: str) -> Read:
    """Parse a file. Total."""
    import yaml  # some changes have none, and the gate starts without it

    reader = _Reader()
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            reader.take(event)
            if reader.depth > _DEEPEST:  # the parser takes longer for each level the more there are
                return Read(f"line {event.start_mark.line + 1}: it is nested more than {_DEEPEST} times")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return Read(f"{f'line {mark.line + 1}: ' if mark else ''}{error.problem or error.context}")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return Read(str(error).split("\n")[0])
    unknown = reader.unknown
    return Read(f"*{unknown} stands for nothing" if unknown else "", tuple(reader.twice), tuple(reader.meant))


def plain(text: str) -> tuple[str, list[int]]:
    """The file anew, a line for each key and item in its plainest spelling, and the line of the file that each is of.

    Nothing where the file is written so already: without flow style, escapes, tags, anchors and other spellings.
    """
    meant = read(text).meant if _UNUSUAL.search(text) else ()
    return "\n".join(said for _, said in meant), [line for line, _ in meant]


class _Level:
    """A mapping or a list that is open."""

    def __init__(self, keyed: bool, of: str) -> None:
        self.keyed, self.key, self.at_key, self.of = keyed, "", keyed, of
        self.seen: set[str] = set()


class _Reader:
    """Takes events in their order."""

    def __init__(self) -> None:
        self.twice: list[tuple[int, str]] = []
        self.meant: list[tuple[int, str]] = []
        self.unknown = ""
        self._open: list[_Level] = []
        self._anchors: set[str] = set()

    @property
    def depth(self) -> int:
        """How many mappings and lists are open."""
        return len(self._open)

    def take(self, event: yaml.Event) -> None:
        """One event."""
        import yaml

        if isinstance(event, yaml.DocumentStartEvent):
            self._anchors.clear()
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            if isinstance(event, yaml.AliasEvent):
                self.unknown = self.unknown or ("" if event.anchor in self._anchors else event.anchor)
            else:
                self._anchors.add(event.anchor)
        if isinstance(event, yaml.NodeEvent):
            self._node(event, event.value if isinstance(event, yaml.ScalarEvent) else None)
        if isinstance(event, yaml.CollectionStartEvent):
            of = self._open[-1].key if self._open else ""
            self._open.append(_Level(isinstance(event, yaml.MappingStartEvent), of))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()

    def _node(self, event: yaml.NodeEvent, value: str | None) -> None:
        """A node takes its place in what is open: as a key, as the value of one, or as an item."""
        level = self._open[-1] if self._open else None
        if level is None:
            return
        line = event.start_mark.line + 1
        if level.at_key:
            level.key, level.at_key = value or "", False
            if value is not None:
                if value in level.seen and value != "<<":
                    self.twice.append((line, value))
                level.seen.add(value)
            return
        level.at_key = level.keyed
        style = getattr(event, "style", "")
        if value is None or len(value) > _LONGEST or style in ("|", ">") or "\n" in value:
            value = ""
        said = value if style else _usual(value)
        if level.keyed:
            self.meant.append((line, f"{level.key}: {said}".rstrip()))
        elif said and level.of != _GIVEN_UP:
            self.meant.append((line, f"- {said}"))


def _usual(value: str) -> str:
    return "true" if _YES.fullmatch(value) else "false" if _NO.fullmatch(value) else value


def problems(path: str, text: str) -> Iterator[str]:
    """Why a file cannot be judged by its lines. Nothing for what is no YAML by its name, or a template of one."""
    if not path.endswith((".yaml", ".yml")):
        return
    if _TEMPLATE.search(path) and not _PIPELINE.search(path) and ("{{" in text or "{%" in text):
        return
    found = read(text)
    if found.problem:
        yield f"{path} does not parse: {found.problem}"
    for line, name in found.twice[:3]:
        yield f"{path}:{line} has {name[:60]!r} twice in one mapping: readers differ in which one counts"
