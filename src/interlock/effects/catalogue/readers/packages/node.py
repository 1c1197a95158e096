"""Node: npm, pnpm, yarn, bun and npx; package.json says what a script really is."""

from __future__ import annotations

import json
import posixpath
import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers import othercode
from interlock.effects.catalogue.readers.packages.common import (
    base_of,
    install,
    known_tool,
    look_up,
    mentioned,
    unread_script,
)
from interlock.effects.catalogue.words import word_list
from interlock.effects.invocation import Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Environment, Kind, Reversibility, Verb

_INSTALLS = word_list("npm-installs")
_REMOVES = frozenset({"uninstall", "remove", "rm", "un", "r", "unlink", "prune"})
_QUIET = word_list("npm-quiet")
_REGISTRY = frozenset(
    {"publish", "unpublish", "deprecate", "dist-tag", "owner", "access", "star", "team", "org", "hook", "stage"}
)
_RUNS = frozenset({"run", "run-script", "rum", "urn"})
_EXECS = frozenset({"exec", "x", "dlx", "execute"})
_LIFECYCLE = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")
_PROJECT_SCRIPTS = frozenset({"test", "t", "tst", "start", "stop", "restart", "build", "dev", "lint"})


_GRAVE_SETTINGS = tuple(sorted(word_list("npm-grave-settings")))


def node(draft: Draft) -> None:
    """npm, pnpm, yarn, bun."""
    base = base_of(draft)
    _node_options(draft)
    if draft.command == "bun" and othercode.runtime(draft):
        return
    words = list(draft.inv.words[1:])
    action, rest = _action(draft)
    if action is None:
        if draft.command == "yarn" and not draft.said.operands:
            _node_install(draft, [], base)
        elif draft.said.operands and draft.said.operands[0].text is None:
            draft.opaque("which script runs is not known")
        return
    if action in _RUNS:
        if rest:
            run_script(draft, rest[0], _arguments(words, rest[0]), base)
    elif action in _EXECS:
        _node_exec(draft, rest)
    elif action in _INSTALLS and not (draft.command == "bun" and action in ("link",)):
        _node_install(draft, rest, base, frozen=action in ("ci", "clean-install"))
    elif action in ("config", "c", "get") and "_auth" in " ".join(w.text or "" for w in rest):
        draft.add(Verb.READ, Kind.SECRET, "npm token", labels=(L.SECRET,))
    elif action in ("create", "init"):
        _node_create(draft, rest)
    else:
        _node_other(draft, action, rest, words, base)


def _node_options(draft: Draft) -> None:
    """Where packages come from, and what runs the scripts."""
    for value in draft.values("registry"):
        draft.host(Verb.FETCH, value.text or value.source)
    for value in draft.values("script-shell"):
        if value.text not in ("bash", "sh", "/bin/bash", "/bin/sh"):
            draft.opaque("another program runs the package scripts", value.source or "?")


def _action(draft: Draft) -> tuple[str | None, list[Word]]:
    operands = list(draft.said.operands)
    if draft.command == "yarn" and operands and operands[0].text in ("workspace",) and len(operands) > 2:
        operands = operands[2:]
    elif operands and operands[0].text in ("workspaces", "recursive", "multi") and len(operands) > 1:
        operands = [o for o in operands[1:] if o.text not in ("foreach",)]
    if draft.command == "yarn" and operands and operands[0].text == "global":
        draft.said.tags.add("global")
        operands = operands[1:]
    if draft.command == "yarn" and operands and operands[0].text == "npm":
        operands = operands[1:]  # Yarn's own `yarn npm publish`
        if operands and operands[0].text == "tag":
            operands = [known("dist-tag"), *operands[1:]]
    if not operands or operands[0].text is None:
        return None, []
    return operands[0].text, operands[1:]


