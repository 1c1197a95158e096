"""Which changes are held: by name, by setting, by link, by number; and what passes."""

from __future__ import annotations

import os
import random
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containment.workspaces import ROOT, Executable, Link, Sides, changes, facts, held
from interlock.containment.change import Change, Facts
from interlock.containment.grave import findings
from interlock.containment.graves import gitconfig, installed
from interlock.containment.graves.names import fold
from interlock.containment.graves.rules import book

PLAIN_CONFIG = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
[remote "origin"]
\turl = git@github.com:me/project.git
\tfetch = +refs/heads/*:refs/remotes/origin/*
[branch "main"]
\tremote = origin
\tmerge = refs/heads/main
"""
REPOSITORY = {".git/HEAD": "ref: refs/heads/main\n", ".git/config": PLAIN_CONFIG, "src/a.py": "a = 1\n"}
SHELL = "#!/bin/sh\ntouch /tmp/x\n"

EXECUTED_LATER = [
    ".git/hooks/pre-commit",
    ".git/modules/lib/hooks/post-checkout",
    ".git/modules/vendor/lib/hooks/post-checkout",
    ".git/info/grafts",
    ".git/objects/info/alternates",
    ".git/commondir",
    ".git/safe/x",
    ".git/remotes/origin",
    ".git/refs/replace/0123",
    "sub/.git/hooks/post-merge",
    ".githooks/pre-push",
    ".husky/pre-commit",
    ".husky/_/husky.sh",
    ".pre-commit-config.yaml",
    "lefthook.yml",
    ".claude/settings.json",
    ".claude/settings.local.json",
    "deep/down/.claude/settings.json",
    ".claude/hooks/x.sh",
    ".claude/skills/x/SKILL.md",
    ".claude/commands/x.md",
    ".claude/agents/x.md",
    ".claude/rules/x.md",
    ".claude/plugins/x/plugin.json",
    "CLAUDE.md",
    "pkg/CLAUDE.local.md",
    "AGENTS.md",
    "AGENTS.override.md",
    "GEMINI.md",
    ".gemini/settings.json",
    ".codex/config.toml",
    ".codex/hooks.json",
    ".cursorrules",
    ".cursor/rules/x.mdc",
    ".cursor/mcp.json",
    ".cursor/hooks.json",
    ".mcp.json",
    ".vscode/mcp.json",
    ".windsurfrules",
    ".windsurf/workflows/x.md",
    ".clinerules",
    ".clinerules/x.md",
    ".roo/mcp.json",
    ".roomodes",
    ".aider.conf.yml",
    "opencode.json",
    ".opencode/plugin/x.ts",
    ".continue/config.yaml",
    ".zed/settings.json",
    ".zed/tasks.json",
    ".amp/settings.json",
    ".kiro/hooks/x.json",
    ".junie/guidelines.md",
    ".goosehints",
    "crush.json",
    ".github/copilot-instructions.md",
    ".github/prompts/x.prompt.md",
    ".github/hooks/x.json",
    ".agents/skills/x/SKILL.md",
    ".vscode/settings.json",
    ".vscode/tasks.json",
    ".vscode/launch.json",
    ".vscode/extensions.json",
    "x.code-workspace",
    ".idea/workspace.xml",
    ".idea/runConfigurations/x.xml",
    ".run/x.run.xml",
    ".exrc",
    ".vimrc",
    ".nvim.lua",
    ".nvimrc",
    ".dir-locals.el",
    ".devcontainer/devcontainer.json",
    ".devcontainer.json",
    ".gitpod.yml",
    ".replit",
    ".github/workflows/ci.yml",
    ".github/actions/x/action.yml",
    ".gitlab-ci.yml",
    "Jenkinsfile",
    ".circleci/config.yml",
    "azure-pipelines.yml",
    ".travis.yml",
    ".buildkite/pipeline.yml",
    "bitbucket-pipelines.yml",
    ".drone.yml",
    ".woodpecker/x.yml",
    "appveyor.yml",
    "cloudbuild.yaml",
    "buildspec.yml",
    ".forgejo/workflows/x.yml",
    ".cirrus.yml",
    "CODEOWNERS",
    ".github/CODEOWNERS",
    ".envrc",
    "mise.toml",
    ".mise.toml",
    ".config/mise/config.toml",
    ".npmrc",
    ".yarnrc.yml",
    ".yarn/releases/yarn-4.cjs",
    ".yarn/plugins/x.cjs",
    ".pnpmfile.cjs",
    "pnpm-workspace.yaml",
    "bunfig.toml",
    "pip.conf",
    ".pypirc",
    "uv.toml",
    ".cargo/config.toml",
    ".cargo/config",
    "gradle/wrapper/gradle-wrapper.properties",
    "gradle/wrapper/gradle-wrapper.jar",
    "gradlew",
    ".mvn/extensions.xml",
    ".mvn/jvm.config",
    "mvnw",
    ".bazelrc",
    "tools/bazel",
    "NuGet.Config",
    "Directory.Build.targets",
    "ansible.cfg",
    "GNUmakefile",
    "conftest.py",
    "tests/unit/conftest.py",
    "sitecustomize.py",
    "src/usercustomize.py",
    ".bashrc",
    ".profile",
    ".zshenv",
    ".config/fish/config.fish",
    ".ssh/authorized_keys",
    ".ssh/config",
    ".gitconfig",
    ".config/git/config",
    ".config/systemd/user/x.service",
    ".config/autostart/x.desktop",
    "Library/LaunchAgents/x.plist",
    "crontab",
    ".gdbinit",
    ".lldbinit",
    ".pythonrc.py",
    ".Rprofile",
    ".irbrc",
    ".pdbrc",
    ".ghci",
    ".ocamlinit",
    "hie.yaml",
    ".bsp/x.json",
    ".reviewboardrc",
    ".hg/hgrc",
    ".jj/repo/config.toml",
    ".lfsconfig",
    "docker-compose.override.yml",
    "eslint.config.js",
    ".eslintrc.cjs",
    ".prettierrc.js",
    "interlock.toml",
    ".interlock/policy/x.cedar",
    ".rvmrc",
    "pytest.py",
    "netlify.toml",
    "vercel.json",
    "Procfile",
    ".goreleaser.yml",
    "renovate.json",
    ".ycm_extra_conf.py",
]

HARMLESS = [
    "src/main.py",
    "README.md",
    "docs/guide.md",
    "Makefile",
    "package-lock.json",
    "Cargo.toml",
    "build.rs",
    "setup.py",
    "index.html",
    ".gitignore",
    ".editorconfig",
    ".gitkeep",
    "LICENSE",
    "src/settings.json",
    "src/config.toml",
    "Dockerfile",
    "docker-compose.yml",
    "dist/bundle.js",
    "target/debug/app",
    "build/CMakeFiles/x.o",
    "__pycache__/a.cpython-311.pyc",
    ".pytest_cache/v/cache/lastfailed",
    ".mypy_cache/3.11/a.json",
    ".ruff_cache/x",
    ".coverage",
    "coverage/lcov.info",
    ".next/server/app.js",
    "node_modules/.cache/x",
    ".venv/lib/python3.11/site-packages/a/b.py",
    ".nvmrc",
    ".python-version",
    ".tool-versions",
    "requirements.txt",
    "go.mod",
    "Gemfile",
    ".prettierrc",
    "src/agents/planner.py",
    "src/hooks/useThing.ts",
    "src/rules/engine.py",
    "src/memory.py",
    "app/bin/main.dart",
    "bin/report",
    ".vscode/python.code-snippets",
    ".env.example",
    "data.json",
    "settings.py",
    "config/settings.yml",
    "claude.py",
    "history.txt",
    ".git/index",
    ".git/COMMIT_EDITMSG",
    ".git/ORIG_HEAD",
    ".git/MERGE_MSG",
    ".git/packed-refs",
    ".git/logs/HEAD",
    ".git/refs/heads/hooks/config",
    ".git/logs/refs/heads/hooks/x",
    ".git/objects/ab/cdef",
    ".git/objects/pack/pack-1.idx",
    ".git/info/exclude",
    ".git/hooks/pre-commit.sample",
    ".git/rebase-merge/head-name",
    ".git/modules/lib/HEAD",
    ".git/gc.log",
    ".git/worktrees/x/HEAD",
    ".git/worktrees/x/gitdir",
    ".git/description",
    ".git/FETCH_HEAD",
    ".git/rr-cache/a/preimage",
]


@pytest.mark.parametrize("path", EXECUTED_LATER)
def test_what_is_read_or_run_later_is_held(path: str) -> None:
    assert set(held({}, {path: Executable(SHELL.encode())})) == {path}, "created"
    assert path in held({path: Executable(b"old\n")}, {path: Executable(SHELL.encode())}), "changed"


@pytest.mark.parametrize("path", HARMLESS)
def test_ordinary_files_pass(path: str) -> None:
    assert not held({}, {path: "1.2.3\n"})
    assert not held({path: "1.2.2\n"}, {path: "1.2.3\n"}) or "site-packages" in path
    assert not held({path: "1.2.2\n"}, {}), "deleted"


def test_a_checkout_passes() -> None:
    assert not held({".git/HEAD": "ref: refs/heads/a\n"}, {".git/HEAD": "ref: refs/heads/b\n"})


@pytest.mark.parametrize(
    "path",
    [
        ".GIT/hooks/pre-commit",
        ".git./hooks/pre-commit",
        ".git /hooks/pre-commit",
        "GIT~1/hooks/pre-commit",
        ".g\u200cit/config",
        ".git::$INDEX_ALLOCATION/config",
        ".Claude/Settings.JSON",
        ".claude/settings.json.",
        ".claude\u200b/settings.json",
        ".cl\u0430ude/settings.json",
        "\uff23LAUDE.md",
        "claude.MD",
        "CLAUDE.md ",
        ".vscode\\tasks.json",
        ".mcp\u00ad.json",
        ".\uff47it/hooks/pre-commit",
        "CONFTEST.PY",
        ".EnvRC",
        ".gi\u0442hub/workflows/x.yml",
    ],
)
def test_other_spellings_of_a_name_are_the_name(path: str) -> None:
    content = Executable(b"[core]\n\tfsmonitor = touch /tmp/x\n" if path.endswith("config") else b"x")
    assert held({}, {path: content})


RUNS = [
    "[core]\n\tfsmonitor = ./x.sh",
    "[core]\nhooksPath=hooks",
    "[CORE] SSHCommand = x",
    '[core]\n\tpager = "less; x"',
    '[core]\n\teditor = "x"',
    "[alias]\n\tst = !x",
    "[alias]\n\tst = -c core.fsmonitor=x status",
    "[alias]\n\tl = log --ext-diff",
    '[filter "x"]\n\tclean = x',
    '[diff "x"]\n\ttextconv = x',
    "[diff]\n\texternal = x",
    '[merge "x"]\n\tdriver = x',
    "[include]\n\tpath = ../x",
    '[includeIf "gitdir:/"]\n\tpath = x',
    "[credential]\n\thelper = !x",
    '[credential "https://x"]\n\thelper = x',
    '[url "https://evil/"]\n\tinsteadOf = https://github.com/',
    '[remote "origin"]\n\tuploadpack = x',
    '[remote "x"]\n\tvcs = x',
    '[remote "x"]\n\turl = ext::sh -c x',
    '[remote "x"]\n\tproxy = http://evil',
    "[gpg]\n\tprogram = x",
    '[gpg "ssh"]\n\tprogram = x',
    '[protocol "ext"]\n\tallow = always',
    '[submodule "x"]\n\tupdate = !x',
    "[extensions]\n\tworktreeConfig = true",
    "[core]\n\tworktree = /home/dev",
    "[core]\n\tworktree = ../../..",
    "[core]\n\tattributesFile = x",
    "[sequence]\n\teditor = x",
    "[http]\n\tsslVerify = false",
    "[http]\n\tproxy = evil:1",
    "[core]\n\tgitProxy = x",
    "[core]\n\taskPass = x",
    "[pager]\n\tlog = x",
    "[interactive]\n\tdiffFilter = x",
    "[core]\n\talternateRefsCommand = x",
    '[tar "x"]\n\tcommand = x',
    '[man "x"]\n\tcmd = x',
    '[branch "main"]\n\tremote = https://evil/x',
    '[branch "main"]\n\tpushRemote = evil',
    "[remote]\n\tpushDefault = evil",
    "[receive]\n\tdenyCurrentBranch = ignore",
    "[uploadpack]\n\tpackObjectsHook = x",
    "[lfs]\n\turl = https://evil",
    '[lfs "customtransfer.x"]\n\tpath = x',
    "[core]\n\tnewThing = x",
    "[mytool]\n\tcommand = x",
    '[core "\n',
    "\x00",
    '[trailer "x"]\n\tcmd = x',
    "[core]\n\tfs\\\nmonitor = x",
    "[core]\n\tquotepath = a\\\n[core]\n\tfsmonitor = x\n\tpager = x",
    '[difftool "x"]\n\tcmd = x',
    "[init]\n\ttemplateDir = x",
    "[core]fsmonitor=x",
    "[core]\r\n\tfsmonitor = x\r\n",
    "\ufeff[core]\n\tfsmonitor = x",
    "[core.x]\n\tfsmonitor = x",
]

RUNS_NOTHING = [
    "[user]\n\tname = Me\n\temail = me@example.org",
    '[remote "fork"]\n\turl = https://github.com/you/project\n\tfetch = +refs/heads/*:refs/remotes/fork/*',
    '[branch "topic"]\n\tremote = origin\n\tmerge = refs/heads/topic',
    '[branch "topic"]\n\tvscode-merge-base = origin/main',
    "[alias]\n\tst = status -sb\n\tlg = log --graph --pretty=format:'%h %s'",
    "[pull]\n\trebase = true",
    "[commit]\n\tgpgsign = true",
    "[core]\n\tautocrlf = input\n\tignorecase = true",
    "[color]\n\tui = auto",
    '[submodule "lib"]\n\turl = https://github.com/x/lib\n\tactive = true',
    "[core]\n\tfsmonitor = true",
    '[filter "lfs"]\n\tclean = git-lfs clean -- %f\n\tsmudge = git-lfs smudge -- %f\n\trequired = true',
    "[gc]\n\tauto = 0",
    "[merge]\n\tconflictStyle = zdiff3",
    "[diff]\n\talgorithm = histogram",
    '[gitflow "branch"]\n\tmaster = main',
    "[advice]\n\tdetachedHead = false",
    "[rerere]\n\tenabled = true",
    "[push]\n\tautoSetupRemote = true",
    "[core]\n\tpager = cat",
    "; a comment\n# fsmonitor = x\n",
    '[user]\n\tname = "A # B" ; core.fsmonitor',
    "[http]\n\tpostBuffer = 524288000",
    "[core]\n\tbare = true",
]


@pytest.mark.parametrize("text", RUNS)
def test_settings_of_git_that_run_or_redirect_are_held(text: str) -> None:
    after = {**REPOSITORY, ".git/config": PLAIN_CONFIG + text + "\n"}
    assert set(held(REPOSITORY, after)) == {".git/config"}
    assert set(held({}, {"sub/.git/config": text + "\n"})) == {"sub/.git/config"}
    if not text.startswith("\ufeff"):
        assert held(REPOSITORY, {**REPOSITORY, ".git/config.worktree": text + "\n"})


@pytest.mark.parametrize("text", RUNS_NOTHING)
def test_settings_of_git_that_run_nothing_pass(text: str) -> None:
    assert not held(REPOSITORY, {**REPOSITORY, ".git/config": PLAIN_CONFIG + text + "\n"})
    assert not held({}, {"sub/.git/config": PLAIN_CONFIG + text + "\n"})


def test_a_remote_that_leads_to_another_host_is_held_and_the_same_host_is_not() -> None:
    def moved(url: str) -> bool:
        text = PLAIN_CONFIG.replace("git@github.com:me/project.git", url)
        return bool(held(REPOSITORY, {**REPOSITORY, ".git/config": text}))

    assert moved("git@evil.example:me/project.git")
    assert moved("/tmp/x")
    assert not moved("https://github.com/me/project.git")
    assert not moved("ssh://git@github.com/me/project.git")


def test_a_setting_that_was_there_is_no_news() -> None:
    loaded = {**REPOSITORY, ".git/config": PLAIN_CONFIG + "[core]\n\thooksPath = .husky\n"}
    assert not held(loaded, {**loaded, ".git/config": loaded[".git/config"] + "[user]\n\tname = x\n"})
    assert held(loaded, {**loaded, ".git/config": PLAIN_CONFIG}), "its loss disarms the hooks"


@given(st.text(alphabet='[]="\\ \n\t#;abc.core!', max_size=60))
def test_the_reader_of_git_settings_says_what_it_cannot_read(text: str) -> None:
    try:
        for setting in gitconfig.parse(text):
            assert setting.section
    except gitconfig.Unreadable:
        pass


def test_pointers_of_git_may_lead_to_worktrees_and_modules_alone() -> None:
    assert held({}, {"sub/.git": "gitdir: ../../evil\n"})
    assert held({}, {"sub/.git": "gitdir: /tmp/evil/.git/modules/x\n"})
    assert held({}, {"sub/.git": "gitdir: ../evil\n"})
    assert held({}, {".git/worktrees/x/commondir": "../../../evil\n"})
    assert not held({}, {"sub/.git": "gitdir: ../.git/modules/sub\n"})
    assert not held({}, {"wt/.git": f"gitdir: {ROOT}/.git/worktrees/wt\n", ".git/worktrees/wt/commondir": "../..\n"})


def test_a_repository_without_its_name_is_one() -> None:
    bare = {"x/HEAD": "ref: refs/heads/m\n", "x/objects/a": "", "x/refs/a": ""}
    assert held({}, {**bare, "x/config": "[core]\n\tfsmonitor = x\n"})
    assert held({"x/config": "[core]\n\tfsmonitor = x\n"}, {**bare, "x/config": "[core]\n\tfsmonitor = x\n"}), (
        "in two steps"
    )
    assert held({}, {**bare, "x/hooks/post-receive": Executable(b"x")})
    assert held({}, {"HEAD": "x", "objects/a": "", "refs/a": "", "config": "[core]\n\tfsmonitor = x\n"})
    assert not held({}, {**bare, "x/config": "[core]\n\tbare = true\n", "x/hooks/update.sample": Executable(b"x")})
    assert not held({}, {"src/config": "[core]\n\tfsmonitor = x\n", "src/HEAD": "x"})


def test_a_rebase_that_would_run_commands_is_held() -> None:
    assert held({}, {".git/rebase-merge/git-rebase-todo": "pick 1\nexec touch /tmp/x\n"})
    assert held({}, {".git/rebase-merge/git-rebase-todo": "x touch /tmp/x\n"})
    assert not held({}, {".git/rebase-merge/git-rebase-todo": "pick 1 exec plan\n"})


def test_attributes_are_held_where_they_choose_programs() -> None:
    assert held({}, {".gitattributes": "* filter=x\n"})
    assert held({}, {"deep/.gitattributes": "*.py diff=x\n"})
    assert held({".gitattributes": "secrets/* filter=git-crypt\n"}, {}), "what encrypted them is gone"
    assert held({}, {".git/info/attributes": "* merge=x\n"})
    assert not held(
        {}, {".gitattributes": "* text=auto eol=lf\n*.bin filter=lfs diff=lfs merge=lfs -text\n*.py diff=python\n"}
    )


def test_modules_are_held_where_they_lead_out() -> None:
    fine = '[submodule "lib"]\n\tpath = lib\n\turl = https://github.com/x/lib\n'
    assert not held({}, {".gitmodules": fine})
    for odd in (
        fine.replace('"lib"', '"../lib"'),
        fine.replace("path = lib", "path = .git/hooks"),
        fine.replace("path = lib", "path = ../x"),
        fine + "\tupdate = !x\n",
        fine.replace("https://github.com/x/lib", "ext::sh -c x"),
        fine.replace("https://github.com/x/lib", "--upload-pack=x"),
    ):
        assert held({}, {".gitmodules": odd}), odd


@pytest.mark.parametrize(
    ("path", "target", "out"),
    [
        ("a", "/etc/passwd", True),
        ("a", "../x", True),
        ("d/a", "../../x", True),
        ("d/a", "../x", False),
        ("a", "b/c", False),
        ("a", "b/../../x", True),
        ("d/a", "b/../x", True),
        ("a", f"{ROOT}/b", False),
        ("a", f"{ROOT}/../b", True),
        ("a", f"{ROOT}x", True),
        ("a", "/proc/self/root", True),
        ("result", "/nix/store/abc-x", False),
        ("a", "/nix/store/../../etc", True),
        ("a", "~", False),
        (".venv/bin/python", "/usr/bin/python3.11", False),
        (".venv/bin/python", "/tmp/python3", True),
        (".venv/bin/git", "/usr/bin/git", True),
        ("node_modules/.bin/tsc", "../typescript/bin/tsc", False),
        ("node_modules/.bin/tsc", "../../../evil", True),
        (".claude", "stuff", True),
        ("x/.vscode", "stuff", True),
        (".git/hooks", "../hooks", True),
        (".git", "other", True),
        ("CLAUDE.md", "notes.txt", True),
    ],
)
def test_links_that_lead_out_or_stand_in_place_are_held(path: str, target: str, out: bool) -> None:
    assert bool(held({}, {path: Link(target)})) is out


def test_package_scripts_are_compared_one_by_one() -> None:
    old = '{"name": "a", "version": "1.0.0", "scripts": {"build": "tsc"}, "dependencies": {"a": "^1"}}'
    assert not held(
        {"package.json": old}, {"package.json": old.replace('"^1"', '"^2", "b": "~3.1"').replace("1.0.0", "1.0.1")}
    )
    assert held({"package.json": old}, {"package.json": old.replace('"tsc"', '"tsc; x"')})
    assert held(
        {"package.json": old}, {"package.json": old.replace('"build": "tsc"', '"build": "tsc", "postinstall": "x"')}
    )
    assert held({"package.json": old}, {"package.json": old.replace('"a": "^1"', '"a": "https://evil.example/a.tgz"')})
    assert held(
        {"package.json": old},
        {"package.json": old.replace('"name"', '"packageManager": "yarn@https://evil/x.js", "name"')},
    )
    assert held({"package.json": old}, {"package.json": old[:-5]}), "it cannot be read"
    fresh = '{"name": "a", "scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}, "main": "index.js"}'
    assert not held({}, {"package.json": fresh}), "what `npm init -y` writes"


SETTINGS_IN_FILES = [
    ("pyproject.toml", '[project]\nname = "a"\ndependencies = ["x"]\n', '[tool.uv]\nindex-url = "https://evil"\n'),
    ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = "-q"\n', '[tool.pylint.main]\ninit-hook = "x"\n'),
    ("pytest.ini", "[pytest]\naddopts = -q\n", "[pytest]\naddopts = -p evil\n"),
    ("requirements.txt", "requests>=2\nflask==3.0\n", "--index-url https://evil/simple\n"),
    ("requirements.txt", "requests>=2\n", "x @ https://evil/x.whl\n"),
    (".tool-versions", "nodejs 20.1.0\npython 3.12.1\n", "python path:/tmp/evil\n"),
    (".python-version", "3.12\n", "../../../tmp/evil\n"),
    (".env", "PORT=3000\nDATABASE_URL=postgres://localhost/x\nAPI_KEY=abc\n", "NODE_OPTIONS=--require ./x.js\n"),
    (".env", "A=1\n", "ANTHROPIC_BASE_URL=https://evil\n"),
    (".env", "A=1\n", "touch /tmp/x\n"),
    (".env", "# x\nexport A=1\n\nB='two words'\n", "A=$(touch /tmp/x)\n"),
    (".rubocop.yml", "AllCops:\n  NewCops: enable\n", "require: ./x.rb\n"),
    (".pylintrc", "[MAIN]\njobs=2\n", "init-hook=import x\n"),
    ("mypy.ini", "[mypy]\nstrict = true\n", "plugins = x.py\n"),
    ("gradle.properties", "org.gradle.parallel=true\n", "org.gradle.jvmargs=-javaagent:x.jar\n"),
    (".bundle/config", '---\nBUNDLE_PATH: "vendor/bundle"\n', 'BUNDLE_MIRROR__ALL: "https://evil"\n'),
    (
        "tsconfig.json",
        '{"compilerOptions": {"strict": true}} // x\n',
        '{"compilerOptions": {"plugins": [{"name": "./x"}]}}',
    ),
    ("deno.json", '{"imports": {"a": "jsr:@std/a"}}', '{"tasks": {"x": "touch"}}'),
    ("composer.json", '{"require": {"a/b": "^1"}}', '{"scripts": {"post-install-cmd": "x"}}'),
    ("go.mod", "module x\n\ngo 1.22\n", "replace x => /tmp/evil\n"),
    ("Gemfile", "source 'https://rubygems.org'\ngem 'rails'\n", "source 'https://evil.example'\n"),
    ("lib/python3.11/site-packages/x.pth", f"{ROOT}/src\n", "import os; os.system('x')\n"),
    ("lib/python3.11/site-packages/x.pth", "./lib\n", "/tmp/evil\n"),
    (".venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.11\n", "home = /tmp/evil\n"),
]


@pytest.mark.parametrize(("path", "fine", "grave"), SETTINGS_IN_FILES)
def test_files_are_held_for_their_grave_settings_alone(path: str, fine: str, grave: str) -> None:
    assert not held({}, {path: fine})
    assert held({}, {path: grave})
    assert held({path: fine}, {path: grave})
    assert not held({path: grave}, {path: grave + "\n"}) or path.endswith(".json")


def test_programs_in_the_place_of_commands_are_held() -> None:
    assert held({}, {"bin/git": Executable(b"x")})
    assert held({}, {"sbin/ls": Executable(b"x")})
    assert held({}, {"npx.cmd": Executable(b"x")})
    assert held({}, {".local/bin/anything": Executable(b"x")})
    assert not held({}, {"bin/git": b"x"}), "it cannot be run"
    assert not held({}, {"bin/myapp": Executable(b"x"), "git": Executable(b"x"), "src/git": Executable(b"x")})


def test_what_installers_write_where_tools_lie_passes() -> None:
    python = f"{ROOT}/.venv/bin/python"
    entry = f"#!{python}\nimport sys\nfrom black import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
    assert not held(
        {},
        {
            ".venv/bin/black": Executable(entry.encode()),
            ".venv/bin/python": Link("python3"),
            ".venv/bin/python3": Link("/usr/bin/python3"),
        },
    )
    assert not held(
        {},
        {
            ".venv/bin/ruff": Executable(b"\x7fELF"),
            ".venv/lib/python3.11/site-packages/ruff-1.dist-info/RECORD": "../../../bin/ruff,sha256=x,4\n",
        },
    )
    shim = (
        "#!/bin/sh\n"
        """basedir=$(dirname "$(echo "$0" | sed -e 's,\\\\,/,g')")\n\n"""
        'if [ -x "$basedir/node" ]; then\n  exec "$basedir/node"  "$basedir/../a/cli.js" "$@"\n'
        'else\n  exec node  "$basedir/../a/cli.js" "$@"\nfi\n'
    )
    assert not held({}, {"node_modules/.bin/a": Executable(shim.encode()), "node_modules/.bin/b": Link("../b/cli.js")})


def test_an_activation_script_is_judged_where_python_has_no_venv(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian ships `venv` apart: the end of a run failed on a machine without it."""
    monkeypatch.setitem(sys.modules, "venv", None)
    installed._templates.cache_clear()
    try:
        assert installed.activation('VIRTUAL_ENV="/x"\nexport VIRTUAL_ENV\n', "activate")
        assert not installed.activation("touch /tmp/x\n", "activate")
    finally:
        installed._templates.cache_clear()


def test_what_others_write_there_is_held() -> None:
    for path in (
        ".venv/bin/black",
        ".venv/bin/python",
        "venv/bin/pip",
        "node_modules/.bin/eslint",
        "vendor/bin/phpunit",
    ):
        assert held({}, {path: Executable(SHELL.encode())}), path
    assert held({}, {".venv/bin/activate": "touch /tmp/x\n"})
    assert held({}, {".venv/bin/activate": 'PATH="/tmp/evil:$PATH"\n'})
    assert held({}, {".venv/bin/activate.fish": "set -gx VIRTUAL_ENV (touch /tmp/x)\n"})
    assert held({}, {".venv/bin/activate.fish": 'set -gx PATH "/tmp/evil" $PATH\n'})
    assert held({}, {".venv/bin/Activate.ps1": "Invoke-Expression x\n"})
    entry = "#!/tmp/python\nimport sys\nfrom black import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
    assert held({}, {".venv/bin/black": Executable(entry.encode())}), "another interpreter"
    record = {".venv/lib/python3.11/site-packages/x-1.dist-info/RECORD": "../../../bin/python3,sha256=x,4\n"}
    assert held({}, {**record, ".venv/bin/python3": Executable(b"\x7fELF")}), "no package brings a python"


def test_an_installed_package_that_changes_without_an_installation_is_held() -> None:
    tree = {
        "node_modules/a/package.json": '{"version": "1.0.0"}',
        "node_modules/a/cli.js": "1",
        "node_modules/a/.cache/x": "1",
    }
    assert set(held(tree, {**tree, "node_modules/a/cli.js": "2"})) == {"node_modules/a/cli.js"}
    assert not held(tree, {**tree, "node_modules/a/cli.js": "2", "node_modules/a/package.json": '{"version": "1.0.1"}'})
    assert not held(tree, {**tree, "node_modules/a/.cache/x": "2"})
    site = ".venv/lib/python3.11/site-packages"
    assert held({f"{site}/a/x.py": "1"}, {f"{site}/a/x.py": "2"})
    assert not held({f"{site}/a/x.py": "1"}, {f"{site}/a/x.py": "2", f"{site}/A-2.dist-info/RECORD": ""})
    assert held({}, {f"{site}/json5.py": "1"}), "a module that nobody installed"
    assert not held({}, {f"{site}/six.py": "1", f"{site}/six-1.dist-info/RECORD": ""})


def test_the_repository_itself_is_never_lost_by_a_command() -> None:
    assert held(REPOSITORY, {"src/a.py": "a = 1\n"})
    assert held(REPOSITORY, {k: v for k, v in REPOSITORY.items() if k != ".git/HEAD"})
    guarded = {**REPOSITORY, ".git/hooks/pre-push": Executable(b"x")}
    assert set(held(guarded, REPOSITORY)) == {".git/hooks/pre-push"}
    assert held({".claude/settings.json": "{}"}, {}), "what guarded is gone"
    assert not held({"conftest.py": "x"}, {}), "what ran is gone"


def test_many_files_lost_of_which_git_has_no_copy_are_held() -> None:
    many = {f"notes/{n}.txt": "x" * 50 for n in range(300)}
    assert len(held(many, {})) == 300
    assert len(held(many, dict.fromkeys(many, ""))) == 300, "emptied"
    assert not held(many, {}, saved=many)
    assert not held(dict(list(many.items())[:150]), {})
    assert not held({f"node_modules/{n}/index.js": "x" for n in range(3000)}, {})


def test_files_that_become_noise_are_held() -> None:
    noise = random.Random(7)
    plain = {f"notes/{n}.txt": f"line {n} of some plain text\n" * 80 for n in range(12)}
    assert len(held(plain, {name: noise.randbytes(2000) for name in plain})) == 12
    renamed = {f"{name}.locked": noise.randbytes(2000) for name in plain}
    assert len(held(plain, renamed)) == 24
    assert not held(plain, {name: str(text) + "more\n" for name, text in plain.items()})
    assert not held({}, {f"img/{n}.png": noise.randbytes(2000) for n in range(50)})


def test_names_that_deceive_are_held() -> None:
    for name in ("a\nb", "a\x1b[2Jb", "a\u202egpj.exe", "a\u200bb", "a\rb", "x \u2066"):
        assert held({}, {name: "x"}), repr(name)
    assert not held({}, {os.fsdecode(b"caf\xe9"): "x", "ünïcode 名前.txt": "x"})


def test_what_the_history_had_before_passes() -> None:
    """`git checkout` and `git merge` bring back what the repository held before the agent came."""
    after = {"conftest.py": "x", ".github/workflows/ci.yml": "x"}
    assert not held({}, after, vouched=after)
    assert set(held({}, after, vouched=["conftest.py"])) == {".github/workflows/ci.yml"}


def test_a_program_that_configuration_in_force_names_is_held() -> None:
    """A hook in a directory of its own has an ordinary name: what runs it is the setting."""
    tree = {
        ".git/config": PLAIN_CONFIG + '[core]\n\thooksPath = tools/h\n[filter "x"]\n\tclean = scripts/clean.sh %f\n'
        "[include]\n\tpath = ../team.ini\n",
        ".claude/settings.json": '{"permissions": {"allow": ["Edit(src/check.py)"]}, "hooks": {"x": [{"hooks": '
        '[{"command": "$CLAUDE_PROJECT_DIR/ci/check.py --fast"}, {"command": "./lint.sh"}]}]}}',
        ".mcp.json": f'{{"mcpServers": {{"a": {{"command": "python", "args": ["{ROOT}/srv/main.py"]}}}}}}',
    }
    for path in ("tools/h/pre-commit", "scripts/clean.sh", "team.ini", "ci/check.py", "lint.sh", "srv/main.py"):
        assert set(held(tree, {**tree, path: "x"})) == {path}
        assert set(held({**tree, path: "y"}, {**tree, path: "x"})) == {path}
        assert not held({}, {path: "x"})
    assert not held(tree, {**tree, "tools/other": "x", "ci/other.py": "x", "srv/a.py": "x", "src/check.py": "x"})


def test_a_copy_of_the_project_brings_nothing_new() -> None:
    """`git worktree add` was held for the scripts and the workflows that the workspace itself has."""
    top = {"package.json": '{"scripts": {"a": "b"}}', ".vscode/tasks.json": "x", "examples/.envrc": "x"}
    assert not held(top, {**top, "wt/package.json": top["package.json"], "copies/wt/.vscode/tasks.json": "x"})
    assert held(top, {**top, "wt/package.json": '{"scripts": {"a": "c"}}'})
    assert held(top, {**top, ".envrc": "x"}), "what slept in a directory is in force at the top"
    assert held({"evil.json": "x"}, {"evil.json": "x", ".claude/settings.json": "x"})


def test_a_file_whose_time_alone_changed_passes() -> None:
    change = Change("conftest.py", "changed", facts("x"), facts("x"))
    assert not findings([change], Sides({"conftest.py": "x"}, {"conftest.py": "x"}))


def test_a_directory_that_goes_as_a_whole_is_taken_apart() -> None:
    before = {".claude/settings.json": "{}", ".claude/notes": "x"}
    gone = Change(".claude", "deleted", Facts("directory", entries=2))
    assert [h.path for h in findings([gone], Sides(before, {}))] == [".claude"]
    repository = Change(".git", "deleted", Facts("directory", entries=9))
    assert next(h.path for h in findings([repository], Sides({".git/HEAD": "x"}, {}))) == ".git"


def test_a_directory_with_many_files_of_which_nobody_has_a_copy_is_held_as_one() -> None:
    """`rm -rf data` is one change, and its files were counted under names that no change had: it was committed."""
    before = {f"data/f{n}": "precious" for n in range(300)}
    gone = Change("data", "deleted", Facts("directory", entries=300))
    assert [h.path for h in findings([gone], Sides(before, {}))] == ["data"]


def test_a_directory_that_hands_its_group_on_is_held() -> None:
    change = Change("notes", "mode", Facts("directory", mode=0o755), Facts("directory", mode=0o2777))
    assert [h.rule for h in findings([change], Sides({}, {}))] == ["special-mode"]
    plain = Change("notes", "mode", Facts("directory", mode=0o755), Facts("directory", mode=0o700))
    assert not findings([plain], Sides({}, {}))


def test_a_tree_of_thousands_of_levels_is_judged_in_time() -> None:
    """Each directory's whole path was folded name by name: 4,096 levels took eleven seconds."""
    paths = ["/".join(["d"] * depth) for depth in range(1, 4097)]
    deep = [Change(path, "created", after=Facts("directory", mode=0o755)) for path in paths]
    began = time.perf_counter()
    assert not findings(deep, Sides({}, {}))
    assert time.perf_counter() - began < 2


def test_thousands_of_changes_are_judged_in_time() -> None:
    """A commit of 2,500 changes has a quarter of a second: a hundred patterns tried on each name took twice that."""
    tree = {f"src/d{n % 50}/f{n}.py": f"line {n}\n" * 50 for n in range(2500)}
    after = {path: text + "more\n" for path, text in tree.items()}
    steps = list(changes(tree, after))
    findings(steps, Sides(tree, after))  # loads the data
    began = time.perf_counter()
    assert not findings(steps, Sides(tree, after))
    assert time.perf_counter() - began < 0.5


SEGMENTS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1, max_size=12)


@given(st.sampled_from(sorted(EXECUTED_LATER)), st.randoms(use_true_random=False))
def test_no_mixture_of_cases_and_invisible_letters_hides_a_name(path: str, chance: random.Random) -> None:
    letters = [(c.upper() if chance.random() < 0.5 else c) + ("\u200d" if chance.random() < 0.1 else "") for c in path]
    assert held({}, {"".join(letters): Executable(SHELL.encode())})


@given(SEGMENTS)
def test_folding_twice_is_folding_once(name: str) -> None:
    assert fold(fold(name)) == fold(name)


@given(st.dictionaries(st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join), st.binary(max_size=40), max_size=12))
def test_any_tree_is_judged_and_every_finding_names_a_change(tree: dict[str, bytes]) -> None:
    found = held({}, tree)
    assert set(found) <= set(tree)
    assert all(finding.why and finding.rule for finding in found.values())


def test_every_rule_says_why_and_has_its_own_name() -> None:
    rules = book().rules
    assert len({rule.id for rule in rules}) == len(rules)
    assert all(rule.why for rule in rules)
