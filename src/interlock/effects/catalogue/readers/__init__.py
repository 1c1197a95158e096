"""Readers for what a grammar cannot say. Each is a function of a `Draft`, registered under the name families use.

A reader whose name ends in `_rest` also takes over the inner command; else the engine hands it on by `wraps`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers import files, wrappers

Reader = Callable[[Draft], None]

READERS: Mapping[str, Reader] = {
    "at": wrappers.at,
    "bwrap_rest": wrappers.bwrap,
    "busybox": wrappers.busybox,
    "dotenv_rest": wrappers.dotenv,
    "env": wrappers.env,
    "expect": wrappers.expect,
    "flock_rest": wrappers.flock,
    "parallel_rest": wrappers.parallel,
    "prefix_rest": wrappers.prefix,
    "rm": files.rm,
    "script": wrappers.script,
    "shell_operands": wrappers.shell_operands,
    "su": wrappers.su,
    "sudo": wrappers.sudo,
    "tracer_rest": wrappers.tracer,
    "watch_rest": wrappers.watch,
    "xargs_rest": wrappers.xargs,
}
