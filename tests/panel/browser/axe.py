"""axe-core, the engine that finds what people with a screen reader, a keyboard or weak eyes cannot use.

It comes from npm into a temporary folder of the test session, pinned by version and hash (`axe/package-lock.json`). Its
licence is MPL-2.0: it is a tool of this test alone, is not in the package, and nothing of it is distributed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from interlock.drills.install import cache, npm_command

_PINS = Path(__file__).parent / "axe"
# WCAG 2.2 AA and below, and what axe counts as good practice.
_RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.flatMap(rule => rule.nodes.map(node => `${rule.id} (${rule.impact}): ${node.target} ${node.failureSummary}`));
}"""  # noqa: E501


def install(folder: Path) -> str:
    """axe-core's source, installed into `folder`."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_PINS / name, folder / name)
    base = cache(os.environ)
    base.mkdir(parents=True, exist_ok=True)
    words = [*npm_command(base, dict(os.environ), print), "ci", "--ignore-scripts", "--no-fund", "--no-audit"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
    return (folder / "node_modules/axe-core/axe.min.js").read_text()


def violations(page: Page) -> list[str]:
    """What axe finds on a page that was loaded with its source as an init script."""
    found: list[Any] = page.evaluate(_RUN)
    return [str(one) for one in found]
