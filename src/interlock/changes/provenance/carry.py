"""Owners carried from one content of a file to the next. Pure.

Four looks, the surest first: equal lines in order; a line that moved; a line that only a formatter touched; lines that
were wrapped, joined or changed in part, word by word. What none of them finds is new.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from interlock.changes.provenance.align import align
from interlock.changes.provenance.owners import UNKNOWN, Owner, together
from interlock.changes.provenance.text import Text, telling, weight, words

_KEPT = 0.5  # of a line that must come from an old one before it counts as that line, changed
_LIKE = 0.25  # of both lines that are equal before it may be that line: then nobody knows
_LEAST = 4  # letters that two lines share before it is more than chance
_SEARCHED = 2_000  # lines that are searched for ones that were moved and changed at once
_GAP = 400  # lines of a stretch that is compared word by word


def carry(old: Text, owners: Sequence[Owner], new: Text, newcomer: Owner) -> list[Owner | None]:
    """The owner of each line of `new` that is one of `old`'s, or was made from one; None for what is new.

    `newcomer` changed what is changed in part: both then have a share in it, and where it is nobody's, so is the line.
    """
    found = _in_order(old, new)
    gaps = list(_gaps(found, len(old)))
    _moved(old, new, found)
    said: list[Owner | None] = [owners[at] if at >= 0 else None for at in found]
    taken = set(found)
    for above, under in gaps:
        upper = [i for i in above if i not in taken and telling(old, i)]
        lower = [i for i in under if found[i] < 0 and telling(new, i)]
        if not upper or not lower:
            continue
        if old.lines is None or new.lines is None:
            # Without the old text nobody can tell a line that was wrapped from one that was written.
            for index in lower:
                said[index] = UNKNOWN
        elif len(upper) <= _GAP and len(lower) <= _GAP:
            upper = [i for i in above if i not in taken]
            lower = [i for i in under if found[i] < 0]
            _by_words(old.lines, owners, new.lines, upper, lower, newcomer, said)
    left = {old.loose[i] for i in range(len(old)) if i not in taken and not telling(old, i) and owners[i] != newcomer}
    for index, owner in enumerate(said):
        if owner is None and new.loose[index] in left:
            said[index] = UNKNOWN  # a bracket went and a bracket came: nobody can say whether it is the same
    if old.lines is not None and new.lines is not None:
        gone = [i for i in range(len(old)) if i not in taken and telling(old, i) and owners[i] != newcomer]
        fresh = [i for i, owner in enumerate(said) if owner is None and telling(new, i)]
        for index in alike(old.lines, new.lines, gone, fresh):
            said[index] = UNKNOWN
    return said


def alike(old: Sequence[bytes], new: Sequence[bytes], gone: Sequence[int], fresh: Sequence[int]) -> Iterator[int]:
    """Of the `fresh` lines those that may be one of the `gone`, moved and changed at once."""
    if not gone or not fresh or len(gone) > _SEARCHED or len(fresh) > _SEARCHED:
        return
    holding: dict[bytes, set[int]] = defaultdict(set)
    for i in gone:
        for word in set(words(old[i])):
            if weight(word) >= _LEAST:
                holding[word].add(i)
    sizes = {i: sum(map(weight, words(old[i]))) for i in gone}
    for index in fresh:
        mine = words(new[index])
        shares: Counter[int] = Counter()
        for word in set(mine):
            for i in holding.get(word, ()):
                shares[i] += weight(word)
        size = sum(map(weight, mine))
        if any(share >= _LIKE * size and share >= _LIKE * sizes[i] for i, share in shares.items()):
            yield index


def _in_order(old: Text, new: Text) -> list[int]:
    """For each line of `new` the line of `old` that it is, or -1; indexes rise."""
    found = align(old.exact, new.exact)
    _loosely(old, new, found, plain=False)
    _loosely(old, new, found, plain=True)
    return found


def _loosely(old: Text, new: Text, found: list[int], *, plain: bool) -> None:
    """In each gap, lines that only a formatter touched; those without a text of their own last, by their place."""
    for above, under in list(_gaps(found, len(old))):
        if above and under:
            # A line that is not meant must match nothing: its place stands for it.
            upper = [old.loose[i] if plain or telling(old, i) else ("old", i) for i in above]
            lower = [new.loose[i] if plain or telling(new, i) else ("new", i) for i in under]
            for place, at in zip(under, align(upper, lower), strict=True):
                if at >= 0:
                    found[place] = above[at]


def _moved(old: Text, new: Text, found: list[int]) -> None:
    """Lines that stand elsewhere now, where there is one such line on both sides."""
    taken = set(found)
    gone = [i for i in range(len(old)) if i not in taken and telling(old, i)]
    come = [i for i, at in enumerate(found) if at < 0 and telling(new, i)]
    once = Counter(old.exact[i] for i in gone)
    places = {old.exact[i]: i for i in gone if once[old.exact[i]] == 1}
    again = Counter(new.exact[i] for i in come)
    for i in come:
        if again[new.exact[i]] == 1 and new.exact[i] in places:
            found[i] = places[new.exact[i]]


def _gaps(found: Sequence[int], size: int) -> Iterator[tuple[range, range]]:
    """What lies between two lines that are matched, on both sides."""
    above = left = 0
    for index in range(len(found) + 1):
        at = found[index] if index < len(found) else size
        if at >= 0:
            yield range(above, at), range(left, index)
            above, left = at + 1, index + 1


def _by_words(
    old: Sequence[bytes],
    owners: Sequence[Owner],
    new: Sequence[bytes],
    above: Sequence[int],
    under: Sequence[int],
    newcomer: Owner,
    said: list[Owner | None],
) -> None:
    upper = [(word, i) for i in above for word in words(old[i])]
    lower = [(word, i) for i in under for word in words(new[i])]
    pairs = align([word for word, _ in upper], [word for word, _ in lower])
    whole = Counter(line for _, line in upper)
    used = Counter(upper[at][1] for at in pairs if at >= 0)
    sources: dict[int, Counter[int]] = defaultdict(Counter)
    length = Counter(line for _, line in lower)
    kept: Counter[int] = Counter()
    size: Counter[int] = Counter()
    for (word, line), at in zip(lower, pairs, strict=True):
        size[line] += weight(word)
        if at >= 0:
            kept[line] += 1
            sources[line][upper[at][1]] += weight(word)
    pieces = Counter(origin for origins in sources.values() for origin in origins)
    for line in under:
        if not sources[line]:
            continue
        origins = sources[line]
        if kept[line] == length[line] and all(used[i] == whole[i] for i in origins):
            # Which piece of a line that two hands made is whose, nobody wrote down.
            torn = any(pieces[i] > 1 and blended(owners[i]) for i in origins)
            said[line] = UNKNOWN if torn else together(owners[i] for i in origins)
            continue
        if kept[line] == length[line] and any(pieces[i] > 1 and owners[i] != newcomer for i in origins):
            said[line] = UNKNOWN  # one piece of a line of which another was changed
            continue
        origin, share = origins.most_common(1)[0]
        before = sum(map(weight, words(old[origin])))
        if share >= _LEAST and share >= _LIKE * size[line] and share >= _LIKE * before:
            sure = share >= _KEPT * size[line] and newcomer != UNKNOWN and not blended(owners[origin])
            if owners[origin] != newcomer:
                said[line] = together((owners[origin], newcomer)) if sure else UNKNOWN


def blended(owner: Owner) -> bool:
    """Whether hands of different sorts are in it, of which one may be gone after the next change."""
    return len(owner) > 1 and not all(isinstance(part, int) for part in owner)
