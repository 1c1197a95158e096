"""The shell's own commands. Each is a function of a `Call`; what it returns is its status when that is known.

Source: bash 5.2 manual, chapter 4.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from interlock.effects.invocation import Word
from interlock.effects.places import absolute, normal
from interlock.effects.shell import printing
from interlock.effects.shell.state import EMPTY, UNKNOWN, State, Val, Var
from interlock.effects.shell.syntax import Assign
from interlock.model import labels
from interlock.model.effect import Effect, Verb

if TYPE_CHECKING:
    from interlock.effects.shell.commands import Commander

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Call(NamedTuple):
    """One builtin about to run. `assigns` are the assignments among the words, by index."""

    shell: Commander
    state: State
    words: tuple[Word, ...]
    assigns: dict[int, Assign]
    start: int
    end: int

    def opaque(self, why: str) -> None:
        self.shell.opaque(self.state, self.start, self.end, why, via=self.words[0].text or "shell")

    def text(self, index: int) -> str | None:
        return self.words[index].text if index < len(self.words) else ""

    def texts(self) -> list[str] | None:
        """The words after the name, when all are known and none stands for several."""
        out: list[str] = []
        for word in self.words[1:]:
            if word.text is None or word.glob:
                return None
            out.append(word.text)
        return out

    def taint(self) -> tuple[str, ...]:
        return tuple(sorted({label for word in self.words[1:] for label in word.taint}))

    def seen(self) -> None:
        self.shell.seen(self.words)


Builtin = Callable[[Call], bool | None]


def value(word: Word) -> Val:
    return Val(word.text, word.prefix if word.text is None else "", word.taint, word.glob)


# -- output


def true(call: Call) -> bool | None:
    call.seen()
    return True


def false(call: Call) -> bool | None:
    call.seen()
    return False


def nothing(call: Call) -> bool | None:
    """Changes nothing that is followed here."""
    call.seen()
    call.state.out.write(None)
    return None


def echo(call: Call) -> bool | None:
    call.seen()
    texts = call.texts()
    text = None
    if texts is not None:
        text = printing.echo(texts) if "xpg_echo" not in call.state.options else None
    call.state.out.write(text, call.taint())
    return True


def printf(call: Call) -> bool | None:
    call.seen()
    texts = call.texts()
    if call.text(1) == "-v":
        name = call.text(2)
        known = texts is not None and len(texts) > 2
        result = printing.printf(texts[2:]) if known and texts is not None else None
        if name is not None and _NAME.match(name):
            call.state.variables[name] = Var(Val(result, taint=call.taint()))
        else:
            call.opaque("printf -v into a name that is not known")
        return None
    call.state.out.write(None if texts is None else printing.printf(texts), call.taint())
    return None


def pwd(call: Call) -> bool | None:
    call.seen()
    call.state.out.write(call.state.cwd + "\n" if call.state.cwd is not None else None)
    return True


def test(call: Call) -> bool | None:
    """`test` and `[`: what they look at changes nothing; arithmetic on hidden code would."""
    call.seen()
    for word in call.words[1:]:
        if word.text is not None and "[" in word.text[1:] and ("$(" in word.text or "`" in word.text):
            call.opaque("a test over text that holds a command substitution")
    return None


# -- directories


def cd(call: Call) -> bool | None:
    call.seen()
    state = call.state
    operands = [
        word for word in call.words[1:] if word.text is None or word.text == "-" or not word.text.startswith("-")
    ]
    if len(operands) > 1:
        return False
    target = value(operands[0]) if operands else call.shell.look(state, "HOME") or UNKNOWN
    return move(call, target)


def move(call: Call, target: Val) -> bool | None:
    """Go to a directory, if it can be told which. A directory that is known not to be there is not gone to."""
    state = call.state
    before = state.cwd
    if target.text == "-":
        state.cwd, state.oldcwd = state.oldcwd, before
        return None
    state.oldcwd = before
    if target.text is None or target.glob:
        state.cwd = None
        return None
    if target.text == "":
        return None
    cdpath = call.shell.look(state, "CDPATH")
    relative = not target.text.startswith(("/", "./", "../")) and target.text not in (".", "..")
    if relative and cdpath is not None and cdpath.text != "":
        state.cwd = None
        return None
    path = target.text if target.text.startswith("/") else None
    if path is None and before is not None:
        path = f"{before}/{target.text}"
    if path is None:
        state.cwd = None
        return None
    found = normal(path)
    state.cwd = found
    if state.place.remote:
        return None
    kind = call.shell.world.kind(found)
    if kind == "directory":
        return True
    parent = found.rpartition("/")[0] or "/"
    if kind is None and call.shell.world.kind(parent) == "directory" and not call.shell.world.changed:
        # It fails unless something that was not seen makes the directory: whoever goes on without asking stays here.
        return None
    return None


def pushd(call: Call) -> bool | None:
    call.seen()
    state = call.state
    before = state.cwd
    if len(call.words) < 2 or (call.text(1) or "").startswith(("+", "-")):
        state.cwd, state.dirs = None, ()
        return None
    move(call, value(call.words[1]))
    state.dirs = (before, *state.dirs)
    call.state.out.write(None)
    return None


def popd(call: Call) -> bool | None:
    call.seen()
    state = call.state
    if state.dirs and len(call.words) == 1:
        state.oldcwd, state.cwd, state.dirs = state.cwd, state.dirs[0], state.dirs[1:]
    else:
        state.cwd, state.dirs = None, ()
    call.state.out.write(None)
    return None


# -- variables


def declare(call: Call) -> bool | None:
    """`export`, `declare`, `typeset`, `local`, `readonly`."""
    call.seen()
    name = call.words[0].text or ""
    flags, start = _flags(call)
    state = call.state
    if name == "export" and "f" in flags:
        return None
    if len(call.words) == start:
        secret = (labels.FROM_ENVIRONMENT,)
        state.out.write(None, secret)
        return None
    if "p" in flags or "f" in flags or "F" in flags:
        state.out.write(None, (labels.FROM_ENVIRONMENT,))
        return None
    exports = name == "export" or "x" in flags
    for index in range(start, len(call.words)):
        _declare_one(call, index, flags, exports=exports and "n" not in flags, local=name == "local")
        if name == "readonly" or "r" in flags:
            call.shell.readonly.add((call.words[index].text or "").partition("=")[0])
    return None


def _flags(call: Call) -> tuple[str, int]:
    flags = ""
    index = 1
    while index < len(call.words) and index not in call.assigns:
        text = call.words[index].text
        if text is None or len(text) < 2 or text[0] not in "-+":
            break
        index += 1
        if text == "--":
            break
        if text[0] == "-":
            flags += text[1:]
    return flags, index


def _declare_one(call: Call, index: int, flags: str, *, exports: bool, local: bool) -> None:
    shell, state = call.shell, call.state
    assign = call.assigns.get(index)
    if assign is not None:
        name = assign.name
        var = shell.value_of(assign, state)
    else:
        word = call.words[index]
        text = word.text
        if text is None or word.glob:
            name, equals, _ = word.prefix.partition("=")
            if not equals or not _NAME.match(name):
                call.opaque("a declaration whose name is not known")
                return
            var = Var(Val(None, word.prefix.partition("=")[2], word.taint))
        elif "=" in text:
            name, _, rest = text.partition("=")
            if not _NAME.match(name):
                if "[" in name and ("$(" in name or "`" in name):
                    call.opaque("a subscript that holds a command substitution")
                return
            var = Var(Val(rest, taint=word.taint))
        else:
            name = text
            if not _NAME.match(name):
                return
            old = state.variables.get(name)
            if local and name not in shell.locals:
                shell.locals[name] = old
                var = Var(None)
            elif exports and old is None:
                return
            elif old is None:
                var = Var(UNKNOWN)
            else:
                var = old
            state.variables[name] = Var(var.value, var.items, exports or var.exported)
            return
    if local or ("declare" in (call.words[0].text or "") and shell.in_function and "g" not in flags):
        shell.locals.setdefault(name, state.variables.get(name))
    current = var.value or EMPTY
    if set(flags) & set("iluAn"):
        var = Var(Val(None, taint=current.taint))
    shell.judge(name, current, state, call.start, call.end)
    old = state.variables.get(name)
    shell.put(
        name, Var(var.value, var.items, exports or var.exported or bool(old and old.exported and not local)), state
    )


def unset(call: Call) -> bool | None:
    call.seen()
    flags, start = _flags(call)
    for word in call.words[start:]:
        name = word.text
        if name is None:
            call.opaque("unset of a name that is not known")
            continue
        if "[" in name and ("$(" in name or "`" in name):
            call.opaque("a subscript that holds a command substitution")
        if "f" in flags:
            call.state.functions.pop(name, None)
        elif name in call.state.variables or "v" in flags or name not in call.state.functions:
            base = name.partition("[")[0]
            call.state.variables[base] = Var(None if base == name else UNKNOWN)
        else:
            call.state.functions.pop(name, None)
    return None


def read(call: Call) -> bool | None:
    """`read`: one line of stdin into names."""
    call.seen()
    state = call.state
    stdin = state.source.take()
    names, array, raw, odd = _read_options(call)
    taint = stdin.taint
    values: list[Val] = [Val(None, taint=taint) for _ in names]
    text = stdin.text
    if text is not None and not odd and not state.source.used and not state.maybe and (raw or "\\" not in text):
        line = text.partition("\n")[0]
        ifs = call.shell.look(state, "IFS")
        if ifs is not None and ifs.text is not None:
            values = [Val(piece, taint=taint) for piece in _cut(line, ifs.text, len(names))]
    state.source.used = True
    for name, given in zip(names, values, strict=False):
        if not _NAME.match(name):
            call.opaque("read into a name that is not a plain variable")
            continue
        old = state.variables.get(name)
        call.shell.judge(name, given, state, call.start, call.end)
        state.variables[name] = Var(given if not array else Val(None, taint=taint), exported=bool(old and old.exported))
    return None


def _read_options(call: Call) -> tuple[list[str], bool, bool, bool]:
    names: list[str] = []
    array = raw = odd = False
    index = 1
    while index < len(call.words):
        text = call.words[index].text
        if text is None:
            call.opaque("read into a name that is not known")
        elif text.startswith("-") and len(text) > 1 and not names:
            for at, flag in enumerate(text[1:]):
                raw = raw or flag == "r"
                array = array or flag == "a"
                if flag in "adeiknNptu":
                    odd = odd or flag in "adnNu"
                    if flag in "adinNptu" and at == len(text) - 2:
                        index += 1
                        if flag == "a" and index < len(call.words):
                            names.append(call.words[index].text or "?")
                    break
        else:
            names.append(text)
        index += 1
    return names or ["REPLY"], array, raw, odd


def _cut(line: str, ifs: str, count: int) -> list[str]:
    blanks = "".join(char for char in ifs if char in " \t")
    if any(char not in " \t\n" for char in ifs) and count > 1:
        sharp = next(char for char in ifs if char not in " \t\n")
        if len(ifs.strip(" \t\n")) > 1 or blanks:
            return []
        pieces = line.split(sharp, count - 1)
    else:
        line = line.strip(blanks) if blanks else line
        pieces = line.split(None, count - 1) if blanks else [line]
        if count == 1:
            pieces = [line]
    return pieces + [""] * (count - len(pieces))


def mapfile(call: Call) -> bool | None:
    call.seen()
    stdin = call.state.source.take()
    call.state.source.used = True
    name = call.words[-1].text if len(call.words) > 1 else "MAPFILE"
    if any(word.text is not None and word.text.startswith("-C") for word in call.words[1:]):
        call.opaque("mapfile with a callback")
    plain = [word.text for word in call.words[1:]]
    if stdin.text is not None and plain in (["-t", name], [name, "-t"]) and name:
        items = tuple(Val(line, taint=stdin.taint) for line in stdin.text.splitlines())
        call.state.variables[name] = Var(items[0] if items else EMPTY, items)
    elif name is not None and _NAME.match(name):
        call.state.variables[name] = Var(Val(None, taint=stdin.taint))
    else:
        call.state.variables["MAPFILE"] = Var(Val(None, taint=stdin.taint))
    return None


def getopts(call: Call) -> bool | None:
    call.seen()
    for name in (call.text(2), "OPTARG", "OPTIND"):
        if name:
            call.state.variables[name] = Var(UNKNOWN)
    return None


def let(call: Call) -> bool | None:
    call.seen()
    from interlock.effects.shell.syntax import Lit

    for word in call.words[1:]:
        if word.text is None:
            call.opaque("let with an expression that is not known")
        else:
            call.shell.arithmetic((Lit(word.text, quoted=True),), call.state, call.start, call.end)
    return None


def shift(call: Call) -> bool | None:
    call.seen()
    count = call.text(1) or "1"
    arguments = call.state.arguments
    if arguments is not None and count.isdigit() and (call.text(1) is not None):
        if int(count[:6]) <= len(arguments):
            call.state.arguments = arguments[int(count[:6]) :]
        return None
    call.state.arguments = None
    return None


def set_(call: Call) -> bool | None:
    call.seen()
    state = call.state
    if len(call.words) == 1:
        state.out.write(None, (labels.FROM_ENVIRONMENT,))
        return True
    index = 1
    while index < len(call.words):
        text = call.text(index)
        if text is None:
            break
        if text in ("--", "-"):
            _arguments(call, index + 1)
            return True
        if not text.startswith(("-", "+")) or len(text) < 2:
            break
        if text in ("-o", "+o"):
            index += 1
            _option(call, call.text(index) or "", on=text == "-o")
        for flag in text[1:]:
            _option(
                call, {"a": "allexport", "f": "noglob", "n": "noexec", "k": "keyword"}.get(flag, ""), on=text[0] == "-"
            )
        index += 1
    if index < len(call.words):
        _arguments(call, index)
    return True


def _arguments(call: Call, start: int) -> None:
    words = call.words[start:]
    if any(word.many for word in words):
        call.state.arguments = None
    else:
        call.state.arguments = tuple(value(word) for word in words)


def _option(call: Call, name: str, *, on: bool) -> None:
    if name == "keyword" and on:
        call.opaque("set -k changes which words are assignments")
    elif name == "noglob":
        call.state.options |= {"globs"}
    elif name == "allexport":
        call.state.options = call.state.options | {name} if on else call.state.options - {name}


def shopt(call: Call) -> bool | None:
    call.seen()
    texts = call.texts()
    if texts is None:
        call.opaque("shopt with words that are not known")
        return None
    for text in texts:
        if text in ("nullglob", "dotglob", "failglob", "globstar", "nocaseglob", "extglob", "globasciiranges"):
            call.state.options |= {"globs"}
        elif text == "xpg_echo":
            call.state.options |= {text}
        elif text == "lastpipe" and "-s" in texts:
            call.opaque("lastpipe changes where a pipeline's last command runs")
    call.state.out.write(None)
    return None


# -- code


def eval_(call: Call) -> bool | None:
    call.seen()
    words = call.words[1:]
    if words and words[0].text == "--":
        words = words[1:]
    if any(word.text is None or word.glob for word in words):
        call.opaque("eval of text that is not known before it runs")
        call.state.out.write(None, (labels.FROM_UNKNOWN,))
        _anything(call)
        return None
    text = " ".join(word.text or "" for word in words)
    return call.shell.text_inside(text, call.state, (call.start, call.end), why="eval")


def _anything(call: Call) -> None:
    """Text nobody read ran in this shell: nothing known of it stays known."""
    state = call.state
    state.variables = {name: Var(UNKNOWN, exported=var.exported) for name, var in state.variables.items()}
    state.variables.update({name: Var(UNKNOWN) for name in ("HOME", "USER", "LOGNAME", "IFS", "PATH", "PWD")})
    state.cwd = None
    call.shell.world.changed = True


def source(call: Call) -> bool | None:
    call.seen()
    shell, state = call.shell, call.state
    if len(call.words) < 2:
        return False
    word = call.words[1]
    path = None
    if word.text is not None and not word.glob:
        path = absolute(word.text, shell.setting, cwd=state.cwd)
    if path is None:
        call.opaque("a sourced file that is not known")
        _anything(call)
        return None
    path = normal(path)
    text = None if state.place.remote else shell.world.text(path)
    if text is None:
        if _environment_script(path, call):
            return None
        call.opaque("a sourced file that cannot be read")
        _anything(call)
        return None
    if path not in shell.world.written:
        shell.operands[path] = None
    kept = state.arguments
    if len(call.words) > 2:
        _arguments(call, 2)
    status = shell.text_inside(text, state, (call.start, call.end), why="source")
    if state.ended == "return":
        state.ended = ""
    if len(call.words) > 2:
        state.arguments = kept
    return status


def _environment_script(path: str, call: Call) -> bool:
    """`bin/activate` of a virtual environment in the workspace: the project's own code, as its tools are."""
    shell = call.shell
    if not path.endswith("/bin/activate") or shell.world.kind(path) is not None or call.state.place.remote:
        return False
    from interlock.effects.places import file_environment, file_resource
    from interlock.model.effect import Resource

    resource = file_resource(path, shell.setting, shell.world, cwd=call.state.cwd)
    if labels.WORKSPACE not in resource.labels:
        return False
    resource = Resource(resource.kind, resource.name, tuple(sorted({*resource.labels, labels.PROJECT})))
    span = shell.span(call.state, call.start, call.end)
    shell.add(Effect(Verb.EXECUTE, resource, file_environment(resource, shell.setting), via="source", span=span))
    return True


