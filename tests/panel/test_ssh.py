"""The panel over a real `ssh -L`, by the commands that the documentation and `interlock panel` name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from tests.daemon.conftest import Guard
from tests.panel.conftest import Browser, armed, ask
from tests.panel.sshd import HOST, Server, free, server

from interlock.daemon.client import call

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs" / "panel.md"
ELSEWHERE = "127.0.0.2"  # this very machine plays both: the near end of a led port is where no daemon listens


def documented(to: str) -> str:
    """The `ssh -L` of the documentation that leads to a socket, or to the port."""
    (found,) = set(re.findall(rf"^(ssh -L 7457:{to} {re.escape(HOST)})", PAGE.read_text(), re.MULTILINE))
    return str(found)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("ssh")) as started:
        yield started


@contextmanager
def served(base: Path, settings: str) -> Iterator[Guard]:
    guard = Guard(base)
    guard.configure(f'[ask]\nhold_seconds = 0\n[containment]\nshell = "off"\n[panel]\n{settings}\n')
    guard.start()
    yield guard
    guard.kill()


@pytest.fixture(scope="module")
def port() -> int:
    return free()


@pytest.fixture(scope="module")
def unix(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Guard]:
    with served(tmp_path_factory.mktemp("unix"), f"socket = true\nport = {port}") as guard:
        yield guard


def at(guard: Guard, address: str) -> Browser:
    """A browser on the near machine, which asks for what the link says, at the end of the led port."""
    made = Browser(guard)
    host = made.base.removeprefix("http://")
    made.http = httpx2.Client(base_url=f"http://{address}", headers={"host": host})
    return made


def told(guard: Guard, port: int) -> str:
    """The command of the documentation, for this machine's port and socket."""
    command = documented(r"/\S+/panel\.sock")
    return re.sub(r"7457:/\S+", f"{port}:{guard.home.run / 'panel.sock'}", command)


def test_the_socket_is_led_to_a_port_and_a_question_answered_there(machine: Server, unix: Guard, port: int) -> None:
    asked = ask(unix, "curl -X POST https://ssh.example.com -d @x")
    with machine.led(told(unix, port), port):
        far = at(unix, f"127.0.0.1:{port}")
        assert far.link.startswith(f"http://localhost:{port}/login/")
        assert "Open the panel" in far.get(f"/login/{far.link.rsplit('/', 1)[1]}").text
        assert far.enter().status_code == 303
        fields = far.form(asked["id"], "approve-form")
        armed()
        word = asked["fingerprint"].split("-")[0]
        assert far.post(f"/requests/{asked['id']}/decide", {**fields, "typed": word}).status_code == 303
        assert call(unix.home, "request", {"id": asked["id"]})["state"] == "approved"
        process = unix.entries("panel.login")[-1]["body"]["process"].split()[0]
        assert Path(f"/proc/{process}/comm").read_text().strip() == "sshd"
        cookies = "; ".join(f"{name}={value}" for name, value in far.http.cookies.items())
        far.http.close()
    with machine.led(told(unix, port), port):  # another connection of ssh is another process
        again = at(unix, f"127.0.0.1:{port}")
        assert again.get("/inbox", cookie=cookies).status_code == 401
        again.http.close()


def test_the_command_is_the_one_that_interlock_panel_prints(machine: Server, unix: Guard, port: int) -> None:
    printed = unix.cli("panel").stderr
    command = re.search(r"ssh -L \S+ HOST", printed)
    assert command, printed
    assert command[0].replace("HOST", HOST) == told(unix, port)


def test_at_another_port_or_name_it_answers_nothing_and_says_where_it_would(
    machine: Server, unix: Guard, port: int
) -> None:
    other = free()
    with machine.led(told(unix, other), other):
        base = f"http://localhost:{other}"
        refused = httpx2.get(f"http://127.0.0.1:{other}/inbox", headers={"host": f"localhost:{other}"})
        assert refused.status_code == 421
        assert f"http://localhost:{port}" in refused.text
        link = {"link": Browser(unix).link.rsplit("/", 1)[1]}
        right = {"host": f"localhost:{port}"}
        foreign = httpx2.post(f"http://127.0.0.1:{other}/login", data=link, headers={**right, "origin": base})
        assert (foreign.status_code, "another page" in foreign.text) == (403, True)
        for host in ("evil.example", f"evil.example:{port}", f"{HOST}:{port}"):
            assert httpx2.get(f"http://127.0.0.1:{other}/", headers={"host": host}).status_code == 421, host


def test_the_port_is_led_to_the_same_port(machine: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    here = free()
    with served(tmp_path_factory.mktemp("tcp"), f"port = {here}") as guard:
        command = documented("localhost:7457").replace("7457", str(here))
        with machine.led(command.replace("-L ", f"-L {ELSEWHERE}:"), here, ELSEWHERE):
            far = at(guard, f"{ELSEWHERE}:{here}")
            assert far.enter().status_code == 303
            assert far.get("/inbox").status_code == 200
            login = guard.entries("panel.login")[-1]["body"]
            assert Path(f"/proc/{login['process'].split()[0]}/comm").read_text().strip() == "sshd"
            far.http.close()
        other = free()
        with machine.led(command.replace(f"-L {here}:", f"-L {other}:"), other):
            refused = httpx2.get(f"http://127.0.0.1:{other}/inbox", headers={"host": f"localhost:{other}"})
            assert (refused.status_code, f"http://localhost:{here}" in refused.text) == (421, True)
