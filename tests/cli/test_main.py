"""The front door of the command line: exit codes, errors, help."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from interlock.cli import main as front
from interlock.cli.main import COMMANDS, cli
from interlock.model.errors import ConfigError


def interlock(
    tmp_path: Path, *words: str, stdin: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, in a home of its own."""
    (tmp_path / "user").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-m", "interlock.cli.main", *words],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "user"), "INTERLOCK_HOME": str(tmp_path / "i")},
        input=stdin,
        cwd=cwd or tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["check", "--", "ls"], 0),
        (["check", "--shell", "rm -rf ~/documents"], 10),
        (["check", "--shell", "interlock approve 1"], 11),
        (["check"], 2),
        (["nonsense"], 2),
        (["approve"], 2),
        (["--version"], 0),
        (["check", "--help"], 0),
        (["status"], 23),
    ],
)
def test_the_exit_status_is_the_documented_one(tmp_path: Path, words: list[str], status: int) -> None:
    """Story: outside of its standalone mode click returns a status instead of raising it, and every ask was a 0."""
    done = interlock(tmp_path, *words)
    assert done.returncode == status, done


@pytest.mark.parametrize(
    "start",
    [
        "from interlock.cli.main import cli as start; words = [['check', '--help']]",
        "from interlock.daemon.__main__ import main as start; words = []",
    ],
    ids=["command", "daemon"],
)
def test_what_is_loaded_is_not_searched_for_garbage(tmp_path: Path, start: str) -> None:
    """Story: the search was a sixth of a start, and a short command searched all of it once more at its end."""
    told = (
        f"import gc, sys; {start}; found = []\n"
        "gc.callbacks.append(lambda phase, known: known['generation'] == 2 and found.append(phase))\n"
        "try: start(*words)\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(f'searched {len(found)} {gc.isenabled()} {len(gc.get_objects()) < gc.get_freeze_count()}')"
    )
    (tmp_path / "i" / "run" / "daemon.lock").mkdir(parents=True)  # the daemon loads everything, and then may not start
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "INTERLOCK_HOME": str(tmp_path / "i")}
    done = subprocess.run(
        [sys.executable, "-c", told], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr.endswith("searched 0 True True"), done


def test_powershell_is_loaded_with_the_first_script() -> None:
    """Story: its grammar was a sixth of what each command and each start loaded, for the few who have scripts."""
    told = (
        "import sys, interlock.cli.check; from interlock.effects.catalogue.readers import powershell\n"
        "def there(): return 'interlock.effects.powershell' in sys.modules\n"
        "before = there(); powershell.warm(); print(before, there())"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize("words", [["check", "--json"], ["approve", "--json"], ["log", "--json", "--bogus"]])
def test_a_usage_error_is_json_when_json_was_asked_for(tmp_path: Path, words: list[str]) -> None:
    done = interlock(tmp_path, *words)
    answer = json.loads(done.stdout)
    assert (answer["error"], answer["exit"], done.returncode) == ("usage", 2, 2)
    assert answer["message"]


def test_json_behind_two_dashes_is_the_commands_own(tmp_path: Path) -> None:
    (tmp_path / "i" / "config").mkdir(parents=True)
    (tmp_path / "i" / "config" / "interlock.toml").write_text("colour = 1\n")
    done = interlock(tmp_path, "check", "--", "curl", "--json", "{}")
    assert done.returncode == 20
    assert "colour" in done.stderr
    assert not done.stdout


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    """Story: click exits with 1, which means that a drill got through."""
    batch = '{"tool": "Read", "input": {"file_path": "a"}}\n' * 3_000
    process = subprocess.Popen(
        [sys.executable, "-m", "interlock.cli.main", "check", "--batch", "-"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "INTERLOCK_HOME": str(tmp_path / "i")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, said = process.communicate(batch.encode(), timeout=60)
    assert (process.returncode, said) == (0, b"")


def test_an_error_cannot_drive_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Story: a project's interlock.toml has a key with an escape sequence in it, and the refusal quotes the key."""

    def fail(**_: object) -> None:
        raise ConfigError("unknown key `\x1b]0;owned\x07\u202e`")

    monkeypatch.setattr(cli, "main", fail)
    monkeypatch.setattr(sys, "argv", ["interlock", "status"])
    with pytest.raises(SystemExit) as ended:
        front.main()
    assert ended.value.code == 20
    assert capsys.readouterr().err == "interlock: unknown key `<U+001B>]0;owned<U+0007><U+202E>`\n"


def test_a_bug_has_a_trace_and_the_documented_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise KeyError("nobody thought of this")

    monkeypatch.setattr(cli, "main", fail)
    monkeypatch.setattr(sys, "argv", ["interlock", "status", "--json"])
    with pytest.raises(SystemExit) as ended:
        front.main()
    said = capsys.readouterr()
    assert ended.value.code == 70
    assert json.loads(said.out)["error"] == "internal"
    assert "Traceback" in said.err


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group, info_name="interlock")
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands(cli))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_help_shows_an_example_of_itself(path: tuple[str, ...]) -> None:
    command = ALL[path]
    shown = command.get_help(click.Context(command, info_name=path[-1], max_content_width=110))
    assert "Example" in shown
    assert f"interlock {path[0]}" in shown


BECOMES_ANOTHER = ("contained",)  # its output is that of the command it starts


@pytest.mark.parametrize(
    "path", [p for p, c in ALL.items() if not isinstance(c, click.Group) and p != BECOMES_ANOTHER], ids=" ".join
)
def test_every_command_can_answer_in_json(path: tuple[str, ...]) -> None:
    assert any("--json" in parameter.opts for parameter in ALL[path].params)


def test_the_list_of_commands_is_the_commands_own_word() -> None:
    assert {path[0] for path in ALL} == set(COMMANDS)


def test_a_usage_names_the_command_that_was_typed(tmp_path: Path) -> None:
    """Story: a wrong word was answered with `Usage: python -m interlock.cli.main changes`."""
    said = interlock(tmp_path, "changes", "no-such").stderr
    assert said.startswith("Usage: interlock changes ")
    assert "Try 'interlock changes --help'" in said
