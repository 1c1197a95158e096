"""Readers for programs that run another one, where the grammar alone does not say which words are the inner command."""

from __future__ import annotations

import re
import shlex

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.invocation import Stdin, Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Environment, Kind, Verb

_MOST_INPUT = 256  # words of a known standard input that xargs is followed through


def interactive(draft: Draft, what: str = "", *, privileged: bool = False) -> None:
    """A shell that waits for a terminal: what is typed there passes no gate."""
    labels = [L.INTERACTIVE, *([L.PRIVILEGED] if privileged else [])]
    draft.add(Verb.EXECUTE, Kind.PROCESS, what or draft.command, labels=labels, note="an interactive shell")


def sudo(draft: Draft) -> None:
    """`sudo`: without a command it opens a shell (-i, -s), edits files (-e) or only asks (-l, -v, -k)."""
    rest = draft.said.rest
    if draft.has("edit"):
        draft.inner.clear()
        for value in rest or ():
            draft.file(Verb.WRITE, value, labels=(L.PRIVILEGED,))
    elif draft.has("list", "validate", "reset-timestamp", "remove-timestamp"):
        if rest is None or draft.has("list"):
            draft.inner.clear()
    elif rest is None and (draft.has("login", "shell") or draft.command == "doas"):
        interactive(draft, f"{draft.command} shell", privileged=True)


def env(draft: Draft) -> None:
    """`env`: with -S it splits a text itself; without a command it prints the environment."""
    split = draft.said.value("split-string")
    if split is not None:
        draft.inner.clear()
        if split.text is None:
            draft.run_unread(split.source, "env -S splits a text that is not known", split.taint)
            return
        try:
            words = [known(w) for w in shlex.split(split.text)]
        except ValueError:
            draft.opaque("env -S cannot be split")
            return
        while words and "=" in (words[0].text or "") and not (words[0].text or "").startswith("-"):
            words.pop(0)
        draft.argv((*words, *(draft.said.rest or ())), clears=draft.has("clear"))
    elif draft.said.rest is None:
        draft.add(Verb.READ, Kind.SYSTEM, "environment variables", env=Environment.MACHINE)
        draft.flow.add(L.FROM_ENVIRONMENT)


def prefix(draft: Draft) -> None:
    """nice takes a bare number (`nice -10 make`), taskset and chrt only look when given a process."""
    if draft.has("pid"):
        return
    draft.argv(draft.said.rest or ())


# How nvm and n name a version of Node.js. `node` is nvm's word for the newest one, and a program elsewhere.
_VERSION = re.compile(r"v?\d+(?:\.\d+){0,2}|(?:lts|iojs|argon)(?:/[\w*]+|[-\w.]*)|stable|latest|current|default|system")


def versioned(draft: Draft) -> None:
    """`nvm exec 18 npm test`, `nvm run 18 app.js`: a version may stand before what is run."""
    words = list(draft.said.rest or ())
    node = [known("node")] if draft.said.path[-1:] == ["run"] else []
    if words and words[0].text == "node":
        draft.argv([*node, *words[1:]])
    elif words and words[0].text and _VERSION.fullmatch(words[0].text):
        words.pop(0)
    draft.argv([*node, *words])


# Options of bubblewrap that take two words, and those that take none; every other takes one.
_BWRAP_TWO = frozenset(
    {
        "--bind",
        "--ro-bind",
        "--dev-bind",
        "--symlink",
        "--setenv",
        "--bind-try",
        "--ro-bind-try",
        "--dev-bind-try",
        "--file",
        "--bind-data",
        "--ro-bind-data",
        "--chmod",
    }
)
_BWRAP_NONE = (
    "--unshare-",
    "--share-net",
    "--die-with-parent",
    "--new-session",
    "--clearenv",
    "--as-pid-1",
    "--disable-userns",
)


