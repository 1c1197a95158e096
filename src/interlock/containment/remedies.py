"""What an administrator can do where the system itself forbids namespaces: its switches, and the words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

# The switches by which systems forbid user namespaces, and the value that does.
_SWITCHES = {
    "kernel.apparmor_restrict_unprivileged_userns": "1",
    "kernel.unprivileged_userns_clone": "0",
    "user.max_user_namespaces": "0",
}
_PROFILE = """\
abi <abi/4.0>,
include <tunables/global>
profile interlock-run "{launcher}" flags=(unconfined) {{
  userns,
}}
"""

Read = Callable[[str], str | None]
"""The value of a switch, None where the system has none of that name."""


def read(name: str) -> str | None:
    """Ask this machine."""
    try:
        return Path("/proc/sys", *name.split(".")).read_text().strip()
    except OSError:
        return None


def switches(value: Read | None = None) -> dict[str, str]:
    """Those that forbid something here."""
    value = value or read
    return {name: bad for name, bad in _SWITCHES.items() if value(name) == bad}


def remedy(forbidding: Mapping[str, str], launcher: str) -> str:
    """What an administrator can do so that the launcher may make namespaces; empty where nothing is known."""
    if "user.max_user_namespaces" in forbidding:
        return "this system allows no user namespaces; an administrator can: sysctl -w user.max_user_namespaces=10000"
    if "kernel.unprivileged_userns_clone" in forbidding:
        return (
            "this system allows user namespaces to root alone; an administrator can: "
            "sysctl -w kernel.unprivileged_userns_clone=1"
        )
    if "kernel.apparmor_restrict_unprivileged_userns" in forbidding and launcher and '"' not in launcher:
        profile = " ".join(_PROFILE.format(launcher=launcher).split())
        return (
            "AppArmor lets only named programs make namespaces here; an administrator can name this one: "
            f"echo '{profile}' > /etc/apparmor.d/interlock-run && apparmor_parser -r /etc/apparmor.d/interlock-run"
        )
    return ""
