"""Variables that change what later commands execute: the loader's, the shells', the interpreters' and git's.

Assigning one is never ignored. A value that is itself a command is read as one; code that would be loaded is an effect.
"""

from __future__ import annotations

import re
from enum import Enum

_COMMANDS = frozenset(
    {
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
        "GIT_SSH",
        "MANPAGER",
        "PROMPT_COMMAND",
        "BROWSER",
        "RSYNC_RSH",
        "CVS_RSH",
        "FZF_DEFAULT_COMMAND",
        "SUDO_ASKPASS",
        "SUDO_EDITOR",
        "KUBE_EDITOR",
        "PSQL_PAGER",
        "SYSTEMD_PAGER",
        "FCEDIT",
        "PSQL_EDITOR",
        "SYSTEMD_EDITOR",
        "AWS_PAGER",
        "GH_PAGER",
        "GH_EDITOR",
        "DELTA_PAGER",
        "BAT_PAGER",
        "PS4",
        "PS1",
        "PS0",
        "PS2",
        "LESSOPEN",
        "LESSCLOSE",
        "VITE_EDITOR",
        "CARGO_BUILD_RUSTC_WRAPPER",
        "RUSTC_WRAPPER",
        "MAKESHELL",
    }
)
_CODE = frozenset(
    {
        "LD_PRELOAD",
        "LD_AUDIT",
        "LD_LIBRARY_PATH",
        "DYLD_INSERT_LIBRARIES",
        "DYLD_LIBRARY_PATH",
        "DYLD_FRAMEWORK_PATH",
        "BASH_ENV",
        "ENV",
        "PERL5OPT",
        "PERL5LIB",
        "PERL5DB",
        "RUBYOPT",
        "RUBYLIB",
        "PYTHONSTARTUP",
        "PYTHONHOME",
        "JAVA_TOOL_OPTIONS",
        "_JAVA_OPTIONS",
        "JDK_JAVA_OPTIONS",
        "ZDOTDIR",
        "INPUTRC",
        "GIT_EXEC_PATH",
        "GIT_TEMPLATE_DIR",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_PARAMETERS",
        "GCONV_PATH",
        "LUA_INIT",
        "PYTHONINSPECT",
        "SHELL",
        "PHPRC",
        "PHP_INI_SCAN_DIR",
        "BASH_FUNC",
        "SHELLOPTS",
        "BASHOPTS",
        "MAKEFLAGS",
        "GNUMAKEFLAGS",
        "TAR_OPTIONS",
        "VIMINIT",
        "EXINIT",
        "MYVIMRC",
        "GVIMINIT",
        "NODE_PATH",
        "ELECTRON_RUN_AS_NODE",
        "MAKEFILES",
        "PYTHONPATH",
        "PYTHONPYCACHEPREFIX",
        "GOFLAGS",
        "RUSTFLAGS",
        "RUSTC",
        "RUSTDOC",
        "CC",
        "CXX",
        "LD",
        "AR",
        "LESSEDIT",
        # settings of a tool from another file, which may name commands, hosts and files to write
        "WGETRC",
        "CURL_HOME",
        "PSQLRC",
        "TF_CLI_CONFIG_FILE",
        "AWS_CONFIG_FILE",
        "PIP_CONFIG_FILE",
        "DOCKER_CONFIG",
        "CARGO_HOME",
        "GIT_DIR",
        "GIT_COMMON_DIR",
    }
)
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY"})
# Where a tool takes what it runs or sends its credentials to, instead of the place that its command line shows.
_SERVERS = frozenset(
    {
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "UV_INDEX_URL",
        "UV_EXTRA_INDEX_URL",
        "UV_DEFAULT_INDEX",
        "UV_INDEX",
        "NPM_CONFIG_REGISTRY",
        "YARN_REGISTRY",
        "YARN_NPM_REGISTRY_SERVER",
        "GOPROXY",
        "GH_HOST",
        "DOCKER_HOST",
        "AWS_ENDPOINT_URL",
        "VAULT_ADDR",
        "ANTHROPIC_BASE_URL",
        "OPENAI_BASE_URL",
        "OPENAI_API_BASE",
        "GOOGLE_GEMINI_BASE_URL",
        "AZURE_OPENAI_ENDPOINT",
    }
)
# Files that a tool writes of its own accord.
_WRITTEN = frozenset(
    {
        "SSLKEYLOGFILE",
        "GIT_TRACE",
        "GIT_TRACE2",
        "GIT_TRACE2_EVENT",
        "GIT_TRACE_CURL",
        "GIT_TRACE_PACKET",
        "NODE_V8_COVERAGE",
        "TF_LOG_PATH",
    }
)
# Whether a tool checks who it talks to. The values that switch the check off; None: any value but those that say no.
_CHECKS: dict[str, frozenset[str] | None] = {
    "NODE_TLS_REJECT_UNAUTHORIZED": frozenset({"0"}),
    "PYTHONHTTPSVERIFY": frozenset({"0"}),
    "BUNDLE_SSL_VERIFY_MODE": frozenset({"0"}),
    "CONSUL_HTTP_SSL_VERIFY": frozenset({"false", "0"}),
    "YARN_ENABLE_STRICT_SSL": frozenset({"false", "0"}),
    "YARN_STRICT_SSL": frozenset({"false", "0"}),
    "NPM_CONFIG_STRICT_SSL": frozenset({"false", "0"}),
    "GOSUMDB": frozenset({"off"}),
    "REQUESTS_CA_BUNDLE": frozenset({""}),
    "CURL_CA_BUNDLE": frozenset({""}),
    "GIT_SSL_NO_VERIFY": None,
    "GOINSECURE": None,
    "GONOSUMDB": frozenset({"*"}),
    "GONOSUMCHECK": None,
    "GONOSUMVERIFY": None,
    "COMPOSER_DISABLE_TLS": None,
    "VAULT_SKIP_VERIFY": None,
    "NOMAD_SKIP_VERIFY": None,
    "PIP_TRUSTED_HOST": None,
    "UV_INSECURE_HOST": None,
    "DENO_TLS_CA_STORE_INSECURE": None,
    "TF_SKIP_PROVIDER_VERIFY": None,
}
_SAYS_NO = frozenset({"", "0", "false", "no", "off"})
_NPM_QUIET = frozenset(
    {
        "LOGLEVEL",
        "YES",
        "FUND",
        "AUDIT",
        "PROGRESS",
        "COLOR",
        "UPDATE_NOTIFIER",
        "CACHE",
        "LEGACY_PEER_DEPS",
        "FORCE",
        "PRODUCTION",
        "OFFLINE",
        "PREFER_OFFLINE",
        "IGNORE_SCRIPTS",
        "ENGINE_STRICT",
        "STRICT_SSL",  # what switches it off stands in `_CHECKS`
    }
)
_NODE_SAFE = (
    "--max-old-space-size",
    "--max_old_space_size",
    "--experimental-",
    "--no-",
    "--openssl-legacy-provider",
    "--enable-source-maps",
    "--trace-",
    "--unhandled-rejections",
    "--stack-trace-limit",
    "--dns-result-order",
    "--preserve-symlinks",
    "--expose-gc",
    "--expose_gc",
    "--max-semi-space-size",
    "--abort-on-uncaught-exception",
    "--throw-deprecation",
    "--pending-deprecation",
    "--conditions",
    "--use-system-ca",
)
_NODE_UNSAFE = ("--experimental-loader", "--experimental-config-file", "--experimental-default-config-file")
_SYSTEM = frozenset(
    {
        "/bin",
        "/sbin",
        "/usr/bin",
        "/usr/sbin",
        "/usr/local/bin",
        "/usr/local/sbin",
        "/usr/local/go/bin",
        "/snap/bin",
        "/opt/homebrew/bin",
        "/opt/homebrew/sbin",
        "/usr/games",
        "/usr/lib/postgresql",
        "/opt/conda/bin",
        "/nix/var/nix/profiles",
    }
)
_HARMLESS_SHELLS = frozenset(
    {f"{folder}/{name}" for folder in ("/bin", "/usr/bin") for name in ("sh", "bash", "dash", "zsh")}
)


