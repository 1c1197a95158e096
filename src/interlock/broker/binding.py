"""How an approved action would be started, by Interlock and bound to what was approved or by the agent: what is open.

What a person is told stands here too: a yes should say what it does not hold.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from interlock.broker.facts import WATCHED, Binding, Directory, Facts, Kind, Operand, watched
from interlock.broker.judge import Judgement
from interlock.broker.places import below, settled
from interlock.containment.bound import BoundPlan, Sealed, Tool
from interlock.model import labels
from interlock.model.action import Action

COMMANDS = frozenset({"Bash"})  # tools whose work is a process that Interlock can start itself
# Empty directories of the system, one of which can hold the approved programs' names: nobody else can replace it.
_BINS = ("/media", "/mnt", "/usr/local/games", "/usr/share/empty", "/var/empty", "/srv")
_PATH = "/usr/local/bin:/usr/bin:/bin"
_CODE_KINDS = frozenset({Kind.FILE, Kind.TREE, Kind.LINK})


def bind(action: Action, judged: Judgement, workspace: str, *, able: str, root: bool, user: int) -> Binding:
    """How this would be started, and what that leaves open.

    Args:
        action: what was asked for.
        judged: it, with its facts.
        workspace: the project.
        able: why nothing can be bound here, "" where it can be.
        root: whether the names in the workspace can be held (an overlay on it works).
        user: whose daemon it is.
    """
    problem = able or _unbindable(action, judged, user)
    if problem:
        return Binding(None, (f"the agent starts this itself ({problem}): until then its files could be changed",))
    facts = judged.facts
    held = os.path.realpath(workspace) if root and workspace else ""
    race = list(facts.unbound)
    sealed = [one for one in facts.operands if one.kind in _CODE_KINDS and not one.writes]
    if not (inside := any(below(one.path, held) for one in sealed)) and any(below(o.path, workspace) for o in sealed):
        race.append("the files of this project cannot be held here: they are compared at the start, and not kept after")
    bins, tools = _tools(facts, held, user)
    if tools and not bins:
        race.append("PATH begins with directories of the user's own, and there is no place to hold its programs' names")
    return Binding(_plan(action, facts, held if inside else "", bins, tools), tuple(race))


def _unbindable(action: Action, judged: Judgement, user: int) -> str:
    if action.tool not in COMMANDS:
        return "it is no command"
    if action.variables is None:
        return "its environment cannot be seen"
    if judged.facts.cwd is None:
        return "its directory cannot be seen"
    if user != 0 and any(labels.PRIVILEGED in effect.resource.labels for effect in judged.reading.effects):
        return "it needs more rights than a bound command can have"
    if not any(program.name == "bash" for program in judged.facts.programs):
        return "there is no shell for it"
    return ""


def _tools(facts: Facts, held: str, user: int) -> tuple[str, tuple[Tool, ...]]:
    """The programs that somebody could put another one before, and where their names can be held."""
    tools = tuple(
        Tool(program.name, program.path, located=below(program.path, held) or program.digest != "")
        for program in facts.programs
        if program.loose and "/" not in program.name and "'" not in program.path
    )
    place = next((path for path in _BINS if tools and _is_empty(path, user)), "")
    return place, tools


def _is_empty(path: str, user: int) -> bool:
    # The places are the system's own whoever the user is: user 0 could change any of them.
    try:
        return os.path.realpath(path) == path and not os.listdir(path) and settled(path, user or 1)
    except OSError:
        return False


def _plan(action: Action, facts: Facts, root: str, bins: str, tools: tuple[Tool, ...]) -> BoundPlan:
    cwd = facts.cwd or Directory("/", 0, 0)  # it has one: `_unbindable` looked
    variables = dict(watched(action.variables or ()))
    path = variables.get("PATH", _PATH)
    variables["PATH"] = f"{bins}:{path}" if bins else path
    shell = next(program for program in facts.programs if program.name == "bash")
    kept = [one for one in facts.operands if not one.writes]
    changed = [one for one in facts.operands if one.writes]
    node = os.stat(root) if root else None
    return BoundPlan(
        id="",
        argv=("bash", "-c", str(action.input.get("command", ""))),
        program=shell.real,
        cwd=cwd.path,
        cwd_node=(cwd.device, cwd.inode),
        folder="",
        root=root,
        root_node=(node.st_dev, node.st_ino) if node is not None else (0, 0),
        files=_sealed(kept, Kind.FILE),
        trees=_sealed(kept, Kind.TREE),
        links=_sealed(kept, Kind.LINK),
        checks=_sealed(changed, Kind.FILE),
        absent=tuple(one.path for one in facts.operands if one.kind is Kind.ABSENT),
        bin=bins,
        tools=tools if bins else (),
        env=tuple(variables.items()),
        unset=WATCHED,
    )


def _sealed(operands: Iterable[Operand], kind: Kind) -> tuple[Sealed, ...]:
    return tuple(Sealed(one.digest, one.path) for one in operands if one.kind is kind)
