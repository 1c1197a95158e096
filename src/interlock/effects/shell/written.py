"""Source text that a line writes and then has compiled, tested or installed: it is no work of the project's yet.

`cat > a.go` and `go run a.go` in one line are one act. Scripts that are named are read where they run; for the other
ways in it is enough to look for the calls by which a program starts others or removes what it did not make.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

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
# What is read where it runs may still compute the names of what it removes: then it is enough that it speaks of home.
_READ = re.compile(r"\.(?:py|js|mjs|cjs|ts|rb|php|pl)$", re.IGNORECASE)
_REMOVES = re.compile(
    r"\brmtree\b|\bos\.(?:remove|unlink)\b|\.unlink\(|\brmSync\b|\bunlinkSync\b|\brm_rf?\b|\bremove_tree\b"
)
_HOME = re.compile(r"\bexpanduser\b|\bPath\.home\b|\bhomedir\b|\bDir\.home\b|\bHOME\b|[\"']/home\b")
_MOST = 65_536  # characters of one file that are looked through


def reaches(written: Mapping[str, str | None]) -> bool:
    """Whether a source file that this text wrote starts other programs or removes files."""
    return any(text is not None and _judged(path, text[:_MOST]) for path, text in written.items())


_COMPILERS = re.compile(r"(?:gcc|g\+\+|cc|c\+\+|clang(?:\+\+)?|tcc|go|rustc|swiftc|ghc|nim|gfortran|nvcc|dmd|ldc2)")


def compiles(words: Sequence[str | None], target: str, ours: str, written: Mapping[str, str | None]) -> bool:
    """Whether this command builds `target` from files of the project, or of this very text, and of nobody else."""
    if None in words or not _COMPILERS.fullmatch((words[0] or "").rpartition("/")[2]):
        return False
    foreign = [word for word in words[1:] if word is not None and word.startswith(("/", "~", "..")) and word != target]
    return all(word.startswith(ours.rstrip("/") + "/") or written.get(word) is not None for word in foreign)


def _judged(path: str, text: str) -> bool:
    if _SOURCE.search(path) is not None:
        return _REACHES.search(text) is not None
    return _READ.search(path) is not None and bool(_REMOVES.search(text) and _HOME.search(text))
