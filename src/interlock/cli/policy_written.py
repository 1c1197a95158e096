"""Two sets over what somebody wrote down: the golden matrix, the examples of both, and what the ledger recorded.

It is what a difference can be looked for with where nothing is proved.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from interlock.model.counts import many
from interlock.model.errors import OperatorError
from interlock.model.visible import visible

if TYPE_CHECKING:
    from interlock.model.decision import Decision
    from interlock.policy.engine import Engine
    from interlock.replay.report import Replayed

_LISTED = 40  # situations shown
_DAYS = 30  # of recorded actions
_ASKS = {
    "none": "allow",
    "one": "ask one person",
    "one_strong": "ask one person, strong",
    "two_strong": "ask two people, strong",
}


@dataclass(frozen=True)
class Compared:
    """What changes among `situations` lines, and among the recorded actions where there are any that can be read."""

    situations: int
    changes: list[tuple[str, Decision, Decision]]
    history: Replayed | None
    without: str = ""  # why no history was looked at


def compared(old: Engine, new: Engine) -> Compared:
    """Both sets on everything that is written down."""
    from interlock.policy.compare import differences, lines

    situations = lines(old, new)
    history, without = _history(old, new)
    return Compared(len(situations), list(differences(old, new, situations)), history, without)


def _history(old: Engine, new: Engine) -> tuple[Replayed | None, str]:
    from importlib.util import find_spec

    if find_spec("duckdb") is None:
        return None, "DuckDB is not installed: pip install 'interlock[analytics]'"
    from interlock.home import locate
    from interlock.ledger.reader import Reader
    from interlock.replay.again import Again, principals
    from interlock.replay.parquet import Past, folder_of
    from interlock.replay.report import replay

    state = locate().state
    if not (state / "ledger").is_dir():
        return None, "there is no ledger here"
    fields = tuple(dict.fromkeys((*principals(old), *principals(new))))
    since = datetime.fromtimestamp(time.time() - _DAYS * 86_400, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    try:
        with Reader.open(state / "ledger") as reader:
            past = Past(folder_of(state, reader.origin))
            try:
                past.follow(reader)
                return replay(past.groups(since, fields), Again(new, fields), Again(old, fields)), ""
            finally:
                past.close()
    except OperatorError as error:
        return None, str(error)


def show(found: Compared) -> None:
    """Print it."""
    for line, before, after in found.changes[:_LISTED]:
        click.echo(f"{answer(before)}  →  {answer(after)}  {visible(line)}")
    if len(found.changes) > _LISTED:
        click.echo(f"and {len(found.changes) - _LISTED} more: --json lists them all.")
    click.echo(f"{len(found.changes)} of {found.situations} situations of the golden matrix and the examples change.")
    if found.history is None:
        click.echo(f"No recorded action was compared ({visible(found.without)}).")
    else:
        moved = sum(one.count for one in found.history.moved.values())
        click.echo(f"{moved} of {many(found.history.replayed, 'action')} recorded in {_DAYS} days change.")
        for one in found.history.changes():
            click.echo(f"  {answer(one.before)}  →  {answer(one.after)}   {one.count}")
    click.echo(
        "This is no proof: what nobody wrote down was not compared (pip install 'interlock[prove]'). "
        "Entry by entry: interlock policy replay."
    )


def facts(found: Compared) -> dict[str, Any]:
    """The same for a program."""
    changes = [
        {"example": line, "before": answer(a), "after": answer(b), "rules": [list(a.rules), list(b.rules)]}
        for line, a, b in found.changes
    ]
    made: dict[str, Any] = {"compared": found.situations, "changes": changes, "history": None}
    if found.history is None:
        return made | {"no_history": found.without}
    moved = [
        {"before": answer(one.before), "after": answer(one.after), "count": one.count, "entries": sorted(one.examples)}
        for one in found.history.changes()
    ]
    return made | {"history": {"actions": found.history.replayed, "days": _DAYS, "changes": moved}}


def answer(one: Any) -> str:
    """`allow`, `ask two people, strong`, `deny`: of a decision or of an answer."""
    return "deny" if one.verdict.value == "deny" else _ASKS[one.rung.value]
