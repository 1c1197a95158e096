"""Pictures of every screen for `docs/panel/`, from the day that the tests play: `make pictures`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.daemon.conftest import Guard
from tests.panel.browser.eyes import Person, chromium
from tests.panel.browser.scene import CONFIGURATION, play

PLACE = Path("/tmp/shop")  # paths of the day stand in the pictures: these say nothing of whoever makes them
WIDE, NARROW = {"width": 1100, "height": 720}, {"width": 360, "height": 720}
PLAIN = [("", "light", WIDE)]
MORE = {"inbox": [("-dark", "dark", WIDE)], "approval": [("-narrow", "light", NARROW)]}  # beside the plain one


def taken(folder: Path) -> None:
    """Play the day, and write a picture of every screen into the folder."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir()
    guard = Guard(PLACE)
    guard.configure(CONFIGURATION)
    guard.start()
    try:
        screens = play(guard).screens()
        with chromium() as browser:
            for name, address in screens.items():
                for suffix, scheme, size in PLAIN + MORE.get(name, []):
                    person = Person(browser, guard, viewport=size, color_scheme=scheme).enter()
                    person.visit(address).wait_for_load_state()
                    person.page.wait_for_timeout(900)  # ms; a card arms
                    person.page.screenshot(path=folder / f"{name}{suffix}.jpg", type="jpeg", quality=75)
                    person.close()
    finally:
        guard.stop()
        shutil.rmtree(PLACE)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.jpg"):
        old.unlink()
    taken(target)
