"""Readers for processes, services, disks, credential stores, and coding agents started by an agent."""

from __future__ import annotations

import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.words import word_list
from interlock.effects.environments import environment_of
from interlock.effects.invocation import Word
from interlock.effects.secret_names import secret_name
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import ALL, MANY, ONE, Kind, Reversibility, Verb

_OURS = re.compile(r"interlock", re.IGNORECASE)
# What listens on a port, has a name, or stands in a file: some processes, as `pkill NAME` names them.
_FEW = re.compile(
    r"\"?\$\((?:lsof [^;|&`$()]*-[a-zA-Z]*i ?(?:[a-zA-Z]+)?:\d+[^;|&`$()]*|(?:pgrep|pidof) [^;|&`$()]*\w{3}[^;|&`$()]*"
    r"|cat [^;|&`$()]*\.pid)\)\"?"
)
_PROCESS = re.compile(r"-?\d{1,10}|\$!|%[\w?%+-]*")
_WHOSE = frozenset({"-u", "-U", "-t", "-g", "-G", "-P", "-s", "--euid", "--uid"})  # options of pgrep with a value


def kill(draft: Draft) -> None:
    """kill: by number; -1 is everything one may kill. A signal written with a dash is no process."""
    if draft.has("list"):
        return
    own = draft.setting.interlock_processes
    words = list(draft.inv.words[1:])
    targets: list[Word] = []
    ended = False
    skip = False
    if words and words[0].text in ("-0", "-EXIT", "-SIG0"):
        return  # signal 0 only asks whether the process is there
    for index, value in enumerate(words):
        text = value.text
        if skip:
            skip = False
        elif text == "--":
            ended = True
        elif text in ("-s", "-n", "--signal") and not ended:
            skip = True
        elif text is not None and text.startswith("-") and not ended and index == 0:
            continue
        else:
            targets.append(value)
    for value in targets:
        text = value.text or value.source
        # A number that is not known may be anybody's: `kill $(pgrep ...)`, `... | xargs kill`.
        # `$!` and `%1` are one's own.
        unknown = _PROCESS.fullmatch(text) is None
        few = value.text is None and _FEW.fullmatch(value.source) is not None and not _OURS.search(value.source)
        few = few and not _names_a_runtime(value.source)
        everything = text in ("-1", "1") or (unknown and not few)
        ours = _PROCESS.fullmatch(text) is not None and text.lstrip("-").isdigit() and int(text.lstrip("-")) in own
        draft.add(
            Verb.DELETE,
            Kind.PROCESS,
            text,
            labels=(L.GUARD,) if ours else (),
            scale=ALL if everything else MANY if few else ONE,
            undo=Reversibility.IRREVERSIBLE,
            note="which process is not known before it runs" if unknown else "",
        )


# A runtime, a shell or a part of the desktop: its name stands for everything that runs on it, the person's own too.
_RUNTIMES = word_list("runtimes") | word_list("watchers")


def wide_name(pattern: str | None) -> bool:
    """Whether a process name or pattern stands for more than one program."""
    if pattern is None:
        return True
    plain = pattern.lower().strip("^$ .*").removesuffix(".exe")
    return len(plain.strip(".*?+")) < 2 or plain in _RUNTIMES or re.fullmatch(r"[.*?+\[\]]*", plain) is not None


def _names_a_runtime(source: str) -> bool:
    """`$(pgrep node)` is everything that runs on Node."""
    asked = re.search(r"(?:pgrep|pidof) ([^)]*)", source)
    if asked is None:
        return False
    parts = asked.group(1).split()
    named = [one for one, before in zip(parts, ["", *parts], strict=False) if one[0] != "-" and before not in _WHOSE]
    return not (named or "-P" in parts) or any(wide_name(part.strip("'\"")) for part in named)


def processes(draft: Draft) -> None:
    """lsof, pgrep, pidof: what they put out is the numbers of the processes that they were asked for."""
    source = " ".join(word.source or word.text or "?" for word in draft.inv.words)
    draft.listed = [Word(text=None, source=f"$({source})", many=True)]


def pkill(draft: Draft) -> None:
    """pkill and killall: by name; by user, terminal or group it is everything of theirs."""
    if draft.has("list"):
        return
    names = draft.values("name")
    for value in names:
        text = value.text if value.text is not None else value.source
        wide = wide_name(value.text) or draft.has("inverse")
        _end(draft, text, everything=wide)
    if not names:
        whose = draft.values("user") or draft.values("tty")
        _end(draft, f"of {whose[0].text or whose[0].source}" if whose else "any", everything=True)


def _end(draft: Draft, name: str, *, everything: bool) -> None:
    draft.add(
        Verb.DELETE,
        Kind.PROCESS,
        name,
        labels=(L.GUARD,) if _OURS.search(name) else (),
        scale=ALL if everything else MANY,
        undo=Reversibility.IRREVERSIBLE,
        note="the name stands for every program that runs on it" if everything else "",
    )


