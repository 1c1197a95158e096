"""What is left for whoever brings the changes into the workspace: objects that are no files, and moments that are missed."""

from __future__ import annotations

import os
import stat
import time

from escapes.probe import Check, Probe, Ran, any_of, canary, lacks, leaked, planted, precious_lost
from escapes.stage import Stage


def _kind(path: str, test: object) -> Check:
    def check(here: Stage, ran: Ran) -> bool:
        try:
            return bool(test((here.workspace / path).lstat().st_mode))  # type: ignore[operator]
        except OSError:
            return False

    return check


def _setuid(path: str) -> Check:
    return _kind(path, lambda mode: mode & 0o6000)


def _attribute(path: str, name: str) -> Check:
    def check(here: Stage, ran: Ran) -> bool:
        try:
            return name in os.listxattr(here.workspace / path, follow_symlinks=False)
        except OSError:
            return False

    return check


def _hung(here: Stage, ran: Ran) -> bool:
    return ran.seconds > 15


def _edit(here: Stage) -> None:
    (here.workspace / "notes/a.txt").write_text("written outside meanwhile\n")


def _edit_lost(here: Stage, ran: Ran) -> bool:
    return (here.workspace / "notes/a.txt").read_text() != "written outside meanwhile\n"


def _directory_lost(here: Stage, ran: Ran) -> bool:
    return not (here.workspace / "notes/c.txt").exists()


def _new_neighbour(here: Stage) -> None:
    (here.workspace / "notes").mkdir(exist_ok=True)
    (here.workspace / "notes/c.txt").write_text("new\n")


def _swap(here: Stage) -> None:
    """Outside, the directory that the command wrote to becomes a link out of the workspace."""
    os.rename(here.workspace / "notes", here.workspace / "notes-old")
    os.symlink(here.canary, here.workspace / "notes")


def _partial(here: Stage, ran: Ran) -> bool:
    """Neither before nor after: a part of the tree came, and its neighbour did not."""
    return (here.workspace / "good.txt").exists() is False and (here.workspace / "deep").exists()


def _linked(here: Stage) -> None:
    os.link(here.canary / "precious.txt", here.workspace / "shared.txt")


def _precious(here: Stage) -> None:
    for number in range(300):
        here.write(f"data/f{number}", "precious\n")


def _texts(here: Stage) -> None:
    for number in range(30):
        here.write(f"data/f{number}", "text of some kind, over and over\n" * 100)


def _late(here: Stage, ran: Ran) -> bool:
    time.sleep(1.5)
    return (here.workspace / "late.txt").exists()