def exec_(call: Call) -> bool | None:
    """`exec command`: the shell becomes it. With redirections only, they stay."""
    flags = 1
    while flags < len(call.words) and (call.words[flags].text or "").startswith("-"):
        flags += 2 if (call.words[flags].text or "").endswith("a") else 1
    rest = call.words[flags:]
    if not rest:
        call.seen()
        return None
    _run(call, rest)
    call.state.ended = call.state.ended or "exec"
    return None


def _run(call: Call, words: tuple[Word, ...]) -> None:
    """Run words as a program."""
    if words[0].text is None or words[0].glob:
        call.seen()
        call.opaque("the name of the command is not known before it runs")
        call.state.out.write(None, (labels.FROM_UNKNOWN,))
        return
    call.shell.program(words, call.state, span=(call.start, call.end))


def command(call: Call) -> bool | None:
    """`command`: functions are passed over. `-v` and `-V` only ask."""
    index = 1
    while index < len(call.words):
        text = call.words[index].text
        if text in ("-v", "-V"):
            call.seen()
            call.state.out.write(None)
            return None
        if text not in ("-p", "--"):
            break
        index += 1
    rest = call.words[index:]
    return _beyond(call, rest, index)


def builtin_(call: Call) -> bool | None:
    index = 2 if call.text(1) == "--" else 1
    return _beyond(call, call.words[index:], index)