def taskkill(draft: Draft) -> None:
    """taskkill: by number it is one process, by image name as `pkill` has it, by filter anybody's."""
    for value in (*draft.values("pid"), *draft.values("PID")):
        text = value.text if value.text is not None else value.source
        draft.add(
            Verb.DELETE, Kind.PROCESS, text, scale=ONE if text.isdigit() else ALL, undo=Reversibility.IRREVERSIBLE
        )
    for value in (*draft.values("im"), *draft.values("name")):
        _end(draft, value.text if value.text is not None else value.source, everything=wide_name(value.text))
    for value in draft.values("filter"):
        _end(draft, value.text if value.text is not None else value.source, everything=True)


_SERVICE_READS = word_list("service-reads")
_POWER = word_list("service-power")
_NAME_FIRST = frozenset({"service", "rc-service", "invoke-rc.d"})  # `service NAME ACTION`


def systemctl(draft: Draft) -> None:
    """systemctl and kin: looking is free; `service NAME ACTION` has its words the other way round."""
    words = [w.text or w.source for w in (*draft.values("action"), *draft.values("unit"))]
    if not words:
        return
    action, units = words[0], words[1:]
    if draft.command in _NAME_FIRST and units:
        action, units = units[0], [words[0]]
    host = draft.text("host")
    away = (L.REMOTE,) if host else ()
    environment = environment_of("host", host.rpartition("@")[2], draft.setting) if host else None
    if action == "show-environment":
        draft.add(Verb.READ, Kind.SYSTEM, "environment variables")
        return
    if action in _SERVICE_READS or action.startswith("list"):
        return
    if action in _POWER:
        draft.add(Verb.DELETE, Kind.SYSTEM, "power", undo=Reversibility.IRREVERSIBLE, note="the machine goes down")
        return
    for unit in units or [action]:
        if _OURS.search(unit):
            draft.add(
                Verb.CONFIGURE, Kind.INTERLOCK, f"{action} {unit}", labels=(L.GUARD,), undo=Reversibility.IRREVERSIBLE
            )
        else:
            draft.add(Verb.CONFIGURE, Kind.SYSTEM, unit, labels=away, env=environment, note=f"{draft.command} {action}")


def assignments(draft: Draft) -> None:
    """sysctl NAME=VALUE sets without a flag."""
    for value in draft.values("name"):
        if "=" in (value.text or ""):
            draft.add(Verb.CONFIGURE, Kind.SYSTEM, f"sysctl:{value.text}")


_AGENT_QUIET = frozenset({"doctor", "help", "completion", "--help", "auth", "whoami", "models", "stats", "features"})
_AGENT_CHANGES = frozenset(
    {
        "config",
        "mcp",
        "plugin",
        "plugins",
        "update",
        "upgrade",
        "install",
        "uninstall",
        "setup-token",
        "hooks",
        "extensions",
        "login",
        "logout",
        "marketplace",
        "trust",
    }
)
_UNGUARDED_SETTING = re.compile(
    r"disableAllHooks|\"?hooks\"?\s*[:=]|features\.hooks|sandbox_mode\s*=\s*\"?danger|approval_policy\s*=\s*\"?never|"
    r"bypassPermissions|shell_environment_policy|notify\s*=",
    re.IGNORECASE,
)


# Where an agent finds its settings. Naming a place other than the user's own is starting it without its hooks.
_SETTINGS_HOMES = frozenset(
    {"HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME", "GEMINI_CLI_HOME", "INTERLOCK_HOME"}
)
_SOURCES = re.compile(r"(?:user|project|local)(?:,(?:user|project|local))*")


def _moved(draft: Draft) -> bool:
    own = {"HOME": draft.setting.home, "XDG_CONFIG_HOME": f"{draft.setting.home}/.config"}
    own |= {"CLAUDE_CONFIG_DIR": f"{draft.setting.home}/.claude", "CODEX_HOME": f"{draft.setting.home}/.codex"}
    own |= {name: value for name, value in draft.setting.variables if name == "INTERLOCK_HOME"}
    set_here = {name: value.text for name, value in draft.inv.assignments}
    every = dict(draft.inv.variables) | set_here
    return any(name in every and every[name] != own.get(name) for name in _SETTINGS_HOMES)


def _unguarded(draft: Draft, value: Word) -> bool:
    """Whether settings given on the command line could switch hooks off; a file is looked into."""
    text = value.text
    if text is None:
        return True
    if _SOURCES.fullmatch(text):  # --setting-sources
        return "user" not in text.split(",")
    if text.endswith(".json") and not text.lstrip().startswith("{"):
        path = draft.path(value)
        text = draft.world.text(path) if path is not None else None
    return text is None or _UNGUARDED_SETTING.search(text) is not None


