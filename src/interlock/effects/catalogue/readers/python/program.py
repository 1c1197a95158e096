"""python, in all the ways it is called: -c, -m, a script, standard input, a keyboard."""

from __future__ import annotations

import posixpath

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers.python.calls import Code
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.catalogue.service_clients import acts_on_service
from interlock.effects.catalogue.words import word_list
from interlock.effects.invocation import Word
from interlock.model.effect import Kind, Reversibility, Verb

# Modules that are a program of the catalogue under another name.
_PROGRAMS = word_list("python-programs")
_QUIET = word_list("python-quiet")
_ALIASES = {"awscli": "aws", "fabric": "fab", "IPython": "ipython", "IPython.terminal": "ipython"}


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


def inline(draft: Draft, text: str | None, value: Word, *, packages: tuple[str, ...] = ()) -> None:
    """Text after -c, or on standard input. `packages` are loaded before it starts."""
    if text is None:
        draft.run_unread(value.source, "the Python text is not known", value.taint)
        return
    code = Code(draft, inline=True)
    code.foreign.update(packages)
    acting = acts_on_service(text)
    if acting:
        draft.opaque("acts on a service elsewhere", acting)
    if not code.read(text):
        draft.opaque("the Python text cannot be read", text)
    elif code.foreign:
        draft.project(
            f"{draft.command} with {', '.join(sorted(code.foreign))}", note="imports packages that are not read"
        )


def read_file(draft: Draft, text: str, *, strict: bool) -> bool:
    """Read a script: strictly like inline text, or only for what is certain. False when it could not be read."""
    before = len(draft.effects), len(draft.inner)
    code = Code(draft, inline=strict)
    if not code.read(text):
        if strict:
            del draft.effects[before[0] :]
            del draft.inner[before[1] :]
        return False
    if strict and code.foreign:
        packages = ", ".join(sorted(code.foreign))
        draft.project(f"{draft.command} with {packages}", note="imports packages that are not read")
    return True


def _script(draft: Draft, operands: list[Word]) -> None:
    from interlock.effects.catalogue import programs

    path = draft.path(operands[0])
    if path is None:
        if (operands[0].text or "").endswith("manage.py") and len(operands) > 1:
            draft.argv([known("manage.py"), *operands[1:]])
        else:
            programs.script_elsewhere(draft, operands[0])
    elif path.endswith(("/manage.py",)) and len(operands) > 1:
        draft.argv([known("manage.py"), *operands[1:]])
    else:
        said = {value.text for value in operands[1:]}
        if path.endswith("/setup.py") and said & {"upload", "register", "upload_docs"} and "--dry-run" not in said:
            name = posixpath.dirname(path)
            draft.add(Verb.PUBLISH, Kind.PACKAGE, name, undo=Reversibility.IRREVERSIBLE, note="setup.py uploads it")
        programs.script(draft, path, (), interpreter="python")


def _module(draft: Draft, module: Word, operands: list[Word]) -> None:
    from interlock.effects.catalogue.packaged import packaged

    name = module.text
    if name is None:
        draft.run_unread(module.source, "which module runs is not known", module.taint)
        return
    top = _ALIASES.get(name, name.split(".")[0])
    if name in ("venv", "virtualenv"):
        for value in [o for o in operands if not (o.text or "").startswith("-")]:
            draft.file(Verb.CREATE, value, directory=True)
            if value.text is not None:
                draft.file(Verb.CREATE, known(posixpath.join(value.text, "pyvenv.cfg")))
    elif top in _PROGRAMS and packaged().find(top.replace("_", "-")):
        draft.argv([known(top.replace("_", "-")), *operands])
    elif name in _READERS:
        _READERS[name](draft, operands)
    elif top in _QUIET or name in _QUIET:
        for value in operands:
            if not (value.text or "-").startswith("-"):
                draft.file(Verb.READ, value)
    else:
        draft.project(f"python -m {name}")


def _timed(draft: Draft, operands: list[Word]) -> None:
    """timeit: each operand is Python text, and so is what follows -s."""
    words = iter(operands)
    for value in words:
        if value.text in ("-n", "-r", "-u", "--number", "--repeat", "--unit"):
            next(words, None)
        elif value.text in ("-s", "--setup"):
            continue
        elif not (value.text or "x").startswith("-"):
            inline(draft, value.text, value)


