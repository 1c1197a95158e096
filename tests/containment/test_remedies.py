"""What is said where a system forbids namespaces by a switch of its own."""

from __future__ import annotations

import shlex

import pytest

from interlock.containment import remedies, tiers
from interlock.containment.tiers import Name, Ran


def test_a_switch_that_is_not_there_or_does_not_forbid_is_no_matter() -> None:
    assert remedies.switches(lambda _: None) == {}
    values = {"user.max_user_namespaces": "95000", "kernel.unprivileged_userns_clone": "1"}
    assert remedies.switches(values.get) == {}
    assert remedies.remedy({}, "/l") == ""


@pytest.mark.parametrize(
    ("switch", "value", "words"),
    [
        ("user.max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"),
        ("kernel.unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "/etc/apparmor.d/interlock-run"),
    ],
)
def test_each_switch_has_its_remedy(switch: str, value: str, words: str) -> None:
    found = remedies.switches({switch: value}.get)
    assert found == {switch: value}
    assert words in remedies.remedy(found, "/usr/bin/interlock-run")


def test_the_profile_names_the_launcher_and_nothing_else() -> None:
    text = remedies.remedy({"kernel.apparmor_restrict_unprivileged_userns": "1"}, "/opt/a b/interlock-run")
    words = shlex.split(text.partition(": ")[2])
    assert words[0] == "echo"
    assert 'profile interlock-run "/opt/a b/interlock-run" flags=(unconfined) { userns, }' in words[1]
    assert remedies.remedy({"kernel.apparmor_restrict_unprivileged_userns": "1"}, '/a"b') == ""


def test_the_remedy_is_among_the_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remedies, "read", {"user.max_user_namespaces": "0"}.get)
    tier = tiers.survey([], tiers.Path("/l"), None, lambda argv, given: Ran(1, ""))
    assert tier.name is Name.NONE
    assert "sysctl" in tier.why[0]
    assert dict(tier.facts)["user.max_user_namespaces"] == "0"
