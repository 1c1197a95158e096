"""Places: whose a path is, and what would be lost, leaked or armed by touching it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from effects.fakeworld import HOME, SETTING, WORKSPACE, FakeWorld
from interlock.effects import path_rules
from interlock.effects.places import file_environment, file_resource, normal
from interlock.model import labels
from interlock.model.effect import Environment, Kind, Resource
from interlock.model.errors import CatalogueError
from interlock.model.world import Nowhere, Setting

NOWHERE = Nowhere()


def place(path: str, **options: object) -> Resource:
    options.setdefault("cwd", WORKSPACE)
    world = options.pop("world", NOWHERE)
    setting = options.pop("setting", SETTING)
    return file_resource(path, setting, world, **options)  # type: ignore[arg-type] # the options are those of the function


# --- where ------------------------------------------------------------------------------------------------------------

WHERE = [
    ("src/app.py", labels.WORKSPACE),
    ("./src/../src/app.py", labels.WORKSPACE),
    ("//home//ana/shop/x", labels.WORKSPACE),
    ("../other/x", labels.HOME),
    ("~/notes.txt", labels.HOME),
    ("~ana/notes.txt", labels.HOME),
    ("~bob/notes.txt", labels.OTHER_USER),
    ("~root/x", labels.OTHER_USER),
    ("/root/x", labels.OTHER_USER),
    ("/Users/eve/x", labels.OTHER_USER),
    ("/tmp/x", labels.SCRATCH),
    ("/dev/shm/x", labels.SCRATCH),
    ("/etc/hosts", labels.SYSTEM),
    ("/usr/bin/env", labels.SYSTEM),
    ("/home/ana/shopping/x", labels.HOME),
    ("/proc/self/root/home/ana/shop/x", labels.WORKSPACE),
    ("/proc/self/root/etc/hosts", labels.SYSTEM),
    ("/proc/1/root/proc/self/root/etc/hosts", labels.SYSTEM),
    ("/proc/self/cwd/x", labels.WORKSPACE),
    ("/proc/thread-self/cwd/../x", labels.HOME),
    ("/proc/4711/cwd/x", labels.UNPLACED),
    ("/proc/4711/fd/3", labels.UNPLACED),
    ("/dev/fd/3/../../etc/passwd", labels.UNPLACED),
    ("", labels.UNPLACED),
    ("a\0b", labels.UNPLACED),
    ("x" * 5000, labels.UNPLACED),
]


@pytest.mark.parametrize(("path", "wanted"), WHERE)
def test_every_path_is_in_exactly_one_place(path: str, wanted: str) -> None:
    found = set(place(path).labels) & labels.PLACES
    assert found == {wanted}


def test_a_relative_path_from_nowhere_is_unplaced_and_still_known_by_its_name() -> None:
    found = place(".ssh/id_rsa", cwd=None)
    assert found.kind is Kind.SECRET
    assert labels.UNPLACED in found.labels
    assert labels.SECRET in found.labels


def test_tmpdir_is_scratch_unless_it_is_as_wide_as_a_home() -> None:
    narrow = Setting(
        cwd=WORKSPACE, home=HOME, user="ana", workspace=WORKSPACE, variables=(("TMPDIR", "/home/ana/.tmp"),)
    )
    assert labels.SCRATCH in place("/home/ana/.tmp/x", setting=narrow).labels
    for wide in ("/", "/home", "/home/ana", "/home/ana/shop", "relative"):
        setting = Setting(cwd=WORKSPACE, home=HOME, user="ana", workspace=WORKSPACE, variables=(("TMPDIR", wide),))
        assert labels.SCRATCH not in place("/home/ana/x", setting=setting).labels, wide


@pytest.mark.parametrize("workspace", ["/", "/home", "/home/ana", "/etc", "/usr/lib", "relative"])
def test_a_workspace_as_wide_as_a_home_gives_no_licence(workspace: str) -> None:
    setting = Setting(cwd="/home/ana", home=HOME, user="ana", workspace=workspace)
    assert labels.WORKSPACE not in place("/home/ana/Documents/tax.pdf", setting=setting).labels
    assert labels.WORKSPACE not in place("/etc/hosts", setting=setting).labels


ROOTS = [
    "/",
    "/home",
    "/home/ana",
    "~",
    "~/",
    ".",
    "./",
    "/home/ana/shop/.",
    "..",
    "/etc",
    "/usr/bin",
    "/mnt/disk",
    "/home/bob",
    "/tmp",
    "src/..",
]


@pytest.mark.parametrize("path", ROOTS)
def test_roots_are_roots(path: str) -> None:
    found = place(path)
    assert labels.ROOT in found.labels
    assert found.kind is Kind.DIRECTORY


@pytest.mark.parametrize("path", ["src", "/etc/hosts", "/tmp/build", "/home/ana/code", "/mnt/disk/x"])
def test_what_is_in_a_root_is_no_root(path: str) -> None:
    assert labels.ROOT not in place(path).labels


# --- what -------------------------------------------------------------------------------------------------------------

SECRETS = [
    "~/.ssh/id_ed25519", "~/.ssh", ".SSH/ID_RSA", "deploy/id_rsa", "~/.aws/credentials", "~/.config/gcloud/x.db",
    ".env", ".env.production", "prod.env", ".envrc",
    "~/.netrc", "~/.npmrc", "~/.pypirc", "~/.kube/config", "~/.docker/config.json", "~/.git-credentials", "server.pem",
    "tls/private.key", "~/.gnupg/x",
    "~/.config/google-chrome/Default/Cookies", "~/.mozilla/firefox/x/logins.json", "/etc/shadow", "/proc/self/environ",
    "/proc/1/environ", "/proc/1/task/1/environ",
    "gcp/service-account-prod.json", "credentials.json", "~/Library/Keychains/login.keychain-db", "~/.bash_history",
    "~/.claude/.credentials.json", "~/.codex/auth.json",
    "/run/secrets/db", "~/.config/gh/hosts.yml", "~/.password-store/x.gpg", "config/master.key",
    "/proc/self/root/proc/self/environ", ".e\u200bnv", "\uff0eenv",
    "/home/bob/.ssh/id_rsa", "~/.cargo/credentials.toml", "~/.pgpass",
]  # fmt: skip


@pytest.mark.parametrize("path", SECRETS)
def test_what_holds_credentials_is_secret(path: str) -> None:
    found = place(path)
    assert found.kind is Kind.SECRET
    assert labels.SECRET in found.labels


HARMLESS = [
    ".env.example", ".env.sample", ".env.local.example", "README.md", "src/environment.ts", "src/env.py",
    "~/.ssh/id_rsa.pub", "~/.ssh/known_hosts", "package.json", "Makefile",
    "conftest.py", "tests/test_keys.py", "src/key.py", "keyboard.json", "cacert.pem", "/etc/ssl/certs/ca.pem",
    "docs/secrets.md", "src/credentials.ts", "id_map.py", "monkey.key.py",
    ".gitignore", "CHANGELOG.md", "tsconfig.json", "pyproject.toml", "src/token.py", "data/model.pth",
    ".vscode/settings.json", "Dockerfile", "/proc/cpuinfo", "/etc/os-release",
]  # fmt: skip


@pytest.mark.parametrize("path", HARMLESS)
def test_look_alikes_are_plain_files(path: str) -> None:
    found = place(path)
    assert found.kind is Kind.FILE
    assert set(found.labels) <= labels.PLACES


GUARDS = [
    ".claude/settings.json", ".claude/settings.local.json", "~/.claude/settings.json", "~/.claude.json",
    ".claude/hooks/pre.sh", "/etc/claude-code/managed-settings.json", ".mcp.json",
    "~/.codex/config.toml", "~/.codex/hooks.json", ".codex/hooks.json", ".gemini/settings.json",
    "~/.gemini/trustedFolders.json", "~/.copilot/hooks/x.json", ".github/hooks/x.json",
    ".cursor/hooks.json", ".cursor/mcp.json", ".opencode/plugin/x.js", "opencode.json", ".cline/hooks/PreToolUse",
    ".clinerules/hooks/PreToolUse", ".claude", "~/.codex", ".CLAUDE/Settings.JSON",
    "sub/project/.claude/settings.local.json", "/home/bob/.claude/settings.json", ".claude/plugins/x/hooks.json",
    "/proc/self/cwd/.claude/settings.json",
]  # fmt: skip


@pytest.mark.parametrize("path", GUARDS)
def test_what_switches_an_agents_guard_is_agent_configuration(path: str) -> None:
    found = place(path)
    assert found.kind is Kind.AGENT_CONFIG
    assert labels.GUARD in found.labels


INTERLOCKS = [
    "/home/ana/.config/interlock/policy/x.cedar", "~/.local/state/interlock", "interlock.toml", "sub/interlock.toml",
    ".venv/bin/interlock-hook", "/usr/local/bin/interlock",
    ".venv/lib/python3.11/site-packages/interlock/policy/engine.py", "/run/user/1000/interlock/daemon.sock",
    "~/.config/systemd/user/interlock.service",
]  # fmt: skip


@pytest.mark.parametrize("path", INTERLOCKS)
def test_interlocks_own_files_are_its_own(path: str) -> None:
    found = place(path)
    assert found.kind is Kind.INTERLOCK
    assert labels.GUARD in found.labels


@pytest.mark.parametrize("path", ["~/.config", "~/.local", "~/.local/state", "~", "/home"])
def test_a_directory_that_holds_interlock_is_a_guard(path: str) -> None:
    assert labels.GUARD in place(path).labels


@pytest.mark.parametrize(
    "path",
    [
        "CLAUDE.md",
        "docs/AGENTS.md",
        "GEMINI.md",
        ".cursorrules",
        ".claude/skills/x/SKILL.md",
        ".claude/agents/x.md",
        ".cursor/rules/x.mdc",
    ],
)
def test_what_an_agent_obeys_later_is_memory(path: str) -> None:
    found = place(path)
    assert labels.AGENT_MEMORY in found.labels
    assert found.kind is Kind.FILE


LATER = [
    ".git/hooks/pre-commit", ".git/config", "~/.bashrc", "~/.zshrc", "~/.gitconfig", "/etc/cron.d/x", "/etc/crontab",
    "~/.config/systemd/user/x.service", "~/.config/autostart/x.desktop",
    ".vscode/tasks.json", ".envrc", ".npmrc", "x/sitecustomize.py", "lib/site-packages/evil.pth", ".husky/pre-commit",
    "/etc/profile.d/x.sh", "~/.ssh/authorized_keys", "/etc/ld.so.preload",
    ".github/workflows/ci.yml", ".gitlab-ci.yml", ".git/modules/a/hooks/post-checkout",
    ".devcontainer/devcontainer.json",
]  # fmt: skip


@pytest.mark.parametrize("path", LATER)
def test_what_runs_later_is_labelled(path: str) -> None:
    assert labels.EXECUTES_LATER in place(path).labels


def test_workflows_are_ci_and_makefiles_are_not() -> None:
    assert labels.CI in place(".github/workflows/ci.yml").labels
    assert labels.CI not in place("Makefile").labels


def test_git_store_is_vcs_and_its_samples_do_not_run() -> None:
    assert labels.VCS in place(".git/objects/ab/cd").labels
    assert labels.VCS in place(".git").labels
    assert labels.EXECUTES_LATER not in place(".git/hooks/pre-commit.sample").labels
    assert labels.VCS not in place(".github/CODEOWNERS").labels


def test_terraform_state_is_its_own_kind_and_secret() -> None:
    found = place("infra/terraform.tfstate")
    assert found.kind is Kind.TERRAFORM_STATE
    assert labels.SECRET in found.labels


@pytest.mark.parametrize("path", ["/dev/null", "/dev/stdout", "/dev/fd/2", "/proc/self/fd/1", "/dev/tty"])
def test_sinks_are_sinks(path: str) -> None:
    assert labels.DEVICE_NULL in place(path).labels


@pytest.mark.parametrize("path", ["/dev/sda", "/dev/nvme0n1p1", "/dev/mapper/root"])
def test_disks_are_devices(path: str) -> None:
    found = place(path)
    assert found.kind is Kind.DEVICE
    assert labels.DEVICE_NULL not in found.labels


# --- links ------------------------------------------------------------------------------------------------------------


def test_a_link_out_of_the_workspace_is_where_it_leads() -> None:
    world = FakeWorld(links={f"{WORKSPACE}/data": "/etc"})
    found = place("data/passwd", world=world)
    assert found.name == "/etc/passwd"
    assert labels.SYSTEM in found.labels


def test_a_link_to_a_key_is_a_key_whatever_it_is_called() -> None:
    world = FakeWorld(files={f"{HOME}/.ssh/id_rsa": ""}, links={f"{WORKSPACE}/notes.txt": f"{HOME}/.ssh/id_rsa"})
    assert place("notes.txt", world=world).kind is Kind.SECRET


def test_a_secret_name_stays_secret_when_the_link_leads_to_a_harmless_one() -> None:
    world = FakeWorld(links={f"{WORKSPACE}/.env": f"{WORKSPACE}/plain.txt"})
    assert labels.SECRET in place(".env", world=world).labels


def test_dot_dot_behind_a_link_goes_where_the_kernel_goes() -> None:
    """`link/..` is the parent of the link's target, not of the link."""
    world = FakeWorld(links={f"{WORKSPACE}/link": "/etc/ssl"})
    found = place("link/../shadow", world=world)
    assert found.name == "/etc/shadow"
    assert found.kind is Kind.SECRET


