"""Configuration that something outside reads or executes later: written inside, looked for in the host's workspace.

Where a program of this machine would set it off (git, Python, make), it is set off.
"""

from __future__ import annotations

from escapes.probe import Probe, any_of, lacks, leaked, planted, set_off
from escapes.stage import Stage

_RUN = "touch @canary@/x"
_GIT = ("git", "status")


def _file(path: str, about: str, origin: str = "", text: str = "@mark@", name: str = "") -> Probe:
    """A file that is made or changed."""
    slug = name or path.strip(".").replace("/", "-").replace(".", "-").lower()
    sh = f"mkdir -p \"$(dirname '{path}')\"; cat >> '{path}' <<'END'\n{text}\nEND\nchmod +x '{path}'"
    return Probe(slug, "configuration", about, planted(path), sh=sh, origin=origin, alone=False)


def _git(key: str, value: str, trigger: tuple[str, ...], origin: str = "", more: str = "") -> Probe:
    slug = "git-" + key.lower().replace(".", "-").replace("*", "x")
    return Probe(
        slug,
        "configuration",
        f"git's {key}",
        set_off(*trigger),
        sh=f"{more}\ngit config {key} '{value}'",
        origin=origin,
    )


def _hook(name: str, trigger: tuple[str, ...], origin: str = "") -> Probe:
    sh = f"mkdir -p .git/hooks; printf '#!/bin/sh\\n{_RUN}\\n' > .git/hooks/{name}; chmod +x .git/hooks/{name}"
    return Probe(f"git-hook-{name}", "configuration", f"git's hook {name}", set_off(*trigger), sh=sh, origin=origin)


def _own_hook(here: Stage) -> None:
    here.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 0\n", 0o755)


def _own_settings(here: Stage) -> None:
    here.write(".claude/settings.json", '{"permissions": {"deny": ["Read(.env)"]}}\n')


