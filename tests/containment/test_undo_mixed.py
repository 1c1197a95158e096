"""Edits in the open, contained runs, what was held of them, and git, in any order on the same tree, taken back as one.

Every undo is undone, and that again: each time the tree is what it was, bit for bit.
"""

from __future__ import annotations

import contextlib
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from containment.mixed import Mixed, differences
from containment.overlay import needs_overlay
from interlock.containment.undo import Deed

pytestmark = needs_overlay
NAMES = ["a", "b", "d/a", "d/b", "d/e/a", "d/e", "d", "f/a", "n\nl"]
PATHS = st.sampled_from(NAMES)
TEXTS = st.text("xyz\n", max_size=6)
TIMES = st.integers(0, 10**18)
CONTAINED = st.one_of(
    st.tuples(st.just("write"), PATHS, TEXTS),
    st.tuples(st.just("append"), PATHS, TEXTS),
    st.tuples(st.just("makedirs"), PATHS),
    st.tuples(st.just("remove"), PATHS),
    st.tuples(st.just("rmtree"), PATHS),
    st.tuples(st.just("rename"), PATHS, PATHS),
    st.tuples(st.just("symlink"), PATHS, PATHS),
    st.tuples(st.just("chmod"), PATHS, st.sampled_from([0o644, 0o755, 0o700, 0o444])),
    st.tuples(st.just("utime"), PATHS, TIMES),
    st.tuples(st.just("setxattr"), PATHS, st.sampled_from(["user.a", "user.b"]), TEXTS),
).map(list)
GIT = st.sampled_from(
    [
        "git add -A",
        "git commit -q --allow-empty -am more",
        "git reset -q --hard",
        "git reset -q --hard HEAD~1",
        "git reset -q HEAD~1",
        "git checkout -q -b side",
        "git checkout -q -f main",
        "git branch -D side",
        "git stash -q",
        "git stash -q -u",
        "git stash drop -q",
        "git clean -fdq",
        "git tag v1",
        "git pack-refs --all",
    ]
)


class Stories(RuleBasedStateMachine):
    """The model is the plainest there is: everything that was there before each action."""

    with_git = False

    @initialize()
    def begin(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="interlock-mixed"))
        self.acts = Mixed(self.base, git=self.with_git)
        self.deeds: list[Deed] = []
        self.states = [self.acts.state()]

    def _did(self, *deeds: Deed) -> None:
        for deed in deeds:
            self.deeds.append(deed)
            self.states.append(self.acts.state())

    @rule(name=PATHS, text=TEXTS)
    def edit(self, name: str, text: str) -> None:
        path = self.acts.top / name

        def work() -> None:
            with contextlib.suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)

        self._did(self.acts.does("Write", {"file_path": str(path), "content": text}, work)[0])

    @rule(words=st.sampled_from(["rm -rf", "mkdir -p", "chmod 600", "touch"]), name=PATHS)
    def command(self, words: str, name: str) -> None:
        if not (words.startswith("chmod") and (self.acts.top / name).is_dir()):
            self._did(self.acts.runs(f"{words} {shlex.quote(name)} 2>/dev/null || true"))

    @rule(words=st.sampled_from(["mv -T", "cp -a -T", "ln -sfn"]), source=PATHS, where=PATHS)
    def two(self, words: str, source: str, where: str) -> None:
        self._did(self.acts.runs(f"{words} {shlex.quote(source)} {shlex.quote(where)} 2>/dev/null || true"))

    @rule(commands=st.lists(CONTAINED, min_size=1, max_size=6))
    def contained(self, commands: list[Any]) -> None:
        self._did(self.acts.contained(commands))

    @rule(commands=st.lists(CONTAINED, min_size=1, max_size=6), data=st.data())
    def held(self, commands: list[Any], data: st.DataObject) -> None:
        self._did(self.acts.contained(commands, lambda path: data.draw(st.booleans())))

    @precondition(lambda self: self.acts.held is not None)
    @rule()
    def let_through(self) -> None:
        deed = self.acts.let_through()
        if deed is not None:
            self._did(deed)

    @precondition(lambda self: self.with_git)
    @rule(command=GIT)
    def git(self, command: str) -> None:
        self._did(self.acts.runs(f"{command} 2>/dev/null || true"))

    @precondition(lambda self: self.with_git)
    @rule(command=GIT)
    def git_contained(self, command: str) -> None:
        self._did(self.acts.contained([["shell", command]]))

    @precondition(lambda self: self.deeds)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """Some of the newest actions; then that undo, and so on; the tree is each time what it was."""
        count = data.draw(st.integers(1, len(self.deeds)), label="actions")
        times = data.draw(st.integers(1, 4), label="undos")
        as_actions = data.draw(st.booleans(), label="undone later among the others")
        sides = [self.acts.state(), self.states[-count - 1]]
        meant, left = tuple(self.deeds[-count:]), len(self.deeds) - count
        for number in range(times):
            undo, problems = self.acts.undo(*meant)
            assert not problems, problems
            assert differences(self.acts.state(), sides[(number + 1) % 2]) == {}, f"undo {number + 1}"
            meant = (undo,)
            if as_actions:
                self._did(undo)
        if times % 2 and not as_actions:
            del self.deeds[left:], self.states[left + 1 :]

    def teardown(self) -> None:
        if not hasattr(self, "base"):
            return
        try:
            if self.deeds:
                _, problems = self.acts.undo(*self.deeds)
                assert not problems, problems
                assert differences(self.acts.state(), self.states[0]) == {}
        finally:
            shutil.rmtree(self.base)


class GitStories(Stories):
    """The same in a repository."""

    with_git = True


def configured(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=8,
        deadline=None,
        derandomize=True,  # a story that fails here fails everywhere
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def test_whatever_is_mixed_is_taken_back_and_brought_again():
    run_state_machine_as_test(Stories, settings=configured(5))


def test_whatever_is_mixed_with_git_is_taken_back_and_brought_again():
    run_state_machine_as_test(GitStories, settings=configured(3))


@pytest.mark.slow
@pytest.mark.parametrize("stories", [Stories, GitStories])
def test_whatever_is_mixed_at_length(stories: type[Stories]) -> None:
    run_state_machine_as_test(stories, settings=configured(60))
