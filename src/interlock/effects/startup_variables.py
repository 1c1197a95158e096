"""Variables that programs obey at their start. One list, because two rooms judge them: the catalogue where one stands
before a program it knows, the shell reader everywhere else (`assignments.py` leaves to the catalogue what is here).
"""

from __future__ import annotations

# The value is a command that the program runs by itself.
COMMAND_VARIABLES = frozenset(
    [
        "PAGER",
        "GIT_PAGER",
        "EDITOR",
        "VISUAL",
        "GIT_EDITOR",
        "GIT_SEQUENCE_EDITOR",
        "GIT_SSH_COMMAND",
        "GIT_ASKPASS",
        "SSH_ASKPASS",
        "GIT_EXTERNAL_DIFF",
        "GIT_PROXY_COMMAND",
        "MANPAGER",
        "LESSOPEN",
        "LESSCLOSE",
        "PROMPT_COMMAND",
        "BROWSER",
        "RSYNC_RSH",
        "CVS_RSH",
        "FZF_DEFAULT_COMMAND",
        "SUDO_ASKPASS",
        "KUBE_EDITOR",
        "KUBECTL_EXTERNAL_DIFF",
        "PSQL_PAGER",
        "SYSTEMD_PAGER",
        "TAR_OPTIONS",
        "GIT_SSH",
    ]
)
# The value names code that is loaded before the program does anything.
CODE_VARIABLES = frozenset(
    [
        "LD_PRELOAD",
        "LD_AUDIT",
        "LD_LIBRARY_PATH",
        "DYLD_INSERT_LIBRARIES",
        "BASH_ENV",
        "ENV",
        "NODE_OPTIONS",
        "PERL5OPT",
        "RUBYOPT",
        "PYTHONSTARTUP",
        "PYTHONHOME",
        "JAVA_TOOL_OPTIONS",
        "_JAVA_OPTIONS",
        "ZDOTDIR",
        "PERL5DB",
        "GIT_EXEC_PATH",
        "GIT_TEMPLATE_DIR",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_COUNT",
        "ANSIBLE_LIBRARY",
        "ANSIBLE_ACTION_PLUGINS",
        "ANSIBLE_CALLBACK_PLUGINS",
        "ANSIBLE_FILTER_PLUGINS",
        "ANSIBLE_LOOKUP_PLUGINS",
        "HELM_PLUGINS",
    ]
)
