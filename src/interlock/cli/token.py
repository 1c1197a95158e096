"""`interlock token`: issue, narrow, show, check and revoke capability tokens."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from interlock.cli.show import age, emit, heading
from interlock.home import locate
from interlock.model.effect import Environment, Kind, Verb
from interlock.model.errors import OperatorError, UsageError
from interlock.model.visible import visible

if TYPE_CHECKING:
    from interlock.identity.tokens import Token
    from interlock.model.warrant import Scope

_DURATION = re.compile(r"([0-9]{1,6})(s|m|h)")
_UNITS = {"s": 1, "m": 60, "h": 3_600}
_ENVIRONMENTS = [e.value for e in Environment if e is not Environment.PRODUCTION]


@click.group(
    "token",
    epilog="\b\nExamples:\n  interlock token show ci.token\n  interlock token revoke 3f9a1c2b4d5e",
)
def command() -> None:
    """Issue, narrow, check and revoke capability tokens.

    A token says what its holder may ask for: it bounds policy and never goes around it. It is of use only together with
    its key, for minutes or hours, and its holder can narrow it for a sub-agent without asking anybody.
    """


def _scope_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--verb", "verbs", multiple=True, type=click.Choice([v.value for v in Verb]), required=True,
                     help="What may be done."),
        click.option("--kind", "kinds", multiple=True, type=click.Choice([k.value for k in Kind]), required=True,
                     help="To what sort of thing."),
        click.option("--name", "names", multiple=True, required=True,
                     help="Which of them: a resolved path or name; * is any text without a slash, ** any text."),
        click.option("--env", "environments", multiple=True, type=click.Choice([e.value for e in Environment]),
                     help="In which environments (default: all but production; of a narrowing: the token's)."),
        click.option("--for", "duration", default="15m", show_default=True, help="How long: 90s, 15m, 2h."),
        click.option("--depth", default=0, show_default=True, type=click.IntRange(0, 4),
                     help="How many times it may be narrowed further."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
    ):  # fmt: skip
        function = option(function)
    return function


@command.command(
    "issue",
    epilog="\b\nExample:\n  interlock token issue --agent ci --session build-7 --key ci.key --out ci.token \\\n"
    "    --verb read --verb execute --kind file --kind directory --name '/srv/shop/**' --for 30m",
)
@click.option("--agent", required=True, help="Who acts under it: a name for your agent or job.")
@click.option("--session", default="", help="Its run, as you name it.")
@click.option("--principal", default="", help="The accountable person (default: you).")
@click.option("--key", type=click.Path(path_type=Path), required=True, help="The holder's key; made when not there.")
@click.option("--out", type=click.Path(path_type=Path), help="Where to write the token (default: standard output).")
@_scope_options
def issue(agent: str, session: str, principal: str, key: Path, out: Path | None, as_json: bool, **scope: Any) -> None:
    """Issue a token. A person's command; its issue is an entry of the ledger."""
    from interlock.daemon.acting import load_key, make_key
    from interlock.daemon.client import call
    from interlock.identity.tokens import holder_text

    duration, depth = scope.pop("duration"), scope.pop("depth")
    holder = load_key(key) if key.exists() else make_key(key)
    params: dict[str, Any] = {
        "agent": agent, "session": session, "seconds": _seconds(duration), "depth": depth,
        "holder": holder_text(holder), "scope": [_permit(**scope)],
    }  # fmt: skip
    if principal:
        params["principal"] = principal
    made = call(locate(), "token.issue", params)
    _give(made["token"], out)
    if as_json:
        emit(made)
    elif out is not None:
        click.echo(f"Token {made['id'][:12]} is in {out}, its key in {key}; it lives for {duration}.")


@command.command(
    "attenuate",
    epilog="\b\nExample:\n  interlock token attenuate ci.token --key ci.key --new-key sub.key --out sub.token \\\n"
    "    --sub tests --verb read --kind file --name '/srv/shop/tests/**' --for 5m",
)
@click.argument("token", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True,
              help="The key of its holder.")  # fmt: skip
@click.option("--new-key", type=click.Path(path_type=Path), required=True, help="The next holder's; made if not there.")
@click.option("--sub", default="", help="The sub-agent that it is for.")
@click.option("--out", type=click.Path(path_type=Path), help="Where to write it (default: standard output).")
@_scope_options
def attenuate(token: Path, key: Path, new_key: Path, sub: str, out: Path | None, as_json: bool, **scope: Any) -> None:
    """Narrow a token for somebody else. Works offline, with the token's key alone.

    What would not narrow it is refused: a scope, a time or a depth beyond the token's own.
    """
    from interlock.daemon.acting import load_key, make_key
    from interlock.identity import tokens

    duration, depth = scope.pop("duration"), scope.pop("depth")
    above = _read(token)
    wanted = _narrower(above, **scope)
    now = int(time.time())
    expires = now + _seconds(duration)
    if click.get_current_context().get_parameter_source("duration") is ParameterSource.DEFAULT:
        expires = min(expires, above.last.expires)
    holder = load_key(new_key) if new_key.exists() else make_key(new_key)
    made = tokens.attenuate(
        above,
        tokens.Link(
            scope=wanted,
            holder=tokens.holder_text(holder),
            issued=now,
            starts=max(now, above.last.starts),
            expires=expires,
            depth=depth,
            sub=sub,
        ),
        load_key(key),
    )
    _give(made.text, out)
    if as_json:
        emit(_body(made))
    elif out is not None:
        click.echo(f"The narrowed token is in {out}, its key in {new_key}.")


