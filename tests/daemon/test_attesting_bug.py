"""A bug over one commit costs that one."""

from __future__ import annotations

import asyncio
from typing import Any

from interlock.changes.provenance.gitread import Repo
from interlock.daemon.attesting import Attested, Attester


class Buggy(Attester):
    """Meets a bug over the commit `bad`."""

    def __init__(self) -> None:
        nothing: Any = None  # nothing of the daemon is asked
        super().__init__(
            tracker=nothing, ledger=nothing, recorder=nothing, signer=nothing, clock=nothing, person=nothing
        )
        self.made: list[str] = []

    async def attest(self, repo: Repo, commit: str) -> Attested:
        if commit == "bad":
            raise KeyError(commit)
        self.made.append(commit)
        return Attested(1, b"")


def test_what_comes_after_a_bug_is_attested() -> None:
    """Story: the worker ended with the commit that it met the bug over, which stayed the first that waited."""

    async def run() -> list[str]:
        attester, nothing = Buggy(), Repo(lambda *_, **__: b"", "/", "/", "/")
        for name in ("good", "bad", "better"):
            attester.committed(nothing, name)
        for _ in range(20):
            await asyncio.sleep(0)
        return attester.made

    assert asyncio.run(run()) == ["good", "better"]
