"""`interlock tui`: the inbox as a screen of the terminal."""

from __future__ import annotations

import click

from interlock.cli.show import emit
from interlock.home import locate
from interlock.model.errors import OperatorError, UsageError


@click.command("tui", epilog="\b\nExamples:\n  interlock tui     j k choose, a approve, d deny, q leave")
@click.option("--json", "as_json", is_flag=True, help="Print what waits as JSON; open no screen.")
def command(as_json: bool) -> None:
    """Answer what waits in a screen of the terminal: the same cards, fingerprints and rules as in the panel.

    A yes is typed: the first word of the fingerprint, or its last part where a strong yes is needed. Enter approves
    nothing, and neither does what is pasted, or typed before a card has stood there for 0.7 s.
    """
    import sys

    from interlock.daemon.client import call

    home = locate()
    if as_json:
        emit(call(home, "inbox"))
        return
    try:
        from interlock.cli.tui_app import Inbox
    except ImportError as error:
        raise OperatorError(
            "this screen needs Textual: pip install 'interlock[tui]'. `interlock inbox` does not."
        ) from error
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise UsageError("this is no terminal. `interlock inbox` prints what waits.")
    call(home, "ping")
    Inbox(lambda method, params: call(home, method, params)).run()
