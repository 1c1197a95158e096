"""The Seatbelt profile as a text. It was never run on a Mac; what is tested is that it says what the plan says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.containment import seatbelt
from interlock.containment.plan import Plan, Write
from interlock.model.errors import StateError

PLAN = Plan(
    id="t",
    argv=("make", "test"),
    cwd="/Users/u/w/src",
    workspace="/Users/u/w",
    write=Write.BIND,
    source="/Users/u/state/copy",
    hide=("/Users", "/etc/master.passwd", "/Users/u/w/.env"),
    show=("/Users/u/.pyenv",),
    fresh=("/Users/u", "/private/tmp"),
)
GOLDEN = """\
(version 1)
(deny default)
(allow process-fork)
(allow process-exec)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow sysctl-read)
(allow ipc-posix-sem)
(allow file-read* (subpath "/"))
(allow mach-lookup (global-name "com.apple.system.opendirectoryd.libinfo"))
(allow mach-lookup (global-name "com.apple.system.opendirectoryd.membership"))
(allow file-write-data (literal "/dev/null"))
(allow file-write-data (literal "/dev/zero"))
(allow file-write-data (literal "/dev/random"))
(allow file-write-data (literal "/dev/urandom"))
(allow file-write-data (literal "/dev/dtracehelper"))
(allow pseudo-tty)
(allow file-write-data file-ioctl (literal "/dev/tty"))
(allow file-write-data file-ioctl (literal "/dev/ptmx"))
(allow file-read* file-write-data file-ioctl (regex #"^/dev/ttys[0-9]+$"))
(deny file-read* file-write* (subpath "/Users"))
(deny file-read* file-write* (subpath "/Users/u"))
(deny file-read* file-write* (subpath "/private/tmp"))
(allow file-read-metadata (literal "/Users"))
(allow file-read-metadata (literal "/Users/u"))
(allow file-read* (subpath "/Users/u/.pyenv"))
(allow file-read-metadata (literal "/Users"))
(allow file-read-metadata (literal "/Users/u"))
(allow file-read* (subpath "/Users/u/w"))
(deny file-read* file-write* (literal "/private/etc/master.passwd"))
(deny file-read* file-write* (literal "/Users/u/w/.env"))
(allow file-read-metadata (literal "/Users"))
(allow file-read-metadata (literal "/Users/u"))
(allow file-read-metadata (literal "/Users/u/state"))
(allow file-read* file-write* (subpath "/Users/u/state/copy"))
(deny file-read* file-write* (literal "/Users/u/state/copy/.env"))
(allow file-read-metadata (literal "/Users"))
(allow file-read-metadata (literal "/Users/u"))
(allow file-read-metadata (literal "/Users/u/state"))
(allow file-read* file-write* (subpath "/Users/u/state/scratch"))
"""


def looked(path: str) -> tuple[str, bool]:
    return ("/private" + path if path.startswith("/etc") else path), not path.endswith((".env", "passwd"))


def profile(**more: Any) -> str:
    plan = Plan(**{**{name: getattr(PLAN, name) for name in PLAN.__struct_fields__}, **more})
    return seatbelt.profile(plan, "/Users/u/state/scratch", looked)


def verdict(text: str, operation: str, path: str) -> bool:
    """What the profile says of a file: the last rule that matches holds."""
    allowed = False
    for action, operations, kind, spelled in re.findall(
        r'^\((allow|deny) (file[^()]*?) \((subpath|literal) "((?:[^"\\]|\\.)*)"\)\)$', text, re.MULTILINE
    ):
        named = re.sub(r"\\(.)", r"\1", spelled)
        covers = path == named or (kind == "subpath" and path.startswith(named.rstrip("/") + "/"))
        means = any(
            operation == one or (one.endswith("*") and operation.startswith(one[:-1])) for one in operations.split()
        )
        if covers and means:
            allowed = action == "allow"
    return allowed


def test_the_profile_of_a_plan() -> None:
    assert profile() == GOLDEN


@pytest.mark.parametrize(
    ("operation", "path", "allowed"),
    [
        ("file-read-data", "/usr/bin/make", True),
        ("file-write-data", "/usr/bin/make", False),
        ("file-read-data", "/Users/u/.ssh/id_ed25519", False),
        ("file-read-metadata", "/Users/u/.ssh", False),
        ("file-read-metadata", "/Users/u", True),
        ("file-read-data", "/Users/u", False),
        ("file-read-data", "/Users/u/.pyenv/bin/python", True),
        ("file-write-data", "/Users/u/.pyenv/bin/python", False),
        ("file-read-data", "/Users/u/w/Makefile", True),
        ("file-write-data", "/Users/u/w/Makefile", False),
        ("file-write-create", "/Users/u/state/copy/out.o", True),
        ("file-read-data", "/Users/u/w/.env", False),
        ("file-read-data", "/Users/u/state/copy/.env", False),
        ("file-write-create", "/Users/u/state/copy-evil", False),
        ("file-read-data", "/private/tmp/other", False),
        ("file-write-create", "/Users/u/state/scratch/x", True),
        ("file-write-data", "/dev/null", True),
    ],
)
def test_what_the_profile_says_of_a_file(operation: str, path: str, allowed: bool) -> None:
    assert verdict(profile(), operation, path) is allowed


def test_a_workspace_that_cannot_be_written_is_not() -> None:
    text = profile(write=Write.NONE, source="")
    assert "/Users/u/state/copy" not in text
    assert verdict(text, "file-read-data", "/Users/u/w/Makefile")
    assert not verdict(text, "file-write-data", "/Users/u/w/Makefile")


def test_there_is_no_network_and_no_other_service() -> None:
    for text in (profile(), profile(tty=False)):
        assert "network" not in text
        assert text.count("mach-lookup") == 2
    assert "ioctl" not in profile(tty=False)


def test_what_seatbelt_cannot_do_is_refused_and_not_left_out() -> None:
    with pytest.raises(StateError, match="overlay"):
        profile(write=Write.OVERLAY)
    with pytest.raises(StateError, match="network"):
        profile(listeners=("443/tcp",))
    with pytest.raises(StateError, match="control character"):
        profile(show=("/Users/u/a\nb",))


@given(
    st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=12).filter(
        lambda name: name not in (".", "..")
    )
)
def test_a_name_cannot_write_rules_of_its_own(name: str) -> None:
    try:
        text = profile(show=(f"/Users/u/{name}",))
    except StateError:
        assert not name.isprintable()
        return
    for line in text.splitlines():
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", line)
        assert '"' not in bare
        assert bare.count("(") == bare.count(")") > 0
    assert not verdict(text, "file-read-data", "/Users/u/.ssh") or name == ".ssh"


def test_the_command_starts_in_the_clone() -> None:
    assert seatbelt.directory(PLAN) == "/Users/u/state/copy/src"
    assert seatbelt.words(PLAN, "/p") == ("/usr/bin/sandbox-exec", "-f", "/p", "--", "make", "test")
    assert seatbelt.clone_words("/Users/u/w", "/c") == ("/bin/cp", "-c", "-R", "-p", "-P", "/Users/u/w/.", "/c")
