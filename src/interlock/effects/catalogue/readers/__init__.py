"""Readers for what a grammar cannot say. Each is a function of a `Draft`, registered under the name families use.

A reader whose name ends in `_rest` also takes over the inner command; else the engine hands it on by `wraps`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers import editors, files, find, git, make, network, othercode, packages, python, shells, text, wrappers

Reader = Callable[[Draft], None]

READERS: Mapping[str, Reader] = {
    "at": wrappers.at,
    "awk": text.awk,
    "base64": text.base64,
    "busybox": wrappers.busybox,
    "bwrap_rest": wrappers.bwrap,
    "chmod": files.chmod,
    "copy": files.copy,
    "dd": files.dd,
    "dotenv_rest": wrappers.dotenv,
    "env": wrappers.env,
    "exact": text.exact,
    "expect": wrappers.expect,
    "fd": find.fd,
    "find": find.find,
    "flock_rest": wrappers.flock,
    "gzip": files.gzip,
    "head": text.head,
    "in_place": text.in_place,
    "jq": text.jq,
    "link": files.link,
    "move": files.move,
    "parallel_rest": wrappers.parallel,
    "plain_cat": text.plain_cat,
    "prefix_rest": wrappers.prefix,
    "rename": files.rename,
    "rm": files.rm,
    "rsync": files.rsync,
    "script": wrappers.script,
    "sed": text.sed,
    "shell_operands": wrappers.shell_operands,
    "su": wrappers.su,
    "sudo": wrappers.sudo,
    "tar": files.tar,
    "tracer_rest": wrappers.tracer,
    "watch_rest": wrappers.watch,
    "xargs_rest": wrappers.xargs,
    "deno_eval": othercode.deno_eval,
    "foreign_shell": shells.foreign_shell,
    "node": othercode.node,
    "other_code": othercode.other_code,
    "python": python.python,
    "shell": shells.shell,
    "terminal": shells.terminal,
    "curl": network.curl,
    "wget": network.wget,
    "httpie": network.httpie,
    "lftp": network.lftp,
    "netcat": network.netcat,
    "ssh_rest": network.ssh,
    "sshpass_rest": network.sshpass,
    "scp": network.scp,
    "sftp": network.sftp,
    "ssh_copy_id": network.ssh_copy_id,
    "lookup": network.lookup,
    "openssl": network.openssl,
    "git": git.git,
    "go_run": packages.go_run,
    "install": packages.generic,
    "just": make.just,
    "make": make.make,
    "npm": packages.node,
    "npx_rest": packages.npx,
    "pip": packages.pip,
    "pipx_rest": packages.runner,
    "runner_rest": packages.runner,
    "task": make.task,
    "task_risky": packages.task_risky,
    "editor": editors.editor,
}
