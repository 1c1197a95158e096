"""Random edits and commands, and people in between: undo of everything restores the tree bit for bit."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from containment.acts import Acts, tree
from interlock.containment.undo import CONFLICT, Deed

NAMES = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/a", "d", "d/e", "with space", "n\nl", "ü"])
TEXTS = st.text(alphabet="xyz\n", max_size=12)
MODES = st.sampled_from([0o644, 0o600, 0o755, 0o444])


class Undoing(RuleBasedStateMachine):
    """The model is the plainest there is: a copy of what was there before."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="interlock-undo"))
        self.acts = Acts(self.base)
        top = self.acts.top
        (top / "d" / "e").mkdir(parents=True)
        for name in ("a", "d/b", "d/e/a"):
            (top / name).write_text(name)
            os.utime(top / name, ns=(7, 1_000_000_000_123_456_789))
        os.utime(top / "d" / "e", ns=(7, 1_000_000_000_000_000_001))
        self.hands = 0
        self.deeds: list[Deed] = []
        self.states = [tree(top)]

    def _did(self, deed: Deed) -> None:
        self.deeds.append(deed)
        self.states.append(tree(self.acts.top))

    def _run(self, *words: str) -> None:
        import shlex

        self._did(self.acts.runs(" ".join(shlex.quote(word) for word in words) + " 2>/dev/null || true"))

    @rule(name=NAMES, text=TEXTS)
    def write(self, name: str, text: str) -> None:
        path = self.acts.top / name

        def work() -> None:
            with contextlib.suppress(OSError):  # a directory stands there, or a link that leads nowhere
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)

        self._did(self.acts.does("Write", {"file_path": str(path), "content": text}, work)[0])

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        self._run("rm", "-rf", name)

    @rule(source=NAMES, where=NAMES)
    def move(self, source: str, where: str) -> None:
        self._run("mv", "-T", source, where)

    @rule(source=NAMES, where=NAMES)
    def copy(self, source: str, where: str) -> None:
        self._run("cp", "-a", "-T", source, where)

    @rule(source=NAMES, where=NAMES)
    def link(self, source: str, where: str) -> None:
        self._run("ln", "-sfn", source, where)

    @rule(name=NAMES, mode=MODES)
    def mode(self, name: str, mode: int) -> None:
        if not (self.acts.top / name).is_dir():
            self._run("chmod", f"{mode:o}", name)

    @rule(name=NAMES)
    def make(self, name: str) -> None:
        self._run("mkdir", "-p", name)

    @precondition(lambda self: self.deeds)
    @rule(data=st.data())
    def undo_the_last(self, data: st.DataObject) -> None:
        """Some of the newest actions: the tree is what it was before the oldest of them; then it is undone again."""
        count = data.draw(st.integers(1, len(self.deeds)))
        now = tree(self.acts.top)
        undo, problems = self.acts.undo(*self.deeds[-count:])
        assert not problems, problems
        assert tree(self.acts.top) == self.states[-count - 1]
        if data.draw(st.booleans()):
            del self.deeds[-count:], self.states[-count:]
            return
        if undo.points:
            _, problems = self.acts.undo(undo)
            assert not problems, problems
        assert tree(self.acts.top) == now

    @precondition(lambda self: self.deeds)
    @rule(name=st.sampled_from(["a", "b", "d/a"]))
    def by_hand(self, name: str) -> None:
        """A person's change is never lost by an undo of what came before it."""
        path = self.acts.top / name
        if path.is_symlink() or path.is_dir() or not path.parent.is_dir():
            return
        self.hands += 1
        text = f"by hand, time {self.hands}"
        path.write_text(text)
        _, problems = self.acts.undo(*self.deeds)
        assert path.read_text() == text, problems
        assert all(problem.kind == CONFLICT for problem in problems)
        self.deeds.clear()
        self.states = [tree(self.acts.top)]

    @invariant()
    def no_litter(self) -> None:
        assert not [path for path in self.acts.top.rglob("*") if "interlock-undo" in path.name]

    def teardown(self) -> None:
        shutil.rmtree(self.base)


Undoing.TestCase.settings = settings(
    max_examples=25, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
TestUndoing = Undoing.TestCase