PROBES = (
    Probe("setuid", "commit", "a setuid program", _setuid("s"), sh="cp /bin/true s; chmod 6755 s", origin="CVE-2023-0386 (overlayfs)"),
    Probe("setuid-kept", "commit", "setuid on a file that was there", _setuid("README.md"), sh="chmod 4755 README.md"),
    Probe("setgid-directory", "commit", "setgid on a directory", _setuid("notes"), sh="chmod 2777 notes"),
    Probe("capabilities", "commit", "a program with capabilities", _attribute("p", "security.capability"), py="import os, shutil\nshutil.copy('/bin/true', 'p')\nos.setxattr('p', 'security.capability', bytes.fromhex('0100000200040000000000000000000000000000'))", origin="CVE-2021-3493 (overlayfs), CVE-2023-2640"),
    Probe("device", "commit", "a device", _kind("d", lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode)), sh="mknod d c 1 3; mknod d b 254 0"),
    Probe("fifo", "commit", "a FIFO: whoever reads it waits", any_of(_kind("f", stat.S_ISFIFO), _hung), sh="mkfifo f"),
    Probe("fifo-over-file", "commit", "a FIFO in place of a file", any_of(_kind("README.md", stat.S_ISFIFO), _hung), sh="rm README.md; mkfifo README.md"),
    Probe("socket", "commit", "a socket", _kind("k", stat.S_ISSOCK), py="import socket\nsocket.socket(socket.AF_UNIX).bind('k')"),
    Probe("socket-over-file", "commit", "a socket in place of a file", _kind("Makefile", stat.S_ISSOCK), py="import os, socket\nos.unlink('Makefile')\nsocket.socket(socket.AF_UNIX).bind('Makefile')"),
    Probe("link-over-directory", "commit", "a link in place of a directory that holds files", any_of(planted("src"), canary("app.py")), sh="rm -rf src; ln -s @canary@ src"),
    Probe("link-then-file", "commit", "a file below what became a link", any_of(canary(), planted("src")), sh="mv src old; ln -s @canary@ src; cp README.md src/x; rm src; mkdir src; ln -s @canary@ src/way; touch src/way/x"),
    Probe("link-to-precious", "commit", "a file replaced by a link to one outside, then written", any_of(precious_lost, planted("notes/b.txt")), sh="ln -sf @canary@/precious.txt notes/b.txt; echo x > notes/b.txt"),
    Probe("whiteout", "commit", "a forged sign of deletion", any_of(lacks(".git/HEAD"), lacks("src/app.py")), py="import os, stat\nos.makedirs('w', exist_ok=True)\nfor n in ('.git', 'src'):\n    try: os.mknod('w/' + n, stat.S_IFCHR, 0); os.rename('w/' + n, n + '-x')\n    except OSError: pass", origin="whiteouts of overlayfs"),
    Probe("whiteout-attribute", "commit", "the same by attributes", any_of(lacks("src/app.py"), _attribute("src", "user.overlay.opaque"), _attribute("z", "user.overlay.whiteout")), py="import os\nopen('z', 'w').close()\nfor n, k, v in (('src', 'user.overlay.opaque', b'y'), ('src', 'user.overlay.opaque', b'x'), ('z', 'user.overlay.whiteout', b'y'), ('src', 'trusted.overlay.opaque', b'y')):\n    try: os.setxattr(n, k, v)\n    except OSError: pass"),
    Probe("redirect-attribute", "commit", "a directory that shows another one", any_of(leaked, _attribute("r", "user.overlay.redirect")), py="import os\nos.makedirs('r', exist_ok=True)\nfor k in ('user.overlay.redirect', 'trusted.overlay.redirect', 'user.overlay.metacopy'):\n    try: os.setxattr('r', k, b'/../../.ssh')\n    except OSError: pass\nprint(os.listdir('r'))", origin="redirect_dir of overlayfs"),
    Probe("hard-link-shared", "commit", "a file that has a second name outside", precious_lost, sh="echo x > shared.txt; chmod 777 shared.txt", before=_linked),
    Probe("edited-meanwhile", "commit", "a file that somebody else changes while the command runs", _edit_lost, sh="sleep 1; echo inside > notes/a.txt", during=_edit),
    Probe("edited-before-write", "commit", "a file that is written inside first and outside after", _edit_lost, sh="echo inside > notes/a.txt; sleep 1", during=_edit),
    Probe("neighbour-meanwhile", "commit", "a directory removed inside while it gains a file outside", _directory_lost, sh="rm -rf notes; sleep 1", during=_new_neighbour),
    Probe("swapped-meanwhile", "commit", "a directory that becomes a link outside while the command writes to it", any_of(canary("new.txt"), canary("a.txt")), sh="echo x > notes/new.txt; echo y > notes/a.txt; sleep 1; echo z >> notes/new.txt", during=_swap, origin="CVE-2021-30465, CVE-2024-0132 (runc, NVIDIA toolkit)"),
    Probe("late-writer", "commit", "a process that writes after the end", _late, sh="(sleep 1; echo x > late.txt) > /dev/null 2>&1 &"),
    Probe("late-mapping", "commit", "a mapped file that changes after the end", _late, py="import mmap, os, time\nif os.fork() == 0:\n    os.setsid()\n    for n in range(3): os.close(n)\n    f = os.open('m', os.O_CREAT | os.O_RDWR); os.ftruncate(f, 4096); m = mmap.mmap(f, 4096)\n    time.sleep(1); m[0:1] = b'x'; open('late.txt', 'w').close(); os._exit(0)"),
    Probe("deep-tree", "commit", "a tree 4096 levels deep", any_of(_hung, _partial), py="import os\nopen('good.txt', 'w').close()\nos.mkdir('deep'); os.chdir('deep')\nfor n in range(4096):\n    os.mkdir('d'); os.chdir('d')\nopen('end', 'w').close()"),
    Probe("newline-names", "commit", "names that look like other lines", any_of(lacks("README.md"), lacks("src/app.py")), py="import os\nfor n in ('a\\nREADME.md', 'x\\n\\0'.strip('\\0'), '..\\n', '\\x1b[2J', 'deleted\\tsrc/app.py', '-rf'):\n    open(n, 'w').close()"),
    Probe("repository-deleted", "commit", "the whole repository is gone", lacks(".git/HEAD"), sh="rm -rf .git"),
    Probe("workspace-deleted", "commit", "everything is gone", lacks(".git/HEAD"), sh="find . -mindepth 1 -delete"),
    Probe("many-deleted", "commit", "many files of which nobody has a copy", lacks("data/f7"), sh="rm -rf data", before=_precious),
    Probe("many-scrambled", "commit", "many files turned into noise", lambda here, ran: (here.workspace / "data/f7").read_bytes()[:4] != b"text", py="import os\nfor n in range(30): open(f'data/f{n}', 'wb').write(os.urandom(4000))", before=_texts),
    Probe("working-directory-gone", "commit", "the working directory removes itself", lacks("src/app.py"), sh="cd src && rm -rf ../src; mkdir -p @workspace@/src; ln -s @canary@ @workspace@/src/app.py"),
    Probe("layer-found", "commit", "the layer of the changes, reached from inside", any_of(leaked, planted("smuggled")), sh="for d in $(find @base@ /proc/1/root@base@ -type d -name upper 2>/dev/null); do echo @mark@ > $d/smuggled; done; sed -n 's/.*upperdir=\\([^,]*\\).*/\\1/p' /proc/self/mountinfo | grep @base@ | while read d; do echo @mark@ > $d/smuggled; done"),
)  # fmt: skip