class Hazard(Enum):
    """What an assignment does beyond setting a value."""

    NONE = 0
    COMMAND = 1  # the value runs as a command
    CODE = 2  # the value names code that is loaded
    PROXY = 3  # the value names a host that traffic goes through
    FILE = 4  # the value names a file that is written
    UNCHECKED = 5  # who is talked to is no longer checked


def hazard(name: str, value: str | None) -> Hazard:
    """What assigning `value` (None: not known) to `name` means for the commands that follow."""
    if name.upper() in _PROXIES:
        return Hazard.PROXY if value != "" else Hazard.NONE
    if name.upper() in _SERVERS:
        return Hazard.PROXY if _server(value) else Hazard.NONE
    if name in _WRITTEN:
        return Hazard.FILE if value is None or "/" in value else Hazard.NONE
    if name.upper() in _CHECKS and _unchecked(name.upper(), value):
        return Hazard.UNCHECKED
    if name.upper().startswith("NPM_CONFIG_"):
        return Hazard.NONE if name.upper().removeprefix("NPM_CONFIG_") in _NPM_QUIET else Hazard.CODE
    if name in _COMMANDS:
        quiet = value is not None and (_usual(value) or _prompt(name, value))
        return Hazard.NONE if quiet else Hazard.COMMAND
    if name == "NODE_OPTIONS":
        return Hazard.NONE if value is not None and _node(value) else Hazard.CODE
    if name.startswith(("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_", "BASH_FUNC_")):
        return Hazard.CODE
    if name in _CODE:
        return Hazard.NONE if value is not None and _quiet(name, value) else Hazard.CODE
    return Hazard.NONE


