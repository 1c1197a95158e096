"""What commands of PowerShell do: cmdlets by their role, acts and verbs; programs through the catalogue."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.powershell.cmdlets import (
    Bound,
    bind,
    cmdlets,
    full_name,
    is_cmdlet,
    kind_of,
    verb_of,
)
from interlock.effects.catalogue.readers.powershell.members import Members
from interlock.effects.catalogue.readers.system import wide_name
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.environments import environment_of
from interlock.effects.invocation import Stdin, Word, word
from interlock.effects.powershell import Argument, Call, Value, Walker
from interlock.effects.powershell.walk import NOTHING, UNKNOWN, together
from interlock.effects.secret_names import secret_name
from interlock.effects.windows_paths import folder, looks_like_path, windows_word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import ALL, MANY, ONE, Environment, Kind, Reversibility, Verb

_UNIX_OPTION = re.compile(r"--?[\w-]+=?.*")
_BATCH = re.compile(r"[\w.+-]+\.(?:cmd|bat)", re.IGNORECASE)
_ALL_OF_THEM = frozenset({"*", "", "?*"})


class Actions(Members):
    """The host of a walk: each role has its method, called `_<role>`."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft)
        self.depth = 0

    @abstractmethod
    def text(self, text: str, walker: Walker) -> frozenset[str]:
        """Read a text in place."""

    @abstractmethod
    def script(self, value: Word, rest: Iterable[Word], walker: Walker) -> None:
        """Run a script file."""

    # -- the host

    def command(self, call: Call, walker: Walker) -> Value:
        """One command: a cmdlet, a script or a program."""
        name = full_name(call.name)
        if call.name.lower().endswith((".ps1", ".psm1")):
            self.script(word(call.name), [a.value.word() for a in call.arguments if a.value is not None], walker)
            return UNKNOWN
        if not is_cmdlet(name) or (name != call.name.lower() and _for_a_program(call)):
            return self.program(call)
        role, order = cmdlets().roles.get(name, ("", ()))
        bound = bind(call.arguments, order)
        if bound.unsure and verb_of(name) != "reading" and role not in ("print", "block"):
            self.draft.opaque(f"the arguments of {call.name} are not known")
            return UNKNOWN
        if role:
            method = getattr(self, f"_{role}")
            found: Value = method(name, bound, call, walker)
            return found
        return self.by_name(name, bound, call)

    def variable(self, name: str) -> Value | None:
        """Automatic variables and those of the environment."""
        if name.startswith("env:"):
            return self.environment(name[4:])
        if name in ("true", "false", "null"):
            return Value(text={"true": "True", "false": "False", "null": ""}[name], source=f"${name}")
        if name == "home":
            return Value(text=self.draft.setting.home, source="$HOME")
        if name in ("pwd", "psscriptroot"):
            return Value(text=self.cwd if name == "pwd" else None, source=f"${name}")
        return None

    def environment(self, name: str) -> Value:
        """`$env:NAME`: a place that is the same everywhere, a value that is known, or a credential by its name."""
        place = folder(name)
        text = place if place is not None else self.draft.variable(name.upper())
        if text is not None:
            return Value(text=text, source=f"$env:{name}")
        return Value(source=f"$env:{name}", taint=frozenset({L.FROM_SECRET} if secret_name(name) else ()))

    def assign(self, name: str, value: Value) -> None:
        """`$env:NAME = ...` is read as an assignment before whatever runs next."""
        self.assigned.append((name.upper(), value.word()))

    def unread(self, text: str, why: str, taint: Iterable[str]) -> None:
        self.draft.run_unread(text, why, taint)

    # -- programs

    def program(self, call: Call) -> Value:
        """A program: its words go to the catalogue as they would reach it."""
        words = [self._program(call.name)]
        for argument in call.arguments:
            if argument.raw.startswith("@"):
                words.append(Word(text=None, source=argument.raw, many=True))
            elif argument.parameter is not None:
                words += _raw(argument)
            elif argument.value is not None:
                items = argument.value.items
                words += [self._spelled(v.word()) for v in (items if items is not None else (argument.value,))]
        stdin = None
        taint: frozenset[str] = frozenset()
        if call.piped is not None:
            taint = call.piped.taint
            stdin = Stdin(present=True, text=call.piped.text or None, taint=tuple(sorted(taint)))
        if self.cwd is None:
            self.draft.opaque(f"{call.name} runs from a directory that is not known")
        self.draft.argv(words, cwd=self.cwd, stdin=stdin, assignments=tuple(self.assigned))
        return Value(taint=taint | {L.FROM_UNKNOWN}, source=call.name)

    def _program(self, name: str) -> Word:
        """`npm.cmd` is npm; what lies where Windows keeps its programs is known by its name."""
        if _BATCH.fullmatch(name):
            return word(name.rpartition(".")[0])
        return self._spelled(word(name))

    def _spelled(self, value: Word) -> Word:
        if value.text is not None and looks_like_path(value.text):
            return windows_word(value, self.draft.setting)
        return value

    # -- cmdlets by role

    def _print(self, _name: str, bound: Bound, call: Call, _walker: Walker) -> Value:
        given = [*bound.named.values(), *bound.loose, *([call.piped] if call.piped is not None else [])]
        return together(given)

    def _block(self, _name: str, bound: Bound, call: Call, walker: Walker) -> Value:
        """Blocks run here, for what comes down the pipeline; files that pass through a filter are only some of them."""
        outputs = [
            walker.each(value.block, call.piped)
            for given in (*bound.named.values(), *bound.loose)
            for value in (given.items if given.items is not None else (given,))
            if value.block is not None
        ]
        if call.piped is None or _name == "foreach-object":
            return together(outputs)
        flowing = call.piped.taint.union(*(out.taint for out in outputs))
        return Value(taint=flowing, source=call.piped.source, things=call.piped.things, chosen=_name == "where-object")

    def _evaluate(self, _name: str, bound: Bound, call: Call, walker: Walker) -> Value:
        given = bound.get("command") or call.piped or UNKNOWN
        if given.text is None:
            self.draft.run_unread(given.source or "?", "the text that runs is not known", given.taint)
            return UNKNOWN
        return Value(taint=self.text(given.text, walker))

    def _start(self, _name: str, bound: Bound, _call: Call, _walker: Walker) -> Value:
        program = bound.get("filepath")
        if program is None or "whatif" in bound.switches:
            return NOTHING
        target = program.word()
        if target.text is not None and re.match(r"https?://", target.text):
            self.draft.host(Verb.FETCH, target.text, note="opens a browser")
            return NOTHING
        rest = [value.word() for value in bound.each("argumentlist")]
        if len(rest) == 1 and rest[0].text is not None:
            rest = [word(part) for part in rest[0].text.split()]
        verb = bound.get("verb")
        elevated = verb is not None and (verb.text or "runas").lower() == "runas"
        where = bound.get("workingdirectory")
        cwd = self.cwd if where is None else self.place(where.word()).text
        if target.text is None:
            self.draft.run_unread(target.source, "which program starts is not known", target.taint)
        else:
            self.draft.argv([self._spelled(target), *rest], cwd=cwd, privileged=elevated)
            if elevated:
                self.draft.add(Verb.EXECUTE, Kind.PROCESS, target.text, labels=(L.PRIVILEGED,))
        return UNKNOWN

    def _remote(self, name: str, bound: Bound, call: Call, walker: Walker) -> Value:
        where = bound.get("computername", "hostname", "session", "vmname", "vmid", "containerid", "containername")
        blocks = [v.block for v in (*bound.named.values(), *bound.loose) if v.block is not None]
        if where is not None and where.block is None:
            host = where.text or where.source or "?"
            if name == "enter-pssession":
                self.draft.add(Verb.EXECUTE, Kind.PROCESS, host, labels=(L.INTERACTIVE, L.REMOTE),
                               env=environment_of("host", host, self.draft.setting))  # fmt: skip
            else:
                self.draft.add(Verb.EXECUTE, Kind.PROCESS, f"{call.name} on {host}", labels=(L.REMOTE,),
                               env=environment_of("host", host, self.draft.setting))  # fmt: skip
            return UNKNOWN
        if name == "enter-pssession":
            interactive(self.draft)
        script = bound.get("filepath")
        if script is not None:
            self.script(script.word(), (), walker)
        return together([walker.block(block, call.piped) for block in blocks])

    def _module(self, _name: str, bound: Bound, _call: Call, _walker: Walker) -> Value:
        for value in bound.each("name", "path"):
            text = value.text
            if text is None:
                self.draft.run_unread(value.source, "which module loads is not known", value.taint)
            elif looks_like_path(text) or "/" in text or text.lower().endswith((".psm1", ".psd1", ".dll", ".ps1")):
                self.loads(value.word())
        return NOTHING

    def _variable(self, _name: str, bound: Bound, _call: Call, walker: Walker) -> Value:
        name = bound.get("name")
        if name is not None and name.text is not None:
            walker.variables[name.text.lower()] = bound.get("value") or UNKNOWN
        return NOTHING

    def _alias(self, _name: str, bound: Bound, call: Call, _walker: Walker) -> Value:
        target = bound.get("value")
        if target is None or target.text is None or full_name(target.text) == "invoke-expression":
            self.draft.opaque(f"{call.name} gives a command another name")
        return NOTHING

    def _processes(self, _name: str, bound: Bound, _call: Call, _walker: Walker) -> Value:
        given = bound.each("name", "id")
        return Value(source="Get-Process", things=tuple(value.word() for value in given) or (word("*"),))

    def _end(self, _name: str, bound: Bound, call: Call, _walker: Walker) -> Value:
        if "whatif" in bound.switches:
            return NOTHING
        targets = [(value.word(), True) for value in bound.each("id")]
        targets += [(value.word(), False) for value in bound.each("name", "inputobject")]
        if call.piped is not None:
            targets += [(one, call.piped.chosen) for one in call.piped.things or (Word(text=None, source="(piped)"),)]
        for target, by_number in targets:
            text = target.text if target.text is not None else target.source
            one = by_number and target.text is not None and target.text.isdigit()
            everything = not one and (text in _ALL_OF_THEM or wide_name(target.text))
            self.draft.add(
                Verb.DELETE, Kind.PROCESS, text, scale=ALL if everything else ONE if one else MANY,
                labels=(L.GUARD,) if "interlock" in text.lower() else (), undo=Reversibility.IRREVERSIBLE,
            )  # fmt: skip
        return NOTHING

    def _mail(self, _name: str, bound: Bound, _call: Call, _walker: Walker) -> Value:
        flow = {label for value in bound.named.values() for label in value.taint}
        for value in bound.each("attachments"):
            self.draft.file(Verb.READ, self.place(value.word()))
            flow |= self.draft.flow | {L.FROM_FILE}
        server = bound.get("smtpserver")
        self.draft.host(Verb.SEND, (server.text if server is not None else None) or "mail", taint=flow)
        return NOTHING

    def _query(self, _name: str, bound: Bound, _call: Call, _walker: Walker) -> Value:
        words = [word("sqlcmd")]
        for option, name in (("-S", "serverinstance"), ("-d", "database"), ("-Q", "query"), ("-i", "inputfile")):
            value = bound.get(name)
            if value is not None:
                words += [word(option), value.word()]
        self.draft.argv(words, cwd=self.cwd)
        return UNKNOWN

    # -- cmdlets by their name

    def by_name(self, name: str, bound: Bound, call: Call) -> Value:
        """Without a role: the list of the quiet, the acts, then what the verb promises."""
        tables = cmdlets()
        flowing = call.piped.taint if call.piped is not None else frozenset()
        for value in (*bound.named.values(), *bound.loose):
            flowing |= value.taint
        if name in tables.quiet or ("whatif" in bound.switches and verb_of(name)):
            things = call.piped.things if call.piped is not None else ()
            return Value(taint=flowing, things=things, chosen=call.piped is not None and call.piped.chosen)
        if name in tables.project:
            self.draft.project(call.name)
            return UNKNOWN
        act = next((act for act in tables.acts if act.fits(name)), None)
        about = next((v.text or v.source for v in (*bound.each("name", "identity", "id"), *bound.loose)), "")
        noun = call.name.partition("-")[2] + (f":{about}" if about else "")
        if act is not None:
            self._act(act.verb, act.kind, act.name or noun, call, label=act.label, env=act.env)
        elif verb_of(name) == "removing":
            self._act("delete", kind_of(name), noun, call, clue=about)
        elif verb_of(name) == "changing":
            self._act("configure", kind_of(name), noun, call, clue=about)
        elif verb_of(name) != "reading":
            self.draft.opaque(f"{call.name} is not in the list of cmdlets", labels=(L.UNKNOWN_COMMAND,))
        return Value(taint=flowing, source=call.name)

    def _act(
        self, verb: str, kind: str, name: str, call: Call, *, label: str = "", env: str = "", clue: str = ""
    ) -> None:
        if verb == "opaque":
            self.draft.opaque(f"what {call.name} does is not known", call.name)
            return
        if verb == "send":
            flow = {t for a in call.arguments if a.value is not None for t in a.value.taint}
            self.draft.host(Verb.SEND, name, taint=flow | (set(call.piped.taint) if call.piped else set()))
            return
        environment = Environment(env) if env else None
        if clue and kind == "cloud_resource":
            environment = environment_of("project", clue, self.draft.setting)
        self.draft.add(
            Verb(verb), Kind(kind), name, labels=(label,) if label else (), env=environment,
            undo=Reversibility.IRREVERSIBLE if verb in ("delete", "overwrite", "send") else None,
            scale=ALL if kind == "device" else ONE, note=call.name,
        )  # fmt: skip


def _for_a_program(call: Call) -> bool:
    """Whether a short name got the options of the program of that name (`curl -sSL`, `rm -rf`, `ls -la`)."""
    known = cmdlets()
    for argument in call.arguments:
        value = argument.value.text if argument.value is not None else None
        text = argument.raw if argument.parameter is not None else value or ""
        if text.startswith("--") or re.fullmatch(r"-\d+", text):
            return True
        if argument.parameter is not None:
            lower = argument.parameter.lower()
            if not any(name.startswith(lower) for name in (*known.switches, *known.valued)) and len(lower) < 9:
                return True
        elif _UNIX_OPTION.fullmatch(text) and not argument.raw:
            return True
    return False


def _raw(argument: Argument) -> list[Word]:
    if argument.value is None:
        return [word(argument.raw)]
    value = argument.value.word()
    if value.text is not None:
        return [word(argument.raw + value.text)]
    return [Word(text=None, source=argument.raw + value.source, prefix=argument.raw + value.prefix, taint=value.taint)]
