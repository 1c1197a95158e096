"""`interlock export`: a self-contained copy of the ledger that anyone can verify."""

from __future__ import annotations

from pathlib import Path

import click

from interlock.model.counts import many


@click.command(
    "export",
    epilog="\b\nExamples:\n  interlock export evidence            write the directory `evidence`\n"
    "  interlock verify evidence            check it, there or on any other machine\n"
    "  interlock export --no-blobs evidence leave out data that entries keep by digest\n\n"
    "The same ledger gives the same bytes. The daemon may run meanwhile.",
)
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--no-blobs", is_flag=True, help="Leave out data that entries refer to by digest.")
@click.option("--json", "as_json", is_flag=True, help="What was written, as JSON.")
def command(directory: Path, no_blobs: bool, as_json: bool) -> None:
    """Write entries, tiles, checkpoints and public keys to a new DIRECTORY."""
    from interlock.cli.show import emit
    from interlock.home import locate
    from interlock.ledger.export import export
    from interlock.ledger.reader import Reader

    state = locate().state / "ledger"
    with Reader.open(state) as reader:
        done = export(reader, state, directory.absolute(), with_blobs=not no_blobs)
    if as_json:
        emit(
            {
                "directory": str(directory),
                "origin": done.origin,
                "size": done.size,
                "files": done.files,
                "bytes": done.bytes,
                "missing_blobs": list(done.missing_blobs),
            }
        )
        return
    click.echo(
        f"Wrote {many(done.size, 'entry', 'entries')} of {done.origin} to {directory}: "
        f"{many(done.files, 'file')}, {many(done.bytes, 'byte')}."
    )
    if done.missing_blobs:
        click.echo(
            f"{many(len(done.missing_blobs), 'piece')} of data left out: the content store does not hold it any more."
        )
    click.echo(f"Check it with: interlock verify {directory}")
