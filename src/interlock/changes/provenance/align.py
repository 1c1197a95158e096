"""Which elements of one sequence are those of another: anchored on what occurs once, bounded in time. Pure.

Elements that occur once on both sides are matched first, in their longest common order; between two anchors the same is
done again. So a line with a text of its own is not paired with another because of the braces around it. What is left is
compared in full while it is small, and else stays unmatched: an author is then unknown, and no time is lost.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence

_CELLS = 40_000  # of one table; 10 ms
_TABLES = 1_000_000  # of all tables of one alignment


def align(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[int]:
    """For each element of `new` the index of its equal in `old`, or -1. Indexes rise."""
    found = [-1] * len(new)
    room = _TABLES
    todo = [(0, len(old), 0, len(new))]
    while todo:
        top, bottom, left, right = todo.pop()
        while top < bottom and left < right and old[top] == new[left]:
            found[left] = top
            top, left = top + 1, left + 1
        while top < bottom and left < right and old[bottom - 1] == new[right - 1]:
            bottom, right = bottom - 1, right - 1
            found[right] = bottom
        if top == bottom or left == right:
            continue
        anchors = _anchors(old, new, (top, bottom, left, right))
        if anchors:
            for above, under in anchors:
                todo.append((top, above, left, under))
                found[under] = above
                top, left = above + 1, under + 1
            todo.append((top, bottom, left, right))
            continue
        cells = (bottom - top) * (right - left)
        if cells <= _CELLS and cells <= room:
            room -= cells
            _table(old, new, (top, bottom, left, right), found)
    return found


def _anchors(
    old: Sequence[Hashable], new: Sequence[Hashable], within: tuple[int, int, int, int]
) -> list[tuple[int, int]]:
    """Pairs of elements that occur once on each side, as many as rise on both."""
    top, bottom, left, right = within
    above, under = Counter(old[top:bottom]), Counter(new[left:right])
    places = {old[index]: index for index in range(top, bottom) if above[old[index]] == 1}
    pairs = [(places[new[i]], i) for i in range(left, right) if under[new[i]] == 1 and new[i] in places]
    # The longest rising run of old places, in the order of the new ones.
    ends: list[int] = []
    tails: list[int] = []
    before: list[int] = []
    for number, (place, _) in enumerate(pairs):
        at = bisect_left(ends, place)
        before.append(tails[at - 1] if at else -1)
        if at == len(ends):
            ends.append(place)
            tails.append(number)
        else:
            ends[at], tails[at] = place, number
    chain: list[tuple[int, int]] = []
    number = tails[-1] if tails else -1
    while number >= 0:
        chain.append(pairs[number])
        number = before[number]
    return chain[::-1]


def _table(
    old: Sequence[Hashable], new: Sequence[Hashable], within: tuple[int, int, int, int], found: list[int]
) -> None:
    """The longest common subsequence, in full."""
    top, bottom, left, right = within
    rows, columns = bottom - top, right - left
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for row in range(rows - 1, -1, -1):
        this, below = best[row], best[row + 1]
        for column in range(columns - 1, -1, -1):
            if old[top + row] == new[left + column]:
                this[column] = below[column + 1] + 1
            else:
                this[column] = max(below[column], this[column + 1])
    row = column = 0
    while row < rows and column < columns:
        if old[top + row] == new[left + column]:
            found[left + column] = top + row
            row, column = row + 1, column + 1
        elif best[row + 1][column] >= best[row][column + 1]:
            row += 1
        else:
            column += 1
