"""What `approve` and `deny` share: at a terminal, signed for another machine, or handed in."""

from __future__ import annotations

import getpass
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from interlock.cli.inbox import card, write
from interlock.cli.reading import small
from interlock.cli.show import emit
from interlock.home import Home, locate
from interlock.model.errors import OperatorError, Refused, UsageError
from interlock.model.visible import visible

_MAX_FILE = 64 << 20
_FILE = click.Path(dir_okay=False, path_type=Path)


class How:
    """The options by which a decision is signed, or handed in."""

    def __init__(self, **options: Any) -> None:
        self.request: Path | None = options["request_file"]
        self.sign: Path | None = options["sign"]
        self.out: Path | None = options["out"]
        self.key: str = options["key"]
        self.name: str = options["name"]
        self.decision: Path | None = options["decision"]
        self.signature: Path | None = options["signature"]

    @property
    def elsewhere(self) -> bool:
        """Whether the decision is made for another machine, or signed."""
        return any((self.request, self.sign, self.out))


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The shared options, as keyword arguments for `How`."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("--signature", type=_FILE, help="With --decision: the signature, where it is a file of its own."),
        click.option("--decision", type=_FILE, help="Hand in a decision that was signed elsewhere."),
        click.option("--key", default="", help="With --request: the key of that Interlock's ledger (vkey)."),
        click.option("--as", "name", default="", help="Your name there; by default your login name."),
        click.option("--out", type=_FILE, help="Write the decision into this file instead of handing it in."),
        click.option("--sign", type=_FILE, help="Sign with this SSH key (ssh-ed25519, ecdsa, sk-)."),
        click.option("--request", "request_file", type=_FILE, help="Decide on what another machine exported."),
    ):
        function = option(function)
    return function


def at_terminal(home: Home, method: str, ids: Sequence[int], params: dict[str, Any], *, ask_code: bool) -> list[Any]:
    """The person's word, through the daemon; where a code is needed and there is a terminal, it is asked for."""
    from interlock.daemon.client import call

    shown_ms = 0
    if ask_code and sys.stdin.isatty():
        asked = [call(home, "request", {"id": number}) for number in ids]
        if any(request["needs"].get("strong") for request in asked):
            begun = time.monotonic()
            for request in asked:
                card(request)
            if len(asked) > 1:
                together = call(home, "decide.printed", {"ids": list(ids)})["fingerprint"]
                click.echo(f"Together: {together}")
            params["code"] = click.prompt(
                "Type the last part of the fingerprint to approve", default="", show_default=False
            )
            shown_ms = int((time.monotonic() - begun) * 1000)
    found: list[Any] = call(home, method, {**params, "ids": list(ids), "shown_ms": shown_ms})
    return found


def elsewhere(how: How, ids: Sequence[int], verdict: str, feedback: str, *, as_json: bool) -> list[Any] | None:
    """Make a signed decision (or, without --sign, the text to be signed); hand it in, or write it into a file."""
    from interlock.approvals import bundle as bundles
    from interlock.approvals.decision import draft, printed
    from interlock.daemon.client import call
    from interlock.identity.sshsig import DECISION
    from interlock.identity.sshsigners import signature

    if how.request is not None:
        raw, key = small(how.request, _MAX_FILE), _known_key(how)
    elif ids:
        made = call(locate(), "request.export", {"ids": list(ids)})
        raw, key = made["bundle"].encode(), ""
        key = bundles.claimed(raw)[1]  # the daemon of this machine said so itself
    else:
        raise UsageError("say what you decide on: request numbers, or --request FILE.")
    bundle = bundles.unpack(raw, key)
    if how.request is not None and how.key:
        _remember(bundle.log, key)
    begun = time.monotonic()
    if not as_json:
        for request in bundle.requests:
            card(_full(bundle, request))
        click.echo(f"Fingerprint, computed from what you see: {printed(bundle.log, bundle.requests)}")
    decision = draft(
        bundle.log,
        bundle.requests,
        verdict=verdict,  # type: ignore[arg-type]  # the commands name it
        approver=how.name or getpass.getuser(),
        epoch=bundle.epoch,
        decided_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        feedback=feedback,
        shown_ms=int((time.monotonic() - begun) * 1000),
    )
    if how.sign is None:
        if how.out is None:
            raise UsageError("name a key (--sign), or a file for the text that is to be signed (--out).")
        write(how.out, decision.text())
        click.echo(
            f"Wrote {visible(str(how.out))}, unsigned. Sign it: ssh-keygen -Y sign -n {DECISION} -f KEY {how.out}\n"
            f"Hand it in: interlock approve --decision {how.out} --signature {how.out}.sig"
        )
        return None
    signed = {
        "decision": decision.text().decode(),
        "signature": signature(decision.text(), DECISION, how.sign, os.environ),
    }
    if how.out is None:
        if how.request is not None:
            raise UsageError("the other machine is not here: write the decision into a file with --out.")
        found: list[Any] = call(locate(), "decide.signed", signed)
        return found
    write(how.out, json.dumps(signed).encode() + b"\n")
    click.echo(f"Wrote {visible(str(how.out))}. There: interlock approve --decision {how.out.name}")
    return None


