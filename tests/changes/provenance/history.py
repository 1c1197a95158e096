"""A random history of one repository, made with real git by a person and by agents, whose truth is known.

Each word of a line is unique and remembers who wrote it, so that the truth survives whatever git does to the line: a
merge, a rebase, a formatter. Lines without such a word (`}`, `return`) are exchangeable: of equal lines nobody can say
which one is whose, and so only their number is held to the truth.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from interlock.broker.gitcall import GitCall
from interlock.changes.provenance import gitread
from interlock.changes.provenance.blame import Blame, Told
from interlock.changes.provenance.journal import Journals
from interlock.changes.provenance.observer import Deed, Observer
from interlock.changes.provenance.owners import Author, actions, author
from interlock.changes.provenance.state import States

PERSON = "h"
BEFORE = "before"  # what was there when Interlock came
ABROAD = "abroad"  # what came from another machine
Writer = str | int

_WORD = re.compile(r"w\d+x")
_PLAIN = ["", "", "    }", "}", "    return", "    else:", "    pass"]
_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
    "GIT_EDITOR": "true",
    "GIT_SEQUENCE_EDITOR": "sed -i -e '2,$s/^pick/squash/'",
    "LC_ALL": "C",
}


class Score(Counter[str]):
    """Lines by what was said of them: `right`, `wrong`, `unknown` (of lines that could be known), `old` (rightly)."""

    def unknown(self) -> float:
        """The share of lines that could be known and are not."""
        return self["unknown"] / max(1, self["unknown"] + self["right"] + self["wrong"])

    def __iadd__(self, other: Counter[str]) -> Score:  # type: ignore[override,misc]
        self.update(other)
        return self


class World:
    """A repository, its observer, and what is true."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.folder = folder
        self.top = folder / "project"
        self.top.mkdir(parents=True)
        self.journals = Journals()
        self.observer = Observer(States(folder / "states"), self.journals, lambda _: False)
        self.wrote: dict[str, Writer] = {}  # unique word -> who wrote it
        self.plain: dict[str, Counter[Writer]] = defaultdict(Counter)  # line without one -> how often by whom
        self._entry = 0
        self._word = 0
        self._branch = 0
        self._time = 1_700_000_000
        self.log: list[str] = []
        self.git("init", "-q", "-b", "main")
        for name in ("a.py", "b.js", "lib/c.go"):
            self.put(name, self.lines(8, BEFORE))
        self.git("add", "-A")
        self.git("commit", "-qm", "before")
        found = gitread.find(GitCall(environ=_ENVIRONMENT), str(self.top))
        assert found is not None
        self.repo = found
        self.look(None)

    def git(self, *words: str, fine: bool = True, where: Path | None = None) -> int:
        self._time += 61
        clock = {"GIT_AUTHOR_DATE": f"{self._time} +0000", "GIT_COMMITTER_DATE": f"{self._time} +0000"}
        if words[0] in ("rebase", "cherry-pick", "am") or "--amend" in words:
            clock.pop("GIT_AUTHOR_DATE")
        said = subprocess.run(
            ["git", *words], cwd=where or self.top, env=_ENVIRONMENT | clock, capture_output=True, check=False
        )
        assert not fine or said.returncode == 0, (words, said.stdout, said.stderr, self.log)
        return said.returncode

    def files(self) -> list[str]:
        said = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], cwd=self.top, env=_ENVIRONMENT, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        return sorted({name for name in said.stdout.split("\n") if name and (self.top / name).is_file()})

    def get(self, name: str) -> list[str]:
        text = (self.top / name).read_text()
        return text.split("\n")[:-1] if text else []

    def put(self, name: str, lines: list[str]) -> None:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))

    def word(self, who: Writer) -> str:
        self._word += 1
        self.wrote[f"w{self._word}x"] = who
        return f"w{self._word}x"

    def line(self, who: Writer) -> str:
        if self.random.random() < 0.2:
            line = self.random.choice(_PLAIN)
            self.plain[line.strip()][who] += 1
            return line
        indent = "    " * self.random.randrange(3)
        match self.random.randrange(4):
            case 0:
                return f"{indent}def {self.word(who)}({self.word(who)}, {self.word(who)}):"
            case 1:
                return f"{indent}{self.word(who)} = {self.word(who)}('{self.word(who)}', {self.word(who)})"
            case 2:
                return f"{indent}if {self.word(who)} == {self.word(who)}:"
            case _:
                return f"{indent}# {self.word(who)} {self.word(who)} {self.word(who)}"

    def lines(self, most: int, who: Writer) -> list[str]:
        return [self.line(who) for _ in range(self.random.randint(1, most))]

    # -- what hands do

    def change(self, name: str, who: Writer) -> None:
        """One to three edits of a file."""
        lines = self.get(name) if (self.top / name).is_file() else []
        for _ in range(self.random.randint(1, 3)):
            at = self.random.randint(0, len(lines))
            match self.random.randrange(6) if lines else 0:
                case 0 | 1:
                    lines[at:at] = self.lines(8, who)
                case 2:
                    lines[at : at + self.random.randint(1, 4)] = self.lines(4, who)
                case 3:
                    del lines[at : at + self.random.randint(1, 3)]
                case 4:
                    at = min(at, len(lines) - 1)
                    if words := _WORD.findall(lines[at]):
                        lines[at] = lines[at].replace(self.random.choice(words), self.word(who), 1)
                case _:
                    at = min(at, len(lines) - 1)
                    line = lines.pop(at)
                    lines.insert(self.random.randint(0, len(lines)), line)
        self.put(name, lines)

    def tidy(self, name: str) -> None:
        """A formatter: other indents, other quotes, long calls wrapped."""
        lines: list[str] = []
        for line in self.get(name):
            if "'" in line and self.random.random() < 0.7:
                head, _, rest = line.partition("(")
                inside = [part.strip().replace("'", '"') for part in rest.removesuffix(")").split(",")]
                indent = " " * (len(line) - len(line.lstrip()))
                lines += [f"{head}(", *(f"{indent}    {part}," for part in inside), f"{indent})"]
                for who in (PERSON, 0):
                    self.plain[")"][who] += 100  # a formatter's own bracket is whoever's line it was
            else:
                lines.append(line.replace("    ", "  ") if line.strip() else line)
        self.put(name, lines)

    # -- what Interlock sees

    def look(self, ended: Deed | None, paths: list[str] | None = None) -> None:
        still = paths is not None and self.observer.still(self.repo, paths)
        found = list(self.observer.look(self.repo, (), ended, paths))
        assert not (still and found), (found, self.log)
        for kind, body in found:
            self.journals.hear(self._entry, kind, body)
            self._entry += 1

    def act(self, name: str, run: Callable[[int], None], *, git: bool = False, names: bool = True) -> None:
        """An agent's action: seen before it, released, seen after it."""
        path = str(self.top / name)
        edit = names and not git
        self.look(None, [path] if edit else None)
        self._entry += 1
        intent = self._entry - 1
        run(intent)
        deed = Deed(intent, paths=(path,) if names else (), bounded=edit, git=git)
        self.look(deed, [path] if edit else None)

    # -- the judge

    def judge(self) -> Score:
        self.look(None)
        blame = Blame(self.repo, self.observer)
        head = self.repo.head()
        score = Score()
        for name in self.files():
            raw = (self.top / name).read_bytes()
            if (now := blame.now(name, raw)) is not None:
                self._compare(name, raw, now, score)
            committed = self.repo.blob(head, name)
            if committed is not None and (told := blame.at(head, name)) is not None:
                self._compare(f"HEAD:{name}", committed, told, score)
        return score

    def _compare(self, name: str, raw: bytes, told: Told, score: Score) -> None:
        lines = raw.decode().split("\n")[:-1]
        assert len(lines) == len(told.lines), name
        claimed: dict[str, Counter[Writer]] = defaultdict(Counter)
        for number, (text, line) in enumerate(zip(lines, told.lines, strict=True), 1):
            said = author(line.owner)
            truth = {self.wrote[word] for word in _WORD.findall(text)}
            if not truth:
                if said in (Author.HUMAN, Author.AGENT):
                    claimed[text.strip()][PERSON if said is Author.HUMAN else -1] += 1
                score["plain"] += 1
                continue
            strangers = truth & {BEFORE, ABROAD}
            score[self._verdict(said, set(actions(line.owner)), truth, strangers)] += 1
            if score["wrong"] and not score["shown"]:
                score["shown"] = 1
                self.log.append(f"{name}:{number}: {text!r} said {said} {line.owner}, truth {truth}")
        for text, counts in claimed.items():
            wrote = self.plain[text]
            agents = sum(count for who, count in wrote.items() if isinstance(who, int))
            if counts[PERSON] > wrote[PERSON] or counts[-1] > agents:
                score["alike"] += 1
                self.log.append(f"{name}: {text!r} claimed {dict(counts)}, written {dict(wrote)}")

    @staticmethod
    def _verdict(said: Author, acted: set[int], truth: set[Writer], strangers: set[Writer]) -> str:
        if said is Author.UNKNOWN:
            return "old" if strangers else "unknown"
        agents = {who for who in truth if isinstance(who, int)}
        kinds = {
            Author.HUMAN: PERSON in truth and not agents,
            # Of a line that was nobody's a part stays nobody's, whoever else had a hand in it.
            Author.AGENT: bool(agents) and (PERSON not in truth or bool(strangers)),
            Author.MIXED: bool(agents) and PERSON in truth,
        }
        return "right" if kinds[said] and (not acted or acted & agents) else "wrong"


