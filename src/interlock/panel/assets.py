"""The panel's own files: styles, scripts and two libraries, kept in the package and named by their digests.

`static/manifest.json` says what each file is, whence it came and what its SHA-256 is. After a change of our own files
`python -m interlock.panel.assets` writes their digests anew; those of the libraries are their releases', and the
command refuses to touch them.
"""

from __future__ import annotations

import hashlib
import json
import sys
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

_TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}


class Asset(NamedTuple):
    """A file that browsers fetch."""

    name: str
    data: bytes
    digest: str
    media_type: str


@cache
def manifest() -> dict[str, dict[str, Any]]:
    """What each file is, by its name."""
    text = resources.files(__package__).joinpath("static/manifest.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


@cache
def assets() -> dict[str, Asset]:
    """The files that are served, by name. What is not in the manifest is not served."""
    folder = resources.files(__package__).joinpath("static")
    found = {}
    for name, facts in manifest().items():
        if facts.get("licence_of"):
            continue
        data = folder.joinpath(name).read_bytes()
        found[name] = Asset(name, data, digest(data), _TYPES[name.rsplit(".", 1)[1]])
    return found


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def address(name: str) -> str:
    """Where a file is fetched from: its digest stands in the path, so that it can be kept for ever."""
    return f"/static/{assets()[name].digest[:16]}/{name}"


def _renew() -> None:
    folder = Path(__file__).parent / "static"
    written = manifest()
    for name, facts in written.items():
        found = digest((folder / name).read_bytes())
        if facts.get("from") and facts["sha256"] != found:
            sys.exit(f"{name} is not the file of its release ({facts['from']}). Put that back.")
        facts["sha256"] = found
    (folder / "manifest.json").write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _renew()
