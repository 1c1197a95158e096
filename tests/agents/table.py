"""Writes `docs/reference/conformance.md` from the cells: `PYTHONPATH=tests python -m agents.table` (or `--check`).

The cells' expectations are what the conformance ring proves with the real agents, so the document says nothing
that was not run.
"""

from __future__ import annotations

import json
import sys
from importlib import resources
from pathlib import Path

from agents.bench import Agent
from agents.situation import Outcome, Situation
from agents.situations import SITUATIONS

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "conformance.md"
PACKAGES = {Agent.CLAUDE: ("Claude Code", "@anthropic-ai/claude-code"), Agent.CODEX: ("Codex CLI", "@openai/codex")}

_HEAD = """\
# What the real agents do

<!-- Written by `PYTHONPATH=tests python -m agents.table`. Do not edit. -->

Each cell below is run with the real agent, headless, its permissions bypassed, its model a script on loopback
(`pytest tests/agents -m agents`). The agent is told to run a command that leaves a marker file; the cell says what came
of it. {versions}.

- **stopped**: the marker is absent, and the model was told why in Interlock's words.
- **{by_agent}**: Interlock could not answer; what `interlock init` wrote into the agent's
  configuration stopped the command.
- **{ended}**: stopped, and a hook of a later event ended the run too.
- **{otherwise}**: the agent did not come so far.
- **{should}**: the control; a command that may run does.
- **RUNS**: nothing that Interlock can install prevents it; only the agent's vendor can close it. It is asserted too, so
  that a change is noticed.

"""


def render() -> str:
    """The whole document."""
    versions = _versions()
    said = " and ".join(f"{name} {versions[agent]}" for agent, (name, _) in PACKAGES.items())
    head = _HEAD.format(
        versions=said,
        by_agent=Outcome.STOPPED_BY_AGENT.value,
        ended=Outcome.STOPPED_AND_ENDED.value,
        otherwise=Outcome.STOPPED_OTHERWISE.value,
        should=Outcome.RUNS_AS_IT_SHOULD.value,
    )
    titles = [name for name, _ in PACKAGES.values()]
    rows = [f"| situation | what happens | {' | '.join(titles)} |", f"|---|---|{'---|' * len(titles)}"]
    rows += [_row(situation) for situation in SITUATIONS]
    return head + "\n".join(rows) + "\n" + _open_cells()


def _row(situation: Situation) -> str:
    cells = [_cell(situation.expected.get(agent)) for agent in PACKAGES]
    return f"| {situation.title} | {situation.means} | {' | '.join(cells)} |"


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return "does not apply"
    return f"**{outcome.value}**" if outcome is Outcome.RUNS else outcome.value


def _open_cells() -> str:
    lines = ["", "## Cells that only a vendor can close", ""]
    for situation in SITUATIONS:
        names = [PACKAGES[agent][0] for agent, outcome in situation.expected.items() if outcome is Outcome.RUNS]
        if names:
            lines.append(f"- {' and '.join(names)}, {situation.title}: {situation.means}; {situation.note}.")
    notes = [f"- {s.title}: {s.note}." for s in SITUATIONS if s.note and Outcome.RUNS not in s.expected.values()]
    if notes:
        lines += ["", "## Notes", "", *notes]
    return "\n".join(lines) + "\n"


def _versions() -> dict[Agent, str]:
    text = (resources.files("interlock.drills") / "agents" / "package.json").read_text()
    pinned = json.loads(text)
    both = {**pinned["dependencies"], **pinned["devDependencies"]}
    return {agent: both[package] for agent, (_, package) in PACKAGES.items()}


def main() -> None:
    """Write the document, or with `--check` say whether it is current (exit status 1 if not)."""
    text = render()
    if "--check" in sys.argv[1:]:
        current = DOCUMENT.exists() and DOCUMENT.read_text() == text
        sys.exit(
            0 if current else f"{DOCUMENT} is not what the cells say; run: PYTHONPATH=tests python -m agents.table"
        )
    DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
    DOCUMENT.write_text(text)


if __name__ == "__main__":
    main()