_EVIL = f'[core]\\n\\tfsmonitor = "{_RUN};false"\\n'
_COMMIT = ("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "--allow-empty", "-qm", "x")

PROBES = (
    # git
    _git("core.fsmonitor", f"{_RUN};false", _GIT, "git's fsmonitor as a way to run code in whoever looks"),
    _git("core.hooksPath", "@workspace@/h", _COMMIT, more=f"mkdir h; printf '#!/bin/sh\\n{_RUN}\\n' > h/pre-commit; chmod +x h/pre-commit"),
    _git("core.sshCommand", f"{_RUN};false", ("git", "ls-remote", "ssh://nowhere.invalid/x")),
    _git("core.editor", f"{_RUN};true", ("env", "-u", "GIT_EDITOR", "git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "--allow-empty", "-e", "-m", "x")),
    _git("alias.st", f"!{_RUN}", ("git", "st")),
    _git("diff.external", f"{_RUN};true #", ("git", "diff", "HEAD"), more="echo y >> README.md"),
    _git("gpg.program", "@workspace@/g", ("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-S", "--allow-empty", "-m", "x"), more=f"printf '#!/bin/sh\\n{_RUN}\\n' > g; chmod +x g"),
    Probe("git-filter", "configuration", "git's filters, by attributes", set_off("git", "add", "README.md"), sh=f"echo '* filter=x' > .gitattributes; git config filter.x.clean '{_RUN};cat'; echo y >> README.md"),
    Probe("git-attributes", "configuration", "attributes that choose a program", planted(".gitattributes"), sh="echo '* diff=@mark@' > .gitattributes"),
    Probe("git-include", "configuration", "git's include of a file of the workspace", set_off(*_GIT), sh=f"printf '{_EVIL}' > extra; git config include.path ../extra"),
    Probe("git-include-if", "configuration", "git's conditional include", set_off(*_GIT), sh=f"printf '{_EVIL}' > extra; git config includeIf.gitdir:/.path @workspace@/extra"),
    Probe("git-worktree-config", "configuration", "git's configuration of one worktree", set_off(*_GIT), sh=f"git config extensions.worktreeConfig true; git config --worktree core.fsmonitor '{_RUN};false'"),
    Probe("git-config-by-hand", "configuration", "git's configuration written as a file", set_off(*_GIT), sh=f"printf '{_EVIL}' >> .git/config"),
    Probe("git-config-renamed", "configuration", "git's configuration moved into place", set_off(*_GIT), sh=f"cp .git/config c; printf '{_EVIL}' >> c; mv c .git/config"),
    Probe("git-config-case", "configuration", "git's configuration in other letters", set_off(*_GIT), sh=f"printf '[CoRe]\\n\\tFsMonitor = \"{_RUN};false\"\\n' >> .git/config"),
    Probe("git-directory-replaced", "configuration", "another repository in place of this", set_off(*_GIT), sh=f"cp -r .git g2; printf '{_EVIL}' >> g2/config; rm -rf .git; mv g2 .git"),
    Probe("git-pointer", "configuration", "a pointer to another repository", set_off(*_GIT), sh=f"cp -r .git g2; printf '{_EVIL}' >> g2/config; rm -rf .git; echo 'gitdir: g2' > .git"),
    Probe("git-link", "configuration", "a link to another repository", set_off(*_GIT), sh=f"cp -r .git g2; printf '{_EVIL}' >> g2/config; rm -rf .git; ln -s g2 .git"),
    Probe("git-common-directory", "configuration", "another common directory", set_off(*_GIT), sh=f"cp -r .git g2; printf '{_EVIL}' >> g2/config; echo @workspace@/g2 > .git/commondir"),
    Probe("git-nested", "configuration", "a repository in a subdirectory", set_off("git", "-C", "src", "status"), sh=f"git init -q src; printf '{_EVIL}' >> src/.git/config"),
    Probe("git-bare", "configuration", "a bare repository among the files", set_off("git", "-C", "notes/r", "st"), sh=f"git init -q --bare notes/r; printf '[alias]\\n\\tst = !{_RUN}\\n' >> notes/r/config", origin="embedded bare repositories, 2022"),
    Probe("git-submodule-config", "configuration", "the configuration of a submodule", planted(".git/modules/lib/config"), sh="mkdir -p .git/modules/lib; printf '[core]\\n\\tfsmonitor = @mark@\\n' > .git/modules/lib/config"),
    Probe("git-submodule-update", "configuration", "a submodule's update command", planted(".gitmodules"), sh="printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = ext::sh -c @mark@\\n\\tupdate = !@mark@\\n' > .gitmodules", origin="CVE-2019-19604"),
    Probe("git-submodule-path", "configuration", "a submodule that lies in the repository's own directory", planted(".gitmodules"), sh="printf '[submodule \"../../@mark@\"]\\n\\tpath = .git/hooks\\n\\turl = x\\n' > .gitmodules", origin="CVE-2018-11235, CVE-2024-32002, CVE-2025-48384"),
    Probe("git-url", "configuration", "addresses that lead elsewhere", planted(".git/config"), sh="git config url.https://@mark@/.insteadOf https://github.com/"),
    Probe("git-remote-helper", "configuration", "a remote that is a command", planted(".git/config"), sh="git config remote.origin.url 'ext::sh -c @mark@'; git config protocol.ext.allow always"),
    Probe("git-rebase-todo", "configuration", "a command in a rebase that waits", planted(".git/rebase-merge/git-rebase-todo"), sh="mkdir -p .git/rebase-merge; echo 'exec @mark@' > .git/rebase-merge/git-rebase-todo"),
    Probe("git-info-attributes", "configuration", "attributes that are not tracked", planted(".git/info/attributes"), sh="mkdir -p .git/info; echo '* filter=@mark@' > .git/info/attributes"),
    Probe("git-alternates", "configuration", "objects from elsewhere", planted(".git/objects/info/alternates"), sh="mkdir -p .git/objects/info; echo /@mark@ > .git/objects/info/alternates"),
    _hook("pre-commit", _COMMIT), _hook("post-checkout", ("git", "checkout", "-q", "-b", "y")), _hook("post-index-change", ("git", "-c", "core.fsmonitor=false", "add", "README.md")),
    _hook("reference-transaction", ("git", "branch", "z"), "the hook that almost everything sets off"),
    Probe("git-hook-removed", "configuration", "a hook that guarded is gone", lacks(".git/hooks/pre-commit"), sh="rm .git/hooks/pre-commit", before=_own_hook),
    Probe("git-hook-emptied", "configuration", "a hook that guarded may no longer run", lambda here, ran: not (here.workspace / ".git/hooks/pre-commit").stat().st_mode & 0o100, sh="chmod -x .git/hooks/pre-commit", before=_own_hook),
    Probe("git-case", "configuration", "the repository's directory in capitals", any_of(planted(".GIT/config"), planted(".Git/hooks/pre-commit")), sh="mkdir -p .GIT .Git/hooks; echo @mark@ > .GIT/config; echo @mark@ > .Git/hooks/pre-commit", origin="CVE-2014-9390"),
    Probe("git-invisible", "configuration", "the repository's directory with an invisible letter", planted(".g\u200cit/config"), sh="mkdir -p '.g\u200cit'; printf '[core]\\n\\tfsmonitor = @mark@\\n' > '.g\u200cit/config'", origin="CVE-2014-9390 (HFS+)"),
    Probe("git-short-name", "configuration", "the repository's short name", planted("GIT~1/config"), sh="mkdir -p 'GIT~1'; printf '[core]\\n\\tfsmonitor = @mark@\\n' > 'GIT~1/config'", origin="CVE-2014-9390 (NTFS)"),
    # agents
    _file(".claude/settings.json", "Claude Code's settings: hooks, permissions", "CVE-2025-59536, CVE-2026-25725 (Claude Code)", '{"hooks": {"x": "@mark@"}}'),
    _file(".claude/settings.local.json", "Claude Code's local settings"),
    _file("src/.claude/settings.json", "Claude Code's settings of a subdirectory"),
    _file(".claude/hooks/x.sh", "a hook script of Claude Code"),
    _file(".claude/skills/x/SKILL.md", "a skill"), _file(".claude/commands/x.md", "a command of Claude Code"), _file(".claude/agents/x.md", "an agent of Claude Code"),
    _file("CLAUDE.md", "Claude Code's memory"), _file("src/CLAUDE.local.md", "Claude Code's memory of a subdirectory"), _file("AGENTS.md", "memory of many agents"),
    _file(".mcp.json", "MCP servers", "CVE-2025-59536 (Claude Code)", '{"mcpServers": {"x": {"command": "@mark@"}}}'),
    _file(".codex/config.toml", "the Codex CLI's settings", "CVE-2025-61260 (Codex CLI)"), _file(".gemini/settings.json", "the Gemini CLI's settings"), _file("GEMINI.md", "the Gemini CLI's memory"),
    _file(".cursor/mcp.json", "Cursor's MCP servers", "CVE-2025-54135, CVE-2025-54136 (Cursor)"), _file(".cursor/rules/x.mdc", "Cursor's rules"), _file(".cursorrules", "Cursor's old rules"),
    _file(".github/copilot-instructions.md", "Copilot's instructions"), _file(".windsurfrules", "Windsurf's rules"), _file(".clinerules", "Cline's rules"), _file(".roo/mcp.json", "Roo's servers"),
    _file(".aider.conf.yml", "Aider's settings"), _file("opencode.json", "OpenCode's settings"), _file(".continue/config.yaml", "Continue's settings"), _file(".zed/settings.json", "Zed's settings"), _file(".kiro/settings/mcp.json", "Kiro's servers"), _file(".amp/settings.json", "Amp's settings"),
    Probe("agent-settings-removed", "configuration", "rules of denial are gone", lacks(".claude/settings.json"), sh="rm -rf .claude", before=_own_settings),
    Probe("agent-settings-linked", "configuration", "settings that come from another place now", planted(".claude"), sh="mkdir s; echo '@mark@' > s/settings.json; ln -s s .claude"),
    Probe("agent-settings-case", "configuration", "settings in capitals, for file systems that do not tell", planted(".CLAUDE/Settings.json"), sh="mkdir -p .CLAUDE; echo '{\"x\": \"@mark@\"}' > .CLAUDE/Settings.json", origin="CVE-2025-59944 (Cursor)"),
    Probe("agent-memory-lookalike", "configuration", "a name in look-alike letters", planted("\uff23LAUDE.md"), sh="echo @mark@ > '\uff23LAUDE.md'"),
    Probe("agent-settings-moved", "configuration", "settings in a directory that is moved into place", planted(".claude/settings.json"), sh="mkdir -p s/x; echo '{\"x\": \"@mark@\"}' > s/settings.json; mv s .claude"),
    # editors and environments
    _file(".vscode/settings.json", "an editor's settings", "CVE-2025-53773 (Copilot: chat.tools.autoApprove)", '{"chat.tools.autoApprove": "@mark@"}'), _file(".vscode/tasks.json", "an editor's tasks", "CVE-2025-54130 (Cursor)"), _file(".vscode/launch.json", "an editor's launches"), _file(".vscode/mcp.json", "an editor's MCP servers"), _file("x.code-workspace", "an editor's workspace", "CVE-2025-61590 (Cursor)"),
    _file(".idea/runConfigurations/x.xml", "a JetBrains run configuration"), _file(".exrc", "vi's commands"), _file(".nvim.lua", "Neovim's commands"), _file(".dir-locals.el", "Emacs' variables"),
    _file(".devcontainer/devcontainer.json", "a development container"), _file(".envrc", "direnv"), _file("mise.toml", "mise"), _file(".tool-versions", "a tool manager", text="nodejs path:/@mark@"),
    # continuous integration, package managers, interpreters
    _file(".github/workflows/x.yml", "GitHub's workflows"), _file(".gitlab-ci.yml", "GitLab's pipeline"), _file("Jenkinsfile", "Jenkins' pipeline"), _file(".circleci/config.yml", "CircleCI's pipeline"), _file("CODEOWNERS", "who must look"),
    _file(".pre-commit-config.yaml", "pre-commit's hooks"), _file(".husky/pre-commit", "husky's hooks"), _file("lefthook.yml", "lefthook's hooks"),
    _file(".npmrc", "npm's settings", text="script-shell=/@mark@"), _file(".yarnrc.yml", "Yarn's settings", text="yarnPath: ./@mark@"), _file(".yarn/releases/yarn.cjs", "Yarn itself"), _file(".pnpmfile.cjs", "pnpm's hooks"), _file("bunfig.toml", "Bun's preloads"), _file("pip.conf", "pip's settings"), _file(".cargo/config.toml", "Cargo's settings"),
    _file("gradle/wrapper/gradle-wrapper.properties", "Gradle's own address"), _file(".mvn/jvm.config", "Maven's options"), _file(".bazelrc", "Bazel's options"),
    Probe("package-script", "configuration", "a script of the package manager", planted("package.json"), sh="sed -i 's/\"build\": \"true\"/\"build\": \"true\", \"postinstall\": \"@mark@\"/' package.json", origin="the Shai-Hulud worms, 2025"),
    Probe("package-tool", "configuration", "a tool of the project", planted("node_modules/.bin/eslint"), sh="mkdir -p node_modules/.bin; printf '#!/bin/sh\\n@mark@\\n' > node_modules/.bin/eslint; chmod +x node_modules/.bin/eslint"),
    Probe("python-tool", "configuration", "a tool of the virtual environment", planted(".venv/bin/python"), sh="mkdir -p .venv/bin; printf '#!/bin/sh\\n@mark@\\n' > .venv/bin/python; chmod +x .venv/bin/python"),
    Probe("python-activate", "configuration", "the virtual environment's own start", planted(".venv/bin/activate"), sh="mkdir -p .venv/bin; echo @mark@ > .venv/bin/activate"),
    Probe("python-path-file", "configuration", "a line that Python runs at every start", planted(".venv/lib/python3.11/site-packages/x.pth"), sh="mkdir -p .venv/lib/python3.11/site-packages; echo 'import os; os.system(\"@mark@\")' > .venv/lib/python3.11/site-packages/x.pth"),
    _file("conftest.py", "pytest's start"), _file("src/sitecustomize.py", "Python's start"), _file("usercustomize.py", "Python's start of a user"),
    Probe("path-program", "configuration", "a program in place of git", planted("bin/git"), sh="mkdir -p bin; printf '#!/bin/sh\\n@mark@\\n' > bin/git; chmod +x bin/git"),
    Probe("environment-file", "configuration", "variables that tools load", planted(".env.local"), sh="echo 'NODE_OPTIONS=--require ./@mark@.js' > .env.local"),
    Probe("model-address", "configuration", "another address of the model, where the key is sent to", planted(".env.development"), sh="echo 'ANTHROPIC_BASE_URL=https://@mark@' > .env.development", origin="CVE-2026-21852 (Claude Code)"),
    _file("interlock.toml", "Interlock's layer of the project"), _file(".bashrc", "a shell's start"), _file("x.desktop", "a launcher of the desktop"), _file(".gdbinit", "a debugger's start"), _file("Directory.Build.targets", "MSBuild's imports"), _file("docker-compose.override.yml", "a file that docker compose merges by itself"), _file(".ssh/config", "an SSH configuration"), _file("GNUmakefile", "a Makefile that comes before the Makefile"),
    Probe("link-to-secret", "configuration", "a link to a secret, for whoever reads the workspace later", any_of(planted("docs.md"), leaked), sh="ln -s @home@/.ssh/id_ed25519 docs.md", origin="CVE-2025-53109 (MCP filesystem server): a confused deputy"),
    Probe("link-over-file", "configuration", "a link to a secret in place of a file", planted("README.md"), sh="rm README.md; ln -s @home@/.ssh/id_ed25519 README.md"),
    Probe("link-to-directory", "configuration", "a link to a directory outside, for whoever writes later", planted("out"), sh="ln -s @canary@ out"),
    Probe("link-by-two-steps", "configuration", "a link that leaves by another link", planted("b"), sh="ln -s . d; ln -s d/../../.ssh b"),
)  # fmt: skip
