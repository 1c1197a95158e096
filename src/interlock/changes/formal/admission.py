"""Who may call, as an OpenAPI description says it: what a change asks less of callers. Pure.

`security` lists alternatives; each names schemes, all of which are asked for, with scopes. No list, an empty one, or an
empty alternative lets in everybody.
"""

from __future__ import annotations

from typing import Any

Alternatives = frozenset[frozenset[str]]  # each: schemes, and `scheme:scope`


def asked(whole: dict[str, Any], operation: dict[str, Any]) -> Alternatives:
    """What one has to show to call an operation; empty where it is nothing."""
    listed = operation["security"] if "security" in operation else whole.get("security")
    found = set()
    for one in listed if isinstance(listed, list) else ():
        words: set[str] = set()
        for scheme, scopes in one.items() if isinstance(one, dict) else ():
            words |= {str(scheme), *(f"{scheme}:{scope}" for scope in (scopes if isinstance(scopes, list) else ()))}
        found.add(frozenset(words))
    return frozenset() if frozenset() in found else frozenset(found)


def weaker(was: Alternatives, now: Alternatives) -> tuple[bool, str]:
    """(whether nobody is asked any more, the end of a sentence); (False, "") where as much is asked as before."""
    if not was:
        return False, ""
    if not now:
        return True, f"asks nobody who is calling any more; it asked for {_said(was)}"
    new = sorted(sorted(one) for one in now if not any(old <= one for old in was))
    if new:
        return False, f"lets in whoever shows {' and '.join(new[0])}; it asked for {_said(was)}"
    return False, ""


def _said(alternatives: Alternatives) -> str:
    return " or ".join(sorted(" and ".join(sorted(one)) for one in alternatives))[:200]
