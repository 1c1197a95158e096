"""Tools that stay inside the agent: plans, questions, its own background shells, sub-agents."""

from __future__ import annotations

from interlock.effects.tools.inputs import Malformed
from interlock.effects.tools.web import read_url
from interlock.model.action import Action
from interlock.model.effect import Effect, Kind, Resource, Verb, opaque
from interlock.model.world import Setting, World

Effects = tuple[Effect, ...]


def nothing(_action: Action, _setting: Setting, _world: World) -> Effects:
    """A tool without an effect outside of the agent: a plan, a question, a look at its own output."""
    return ()


def starts(action: Action, _setting: Setting, _world: World) -> Effects:
    """Task, Agent, Skill, SlashCommand: a sub-agent or a prompt of the project; its own calls are judged one by one."""
    name = next((action.input[k] for k in ("subagent_type", "skill", "command", "name") if k in action.input), "")
    if not isinstance(name, str):
        raise Malformed("the name of the sub-agent or skill must be text")
    isolation = action.input.get("isolation")
    if isolation not in (None, "", "worktree"):
        return (opaque(action.tool, "the sub-agent would run where this daemon cannot see it", via=action.tool),)
    resource = Resource(Kind.TOOL, f"{action.tool}/{name[:80]}" if name else action.tool)
    return (
        Effect(verb=Verb.EXECUTE, resource=resource, via=action.tool, notes=("its own calls are judged one by one",)),
    )


def reads(action: Action, _setting: Setting, _world: World) -> Effects:
    """A tool of the agent that only looks: language servers, lists of MCP resources."""
    return (Effect(verb=Verb.READ, resource=Resource(Kind.TOOL, action.tool), via=action.tool),)


def reads_resource(action: Action, setting: Setting, world: World) -> Effects:
    """ReadMcpResourceTool: a resource by its address, which may be a file or a page."""
    uri = action.input.get("uri", "")
    if not isinstance(uri, str):
        raise Malformed("`uri` must be text")
    named = uri.casefold().startswith(("file:", "http:", "https:"))
    return (
        *reads(action, setting, world),
        *(read_url(uri, setting, world, via=action.tool) if named else ()),
    )


def configures(action: Action, _setting: Setting, _world: World) -> Effects:
    """A tool that changes what the agent does later: schedules, triggers, its own settings."""
    note = "changes what the agent does later"
    return (Effect(verb=Verb.CONFIGURE, resource=Resource(Kind.TOOL, action.tool), via=action.tool, notes=(note,)),)
