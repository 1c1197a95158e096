"""Every attempt is made in Interlock's sandbox and must stay inside; where a wall is taken away, it must be noticed."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hatch_build import compile_launcher

from built import once
from escapes.maker import Maker
from escapes.probe import GROUPS, Probe
from escapes.probes import ALL
from escapes.run import applies, attempt, suite, together
from escapes.sandboxes import BWRAP, Interlock, Prefix, Sandbox, load_all
from escapes.stage import Ground
from escapes.table import PAGE, RESULTS, page
from interlock.containment.plan import Plan

NOBODY = 65534
BY_ID = {probe.id: probe for probe in ALL}
USERS = (0, NOBODY) if os.geteuid() == 0 else (os.geteuid(),)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    built = once(tmp_path_factory, "interlock-run-c", lambda target: compile_launcher(ROOT / "native/run", target))
    if built is None:
        pytest.skip("no compiler that makes the launcher")
    folder = Path(tempfile.mkdtemp(prefix="escapes-launcher-"))  # which other users reach
    folder.chmod(0o755)
    program = Path(shutil.copy(built, folder / "interlock-run"))
    load_all()
    yield program
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def grounds() -> Iterator[Callable[[int], Ground]]:
    made: dict[int, Ground] = {}

    def ground(user: int) -> Ground:
        if user not in made:
            made[user] = Ground.make(user=user)
        return made[user]

    yield ground
    for one in made.values():
        one.remove()


@pytest.fixture(scope="session")
def maker(launcher: Path) -> Iterator[Maker]:
    made = Maker(launcher)
    yield made
    made.close()


@pytest.fixture(scope="session")
def at_once(launcher: Path, grounds: Callable[[int], Ground]) -> Callable[[int], dict[str, str]]:
    made: dict[int, dict[str, str]] = {}

    def results(user: int) -> dict[str, str]:
        if user not in made:
            made[user] = together(Interlock(launcher), grounds(user), user)
        return made[user]

    return results


@pytest.fixture(autouse=True, scope="session")
def machine(launcher: Path, grounds: Callable[[int], Ground]) -> None:
    """The machine can contain: otherwise nothing here means anything."""
    try:
        attempt(_ordinary(lambda here, ran: False, "true"), Interlock(launcher), grounds(USERS[0]), USERS[0])
    except RuntimeError as error:
        pytest.skip(f"no sandbox here: {error}")


def _ordinary(check: Callable[..., bool], sh: str) -> Probe:
    return Probe("ordinary", "commit", "what an agent does all day", check, sh=sh)


# What is known to get out, and why it is left open (docs/security.md). Whoever closes one takes it from here.
OPEN: dict[str, str] = {}


def _cases() -> Iterator[object]:
    """Of what needs a run of its own every other is tried in the slower ring, and all that the second user tries."""
    for user in USERS:
        for number, probe in enumerate(ALL):
            if applies(probe, root=user == 0):
                later = probe.alone and (user != USERS[0] or number % 2 > 0)
                yield pytest.param(user, probe, id=f"{user}-{probe.id}", marks=_marks(probe, later=later))


def _marks(probe: Probe, *, later: bool) -> list[pytest.MarkDecorator]:
    known = [pytest.mark.xfail(strict=False, reason=OPEN[probe.id])] if probe.id in OPEN else []
    return [*known, *([pytest.mark.slow] if later else [])]


@pytest.mark.parametrize(("user", "probe"), list(_cases()))
def test_the_attempt_stays_inside(
    user: int, probe: Probe, maker: Maker, grounds: Callable[[int], Ground], at_once: Callable[[int], dict[str, str]]
) -> None:
    if not probe.alone:
        assert at_once(user)[probe.id] == "closed", probe.about
        return
    end = maker.attempt(probe.id, grounds(user), user)
    if end is None:
        pytest.skip("it cannot be made on this machine")
    assert not end, probe.about


@pytest.mark.parametrize("user", USERS)
def test_ordinary_work_comes_through(user: int, launcher: Path, grounds: Callable[[int], Ground]) -> None:
    """Otherwise the suite would praise a sandbox in which nothing happens."""
    commit = "git -c user.name=t -c user.email=t@t commit -qm y"
    sh = f"set -e; echo 1 > src/new.py; git add .; {commit}; mkdir a; mv notes a/; rm Makefile"

    def done(here: object, ran: object) -> bool:
        root = here.workspace  # type: ignore[attr-defined]
        log = here.outside("git", "log", "--oneline")  # type: ignore[attr-defined]
        assert ran.status == 0, ran.out  # type: ignore[attr-defined]
        assert (root / "src/new.py").read_text() == "1\n"
        assert (root / "a/notes/a.txt").exists()
        assert not (root / "Makefile").exists()
        return b" y\n" in log

    assert attempt(_ordinary(done, sh), Interlock(launcher), grounds(user), user)


def _without_cover(plan: object) -> object:
    assert isinstance(plan, Plan)
    return msgspec.structs.replace(plan, hide=(), fresh=("/dev/shm",), landlock=False)


LOOSENED: dict[str, tuple[Callable[[Path], Sandbox], tuple[str, ...]]] = {
    "nothing is hidden": (
        lambda launcher: Interlock(launcher, alter=_without_cover),
        (
            "read-ssh-id_ed25519",
            "read-aws-credentials",
            "read-tmp",
            "list-home",
            "link-inside",
            "dot-dot",
            "guard-state",
            "read-workspace-env",
        ),
    ),
    "nothing is held": (
        lambda launcher: Interlock(launcher, judged=False),
        (
            "git-core-fsmonitor",
            "git-hook-pre-commit",
            "git-nested",
            "agent-settings-removed",
            "agent-settings-linked",
            "package-script",
            "link-to-secret",
            "git-filter",
            "python-tool",
            "repository-deleted",
            "many-deleted",
            "many-scrambled",
        ),
    ),
    "the host's network": (
        lambda launcher: Prefix("bwrap", BWRAP.replace("-all", "-user --unshare-pid --unshare-ipc")),
        ("tcp-loopback", "tcp-host-address", "tcp-six", "udp", "abstract-socket", "x11-abstract", "tcp-shell"),
    ),
    "no filter of system calls": (
        lambda launcher: Prefix("bwrap", BWRAP),
        ("io-uring", "netlink-route", "vsock", "keyring", "user-namespace", "user-namespace-clone"),
    ),
    "no sandbox": (
        lambda launcher: Prefix("none", "{}"),
        (
            "write-outside",
            "hard-link-out",
            "read-memory",
            "proc-environment",
            "kill",
            "survivor",
            "type-for-others" if os.geteuid() == 0 else "write-tmp",
            "open-directory",
            "environment",
            "setuid",
            "fifo-over-file",
            "edited-meanwhile",
            "swapped-meanwhile",
            "sparse-file",
        ),
    ),
}


@pytest.mark.parametrize("wall", LOOSENED)
def test_a_wall_that_is_gone_is_noticed(wall: str, launcher: Path, grounds: Callable[[int], Ground]) -> None:
    loosened, expected = LOOSENED[wall]
    sandbox = loosened(launcher)
    if sandbox.name == "bwrap" and not shutil.which("bwrap"):
        pytest.skip("no bubblewrap here")
    found = suite(sandbox, grounds(USERS[0]), [BY_ID[name] for name in expected], USERS[0])
    assert {name for name, end in found.items() if end != "open"} == set()


def test_the_page_is_current() -> None:
    results = json.loads(RESULTS.read_text())
    assert PAGE.read_text() == page(results), "run `PYTHONPATH=tests python -m escapes.table`"
    for name, found in results.items():
        assert set(found) <= set(BY_ID), name


def test_the_suite_is_as_large_as_it_says() -> None:
    assert len(BY_ID) == len(ALL) >= 120
    assert {probe.group for probe in ALL} == set(GROUPS)
    for probe in ALL:
        assert sum(map(bool, (probe.sh, probe.py, probe.c))) == 1, probe.id
        assert probe.about
