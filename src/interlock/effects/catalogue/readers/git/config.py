"""git's configuration: which keys are commands that git runs later, and what this repository's files say."""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.words import word_list
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Kind, Verb

_SECRET_KEYS = word_list("git-secret-keys")
# Keys (lower case, globs) whose value git executes, or from which it takes code or other settings.
_RUNS = (
    "alias.*",
    "core.fsmonitor",
    "core.sshcommand",
    "core.pager",
    "core.editor",
    "core.hookspath",
    "core.gitproxy",
    "core.askpass",
    "core.alternaterefscommand",
    "core.attributesfile",
    "diff.external",
    "diff.*.command",
    "diff.*.textconv",
    "filter.*.clean",
    "filter.*.smudge",
    "filter.*.process",
    "credential.helper",
    "credential.*.helper",
    "gpg.program",
    "gpg.*.program",
    "gpg.ssh.defaultkeycommand",
    "sequence.editor",
    "init.templatedir",
    "uploadpack.packobjectshook",
    "protocol.ext.allow",
    "protocol.allow",
    "browser.*.cmd",
    "browser.*.path",
    "man.*.cmd",
    "man.*.path",
    "mergetool.*.cmd",
    "mergetool.*.path",
    "difftool.*.cmd",
    "difftool.*.path",
    "merge.*.driver",
    "remote.*.uploadpack",
    "remote.*.receivepack",
    "remote.*.vcs",
    "remote.*.proxy",
    "http.proxy",
    "http.*.proxy",
    "submodule.*.update",
    "url.*.insteadof",
    "url.*.pushinsteadof",
    "include.path",
    "includeif.*.path",
    "interactive.difffilter",
    "pager.*",
    "trailer.*.command",
    "trailer.*.cmd",
    "sendemail.*",
    "instaweb.*",
    "web.browser",
    "guitool.*.cmd",
    "imap.tunnel",
    "receive.*",
    "ssh.variant",
    "safe.directory",
    "http.sslverify",
    "bisect.*",
    "lfs.customtransfer.*",
    "maintenance.*.schedule",
    "fsmonitor.*",
)
_QUIET = {
    "core.pager": (
        "",
        "cat",
        "less",
        "less -r",
        "less -R",
        "less -FRX",
        "more",
        "delta",
        "diff-so-fancy | less",
        "bat",
    ),
    "core.editor": ("", "true", ":", "vim", "vi", "nano", "code --wait", "emacs", "cat"),
    "sequence.editor": ("", "true", ":", "cat"),
    "credential.helper": ("", "cache", "osxkeychain", "manager", "manager-core", "libsecret"),
    "core.fsmonitor": ("true", "false", "", "1", "0"),
    "pager.": ("true", "false", "cat", "less", ""),
    "http.sslverify": ("true",),
    "submodule.": ("checkout", "rebase", "merge", "none"),
    "core.askpass": ("", "true", "echo", "false"),
    "interactive.difffilter": ("delta --color-only",),
    "receive.": ("true", "false", "updateinstead", "ignore", "warn", "refuse"),
    "protocol.": ("never", "user"),
    "bisect.": (),
}


def is_command(key: str, value: str) -> bool:
    """Whether setting this key makes git execute something, or weakens what protects it."""
    key = key.lower()
    if key == "safe.directory":
        return value.strip() in ("", "*")
    if not any(fnmatchcase(key, glob) for glob in _RUNS):
        return False
    for start, quiet in _QUIET.items():
        if key.startswith(start):
            return value.strip() not in quiet
    return not (key.startswith("alias.") and not value.startswith("!") and value.split()[:1] != ["push"])


