"""Pairs of public sets by other people: how often the change gate stops one, and how often the one back.

    python benchmarks/pairs/outside.py DATA [--prove]

    DATA: `data.json` of SecCodePLT, or a folder with some of its records
          (https://github.com/ucsb-mlsec/SecCodePLT, virtue_code_eval/data/safety/codesecplt)
    DATA: a folder that has, for each task of CWEval, a folder with `safe.*` (what it calls the task) and `unsafe.*`
          (that stands beside it, of Python in its test), in Python, JavaScript or Go
          (https://github.com/LostBenjamin/CWEval, benchmark/core)

A record of SecCodePLT is a function of Python with a weakness and the same function patched, with test cases of what it
can do (both versions pass them) and of its safety (the patched one alone does). Many are one seed under other names, so
families (CWE) are told beside them. A record of which a label does not hold here, or that has none, is counted and not
scored. CWEval's tests need its own image: its labels are taken as its authors ran them, and comments and names that
tell them are taken out. Nothing of either set is kept here, and nobody who wrote the gate looked at one of its cases.

The test cases of SecCodePLT attack its programs, so they run where nothing but their own folder can be written and no
network is: without bubblewrap they do not run.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.pairs.labels import contained, run
from benchmarks.pairs.pair import LANGUAGES, Pair
from benchmarks.pairs.score import ASKED, Judged, judged, share

_SECONDS = 20
# These sets say what their programs import in no manifest, so that it is missing there is no answer.
_ASKED = tuple(stage for stage in ASKED if stage != "dependencies")
# What the set's own harness does: each case is a call by name, and what it should give back, or should raise.
_HARNESS = """
import inspect, json, signal, types
signal.alarm({seconds})
scope = {{"__name__": "subject"}}
for part in ("setup", "code", "testcases"):
    exec(compile(open(part).read(), part, "exec"), scope)
cases = scope["testcases"]
names = set(next((case[0] for some in cases.values() for case in some), {{}}))
calls = [one for one in scope.values() if isinstance(one, types.FunctionType) and one.__code__.co_filename == "code"]
fits = [one for one in calls if names <= set(inspect.signature(one).parameters)]
said = {{}}
for situation, some in cases.items():
    said[situation] = []
    for given, wanted in some:
        try:
            got = fits[0](**given)
            raised = None
        except Exception as error:
            got, raised = None, error
        if isinstance(wanted, type) and issubclass(wanted, Exception):
            said[situation].append(isinstance(raised, wanted))
        else:
            said[situation].append(raised is None and str(got) == str(wanted))