# -- one random step each


def step(world: World) -> None:
    """Whatever may happen next in a repository."""
    choose = world.random
    kind = choose.choices([one for one, _ in STEPS], [weight for _, weight in STEPS])[0]
    world.log.append(kind.__name__)
    kind(world)


def _some(world: World) -> str:
    files = world.files()
    if len(files) < 6 and world.random.random() < 0.1:
        return f"new{world._word}.py"
    return world.random.choice(files)


def _clean(world: World) -> None:
    world.git("add", "-A")
    world.git("commit", "-qm", "work in progress", "--allow-empty")


def person_edits(world: World) -> None:
    world.change(_some(world), PERSON)


def agent_edits(world: World) -> None:
    name = _some(world)
    world.act(name, lambda intent: world.change(name, intent))


def agent_runs_a_script(world: World) -> None:
    name = _some(world)
    world.act(name, lambda intent: world.change(name, intent), names=False)


def agent_formats(world: World) -> None:
    name = world.random.choice(world.files())
    world.act(name, lambda _: world.tidy(name))


def person_formats(world: World) -> None:
    world.tidy(world.random.choice(world.files()))


def person_commits(world: World) -> None:
    _clean(world)


def agent_commits(world: World) -> None:
    world.act("", lambda _: _clean(world), git=True)