def _beyond(call: Call, rest: tuple[Word, ...], shift_by: int) -> bool | None:
    if not rest:
        return True
    name = rest[0].text
    run = TABLE.get(name) if name is not None else None
    if run is not None:
        assigns = {index - shift_by: assign for index, assign in call.assigns.items()}
        return run(Call(call.shell, call.state, rest, assigns, call.start, call.end))
    _run(call, rest)
    return None


def trap(call: Call) -> bool | None:
    call.seen()
    index = 2 if call.text(1) == "--" else 1
    if len(call.words) <= index + 1:
        call.state.out.write(None)
        return None
    word = call.words[index]
    if word.text is None:
        call.opaque("a trap whose text is not known")
        return None
    if word.text in ("", "-") or word.text.isdigit() or word.text.startswith("-"):
        return None
    inner = call.state.fork()
    inner.maybe = True
    inner.ended = ""
    inner.leaves = []
    call.shell.text_inside(word.text, inner, (call.start, call.end), why="trap")
    call.shell.traps.append((word.text, (call.start, call.end), call.state.place, dict(call.state.variables)))
    return None


def alias(call: Call) -> bool | None:
    call.seen()
    for word in call.words[1:]:
        name, equals, _ = (word.text or word.prefix).partition("=")
        if not equals:
            continue
        text = word.text.partition("=")[2] if word.text is not None else None
        call.state.aliases[name] = text
    return None


