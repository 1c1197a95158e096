"""The shell's own record of what was typed: whoever clears it or switches it off hides what was done."""

from __future__ import annotations

from interlock.effects.shell.calls import Call
from interlock.model.effect import ALL, Effect, Environment, Kind, Resource, Reversibility, Verb

_SIZES = frozenset(("HISTSIZE", "HISTFILESIZE", "SAVEHIST"))
NAMES = _SIZES | {"HISTFILE"}
_CLEARS = frozenset("cd")


def switched_off(name: str, value: str | None) -> bool:
    """Whether this value of a variable means that nothing is kept."""
    if name in _SIZES:
        return value in ("0", "")
    return name == "HISTFILE" and value in ("", "/dev/null")


def lost(via: str, span: tuple[int, int], *, cleared: bool) -> Effect:
    """The effect of clearing the history, or of keeping none from now on."""
    return Effect(
        Verb.DELETE if cleared else Verb.CONFIGURE,
        Resource(Kind.SYSTEM, "shell history"),
        Environment.MACHINE,
        Reversibility.IRREVERSIBLE if cleared else Reversibility.REVERSIBLE,
        ALL,
        via=via,
        notes=("what was done could not be told afterwards",),
        span=span,
    )


def history(call: Call) -> bool | None:
    """`history`: it lists; `-c` clears, `-d` takes lines out; `history clear` and `delete` are fish's words for it."""
    call.seen()
    span = call.shell.span(call.state, call.start, call.end)
    for word in call.words[1:]:
        text = word.text or ""
        short = text[1:] if text.startswith("-") and not text.startswith("--") else ""
        if _CLEARS & set(short) or text in ("clear", "delete", "clear-session", "--clear", "--delete"):
            call.shell.add(lost("history", span, cleared=True))
            break
    call.state.write(None)
    return None
