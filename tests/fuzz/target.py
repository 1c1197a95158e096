"""The target of the coverage-guided fuzzer: any bytes, through every reader, are effects or opaque, in bounded time.

    python tests/fuzz/target.py -runs=20000 -max_len=4096 CORPUS_DIRECTORY

The first byte chooses the door (a shell, inline code of a language, SQL, a tool's JSON input), the rest is the text.
The process ends with a traceback when a reader raises, answers without a reading, or takes longer than `SLOWEST`.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import shlex
import sys
import time

import atheris

with atheris.instrument_imports(include=["interlock.effects"]):
    import interlock.effects
    import interlock.effects.catalogue

    for module in pkgutil.walk_packages(interlock.effects.__path__, "interlock.effects."):
        importlib.import_module(module.name)  # readers are imported late; here before the first input
    from interlock.effects.read import read_action

from interlock.model.action import Action, Principal, Reading
from interlock.model.world import Nowhere, Setting

SLOWEST = 1.0  # seconds of processor time for one input of a few KiB, instrumentation included
HOME = "/home/dev"
SETTING = Setting(cwd=f"{HOME}/app", home=HOME, user="dev", workspace=f"{HOME}/app")
PRINCIPAL = Principal(agent="fuzz", session="")
WRAPPED = tuple(
    line.strip()
    for line in """
    python3 -c {}
    node -e {}
    ruby -e {}
    perl -e {}
    php -r {}
    psql -c {}
    mysql -e {}
    sqlite3 a.db {}
    awk {} f
    sed {} f
    jq {} f
    bash -c {}
    pwsh -c {}
    mongosh --eval {}
    redis-cli {}
    git {}
    make {}
    curl {}
    find . {}
    tar {}
    ssh host {}
    docker {}
    kubectl {}
    aws {}
    vim -c {}
    xargs {}
    {}
    """.strip().splitlines()
)


def action(door: int, text: str) -> Action:
    """The tool call that the bytes stand for."""
    if door < 100:
        return Action("Bash", {"command": text}, SETTING.cwd, PRINCIPAL)
    if door < 200:
        command = WRAPPED[door % len(WRAPPED)].format(shlex.quote(text))
        return Action("Bash", {"command": command}, SETTING.cwd, PRINCIPAL)
    if door < 220:
        return Action("PowerShell", {"command": text}, SETTING.cwd, PRINCIPAL)
    tool, _, rest = text.partition("\n")
    try:
        given = json.loads(rest)
    except (ValueError, RecursionError):
        given = {"sql": rest, "command": text, "path": rest[:80]}
    return Action(tool[:80] or "Bash", given if isinstance(given, dict) else {"input": given}, SETTING.cwd, PRINCIPAL)


def one(data: bytes) -> None:
    """Read one input."""
    if not data:
        return
    what = action(data[0], data[1:].decode("utf-8", "surrogateescape"))
    begun = time.process_time()
    reading = read_action(what, SETTING, Nowhere())
    spent = time.process_time() - begun
    if not isinstance(reading, Reading) or reading.failed:
        raise AssertionError(f"a reader failed: {reading.effects[:1]!r}")
    if any(" failed (" in note for effect in reading.effects for note in effect.notes):
        raise AssertionError(f"a reader failed: {[e.notes for e in reading.effects if e.notes]!r}")
    if spent > SLOWEST:
        raise AssertionError(f"{spent:.2f} s for {len(data)} bytes")


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
