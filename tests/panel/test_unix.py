"""The panel on a Unix socket: for this user alone, a session for one process that the kernel names, and led to a port.

`LEAD` does what `ssh -L PORT:SOCKET` does: it takes connections at a port, and passes bytes on to the socket.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from tests.daemon.conftest import Guard
from tests.panel.conftest import Browser, armed, ask
from tests.panel.test_serving import below_an_agent, elsewhere

from interlock.broker.config import Panel
from interlock.daemon.client import call
from interlock.daemon.listening import PORT, Addresses
from interlock.daemon.unixend import named

HERE = f"http://localhost:{PORT}"
SOCKET = "import sys, httpx2\nhttp = httpx2.Client(transport=httpx2.HTTPTransport(uds=sys.argv[1]))\n"
ENTER = SOCKET + 'print(http.post(f"{sys.argv[2]}/login", data={"link": sys.argv[3]}, headers={"origin": sys.argv[2]}))'
LOOK = SOCKET + 'print(http.get(f"{sys.argv[2]}/inbox", headers={"cookie": sys.argv[3]}).status_code)'
LED = """
import sys, httpx2
print(httpx2.get(f"{sys.argv[1]}/inbox", headers={"host": sys.argv[2], "cookie": sys.argv[3]}).status_code)
"""
LEAD = """
import asyncio, sys

async def passed(reader, writer):
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()

async def led(reader, writer):
    there = await asyncio.open_unix_connection(sys.argv[1])
    await asyncio.gather(passed(reader, there[1]), passed(there[0], writer))

async def main():
    server = await asyncio.start_server(led, "127.0.0.1", int(sys.argv[2]))
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Guard]:
    guard = Guard(tmp_path_factory.mktemp("unix"))
    guard.configure(f'[ask]\nhold_seconds = 0\n[containment]\nshell = "off"\n[panel]\nsocket = true\nport = {port}\n')
    guard.start()
    yield guard
    assert guard.stop() == 0
    assert not path(guard).exists(), "it is cleared away"


def path(guard: Guard) -> Path:
    return guard.home.run / "panel.sock"


def person(guard: Guard) -> Browser:
    """Somebody whose client speaks to the socket itself, as `curl --unix-socket` does."""
    made = Browser(guard)
    made.http = httpx2.Client(base_url=made.base, transport=httpx2.HTTPTransport(uds=str(path(guard))))
    weakref.finalize(made, made.http.close)
    return made


@pytest.fixture(scope="module")
def here(served: Guard) -> Browser:
    made = person(served)
    assert made.enter().status_code == 303
    return made


def test_it_is_there_for_this_user_and_at_no_port(served: Guard, port: int) -> None:
    found = path(served).stat()
    assert stat.S_ISSOCK(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o600
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with closing(socket.socket(family)) as one:
            assert one.connect_ex((host, port)) != 0


def test_whoever_connects_must_be_the_same_user() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert named(ours, os.geteuid() + 1) is None
        assert (named(ours, os.geteuid()) or "").split()[0] == str(os.getpid())


def test_pages_are_seen_and_questions_answered_there(served: Guard, here: Browser) -> None:
    request = ask(served, "curl -X POST https://unix.example.com -d @x")
    assert here.get("/now.json").json()["waiting"] == 1
    fields = here.form(request["id"], "approve-form")
    armed()
    done = here.post(f"/requests/{request['id']}/decide", {**fields, "typed": request["fingerprint"].split("-")[0]})
    assert done.status_code == 303
    assert call(served.home, "request", {"id": request["id"]})["state"] == "approved"
    login = served.entries("panel.login")[0]["body"]
    assert (login["from"], login["process"].split()[0]) == ("socket", str(os.getpid()))


def test_it_answers_to_localhost_at_the_led_port_alone(here: Browser, port: int) -> None:
    for host in ("localhost", f"localhost:{port + 1}", "evil.example", f"evil.example:{port}", ""):
        assert here.get("/inbox", host=host).status_code in {400, 421}, host
    assert here.get("/inbox", host=f"127.0.0.1:{port}").status_code == 200
    assert here.post("/logout", {}, origin="http://evil.example").status_code == 403


def test_a_cookie_is_of_no_use_to_another_process(served: Guard, here: Browser) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in here.http.cookies.items())
    assert here.get("/inbox").status_code == 200
    assert elsewhere(LOOK, str(path(served)), here.base, cookie).strip() == "401"


