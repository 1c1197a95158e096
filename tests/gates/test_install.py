"""init and uninstall on real files: what was there comes back, byte for byte; what people add stays theirs."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.gates.install import files, handlers
from interlock.gates.install.inspect import look, read_file
from interlock.gates.install.places import Places, Scope, hooks_file, places
from interlock.gates.install.plan import Plan, plan_install, plan_removal, plan_uninstall
from interlock.gates.install.trust import with_trust, without_trust
from interlock.model.errors import OperatorError, Refused

NEW = (2, 1, 323)
OLD = (2, 1, 197)


class Machine:
    """A home, a project and a state directory in a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home, self.project = root / "home", root / "project"
        self.home.mkdir()
        self.project.mkdir()
        self.at = places({}, self.home, self.project, root / "system")
        self.store = files.Receipts(root / "state" / "install")
        self.hook = handlers.Hook("/opt/interlock/bin/interlock-hook", ("--run", "/run/user/1/interlock"))

    def path(self, agent: str = "claude", scope: Scope = Scope.USER) -> Path:
        return hooks_file(agent, scope, self.at)

    def init(self, agent: str = "claude", scope: Scope = Scope.USER, version: Any = NEW) -> Plan:
        shot = files.snapshot(self.path(agent, scope), self.project if scope is Scope.PROJECT else None)
        plan = plan_install(agent, scope, shot, self.store.find(agent, shot.target), self.hook, version)
        files.apply(plan, self.store)
        return plan

    def uninstall(self) -> list[Plan]:
        plans = []
        for receipt in list(self.store.all()):
            plan = plan_uninstall(receipt, files.snapshot(Path(receipt.path)))
            files.revert(plan, receipt, self.store)
            plans.append(plan)
        return plans

    def tree(self) -> dict[str, tuple[int, bytes | None]]:
        return {
            str(p.relative_to(self.root)): (p.lstat().st_mode, p.read_bytes() if p.is_file() else None)
            for p in sorted(self.root.rglob("*"))
            if "state" not in p.relative_to(self.root).parts
        }


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


SETTINGS = [
    None,
    b"",
    b"{}",
    b"{}\n",
    b'{"model":"opus"}',
    b'{\n  "model": "opus",\n  "permissions": {\n    "deny": ["Read(.env)"]\n  }\n}\n',
    b'{\r\n\t"hooks": {\r\n\t\t"Stop": [],\r\n\t\t"PreToolUse": [\r\n'
    b'\t\t\t{"matcher": "Bash", "hooks": []}\r\n\t\t]\r\n\t}\r\n}',
    b'{"hooks":{}}',
    b'{"hooks": {"PreToolUse": [{"matcher":"Bash","hooks":[{"type":"command","command":"./mine.sh"}]}]}, "z": 1}',
]


@pytest.mark.parametrize("content", SETTINGS, ids=range(len(SETTINGS)))
@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_uninstall_leaves_every_byte_as_it_was(machine: Machine, agent: str, content: bytes | None) -> None:
    path = machine.path(agent)
    if content is not None:
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        path.chmod(0o640)
    before = machine.tree()
    machine.init(agent)
    hooks = json.loads(path.read_bytes())["hooks"]
    assert set(hooks) >= set(handlers.asking(agent) + handlers.telling(agent))
    if content:
        assert path.stat().st_mode & 0o777 == 0o640
    machine.init(agent)
    machine.uninstall()
    assert machine.tree() == before
    assert list(machine.store.all()) == []


def test_a_second_init_changes_nothing(machine: Machine) -> None:
    machine.init()
    before = machine.path().read_bytes()
    assert machine.init().edits == ()
    assert machine.path().read_bytes() == before


def test_an_init_with_another_client_replaces_ours_only(machine: Machine) -> None:
    path = machine.path()
    path.parent.mkdir()
    path.write_bytes(SETTINGS[8] or b"")
    machine.init(version=OLD)
    machine.hook = handlers.Hook("/other/interlock-hook", ("--home", "/h"))
    assert len(machine.init(version=NEW).edits) == 1
    text = path.read_text()
    assert text.count("/other/interlock-hook") == len(handlers.asking("claude") + handlers.telling("claude"))
    assert "/opt/interlock" not in text
    assert text.count("./mine.sh") == 1
    machine.uninstall()
    assert path.read_bytes() == SETTINGS[8]


