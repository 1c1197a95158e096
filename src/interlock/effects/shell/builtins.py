"""The shell's own commands, but for those that set variables. Each is a function of a `Call`; what it returns is its
status when that is known.

Source: bash 5.2 manual, chapter 4.
"""

from __future__ import annotations

from interlock.effects.invocation import Word
from interlock.effects.places import absolute, file_environment, file_resource, normal
from interlock.effects.shell import builtin_variables as variables
from interlock.effects.shell import environment, history, printing
from interlock.effects.shell.calls import NAME, Builtin, Call, value
from interlock.effects.shell.state import UNKNOWN, Val, Var
from interlock.model import labels
from interlock.model.effect import Effect, Environment, Kind, Resource, Verb

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
    call.state.write(None)
    return None


def echo(call: Call) -> bool | None:
    call.seen()
    texts = call.texts()
    text = None
    if texts is not None:
        text = printing.echo(texts) if "xpg_echo" not in call.state.options else None
    call.state.write(text, call.taint())
    return True


def printf(call: Call) -> bool | None:
    call.seen()
    texts = call.texts()
    if call.text(1) == "-v":
        name = call.text(2)
        known = texts is not None and len(texts) > 2
        result = printing.printf(texts[2:]) if known and texts is not None else None
        if name is not None and NAME.match(name):
            call.state.variables[name] = Var(Val(result, taint=call.taint()))
        else:
            call.opaque("printf -v into a name that is not known")
        return None
    call.state.write(None if texts is None else printing.printf(texts), call.taint())
    return None


def pwd(call: Call) -> bool | None:
    call.seen()
    call.state.write(call.state.cwd + "\n" if call.state.cwd is not None else None)
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
        state.cwd = _one_of(target, before, call) if target.glob else None
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
        # It fails unless something that was not seen makes the directory: whoever goes on without asking may stay here.
        # Going where credentials lie is believed all the same: that is the graver reading of what follows.
        inside = file_resource(f"{found}/*", call.shell.setting, call.shell.world, cwd=found)
        if labels.SECRET not in inside.labels:
            state.doubt = (before,)
    return None


def _one_of(target: Val, before: str | None, call: Call) -> str | None:
    """A directory of the workspace that a pattern describes, under the pattern's own name; None for any other."""
    text = target.text or ""
    path = text if text.startswith("/") else f"{before}/{text}"
    top = call.shell.setting.workspace.rstrip("/") + "/"
    hidden = any(part.startswith(".") and part != "." for part in text.split("/"))
    if before is None or hidden or call.state.place.remote or not normal(path).startswith(top):
        return None
    return normal(path)


def pushd(call: Call) -> bool | None:
    call.seen()
    state = call.state
    before = state.cwd
    if len(call.words) < 2 or (call.text(1) or "").startswith(("+", "-")):
        state.cwd, state.dirs = None, ()
        return None
    move(call, value(call.words[1]))
    state.dirs = (before, *state.dirs)
    call.state.write(None)
    return None


def popd(call: Call) -> bool | None:
    call.seen()
    state = call.state
    if state.dirs and len(call.words) == 1:
        state.oldcwd, state.cwd, state.dirs = state.cwd, state.dirs[0], state.dirs[1:]
    else:
        state.cwd, state.dirs = None, ()
    call.state.write(None)
    return None


# -- code


def eval_(call: Call) -> bool | None:
    call.seen()
    words = call.words[1:]
    if words and words[0].text == "--":
        words = words[1:]
    if any(word.text is None or word.glob for word in words):
        if environment.sets_up(words, call.state):
            _runs(call, environment.name_of(words))
            return None
        call.opaque("eval of text that is not known before it runs", call.taint())
        call.state.write(None, (labels.FROM_UNKNOWN,))
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
    if _environment_script(path, call):
        return None
    text = None if state.place.remote else shell.world.text(path)
    if text is None:
        call.opaque("a sourced file that cannot be read", shell.world.taint(path))
        _anything(call)
        return None
    shell.script(path, state)
    kept = state.arguments
    if len(call.words) > 2:
        variables.arguments(call, 2)
    status = shell.text_inside(text, state, (call.start, call.end), why="source")
    if state.ended == "return":
        state.ended = ""
    if len(call.words) > 2:
        state.arguments = kept
    return status