@command.command("show", epilog="\b\nExample:\n  interlock token show ci.token")
@click.argument("token", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(token: Path, as_json: bool) -> None:
    """Show what a token says. Nothing is checked: see `verify`."""
    found = _read(token)
    if as_json:
        emit(_body(found))
    else:
        _print(found)


@command.command(
    "verify",
    epilog="\b\nExample:\n  interlock token verify ci.token --root ~/.local/state/interlock/keys/daemon.vkey\n"
    "\b\nExit status: 0 it holds, 27 it does not, 65 it is no token.",
)
@click.argument("token", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--root", required=True, help="The daemon's public key: a verifier key, or a file with one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(token: Path, root: str, as_json: bool) -> None:
    """Check a token offline: signatures, chain, times. Whether it was revoked since, only the ledger knows."""
    from interlock.daemon.acting import read as load
    from interlock.identity import tokens

    # `os.path`, which takes a text that no file can be called by for the key that it then is.
    key = tokens.root_of(load(Path(root)).decode("utf-8", "replace").strip() if os.path.exists(root) else root)
    found = _read(token)
    tokens.verify(found, key, time.time())
    if as_json:
        emit({"sound": True, **_body(found)})
        return
    click.echo(f"Sound: signed by {visible(key.name)}, and every link by the holder before it.")
    _print(found)


@command.command("list", epilog="\b\nExamples:\n  interlock token list\n  interlock token list --all --json")
@click.option("--all", "everything", is_flag=True, help="Also those that are expired or revoked.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_tokens(everything: bool, as_json: bool) -> None:
    """List the tokens that were issued here and are alive."""
    from interlock.broker.clock import stamp
    from interlock.daemon.client import call

    found = call(locate(), "token.list", {"all": everything})
    if as_json:
        emit(found)
        return
    for known in found:
        state = "expires " + age(stamp(known["expires"]), time.time()) if known["live"] else "ended"
        if known["revoked"]:
            state = f"revoked: {visible(known['revoked'])}"
        who = visible(f"{known['agent']} {known['session']}".strip())
        click.echo(f"{known['id'][:12]}  {who} for {visible(known['principal'])}  {heading(state)}")
    if not found:
        click.echo("No token is alive.")


@command.command("revoke", epilog="\b\nExample:\n  interlock token revoke 3f9a1c2b4d5e --because 'the job is done'")
@click.argument("id", required=False, default="")
@click.option("--link", default="", help="Instead of a whole token: one narrowing, by its digest (token show).")
@click.option("--because", default="", help="Why; stays in the ledger.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def revoke(id: str, link: str, because: str, as_json: bool) -> None:  # noqa: A002 - the word on the command line
    """End a token at once, with everything that was made from it."""
    from interlock.daemon.client import call

    if not id and not link:
        raise UsageError("name a token (interlock token list), or a narrowing with --link.")
    made = call(locate(), "token.revoke", {"id": id, "link": link, "reason": because})
    if as_json:
        emit(made)
    else:
        click.echo(f"{made['revoked'][:12]} is revoked.")


def _permit(
    verbs: tuple[str, ...], kinds: tuple[str, ...], names: tuple[str, ...], environments: tuple[str, ...]
) -> dict[str, list[str]]:
    chosen = environments or tuple(_ENVIRONMENTS)
    return {"verbs": list(verbs), "kinds": list(kinds), "names": list(names), "environments": list(chosen)}


def _narrower(above: Token, **scope: Any) -> Scope:
    """The scope that is wanted, in the token's own environments where none are named. Raises UsageError."""
    from interlock.model.warrant import wider

    if not scope["environments"]:
        known = {where.value for permit in above.last.scope for where in permit.environments}
        scope["environments"] = tuple(where for where in _ENVIRONMENTS if where in known) or tuple(known)
    wanted = _permits([_permit(**scope)])
    if beyond := wider(wanted, [link.scope for link in above.links]):
        raise UsageError(
            f"that would not narrow the token: it does not reach `{beyond}`. `interlock token show` says what it "
            "reaches; name less, or ask the person who issued it for another one."
        )
    return wanted


def _permits(plain: list[dict[str, list[str]]]) -> Scope:
    import msgspec

    from interlock.model.warrant import Permit

    return msgspec.convert(plain, tuple[Permit, ...])


def _seconds(duration: str) -> int:
    parts = _DURATION.fullmatch(duration)
    if parts is None or int(parts[1]) == 0:
        raise UsageError(f"{duration!r} is no duration: write 90s, 15m or 2h.")
    return int(parts[1]) * _UNITS[parts[2]]


def _read(file: Path) -> Token:
    from interlock.daemon.acting import read
    from interlock.identity.tokens import parse

    return parse(read(file).decode("ascii", "replace"))


def _give(token: str, out: Path | None) -> None:
    if out is None:
        click.echo(token)
        return
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, 0o600)  # a file that was there has the mode that it had
            file.write(token + "\n")
    except OSError as error:
        raise OperatorError(f"cannot write {out}: {error.strerror}.") from error


def _body(token: Token) -> dict[str, Any]:
    import msgspec

    return {"id": token.first.id, "links": msgspec.to_builtins(token.links), "digests": list(token.digests)}


def _print(token: Token) -> None:
    from interlock.broker.clock import stamp

    first = token.first
    who = visible(f"{first.agent} {first.session}".strip())
    click.echo(f"token {first.id}: {who}, for {visible(first.principal)}, of {visible(first.log)}")
    for place, link in enumerate(token.links):
        sub = f" for {visible(link.sub)}" if link.sub else ""
        click.echo(f"  {heading(f'link {place}')} {token.digests[place][:16]}{sub}, until {stamp(link.expires)}")
        for permit in link.scope:
            words = [", ".join(sorted(part)) for part in (permit.verbs, permit.kinds, permit.names)]
            click.echo(f"    may {visible(words[0])} {visible(words[1])} {visible(words[2])}")
            click.echo(f"    in {', '.join(permit.environments)}")
