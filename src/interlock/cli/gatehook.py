"""`interlock gate` as a hook of git: installed, and called by git for each push."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from interlock.home import locate
from interlock.model.errors import Refused, StateError, UsageError
from interlock.model.visible import visible

STATUS = {"PASS": 0, "INCONCLUSIVE": 10, "BLOCK": 11}


def install(hook: str, directory: str) -> None:
    """Write the hook. Raises Refused where another one stands: a person chains the two."""
    from interlock.changes.hooks import SCRIPT
    from interlock.changes.repo import Repo

    path = Path(Repo(directory).folder) / "hooks" / hook
    program = Path(sys.executable).parent / "interlock"
    text = SCRIPT.format(hook=hook, program=program if program.exists() else "interlock")
    try:
        if path.is_symlink() or (path.exists() and f"gate --{hook}" not in path.read_text("utf-8", "replace")):
            raise Refused(f"{path} is there already. Add this line to it: interlock gate --{hook}")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    except OSError as error:
        raise StateError(f"cannot write {path}: {error.strerror}.") from error
    click.echo(f"{path} calls the gate. It runs on this machine; what holds is `pre-receive` on the server.")


def called(hook: str, directory: str, today: str) -> int:
    """Judge every update that git names on standard input; the worst verdict's status.

    An inconclusive push is let through by `pre-push`, with a warning, and refused by `pre-receive`: on the server it is
    the branch itself that would move.
    """
    from interlock.changes.gate import Known, judge
    from interlock.changes.hooks import updates
    from interlock.changes.repo import QUARANTINE, Repo
    from interlock.changes.report.markdown import markdown
    from interlock.cli.gatefreeze import freezes
    from interlock.cli.gatepeople import withdrawn
    from interlock.cli.gatesummary import record

    lines = sys.stdin.read(1 << 20)
    if len(lines) >= 1 << 20:
        raise UsageError("git named more refs than are judged in one push. Push fewer.")
    settings = {name: os.environ[name] for name in QUARANTINE if name in os.environ} if hook == "pre-receive" else {}
    repo = Repo(directory, settings=settings)
    worst = 0
    for update in updates(lines.splitlines(), repo):
        if not update.head:
            continue
        known = Known(freezes(repo, update.base, locate()), withdrawn(locate()))
        report = judge(repo, update.base, update.head, today=today, known=known)
        record(report, repo)
        click.echo(f"interlock: {visible(update.ref)}: {report.verdict.value}", err=True)
        if report.verdict.value != "PASS":
            click.echo(markdown(report), err=True)
        worst = max(worst, STATUS[report.verdict.value])
    return 0 if hook == "pre-push" and worst == STATUS["INCONCLUSIVE"] else worst