def test_what_a_person_added_since_stays(machine: Machine) -> None:
    path = machine.path()
    path.parent.mkdir()
    path.write_bytes(b'{\n  "model": "opus"\n}\n')
    machine.init()
    body = json.loads(path.read_bytes())
    body["theirs"] = True
    body["hooks"]["PreToolUse"].append({"matcher": "Bash", "hooks": [{"type": "command", "command": "./mine.sh"}]})
    body["hooks"]["Stop"][0]["hooks"].append({"type": "command", "command": "say done"})
    path.write_text(json.dumps(body, indent=2))
    (plan,) = machine.uninstall()
    assert "changed since" in plan.notes[0]
    assert json.loads(path.read_bytes()) == {
        "model": "opus",
        "theirs": True,
        "hooks": {
            "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "./mine.sh"}]}],
            "Stop": [{"hooks": [{"type": "command", "command": "say done"}]}],
        },
    }


def test_a_person_s_change_between_two_inits_is_part_of_what_comes_back(machine: Machine) -> None:
    path = machine.path()
    path.parent.mkdir()
    path.write_bytes(b'{\n  "a": 1\n}\n')
    machine.init()
    path.write_text(path.read_text().replace('"a": 1', '"a": 2'))
    machine.hook = handlers.Hook("/other/interlock-hook", ("--home", "/h"))
    machine.init()
    machine.uninstall()
    assert path.read_bytes() == b'{\n  "a": 2\n}\n'


def test_a_file_that_init_made_and_nobody_changed_is_deleted_with_its_folders(machine: Machine) -> None:
    machine.init("claude", Scope.PROJECT)
    machine.init("claude", Scope.MANAGED)
    assert (machine.root / "system/etc/claude-code/managed-settings.json").exists()
    machine.uninstall()
    assert list(machine.project.iterdir()) == []
    assert not (machine.root / "system").exists()


def test_a_folder_somebody_else_uses_by_now_stays(machine: Machine) -> None:
    machine.init()
    other = machine.path().parent / "history"
    other.write_text("x")
    machine.uninstall()
    assert [p.name for p in machine.path().parent.iterdir()] == ["history"]


def test_without_a_receipt_our_entries_come_out_all_the_same(machine: Machine) -> None:
    path = machine.path()
    path.parent.mkdir()
    path.write_bytes(b'{\n  "model": "opus"\n}\n')
    machine.init()
    plan = plan_removal("claude", "user", files.snapshot(path))
    files.revert(plan, None, machine.store)
    assert path.read_bytes() == b'{\n  "model": "opus"\n}\n'


def test_invalid_settings_are_refused_and_left_alone(machine: Machine) -> None:
    path = machine.path()
    path.parent.mkdir()
    path.write_bytes(b'{"a": 1,}')
    with pytest.raises(OperatorError, match="line 1, column"):
        machine.init()
    assert path.read_bytes() == b'{"a": 1,}'
    assert list(machine.store.all()) == []


def test_a_symlink_is_followed_and_stays_one(machine: Machine) -> None:
    dotfiles = machine.home / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "claude.json").write_bytes(b'{"a":1}')
    machine.path().parent.mkdir()
    machine.path().symlink_to("../dotfiles/claude.json")
    before = machine.tree()
    machine.init()
    assert machine.path().is_symlink()
    assert "interlock-hook" in (dotfiles / "claude.json").read_text()
    machine.uninstall()
    assert machine.tree() == before


def test_a_project_s_symlink_out_of_the_project_is_not_followed(machine: Machine) -> None:
    """A cloned repository must not choose which file of the user's is written."""
    (machine.home / "victim.json").write_bytes(b"{}")
    (machine.project / ".claude").mkdir()
    (machine.project / ".claude/settings.json").symlink_to(machine.home / "victim.json")
    with pytest.raises(OperatorError, match="leads out of"):
        machine.init("claude", Scope.PROJECT)
    assert (machine.home / "victim.json").read_bytes() == b"{}"


def test_what_is_no_file_is_refused(machine: Machine) -> None:
    machine.path().parent.mkdir()
    os.mkfifo(machine.path())
    with pytest.raises(OperatorError, match="not a regular file"):
        machine.init()
    machine.path().unlink()
    machine.path().mkdir()
    with pytest.raises(OperatorError, match="not a regular file"):
        machine.init()


def test_a_file_that_changes_under_the_plan_is_not_overwritten(machine: Machine) -> None:
    path = machine.path()
    path.parent.mkdir()
    path.write_bytes(b"{}")
    plan = plan_install("claude", "user", files.snapshot(path), None, machine.hook, NEW)
    path.write_bytes(b'{"new":1}')
    with pytest.raises(Refused, match="changed while"):
        files.apply(plan, machine.store)
    assert path.read_bytes() == b'{"new":1}'


