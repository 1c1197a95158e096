"""Notebooks that are run: the cells of code, in their order, are read as the program that they make together."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.words import word_list
from interlock.effects.invocation import Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Verb

_MOST_CELLS = 300
_SHELL_CELLS = frozenset({"bash", "sh", "script", "system", "sx", "!"})
_SHOWN_CELLS = frozenset({"javascript", "js", "html", "HTML", "latex", "markdown", "svg", "SVG"})
_PYTHON_CELLS = frozenset({"time", "timeit", "capture", "prun", "memit", "mprun", "lprun", "python", "python3", "pypy"})
_PROGRAMS = word_list("notebook-programs")
_QUIET = word_list("notebook-quiet")
_LINE = re.compile(r"(?P<indent>\s*)(?:[\w.]+(?:\s*,\s*[\w.]+)*\s*=\s*)?(?P<mark>!!?|%)(?P<rest>[^%=\s].*)")
_PUT_IN = re.compile(r"\{[^{}]*\}")  # IPython puts the value of a Python expression there
_KERNELS = {
    "python": "python",
    "ruby": "ruby",
    "javascript": "javascript",
    "typescript": "typescript",
    "perl": "perl",
    "php": "php",
    "go": "go",
    "bash": "shell",
    "shell": "shell",
    "sh": "shell",
}


def notebook(draft: Draft) -> None:
    """jupyter execute and run, nbconvert --execute, papermill: the notebooks named are read and run."""
    named = [value for value in draft.values("notebook") if value.text is None or ".ipynb" in value.text]
    if draft.said.path[:1] == ["nbconvert"] and not draft.has("execute"):
        draft.project("jupyter nbconvert")
    elif draft.command == "papermill":
        for value in named[:1]:
            run_notebook(draft, value)
        for value in named[1:2]:
            if "://" in (value.text or ""):
                draft.host(Verb.SEND, value.text or "")
            else:
                draft.file(Verb.WRITE, value)
    else:
        for value in named:
            run_notebook(draft, value)
    if not named:
        draft.project(draft.command, note="the notebook was not read")


def run_notebook(draft: Draft, value: Word) -> None:
    """One notebook: project code in the workspace, and what its cells certainly do; elsewhere all must be read."""
    if "://" in (value.text or ""):
        draft.run_unread(value.text or "", "a notebook off the network", (L.FROM_NETWORK,))
        return
    path = draft.path(value)
    if path is None:
        draft.run_unread(value.source or value.text or "?", "which notebook runs is not known", value.taint)
        return
    text = draft.content(path)
    found = cells(text) if text is not None else None
    ours = draft.ours(path)
    if found is None:
        if ours:
            draft.project(path, note="the notebook was not read")
        else:
            draft.run_unread(path, "a notebook outside of the workspace could not be read", value.taint)
        return
    language, sources = found
    if not _read(draft, language, sources, strict=not ours) and not ours:
        draft.opaque(f"the cells of {path} cannot be read")
    draft.project(path, note=f"runs {path}")


def cells(text: str) -> tuple[str, list[str]] | None:
    """The language of a notebook and its cells of code; None when this is no notebook."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or not isinstance(data.get("cells"), list) or len(data["cells"]) > _MOST_CELLS:
        return None
    sources = []
    for cell in data["cells"]:
        if not isinstance(cell, dict):
            return None
        source = cell.get("source", "")
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            return None
        if cell.get("cell_type") == "code":
            sources.append(source)
    return _language(data.get("metadata")), sources


def _language(metadata: Any) -> str:
    data = metadata if isinstance(metadata, dict) else {}
    for key, name in (("language_info", "name"), ("kernelspec", "language"), ("kernelspec", "name")):
        part = data.get(key)
        if isinstance(part, dict) and isinstance(part.get(name), str):
            return re.sub(r"[\d.]+$", "", part[name].lower())
    return "python"