def _node_install(draft: Draft, packages: list[Word], base: str | None, *, frozen: bool = False) -> None:
    machine = draft.has("global")
    if draft.has("dry-run"):
        return
    install(draft, [] if frozen else packages, "npm", everything=True, machine=machine)
    if not draft.has("ignore-scripts") and base is not None and not machine:
        scripts = _scripts(draft, base)[0] or {}
        for name in _LIFECYCLE:
            if name in scripts:
                draft.shell(scripts[name], cwd=base, origin=posixpath.join(base, "package.json"))


def _node_create(draft: Draft, rest: list[Word]) -> None:
    if rest and not (rest[0].text or "-").startswith("-"):
        text = rest[0].text or "?"
        scope, slash, name = text.partition("/")
        starter = f"{scope}/create-{name}" if slash and scope.startswith("@") else f"create-{text}"
        install(draft, [known(starter)], "npm")
        draft.project(starter)
    else:
        draft.file(Verb.CREATE, known("package.json"))


def _node_machine(draft: Draft, action: str, spoken: list[str]) -> bool:
    """What reaches beyond the project: another package manager, scripts let loose, a tool of the machine removed."""
    if draft.command == "yarn" and action == "set" and any("://" in one for one in spoken[1:]):
        draft.run_unread(spoken[-1], "this release of the package manager runs from now on")
    elif draft.command == "bun" and action == "pm" and spoken[:1] == ["trust"]:
        draft.opaque("the lifecycle scripts of a package run", " ".join(spoken))
    elif action in _REMOVES and draft.has("global"):
        for one in spoken:
            draft.add(Verb.DELETE, Kind.PACKAGE, one, undo=Reversibility.RECOVERABLE, env=Environment.MACHINE)
    else:
        return False
    return True


def _node_other(draft: Draft, action: str, rest: list[Word], words: list[Word], base: str | None) -> None:
    if _node_machine(draft, action, [w.text or "?" for w in rest]):
        return
    if action in _REMOVES:
        draft.file(Verb.WRITE, known("package.json"))
    elif action in _REGISTRY:
        _node_registry(draft, action, rest)
    elif action in ("token", "login", "adduser", "logout", "profile"):
        reads = action == "token" and not (rest and rest[0].text in ("create", "revoke", "delete"))
        draft.add(Verb.READ if reads else Verb.CONFIGURE, Kind.SECRET, "npm token", labels=(L.SECRET,))
    elif action == "pkg" and rest:
        _node_pkg(draft, rest)
    elif draft.command == "yarn" and action == "set" and rest and rest[0].text in ("version", "resolution"):
        draft.project("yarn set version")
    elif draft.command == "yarn" and action == "plugin" and rest and rest[0].text == "import":
        draft.opaque("a plugin of Yarn is code that runs at every call", " ".join(w.text or "?" for w in rest))
    elif action == "set-script" and len(rest) > 1:
        draft.file(Verb.WRITE, known("package.json"))
        draft.shell_words([rest[1]])
    elif action == "version":
        if rest:
            draft.file(Verb.WRITE, known("package.json"))
    elif action in ("set", "config", "c") and rest and (rest[0].text in ("set", "delete", "rm") or action == "set"):
        _node_config(draft, rest)
    else:
        _node_run(draft, action, rest, words, base)


def _node_pkg(draft: Draft, rest: list[Word]) -> None:
    """`npm pkg set scripts.x='...'`: what is set as a script runs later."""
    if rest[0].text in ("set", "delete", "fix"):
        draft.file(Verb.WRITE, known("package.json"))
    for value in rest[1:] if rest[0].text == "set" else ():
        key, _, text = (value.text or "").partition("=")
        if value.text is None:
            draft.opaque("what is set in package.json is not known", value.source)
        elif key.startswith("scripts"):
            draft.shell(text)


def _node_config(draft: Draft, rest: list[Word]) -> None:
    """Some settings of npm decide what code later runs use."""
    text = " ".join(w.text or "?" for w in rest)
    if any(key in text for key in _GRAVE_SETTINGS):
        draft.file(Verb.WRITE, known("~/.npmrc"), labels=(L.EXECUTES_LATER,))
    else:
        draft.file(Verb.WRITE, known(".npmrc"))