def bwrap(draft: Draft) -> None:
    """bubblewrap: the command stands after its own options."""
    words = list(draft.said.operands) + list(draft.said.rest or ())
    raw = list(draft.inv.words[1:])
    index = 0
    while index < len(raw) and (raw[index].text or "").startswith("--"):
        flag = raw[index].text or ""
        index += 1 if flag.startswith(_BWRAP_NONE) else 3 if flag in _BWRAP_TWO else 2
    draft.argv(raw[index:] or words)


def tracer(draft: Draft) -> None:
    """strace and kin; `perf stat|record` has a subcommand first."""
    words = list(draft.said.rest or ())
    for value in draft.values("output"):
        if (value.text or "").startswith(("|", "!")):
            draft.shell((value.text or "")[1:])
        elif draft.command not in ("valgrind", "callgrind"):
            draft.file(Verb.WRITE, value)
    if draft.command == "perf" and words:
        action = words.pop(0).text
        _perf_loads(draft, action or "", words)
        if action not in ("stat", "record", "trace", "mem", "c2c", "bench"):
            return
        while words and (words[0].text or "").startswith("-"):
            flag = words.pop(0).text or ""
            attached = re.match(r"(?:-o|--output=)(.+)", flag)
            if attached:
                draft.file(Verb.WRITE, known(attached.group(1)))
            elif flag in ("-o", "--output") and words:
                draft.file(Verb.WRITE, words.pop(0))
            elif flag in ("-e", "-F", "-p", "-c", "-r") and words:
                words.pop(0)
    draft.argv(words)


_PERF_TAKES = frozenset({
    "-i", "--input", "-F", "--fields", "-f", "-S", "--symbols", "-C", "--cpu", "-c", "--comms", "-p", "--pid", "-t",
    "--tid", "--time", "-k",
})  # fmt: skip
_PERF_LOADS = {
    "script": re.compile(r"-s|--script|-g$|--gen-script|--dlfilter(?!-)"),
    "report": re.compile(r"--objdump|--addr2line"),
    "annotate": re.compile(r"--objdump|--addr2line"),
    "top": re.compile(r"--objdump|--addr2line"),
}


def _perf_loads(draft: Draft, action: str, words: list[Word]) -> None:
    """`perf script FILE` runs a program over the samples, and some options name one that looks at them."""
    option = _PERF_LOADS.get(action)
    texts = [one.text for one in words]
    named = action == "script" and any(
        text is None or (not text.startswith("-") and (at == 0 or texts[at - 1] not in _PERF_TAKES))
        for at, text in enumerate(texts)
    )
    if option is not None and (named or any(text is None or option.match(text) for text in texts)):
        draft.opaque(f"perf {action} runs a program over the samples")


def flock(draft: Draft) -> None:
    """`flock FILE CMD`, `flock FILE -c TEXT`, `flock FD`."""
    lock = draft.said.value("lock")
    if lock is not None and not (lock.text or "").isdigit():
        draft.file(Verb.CREATE, lock)
    words = list(draft.said.rest or ())
    if len(words) >= 2 and words[0].text in ("-c", "--command"):
        draft.shell_words(words[1:2])
    else:
        draft.argv(words)
    _command_flag(draft, "command")


def _command_flag(draft: Draft, *names: str) -> None:
    for name in names:
        for value in draft.values(name):
            draft.shell_words([value])


def watch(draft: Draft) -> None:
    """watch joins its words for a shell unless told to exec; the file watchers exec, or take a text."""
    words = list(draft.said.rest or ())
    if draft.command == "watch" and not draft.has("exec"):
        if words:
            draft.shell_words(words)
    elif draft.command == "entr" and draft.has("shell"):
        draft.shell_words(words[:1])
    elif draft.command in ("watchexec", "entr", "watch"):
        while words and words[0].text == "--":
            words.pop(0)
        draft.argv(words)
    elif draft.command == "nodemon" and words and not draft.values("exec"):
        draft.argv((known("node"), *words))
    elif draft.said.dashes >= 0:
        draft.argv(draft.said.operands[draft.said.dashes :])
    if draft.command == "nodemon" and draft.values("exec"):
        draft.shell_words([*draft.values("exec")[-1:], *words])
    elif draft.command != "watch":
        _command_flag(draft, "exec", "command")


