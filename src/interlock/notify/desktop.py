"""The desktop of the person who runs the daemon: org.freedesktop.Notifications, through whichever program is there.

notify-send (libnotify), else busctl (systemd). Both speak to the session's bus; where there is no bus there is no
desktop, and that is said.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from html import escape
from pathlib import Path

from interlock.notify.notice import Message
from interlock.notify.post import Undelivered

_SECONDS = 5.0
_KEEPS = ("PATH", "HOME", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY", "LANG")
_BUS = "org.freedesktop.Notifications"


def present(environ: Mapping[str, str]) -> str:
    """Why there is no desktop to speak to from here; "" where there is one."""
    if not (environ.get("DBUS_SESSION_BUS_ADDRESS") or _bus(environ)):
        return "no session bus here (DBUS_SESSION_BUS_ADDRESS is not set): no desktop"
    if not _program(environ):
        return "neither notify-send nor busctl is here to speak to the desktop: install libnotify-bin"
    return ""


async def show(message: Message, environ: Mapping[str, str], *, seconds: float = _SECONDS) -> None:
    """Show it. Raises Undelivered."""
    problem = present(environ)
    if problem:
        raise Undelivered(problem, lasting=True)
    try:
        process = await asyncio.create_subprocess_exec(
            *_argv(message, _program(environ)),
            env={name: environ[name] for name in _KEEPS if name in environ},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise Undelivered(f"the desktop's program does not start: {error.strerror}") from error
    try:
        async with asyncio.timeout(seconds):
            status = await process.wait()
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise Undelivered(f"the desktop did not answer within {seconds:g} s") from error
    if status:
        raise Undelivered(f"the desktop does not take it (status {status}): does a notification service run?")


def _argv(message: Message, program: str) -> list[str]:
    # The bodies of notifications are markup to most desktops: a sign from outside must stay a sign.
    body = escape(message.text, quote=False)
    if program.endswith("notify-send"):
        urgency = "critical" if message.urgent else "normal"
        return [program, "--app-name=Interlock", f"--urgency={urgency}", "--", message.title, body]
    level = "2" if message.urgent else "1"
    call = [program, "--user", "--quiet", "--timeout=4", "call", _BUS, f"/{_BUS.replace('.', '/')}", _BUS, "Notify"]
    # app name, replaced id, icon, title, body, no actions, one hint, the desktop's own time to show it
    return [
        *call,
        "--",
        "susssasa{sv}i",
        "Interlock",
        "0",
        "",
        message.title,
        body,
        "0",
        "1",
        "urgency",
        "y",
        level,
        "-1",
    ]


def _program(environ: Mapping[str, str]) -> str:
    path = environ.get("PATH", "/usr/bin:/bin")
    return shutil.which("notify-send", path=path) or shutil.which("busctl", path=path) or ""


def _bus(environ: Mapping[str, str]) -> bool:
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    return runtime.startswith("/") and (Path(runtime) / "bus").exists()
