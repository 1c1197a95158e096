"""Approve, then mutate: an attacker who changes everything between a yes and the start wins no race.

Ten classes. The slow ring runs 10,000 trials in all, the default ring a few of each. What ran is exactly what was
approved, or nothing ran. And so that this can fail: where the agent starts the action itself, the attacker does win.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.broker.places import settled
from interlock.halt.order import Order, What
from interlock.model.selector import parse
from prover.proofs import prove_folder
from races.harness import LAUNCHER, NEVER, Attack, House, Result, ordered, raced

pytestmark = pytest.mark.skipif(not LAUNCHER.is_file(), reason="no launcher: there was no C compiler at installation")

SLOW = {
    "argv": 1500, "cwd": 1500, "environment": 1500, "path": 1300, "script": 1500, "interpreter": 1500, "plan": 500,
    "git": 300, "policy": 100, "freeze": 300,
}  # fmt: skip
assert sum(SLOW.values()) == 10_000
FEW = {name: 2 if name in {"git", "policy"} else 8 for name in SLOW}
GOOD, EVIL = f"{NEVER}\necho GOOD\n", f"{NEVER}\necho EVIL\n"


def counts(name: str) -> list[Any]:
    return [pytest.param(FEW[name], id="few"), pytest.param(SLOW[name], id="all", marks=pytest.mark.slow)]


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    if not made.bound.holds(str(made.project)):
        pytest.skip("no overlay can lie on a directory here")
    made.write("report.txt", "all is well\n", 0o644)
    return made


@pytest.fixture
def attack(request: pytest.FixtureRequest, house: House) -> Iterator[Attack]:
    """The attacker of the class that the test names."""
    kind = request.node.get_closest_marker("attacker").args[0]
    prepare(kind, house)
    made = Attack(kind, house.project)
    yield made
    made.close()


def prepare(kind: str, house: House) -> None:
    """The ground of one class: what is good, and what is evil."""
    if kind in {"script", "interpreter"}:
        name, head = ("deploy.sh", "#!/bin/sh\n") if kind == "script" else ("job.sh", "")
        house.write(f"good/{name}", head + GOOD)
        house.write(f"evil/{name}", head + EVIL)
        house.write(f"lib/{name}", head + GOOD)
        house.write(f"instead/{name}", head + EVIL)
    elif kind == "cwd":
        house.write("one/job.sh", GOOD)
        house.write("two/job.sh", EVIL)
        (house.project / "current").symlink_to("one")
    elif kind == "path":
        house.write("good/tool", "#!/bin/sh\necho GOOD\n")
        house.write("evil/tool", "#!/bin/sh\necho EVIL\n")
        (house.project / "first").mkdir()
        house.write("second/tool", "#!/bin/sh\necho GOOD\n")
        house.variables["PATH"] = f"{house.project}/first:{house.project}/second:/usr/bin:/bin"
    elif kind == "plan":
        for place, text in (("good", "GOOD\n"), ("evil", "EVIL\n"), ("lib", "GOOD\n"), ("instead", "EVIL\n")):
            house.write(f"{place}/x.plan", text, 0o644)
        house.write("programs/terraform", '#!/bin/sh\nshift\ncat "$1"\n')
        house.variables["PATH"] = f"{house.project}/programs:/usr/bin:/bin"
    elif kind == "git":
        repository(house)


def repository(house: House) -> None:
    """A branch, another commit that nobody approved, and a remote of each kind."""
    project = house.project
    shutil.rmtree(project / ".git")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(project)]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    for name in ("remote.git", "elsewhere.git"):
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(house.base / name)], check=True)
    subprocess.run([*git, "remote", "add", "origin", str(house.base / "remote.git")], check=True)
    for name in ("good", "evil"):
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", name], check=True)
        head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
        house.write(f"{name}.sha", head.stdout, 0o644)
    good = (project / "good.sha").read_text().strip()
    subprocess.run([*git, "update-ref", "refs/heads/main", good], check=True)
    config = (project / ".git/config").read_text()
    house.write("good.config", config, 0o644)
    house.write("evil.config", config.replace("remote.git", "elsewhere.git"), 0o644)


def play(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def won(results: list[Result]) -> int:
    """In how many trials something else ran than what was approved."""
    return sum(result.ran and result.out != "GOOD\n" for result in results)


def check(results: list[Result]) -> None:
    assert won(results) == 0, [result for result in results if result.ran and result.out != "GOOD\n"][:3]
    assert any(result.ran for result in results) or len(results) < 20, "nothing ever ran: nothing was shown"


def race(house: House, attack: Attack, command: str, count: int, cwd: str = "") -> None:
    chance = random.Random(count)
    results: list[Result] = []

    async def story() -> None:
        results.extend([await raced(house, attack, command, cwd, chance) for _ in range(count)])

    play(story)
    check(results)


@pytest.mark.attacker("script")
@pytest.mark.parametrize("count", counts("script"))
def test_script_bytes(house: House, attack: Attack, count: int) -> None:
    race(house, attack, "./lib/deploy.sh", count)


@pytest.mark.attacker("interpreter")
@pytest.mark.parametrize("count", counts("interpreter"))
def test_interpreter_argument(house: House, attack: Attack, count: int) -> None:
    race(house, attack, f"sh {house.project}/lib/job.sh", count)


@pytest.mark.attacker("plan")
@pytest.mark.parametrize("count", counts("plan"))
def test_plan_file(house: House, attack: Attack, count: int) -> None:
    race(house, attack, "terraform apply lib/x.plan", count)


@pytest.mark.attacker("cwd")
@pytest.mark.parametrize("count", counts("cwd"))
def test_working_directory_behind_a_link(house: House, attack: Attack, count: int) -> None:
    race(house, attack, "sh job.sh", count, str(house.project / "current"))


@pytest.mark.attacker("cwd")
def test_directory_that_the_command_goes_to(house: House, attack: Attack) -> None:
    race(house, attack, "cd current && sh ./job.sh", FEW["cwd"])


@pytest.mark.attacker("path")
@pytest.mark.parametrize("count", counts("path"))
def test_path(house: House, attack: Attack, count: int) -> None:
    if not any(settled(path, 1) for path in ("/media", "/mnt", "/srv")):
        pytest.skip("no empty directory of the system's here")
    race(house, attack, f"{NEVER}; tool", count)


@pytest.mark.attacker("git")
@pytest.mark.parametrize("count", counts("git"))
def test_what_is_pushed(house: House, attack: Attack, count: int) -> None:
    chance = random.Random(count)
    good = (house.project / "good.sha").read_text().strip()
    pushed = []
    remotes = [house.base / name / "refs/heads/main" for name in ("remote.git", "elsewhere.git")]

    async def story() -> None:
        for _ in range(count):
            result = await raced(house, attack, "git push origin main", "", chance)
            found = [remote.read_text().strip() if remote.exists() else "" for remote in remotes]
            assert found[0] in {"", good}
            assert found[1] == ""
            assert result.ran or found[0] == ""
            pushed.append(found[0])
            remotes[0].unlink(missing_ok=True)

    play(story)
    assert good in pushed or count < 20


@pytest.mark.parametrize("count", counts("argv"))
def test_argv(house: House, count: int) -> None:
    """The same yes is wanted by other commands, at once and afterwards; and the launcher is given more words."""
    chance = random.Random(count)
    good = f"{NEVER}; echo GOOD"
    evil = [f"{good}; echo EVIL", good.replace("GOOD", "EVIL"), f"echo EVIL; {good}", f"{good} #\n echo EVIL"]
    results: list[Result] = []

    async def story() -> None:
        for _ in range(count):
            action = house.action(good)
            await house.approved(action)
            other = house.action(chance.choice(evil))
            answers = [house.propose(action), house.propose(other)]
            chance.shuffle(answers)
            results.extend([await house.launch(answer) for answer in await asyncio.gather(*answers)])

    play(story)
    check(results)
    assert sum(result.ran for result in results) == count


@pytest.mark.parametrize("count", counts("environment"))
def test_environment(house: House, count: int) -> None:
    """What the hook saw was approved; the agent's shell, or a later call, comes with something else."""
    chance = random.Random(count)
    evil = house.write("evil.sh", "echo EVIL\n")
    house.write("bin/tool", "#!/bin/sh\necho EVIL\n")
    house.write("tools/tool", "#!/bin/sh\necho GOOD\n")
    house.variables["PATH"] = f"{house.project}/tools:/usr/bin:/bin"
    changes = [
        {"BASH_ENV": str(evil)}, {"PATH": f"{house.project}/bin:/usr/bin:/bin"}, {"LD_PRELOAD": "/no/such.so"},
        {"BASH_FUNC_tool%%": "() { echo EVIL; }"}, {"SHELLOPTS": "xtrace"}, {"IFS": "o"}, {"PS4": "$(echo EVIL)"},
    ]  # fmt: skip
    results: list[Result] = []

    async def story() -> None:
        for _ in range(count):
            before = dict(house.variables)
            action = house.action(f"{NEVER}; tool")
            await house.approved(action)
            house.outer = chance.choice(changes)
            if chance.random() < 0.3:
                house.variables |= house.outer
            results.append(await house.launch(await house.propose(action)))
            house.variables, house.outer = before, {}

    play(story)
    check(results)


