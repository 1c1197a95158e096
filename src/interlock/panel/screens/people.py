"""People: who may decide, with what they sign; and the one place where a browser can make a passkey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.model.errors import Refused
from interlock.panel.screen import Act, Screen, Visit


class Key(msgspec.Struct, frozen=True):
    """One thing that somebody signs with."""

    kind: str
    id: str
    label: str
    bound: str  # the host name that a passkey is for


class Person(msgspec.Struct, frozen=True):
    """One of the people."""

    name: str
    owner: bool
    me: bool
    groups: tuple[str, ...]
    keys: tuple[Key, ...]


class View(msgspec.Struct, frozen=True):
    """The page. `possible` says whether a passkey can be made at this address, `afar` whether it is another machine's
    browser: there nobody changes people.
    """

    people: tuple[Person, ...]
    guarded: bool
    needed: int
    possible: bool
    afar: bool = False


def view(people: Mapping[str, Any], me: str, site: str, *, afar: bool = False) -> View:
    """The people as the ledger knows them."""
    return View(
        people=tuple(_person(one, people["owner"], me) for one in people["people"]),
        guarded=people["guarded"],
        needed=people["needed"],
        possible=not site.startswith("[") and not site.replace(".", "").isdigit(),
        afar=afar,
    )


def _person(one: Mapping[str, Any], owner: str, me: str) -> Person:
    keys = (
        Key(key["kind"], key["id"], key.get("label", ""), key.get("relying_party", ""))
        for key in one.get("authenticators", ())
    )
    return Person(one["name"], one["name"] == owner, one["name"] == me, tuple(one.get("groups", ())), tuple(keys))


async def load(visit: Visit) -> View:
    """Ask for the people."""
    return view(await visit.ask("people.list"), visit.seat.name, visit.site, afar=visit.seat.afar)


async def begin(visit: Visit, sent: Mapping[str, str]) -> dict[str, Any]:
    """What the browser makes a passkey from."""
    name = sent.get("name", "")
    alone = visit.origin.startswith("https:")  # where passkeys sign in, too: a browser must find it by itself
    options = await visit.ask("people.passkey.begin", name=name, relying_party=visit.site, found_alone=alone)
    return {"options": options}


async def finish(visit: Visit, sent: Mapping[str, str]) -> str:
    """The passkey that was made becomes one of the person's: an entry, by the rules for every change of people."""
    name = sent.get("name", "")
    if not sent.get("response"):
        raise Refused("the browser made no passkey.")
    made = await visit.ask(
        "people.passkey.finish",
        name=name,
        response=sent["response"],
        relying_party=visit.site,
        origins=[visit.origin],
        label=sent.get("label", ""),
    )
    await visit.ask("people.change", kind="person.key.add", change={"name": name, "keys": [made]})
    return "/people"


SCREENS = (Screen("people", "/people", "People", "people.html", load, ("people",)),)
ACTS = (Act("/people/passkey/begin", begin), Act("/people/passkey/finish", finish))
