"""The programs of looks: bounded in time and output, and never the agent's own."""

from __future__ import annotations

import time

import pytest

from interlock.preview.finding import Deadline, Unseen
from interlock.preview.process import Machine, scrubbed


def machine(seconds: float = 10.0, **more) -> Machine:
    return Machine(Deadline(seconds), environ={"PATH": "/usr/bin:/bin"}, **more)


def test_it_says_what_it_said(tmp_path):
    assert machine().run(("echo", "hi"), str(tmp_path)).text == "hi\n"
    assert machine().run(("sh", "-c", "exit 3"), str(tmp_path)).status == 3


def test_what_takes_too_long_is_ended_with_all_it_started(tmp_path):
    begun = time.monotonic()
    with pytest.raises(Unseen, match="too long"):
        machine(0.3).run(("sh", "-c", "(sleep 30; touch late) & sleep 30"), str(tmp_path))
    assert time.monotonic() - begun < 5


def test_what_closes_its_output_and_lives_on_is_ended(tmp_path):
    with pytest.raises(Unseen, match="too long"):
        machine(0.3).run(("sh", "-c", "exec >&-; sleep 30"), str(tmp_path))


def test_what_says_too_much_is_ended(tmp_path):
    with pytest.raises(Unseen, match="MiB"):
        machine().run(("yes",), str(tmp_path))


def test_a_program_of_the_project_is_never_the_one_that_runs(tmp_path):
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin/kubectl"
    fake.write_text("#!/bin/sh\necho fake\n")
    fake.chmod(0o755)
    found = Machine(Deadline(5), environ={"PATH": f"{tmp_path}/bin:.:bin"}, never_from=(str(tmp_path),))
    with pytest.raises(Unseen, match="not installed"):
        found.run(("kubectl",), str(tmp_path))
    with pytest.raises(Unseen, match="not installed"):
        machine().run((str(fake),), str(tmp_path))


def test_variables_that_redirect_programs_are_gone():
    kept = scrubbed({"LD_PRELOAD": "x", "GIT_DIR": "y", "KUBECONFIG": "z", "PATH": "/bin", "AWS_PROFILE": "dev"})
    assert kept == {"PATH": "/bin", "AWS_PROFILE": "dev", "LC_ALL": "C"}


def test_each_process_is_announced(tmp_path):
    seen: list[int] = []
    machine(started=seen.append).run(("true",), str(tmp_path))
    assert len(seen) == 1
