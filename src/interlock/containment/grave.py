"""Which changes of a contained command are held at commit.

Inside the sandbox everything may be written; what matters is what becomes real. Held is what something *outside* reads
or executes later: git's configuration and hooks, settings and memory of agents, editors, continuous integration, what
shells and interpreters load by themselves, links that lead out, and losses beyond a bound. What a person (or policy)
then lets through is committed in a second step.

Pure: both sides of a file, and what else must be known, come in through `Sides`. The lists are data (`grave.toml`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from interlock.containment.change import Change
from interlock.containment.graves import git, installed, links, losses, referred, settings
from interlock.containment.graves.names import split
from interlock.containment.graves.rules import Book, Rule, book
from interlock.containment.graves.steps import Sides, Step
from interlock.containment.graves.steps import steps as taken_apart

_DEEPEST = 8  # directories below which a copy of the workspace is looked for
READ = 256 << 10  # bytes of a file that are looked at; what is larger is held where its content would decide


# Where a wheel may put programs, and the names that none of them has.
_TOOL_PLACE = re.compile(r"(?:^|/)(?:bin|Scripts)/[^/]+$")
_SYSTEM = re.compile(
    r"(?:\w*sh|git|sudo|ssh|env|ls|cat|cp|mv|rm|grep|find|sed|python[0-9.]*|activate.*|node|npm|make|gcc|cc)"
)


class Held(NamedTuple):
    """One change that is not committed by itself."""

    path: str
    rule: str
    why: str


class _Texts:
    """The two sides of a file as text. What is too large to be read counts as absent before and unreadable after."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self.root = sides.root

    def old(self, path: str) -> str | None:
        raw = self._sides.before(path, READ + 1)
        return None if raw is None or len(raw) > READ else raw.decode("utf-8", "surrogateescape")

    def same(self, step: Step) -> bool:
        """Whether only the time is another one."""
        if step.before != "file" or step.after != "file" or step.mode:
            return False
        old, new = (read(step.path, READ + 1) for read in (self._sides.before, self._sides.after))
        return old is not None and old == new and len(old) <= READ

    def new(self, path: str) -> str | None:
        raw = self._sides.after(path, READ + 1)
        return None if raw is None or len(raw) > READ else raw.decode("utf-8", "surrogateescape")


def findings(changes: Iterable[Change], sides: Sides) -> tuple[Held, ...]:
    """What is held and why: at most one reason a path, in the order of the changes."""
    changes = [change for change in changes if change.may_commit]
    lore = book()
    texts = _Texts(sides)
    steps = [step for change in changes for step in taken_apart(change, sides)]
    wheels = _wheels(steps, texts)
    held: dict[str, Held] = {}
    known = referred.referred(texts, lore.referrers, lore.git)
    for step in steps:
        found = None if step.path in wheels and step.before == "none" else _judge(step, texts, sides, lore)
        if not found and step.content and "directory" not in (step.before, step.after):
            by = referred.runs(step.path, known)
            found = ("run-by-configuration", f"{by} names it as a program") if by else None
        if found and not texts.same(step) and not (step.after != "symlink" and sides.vouched(step.path)):
            _hold(held, step, *found)
    for finding in (*_bare(steps, texts, sides, lore), *losses.altered(steps), *losses.losses(steps, sides, lore)):
        _hold(held, *finding)
    return tuple(held.values())


def _hold(held: dict[str, Held], step: Step, rule: str, why: str) -> None:
    # A directory that goes as a whole is one change: it stays for what lies in it.
    inside = step.path.removeprefix(f"{step.change}/") if step.path.startswith(f"{step.change}/") else ""
    held.setdefault(step.change, Held(step.change, rule, f"{inside}: {why}" if inside else why))


def _wheels(steps: Sequence[Step], texts: _Texts) -> set[str]:
    """The programs that packages installed by this command brought for their environment's `bin`, by their records."""
    found: set[str] = set()
    for step in steps:
        if step.path.endswith(".dist-info/RECORD") and not step.gone:
            found |= installed.recorded(texts.new(step.path) or "", step.path.rpartition("/")[0])
    return {path for path in found if _TOOL_PLACE.search(path) and not _SYSTEM.fullmatch(path.rpartition("/")[2])}


def _judge(step: Step, texts: _Texts, sides: Sides, lore: Book) -> tuple[str, str] | None:
    """The rule and the reason, for one path by itself."""
    if step.special:
        return "special-mode", "what is made in this directory later would belong to its group"
    if step.after == "directory" and step.before in ("none", "directory"):
        return _directory(step)
    if not step.content:
        return None
    if step.after == "symlink" and (found := _link(step, sides, lore)):
        return found
    inside = git.place(step.path)
    if inside is not None:
        why = git.grave(inside, texts, lore.git, gone=step.gone, executable=step.executable)
        return ("git", why) if why else None
    if step.after == "directory" or step.before == "directory":
        return None
    if not step.gone and step.before == "none" and links.strange(step.path):
        return "strange-name", "its name carries characters that are not drawn"
    folded = split(step.path)
    for number in lore.names.match(folded):
        rule = lore.rules[number]
        if (why := _by_rule(rule, step, texts, sides)) and not _copied(step, number, sides, lore):
            return rule.id, why
        if rule.tools:
            return None
    return _special(step, folded, texts, lore)


