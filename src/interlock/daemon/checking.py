"""The road without the walk: what an action would do and whether it may, by rules that are loaded for the question.

`interlock check` and the panel's playground share it; nothing here is recorded or released.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

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
from interlock.model.errors import PolicyError
from interlock.policy.engine import Engine
from interlock.policy.rules import Layer


class Checker:
    """Rules and configuration, loaded once for each workspace that comes up.

    `folder` holds policies to judge by in place of those in force here; `extra` are layers on top of all; `edits` are
    other texts for rules in force, by their names.
    """

    def __init__(
        self,
        user: Path,
        person: Person,
        *,
        folder: str | None = None,
        containment: str = "none",
        extra: tuple[Layer, ...] = (),
        edits: Mapping[str, str] | None = None,
    ) -> None:
        self._user = user
        self._folder = folder
        self._containment = containment
        self._extra = extra
        self._edits = edits or {}
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
        engine = Engine.load(_edited([*layers(folders), *self._extra], self._edits))
        engine = self._engines.setdefault(engine.digest, engine)
        self._rules[workspace] = (engine, config)
        return engine, config


def _edited(found: list[Layer], edits: Mapping[str, str]) -> list[Layer]:
    """The layers with other texts for some rules; each keeps its annotations. Raises PolicyError."""
    rules = Engine.load(found).rules if edits else {}
    for name, text in edits.items():
        rule = rules.get(name)
        if rule is None:
            raise PolicyError(f"no rule in force is called {name[:80]!r}")
        layer = next(layer for layer in found if layer.name == rule.layer and rule.file in layer.sources)
        source = layer.sources[rule.file]
        if source.count(rule.written) != 1:
            raise PolicyError(f"the rule {name} does not stand in {rule.file} as one piece: edit the file itself")
        changed = msgspec.structs.replace(
            layer, sources={**layer.sources, rule.file: source.replace(rule.written, text)}
        )
        found = [changed if one is layer else one for one in found]
    return found


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
