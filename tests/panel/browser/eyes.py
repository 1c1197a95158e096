"""Real Chromium before a real panel: a person's browser, and what went wrong in it.

The browser is Debian's. One is started for each file of tests: the panel takes a session for the browser's own process.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright
from tests.daemon.conftest import Guard

from interlock.daemon.client import call

CHROMIUM = "/usr/bin/chromium"
# Nothing leaves this machine, and `evil.example` is a name that an attacker has led here.
RESOLVER = "MAP {} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
# Every violation of the Content-Security-Policy, kept where the test can ask for it.
_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""


def arguments(name: str = "evil.example") -> list[str]:
    """How a browser is started for which this name leads here."""
    return ["--no-sandbox", f"--host-resolver-rules={RESOLVER.format(name)}"]


ARGUMENTS = arguments()


@contextmanager
def chromium(*more: str, name: str = "evil.example") -> Iterator[Browser]:
    """A browser without a window, for which `name` leads here. Where there is none: a skip, and under CI a failure."""
    if shutil.which(CHROMIUM) is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"there is no {CHROMIUM}")
        pytest.skip(f"there is no {CHROMIUM} (apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*arguments(name), *more])
        try:
            yield browser
        finally:
            browser.close()


class Person:
    """Somebody who is signed in, in a browser profile of their own, and all that their browser complains of."""

    def __init__(self, browser: Browser, guard: Guard, *, reader: bool = False, **context: Any) -> None:
        found = call(guard.home, "panel.link", {"reader": reader})
        self.guard = guard
        self.link: str = found["link"]
        self.base: str = found["address"].rstrip("/")
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.context: BrowserContext = browser.new_context(**context)
        self.context.set_default_timeout(90_000)  # ms
        if context.get("java_script_enabled", True):
            self.context.add_init_script(_VIOLATIONS)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("request", self._asked)

    def enter(self) -> Person:
        """Sign in as a person does: open the link, press the button."""
        self.page.goto(self.link)
        self.page.click("#enter")
        self.page.wait_for_selector(".shell")
        return self

    def visit(self, path: str) -> Page:
        """A page of the panel, loaded whole."""
        answer = self.page.goto(self.base + path)
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"
        return self.page

    def violations(self) -> list[str]:
        """What the policy of this page's content stopped."""
        found: list[str] = self.page.evaluate("window.violations")
        return found

    def close(self) -> None:
        self.context.close()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)


def state(guard: Guard) -> tuple[int, list[tuple[int, str]]]:
    """All that an attack could have changed: how long the ledger is, and where each question stands."""
    entries = call(guard.home, "history.entries")["size"]  # with what is still on its way into it
    return int(entries), [(one["id"], one["state"]) for one in call(guard.home, "inbox", {"all": True})]


def press(page: Page, *keys: str) -> None:
    """Keys as a person types them: what comes faster than 25 ms is no typing to the panel."""
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(40)
