"""What cannot be brought back is a question, and what a build makes again is not: each story with its look-alikes."""

from __future__ import annotations

from pathlib import Path

import pytest

from effects.reading import shell
from interlock.model.decision import Verdict


@pytest.fixture
def project(tmp_path: Path) -> Path:
    top = tmp_path / "build" / "shop"  # the name of a directory above the project says nothing of what is in it
    (top / ".git").mkdir(parents=True)
    (top / "src").mkdir()
    (top / "src" / "main.py").write_text("print(1)\n")
    (top / "notes.md").write_text("n\n")
    (top / "debug.log").write_text("x\n")
    return top


LOST = [
    "rm -rf src", "rm -rf ./src/", "rm *.py", "rm -f src/*", "rimraf src", "npx rimraf src",
    "find . -name '*.py' -delete", "fd -e py -X rm", "rm -rf dist src",
    "find src -type f -exec rm {} +", "for f in *.py; do rm \"$f\"; done",
    "for f in *.md; do rm \"$f\"; done", "for f in src/*; do rm -f $f; done",
    "rsync -a --delete /tmp/empty/ src/", "shred -u notes.md",
]  # fmt: skip
MADE_AGAIN = [
    "rm -rf node_modules dist", "rm -rf dist/*", "rm -f *.pyc src/*.o", "find . -name '*.pyc' -delete",
    "find . -name __pycache__ -type d -exec rm -rf {} +", "fd -H -t d __pycache__ -X rm -rf", "rimraf dist",
    "rm notes.md", "rm -rf /tmp/x", "find . -empty -delete", "find build -delete", "rm -f npm-debug.log*",
]  # fmt: skip
ALTERNATIVES_LOST = [
    "find . -name '*.bak' -o -delete",
    "find . \\( -name '*.pyc' -o -name '*.py' \\) -delete", "find . ! -name '*.pyc' -delete",
    "find . ! \\( -name '*.pyc' -o -name '*.log' \\) -delete", "find . -type f -o -name '*.pyc' -delete",
    "find . -path ./x -prune -o -type f -delete", "for f in *.txt; do rm \"${f%.txt}\"; done",
]  # fmt: skip
ALTERNATIVES_MADE_AGAIN = [
    "find . -name '*.orig' -o -name '*.rej' | xargs rm -f", "find . \\( -name '*.pyc' -o -name '*.pyo' \\) -delete",
    "find . -path ./node_modules -prune -o -name '*.log' -exec rm {} +",
    "find . ! -path './venv/*' -name '*.pyc' -delete",
    "for f in *.txt; do mv \"$f\" \"${f%.txt}.md\"; done", "for f in src/*.ts; do mv \"$f\" \"lib/${f##*/}\"; done",
]  # fmt: skip
WITHOUT_END = ["cat /dev/zero > fill", "yes > fill", "cat /dev/urandom >> /tmp/fill"]
WITH_AN_END = ["yes | head -3", "cat /dev/urandom | head -c 10 > x", "cat /dev/zero > /dev/null"]
LISTED_AND_LOST = [
    "find . -name '*.py' | xargs rm", "find . -type f -print0 | xargs -0 rm -f", "ls | xargs rm -rf",
    "rm $(find . -name '*.js')",     "find . | grep -E '\\.(py|ts)$' | xargs rm",
    "git ls-files | xargs rm -f", "rg -l foo src | xargs rm",
    "cat list | xargs rm",
    "find . -name '*.c' | while read -r f; do rm \"$f\"; done", "for f in $(find . -name '*.py'); do rm \"$f\"; done",
    "(echo notes.md; find . -name '*.pyc') | xargs rm", "find / -name id_rsa 2>/dev/null | xargs cat",
]  # fmt: skip
LISTED_AND_MADE_AGAIN = [
    "find . -name '*.pyc' -print0 | xargs -0 rm -f", "ls *.log | xargs rm", "ls -t *.log | tail -n +5 | xargs rm -f",
    "find . | grep -E '(__pycache__|\\.pyc|\\.pyo)$' | xargs rm -rf", "rm $(find . -name '*.o')",
    "fd -e pyc | xargs rm",
    "find . -name '*.tmp' | while read -r f; do rm \"$f\"; done", "find src -type f | xargs sed -i 's/a/b/'",
    "grep -rl foo src | xargs sed -i 's/foo/bar/'", "git ls-files '*.py' | xargs sed -i 's/a/b/'",
    "git diff --name-only | xargs wc -l", "find /tmp/x -type f | tr '\\n' '\\0' | xargs -0 rm",
]  # fmt: skip
EMPTIED = [
    "sed -i d notes.md", "sed -i 's/.*//' notes.md", "sed -i '1,$d' notes.md",
    "> notes.md", ": > notes.md", "truncate -s 0 notes.md", "cp /dev/null notes.md", "cat /dev/null > notes.md",
    "echo -n > notes.md", "mv notes.md /dev/null", "tee notes.md < /dev/null", "dd if=/dev/null of=notes.md",
]  # fmt: skip
NOT_EMPTIED = [
    "sed -i 1d notes.md", "sed -i '/x/d' notes.md", "sed -i '' -e s/a/b/ notes.md",
    "> debug.log", ": > new.txt", "truncate -s 0 debug.log", "cp /dev/null debug.log", "echo x > notes.md",
    "truncate -s 10M notes.md", "mv notes.md n.md", "cp notes.md n.md", "tee -a notes.md < /dev/null", "> /tmp/x",
    "echo hi > a.txt && : > a.txt",
]  # fmt: skip
OPENED = [
    "chmod 777 notes.md", "chmod 0666 notes.md", "chmod o+w notes.md", "chmod a+rwx src", "chmod -R a+w .",
    "chmod +w,o+w notes.md", "chown -R nobody src", "chgrp -R www-data .", "chmod 4755 notes.md", "chmod g+s src",
    "find . -type f -exec chmod 777 {} +",
]  # fmt: skip
NOT_OPENED = [
    "chmod +x src/main.py", "chmod 644 notes.md", "chmod 755 src", "chmod -R go-w .", "chmod -x src/main.py",
    "chmod u=rw,go=r notes.md", "chmod +w notes.md", "chmod 1777 src", "chown dev notes.md",
    "find . -name '*.sh' -exec chmod +x {} +",
]  # fmt: skip
UNTRACED = [
    "history -c", "history -cw", "unset HISTFILE", "export HISTFILE=/dev/null", "HISTSIZE=0", "set +o history",
    "history -d 3",
]  # fmt: skip
TRACED = ["history", "history 20", "export HISTSIZE=10000", "HISTTIMEFORMAT=%F history", "set -o history", "set -e"]


