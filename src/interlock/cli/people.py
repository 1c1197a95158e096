"""`interlock people`: who the people are, what they decide with, and changes of that."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from interlock.cli.reading import small
from interlock.cli.show import emit, heading
from interlock.cli.span import seconds
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.errors import OperatorError
from interlock.model.visible import visible

_MAX_FILE = 64 * 1024


@click.group(
    "people",
    epilog="\b\nExamples:\n  interlock people list\n  interlock people add ada --group approvers --key ada.pub",
)
def command() -> None:
    """Show, add and remove the people who may decide, their keys and their groups.

    Alone you can set up the first people. From the moment that two people of the group `admins` could sign, each change
    needs two of them: write the statement with --statement, let another administrator sign it (`interlock people sign`,
    or ssh-keygen -Y sign), and pass the signature on with --signature.
    """


def _change_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option(
            "--signature",
            "signatures",
            multiple=True,
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Another administrator's signature over the statement (a file).",
        ),
        click.option(
            "--statement",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Change nothing: write what another administrator has to sign into this file.",
        ),
    ):
        function = option(function)
    return function


@command.command("list", epilog="\b\nExamples:\n  interlock people list\n  interlock people list --at 120 --json")
@click.option("--at", type=int, help="As it was just before this entry of the ledger.")
@click.option("--gate", is_flag=True, help="Print their keys as [[reviewer]] tables for .interlock/gate.toml.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_people(at: int | None, gate: bool, as_json: bool) -> None:
    """List everybody, with groups and the number of keys."""
    found = _call("people.list", {} if at is None else {"at": at})
    if gate:
        for person in found["people"]:
            for key in person["authenticators"]:
                click.echo(f'[[reviewer]]\nname = "{person["name"]}"\n{_as_rule(key)}')
        return
    if as_json:
        emit(found)
        return
    for person in found["people"]:
        role = " (owner of this daemon)" if person["name"] == found["owner"] else ""
        keys = len(person["authenticators"])
        groups = ", ".join(person["groups"]) or "no group"
        click.echo(f"{visible(person['name'])}{role}  {heading(f'{groups}; ' + many(keys, 'key'))}")
    if found["guarded"]:
        click.echo("Each change of people needs two administrators.")


def _as_rule(key: dict[str, Any]) -> str:
    """A key as the gate's rules have it."""
    import json

    if key["kind"] == "ssh":
        return f'key = "{key["public"]}"'
    said = {name: json.dumps(key[name]) for name in ("id", "public", "relying_party", "origins")}
    return f"passkey = {{ {', '.join(f'{name} = {value}' for name, value in said.items())} }}"


@command.command("show", epilog="\b\nExample:\n  interlock people show ada")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(name: str, as_json: bool) -> None:
    """Show one person with all keys."""
    from interlock.model.errors import NotFound

    found = _call("people.list", {})
    person = next((p for p in found["people"] if p["name"] == name), None)
    if person is None:
        raise NotFound(f"nobody here is called {name!r}. `interlock people list` shows who is.")
    if as_json:
        emit(person)
        return
    click.echo(visible(person["name"]))
    click.echo(f"  groups  {', '.join(person['groups']) or 'none'}")
    if person["uid"] is not None:
        click.echo(f"  uid     {person['uid']}")
    for key in person["authenticators"]:
        bound = f" at {key['relying_party']}" if key.get("relying_party") else ""
        click.echo(f"  {key['kind']:<8}{key['id']} {visible(key.get('label', ''))}{bound}")
    for offer in _call("people.offers", {}):
        if offer["name"] == name:
            click.echo(f"  waits   a passkey, made at {visible(offer['from'])}: interlock people accept {name} WORDS")
    if not person["authenticators"]:
        click.echo("  no key: interlock people key add NAME FILE.pub, or interlock people invite NAME")


