"""What a person asks about provenance: whose each line is, what stands behind a commit, and to attest it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from interlock.changes.provenance import gitread, story
from interlock.changes.provenance.blame import Blame, Told
from interlock.changes.provenance.claims import claims
from interlock.changes.provenance.gitread import Repo
from interlock.changes.provenance.owners import actions, author
from interlock.changes.provenance.text import LARGEST
from interlock.daemon.desk import Method
from interlock.daemon.params import text
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.server import Peer
from interlock.daemon.tracking import Tracker
from interlock.ledger.store import Ledger
from interlock.model.errors import NotFound

_COMMITS = 2_000  # whose own words are quoted in one answer


class ProvenanceDesk:
    """Reads, and records what it sees on the way."""

    def __init__(self, tracker: Tracker, ledger: Ledger, recorder: LedgerRecorder) -> None:
        self._tracker = tracker
        self._ledger = ledger
        self._recorder = recorder

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"provenance.blame": self._blame}

    async def _blame(self, params: dict[str, Any], peer: Peer) -> Any:
        """Whose each line is. Never what stands in it: whoever asks reads that with their own rights."""
        del peer
        repo = await self._repo(params)
        path = gitread.within(repo, os.path.join(text(params, "cwd"), text(params, "path")))
        if path is None:
            raise NotFound("that file lies in no working tree of this repository.")
        await self._tracker.look(repo, paths=[os.path.join(repo.top, path)])
        await self._recorder.settle()
        return await asyncio.to_thread(self._blamed, repo, path, text(params, "revision", ""))

    async def _repo(self, params: dict[str, Any]) -> Repo:
        repo = await self._tracker.find(os.path.realpath(text(params, "cwd")))
        if repo is None:
            raise NotFound("there is no git repository here, or git does not trust its owner. Go into one.")
        await self._tracker.hear()
        return repo

    def _blamed(self, repo: Repo, path: str, revision: str) -> dict[str, Any]:
        blame = Blame(repo, self._tracker.observer)
        commit = repo.commit(revision) if revision else ""
        told = blame.at(commit, path) if commit else blame.now(path, _content(os.path.join(repo.top, path)))
        if told is None:
            raise NotFound(f"{path} has no lines there: it is missing, binary, a link, or larger than 4 MiB.")
        return {"path": path, "top": repo.top, "revision": commit, **self._lines(repo, told)}

    def _lines(self, repo: Repo, told: Told) -> dict[str, Any]:
        lines = [
            {"author": author(line.owner).value, "actions": list(actions(line.owner)), "commit": line.commit}
            for line in told.lines
        ]
        names = list(dict.fromkeys(line.commit for line in told.lines if line.commit))[:_COMMITS]
        entries = sorted({entry for line in told.lines for entry in actions(line.owner)})
        return {"lines": lines, "actions": self._stories(entries), "commits": _commits(repo, names)}

    def _stories(self, entries: Iterable[int]) -> dict[str, Any]:
        found = {}
        for index in entries:
            if 0 <= index < self._ledger.size:
                found[str(index)] = story.action(index, json.loads(self._ledger.entry(index).raw))
        return found


def _commits(repo: Repo, names: list[str]) -> dict[str, Any]:
    found = {}
    for fact in repo.facts(names):
        name, _, mail = fact.author.partition("\x01")
        mail = mail.partition("\x01")[0]
        said = [claim._asdict() for claim in claims(f"{name} <{mail}>", fact.message)]
        found[fact.commit] = {
            "author": f"{name} <{mail}>"[:300],
            "time": fact.time,
            "subject": fact.message.partition("\n")[0][:200],
            **({"claimed": said} if said else {}),
        }
    return found


def _content(path: str) -> bytes:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.") from error