def nix(draft: Draft) -> None:
    """`nix shell -c WORDS`, `nix develop --command WORDS`: the rest of the line is a command."""
    words = list(draft.inv.words)
    at = next((i for i, w in enumerate(words) if w.text in ("-c", "--command")), None)
    if at is not None and draft.command == "nix":
        draft.inner.clear()
        draft.argv(words[at + 1 :])


_RUN_SCRIPTS = frozenset({"npm-run-all", "npm-run-all2", "run-p", "run-s"})


def shell_operands(draft: Draft) -> None:
    """Every operand is a shell text of its own (hyperfine, concurrently)."""
    for name in ("runs", "prepare", "cleanup", "setup"):
        for value in draft.values(name):
            tool, colon, task = (value.text or "").partition(":")
            if draft.command in _RUN_SCRIPTS:
                draft.argv((known("npm"), known("run"), value))
            elif colon and tool in ("npm", "yarn", "pnpm", "bun", "node") and " " not in tool:
                draft.argv((known(tool), known("run"), *map(known, task.split())))
            else:
                draft.shell_words([value])


def xargs(draft: Draft) -> None:
    """The words of standard input become operands of the inner command."""
    words = list(draft.said.rest or ())
    if not words:
        return  # it echoes
    replace = draft.said.value("replace")
    mark = (replace.text or "{}") if replace is not None else ("{}" if draft.has("replace") else "")
    fed = _fed(draft, lines=bool(mark))
    if mark:
        for item in fed:
            draft.argv([_with(w, mark, item) for w in words], stdin=Stdin())
    else:
        draft.argv([*words, *fed], stdin=Stdin())


def _fed(draft: Draft, *, lines: bool) -> list[Word]:
    text = draft.inv.stdin.text
    taint = draft.inv.stdin.taint
    if text is None and draft.inv.stdin.listed and not draft.values("arg-file"):
        return list(draft.inv.stdin.listed)
    if text is None or draft.values("arg-file"):
        return [Word(text=None, source="(standard input)", many=not lines, taint=taint)]
    if draft.has("null"):
        items = text.split("\0")
    elif lines or draft.has("delimiter"):
        items = (
            text.splitlines() if draft.text("delimiter") in (None, "\\n", "\n") else text.split(draft.text("delimiter"))
        )
    else:
        try:
            items = shlex.split(text)
        except ValueError:
            items = text.split()
    items = [i for i in items if i]
    if len(items) > _MOST_INPUT:
        return [
            *map(known, items[:_MOST_INPUT]),
            Word(text=None, source="(more of standard input)", many=True, taint=taint),
        ]
    return [Word(text=i, source=i, prefix=i, taint=taint) for i in items]


def _with(value: Word, mark: str, item: Word) -> Word:
    if value.text is None or mark not in value.text:
        return value
    if item.text is not None:
        text = value.text.replace(mark, item.text)
        return Word(text=text, source=text, prefix=text, taint=item.taint, many=item.many, glob=item.glob)
    head = value.text.split(mark)[0]
    return Word(text=None, source=value.text, prefix=head, taint=item.taint)


