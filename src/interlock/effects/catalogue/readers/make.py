"""make and just: the recipe behind a target is shell text, when it can be read plainly."""

from __future__ import annotations

import posixpath
import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers.packages.common import unread_script
from interlock.effects.invocation import Word

_RULE = re.compile(r"^([^\s:#=][^:#=]*?)\s*::?(?!=)\s*([^#=]*?)(?:;(.*))?$")
_ASSIGN = re.compile(r"^(?:export\s+|override\s+)?([A-Za-z_][\w.-]*)\s*(:::?=|:=|\?=|\+=|=)\s*(.*)$")
_REFERENCE = re.compile(r"\$(?:\(([\w.-]+)\)|\{([\w.-]+)\}|([@<^*?%+|A-Za-z]))")
# A value on the line that a recipe may hand to the shell: several commands, or one of make's functions.
_COMMANDS = re.compile(r"[;`\n]|&&|\|\||\$\(|\|\s*(?:sudo\s+)?(?:\S*/)?(?:ba|da|z|k)?sh\b")
_PLAIN_FLAGS = re.compile(r"^[\sA-Za-eg-z0-9=-]*$")  # -k, -j4, --silent; nothing with f (a makefile) or --eval
_MOST_TARGETS = 32
_MOST_TEXT = 32_768
_DEFAULTS = {"CC": "cc", "CXX": "c++", "RM": "rm -f", "MAKE": "make", "SHELL": "/bin/sh", "AR": "ar", "CURDIR": "."}


class Makefile:
    """Rules and plain variables of one makefile; includes, patterns and functions are not followed."""

    def __init__(self, text: str, given: dict[str, str]) -> None:
        self.variables = dict(_DEFAULTS)
        self.given = given
        self.rules: dict[str, tuple[list[str], list[str]]] = {}
        self.first = ""
        self._read(text.replace("\\\n", " "))

    def _read(self, text: str) -> None:
        here: list[str] = []
        for line in text.split("\n"):
            if line.startswith("\t"):
                for target in here:
                    self.rules[target][1].append(line[1:])
                continue
            match = _ASSIGN.match(line)
            if match and not line.startswith(" "):
                self._assign(match)
                continue
            match = _RULE.match(line)
            if match:
                here = match.group(1).split()
                for target in here:
                    deps, recipe = self.rules.setdefault(target, ([], []))
                    deps.extend(match.group(2).split())
                    if match.group(3):
                        recipe.append(match.group(3))
                if here and not self.first and not here[0].startswith("."):
                    self.first = here[0]
            elif line.strip() and not line.startswith(("#", " ")):
                here = []

    def _assign(self, match: re.Match[str]) -> None:
        name, how, value = match.groups()
        value = value.split(" #")[0].strip()
        if how == "?=" and name in self.variables:
            return
        self.variables[name] = f"{self.variables.get(name, '')} {value}".strip() if how == "+=" else value

    def expand(self, text: str, target: str, deps: list[str], depth: int = 0) -> str:
        """Variables replaced; what is not known becomes a shell variable that nobody set."""

        def one(match: re.Match[str]) -> str:
            name = match.group(1) or match.group(2) or match.group(3)
            if name == "@":
                return target
            if name == "<":
                return deps[0] if deps else ""
            if name in ("^", "+", "?"):
                return " ".join(deps)
            value = self.given.get(name, self.variables.get(name))
            if value is None or depth > 8 or "$(shell" in value:
                return f"${{INTERLOCK_MAKE_{re.sub(r'[^A-Za-z0-9_]', '_', name)}}}"
            return self.expand(value, target, deps, depth + 1)

        parts = text.split("$$")
        return "$".join(_REFERENCE.sub(one, part) for part in parts)

    def recipe(self, target: str, seen: set[str]) -> list[str] | None:
        """The lines that make this target and what it depends on; None when a line cannot be read plainly."""
        if target in seen or len(seen) > _MOST_TARGETS:
            return []
        seen.add(target)
        if target not in self.rules:
            return []
        deps, lines = self.rules[target]
        out: list[str] = []
        plain = [d for d in self.expand(" ".join(deps), target, []).split() if d != "|"]
        for dep in plain:
            more = self.recipe(dep, seen)
            if more is None:
                return None
            out += more
        for line in lines:
            text = self.expand(line.lstrip().lstrip("@-+").strip(), target, plain)
            if re.search(r"(?<!\\)\$\((?:call|eval|foreach|if|file|shell)\b", text):
                return None
            if text and not text.startswith("#"):
                out.append(text)
        return out