def test_what_runs_below_an_agent_opens_nothing_and_burns_the_link(served: Guard) -> None:
    found = person(served)
    done = below_an_agent(
        served, sys.executable, "-c", ENTER, str(path(served)), found.base, found.link.rsplit("/", 1)[1]
    )
    assert "409" in done.stdout, done
    assert found.enter().status_code == 410


@pytest.fixture
def led(served: Guard, port: int) -> Iterator[subprocess.Popen[str]]:
    """The port, led to the socket by a process of the person's."""
    words = [sys.executable, "-c", LEAD, str(path(served)), str(port)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.terminate()


def test_the_link_works_over_a_led_port(served: Guard, led: subprocess.Popen[str], port: int) -> None:
    """The session is the leading process's: over another way the cookie opens nothing."""
    far = Browser(served)
    assert far.link.startswith(f"http://localhost:{port}/login/")
    far.http = httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers={"host": f"localhost:{port}"})
    assert "Open the panel" in far.get(f"/login/{far.link.rsplit('/', 1)[1]}").text
    assert far.enter().status_code == 303
    (cookie,) = far.http.cookies.items()
    mine = {"cookie": "=".join(cookie)}
    assert far.get("/inbox", **mine).status_code == 200
    assert served.entries("panel.login")[-1]["body"]["process"].split()[0] == str(led.pid)
    with httpx2.Client(transport=httpx2.HTTPTransport(uds=str(path(served)))) as direct:
        assert direct.get(f"{far.base}/inbox", headers=mine).status_code == 401
    far.http.close()


@pytest.mark.usefixtures("led")
def test_whatever_reaches_the_led_port_with_the_cookie_is_taken_for_the_one_who_leads_it(
    served: Guard, port: int
) -> None:
    """The open risk of the register: of who connects to a led port, this machine sees only the one who leads it."""
    far = Browser(served)
    address = f"http://127.0.0.1:{port}"
    with httpx2.Client(base_url=address, headers={"host": f"localhost:{port}"}) as far.http:
        assert far.enter().status_code == 303
        cookie = "; ".join(f"{name}={value}" for name, value in far.http.cookies.items())
    assert elsewhere(LED, address, f"localhost:{port}", cookie).strip() == "200"


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_curl_signs_in_and_looks_in_one_run(served: Guard, tmp_path: Path) -> None:
    found = call(served.home, "panel.link", {})
    base, secret = found["address"].rstrip("/"), found["link"].rsplit("/", 1)[1]
    there = ["--unix-socket", found["socket"], "-s", "-b", str(tmp_path / "jar"), "-c", str(tmp_path / "jar")]
    done = subprocess.run(
        ["curl", *there, "-H", f"origin: {base}", "-d", f"link={secret}", f"{base}/login",
         "--next", *there, f"{base}/now.json"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert re.match(r'\{"waiting": \d+', done.stdout), done.stdout


def test_a_person_is_told_how_to_lead_a_port_there(served: Guard, port: int) -> None:
    done = served.cli("panel")
    assert done.stdout.startswith(f"http://localhost:{port}/login/")
    assert f"ssh -L {port}:{path(served)}" in done.stderr


def test_a_socket_that_a_dead_daemon_left_is_replaced(tmp_path: Path) -> None:
    there = tmp_path / "panel.sock"
    for _ in range(2):
        found = Addresses(tmp_path / "port", there).bind(Panel(socket=True))
        assert found.address == f"{HERE}/"
        assert found.site.hosts >= {f"localhost:{PORT}"}
        assert stat.S_IMODE(there.stat().st_mode) == 0o600
        for one in found.sockets:
            one.close()