def person_amends(world: World) -> None:
    _clean(world)
    world.change(_some(world), PERSON)
    world.git("add", "-A")
    world.git("commit", "-q", "--amend", "--no-edit", "--allow-empty")


def rename(world: World) -> None:
    name = world.random.choice(world.files())
    _clean(world)
    world._word += 1
    world.git("mv", name, f"moved{world._word}{Path(name).suffix}")
    if world.random.random() < 0.7:
        _clean(world)


def _branch(world: World, *, then: Callable[[str], object]) -> None:
    """Work on a branch while main goes on, then bring the two together."""
    _clean(world)
    world._branch += 1
    branch = f"branch{world._branch}"
    world.git("checkout", "-q", "-b", branch)
    for _ in range(world.random.randint(1, 3)):
        world.random.choice([person_edits, agent_edits, agent_edits])(world)
        world.random.choice([person_commits, agent_commits])(world)
    world.git("checkout", "-q", "main")
    if world.random.random() < 0.6:
        world.random.choice([person_edits, agent_edits])(world)
        _clean(world)
    then(branch)
    world.git("checkout", "-q", "-f", "main")


def merge(world: World) -> None:
    def then(branch: str) -> None:
        if world.git("merge", "-q", "--no-edit", "-X", "theirs", branch, fine=False):
            world.git("merge", "--abort")

    _branch(world, then=then)