open("said", "w").write(json.dumps(said))
"""


def records(data: Path) -> list[Mapping[str, Any]]:
    """All records of a file or a folder."""
    files = sorted(data.glob("*.json")) if data.is_dir() else [data]
    found: list[Mapping[str, Any]] = []
    for file in files:
        text = json.loads(file.read_text("utf-8"))
        found += text if isinstance(text, list) else [text]
    return found


def paired(some: Sequence[Mapping[str, Any]]) -> Iterator[Pair]:
    """The records that have test cases, as pairs; `works` is the setup and `guarded` the cases."""
    for number, record in enumerate(some):
        parts, tests = record["ground_truth"], record.get("unittest") or {}
        before, after = parts["code_before"], parts["code_after"]
        safe, unsafe = (before + parts[name] + after for name in ("patched_code", "vulnerable_code"))
        if safe != unsafe and (tests.get("testcases") or "").strip():
            path = f"service/task{number}.py"
            yield Pair(f"CWE-{record['CWE_ID']}", path, "", safe, unsafe, tests.get("setup") or "", tests["testcases"])


def tasks(data: Path) -> Iterator[Pair]:
    """The pairs of a folder of folders, without what tells a version by a name or in words."""
    for safe in sorted(data.rglob("safe.*")):
        unsafe = safe.with_name(f"unsafe{safe.suffix}")
        if safe.suffix.lstrip(".") in LANGUAGES and unsafe.exists():
            family = re.sub(r"cwe_0*(\d+).*", r"CWE-\1", safe.parent.name)
            texts = [_untold(one.read_text("utf-8"), safe.suffix) for one in (safe, unsafe)]
            yield Pair(family, f"service/{safe.parent.name}{safe.suffix}", "", texts[0], texts[1], "", "")


def _untold(text: str, suffix: str) -> str:
    """A version without comments, and without endings of names that say which it is."""
    text = re.sub(r"_(?:unsafe|insecure|safe|secure)(?:_?\d+)?\b", "", text)
    if suffix != ".py":
        return re.sub(r"(?m)^[ \t]*(?://.*|/\*[\s\S]*?\*/)[ \t]*\n", "", text)
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        told = (
            isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
        )
        if told and isinstance(body, list):
            body[0] = ast.Pass()
    return ast.unparse(tree) + "\n"


def sound(data: Path, folder: Path) -> list[Pair]:
    """The pairs of a set whose labels are known to hold; says how many there are."""
    if data.is_dir() and any(data.rglob("safe.*")):
        found = list(tasks(data))
        print(f"{len(found)} pairs; their labels are the set's own")
        return found
    if not contained():
        sys.exit(
            "Test cases of this set attack what they test: they run in bubblewrap alone, and it cannot be used here."
        )
    every = records(data)
    some = list(paired(every))
    found = [pair for number, pair in enumerate(some) if holds(pair, folder / f"{number}-proof")]
    print(f"{len(every)} records, {len(some)} with test cases; of {len(found)} the labels hold here")
    return found


def holds(pair: Pair, folder: Path) -> bool:
    """Whether both versions do what they should, and the safe one alone is safe."""
    said = {}
    for version, code in (("safe", pair.safe), ("unsafe", pair.unsafe)):
        here = folder / version
        here.mkdir(parents=True)
        for name, text in (("setup", pair.works), ("code", code), ("testcases", pair.guarded)):
            (here / name).write_text(text, "utf-8")
        (here / "harness.py").write_text(_HARNESS.format(seconds=_SECONDS), "utf-8")
        status, _ = run([sys.executable, "harness.py"], here, seconds=_SECONDS + 5)
        if status or not (here / "said").exists():
            return False
        said[version] = json.loads((here / "said").read_text("utf-8"))
    safe, unsafe = said["safe"], said["unsafe"]
    able = all(all(some["capability"]) and some["capability"] for some in (safe, unsafe))
    return bool(able and safe["safety"] and all(safe["safety"]) and not all(unsafe["safety"]))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the set, or a part of it")
    parser.add_argument("--prove", action="store_true", help="only say of how many the labels hold here")
    parser.add_argument("--stages", default=",".join(_ASKED), help="the stages that are asked")
    args = parser.parse_args()
    asked = args.stages.split(",")
    lost: list[Judged] = []
    won: list[Judged] = []
    with tempfile.TemporaryDirectory(prefix="pairs-") as name:
        folder = Path(name)
        found = sound(args.data, folder)
        for number, pair in enumerate([] if args.prove else found):
            lost.append(judged(pair, folder / f"{number}-lost", asked=asked))
            won.append(judged(pair, folder / f"{number}-won", fixing=True, asked=asked))
    if lost:
        told(lost, won, asked)


def told(lost: Sequence[Judged], won: Sequence[Judged], asked: Sequence[str]) -> None:
    """Print the figures: of all, of each language and family, and by stage."""
    stopped = [j for j in lost if j.stopped]
    print(
        f"weakening stopped {share([j.stopped for j in lost])}, of these blocked {share([j.blocked for j in stopped])}"
    )
    print(f"fixing stopped    {share([j.stopped for j in won])}")
    families: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for one, other in zip(lost, won, strict=True):
        families[one.pair.language].append((one.stopped, other.stopped))
        families[one.pair.family].append((one.stopped, other.stopped))
    for family, pairs in sorted(families.items()):
        print(f"  {family:10} weakening {share([a for a, _ in pairs])}  fixing {share([b for _, b in pairs])}")
    for stage in asked:
        print(
            f"  {stage:12} weakening {share([stage in j.weights for j in lost])},"
            f"  fixing {share([stage in j.weights for j in won])}"
        )


if __name__ == "__main__":
    main()
