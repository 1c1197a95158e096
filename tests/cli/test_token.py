"""`interlock token`, offline: what is given for a file or a key and is neither."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from interlock.cli.token import _give, command
from interlock.model.errors import InterlockError


def run(*words: str) -> Result:
    return CliRunner().invoke(command, words, catch_exceptions=False)


@pytest.mark.parametrize("root", ["x" * 300, "\0", "missing.vkey", "", "/dev/null", "/"])
def test_a_root_that_is_neither_file_nor_key_is_said_to_be_none(tmp_path: Path, root: str) -> None:
    """A key that is too long to be a file's name ended in a trace."""
    (tmp_path / "token").write_text("ilk1.x.y")
    with pytest.raises(InterlockError):
        run("verify", str(tmp_path / "token"), "--root", root)


def test_a_token_is_nobody_elses_to_read_even_in_a_file_that_was_there(tmp_path: Path) -> None:
    out = tmp_path / "ci.token"
    out.write_text("old")
    out.chmod(0o644)
    _give("ilk1.x.y", out)
    assert out.read_text() == "ilk1.x.y\n"
    assert os.stat(out).st_mode & 0o777 == 0o600
