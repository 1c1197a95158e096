"""`interlock verify`: prove offline that a ledger or an export is sound."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interlock.model.counts import many

if TYPE_CHECKING:
    from interlock.ledger.verify import Report

_SHOWN = 10
_CLOCKS_DIFFER = 300.0  # seconds that two machines' clocks may lie apart


@click.command(
    "verify",
    epilog="\b\nExamples:\n  interlock verify                       this installation's own ledger\n"
    "  interlock verify export-2026-11        an export, anywhere\n"
    "  interlock verify interlock-ledger-4711.tar   an export as one file, as the panel hands it out\n"
    "  interlock verify --key VKEY export     and only if it is the log of the key you trust\n"
    "  interlock verify --since old-checkpoint   and only if it grew out of what you saw before\n"
    "  interlock verify --proof 17.tlog-proof --entry 17.json --key VKEY   one entry alone\n"
    "  interlock verify --commit HEAD         what stands behind a commit, and whose reviews of it hold\n"
    "  interlock verify --commit HEAD --bundle b.json --key VKEY   the same from a file, anywhere\n"
    "  interlock verify --gate gate.json --commit HEAD --key gate.vkey   the change gate's verdict on it\n"
    "  interlock verify --certificate halt-42.json --entry 42.json --key VKEY   that this order was carried out\n\n"
    "Exit status: 0 sound, 30 tampered, 31 incomplete, 32 cannot be judged, 33 policy failed, 34 forked or set back.",
)
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option(
    "--key", default="", metavar="VKEY", help="The root key that you trust (name+id+base64), or a file of it."
)
@click.option("--origin", default="", help="The log that you expect.")
@click.option(
    "--since",
    type=click.Path(path_type=Path),
    help="A signed checkpoint that you kept: the log must have grown out of it.",
)
@click.option("--strict", is_flag=True, help="Refuse a log with intents that have no outcome, or other gaps.")
@click.option("--proof", type=click.Path(path_type=Path), help="Check this .tlog-proof instead of a directory.")
@click.option("--entry", type=click.Path(path_type=Path), help="The bytes of the entry that it is about.")
@click.option("--certificate", type=click.Path(path_type=Path), help="Check this halt certificate instead.")
@click.option("--commit", default="", metavar="REVISION", help="Check the attestation and reviews of this commit.")
@click.option("--base", default="", metavar="REVISION", help="With --commit: whose gate.toml names the reviewers.")
@click.option(
    "--bundle", type=click.Path(path_type=Path), help="The attestation, as `interlock attest --output` wrote it."
)
@click.option("--gate", type=click.Path(path_type=Path), help="Check this verdict of the change gate instead.")
@click.option("--property", "wanted", multiple=True, help="With --gate: it has to say this, too (repeatable).")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def command(  # noqa: PLR0913 - each is an option
    directory: Path | None,
    *,
    key: str,
    origin: str,
    since: Path | None,
    strict: bool,
    proof: Path | None,
    entry: Path | None,
    certificate: Path | None,
    commit: str,
    base: str,
    bundle: Path | None,
    gate: Path | None,
    wanted: tuple[str, ...],
    as_json: bool,
) -> None:
    """Check every hash and signature of a ledger or an export, offline.

    It reads, never writes, and needs neither the daemon nor a network. It says which entry or tile is wrong.
    """
    from interlock.cli.show import emit
    from interlock.cli.verify_people import Persons
    from interlock.ledger.verify import verify

    trusted = _key(key)
    if gate is not None:
        _judged(gate, trusted, commit, wanted, as_json=as_json)
        return
    if commit:
        _attested(commit, bundle, trusted, directory or _own(), base=base, as_json=as_json)
        return
    if certificate is not None:
        _certificate(certificate, entry, trusted, as_json=as_json)
        return
    if proof is not None:
        _proved(proof, entry, trusted, as_json=as_json)
        return
    persons = Persons()
    earlier = None if since is None else _read(since)
    with _unpacked(directory or _own()) as place:
        report = verify(place, key=trusted, origin=origin, since=earlier, strict=strict, hear=persons.hear)
    persons.judge()
    if as_json:
        emit(as_data(report) | {"identity": persons.counts()})
        return
    _tell(report)
    click.echo(f"  identity    {persons.told()}: each by whoever it names")


def _unpacked(place: Path) -> AbstractContextManager[Path]:
    """A directory as it is; an export that came as one file, for as long as it is looked at."""
    if not place.is_file():
        return nullcontext(place)
    from interlock.ledger.verify.archive import unpacked

    return unpacked(place)


def _attested(commit: str, bundle: Path | None, key: str, directory: Path, *, base: str, as_json: bool) -> None:
    from interlock.cli.verify_commit import attested

    attested(commit, None if bundle is None else _read(bundle), key, directory, base=base, as_json=as_json)


def _judged(gate: Path, key: str, commit: str, wanted: tuple[str, ...], *, as_json: bool) -> None:
    from interlock.cli.verify_gate import judged

    judged(_read(gate), key, commit, wanted, as_json=as_json)


def _own() -> Path:
    from interlock.home import locate

    return locate().state / "ledger"


def _read(path: Path) -> bytes:
    from interlock.model.errors import LedgerUnverifiable

    try:
        return path.read_bytes()
    except OSError as error:
        raise LedgerUnverifiable(f"{path} cannot be read: {error.strerror}") from error


def _key(text: str) -> str:
    if text and "+" not in text:
        return _read(Path(text)).decode("utf-8", "replace").strip()
    return text


def _proved(proof: Path, entry: Path | None, key: str, *, as_json: bool) -> None:
    from interlock.cli.show import emit
    from interlock.ledger.verify import verify_proof
    from interlock.model.errors import UsageError

    if entry is None or not key:
        raise UsageError("--proof needs --entry (the bytes of the entry) and --key (the log's key)")
    found = verify_proof(_read(proof), _read(entry), key)
    if as_json:
        emit({"sound": True, **found})
    else:
        entries = many(found["size"], "entry", "entries")
        click.echo(f"Sound: entry {found['index']} is in the log {found['origin']} of {entries}.")


def _certificate(path: Path, entry: Path | None, key: str, *, as_json: bool) -> None:
    from interlock.cli.show import emit
    from interlock.ledger.verify import check_certificate, confirmed
    from interlock.ledger.verify.notes import Key
    from interlock.model.errors import LedgerTampered, UsageError

    if not key:
        raise UsageError("--certificate needs --key: the log's key (state/keys/daemon.vkey).")
    said = check_certificate(_read(path), Key.parse(key))
    if (ahead := confirmed(said) - time.time()) > _CLOCKS_DIFFER:
        raise LedgerTampered(
            f"{path} says that it was confirmed {ahead / 60:.0f} minutes from now. It tells what has happened: "
            "this one was made up, or one of the two clocks is wrong; look at this machine's first."
        )
    if entry is not None and said["subject"][0]["digest"].get("sha256") != sha256(_read(entry)).hexdigest():
        raise LedgerTampered(f"{path} is the certificate of another order than the one in {entry}.")
    if as_json:
        emit({"sound": True, "statement": said})
        return
    order, found = said["predicate"].get("order", {}), said["predicate"]
    what = f"order {order.get('id')} ({order.get('what')}) of the log {found.get('log')}, epoch {found.get('epoch')}"
    stopped = many(len(found.get("processes", ())), "process", "processes")
    click.echo(f"Sound: {what}: {stopped}, {len(found.get('silent', ()))} silent.")


def as_data(report: Report) -> dict[str, Any]:
    """The report as JSON data."""
    return {
        "sound": True,
        "kind": report.kind,
        "origin": report.origin,
        "size": report.size,
        "root": report.root,
        "root_key": report.root_key,
        "root_key_pinned": report.pinned,
        "signing_keys": [{"from": start, "key": key} for start, key in report.signing_keys],
        "checkpoints": report.checkpoints,
        "tiles_checked_to": report.tiles,
        "counts": report.counts,
        "open_intents": list(report.open_intents),
        "open_sessions": report.open_sessions,
        "problems": list(report.problems),
        "more_problems": report.more_problems,
    }


def _tell(report: Report) -> None:
    from interlock.model.visible import visible

    click.echo(
        click.style("Sound.", fg="green", bold=True)
        + f" {visible(report.origin)}: {many(report.size, 'entry', 'entries')}"
    )
    click.echo(f"  root        {report.root}")
    trust = "the key you trust" if report.pinned else "taken at the log's word; pass --key to be sure whose log this is"
    click.echo(f"  root key    {visible(report.root_key)} ({trust})")
    tiles = many(report.tiles, "entry", "entries")
    click.echo(f"  checked     every entry, {many(report.checkpoints, 'signed checkpoint')}, tiles of {tiles}")
    kinds = ", ".join(f"{count} {visible(kind)}" for kind, count in report.counts.items())
    click.echo(f"  holds       {kinds}")
    if report.open_intents:
        shown = ", ".join(str(index) for index in report.open_intents[:_SHOWN])
        more = " …" if len(report.open_intents) > _SHOWN else ""
        intents = many(len(report.open_intents), "intent has", "intents have")
        click.echo(f"  {intents} no outcome: {shown}{more}")
    if report.open_sessions:
        click.echo(f"  {many(report.open_sessions, 'session is', 'sessions are')} open, or ended without a word")
    for problem in report.problems:
        click.echo(f"  {click.style('gap', fg='yellow')}  {problem}")
    if report.more_problems:
        click.echo(f"  … and {many(report.more_problems, 'more gap')}")
