"""The builtins that set variables, parameters and options. Source: bash 5.2 manual, chapter 4."""

from __future__ import annotations

from interlock.effects.shell.calls import NAME, Call, value
from interlock.effects.shell.history import lost
from interlock.effects.shell.state import EMPTY, UNKNOWN, Val, Var
from interlock.effects.shell.syntax import Lit
from interlock.model import labels

# -- variables


def declare(call: Call) -> bool | None:
    """`export`, `declare`, `typeset`, `local`, `readonly`."""
    call.seen()
    name = call.words[0].text or ""
    flags, start = _flags(call)
    state = call.state
    if "f" in flags and (name == "export" or "x" in flags):
        state.options |= {f"function {word.text}" for word in call.words[start:]}
        return None
    if "n" in flags and name != "export":
        call.opaque("a variable that is a reference to another")
    if len(call.words) == start or "p" in flags or "f" in flags or "F" in flags:
        functions = "f" in flags or "F" in flags
        state.write(None, () if functions else (labels.FROM_ENVIRONMENT,))
        return None
    exports = name == "export" or "x" in flags
    for index in range(start, len(call.words)):
        _declare_one(call, index, flags, exports=exports and "n" not in flags, local=name == "local")
        declared = (call.words[index].text or "").partition("=")[0]
        if name == "readonly" or "r" in flags:
            call.shell.readonly.add(declared)
        if set(flags) & set("ilu"):
            call.shell.odd.add((call.words[index].text or "").partition("=")[0])
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
    found = _declared(call, index)
    if found is None:
        return
    name, var = found
    if var is None:
        _declare_bare(call, name, exports=exports, local=local)
        return
    inside = call.words[0].text in ("declare", "typeset") and shell.in_function and "g" not in flags
    if local or inside:
        shell.locals.setdefault(name, state.variables.get(name))
    current = var.value or EMPTY
    if set(flags) & set("iluAn"):
        var = Var(Val(None, taint=current.taint))
    assign = call.assigns.get(index)
    start, end = (assign.start, assign.end) if assign is not None else (call.start, call.end)
    shell.judge(name, current, state, start, end)
    old = state.variables.get(name)
    kept = bool(old and old.exported and not local)
    shell.put(name, Var(var.value, var.items, exports or var.exported or kept), state)


def _declared(call: Call, index: int) -> tuple[str, Var | None] | None:
    """The name and the value (None: none is given) that one word of a declaration holds; None when it holds no name."""
    assign = call.assigns.get(index)
    if assign is not None:
        return assign.name, call.shell.value_of(assign, call.state)
    word = call.words[index]
    known = word.text is not None and not word.glob
    text = word.text if known and word.text is not None else word.prefix
    name, equals, rest = text.partition("=")
    if not NAME.match(name):
        if not known:
            call.opaque("a declaration whose name is not known")
        elif "[" in name and ("$(" in name or "`" in name):
            call.opaque("a subscript that holds a command substitution")
        return None
    if not equals:
        if not known:
            call.opaque("a declaration whose name is not known")
            return None
        return name, None
    return name, Var(Val(rest, taint=word.taint) if known else Val(None, rest, word.taint))


def _declare_bare(call: Call, name: str, *, exports: bool, local: bool) -> None:
    """`export x`, `local x`, `declare x`: an attribute, or a new empty variable."""
    shell, state = call.shell, call.state
    old = state.variables.get(name)
    if local and name not in shell.locals:
        shell.locals[name] = old
        var = Var(None)
    elif exports and old is None:
        return
    else:
        var = old if old is not None else Var(UNKNOWN)
    state.variables[name] = Var(var.value, var.items, exports or var.exported)


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
            if base == "HISTFILE":
                call.shell.add(lost("unset", call.shell.span(call.state, call.start, call.end), cleared=False))
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
    if text is None and len(stdin.listed) == 1 and len(names) == 1 and stdin.listed[0].text is not None:
        values = [Val(stdin.listed[0].text, taint=taint, glob=True)]
    if text is not None and not odd and not state.source.used and not state.conditions and (raw or "\\" not in text):
        line = text.partition("\n")[0]
        ifs = call.shell.look(state, "IFS")
        if ifs is not None and ifs.text is not None:
            values = [Val(piece, taint=taint) for piece in _cut(line, ifs.text, len(names))]
    state.source.used = True
    for name, given in zip(names, values, strict=False):
        if not NAME.match(name):
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


def _cut(line: str, ifs: str, count: int) -> list[str | None]:
    """The pieces of a line for `count` names; None where the rules are finer than these."""
    blanks = "".join(char for char in ifs if char in " \t")
    sharp = "".join(char for char in ifs if char not in " \t\n")
    if sharp:
        pieces = line.split(sharp, count - 1) if len(sharp) == 1 and not blanks else []
        if not pieces or sharp in pieces[-1] or line.strip(" \t") != line:
            return [None] * count
    elif not blanks or count == 1:
        pieces = [line.strip(blanks) if blanks else line]
    else:
        pieces = line.strip(blanks).split(None, count - 1)
    return [*pieces, *[""] * (count - len(pieces))]


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
    elif name is not None and NAME.match(name):
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
        state.write(None, (labels.FROM_ENVIRONMENT,))
        return True
    index = 1
    while index < len(call.words):
        text = call.text(index)
        if text is None:
            break
        if text in ("--", "-"):
            arguments(call, index + 1)
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
        arguments(call, index)
    return True


def arguments(call: Call, start: int) -> None:
    words = call.words[start:]
    if any(word.many for word in words):
        call.state.arguments = None
    else:
        call.state.arguments = tuple(value(word) for word in words)


def _option(call: Call, name: str, *, on: bool) -> None:
    if name == "keyword" and on:
        call.opaque("set -k changes which words are assignments")
    elif name == "history" and not on:
        call.shell.add(lost("set", call.shell.span(call.state, call.start, call.end), cleared=False))
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
        elif text in ("xpg_echo", "nocasematch"):
            call.state.options |= {text}
        elif text == "history" and any(t.startswith("-") and "u" in t and "o" in t for t in texts):
            call.shell.add(lost("shopt", call.shell.span(call.state, call.start, call.end), cleared=False))
        elif text == "lastpipe" and "-s" in texts:
            call.opaque("lastpipe changes where a pipeline's last command runs")
    call.state.write(None)
    return None
