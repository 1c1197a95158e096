"""Whether a text that loads the client of a service acts on that service: `stripe` and `.refunds.create(…)`.

What such a client does happens elsewhere, through names that no sheet lists. So the name of the call decides, read
cautiously: one that only looks (`list_buckets`) is let be, one that acts or reveals (`create`, `get_secret_value`) is
a question. This only ever adds a question.
"""

from __future__ import annotations

import re

from interlock.effects.catalogue.words import word_list

_CLIENTS = frozenset(word_list("service-clients"))
_ACTS = frozenset(word_list("service-acts"))
_LOOKS = frozenset(word_list("service-looks"))
_REVEALS = frozenset(word_list("service-reveals"))
_LOADS = (
    re.compile(r"""\b(?:require|import|from|use)\b[\s(]*['"]([@\w./-]+)['"]"""),
    re.compile(r"""\bfrom\s+['"]([@\w./-]+)['"]"""),
    re.compile(r"^\s*(?:import|from)\s+([\w.]+)", re.MULTILINE),
    re.compile(r"[;:]\s*(?:import|from)\s+([\w.]+)"),
    re.compile(r"\b([A-Z]\w+)(?:::|\\)\w"),
)
_CALL = re.compile(
    r"""(?:(?<![\w.>:)\]])([a-z_]\w*))?(?:\.|->|::)(\w+)[!?]?(?=\s*\(|[ \t]+[\w:'"{]|\s*$|;)""", re.MULTILINE
)
_COMMAND = re.compile(r"\bnew\s+(\w+)Command\s*\(")
_EMULATED = re.compile(
    r"""endpoint(?:_?url)?['"]?\s*[:=]\s*['"]https?://(?:localhost|127\.0\.0\.1)[:/'"]""", re.IGNORECASE
)
# What dicts, lists and texts do too: called on a plain local name it says nothing of a service.
_PLAIN = frozenset({"update", "clear", "insert", "remove", "replace"})
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MOST = 65_536


def acts_on_service(text: str) -> str:
    """`CLIENT: CALL` for the first call that acts on a service, or "". Total, and in linear time."""
    text = text[:_MOST]
    loaded = next((name for pattern in _LOADS for name in pattern.findall(text) if _is_client(name)), "")
    if not loaded or _EMULATED.search(text):
        return ""
    calls = [*_CALL.findall(text), *(("", name) for name in _COMMAND.findall(text))]
    for owner, name in calls:
        if owner and name in _PLAIN:
            continue
        words = [piece.lower() for piece in _HUMPS.findall(name)]
        if not words:
            continue
        looks = words[0] in _LOOKS
        if (_REVEALS if looks else _ACTS).intersection(words):
            return f"{loaded}: {name}"
    return ""


def _is_client(name: str) -> bool:
    """`boto3`, `google.cloud.storage`, `@aws-sdk/client-s3`, `Stripe`: by its whole name or by its first pieces."""
    plain = name.lower()
    pieces = re.split(r"[./]", plain)
    return any(beginning in _CLIENTS for beginning in (plain, pieces[0], ".".join(pieces[:2]), "/".join(pieces[:2])))
