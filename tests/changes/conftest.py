"""What a stage reads of its own package once, it reads before the tests fork a process for each of their stages.

A user's gate forks each stage once, and there it reads what it needs. The tests fork some thousand: without this, each
compiled the same patterns and parsers anew, which was most of the time that these tests took.
"""

from __future__ import annotations

import pytest

from changes.making import Files, change
from interlock.changes.stages import stages

# One file of each kind that a stage has a reader for. What the stages find here is nobody's concern.
_BEFORE: Files = {
    "a.py": "import os\n\n\ndef f(x):\n    if not x:\n        raise ValueError\n    return os.path.join(x)\n",
    "b.js": "function f(x) { if (!x) { throw new Error('no') } return eval(x) }\n",
    "b.ts": "export function f(x: string): string { return x }\n",
    "test_a.py": "import a\n\n\ndef test_f():\n    assert a.f('x') == 'x'\n",
    "a.yml": "on: push\njobs: {a: {steps: [{run: ls}]}}\n",
    "package.json": '{"dependencies": {"left-pad": "1.0.0"}}\n',
    "requirements.txt": "requests==2.0.0\n",
    "a.sql": "create table a (b int);\n",
    "a.sh": "rm -rf $1\n",
    "a.md": "# a\n",
}


@pytest.fixture(scope="session", autouse=True)
def _read(tmp_path_factory: pytest.TempPathFactory) -> None:
    after: Files = {name: text.replace("x", "y") + "\n" for name, text in _BEFORE.items() if isinstance(text, str)}
    seen = change(tmp_path_factory.mktemp("read") / "r", _BEFORE, after)
    for stage in stages():
        stage.run(seen)