def unalias(call: Call) -> bool | None:
    call.seen()
    for word in call.words[1:]:
        if word.text == "-a":
            call.state.aliases = {}
        elif word.text is not None:
            call.state.aliases.pop(word.text, None)
    return None


def hash_(call: Call) -> bool | None:
    call.seen()
    if any(word.text is None or word.text.startswith("-p") for word in call.words[1:]):
        call.opaque("hash -p makes a name run another program")
    return None


def enable(call: Call) -> bool | None:
    call.seen()
    if any(word.text is None or word.text.startswith("-") for word in call.words[1:]):
        call.opaque("enable changes which commands are builtins, or loads code")
    return None


def interactive(call: Call) -> bool | None:
    """`bind -x`, `complete -C`, `fc`, `history -r`: code by way of the line editor."""
    call.seen()
    if len(call.words) > 1 and call.words[0].text in ("bind", "fc", "compgen", "coproc"):
        call.opaque(f"{call.words[0].text} can run code that is not read here")
    call.state.out.write(None)
    return None


# -- leaving


def exit_(call: Call) -> bool | None:
    call.seen()
    if len(call.words) <= 2:
        call.state.ended = "exit"
    return None


def return_(call: Call) -> bool | None:
    call.seen()
    state = call.state
    if len(call.words) <= 2:
        state.leaves.append(state.fork())
        state.leaves[-1].ended = "return"
        state.ended = "return"
    return None