def test_receipts_are_private_and_checked(machine: Machine) -> None:
    machine.path().parent.mkdir()
    machine.path().write_bytes(b'{"secret": "x"}')
    machine.init()
    (receipt,) = machine.store.directory.iterdir()
    assert stat.S_IMODE(receipt.stat().st_mode) == 0o600
    body = json.loads(receipt.read_text())
    body["original"] = "e30="
    receipt.write_text(json.dumps(body))
    with pytest.raises(OperatorError, match="does not match its digest"):
        list(machine.store.all())
    receipt.write_text("{")
    with pytest.raises(OperatorError, match="cannot be read"):
        list(machine.store.all())


@pytest.mark.parametrize(
    "content", [None, b"", b"# rules\nallowed_sandbox_modes = ['read-only']", b"[features]\nx = 1\n"]
)
def test_managed_hooks_of_codex_come_and_go(machine: Machine, content: bytes | None) -> None:
    path = machine.path("codex", Scope.MANAGED)
    if content is not None:
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    before = machine.tree()
    machine.init("codex", Scope.MANAGED)
    assert guard(machine, "codex") == ()
    assert machine.init("codex", Scope.MANAGED).edits == ()
    path.write_bytes(path.read_bytes() + b"# later\n")
    assert guard(machine, "codex") == ()
    machine.uninstall()
    assert path.read_bytes() == (content or b"") + (b"\n" if (content or b"\n")[-1:] != b"\n" else b"") + b"# later\n"
    if content is not None:
        path.write_bytes(content)
    else:
        path.unlink()
    machine.init("codex", Scope.MANAGED)
    machine.uninstall()
    assert machine.tree().items() >= before.items()


def test_managed_hooks_of_somebody_else_are_not_mixed_with_ours(machine: Machine) -> None:
    path = machine.path("codex", Scope.MANAGED)
    path.parent.mkdir(parents=True)
    for content, words in ((b"[hooks]\nmanaged_dir = '/x'\n", "of its own"), (b"[hooks", "not valid TOML")):
        path.write_bytes(content)
        with pytest.raises(OperatorError, match=words):
            machine.init("codex", Scope.MANAGED)
        assert path.read_bytes() == content


HASHES = {"/c/hooks.json:pre_tool_use:0:0": "sha256:" + "0" * 64, "/c/hooks.json:stop:1:0": "sha256:" + "1" * 64}


@pytest.mark.parametrize(
    "content", [b"", b'model = "x"', b'[a]\nb = 1\n\n[hooks.state."/other:stop:0:0"]\nenabled = false\n']
)
def test_trust_is_text_that_can_be_taken_out_again(content: bytes) -> None:
    import tomllib

    after = with_trust(content, HASHES, "config.toml")
    state = tomllib.loads(after.decode())["hooks"]["state"]
    assert {key: value["trusted_hash"] for key, value in state.items() if key in HASHES} == HASHES
    assert with_trust(after, HASHES, "config.toml") == after
    rest = without_trust(after + b"# later\n", "/c/hooks.json", "config.toml")
    assert rest.replace(b"# later\n", b"").strip() == content.strip()


def test_trust_in_another_form_is_not_edited() -> None:
    for content in (b"[hooks.state]\n'/c/hooks.json:stop:1:0' = {enabled = true}\n", b"[", b"\xff"):
        with pytest.raises(OperatorError, match="cannot be edited safely"):
            with_trust(content, HASHES, "config.toml")


# --- is it guarded?


def guard(machine: Machine, agent: str = "claude", at: Places | None = None) -> tuple[str, ...]:
    return look(agent, at or machine.at, read_file, machine.hook).problems


@pytest.mark.parametrize("agent", ["claude", "codex"])
@pytest.mark.parametrize("version", [OLD, NEW, None])
def test_an_installed_guard_is_a_guard(machine: Machine, agent: str, version: Any) -> None:
    assert len(guard(machine, agent)) == len(handlers.asking(agent))
    machine.init(agent, version=version)
    assert guard(machine, agent) == ()