def make(draft: Draft) -> None:
    """make: the recipes of the targets, read from the makefile."""
    base = draft.inv.cwd
    for value in draft.values("dir"):
        base = draft.path(value, base) if value.text is not None else None
    targets = [w.text for w in draft.values("target") if w.text is None or "=" not in w.text]
    given = dict((w.text or "").split("=", 1) for w in draft.values("target") if w.text and "=" in w.text)
    dry = draft.has("dry")
    if given.get("SHELL", "sh").rpartition("/")[2] not in ("sh", "bash", "dash", "zsh"):
        draft.opaque("make is given another shell")
    _given(draft, given)
    for value in draft.values("eval"):
        draft.opaque("make is given text to evaluate", value.text or value.source)
    if any(value.text in ("-", "/dev/stdin") for value in draft.values("makefile")):
        draft.opaque("the makefile comes from standard input")
        return
    text, path = _makefile(draft, base)
    if text is None and dry:
        draft.project("make", note="a dry run of a makefile that was not read")
        return
    if any(t is None for t in targets):
        draft.opaque("which target is made is not known")
        return
    names = [t for t in targets if t]
    if text is None or base is None:
        for name in names or [""]:
            unread_script(draft, name, "the makefile", posixpath.dirname(path) if path else base)
        return
    makefile = Makefile(text, given)
    for name in names or [makefile.first]:
        _target(draft, makefile, name, base, path, dry=dry)


def _given(draft: Draft, given: dict[str, str]) -> None:
    """Variables on the line go into recipes: `CC='rm -rf / ;'` is a command, `CFLAGS='-O2 -g'` is not."""
    for name, value in given.items():
        words = value.split()
        if name == "MAKEFILES" or (name in ("MAKEFLAGS", "GNUMAKEFLAGS") and not _plain_flags(value)):
            draft.opaque(f"make is given {name}", value)
        elif _COMMANDS.search(value):
            draft.opaque(f"the value of {name} holds commands", value)
        elif len(words) > 1 and name.isupper() and _is_program(words[0]):
            draft.shell(value)


def _plain_flags(value: str) -> bool:
    return _PLAIN_FLAGS.match(value) is not None and "eval" not in value


def _is_program(name: str) -> bool:
    from interlock.effects.catalogue.packaged import packaged

    return bool(packaged().find(posixpath.basename(name)))


def _target(draft: Draft, makefile: Makefile, name: str, base: str, path: str, *, dry: bool) -> None:
    lines = makefile.recipe(name, set()) if name else None
    if lines is None or (not lines and name not in makefile.rules):
        unread_script(draft, name, "the recipe")
        return
    text = "\n".join(lines)
    if len(text) > _MOST_TEXT:
        draft.opaque("the recipe is too long to be read", name)
        return
    if text and not dry:
        draft.shell(text, cwd=base, origin=path)
    draft.project(f"make {name}".strip())


def _makefile(draft: Draft, base: str | None) -> tuple[str | None, str]:
    if base is None:
        return None, ""
    given = draft.text("makefile")
    names = [given] if given else ["GNUmakefile", "makefile", "Makefile"]
    if draft.command == "just":
        names = [given] if given else ["justfile", "Justfile", ".justfile"]
    for name in names:
        path = posixpath.normpath(posixpath.join(base, name))
        text = draft.content(path)
        if text is not None:
            return text, path
    return None, (posixpath.normpath(posixpath.join(base, given)) if given else "")


