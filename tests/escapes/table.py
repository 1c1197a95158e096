"""Writes docs/reference/escapes.md from results of `run.py --json`: `PYTHONPATH=tests python -m escapes.table FILE…`.

A file's results are headed by its sandbox's name and by the user, which is the file's name behind the last dash
(`results-root.json`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from escapes.probe import GROUPS, Probe
from escapes.probes import ALL

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "escapes.md"
RESULTS = Path(__file__).with_name("results.json")

HEAD = """\
# Attempts to get out

<!-- Written by `PYTHONPATH=tests python -m escapes.table`. Do not edit. -->

Each line below is one attempt (`tests/escapes/probes/`), made by a program in the sandbox and judged from outside by
what became of the host: a secret that came out, a file that is there, a service that was reached, configuration of the
workspace that something outside would read or run. The same attempts can be put to any sandbox:
`python tests/escapes/run.py --with 'COMMAND … {}'`. In the test rings each must stay inside, as root and as an ordinary
user, and where a wall is taken away on purpose the suite must notice (`tests/escapes/test_escapes.py`).

- **none**: no sandbox. What is closed here is closed by the system itself, or means nothing without a sandbox.
- **bwrap**: bubblewrap, the system read-only, the workspace writable, private /tmp, /dev and /proc, every namespace of
  its own. What it leaves open is mostly what it was not asked to close: the home, and what is written in the workspace.
- **interlock**: the profile `build`: `interlock-run`, then the changes listed, judged and committed.

"""


def page(results: dict[str, dict[str, str]]) -> str:
    """The page for these results: sandbox and user (`bwrap, root`) → attempt → end."""
    names = list(results)
    lines = ["| open of made | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for group, title in GROUPS.items():
        lines.append(_row(title, [p for p in ALL if p.group == group], results))
    lines.append(_row("**all**", list(ALL), results))
    for group, title in GROUPS.items():
        lines += [
            "",
            f"## {title}",
            "",
            "| attempt | what | from | " + " | ".join(names) + " |",
            "|---" * (len(names) + 3) + "|",
        ]
        for probe in ALL:
            if probe.group == group:
                ends = (_end(results[name].get(probe.id)) for name in names)
                lines.append(
                    f"| {probe.id} | {_text(probe.about)} | {_text(probe.origin)} | " + " | ".join(ends) + " |"
                )
    return HEAD + "\n".join(lines) + "\n"


def _row(title: str, probes: list[Probe], results: dict[str, dict[str, str]]) -> str:
    cells = []
    for found in results.values():
        made = [found[p.id] for p in probes if found.get(p.id) in ("open", "closed")]
        cells.append(f"{made.count('open')} of {len(made)}")
    return f"| {title} | " + " | ".join(cells) + " |"


def _end(end: str | None) -> str:
    return {"open": "**open**", "closed": "closed", None: "-"}.get(end, "-")


def _text(text: str) -> str:
    shown = "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)
    return shown.replace("|", "\\|").replace("<", "&lt;")


def main() -> int:
    """Take in new results, if there are any, and write the page."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in sys.argv[1:]:
        user = Path(name).stem.rpartition("-")[2]
        for sandbox, found in json.loads(Path(name).read_text()).items():
            kept.setdefault(f"{sandbox}, {user}", {}).update(found)
    order = {"none": 0, "bwrap": 1}
    kept = dict(sorted(kept.items(), key=lambda item: (order.get(item[0].split(",")[0], 2), item[0])))
    RESULTS.write_text(json.dumps(kept, indent=0, sort_keys=False) + "\n")
    PAGE.write_text(page(kept))
    return 0


if __name__ == "__main__":
    sys.exit(main())
