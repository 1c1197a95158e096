"""The decision: effects in, verdict out. Pure and total.

Each effect is evaluated against a short ladder of hypothetical approvals. Allowed on the first rung: `allow`; first
allowed on a later one: `ask`, and that rung is what must be obtained; allowed on none: `deny`. The action's verdict
is the most severe of its effects'. `interlock.policy.spec` says the same in twenty lines, and the tests hold the two
together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cedarpy
import msgspec

from interlock.model.action import Principal
from interlock.model.decision import LADDER, Context, Decision, EffectDecision, Rung, Verdict
from interlock.model.effect import Effect, Verb
from interlock.model.grant import covering
from interlock.model.labels import RESOURCE_LABELS, TAINTS
from interlock.policy import request, tried, wording
from interlock.policy.examples import check
from interlock.policy.rules import DEFAULT_DENY, GRANTED, INTERNAL, UNREADABLE_NAME, Layer, Rule, digest_of, read
from interlock.policy.slices import Slice, Slices
from interlock.policy.vocabulary import CONTAINMENTS, RESTRICTING

TIER = {Rung.NONE: 1, Rung.ONE: 2, Rung.ONE_STRONG: 3, Rung.TWO_STRONG: 4}
_RUNG_ORDER = {rung: place for place, (rung, _) in enumerate(LADDER)}
REMEMBERED = 8_192  # rulings kept; one takes about 0.5 KiB with a path in its key, and at most 6 KiB


class Ruling(msgspec.Struct, frozen=True):
    """The answer for one canonical request."""

    verdict: Verdict
    rung: Rung
    tier: int
    rules: tuple[str, ...]
    grant: int | None = None  # the grant that stood for a person's yes


_IMPOSSIBLE = Ruling(Verdict.DENY, Rung.TWO_STRONG, 4, (INTERNAL,))


class Engine:
    """One immutable policy set in force. A reload makes a new engine, and its memory starts empty."""

    def __init__(self, rules: Sequence[Rule], digest: str) -> None:
        self.rules: dict[str, Rule] = {rule.id: rule for rule in rules}
        self.digest = digest
        self._slices = Slices(rules)
        self._rule_on = lru_cache(maxsize=REMEMBERED)(self._judge)

    @classmethod
    def load(cls, layers: Sequence[Layer]) -> Engine:
        """Read, validate, lint and try the examples of every policy; of packaged ones they were tried before.

        Args:
            layers: base first (`default`, `organisation`), then the layers that may only tighten.

        Raises:
            PolicyError: anything at all is wrong; the message names the policy. A set loads whole or not at all.
        """
        rules = read(layers)
        untried = {layer.name for layer in layers if not tried.holds(layer)}
        for rule in rules:
            if rule.layer in untried:
                check(rule)
        return cls(rules, digest_of(layers))

    def decide(self, principal: Principal, effects: Sequence[Effect], context: Context) -> Decision:
        """The verdict on an action that would have these effects. Never raises; what cannot be judged is denied."""
        try:
            rulings = [self._ruling(principal, effect, context) for effect in effects]
            return self._compose(effects, rulings, context)
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - total by contract, and a Rust panic is not an Exception
            return self._refusal(effects, error)

    def instead_examples(self) -> tuple[tuple[str, str], ...]:
        """(rule id, command) for every command that an `@instead` offers."""
        return tuple((rule.id, command) for rule in self.rules.values() for command in rule.commands)

    def forget(self) -> None:
        """Drop what is remembered. Nothing needs it for correctness; benchmarks and tests do."""
        self._rule_on.cache_clear()

    def remembered(self) -> tuple[int, int]:
        """How many rulings are kept, and how many may be."""
        facts = self._rule_on.cache_info()
        return facts.currsize, REMEMBERED

    def _ruling(self, principal: Principal, effect: Effect, context: Context) -> Ruling:
        # INVARIANT: only words of the vocabularies are judged: proofs are about these (`interlock.prover.symbols`).
        if not (
            RESOURCE_LABELS.issuperset(effect.resource.labels)
            and TAINTS.issuperset(effect.taint)
            and RESTRICTING.issuperset(principal.roles)
            and context.containment in CONTAINMENTS
        ):
            return _IMPOSSIBLE
        piece = self._slices.of(effect)
        asked = request.canonical_request(piece.attributes, principal, effect, context)
        rule_on = self._judge if asked.bulky else self._rule_on
        ruling = rule_on(effect.verb, piece, asked.values)
        if asked.repaired and ruling.verdict is Verdict.ALLOW:
            return Ruling(Verdict.ASK, Rung.ONE, TIER[Rung.ONE], (UNREADABLE_NAME,))
        if ruling.verdict is Verdict.ASK and context.grants and not asked.repaired:
            return self._granted(ruling, effect, context)
        return ruling

    def _granted(self, ruling: Ruling, effect: Effect, context: Context) -> Ruling:
        """A grant is a yes given in advance: an effect that one covers has the approval that the grant stands for."""
        for rung, grant in covering(context.grants, effect).items():
            if _RUNG_ORDER[rung] >= _RUNG_ORDER[ruling.rung]:
                return Ruling(Verdict.ALLOW, Rung.NONE, TIER[Rung.NONE], (GRANTED,), grant.id)
        return ruling

    def _judge(self, verb: Verb, piece: Slice, values: request.Key) -> Ruling:
        """Walk the ladder. Cedar skips a policy that errors, even a `forbid`: any error at all is a deny."""
        entities = cedarpy.Entities.from_json_str(request.entities(piece.attributes, values))

        def ask(steps: Sequence[int]) -> list[cedarpy.AuthzResult]:
            requests = [request.request(verb, piece.attributes, values, LADDER[step][1]) for step in steps]
            return cedarpy.is_authorized_batch(requests, piece.policies, entities)

        first = ask([0])[0]
        if first.diagnostics.errors:
            return _IMPOSSIBLE
        if first.allowed:
            rules = tuple(sorted(first.diagnostics.reasons))
            return Ruling(Verdict.ALLOW, Rung.NONE, min(self.rules[rule].tier for rule in rules), rules)
        later = ask(range(1, len(LADDER)))
        if any(answer.diagnostics.errors for answer in later):
            return _IMPOSSIBLE
        for (rung, _), answer in zip(LADDER[1:], later, strict=True):
            if answer.allowed:
                return Ruling(Verdict.ASK, rung, TIER[rung], self._gravest_first(_reasons(first)))
        rules = self._gravest_first(_reasons(later[-1]))
        tier = max((self.rules[rule].tier for rule in rules if rule in self.rules), default=4)
        return Ruling(Verdict.DENY, LADDER[-1][0], tier, rules)

    def _gravest_first(self, rules: Sequence[str]) -> tuple[str, ...]:
        return tuple(sorted(rules, key=lambda rule: (-self.rules[rule].tier if rule in self.rules else 0, rule)))

    def _compose(self, effects: Sequence[Effect], rulings: Sequence[Ruling], context: Context) -> Decision:
        decided = tuple(
            EffectDecision(place, ruling.verdict, ruling.tier, ruling.rung, ruling.rules, ruling.grant)
            for place, ruling in enumerate(rulings)
        )
        verdict = max((r.verdict for r in rulings), key=lambda v: v.severity, default=Verdict.ALLOW)
        worst = [r for r in rulings if r.verdict is verdict]
        rung = max((r.rung for r in worst), key=lambda r: _RUNG_ORDER[r], default=Rung.NONE)
        # The gravest rules come first: they are the ones that a person must have answered for.
        ordered = sorted(worst, key=lambda r: -_RUNG_ORDER[r.rung])
        rules = tuple(dict.fromkeys(rule for ruling in ordered for rule in ruling.rules))
        stopped = [effect for effect, ruling in zip(effects, rulings, strict=True) if ruling.verdict is verdict]
        return Decision(
            verdict=verdict,
            tier=max((r.tier for r in worst), default=0),
            rung=rung,
            effects=decided,
            rules=rules,
            why=wording.why(verdict, rung, stopped, rules, self.rules, context),
            instead="" if verdict is Verdict.ALLOW else wording.instead(rules, self.rules),
            obligations=self._looks(verdict, rules) + self._profiles(verdict, rules, context),
            policy_digest=self.digest,
        )

    def _looks(self, verdict: Verdict, rules: Sequence[str]) -> tuple[str, ...]:
        """What the rules behind a question want looked at before a person answers it."""
        if verdict is not Verdict.ASK:
            return ()
        return tuple(
            sorted({f"look:{look}" for rule in rules if rule in self.rules for look in self.rules[rule].looks})
        )

    def _profiles(self, verdict: Verdict, rules: Sequence[str], context: Context) -> tuple[str, ...]:
        """Under which profiles the rules that allowed it in the sandbox want it to run."""
        if verdict is not Verdict.ALLOW or context.containment == "none":
            return ()
        named = {self.rules[rule].contains for rule in rules if rule in self.rules}
        return tuple(sorted(f"contain:{name}" for name in named if name))

    def _refusal(self, effects: Sequence[Effect], error: BaseException) -> Decision:
        decided = tuple(
            EffectDecision(place, Verdict.DENY, 4, Rung.TWO_STRONG, (INTERNAL,)) for place in range(len(effects))
        )
        cause = wording.plain(f"{type(error).__name__}: {error}", 200)
        return Decision(
            verdict=Verdict.DENY,
            tier=4,
            rung=Rung.TWO_STRONG,
            effects=decided,
            rules=(INTERNAL,),
            why=(
                f"Stopped: Interlock could not judge this action ({cause}), and what it cannot judge does not run. "
                "This is a fault of Interlock: report it, and do not retry."
            ),
            policy_digest=self.digest,
        )


def _reasons(answer: cedarpy.AuthzResult) -> tuple[str, ...]:
    return tuple(sorted(answer.diagnostics.reasons)) or (DEFAULT_DENY,)
