"""Trailers of a commit's message that name what stands behind it, for readers without notes and without Interlock.

    Interlock-Session: claude/3f2a1b9c
    Interlock-Log: log.example/9b02e1d4#417
    Interlock-Attestation: sha256:1f0c…

Only where a person asks for them. They are text of the message, so they stay through amend and rebase, and in a squash
all of them do, wherever they come to stand in it: they are read in any line. The attestation is that of the commit
before these words were added, which has the same tree: a commit cannot name what is signed of itself.

Anybody can write them: a claim, and nothing that Interlock decides by. What is proved is what the log has signed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from interlock.changes.repo import Repo
from interlock.ledger.dsse import statement
from interlock.model.errors import Refused

SESSION, LOG, ATTESTATION = "Interlock-Session", "Interlock-Log", "Interlock-Attestation"
_MOST = 20  # sessions that are named, and lines of a message that are read
_SEARCHED = 64 << 10
_LINE = re.compile(
    rf"(?im)^[ \t]{{0,8}}(?:({SESSION}):[ \t]{{1,8}}([\w.-]{{1,64}}/[\w.:-]{{1,128}})"
    rf"|({LOG}):[ \t]{{1,8}}(\S{{1,128}}#\d{{1,16}})"
    rf"|({ATTESTATION}):[ \t]{{1,8}}(sha256:[0-9a-f]{{64}}))[ \t\r]{{0,8}}$"
)
_TRAILER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}: \S[^\n]{0,1000}")


def trailers(bundle: str) -> list[str]:
    """The lines for the commit of an attestation's bundle (`attest.bundle`)."""
    said = json.loads(bundle)
    outside: dict[str, Any] = statement(json.dumps(said["envelope"]).encode())["predicate"]
    sessions: list[str] = outside["buildDefinition"]["externalParameters"]["sessions"]
    origin = str(outside["runDetails"]["builder"]["id"]).removeprefix("urn:interlock:log:")
    entry = json.loads(said["entry"])
    index = re.search(r"^index (\d+)$", said["proof"], re.MULTILINE)
    lines = [f"{SESSION}: {session}" for session in sessions[:_MOST]]
    if index is not None:
        lines.append(f"{LOG}: {origin}#{index[1]}")
    return [*lines, f"{ATTESTATION}: {entry['body']['statement']['digest']}"]


def named(message: str) -> list[tuple[str, str]]:
    """(trailer, value) of each such line in a message, once. What is not written as it should be is none."""
    found = []
    for match in _LINE.finditer(message[:_SEARCHED]):
        kind = next(group for group in (1, 3, 5) if match[group])
        found.append((match[kind], match[kind + 1]))
    return list(dict.fromkeys(found))[: 3 * _MOST]


def added(message: str, lines: Iterable[str]) -> str:
    """The message with those lines that it does not have, in its last paragraph where that is one of trailers."""
    have = set(message.splitlines())
    new = [line for line in lines if line not in have]
    if not new:
        return message
    text = message.rstrip("\n")
    subject, _, last = text.rpartition("\n\n")
    block = bool(subject) and all(_TRAILER.fullmatch(line) for line in last.split("\n"))
    return text + ("\n" if block else "\n\n") + "\n".join(new) + "\n"


def write(directory: str, commit: str, lines: Iterable[str]) -> str:
    """Give HEAD a message with these trailers; the name of the commit that it now is.

    Only the message becomes another: tree, parents, authors and times stay, and nothing in the working tree is touched.

    Raises:
        Refused: it is not HEAD, was signed, or is on a remote already: others have it under its name.
        OperatorError: git says no.
    """
    repo = Repo(directory)
    if repo.commit("HEAD") != commit:
        raise Refused(f"{commit[:12]} is not HEAD: trailers are for a commit that nothing stands on yet.")
    raw = repo.call("cat-file", "commit", commit)
    head, _, message = raw.partition(b"\n\n")
    if re.search(rb"^gpgsig", head, re.MULTILINE):
        raise Refused(f"{commit[:12]} is signed, and would not be any more. Use notes: interlock attest --notes.")
    if repo.call("for-each-ref", "--count=1", f"--contains={commit}", "refs/remotes"):
        raise Refused(f"{commit[:12]} is on a remote already. Use notes: interlock attest --notes.")
    told = added(message.decode("utf-8", "surrogateescape"), lines).encode("utf-8", "surrogateescape")
    new = repo.call("hash-object", "-t", "commit", "-w", "--stdin", feed=head + b"\n\n" + told).decode().strip()
    if new != commit:
        repo.call("update-ref", "-m", "interlock attest --trailers", "HEAD", new, commit)
    return new