def agent(draft: Draft) -> None:
    """A coding agent started by an agent: without its guard it is an act against the guard."""
    words = [w.text or "" for w in draft.said.operands]
    reasons = []
    if draft.has("unguarded"):
        reasons.append("the child would run without its guard")
    if _moved(draft):
        reasons.append("the child would look for its settings, and so its hooks, elsewhere")
    given = [*draft.values("settings"), *draft.values("override")]
    if any(_unguarded(draft, v) for v in given):
        reasons.append("the child's settings would switch its guard off")
    if any(v.text in ("bypassPermissions", "danger-full-access", "never", "yolo") for v in draft.values("mode")):
        reasons.append("the child would run without asking")
    if draft.command == "codex" and "hooks" in (draft.text("disable") or ""):
        reasons.append("the child would run without hooks")
    if reasons:
        draft.add(
            Verb.CONFIGURE,
            Kind.AGENT_CONFIG,
            f"{draft.command} (child)",
            labels=(L.GUARD,),
            undo=Reversibility.IRREVERSIBLE,
            note=reasons[0],
        )
        return
    if words[:1] and words[0] in _AGENT_QUIET:
        return
    if words[:1] and words[0] in _AGENT_CHANGES:
        if words[1:2] and words[1] in ("list", "ls", "get", "status", "show"):
            return
        draft.add(Verb.CONFIGURE, Kind.AGENT_CONFIG, f"{draft.command} {' '.join(words[:2])}", labels=(L.GUARD,))
        return
    draft.add(Verb.EXECUTE, Kind.PROCESS, draft.command, note="a coding agent, guarded by its own hooks")


def gh(draft: Draft) -> None:
    """gh: the data says it; `gh alias` and extensions are not followed."""
    draft.output_taint = draft.output_taint or (
        draft.flow | {L.FROM_UNTRUSTED} if draft.said.path[:1] in (["pr"], ["issue"]) else None
    )


# Paths of GitHub's API: those that decide who may do what, and those where people talk.
_GITHUB_RIGHTS = re.compile(
    r"/(collaborators|keys|protection|memberships|rulesets|hooks|invitations|outside_collaborators|teams|"
    r"permissions|installations|transfer)(/|\?|$)"
)
_GITHUB_TALK = re.compile(
    r"/(issues|pulls|comments|labels|reactions|reviews|statuses|check-runs|discussions|assignees)(/|\?|$)"
)


def gh_api(draft: Draft) -> None:
    """gh api: GET reads; with fields it is a POST; DELETE deletes what the path names."""
    endpoint = draft.text("endpoint") or "?"
    method = (draft.text("method") or ("POST" if draft.values("field") or draft.values("input") else "GET")).upper()
    host = endpoint if "://" in endpoint else "api.github.com"
    if draft.values("method") and draft.text("method") is None:
        draft.opaque("the method of the request is not known", f"gh api {endpoint}")
    if method in ("GET", "HEAD"):
        draft.host(Verb.FETCH, host)
        return
    draft.host(Verb.SEND, host, taint=draft.flow)
    if _GITHUB_RIGHTS.search(endpoint):
        draft.add(Verb.GRANT, Kind.CLOUD_RESOURCE, f"github:{endpoint}", note="who may do what on the repository")
    if method == "DELETE":
        draft.add(Verb.DELETE, Kind.CLOUD_RESOURCE, endpoint, undo=Reversibility.IRREVERSIBLE)
    elif endpoint.endswith("graphql"):
        if draft.values("input") or any(
            "mutation" in (v.text or "mutation") or "=@" in (v.text or "") for v in draft.values("field")
        ):
            draft.opaque("a GraphQL mutation may change anything", f"gh api {endpoint}")
    elif _GITHUB_TALK.search(endpoint):
        draft.add(Verb.PUBLISH, Kind.GIT_REPOSITORY, endpoint)
    else:
        draft.add(Verb.CONFIGURE, Kind.CLOUD_RESOURCE, f"github:{endpoint}")


def printenv(draft: Draft) -> None:
    """printenv: everything, or single variables, some of which are credentials by their name."""
    names = draft.values("name")
    if not names:
        draft.add(Verb.READ, Kind.SYSTEM, "environment variables")
        draft.flow.add(L.FROM_ENVIRONMENT)
    for value in names:
        if value.text is None or secret_name(value.text):
            draft.add(Verb.READ, Kind.SECRET, f"${value.text or value.source}", labels=(L.SECRET,))
            draft.flow.add(L.FROM_SECRET)


_LANES_OUT = frozenset(
    (
        "alpha",
        "beta",
        "internal",
        "distribute",
        "submit",
        "deliver",
        "supply",
        "pilot",
        "upload_to_app_store",
        "upload_to_play_store",
        "upload_to_testflight",
    )
)


def lane(draft: Draft) -> None:
    """fastlane: the name of the lane decides."""
    from interlock.effects.catalogue.programs import RISKY

    for value in draft.values("lane")[:2]:
        if value.text is None or RISKY.search(value.text) or value.text in _LANES_OUT:
            draft.opaque(f"the lane {value.text or value.source!r} may reach beyond the project")
