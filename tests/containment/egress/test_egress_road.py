"""The whole road of a contained run's connection, with a real namespace, real listeners and a scripted world."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import ssl
import threading
import time

import pytest

from containment.egress.netspace import netspace
from containment.egress.world import World, question, read_answer

PUBLIC = "93.184.215.14"


def answer_once(connection: socket.socket) -> None:
    """A plain HTTP server that shows what it was asked."""
    asked = b""
    while b"\r\n\r\n" not in asked:
        asked += connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(asked), asked))


def everything(client: socket.socket) -> bytes:
    parts = []
    while part := client.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)


def test_an_allowed_name_is_answered_with_an_address_of_its_own_and_no_other_name_is(world: World) -> None:
    world.run("good.example", "*.more.example:22")
    code, addresses = world.ask("good.example")
    assert code == 0
    assert addresses[0].startswith("127.64.")
    assert world.ask("GooD.eXample.")[1] == addresses, "one name, one address, whatever its case"
    other = world.ask("a.more.example")[1]
    assert other not in ([], addresses)
    assert world.ask("good.example", 28) == (0, []), "there is no IPv6 inside"
    for name in ("evil.example", "more.example", "evil-more.example", "good.example.evil.example", "x.good.example"):
        assert world.ask(name) == (3, []), name
    assert world.looked_up == [], "a question carries nothing out"
    assert {(a.name, a.port, a.allowed) for a in world.attempts} >= {("evil.example", 53, False)}


def test_other_questions_are_refused_and_tcp_is_served_too(world: World) -> None:
    world.run("good.example")
    for kind in (16, 15, 33, 65, 255, 10):
        assert world.ask("good.example", kind)[0] == 5, kind
    assert world.ask("good.example", klass=3)[0] == 5
    assert world.ask("good.example", flags=0x2800)[0] == 4
    assert world.ask("good.example", edns=True)[0] == 0
    client = world.connect_to("127.0.0.1", 53)
    asked = question("good.example")
    for part in (b"\0", bytes([len(asked)]) + asked[:7], asked[7:]):
        client.sendall(part)
        time.sleep(0.01)
    answer = client.recv(4096)
    assert read_answer(answer[2:])[0] == 0


def test_plain_http_reaches_the_checked_address_and_its_bytes_are_counted(world: World) -> None:
    run = world.run("good.example")
    world.answers["good.example"] = [[PUBLIC]]
    world.upstream.script = answer_once
    client = world.connect("good.example", 80)
    client.sendall(b"GET /x?y HTTP/1.1\r\nhost: GOOD.example\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n")
    told = everything(client)
    client.close()
    sent = b"GET /x?y HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\n\r\n"
    assert told.endswith(sent)
    assert world.dialled == [(PUBLIC, 80)]
    attempt = world.last()
    assert (attempt.run, attempt.name, attempt.port, attempt.allowed) == (run, "good.example", 80, True)
    assert attempt.address == PUBLIC
    assert attempt.received == len(told)
    assert attempt.sent == len(sent)
    summary = world.finish(run)
    assert (summary.allowed, summary.refused, summary.received) == (1, 0, len(told))


def test_a_raw_port_is_told_by_its_address_alone_and_both_ends_may_end_first(world: World) -> None:
    world.run("db.example:5432")
    world.answers["db.example"] = [[PUBLIC]]
    client = world.connect("db.example", 5432)
    client.sendall(b"hello")
    assert client.recv(5) == b"hello"
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""
    assert world.last().sent == 5
    assert world.dialled == [(PUBLIC, 5432)]


def test_a_large_stream_comes_through_whole_in_both_directions_at_once(world: World) -> None:
    world.run("db.example:5432")
    world.answers["db.example"] = [[PUBLIC]]
    client = world.connect("db.example", 5432)
    data = os.urandom(1 << 20) * 24

    def send() -> None:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    digest = hashlib.sha256(everything(client)).digest()
    sender.join()
    assert digest == hashlib.sha256(data).digest()
    assert world.last().sent == world.last().received == len(data)


def test_a_side_that_does_not_read_holds_its_sender_up(world: World) -> None:
    """Back-pressure: what the egress keeps for a slow reader is bounded."""
    world.run("db.example:5432")
    world.answers["db.example"] = [[PUBLIC]]
    go = threading.Event()
    world.upstream.script = lambda connection: go.wait(30)  # reads nothing
    client = world.connect("db.example", 5432)
    client.settimeout(0.5)
    taken = 0
    with contextlib.suppress(TimeoutError):
        while taken < 64 << 20:
            taken += client.send(bytes(1 << 16))
    go.set()
    assert taken < 32 << 20, "the kernel's buffers and one of ours, not everything"


def greet(world: World, name: str, greeted: str | None) -> None:
    """A real TLS client, with this server name, at what stands for `name`."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(world.connect(name, 443), server_hostname=greeted):
        pass


