"""What one change took away: guards of a function that are in it no more, and are nowhere that leads to it. Pure.

Losses are counted net, per function and kind. A guard that is a caller's, a called helper's or a decorator's now is no
loss; nor is a condition whose parts are all still tested in the function. What is left is a loss, with what stands in
its place, if anything does: whether that is as good is the prover's question (`changes/formal`), not answered here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from interlock.changes.guards import verbs
from interlock.changes.guards.comparison import Comparison
from interlock.changes.guards.guard import REJECTIONS, Function, Kind
from interlock.changes.guards.loss import Loss, Sign
from interlock.changes.guards.pairing import Pair, pairs
from interlock.changes.guards.surroundings import Surroundings

_PRINTING = ("String", "GoString", "MarshalJSON", "MarshalText", "__repr__", "__str__", "toJSON", "toString")


def losses(
    before: Iterable[Function],
    after: Iterable[Function],
    renamed: Mapping[str, str] | None = None,
    used: Callable[[str], bool] = lambda _: False,
) -> list[Loss]:
    """What the change from the functions of the old files to those of the new ones takes away.

    Args:
        before: the functions of the old files.
        after: those of the new files.
        renamed: old path -> new path.
        used: whether a name is used in files that the change does not touch. Those may call a function without the
            guard that its callers in the change have now.
    """
    old, new = list(before), list(after)
    changed = pairs(old, new, renamed)
    around = Surroundings(changed, old, new, used)
    helpers = _gone(changed, new)
    found: list[Loss] = []
    for pair in changed:
        if pair.before is not None and pair.after is not None:
            found += Comparison(_whole(pair.before, helpers, pair.after), pair.after, around).losses()
        elif pair.before is not None:
            found += _deleted(pair.before, new, around)
    return found


def _gone(changed: Sequence[Pair], new: Sequence[Function]) -> dict[str, Function]:
    """Functions of the old version that have no successor, by the name that they were called by."""
    alive = {one.short for one in new}
    return {
        p.before.short: p.before
        for p in changed
        if p.before is not None and p.after is None and p.before.short and p.before.short not in alive
    }


def _whole(function: Function, helpers: Mapping[str, Function], after: Function) -> Function:
    """A function with what its helpers guarded that are no more: their guards have to stand in it now, or are lost."""
    used = [helpers[name] for name in sorted(function.calls) if name in helpers and helpers[name] is not function]
    if not used:
        return function
    # What a helper answered early was a part of its answer, and goes with the helper.
    guards = [
        g
        for one in used
        for g in one.guards
        if g.kind is not Kind.DECORATOR and g.family != "answer"
        if g.family not in ("nothing", "skip", "end") or not _gone_with_its_work(one, function, after)
    ]
    return msgspec.structs.replace(
        function,
        guards=(*function.guards, *guards),
        allows=sum((one.allows for one in used), function.allows),
        unsafe=sum((one.unsafe for one in used), function.unsafe),
        inside=tuple(used),
    )


def _gone_with_its_work(helper: Function, caller: Function, after: Function) -> bool:
    """Whether nobody used what a helper answered, and nothing that it called is called now: it left its own work."""
    own = helper.calls - caller.calls
    return bool(own) and caller.asked[helper.short] > 0 and not own & after.calls and not verbs.critical([helper.name])


def _deleted(gone: Function, new: Sequence[Function], around: Surroundings) -> list[Loss]:
    """A function named for what it guards, that refuses, and that is no more: a framework may have called it."""
    if _refusing_handler(gone, new) or _masking(gone):
        return [_gone_whole(gone, "refusal")]
    known = verbs.family(gone.short)
    refuses = any(g.kind in REJECTIONS and g.family in ("refuse", "nothing") for g in gone.guards)
    if known is None or not known[1] or not refuses or not gone.short:
        return []
    if any(one.short == gone.short for one in new):
        return []
    refusals = [g for g in gone.guards if g.kind in REJECTIONS]
    if refusals and all(around.elsewhere(g, gone) for g in refusals):
        return []
    return [_gone_whole(gone, known[0])]


def _gone_whole(gone: Function, family: str) -> Loss:
    return Loss(
        sign=Sign.DELETED,
        family=family,
        path=gone.path,
        function=gone.name,
        line=0,
        was=gone.line,
        text=f"{gone.name}()",
        critical=verbs.critical((gone.path, gone.name)),
    )


def _refusing_handler(gone: Function, new: Sequence[Function]) -> bool:
    """A function inside of another one that does nothing but refuse, and that the other one handed to somebody."""
    outer = gone.name.rpartition(".")[0]
    only = [g for g in gone.guards if g.kind is Kind.RAISE]
    return (
        bool(only)
        and len(only) == len(gone.guards)
        and "NotImplemented" not in only[0].text
        and any(one.name == outer and one.path == gone.path and gone.short not in one.words for one in new)
    )


def _masking(gone: Function) -> bool:
    """A method by which all printouts of something show one fixed text."""
    return gone.short in _PRINTING and re.fullmatch(r"'[^']*'|\"[^\"]*\"", gone.answer) is not None