TAMPERING = [
    ('"command": "/opt/interlock/bin/', '"command": "/tmp/x/'),
    ('"/run/user/1/interlock"', '"/tmp/mine"'),
    ('"claude",', '"codex",'),
    ('"matcher": "*"', '"matcher": "Read"'),
    ('"type": "command"', '"type": "http"'),
    ('"timeout": 600', '"timeout": 1'),
    ('"timeout": 600', '"timeout": 600, "if": "Bash(ls)"'),
    ('"timeout": 600', '"timeout": 600, "async": true'),
    ('"PreToolUse"', '"PreToolUseX"'),
    ('"ConfigChange"', '"ConfigChangeX"'),
    ('{\n  "hooks"', '{\n  "disableAllHooks": true, "hooks"'),
    ('{\n  "hooks"', '{\n  "env": {"CLAUDE_CODE_SIMPLE": "1"}, "hooks"'),
    ('{\n  "hooks"', '{\n  "permissions": 7, "hooks"'),
    ('"Stop": [', '"Stop": [{"hooks": [{"type": "nonsense"}]},'),
    ("{\n", "{,\n"),
]


@pytest.mark.parametrize(("old", "new"), TAMPERING, ids=range(len(TAMPERING)))
def test_every_way_to_weaken_the_guard_is_seen(machine: Machine, old: str, new: str) -> None:
    machine.init()
    text = machine.path().read_text()
    assert old in text
    machine.path().write_text(text.replace(old, new))
    assert guard(machine)


def test_a_line_of_shell_that_forgives_is_seen(machine: Machine) -> None:
    machine.init(version=OLD)
    text = machine.path().read_text()
    machine.path().write_text(text.replace("exit 2", "exit 0"))
    assert guard(machine)
    machine.path().write_text(text.replace("; s=$?;", " || true; s=$?;"))
    assert guard(machine)


def test_settings_of_the_project_can_switch_the_user_s_hooks_off(machine: Machine) -> None:
    machine.init()
    local = machine.project / ".claude/settings.local.json"
    local.parent.mkdir()
    local.write_text('{"disableAllHooks": true}')
    (problem,) = guard(machine)
    assert "disableAllHooks" in problem
    machine.init(scope=Scope.MANAGED)
    assert guard(machine) == ()


def test_a_broken_file_of_the_project_does_not_take_the_user_s_hooks_away(machine: Machine) -> None:
    machine.init()
    shared = machine.path(scope=Scope.PROJECT)
    shared.parent.mkdir()
    for text in ('{"permissions": 7}', '{"hooks": {"Stop": [{"hooks": [{"type": "new"}]}]}}'):
        shared.write_text(text)
        found = look("claude", machine.at, read_file, machine.hook)
        assert found.problems == ()
        assert "drops the hooks of this file" in found.notes[0]


def test_managed_settings_can_switch_the_user_s_hooks_off(machine: Machine) -> None:
    machine.init()
    managed = machine.path(scope=Scope.MANAGED)
    managed.parent.mkdir(parents=True)
    managed.write_text('{"allowManagedHooksOnly": true}')
    assert guard(machine)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("config.toml", "[features]\nhooks = false\n"),
        ("config.toml", "[features]\ncodex_hooks = false\n"),
        ("config.toml", "[features"),
    ],
)
def test_codex_hooks_switched_off(machine: Machine, name: str, text: str) -> None:
    machine.init("codex")
    (machine.at.codex / name).write_text(text)
    assert guard(machine, "codex")


def test_one_handler_of_another_kind_loses_every_hook_of_codex(machine: Machine) -> None:
    machine.init("codex")
    body = json.loads(machine.path("codex").read_text())
    body["hooks"]["Stop"].append({"hooks": [{"type": "http", "url": "http://x"}]})
    machine.path("codex").write_text(json.dumps(body))
    assert "http" in guard(machine, "codex")[0]
    del body["hooks"]["Stop"]
    body["$schema"] = "x"
    machine.path("codex").write_text(json.dumps(body))
    assert "$schema" in guard(machine, "codex")[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=4) | st.sampled_from(["command", "*", "/a/interlock-hook claude"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["hooks", "PreToolUse", "matcher", "type", "command", "args", "timeout"]), inner, max_size=4
        )
    ),
    max_leaves=15,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(JSON, st.sampled_from(["claude", "codex"]))
def test_no_settings_break_the_look_or_the_plans(tmp_path: Path, body: Any, agent: str) -> None:
    at = places({}, tmp_path, tmp_path / "p")
    raw = json.dumps({"hooks": body}).encode()
    hook = handlers.Hook("/a/interlock-hook", ("--home", "/h"))
    look(agent, at, lambda _path: raw, hook)
    shot = files.Snapshot(tmp_path / "f", tmp_path / "f", raw)
    try:
        plan = plan_install(agent, "user", shot, None, hook, NEW)
    except OperatorError:
        return
    assert plan.edits
    json.loads(plan.edits[0].after or b"")
