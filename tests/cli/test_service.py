"""The systemd unit says what it must, whatever the installation is called."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from interlock.cli import service
from interlock.cli.service import unit
from interlock.model.errors import StateError


def test_the_unit() -> None:
    text = unit({"HOME": "/home/you"})
    lines = text.splitlines()
    assert "Type=exec" in lines
    assert "Restart=on-failure" in lines
    assert "UMask=0077" in lines
    assert "NoNewPrivileges=yes" in lines
    assert "WantedBy=default.target" in lines
    assert not [line for line in lines if line.startswith("Environment=")]
    (started,) = [line for line in lines if line.startswith("ExecStart=")]
    assert started.endswith(" -I -m interlock.daemon")


def test_a_daemon_that_may_not_start_is_not_started_for_ever() -> None:
    (line,) = [line for line in unit({"HOME": "/x"}).splitlines() if line.startswith("RestartPreventExitStatus=")]
    assert set(line.partition("=")[2].split()) >= {"20", "21", "22", "24", "25", "30", "31", "32", "33", "34"}


def test_a_place_with_spaces_quotes_and_percents_is_one_word() -> None:
    """Story: INTERLOCK_HOME=/home/you/my things was cut at the space, and the daemon guarded another home."""
    text = unit({"HOME": "/x", "INTERLOCK_HOME": '/home/you/my "things" 100%'})
    assert 'Environment="INTERLOCK_HOME=/home/you/my \\"things\\" 100%%"\n' in text


def test_a_newline_cannot_write_lines_of_the_unit() -> None:
    with pytest.raises(StateError, match="control character"):
        unit({"HOME": "/x", "INTERLOCK_HOME": "/tmp/x\nExecStartPre=/bin/evil"})


def test_xdg_directories_come_along() -> None:
    """Story: systemd starts user services without the shell's variables, and hooks and service had two homes."""
    text = unit({"HOME": "/x", "XDG_STATE_HOME": "/data/state", "XDG_CONFIG_HOME": "/data/config"})
    assert 'Environment="XDG_STATE_HOME=/data/state"' in text
    assert 'Environment="XDG_CONFIG_HOME=/data/config"' in text


def test_without_systemd_the_error_says_what_else_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(service.command, ["install"])
    assert isinstance(done.exception, StateError)
    assert "interlock up --detach" in str(done.exception)


def test_show_and_uninstall_in_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    shown = CliRunner().invoke(service.command, ["show", "--json"])
    assert '"path": "' + str(tmp_path / ".config/systemd/user/interlock.service") in shown.output
    gone = CliRunner().invoke(service.command, ["uninstall", "--json"])
    assert gone.output == '{"removed": null}\n'


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    file = tmp_path / "interlock.service"
    file.write_text(unit({"HOME": "/x", "INTERLOCK_HOME": f"{tmp_path}/my \\ things 100%"}))
    (tmp_path / "run").mkdir(mode=0o700)
    done = subprocess.run(
        ["systemd-analyze", "--user", "--man=no", "verify", str(file)],
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path / "run"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert str(file) not in done.stderr
    assert "interlock.service" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
