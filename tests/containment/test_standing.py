"""What a person is told of containment on this machine."""

from __future__ import annotations

import msgspec
import pytest

from interlock.containment.standing import standing
from interlock.containment.tiers import Name, Tier

FACTS = (("landlock", "7"), ("nproc", "yes"), ("rename-shim", "yes"), ("seccomp", "yes"))
WHOLE = Tier(
    name=Name.OVERLAY, place="/s/contained", facts=FACTS, group="/sys/fs/cgroup/i", controllers=("memory", "pids")
)  # fmt: skip


def test_where_all_is_there_nothing_is_missing() -> None:
    account = standing(WHOLE)
    assert (account.tier, account.place, account.lacks) == ("overlay", "/s/contained", ())
    assert any("bound by the kernel" in line for line in account.holds)
    assert any("frozen" in line for line in account.holds)


@pytest.mark.parametrize(
    ("changes", "what", "remedy"),
    [
        ({"facts": (("landlock", "0"),)}, "Landlock", "lsm="),
        ({"facts": (("landlock", "7"), ("rename-shim", "no"))}, "renamed", "5.9"),
        ({"facts": (("landlock", "7"), ("nproc", "no"))}, "number of processes", "6.14"),
        ({"controllers": ()}, "bounds no memory", "Delegate=memory"),
        ({"group": "", "controllers": (), "no_group": "it is not mounted here"}, "not mounted", "unified_"),
        ({"group": "", "controllers": (), "no_group": "/x: Permission denied"}, "denied", "systemd-run"),
        ({"why": ("overlay in /s: it lies on one",)}, "it lies on one", ""),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_with_what_brings_it(changes: dict[str, object], what: str, remedy: str) -> None:
    lacks = standing(msgspec.structs.replace(WHOLE, **changes)).lacks
    assert len(lacks) == 1
    assert what in lacks[0].what
    assert remedy in lacks[0].remedy


def test_a_weaker_tier_says_what_it_cannot_do() -> None:
    tier = Tier(name=Name.BWRAP, place="/s", facts=(("seccomp-filter", "no"),), why=("overlay in /s: no namespaces",))
    said = " ".join(lack.what for lack in standing(tier).lacks)
    for word in ("network", "is not seen", "by nothing while that is stopped", "not filtered", "no namespaces"):
        assert word in said
    assert not [line for line in standing(tier).holds if "seen" in line]
    assert [line for line in standing(tier).holds if "bound by looking" in line]


def test_where_nothing_contains_that_is_the_first_thing_said() -> None:
    account = standing(Tier(name=Name.NONE, why=("bubblewrap is not installed",)))
    assert (account.holds, account.place) == ((), "")
    assert account.lacks[0].what.startswith("nothing can contain")
    assert account.lacks[1].what == "bubblewrap is not installed"


@pytest.mark.parametrize("name", list(Name))
def test_what_is_outside_of_every_sandbox_is_said(name: Name) -> None:
    said = " ".join(standing(Tier(name=name)).outside)
    for word in ("in the background", "own tools", "MCP servers", "/tmp"):
        assert word in said