def test_a_real_tls_greeting_passes_unchanged_and_one_for_another_name_does_not(world: World) -> None:
    world.run("good.example", "other.example")
    world.answers["good.example"] = [[PUBLIC]]
    got: list[bytes] = []

    def note(connection: socket.socket) -> None:
        got.append(connection.recv(65536))

    world.upstream.script = note
    with pytest.raises(OSError):  # noqa: PT011 - the scripted server says nothing and hangs up, however that reads
        greet(world, "good.example", "good.example")
    assert got[0].startswith(b"\x16\x03\x01")
    assert b"good.example" in got[0]
    assert world.last().allowed
    with pytest.raises(ssl.SSLError, match=r"(?i)access.denied"):
        greet(world, "good.example", "other.example")
    attempt = world.last(count=2)
    assert not attempt.allowed
    assert "other.example" in attempt.why
    assert len(world.dialled) == 1


@pytest.mark.parametrize("greeted", [None, PUBLIC])
def test_without_a_server_name_nothing_is_dialled(world: World, greeted: str | None) -> None:
    world.run("good.example")
    world.answers["good.example"] = [[PUBLIC]]
    with pytest.raises(ssl.SSLError):
        greet(world, "good.example", greeted)
    assert not world.dialled
    assert "without a server name" in world.last().why


def test_an_address_that_stands_for_no_name_is_refused(world: World) -> None:
    world.run("good.example", "db.example:5432")
    for address, port, answer in (
        ("127.0.0.1", 443, b"\x15\x03"),
        ("127.9.1.2", 80, b"HTTP/1.1 403"),
        ("127.64.0.1", 5432, None),
    ):
        if answer is None:
            with pytest.raises(ConnectionResetError):
                world.connect_to(address, port).recv(1)
        else:
            assert everything(world.connect_to(address, port)).startswith(answer)
    assert not world.dialled
    assert {a.why for a in world.attempts} == {"an address that stands for no host of the list"}


def test_a_name_that_is_allowed_at_one_port_is_not_at_another(world: World) -> None:
    world.run("db.example:5432", "good.example")
    world.answers["db.example"] = [[PUBLIC]]
    client = world.connect("db.example", 80)
    client.sendall(b"GET / HTTP/1.1\r\nHost: db.example\r\n\r\n")
    assert b"403" in everything(client)
    assert not world.dialled


def test_localhost_of_the_list_is_this_machine(world: World) -> None:
    world.run("localhost:5432", "good.example")
    world.answers["localhost"] = [["127.0.0.1"]]
    client = world.connect_to("127.0.0.1", 5432)
    client.sendall(b"x")
    assert client.recv(1) == b"x"
    assert world.dialled == [("127.0.0.1", 5432)]


def test_when_the_launcher_hangs_up_everything_of_its_run_ends(world: World) -> None:
    run = world.run("db.example:5432")
    world.answers["db.example"] = [[PUBLIC]]
    client = world.connect("db.example", 5432)
    address = client.getpeername()[0]
    client.sendall(b"x")
    assert client.recv(1) == b"x"
    world.launchers[0].close()
    assert client.recv(1) == b""
    assert world.last().why == "the run ended"
    assert world.finish(run).sent == 1
    with pytest.raises(ConnectionRefusedError):
        world.connect_to(address, 5432)


def test_two_runs_never_share_a_name(world: World) -> None:
    """A list belongs to the listeners it was given with."""
    world.run("one.example")
    first = world.inside
    with netspace() as second:
        world.inside = second
        world.run("two.example")
        assert world.ask("one.example")[0] == 3
        assert world.ask("two.example")[0] == 0
        world.inside = first
        assert world.ask("one.example")[0] == 0
        assert world.ask("two.example")[0] == 3
