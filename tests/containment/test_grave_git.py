"""Which changes of git's own files are held: settings, pointers, attributes, modules, and the repository itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containment.workspaces import PLAIN_CONFIG, REPOSITORY, ROOT, Executable, held
from interlock.containment.graves import gitconfig


def test_a_checkout_passes() -> None:
    assert not held({".git/HEAD": "ref: refs/heads/a\n"}, {".git/HEAD": "ref: refs/heads/b\n"})


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


def test_the_repository_itself_is_never_lost_by_a_command() -> None:
    assert held(REPOSITORY, {"src/a.py": "a = 1\n"})
    assert held(REPOSITORY, {k: v for k, v in REPOSITORY.items() if k != ".git/HEAD"})
    guarded = {**REPOSITORY, ".git/hooks/pre-push": Executable(b"x")}
    assert set(held(guarded, REPOSITORY)) == {".git/hooks/pre-push"}
    assert held({".claude/settings.json": "{}"}, {}), "what guarded is gone"
    assert not held({"conftest.py": "x"}, {}), "what ran is gone"
