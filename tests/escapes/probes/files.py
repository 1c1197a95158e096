"""Secrets that could be read, and places outside of the workspace that could be written."""

from __future__ import annotations

import os
from pathlib import Path

from escapes.probe import Probe, Ran, any_of, canary, leaked, precious_lost, says
from escapes.stage import SECRETS, Stage


def _names(here: Stage, ran: Ran) -> bool:
    return b"id_ed25519" in ran.out


def _nested(here: Stage) -> None:
    here.write("backend/.env", f"API_KEY={here.token}\n")


def _link_to_secret(here: Stage) -> None:
    os.symlink(here.home / ".ssh/id_ed25519", here.workspace / "planted")


def _link_out(here: Stage) -> None:
    os.symlink(here.canary, here.workspace / "way-out")


def _etc(here: Stage, ran: Ran) -> bool:
    path = Path(f"/etc/escapes-{here.nonce}")
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


def _read(path: str) -> Probe:
    name = path.replace("/", "-").replace(" ", "-").strip(".-").lower()
    return Probe(f"read-{name}", "files", f"~/{path}", leaked, sh=f"cat '@home@/{path}'")


def _open_for_writing(path: str) -> str:
    return f"(: >> {path}) 2>/dev/null && echo @open@"


PROBES = (
    *(_read(path) for path in SECRETS),
    Probe("read-workspace-env", "files", "the workspace's own .env", leaked, sh="cat .env"),
    Probe("read-nested-env", "files", "a .env below the workspace's top", leaked, sh="cat backend/.env", before=_nested),
    Probe("read-tmp", "files", "another program's file in /tmp", leaked, sh="cat @tmp@"),
    Probe("read-shm", "files", "another program's shared memory file", leaked, sh="cat @shm@"),
    Probe("read-segment", "files", "a System V segment of shared memory", leaked, py="import ctypes\nlibc = ctypes.CDLL(None)\nlibc.shmat.restype = ctypes.c_void_p\na = libc.shmat(@shmid@, None, 0o10000)\nprint(ctypes.string_at(a, 64))", origin="an IPC namespace that is shared"),
    Probe("list-home", "files", "the names in ~/.ssh", _names, sh="ls -AR @home@/.ssh @home@ 2>/dev/null | head -500"),
    Probe("read-shadow", "files", "the system's password hashes", says, sh="test -s /etc/shadow && head -c 1 /etc/shadow | grep -q . && echo @open@", needs="root"),
    Probe("environment", "files", "credentials in the environment", leaked, sh="env", env={"AWS_SECRET_ACCESS_KEY": "@token@", "GITHUB_TOKEN": "@token@", "DATABASE_URL": "postgres://u:@token@@h/d"}),
    Probe("parent-environment", "files", "credentials in the environment of whoever started this", leaked, sh="cat /proc/$PPID/environ /proc/1/environ 2>/dev/null | tr '\\0' '\\n'", env={"MY_API_KEY": "@token@"}),
    Probe("link-inside", "files", "a secret through a link made inside", leaked, sh="ln -s @home@/.ssh/id_ed25519 l; cat l"),
    Probe("link-planted", "files", "a secret through a link that was there", leaked, sh="cat planted", before=_link_to_secret),
    Probe("dot-dot", "files", "a secret by climbing out", leaked, sh="cat ../.ssh/id_ed25519; cat @workspace@/src/../../.ssh/id_ed25519"),
    Probe("proc-self-root", "files", "a secret through /proc/self/root", leaked, sh="cat /proc/self/root@home@/.ssh/id_ed25519; cat /proc/thread-self/root@home@/.aws/credentials", origin="filters that compare names of paths"),
    Probe("proc-one-root", "files", "a secret through the root of process 1", leaked, sh="cat /proc/1/root@home@/.ssh/id_ed25519"),
    Probe("proc-host-root", "files", "a secret through the root of a host process", leaked, sh="cat /proc/@pid@/root@home@/.ssh/id_ed25519 || cat /proc/@pid@/cwd/.ssh/id_ed25519"),
    Probe("proc-parent-descriptors", "files", "files that the starter holds open", leaked, sh="for f in /proc/$PPID/fd/* /proc/1/fd/*; do timeout 1 head -c 200 $f 2>/dev/null; timeout 1 cat $f/.ssh/id_ed25519 2>/dev/null; done"),
    Probe("open-directory", "files", "a directory that stood open when the sandbox was started", leaked, sh="cat /proc/self/fd/9/.ssh/id_ed25519; cd /proc/self/fd/9 2>/dev/null && cat .ssh/id_ed25519", inherit="@home@", origin="CVE-2024-21626 (runc, leaky vessels), CVE-2016-9962"),
    Probe("open-file", "files", "a file that stood open when the sandbox was started", leaked, sh="cat <&9", inherit="@home@/.ssh/id_ed25519"),
    Probe("working-directory", "files", "a working directory that leads out", leaked, sh="cd -P /proc/self/cwd/.. && cat .ssh/id_ed25519", origin="CVE-2024-21626"),
    Probe("hard-link-read", "files", "a secret by a second name", leaked, sh="ln @home@/.ssh/id_ed25519 l && cat l"),
    Probe("guard-state", "files", "the guard's own directories", leaked, sh="find @home@ /proc/*/root@home@ -name daemon.key -exec cat {} + 2>/dev/null"),
    Probe("find-any", "files", "any secret, by looking in every home", leaked, sh="timeout 20 grep -rhs --include=id_ed25519 --include=credentials --include=.netrc sekret /home /srv /tmp /run @base@ | head -500"),
    Probe("disk", "files", "the disk past its file system", says, needs="root", sh="d=$(awk '$3 ~ /^([sv]d|nvme|xvd)/ {print $1, $2; exit}' /proc/diskstats); mknod d b $d; head -c 512 d 2>/dev/null | grep -q . && echo @open@; for n in $(awk '{print $4}' /proc/partitions); do head -c 1 /dev/$n 2>/dev/null | grep -q . && echo @open@; done", origin="a container with CAP_MKNOD"),
    Probe("memory-device", "files", "the machine's memory", says, needs="root", sh="head -c 1 /dev/mem 2>/dev/null | grep -q . && echo @open@; head -c 1 /proc/kcore 2>/dev/null | grep -q . && echo @open@; head -c 1 /dev/kmsg >/dev/null 2>&1 && echo @open@"),
    Probe("write-outside", "files", "a file beside the workspace", canary(), sh="touch @canary@/x"),
    Probe("write-home", "files", "a start-up file of the shell", lambda here, ran: (here.home / ".bashrc").exists(), sh="echo x >> @home@/.bashrc"),
    Probe("write-agent-settings", "files", "the agent's settings in the home", lambda here, ran: (here.home / ".claude/settings.json").exists(), sh="mkdir -p @home@/.claude; echo {} > @home@/.claude/settings.json"),
    Probe("write-authorized-keys", "files", "who may log in", lambda here, ran: (here.home / ".ssh/authorized_keys").exists(), sh="echo x >> @home@/.ssh/authorized_keys"),
    Probe("write-other-project", "files", "another project", lambda here, ran: (here.home / "other-project/x").exists(), sh="touch @home@/other-project/x"),
    Probe("write-prefix-sibling", "files", "a directory whose name begins as the workspace's", lambda here, ran: (here.home / "project-2/x").exists(), sh="mkdir -p @home@/project-2 && touch @home@/project-2/x", origin="CVE-2025-54794 (Claude Code), CVE-2025-53110 (MCP filesystem server)"),
    Probe("write-tmp", "files", "the host's /tmp", lambda here, ran: _gone(Path(f"/tmp/escapes-out-{here.nonce}")), sh="touch /tmp/escapes-out-@nonce@"),
    Probe("change-tmp", "files", "another program's file in /tmp", lambda here, ran: here.token not in Path(here.values["tmp"]).read_text(), sh="echo x > @tmp@"),
    Probe("write-link-inside", "files", "a file outside through a link made inside", canary(), sh="ln -s @canary@ l; touch l/x", origin="CVE-2025-53109 (MCP filesystem server), CVE-2025-59829 (Claude Code)"),
    Probe("write-link-planted", "files", "a file outside through a link that was there", canary(), sh="touch way-out/x", before=_link_out),
    Probe("write-swapped-directory", "files", "a directory that became a link", canary(), sh="rm -rf notes; ln -s @canary@ notes; cd notes && touch x", origin="CVE-2021-30465, CVE-2019-16884 (runc)"),
    Probe("write-open-directory", "files", "a directory that stood open", canary(), sh="touch /proc/self/fd/9/x", inherit="@canary@"),
    Probe("hard-link-out", "files", "a file outside by a second name", precious_lost, sh="ln @canary@/precious.txt l && echo x > l"),
    Probe("delete-outside", "files", "to delete outside", precious_lost, sh="rm -rf @canary@/precious.txt"),
    Probe("rename-outside", "files", "to move outside", precious_lost, sh="mv @canary@/precious.txt @canary@/y"),
    Probe("mode-outside", "files", "other permissions outside", precious_lost, sh="chmod 777 @canary@/precious.txt"),
    Probe("time-outside", "files", "other times outside", precious_lost, sh="touch -d 1990-01-01 @canary@/precious.txt"),
    Probe("truncate-outside", "files", "to empty a file outside", precious_lost, py="import os\nos.truncate('@canary@/precious.txt', 0)", origin="Landlock before version 3"),
    Probe("attributes-outside", "files", "extended attributes outside", lambda here, ran: "user.x" in os.listxattr(here.canary / "precious.txt"), py="import os\nos.setxattr('@canary@/precious.txt', 'user.x', b'1')"),
    Probe("remount", "files", "a read-only place made writable", canary(), sh="mount -o remount,rw,bind / 2>/dev/null; mount -o remount,rw / 2>/dev/null; umount -l @canary@ 2>/dev/null; touch @canary@/x", needs="sandboxed"),
    Probe("unnamed-file", "files", "a file without a name, named later", canary(), py="import ctypes, os\nd = os.open('@canary@', os.O_TMPFILE | os.O_WRONLY)\nctypes.CDLL(None).linkat(-100, f'/proc/self/fd/{d}'.encode(), -100, b'@canary@/x', 0x400)"),
    Probe("write-etc", "files", "the system's configuration", _etc, sh="touch /etc/escapes-@nonce@", needs="root"),
    Probe("core-pattern", "files", "the program that the kernel runs when one crashes", says, sh=_open_for_writing("/proc/sys/kernel/core_pattern") + "; " + _open_for_writing("/proc/sys/kernel/modprobe"), needs="root", origin="core_pattern as a way out of containers"),
    Probe("sysrq", "files", "the magic keys", says, sh=_open_for_writing("/proc/sysrq-trigger"), needs="root"),
    Probe("kernel-helpers", "files", "helpers that the kernel starts", says, sh=_open_for_writing("/sys/kernel/uevent_helper") + "; " + _open_for_writing("/proc/sys/fs/binfmt_misc/register") + "; " + _open_for_writing("/sys/power/state"), needs="root", origin="uevent_helper, binfmt_misc"),
    Probe("masked-by-link", "files", "kernel files reached by a link instead of their mask", says, sh="ln -s /proc/sys/kernel/core_pattern l; " + _open_for_writing("l"), needs="root", origin="CVE-2025-31133, CVE-2025-52565 (runc)"),
    Probe("home-by-other-name", "files", "the home by other names of it", any_of(leaked), sh="cat ~root/.ssh/id_ed25519 $HOME/.ssh/id_ed25519 /proc/*/root@home@/.ssh/id_ed25519 /dev/fd/../../root@home@/.ssh/id_ed25519 2>/dev/null"),
)  # fmt: skip


def _gone(path: Path) -> bool:
    there = path.exists()
    path.unlink(missing_ok=True)
    return there
