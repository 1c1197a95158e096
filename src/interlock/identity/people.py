"""Who the people are: a projection of the ledger's `person.*` entries. Pure.

    person.add          a person, with groups and keys
    person.remove       gone: from this entry on, no key and no vote of theirs counts
    person.key.add      another key
    person.key.remove   a key that counts no more
    person.groups       other groups
    person.key.count    the counter of a passkey after its use

The user whose daemon it is stands first (`owner`), from the start and with the group `admins`, also while no entry
speaks of them. An entry at index i is judged by the people as they were before it: `at(i)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from interlock.identity.authenticator import PASSKEY, Authenticator, sound
from interlock.ledger.entry import canonical
from interlock.model.errors import LedgerTampered, NotFound, Refused

ADD = "person.add"
REMOVE = "person.remove"
KEY_ADD = "person.key.add"
KEY_REMOVE = "person.key.remove"
GROUPS = "person.groups"
COUNT = "person.key.count"
CHANGES = (ADD, REMOVE, KEY_ADD, KEY_REMOVE, GROUPS)
KINDS = (*CHANGES, COUNT)

ADMINS = "admins"
STATEMENT = "interlock/people/v1"
MAX_PEOPLE = 2_000
MAX_GROUPS = 32
MAX_KEYS = 16
MAX_KEYS_AT_ONCE = 4  # in one `person.add`: the entry has 16 KiB
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?")
_GROUP = re.compile(r"[a-z][a-z0-9-]{0,31}")


class Person(msgspec.Struct, frozen=True):
    """A person. `uid` is the OS user of theirs that the kernel vouches for, None for somebody who only signs."""

    name: str
    uid: int | None = None
    groups: tuple[str, ...] = ()
    authenticators: tuple[Authenticator, ...] = ()
    since: int = -1  # the index of the entry that added them; -1 for the owner before any entry

    def within(self, group: str) -> bool:
        """Whether they are in this group."""
        return group in self.groups


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an entry of `CHANGES` changes; which fields it has depends on its kind."""

    name: str
    uid: int | None = None
    groups: tuple[str, ...] | None = None
    keys: tuple[Authenticator, ...] = ()
    key: str = ""  # the id of the key to remove
    reason: str = ""
    owner: bool = False  # the first entry of all, which says whose daemon it is


class Consent(msgspec.Struct, frozen=True, omit_defaults=True):
    """An administrator's word for a change: `uid` (the kernel knew the caller), or a signature over its statement."""

    person: str
    how: Literal["uid", "ssh", "passkey"]
    key: str = ""
    signature: str = ""