def _unchecked(name: str, value: str | None) -> bool:
    """Whether this value switches the check off; a value that is not known may."""
    off = _CHECKS[name]
    if value is None:
        return True
    return value.lower() in off if off is not None else value.lower() not in _SAYS_NO


_USUAL = frozenset(
    [
        "cat",
        "less",
        "more",
        "most",
        "bat",
        "delta",
        "true",
        "false",
        ":",
        "vi",
        "vim",
        "nvim",
        "nano",
        "emacs",
        "emacsclient",
        "ed",
        "pico",
        "micro",
        "hx",
        "code",
        "ssh",
        "ssh-askpass",
    ]
)


def _usual(value: str) -> bool:
    """A pager, an editor or ssh as everybody sets them: one plain command without anything a shell would act on."""
    words = value.split()
    if not words:
        return True
    if any(char in value for char in "|&;<>()$`\\\"'*?[]{}!~#\n"):
        return False
    if any("command" in word.lower() or word in ("-c", "-e", "-F", "-S", "--cmd", "--eval") for word in words[1:]):
        return False
    folder, _, name = words[0].rpartition("/")
    return name in _USUAL and folder in ("", "/bin", "/usr/bin", "/usr/local/bin")


def _prompt(name: str, value: str) -> bool:
    """Prompts are text; only a substitution in them runs anything."""
    return name in ("PS0", "PS1", "PS2", "PS4") and "$(" not in value and "`" not in value


_OWN_COMPILER = re.compile(r"(?:ccache |sccache )?[\w./+-]+(?: -[\w=+.-]+)*")
_SCRATCH = ("/tmp/", "/var/tmp/")  # noqa: S108 - named, not used
_OWN_FOLDERS = re.compile(r"(?:\$PWD|\.|src|lib|app|tests?|[A-Za-z_][\w-]*)(?:/[\w.-]+)*/?")


