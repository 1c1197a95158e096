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
from typing import NamedTuple, Protocol

from interlock.containment.change import Change
from interlock.containment.graves import bulk, git, installed, links, settings
from interlock.containment.graves.names import split
from interlock.containment.graves.rules import Book, Rule, book

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


class Sides(Protocol):
    """The workspace before and after, as far as a rule needs it. Paths are those of changes."""

    @property
    def root(self) -> str:
        """The workspace's absolute path."""

    def before(self, path: str, limit: int) -> bytes | None:
        """The first bytes of the original; None where it was no regular file."""

    def after(self, path: str, limit: int) -> bytes | None:
        """The first bytes of the file as the command left it, changed or not; None where there is no regular file."""

    def below(self, path: str) -> Iterable[str]:
        """Every file and link below a directory of the original, at any depth, as paths of the workspace."""

    def is_directory(self, path: str) -> bool:
        """Whether there is a directory after the command."""

    def vouched(self, path: str) -> bool:
        """Whether the path is now exactly as in a commit that the repository had before the agent's session."""

    def unsaved(self, paths: Sequence[str]) -> Sequence[str]:
        """Those of the original files of which git has no copy."""


class _Step(NamedTuple):
    """One path with its kinds on both sides; directories deleted or renamed as a whole are taken apart into these."""

    path: str
    before: str
    after: str
    executable: bool
    content: bool  # more than permissions that let nothing run
    mode: bool = False  # it may be run now, or no longer
    target: str = ""

    @property
    def gone(self) -> bool:
        return self.after == "none"


class _Texts:
    """The two sides of a file as text. What is too large to be read counts as absent before and unreadable after."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self.root = sides.root

    def old(self, path: str) -> str | None:
        raw = self._sides.before(path, READ + 1)
        return None if raw is None or len(raw) > READ else raw.decode("utf-8", "surrogateescape")

    def same(self, step: _Step) -> bool:
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
    steps = [step for change in changes for step in _steps(change, sides)]
    held: dict[str, Held] = {}
    wheels = _wheels(steps, texts)
    for step in steps:
        found = None if step.path in wheels and step.before == "none" else _judge(step, texts, sides, lore)
        if found and not (step.after != "symlink" and sides.vouched(step.path)):
            held.setdefault(step.path, Held(step.path, *found))
    for finding in (*_bare(steps, texts, sides, lore), *_altered(steps), *_losses(changes, steps, sides, lore)):
        held.setdefault(finding.path, finding)
    return tuple(held.values())


def _steps(change: Change, sides: Sides) -> Iterator[_Step]:
    before, after = change.before, change.after
    if change.what == "xattr":
        return
    if change.what == "renamed" and before.kind == "directory":
        # What lies inside has changes of its own, but not at the old place.
        yield from (_Step(path, "file", "none", executable=False, content=True) for path in sides.below(change.source))
        return
    if before.kind == "directory" and after.kind != "directory":
        yield _Step(change.path, "directory", after.kind, executable=False, content=True, target=after.target)
        for path in sides.below(change.path):
            yield _Step(path, "file", "none", executable=False, content=True)
        return
    if change.what == "renamed" and before.kind != "none":
        yield _Step(change.source, before.kind, "none", executable=False, content=True)
    before_kind = "none" if change.what == "renamed" else before.kind
    yield _Step(
        change.path,
        before_kind,
        after.kind,
        executable=bool(after.mode & 0o111),
        content=change.what != "mode" or bool((before.mode ^ after.mode) & 0o111),
        mode=bool((before.mode ^ after.mode) & 0o111),
        target=after.target,
    )


def _wheels(steps: Sequence[_Step], texts: _Texts) -> set[str]:
    """The programs that packages installed by this command brought for their environment's `bin`, by their records."""
    found: set[str] = set()
    for step in steps:
        if step.path.endswith(".dist-info/RECORD") and not step.gone:
            found |= installed.recorded(texts.new(step.path) or "", step.path.rpartition("/")[0])
    return {path for path in found if _TOOL_PLACE.search(path) and not _SYSTEM.fullmatch(path.rpartition("/")[2])}


def _judge(step: _Step, texts: _Texts, sides: Sides, lore: Book) -> tuple[str, str] | None:
    """The rule and the reason, for one path by itself."""
    if not step.content or texts.same(step):
        return None
    if step.after == "symlink" and (found := _link(step, sides, lore)):
        return found
    inside = git.place(step.path)
    if inside is not None:
        if step.after == "directory" and inside[1] and inside[1] != ("safe",):
            return None
        if step.after == "directory" and not inside[1] and step.before == "none":
            return None
        why = git.grave(inside, texts, lore.git, gone=step.gone, executable=step.executable)
        return ("git", why) if why else None
    if step.after == "directory" or step.before == "directory":
        return None
    if not step.gone and step.before == "none" and links.strange(step.path):
        return "strange-name", "its name carries characters that are not drawn"
    folded = split(step.path)
    for number in lore.names.match(folded):
        rule = lore.rules[number]
        if why := _by_rule(rule, step, texts, sides):
            return rule.id, why
        if rule.tools:
            return None
    return _special(step, folded, texts, lore)


