"""What a person asks about provenance: whose each line is, what stands behind a commit, and to attest it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from interlock.changes.provenance import gitread, story
from interlock.changes.provenance.attest import bundle
from interlock.changes.provenance.blame import Blame, Told
from interlock.changes.provenance.claims import claims
from interlock.changes.provenance.gitread import Repo
from interlock.changes.provenance.journal import named
from interlock.changes.provenance.owners import actions, author
from interlock.changes.provenance.text import LARGEST
from interlock.daemon.attesting import Attester
from interlock.daemon.desk import Method
from interlock.daemon.params import integer, text
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.server import Peer
from interlock.daemon.takenback import taken_back
from interlock.daemon.traced import traced
from interlock.daemon.tracking import Tracker
from interlock.ledger.store import Ledger
from interlock.model.errors import NotFound
from interlock.watch import incidents

_COMMITS = 2_000  # whose own words are quoted in one answer


class ProvenanceDesk:
    """Reads, and records what it sees on the way."""

    def __init__(self, tracker: Tracker, ledger: Ledger, recorder: LedgerRecorder, attester: Attester) -> None:
        self._tracker = tracker
        self._ledger = ledger
        self._recorder = recorder
        self._attester = attester

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {
            "provenance.blame": self._blame,
            "provenance.attest": self._attest,
            "provenance.trace": self._trace,
            "provenance.undone": self._undone,
        }

    async def _blame(self, params: dict[str, Any], peer: Peer) -> Any:
        """Whose each line is. Never what stands in it: whoever asks reads that with their own rights."""
        del peer
        repo = await self._tracker.here(text(params, "cwd"))
        path = gitread.within(repo, os.path.join(text(params, "cwd"), text(params, "path")))
        if path is None:
            raise NotFound("that file lies in no working tree of this repository.")
        await self._tracker.look(repo, paths=[os.path.join(repo.top, path)])
        await self._recorder.settle()
        return await asyncio.to_thread(self._blamed, repo, path, text(params, "revision", ""))

    async def _attest(self, params: dict[str, Any], peer: Peer) -> Any:
        """The attestation of a commit with its entry and the proof that this is in the ledger; with `lines`, whose each
        of its new lines is.
        """
        del peer
        repo = await self._tracker.here(text(params, "cwd"))
        await self._tracker.look(repo)
        commit = await asyncio.to_thread(repo.commit, text(params, "revision"))
        made = await self._attester.attest(repo, commit)
        raw, proof = await asyncio.to_thread(
            lambda: (self._ledger.entry(made.entry).raw, self._ledger.proof(made.entry))
        )
        said = {"commit": commit, "entry": made.entry, "bundle": bundle(made.envelope, raw, proof).decode()}
        if params.get("lines") is True:
            said["files"] = await asyncio.to_thread(self._new_lines, repo, commit)
        return said

    def _new_lines(self, repo: Repo, commit: str) -> dict[str, Any]:
        """Of each file that a commit touched, the lines that it brought."""
        blame = Blame(repo, self._tracker.observer)
        found: dict[str, Any] = {}
        for path in repo.touched(commit)[:_COMMITS]:
            told = blame.at(commit, path)
            new = [(number, line) for number, line in enumerate(told.lines if told else (), 1) if line.commit == commit]
            if new:
                lines = [
                    {"line": number, "author": author(line.owner).value, "actions": list(actions(line.owner))}
                    for number, line in new
                ]
                acts = {entry for _, line in new for entry in actions(line.owner)}
                found[path] = {"lines": lines, "actions": self._stories(sorted(acts))}
        return found

    async def _trace(self, params: dict[str, Any], peer: Peer) -> Any:
        """Where the lines of one action are: in the files that it wrote, as they lie here now, and in which commits. Of
        an incident, the actions behind it."""
        del peer
        repo = await self._tracker.here(text(params, "cwd"))
        entry = integer(params, "action")
        await self._tracker.look(repo)
        await self._recorder.settle()
        return await asyncio.to_thread(self._traced, repo, entry)

    async def _undone(self, params: dict[str, Any], peer: Peer) -> Any:
        """The commits of this repository of which a person took something back, with the entry of that undo."""
        del peer
        repo = await self._tracker.here(text(params, "cwd"))
        await self._recorder.settle()
        return {"commits": await asyncio.to_thread(taken_back, self._ledger, named(repo.common))}

    def _traced(self, repo: Repo, entry: int) -> dict[str, Any]:
        stored = json.loads(self._ledger.entry(entry).raw) if 0 <= entry < self._ledger.size else {}
        if stored.get("schema") == f"interlock/{incidents.KIND}/v1":
            return {"actions": traced(self._ledger, stored["body"]), "commits": [
                row["commit"] for row in stored["body"]["commits"]]}  # fmt: skip
        said = self._stories([entry]).get(str(entry), {})
        if not said.get("tool"):
            raise NotFound(f"entry {entry} is no action. `interlock log` lists them.")
        blame = Blame(repo, self._tracker.observer)
        journal = self._tracker.observer.journals.of(repo.common)
        wrote = {edit.path for edits in journal.edits.values() for edit in edits if edit.intent == entry}
        made = sorted(one.commit for one in journal.commits.values() if one.intent == entry)
        files: dict[str, list[dict[str, Any]]] = {}
        for path in sorted(wrote):
            try:
                told = blame.now(path, _content(os.path.join(repo.top, path)))
            except NotFound:
                continue
            lines = [
                {"line": number, "author": author(line.owner).value, "commit": line.commit}
                for number, line in enumerate(told.lines if told is not None else (), 1)
                if entry in actions(line.owner)
            ]
            if lines:
                files[path] = lines
        commits = sorted({line["commit"] for lines in files.values() for line in lines if line["commit"]})
        return {"action": said, "files": files, "wrote": sorted(wrote), "commits": commits, "made": made}

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
