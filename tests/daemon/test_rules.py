"""The rule book: layers, reload, and what happens when a set is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from interlock.daemon.rules import RuleBook
from interlock.model.errors import ConfigError, PolicyError, Unproved
from interlock.policy import receipt
from prover.proofs import prove_folder

FORBID = (
    '@id("mine") @why("a test") @tier("4") @matches("read file /srv/x @workspace +workspace") '
    'forbid (principal, action == Interlock::Action::"read", resource) when { resource.kind == "file" };'
)
PERMIT = FORBID.replace("forbid", "permit")


class Reports:
    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, kind: str, facts: dict[str, Any]) -> None:
        self.seen.append((kind, facts))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.seen]


def book(tmp_path: Path) -> tuple[RuleBook, Reports]:
    reports = Reports()
    return RuleBook(tmp_path / "user", organisation=tmp_path / "org", report=reports), reports


def policy(folder: Path, text: str) -> Path:
    file = folder / "policy" / "mine.cedar"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_workspaces_without_rules_share_an_engine(tmp_path: Path) -> None:
    rules, reports = book(tmp_path)
    assert rules.engine("") is rules.engine(str(tmp_path / "a"))
    assert reports.kinds == ["policy.loaded", "policy.loaded"]


def test_freezes_are_said_when_they_come_into_force_and_before_their_calendar_runs_out(tmp_path: Path) -> None:
    reports, clock = Reports(), [1_772_400_000.0]
    folder = tmp_path / "user"
    folder.mkdir()
    event = "BEGIN:VEVENT\nDTSTART:20260101T220000Z\nDURATION:PT8H\nRRULE:FREQ=DAILY\nEND:VEVENT\n"
    (folder / "nights.ics").write_text(event)
    plain = "[[freeze]]\nreason = 'r'\nenvironment = 'production'\n"
    (folder / "interlock.toml").write_text(f"{plain}calendar = 'nights.ics'\n{plain}")
    rules = RuleBook(folder, organisation=None, report=reports, now=lambda: clock[0])
    rules.config("/w")
    rules.config("/w")
    said = [body for kind, body in reports.seen if kind == "halt.standing"]
    assert [(body["number"], body["of"], "spans" in body) for body in said] == [(0, 2, True), (1, 2, False)]
    clock[0] = said[0]["until"] - 10.0
    rules.config("/w")
    rules.config("/w")
    again = [body for kind, body in reports.seen if kind == "halt.standing"][2:]
    assert [body["number"] for body in again] == [0, 1]
    assert again[0]["until"] > said[0]["until"] + 30 * 86_400
    # A file that is refused leaves what stands, and says nothing new.
    (folder / "interlock.toml").write_text("[[freeze]]\n")
    rules.refresh()
    assert len(rules.config("/w").freezes) == 2
    assert reports.kinds[-1] == "policy.refused"
    (folder / "interlock.toml").write_text(plain + "where = '" + 'name = "x" or ' * 10_000 + 'name = "y"\'\n')
    rules.refresh()
    assert "halt.standing" not in reports.kinds[-1:]


def test_a_set_that_fails_leaves_the_old_one_and_is_reported_once(tmp_path: Path) -> None:
    rules, reports = book(tmp_path)
    old = rules.engine("")
    file = policy(tmp_path / "user", "permit (")
    rules.refresh()
    rules.refresh()
    assert rules.engine("") is old
    assert reports.kinds == ["policy.loaded", "policy.refused"]
    assert "mine.cedar" in rules.problems()[""]
    file.write_text(FORBID)
    prove_folder(file.parent, "user")
    rules.refresh()
    assert rules.engine("") is not old
    assert not rules.problems()


def test_a_first_set_that_fails_stops(tmp_path: Path) -> None:
    policy(tmp_path / "user", "permit (")
    rules, _ = book(tmp_path)
    with pytest.raises(PolicyError, match=r"mine\.cedar"):
        rules.engine("")


def test_a_user_cannot_permit(tmp_path: Path) -> None:
    policy(tmp_path / "user", PERMIT)
    rules, _ = book(tmp_path)
    with pytest.raises(PolicyError):
        rules.engine("")


def test_an_organisation_can(tmp_path: Path) -> None:
    prove_folder(policy(tmp_path / "org", PERMIT).parent, "organisation")
    rules, _ = book(tmp_path)
    assert "mine" in rules.engine("").rules


def test_a_projects_rules_are_its_own(tmp_path: Path) -> None:
    prove_folder(policy(tmp_path / "project" / ".interlock", FORBID).parent, "project")
    rules, _ = book(tmp_path)
    assert "mine" in rules.engine(str(tmp_path / "project")).rules
    assert "mine" not in rules.engine("").rules


def test_a_bad_configuration_is_refused_with_the_policy_that_came_with_it(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "interlock.toml").write_text("mode = 7")
    rules, _ = book(tmp_path)
    with pytest.raises(ConfigError, match="mode"):
        rules.config("")
    with pytest.raises(ConfigError, match="mode"):
        rules.engine("")


def test_bytes_that_are_no_policy(tmp_path: Path) -> None:
    policy(tmp_path / "user", "").write_bytes(b"\xff\xfe")
    rules, _ = book(tmp_path)
    with pytest.raises(PolicyError, match="UTF-8"):
        rules.engine("")


def test_too_many_files(tmp_path: Path) -> None:
    folder = policy(tmp_path / "user", FORBID).parent
    for number in range(201):
        (folder / f"{number}.cedar").touch()
    rules, _ = book(tmp_path)
    with pytest.raises(PolicyError, match="200"):
        rules.engine("")


def test_too_many_files_later_are_reported_once_and_the_old_set_stays(tmp_path: Path) -> None:
    rules, reports = book(tmp_path)
    old = rules.engine("")
    folder = policy(tmp_path / "user", FORBID).parent
    for number in range(201):
        (folder / f"{number}.cedar").touch()
    rules.refresh()
    rules.refresh()
    assert rules.engine("") is old
    assert reports.kinds == ["policy.loaded", "policy.refused"]


@pytest.mark.parametrize("where", ["interlock.toml", ".interlock/policy/a.cedar"])
@pytest.mark.parametrize("what", ["fifo", "endless", "directory"])
def test_a_projects_file_that_is_no_file_stops_that_project_and_nobody_else(
    tmp_path: Path, where: str, what: str
) -> None:
    """Story: `mkfifo interlock.toml` in a project, and the daemon waited for a writer for ever, deaf to every agent."""
    project = tmp_path / "project"
    file = project / where
    file.parent.mkdir(parents=True)
    if what == "fifo":
        os.mkfifo(file)
    elif what == "endless":
        file.symlink_to("/dev/zero")
    else:
        file.mkdir()
    rules, _ = book(tmp_path)
    with pytest.raises((ConfigError, PolicyError), match="cannot read"):
        rules.engine(str(project))
    assert rules.engine("")


def test_a_policy_with_its_old_size_and_date_is_still_seen_to_be_new(tmp_path: Path) -> None:
    rules, reports = book(tmp_path)
    file = policy(tmp_path / "user", FORBID)
    prove_folder(file.parent, "user")
    before = file.stat()
    rules.engine("")
    file.write_text(FORBID.replace("a test", "A TEST"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    rules.refresh()
    assert reports.kinds == ["policy.loaded", "policy.refused"]
    prove_folder(file.parent, "user")
    rules.refresh()
    assert reports.kinds == ["policy.loaded", "policy.refused", "policy.loaded"]


def test_what_nobody_has_proved_does_not_come_into_force(tmp_path: Path) -> None:
    rules, reports = book(tmp_path)
    old = rules.engine("")
    file = policy(tmp_path / "user", FORBID)
    rules.refresh()
    assert rules.engine("") is old
    problem = rules.problems()[""]
    assert "nobody has proved them" in problem
    assert f"interlock policy prove --layer user {file.parent}" in problem
    prove_folder(file.parent, "user")
    rules.refresh()
    assert "mine" in rules.engine("").rules
    assert reports.seen[-1][1]["proofs"][1]["proved"] == 3


def test_a_first_set_that_nobody_has_proved_stops(tmp_path: Path) -> None:
    policy(tmp_path / "user", FORBID)
    rules, _ = book(tmp_path)
    with pytest.raises(Unproved, match="nobody has proved them"):
        rules.engine("")


@pytest.mark.parametrize("change", ["policy", "properties", "receipt", "truncated"])
def test_a_receipt_is_for_exactly_these_bytes(tmp_path: Path, change: str) -> None:
    file = policy(tmp_path / "user", FORBID)
    promises = file.parent / "properties.toml"
    promises.write_text('[[never]]\nid = "p"\nwhy = "w"\nverbs = ["read"]\nwhen = \'resource.kind == "file"\'\n')
    prove_folder(file.parent, "user")
    proof = file.parent / receipt.FILE
    if change == "policy":
        file.write_text(FORBID + " ")
    elif change == "properties":
        promises.write_text(promises.read_text().replace('"w"', '"v"'))
    elif change == "receipt":
        proof.write_text(proof.read_text().replace('"p"', '"q"'))
    else:
        proof.write_text(proof.read_text()[:-9])
    rules, _ = book(tmp_path)
    with pytest.raises(Unproved, match="prove"):
        rules.engine("")


def test_a_receipt_of_permits_rests_on_the_layers_below(tmp_path: Path) -> None:
    """An organisation's permits were proved on Interlock's rules; a person's forbids hold on whatever lies below."""
    organisation, user = tmp_path / "org", tmp_path / "user"
    prove_folder(policy(user, FORBID).parent, "user")
    own = PERMIT.replace('"mine"', '"theirs"')
    prove_folder(policy(organisation, own).parent, "organisation")
    rules, _ = book(tmp_path)
    assert {"mine", "theirs"} <= set(rules.engine("").rules)