@pytest.mark.parametrize("count", counts("policy"))
def test_policy(house: House, count: int) -> None:
    """A rule that was there before the opening counts."""
    folder, away = house.base / "config/policy", house.base / "config/away"
    away.mkdir(parents=True)
    (away / "own.cedar").write_text(
        '@id("mine") @why("a test") @tier("4") @matches("send host x.example @production +known") '
        'forbid (principal, action == Interlock::Action::"send", resource) when { resource.kind == "host" };'
    )
    prove_folder(away, "user")
    house.write("job.sh", GOOD)
    chance = random.Random(count)

    async def story() -> None:
        for _ in range(count):
            result, before = await ordered(house, "sh job.sh", lambda: away.rename(folder) and None, chance)
            assert not (result.ran and before)
            folder.rename(away)
            house.rules.refresh()

    play(story)


@pytest.mark.parametrize("count", counts("freeze"))
def test_freeze(house: House, count: int) -> None:
    """A freeze of the configuration, and an order that raises the epoch: either counts from its moment on."""
    file = house.base / "config/interlock.toml"
    file.parent.mkdir(parents=True)
    house.write("job.sh", GOOD)
    chance = random.Random(count)
    given: list[int] = []

    def order() -> None:
        freeze = Order(id=-1, what=What.FREEZE, where=parse('tool = "Bash"'), reason="the sale")
        given.append(house.orders.giving(freeze))
        house.orders.raised()

    def configure() -> None:
        file.write_text('[[freeze]]\nreason = "the sale"\n')

    async def story() -> None:
        for number in range(count):
            result, before = await ordered(house, "sh job.sh", order if number % 2 else configure, chance)
            assert not (result.ran and before)
            file.unlink(missing_ok=True)
            for one in given:
                house.orders.given(one, None)
            given.clear()
            house.rules.refresh()

    play(story)


@pytest.mark.attacker("interpreter")
def test_without_the_binding_the_attacker_wins(house: House, attack: Attack) -> None:
    """The same race where the agent starts what was approved: how it is known that the others could fail."""
    command = "sh lib/job.sh"
    results: list[Result] = []

    async def story() -> None:
        for number in range(200):
            attack.say("calm")
            action = house.action(command)
            await house.approved(action, rewrites=False)
            answer = await house.propose(action, rewrites=False)
            assert answer.released
            assert not answer.command
            attack.say(f"go {number}")
            done = house.spawn(["bash", "-c", command], str(house.project))
            results.append(Result(True, done.stdout))
            if won(results):
                return

    play(story)
    assert won(results) > 0
