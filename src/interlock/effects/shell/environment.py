"""The set-up of tools that shells begin with: version managers and agents that print or install text for the shell.

Their text is their own, not the action's; it is run without being read, and named as such. Anything that is not exactly
one of these forms is judged like any other text.
"""

from __future__ import annotations

import re

from interlock.effects.invocation import Word
from interlock.effects.shell.state import State

_PRINTS = frozenset(
    {
        "ssh-agent",
        "ssh-agent -s",
        "brew shellenv",
        "/opt/homebrew/bin/brew shellenv",
        "/usr/local/bin/brew shellenv",
        "direnv export bash",
        "direnv hook bash",
        "direnv export zsh",
        "direnv hook zsh",
        "opam env",
        "pyenv init -",
        "pyenv init --path",
        "pyenv init - bash",
        "pyenv virtualenv-init -",
        "rbenv init -",
        "rbenv init - bash",
        "nodenv init -",
        "goenv init -",
        "jenv init -",
        "fnm env",
        "fnm env --use-on-cd",
        "mise activate bash",
        "mise activate zsh",
        "mise env",
        "conda shell.bash hook",
        "mamba shell hook --shell bash",
        "micromamba shell hook --shell bash",
        "micromamba shell hook -s bash",
        "starship init bash",
        "zoxide init bash",
        "dircolors",
        "dircolors -b",
        "lesspipe",
        "SHELL=/bin/sh lesspipe",
        "luarocks path",
        "luarocks path --bin",
        "thefuck --alias",
        "gh completion -s bash",
        "atuin init bash",
        "keychain --eval",
    }
)
_FILES = (
    ".nvm/nvm.sh",
    ".nvm/bash_completion",
    ".cargo/env",
    ".bashrc",
    ".bash_profile",
    ".profile",
    ".zshrc",
    ".zprofile",
    ".sdkman/bin/sdkman-init.sh",
    ".asdf/asdf.sh",
    ".rvm/scripts/rvm",
    ".deno/env",
    ".ghcup/env",
    ".local/bin/env",
    ".poetry/env",
    "miniconda3/etc/profile.d/conda.sh",
    "anaconda3/etc/profile.d/conda.sh",
    "miniforge3/etc/profile.d/conda.sh",
    "miniconda3/bin/activate",
    "anaconda3/bin/activate",
    ".nix-profile/etc/profile.d/nix.sh",
    ".bash_aliases",
    ".fzf.bash",
    "emsdk/emsdk_env.sh",
    "export-esp.sh",
)
_SYSTEM = frozenset(
    {"/etc/profile", "/etc/bash.bashrc", "/etc/bashrc", "/etc/os-release", "/etc/lsb-release", "/etc/default/locale"}
)
_SUBSTITUTION = re.compile(r"\"?\$\(([A-Za-z0-9_./= -]+)\)\"?\Z")


def name_of(words: tuple[Word, ...]) -> str:
    """The command inside the substitution that an `eval` is given, "" when it is anything else."""
    if len(words) != 1:
        return ""
    match = _SUBSTITUTION.match(words[0].source)
    return " ".join(match[1].split()) if match else ""


def sets_up(words: tuple[Word, ...], state: State) -> bool:
    """Whether the words of an `eval` are exactly the output of a tool's set-up command."""
    name = name_of(words)
    if name not in _PRINTS:
        return False
    tool = name.split()[0]
    return tool not in state.functions and tool not in state.aliases


def of_a_tool(path: str, home: str) -> bool:
    """Whether a file is the set-up of a tool or a shell, where its installer puts it."""
    base = home.rstrip("/") + "/"
    return path in _SYSTEM or (path.startswith(base) and path[len(base) :] in _FILES)