def _environment_script(path: str, call: Call) -> bool:
    """A file that sets up a tool's environment, as its installer wrote it: run, not read.

    In the workspace: `bin/activate` of a virtual environment that is not there to be read. In the home: what version
    managers install, unless this very text wrote it.
    """
    shell = call.shell
    if call.state.place.remote or path in shell.world.written:
        return False
    resource = file_resource(path, shell.setting, shell.world, cwd=call.state.cwd)
    if labels.WORKSPACE in resource.labels:
        if not path.endswith("/bin/activate") or shell.world.kind(path) is not None:
            return False
        resource = Resource(resource.kind, resource.name, tuple(sorted({*resource.labels, labels.PROJECT})))
    elif not environment.of_a_tool(path, shell.setting.home):
        return False
    span = shell.span(call.state, call.start, call.end)
    shell.add(Effect(Verb.EXECUTE, resource, file_environment(resource, shell.setting), via="source", span=span))
    return True


def _runs(call: Call, name: str) -> None:
    """`eval "$(tool init)"`: the tool's own text for the shell, which nobody reads."""
    span = call.shell.span(call.state, call.start, call.end)
    resource = Resource(Kind.PROCESS, name)
    call.shell.add(Effect(Verb.EXECUTE, resource, Environment.MACHINE, via="eval", span=span))


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
        call.state.write(None, (labels.FROM_UNKNOWN,))
        return
    call.shell.program(words, call.state, span=(call.start, call.end))


def command(call: Call) -> bool | None:
    """`command`: functions are passed over. `-v` and `-V` only ask."""
    index = 1
    while index < len(call.words):
        text = call.words[index].text
        if text in ("-v", "-V"):
            call.seen()
            call.state.write(None)
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
        call.state.write(None)
        return None
    word = call.words[index]
    if word.text is None:
        call.opaque("a trap whose text is not known")
        return None
    if word.text in ("", "-") or word.text.isdigit() or word.text.startswith("-"):
        return None
    inner = call.state.subshell()
    inner.maybe += 1
    call.shell.text_inside(word.text, inner, (call.start, call.end), why="trap")
    call.shell.traps.append((word.text, (call.start, call.end), call.state.place))
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
    """`bind -x`, `complete -C`, `fc`: code by way of the line editor."""
    call.seen()
    if call.words[0].text == "compgen" and all(word.text is not None for word in call.words):
        given = [word.text or "" for word in call.words[1:]]
        if not any(text.startswith(("-C", "-F", "-W")) or "$(" in text or "`" in text for text in given):
            call.state.write(None)
            return None
    if len(call.words) > 1 and call.words[0].text in ("bind", "fc", "compgen", "coproc"):
        call.opaque(f"{call.words[0].text} can run code that is not read here")
    call.state.write(None)
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
    ":": true,
    "true": true,
    "false": false,
    "echo": echo,
    "printf": printf,
    "pwd": pwd,
    "test": test,
    "[": test,
    "cd": cd,
    "pushd": pushd,
    "popd": popd,
    "dirs": nothing,
    "export": variables.declare,
    "declare": variables.declare,
    "typeset": variables.declare,
    "local": variables.declare,
    "readonly": variables.declare,
    "unset": variables.unset,
    "read": variables.read,
    "mapfile": variables.mapfile,
    "readarray": variables.mapfile,
    "getopts": variables.getopts,
    "let": variables.let,
    "shift": variables.shift,
    "set": variables.set_,
    "shopt": variables.shopt,
    "eval": eval_,
    "source": source,
    ".": source,
    "exec": exec_,
    "command": command,
    "builtin": builtin_,
    "trap": trap,
    "alias": alias,
    "unalias": unalias,
    "hash": hash_,
    "enable": enable,
    "bind": interactive,
    "complete": interactive,
    "compgen": interactive,
    "compopt": interactive,
    "fc": interactive,
    "history": history.history,
    "exit": exit_,
    "logout": exit_,
    "return": return_,
    "break": leave_loop,
    "continue": leave_loop,
    "wait": nothing,
    "jobs": nothing,
    "fg": nothing,
    "bg": nothing,
    "disown": nothing,
    "type": nothing,
    "times": nothing,
    "ulimit": nothing,
    "umask": nothing,
    "caller": nothing,
    "help": nothing,
    "suspend": nothing,
}

# Programs of the same name do the same: what a wrapper runs under these names is known too.
PURE = frozenset({"true", "false", "echo", "printf", "pwd", "test", "["})
