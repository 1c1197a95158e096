"""Which tests say something of the changed files: those that import them, near or far. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from interlock.changes import imports
from interlock.changes.shapes import is_test

_MOST = 400  # files of tests; more are left to `select = "all"`


def holds_tests(path: str) -> bool:
    """Whether pytest collects a file, by its usual names."""
    name = path.rpartition("/")[2]
    return is_test(path) and name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def affected(changed: Iterable[str], texts: Mapping[str, str]) -> tuple[list[str], int]:
    """Files of tests that reach one of the changed files through imports, the nearest first; how many were left out.

    Args:
        changed: paths of the change, tests among them.
        texts: every file of Python of the new tree.
    """
    users = imports.users(texts)
    reached, queue = dict[str, int](), deque((path, 0) for path in changed)
    while queue:
        path, far = queue.popleft()
        if path in reached:
            continue
        reached[path] = far
        queue += [(user, far + 1) for user in sorted(users.get(path, ()))]
        if path.rpartition("/")[2] == "conftest.py":
            folder = path.removesuffix("conftest.py")
            queue += [(one, far + 1) for one in sorted(texts) if one.startswith(folder) and holds_tests(one)]
    found = sorted((far, path) for path, far in reached.items() if holds_tests(path) and path in texts)
    return [path for _, path in found[:_MOST]], max(0, len(found) - _MOST)