class People:
    """Everybody, as of the last entry applied."""

    def __init__(self, origin: str, owner: Person) -> None:
        self.origin = origin
        self.serial = 0  # changes so far; a statement speaks of exactly one of them
        self.guarded = False  # two administrators could sign once: from then on, two must
        self._implicit = owner
        self._owner = owner.name
        self._people: dict[str, Person] = {owner.name: owner}
        self._keys: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._past: list[tuple[int, str, Change | tuple[str, int]]] = []

    @property
    def owner(self) -> Person:
        """The user whose daemon it is."""
        return self._people[self._owner]

    def all(self) -> tuple[Person, ...]:
        """Everybody who is valid now, the owner first."""
        return tuple(self._people.values())

    def find(self, name: str) -> Person | None:
        """A person, or None where nobody has this name now."""
        return self._people.get(name)

    def get(self, name: str) -> Person:
        """A person. Raises NotFound."""
        person = self._people.get(name)
        if person is None:
            raise NotFound(f"nobody here is called {name[:64]!r}. `interlock people list` shows who is.")
        return person

    def by_uid(self, uid: int) -> Person | None:
        """Whose OS user this is."""
        return next((person for person in self._people.values() if person.uid == uid), None)

    def holder(self, key: str) -> Person | None:
        """Whose authenticator has this id now."""
        name = self._keys.get(key)
        return None if name is None else self._people[name]

    by_key = holder

    def withdrawn(self) -> dict[str, str]:
        """The keys that were somebody's and are nobody's now, by id, with the name of who had them last."""
        changes = [what for _, _, what in self._past if isinstance(what, Change)]
        return {key.id: one.name for one in changes for key in one.keys if key.id not in self._keys}

    def counter(self, key: str) -> int:
        """The counter of a passkey as it was last seen."""
        return self._counts.get(key, 0)

    def within(self, group: str) -> tuple[Person, ...]:
        """Who is in this group now."""
        return tuple(person for person in self._people.values() if person.within(group))

    def signing_admins(self) -> tuple[Person, ...]:
        """The administrators who can give their word: by a key, or because the daemon is theirs."""
        return tuple(p for p in self.within(ADMINS) if p.authenticators or p.name == self._owner)

    def at(self, index: int) -> People:
        """Everybody as they were just before the entry `index`."""
        then = People(self.origin, self._implicit)
        for when, kind, what in self._past:
            if when >= index:
                break
            then._take(when, kind, what)
        return then

    def statement(self, kind: str, change: Change) -> bytes:
        """What an administrator signs to let the next change be made: this one, in this log, at this place."""
        return canonical(
            {
                "schema": STATEMENT,
                "log": self.origin,
                "serial": self.serial,
                "kind": kind,
                "change": msgspec.to_builtins(change),
            }
        )

    def restore(self, entries: Iterable[tuple[int, str, dict[str, Any]]]) -> None:
        """Take (index, kind, body) of `KINDS`, oldest first. Raises LedgerTampered: who may decide must be known."""
        for index, kind, body in entries:
            self.apply(index, kind, body)

    def apply(self, index: int, kind: str, body: Mapping[str, Any]) -> None:
        """Take one entry. Raises LedgerTampered when it is none that could have been written here."""
        try:
            if kind == COUNT:
                self._take(index, kind, (str(body["key"]), int(body["count"])))
                return
            change = msgspec.convert(body["change"], Change)
            self._next(body["serial"])
            self.possible(kind, change)
        except (KeyError, TypeError, ValueError, Refused, NotFound) as error:
            raise LedgerTampered(
                f"entry {index} ({kind}) is no change of people that can stand there: {error}"
            ) from error
        self._take(index, kind, change)

    def possible(self, kind: str, change: Change) -> None:
        """Raises Refused or NotFound unless this change makes sense now, whoever asks for it."""
        if kind not in CHANGES:
            raise Refused(f"{kind[:40]!r} changes no people.")
        _well_formed(kind, change)
        if kind == ADD:
            self._addable(change)
        else:
            self.get(change.name)
        if kind in {ADD, KEY_ADD}:
            self._free(change)
        if kind == KEY_REMOVE and all(a.id != change.key for a in self.get(change.name).authenticators):
            raise NotFound(
                f"{change.name} has no key {change.key[:80]}. `interlock people show {change.name}` lists them."
            )
        if kind == REMOVE and change.name == self._owner:
            raise Refused(f"{change.name} is the user whose daemon this is, and cannot be removed.")
        if kind != ADD:
            self._still_governed(kind, change)

    def _next(self, serial: object) -> None:
        if serial != self.serial:
            raise Refused(f"it is change {serial} where {self.serial} should come")

    def _addable(self, change: Change) -> None:
        known = self._people.get(change.name)
        if change.owner:
            if self.serial or known is None or change.name != self._owner:
                raise Refused("whose daemon it is stands in the first change, and in no other.")
        elif known is not None:
            raise Refused(f"{change.name} is here already. Change their keys or groups, or choose another name.")
        if change.uid is not None and any(p.uid == change.uid and p.name != change.name for p in self.all()):
            raise Refused(f"uid {change.uid} belongs to somebody else already.")
        if len(self._people) >= MAX_PEOPLE:
            raise Refused(f"{MAX_PEOPLE} people are here already; no more fit.")

    def _free(self, change: Change) -> None:
        ids = [key.id for key in change.keys]
        if len(set(ids)) != len(ids):
            raise Refused("the same key stands there twice.")
        for key in change.keys:
            sound(key)
            holder = self.holder(key.id)
            if holder is not None:
                raise Refused(f"the key {key.id} is {holder.name}'s already: two people never share a key.")
        if change.name in self._people and len(self._people[change.name].authenticators) + len(ids) > MAX_KEYS:
            raise Refused(f"{change.name} would have more than {MAX_KEYS} keys. Remove one first.")

    def _still_governed(self, kind: str, change: Change) -> None:
        """Once two administrators guard each other, no change may leave fewer than two: nobody could add one again."""
        after = People(self.origin, self._implicit)
        after._people, after._owner = dict(self._people), self._owner
        after._change(-1, kind, change)
        left = after.signing_admins()
        if len(left) < (2 if self.guarded else 1):
            raise Refused(
                f"then only {', '.join(p.name for p in left) or 'nobody'} could sign as an administrator, and people "
                "could not be changed any more. Add another administrator, or another key of theirs, first."
            )

    def _take(self, index: int, kind: str, what: Change | tuple[str, int]) -> None:
        self._past.append((index, kind, what))
        if isinstance(what, tuple):
            self._counts[what[0]] = what[1]
            return
        self._change(index, kind, what)
        self.serial += 1
        self.guarded = self.guarded or len(self.signing_admins()) >= 2

    def _change(self, index: int, kind: str, change: Change) -> None:
        old = self._people.get(change.name)
        if kind == REMOVE:
            del self._people[change.name]
        elif kind == ADD or old is None:
            self._people[change.name] = Person(change.name, change.uid, change.groups or (), change.keys, index)
        elif kind == KEY_ADD:
            self._keep(old, old.authenticators + change.keys)
        elif kind == KEY_REMOVE:
            self._keep(old, tuple(a for a in old.authenticators if a.id != change.key))
        else:
            self._people[change.name] = msgspec.structs.replace(old, groups=change.groups or ())
        self._keys = {a.id: p.name for p in self._people.values() for a in p.authenticators}

    def _keep(self, person: Person, keys: tuple[Authenticator, ...]) -> None:
        self._people[person.name] = msgspec.structs.replace(person, authenticators=keys)


