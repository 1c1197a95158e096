"""What developers do all day, with the real programs in a real overlay: nothing of it is held."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interlock.containment import settle

_OVERLAY = (
    'mount -t overlay none -o "userxattr,volatile,lowerdir=$1,upperdir=$2,workdir=$3" "$1"'
    ' && cd "$1" && exec sh -ec "$4"'
)
GIT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_EDITOR": "true"}
SETUP = """
git init -q -b main; git config user.name t; git config user.email t@example.org
printf 'int main(void) { return 0; }\\n' > main.c
printf 'def f():\\n    return 1\\n' > lib.py
mkdir tests src; printf 'from lib import f\\n\\ndef test_f():\\n    assert f() == 1\\n' > tests/test_lib.py
printf 'a\\n' > src/a.txt; printf '.venv\\nnode_modules\\n*.o\\n' > .gitignore
printf '{"name": "p", "version": "1.0.0", "scripts": {"build": "node build.js"}}\\n' > package.json
printf 'fs = require("fs"); fs.mkdirSync("dist"); fs.writeFileSync("dist/x.js", "1")\\n' > build.js
git add .; git commit -qm first
git checkout -q -b topic; printf 'b\\n' > src/b.txt; git mv src/a.txt src/c.txt; git add .; git commit -qm topic
git checkout -q main
printf 'more\\n' > more.txt; git add .; git commit -qm more
"""

ORDINARY = {
    "commit": "echo x >> lib.py; git add .; git commit -qm x",
    "branch": "git branch other; git branch -d other; git tag v1",
    "checkout": "git checkout -q topic",
    "switch": "git switch -q -c new; git switch -q main",
    "merge": "git merge -q --no-edit topic",
    "rebase": "git checkout -q topic; git rebase -q main",
    "rebase interactively": "git checkout -q topic; GIT_SEQUENCE_EDITOR=true git rebase -q -i main",
    "cherry-pick": "git cherry-pick topic >/dev/null",
    "conflict": (
        "git checkout -q topic; echo y > more.txt; git add .; git commit -qm y; git merge main || git merge --abort"
    ),
    "stash": "echo x >> lib.py; git stash -q; git stash pop -q",
    "reset": "git reset -q --hard HEAD~1; git clean -qfd",
    "gc": "git gc -q",
    "worktree": "git worktree add -q wt; echo wt >> .git/info/exclude",
    "worktree removed": "git worktree add -q wt; git worktree remove wt",
    "name": "git config user.name Somebody; git config user.email s@example.org; git config pull.rebase true",
    "remote": (
        "git remote add fork https://example.org/x.git; git branch --set-upstream-to=topic main; git remote remove fork"
    ),
    "alias": "git config alias.st status; git config alias.lg 'log --oneline --graph'",
    "init": "git init -q sub; cd sub; echo x > f; git add .; git -c user.name=t -c user.email=t@t commit -qm x",
    "init with templates": "git init -q --bare mirror.git",
    "clone": "git clone -q --no-hardlinks . copy",
    "bisect": "git bisect start; git bisect bad; git bisect good HEAD~1 >/dev/null; git bisect reset",
    "compile": "cc -c main.c -o main.o; cc main.o -o app; ./app; mkdir -p build bin; cp app bin/app; cp main.o build",
    "make": "printf 'all: app\\napp: main.c\\n\\tcc -o app main.c\\n' > Makefile; make -s",
    "python": "python3 -m compileall -q lib.py; python3 lib.py",
    "remove caches": (
        "mkdir -p node_modules/x build; for n in $(seq 300); do echo 1 > node_modules/x/$n; echo 1 > build/$n; done"
    ),
    "edit": (
        "sed -i s/1/2/ lib.py; mkdir -p docs; echo x > docs/a.md; chmod +x lib.py; touch main.c; "
        "rm src/a.txt; ln -s lib.py l.py"
    ),
    "rename": "mv src source; mv source/a.txt source/z.txt",
    "archive": "tar czf a.tgz src; tar xzf a.tgz -C tests",
}
WITH_NODE = {
    "npm run build": "npm run build --silent",
    "npm init": "mkdir n; cd n; npm init -y >/dev/null",
    "npm version": "npm version patch --no-git-tag-version >/dev/null",
    "npm install of a package beside": (
        "mkdir -p lib-a; "
        'printf \'{"name":"lib-a","version":"1.0.0"}\' > lib-a/package.json; '
        ""
        "npm install --offline --no-audit --no-fund ./lib-a >/dev/null"
    ),
}
WITH_VENV = {
    "virtual environment": (
        "python3 -m venv --without-pip .venv; . .venv/bin/activate; python -c 'import sys; "
        "assert sys.prefix != sys.base_prefix'"
    ),
}


def _has(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def _cases() -> Iterator[object]:
    node = [] if shutil.which("npm") else [pytest.mark.skip("no npm here")]
    venv = [] if _has("/usr/bin/python3", "-c", "import venv") else [pytest.mark.skip("no venv here")]
    for commands, marks in ((ORDINARY, []), (WITH_NODE, node), (WITH_VENV, venv)):
        for name, command in commands.items():
            yield pytest.param(command, id=name, marks=marks)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that each test has a copy of."""
    project = tmp_path_factory.mktemp("everyday")
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(project.parent), **GIT}
    subprocess.run(["sh", "-ec", SETUP], cwd=project, env=env, check=True, capture_output=True)
    return project


@pytest.fixture
def run(made: Path) -> Iterator[Callable[[str], settle.Settled]]:
    base = Path(tempfile.mkdtemp(prefix="interlock-everyday-")).resolve()
    project, home = base / "project", base / "home"
    shutil.copytree(made, project, symlinks=True)
    project.chmod(0o755)  # pytest's own directory is private
    home.mkdir()
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), **GIT}

    def once(command: str) -> settle.Settled:
        place = settle.Workplace.make(base / "run", str(project))
        words = [
            "unshare",
            "-Urm",
            "sh",
            "-c",
            _OVERLAY,
            "sh",
            str(project),
            str(place.upper),
            str(place.work),
            command,
        ]
        ran = subprocess.run(words, env=env, capture_output=True, check=False)
        if b"unshare" in ran.stderr or b"mount:" in ran.stderr:
            pytest.skip("no overlay of an ordinary user here")
        assert ran.returncode == 0, ran.stderr.decode()
        return settle.settle(place, secret=lambda path: False)

    yield once
    for directory, names, _ in os.walk(base):
        for name in names:
            if not os.path.islink(os.path.join(directory, name)):
                os.chmod(os.path.join(directory, name), 0o755)
    shutil.rmtree(base)


@pytest.mark.parametrize("command", list(_cases()))
def test_everyday_work_is_not_held(command: str, run: Callable[[str], settle.Settled]) -> None:
    settled = run(command)
    assert settled.held == ()
    assert settled.committed or "bisect" in command or "worktree remove" in command or "branch -d" in command


def test_what_is_grave_is_held_in_the_same_overlay(run: Callable[[str], settle.Settled]) -> None:
    settled = run("git config core.fsmonitor ./x; echo x > conftest.py; echo y > fine.txt")
    assert {held.path for held in settled.held} == {".git/config", "conftest.py"}
    assert "fine.txt" in settled.committed
