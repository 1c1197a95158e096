"""What can be said of a program before its family is asked: where it lies, who knows it, what starts with it."""

from __future__ import annotations

import posixpath
import re
from enum import Enum

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import tail
from interlock.effects.catalogue.words import word_list
from interlock.effects.invocation import Interpretation, Word, word
from interlock.effects.places import file_resource
from interlock.effects.startup_variables import CODE_VARIABLES, COMMAND_VARIABLES
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Environment, Kind, Reversibility, Verb

_SYSTEM_BIN = frozenset(
    {
        "/bin",
        "/sbin",
        "/usr/bin",
        "/usr/sbin",
        "/usr/local/bin",
        "/usr/local/sbin",
        "/snap/bin",
        "/opt/homebrew/bin",
        "/usr/lib/git-core",
        "/usr/games",
        "/run/current-system/sw/bin",
        "/nix/var/nix/profiles/default/bin",
    }
)
_HOME_BIN = (
    ".local/bin",
    ".cargo/bin",
    "go/bin",
    ".bun/bin",
    ".deno/bin",
    ".pyenv/shims",
    ".rbenv/shims",
    ".volta/bin",
    ".npm-global/bin",
    ".asdf/shims",
    ".local/share/mise/shims",
    "bin",
    ".nix-profile/bin",
)
_TOOL_DIRS = ("/node_modules/.bin", "/.venv/bin", "/venv/bin", "/env/bin", "/vendor/bin", "/.tox/bin")
_SCRATCH = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - named, not used
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "mksh"})

_QUIET_COMMANDS = frozenset(
    {
        "cat",
        "less",
        "more",
        "true",
        ":",
        "vi",
        "vim",
        "nano",
        "emacs",
        "ssh",
        "code",
        "code --wait",
        "less -R",
        "less -FRX",
        "bat",
        "delta",
        "",
        "false",
        "echo",
        "ed",
        "/bin/true",
        "/bin/cat",
    }
)
_QUIET_SSH = ("ssh -i ", "ssh -o StrictHostKeyChecking", "ssh -o BatchMode", "ssh -v", "ssh -4", "ssh -p ")
_QUIET_NODE = (
    "--max-old-space-size",
    "--max_old_space_size",
    "--experimental",
    "--no-warnings",
    "--openssl-legacy-provider",
    "--enable-source-maps",
    "--trace",
    "--unhandled-rejections",
    "--no-deprecation",
    "--inspect",
    "--stack-trace-limit",
    "--dns-result-order",
    "--no-experimental",
    "--preserve-symlinks",
)


# Words in the name of a script, task or target that nobody could read which make it worth a question.
RISKY = re.compile(
    r"(?:^|[:_.\-/])(deploy\w*|publish\w*|release\w*|destroy\w*|drop\w*|reset\w*|wipe\w*|nuke\w*|purge\w*|prod|production|prd"
    r"|upload|rollback|uninstall\w*|teardown\w*|delete\w*|truncate\w*|push|promote|ship"
    r"|(?:terraform|tofu|tf|pulumi|cdk|k8s|kube|helm)[:_.\-](?:apply|up|install|upgrade|sync|down))(?:$|[:_.\-/])",
    re.IGNORECASE,
)


# Entry points that a framework leaves in the project: the file hands over at once, and the family says what comes then.
ENTRY_POINTS = word_list("entry-points")
_TOLD_BY_NAME = word_list("told-by-name")
_LOADING = {
    tool: tuple(names.split(",")) for tool, names in (one.split("=", 1) for one in word_list("loading-options"))
}
_PLAIN_DATA = (".json", ".jsonc", ".toml", ".yaml", ".yml", ".ini", ".cfg", ".txt")
# What `bin` holds in a framework's project, or in a server's unpacked archive (`bin/solr`, `bin/kafka-topics.sh`).
_BIN = re.compile(r"(?:^|/)bin/[\w.-]+$")


class Where(Enum):
    """Where a program named by a path lies: `TOOL` is looked up in the catalogue by its base name."""

    TOOL = "tool"
    ELSEWHERE = "elsewhere"


def after_equals(value: Word) -> Word:
    """The value of a `NAME=value` word."""
    text = value.text if value.text is not None else value.prefix
    return tail(value, text.find("=") + 1)


def unchanged(name: str, value: Word) -> bool:
    """Whether a variable gets the value that it has (`env -i PATH="$PATH" make`)."""
    return value.text is None and value.source in (f'{name}="${name}"', f"{name}=${name}", f'{name}="${{{name}}}"')


