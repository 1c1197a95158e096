"""Editors: a window that waits for a person, or commands on the line, some of which leave the editor."""

from __future__ import annotations

import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.files import emptied
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.invocation import Stdin, Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Environment, Kind, Verb

_QUIET = re.compile(
    r"^:?(%|\d|\$|'|,|\.)*\s*(s[/#|!].*|g[/!].*|v/.*|w|wq!?|wqa!?|x|xa|q!?|qa!?|qall!?|e!?|d|normal\b.*|set\b.*|retab!?|sort!?|noh|"
    r"syntax\b.*|filetype\b.*|colorscheme\b.*|nohlsearch|undo|red|join|j|le|>|<|update|bufdo\b.*|argdo\b.*|)$",
    re.DOTALL,
)


_CLEARS = frozenset({"%d", "%d _", "1,$d", "g/^/d", "%d|x", "%d|wq", "%d|w"})


def editor(draft: Draft) -> None:
    """vim, emacs and kin."""
    commands = [*draft.values("command")]
    commands += [_plus(w) for w in draft.inv.words[1:] if (w.text or "").startswith("+") and len(w.text or "") > 1]
    files = [w for w in draft.values("file") if not (w.text or "").startswith("+")]
    if draft.has("lisp", "batch"):
        draft.opaque("editor Lisp that is not read")
        return
    for value in (*draft.values("scriptin"), *draft.values("session")):
        draft.opaque("keys or commands from a file", value.text or value.source)
    for value in commands:
        _command(draft, value)
    clears = any((w.text or "").strip().lstrip(":") in _CLEARS for w in commands)
    for value in files:
        if clears:
            emptied(draft, value)
        else:
            draft.file(Verb.WRITE, value)
    ends = any(re.match(r"^:?(wq|x|q|qa|qall|wqa)", w.text or "") for w in commands)
    if not ends and not draft.has("ex", "silent"):
        interactive(draft)


def ed(draft: Draft) -> None:
    """ed reads its commands from standard input: `!` runs a shell, `w`, `r` and `e` reach other files."""
    stdin = draft.inv.stdin
    for value in draft.values("file"):
        if (value.text or "").startswith("!"):
            draft.shell((value.text or "")[1:])
        else:
            draft.file(Verb.WRITE, value)
    if stdin.text is None:
        if stdin.present:
            draft.opaque("the commands for ed are not known")
        else:
            interactive(draft)
        return
    typing = False
    for line in stdin.text.splitlines():
        if typing:
            typing = line != "."
            continue
        match = _ED.match(line.strip())
        command, rest = (match.group(1), match.group(2).strip()) if match else ("?", "")
        typing = command in ("a", "i", "c")
        _ed_command(draft, command, rest)


def _ed_command(draft: Draft, command: str, rest: str) -> None:
    if command == "!" or (command in ("r", "w", "e", "E", "W", "wq") and rest.startswith("!")):
        draft.shell(rest.removeprefix("!"), stdin=Stdin())
    elif command in ("r", "e", "E") and rest:
        draft.file(Verb.READ, Word(rest, rest, (0, 0), rest))
    elif command in ("w", "W", "wq", "f") and rest and rest != "q":
        draft.file(Verb.WRITE, Word(rest, rest, (0, 0), rest))
    elif command in ("g", "v", "G", "V") and "!" in rest:
        draft.opaque("a global command of ed that may leave it", rest)
    elif command == "?":
        draft.opaque("a command for ed that is not understood", rest)


_ED = re.compile(r"^(?:[\d.$,;%+-]|/[^/]*/|\?[^?]*\?|'[a-z])*\s*(wq|[!a-zA-Z=#]|)(.*)$")


_DUMPS = re.compile(r"\s*(?:dump|gcore|generate-core|append|process save-core|memory read)\b")


def debugger(draft: Draft) -> None:
    """gdb and lldb: some of their commands run others, or Python."""
    for value in draft.values("command"):
        if value.text is None or re.match(
            r"^\s*(shell|!|python|py|pipe|\||source|platform|script|command|call|compile|p(rint)?\b.*\()", value.text
        ):
            draft.opaque("a debugger command that runs code", value.text or value.source)
    attached = draft.has("pid", "attach-pid", "attach-name")
    if attached and any(_DUMPS.match(value.text or "") for value in draft.values("command")):
        draft.add(Verb.READ, Kind.SECRET, "memory of a process", labels=(L.SECRET,), env=Environment.MACHINE)
    for value in draft.values("script"):
        draft.opaque("a debugger script that is not read", value.text or value.source)
    words = draft.inv.words
    at = next((index for index, word in enumerate(words) if word.text in ("--args", "-args", "--")), None)
    if at is not None and words[at + 1 :]:
        draft.argv(words[at + 1 :])  # the program under the debugger runs
    else:
        draft.project()


def _plus(value: Word) -> Word:
    text = (value.text or "")[1:]
    return Word(text, text, value.span, text)


def _command(draft: Draft, value: Word) -> None:
    text = value.text
    if text is None:
        draft.opaque("an editor command that is not known", value.source)
        return
    for part in text.split("|") if not text.lstrip(":").startswith(("!", "%", "s", "g")) else [text]:
        plain = part.strip().lstrip(":")
        match = re.match(r"^(?:silent!?\s*)?[%\d,.$]*!(.*)$", plain, re.DOTALL)
        if match:
            draft.shell(match.group(1))
        elif plain.isdigit() or (_QUIET.match(plain) and not re.search(r"normal.*:!|do\s+!|\bsystem\(", plain)):
            continue
        else:
            draft.opaque("an editor command that is not understood", part)
