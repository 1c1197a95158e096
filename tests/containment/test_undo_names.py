"""Files with several names: an edit by rename parts one from the others, and an undo joins them again, or says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from containment.acts import Acts


@pytest.fixture
def acts(tmp_path: Path) -> Acts:
    made = Acts(tmp_path)
    (made.top / "one").write_text("a\n")
    os.link(made.top / "one", made.top / "two")
    return made


def joined(*paths: Path) -> bool:
    return len({(path.stat().st_dev, path.stat().st_ino) for path in paths}) == 1


def test_a_name_that_an_edit_parted_is_joined_again(acts: Acts) -> None:
    """Story: `sed -i` makes another file; its undo brought the content, and left two files where one had two names."""
    one, two = acts.top / "one", acts.top / "two"
    deed = acts.runs("sed -i s/a/b/ one")
    assert (one.read_text(), two.read_text(), joined(one, two)) == ("b\n", "a\n", False)
    assert [change.does for step in acts.plan(deed).steps for change in step.changes] == ["restore"]
    undo, problems = acts.undo(deed)
    assert problems == ()
    assert (one.read_text(), two.read_text(), joined(one, two)) == ("a\n", "a\n", True)
    assert acts.undo(undo)[1] == ()  # and again: the edit is back, and what it parted is parted
    assert (one.read_text(), two.read_text(), joined(one, two)) == ("b\n", "a\n", False)


def test_a_name_that_was_removed_is_joined_again(acts: Acts) -> None:
    deed = acts.runs("rm one")
    assert acts.undo(deed)[1] == ()
    assert joined(acts.top / "one", acts.top / "two")


def test_names_that_one_action_parted_in_two_directories_are_joined_again(acts: Acts) -> None:
    (acts.top / "d").mkdir()
    os.link(acts.top / "one", acts.top / "d" / "three")
    deed = acts.runs("sed -i s/a/b/ d/three")
    (step,) = acts.plan(deed).steps
    # Where its other names lie is not known: that is said before anything is done.
    assert [change.does for change in step.changes] == ["restore, as a file of its own,"]
    assert acts.undo(deed)[1] == ()
    assert (acts.top / "d" / "three").read_text() == "a\n"
    assert not joined(acts.top / "one", acts.top / "d" / "three")
    assert joined(acts.top / "one", acts.top / "two")


def test_a_twin_that_was_changed_since_is_no_twin(acts: Acts) -> None:
    """Joined to it, the file would have what a later edit wrote."""
    one, two = acts.top / "one", acts.top / "two"
    deed = acts.runs("sed -i s/a/b/ one")
    two.write_text("later\n")
    assert acts.undo(deed)[1] == ()
    assert (one.read_text(), two.read_text(), joined(one, two)) == ("a\n", "later\n", False)


def test_a_file_that_was_written_in_place_keeps_its_names(acts: Acts) -> None:
    deed = acts.runs("echo more >> one")
    assert acts.undo(deed)[1] == ()
    assert joined(acts.top / "one", acts.top / "two")
    assert (acts.top / "two").read_text() == "a\n"
