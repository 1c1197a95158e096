"""The words between the shell reader and the catalogue: one command about to run, and what the catalogue says of it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from interlock.model.effect import Effect

MOVED = "moved"  # the note of a loss that is none: the same content stands under another name


class Word(msgspec.Struct, frozen=True):
    """One word of a command after everything that could be resolved was resolved.

    `text` is the exact value the program receives, or None when it is not known. For an unknown word `prefix` is the
    constant text it must begin with (`"$DIR/x"` with unknown DIR: ""; `/srv/$X`: "/srv/"). `source` is the word as
    written. `taint` says what flows into it (labels of `interlock.model.labels.TAINTS`). `many` marks a word that may
    stand for several (an unquoted glob, `"$@"`); `glob` marks live glob characters in `text` that were not expanded;
    `matched` a name that a pattern stands for now: others may match it when the command runs.
    """

    text: str | None
    source: str = ""
    span: tuple[int, int] = (0, 0)
    prefix: str = ""
    taint: tuple[str, ...] = ()
    many: bool = False
    glob: bool = False
    matched: bool = False


def word(text: str) -> Word:
    """A constant word, as a program would receive it."""
    return Word(text=text, source=text, prefix=text)


class Reach(StrEnum):
    """Whether the command runs when the line runs."""

    ALWAYS = "always"
    MAYBE = "maybe"


class Stdin(msgspec.Struct, frozen=True):
    """What a command reads: `text` when it is known, else where it comes from. `path` is set for `< file`."""

    present: bool = False  # anything but the terminal or nothing
    text: str | None = None
    path: Word | None = None
    taint: tuple[str, ...] = ()
    listed: tuple[Word, ...] = ()  # every line is a name that one of these words describes


class Redirect(msgspec.Struct, frozen=True):
    """A redirection other than stdin's content: `op` is one of > >> >| <> &> &>> ; `fd` the left side, -1 for both."""

    op: str
    fd: int
    target: Word


class Invocation(msgspec.Struct, frozen=True):
    """One simple command. `words[0]` is the program; `assignments` are the VAR=value before it.

    `cwd` is the absolute directory it runs in, or None when a `cd` could not be followed. `variables` are the exported
    variables whose values are known. `wrappers` are the wrapper commands it was unwrapped from, outermost first.
    """

    words: tuple[Word, ...]
    cwd: str | None
    assignments: tuple[tuple[str, Word], ...] = ()
    redirects: tuple[Redirect, ...] = ()
    stdin: Stdin = Stdin()
    variables: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()  # exported variables whose values are not known
    span: tuple[int, int] = (0, 0)
    reach: Reach = Reach.ALWAYS
    wrappers: tuple[str, ...] = ()
    privileged: bool = False
    remote: str = ""  # "" here; else the host or container it runs in
    user: str = ""  # another user it runs as


class InnerArgv(msgspec.Struct, frozen=True):
    """A wrapper's inner command: read again as a simple command, with the wrapper's changes applied."""

    words: tuple[Word, ...]
    wrapper: str
    cwd: str | None = None  # None: as the wrapper's own
    privileged: bool = False
    remote: str = ""
    user: str = ""
    clears_environment: bool = False
    assignments: tuple[tuple[str, Word], ...] = ()
    stdin: Stdin | None = None  # None: as the wrapper's own


class InnerText(msgspec.Struct, frozen=True):
    """Shell text that will be interpreted: `bash -c`, `ssh host CMD`, a package script, a recipe, a shell script."""

    text: str
    wrapper: str
    cwd: str | None = None
    remote: str = ""
    privileged: bool = False
    user: str = ""
    arguments: tuple[Word, ...] = ()  # $0, $1, ...
    origin: str = ""  # the file the text came from; "" when it stands in the command itself
    stdin: Stdin | None = None


class Interpretation(msgspec.Struct, frozen=True):
    """What the catalogue says of one invocation.

    `output` is the exact text on stdout when it is known (`echo`, `printf`, `pwd`, `base64 -d` of a literal ...);
    otherwise `output_taint` says what flows out of it. `operands` are files whose content the answer depends on.
    `listed` are words, patterns mostly: each line of the output is a name that one of them describes.
    `resolved` is False when no family knew the command: the effects then hold an `opaque`.
    """

    effects: tuple[Effect, ...] = ()
    inner: tuple[InnerArgv | InnerText, ...] = ()
    output: str | None = None
    output_taint: tuple[str, ...] = ()
    operands: tuple[str, ...] = ()
    resolved: bool = True
    listed: tuple[Word, ...] = ()
