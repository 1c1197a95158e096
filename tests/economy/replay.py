"""The recorded days, judged as the daemon judges them: files and trails as they are, containment assumed.

A person is played who says yes to what is asked of the ordinary work, and after the second yes to one shape in a
project grants it, as `interlock suggest` and `interlock grant` would let them.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import msgspec

from economy.projects import CONFIG, follow, make, start
from economy.recording import Step, steps
from interlock.broker.config import Config
from interlock.broker.granting import grantable
from interlock.broker.judge import Judgement, Person, Remembered, judge
from interlock.broker.looks import informed, look_now
from interlock.broker.trails import Trails
from interlock.daemon import config as configuration
from interlock.model.action import Action, Principal
from interlock.model.decision import Verdict
from interlock.model.grant import Grant, Pattern, unescaped
from interlock.model.rung import Rung
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine
from interlock.watch.suggestions import common

NOW = 1_800_000_000.0
_AFTER = 2  # yeses, and the person grants the shape


class Prompt(NamedTuple):
    """An action that was asked about, or stopped."""

    step: Step
    judged: Judgement


class Replay:
    """One replay of all sessions."""

    def __init__(self, base: Path, *, containment: str = "sandbox", granting: bool = True) -> None:
        self.home, self.work = make(base)
        self.actions = 0
        self.prompts: list[Prompt] = []
        self.passed: list[Step] = []  # planted ones that nobody was asked about
        self.planted = 0
        self.grants: list[Grant] = []
        self.tiers: Counter[int] = Counter()
        self._containment = containment
        self._granting = granting
        self._said: dict[tuple[str, str], list[tuple[Pattern, ...]]] = {}
        self._engine = Engine.load([layer()])
        self._config = self._configured(base)

    def run(self) -> Replay:
        """Judge everything, in order."""
        trails: dict[str, Trails] = {}
        for step in steps(self.home, self.work):
            if step.session not in trails:
                start(self.work / step.project)
            self._take(step, trails.setdefault(step.session, Trails()))
            if step.tool == "Bash" and not step.planted:
                follow(self.work / step.project, step.input["command"])
        return self

    @property
    def per_100(self) -> float:
        """Prompts per 100 ordinary actions."""
        return 100 * len(self.prompts) / self.actions

    def _take(self, step: Step, trails: Trails) -> None:
        project = str(self.work / step.project)
        session = f"{step.agent}-{step.session}"
        judged = judge(
            Action(tool=step.tool, input=step.input, cwd=project, principal=Principal(step.agent, session)),
            workspace=project,
            config=self._config,
            engine=self._engine,
            person=Person("dev", str(self.home), own_paths=(str(self.home / ".config" / "interlock"),)),
            now=NOW,
            containment=self._containment,
            remembered=Remembered(trails, tuple(grant for grant in self.grants if grant.workspace == project)),
        )
        judged = self._looked(judged, step, project)
        allowed = judged.decision.verdict is Verdict.ALLOW
        if step.planted:
            self.planted += 1
            if allowed:
                self.passed.append(step)
            return
        self.actions += 1
        self.tiers[judged.decision.tier] += 1
        if allowed:
            trails.follow(trails.news(judged.reading.trails))
        else:
            self.prompts.append(Prompt(step, judged))
            self._answer(judged, project)

    def _looked(self, judged: Judgement, step: Step, project: str) -> Judgement:
        """What the look before a question finds out can answer it."""
        if judged.decision.verdict is not Verdict.ASK:
            return judged
        found = look_now(judged, workspace=project, home=str(self.home), config=self._config, started=lambda _: None)
        action = Action(tool=step.tool, input=step.input, cwd=project, principal=Principal(step.agent, step.session))
        return informed(judged, action, self._engine, found) if found.lines else judged

    def _answer(self, judged: Judgement, project: str) -> None:
        patterns = grantable(judged.effects, judged.decision)
        if not self._granting or not patterns or judged.decision.rung is not Rung.ONE:
            return
        shape = msgspec.json.encode([msgspec.structs.replace(pattern, name="") for pattern in patterns]).decode()
        said = self._said.setdefault((project, shape), [])
        said.append(patterns)
        if len(said) < _AFTER:
            return
        names = [common([unescaped(one[place].name) for one in said]) for place in range(len(patterns))]
        widened = tuple(
            msgspec.structs.replace(pattern, name=name)
            for pattern, name in zip(patterns, names, strict=True)
            if name is not None
        )
        if len(widened) == len(patterns):
            number = len(self.grants)
            self.grants.append(Grant(number, widened, Rung.ONE, "", self._engine.digest, "dev", workspace=project))

    def _configured(self, base: Path) -> Config:
        folder = base / "config"
        folder.mkdir()
        (folder / "interlock.toml").write_text(CONFIG)
        return configuration.load(user=folder, project=None, organisation=None)