def test_a_workspace_that_is_itself_a_link_is_still_the_workspace() -> None:
    world = FakeWorld(links={WORKSPACE: "/data/shop"})
    found = place("src/app.py", world=world)
    assert found.name == "/data/shop/src/app.py"
    assert set(found.labels) == {labels.WORKSPACE}


def test_removing_a_link_touches_the_link_and_not_its_target() -> None:
    world = FakeWorld(links={f"{WORKSPACE}/python": "/usr/bin/python3"})
    assert place("python", world=world, follow=False).labels == (labels.WORKSPACE,)
    assert labels.SYSTEM in place("python", world=world).labels
    assert labels.SYSTEM in place("python/", world=world, follow=False).labels


def test_a_loop_of_links_ends() -> None:
    world = FakeWorld(links={f"{WORKSPACE}/a": f"{WORKSPACE}/b", f"{WORKSPACE}/b": f"{WORKSPACE}/a"})
    assert place("a/x", world=world).labels == (labels.WORKSPACE,)


# --- globs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "glob",
    [
        "/home/*/.ssh/*",
        "~/.s*",
        ".e*",
        "*.pem",
        "config/*.key",
        "~/.aws/*",
        "**/.env",
        ".env*",
        "~/.*",
        "[.]env",
        "id_[rd]sa",
        "/proc/*/environ",
    ],
)
def test_a_glob_that_may_be_a_secret_is_one(glob: str) -> None:
    assert labels.SECRET in place(glob, glob=True).labels