_SHELL_RECIPE = re.compile(r"#!\s*(?:\S*/env\s+(?:-S\s+)?)?(?:\S*/)?(?:ba|da|z)?sh\b")
_JUST_RULE = re.compile(r"^@?([A-Za-z_][\w-]*)((?:\s+[^:=]+?)?)\s*:(?!=)\s*(.*)$")


def just(draft: Draft) -> None:
    """just: recipes are indented lines below `name args: deps`."""
    if draft.has("list", "summary", "show", "evaluate", "dump"):
        return
    base = draft.inv.cwd
    text, path = _makefile(draft, base)
    names = [w.text or "" for w in draft.values("target") if "=" not in (w.text or "")]
    if text is None or base is None:
        for one in names or [""]:
            unread_script(draft, one, "the justfile")
        return
    rules: dict[str, tuple[list[str], list[str]]] = {}
    here = ""
    for line in text.split("\n"):
        match = _JUST_RULE.match(line)
        if match:
            here = match.group(1)
            rules[here] = (re.findall(r"[A-Za-z_][\w-]*", match.group(3)), [])
        elif here and line[:1] in (" ", "\t"):
            rules[here][1].append(line.strip().lstrip("@-"))
    # What follows a recipe are its arguments, or, where it wants no more of them, further recipes.
    first = names[0] if names else next(iter(rules), "")
    for name in dict.fromkeys([first, *(n for n in names[1:] if n in rules)]):
        _recipe(draft, rules, name, path)


def _recipe(draft: Draft, rules: dict[str, tuple[list[str], list[str]]], name: str, path: str) -> None:
    lines = _just_lines(rules, name, set())
    if name not in rules or any(x.startswith("#!") and _SHELL_RECIPE.match(x) is None for x in lines):
        unread_script(draft, name, "the recipe")
        return
    script = re.sub(r"\{\{[^}]*\}\}", "${INTERLOCK_JUST}", "\n".join(lines))[:_MOST_TEXT]
    if script:
        draft.shell(script, cwd=draft.inv.cwd, origin=path)
    draft.project(f"just {name}")


def _just_lines(rules: dict[str, tuple[list[str], list[str]]], name: str, seen: set[str]) -> list[str]:
    if name in seen or name not in rules or len(seen) > _MOST_TARGETS:
        return []
    seen.add(name)
    deps, lines = rules[name]
    return [line for dep in deps for line in _just_lines(rules, dep, seen)] + lines


_FURTHER = re.compile(r"[a-z]\w*(?::[a-z]\w*)+")


def further_tasks(draft: Draft) -> None:
    """`rails db:migrate db:drop`: each further name of a task is a task as well, under the same assignments."""
    names = draft.values("name")
    settings = [w for w in names if "=" in (w.text or "")]
    for value in names:
        if _FURTHER.fullmatch(value.text or ""):
            draft.argv([known(draft.command.split(" ")[0]), value, *settings])


def mix_do(draft: Draft) -> None:
    """`mix do a, b` and `mix do a + b`: every part is a task."""
    part: list[Word] = []
    for value in [*(draft.said.rest or ()), known("+")]:
        text = value.text or ""
        if text != "+" and text.rstrip(","):
            part.append(known(text.rstrip(",")) if text.endswith(",") else value)
        if part and (text == "+" or text.endswith(",")):
            draft.argv([known("mix"), *part])
            part = []


def task(draft: Draft) -> None:
    """Other task runners: their files are not read yet, the name of the task decides."""
    names = [w.text or "" for w in draft.values("target") if not (w.text or "").startswith("-")]
    for name in [] if draft.has("quiet") and not names else names or [""]:
        unread_script(draft, name.partition("[")[0], "the task")
