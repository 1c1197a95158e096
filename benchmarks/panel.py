"""The control panel over a long ledger: its pages, their first paint, how soon a question is seen, what it all costs.

    python benchmarks/panel.py [COUNT] [--actions N]

Makes a home whose ledger holds N actions (100,000) of 200 sessions (`_past.py`), starts a daemon there, lets all 200
sessions go on, plays the day of the browser tests on top so that each screen has something to show, and measures:

- page: every screen, as HTML over the usual range and over everything, and as JSON. Limit p95 200 ms. The floor is
  the smallest answer that the same server gives: an icon.
- paint: every screen's first paint in Debian's Chromium. Limit p95 1 s. The floor is a page of one word.
- seen: from the start of the hook client to the row in the inbox's page, over COUNT (40) questions. Limit p95 250 ms.
- on: from the press on Approve to the end of the hook client. Limit p95 100 ms. The floor of both is a call that nobody
  is asked about, from the start of the same process to its end.
- call: what an allowed call takes, without a panel, and while two clients fetch the inbox without a pause.
- weight: all files that browsers fetch. Limit 300 KB.
- the daemon's resident memory: before anybody came, after all of this, and with 50 pages listening. Limit 150 MB.

Exits with 1 when a limit is broken.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

sys.path.append(str(Path(__file__).parent.parent))
sys.path.append(str(Path(__file__).parent.parent / "tests"))

import httpx2
from _past import fill
from playwright.sync_api import Browser, Page, sync_playwright
from tests.daemon.conftest import AGENT, Guard
from tests.panel.browser.eyes import ARGUMENTS, CHROMIUM
from tests.panel.browser.scene import CONFIGURATION, play

from interlock.daemon.client import call
from interlock.daemon.wire import Door, request
from interlock.home import Home
from interlock.panel.assets import address, assets, manifest

PAGE_MS, PAINT_MS, SEEN_MS, ON_MS, WEIGHT_KB, RESIDENT_MB = 200, 1_000, 250, 100, 300, 150
SESSIONS, WAITING, VIEWERS, ROUNDS, PAINTS = 200, 40, 50, 20, 3
NOTE = """() => { window.seen = {}; const there = new Set();
  for (const row of document.querySelectorAll("#questions [data-row]")) there.add(row.dataset.row);
  new MutationObserver(() => {
    for (const row of document.querySelectorAll("#questions [data-row]"))
      if (!there.has(row.dataset.row)) window.seen[row.dataset.row] ??= Date.now();
  }).observe(document.body, {childList: true, subtree: true}); }"""
PAINT = 'performance.getEntriesByName("first-paint").map((entry) => entry.startTime)'


def event(project: Path, command: str, number: int, session: str) -> bytes:
    """A hook event as Claude Code sends it."""
    body = {
        "session_id": session, "transcript_path": "", "cwd": str(project), "hook_event_name": "PreToolUse",
        "tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": f"now-{number}",
    }  # fmt: skip
    return json.dumps(body).encode()


def resident(pid: int) -> float:
    """Resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def p95(values: list[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


class Report:
    """Prints rows, and remembers whether a limit was broken."""

    def __init__(self) -> None:
        self.broken = 0

    def times(self, name: str, values: list[float], *, limit: float = 0.0, floor: float = 0.0) -> None:
        """One row, in ms; `floor` is a median."""
        beside = f"   {statistics.median(values) / floor:6.1f} x floor" if floor else ""
        print(f"{name:<38} median {statistics.median(values):7.1f} ms   p95 {p95(values):7.1f} ms{beside}", end="")
        self._judged(p95(values), limit, "ms")

    def one(self, name: str, value: float, unit: str, *, limit: float = 0.0) -> None:
        """One number."""
        print(f"{name:<38} {value:14.1f} {unit}", end="")
        self._judged(value, limit, unit)

    def _judged(self, value: float, limit: float, unit: str) -> None:
        self.broken += bool(limit) and value > limit
        print(f"   limit {limit:g} {unit}: {'kept' if value <= limit else 'BROKEN'}" if limit else "", flush=True)


def signed_in(home: Home) -> httpx2.Client:
    """A client with a session of its own."""
    link = call(home, "panel.link")
    base = link["address"].rstrip("/")
    client = httpx2.Client(base_url=base, timeout=30)
    client.post("/login", data={"link": link["link"].rsplit("/", 1)[1]}, headers={"origin": base})
    return client


def hooked(home: Home, event: bytes) -> float:
    """What one call takes on the daemon's socket, in ms."""
    begun = time.perf_counter()
    with socket.socket(socket.AF_UNIX) as hook:
        hook.connect(str(home.socket))
        hook.sendall(request(Door.HOOK, "claude", "0" * 16, 5_000, event))
        while hook.recv(65_536):
            pass
    return (time.perf_counter() - begun) * 1_000


def calls(guard: Guard, count: int) -> list[float]:
    """What allowed calls take, one after another."""
    found = []
    for number in range(count):
        found.append(hooked(guard.home, event(guard.project, f"ls -la src{number % 50}", number, "session-0")))
        time.sleep(0.002)
    return found


def agents(guard: Guard, count: int) -> list[float]:
    """What a call that nobody is asked about takes with the processes around it: the agent's, and the hook client."""
    found = []
    for number in range(count):
        begun = time.perf_counter()
        said = event(guard.project, "ls", number, "checkout")
        subprocess.run(AGENT, env=guard.environment, input=said, capture_output=True, check=True)
        found.append((time.perf_counter() - begun) * 1_000)
    return found


def fetched(client: httpx2.Client, path: str, rounds: int) -> list[float]:
    """What an address takes, again and again, in ms."""
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        client.get(path).raise_for_status()
        found.append((time.perf_counter() - begun) * 1_000)
    return found


def plus(path: str, **more: str) -> str:
    """An address with a longer query."""
    return f"{path}{'&' if '?' in path else '?'}{urlencode(more)}"


def as_data(path: str) -> str:
    """The address of the same page as JSON."""
    plain, mark, query = path.partition("?")
    return f"{'/now' if plain == '/' else plain}.json{mark}{query}"


def indexed(client: httpx2.Client) -> float:
    """Seconds until the index behind the pages has the whole ledger, which the first look begins."""
    begun = time.perf_counter()
    while (found := client.get("/ledger.json").json())["read"] < found["of"]:
        time.sleep(0.1)
    return time.perf_counter() - begun


def pages(report: Report, client: httpx2.Client, screens: dict[str, str]) -> None:
    """Every screen, three ways."""
    floor = fetched(client, address("icon.svg"), 5 * ROUNDS)
    report.times("floor: an icon", floor)
    for name, path in screens.items():
        usual, whole = fetched(client, path, ROUNDS), fetched(client, plus(path, range="all"), ROUNDS)
        data = fetched(client, as_data(path), ROUNDS)
        for said, values in (("", usual), (", everything", whole), (".json", data)):
            report.times(f"{name}{said}", values, limit=PAGE_MS, floor=statistics.median(floor))


def paints(report: Report, browser: Browser, page: Page, screens: dict[str, str]) -> None:
    """The first paint of every screen."""
    blank = browser.new_page()
    base = page.url.rstrip("/")
    floor, found = [], []
    for _ in range(PAINTS):
        blank.goto("data:text/html,<p>word")
        floor.append(painted(blank))
        for path in screens.values():
            page.goto(base + path)
            found.append(painted(page))
    blank.close()
    report.times("floor: first paint of one word", floor)
    report.times(f"first paint, {len(screens)} screens", found, limit=PAINT_MS, floor=statistics.median(floor))


def painted(page: Page) -> float:
    """When the page's first paint was, in ms after it was asked for."""
    return float(until(page, PAINT)[0])


def until(page: Page, expression: str) -> Any:
    """What an expression gives once it gives something. (Playwright's own waiting needs `eval`, which pages refuse.)"""
    end = time.monotonic() + 10
    while not (found := page.evaluate(expression)):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(5)
    return found


def questions(guard: Guard, page: Page, count: int) -> dict[str, list[float]]:
    """Ask, see, approve, again and again."""
    base = "/".join(page.url.split("/")[:3])
    seen, on = [], []
    for number in range(count):
        page.goto(f"{base}/inbox")
        page.wait_for_timeout(150)
        page.evaluate(NOTE)
        command = f"curl -X POST https://api{number}.example.com/ -d @x.json"
        begun = time.time()
        agent = subprocess.Popen(AGENT, env=guard.environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert agent.stdin
        agent.stdin.write(event(guard.project, command, number, f"asking-{number // 20}"))
        agent.stdin.close()
        rows: dict[str, float] = until(page, "Object.keys(window.seen).length ? window.seen : null")
        seen.append(min(rows.values()) - begun * 1_000)
        page.goto(base + next(iter(rows)))
        page.wait_for_selector('#decide[data-armed="1"]')
        page.evaluate("document.addEventListener('click', () => sessionStorage.setItem('pressed', Date.now()), true)")
        page.click("#approve", no_wait_after=True)
        agent.wait(20)
        ended = time.time()
        page.wait_for_url("**/receipts/*")
        on.append(ended * 1_000 - float(page.evaluate("sessionStorage.getItem('pressed')")))
    return {"seen": seen, "on": on}


def beside(guard: Guard, count: int) -> list[float]:
    """What allowed calls take while two clients fetch the inbox without a pause."""
    ending = threading.Event()

    def fetching(client: httpx2.Client) -> None:
        while not ending.is_set():
            client.get("/inbox?range=all").raise_for_status()

    others = [threading.Thread(target=fetching, args=(signed_in(guard.home),)) for _ in range(2)]
    for other in others:
        other.start()
    found = calls(guard, count)
    ending.set()
    for other in others:
        other.join()
    return found


def listening(home: Home) -> list[socket.socket]:
    """Fifty pages that listen, each by a connection of its own."""
    client = signed_in(home)
    host, port = client.base_url.host, client.base_url.port or 80
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    text = (
        f"GET /events HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\n"
        "Accept: text/event-stream\r\n\r\n"
    )
    found = []
    for _ in range(VIEWERS):
        connection = socket.create_connection((host, port), timeout=10)
        connection.sendall(text.encode())
        if not re.match(rb"HTTP/1.1 200", connection.recv(4_096)):
            raise SystemExit("a viewer was refused")
        found.append(connection)
    return found


def main(count: int, actions: int) -> int:
    """Measure and print; 1 when a limit is broken."""
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as base:
        guard = Guard(Path(base))
        guard.environment["PYTHONPATH"] = ""  # an interpreter of its own, not a child of this one: memory is measured
        guard.configure(CONFIGURATION)
        guard.home.make()
        begun = time.perf_counter()
        print(fill(guard.home, actions=actions, sessions=SESSIONS, waiting=WAITING), flush=True)
        print(f"written in {time.perf_counter() - begun:.0f} s", flush=True)
        begun = time.perf_counter()
        guard.start()
        report = Report()
        report.one("the daemon starts in", time.perf_counter() - begun, "s")
        try:
            measured(report, guard, count)
        finally:
            guard.stop()
    return 1 if report.broken else 0


def measured(report: Report, guard: Guard, count: int) -> None:
    """All of it, on a running daemon."""
    assert guard.process is not None
    pid = guard.process.pid
    time.sleep(5)  # what it loads when idle is loaded
    for number in range(SESSIONS):
        hooked(guard.home, event(guard.project, "ls", number, f"session-{number}"))
    before, alone = resident(pid), calls(guard, 1_000)
    screens = play(guard).screens()
    client = signed_in(guard.home)
    report.one("the first page's index is whole after", indexed(client), "s")
    pages(report, client, screens)
    guard.configure(CONFIGURATION.replace("hold_seconds = 0", "hold_seconds = 20"))
    call(guard.home, "reload")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        page.goto(call(guard.home, "panel.link")["link"])
        page.click("#enter")
        page.wait_for_url("**/")
        paints(report, browser, page, screens)
        floor = agents(guard, count)
        report.times("floor: a call nobody is asked about", floor)
        found = questions(guard, page, count)
        browser.close()
    report.times("a question is seen after", found["seen"], limit=SEEN_MS, floor=statistics.median(floor))
    report.times("its agent goes on after", found["on"], limit=ON_MS, floor=statistics.median(floor))
    report.times("a call, without a panel", alone)
    report.times("a call, two clients fetching pages", beside(guard, 1_000), floor=statistics.median(alone))
    weight(report)
    after, connections = resident(pid), listening(guard.home)
    time.sleep(35)  # what was freed meanwhile is given back twice a minute
    report.one("floor: resident before anybody came", before, "MB")
    report.one("resident after all of this", after, "MB")
    report.one(f"resident with {VIEWERS} listening", resident(pid), "MB", limit=RESIDENT_MB)
    for connection in connections:
        connection.close()


def weight(report: Report) -> None:
    """What browsers fetch beside the pages."""
    libraries = [name for name in assets() if manifest()[name].get("from")]
    report.one("floor: the libraries as released", sum(len(assets()[name].data) for name in libraries) / 1e3, "KB")
    report.one("all files", sum(len(asset.data) for asset in assets().values()) / 1e3, "KB", limit=WEIGHT_KB)


if __name__ == "__main__":
    wish = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wish.add_argument("count", nargs="?", type=int, default=40)
    wish.add_argument("--actions", type=int, default=100_000)
    said = wish.parse_args()
    sys.exit(main(said.count, said.actions))
