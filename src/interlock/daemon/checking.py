"""The road without the walk: what an action would do and whether it may, by rules that are loaded for the question.

`interlock check` and the panel's playground share it; nothing here is recorded or released.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from interlock.broker.config import Config
from interlock.broker.judge import Judgement, Person, judge
from interlock.broker.looks import informed, look_now
from interlock.broker.records import effect_line
from interlock.broker.workspace import workspace_of
from interlock.daemon import config as configuration
from interlock.daemon.rules import layers
from interlock.effects.redact import redact
from interlock.model.action import Action
from interlock.model.effect import Verb
from interlock.policy.engine import Engine
from interlock.policy.rules import Layer


class Checker:
    """Rules and configuration, loaded once for each workspace that comes up.

    `folder` holds policies to judge by in place of those in force here; `extra` are layers on top of all.
    """

    def __init__(
        self,
        user: Path,
        person: Person,
        *,
        folder: str | None = None,
        containment: str = "none",
        extra: tuple[Layer, ...] = (),
    ) -> None:
        self._user = user
        self._folder = folder
        self._containment = containment
        self._extra = extra
        self._person = person
        self._workspaces: dict[str, str] = {}
        self._rules: dict[str, tuple[Engine, Config]] = {}
        self._engines: dict[str, Engine] = {}

    def judge(self, action: Action) -> Judgement:
        """The judgement on an action in the world as it is."""
        workspace = self._workspaces.get(action.cwd)
        if workspace is None:
            workspace = self._workspaces[action.cwd] = workspace_of(action.cwd, self._person.home)
        engine, config = self._rules.get(workspace) or self._load(workspace)
        return judge(
            action,
            workspace=workspace,
            config=config,
            engine=engine,
            person=self._person,
            now=time.time(),
            containment=self._containment,
        )

    def look(self, judged: Judgement, action: Action) -> tuple[Judgement, tuple[str, ...]]:
        """What the policy wants looked at before a person is asked, and the judgement that follows from it."""
        workspace = self._workspaces[action.cwd]
        engine, config = self._rules[workspace]
        found = look_now(judged, workspace=workspace, home=self._person.home, config=config, started=lambda _: None)
        return (informed(judged, action, engine, found) if found.lines else judged), found.lines

    def engine(self, workspace: str) -> Engine:
        """The rules of a workspace."""
        return (self._rules.get(workspace) or self._load(workspace))[0]

    def _load(self, workspace: str) -> tuple[Engine, Config]:
        project = Path(workspace) if workspace else None
        config = configuration.load(user=self._user, project=project)
        if self._folder is not None:
            folders = [("organisation", Path(self._folder))]
        else:
            folders = [("organisation", configuration.ORGANISATION / "policy")]
            folders += [("project", project / ".interlock" / "policy")] if project else []
            folders += [("user", self._user / "policy")]
        engine = Engine.load([*layers(folders), *self._extra])
        engine = self._engines.setdefault(engine.digest, engine)
        self._rules[workspace] = (engine, config)
        return engine, config


def answer(line_id: Any, judged: Judgement) -> dict[str, Any]:
    """One judgement as JSON-ready data."""
    decision = judged.decision
    return {
        "id": line_id,
        "verdict": decision.verdict.value,
        "tier": decision.tier,
        "contained": judged.contained,
        "effects": [effect_line(effect) for effect in judged.effects],
        "rules": list(decision.rules),
        "why": decision.why,
        "instead": decision.instead,
        "unread": [
            {"text": redact(effect.resource.name), "why": "; ".join(effect.notes), "span": effect.span}
            for effect in judged.reading.effects
            if effect.verb is Verb.OPAQUE
        ],
    }