def squash_merge(world: World) -> None:
    def then(branch: str) -> None:
        if world.git("merge", "-q", "--squash", "-X", "ours", branch, fine=False):
            world.git("reset", "-q", "--hard")
        else:
            world.git("commit", "-qm", "squashed", "--allow-empty")

    _branch(world, then=then)


def rebase(world: World) -> None:
    def then(branch: str) -> None:
        world.git("checkout", "-q", branch)
        if world.git("rebase", "-q", "-X", "theirs", "main", fine=False):
            world.git("rebase", "--abort")
        world.git("checkout", "-q", "main")
        world.git("merge", "-q", "--ff-only", branch, fine=False)

    _branch(world, then=then)


def rebase_and_squash(world: World) -> None:
    def then(branch: str) -> None:
        world.git("checkout", "-q", branch)
        if world.git("rebase", "-q", "-i", "-X", "theirs", "main", fine=False):
            world.git("rebase", "--abort", fine=False)
        world.git("checkout", "-q", "-f", "main")
        world.git("merge", "-q", "--ff-only", branch, fine=False)

    _branch(world, then=then)


def cherry_pick(world: World) -> None:
    def then(branch: str) -> None:
        if world.git("cherry-pick", "-X", "theirs", f"main..{branch}", fine=False):
            world.git("cherry-pick", "--abort", fine=False)
            world.git("reset", "-q", "--hard")

    _branch(world, then=then)


def revert(world: World) -> None:
    _clean(world)
    if world.git("revert", "--no-edit", "HEAD", fine=False):
        world.git("revert", "--abort", fine=False)
        world.git("reset", "-q", "--hard")


def stash(world: World) -> None:
    person_edits(world)
    if world.git("stash", "-q", fine=False) == 0:
        world.random.choice([agent_edits, agent_commits])(world)
        _clean(world)
        if world.git("stash", "pop", "-q", fine=False):
            world.git("checkout", "-q", "-f", "HEAD")
            world.git("stash", "drop", "-q", fine=False)


def from_abroad(world: World) -> None:
    """Commits of somebody else's arrive."""
    _clean(world)
    other = world.folder / "abroad"
    subprocess.run(["rm", "-rf", str(other)], check=True)
    world.git("clone", "-q", str(world.top), str(other))
    here = world.top
    world.top = other
    world.change(world.random.choice(world.files()), ABROAD)
    world.top = here
    world.git("add", "-A", where=other)
    world.git("commit", "-qm", "from abroad", "--allow-empty", where=other)
    if world.random.random() < 0.5:
        person_edits(world)
        _clean(world)
    world.git("fetch", "-q", str(other), "main")
    way = world.random.choice([("merge", "-q", "--no-edit", "-X", "theirs"), ("rebase", "-q", "-X", "theirs")])
    if world.git(*way, "FETCH_HEAD", fine=False):
        world.git(way[0], "--abort", fine=False)


STEPS: list[tuple[Callable[[World], None], int]] = [
    (person_edits, 10), (agent_edits, 14), (agent_runs_a_script, 1), (agent_formats, 2), (person_formats, 2),
    (person_commits, 5), (agent_commits, 5), (person_amends, 2), (rename, 1), (merge, 2), (squash_merge, 2),
    (rebase, 2), (rebase_and_squash, 2), (cherry_pick, 2), (revert, 1), (stash, 1), (from_abroad, 1),
]  # fmt: skip


def run(folder: Path, seed: int, steps: int) -> tuple[Score, World]:
    """One history, judged at its end."""
    world = World(folder, seed)
    for _ in range(steps):
        step(world)
    return world.judge(), world
