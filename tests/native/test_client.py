"""Whatever happens to the hook client, the agent hears no; what it hears from a healthy daemon is passed on exactly."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from interlock.halt.lease import Lease
from native.conftest import Client, fast
from native.daemons import EPOCH, Call, Daemon, answering

Start = Callable[..., Daemon]

TOOL = b'{"hook_event_name":"PreToolUse","tool_name":"Bash"}'
STOP = b'{"hook_event_name":"Stop"}'


def refused(client: Client, event: bytes = TOOL, *words: str, timeout: float = 30) -> str:
    ran = client.call(event, *words, timeout=timeout)
    assert ran.status == 2
    assert ran.out == b""
    assert ran.err.startswith("Interlock stopped this: ")
    assert ran.err.count("\n") == 1
    return ran.err


@pytest.mark.parametrize(
    ("status", "out", "err"),
    [(0, b"", b""), (0, b'{"a":"\xc3\xa9"}\n', b""), (2, b"", b"no\n"), (0, b"o" * 300_000, b"e" * 200_000)],
)
def test_a_healthy_answer_is_passed_on_exactly(
    client: Client, daemon: Start, status: int, out: bytes, err: bytes
) -> None:
    served = daemon(answering(status, out, err))
    ran = client.call(TOOL, "codex", "--deadline", "20000")
    assert (ran.status, ran.out, ran.err.encode()) == (status, out, err)
    head = served.calls[0].head
    assert head[:3] == ["ILK1", "hook", "codex"]
    assert len(head[3]) == 16
    assert 0 < int(head[4]) <= 20_000
    assert served.calls[0].payload == TOOL


def test_nonces_differ(client: Client, daemon: Start) -> None:
    served = daemon(answering())
    for _ in range(3):
        client.call()
    assert len({call.nonce for call in served.calls}) == 3


def test_an_event_of_many_megabytes_arrives_whole(client: Client, daemon: Start) -> None:
    event = b'{"hook_event_name":"PreToolUse","x":"' + b"x" * (8 * 1024 * 1024 - 39) + b'"}'
    assert len(event) == 8 * 1024 * 1024
    served = daemon(answering(0, b"ok"))
    assert client.call(event).out == b"ok"
    assert served.calls[0].payload == event


def test_no_daemon(client: Client) -> None:
    text = refused(client)
    assert "not running" in text
    assert "interlock up" in text


def test_a_socket_that_nobody_serves(client: Client) -> None:
    run = client.home / "run"
    run.mkdir(parents=True)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(run / "daemon.sock"))
    stale.close()
    assert "not running" in refused(client)


def test_the_socket_path_is_a_plain_file(client: Client) -> None:
    run = client.home / "run"
    run.mkdir(parents=True)
    (run / "daemon.sock").write_text("")
    refused(client)


def garbage_scripts() -> dict[str, Callable[[Call], None]]:
    def after_read(raw: Callable[[Call], bytes]) -> Callable[[Call], None]:
        def script(call: Call) -> None:
            call.read()
            call.send(raw(call))

        return script

    def line(text: str) -> Callable[[Call], None]:
        return after_read(lambda call: text.format(n=call.nonce).encode())

    return {
        "nothing": line(""),
        "http": line("HTTP/1.1 200 OK\r\n\r\n"),
        "wrong-nonce": line("ILK1 done 0123456789abcdef 0 0 0 7\n"),
        "short-nonce": line("ILK1 done 0123 0 0 0 7\n"),
        "wrong-version": line("ILK2 done {n} 0 0 0\n"),
        "unknown-word": line("ILK1 fine {n} 0 0 0\n"),
        "status-1-would-let-the-tool-run": line("ILK1 done {n} 1 0 0 7\n"),
        "status-256": line("ILK1 done {n} 256 0 0 7\n"),
        "negative": line("ILK1 done {n} 0 -1 0 7\n"),
        "sign": line("ILK1 done {n} +0 0 0 7\n"),
        "leading-zero": line("ILK1 done {n} 00 0 0 7\n"),
        "hexadecimal": line("ILK1 done {n} 0 0x0 0 7\n"),
        "missing-number": line("ILK1 done {n} 0 0 0\n"),
        "extra-word": line("ILK1 done {n} 0 0 0 0 7\n"),
        "carriage-return": line("ILK1 done {n} 0 0 0\r\n"),
        "two-blanks": line("ILK1 done {n}  0 0 0 7\n"),
        "huge": line("ILK1 done {n} 0 99999999999999999999 0 7\n"),
        "over-the-limit": line("ILK1 done {n} 0 1048576 1 7\n"),
        "body-too-short": line("ILK1 done {n} 0 5 0 7\nabc"),
        "body-too-long": line("ILK1 done {n} 0 3 0 7\nabcd"),
        "two-answers": line("ILK1 done {n} 0 0 0 7\nILK1 done {n} 0 0 0 7\n"),
        "hold-of-what": line("ILK1 hold {n} soon\n"),
        "hold-then-gone": line("ILK1 hold {n} 10000\n"),
        "cut-in-the-line": line("ILK1 done {n} 0 0"),
        "endless-line": after_read(lambda _: b"A" * 100_000),
        "nul-bytes": after_read(lambda _: bytes(64)),
        "half-way-killed": after_read(lambda call: f"ILK1 done {call.nonce} 0 1000 0 7\n".encode() + b"x" * 10),
    }


@pytest.mark.parametrize("name", sorted(garbage_scripts()))
def test_a_garbled_answer_is_a_no(client: Client, daemon: Start, name: str) -> None:
    daemon(garbage_scripts()[name])
    refused(client)


def test_a_yes_to_an_unread_event_is_garbage(client: Client, daemon: Start) -> None:
    def script(call: Call) -> None:
        line = call.peer.recv(64).decode()
        call.head = line.split(" ")
        call.done(0)
        call.peer.shutdown(socket.SHUT_RDWR)

    daemon(script)
    refused(client, b'{"hook_event_name":"PreToolUse","x":"' + b"x" * 4_000_000 + b'"}')


def test_a_no_to_an_unread_event_is_passed_on(client: Client, daemon: Start) -> None:
    def script(call: Call) -> None:
        call.head = call.peer.recv(64).decode().split(" ")
        call.done(2, b"", b"too much\n")
        call.peer.shutdown(socket.SHUT_WR)
        while call.peer.recv(1 << 20):
            pass

    daemon(script)
    ran = client.call(b'{"hook_event_name":"PreToolUse","x":"' + b"x" * 4_000_000 + b'"}')
    assert (ran.status, ran.err) == (2, "too much\n")


def test_an_answer_in_single_bytes(client: Client, daemon: Start) -> None:
    def script(call: Call) -> None:
        call.read()
        for byte in f"ILK1 hold {call.nonce} 900\nILK1 done {call.nonce} 2 2 3 7\nabcde".encode():
            call.send(bytes([byte]))
            time.sleep(0.002)

    daemon(script)
    ran = client.call()
    assert (ran.status, ran.out, ran.err) == (2, b"ab", "cde")


def test_holds_keep_it_waiting(client: Client, daemon: Start) -> None:
    def script(call: Call) -> None:
        call.read()
        for _ in range(6):
            call.hold(600)
            time.sleep(0.2)
        call.done(0, b"at last")

    daemon(script)
    assert client.call().out == b"at last"


def test_a_broken_promise_is_a_no(client: Client, daemon: Start) -> None:
    def script(call: Call) -> None:
        call.read()
        call.hold(300)
        call.linger(60)

    daemon(script)
    began = time.monotonic()
    assert "silent" in refused(client)
    assert time.monotonic() - began < 20


def test_the_deadline_ends_every_wait(client: Client, daemon: Start) -> None:
    def script(call: Call) -> None:
        call.read()
        for _ in range(100):
            call.hold(1000)
            time.sleep(0.1)

    daemon(script)
    began = time.monotonic()
    assert "no answer came within 1 seconds" in refused(client, TOOL, "claude", "--deadline", "1000")
    assert 0.9 < time.monotonic() - began < 8


@pytest.mark.slow
def test_a_hung_daemon_is_a_no_after_five_seconds(client: Client, daemon: Start) -> None:
    def script(call: Call) -> None:
        call.read()
        call.linger(60)

    daemon(script)
    began = time.monotonic()
    assert "silent" in refused(client)
    assert 4.5 < time.monotonic() - began < 30


@pytest.mark.slow
def test_a_daemon_that_does_not_read_is_a_no(client: Client, daemon: Start) -> None:
    daemon(lambda _call: time.sleep(8))
    refused(client, b'{"hook_event_name":"PreToolUse","x":"' + b"x" * 4_000_000 + b'"}')


@pytest.mark.slow
def test_a_daemon_that_accepts_nobody_is_a_no(client: Client, daemon: Start) -> None:
    served = daemon(lambda _call: time.sleep(9), backlog=0)
    waiting = [socket.socket(socket.AF_UNIX) for _ in range(4)]
    try:
        for one in waiting:
            one.setblocking(False)
            try:
                one.connect(str(served.path))
            except BlockingIOError:
                break
        refused(client)
    finally:
        for one in waiting:
            one.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a socket of somebody else")
def test_a_socket_of_somebody_else_is_not_asked(client: Client) -> None:
    run = client.home / "run"
    run.mkdir(parents=True)
    for directory in (run, client.home, *client.home.parents[:4]):
        if directory != Path("/tmp"):
            directory.chmod(0o777)
    code = (
        "import os,socket,sys\nos.setuid(65534)\ns=socket.socket(socket.AF_UNIX);s.bind(sys.argv[1]);s.listen()\n"
        "print('up',flush=True)\nc,_=s.accept();c.settimeout(5);print(len(c.recv(9)),flush=True)"
    )
    thief = subprocess.Popen(
        ["python3", "-c", code, str(run / "daemon.sock")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert thief.stdout is not None
    try:
        assert thief.stdout.readline() == b"up\n"
        text = refused(client)
        assert "belongs to user 65534" in text
        assert thief.stdout.readline() == b"0\n"  # not one byte of the event reached it
    finally:
        thief.kill()
        thief.wait()
        thief.stdout.close()


@pytest.mark.parametrize("size", [8 * 1024 * 1024 + 1, 100_000_000])
def test_an_event_beyond_the_limit_is_refused_fast(client: Client, daemon: Start, size: int) -> None:
    served = daemon(answering())
    ran = client.call(b"[" * size)
    assert ran.status == 2
    assert "8 MiB" in ran.err
    assert fast(ran.seconds)
    assert served.calls == []


def test_the_agent_is_never_left_with_a_broken_pipe(client: Client) -> None:
    """An agent that gets EPIPE while it writes its event takes the hook for broken, and lets the tool run."""
    hook = subprocess.Popen(
        [str(client.program), "claude"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={"INTERLOCK_HOME": str(client.home), "INTERLOCK_NO_AUTOSTART": "1"},
    )
    assert hook.stdin is not None
    assert hook.stderr is not None
    for _ in range(30):
        hook.stdin.write(b"x" * 1_000_000)  # BrokenPipeError would fail the test
    hook.stdin.close()
    assert hook.wait(10) == 2
    assert b"8 MiB" in hook.stderr.read()
    hook.stderr.close()


@pytest.mark.parametrize("event", [b"", b" ", b"{", b'{"hook_event_name":"Pre', b"\xff\xfe", b"null", b"[]", b"\0"])
def test_an_event_that_is_not_understood_is_judged_as_a_tool_call(client: Client, event: bytes) -> None:
    refused(client, event)


def test_closed_standard_descriptors(client: Client) -> None:
    for closed in ("<&-", "<&- >&-", "<&- >&- 2>&-"):
        ran = subprocess.run(
            ["sh", "-c", f"exec {client.program} claude {closed}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={"INTERLOCK_HOME": str(client.home), "INTERLOCK_NO_AUTOSTART": "1"},
            check=False,
        )
        assert ran.returncode == 2, closed


@pytest.mark.slow
def test_an_agent_that_never_finishes_its_event(client: Client) -> None:
    hook = subprocess.Popen(
        [str(client.program), "claude", "--deadline", "1500"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert hook.stdin is not None
    assert hook.stderr is not None
    hook.stdin.write(b"{")
    hook.stdin.flush()
    assert hook.wait(8) == 2
    assert b"did not finish" in hook.stderr.read()
    hook.stdin.close()
    hook.stderr.close()


@pytest.mark.parametrize(
    "event",
    [
        STOP,
        b' {"a":{"hook_event_name":"PreToolUse"},"hook_event_name" : "SubagentStop" , "b":["}]",{}],"c":-1.5e3} \n',
        b'{"x":"\\"hook_event_name\\":\\"PreToolUse\\"","hook_event_name":"SessionEnd"}',
        b'{"hook_event_name":"PostToolUse","tool_response":{"big":"' + b"y" * 200_000 + b'"}}',
        b'{"hook_event_name":"Notification","x":true,"y":null,"z":[]}',
    ],
)
def test_events_that_only_tell_do_not_become_a_loop(client: Client, event: bytes) -> None:
    """Exit status 2 on Stop sends the agent on; a dead daemon would keep it running for ever."""
    ran = client.call(event)
    assert ran.status == 0
    assert ran.out == b""
    assert ran.err.startswith("Interlock could not record this: ")


@pytest.mark.parametrize(
    "event",
    [
        b'{"hook_event_name":"Stop","hook_event_name":"PreToolUse"}',
        b'{"hook_event_name":"PreToolUse","hook_event_name":"Stop"}',
        b'{"hook_event_name":"Stop"} {"hook_event_name":"PreToolUse"}',
        b'{"hook_event_name":"Stop"',
        b'{"hook_event_name":"Stop"}x',
        b'{"hook_event_name":["Stop"]}',
        b'{"hook_event_name":"St\\u006fp"}',
        b'{"hook\\u005fevent_name":"PreToolUse","hook_event_name":"Stop"}',
        b'{"tool_input":{"hook_event_name":"Stop"}}',
        b'{"tool_input":"\\",\\"hook_event_name\\":\\"Stop\\""}',
        b'["hook_event_name","Stop"]',
        b'{"x":{"y":]},"hook_event_name":"Stop"}',
        b'{"x":"\n","hook_event_name":"Stop"}',
        b'{"x":' + b"[" * 100 + b"]" * 100 + b',"hook_event_name":"Stop"}',
        b'{"hook_event_name":"stop"}',
        b'{"hook_event_name":"Stop "}',
        b'{"hook_event_name":"ConfigChange"}',
        b'{"hook_event_name":"UserPromptSubmit"}',
        b'{"hook_event_name":"SomethingNew"}',
        b'{"hook_event_name":"' + b"S" * 100 + b'"}',
    ],
)
def test_what_could_be_a_tool_call_is_stopped(client: Client, event: bytes) -> None:
    refused(client, event)


def test_a_permission_dialog_is_answered_in_its_own_form(client: Client) -> None:
    ran = client.call(b'{"hook_event_name":"PermissionRequest"}')
    assert ran.status == 0
    decision = json.loads(ran.out)["hookSpecificOutput"]
    assert decision["hookEventName"] == "PermissionRequest"
    assert decision["decision"]["behavior"] == "deny"
    assert "interlock up" in decision["decision"]["message"]


def test_the_start_of_a_session_tells_the_person(client: Client) -> None:
    ran = client.call(b'{"hook_event_name":"SessionStart"}')
    assert ran.status == 0
    assert "interlock up" in json.loads(ran.out)["systemMessage"]


@pytest.mark.parametrize(
    "words",
    [
        ("CLAUDE",), ("claude", "codex"), ("-x",), ("claude", "--deadline"), ("claude", "--deadline", "0"),
        ("claude", "--deadline", "-1"), ("claude", "--deadline", "1e9"), ("claude", "--deadline", "99999999999"),
        ("claude", "--fast", "1"), ("../x",), ("a" * 33,), ("--home",), ("claude", "--home", "relative"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_a_no(client: Client, daemon: Start, words: tuple[str, ...]) -> None:
    served = daemon(answering())
    refused(client, TOOL, *words)
    assert served.calls == []


def test_without_arguments_it_is_a_no(client: Client) -> None:
    ran = subprocess.run([str(client.program)], input=TOOL, capture_output=True, check=False)
    assert ran.returncode == 2


def test_an_agent_that_does_not_listen_gets_a_no(client: Client, daemon: Start) -> None:
    daemon(answering(0, b"x" * 500_000))
    read, write = os.pipe()
    os.close(read)
    hook = subprocess.run(
        [str(client.program), "claude"],
        input=TOOL,
        stdout=write,
        stderr=subprocess.DEVNULL,
        env={"INTERLOCK_HOME": str(client.home)},
        check=False,
    )
    os.close(write)
    assert hook.returncode == 2


@pytest.mark.parametrize("number", ["TERM", "INT", "HUP", "USR1", "ALRM", "QUIT"])
def test_a_signal_is_a_no(client: Client, daemon: Start, number: str) -> None:
    import signal

    def script(call: Call) -> None:
        call.read()
        call.linger(60)

    served = daemon(script)
    hook = subprocess.Popen(
        [str(client.program), "claude"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"INTERLOCK_HOME": str(client.home)},
    )
    assert hook.stdin is not None
    hook.stdin.write(TOOL)
    hook.stdin.close()
    hook.stdin = None
    while not served.calls or not served.calls[0].payload:
        time.sleep(0.01)
    hook.send_signal(getattr(signal, f"SIG{number}"))
    _, err = hook.communicate(timeout=5)
    assert hook.returncode == 2
    assert b"interrupted" in err


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda served: served.lease.renew(EPOCH + 1, bytes(32), {}), "a person gave an order"),
        (lambda served: Lease(served.lease.path, seconds=0).renew(EPOCH, bytes(32), {}), "has lapsed"),
        (lambda served: served.lease.path.unlink(missing_ok=True), "is not there"),
        (lambda served: served.lease.path.chmod(0o666), "by others"),
        (lambda served: os.truncate(served.lease.path, 9), "no lease"),
        (lambda served: served.lease.path.write_bytes(bytes(4_096)), "torn"),
    ],
)
def test_a_yes_without_a_good_lease_is_a_no(
    client: Client, daemon: Start, spoil: Callable[[Daemon], object], why: str
) -> None:
    """The answer was on its way when an order came, or its daemon was stopped: nothing is let happen by it."""

    def script(call: Call) -> None:
        call.read()
        spoil(served)
        call.done(0, b"yes")

    served = daemon(script)
    assert why in refused(client, TOOL)
    assert why in refused(client, b'{"hook_event_name":"UserPromptSubmit"}')


def test_what_only_tells_needs_no_lease(client: Client, daemon: Start) -> None:
    served = daemon(answering(0, b"heard"))
    served.lease.path.unlink()
    assert client.call(STOP).out == b"heard"


def test_a_no_needs_no_lease(client: Client, daemon: Start) -> None:
    served = daemon(answering(2, b"", b"a rule said no\n"))
    served.lease.path.unlink()
    assert client.call(TOOL).err == "a rule said no\n"