def handed_secrets(draft: Draft) -> None:
    """A compiler, a linter or a formatter prints what it is given, or what of it it cannot understand.

    What stands after an option (`--env-file .env`) is used by the program and not shown.
    """
    if not draft.effects or any(L.PROJECT not in effect.resource.labels for effect in draft.effects):
        return
    if draft.command in _KEY_USERS:
        return
    for value in draft.said.operands:
        text = (value.text or "").removeprefix("@")
        if text.startswith(("/", "~")) or (text and not _follows_option(draft, value)):
            resource = file_resource(text, draft.setting, draft.world, cwd=draft.inv.cwd)
            if L.SECRET in resource.labels:
                draft.file(Verb.READ, word(text), note="what it cannot understand it prints")


# `--env-file .env`, `--mode .env`, `-e .env`; `--diff .env`, `-s .env` and `-stdout .env` take no value.
_TAKES = re.compile(r"-[efck]$|-.*(?:env|file|key|cert|conf|secret|cred|mode|path|input|load|include|exclude|ignore)")


def _follows_option(draft: Draft, value: Word) -> bool:
    words = draft.inv.words
    at = next((number for number, one in enumerate(words) if one is value), 0)
    return at > 0 and _TAKES.match(words[at - 1].text or "-") is not None


def loads_elsewhere(draft: Draft) -> None:
    """`eslint -c /tmp/x.js`: a tool of the project is handed code from outside of it."""
    names = _LOADING.get(draft.command.partition(" ")[0])
    if not names or draft.inv.remote or all(L.PROJECT not in effect.resource.labels for effect in draft.effects):
        return
    words = draft.inv.words
    for at, value in enumerate(words[1:], 1):
        text = value.text or ""
        name, equals, attached = text.partition("=")
        if name not in names:
            continue
        given = attached if equals else (words[at + 1].text or "") if at + 1 < len(words) else ""
        if not given.startswith(("/", "~", "..")) or given.endswith(_PLAIN_DATA) or draft.ours(draft.path(given)):
            continue
        draft.opaque(f"{name} loads code from outside of the project", given)


_KEY_USERS = frozenset({"codesign", "apksigner", "jarsigner", "signtool", "osslsigncode"})


def located(draft: Draft, name: str) -> Where:
    """Judge a program that is named by a path; writes the effects of scripts and strangers on the draft itself."""
    if draft.inv.remote:
        return Where.TOOL
    path = draft.path(name)
    if path is None:
        draft.opaque(f"{name} runs from a directory that is not known")
        return Where.ELSEWHERE
    folder = posixpath.dirname(path)
    home = draft.setting.home
    if folder in _SYSTEM_BIN or any(folder == posixpath.join(home, place) for place in _HOME_BIN):
        return Where.TOOL
    if "/nix/store/" in folder or folder.startswith(
        (home + "/.nvm/", home + "/.sdkman/", "/usr/lib/", "/usr/local/go/", "/mnt/c/Windows/", "/mnt/c/Program Files")
    ):
        return Where.TOOL
    if folder.endswith("/bin") and draft.world.kind(posixpath.dirname(folder) + "/pyvenv.cfg") == "file":
        return Where.TOOL
    if folder.endswith(_TOOL_DIRS) or "/.tox/" in folder or "/.nox/" in folder:
        return Where.TOOL
    script(draft, path, tuple(draft.inv.words))
    base = posixpath.basename(path)
    known_there = base in ENTRY_POINTS or base in _TOLD_BY_NAME or _BIN.search(path)
    return Where.TOOL if known_there else Where.ELSEWHERE


def script(draft: Draft, path: str, words: tuple[Word, ...], *, interpreter: str = "") -> None:
    """A file is run: shell text is read through, other code of the workspace is project code, the rest a stranger."""
    text = draft.content(path)
    resource = file_resource(path, draft.setting, draft.world, cwd=draft.inv.cwd)
    if resource.kind is Kind.SECRET:
        draft.file(Verb.READ, word(path), note="what it cannot run it prints")
    first = text.split("\n", 1)[0] if text else ""
    language = interpreter or _shebang(first, path)
    if text is not None and not language and "\0" not in text and not posixpath.splitext(path)[1]:
        language = "sh"  # the kernel refuses a text without `#!`, and the shell that called then reads it itself
    if text is not None and language in _SHELLS:
        draft.shell(text, arguments=words, origin=path)
        return
    if text is not None and _read(draft, path, language, text, ours=L.WORKSPACE in resource.labels):
        return
    if L.WORKSPACE in resource.labels:
        said = " ".join((posixpath.basename(path), *(w.text or "?" for w in words[1:])))
        if text is None and RISKY.search(said.replace(" ", "/")):
            draft.opaque(f"{path} could not be read, and its name says that it may reach beyond the project")
        else:
            draft.project(path, note=f"runs {path}")
    else:
        draft.add(
            Verb.EXECUTE,
            Kind.CODE,
            path,
            labels=(L.UNREAD, *(x for x in resource.labels if x in L.PLACES)),
            env=Environment.MACHINE,
            undo=Reversibility.IRREVERSIBLE,
            note="a program outside the workspace",
        )


