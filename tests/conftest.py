"""What is handed out first, and what side by side, so that at the end no core waits for one file."""

from __future__ import annotations

import functools
import gc
from collections.abc import Generator

import pytest

from settled import settle

# Rooms and files, those with the longest tests first; what is not named comes after these.
LONGEST = (
    "effects/test_regexes.py",
    "scenarios",
    "escapes",
    "corpus",
    "races",
    "changes",
    "approvals",
    "daemon",
    "native",
    "containment",
    "prover",
)
# Long tests that share no fixture: each is handed out for itself, where the tests of other files stay together.
APART = frozenset(
    {
        "effects/test_regexes.py",
        "races/test_race_files.py",
        "races/test_race_places.py",
        "races/test_race_rules.py",
        "races/test_race_words.py",
        "containment/test_commit_faults.py",
        "containment/test_undo_crash.py",
        "containment/test_undo_killed.py",
        "prover/test_mutation.py",
    }
)
# Rooms whose files share what takes long to make: one worker takes all of them.
TOGETHER = ("corpus/",)


def _file(nodeid: str) -> str:
    """The file of a test, as it is called within `tests`."""
    return nodeid.partition("::")[0].removeprefix("tests/")


@functools.cache
def _place(file: str) -> int:
    known = (n for n, begin in enumerate(LONGEST) if file == begin or file.startswith(f"{begin}/"))
    return next(known, len(LONGEST))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Within a room the order stays as it is; with `--no-loadscope-reorder` the files are handed out in this one."""
    items.sort(key=lambda item: _place(_file(item.nodeid)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """As `--dist loadfile`, but for what `APART` and `TOGETHER` name."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if _file(nodeid) in APART:
                return nodeid
            return next(filter(_file(nodeid).startswith, TOGETHER), "") or super()._split_scope(nodeid)

    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: looking for garbage in it meanwhile took a quarter of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        settle()