def _node_run(draft: Draft, action: str, rest: list[Word], words: list[Word], base: str | None) -> None:
    if action in ("edit", "explore"):
        draft.project(f"npm {action}")
    elif action in _PROJECT_SCRIPTS or _is_script(draft, action, base):
        name = "test" if action in ("t", "tst") else action
        if draft.command == "bun" and action in ("test", "build"):
            draft.project(f"bun {action}")
        else:
            run_script(draft, known(name), _arguments(words, rest[0] if rest else None, before=True), base)
    elif action in _QUIET:
        return
    elif draft.command == "bun" and re.search(r"\.[cm]?[jt]sx?$", action):
        draft.argv([known("node"), *draft.said.operands])
    elif draft.command in ("yarn", "pnpm", "bun") and _unseen_script(draft, action, base):
        run_script(draft, known(action), _arguments(words, rest[0] if rest else None, before=True), base)
    elif draft.command in ("yarn", "pnpm", "bun"):
        _node_exec(draft, list(draft.said.operands))
    else:
        draft.opaque(f"{draft.command} has no command {action!r} that is known", labels=(L.UNKNOWN_COMMAND,))


def _unseen_script(draft: Draft, action: str, base: str | None) -> bool:
    """Is it a script of a package.json that is not there to be read? These three fetch no program by its name."""
    name = re.fullmatch(r"\w[\w:.-]*", action) is not None
    return name and not known_tool(action) and (base is None or _scripts(draft, base)[0] is None)


def _node_registry(draft: Draft, action: str, rest: list[Word]) -> None:
    name = rest[0].text or "?" if rest else "(this package)"
    if draft.has("dry-run"):
        return
    if action == "unpublish":
        draft.add(
            Verb.DELETE, Kind.PACKAGE, name, undo=Reversibility.IRREVERSIBLE, note="everybody who depends on it breaks"
        )
    elif action in ("owner", "access", "team", "org"):
        if not rest or rest[0].text not in ("ls", "list", "get"):
            draft.add(Verb.GRANT, Kind.PACKAGE, " ".join(w.text or "?" for w in rest))
    elif not (action == "dist-tag" and rest and rest[0].text == "ls"):
        draft.add(
            Verb.PUBLISH,
            Kind.PACKAGE,
            name if action != "dist-tag" else " ".join(w.text or "?" for w in rest),
            undo=Reversibility.IRREVERSIBLE,
        )


def _is_script(draft: Draft, name: str, base: str | None) -> bool:
    if draft.command == "npm" or base is None:
        return False
    scripts = _scripts(draft, base)[0]
    return scripts is not None and name in scripts and name not in _QUIET


def _arguments(words: list[Word], first: Word | None, *, before: bool = False) -> list[Word]:
    """The words after the script's name, without the `--` that npm takes away."""
    if first is None:
        return []
    at = next((i for i, w in enumerate(words) if w is first or w == first), len(words))
    rest = words[at if before else at + 1 :]
    return [w for i, w in enumerate(rest) if not (w.text == "--" and all(r.text != "--" for r in rest[:i]))]


def _scripts(draft: Draft, base: str) -> tuple[dict[str, str] | None, str]:
    """The scripts of the package.json in force, and its directory."""
    folder = base
    for _ in range(16):
        path = posixpath.join(folder, "package.json")
        text = draft.world.text(path)
        if text is not None:
            draft.operands.append(path)
            try:
                data = json.loads(text)
                scripts = data.get("scripts", {}) if isinstance(data, dict) else {}
            except (ValueError, RecursionError):
                return None, folder
            if not isinstance(scripts, dict):
                return None, folder
            return {str(k): v for k, v in scripts.items() if isinstance(v, str)}, folder
        if folder in ("/", draft.setting.workspace):
            break
        folder = posixpath.dirname(folder)
    return None, base