def hand_in(how: How) -> list[Any]:
    """A decision from a file: signed in itself, or with its signature beside it."""
    from interlock.daemon.client import call

    assert how.decision is not None  # noqa: S101 - the caller looked
    text = small(how.decision, _MAX_FILE).decode("utf-8", "surrogateescape")
    if how.signature is not None:
        signed = {"decision": text, "signature": small(how.signature, _MAX_FILE).decode("utf-8", "replace")}
    else:
        try:
            found = json.loads(text)
            signed = {"decision": found["decision"], "signature": found["signature"]}
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(
                f"{how.decision} is no signed decision: it was cut, or its signature is in another file (--signature)."
            ) from error
    handed: list[Any] = call(locate(), "decide.signed", signed)
    return handed


def report(said: list[Any] | None, *, as_json: bool) -> None:
    """What came of it, a line for each request. Raises Refused when nothing could be decided."""
    if said is None:
        return
    if as_json:
        emit([one["request"] | {"refused": one["refused"]} for one in said] if len(said) > 1 else said[0]["request"])
    else:
        for one in said:
            click.echo((f"#{one['request']['id']}: " if len(said) > 1 else "") + _outcome(one))
    if all(one["refused"] for one in said):
        raise Refused("nothing was decided.")


def _outcome(one: dict[str, Any]) -> str:
    request = one["request"]
    if one["refused"]:
        return visible(one["refused"])
    if request["state"] == "approved":
        return f"Approved. The agent may run it once, until {request['execute_by']}."
    if request["state"] == "partial":
        return "Your yes is recorded; it needs another person's too."
    return "Denied. The agent is told that a person said no."


def _full(bundle: Any, request: Any) -> dict[str, Any]:
    """A request of a bundle as `card` takes it, with the whole of what it says."""
    import msgspec

    body = {name: msgspec.to_builtins(getattr(request, name)) for name in request.__struct_fields__}
    if request.whole:
        body |= json.loads(bundle.cards[request.whole["digest"]])
    return body


def _known_key(how: How) -> str:
    """The key of the Interlock that asks: named now, or remembered from when it was named. Raises Refused."""
    from interlock.approvals.bundle import claimed

    assert how.request is not None  # noqa: S101 - the caller looked
    log, key = claimed(small(how.request, _MAX_FILE))
    known = _known_logs().get(log)
    if how.key:
        if known not in (None, how.key):
            raise Refused(
                f"{_kept()} names another key for {visible(log)}. If it was changed on purpose, remove that line."
            )
        return how.key
    if known is None:
        raise Refused(
            f"you have not decided for {visible(log)} from here before. Ask its owner for the key of its ledger "
            f"(it stands in `keys/daemon.vkey` of its state directory), and if it is {visible(key)}, repeat this with "
            f"--key '{visible(key)}'. It is then remembered."
        )
    return known


def _remember(log: str, key: str) -> None:
    """A key that was named, and that the bundle was signed with, need not be named again."""
    known = _known_logs()
    if log not in known:
        _kept().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(_kept(), "".join(f"{name} {vkey}\n" for name, vkey in {**known, log: key}.items()).encode())


def _known_logs() -> dict[str, str]:
    return dict(line.split(" ", 1) for line in _lines(_kept()) if " " in line)


def _kept() -> Path:
    return locate().config / "known-logs"


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"cannot read {file}: {error}.") from error
