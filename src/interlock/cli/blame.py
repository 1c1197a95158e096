"""`interlock blame`: whose each line of a file is."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from interlock.cli.show import emit, heading, here
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.visible import visible

_COLOURS = {"agent": "cyan", "human": "green", "mixed": "yellow", "unknown": None}


@click.command(
    "blame",
    epilog="\b\nExamples:\n  interlock blame src/app.py              as it lies here now\n"
    "  interlock blame src/app.py HEAD~3       as it was in a commit\n"
    "  interlock blame src/app.py --lines 10,20\n"
    "  interlock blame src/app.py --json       with model, session, prompt digest, action, approval\n\n"
    "The columns are author, commit, action, the yes that it needed (an approval's number, or granted) and who. "
    "`unknown` is what nobody recorded: what was there before Interlock, came from elsewhere, or changed while a "
    "command ran that could have written it. What a commit says of itself is shown as claimed.\n\n"
    "Exit status: 0 shown, 23 no daemon, 26 no such file, commit or repository.",
)
@click.argument("file")
@click.argument("revision", default="")
@click.option("--lines", "span", default="", metavar="FROM,TO", help="Only these lines.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(file: str, revision: str, span: str, as_json: bool) -> None:
    """Show who wrote each line of a file: a person or an agent, and which action of it."""
    from interlock.daemon.client import call

    found = call(locate(), "provenance.blame", {"cwd": here(), "path": file, "revision": revision}, timeout=120.0)
    first, last = _span(span, len(found["lines"]))
    texts = _texts(found)
    rows = [
        {"line": number, **line, "text": texts[number - 1] if number <= len(texts) else ""}
        for number, line in enumerate(found["lines"], 1)
        if first <= number <= last
    ]
    counts = Counter(row["author"] for row in rows)
    if as_json:
        emit({**found, "lines": rows, "counts": counts})
        return
    for row in rows:
        click.echo(_line(row, found))
    total = max(1, len(rows))
    told = ", ".join(f"{kind} {count} ({100 * count // total}%)" for kind, count in counts.most_common())
    click.echo(heading(f"{visible(found['path'])}: {many(len(rows), 'line')}: {told}"))


def _line(row: dict[str, Any], found: dict[str, Any]) -> str:
    action = found["actions"].get(str(row["actions"][-1]), {}) if row["actions"] else {}
    commit = found["commits"].get(row["commit"], {})
    who = " ".join(filter(None, (action.get("agent", ""), action.get("model", ""), action.get("session", "")[:8])))
    if row["author"] == "unknown" and commit.get("claimed"):
        who = f"claimed: {commit['claimed'][0]['agent']}"
    elif not who:
        who = commit.get("author", "").partition(" <")[0]
    kind = click.style(row["author"].ljust(7), fg=_COLOURS.get(row["author"]))
    entry = f"#{row['actions'][-1]}" if row["actions"] else ""
    yes = f"yes {action['approval']}" if "approval" in action else "granted" if action.get("grants") else ""
    told = f"{entry:>7} {yes:<8} {visible(who)[:32]:<32}"
    return f"{kind} {row['commit'][:8]:<8} {told} {row['line']:>5}) {visible(row['text'])}"


def _span(text: str, size: int) -> tuple[int, int]:
    from interlock.model.errors import UsageError

    if not text:
        return 1, size
    first, _, last = text.partition(",")
    if not first.isdigit() or (last and not last.isdigit()):
        raise UsageError(f"--lines takes two numbers, as in 10,20, not {text!r}.")
    return int(first), int(last or first)


def _texts(found: dict[str, Any]) -> list[str]:
    """What stands in the lines, read here: the daemon says nothing of it."""
    import os

    from interlock.broker.gitcall import GitCall
    from interlock.changes.provenance import gitread
    from interlock.changes.provenance.text import LARGEST

    path = os.path.join(found["top"], found["path"])
    raw: bytes | None = b""
    if found["revision"]:
        repo = gitread.find(GitCall(), found["top"])
        raw = repo.blob(found["revision"], found["path"]) if repo is not None else b""
    else:
        try:
            with open(path, "rb") as file:
                raw = file.read(LARGEST)
        except OSError:
            raw = b""
    return [line.decode("utf-8", "replace").removesuffix("\r") for line in (raw or b"").split(b"\n")]
