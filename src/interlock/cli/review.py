"""`interlock review`: say of a commit that you looked at it, or tested it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from interlock.cli.show import emit, here
from interlock.home import locate
from interlock.model.visible import visible

_FILE = click.Path(path_type=Path, dir_okay=False)
_LARGEST = 64 * 1024  # bytes of a statement or a signature


@click.command(
    "review",
    epilog="\b\nExamples:\n  interlock review HEAD --as critic --says ok\n"
    "  interlock review HEAD --as tester --says no --because 'the new test passes without the change'\n"
    "  interlock attest HEAD --reviews   put it into refs/notes/interlock-reviews, for the gate\n"
    "  interlock review HEAD --as critic --says ok --key ~/.ssh/id_ed25519\n"
    "  interlock review HEAD --as critic --says ok --statement r.txt\n"
    "  ssh-keygen -Y sign -n interlock-review@v1 -f ~/.ssh/id_ed25519 r.txt\n"
    "  interlock review --statement r.txt --signature r.txt.sig\n\n"
    "Exit status: 0 recorded, 23 no daemon, 26 no such commit or no repository, 27 refused.",
)
@click.argument("commit", default="HEAD")
@click.option("--as", "role", type=click.Choice(["critic", "tester"]), help="What you did.")
@click.option("--says", type=click.Choice(["ok", "no"]), help="What came of it.")
@click.option("--because", default="", help="Why.")
@click.option("--session", default="", help="For which session of this agent's, where its process has several.")
@click.option("--key", type=_FILE, help="Sign with this SSH key, and note it; asks no daemon.")
@click.option("--statement", type=_FILE, help="Write what is to be signed into this file; with --signature, read it.")
@click.option("--signature", type=_FILE, help="Note the statement with this signature of ssh-keygen -Y sign.")
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True, help="So long a signed one counts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    commit: str, *, role: str | None, says: str | None, because: str, session: str, as_json: bool, **by_hand: Any
) -> None:
    """Say what you found in COMMIT. Agents may do this too.

    Who says it is not asked: the daemon sees which agent's process called, or which person's. An agent that tested has
    to have run tests since, which the ledger saw pass. The gate asks for reviews by `[[review]]` of its base.

    With --key, or --statement and --signature, a person signs instead, on any machine: the gate knows their key by
    `[[reviewer]]` of its base.
    """
    from interlock.model.errors import UsageError

    key, statement, signature = by_hand["key"], by_hand["statement"], by_hand["signature"]
    if signature is not None:
        if statement is None:
            raise UsageError("--signature is over a statement: name that file too (--statement).")
        _note(_text(statement), _text(signature))
        return
    if role is None or says is None:
        raise UsageError("say what you did and what came of it: --as critic --says ok.")
    if key is not None or statement is not None:
        text = _statement(commit, role, says, because, by_hand["days"])
        if key is not None:
            _note(text, _sign(text, key))
        else:
            _write(text, statement)
        return
    _tell(commit, role, says, because, session, as_json=as_json)


def _tell(commit: str, role: str, says: str, because: str, session: str, *, as_json: bool) -> None:
    """Through the daemon, which sees who it is."""
    from interlock.daemon.client import call

    asked = {"cwd": here(), "revision": commit, "role": role, "says": says, "because": because, "session": session}
    found = call(locate(), "review.say", asked)
    if as_json:
        emit(found)
        return
    by = found["by"]
    who = f"{by['agent']}, session {by['session']}" if "agent" in by else by["person"]
    click.echo(f"Recorded as entry {found['entry']}: {visible(who)}, {role}, says {says} to {found['commit'][:12]}.")


def _statement(commit: str, role: str, says: str, because: str, days: int) -> str:
    from datetime import UTC, datetime, timedelta

    from interlock.changes.repo import Repo
    from interlock.changes.signedreview import Statement

    now = datetime.now(UTC)
    until = (now + timedelta(days=days)).date().isoformat()
    name = Repo(here()).commit(commit)
    return Statement(name, role, says, now.strftime("%Y-%m-%dT%H:%M:%SZ"), until, because).text()


def _sign(text: str, key: Path) -> str:
    from interlock.identity import sshsig, sshsigners

    return sshsigners.signature(text.encode(), sshsig.REVIEW, key, os.environ)


def _write(text: str, path: Path) -> None:
    from interlock.identity.sshsig import REVIEW
    from interlock.model.errors import StateError

    try:
        path.write_text(text)
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}.") from error
    click.echo(f"Read {visible(str(path))}, then sign it: ssh-keygen -Y sign -n {REVIEW} -f KEY {visible(str(path))}")


def _note(text: str, signature: str) -> None:
    """Beside the reviews that are noted already. Whose key it is the gate says; that it fits is checked here."""
    from interlock.changes.provenance.notes import REVIEWS, gather
    from interlock.changes.repo import Repo
    from interlock.changes.signedreview import line, parse
    from interlock.identity import sshsig

    said = parse(text)
    proof = sshsig.verify(signature, text.encode(), sshsig.REVIEW)
    gather(here(), Repo(here()).commit(said.commit), [line(text, signature)])
    click.echo(f"Noted in {REVIEWS}: {proof.key.fingerprint}, {said.role}, says {said.says} to {said.commit[:12]}.")


def _text(path: Path) -> str:
    from interlock.model.errors import OperatorError

    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("utf-8", "replace")
    except OSError as error:
        raise OperatorError(f"cannot read {path}: {error.strerror}.") from error
