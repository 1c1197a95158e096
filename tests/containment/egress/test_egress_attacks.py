"""The known ways around a filter of hosts, each tried on the whole road."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import time
from typing import Any

import pytest

from containment.egress.world import World, question, read_answer
from interlock.containment.egress import run as run_module
from interlock.containment.egress.allow import Allow
from interlock.containment.egress.attempts import Attempt, Tally
from interlock.containment.egress.dial import is_own
from interlock.containment.egress.run import Listener, Means, Run

PUBLIC = "93.184.215.14"
GET = b"GET / HTTP/1.1\r\nHost: good.example\r\n\r\n"


def refused(world: World, name: str = "good.example", port: int = 22) -> bool:
    """Whether a raw connection is hung up without a byte; that may come as early as the connect."""
    address = world.ask(name)[1][0]
    try:
        client = world.connect_to(address, port)
        client.sendall(b"x")
        return client.recv(1) == b""
    except (ConnectionResetError, BrokenPipeError):
        return True


@pytest.mark.parametrize(
    "answer",
    [
        "127.0.0.1", "0.0.0.0", "10.0.0.7", "172.20.0.1", "192.168.1.1", "100.64.3.2", "169.254.169.254",
        "169.254.170.2",
        "168.63.129.16", "::1", "::", "fe80::1%1", "fd00:ec2::254", "::ffff:169.254.169.254", "::ffff:7f00:1",
        "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "224.0.0.1", "255.255.255.255", "not an address",
    ],
)  # fmt: skip
def test_a_name_that_is_turned_inwards_is_not_dialled(world: World, answer: str) -> None:
    world.run("good.example:22")
    world.answers["good.example"] = [[answer]]
    assert refused(world)
    assert world.dialled == []
    attempt = world.last()
    assert not attempt.allowed
    assert (attempt.name, attempt.port) == ("good.example", 22)


def test_an_answer_that_changes_after_the_check_changes_nothing(world: World) -> None:
    """Rebinding: the address that was checked is the one that is dialled, and each connection is checked anew."""
    world.run("good.example:22")
    world.answers["good.example"] = [[PUBLIC], ["127.0.0.1"], ["169.254.169.254"]]
    assert not refused(world)
    assert refused(world)
    assert refused(world)
    assert world.looked_up == ["good.example"] * 3
    assert world.dialled == [(PUBLIC, 22)]


def test_an_inner_address_beside_a_public_one_is_left_out(world: World) -> None:
    world.run("good.example:22")
    world.answers["good.example"] = [["127.0.0.1", "10.1.1.1", PUBLIC, "::1"]]
    assert not refused(world)
    assert world.dialled == [(PUBLIC, 22)]


def test_an_inner_address_is_dialled_when_the_list_names_it(world: World) -> None:
    world.run("good.example:22", "10.1.1.0/24")
    world.answers["good.example"] = [["10.1.2.1"], ["10.1.1.1"]]
    assert refused(world)
    assert not refused(world)
    assert world.dialled == [("10.1.1.1", 22)]


def test_an_address_of_this_machine_is_known_by_binding_it() -> None:
    assert is_own(ipaddress.ip_address("127.0.0.1"))
    assert not is_own(ipaddress.ip_address(PUBLIC))


def test_the_second_request_of_a_connection_is_held_to_the_host_as_the_first_was(world: World) -> None:
    world.run("good.example")
    world.answers["good.example"] = [[PUBLIC]]
    got: list[bytes] = []

    def note(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            got.append(data)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    world.upstream.script = note
    client = world.connect("good.example", 80)
    client.sendall(GET)
    assert client.recv(4096).startswith(b"HTTP/1.1 200")
    client.sendall(GET.replace(b"good", b"evil"))
    assert client.recv(4096) == b""
    attempt = world.last()
    assert "evil.example" in attempt.why
    assert b"".join(got) == GET


def test_a_request_for_another_host_is_told_why(world: World) -> None:
    world.run("good.example")
    client = world.connect("good.example", 80)
    client.sendall(GET.replace(b"good", b"evil"))
    told = client.recv(4096)
    assert told.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"evil.example" in told
    assert world.looked_up == []


def test_data_in_the_labels_of_names_goes_nowhere(world: World) -> None:
    """A question is answered here; nobody else ever sees it."""
    world.run("*.good.example", "*.google.com")
    for number in range(50):
        assert world.ask(f"secret-{number}.evil.example")[0] == 3
        assert world.ask(f"secret-{number}.good.example")[0] == 0
    assert world.ask("dns.google.com")[0] == 3, "a resolver over HTTPS is not what a wildcard means"
    assert world.looked_up == []


def test_a_flood_of_names_ends_at_a_bound_and_the_run_goes_on(world: World) -> None:
    world.run("*.good.example", "db.example:22")
    first = world.ask("db.example")
    with world.inside.udp() as asking:
        codes = []
        for number in range(4200):
            asking.sendto(question(f"a{number}.good.example"), ("127.0.0.1", 53))
            codes.append(read_answer(asking.recv(4096))[0])
    assert codes.count(0) == 4095
    assert set(codes[4095:]) == {2}
    assert world.ask("db.example") == first


def test_more_connections_than_a_run_may_have_wait_for_their_turn(world: World) -> None:
    world.run("good.example:22")
    world.answers["good.example"] = [[PUBLIC]]
    clients = [world.connect("good.example", 22) for _ in range(150)]
    for client in clients[:128]:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
    assert len(world.dialled) == 128
    clients[140].sendall(b"x")
    clients[140].settimeout(0.2)
    with pytest.raises(TimeoutError):
        clients[140].recv(1)
    for client in clients[:128]:
        client.close()
    clients[140].settimeout(10)
    assert clients[140].recv(1) == b"x"


def test_who_says_nothing_is_hung_up_in_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "_FIRST_SECONDS", 0.1)
    world.run("good.example")
    for port in (80, 443, 53):
        client = world.connect("good.example", port) if port != 53 else world.connect_to("127.0.0.1", 53)
        client.sendall({80: b"G", 443: b"\x16", 53: b"\0"}[port])
        assert client.recv(1) == b""
    assert world.last(count=2).why == "it did not say in time which host it means"
    assert world.dialled == []


def test_what_a_run_tried_is_told_up_to_a_bound_and_counted_beyond() -> None:
    told: list[Attempt] = []
    tally = Tally(told.append)
    for number in range(700):
        tally.add(Attempt(run="r", name=f"a{number}.example", port=443, allowed=bool(number % 2), sent=2, received=3))
    for _ in range(5):
        tally.add(Attempt(run="r", name="a.example", port=53, allowed=False))
    assert len(told) == 500
    summary = tally.summary
    assert (summary.allowed, summary.refused, summary.untold, summary.sent) == (350, 355, 205, 1400)
    few = Tally(told.append)
    for _ in range(5):
        few.add(Attempt(run="r", name="a.example", port=53, allowed=False))
    assert few.summary.refused == 1, "a resolver asks again and again"


def test_what_an_upstream_says_cannot_keep_a_run_alive(world: World) -> None:
    """An upstream that never ends is ended with the run."""
    run = world.run("good.example:22")
    world.answers["good.example"] = [[PUBLIC]]

    def talk(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"x" * 1000)
            time.sleep(0.001)

    world.upstream.script = talk
    client = world.connect("good.example", 22)
    assert client.recv(10)
    assert world.finish(run).allowed == 1


def test_a_machine_without_descriptors_is_not_kept_busy() -> None:
    """A connection that cannot be accepted stays readable: trying again at once would take all of a processor."""
    tries: list[float] = []

    class Full(socket.socket):
        def accept(self) -> tuple[socket.socket, object]:
            tries.append(time.monotonic())
            raise OSError(errno.EMFILE, "too many open files")

    async def nobody(*_: object) -> Any:
        raise OSError

    async def go() -> None:
        with Full(socket.AF_INET) as listener, socket.socket() as client:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            client.connect(listener.getsockname())
            run = Run("r", Allow(), Tally(lambda _: None), Means(nobody, nobody, 8))
            run.serve([Listener(listener, 22, False)])
            await asyncio.sleep(0.7)
            await run.close()

    asyncio.run(go())
    assert len(tries) == 2


def test_slow_names_of_one_run_do_not_take_every_lookup(world: World) -> None:
    world.run("*.slow.example:22", "good.example:22")
    under_way: list[int] = []
    most: list[int] = []

    async def slow(name: str) -> list[str]:
        under_way.append(1)
        most.append(len(under_way))
        await asyncio.sleep(0.05)
        under_way.pop()
        return [PUBLIC]

    world.egress._means.resolve = slow
    clients = [world.connect(f"a{number}.slow.example", 22) for number in range(12)]
    for client in clients:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
    assert max(most) == 4
