"""A person's review as a text that can be signed: on any machine with an SSH key, or in the panel with a passkey. Pure.

The text is lines, so that it can be written by hand and read before it is signed:

    interlock-review/v1
    commit 1f0c…            all 40 (or 64) digits
    role critic             or tester
    says ok                 or no
    at 2026-11-29T10:00:00Z
    until 2026-12-06        the last day that it counts
    because …               may be left out

An SSH signature is bound to the namespace `interlock-review@v1`; `ssh-keygen -Y sign` is all that is needed for one.
Whose key it is stands in the base's gate.toml (`[[reviewer]]`); who is not there, or no more, has said nothing. In
`refs/notes/interlock-reviews` it is a line of JSON beside the others.

Who reviews in the panel sees the gate's report of one change, and signs which one (`passkeyreview`): the lines of
`interlock-review/v2` have these after that of the commit.

    tree 77aa…              of the commit
    from 90ab…              the commit where the change parted from its base
    from-tree 4cd1…         of that one: the review is of what differs between the two trees
    report 5e2f…            the SHA-256 of the report that was shown
    nonce 0d9c…             chosen by who asked for the signature, so that none was made before it was asked for
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

import msgspec

from interlock.changes.chain import Hand, Word
from interlock.changes.config import Reviewer
from interlock.changes.provenance.review import BECAUSE, ROLES, SAYS
from interlock.identity import sshsig
from interlock.identity.sshwire import SshKey
from interlock.model.errors import Refused

SCHEMA = "interlock.review.ssh/1"
LOG = "signed"  # where a log's name stands otherwise: whoever signs twice has said the later word, by whichever key
_PLAIN, _BOUND = "interlock-review/v1", "interlock-review/v2"
_LONGEST = timedelta(days=366)  # a yes is about code as somebody knew it; nobody means one for good
_NAME = "([0-9a-f]{40}(?:[0-9a-f]{24})?)"
_HEAD = re.compile(
    rf"(?:{_PLAIN}\ncommit {_NAME}|{_BOUND}\ncommit {_NAME}\ntree {_NAME}\nfrom {_NAME}\nfrom-tree {_NAME}\n"
    rf"report ([0-9a-f]{{64}})\nnonce ([0-9a-f]{{32}}))\n"
)
_TAIL = re.compile(
    rf"role ({'|'.join(ROLES)})\nsays ({'|'.join(SAYS)})\n"
    rf"at (\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\nuntil (\d{{4}}-\d\d-\d\d)\n(?:because ([^\n]{{0,{BECAUSE}}})\n)?"
)


class Unknown(Exception):
    """A signature by a key that the base does not name: it says nothing, for anybody may note one."""


class About(NamedTuple):
    """A change by its digests: its last commit, the commit where it parted from its base, and the trees of both."""

    commit: str
    tree: str
    fork: str
    fork_tree: str


class Shown(msgspec.Struct, frozen=True):
    """What else a review in the panel is bound to; see above."""

    tree: str
    fork: str
    fork_tree: str
    report: str
    nonce: str


class Statement(msgspec.Struct, frozen=True):
    """What a person signs. `at`: an RFC 3339 time, `until`: an ISO date."""

    commit: str
    role: str
    says: str
    at: str
    until: str
    because: str = ""
    shown: Shown | None = None

    def text(self) -> str:
        """The lines. Raises Refused where they could not be read again."""
        because = f"because {self.because}\n" if self.because else ""
        head = f"{_BOUND if self.shown else _PLAIN}\ncommit {self.commit}\n"
        if self.shown:
            head += f"tree {self.shown.tree}\nfrom {self.shown.fork}\nfrom-tree {self.shown.fork_tree}\n"
            head += f"report {self.shown.report}\nnonce {self.shown.nonce}\n"
        said = f"{head}role {self.role}\nsays {self.says}\nat {self.at}\nuntil {self.until}\n{because}"
        parse(said)
        return said


def parse(text: str) -> Statement:
    """The statement in these lines. Raises Refused."""
    head = _HEAD.match(text)
    tail = _TAIL.fullmatch(text, head.end()) if head else None
    if head is None or tail is None:
        raise Refused("this is no review: its lines are not those that docs/gate.md shows, in that order.")
    role, says, at, until, because = tail.groups()
    try:
        start, end = datetime.fromisoformat(at).date(), date.fromisoformat(until)
    except ValueError as error:
        raise Refused(f"the review names a day that there is not: {at}, {until}.") from error
    if not start <= end <= start + _LONGEST:
        raise Refused(f"the review counts until {until}: that is before it was made, or more than a year after it.")
    plain, bound, *shown = head.groups()
    return Statement(plain or bound, role, says, at, until, because or "", Shown(*shown) if bound else None)


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
    said: tuple[str, str], about: About, reviewers: Iterable[Reviewer], today: str, gone: Container[str] = ()
) -> tuple[Word, Reviewer]:
    """Who said what of `about`. `gone`: fingerprints of keys that were taken out of use since the base named them.

    What such a key signed earlier counts no more either: when it was signed, only the signer says.

    Raises:
        Unknown: the key is nobody's whom the base names, or counts no more; or the review does not count any more.
        Refused: it is of another commit, or not what was signed.
    """
    text, signature = said
    proof = sshsig.verify(signature, text.encode(), sshsig.REVIEW)
    who = next((one for one in reviewers if one.key and SshKey.parse(one.key.strip()) == proof.key), None)
    if who is None:
        raise Unknown(f"the key {proof.key.fingerprint} is no reviewer's in the base's gate.toml")
    return counted(parse(text), who, proof.key.fingerprint, about, today, gone), who


def counted(statement: Statement, who: Reviewer, key: str, about: About, today: str, gone: Container[str]) -> Word:
    """The word in a statement whose signature holds, by `who` with the key of this id. Raises as `check` does."""
    if key in gone:
        raise Unknown(f"the key of {who.name} was taken out of use here; take it out of the base's gate.toml as well")
    if statement.commit != about.commit:
        raise Refused(f"the review of {who.name} is of {statement.commit[:12]}, not of this commit.")
    if (shown := statement.shown) is not None:
        if shown.tree != about.tree:
            raise Refused(f"the review of {who.name} is of the tree {shown.tree[:12]}, not of this commit's.")
        if (shown.fork, shown.fork_tree) != (about.fork, about.fork_tree):
            raise Unknown(f"the review of {who.name} is of what changed since {shown.fork[:12]}, not {about.fork[:12]}")
    if not today or statement.until < today:
        raise Unknown(f"the review of {who.name} counted until {statement.until}")
    if who.until and who.until < today:
        raise Unknown(f"the key of {who.name} counted until {who.until}")
    made = datetime.fromisoformat(statement.at)
    if made.date() > date.fromisoformat(today) + timedelta(days=1):
        raise Unknown(f"the review of {who.name} was made on {statement.at}, which is to come")
    number = int(made.timestamp())
    return Word(Hand(person=who.name), statement.role, statement.says, statement.because, number, LOG)