def _link(step: _Step, sides: Sides, lore: Book) -> tuple[str, str] | None:
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


def _by_rule(rule: Rule, step: _Step, texts: _Texts, sides: Sides) -> str | None:
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


def _installed(step: _Step, texts: _Texts) -> bool:
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


def _special(step: _Step, folded: tuple[str, ...], texts: _Texts, lore: Book) -> tuple[str, str] | None:
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


def _bare(steps: Sequence[_Step], texts: _Texts, sides: Sides, lore: Book) -> Iterator[Held]:
    """Directories that are repositories without being called `.git`: git takes them for one when it stands inside."""
    seen: set[str] = set()
    for step in steps:
        parent, _, name = step.path.rpartition("/")
        hook = False
        if parent.rpartition("/")[2].lower() == "hooks":
            parent, hook = parent.rpartition("/")[0], True
        if git.place(step.path) or not (hook or name.lower() in git.TOPS) or step.gone:
            continue
        if parent in seen and not hook:
            continue
        prefix = f"{parent}/" if parent else ""
        head = sides.after(f"{prefix}HEAD", 64)
        if head is None or not all(sides.is_directory(f"{prefix}{part}") for part in ("objects", "refs")):
            continue
        if hook:
            if not name.endswith(".sample"):
                yield Held(step.path, "git", "git runs hooks by itself")
            continue
        seen.add(parent)
        config = f"{prefix}config"
        new = texts.new(config)
        if why := git.bare(None if step.path != config else texts.old(config), new, lore.git, parent):
            yield Held(config if step.path == config else step.path, "git", why)


def _altered(steps: Sequence[_Step]) -> Iterator[Held]:
    """Files of installed packages that changed although nothing was installed."""
    touched: dict[str, list[_Step]] = {}
    renewed: set[str] = set()
    for step in steps:
        package = installed.package(step.path)
        if package is None:
            continue
        if package.endswith((".dist-info", ".egg-info")) or step.path == f"{package}/package.json":
            renewed.add(package)
        elif step.content and step.before == "file" and step.after == "file":
            touched.setdefault(package, []).append(step)
    if any(name.endswith((".dist-info", ".egg-info")) for name in renewed):
        # A distribution's name and its package's need not agree: an installation renews all of its directory.
        renewed |= {name for name in touched if any(name.rpartition("/")[0] == r.rpartition("/")[0] for r in renewed)}
    for package, found in touched.items():
        if package not in renewed:
            yield from (
                Held(s.path, "package-altered", "an installed package changed, and nothing was installed")
                for s in found
            )


def _losses(changes: Sequence[Change], steps: Sequence[_Step], sides: Sides, lore: Book) -> Iterator[Held]:
    gone = [s.path for s in steps if s.gone and s.before == "file" and _matters(s.path, lore)]
    emptied = [
        c.path for c in changes if c.what == "changed" and c.before.size and not c.after.size and c.after.kind == "file"
    ]
    lost = [*gone, *(path for path in emptied if _matters(path, lore))]
    if len(lost) > lore.deleted:
        unsaved = sides.unsaved(lost)
        if len(unsaved) > lore.deleted:
            yield from (
                Held(path, "many-lost", f"{len(unsaved)} files would be lost of which git has no copy") for path in lost
            )
    created = {s.path for s in steps if s.before == "none" and s.after == "file"}
    endings: dict[str, list[str]] = {}
    for path in created:
        endings.setdefault(path.rpartition(".")[0], []).append(path)
    pairs = [(path, there) for path in gone for there in endings.get(path, ())]
    rewritten = bulk.rewritten(
        (
            c.path
            for c in changes
            if c.what == "changed" and c.after.kind == "file" and c.after.size and _matters(c.path, lore)
        ),
        pairs,
        lambda path: sides.before(path, bulk.SAMPLE),
        lambda path: sides.after(path, bulk.SAMPLE),
        lore.scrambled,
    )
    yield from (Held(path, "scrambled", f"{len(rewritten)} files became noise, as if encrypted") for path in rewritten)


def _matters(path: str, lore: Book) -> bool:
    return git.place(path) is None and not lore.regenerable.match(split(path))