def _well_formed(kind: str, change: Change) -> None:
    if not _NAME.fullmatch(change.name) and not change.owner:
        raise Refused(
            f"{change.name[:64]!r} cannot name a person: lower-case letters, digits and `._@-`, such as ada or "
            "ada@example.org."
        )
    groups = change.groups or ()
    if len(groups) > MAX_GROUPS or list(groups) != sorted(set(groups)) or not all(map(_GROUP.fullmatch, groups)):
        raise Refused(f"groups are at most {MAX_GROUPS} different names of letters, digits and dashes, sorted.")
    if len(change.reason) > 500 or not all(c.isprintable() for c in change.reason):
        raise Refused("a reason is one line of at most 500 characters.")
    wanted = {
        ADD: change.groups is not None and len(change.keys) <= MAX_KEYS_AT_ONCE,
        REMOVE: True,
        KEY_ADD: len(change.keys) == 1,
        KEY_REMOVE: bool(change.key),
        GROUPS: change.groups is not None,
    }[kind]
    extra = {
        ADD: bool(change.key),
        REMOVE: change.groups is not None or bool(change.keys) or bool(change.key),
        KEY_ADD: change.groups is not None or bool(change.key),
        KEY_REMOVE: change.groups is not None or bool(change.keys),
        GROUPS: bool(change.keys) or bool(change.key),
    }[kind] or (kind != ADD and (change.owner or change.uid is not None))
    if not wanted or extra:
        raise Refused(f"{kind} says too much or too little. `interlock people --help` shows the forms.")


def passkeys_of(person: Person) -> tuple[Authenticator, ...]:
    """Their passkeys."""
    return tuple(a for a in person.authenticators if a.kind == PASSKEY)