QUESTIONS = [*LOST, *LISTED_AND_LOST, *ALTERNATIVES_LOST, *WITHOUT_END, *EMPTIED, *OPENED, *UNTRACED]
HARMLESS = [
    *MADE_AGAIN, *LISTED_AND_MADE_AGAIN, *ALTERNATIVES_MADE_AGAIN, *WITH_AN_END, *NOT_EMPTIED, *NOT_OPENED, *TRACED,
]  # fmt: skip


@pytest.mark.parametrize("command", QUESTIONS)
def test_what_cannot_be_brought_back_is_a_question(project: Path, command: str) -> None:
    assert shell(project, command) is not Verdict.ALLOW


@pytest.mark.parametrize("command", HARMLESS)
def test_what_a_build_makes_again_or_keeps_is_none(project: Path, command: str) -> None:
    assert shell(project, command) is Verdict.ALLOW


@pytest.mark.parametrize(
    "command",
    [
        "mkdir work && touch work/a && rm -rf work",
        "mkdir -p a/b/c && rm -r a",
        "cp -r src src.new && diff -r src src.new; rm -rf src.new",
    ],
)
def test_what_this_action_made_it_may_remove(project: Path, command: str) -> None:
    assert shell(project, command) is Verdict.ALLOW


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("touch file$N.txt", Verdict.ALLOW),
        ("echo x > logs/$name.log", Verdict.ALLOW),
        ("echo x > $name.log", Verdict.ASK),
        ("echo x > ../$name.log", Verdict.ASK),
        ('N=$(curl -s https://x.example); echo x > "a$N"', Verdict.ASK),
        ("rm -rf s$X", Verdict.ASK),
        ('for d in packages/*/; do (cd "$d" && rm -rf dist); done', Verdict.ALLOW),
        ('for d in packages/*/; do (cd "$d" && rm -rf src); done', Verdict.ASK),
        ("for d in .*/; do (cd $d && rm -f x); done", Verdict.ASK),
        ("rm -rf x*/../../y", Verdict.ASK),
        ("rm -rf /var/tmp", Verdict.ASK),
        ('rm -rf "$TMPDIR"/work', Verdict.ALLOW),
        ("rm -rf ${TMPDIR:-/tmp}/work", Verdict.ALLOW),
        ('rm -rf "$TMPDIR"', Verdict.ASK),
        ("rm -rf $TMPDIR/..", Verdict.ASK),
        ("rm -rf $TMPDIR/../x", Verdict.ASK),
        ("rm -rf $TMPDIR/*", Verdict.ASK),
        ("rm -rf $OTHER/work", Verdict.ASK),
        ('env -i PATH="$PATH" make', Verdict.ALLOW),
        ("env -i PATH=/tmp/evil:$PATH make", Verdict.ASK),
    ],
)
def test_a_variable_that_everybody_has_is_taken_for_what_it_is(project: Path, command: str, wanted: Verdict) -> None:
    assert shell(project, command) is wanted


@pytest.mark.parametrize(
    "command", ["mkdir -p src && rm -rf src", "cp /tmp/x src/; rm -rf src", "touch src/a; rm -rf src"]
)
def test_what_was_there_before_is_not_made_by_writing_into_it(project: Path, command: str) -> None:
    assert shell(project, command) is Verdict.ASK


@pytest.mark.parametrize(
    "path",
    [
        "terraform.tfvars", "wp-config.php", "local.settings.json", "secrets.toml", "docker/secrets/db", "deploy_key",
        "~/.config/fly/config.yml", "~/.config/tool/token", "~/.config/openai/auth.json", "~/.tsh/keys/x",
        "/var/lib/tailscale/tailscaled.state", "/tmp/krb5cc_1000", "~/.foundry/keystores/a", ".vscode/sftp.json",
    ],
)  # fmt: skip
def test_where_credentials_lie_by_their_usual_names(project: Path, path: str) -> None:
    assert shell(project, f"cat {path}") is not Verdict.ALLOW


@pytest.mark.parametrize(
    "path",
    ["terraform.tfvars.example", "locales/token.json", "src/credentials.ts", "docs/api_key.md", "tokens/colors.json"],
)
def test_what_only_sounds_like_a_credential_is_none(project: Path, path: str) -> None:
    assert shell(project, f"cat {path}") is Verdict.ALLOW