_QUIET_DEBUGGING = frozenset({"continue", "c", "cont", "where", "w", "bt", "next", "n", "step", "s", "quit", "q", "up"})


def _watched(draft: Draft, operands: list[Word]) -> None:
    """cProfile, profile, trace, pdb, runpy: the program behind their own options runs."""
    for at, value in enumerate(operands):
        if value.text in ("-c", "--command"):
            told = operands[at + 1].text if at + 1 < len(operands) else None
            if told not in _QUIET_DEBUGGING:
                draft.opaque("commands for the Python debugger", operands[-1].source)
        elif value.text in ("-m", "--module"):
            draft.argv([known("python3"), *operands[at:]])
            return
        elif value.text is None or value.text.endswith(".py") or "/" in value.text:
            if operands[at - 1].text not in ("-o", "--outfile", "-C", "--coverdir", "-f", "--file") or at == 0:
                draft.argv([known("python3"), *operands[at:]])
                return
            draft.file(Verb.WRITE, value)
    draft.project("python with a profiler or debugger")


def _typed(draft: Draft, operands: list[Word]) -> None:
    """code, asyncio, ptpython, IDLE: a prompt of Python, for a keyboard or for what stands on standard input."""
    if not operands:
        _stdin(draft)
    else:
        draft.project("python at a prompt")


def _unpacked(draft: Draft, operands: list[Word]) -> None:
    """pickle: what a pickle says is done while it is read."""
    for value in operands:
        if not draft.ours(draft.path(value)):
            draft.run_unread(value.source or "?", "a pickle from outside of the workspace is code", value.taint)
    draft.project("python -m pickle")


def _tests(draft: Draft, _operands: list[Word]) -> None:
    draft.project("python with the project's tests")


def _served(draft: Draft, operands: list[Word]) -> None:
    """http.server: the files of the working directory, or of another, for whoever connects."""
    folder = known(".")
    for at, value in enumerate(operands):
        if value.text in ("-d", "--directory", "--root", "-r", "--path") and at + 1 < len(operands):
            folder = operands[at + 1]
        elif (value.text or "").startswith("--directory="):
            folder = known((value.text or "").partition("=")[2])
    written = any(value.text in ("-w", "--write") for value in operands)
    if draft.ours(draft.path(folder)) and not written:
        draft.project("python -m http.server")
    else:
        draft.opaque("serves files of others to whoever connects", folder.source or "?")


def _archive(draft: Draft, operands: list[Word]) -> None:
    """zipfile, tarfile: -c writes the first from the rest, -e writes into the last; the other modes read."""
    names = [o for o in operands if not (o.text or "x").startswith("-")]
    modes = {o.text for o in operands}
    if modes & {"-c", "--create"}:
        for value in names[1:]:
            draft.file(Verb.READ, value)
        for value in names[:1]:
            draft.file(Verb.WRITE, value, taint=draft.flow)
    else:
        for value in names[:1]:
            draft.file(Verb.READ, value)
        if modes & {"-e", "--extract"}:
            draft.file(Verb.WRITE, names[1] if len(names) > 1 else known("."), directory=True)


def _json(draft: Draft, operands: list[Word]) -> None:
    """json.tool: the first is read, a second one is written."""
    names = [o for o in operands if not (o.text or "x").startswith("-")]
    for verb, value in zip((Verb.READ, Verb.WRITE), names, strict=False):
        draft.file(verb, value)


def _browsed(draft: Draft, operands: list[Word]) -> None:
    """webbrowser: an address is opened, with whatever it carries."""
    for value in operands:
        if not (value.text or "x").startswith("-"):
            draft.host(Verb.FETCH, value.text or value.source, taint=value.taint)


_READERS = {
    "timeit": _timed,
    "cProfile": _watched,
    "profile": _watched,
    "trace": _watched,
    "pdb": _watched,
    "runpy": _watched,
    "code": _typed,
    "asyncio": _typed,
    "ptpython": _typed,
    "idlelib": _typed,
    "pickle": _unpacked,
    "unittest": _tests,
    "doctest": _tests,
    "http.server": _served,
    "SimpleHTTPServer": _served,
    "RangeHTTPServer": _served,
    "livereload": _served,
    "twisted": _served,
    "uploadserver": _served,
    "pyftpdlib": _served,
    "wsgidav": _served,
    "zipfile": _archive,
    "tarfile": _archive,
    "json.tool": _json,
    "webbrowser": _browsed,
}


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