def parallel(draft: Draft) -> None:
    """`parallel CMD {} ::: a b`, or lines of standard input."""
    if draft.has("dry"):
        return
    remote = (draft.text("sshlogin") or "").split(",")[0].rpartition("/")[2]
    remote = "" if remote == ":" else remote
    words = list(draft.said.rest or ())
    texts = [w.text for w in words]
    cut = next((i for i, t in enumerate(texts) if t in (":::", "::::", ":::+")), None)
    items = words[cut + 1 :] if cut is not None and texts[cut] == ":::" else _fed(draft, lines=True)
    command = words[:cut] if cut is not None else words
    if not command:
        for item in items:
            draft.shell_words([item], remote=remote)
        return
    for item in items[:64]:
        if any("{" in (w.text or "") for w in command):
            made = [_with(_with(w, "{}", item), "{.}", item) for w in command]
        else:
            made = [*command, item]
        if len(command) == 1 and not re.fullmatch(r"[\w./+-]+", command[0].text or ""):
            draft.shell_words(made, remote=remote)  # the one word is a text for a shell
        else:
            draft.argv(made, stdin=Stdin(), remote=remote)


def su(draft: Draft) -> None:
    """`su [-] [USER] -c TEXT`; without -c a shell opens. `runuser -u USER CMD` runs an argv."""
    user = draft.text("user")
    operands = list(draft.values("account")) + list(draft.values("argument"))
    operands = [o for o in operands if o.text != "-"]
    if user is None and operands:
        user = operands.pop(0).text or "?"
    elif draft.text("user") is not None and operands:
        draft.argv(operands, user=user or "", privileged=True)
        return
    texts = draft.values("command")
    for value in texts:
        draft.shell_words([value], user=user or "root", privileged=True)
    if not texts:
        if draft.inv.stdin.text is not None:
            draft.shell(draft.inv.stdin.text, user=user or "root", privileged=True)
        else:
            interactive(draft, f"{draft.command} {user or 'root'}", privileged=True)


def busybox(draft: Draft) -> None:
    """busybox runs an applet: the grammar already handed it on; alone it lists them."""


def script(draft: Draft) -> None:
    """`script -c TEXT FILE` records a command, as does `script FILE -c TEXT`; without one an interactive shell."""
    texts = draft.values("command")
    rest = list(draft.said.rest or ())
    if rest and (rest[0].text or "").startswith("-"):
        at = next((i for i, w in enumerate(rest) if re.fullmatch(r"-[a-zA-Z]*c|--command", w.text or "")), None)
        texts = [*texts, *(rest[at + 1 : at + 2] if at is not None else [])]
        rest = rest if at is None else []
    draft.argv(rest)
    for value in texts:
        draft.shell_words([value])
    if not texts and draft.said.rest is None:
        if draft.inv.stdin.text is not None:
            draft.shell(draft.inv.stdin.text)
        else:
            interactive(draft)


def expect(draft: Draft) -> None:
    """Expect scripts are Tcl that spawns programs: nobody reads them."""
    draft.opaque("expect drives other programs by a script that is not read")


def at(draft: Draft) -> None:
    """`at` runs the shell text of its input later."""
    if draft.has("list", "delete"):
        if draft.has("delete"):
            for value in draft.values("when"):
                draft.add(Verb.DELETE, Kind.SYSTEM, f"at:{value.text or value.source}")
        return
    if draft.inv.stdin.text is not None:
        draft.shell(draft.inv.stdin.text)
    elif draft.said.value("file") is None or draft.inv.stdin.present:
        draft.run_unread(draft.command, "runs later what it reads", draft.inv.stdin.taint)
    for value in draft.values("file"):
        path = draft.path(value)
        text = draft.content(path) if path else None
        if text is None:
            draft.opaque("runs a file later that cannot be read")
        else:
            draft.shell(text, origin=path or "")


def dotenv(draft: Draft) -> None:
    """`dotenv -- CMD` and `dotenv run CMD`: the command sees the variables of a file; `dotenv get`: they are shown."""
    words = list(draft.said.rest or ())
    texts = [w.text for w in words]
    if "--" in texts:
        draft.argv(words[texts.index("--") + 1 :])
        return
    while words and words[0].text == "run":
        words.pop(0)
    action = words[0].text if words else ""
    if action in ("list", "get", "set", "unset"):
        draft.file(Verb.READ if action in ("list", "get") else Verb.WRITE, known(".env"))
    else:
        draft.argv(words)