def _read(draft: Draft, language: str, sources: list[str], *, strict: bool) -> bool:
    """Read the cells in the language of their kernel. False when it is none that is read, or the text is not."""
    from interlock.effects.catalogue.readers.python import read_file
    from interlock.effects.code import read_code

    known_as = _KERNELS.get(language, "")
    if known_as == "shell":
        draft.shell("\n".join(sources))
        return True
    if known_as and known_as != "python":
        return read_code(draft, known_as, "\n".join(sources), strict=strict)
    if not known_as:
        return False
    python = "\n".join(Cells(draft, strict=strict).python(sources))
    return read_file(draft, python, strict=strict)


class Cells:
    """The cells of one notebook: lines for the shell and for magics are read, and what is left is Python."""

    def __init__(self, draft: Draft, *, strict: bool) -> None:
        self.draft = draft
        self.strict = strict
        self.folder = ""  # the directory that %cd went to

    def python(self, sources: list[str]) -> list[str]:
        """The Python of every cell."""
        return [self._cell(source) for source in sources]

    def _cell(self, source: str) -> str:
        first, _, rest = source.lstrip().partition("\n")
        if first.startswith("%%"):
            return self._whole(first[2:].strip(), rest)
        lines = []
        for line in source.split("\n"):
            match = _LINE.fullmatch(line)
            if match is None:
                lines.append(line)
                continue
            more = self._line(match["mark"], match["rest"].strip())
            lines.append(match["indent"] + (more or "pass"))
        return "\n".join(lines)

    def _whole(self, said: str, rest: str) -> str:
        """A cell that one magic takes as a whole; the Python in it is handed back."""
        from interlock.effects.code import read_code

        name, _, arguments = said.partition(" ")
        if name in _SHELL_CELLS:
            program = next((part for part in arguments.split() if not part.startswith("-")), "sh")
            if name == "script" and program.rpartition("/")[2] not in ("bash", "sh", "zsh", "dash"):
                self._unsure(f"a cell runs {program}")
            else:
                self._shell(rest)
        elif name in ("writefile", "file"):
            for word in arguments.split()[-1:]:
                self.draft.file(Verb.WRITE, known(word))
        elif name in _PYTHON_CELLS:
            return self._cell(rest)
        elif name in ("ruby", "perl"):
            if not read_code(self.draft, name, rest, strict=self.strict):
                self._unsure(f"the text of a %%{name} cell cannot be read")
        elif name not in _SHOWN_CELLS:
            self._unsure(f"nobody knows what %%{name} does")
        return ""

    def _line(self, mark: str, rest: str) -> str:
        """One line for the shell or for a magic; the Python in it is handed back."""
        if mark.startswith("!"):
            self._shell(rest)
            return ""
        name, _, arguments = rest.partition(" ")
        if name in ("time", "timeit", "prun", "memit"):
            return arguments.strip()
        if name in ("sx", "system"):
            self._shell(arguments)
        elif name in _PROGRAMS:
            self._shell(rest)
        elif name == "run":
            self._other(arguments)
        elif name in ("cd", "pushd"):
            self.folder = arguments.strip()
        elif name not in _QUIET:
            self._unsure(f"nobody knows what %{name} does")
        return ""

    def _shell(self, text: str) -> None:
        """Shell text, with values of Python put into it that nobody knows here."""
        text = _PUT_IN.sub("${INTERLOCK_NOTEBOOK}", text)
        self.draft.shell(f"cd {self.folder}\n{text}" if self.folder else text)

    def _other(self, arguments: str) -> None:
        """`%run FILE`: a script, or another notebook."""
        try:
            parts = [part for part in shlex.split(arguments) if not part.startswith("-")]
        except ValueError:
            parts = []
        if parts and parts[0].endswith(".ipynb"):
            self.draft.argv([known("jupyter"), known("execute"), known(parts[0])])
        elif parts:
            self.draft.argv([known("python3"), *map(known, parts)])
        else:
            self._unsure("which file %run runs is not known")

    def _unsure(self, why: str) -> None:
        if self.strict:
            self.draft.opaque(why)