@pytest.mark.parametrize(
    "glob", ["*", "src/*", "*.py", "*.json", "src/**/*.ts", "test_*", "build/*.o", "*.md", "docs/*", "a?c", "*.*"]
)
def test_a_plain_glob_is_no_secret(glob: str) -> None:
    found = place(glob, glob=True)
    assert labels.SECRET not in found.labels
    assert labels.GUARD not in found.labels
    assert labels.EXECUTES_LATER not in found.labels


@pytest.mark.parametrize(
    ("glob", "wanted"),
    [
        ("/*", labels.SYSTEM),
        ("~/*", labels.HOME),
        ("./*", labels.WORKSPACE),
        ("*", labels.WORKSPACE),
        ("~/.*", labels.HOME),
        ("/home/*", labels.OTHER_USER),
    ],
)
def test_everything_in_a_root_is_the_root(glob: str, wanted: str) -> None:
    found = place(glob, glob=True)
    assert labels.ROOT in found.labels
    assert wanted in found.labels


def test_everything_in_a_plain_directory_is_no_root() -> None:
    assert labels.ROOT not in place("build/*", glob=True).labels


def test_a_wildcard_in_front_of_dot_dot_goes_nowhere_known() -> None:
    assert labels.UNPLACED in place("*/../../x", glob=True).labels