def test_promises_of_a_person_rest_on_the_organisations_rules(tmp_path: Path) -> None:
    file = policy(tmp_path / "user", FORBID)
    promises = '[[never]]\nid = "p"\nwhy = "w"\nverbs = ["read"]\nwhen = \'resource.kind == "file"\'\n'
    (file.parent / "properties.toml").write_text(promises)
    prove_folder(file.parent, "user")
    rules, _ = book(tmp_path)
    assert rules.engine("")
    own = PERMIT.replace('"mine"', '"theirs"')
    prove_folder(policy(tmp_path / "org", own).parent, "organisation")
    rules.refresh()
    assert "the layers below them" in rules.problems()[""]
    prove_folder(file.parent, "user", organisation=tmp_path / "org" / "policy")
    rules.refresh()
    assert not rules.problems()


def test_the_receipt_of_another_set_is_of_no_use(tmp_path: Path) -> None:
    """An operator copies a whole folder's proof along with one of its files; an agent takes any receipt it finds."""
    other = policy(tmp_path / "other", FORBID.replace('"file"', '"table"').replace("read file", "read table"))
    prove_folder(other.parent, "user")
    file = policy(tmp_path / "user", FORBID)
    (file.parent / receipt.FILE).write_bytes((other.parent / receipt.FILE).read_bytes())
    rules, _ = book(tmp_path)
    with pytest.raises(Unproved, match="changed since they were proved"):
        rules.engine("")


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_what_a_link_points_to_is_swapped_after_the_proof(tmp_path: Path, linked: str) -> None:
    real = policy(tmp_path / "real", FORBID)
    prove_folder(real.parent, "user")
    swapped = policy(tmp_path / "swapped", FORBID.replace('== "file"', '== "table"').replace("read file", "read table"))
    folder = tmp_path / "user" / "policy"
    folder.parent.mkdir()
    if linked == "folder":
        folder.symlink_to(real.parent)
        (swapped.parent / receipt.FILE).write_bytes((real.parent / receipt.FILE).read_bytes())
    else:
        folder.mkdir()
        (folder / "mine.cedar").symlink_to(real)
        (folder / receipt.FILE).symlink_to(real.parent / receipt.FILE)
    rules, reports = book(tmp_path)
    old = rules.engine("")
    assert "mine" in old.rules
    link, target = (folder, swapped.parent) if linked == "folder" else (folder / "mine.cedar", swapped)
    link.unlink()
    link.symlink_to(target)
    rules.refresh()
    assert rules.engine("") is old
    assert reports.kinds == ["policy.loaded", "policy.refused"]


def test_a_layer_proved_under_another_name_is_not_proved(tmp_path: Path) -> None:
    """`policy prove` without `--layer` proves a project's rules: that is no proof of an organisation's."""
    file = policy(tmp_path / "org", FORBID)
    prove_folder(file.parent, "project")
    rules, _ = book(tmp_path)
    with pytest.raises(Unproved, match="--layer organisation"):
        rules.engine("")
