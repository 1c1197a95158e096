"""A session's workspace is decided once, whatever becomes of the daemon.

The conformance ring found that it was not: Codex names a working directory with each command, and after a restart of
the daemon the first one became the workspace, so that the person's documents were the project's files.
"""

from __future__ import annotations

from interlock.broker import session as sessions
from interlock.broker.session import Sessions, new_session
from interlock.model.action import Principal

AGENT = Principal(agent="codex", session="s1")


def opened(workspace: str, session: str = "s1") -> dict[str, object]:
    return {"principal": {"agent": "codex", "session": session}, "workspace": workspace, "cwd": workspace}


def test_a_session_that_an_earlier_daemon_opened_keeps_its_workspace() -> None:
    known = Sessions()
    known.restore([opened("/home/dev/shop"), opened("/home/dev/Documents")])  # the first word counts
    assert known.workspace(AGENT) == "/home/dev/shop"


def test_no_workspace_is_a_decision_too() -> None:
    known = Sessions()
    known.restore([opened("")])
    assert known.workspace(AGENT) == ""


def test_a_new_session_has_none_yet_and_keeps_the_one_it_gets() -> None:
    known = Sessions()
    assert known.workspace(AGENT) is None
    known.add(new_session(AGENT, "/w", 3))
    known.pop(AGENT)
    assert known.workspace(AGENT) == "/w"


def test_what_is_remembered_is_bounded() -> None:
    known = Sessions()
    known.restore(opened("/w", f"s{number}") for number in range(sessions._WORKSPACES + 10))
    assert len(known._workspaces) == sessions._WORKSPACES


def test_a_session_that_is_doubted_stays_so_when_it_says_that_it_has_ended() -> None:
    """Story: an agent whose run had drifted sent its own SessionEnd, and its grants counted again."""
    known = Sessions()
    known.add(new_session(AGENT, "/w", 3))
    known.doubt(AGENT.agent, AGENT.session)
    known.pop(AGENT)
    again = new_session(AGENT, "/w", 9)
    known.add(again)
    assert again.doubted
