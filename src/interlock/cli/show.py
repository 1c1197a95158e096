"""How things look in a terminal. Whatever came from outside passes through `interlock.model.visible` first."""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from typing import Any

import click

from interlock.broker.clock import seconds
from interlock.model.errors import UsageError
from interlock.model.visible import visible

COLOURS = {"allow": "green", "ask": "yellow", "deny": "red"}


def emit(value: Any) -> None:
    """One JSON document on one line."""
    click.echo(json.dumps(value, ensure_ascii=True))


def here() -> str:
    """The working directory. Raises UsageError when it was removed under the shell."""
    try:
        return os.getcwd()
    except OSError as error:
        raise UsageError(f"the current directory cannot be named: {error.strerror}. Go to one that exists.") from error


def verdict(name: str) -> str:
    """A verdict in its colour (click drops colours where there is no terminal)."""
    return click.style(name.upper(), fg=COLOURS.get(name), bold=True)


def age(stamp: str, now: float) -> str:
    """How long ago an RFC 3339 moment was, or how far ahead."""
    delta = now - seconds(stamp)
    amount, unit = _amount(abs(delta))
    return f"{amount} {unit} ago" if delta >= 0 else f"in {amount} {unit}"


def _amount(delta: float) -> tuple[int, str]:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if delta >= size:
            return int(delta // size), unit
    return int(delta), "s"


def field(label: str, text: str, *, width: int = 9) -> None:
    """Print a labelled text, sanitised, wrapped to the terminal and never cut; lines of its own stand behind a bar."""
    columns = max(40, min(shutil.get_terminal_size((100, 24)).columns, 120)) - width - 3
    bar = "| " if "\n" in text.strip("\n") else ""
    lines: list[str] = []
    for line in visible(text.rstrip("\n"), lines=bool(bar)).split("\n"):
        # Neither words nor hyphens are broken: a path must stay one thing that can be copied.
        wrapped = textwrap.wrap(line, columns - len(bar), break_long_words=False, break_on_hyphens=False)
        lines += [bar + part for part in wrapped or [""]]
    click.echo(f"  {heading(label.ljust(width))} {(chr(10) + ' ' * (width + 3)).join(lines)}")


def heading(text: str) -> str:
    """A dim label."""
    return click.style(text, dim=True)
