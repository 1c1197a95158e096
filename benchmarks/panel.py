"""The control panel in real Chromium: how soon a question is seen, how soon its agent goes on, what it costs.

    python benchmarks/panel.py [COUNT]

Starts a daemon in a temporary home and Chromium (/usr/bin/chromium, without a window), and measures over COUNT
(default 40) questions:

- seen: from the start of the hook client to the row in the inbox's page, as the page notes it. Target p95 250 ms.
- on: from the press on Approve to the end of the hook client. Target p95 100 ms.
- page: an inbox of those questions, fetched whole. Target p95 200 ms.
- call: what an allowed call takes, without a panel, and while two clients fetch that page without a pause.
- the daemon's resident memory: before anybody came, with one page, and with 50 listening.

The agent is a process of its own that starts the hook client, as in the tests. Exits with 1 when a target is missed.
"""

from __future__ import annotations

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

import httpx2
from playwright.sync_api import Page, sync_playwright

from interlock.daemon.client import alive, call
from interlock.daemon.wire import Door, request
from interlock.home import Home, locate

CHROMIUM = "/usr/bin/chromium"
AGENT = ["perl", "-e", "exit(system(@ARGV) >> 8)", str(Path(sys.executable).parent / "interlock-hook"), "claude"]
NOTE = """() => { window.seen = {}; new MutationObserver(() => {
  for (const row of document.querySelectorAll("#questions [data-row]")) window.seen[row.dataset.row] ??= Date.now();
}).observe(document.body, {childList: true, subtree: true}); }"""
VIEWERS = 50


def event(project: Path, command: str, number: int) -> bytes:
    """A hook event as Claude Code sends it."""
    body = {
        "session_id": f"s{number // 20}", "transcript_path": "", "cwd": str(project), "hook_event_name": "PreToolUse",
        "tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": f"t{number}",
    }  # fmt: skip
    return json.dumps(body).encode()


def resident(pid: int) -> float:
    """Resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def p95(values: list[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


def told(name: str, values: list[float], target: float = 0.0) -> bool:
    """Print one row, in ms; whether the target is kept."""
    kept = not target or p95(values) <= target
    goal = f"  target p95 {target:g}: {'kept' if kept else 'MISSED'}" if target else ""
    print(f"{name:<34} median {statistics.median(values):7.1f} ms   p95 {p95(values):7.1f} ms   n {len(values)}{goal}")
    return kept


def signed_in(home: Home) -> httpx2.Client:
    """A client with a session of its own."""
    link = call(home, "panel.link")
    base = link["address"].rstrip("/")
    client = httpx2.Client(base_url=base, timeout=30)
    client.post("/login", data={"link": link["link"].rsplit("/", 1)[1]}, headers={"origin": base})
    return client


def questions(page: Page, project: Path, environment: dict[str, str], count: int) -> dict[str, list[float]]:
    """Ask, see, approve, again and again."""
    base = page.url.rstrip("/")
    seen, on = [], []
    for number in range(count):
        page.goto(f"{base}/inbox")
        page.wait_for_timeout(150)
        page.evaluate(NOTE)
        command = f"curl -X POST https://api{number}.example.com/ -d @x.json"
        begun = time.time()
        agent = subprocess.Popen(AGENT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert agent.stdin
        agent.stdin.write(event(project, command, number))
        agent.stdin.close()
        page.wait_for_selector("#questions [data-row]", timeout=10_000)
        rows: dict[str, float] = page.evaluate("window.seen")
        seen.append(min(rows.values()) - begun * 1_000)
        page.goto(base + next(iter(rows)))
        page.wait_for_selector('#decide[data-armed="1"]')
        page.evaluate("document.addEventListener('click', (e) => sessionStorage.setItem('pressed', Date.now()), true)")
        page.click("#approve", no_wait_after=True)
        agent.wait(20)
        ended = time.time()
        page.wait_for_url("**/receipts/*")
        on.append(ended * 1_000 - float(page.evaluate("sessionStorage.getItem('pressed')")))
    return {"seen": seen, "on": on}


def calls(home: Home, project: Path, count: int) -> list[float]:
    """What allowed calls take on the daemon's socket, in ms."""
    found = []
    for number in range(count):
        begun = time.perf_counter()
        with socket.socket(socket.AF_UNIX) as hook:
            hook.connect(str(home.socket))
            hook.sendall(request(Door.HOOK, "claude", "0" * 16, 5_000, event(project, f"ls -la src{number % 50}", 0)))
            while hook.recv(65_536):
                pass
        found.append((time.perf_counter() - begun) * 1_000)
        time.sleep(0.002)
    return found


def pages(client: httpx2.Client, seconds: float) -> list[float]:
    """What the inbox takes, fetched again and again, in ms."""
    found, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.perf_counter()
        client.get("/inbox?range=all").raise_for_status()
        found.append((time.perf_counter() - begun) * 1_000)
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


def main(count: int) -> int:
    """Measure and print; 1 when a target is missed."""
    with tempfile.TemporaryDirectory(prefix="interlock-bench-") as base:
        environment = {"PATH": os.environ["PATH"], "HOME": base, "INTERLOCK_HOME": f"{base}/home"}
        home = locate(environment)
        home.make()
        (home.config / "interlock.toml").write_text('[containment]\nshell = "off"\n[approvals]\nasks_an_hour = 0\n')
        project = Path(base, "project")
        (project / ".git").mkdir(parents=True)
        daemon = subprocess.Popen(
            [sys.executable, "-m", "interlock.daemon"], env=environment, stderr=subprocess.DEVNULL
        )
        try:
            while not alive(home):
                time.sleep(0.05)
            return measured(home, project, environment, daemon.pid, count)
        finally:
            daemon.terminate()
            daemon.wait(20)


def measured(home: Home, project: Path, environment: dict[str, str], pid: int, count: int) -> int:
    """All of it, on a running daemon."""
    calls(home, project, 200)
    time.sleep(5)  # what it loads when idle is loaded
    before, alone = resident(pid), calls(home, project, 1_000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = chromium.new_page()
        page.goto(call(home, "panel.link")["link"])
        page.click("#enter")
        page.wait_for_url("**/")
        found: dict[str, Any] = questions(page, project, environment, count)
        one = resident(pid)
        chromium.close()
    client = signed_in(home)
    quiet = pages(client, 3)
    busy: list[float] = []
    others = [threading.Thread(target=lambda: busy.extend(pages(signed_in(home), 8))) for _ in range(2)]
    for other in others:
        other.start()
    beside = calls(home, project, 1_000)
    for other in others:
        other.join()
    connections = listening(home)
    time.sleep(1)
    many = resident(pid)
    for connection in connections:
        connection.close()
    kept = told("a question is seen after", found["seen"], 250)
    kept &= told("its agent goes on after", found["on"], 100)
    kept &= told(f"an inbox of {count} past questions", quiet, 200)
    told("a call, without a panel", alone)
    told("a call, two clients fetching pages", beside)
    print(f"resident: {before:.0f} MB before anybody came, {one:.0f} MB with a page, {many:.0f} MB with {VIEWERS} more")
    return 0 if kept and many <= 150 else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40))
