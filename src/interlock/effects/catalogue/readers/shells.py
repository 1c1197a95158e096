"""Shells: a text, a script file or standard input becomes shell text to be read again."""

from __future__ import annotations

from interlock.effects.catalogue import programs
from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.invocation import Word
from interlock.model.effect import Verb

_STDIN = frozenset({"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})


def shell(draft: Draft) -> None:
    """bash, sh and kin."""
    operands = list(draft.values("operand"))
    rc = draft.said.value("rcfile")
    if rc is not None and rc.text not in ("/dev/null",):
        run_file(draft, rc, ())
    started = next((value for key, value in draft.inv.assignments if key == "ENV"), None)
    if started is not None and draft.has("interactive"):
        run_file(draft, started, ())  # an interactive POSIX shell reads the file that $ENV names
    if draft.has("asked"):
        return
    if draft.has("text"):
        _text(draft, operands)
    elif operands and not draft.has("stdin") and operands[0].text not in _STDIN:
        if draft.has("check"):
            draft.file(Verb.READ, operands[0])
        else:
            run_file(draft, operands[0], tuple(operands))
    else:
        from_stdin(draft)
    if draft.has("interactive") and not draft.has("text"):
        interactive(draft)


def _text(draft: Draft, operands: list[Word]) -> None:
    if not operands:
        return
    if operands[0].text is None:
        draft.run_unread(operands[0].source, "the text for the shell is not known", operands[0].taint)
    elif not draft.has("check"):
        draft.shell(operands[0].text, arguments=tuple(operands[1:]))


def from_stdin(draft: Draft) -> None:
    """A shell that reads its standard input: known text, a file, bytes from somewhere, or a person's keyboard."""
    stdin = draft.inv.stdin
    if stdin.text is not None:
        draft.shell(stdin.text)
    elif stdin.path is not None:
        run_file(draft, stdin.path, ())
    elif stdin.present:
        draft.run_unread(draft.command, f"{draft.command} runs what it reads", stdin.taint)
    elif not draft.has("interactive"):
        interactive(draft)


def run_file(draft: Draft, value: Word, arguments: tuple[Word, ...]) -> None:
    """A script named by a word is run by this shell."""
    path = draft.path(value)
    if value.text is None or path is None:
        programs.script_elsewhere(draft, value)
        return
    programs.script(draft, path, arguments, interpreter="sh")


def foreign_shell(draft: Draft) -> None:
    """Shells with another language than POSIX: a script of the workspace is project code, anything else unread."""
    operands = draft.values("operand")
    script = draft.said.value("File") or (operands[0] if operands else None)
    if draft.has("command") or draft.has("Command") or draft.said.value("c") is not None or draft.inv.stdin.present:
        draft.run_unread(
            " ".join(w.source for w in draft.inv.words), f"{draft.command} text is not read", draft.inv.stdin.taint
        )
    elif script is not None and script.text is not None:
        path = draft.path(script)
        if path is not None:
            programs.script(draft, path, (), interpreter=draft.command)
    elif draft.inv.words[1:]:
        draft.opaque(f"{draft.command} text is not read")
    else:
        interactive(draft)
