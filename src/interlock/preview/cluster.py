"""What a change of a Kubernetes cluster would touch, as its API server says to `--dry-run=server`."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.model.action import Ran
from interlock.model.counts import many
from interlock.model.effect import Breadth, Effect, Kind, Known, Scale, Verb
from interlock.preview.finding import Asked, Finding, Tools, Unseen

_PROGRAMS = frozenset({"kubectl", "oc"})
_DRY = frozenset(
    {"delete", "apply", "replace", "scale", "patch", "label", "annotate", "create", "set", "drain", "taint"}
)
_ELSEWHERE = ("--kubeconfig", "--server", "-s", "--token", "--as", "--raw")
_NAMED = 6


def look(asked: Asked, tools: Tools) -> Iterator[Finding]:
    """One finding for each kubectl command that changes something and can be run dry."""
    for ran in asked.here:
        program = ran.argv[0].rpartition("/")[2]
        if program in _PROGRAMS and not _DRY.isdisjoint(ran.argv[1:]):
            yield _looked(ran, program, asked, tools)


def _looked(ran: Ran, program: str, asked: Asked, tools: Tools) -> Finding:
    words = ran.argv[1:]
    if any(word.partition("=")[0] in _ELSEWHERE for word in words):
        raise Unseen(f"{program} is told another way into the cluster than the person's own configuration")
    if any(word in ("-", "/dev/stdin") for word in words):
        raise Unseen("what it changes comes from standard input")
    plain = _without_output(words)
    found = tools.run((program, *plain, "--dry-run=server", "-o", "name"), ran.cwd)
    if found.status != 0:
        raise Unseen(f"the cluster did not answer `{program} --dry-run=server`")
    names = [line.strip() for line in found.text.splitlines() if line.strip()]
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    context = _context(program, words, ran.cwd, tools)
    place = next((number for number, effect in enumerate(asked.effects) if _about(effect, program)), None)
    breadth = Breadth.ONE if len(names) == 1 else Breadth.MANY
    return Finding(
        f"{many(len(names), 'object')} in {context}{f': {shown}' if shown else ''}",
        place,
        Scale(breadth, len(names), "objects", Known.DRY_RUN),
    )


def _without_output(words: tuple[str, ...]) -> list[str]:
    """The words without an output format and without a dry run of their own: a look brings its own."""
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in ("-o", "--output"):
            next(rest, None)
        elif not word.startswith(("-o=", "--output=", "-oyaml", "-ojson", "-oname", "--dry-run")):
            kept.append(word)
    return kept


def _context(program: str, words: tuple[str, ...], cwd: str, tools: Tools) -> str:
    """The name of the cluster that was asked: the person must see that it is the one that is meant."""
    for number, word in enumerate(words):
        if word == "--context" and number + 1 < len(words):
            return f"context {words[number + 1]}"
        if word.startswith("--context="):
            return f"context {word.partition('=')[2]}"
    current = tools.run((program, "config", "current-context"), cwd)
    return f"context {current.text.strip()}" if current.status == 0 and current.text.strip() else "the current context"


def _about(effect: Effect, program: str) -> bool:
    return (
        effect.resource.kind is Kind.CLUSTER_OBJECT and effect.verb is not Verb.READ and effect.via.startswith(program)
    )
