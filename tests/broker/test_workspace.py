"""Which directory an agent is meant to change."""

from pathlib import Path

import pytest

from interlock.broker.workspace import workspace_of


def repository(folder: Path) -> Path:
    (folder / ".git").mkdir(parents=True)
    return folder


def test_the_repository_around(tmp_path: Path) -> None:
    project = repository(tmp_path / "project")
    (project / "src" / "deep").mkdir(parents=True)
    assert workspace_of(str(project / "src" / "deep"), "/home/u") == str(project)


def test_without_a_repository_the_directory_itself(tmp_path: Path) -> None:
    assert workspace_of(str(tmp_path), "/home/u") == str(tmp_path)


def test_a_home_is_no_workspace(tmp_path: Path) -> None:
    assert workspace_of(str(tmp_path), str(tmp_path)) == ""


def test_a_home_under_version_control_does_not_make_all_of_it_a_workspace(tmp_path: Path) -> None:
    home = repository(tmp_path / "home")
    (home / "notes").mkdir()
    assert workspace_of(str(home / "notes"), str(home)) == str(home / "notes")
    assert workspace_of(str(home), str(home)) == ""


def test_what_holds_a_home_is_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "people" / "u").mkdir(parents=True)
    assert workspace_of(str(tmp_path / "people"), str(tmp_path / "people" / "u")) == ""


def test_a_link_to_a_home_is_that_home(tmp_path: Path) -> None:
    (tmp_path / "u").mkdir()
    (tmp_path / "link").symlink_to("u")
    assert workspace_of(str(tmp_path / "link"), str(tmp_path / "u")) == ""


@pytest.mark.parametrize("directory", ["/", "/etc", "/usr", "/tmp", "/home", "relative/path"])
def test_the_system_is_no_workspace(directory: str) -> None:
    assert workspace_of(directory, "/home/u") == ""
