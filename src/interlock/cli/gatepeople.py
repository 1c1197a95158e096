"""Which keys of people were taken out of use here, for the gate: the base's `gate.toml` may name them still."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from interlock.home import Home


def withdrawn(home: Home) -> Callable[[], frozenset[str]]:
    """Asks this installation's daemon for the fingerprints; none where there never was one, as in CI.

    It is asked only where somebody signs reviews, and raises DaemonUnreachable, or Remote, where it cannot say, for it
    is down: a yes by a key that may have been taken out of use is no yes.
    """

    def asked() -> frozenset[str]:
        from interlock.daemon.client import call

        return frozenset(map(str, call(home, "people.withdrawn")["keys"])) if home.lived_in else frozenset()

    return asked
