"""How long a token takes to check, by the length of its chain, against one Ed25519 verification in the same run.

.venv/bin/python benchmarks/tokens.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

from interlock.identity import tokens
from interlock.identity.keys import Ed25519Key
from interlock.identity.tokens import Link
from interlock.ledger.note import PublicKey
from interlock.model.effect import Environment, Kind, Verb
from interlock.model.warrant import Permit

NOW = 1_800_000_000
SCOPE = (Permit((Verb.READ, Verb.WRITE), (Kind.FILE,), ("/srv/shop/**",), (Environment.STAGING,)),)


def best(run: Callable[[], object], rounds: int = 300) -> float:
    """The median of so many runs, in microseconds."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return sorted(times)[rounds // 2] * 1e6


def main() -> None:
    keys = [Ed25519Key.from_seed("k", bytes([n]) * 32) for n in range(1, 7)]
    root = PublicKey.of(keys[0])
    message, signature = b"x" * 300, keys[0].sign(b"x" * 300)
    print(f"one Ed25519 verification      {best(lambda: root.verify(signature, message)):7.0f} µs")
    link = Link(SCOPE, tokens.holder_text(keys[1]), NOW, NOW, NOW + 900, 4, log="interlock/bench/0", id="0" * 32,
                principal="olga", agent="ci")  # fmt: skip
    token = tokens.issue(link, keys[0])
    for depth in range(1, 6):
        text = token.text
        whole = best(lambda text=text: tokens.verify(tokens.parse(text), root, NOW))
        print(f"parse and verify, {depth} link{'s' if depth > 1 else ' '}     {whole:7.0f} µs, {len(text)} characters")
        if depth < 5:
            further = Link(SCOPE, tokens.holder_text(keys[depth + 1]), NOW, NOW, NOW + 600, 4 - depth)
            token = tokens.attenuate(token, further, keys[depth])
    proof = tokens.prove(token, "0" * 64, keys[5], NOW * tokens.MICROS, "0" * 32)
    print(f"proof of possession           {best(lambda: tokens.check_proof(token, proof, '0' * 64, NOW)):7.0f} µs")


if __name__ == "__main__":
    main()