def _server(value: str | None) -> bool:
    """Whether it is worth judging: a URL, or a name with a dot; words such as `off` and `direct` are not."""
    return value is None or (("." in value or "://" in value) and not value.startswith(("unix:", "/")))


def _build(name: str, value: str) -> bool | None:
    """Compilers, their flags and the project's own folders, as everybody sets them; None: not about one of these."""
    if name in ("CC", "CXX", "LD", "AR", "RUSTC", "RUSTDOC"):
        return _OWN_COMPILER.fullmatch(value) is not None and not value.startswith(("./", "../", *_SCRATCH))
    if name == "GOFLAGS":
        return not any(word in value for word in ("-toolexec", "-exec", "-vettool", "-overlay", "-modfile"))
    if name == "RUSTFLAGS":
        return "linker" not in value and "link-arg" not in value
    if name in ("PYTHONPATH", "GIT_DIR", "GIT_COMMON_DIR"):
        parts = value.split(":") if name == "PYTHONPATH" else [value]
        return all(not part or (_OWN_FOLDERS.fullmatch(part) and ".." not in part) or part == ".git" for part in parts)
    return None


# `ENV=prod` names an environment: a plain word is no file that anybody would have a shell start with.
_STAGE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")


def _quiet(name: str, value: str) -> bool:
    if not value or value == "/dev/null" or (name == "ENV" and _STAGE.fullmatch(value)):
        return True
    build = _build(name, value)
    if build is not None:
        return build
    if name in ("GIT_CONFIG_COUNT", "PYTHONINSPECT", "ELECTRON_RUN_AS_NODE"):
        return value == "0"
    if name in ("MAKEFLAGS", "GNUMAKEFLAGS"):
        return all(
            flag.startswith("-j") or flag in ("-k", "-s", "--silent", "--no-print-directory") for flag in value.split()
        )
    if name == "SHELL":
        return value in _HARMLESS_SHELLS
    if name in ("NODE_PATH", "RUBYLIB", "PERL5LIB", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        return all(part in _SYSTEM_LIBRARIES for part in value.split(":") if part)
    if name in ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS"):
        return all(flag.startswith(("-Xm", "-Xs", "-XX:", "-Dfile.encoding", "-Duser.")) for flag in value.split())
    return False


_SYSTEM_LIBRARIES = frozenset({"/usr/lib", "/usr/local/lib", "/lib", "/usr/lib64", "/usr/local/cuda/lib64"})


def _node(value: str) -> bool:
    return all(flag.startswith(_NODE_SAFE) and not flag.startswith(_NODE_UNSAFE) for flag in value.split())


def strange_path(parts: list[str], before: str | None, home: str, workspace: str, cwd: str | None) -> str | None:
    """The first directory of a new PATH that is nobody's usual place for programs, or None.

    `before` is the old value: its own directories are not new. Directories of the workspace's tools and of the user's
    own tool managers are usual; the scratch directories and relative names are not.
    """
    old = set(before.split(":")) if before else set()
    for part in parts:
        if part in old or part in _SYSTEM or part.rstrip("/") in _SYSTEM:
            continue
        absolute = part if part.startswith("/") else f"{cwd}/{part}" if cwd and part not in ("", ".") else ""
        if not absolute or "/../" in absolute + "/":
            return part or "."
        if absolute.startswith((home.rstrip("/") + "/.", home.rstrip("/") + "/go/", home.rstrip("/") + "/bin")):
            continue
        if absolute.startswith(workspace.rstrip("/") + "/") and absolute.rstrip("/").endswith(
            ("/bin", "/.bin", "/scripts", "/shims")
        ):
            continue
        if absolute.startswith(("/usr/lib/", "/usr/local/", "/opt/", "/nix/store/", "/Library/", "/Applications/")):
            continue
        return part
    return None