def _copied(step: Step, number: int, sides: Sides, lore: Book) -> bool:
    """Whether the workspace's top has the very same file in force already: a worktree or a copy of the project."""
    names = step.path.split("/")
    if step.before != "none" or step.after != "file":
        return False
    for start in range(1, min(len(names), _DEEPEST)):
        top = "/".join(names[start:])
        if number in lore.names.match(split(top)):
            old = sides.before(top, READ + 1)
            if old is not None and len(old) <= READ and old == sides.after(step.path, READ + 1):
                return True
    return False


def _directory(step: Step) -> tuple[str, str] | None:
    """A directory by itself runs nothing, but for one that people's PATH trusts: `.git/safe/../../bin`."""
    parent, _, name = step.path.rpartition("/")
    trusted = step.before == "none" and name.lower() == "safe" and git.place(parent) is not None
    return ("git", "a search path of commands may lead through it") if trusted else None


def _link(step: Step, sides: Sides, lore: Book) -> tuple[str, str] | None:
    if installed.node_link(step.path, step.target):
        return None
    if links.leaves(step.path, step.target, sides.root):
        if links.interpreter(step.path, step.target):
            return None
        return "link-out", f"it leads out of the workspace, to {step.target}"
    folded = split(step.path)
    if ".git" in folded:
        return "git", "git itself makes no links here"
    if lore.names.leads(folded):
        return "link-in-place", "what is read here later would come from elsewhere"
    return None


def _by_rule(rule: Rule, step: Step, texts: _Texts, sides: Sides) -> str | None:
    if step.gone:
        return f"it guards: {rule.why}" if rule.guards and not rule.lines and not rule.form else None
    if rule.tools:
        return None if _installed(step, texts) else rule.why
    if (not rule.lines and not rule.form) or step.after == "symlink":
        return rule.why
    old, new = texts.old(step.path), texts.new(step.path)
    if new is None:
        return f"{rule.why} (it is too large to be read)"
    if rule.lines:
        return rule.why if settings.changed_lines(old, new, rule.pattern(sides.root)) else None
    key = settings.changed_keys(old, new, rule.form, rule.keys, rule.values, rule.quiet)
    if key is None:
        return None
    return f"{rule.why}: {key}" if key else f"{rule.why} (it cannot be read)"


def _installed(step: Step, texts: _Texts) -> bool:
    """Whether an installer wrote this, in a form that hands over to an installed package and nothing else."""
    if step.after == "symlink":
        plain = "/" not in step.target and step.target not in (".", "..")
        return plain or installed.node_link(step.path, step.target) or links.interpreter(step.path, step.target)
    if not step.executable and not step.path.rpartition("/")[2].startswith(("activate", "Activate")):
        return True  # a program of a tool's directory that cannot be run
    text = texts.new(step.path)
    if text is None:
        return False
    directory = f"{texts.root}/{step.path.rpartition('/')[0]}"
    name = step.path.rpartition("/")[2]
    if name.lower().startswith("activate"):
        return installed.activation(text, name)
    return installed.python_entry(text, directory) or installed.node_shim(text, step.path)


def _special(step: Step, folded: tuple[str, ...], texts: _Texts, lore: Book) -> tuple[str, str] | None:
    """What no pattern can say: attributes and modules of git, and names of commands."""
    name = folded[-1] if folded else ""
    if name == ".gitattributes":
        if git.drivers(texts.old(step.path)) != git.drivers(texts.new(step.path)):
            return "git-attributes", "attributes choose programs that git runs"
    elif name == ".gitmodules" and not step.gone:
        if git.compared(step.path, texts, lore.git, "") or git.odd_module(texts.new(step.path)):
            return "git-modules", "git would fetch or check out a submodule in another way"
    elif step.executable and not step.gone and links.shadows(step.path, lore.commands, lore.places):
        return "shadow", "it could be run in place of the command of that name"
    return None


def _bare(steps: Sequence[Step], texts: _Texts, sides: Sides, lore: Book) -> Iterator[losses.Finding]:
    """Directories that are repositories without being called `.git`: git takes them for one when it stands inside."""
    seen: set[str] = set()
    for step in steps:
        parent, _, name = step.path.rpartition("/")
        hook = False
        if parent.rpartition("/")[2].lower() == "hooks":
            parent, hook = parent.rpartition("/")[0], True
        if step.gone or not (hook or name.lower() in git.TOPS) or git.place(step.path):
            continue
        if parent in seen and not hook:
            continue
        prefix = f"{parent}/" if parent else ""
        head = sides.after(f"{prefix}HEAD", 64)
        if head is None or not all(sides.is_directory(f"{prefix}{part}") for part in ("objects", "refs")):
            continue
        if hook:
            if not name.endswith(".sample"):
                yield step, "git", "git runs hooks by itself"
            continue
        seen.add(parent)
        config = f"{prefix}config"
        new = texts.new(config)
        if why := git.bare(None if step.path != config else texts.old(config), new, lore.git, parent):
            yield step, "git", why