def config(draft: Draft, base: str | None) -> None:
    """`git config`: reads are harmless; a key that git executes is a change of a file that runs later."""
    keys = list(draft.values("key"))
    texts = [k.text for k in keys]
    action = ""
    if texts and texts[0] in (
        "get",
        "set",
        "unset",
        "list",
        "edit",
        "get-all",
        "get-regexp",
        "remove-section",
        "rename-section",
        "get-urlmatch",
    ):
        action = texts[0] or ""
        keys, texts = keys[1:], texts[1:]
    writes = draft.has("unset", "add", "edit") or action in ("set", "unset", "edit", "remove-section", "rename-section")
    if (
        action in ("get", "list", "get-all", "get-urlmatch", "get-regexp")
        or draft.has("reads")
        or (not writes and len(keys) < 2)
    ):
        if any(_holds_secret(text) for text in texts):
            draft.add(Verb.READ, Kind.SECRET, "git configuration", labels=(L.SECRET,))
        return
    place = _place(draft, base)
    key, value = texts[0] if texts else None, texts[1] if len(texts) > 1 else ""
    risky = key is None or value is None or is_command(key, value) or draft.has("edit") or action == "edit"
    if draft.has("unset") or action == "unset":
        risky = (key or "").lower() == "core.hookspath"  # the hooks that checked every commit are gone with it
    if risky or draft.has("file", "system"):
        labels = (L.EXECUTES_LATER,) if risky else ()
        note = f"git will run what {key} says" if risky else ""
        draft.file(Verb.CONFIGURE, known(place), labels=labels, note=note)
    else:
        draft.add(Verb.CONFIGURE, Kind.GIT_REPOSITORY, f"config {'--global ' if draft.has('global') else ''}{key}")


def _holds_secret(key: str | None) -> bool:
    """Whether a key, or a pattern for keys, speaks of credentials: `http.extraheader`, `.*token.*`."""
    words = set(re.findall(r"[a-z]+", (key or "").lower()))
    return bool(words & _SECRET_KEYS) and "helper" not in words


def _place(draft: Draft, base: str | None) -> str:
    given = draft.text("file")
    if given:
        return given
    if draft.has("global"):
        return posixpath.join(draft.setting.home, ".gitconfig")
    if draft.has("system"):
        return "/etc/gitconfig"
    return posixpath.join(base, ".git/config") if base else ".git/config"


_SECTION = re.compile(r'^\s*\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]')
_ENTRY = re.compile(r"^\s*([\w-]+)\s*=\s*(.*?)\s*$")


def settings(draft: Draft, base: str | None) -> dict[str, str]:
    """The settings of this repository and user, as far as the world shows them; keys in lower case."""
    found: dict[str, str] = {}
    places = [
        posixpath.join(draft.setting.home, ".gitconfig"),
        posixpath.join(draft.setting.home, ".config/git/config"),
    ]
    if base is not None:
        top = _top(draft, base)
        if top:
            places.append(posixpath.join(top, ".git/config"))
    for place in places:
        text = draft.world.text(place)
        if text is not None:
            draft.operands.append(place)
            found.update(_parsed(text))
    return found


def _top(draft: Draft, base: str) -> str | None:
    path = base
    for _ in range(32):
        if draft.world.kind(posixpath.join(path, ".git")) is not None:
            return path
        if path == "/":
            return None
        path = posixpath.dirname(path)
    return None


def _parsed(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        match = _SECTION.match(line)
        if match:
            section = match.group(1).lower() + (f".{match.group(2)}" if match.group(2) is not None else "")
            continue
        entry = _ENTRY.match(line)
        if entry and not line.lstrip().startswith(("#", ";")):
            value = entry.group(2)
            if value.startswith('"') and value.endswith('"') and len(value) > 1:
                value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
            found[f"{section}.{entry.group(1).lower()}"] = value
    return found


def remote_url(draft: Draft, base: str | None, name: str) -> str | None:
    """The URL of a remote, when the repository's configuration shows it."""
    if "://" in name or name.startswith(("/", ".")) or re.match(r"^[^/\s]+@[^/\s]+:", name):
        return name
    found = settings(draft, base)
    return found.get(f"remote.{name}.pushurl") or found.get(f"remote.{name}.url")
