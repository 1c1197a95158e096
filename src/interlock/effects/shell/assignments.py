"""Assignments: the values they give, and what giving them makes later commands do."""

from __future__ import annotations

import re

from interlock.effects.hosts import host_environment, host_resource
from interlock.effects.invocation import (
    Word,
)
from interlock.effects.places import file_environment, file_resource
from interlock.effects.shell import history, params
from interlock.effects.shell.hazards import Hazard, hazard, strange_path
from interlock.effects.shell.redirect import Redirector
from interlock.effects.shell.state import EMPTY, UNKNOWN, State, Val, Var
from interlock.effects.shell.syntax import Assign
from interlock.effects.startup_variables import CODE_VARIABLES, COMMAND_VARIABLES
from interlock.model import labels
from interlock.model.effect import Effect, Environment, Kind, Resource, Verb

# `catalogue.programs.startup_variables` judges these before a program, knowing the program.
_CATALOGUE_JUDGES = COMMAND_VARIABLES | CODE_VARIABLES
_FOLDERS = frozenset({"PYTHONPATH", "GIT_DIR", "GIT_COMMON_DIR", "CARGO_HOME"})
_APPENDS = ("PATH=$PATH:", 'PATH="$PATH:', "PATH=${PATH}:", 'PATH="${PATH}:', 'PATH="$PATH":')


# Which processes a variable stands for: `PID=$!`, `PID=$(lsof -ti:3000)`; `kill $PID` is judged by it.
_PROCESSES = re.compile(r"\$!|\$\((?:lsof|pgrep|pidof) [^()]{1,200}\)|\$\(cat [^()]{1,200}\.pid\)")