def script_elsewhere(draft: Draft, value: Word) -> None:
    """A script that is no file here. In a container of this machine it is as unread as the image's own program is."""
    text = value.text
    inside = draft.inv.remote.startswith("local container ") and text is not None
    scratch = text is not None and text.startswith(("/tmp/", "/var/tmp/", "/dev/"))  # noqa: S108 - told apart, not used
    if inside and text and not value.taint and not scratch and not _risky(text, draft.inv.words):
        draft.add(Verb.EXECUTE, Kind.PROCESS, text, labels=(L.PROJECT,), note="a program of the image")
    else:
        draft.run_unread(value.source or text or "?", "which script runs is not known", value.taint)


def _risky(text: str, words: tuple[Word, ...]) -> bool:
    said = "/".join((posixpath.basename(text), *(w.text or "?" for w in words[1:])))
    return bool(RISKY.search(said.replace(" ", "/")))


def _read(draft: Draft, path: str, language: str, text: str, *, ours: bool) -> bool:
    """Read a script of a known language; True when that says everything about it.

    In the workspace what is certain is added and the rest is project code; elsewhere the text is read like inline
    text, in which whatever cannot be decided is opaque.
    """
    from interlock.effects.code import read_code
    from interlock.effects.code.files import language_of

    if language.startswith("python"):
        from interlock.effects.catalogue.readers.python import read_file

        done = read_file(draft, text, strict=not ours)
    else:
        known = language_of(language, path)
        done = bool(known) and read_code(draft, known, text, strict=not ours)
    if done and not ours:
        draft.add(Verb.EXECUTE, Kind.PROCESS, path, env=Environment.MACHINE, note=f"runs {path}, which was read")
    return done and not ours


def _shebang(line: str, path: str) -> str:
    if line.startswith("#!"):
        parts = [posixpath.basename(p) for p in line[2:].split()]
        parts = [p for p in parts if p != "env" and not p.startswith("-")]
        return parts[0] if parts else ""
    ending = posixpath.splitext(path)[1]
    return {".sh": "sh", ".bash": "bash", ".zsh": "zsh"}.get(ending, "")


def unknown(draft: Draft, base: str) -> Interpretation:
    """A program that no family knows."""
    rest = [w.text for w in draft.inv.words[1:]]
    if rest in (["--version"], ["--help"], ["-V"], ["version"], ["-version"], ["-h"], ["help"]):
        return draft.finish()
    if draft.inv.remote and "/" in (draft.inv.words[0].text or ""):
        script_elsewhere(draft, draft.inv.words[0])
        return draft.finish()
    draft.opaque(f"no catalogue family knows {base}", labels=(L.UNKNOWN_COMMAND,))
    draft.resolved = False
    draft.output_taint = draft.flow | {L.FROM_UNKNOWN}
    return draft.finish()


def startup_variables(draft: Draft) -> None:
    """`VAR=value program`: some variables are commands, or code that loads first."""
    for name, value in draft.inv.assignments:
        if name not in COMMAND_VARIABLES and name not in CODE_VARIABLES:
            continue
        text = value.text
        if text is not None and (text.strip() in _QUIET_COMMANDS or _quiet(name, text)):
            continue
        if text is not None and name in COMMAND_VARIABLES:
            if name != "TAR_OPTIONS":
                draft.shell(text)
            elif re.search(r"exec=|command|program|script|(^|\s)-I|checkpoint-action", text):
                draft.opaque("TAR_OPTIONS gives tar options that run a command", f"{name}={text}")
        else:
            draft.run_unread(f"{name}={text or value.source}", f"{name} loads code into the program", value.taint)


def _quiet(name: str, text: str) -> bool:
    if name == "NODE_OPTIONS":
        return all(part.startswith(_QUIET_NODE) for part in text.split())
    if name in ("GIT_SSH_COMMAND", "GIT_SSH"):
        return text.startswith(_QUIET_SSH) and "ProxyCommand" not in text and "LocalCommand" not in text
    if name == "LD_LIBRARY_PATH":  # folders that anybody may write to hold anybody's libraries
        return not any(part.startswith(_SCRATCH) for part in text.split(":"))
    return name == "ENV" or (name == "GIT_CONFIG_GLOBAL" and text.startswith("/dev/null"))