@command.command(
    "add", epilog="\b\nExamples:\n  interlock people add ada --group admins --group approvers --key ada.pub"
)
@click.argument("name")
@click.option("--group", "groups", multiple=True, help="A group (admins may change people; others as you name them).")
@click.option("--key", "keys", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A .pub file: ssh-ed25519, ecdsa-sha2-nistp256, or a security key's (sk-).")  # fmt: skip
@click.option("--uid", type=int, help="Their user on this machine, where they have one.")
@_change_options
def add(name: str, groups: tuple[str, ...], keys: tuple[Path, ...], uid: int | None, **how: Any) -> None:
    """Add a person."""
    change: dict[str, Any] = {"name": name, "groups": sorted(set(groups)), "keys": [_key(file) for file in keys]}
    if uid is not None:
        change["uid"] = uid
    _change("person.add", change, f"{name} is added.", **how)


@command.command("remove", epilog="\b\nExample:\n  interlock people remove bob --because 'left on Friday'")
@click.argument("name")
@click.option("--because", default="", help="Why; stays in the ledger.")
@_change_options
def remove(name: str, because: str, **how: Any) -> None:
    """Remove a person: from now on nothing that they say counts, not even a yes that was not used yet."""
    _change("person.remove", {"name": name, "reason": because}, f"{name} is removed.", **how)
    _elsewhere(**how)


@command.command(
    "groups", epilog="\b\nExamples:\n  interlock people groups ada approvers admins\n  interlock people groups ada"
)
@click.argument("name")
@click.argument("groups", nargs=-1)
@_change_options
def set_groups(name: str, groups: tuple[str, ...], **how: Any) -> None:
    """Say in which groups a person is: exactly these."""
    _change(
        "person.groups", {"name": name, "groups": sorted(set(groups))}, f"{name} is in: {', '.join(groups)}.", **how
    )


@command.group("key", epilog="\b\nExamples:\n  interlock people key add ada ada.pub")
def key() -> None:
    """Add and remove the keys that a person decides with."""


@key.command("add", epilog="\b\nExample:\n  interlock people key add ada ~/.ssh/id_ed25519.pub")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_change_options
def key_add(name: str, file: Path, **how: Any) -> None:
    """Add the SSH key in FILE (a .pub file) to a person."""
    _change("person.key.add", {"name": name, "keys": [_key(file)]}, f"{name} has one key more.", **how)


@key.command("remove", epilog="\b\nExample:\n  interlock people key remove ada SHA256:…  --because 'laptop stolen'")
@click.argument("name")
@click.argument("id")
@click.option("--because", default="", help="Why; stays in the ledger.")
@_change_options
def key_remove(name: str, id: str, because: str, **how: Any) -> None:  # noqa: A002 - the word on the command line
    """Take a key out of use. A person may always do that for a key of their own."""
    _change("person.key.remove", {"name": name, "key": id, "reason": because}, f"{name} has one key less.", **how)
    _elsewhere(**how)


@command.command(
    "invite",
    epilog="\b\nExamples:\n  interlock people invite ada\n  interlock people invite ada --for 4h",
)
@click.argument("name")
@click.option("--for", "span", default="30m", show_default=True, help="How long the link can be used: 90s, 30m, 4h.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def invite(name: str, span: str, as_json: bool) -> None:
    """Let a person make a passkey in their own browser, on another machine ([panel.remote]).

    Prints a link, which works once. What is made with it counts for nothing until you have accepted it.
    """
    made = _call("people.invite", {"name": name, "seconds": int(seconds(span))})
    if as_json:
        emit(made)
        return
    click.echo(made["link"])
    click.echo(f"Send it to {visible(name)}, and to nobody else. It works once, within {span}.", err=True)
    click.echo("Their browser then shows four words. Have them read to you, on the phone, and type:", err=True)
    click.echo(f"  interlock people accept {visible(name)} WORDS", err=True)


@command.command(
    "accept",
    epilog="\b\nExamples:\n  interlock people accept ada babad-lusab-tirok-gahif\n"
    "  interlock people accept ada babad-lusab-tirok-gahif --statement ada.json",
)
@click.argument("name")
@click.argument("words", nargs=-1, required=True)
@_change_options
def accept(name: str, words: tuple[str, ...], **how: Any) -> None:
    """Add the passkey that an invited person made; WORDS are the four that their browser shows.

    Take the words from the person, by a voice that you know, never from the message in which you sent the link.
    """
    made = _call("people.offered", {"name": name, "words": " ".join(words)})
    _change("person.key.add", {"name": name, "keys": [made]}, f"{visible(name)} signs in with a passkey now.", **how)


@command.command(
    "sign",
    epilog="\b\nExamples:\n  interlock people sign change.json --key ~/.ssh/id_ed25519 > change.sig\n"
    "  ssh-keygen -Y sign -n interlock-people@v1 -f ~/.ssh/id_ed25519 change.json",
)
@click.argument("statement", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", "file", type=click.Path(path_type=Path), help="A key file; without it the SSH agent's only key.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with the signature in it.")
def sign(statement: Path, file: Path | None, as_json: bool) -> None:
    """Sign a change that another administrator wants to make. Read it first: the signature is a yes."""
    from interlock.identity.sshsig import PEOPLE
    from interlock.identity.sshsigners import signature

    content = small(statement, _MAX_FILE)
    click.echo(visible(content.decode("utf-8", "replace")), err=True)
    signed = signature(content, PEOPLE, file, os.environ)
    if as_json:
        emit({"signature": signed})
    else:
        click.echo(signed, nl=False)


def _change(
    kind: str,
    change: dict[str, Any],
    done: str,
    *,
    statement: Path | None,
    signatures: tuple[Path, ...],
    as_json: bool,
) -> None:
    if statement is not None:
        found = _call("people.statement", {"kind": kind, "change": change})
        _write(statement, found["statement"])
        if as_json:
            emit(found)
            return
        click.echo(f"Nothing is changed yet. {' or '.join(found['admins']) or 'An administrator with a key'} signs it:")
        click.echo(f"  ssh-keygen -Y sign -n {found['namespace']} -f KEY {statement}")
        click.echo(f"Then give this command again with --signature {statement}.sig instead of --statement.")
        return
    proofs = [{"how": "ssh", "signature": small(file, _MAX_FILE).decode("utf-8", "replace")} for file in signatures]
    made = _call("people.change", {"kind": kind, "change": change, "signatures": proofs})
    if as_json:
        emit(made)
        return
    click.echo(f"{done} Entry {made['entry']}, by {', '.join(made['by'])}.")


def _elsewhere(*, statement: Path | None, as_json: bool, **_: Any) -> None:
    """Say who does not hear of a key that counts no more."""
    if statement is None and not as_json:
        told = "end the key by `until` in its [[reviewer]], in .interlock/gate.toml."
        click.echo(f"Gates on other machines do not know that: {told}")


def _key(file: Path) -> dict[str, Any]:
    import msgspec

    from interlock.identity.authenticator import of_ssh

    made: dict[str, Any] = msgspec.to_builtins(of_ssh(small(file, _MAX_FILE).decode("utf-8", "replace")))
    return made


def _write(file: Path, content: str) -> None:
    if str(file) == "-":
        sys.stdout.write(content)
        return
    try:
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise OperatorError(f"cannot write {file}: {error.strerror}.") from error


def _call(method: str, params: dict[str, Any]) -> Any:
    from interlock.daemon.client import call

    return call(locate(), method, params)