class Assigner(Redirector):
    """Gives variables their values."""

    # -- assignments

    def value_of(self, assign: Assign, state: State) -> Var:
        """What an assignment gives its variable."""
        old = state.variables.get(assign.name)
        exported = bool(old and old.exported) or "allexport" in state.options
        if assign.items is not None:
            return self.array(assign, old, exported, state)
        value = self.one(assign.value, state) if assign.value is None else self.assigned(assign.value, state)
        if assign.index is not None:
            return self.indexed(assign, value, old, exported, state)
        if assign.append:
            before = self.look(state, assign.name)
            if before is None:
                before = Val(None) if old is None else EMPTY
            value = self.appended(before, value)
        return (
            Var(value, old.items if old is not None and old.items is not None else None, exported)
            if (old is None or old.items is None)
            else Var(value, (value, *old.items[1:]), exported)
        )

    def appended(self, before: Val, value: Val) -> Val:
        taint = tuple(sorted(set(before.taint) | set(value.taint)))
        if before.text is None:
            climbs = ".." in (value.prefix if value.text is None else value.text)
            return Val(None, "" if climbs else before.prefix, taint)
        if value.text is None:
            return Val(None, before.text + value.prefix, taint)
        return Val(before.text + value.text, taint=taint, glob=before.glob or value.glob)

    def array(self, assign: Assign, old: Var | None, exported: bool, state: State) -> Var:
        items: list[Val] = []
        known = True
        if assign.append:
            if old is not None and old.items is not None:
                items.extend(old.items)
            elif old is None or old.value is not None:
                known = False
        for item in assign.items or ():
            if isinstance(item, Assign):
                known = False
                self.one(item.value, state)
                continue
            for word in self.words((item,), state):
                if word.many and not word.glob:
                    known = False
                items.append(Val(word.text, word.prefix if word.text is None else "", word.taint, word.glob))
        taint = tuple(sorted({label for item in items for label in item.taint}))
        if not known or len(items) > 4_096:
            return Var(Val(None, taint=taint), None, exported)
        return Var(items[0] if items else EMPTY, tuple(items), exported)

    def indexed(self, assign: Assign, value: Val, old: Var | None, exported: bool, state: State) -> Var:
        index = params.is_plain_index(assign.index)
        if index is None:
            self.arithmetic(assign.index or (), state, assign.start, assign.end)
        items = list(old.items) if old is not None and old.items is not None else [] if old is None else None
        if items is None or index is None or not index.isdigit() or int(index[:6]) > len(items):
            return Var(Val(None), None, exported)
        at = int(index)
        if at == len(items):
            items.append(value)
        else:
            items[at] = self.appended(items[at], value) if assign.append else value
        return Var(items[0], tuple(items), exported)

    def assign(self, assign: Assign, state: State) -> None:
        """An assignment in the shell itself."""
        var = self.value_of(assign, state)
        self.judge(assign.name, var.value or EMPTY, state, assign.start, assign.end)
        self.put(assign.name, var, state)
        state.options = frozenset(mark for mark in state.options if not mark.startswith(f"from {assign.name} "))
        if assign.value is not None and assign.value.plain is None and not assign.append:
            source = self.texts[-1][assign.value.start : assign.value.end].strip('"')
            if _PROCESSES.fullmatch(source):
                state.options |= {f"from {assign.name} {source}"}

    def put(self, name: str, var: Var, state: State) -> None:
        # An assignment to a readonly name fails, unless its declaration was not reached: either value may hold.
        state.variables[name] = Var(UNKNOWN, exported=var.exported) if name in self.readonly else var

    def judge(self, name: str, value: Val, state: State, start: int, end: int) -> None:
        """What giving a variable this value makes later commands do."""
        if name == "PATH":
            self.judge_path(value, state, start, end)
            return
        if name in history.NAMES:
            if history.switched_off(name, value.text):
                self.add(history.lost(name, self.span(state, start, end), cleared=False))
            return
        found = hazard(name, None if value.glob else value.text)
        if found is Hazard.CODE and name in _FOLDERS and self._of_the_project(value, state):
            return
        if found is Hazard.NONE:
            return
        if found is Hazard.FILE:
            target = file_resource(value.text or value.prefix or name, self.setting, self.world, cwd=state.cwd)
            self.add(
                Effect(
                    Verb.WRITE, target, file_environment(target, self.setting), via=name,
                    notes=(f"{name} names a file that later commands write",), span=self.span(state, start, end),
                )
            )  # fmt: skip
            return
        if found is Hazard.UNCHECKED:
            note = f"{name} makes later commands believe anybody who answers"
            self.add(
                Effect(
                    Verb.CONFIGURE, Resource(Kind.SYSTEM, "certificate checks"), Environment.MACHINE, via=name,
                    notes=(note,), span=self.span(state, start, end),
                )
            )  # fmt: skip
            return
        if found is Hazard.PROXY:
            resource = host_resource(value.text or value.prefix or name, self.setting)
            if not {labels.LOOPBACK, labels.REGISTRY, labels.KNOWN} & set(resource.labels):
                note = f"{name} sends the traffic of later commands through this host"
                self.add(
                    Effect(
                        Verb.CONFIGURE, resource, host_environment(resource, self.setting), via=name, notes=(note,),
                        span=self.span(state, start, end),
                    )
                )  # fmt: skip
        elif found is Hazard.COMMAND and value.text is not None:
            inner = state.fork()
            inner.maybe += 1
            self.text_inside(value.text, inner, (start, end), why=name)
        else:
            kind = "a command of unknown text" if found is Hazard.COMMAND else "code that later commands load"
            self.opaque(state, start, end, f"{name} names {kind}", via=name)

    def _of_the_project(self, value: Val, state: State) -> bool:
        """Whether every folder in a search path lies in the workspace: what is loaded from there is project code."""
        text = value.text
        if text is None and ":" in value.prefix and not value.taint:
            text = value.prefix.rpartition(":")[0]  # what follows is the value that was there before
        if text is None or value.glob:
            return False
        for part in text.split(":"):
            found = file_resource(part or ".", self.setting, self.world, cwd=state.cwd)
            if labels.WORKSPACE not in found.labels:
                return False
        return True

    def judge_path(self, value: Val, state: State, start: int, end: int) -> None:
        """A directory before the old ones can replace any program; one after them replaces none."""
        before = self.look(state, "PATH")
        old = before.text if before is not None else None
        home, workspace = self.setting.home, self.setting.workspace
        if value.text is not None:
            new = value.text.removesuffix(":" + old) if old else value.text
            appended = bool(old) and value.text.startswith(f"{old}:")
            strange = None if appended else strange_path(new.split(":"), old, home, workspace, state.cwd)
        elif value.prefix:
            # `PATH=/x:$PATH` with the old value unknown: what stands before it is new.
            head = value.prefix.split(":")
            strange = strange_path(head[:-1], None, home, workspace, state.cwd) if len(head) > 1 else "?"
        else:
            strange = None if self.source(start, end).startswith(_APPENDS) else "?"
        if strange is not None:
            what = "a directory that is not known" if strange == "?" else strange
            why = f"PATH gets {what}: later commands may be others than their names say"
            self.opaque(state, start, end, why, via="PATH")

    def temporary(self, assigns: tuple[Assign, ...], state: State) -> tuple[tuple[str, Word], ...]:
        """The assignments before a program's name, for that program only."""
        if not assigns:
            return ()
        told = _CATALOGUE_JUDGES
        out: list[tuple[str, Word]] = []
        for assign in assigns:
            value = self.value_of(assign, state).value or EMPTY
            if assign.name not in told:  # the catalogue judges those with the program before it
                self.judge(assign.name, value, state, assign.start, assign.end)
            source = self.texts[-1][assign.start : assign.end]
            out.append(
                (
                    assign.name,
                    Word(
                        value.text, source, state.place.span or (assign.start, assign.end),
                        value.prefix if value.text is None else value.text, value.taint,
                    ),
                )
            )  # fmt: skip
        return tuple(out)
