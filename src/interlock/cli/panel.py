"""`interlock panel`: a link to the control panel."""

from __future__ import annotations

import click

from interlock.cli.show import emit
from interlock.home import locate


@click.command(
    "panel",
    epilog="\b\nExamples:\n  interlock panel            print a link, and open it where there is a desktop\n"
    "  interlock panel --print    print it and open nothing\n"
    "  interlock panel --reader   a link for somebody who is to look and not to decide\n"
    "  interlock panel --close    end all sessions of the panel",
)
@click.option("--print", "only_print", is_flag=True, help="Print the link; open nothing.")
@click.option("--reader", is_flag=True, help="The session may look and decides nothing.")
@click.option(
    "--remote", is_flag=True, help="At the address for other machines ([panel.remote]), to make a passkey there."
)
@click.option("--close", is_flag=True, help="End every session of the panel, on every browser.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and open nothing.")
def command(only_print: bool, reader: bool, remote: bool, close: bool, as_json: bool) -> None:
    """Open the control panel in a browser.

    The link works once, for two minutes, and in a browser on this machine. No agent gets one: whoever asks must be a
    person's own process, like everybody who decides.
    """
    from interlock.daemon.client import call

    home = locate()
    if close:
        ended = call(home, "panel.close")
        emit(ended) if as_json else click.echo(f"Sessions ended: {ended['closed']}.")
        return
    found = call(home, "panel.link", {"reader": reader, "remote": remote})
    if as_json:
        emit(found)
        return
    click.echo(found["link"])
    click.echo("It works once, and for two minutes.", err=True)
    if found["socket"]:
        port = found["address"].rstrip("/").rsplit(":", 1)[1]
        click.echo(f"Lead port {port} there first: ssh -L {port}:{found['socket']} HOST", err=True)
        return
    if not only_print and _desktop():
        click.launch(found["link"])


def _desktop() -> bool:
    """Whether there is a desktop that could show a page, and a person before it."""
    import os
    import sys

    return sys.stdout.isatty() and bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
