"""Verdicts of the change gate: recorded as the gate's key has signed them, and looked at with what stands behind them.

The gate runs in the caller's process. What makes a verdict is that the key in this installation's own state signed it,
which agents are kept from; who called is recorded beside it.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from interlock.changes.provenance import attest, review
from interlock.changes.provenance.journal import named
from interlock.changes.report.summary import REPORT
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import integer, text
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.server import Peer
from interlock.daemon.tracking import Tracker
from interlock.ledger.dsse import MEDIA_TYPE, statement
from interlock.ledger.store import Ledger
from interlock.ledger.verify import read_verdict
from interlock.model.errors import AgentError, InterlockError, LedgerIncomplete, NotFound, Refused, StateError

KIND = "gate"  # of ledger entry
_SHOWN = 60  # changes in one answer
_LOOKED = 50_000  # entries before the newest that are looked through for them
_REPORT = 4 << 20  # bytes


class VerdictsDesk:
    """The gate's verdicts, and the commits that were attested."""

    def __init__(
        self, tracker: Tracker, *, ledger: Ledger, recorder: LedgerRecorder, callers: Callers, keys: Path
    ) -> None:
        self._tracker = tracker
        self._ledger = ledger
        self._recorder = recorder
        self._callers = callers
        self._keys = keys

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"gate.record": self._record, "gate.list": self._list, "gate.show": self._show}

    async def _record(self, params: dict[str, Any], peer: Peer) -> Any:
        raw, summary, result = (text(params, name).encode() for name in ("report", "summary", "result"))
        if len(raw) > _REPORT:
            raise AgentError("a report of more than 4 MiB is kept by nobody.")
        report = self._checked(raw, summary, result)
        repo = await self._tracker.find(os.path.realpath(text(params, "cwd")))
        by = self._callers.whoever(peer)
        documents = {
            "report": (raw, "application/json"),
            "summary": (summary, MEDIA_TYPE),
            "result": (result, MEDIA_TYPE),
        }
        kept = {name: await asyncio.to_thread(self._ledger.blobs.put, *one) for name, one in documents.items()}
        weights = Counter(found["weight"] for stage in report["stages"] for found in stage["findings"])
        body = {
            "repository": named(repo.common) if repo is not None else "",
            "commit": report["head"],
            "tree": report["trees"]["head"],
            "base": report["base"],
            "verdict": report["verdict"],
            "partial": report["partial"],
            "files": len(report["files"]),
            "findings": dict(sorted(weights.items())),
            "by": {name: value for name, value in (("agent", by.agent), ("person", by.person)) if value},
            **({"risk": round(100 * report["risk"]["probability"])} if report["risk"] else {}),
            **kept,
        }
        return {"entry": await self._recorder.record(KIND, body)}

    def _checked(self, raw: bytes, summary: bytes, result: bytes) -> dict[str, Any]:
        """The report that the gate's key has signed, as both documents say it. Raises StateError, LedgerTampered."""
        try:
            key = (self._keys / "gate.vkey").read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise StateError("this installation's gate has no key yet: run `interlock gate` once.") from error
        said, beside = read_verdict(summary, key), read_verdict(result, key)
        signed = said.statement["predicate"].get(REPORT)
        if not isinstance(signed, dict) or signed.get("sha256") != sha256(raw).hexdigest():
            raise AgentError("the report is not the one that the gate has signed.")
        report: dict[str, Any] = json.loads(raw)
        if not report["head"] == said.commit == beside.commit:
            raise AgentError("the verdict's documents are of different commits.")
        return report

    async def _list(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        await self._recorder.settle()
        return await asyncio.to_thread(self._recent)

    def _recent(self) -> dict[str, Any]:
        """Commits, the one last heard of first: the last verdict on each, and its attestation."""
        size = self._ledger.size
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for stored in self._ledger.entries(max(0, size - _LOOKED), size, kinds=[KIND, attest.KIND]):
            entry = json.loads(stored.raw)
            body = entry["body"]
            key = (body["repository"], body["commit"])
            row = found.pop(key, {"repository": key[0], "commit": key[1], "verdict": ""})
            row |= {"entry": stored.index, "time": entry["time"]} if stored.kind == KIND or "entry" not in row else {}
            if stored.kind == KIND:
                row |= {name: body.get(name) for name in ("verdict", "partial", "files", "findings", "risk", "by")}
            else:
                row["lines"] = body["lines"]
            found[key] = row
        rows = list(reversed(found.values()))
        return {"changes": rows[:_SHOWN], "more": max(0, len(rows) - _SHOWN), "whole": size <= _LOOKED}

    async def _show(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        await self._recorder.settle()
        return await asyncio.to_thread(self._shown, integer(params, "id"))

    def _shown(self, index: int) -> dict[str, Any]:
        stored = self._ledger.entry(index) if 0 <= index < self._ledger.size else None
        if stored is None or stored.kind not in (KIND, attest.KIND):
            raise NotFound(f"entry {index} is no change that was judged or attested. `interlock log` lists entries.")
        entry = json.loads(stored.raw)
        body = entry["body"]
        report, problem = self._report(body) if stored.kind == KIND else (None, "")
        commits = set(report["commits"] if report else ()) | {body["commit"]}
        return {
            "entry": index, "time": entry["time"], "kind": stored.kind, "body": body, "report": report,
            "problem": problem, "behind": self._behind(body["repository"], commits), "commits": len(commits),
            "reviews": self._reviews(body["commit"]),
        }  # fmt: skip

    async def judged(self, index: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """A verdict's entry and its report. Raises NotFound for what is none, Refused where its report is gone."""
        found = await asyncio.to_thread(self._shown, index)
        if found["report"] is None:
            why = found["problem"] or "the gate has not judged this commit here: run `interlock gate` on it first."
            raise Refused(f"what cannot be shown is not signed: {why}")
        return found["body"], found["report"]

    def _report(self, body: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str]:
        try:
            return json.loads(self._ledger.blobs.get(body["report"]["digest"])), ""
        except LedgerIncomplete:
            return None, "The report is not kept any more; the verdict and its digest stand in the entry."
        except InterlockError as error:
            return None, str(error)

    def _behind(self, repository: str, commits: Iterable[str]) -> dict[str, Any]:
        """Whose the lines of these commits are, and which sessions wrote them, as far as they are attested."""
        lines: Counter[str] = Counter()
        attested: dict[str, int] = {}
        sessions: set[str] = set()
        wanted = set(commits)
        for stored in self._ledger.entries(kinds=[attest.KIND]):
            body = json.loads(stored.raw)["body"]
            if body["commit"] not in wanted or body["commit"] in attested or body["repository"] != repository:
                continue
            attested[body["commit"]] = stored.index
            lines.update(body["lines"])
            sessions.update(self._sessions(body["statement"]["digest"]))
        return {"lines": dict(sorted(lines.items())), "sessions": sorted(sessions), "attested": attested}

    def _sessions(self, digest: str) -> list[str]:
        try:
            said = statement(self._ledger.blobs.get(digest))
            return [str(one) for one in said["predicate"]["buildDefinition"]["externalParameters"]["sessions"]]
        except (InterlockError, ValueError, KeyError, TypeError):
            return []  # the lines stand in the entry itself; who is shown as far as it is kept

    def _reviews(self, commit: str) -> list[dict[str, Any]]:
        found = []
        for stored in self._ledger.entries(kinds=[review.KIND]):
            body = json.loads(stored.raw)["body"]
            if body["commit"] == commit:
                told = {name: body[name] for name in ("role", "says", "by")}
                found.append({"entry": stored.index, **told, "passkey": "proof" in body})
        return found