@pytest.mark.parametrize("glob", ["*/" * 2_000, "a*/" * 1_000, "[" * 4_000, "*" * 4_000, "a*b*" * 900, "/[a-z]*" * 500])
def test_a_bomb_of_wildcards_is_cheap_and_careful(glob: str) -> None:
    start = time.perf_counter()
    found = place(glob, glob=True)
    assert time.perf_counter() - start < 0.25
    assert {labels.UNPLACED, labels.SECRET} <= set(found.labels)


def test_the_literal_name_of_a_file_with_a_star_is_not_a_glob() -> None:
    assert place("*.pem.txt").kind is Kind.FILE


# --- what lies below --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["~", "/", "/home", "/home/bob", "/etc", "~/.config", "~/.local/share", "/root", "~/Library", "~/.docker", "~/*"],
)
def test_reading_a_home_to_its_ground_reads_its_secrets(path: str) -> None:
    found = place(path, recursive=True, glob="*" in path)
    assert labels.SECRET in found.labels
    assert found.kind is not Kind.SECRET
    assert labels.SECRET not in place(path, glob="*" in path).labels


@pytest.mark.parametrize("path", [".", "src", "/usr/include", "~/code", "/tmp/x", "/home/ana/shop/docs", "*"])
def test_reading_a_project_to_its_ground_reads_no_secret_by_name(path: str) -> None:
    assert labels.SECRET not in place(path, recursive=True, glob="*" in path).labels


