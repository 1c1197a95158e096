"""What only many changes together show: installed packages altered, many files lost, many turned into noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from interlock.containment.graves import git, installed, noise
from interlock.containment.graves.names import split
from interlock.containment.graves.rules import Book
from interlock.containment.graves.steps import Sides, Step

_LOOKED = 200
Finding = tuple[Step, str, str]


def altered(steps: Sequence[Step]) -> Iterator[Finding]:
    """Files of installed packages that changed although nothing was installed."""
    touched: dict[str, list[Step]] = {}
    renewed: set[str] = set()
    for step in steps:
        package = installed.package(step.path)
        if package is None:
            if step.after == "file" and step.content and (module := installed.module(step.path)):
                touched.setdefault(module, []).append(step)
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
            why = "an installed package changed, and nothing was installed"
            yield from ((step, "package-altered", why) for step in found)


def losses(steps: Sequence[Step], sides: Sides, lore: Book) -> Iterator[Finding]:
    """Many files gone or emptied of which git has no copy; many rewritten into noise."""
    gone = {s.path: s for s in steps if s.gone and s.before == "file" and _matters(s.path, lore)}
    rewritten = {s.path: s for s in steps if s.before == "file" == s.after and s.content and _matters(s.path, lore)}
    lost = gone | {path: step for path, step in rewritten.items() if step.emptied}
    if len(lost) > lore.deleted:
        unsaved = sides.unsaved(list(lost))
        if len(unsaved) > lore.deleted:
            why = f"{len(unsaved)} files would be lost of which git has no copy"
            yield from ((step, "many-lost", why) for step in lost.values())
    found = _noise(gone, rewritten, steps, sides, lore.scrambled)
    yield from ((step, "scrambled", f"{len(found)} files became noise, as if encrypted") for step in found)


def _noise(
    gone: dict[str, Step], rewritten: dict[str, Step], steps: Sequence[Step], sides: Sides, bound: int
) -> list[Step]:
    """Those changed in place, or replaced by one that is named after them (`a.txt` gone, `a.txt.locked` there)."""
    named: dict[str, list[Step]] = {}
    for step in steps:
        if step.before == "none" and step.after == "file":
            named.setdefault(step.path.rpartition(".")[0], []).append(step)
    pairs = [(old, new) for path, old in gone.items() for new in named.get(path, ())]
    if len(rewritten) + len(pairs) < bound:
        return []
    changed = list(rewritten.values())
    # Of very many files some are looked at first: an encryptor leaves no form in most of them.
    some = changed[:: max(1, len(changed) // _LOOKED)]
    found = [step for step in some if _scrambled(sides, step.path, step.path)]
    if found and len(some) < len(changed):
        found = [step for step in changed if _scrambled(sides, step.path, step.path)]
    for old, new in pairs:
        if _scrambled(sides, old.path, new.path):
            found += [old, new]
    return found if len(found) >= bound else []


def _scrambled(sides: Sides, old: str, new: str) -> bool:
    return noise.scrambled(lambda: sides.before(old, noise.SAMPLE), sides.after(new, noise.SAMPLE))


def _matters(path: str, lore: Book) -> bool:
    return git.place(path) is None and not lore.regenerable.match(split(path))
