"""Which language a file is written in, by who runs it or by its ending."""

from __future__ import annotations

import posixpath
import re

_ENDINGS = {
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".jsx": "tsx",
    ".ts": "typescript",
    ".mts": "typescript",
    ".cts": "typescript",
    ".tsx": "tsx",
    ".rb": "ruby",
    ".rake": "ruby",
    ".pl": "perl",
    ".pm": "perl",
    ".php": "phpfile",
    ".go": "go",
}
_RUNNERS = {
    "node": "javascript",
    "nodejs": "javascript",
    "bun": "typescript",
    "deno": "typescript",
    "tsx": "typescript",
    "ts-node": "typescript",
    "zx": "javascript",
    "ruby": "ruby",
    "jruby": "ruby",
    "perl": "perl",
    "php": "phpfile",
    "go": "go",
}
_VERSION = re.compile(r"[-.\d]+$")


def language_of(runner: str, path: str) -> str:
    """The language that `runner` reads, else the one that the ending of `path` says; "" when neither is known."""
    ending = _ENDINGS.get(posixpath.splitext(path)[1], "")
    said = _RUNNERS.get(_VERSION.sub("", runner.partition(" ")[0]), "")  # `deno run` is deno
    if said in ("javascript", "typescript") and ending in ("javascript", "typescript", "tsx"):
        return ending
    return said or (ending if not runner else "")
