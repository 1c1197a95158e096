"""The ground of one attempt: a home with secrets, a workspace in it, and a host that listens and watches.

Everything lies below one directory of its own, so that an attempt that gets out harms nothing but canaries. Standard
library only: the suite is put to other sandboxes, too.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Where people and programs keep what nobody else may have, below the home.
SECRETS = (
    ".ssh/id_ed25519",
    ".aws/credentials",
    ".config/gh/hosts.yml",
    ".netrc",
    ".docker/config.json",
    ".kube/config",
    ".npmrc",
    ".claude/.credentials.json",
    ".codex/auth.json",
    ".bash_history",
    ".gnupg/private-keys-v1.d/0.key",
    ".mozilla/firefox/x.default/cookies.sqlite",
    ".git-credentials",
    ".config/gcloud/application_default_credentials.json",
    ".local/share/keyrings/login.keyring",
    ".password-store/mail.gpg",
    ".local/state/interlock/keys/daemon.key",
    "other-project/.env",
    "Documents/letter.txt",
)

_HELPER = """
import os, sys, time
secret = os.environ["HOST_SECRET"]
print("ready", hex(id(secret)), flush=True)
sys.stdin.read()
"""


def _template(base: Path) -> Path:
    """A home with a workspace under git, made once and copied for every attempt."""
    home = base / "template"
    workspace = home / "project"
    workspace.mkdir(parents=True)
    for name, text in {
        "README.md": "# A project\n",
        "src/app.py": "print('hello')\n",
        "Makefile": "all:\n\ttrue\n",
        ".gitignore": ".env\n",
        "package.json": '{"name": "project", "version": "1.0.0", "scripts": {"build": "true"}}\n',
        "notes/a.txt": "one\n",
        "notes/b.txt": "two\n",
    }.items():
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    env = {"PATH": PATH, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    for words in (("init", "-q", "--template="), ("add", "."), ("commit", "-qm", "first")):
        subprocess.run(["git", *identity, *words], cwd=workspace, env=env, check=True, capture_output=True)
    return home


@dataclass
class Ground:
    """The directory that all stages of a session lie in; belongs to the user the attempts run as."""

    base: Path
    template: Path

    @classmethod
    def make(cls, place: Path | None = None, user: int | None = None) -> Ground:
        """A new one below `place` (or where there is room), for this user or `user`."""
        # Not in /tmp: a private /tmp would hide the whole stage, and nothing would be tried.
        places = [place] if place else [Path("/srv"), Path.home()]
        for parent in places:
            with contextlib.suppress(OSError):
                base = Path(tempfile.mkdtemp(prefix="escapes-", dir=parent)).resolve()
                base.chmod(0o755)
                ground = cls(base, _template(base))
                if user is not None and user != os.geteuid():
                    subprocess.run(["chown", "-R", f"{user}:{user}", str(base)], check=True)
                if os.geteuid() == 0:  # a program that runs as root for everybody, as every system has some
                    shutil.copy("/usr/bin/id", base / "suid-id")
                    (base / "suid-id").chmod(0o4755)
                return ground
        raise RuntimeError(f"none of {places} can be written")

    def remove(self) -> None:
        # Overlay leaves directories that nobody may enter, and an attempt a tree deeper than Python walks.
        for words in (("chmod", "-R", "u+rwX"), ("rm", "-rf")):
            subprocess.run([*words, str(self.base)], capture_output=True, check=False)


@dataclass
class Stage:
    """One attempt's world."""

    base: Path
    nonce: str = field(default_factory=lambda: secrets.token_hex(6))
    heard: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.base / "home"

    @property
    def workspace(self) -> Path:
        return self.home / "project"

    @property
    def canary(self) -> Path:
        """A directory beside the workspace that the user may write; nothing inside has any business there."""
        return self.base / "canary"

    @property
    def state(self) -> Path:
        return self.home / ".local/state/interlock"

    @property
    def token(self) -> str:
        """What every secret holds, and no attempt knows."""
        return f"sekret-{self.nonce}"

    @property
    def marker(self) -> str:
        """What an attempt writes."""
        return f"mark-{self.nonce}"

    def fill(self, text: str) -> str:
        """An attempt's text with the names of this stage: `@canary@`, `@port@`, …"""
        names = {
            "home": str(self.home),
            "workspace": str(self.workspace),
            "canary": str(self.canary),
            "base": str(self.base),
            "mark": self.marker,
            "open": f"open-{self.nonce}",
            "nonce": self.nonce,
            **self.values,
        }
        for name, value in names.items():
            text = text.replace(f"@{name}@", value)
        return text

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        """A file of the workspace, before the attempt."""
        place = self.workspace / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)
        return place

    def outside(self, *words: str, seconds: float = 20.0) -> bytes:
        """A command of the user's own, outside, in the workspace: what would set off what was planted."""
        env = {
            "PATH": PATH,
            "HOME": str(self.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_EDITOR": "true",
        }
        try:
            done = subprocess.run(
                words,
                cwd=self.workspace,
                env=env,
                capture_output=True,
                timeout=seconds,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return b""
        return done.stdout + done.stderr


@contextlib.contextmanager
def stage(ground: Ground) -> Iterator[Stage]:
    """A new stage with its host; everything ends with it."""
    base = Path(tempfile.mkdtemp(prefix="s-", dir=ground.base))
    base.chmod(0o755)
    here = Stage(base)
    shutil.copytree(ground.template, here.home, symlinks=True)
    here.canary.mkdir()
    (here.canary / "precious.txt").write_text("precious\n")
    (here.canary / "precious.txt").chmod(0o644)  # whatever the umask is
    for name in SECRETS:
        path = here.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{here.token}\n")
    (here.workspace / ".env").write_text(f"API_KEY={here.token}\n")
    try:
        with contextlib.ExitStack() as stack:
            here.values["suid"] = str(ground.base / "suid-id")
            _listen(here, stack)
            _files_of_the_host(here, stack)
            stack.enter_context(_helper(here))
            yield here
    finally:
        Ground(base, base).remove()


def _files_of_the_host(here: Stage, stack: contextlib.ExitStack) -> None:
    for directory in ("/tmp", "/dev/shm"):
        path = Path(directory, f"escapes-{here.nonce}")
        path.write_text(f"{here.token}\n")
        stack.callback(path.unlink, missing_ok=True)
        here.values["tmp" if directory == "/tmp" else "shm"] = str(path)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    segment = libc.shmget(0, 4096, 0o1666)  # IPC_PRIVATE, created
    if segment >= 0:
        address = libc.shmat(segment, None, 0)
        ctypes.memmove(address, here.token.encode(), len(here.token))
        libc.shmdt(ctypes.c_void_p(address))
        stack.callback(libc.shmctl, segment, 0, None)
    here.values["shmid"] = str(segment)


class _Ears(threading.Thread):
    """Accepts whatever comes to the host's sockets and notes that it came."""

    def __init__(self, here: Stage) -> None:
        super().__init__(daemon=True)
        self._here = here
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ, "")

    def add(self, name: str, family: int, kind: int, address: object) -> socket.socket | None:
        """Listen there, where that is possible."""
        sock = socket.socket(family, kind)
        try:
            sock.bind(address)  # type: ignore[arg-type]
            if kind == socket.SOCK_STREAM:
                sock.listen(16)
        except OSError:
            sock.close()
            return None
        self._selector.register(sock, selectors.EVENT_READ, name)
        return sock

    def run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if not key.data:
                    return
                with contextlib.suppress(OSError):
                    if sock.type == socket.SOCK_DGRAM:
                        sock.recv(2048)
                    else:
                        sock.accept()[0].close()
                self._here.heard.add(key.data)

    def end(self) -> None:
        self._wake.send(b"x")
        self.join(timeout=5)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._wake.close()
        self._selector.close()


def _listen(here: Stage, stack: contextlib.ExitStack) -> None:
    """The host's services: each must stay unheard."""
    runtime = Path("/run") if os.access("/run", os.W_OK) else here.base
    folder = Path(tempfile.mkdtemp(prefix="escapes-", dir=runtime))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix="ssh-escapes-", dir="/tmp"))
    stack.callback(shutil.rmtree, temporary, ignore_errors=True)
    here.values |= {"runtime": str(folder), "agent": str(temporary / "agent.1"), "abstract": f"escapes-{here.nonce}"}

    ears = _Ears(here)
    ear = ears.add
    tcp = ear("tcp", socket.AF_INET, socket.SOCK_STREAM, ("0.0.0.0", 0))
    udp = ear("udp", socket.AF_INET, socket.SOCK_DGRAM, ("0.0.0.0", 0))
    six = ear("tcp6", socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0))
    here.values["port"] = str(tcp.getsockname()[1]) if tcp else "9"
    here.values["udp"] = str(udp.getsockname()[1]) if udp else "9"
    here.values["port6"] = str(six.getsockname()[1]) if six else "9"
    here.values["address"] = _own_address()
    unix, stream, datagram = socket.AF_UNIX, socket.SOCK_STREAM, socket.SOCK_DGRAM
    ear("abstract", unix, stream, f"\0escapes-{here.nonce}")
    ear("x11-abstract", unix, stream, f"\0/tmp/.X11-unix/X{here.nonce}")
    ear("bus", unix, stream, str(folder / "bus"))
    ear("docker", unix, stream, str(folder / "docker.sock"))
    ear("wayland", unix, stream, str(folder / "wayland-0"))
    ear("notify", unix, datagram, str(folder / "notify"))
    ear("agent", unix, stream, str(temporary / "agent.1"))
    ear("home-socket", unix, stream, str(here.home / "s.sock"))
    ear("workspace-socket", unix, stream, str(here.workspace / "dev.sock"))
    ears.start()
    stack.callback(ears.end)


def _own_address() -> str:
    """An address of this machine that is not loopback."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    except OSError:
        return "127.0.0.1"
    finally:
        probe.close()


@contextlib.contextmanager
def _helper(here: Stage) -> Iterator[None]:
    """Another program of the same user, with a secret in its memory and environment."""
    python = shutil.which("python3", path=PATH) or "python3"
    env = {"PATH": PATH, "HOST_SECRET": here.token}
    helper = subprocess.Popen(
        [python, "-I", "-c", _HELPER, f"escapes-helper-{here.nonce}"],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=here.home,
    )
    assert helper.stdout is not None
    words = helper.stdout.readline().split()
    here.values |= {"pid": str(helper.pid), "memory": words[1].decode() if len(words) > 1 else "0"}
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            helper.send_signal(signal.SIGKILL)
        helper.wait()
        helper.stdout.close()
        if helper.stdin:
            helper.stdin.close()


def helper_lives(here: Stage) -> bool:
    """Whether the host's helper was left alone."""
    try:
        return f"escapes-helper-{here.nonce}".encode() in Path(f"/proc/{here.values['pid']}/cmdline").read_bytes()
    except OSError:
        return False
