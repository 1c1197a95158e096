"""Source text that a line writes and then has compiled, tested or installed: it is no work of the project's yet.

`cat > a.go` and `go run a.go` in one line are one act. Scripts that are named are read where they run; for the other
ways in it is enough to look for the calls by which a program starts others or removes what it did not make.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_SOURCE = re.compile(
    r"(?:\.(?:go|rs|c|cc|cpp|cxx|m|mm|h|hpp|java|kt|kts|scala|groovy|gradle|lua|swift|r|jl|exs?|erl|cs|fs|hs|ml|nim|zig|dart)"
    r"|/(?:conftest|setup|sitecustomize|usercustomize|noxfile|fabfile|tasks)\.py)$",
    re.IGNORECASE,
)
_REACHES = re.compile(
    r"\b(?:system|popen|execl[ep]?|execv[ep]?|posix_spawnp?|shell_exec|passthru|proc_open|unlink|rmtree|rm_rf|nftw)\s*\("
    r"|\bexec\.Command|\bsyscall\.Exec|\bos\.Remove(?:All)?\b|\bCommand::new|\bremove_(?:dir_all|file)\b"
    r"|\bgetRuntime\(\)\.exec|\bProcessBuilder\b|\bdeleteRecursively\b|\bos\.(?:execute|remove)\b|\bio\.popen\b"
    r"|\bos:cmd\b|\bSystem\.cmd\b|\bFile\.rm_rf|\bProcess\.Start\b|\bDirectory\.Delete\b|\bsubprocess\b|\bchild_process\b"
    r"|\brmSync\b|\bcallProcess\b|\bsystem2\b|\bFileManager\.default\.removeItem\b|\bstd::filesystem::remove_all\b"
)
_MOST = 65_536  # characters of one file that are looked through


def reaches(written: Mapping[str, str | None]) -> bool:
    """Whether a source file that this text wrote starts other programs or removes files."""
    return any(
        text is not None and _SOURCE.search(path) is not None and _REACHES.search(text, 0, _MOST) is not None
        for path, text in written.items()
    )
