"""python, in all the ways it is called: -c, -m, a script, standard input, a keyboard."""

from __future__ import annotations

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers.pycode import Code
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.catalogue.words import word_list
from interlock.effects.invocation import Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Verb

# Modules that are a program of the catalogue under another name.
_PROGRAMS = word_list("python-programs")
_QUIET = word_list("python-quiet")


def python(draft: Draft) -> None:
    """The family's reader."""
    said = draft.said
    code, module = said.value("code"), said.value("module")
    operands = [*draft.values("script"), *draft.values("argument")]
    if code is not None:
        inline(draft, code.text, code)
    elif module is not None:
        _module(draft, module, operands)
    elif operands and operands[0].text != "-":
        _script(draft, operands)
    else:
        _stdin(draft)
    if draft.has("interactive") and (code is not None or operands):
        interactive(draft)


def inline(draft: Draft, text: str | None, value: Word) -> None:
    """Text after -c, or on standard input."""
    if text is None:
        draft.run_unread(value.source, "the Python text is not known", value.taint)
        return
    code = Code(draft, inline=True)
    if not code.read(text):
        draft.opaque("the Python text cannot be read", text)
    elif code.foreign:
        draft.project(
            f"{draft.command} with {', '.join(sorted(code.foreign))}", note="imports packages that are not read"
        )


def read_script(draft: Draft, text: str) -> None:
    """Add what is certain about a script of the workspace; the caller adds that project code runs."""
    before = len(draft.effects), len(draft.inner)
    if not Code(draft, inline=False).read(text):
        del draft.effects[before[0] :]
        del draft.inner[before[1] :]


def _script(draft: Draft, operands: list[Word]) -> None:
    from interlock.effects.catalogue import programs

    path = draft.path(operands[0])
    if path is None:
        draft.run_unread(operands[0].source or "?", "which script runs is not known", operands[0].taint)
    elif path.endswith(("/manage.py",)) and len(operands) > 1:
        draft.argv([known("manage.py"), *operands[1:]])
    else:
        programs.script(draft, path, (), interpreter="python")


def _module(draft: Draft, module: Word, operands: list[Word]) -> None:
    from interlock.effects.catalogue.packaged import packaged

    name = module.text
    if name is None:
        draft.run_unread(module.source, "which module runs is not known", module.taint)
        return
    top = name.split(".")[0]
    if name == "json.tool":
        for value in operands[:1]:
            if not (value.text or "").startswith("-"):
                draft.file(Verb.READ, value)
    elif name in ("venv", "virtualenv"):
        for value in [o for o in operands if not (o.text or "").startswith("-")]:
            draft.file(Verb.CREATE, value, directory=True)
    elif top in _PROGRAMS and packaged().find(top.replace("_", "-")):
        draft.argv([known(top.replace("_", "-")), *operands])
    elif name in (
        "unittest",
        "doctest",
        "cProfile",
        "profile",
        "pdb",
        "trace",
        "http.server",
        "timeit",
        "webbrowser",
    ) or (top not in _QUIET and name not in _QUIET):
        draft.project(f"python -m {name}")


def _stdin(draft: Draft) -> None:
    stdin = draft.inv.stdin
    if stdin.text is not None:
        inline(draft, stdin.text, known(stdin.text))
    elif stdin.path is not None:
        path = draft.path(stdin.path)
        text = draft.content(path) if path else None
        inline(draft, text, stdin.path) if text is not None else draft.opaque("Python reads a file that cannot be read")
    elif stdin.present:
        draft.run_unread(draft.command, "Python runs what it reads", stdin.taint)
    elif not draft.has("asked"):
        interactive(draft)


_ = L