def leave_loop(call: Call) -> bool | None:
    call.seen()
    state = call.state
    count = call.text(1) or "1"
    if not count.isdigit() or not 0 < int(count[:3]) < 100:
        call.opaque("a loop left by a number that is not known")
        count = "1"
    left = state.fork()
    left.ended = f"{call.words[0].text}{int(count)}"
    state.leaves.append(left)
    state.ended = left.ended
    return None


TABLE: dict[str, Builtin] = {
    ":": true, "true": true, "false": false, "echo": echo, "printf": printf, "pwd": pwd, "test": test, "[": test,
    "cd": cd, "pushd": pushd, "popd": popd, "dirs": nothing,
    "export": declare, "declare": declare, "typeset": declare, "local": declare, "readonly": declare,
    "unset": unset, "read": read, "mapfile": mapfile, "readarray": mapfile, "getopts": getopts, "let": let,
    "shift": shift, "set": set_, "shopt": shopt,
    "eval": eval_, "source": source, ".": source, "exec": exec_, "command": command, "builtin": builtin_,
    "trap": trap, "alias": alias, "unalias": unalias, "hash": hash_, "enable": enable,
    "bind": interactive, "complete": interactive, "compgen": interactive, "compopt": interactive, "fc": interactive,
    "history": interactive,
    "exit": exit_, "logout": exit_, "return": return_, "break": leave_loop, "continue": leave_loop,
    "wait": nothing, "jobs": nothing, "fg": nothing, "bg": nothing, "disown": nothing, "type": nothing, "times": nothing,
    "ulimit": nothing, "umask": nothing, "caller": nothing, "help": nothing, "suspend": nothing,
}  # fmt: skip

# Programs of the same name do the same: what a wrapper runs under these names is known too.
PURE = frozenset({"true", "false", "echo", "printf", "pwd", "test", "["})
