"""`interlock contained` asks the lease as often as it looks: what it says then is what holds."""

from __future__ import annotations

import time
from pathlib import Path

from interlock.cli.contained import _lease
from interlock.containment.minding import Word
from interlock.halt.lease import FROZEN, KILLED, Lease

DIGEST = bytes(32)


def test_the_lease_is_heard_while_a_run_goes_on(tmp_path: Path) -> None:
    """Story: under bubblewrap it was looked at once, before the start (R41)."""
    word = _lease(tmp_path / "lease", "r1")
    assert word() is Word.STAND  # there is none
    lease = Lease(tmp_path / "lease", seconds=0.3)
    lease.renew(1, DIGEST, {"r2": KILLED})
    assert word() is Word.GO
    lease.renew(2, DIGEST, {"r1": FROZEN})
    assert word() is Word.STAND
    lease.renew(3, DIGEST, {"r1": KILLED})
    assert word() is Word.END
    lease.renew(4, DIGEST, {})
    assert word() is Word.GO
    time.sleep(0.4)
    assert word() is Word.STAND


def test_a_lease_that_was_made_anew_is_found(tmp_path: Path) -> None:
    lease = Lease(tmp_path / "lease", seconds=60)
    lease.renew(1, DIGEST, {})
    word = _lease(tmp_path / "lease", "r1")
    assert word() is Word.GO
    (tmp_path / "lease").write_bytes(b"spoilt".ljust(4096, b"\0"))
    assert word() is Word.STAND
    (tmp_path / "lease").unlink()
    Lease(tmp_path / "lease", seconds=60).renew(2, DIGEST, {})
    assert word() is Word.GO
