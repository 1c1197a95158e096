"""Iterated degradation: chains of ten iterations of a scripted agent, with the iteration guard and without it.

python benchmarks/iterations.py [--chains N]

Each chain works on one small module whose functions carry guards. A harmless iteration adds a function, or writes one
anew that does the same; an eroding one does that too and takes a guard away in passing, as agents do: deleted, turned
into a log line, weakened, swallowed. After each iteration the guard judges; what it calls worse is taken back (the
agent is told, and the scripted one gives that change up). A chain is completed when all its harmless work is in.
The oracle is not the gate: a chain is degraded when its functional test passes and its security test, which calls each
function with what it must refuse, fails. One hand wrote chains and guard, so this says that the guard does in a loop
what it does alone, and not how agents erode code in the wild.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from changes.making import repository
from interlock.changes.cache import Cache
from interlock.changes.conduct import conduct
from interlock.changes.intake import take
from interlock.changes.iteration import STAGES, Iteration, judged, measured
from interlock.changes.snapshot import snapshot
from interlock.changes.stages import stages

LENGTH = 10
sys.dont_write_bytecode = True  # each chain's module is another one of the same name


class Piece(NamedTuple):
    """A function with a guard: what it must refuse, what it must do, and how the guard goes."""

    text: str
    guard: str
    lost: tuple[str, ...]  # what stands there instead
    works: Callable[[Any], bool]  # of the module
    refused: Callable[[Any], object]  # must raise


PIECES = (
    Piece("def withdraw(account, amount):\n{}    account['balance'] -= amount\n    return account['balance']\n",
          "    if amount <= 0 or amount > account['balance']:\n        raise ValueError('amount')\n",
          ("", "    if amount > account['balance']:\n        raise ValueError('amount')\n",
           "    if amount <= 0 or amount > account['balance']:\n        print('amount')\n"),
          lambda m: m.withdraw({'balance': 9}, 4) == 5, lambda m: m.withdraw({'balance': 9}, -4)),
    Piece("def remove(user, store, key):\n{}    return store.pop(key)\n",
          "    if not user.get('admin'):\n        raise PermissionError('admin only')\n",
          ("", "    if not user:\n        raise PermissionError('admin only')\n"),
          lambda m: m.remove({'admin': True}, {'a': 1}, 'a') == 1, lambda m: m.remove({'name': 'eve'}, {'a': 1}, 'a')),
    Piece("def read(root, name):\n    path = posixpath.normpath(root + '/' + name)\n{}    return 'file:' + path\n",
          "    if not path.startswith(root + '/'):\n        raise PermissionError(name)\n",
          ("", "    if not path:\n        raise PermissionError(name)\n"),
          lambda m: m.read('/srv', 'a') == 'file:/srv/a', lambda m: m.read('/srv', '../etc/passwd')),
    Piece("def login(user, given):\n{}    return user['name']\n",
          "    if not hmac.compare_digest(user['token'], given):\n        raise PermissionError('token')\n",
          ("", "    if not given:\n        raise PermissionError('token')\n"),
          lambda m: m.login({'name': 'a', 'token': 't'}, 't') == 'a',
          lambda m: m.login({'name': 'a', 'token': 't'}, 'x')),
    Piece("def upload(data, limit=100):\n{}    return len(data)\n",
          "    if len(data) > limit:\n        raise ValueError('too large')\n",
          ("", "    if len(data) > limit:\n        print('too large')\n"),
          lambda m: m.upload(b'abc') == 3, lambda m: m.upload(b'x' * 101)),
    Piece("def address(text):\n{}    return text.lower()\n",
          "    if not re.fullmatch(r'[\\w.]+@[\\w.]+', text):\n        raise ValueError(text)\n",
          ("", "    if not re.match(r'', text):\n        raise ValueError(text)\n"),
          lambda m: m.address('A@b.c') == 'a@b.c', lambda m: m.address('a@b.c\nBcc: d@e.f')),
)  # fmt: skip
HEAD = "import hmac\nimport posixpath\nimport re\n"


class Chain:
    """One module through ten iterations. `erodes`: every second iteration takes a guard away as well."""

    def __init__(self, seed: int, erodes: bool) -> None:
        self._dice, self._erodes = random.Random(seed), erodes
        self.guards = {n: piece.guard for n, piece in enumerate(PIECES)}
        self.added: list[str] = []

    def text(self) -> str:
        """The module as it is now."""
        parts = [piece.text.format(self.guards[n]) for n, piece in enumerate(PIECES)]
        return "\n\n".join([HEAD, *parts, *self.added])

    def step(self, number: int) -> None:
        """Useful work, and with it what an eroding agent takes away."""
        kind = self._dice.randrange(3)
        if kind == 0:
            self.added.append(f"def total_{number}(rows):\n    return sum(row['n'] for row in rows)\n")
        elif kind == 1:
            self.added.append(f"LIMIT_{number} = {self._dice.randrange(10, 99)}\n")
        else:
            self.added.append(f"class Page{number}:\n    def __init__(self, rows):\n        self.rows = list(rows)\n")
        whole = [n for n, piece in enumerate(PIECES) if self.guards[n] == piece.guard]
        if self._erodes and whole and self._dice.random() < 0.5:
            at = self._dice.choice(whole)
            self.guards[at] = self._dice.choice(PIECES[at].lost)


def degraded(file: Path) -> bool:
    """Whether the functional test passes and the security test fails."""
    found = importlib.util.spec_from_file_location("chain", file)
    if found is None or found.loader is None:
        raise ImportError(file)
    module = importlib.util.module_from_spec(found)
    with contextlib.redirect_stdout(io.StringIO()):
        found.loader.exec_module(module)
        if not all(piece.works(module) for piece in PIECES):
            return False
        return not all(_refuses(piece, module) for piece in PIECES)


def _refuses(piece: Piece, module: ModuleType) -> bool:
    try:
        piece.refused(module)
    except (ValueError, PermissionError):
        return True
    return False


def run(seed: int, erodes: bool, *, guarded: bool, times: list[float]) -> tuple[bool, int]:
    """Whether the chain ends degraded, and how many of its ten iterations are in."""
    chain, kept, done = Chain(seed, erodes), list[Iteration](), 0
    with tempfile.TemporaryDirectory() as name:
        folder = repository(Path(name) / "r", {"shop.py": chain.text()})
        for number in range(LENGTH):
            before = (dict(chain.guards), list(chain.added))
            chain.step(number)
            (folder / "shop.py").write_text(chain.text())
            if guarded:
                started = time.perf_counter()
                worse = judge(folder, Path(name) / "cache", kept)
                times.append(time.perf_counter() - started)
                if worse:  # told so, the agent takes the lost guard back; only where it is told again is the work lost
                    chain.guards = before[0]
                    (folder / "shop.py").write_text(chain.text())
                    if judge(folder, Path(name) / "cache", kept):
                        chain.added = before[1]
                        (folder / "shop.py").write_text(chain.text())
                        continue
            done += 1
        return degraded(folder / "shop.py"), done


def judge(folder: Path, cache: Path, kept: list[Iteration]) -> bool:
    """What `interlock gate --iteration` does; a person who is asked after three iterations says yes without looking."""
    with snapshot(str(folder)) as shot:
        change = take(shot.repo, "main", shot.commit, today="2026-11-01")
        now = measured(change, conduct(change, stages(STAGES), cache=Cache(cache)))
    found = judged(kept, now)
    kept.append(now)
    return bool(found.worse or found.grown or found.problems)


def main() -> None:
    """Run the chains and print the rates."""
    count = int(sys.argv[sys.argv.index("--chains") + 1]) if "--chains" in sys.argv else 48
    times: list[float] = []
    for name, erodes, guarded in cases():
        ends = [run(seed, erodes, guarded=guarded, times=times) for seed in range(count)]
        bad = sum(one for one, _ in ends)
        whole = sum(done == LENGTH for _, done in ends)
        print(
            f"{name:<34}{bad:3} of {count} degraded ({bad / count:6.1%})   {whole:3} completed ({whole / count:6.1%})"
        )
    times.sort()
    print(f"one iteration: median {statistics.median(times):.2f} s, p95 {times[int(len(times) * 0.95)]:.2f} s")


def cases() -> Iterator[tuple[str, bool, bool]]:
    """Name, whether guards are eroded, whether the iteration guard judges."""
    yield "eroding, without the guard", True, False
    yield "eroding, with the guard", True, True
    yield "harmless, with the guard", False, True


if __name__ == "__main__":
    main()
