"""What is known of where a session comes from, and what it was seen to be given and to do: the facts orders ask for.

The repository is found when the session opens, like its workspace: an agent that changes the origin of its clone does
not leave an order that is about it. What an earlier daemon saw of a session is not known to this one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import msgspec

from interlock.broker.freezing import touched as as_touched
from interlock.broker.world import LocalWorld, find_repository
from interlock.effects.redact import redact
from interlock.model.action import Action, Principal
from interlock.model.agent import AgentFacts
from interlock.model.effect import Effect
from interlock.model.provenance import UNKNOWN, Facts, Touched, Values, compact, made_of, origin, who

PLACE = ("workspace", "repository", "organisation", "person")
_MOST = 200  # values remembered of each sort; beyond them the session may have had any
_CONFIG = 1 << 20  # bytes of a repository's config


@dataclass
class Past:
    """One session. `whole` says that it was seen from its beginning."""

    place: dict[str, Values]  # workspace, repository, organisation, person
    agent: AgentFacts  # what it is made of: its skills, servers and instructions
    whole: bool
    models: set[str] = field(default_factory=set)
    prompts: list[str] = field(default_factory=list)
    skills: set[str] = field(default_factory=set)
    tools: set[str] = field(default_factory=set)
    subagents: set[str] = field(default_factory=set)
    touched: dict[Touched, None] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)  # the fields of which there was more than is remembered

    def heard(self, principal: Principal) -> None:
        """An event of the session: it may name the model, and a sub-agent."""
        for model in (principal.model, self.agent.model):
            if model:
                self._add("model", self.models, model[:200])
        for name in (principal.subagent, principal.subagent_type):
            if name:
                self._add("subagent", self.subagents, name[:200])

    def prompted(self, digest: str) -> None:
        """It was given a prompt."""
        if digest in self.prompts:
            self.prompts.remove(digest)
        self.prompts.append(digest)
        if len(self.prompts) > _MOST:
            del self.prompts[0]
            self.lost.add("prompt")

    def used(self, skills: Iterable[str]) -> None:
        """It uses these skills, by name and digest."""
        for skill in skills:
            self._add("skill", self.skills, skill)

    def did(self, facts: Facts) -> None:
        """An action of these facts was released."""
        for tool in facts.of.get("tool") or ():
            self._add("tool", self.tools, tool)
        # Without names: what is left has some hundreds of values in all. A name that decides is not known of the past.
        self.touched |= dict.fromkeys(replace(one, name=None) for one in facts.effects)

    def action(self, action: Action, effects: Iterable[Effect]) -> Facts:
        """The facts of one action of the session, with what its agent is made of."""
        return made_of(self.recorded(action, effects), msgspec.to_builtins(self.agent))

    def recorded(self, action: Action, effects: Iterable[Effect]) -> Facts:
        """The same as its entry holds it: what the agent is made of stands in its session's. Of prompts, the last."""
        tool = action.tool[:200]
        of = self._common()
        of |= who({name: getattr(action.principal, name) for name in ("agent", "session", "subagent", "subagent_type")})
        of |= {
            "tool": frozenset({tool}),
            "mcp": frozenset(self._named(_servers((tool,)))),
            "prompt": frozenset(self.prompts[-1:]) if self.prompts else None,
        }
        return Facts(of, compact(map(_row, effects)))

    def session(self, principal: Principal) -> Facts:
        """The facts of the whole session so far."""
        of = self._common()
        of |= who({"agent": principal.agent, "session": principal.session})
        of |= {
            "subagent": self._all("subagent", self.subagents),
            "tool": self._all("tool", self.tools),
            "mcp": self._all("tool", _servers(self.tools)),
            "prompt": self._all("prompt", self.prompts),
        }
        facts = Facts(of, (*self.touched, *(() if self.whole else (UNKNOWN,))))
        return made_of(facts, msgspec.to_builtins(self.agent), servers=True)

    def _common(self) -> dict[str, Values]:
        return {
            **self.place,
            "model": frozenset(self.models) if self.models and "model" not in self.lost else None,
            "skill": self._all("skill", self.skills),
        }

    def _named(self, servers: set[str]) -> set[str]:
        """The servers, with the digests of their configuration."""
        found = {f"sha256:{piece.digest}" for piece in self.agent.servers if piece.name in servers}
        return servers | found

    def _all(self, name: str, values: Iterable[str]) -> Values:
        return frozenset(values) if self.whole and name not in self.lost else None

    def _add(self, name: str, values: set[str], value: str) -> None:
        if len(values) < _MOST:
            values.add(value)
        elif value not in values:
            self.lost.add(name)


def place_of(workspace: str, person: str) -> dict[str, Values]:
    """Where a session works. Reads the repository's own config, never what that includes."""
    found: dict[str, Values] = {"repository": frozenset(), "organisation": frozenset()}
    if workspace and find_repository(workspace) is not None:
        text = LocalWorld().text(os.path.join(_common_directory(workspace), "config"), _CONFIG)
        url = _url(text) if text is not None else None
        if url is None:
            found = {"repository": None, "organisation": None}
        elif url:
            found = origin(url)
    return {**found, "workspace": frozenset({workspace} - {""}), "person": frozenset({person} - {""})}


def skills_of(action: Action, workspace: str, home: str) -> tuple[str, ...]:
    """The skill that a call uses: its name, and the digest of its text where that is found."""
    name = action.input.get("skill", action.input.get("command")) if action.tool == "Skill" else None
    if not isinstance(name, str) or not name:
        return ()
    plain = name.rpartition(":")[2]
    found = [name[:200]]
    if plain and "/" not in plain and not plain.startswith("."):
        for base in filter(None, (workspace, home)):
            text = LocalWorld().text(os.path.join(base, ".claude", "skills", plain, "SKILL.md"))
            if text is not None:
                found.append("sha256:" + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest())
    return tuple(found)


def _row(effect: Effect) -> tuple[str, str, str, str | None]:
    name = effect.resource.name
    # A name that holds a secret enters no entry, and what is not recorded is not known.
    kept = name if redact(name) == name and name.isprintable() else None
    one = as_touched(effect)
    return effect.verb.value, effect.resource.kind.value, one.environment or "unknown", kept


def _servers(tools: Iterable[str]) -> set[str]:
    return {tool.split("__")[1] for tool in tools if tool.startswith("mcp__") and tool.count("__") >= 2}


def _common_directory(workspace: str) -> str:
    """Where the config lies; of a linked worktree, in the repository that it belongs to."""
    git = os.path.join(str(find_repository(workspace) or workspace), ".git")
    world = LocalWorld()
    pointer = world.text(git, 4_096) if os.path.isfile(git) else None
    if pointer is None:
        return git
    directory = os.path.join(os.path.dirname(git), pointer.removeprefix("gitdir:").strip())
    common = world.text(os.path.join(directory, "commondir"), 4_096)
    return os.path.normpath(os.path.join(directory, common.strip())) if common else directory


def _url(config: str) -> str | None:
    """The URL of `origin`; empty where there is none, None where the config cannot be understood so simply."""
    section = ""
    for line in config.splitlines():
        text = line.strip()
        if text.startswith("["):
            section = text.partition("]")[0].strip("[ ").replace(" ", "").lower()
        elif section == 'remote"origin"' and text.partition("=")[0].strip().lower() == "url":
            value = text.partition("=")[2].strip().strip('"')
            return value if value and not value.endswith("\\") else None
    return ""
