"""interlock-hook without a C compiler: the same protocol and the same answers as `native/interlock_hook.c`.

Standard library only and run with `python -I -S`, so that nothing an agent can write (PYTHONPATH, sitecustomize, a
module beside the script) is imported. About 15 ms instead of 0.7 ms a call; otherwise the same tests hold both.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
import zlib
from typing import NoReturn

EVENT_LIMIT = 8 * 1024 * 1024
REPLY_LIMIT = 1024 * 1024
LINE_LIMIT = 128
NESTING = 64
SILENCE = 5.0
STDIN = 10.0
START = 8.0
RACE = 1.5
DRAIN = 2.0
DEFAULT_DEADLINE_MS = 55_000
REFUSED = 2
LEASE = 4096
WRITTEN = 0.1  # seconds that a lease may be in writing: its daemon may lose the processor in the middle of it

RESTART = "Run `interlock status`, and `interlock down` then `interlock up` if it does not answer."
REPAIR = "Run `interlock doctor` to see what is wrong."
ONLY_TELL = frozenset(
    {
        "PostToolUse", "PostToolUseFailure", "PostToolBatch", "Stop", "StopFailure", "SubagentStart", "SubagentStop",
        "SessionStart", "SessionEnd", "Notification", "PreCompact", "PostCompact", "PermissionDenied", "Setup",
        "TeammateIdle", "TaskCompleted", "InstructionsLoaded", "CwdChanged", "FileChanged", "MessageDisplay",
        "WorktreeRemove", "Interrupt",
    }
)  # fmt: skip
INHERITED = (
    "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "XDG_CONFIG_HOME", "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "DBUS_SESSION_BUS_ADDRESS",
)  # fmt: skip


class No(Exception):
    """The event must be stopped: what is wrong, and what a person can do."""

    def __init__(self, remedy: str, what: str) -> None:
        super().__init__(what)
        self.remedy, self.what = remedy, what


_KEY = re.compile(r'[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*')
_NEXT = re.compile(r"[ \t\n\r]*([,}])")


def nested_too_deep(value: object) -> bool:
    """Whether containers stand more than NESTING deep in one another."""
    level = [value]
    for _ in range(NESTING + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def event_name(raw: bytes) -> str | None:
    """The top-level `hook_event_name` where the text leaves no doubt; see the C client."""
    try:
        text = raw.decode("utf-8")
        decoder = json.JSONDecoder()
        opening = re.match(r"[ \t\n\r]*\{", text)
        if opening is None:
            return None
        position, names = opening.end(), []
        while True:
            key = _KEY.match(text, position)
            if key is None:
                return None
            start = key.end()
            value, position = decoder.raw_decode(text, start)
            if nested_too_deep(value):
                return None
            if key[1] == "hook_event_name":
                names.append(value if "\\" not in text[start:position] else None)
            after = _NEXT.match(text, position)
            if after is None:
                return None
            position = after.end()
            if after[1] == "}":
                break
    except (ValueError, RecursionError):
        return None
    if text[position:].strip(" \t\n\r") or len(names) != 1 or not isinstance(names[0], str):
        return None
    return names[0] if 0 < len(names[0]) < 64 else None


class Client:
    """One call: an event in, an answer out."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.deadline_ms = DEFAULT_DEADLINE_MS
        self.agent = ""
        self.home: str | None = None
        self.run: str | None = None
        self.event = b""
        self.stdin_ended = False

    @property
    def end(self) -> float:
        return self.began + self.deadline_ms / 1000

    def read_arguments(self, words: list[str]) -> None:
        rest = list(words)
        usage = "its hook is called in a wrong way (interlock-hook AGENT [--deadline MS] [--home DIR | --run DIR])"
        while rest:
            word = rest.pop(0)
            if not word.startswith("-"):
                if self.agent or not re.fullmatch(r"[a-z0-9]{1,32}", word):
                    raise No("Run `interlock init` again.", usage)
                self.agent = word
            elif word == "--deadline" and rest and re.fullmatch(r"[1-9][0-9]{0,7}", rest[0]):
                self.deadline_ms = int(rest.pop(0))
            elif word == "--home" and rest:
                self.home = rest.pop(0)
            elif word == "--run" and rest:
                self.run = rest.pop(0)
            else:
                raise No("Run `interlock init` again.", usage)
        if not self.agent or self.deadline_ms > 86_400_000:
            raise No("Run `interlock init` again.", usage)

    def read_event(self) -> None:
        parts: list[bytes] = []
        size = 0
        while True:
            left = min(self.end - time.monotonic(), STDIN)
            if left <= 0 or not select.select([0], [], [], left)[0]:
                raise No(REPAIR, "the agent did not finish its event")
            try:
                part = os.read(0, 1 << 20)
            except BlockingIOError:
                continue
            except OSError as error:
                raise No(REPAIR, f"the event could not be read ({error.strerror})") from None
            if not part:
                break
            parts.append(part)
            size += len(part)
            if size > EVENT_LIMIT:
                raise No("Split the action into smaller ones.", "the event is larger than 8 MiB")
        self.stdin_ended = True
        self.event = b"".join(parts)
        if not self.event:
            raise No(REPAIR, "the agent sent no event")

    def run_directory(self) -> str:
        environ = os.environ
        base, rest = self.home or environ.get("INTERLOCK_HOME") or "", "/run"
        if self.run:
            base, rest = self.run, ""
        elif base:
            pass
        elif environ.get("XDG_RUNTIME_DIR", "").startswith("/"):
            base, rest = environ["XDG_RUNTIME_DIR"], "/interlock"
        elif environ.get("XDG_STATE_HOME", "").startswith("/"):
            base, rest = environ["XDG_STATE_HOME"], "/interlock/run"
        else:
            base, rest = environ.get("HOME", ""), "/.local/state/interlock/run"
        if not base.startswith("/"):
            raise No("Set HOME or INTERLOCK_HOME to an absolute path.", "the directory of its daemon is not known")
        if len(os.fsencode(base + rest)) >= 4096:
            raise No("Use a shorter INTERLOCK_HOME.", "the path of its directory is too long")
        return base + rest

    def connect(self, run: str) -> socket.socket:
        """A connected, non-blocking socket. Raises OSError."""
        path, directory = run + "/daemon.sock", -1
        if len(os.fsencode(path)) > 107:
            directory = os.open(run, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            path = f"/proc/self/fd/{directory}/daemon.sock"
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            peer.setblocking(False)
            peer.connect(path)
        except BaseException:
            peer.close()
            raise
        finally:
            if directory >= 0:
                os.close(directory)
        return peer

    def reach(self) -> socket.socket:
        run = self.run_directory()
        end = min(self.end, time.monotonic() + SILENCE)
        while True:
            try:
                return self.connect(run)
            except (BlockingIOError, InterruptedError):
                if time.monotonic() >= end:
                    raise No(RESTART, "its daemon takes no more connections") from None
                time.sleep(0.005)
            except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
                break
            except OSError as error:
                raise No(REPAIR, f"its daemon cannot be reached ({run}/daemon.sock: {error.strerror})") from None
        if "INTERLOCK_NO_AUTOSTART" in os.environ:
            raise No("Start it with `interlock up`.", f"its daemon is not running ({run}/daemon.sock)")
        return self.started(run)

    def started(self, run: str) -> socket.socket:
        program = os.path.join(os.path.dirname(os.path.realpath(sys.argv[0])), "interlock")
        if not os.access(program, os.X_OK):
            raise No(
                "Start it with `interlock up`, or install Interlock again.",
                f"its daemon is not running ({run}/daemon.sock), "
                "and there is no `interlock` beside the hook to start it",
            )
        child: subprocess.Popen[bytes] | None = subprocess.Popen(  # noqa: S603 - the program beside this one
            [program, "up", "--detach"],
            cwd="/",
            env=self.clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end, failed = min(self.end, time.monotonic() + START), False
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                return self.connect(run)
            if child is not None and child.poll() is not None:
                failed, child = child.returncode != 0, None
                if failed:  # hooks that start together race: ours may have lost to one that is coming up
                    end = min(end, time.monotonic() + RACE)
            time.sleep(0.02)
        what = "could not be started" if failed else f"did not come up within {START:.0f} seconds"
        raise No("Run `interlock up` to see why.", f"its daemon {what}")

    def clean_environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        if self.run:  # the daemon must come up where it is looked for, whatever the agent's environment says
            kept.pop("XDG_RUNTIME_DIR", None)
            if self.run.endswith("/interlock"):
                kept["XDG_RUNTIME_DIR"] = self.run.removesuffix("/interlock")
        home = self.home or (None if self.run else os.environ.get("INTERLOCK_HOME"))
        if home:
            kept["INTERLOCK_HOME"] = home
        return kept | {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

    def exchange(self) -> tuple[int, bytes, bytes]:
        peer = self.reach()
        with peer:
            raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            owner = struct.unpack("=iII", raw)[1]
            if owner not in (os.geteuid(), 0):
                raise No(
                    "Look who made it, remove it, and run `interlock up`.",
                    f"its socket belongs to user {owner}, not to you",
                )
            nonce = os.urandom(8).hex()
            left = max(1, int((self.end - time.monotonic()) * 1000))
            head = f"ILK1 hook {self.agent} {nonce} {left} {len(self.event)}\n".encode()
            asked = Exchange(peer, nonce, head + self.event, self.end, self.deadline_ms)
            answer = asked.answer()
        if answer[0] == 0 and event_name(self.event) not in ONLY_TELL:
            check_lease(self.run_directory(), asked.epoch)
        return answer


class Exchange:
    """One request on a connected socket, and the answer to it."""

    def __init__(self, peer: socket.socket, nonce: str, request: bytes, end: float, deadline_ms: int) -> None:
        self.peer, self.nonce, self.end, self.deadline_ms = peer, nonce, end, deadline_ms
        self.unsent = memoryview(request)
        self.sending = True
        self.reply = bytearray()
        self.done: tuple[int, int, int] | None = None
        self.epoch = -1
        self.silent_at = time.monotonic() + SILENCE

    def answer(self) -> tuple[int, bytes, bytes]:
        while True:
            left = min(self.end, self.silent_at) - time.monotonic()
            if left <= 0 and self.end <= self.silent_at:
                raise No(
                    "Ask again, and answer within that time (`interlock inbox`).",
                    f"no answer came within {self.deadline_ms // 1000} seconds",
                )
            if left <= 0:
                raise No(RESTART, "its daemon went silent")
            writable = [self.peer] if self.sending and self.unsent else []
            readable, ready, _ = select.select([self.peer], writable, [], left)
            if ready:
                self.send()
            if readable and self.receive():
                return self.whole()

    def send(self) -> None:
        try:
            sent = self.peer.send(self.unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.sending = False  # it may have answered all the same
            return
        self.unsent = self.unsent[sent:]
        self.silent_at = max(self.silent_at, time.monotonic() + SILENCE)

    def receive(self) -> bool:
        """True at the end of the stream."""
        try:
            part = self.peer.recv(1 << 16)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True
        self.reply += part
        self.take_lines()
        if self.done is not None and len(self.reply) > self.done[1] + self.done[2]:
            raise garbage()
        return not part

    def take_lines(self) -> None:
        while self.done is None:
            newline = self.reply.find(b"\n")
            if newline < 0:
                if len(self.reply) > LINE_LIMIT:
                    raise garbage()
                return
            line = bytes(self.reply[: newline + 1])
            del self.reply[: newline + 1]
            if len(line) > LINE_LIMIT:
                raise garbage()
            number = rb"(0|[1-9][0-9]{0,9})"
            mine = self.nonce.encode()
            hold = re.fullmatch(rb"ILK1 hold " + mine + rb" " + number + rb"\n", line)
            epoch = rb"(0|[1-9][0-9]{0,15})"
            done = re.fullmatch(rb"ILK1 done " + mine + rb" " + b" ".join([number] * 3 + [epoch]) + rb"\n", line)
            if hold and int(hold[1]) <= 2**31 - 1:
                self.silent_at = time.monotonic() + int(hold[1]) / 1000
            elif done:
                status, out, err, self.epoch = (int(part) for part in done.groups())
                if status not in (0, REFUSED) or out + err > REPLY_LIMIT:
                    raise garbage()
                self.done = status, out, err
                self.silent_at = time.monotonic() + SILENCE
            else:
                raise garbage()

    def whole(self) -> tuple[int, bytes, bytes]:
        if self.done is None or len(self.reply) != self.done[1] + self.done[2]:
            raise No(RESTART, "its daemon hung up in the middle of an answer")
        status, out, _ = self.done
        if status == 0 and self.unsent:
            raise garbage()  # a yes to an event it has not read
        return status, bytes(self.reply[:out]), bytes(self.reply[out:])


def check_lease(run: str, epoch: int) -> None:
    """Raises No without a lease that is good now, and under the same halts; see `interlock/halt/lease.py`."""
    found = lease(run)
    if isinstance(found, str):
        raise No(RESTART, found)
    if found != epoch:
        again = "Make the same call once more: it is then decided anew."
        raise No(again, "a person gave an order while this was decided")


def lease(run: str) -> int | str:
    """The epoch of the lease, or why there is none."""
    try:
        descriptor = os.open(run + "/lease", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return "its lease is not there"
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size != LEASE:
            return "its lease is no lease"
        if facts.st_uid not in (os.geteuid(), 0):
            return "its lease belongs to somebody else"
        if facts.st_mode & 0o022:
            return "its lease can be written by others"
        end = time.monotonic() + WRITTEN
        while (found := terms(descriptor)) is None:
            if time.monotonic() >= end:
                return "its lease is torn"
            time.sleep(0.001)
        return found
    finally:
        os.close(descriptor)


def terms(descriptor: int) -> int | str | None:
    """The epoch in a lease, or why it is not good; None where it is not whole, or somebody writes it just now."""
    head = os.pread(descriptor, 96, 0)
    if len(head) != 96 or head[16] & 1 or os.pread(descriptor, 8, 16) != head[16:24]:
        return None
    magic, version, size, _, epoch, until, written, _, state, rows, _, check = struct.unpack("<8sIIQQQQ32sIIII", head)
    known = (magic, version, size) == (b"ILKLEASE", 1, LEASE) and state in (1, 2) and rows <= 250
    if not known or zlib.crc32(head[24:92]) != check:
        return None
    fresh = written <= time.clock_gettime_ns(time.CLOCK_BOOTTIME) < until
    return int(epoch) if fresh else "its lease has lapsed"


def garbage() -> No:
    return No(RESTART, "its daemon answered something that cannot be understood")


def put(descriptor: int, text: bytes) -> bool:
    try:
        while text:
            text = text[os.write(descriptor, text) :]
    except OSError:
        return False
    return True


def drain(client: Client) -> None:
    """Swallow the rest of a refused event: an agent that gets EPIPE takes the hook for broken and goes on."""
    end = time.monotonic() + DRAIN
    with contextlib.suppress(OSError):
        while not client.stdin_ended and (left := end - time.monotonic()) > 0:
            if not select.select([0], [], [], left)[0]:
                return
            client.stdin_ended = not os.read(0, 1 << 20)


def answer_no(client: Client, no: No) -> int:
    name = event_name(client.event) if client.stdin_ended else None
    tells = name in ONLY_TELL
    text = f"Interlock {'could not record this' if tells else 'stopped this'}: {no.what}. {no.remedy}"
    if not tells:
        text += " Until then everything is refused: do not retry or try another way, tell the person."
    text = text.encode("ascii", "replace").decode()
    answer: dict[str, object] = {}
    status = 0 if tells else REFUSED
    if name == "PermissionRequest":  # agents read an answer here, not the exit status
        decision = {"behavior": "deny", "message": text}
        answer, status = {"hookSpecificOutput": {"hookEventName": name, "decision": decision}}, 0
    elif name == "SessionStart":
        answer = {"systemMessage": text}
    put(2, text.encode() + b"\n")
    if answer and not put(1, json.dumps(answer).encode() + b"\n") and not tells:
        status = REFUSED
    drain(client)
    return status


def on_signal(_number: int, _frame: object) -> NoReturn:
    put(2, b"Interlock stopped this: its hook was interrupted before an answer came. Run `interlock doctor`.\n")
    os._exit(REFUSED)


def main() -> NoReturn:
    """Never returns: exit status 0 or 2, whatever happens."""
    client = Client()
    status = REFUSED
    try:
        for name in ("HUP", "INT", "QUIT", "TERM", "ALRM", "USR1", "USR2", "XCPU", "XFSZ", "VTALRM", "PROF"):
            signal.signal(getattr(signal, "SIG" + name), on_signal)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        try:
            client.read_arguments(sys.argv[1:])
            signal.alarm(client.deadline_ms // 1000 + 10)
            client.read_event()
            status, out, err = client.exchange()
            if not (put(1, out) and put(2, err)):
                status = REFUSED
        except No as no:
            status = answer_no(client, no)
        except MemoryError:
            status = answer_no(client, No("Free some memory.", "there is no memory for the event"))
    except BaseException as error:  # noqa: BLE001 - a traceback with exit status 1 would let the tool run
        put(2, f"Interlock stopped this: its hook failed ({type(error).__name__}). {REPAIR}\n".encode())
    os._exit(status)


if __name__ == "__main__":
    main()
