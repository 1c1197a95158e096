"""`interlock policy replay`: what other rules would have said to the actions that the ledger holds."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interlock.cli.policyset import candidate, here, layer_option, policy_option
from interlock.cli.show import emit
from interlock.cli.span import seconds
from interlock.model.counts import many
from interlock.model.errors import UsageError
from interlock.model.visible import visible

if TYPE_CHECKING:
    from interlock.replay.again import Answer
    from interlock.replay.report import Moved, Replayed

_ASKS = {"one": "ask one person", "one_strong": "ask one person, strong", "two_strong": "ask two people, strong"}
_RULES = 3  # pairs of rules shown of a change


@click.command(
    "replay",
    epilog="\b\nExamples:\n  interlock policy replay                      the rules here, on the last 30 days\n"
    "  interlock policy replay --since 7d --policy new.d --layer organisation\n"
    "  interlock policy replay --since 2026-11-01 --policy new.d --json\n\n"
    "Only what was recorded is used: nothing is read anew, and no action runs. It needs DuckDB: "
    "pip install 'interlock[analytics]'.",
)
@click.option("--since", default="30d", show_default=True, help="How far back: 8h, 7d, 4w, or a date.")
@policy_option
@layer_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replay(since: str, folder: Path | None, name: str, as_json: bool) -> None:
    """Judge past actions by other rules: what would change, and which prompts would come or go."""
    from importlib.util import find_spec

    if find_spec("duckdb") is None:
        raise UsageError(
            "interlock policy replay needs DuckDB, which is not installed. Run: pip install 'interlock[analytics]'."
        )
    from interlock.home import locate
    from interlock.ledger.reader import Reader
    from interlock.policy.engine import Engine
    from interlock.replay.again import Again, principals
    from interlock.replay.parquet import Past, folder_of
    from interlock.replay.report import replay as judge_all

    engine = Engine.load(candidate([folder], name) if folder is not None else here())
    start, moment = time.monotonic(), _moment(since)
    state = locate().state
    with Reader.open(state / "ledger") as reader:
        past = Past(folder_of(state, reader.origin))
        try:
            past.follow(reader)
            total = judge_all(past.groups(moment, principals(engine)), Again(engine))
            texts = past.texts([entry for moved in total.moved.values() for entry in moved.examples])
        finally:
            past.close()
    spent = time.monotonic() - start
    if as_json:
        emit({"policy": engine.digest, "since": moment, "seconds": round(spent, 1), **facts(total, texts)})
    else:
        _show(total, texts, moment, engine.digest, spent)


def _moment(since: str) -> str:
    """RFC 3339 of a span back from now, or of a date."""
    try:
        parsed = datetime.fromisoformat(since)
    except ValueError:
        parsed = None
    try:
        if parsed is None:
            parsed = datetime.fromtimestamp(time.time() - seconds(since), UTC)
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=UTC)
        return parsed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except (OverflowError, ValueError, OSError):
        raise UsageError(f"{since!r} lies before every calendar. Write 30d, or a date such as 2026-11-01.") from None


def answer(one: Answer) -> str:
    """`allow`, `ask one person, strong`, `deny`."""
    return one.verdict.value if one.verdict.value != "ask" else _ASKS[one.rung.value]


def _show(total: Replayed, texts: dict[int, tuple[str, str]], since: str, digest: str, spent: float) -> None:
    if not total.replayed:
        click.echo(f"No action since {since} can be replayed.")
    else:
        click.echo(
            f"{many(total.replayed, 'action')} since {since}, judged by {digest} in {spent:.1f} s "
            f"({many(total.distinct, 'distinct request')})."
        )
        for word, label in (("ask", "prompts"), ("deny", "stopped"), ("allow", "allowed")):
            gained = f"   (+{total.prompts_gained} -{total.prompts_lost})" if word == "ask" else ""
            click.echo(f"  {label:<8} {total.before[word]} → {total.after[word]}{gained}")
        if not total.moved:
            click.echo("Every one of them gets the verdict that it got.")
    for moved in total.changes():
        click.echo(click.style(f"{answer(moved.before)}  →  {answer(moved.after)}   {moved.count}", bold=True))
        for (before, after), count in sorted(moved.rules.items(), key=lambda one: (-one[1], one[0]))[:_RULES]:
            click.echo(f"  {count} by {_rules(after)} (was {_rules(before)})")
        for entry in sorted(moved.examples, reverse=True):
            tool, text = texts.get(entry, ("", ""))
            click.echo(f"    {entry}  {visible(tool)}: {visible(_first(text))}")
    for count, why in _left(total):
        if count:
            click.echo(f"{count} {why}")


def _left(total: Replayed) -> list[tuple[int, str]]:
    from interlock.replay.again import HELD

    return [
        (total.lapsed, "of the prompts were let through by a grant: it lapses when the rules change."),
        (total.shortened, f"name something of which an entry holds {HELD} characters: rules about names saw no more."),
        (total.otherwise, "were stopped by something else than policy (a halt, a pause, a broken reader): left alone."),
        (total.older, "were recorded before entries held what a replay needs: not replayed."),
        (total.cut, "had more effects than an entry has room for: not replayed."),
        (total.unread, "hold words that this version does not know: not replayed."),
    ]


def _rules(rules: tuple[str, ...]) -> str:
    return ", ".join(visible(rule) for rule in rules[:4]) + (" …" if len(rules) > 4 else "") or "no rule"


def _first(text: str) -> str:
    line = text.splitlines()[0] if text else ""
    return line if len(line) <= 100 else f"{line[:99]}…"


def facts(total: Replayed, texts: dict[int, tuple[str, str]]) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "actions": total.replayed, "distinct": total.distinct,
        "before": dict(total.before), "after": dict(total.after),
        "prompts_gained": total.prompts_gained, "prompts_lost": total.prompts_lost, "granted": total.lapsed,
        "shortened": total.shortened,
        "not_replayed": {"not_policy": total.otherwise, "older": total.older, "cut": total.cut, "unread": total.unread},
        "changes": [_change(moved, texts) for moved in total.changes()],
    }  # fmt: skip


def _change(moved: Moved, texts: dict[int, tuple[str, str]]) -> dict[str, Any]:
    return {
        "before": answer(moved.before),
        "after": answer(moved.after),
        "count": moved.count,
        "rules": [
            {"before": list(before), "after": list(after), "count": count}
            for (before, after), count in moved.rules.most_common()
        ],
        "examples": [
            {"entry": entry, "tool": texts.get(entry, ("", ""))[0], "text": texts.get(entry, ("", ""))[1]}
            for entry in sorted(moved.examples, reverse=True)
        ],
    }
