"""What single stages find and leave alone, where the corpus does not say it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from changes.making import Files, change
from interlock.changes import modules, osv, sarifin, scanners, shapes, tools
from interlock.changes.change import Version
from interlock.changes.code import parts
from interlock.changes.conduct import conduct
from interlock.changes.finding import Finding, Result, Verdict, Weight
from interlock.changes.manifests import Unread, dependencies, locked
from interlock.changes.stages import STAGES, secrets, stages, static
from interlock.changes.stricter import Stricter
from interlock.model.errors import UsageError


def judged(folder: Path, stage: str, before: Files, after: Files) -> Result:
    return conduct(change(folder, before, after), stages([stage]))[0]


def rules(result: Result, weight: Weight | None = None) -> set[str]:
    return {f.rule for f in result.findings if weight in (None, f.weight)}


def test_every_stage_can_be_asked_for_and_has_its_name() -> None:
    assert [stage.name for stage in stages()] == list(STAGES)
    with pytest.raises(UsageError, match="there is no stage 'nothing'"):
        stages(["nothing"])


def test_a_change_that_edits_the_gate_is_stopped(tmp_path: Path) -> None:
    result = judged(tmp_path, "scope", {"a": "1\n"}, {".interlock/gate.toml": 'off = ["scope"]\n'})
    assert result.verdict is Verdict.BLOCK
    assert rules(result) == {"scope/gate"}


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ("x = 1  # caf\u00e9", False),
        ("s = '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645'", False),  # Persian needs the non-joiner
        ("e = '\U0001f468\u200d\U0001f469'", False),  # one sign of two, joined
        ("if access != 'user\u202e \u2066# check\u2069 \u2066':", True),
        ("admin\u200b = True", True),
        ("x = '\U000e0041\U000e0042'", True),
    ],
)
def test_text_that_is_not_what_it_looks_like(tmp_path: Path, line: str, bad: bool) -> None:
    result = judged(tmp_path, "scope", {"a.py": "x = 0\n"}, {"a.py": f"x = 0\n{line}\n"})
    assert ("scope/hidden-text" in rules(result)) is bad


def test_a_rule_is_heading_in_restructured_text_and_no_conflict(tmp_path: Path) -> None:
    result = judged(tmp_path, "scope", {"a": ""}, {"a.rst": "Title\n=======\n"})
    assert not rules(result)
    marks = "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> work\n"
    assert rules(judged(tmp_path / "b", "scope", {"a": ""}, {"a.py": marks}), Weight.BLOCK) == {"scope/conflict"}


def test_what_moved_between_files_keeps_its_old_findings(tmp_path: Path) -> None:
    old = "import os\n\n\ndef run(name):\n    os.system('ls ' + name)\n"
    result = judged(tmp_path, "static", {"a.py": old}, {"a.py": "x = 1\n", "b.py": old})
    assert "static/shell-built" not in rules(result)
    twice = old + "\n\ndef again(name):\n    os.system('ls ' + name)\n"
    assert "static/shell-built" in rules(judged(tmp_path / "b", "static", {"a.py": old}, {"a.py": twice}))


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    key = "AKIA" + "Q3ERTYUI7PASDFGH"
    result = judged(tmp_path, "secrets", {"a.py": ""}, {"a.py": f'AWS = "{key}"\n'})
    assert result.verdict is Verdict.BLOCK
    assert key not in repr(result)


def test_a_secret_of_the_base_is_not_new(tmp_path: Path) -> None:
    line = 'TOKEN = "ghp_' + "a8Fk2LmZq0Xy7RtB4nWc9VdEs5HgJ1pU" + '"\n'
    result = judged(tmp_path, "secrets", {"a.py": line}, {"a.py": None, "b.py": "import os\n" + line})
    assert result.verdict is Verdict.PASS


@pytest.mark.parametrize(
    "line",
    [
        'password = "changeme"', 'API_KEY = os.environ["API_KEY"]', 'token = "<your token>"',
        'commit = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"', 'PASSWORD_FIELD = "user_password"',
        "secret: ${{ secrets.TOKEN }}", "password_hash = bcrypt.hash(x)", "max_tokens = 4096",
        'integrity = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="',
        'TOKEN_URL = "https://auth.internal/oauth2/token"', 'key = "550e8400-e29b-41d4-a716-446655440000"',
    ],
)  # fmt: skip
def test_what_only_looks_like_a_secret(line: str) -> None:
    assert list(secrets.hits(line, "settings.py")) == []


def test_comments_and_strings_are_told_apart() -> None:
    told = parts('x = "a # b"  # c "d"\n', "a.py")
    assert told.code.rstrip() == 'x = "a # b"'
    assert "a # b" not in told.bare
    assert told.comment.strip() == '# c "d"'
    assert [len(part) for part in told] == [len('x = "a # b"  # c "d"\n')] * 3


def test_manifests_and_lock_files_are_read() -> None:
    text = '[project]\nname="x"\ndependencies=["Requests[socks]>=2", "a @ git+https://x/y"]\n'
    text += '[dependency-groups]\ndev=["pytest"]\n'
    found = dependencies("pyproject.toml", text)
    assert [(d.name, d.version, d.source) for d in found] == [
        ("requests", ">=2", ""), ("a", "", "git+https://x/y"), ("pytest", "", ""),
    ]  # fmt: skip
    assert (
        dependencies("go.mod", "module m\nrequire (\n\tgithub.com/a/b v1.2.3 // indirect\n)\n")[0].version == "v1.2.3"
    )
    assert dependencies("Cargo.toml", '[dependencies]\nserde = { version = "1", features = [] }\n')[0].name == "serde"
    entry = {"version": "1.0.0", "integrity": "sha512-x", "hasInstallScript": True}
    lock = json.dumps({"packages": {"": {}, "node_modules/@a/b": entry}})
    assert locked("package-lock.json", lock) == [("npm", "@a/b", "1.0.0", "", "sha512-x", True)]
    for name in ("pyproject.toml", "package.json", "package-lock.json", "Cargo.lock"):
        with pytest.raises(Unread):
            (locked if "lock" in name else dependencies)(name, "[[[")


def test_a_manifest_that_cannot_be_read_is_inconclusive(tmp_path: Path) -> None:
    result = judged(tmp_path, "dependencies", {"package.json": "{}"}, {"package.json": '{"dependencies": {'})
    assert result.verdict is Verdict.INCONCLUSIVE


def test_look_alikes_unknown_names_and_everyday_ones(tmp_path: Path) -> None:
    before, after = "requests==2.32.0\n", "requests==2.32.0\nreqeusts==2.0\nnumpy==2.1.0\nfastjson-schema-toolz==0.1\n"
    result = judged(tmp_path, "dependencies", {"requirements.txt": before}, {"requirements.txt": after})
    assert {(f.rule, f.weight.value, f.line) for f in result.findings} == {
        ("dependencies/look-alike", "block", 2), ("dependencies/new", "note", 3), ("dependencies/unknown", "review", 4),
    }  # fmt: skip


def test_what_the_manifest_asks_for_is_in_the_lock(tmp_path: Path) -> None:
    lock = '{"lockfileVersion": 3, "packages": {"node_modules/react": {"version": "18.0.0"}}}'
    base: Files = {"package.json": '{"dependencies": {"react": "^18"}}', "package-lock.json": lock}
    new = '{"dependencies": {"react": "^18", "lodash": "^4"}}'
    assert "dependencies/not-locked" in rules(judged(tmp_path, "dependencies", base, {"package.json": new}))
    both: Files = {
        "package.json": new,
        "package-lock.json": lock.replace(
            '"node_modules/react"', '"node_modules/lodash": {"version": "4.0.0"}, "node_modules/react"'
        ),
    }
    assert "dependencies/not-locked" not in rules(judged(tmp_path / "b", "dependencies", base, both))


def test_another_content_under_the_same_version_is_stopped(tmp_path: Path) -> None:
    def lock(digest: str, host: str = "https://registry.npmjs.org/a/-/a") -> str:
        entry = {"version": "1.0.0", "resolved": host, "integrity": f"sha512-{digest}"}
        return json.dumps({"packages": {"node_modules/react": entry}})

    first = judged(tmp_path, "dependencies", {"package-lock.json": lock("A")}, {"package-lock.json": lock("B")})
    assert rules(first, Weight.BLOCK) == {"dependencies/lock"}
    other = lock("A", "https://evil.example.net/a")
    assert (
        judged(tmp_path / "b", "dependencies", {"package-lock.json": lock("A")}, {"package-lock.json": other}).verdict
        is Verdict.BLOCK
    )


def record(**more: object) -> str:
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.31.0"}]}]
    affected = [{"package": {"ecosystem": "PyPI", "name": "Requests"}, "ranges": ranges}]
    return json.dumps({"id": "GHSA-x", "summary": "leaks", "affected": affected, **more})


def test_known_vulnerabilities_from_a_snapshot(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(record())
    found = osv.Snapshot(str(tmp_path)).find({("pypi", "requests"): ["2.30.0", "2.31.0"]})
    assert list(found) == [("pypi", "requests", "2.30.0")]
    (tmp_path / "a.json").write_text(record(withdrawn="2026-01-01T00:00:00Z"))
    assert osv.Snapshot(str(tmp_path)).find({("pypi", "requests"): ["2.30.0"]}) == {}
    (tmp_path / "a.json").write_text(record()[:-20])
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        osv.Snapshot(str(tmp_path)).find({("pypi", "requests"): ["2.30.0"]})


def test_the_stage_uses_the_snapshot_of_the_base_and_a_missing_one_is_inconclusive(tmp_path: Path) -> None:
    snapshot = tmp_path / "osv"
    snapshot.mkdir()
    (snapshot / "a.json").write_text(record())
    rules_: Files = {".interlock/gate.toml": f'osv = "{snapshot}"\n', "requirements.txt": "numpy==2.0.0\n"}
    after: Files = {"requirements.txt": "numpy==2.0.0\nrequests==2.30.0\n"}
    assert "dependencies/vulnerable" in rules(judged(tmp_path / "r", "dependencies", rules_, after), Weight.BLOCK)
    (snapshot / "a.json").unlink()
    assert judged(tmp_path / "s", "dependencies", rules_, after).verdict is Verdict.INCONCLUSIVE


def test_modules_that_nothing_declares(tmp_path: Path) -> None:
    base: Files = {
        "pyproject.toml": '[project]\nname="x"\ndependencies=["pyyaml", "flask"]\n',
        "app/util.py": "x = 1\n",
    }
    code = "import json\nimport yaml\nimport flask\nimport util\nimport reqeusts\nimport secure_jwt_toolz\n"
    code += "try:\n    import ujson\nexcept ImportError:\n    pass\n"
    made = change(tmp_path, base, {"app/a.py": code})
    found = list(modules.undeclared(made, {("pypi", "pyyaml"), ("pypi", "flask")}))
    assert {(f.line, f.weight) for f in found} == {(5, Weight.BLOCK), (6, Weight.REVIEW)}


SARIF = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": []}]}


def sarif(**run: object) -> bytes:
    return json.dumps(
        {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": [], **run}]}
    ).encode()


@pytest.mark.parametrize(
    "raw",
    [
        sarif()[:-3],
        b"",
        b"{}",
        b'{"version": "2.1.0", "runs": []}',
        json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}}]}).encode(),
        sarif(invocations=[{"executionSuccessful": False}]),
        sarif(invocations=[{"exitCode": 0}]),
        sarif(invocations=[{"executionSuccessful": True, "toolExecutionNotifications": [{"level": "error"}]}]),
        sarif(versionControlProvenance=[{"repositoryUri": "x", "revisionId": "b" * 40}]),
    ],
)
def test_a_report_that_does_not_say_that_all_was_scanned_is_no_clean_one(raw: bytes) -> None:
    with pytest.raises(sarifin.Incomplete):
        list(sarifin.findings(raw, {}, "a" * 40))


def test_results_of_a_report_count_on_new_lines() -> None:
    def result(line: int, level: str = "error") -> dict[str, object]:
        place = {"artifactLocation": {"uri": "src/a.py"}, "region": {"startLine": line}}
        return {"ruleId": "r", "level": level, "message": {"text": "bad"}, "locations": [{"physicalLocation": place}]}

    raw = sarif(results=[result(1), result(2), result(2, "note")], invocations=[{"executionSuccessful": True}])
    found = list(sarifin.findings(raw, {"src/a.py": frozenset({2})}, "a" * 40))
    assert [(f.rule, f.line, f.weight) for f in found] == [
        ("static/t/r", 2, Weight.BLOCK),
        ("static/t/r", 2, Weight.NOTE),
    ]


def test_a_report_that_is_cut_short_makes_the_stage_inconclusive(tmp_path: Path) -> None:
    report = tmp_path / "r.sarif"
    report.write_bytes(sarif()[:-1])
    config = f'sarif = ["{report}"]\n'
    result = judged(tmp_path / "r", "static", {"a": "1\n", ".interlock/gate.toml": config}, {"a": "2\n"})
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "not complete" in result.problems[0]


def test_python_that_does_not_parse_is_inconclusive(tmp_path: Path) -> None:
    result = judged(tmp_path, "static", {"a.py": "x = 1\n"}, {"a.py": "def f(:\n    os.system(x)\n"})
    assert result.verdict is not Verdict.PASS
    assert any("does not parse" in problem for problem in result.problems)


@pytest.mark.parametrize(
    ("call", "told"), [("client.login(user, password)", False), ("log.info(user, password)", True)]
)
def test_who_logs_in_writes_no_log(tmp_path: Path, call: str, told: bool) -> None:
    """Story: a mail that was sent over TLS from now on was stopped, for its `login(user, password)`."""
    result = judged(tmp_path, "static", {"a.py": ""}, {"a.py": f"def f(client, log, user, password):\n    {call}\n"})
    assert ("static/secret-logged" in rules(result)) is told


@pytest.mark.parametrize(("tried", "told"), [("url = new URL(text)", False), ("found = await check(text)", True)])
def test_nothing_is_the_answer_to_a_text_that_does_not_parse(tmp_path: Path, tried: str, told: bool) -> None:
    text = f"function f(text) {{\n  try {{\n    {tried};\n  }} catch {{\n    return null;\n  }}\n  return 1;\n}}\n"
    result = judged(tmp_path, "static", {"a.js": ""}, {"a.js": text})
    assert ("static/error-answered-js" in rules(result)) is told


@pytest.mark.parametrize(("call", "built"), [("eval(answer)", True), ("model.eval(answer, complete=True)", False)])
def test_a_method_that_is_called_eval_evaluates_no_program(tmp_path: Path, call: str, built: bool) -> None:
    """Story: the gate stopped a commit of its own prover, whose solver has a method of that name."""
    result = judged(tmp_path, "static", {"a.py": ""}, {"a.py": f"x = {call}\n"})
    assert ("static/prompt-built" in rules(result)) is built


CONSTRUCTS = [
    ("py", "context = ssl.SSLContext(ssl.PROTOCOL_TLS)", "tls-by-hand"),
    ("py", "context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)", ""),
    ("js", "const checkServerIdentity = (host, cert) => undefined;", "tls-by-hand"),
    ("go", "\tconfig.ClientAuth = tls.RequireAnyClientCert", "tls-by-hand"),
    ("go", "\tconfig.ClientAuth = tls.RequireAndVerifyClientCert", ""),
    ("js", "  response.status(500).json({ error: error.message, stack: error.stack });", "insides-told"),
    ("js", "  log.write(`${error.message} in ${stackName(error)}`);", ""),
    ("js", "  process.stderr.write(`${error.stack}\\n`);", ""),
    ("js", "  this.accessLog.write(error.stack);", ""),
    ("js", "  log.write('failed'); response.status(500).json({ stack: error.stack });", "insides-told"),
    ("js", "  responseStream.write(error.stack);", "insides-told"),
    ("py", "    return jsonify(error=str(e), trace=traceback.format_exc())", "insides-told"),
    ("py", "    run = getattr(importlib.import_module(module), name)", "code-by-name"),
    ("py", "    run = getattr(importlib.import_module(module), 'main')", ""),
    ("js", "  const Kind = globalThis[kind];", "code-by-name"),
    ("js", "  return crypto.generateKeyPairSync('rsa', { modulusLength: 1024 });", "weak-key"),
    ("js", "  return crypto.generateKeyPairSync('rsa', { modulusLength: 3072 });", ""),
    ("js", "  return forge.pki.rsa.generateKeyPair({ bits: 1024 });", "weak-key"),
    ("go", "\treturn rsa.GenerateKey(rand.Reader, 1024)", "weak-key"),
    ("go", "\treturn rsa.GenerateKey(rand.Reader, 4096)", ""),
    ("go", "\terr := dsa.GenerateParameters(&p, rand.Reader, dsa.L1024N160)", "weak-key"),
    ("js", "  return jwt.sign({ name }, 'keyboard cat');", "key-inside-js"),
    ("js", "  return jwt.verify(text, process.env.KEY, { algorithms: ['RS256', 'RS512'] });", ""),
    ("js", "  return crypto.createHmac('sha256', `keyboard`).update(text);", "key-inside-js"),
    ("js", "  return crypto.createHmac('sha256', key).update('keyboard');", ""),
    ("js", "  app.use(session({ resave: false, secret: 'keyboard cat' }));", "key-inside-js"),
    ("go", "\tsalt := make([]byte, 16)", "fixed-nonce"),
    ("go", "\tsalt := make([]byte, 16)\n\tif _, err := rand.Read(salt); err != nil {\n\t\treturn err\n\t}", ""),
]


def test_what_checks_nobody_and_what_tells_or_runs_too_much(tmp_path: Path) -> None:
    lines = {f"{number}.{kind}": line for number, (kind, line, _) in enumerate(CONSTRUCTS)}
    made = change(tmp_path, dict.fromkeys(lines, "\n"), {name: f"\n{line}\n" for name, line in lines.items()})
    told = {(f.path, f.rule) for f in shapes.new(made, shapes.load("static"))}
    assert told == {(f"{n}.{kind}", f"static/{rule}") for n, (kind, _, rule) in enumerate(CONSTRUCTS) if rule}


def test_ruff_is_told_nothing_by_the_project(tmp_path: Path) -> None:
    """Story: `ruff.toml` of the change excluded the file, and `# noqa` silenced the line."""
    if not tools.found("ruff"):
        pytest.skip("requires ruff")
    after: Files = {
        "ruff.toml": 'exclude = ["*.py"]\n',
        "venv/a.py": "import hashlib\nh = hashlib.new('md5')  # noqa: S324\n",
    }
    result = judged(tmp_path, "static", {"a": "1\n"}, after)
    assert "static/ruff/S324" in rules(result, Weight.BLOCK)


UNPARSED = {"code": None, "filename": "f00000.py", "message": "invalid syntax", "location": {"row": 1}}


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 0", "cut short"),
        ("echo '[{\"code\": \"S1\"'", "cut short"),
        ("echo '[]'; exit 2", "status 2"),
        ("sleep 9", "took too long"),
        (f"echo '{json.dumps([UNPARSED])}'", "cannot parse"),
    ],
)  # fmt: skip
def test_a_scanner_that_gives_no_answer_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    """The scanner that exits 0 and says nothing, the report that ends early, the one that hangs."""
    fake = tmp_path / "ruff"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(tools, "found", lambda _: os.fspath(fake))
    answer = scanners.ruff({"f00000.py": ("a.py", b"x = 1\n")}, 1.0)
    assert answer.findings == []
    assert said in answer.problems[0]


def test_bandit_that_skipped_a_file_is_a_problem() -> None:
    """Story: under an older Python bandit leaves files with newer syntax out, and ends as if all were well."""
    report = {
        "errors": [{"filename": "./f00000.py", "reason": "syntax error while parsing AST"}],
        "metrics": {"_totals": {}, "./f00001.py": {}},
        "results": [],
    }
    files = {"f00000.py": ("a.py", b""), "f00001.py": ("b.py", b""), "f00002.py": ("c.py", b"")}
    assert [p.split(":")[0] for p in scanners._bandit(report, files).problems] == ["a.py", "a.py", "c.py"]


def test_analysers_have_no_network_and_write_nowhere(tmp_path: Path) -> None:
    if not tools.confined():
        pytest.skip("requires bubblewrap")
    outside = tmp_path / "outside"
    outside.write_text("as it was")
    with tools.copies(
        {"a.sh": f"echo no > {outside}; ls /sys/class/net; echo done > mine; cat mine\n".encode()}
    ) as folder:
        status, said = tools.run(("sh", "a.sh"), folder, seconds=10)
    assert (status, said.decode().split()[-1]) == (0, "done")
    assert outside.read_text() == "as it was"


def test_tests_deleted_weakened_and_moved(tmp_path: Path) -> None:
    old = "def test_a():\n    assert f(1) == 2\n    assert f(2) == 3\n\n\ndef test_b():\n    assert g() == 4\n"
    code: Files = {"tests/test_a.py": old, "m.py": "def f(x):\n    return x + 1\n\n\ndef g():\n    return 4\n"}

    def said(name: str, after: Files) -> set[str]:
        return {f.rule for f in judged(tmp_path / name, "checks", code, after).findings}

    assert said("gone", {"tests/test_a.py": old.split("\n\n\n", maxsplit=1)[0] + "\n"}) == {"checks/test-deleted"}
    assert said("empty", {"tests/test_a.py": old.replace("assert g() == 4", "g()")}) == {"checks/test-emptied"}
    assert said("loose", {"tests/test_a.py": old.replace("assert g() == 4", "assert g() is not None")}) == {
        "checks/test-loosened"
    }
    assert said("thin", {"tests/test_a.py": old.replace("    assert f(2) == 3\n", "")}) == {"checks/test-thinned"}
    swallowed = old.replace(
        "    assert g() == 4", "    try:\n        assert g() == 4\n    except Exception:\n        pass"
    )
    assert said("try", {"tests/test_a.py": swallowed}) == {"checks/test-swallows"}
    assert said("renamed", {"tests/test_a.py": old.replace("test_b", "test_better")}) == set()
    assert said("moved", {"tests/test_a.py": None, "tests/test_c.py": old}) == set()
    assert (
        said(
            "feature",
            {"tests/test_a.py": old.split("\n\n\n", maxsplit=1)[0] + "\n", "m.py": "def f(x):\n    return x + 1\n"},
        )
        == set()
    )
    assert said("expected", {"tests/test_a.py": old.replace("== 4", "== 5")}) == set()


@pytest.mark.parametrize(
    ("test", "weight"),
    [
        ("@pytest.mark.skip\ndef test_a():\n    assert f(1) == 2\n", "block"),
        ("@pytest.mark.xfail(reason='x')\ndef test_a():\n    assert f(1) == 2\n", "block"),
        ("@pytest.mark.skipif(True, reason='x')\ndef test_a():\n    assert f(1) == 2\n", "block"),
        ("pytestmark = pytest.mark.skip\n\ndef test_a():\n    assert f(1) == 2\n", "block"),
        ("def test_a():\n    pytest.skip('later')\n    assert f(1) == 2\n", "block"),
        ("def test_a():\n    assert f(1) == 2\n\n@pytest.mark.skip\ndef test_new():\n    assert f(2) == 3\n", "review"),
        ("@pytest.mark.skipif(os.name == 'nt', reason='x')\ndef test_a():\n    assert f(1) == 2\n", ""),
        ("def test_a():\n    if not there:\n        pytest.skip('needs it')\n    assert f(1) == 2\n", ""),
    ],
)
def test_a_skip_counts_where_it_holds_whatever_the_machine_is(tmp_path: Path, test: str, weight: str) -> None:
    """Story: half of the alarms on an ordinary history were new tests that looked first whether they could run."""
    base: Files = {"tests/test_a.py": "def test_a():\n    assert f(1) == 2\n"}
    result = judged(tmp_path, "checks", base, {"tests/test_a.py": test})
    assert [f.weight.value for f in result.findings if f.rule == "checks/test-skipped"] == ([weight] if weight else [])


def test_numbers_are_compared_by_what_they_are_of(tmp_path: Path) -> None:
    base: Files = {"eslint.config.js": 'x = { complexity: ["error", 10] }\n'}
    after: Files = {"eslint.config.js": 'x = { "max-depth": 4, complexity: ["error", 40] }\n'}
    assert rules(judged(tmp_path, "checks", base, after), Weight.BLOCK) == {"checks/complexity-raised"}
    fewer: Files = {"eslint.config.js": 'x = { "max-depth": 4, complexity: ["error", 9] }\n'}
    assert not rules(judged(tmp_path / "b", "checks", base, fewer))


def test_silencing_a_rule_that_would_be_a_note_is_one(tmp_path: Path) -> None:
    def said(name: str, mark: str) -> set[tuple[str, str]]:
        result = judged(tmp_path / name, "checks", {"a.py": "run(x)\n"}, {"a.py": f"run(x)  {mark}\n"})
        return {(f.rule, f.weight.value) for f in result.findings}

    assert said("a", "# noqa: S603 - a list") == {("checks/security-suppressed", "note")}
    assert said("b", "# noqa: S602") == {("checks/security-suppressed", "review")}
    assert said("c", "# nosec") == {("checks/security-suppressed", "review")}


def test_findings_carry_what_a_person_needs(tmp_path: Path) -> None:
    result = judged(tmp_path, "static", {"a.py": ""}, {"a.py": "import yaml\nx = yaml.load(open('f'))\n"})
    ours: list[Finding] = [f for f in result.findings if f.rule == "static/unpickled"]
    assert [(f.line, bool(f.title), bool(f.fix)) for f in ours] == [(2, True, True)]


@pytest.mark.parametrize(
    ("path", "line", "rule"),
    [
        ("app/crypt.py", "cipher = AES.new(key, AES.MODE_ECB)", "static/weak-cipher"),
        ("app/table.py", "WEAK = {'modes': 'MODE_ECB', 'old': \"DES.new()\"}", ""),
        ("app/web.js", "const h = crypto.createHash('md5')", "static/weak-cipher"),
        ("conftest.py", "collect_ignore = ['test_pay.py']", "checks/tests-not-collected"),
        ("run.py", "pytest.main(['--deselect', 'tests/test_pay.py', '--deselect=x'])", "checks/tests-not-collected"),
        ("tests/test_gate.py", "INI = \"addopts = '--deselect tests/test_pay.py'\"", ""),
        ("tests/test_gate.py", "TEXT = 'collect_ignore = [1]'", ""),
        ("pytest.ini", "addopts = --deselect tests/test_pay.py", "checks/tests-not-collected"),
    ],
)
def test_a_name_in_a_text_is_no_use_of_it(tmp_path: Path, path: str, line: str, rule: str) -> None:
    made = change(tmp_path, {path: "\n"}, {path: f"{line}\n"})
    found = {r for result in conduct(made, stages(["static", "checks"])) for r in rules(result)}
    assert found & {"static/weak-cipher", "checks/tests-not-collected"} == ({rule} if rule else set())


def test_a_scanner_reads_of_the_base_only_what_could_be_a_finding_of_old(tmp_path: Path) -> None:
    seen = change(tmp_path, {"a.py": "eval(1)\n", "b.py": "x = 1\n"}, {"a.py": "eval(1)\neval(2)\n", "b.py": "x = 2\n"})
    asked: list[list[str]] = []

    def scan(files: Mapping[str, tuple[str, bytes]], seconds: float) -> scanners.Answer:
        asked.append(sorted(path for path, _ in files.values()))
        rows = [
            (path, n) for path, raw in files.values() for n, row in enumerate(raw.split(b"\n"), 1) if b"eval" in row
        ]
        return scanners.Answer([scanners._finding("t", "T1", path, b"eval\n" * n, n, "it") for path, n in rows], [])

    assert len(static._new(seen, Stricter(seen), scan, [])) == 1
    assert asked == [["a.py", "b.py"], ["a.py"]]


def test_of_the_base_only_rules_are_asked_that_found_something_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = change(tmp_path, {"a.py": "eval(x)\n", "b.py": "y = 1\n"}, {"a.py": "eval(x)\nz = 1\n", "b.py": "eval(x)\n"})
    asked: list[int] = []

    def look(side: Version, rules: Iterable[shapes.Shape]) -> Iterator[Finding]:
        asked.append(len(list(rules)))
        return looked(side, rules)

    looked = shapes.look
    monkeypatch.setattr(shapes, "look", look)
    assert [(f.rule, f.path) for f in shapes.new(seen, shapes.load("static"))] == [("static/code-evaluated", "b.py")]
    every = len(shapes.load("static"))
    assert asked == [every, every, 1, 1]
    asked.clear()
    assert (
        shapes.new(change(tmp_path / "r", {"a.py": "eval(x)\n"}, {"a.py": "eval(x)\nz = 1\n"}), shapes.load("static"))
        == []
    )
    assert asked == [every]


def test_a_constant_in_a_statement_is_no_value(tmp_path: Path) -> None:
    """Story: what excuses constants was read without the case of letters, so `{name}` at a text's end was one."""
    lines = {
        "a.py": 'cur.execute(f"select a from t where b = {name}")\n',
        "b.py": 'cur.execute(f"select a from t where {FILTER}")\n',
        "c.py": 'cur.execute(f"select a from t where {self.FILTER}")\n',
    }
    made = change(tmp_path, {"README": ""}, lines)
    found = {f.path for f in shapes.new(made, shapes.load("static")) if f.rule == "static/sql-built"}
    assert found == {"a.py"}


def test_raw_is_a_statement_where_a_database_is_asked(tmp_path: Path) -> None:
    """Story: `.raw(` of anything at all, a printer or a picture, was taken for a statement, and blocked."""
    asked = {
        "a.py": "x = Item.objects.raw(f'select {q}')\n",
        "b.py": "x = Item.objects.using('far').filter(a=1).raw(f'select {q}')\n",
        "c.py": "x = self.read_db.raw('select ' + q)\n".replace("'select ' + q", "f'select {q}'"),
        "d.js": "const r = knex.raw(`name = '${q}'`)\n",
        "e.js": "db.raw('lower(' + q + ')')\n",
    }
    others = {
        "f.py": "console.raw(f'<b>{q}</b>')\n",
        "g.py": "x = image.raw(f'{width}x{height}')\n",
        "h.js": "String.raw(`a${q}`)\n",
        "i.js": "knex.raw('name = ?', [q])\n",
        "k.py": "x = Item.objects.raw('select 1')\n",
    }
    made = change(tmp_path, {"README": ""}, {**asked, **others})
    found = {f.path for f in shapes.new(made, shapes.load("static")) if f.rule.startswith("static/sql-built")}
    assert found == set(asked)
