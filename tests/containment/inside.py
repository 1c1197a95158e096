"""The part of `overlay` that runs in the namespace: mount, run the commands, say what the merged tree looks like."""

from __future__ import annotations

import ctypes
import json
import os
import sys

from containment.trees import do, snapshot


def _inside() -> None:
    workspace, upper, work, commands, look = json.load(sys.stdin)
    os.umask(0o022)
    options = f"lowerdir={workspace},upperdir={upper},workdir={work},userxattr,volatile".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"overlay", workspace.encode(), b"overlay", 0, options) != 0:
        sys.exit(f"no overlay: {os.strerror(ctypes.get_errno())}")
    do(commands, workspace)
    sys.stdout.write(repr(snapshot(workspace) if look else {}))


if __name__ == "__main__":
    _inside()
