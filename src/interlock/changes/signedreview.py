"""A person's review, signed with their SSH key on any machine: `ssh-keygen -Y sign` is all that is needed there. Pure.

The text that is signed is lines, so that it can be written by hand and read before it is signed:

    interlock-review/v1
    commit 1f0c…            all 40 (or 64) digits
    role critic             or tester
    says ok                 or no
    at 2026-11-29T10:00:00Z
    until 2026-12-06        the last day that it counts
    because …               may be left out

It is bound to the namespace `interlock-review@v1`. Whose key it is stands in the base's gate.toml (`[[reviewer]]`); who
is not there, or no more, has said nothing. In `refs/notes/interlock-reviews` it is a line of JSON beside the others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable
from datetime import date, datetime, timedelta

import msgspec

from interlock.changes.chain import Hand, Word
from interlock.changes.config import Reviewer
from interlock.changes.provenance.review import BECAUSE, ROLES, SAYS
from interlock.identity import sshsig
from interlock.identity.sshwire import SshKey
from interlock.model.errors import Refused

SCHEMA = "interlock.review.ssh/1"
LOG = "ssh"
_FIRST = "interlock-review/v1"
_LONGEST = timedelta(days=366)  # a yes is about code as somebody knew it; nobody means one for good
_LINES = re.compile(
    rf"{_FIRST}\ncommit ([0-9a-f]{{40}}(?:[0-9a-f]{{24}})?)\nrole ({'|'.join(ROLES)})\nsays ({'|'.join(SAYS)})\n"
    rf"at (\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\nuntil (\d{{4}}-\d\d-\d\d)\n(?:because ([^\n]{{0,{BECAUSE}}})\n)?"
)


class Unknown(Exception):
    """A signature by a key that the base does not name: it says nothing, for anybody may note one."""


class Statement(msgspec.Struct, frozen=True):
    """What a person signs. `at`: an RFC 3339 time, `until`: an ISO date."""

    commit: str
    role: str
    says: str
    at: str
    until: str
    because: str = ""

    def text(self) -> str:
        """The lines. Raises Refused where they could not be read again."""
        because = f"because {self.because}\n" if self.because else ""
        said = f"{_FIRST}\ncommit {self.commit}\nrole {self.role}\nsays {self.says}\nat {self.at}\nuntil {self.until}\n"
        parse(said + because)
        return said + because


def parse(text: str) -> Statement:
    """The statement in these lines. Raises Refused."""
    found = _LINES.fullmatch(text)
    if found is None:
        raise Refused("this is no review: its lines are not those that docs/gate.md shows, in that order.")
    commit, role, says, at, until, because = found.groups()
    try:
        start, end = datetime.fromisoformat(at).date(), date.fromisoformat(until)
    except ValueError as error:
        raise Refused(f"the review names a day that there is not: {at}, {until}.") from error
    if not start <= end <= start + _LONGEST:
        raise Refused(f"the review counts until {until}: that is before it was made, or more than a year after it.")
    return Statement(commit, role, says, at, until, because or "")


def line(statement: str, signature: str) -> str:
    """Both as one line of a note."""
    return json.dumps({"schema": SCHEMA, "signature": signature, "statement": statement}, sort_keys=True)


def signed(raw: bytes) -> tuple[str, str] | None:
    """Statement and signature in a line of a note; None for one of another kind."""
    try:
        found = json.loads(raw)
        if found["schema"] == SCHEMA:
            return str(found["statement"]), str(found["signature"])
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return None


def check(
    said: tuple[str, str], commit: str, reviewers: Iterable[Reviewer], today: str, gone: Container[str] = ()
) -> tuple[Word, Reviewer]:
    """Who said what of `commit`. `gone`: fingerprints of keys that were taken out of use since the base named them.

    What such a key signed earlier counts no more either: when it was signed, only the signer says.

    Raises:
        Unknown: the key is nobody's whom the base names, or counts no more; or the review does not count any more.
        Refused: it is of another commit, or not what was signed.
    """
    text, signature = said
    proof = sshsig.verify(signature, text.encode(), sshsig.REVIEW)
    who = next((one for one in reviewers if SshKey.parse(one.key.strip()) == proof.key), None)
    if who is None:
        raise Unknown(f"the key {proof.key.fingerprint} is no reviewer's in the base's gate.toml")
    if proof.key.fingerprint in gone:
        raise Unknown(f"the key of {who.name} was taken out of use here; take it out of the base's gate.toml as well")
    statement = parse(text)
    if statement.commit != commit:
        raise Refused(f"the review of {who.name} is of {statement.commit[:12]}, not of this commit.")
    if not today or statement.until < today:
        raise Unknown(f"the review of {who.name} counted until {statement.until}")
    if who.until and who.until < today:
        raise Unknown(f"the key of {who.name} counted until {who.until}")
    made = datetime.fromisoformat(statement.at)
    if made.date() > date.fromisoformat(today) + timedelta(days=1):
        raise Unknown(f"the review of {who.name} was made on {statement.at}, which is to come")
    number = int(made.timestamp())
    return Word(Hand(person=who.name), statement.role, statement.says, statement.because, number, LOG), who
