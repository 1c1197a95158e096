"""Whatever bytes the launcher is given: it refuses them in a sentence or runs them as a plan, and never breaks."""

from __future__ import annotations

import random

import pytest

from native.runs import Sandbox, plan_bytes


@pytest.mark.slow
def test_plans_with_errors_in_them(sandbox: Sandbox) -> None:
    chance = random.Random(11)
    raw = plan_bytes(
        **sandbox.values(
            "true", write="none", upper=None, work=None, limit=["nofile:100", "core:0"], show=["/usr/lib"]
        ),
        listener=["53/udp", "443/tcp"],
    )
    for _ in range(150):
        changed = bytearray(raw)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(changed))
            match chance.randrange(5):
                case 0:
                    changed[at] = chance.randrange(256)
                case 1:
                    del changed[at : at + chance.randint(1, 40)]
                case 2:
                    changed[at:at] = chance.choice(
                        [b"\0", b"=", b"/", b"/..", b"0" * 30, b"\xff", b"a" * 5000, b"hide=/x\0"]
                    )
                case 3:
                    changed[at:at] = changed[chance.randrange(len(changed)) :][:60]
                case _:
                    changed = changed[: at + 1]
        ran = sandbox.run_bytes(bytes(changed))
        assert ran.status in {0, 1, 124, 125, 126, 127}, bytes(changed)
        if ran.status == 125:
            assert ran.err.startswith("Interlock did not run this: ")
            assert ran.err.count("\n") == 1


def test_paths_that_would_deceive_a_terminal(sandbox: Sandbox) -> None:
    ran = sandbox.run("true", cwd="/no/\x1b]0;title\x07\nsuch")
    assert ran.status == 125
    assert "\x1b" not in ran.err
    assert ran.err.count("\n") == 1


def test_names_of_all_kinds(sandbox: Sandbox) -> None:
    """Colons, commas, backslashes, newlines and bytes that are no text, in the paths of what is mounted and hidden."""
    project = sandbox.workspace / "a,b:c\\d e\nf=g\udcff"
    project.mkdir()
    sandbox.own(project)
    sandbox.write(f"{project.name}/secret,upperdir=x", "private")
    ran = sandbox.shell(
        "cat secret*; echo done > made; pwd | wc -l", workspace=str(project), cwd=str(project),
        hide=[str(project / "secret,upperdir=x")], env=["PATH=/usr/bin:/bin", "ODD=a\nb=c"],
    )  # fmt: skip
    assert (ran.status, ran.out, ran.err) == (0, "2\n", "")
    assert (sandbox.upper / "made").read_text() == "done\n"


def test_many_arguments_and_long_ones(sandbox: Sandbox) -> None:
    ran = sandbox.run("sh", "-c", "echo $# ${#1}", "sh", "x" * 120_000, *["y"] * 20_000)
    assert (ran.status, ran.out) == (0, "20001 120000\n")