# --- environments, kinds, totality -----------------------------------------------------------------------------------


def test_environment_of_files() -> None:
    assert file_environment(place("a")) is Environment.WORKSPACE
    assert file_environment(place("/etc/hosts")) is Environment.MACHINE
    assert file_environment(place("a", cwd=None)) is Environment.UNKNOWN
    assert file_environment(place("/srv/live/x"), SETTING) is Environment.PRODUCTION


def test_directories_are_directories() -> None:
    world = FakeWorld(files={f"{WORKSPACE}/src/a.py": ""})
    assert place("src", world=world).kind is Kind.DIRECTORY
    assert place("new/").kind is Kind.DIRECTORY
    assert place("src", directory=True).kind is Kind.DIRECTORY
    assert place("src/a.py", world=world).kind is Kind.FILE


@given(st.text(max_size=60), st.booleans(), st.one_of(st.none(), st.just(WORKSPACE)))
def test_any_text_has_one_place_and_sorted_labels(path: str, glob: bool, cwd: str | None) -> None:
    found = file_resource(path, SETTING, NOWHERE, cwd=cwd, glob=glob)
    assert len(set(found.labels) & labels.PLACES) == 1
    assert list(found.labels) == sorted(set(found.labels))
    assert set(found.labels) <= labels.RESOURCE_LABELS


@given(
    st.lists(
        st.sampled_from(["a", "..", ".", "", ".ssh", "home", "ana", "proc", "self", "root", "cwd", "~", "*", "etc"]),
        max_size=9,
    ).map("/".join),
    st.booleans(),
)
def test_paths_made_of_traps_are_total_and_normal(path: str, glob: bool) -> None:
    found = file_resource(path, SETTING, FakeWorld(links={f"{WORKSPACE}/a": "/etc"}), cwd=WORKSPACE, glob=glob)
    assert len(set(found.labels) & labels.PLACES) == 1
    assert normal(found.name) == found.name or not path


def test_a_path_costs_microseconds() -> None:
    paths = [f"src/module{n}/file{n}.py" for n in range(2_000)]
    start = time.perf_counter()
    for path in paths:
        place(path)
    assert (time.perf_counter() - start) / len(paths) < 0.0005


# --- the list itself --------------------------------------------------------------------------------------------------

TREE = "[tree]\nscratch=[]\nhomes=[]\nmounts=[]\ntops=[]\nroots=[]\nsinks=[]\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[", "not TOML"),
        (TREE + '[[rule]]\nid="x"\nlabels=["nope"]\nwhy="w"\nmatch=["a"]', "no such label"),
        (TREE + '[[rule]]\nid="x"\nkind="nope"\nlabels=[]\nwhy="w"\nmatch=["a"]', "no such kind"),
        (TREE + '[[rule]]\nid="x"\nlabels=[]\nmatch=["a"]', "needs id"),
        (TREE + '[[rule]]\nid="x"\nlabels=[]\nwhy="w"\nmatch=["a"]\nextra=1', "needs id"),
        (TREE + '[[rule]]\nid="x"\nlabels=[]\nwhy="w"\nmatch=["a//b"]', "empty segment"),
        (TREE + '[[rule]]\nid="x"\nlabels=[]\nwhy="w"\nmatch=["a/**/b"]', "in the middle"),
        (TREE + '[[rule]]\nid="x"\nlabels=[]\nwhy="w"\nmatch=["*/*"]', "no constant segment"),
        ("", "the tree of directories"),
    ],
)
def test_a_broken_list_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(CatalogueError, match=complaint):
        path_rules.load(text)


def test_every_rule_of_the_packaged_list_has_a_name_of_its_own() -> None:
    names = [rule.id for rule in path_rules.packaged().rules]
    assert len(names) == len(set(names))
