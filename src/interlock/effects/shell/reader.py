"""`read_shell`: a shell text in, what it would do out. Total: for any text there is an answer, never an exception."""

from __future__ import annotations

from interlock.effects.invocation import Word
from interlock.effects.shell.core import Exhausted, Interpret
from interlock.effects.shell.flow import Walker
from interlock.effects.shell.parse import Parser
from interlock.effects.shell.state import Sink, State, Val
from interlock.model import labels
from interlock.model.action import Reading
from interlock.model.effect import Effect, Environment, Kind, Resource, Verb, opaque
from interlock.model.world import Setting, World

MAX_TEXT = 1_048_576  # characters; ARG_MAX of one argument on Linux is an eighth of it


def read_shell(
    text: str,
    setting: Setting,
    world: World,
    interpret: Interpret,
    *,
    cwd: str | None,
    arguments: tuple[Word, ...] = (),
) -> Reading:
    """What running `text` with bash in `cwd` would do.

    Args:
        text: the whole text, as given to `bash -c` or standing in a script.
        interpret: the catalogue, asked once for every program that would run.
        cwd: the absolute directory it starts in; None when not known.
        arguments: `$0`, `$1`, … when the text is a script that gets some.

    What cannot be read is an `opaque` effect with its span and the reason. Never raises for any `text`.
    """
    why = _refused(text)
    if why is not None:
        return Reading(
            (opaque(_short(text), why, via="shell", span=(0, len(text))),), summary="Text that cannot be read."
        )
    walker = Walker(text, setting, world, interpret)
    state = State(cwd)
    state.out = screen = Sink(collects=False)
    if arguments:
        given = tuple(Val(word.text, word.prefix if word.text is None else "", word.taint) for word in arguments)
        state.zero, state.arguments = given[0], given[1:]
        if any(word.many for word in arguments):
            state.arguments = None
    try:
        body = Parser(text).text_of()
        walker.run(body, state)
        walker.finish(state)
    except Exhausted as error:
        walker.add(opaque(_short(text), f"the reader stops here: {error}", via="shell", span=(0, len(text))))
    except RecursionError:
        walker.add(opaque(_short(text), "nested too deep to be read", via="shell", span=(0, len(text))))
    walker.sent()
    for effect in _shown(screen.taint, list(walker.effects)):
        walker.add(effect)
    commands = tuple(walker.commands)
    return Reading(
        effects=tuple(walker.effects),
        commands=commands,
        operands=tuple(walker.operands),
        summary=_summary(commands),
        trails=walker.world.trails(),
        here=tuple(walker.here),
        ends=state.cwd if state.cwd is not None and state.cwd != cwd else "",
    )


def _shown(taint: frozenset[str], effects: list[Effect]) -> list[Effect]:
    """What the agent gets to read: a credential or the whole environment printed by the shell itself (`echo $TOKEN`).

    A secret that a command reads from somewhere already is an effect of that command.
    """
    reads = [effect.resource for effect in effects if effect.verb is Verb.READ]
    found = []
    if labels.FROM_SECRET in taint and not any(labels.SECRET in one.labels for one in reads):
        found.append(
            Effect(
                Verb.READ, Resource(Kind.SECRET, "a credential in a variable", (labels.SECRET,)), Environment.MACHINE,
                via="shell", notes=("it is printed where the agent reads it",),
            )
        )  # fmt: skip
    if labels.FROM_ENVIRONMENT in taint and not any(one.kind is Kind.SYSTEM for one in reads):
        found.append(
            Effect(Verb.READ, Resource(Kind.SYSTEM, "environment variables"), Environment.MACHINE, via="shell")
        )
    return found


def _refused(text: str) -> str | None:
    if len(text) > MAX_TEXT:
        return f"the text is longer than {MAX_TEXT} characters"
    if "\0" in text:
        return "the text holds a NUL, which shells drop or stop at"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "the text holds characters that are no Unicode text"
    return None


def _short(text: str) -> str:
    piece = text if len(text) <= 200 else text[:199] + "…"
    return piece.encode("utf-8", "replace").decode()


def _summary(commands: tuple[tuple[str, ...], ...]) -> str:
    """One short sentence for people."""
    names: dict[str, None] = {}
    for command in commands:
        name = command[0].rpartition("/")[2] or command[0] if command else ""
        if name:
            names[name] = None
    if not names:
        return "Runs no command."
    shown = list(names)[:5]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    safe = ", ".join("".join(char if char.isprintable() else "?" for char in name[:30]) for name in shown)
    return f"Runs {safe}{more}."
