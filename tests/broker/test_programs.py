"""Which programs of a contained run are an alarm, which a lesson, and which nobody's business."""

from __future__ import annotations

import pytest

from broker.test_inside import judged
from interlock.broker.drift import open_ended
from interlock.broker.programs import Unforeseen, families, notes, unforeseen
from interlock.containment.sight import UNREADABLE, Program, Sight


def ran(*names: str, by: str = "/usr/bin/make") -> Sight:
    return Sight(
        observed=True,
        programs=tuple(Program(name, f"/usr/bin/{name.split(' ')[0].rpartition('/')[2]}", by, 1) for name in names),
    )


def found(command: str, sight: Sight, *, reached: bool = False) -> Unforeseen:
    effects = judged(command, "none").reading.effects
    argv = ("bash", "-c", command)
    return unforeseen(effects, argv, sight, whole=not open_ended(effects), reached=reached)


def test_what_builds_run_is_nobodys_business() -> None:
    sight = ran(
        "/bin/sh", "cc", "/usr/lib/cc1", "as", "ld", "python3", "git", "git push-to-deploy", "node", "rm", "./configure"
    )
    assert found("make", sight, reached=True) == Unforeseen()


@pytest.mark.parametrize("name", ["sudo", "/usr/bin/docker", "./claude", "kubectl", "apt-get install", "unshare"])
def test_what_can_do_harm_by_itself_is_an_alarm(name: str) -> None:
    (alarm,) = found("make", ran(name)).alarms
    assert alarm.startswith(f"ran {name.rpartition('/')[2]}, which ")
    assert alarm.endswith(", from make")


@pytest.mark.parametrize("name", ["curl", "git push", "ssh", "npm publish"])
def test_what_needs_a_host_is_an_alarm_where_one_was_called(name: str) -> None:
    quiet, loud = found("make", ran(name)), found("make", ran(name), reached=True)
    assert (len(quiet.alarms), len(quiet.lessons)) == (0, 1)
    assert (len(loud.alarms), len(loud.lessons)) == (1, 0)


def test_a_package_manager_of_the_project_is_a_lesson() -> None:
    assert found("make", ran("pip install"), reached=True).lessons == (
        "ran pip install, which installs packages, from make",
    )


def test_what_its_file_is_counts_whatever_it_was_called() -> None:
    sight = Sight(observed=True, programs=(Program("./innocent", "/usr/bin/sudo", "/bin/dash", 1),))
    assert found("make", sight).alarms == ("ran sudo, which becomes another user or leaves its place, from dash",)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("npm ci", "curl"),  # who installs speaks to hosts
        ("npm ci", "npm install"),
        ("git push --dry-run", "git push"),  # read to its last word
        ("docker build .", "docker"),
        ("claude -p hi", "claude"),
        ("unshare -r true", "unshare"),
        ("kubectl get pods", "kubectl"),
    ],
)
def test_what_the_reading_said_is_foreseen(command: str, name: str) -> None:
    assert found(command, ran(name, by="/bin/bash"), reached=True) == Unforeseen()


def test_a_word_in_a_comment_makes_nothing_foreseen() -> None:
    assert found("make # sudo git push", ran("sudo", "git push"), reached=True).alarms


def test_a_name_that_could_not_be_read_is_a_lesson() -> None:
    sight = Sight(observed=True, programs=(Program(UNREADABLE, UNREADABLE, "/bin/x", 3),))
    assert found("make", sight) == Unforeseen(lessons=("ran a program whose name could not be read",))


def test_the_families_are_told_apart() -> None:
    named = [name for family in families() for name in family.programs]
    assert len(named) == len(set(named))
    assert "git push" in notes()
    assert all(len(note.split(" ")) == 2 and len(note.split(" ")[1]) <= 30 for note in notes())
