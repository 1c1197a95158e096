"""Git notes: where attestations are kept in a repository, once a person asks for that.

The person's own git writes them, without hooks. A note that another tool wrote is never replaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from interlock.changes.repo import Repo
from interlock.model.errors import Refused

REF = "refs/notes/interlock"
REVIEWS = "refs/notes/interlock-reviews"  # one bundle a line, so that git joins two people's notes by lines
_AUTHOR = ("-c", "user.name=interlock", "-c", "user.email=interlock@localhost")
_MARK = '"git_ai_version": "interlock'


def add(directory: str, ref: str, commit: str, text: str, *, merge: bool = False) -> None:
    """Note a text on a commit; one of ours that is there already is replaced.

    With `merge`, a note of another tool's is left as it is. Raises Refused for one that is not ours without it, and
    OperatorError where git says no.
    """
    repo = Repo(directory)
    there = read(repo, commit, ref)
    if there is not None and not _ours(there, ref):
        if merge:
            return
        raise Refused(f"{commit[:12]} has a note in {ref} that Interlock did not write. Remove it first.")
    oid = repo.call("hash-object", "-w", "--stdin", feed=text.encode()).decode().strip()
    repo.call(*_AUTHOR, "notes", f"--ref={ref}", "add", "-f", "-C", oid, commit)


def gather(directory: str, commit: str, lines: Iterable[str]) -> None:
    """Note reviews of a commit beside those that are noted already. Raises OperatorError where git says no."""
    repo = Repo(directory)
    there = (read(repo, commit, REVIEWS) or b"").decode("utf-8", "replace").splitlines()
    text = "".join(f"{line}\n" for line in merged([*there, *lines]))
    oid = repo.call("hash-object", "-w", "--stdin", feed=text.encode()).decode().strip()
    repo.call(*_AUTHOR, "notes", f"--ref={REVIEWS}", "add", "-f", "-C", oid, commit)


def merged(lines: Iterable[str]) -> list[str]:
    """Each review once, by the last of its lines: a proof grows with its log."""
    return list({_entry(line): line for line in lines if line}.values())


def _entry(line: str) -> str:
    """What a review is known by; what is none is kept as it is, for whoever reads it to refuse."""
    try:
        return str(json.loads(line)["entry"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return line


def read(repo: Repo, commit: str, ref: str = REF) -> bytes | None:
    """The note on a commit; None where there is none."""
    oid = repo.call("notes", f"--ref={ref}", "list", commit, fine=(0, 1)).decode("ascii", "replace").strip()
    return repo.blobs([oid], 4 << 20)[oid][1] if oid else None


def _ours(note: bytes, ref: str) -> bool:
    return b'"schema": "interlock.attestation/1"' in note if ref == REF else _MARK.encode() in note
