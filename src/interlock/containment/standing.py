"""What of containment holds on this machine, what is missing of the strongest, and what brings it.

Pure, over what the tiers' trials found: for `interlock status` and `interlock doctor`.
"""

from __future__ import annotations

import msgspec

from interlock.containment.tiers import Name, Tier


class Lack(msgspec.Struct, frozen=True):
    """One thing that is missing: what that means, and what brings it; empty where nothing does."""

    what: str
    remedy: str = ""


# What no tier contains, whatever it can do: a person must not take "contained" for more than it is.
OUTSIDE = (
    "what needs no question, and what is left in the background, unless `shell` is `always` or the session is doubted",
    "what an agent does by its own tools: edits are kept for an undo within the project, and nowhere else",
    "an agent's own processes and its MCP servers, unless it is started by `interlock run --agent`",
    "their /tmp: a contained command has one of its own, which is gone at its end",
)


class Standing(msgspec.Struct, frozen=True):
    """In words for people."""

    tier: str
    place: str
    holds: tuple[str, ...]
    lacks: tuple[Lack, ...]
    outside: tuple[str, ...] = OUTSIDE


_MEMORY = {
    "group": "the memory of a run is bound by the kernel, in a cgroup",
    "watch": "the memory of a run is bound by looking at it, up to fifty times a second",
}
# By the launcher's own account (`--probe`): what is off, what that means, and what would bring it.
_FEATURES = {
    ("landlock", "0"): Lack(
        "Landlock, the second wall below the mounts, is not there",
        "Linux 5.13 or newer, started with `landlock` in its `lsm=` list",
    ),
    ("rename-shim", "no"): Lack(
        "directories of the project cannot be renamed inside (`git mv` copies, some tools fail)", "Linux 5.9 or newer"
    ),
    ("nproc", "no"): Lack(
        "the number of processes of a run is not bound for root",
        "Linux 6.14 or newer, or a cgroup controller `pids` that this user may use",
    ),
}
_BWRAP = (
    Lack("no contained command has a network, whatever its profile says"),
    Lack("which programs run inside and whom they call is not seen"),
    Lack(
        "a run is held to its lease and its memory by the process that started it, and by nothing while that is stopped"
    ),
)


def standing(tier: Tier) -> Standing:
    """The account of what the trials found."""
    if not tier.contains:
        lacks = (Lack("nothing can contain a command here; what would run contained stays a question"), *_better(tier))
        return Standing(tier.name.value, "", (), lacks)
    return Standing(tier.name.value, tier.place, tuple(_holds(tier)), (*_missing(tier), *_better(tier)))


def _holds(tier: Tier) -> list[str]:
    ways = {
        Name.OVERLAY: "commands run on a copy-on-write layer of the project",
        Name.COPY: "commands run on a copy of the project",
        Name.BWRAP: "commands run in bubblewrap, on a copy of the project",
    }
    lines = [ways[tier.name]]
    if tier.launched:
        landlock = dict(tier.facts).get("landlock", "0")
        second = f", Landlock (version {landlock})" if landlock != "0" else ""
        lines += [
            f"own namespaces, filtered system calls{second}",
            "programs that run inside and addresses that are called are seen",
        ]
    lines.append(_MEMORY[tier.memory])
    if tier.group:
        lines.append("a run can be frozen and ended as one, whatever it starts (cgroup)")
    return lines


def _missing(tier: Tier) -> list[Lack]:
    facts = dict(tier.facts)
    if not tier.launched:
        return [*_BWRAP, *([] if facts.get("seccomp-filter") == "yes" else [Lack("system calls are not filtered")])]
    found = [lack for (name, value), lack in _FEATURES.items() if facts.get(name) == value]
    if not tier.group:
        found.append(Lack(f"runs have no cgroup of their own ({tier.no_group})", _groups(tier)))
    elif tier.memory != "group":
        found.append(Lack("the kernel bounds no memory in this cgroup tree", _controllers()))
    return found


def _groups(tier: Tier) -> str:
    if "not mounted" in tier.no_group:
        return "a system with cgroup v2 (`systemd.unified_cgroup_hierarchy=1` on the kernel's command line)"
    return (
        "start the agent's terminal and Interlock in the part of the tree that systemd gives to the user: "
        "`systemd-run --user --scope -p Delegate=yes bash`"
    )


def _controllers() -> str:
    return (
        "cgroup v2 alone, without v1 beside it (`systemd.unified_cgroup_hierarchy=1`), and, for an ordinary user, "
        "`Delegate=memory pids` for user@.service"
    )


def _better(tier: Tier) -> list[Lack]:
    """Why it is not a better one: the trials' own words, and the remedies among them."""
    return [Lack(line) for line in tier.why]
