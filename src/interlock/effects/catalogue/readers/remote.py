"""ssh, scp, sftp and kin: a shell text on another host, or files that go there and come from there."""

from __future__ import annotations

import posixpath
import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.files import is_remote, remote_host
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.environments import environment_of
from interlock.effects.hosts import host_resource
from interlock.effects.invocation import Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Kind, Verb

_OPTION_RUNS = re.compile(r"^\s*(ProxyCommand|LocalCommand|KnownHostsCommand)[ =]+(.*)$", re.IGNORECASE)


def _url(value: Word) -> str:
    return value.text if value.text is not None else (value.prefix or value.source or "?")


def cloned(draft: Draft) -> None:
    """`gh repo clone`, `svn checkout`, `hg clone`: a directory of what somebody else wrote, named like its source."""
    target = draft.said.value("target")
    name = posixpath.basename((draft.text("what") or "").rstrip("/").partition("?")[0]).removesuffix(".git")
    if target is None:
        target = Word(name, name, (0, 0), name) if name else Word(None, "a clone", (0, 0), "./")
    draft.file(Verb.CREATE, target, directory=True, taint=(L.FROM_NETWORK,))


def ssh(draft: Draft) -> None:
    """ssh: a shell text on another host, or an interactive shell there; some options run commands here."""
    _ssh_options(draft)
    host = draft.said.value("host")
    if host is None or draft.has("query") or draft.values("Q"):
        return
    name = _url(host)
    bare = remote_host(name + ":") if "://" not in name else name
    draft.host(Verb.SEND, bare, taint=draft.inv.stdin.taint, note="logs in there")
    if draft.has("reverse", "tunnel"):
        draft.host(Verb.PUBLISH, bare, note="a port there leads to this machine")
    words = list(draft.said.rest or ())
    if not words and name.startswith("git@") and L.VCS_HOST in host_resource(bare, draft.setting).labels:
        return  # code hosting answers who is there, and gives nobody a shell
    if words:
        draft.shell_words(words, "remote command", remote=bare)
    elif draft.inv.stdin.text is not None:
        draft.shell(draft.inv.stdin.text, remote=bare)
    elif draft.inv.stdin.present:
        draft.run_unread(draft.command, "a remote shell runs what it reads", draft.inv.stdin.taint)
    elif not draft.has("nothing") and not draft.values("O") and not draft.values("W"):
        draft.add(
            Verb.EXECUTE,
            Kind.PROCESS,
            f"shell on {bare}",
            labels=(L.INTERACTIVE, L.REMOTE),
            env=environment_of("host", bare, draft.setting),
            note="an interactive shell on another host",
        )


def _ssh_options(draft: Draft) -> None:
    for value in (*draft.values("o"), *draft.values("option")):
        match = _OPTION_RUNS.match(value.text or value.prefix)
        if match and value.text is not None:
            if match.group(2) not in ("none", ""):
                draft.shell(match.group(2))
        elif match:
            draft.run_unread(value.source, "an ssh option runs a command that is not known", value.taint)
    for value in draft.values("library"):
        draft.opaque("ssh loads a library", value.text or value.source)
    for value in (*draft.values("F"), *draft.values("config")):
        if value.text not in ("/dev/null", "none"):
            draft.file(Verb.READ, value)


def sshpass(draft: Draft) -> None:
    """sshpass -p SECRET ssh ...: the program inside; autossh and mosh take ssh's own words."""
    words = list(draft.said.rest or ())
    if draft.command == "sshpass":
        draft.argv(words)
    else:
        draft.argv([Word("ssh", "ssh", (0, 0), "ssh"), *words])


def scp(draft: Draft) -> None:
    """scp: operands of the form host:path are elsewhere."""
    _ssh_options(draft)
    target = draft.said.value("to")
    for source in draft.values("from"):
        if is_remote(source.text):
            draft.host(Verb.FETCH, remote_host(source.text or ""))
        else:
            draft.file(Verb.READ, source)
    if target is None:
        return
    if is_remote(target.text) or (target.text is None and ":" in target.source):
        draft.host(Verb.SEND, remote_host(target.text or target.prefix or target.source), taint=draft.flow)
    else:
        draft.file(Verb.WRITE, draft.landing(target), taint=draft.flow)


def sftp(draft: Draft) -> None:
    """sftp: an interactive session, or a batch that is not read here."""
    _ssh_options(draft)
    host = draft.said.value("host")
    if host is not None:
        draft.host(Verb.SEND, remote_host(_url(host) + ":"), taint={*draft.flow, L.FROM_UNKNOWN})
    if draft.inv.stdin.present or draft.values("b"):
        draft.opaque("an sftp batch that is not read")
    else:
        interactive(draft)


def ssh_copy_id(draft: Draft) -> None:
    """A public key goes there."""
    host = draft.said.value("host")
    if host is not None:
        draft.host(Verb.SEND, remote_host(_url(host) + ":"))
