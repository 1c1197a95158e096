"""One line of text for one effect in its circumstances: the form of examples and of the golden matrix.

    VERB KIND NAME [@environment] [+label ...] [reversibility] [breadth] [count:N | about:N] [taint:word ...]
                   [via:text] [agent:name] [person:name] [role:name] [sandbox] [frozen] [approved:rung]

    delete table shop.public.users @production +whole irreversible all
    send host paste.example.org taint:secret via:curl

Words left out take the defaults of `Effect`: environment unknown, reversible, one. Quote a name with blanks in it.
The closed vocabularies share no word, so a bare word can only mean one thing (a test holds that).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import TypeVar

import msgspec

from interlock.model.action import Principal
from interlock.model.decision import LADDER, Approval, Context, Rung
from interlock.model.effect import Breadth, Effect, Environment, Kind, Known, Resource, Reversibility, Scale, Verb
from interlock.model.errors import PolicyError
from interlock.model.labels import RESOURCE_LABELS, TAINTS
from interlock.policy.vocabulary import RESTRICTING

EXAMPLE_SESSION = "example"
# ASCII with nothing that quotes: most lines, and `shlex` would take a sixth of the time that a set's examples take.
_PLAIN = re.compile(r"[ \t!#-&(-\[\]-~]*")
T = TypeVar("T")


class Situation(msgspec.Struct, frozen=True):
    """One effect, who does it, and in which circumstances."""

    principal: Principal
    effect: Effect
    context: Context
    approval: Approval = Approval()


def parse(line: str) -> Situation:
    """Read one line of notation.

    Raises:
        PolicyError: the line has too few words, or a word that the notation does not know.
    """
    words = words_of(line)
    if len(words) < 3:
        raise PolicyError(f"an example needs at least VERB KIND NAME: {line.strip()!r}")
    reader = _Reader(line.strip())
    for word in words[3:]:
        reader.take(word)
    return reader.situation(words[0], words[1], words[2])


def words_of(line: str) -> list[str]:
    """The words of a line, as a shell splits it. Raises PolicyError where a quote is left open."""
    try:
        return line.split() if _PLAIN.fullmatch(line) else shlex.split(line)
    except ValueError as error:
        raise PolicyError(f"cannot read the example {line.strip()!r}: {error}") from None


class _Reader:
    """Collects the optional words of one line."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.environment = Environment.UNKNOWN
        self.labels: set[str] = set()
        self.roles: set[str] = set()
        self.taint: set[str] = set()
        self.reversibility = Reversibility.REVERSIBLE
        self.breadth = Breadth.ONE
        self.count: int | None = None
        self.known = Known.UNKNOWN
        self.text = {"via": "", "agent": "claude", "person": ""}
        self.containment = "none"
        self.frozen = False
        self.approval = Approval()

    def take(self, word: str) -> None:
        prefix, _, rest = word.partition(":")
        if word in list(Reversibility):
            self.reversibility = Reversibility(word)
        elif word in list(Breadth):
            self.breadth = Breadth(word)
        elif word == "sandbox":
            self.containment = "sandbox"
        elif word == "frozen":
            self.frozen = True
        elif word.startswith("@"):
            self.environment = self._member(Environment, word[1:])
        elif word.startswith("+"):
            self.labels.add(self._known(word[1:], RESOURCE_LABELS, "label"))
        elif prefix == "taint":
            self.taint.add(self._known(rest, TAINTS, "taint"))
        elif prefix == "role":
            self.roles.add(self._known(rest, RESTRICTING, "role"))
        elif prefix in ("count", "about") and rest.isdecimal() and len(rest) <= 19:
            self.count = int(rest)
            self.known = Known.COUNT if prefix == "count" else Known.ESTIMATE
        elif prefix == "approved":
            rung = self._member(Rung, rest)
            self.approval = next(approval for step, approval in LADDER if step is rung)
        elif prefix in self.text and rest:
            self.text[prefix] = rest
        else:
            raise self._unknown(word, "word")

    def situation(self, verb: str, kind: str, name: str) -> Situation:
        return Situation(
            principal=Principal(
                agent=self.text["agent"],
                session=EXAMPLE_SESSION,
                person=self.text["person"],
                roles=tuple(sorted(self.roles)),
            ),
            effect=Effect(
                verb=self._member(Verb, verb),
                resource=Resource(self._member(Kind, kind), name, tuple(sorted(self.labels))),
                environment=self.environment,
                reversibility=self.reversibility,
                scale=Scale(
                    breadth=self.breadth,
                    count=self.count,
                    known=self.known,
                ),
                taint=tuple(sorted(self.taint)),
                via=self.text["via"],
            ),
            context=Context(
                containment=self.containment,
                frozen=(self.environment.value,) if self.frozen else (),
                freeze_reason="example" if self.frozen else "",
            ),
            approval=self.approval,
        )

    def _member(self, enum: Callable[[str], T], word: str) -> T:
        try:
            return enum(word)
        except ValueError:
            raise self._unknown(word, getattr(enum, "__name__", "word").lower()) from None

    def _known(self, word: str, known: frozenset[str], what: str) -> str:
        if word not in known:
            raise self._unknown(word, what)
        return word

    def _unknown(self, word: str, what: str) -> PolicyError:
        return PolicyError(f"unknown {what} {word!r} in the example {self.line!r}")


def render(effect: Effect, context: Context | None = None) -> str:
    """Write an effect (and what of the context matters) in the notation; `parse` reads it back."""
    parts = [effect.verb.value, effect.resource.kind.value, shlex.quote(effect.resource.name)]
    if effect.environment is not Environment.UNKNOWN:
        parts.append(f"@{effect.environment.value}")
    parts += [f"+{label}" for label in effect.resource.labels]
    if effect.reversibility is not Reversibility.REVERSIBLE:
        parts.append(effect.reversibility.value)
    if effect.scale.breadth is not Breadth.ONE:
        parts.append(effect.scale.breadth.value)
    if effect.scale.count is not None and 0 <= effect.scale.count < 10**19:
        counted = effect.scale.known in (Known.COUNT, Known.DRY_RUN)
        parts.append(f"{'count' if counted else 'about'}:{effect.scale.count}")
    parts += [f"taint:{taint}" for taint in effect.taint]
    if effect.via:
        parts.append(shlex.quote(f"via:{effect.via}"))
    if context is not None:
        parts += ["sandbox"] if context.containment == "sandbox" else []
        parts += ["frozen"] if context.frozen else []
    return " ".join(parts)