def run_script(draft: Draft, name: Word, arguments: list[Word], base: str | None) -> None:
    """`npm run NAME`: the text in package.json, with its pre and post scripts, is what runs."""
    if name.text is None:
        draft.opaque("which script runs is not known", name.source)
        return
    scripts, folder = _scripts(draft, base) if base is not None and not draft.has("workspace") else (None, "")
    if scripts is None or name.text not in scripts:
        unread_script(draft, name.text, "the package script", base)
        return
    origin = posixpath.join(folder, "package.json")
    for step in (f"pre{name.text}", name.text, f"post{name.text}"):
        if step not in scripts:
            continue
        text = scripts[step]
        if step == name.text and arguments:
            text += "".join(f" {_quoted(w)}" for w in arguments)
        draft.shell(text, cwd=folder, origin=origin)
    draft.project(f"{draft.command} run {name.text}")


def _quoted(value: Word) -> str:
    import shlex

    return shlex.quote(value.text) if value.text is not None else '"$INTERLOCK_UNKNOWN"'


def npx(draft: Draft) -> None:
    """npx, bunx, pnpx: a tool of the project, or a package that is fetched and run at once."""
    for value in draft.values("call"):
        draft.shell_words([value])
    for value in draft.values("package"):
        if value.text is None or not (_local_tool(draft, value.text) or known_tool(_tool_of(value.text))):
            _fetched(draft, value)
    _node_exec(draft, list(draft.said.rest or ()))


def _node_exec(draft: Draft, words: list[Word]) -> None:
    words = [w for i, w in enumerate(words) if not (w.text == "--" and i == 0)]
    while words and (words[0].text or "").startswith("-"):
        words = words[1:]
    if not words:
        return
    name = words[0].text
    if name is None:
        draft.opaque("which package runs is not known", words[0].source)
        return
    bare = re.sub(r"(?<=.)@[^/]*$", "", name)
    # `@somebody/eslint` is not eslint: only a scope whose owner is known stands for the program of that name.
    owned = bare.startswith("@") and look_up(draft, "npm", bare).known
    tool = bare.rpartition("/")[2] if owned else bare
    alias = _PACKAGE_TOOLS.get(bare, tool)
    if _local_tool(draft, bare) or known_tool(alias):
        if known_tool(alias):
            draft.argv([known(alias), *words[1:]])
        else:
            draft.project(f"{draft.command} {bare}")
        return
    _fetched(draft, words[0])
    draft.project(f"{draft.command} {name}")


def _tool_of(package: str) -> str:
    """The program that a package is known for, "" for packages of scopes that stand for nothing here."""
    bare = re.sub(r"(?<=.)@[^/]*$", "", package)
    return _PACKAGE_TOOLS.get(bare, "" if bare.startswith("@") else bare)


def _fetched(draft: Draft, value: Word) -> None:
    """A package is fetched and run at once: known are only starters, for what another program does nobody has said."""
    text = value.text or value.source
    if text.rpartition("/")[2].startswith("create-"):
        install(draft, [value], "npm")
        return
    resembles = look_up(draft, "npm", text).resembles
    note = f"this name is nearly that of {resembles}" if resembles else "fetched and run at once"
    draft.add(Verb.INSTALL, Kind.PACKAGE, text, labels=(L.LOOKALIKE,) if resembles else (), note=note)


_PACKAGE_TOOLS = {
    "@biomejs/biome": "biome",
    "typescript": "tsc",
    "@angular/cli": "ng",
    "@nestjs/cli": "nest",
    "@vue/cli": "vue",
    "@playwright/test": "playwright",
    "aws-cdk": "cdk",
    "@anthropic-ai/claude-code": "claude",
    "@openai/codex": "codex",
    "wrangler": "wrangler",
    "firebase-tools": "firebase",
    "@railway/cli": "railway",
    "netlify-cli": "netlify",
}


def _local_tool(draft: Draft, name: str) -> bool:
    base = base_of(draft)
    if base is None:
        return False
    short = name.rpartition("/")[2]
    return draft.world.kind(posixpath.join(base, "node_modules/.bin", short)) is not None or mentioned(draft, name)
