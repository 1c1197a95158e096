"""Where things lie, and what is refused as a place for them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from interlock.home import Home, locate
from interlock.model.errors import StateError


def test_xdg_directories() -> None:
    assert locate({"HOME": "/h"}) == Home(
        Path("/h/.config/interlock"), Path("/h/.local/state/interlock"), Path("/h/.local/state/interlock/run")
    )
    moved = {"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/r"}
    assert locate(moved) == Home(Path("/c/interlock"), Path("/s/interlock"), Path("/r/interlock"))
    assert locate({"HOME": "/h", "XDG_STATE_HOME": "relative"}).state == Path("/h/.local/state/interlock")


def test_a_relative_home_is_refused() -> None:
    """Story: `INTERLOCK_HOME=here interlock up --detach` started one in /here: daemons run in the root directory."""
    with pytest.raises(StateError, match="absolute path"):
        locate({"HOME": "/h", "INTERLOCK_HOME": "here"})


@pytest.mark.parametrize("name", ["with space", "new\nline", "quote'\"", "ünïcode", "per%cent"])
def test_a_home_of_any_name_can_be_made(tmp_path: Path, name: str) -> None:
    home = locate({"INTERLOCK_HOME": str(tmp_path / name)})
    home.make()
    assert home.socket.parent.is_dir()


def test_directories_are_private_whatever_the_umask(tmp_path: Path) -> None:
    home = locate({"INTERLOCK_HOME": str(tmp_path / "h")})
    old = os.umask(0)
    try:
        home.make()
    finally:
        os.umask(old)
    for directory in (home.config, home.state, home.run):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    home.state.chmod(0o755)
    home.make()
    assert stat.S_IMODE(home.state.stat().st_mode) == 0o700


def test_a_file_in_the_way_has_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "h").write_text("")
    with pytest.raises(StateError, match="Check the path"):
        locate({"INTERLOCK_HOME": str(tmp_path / "h")}).make()


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a directory away needs root")
def test_somebody_elses_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "h" / "state").mkdir(parents=True)
    os.chown(tmp_path / "h" / "state", 12_345, 12_345)
    with pytest.raises(StateError, match="belongs to uid 12345"):
        locate({"INTERLOCK_HOME": str(tmp_path / "h")}).make()
