"""Cut a series into stretches without holes, and draw the floor of each.

What an app keeps for good raises the *floor* of its readings; buffers,
collections and noise only raise the readings above it. So a stretch is cut
into segments, and the segments' minima are its floor.

Knows numbers only: not meters, not thresholds, not what a stage was for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from itertools import pairwise
from math import sqrt

Piece = tuple[Sequence[int], Sequence[int]]
"""A stretch without a hole: iterations, rising strictly, and the readings there."""

Path = tuple[list[float], list[float]]
"""x in iterations and y in the meter's unit, both from 0."""


def split_at_holes(iterations: Sequence[int], values: Sequence[int]) -> list[Piece]:
    """Cut a series where iterations are missing (they were traced, or replayed).

    A hole is a stride of more than twice the usual one: batches of a stage are of
    much the same length. Two readings at the same iteration
    (before and after a rest) are one, the later.
    """
    if not iterations:
        return []
    columns = dict(zip(iterations, values, strict=True))
    x, y = list(columns), list(columns.values())
    strides = sorted(b - a for a, b in pairwise(x))
    if not strides:
        return [(x, y)]
    usual = strides[len(strides) // 2]
    if strides[-1] <= 2 * usual:
        return [(x, y)]
    cuts = [n + 1 for n in range(len(x) - 1) if x[n + 1] - x[n] > 2 * usual]
    return [(x[a:b], y[a:b]) for a, b in pairwise([0, *cuts, len(x)])]


def join_touching(pieces: Sequence[Piece]) -> list[Piece]:
    """Make one of stretches where each begins at the iteration at which the one before ended.

    The reading there is the later one, as in `split_at_holes`.
    """
    joined: list[Piece] = []
    for x, y in pieces:
        if joined and joined[-1][0][-1] == x[0]:
            before_x, before_y = joined[-1]
            joined[-1] = ([*before_x[:-1], *x], [*before_y[:-1], *y])
        else:
            joined.append((x, y))
    return joined


# One rise that is this share of all that ever rose, and this much larger than any other,
# is an event of its own: an index rebuilt larger, a dict doubled, a module imported late.
JUMP_SHARE = 0.3
JUMP_RATIO = 3.0

# Each of several events dwarfs what is left once the larger ones are out.
MOST_JUMPS = 3

# Of fewer rises, one is always a large share.
LEAST_TO_CUT = 10


def split_at_jumps(pieces: Sequence[Piece]) -> list[Piece]:
    """Cut stretches where one rise dwarfs all others, so that it counts no more than a hole.

    Regular rises, however few, are never cut: of two equal ones neither dwarfs the other.
    """
    kept = list(pieces)
    if sum(len(x) for x, _ in pieces) < LEAST_TO_CUT:
        return kept
    for _ in range(MOST_JUMPS):
        rises = sorted(
            (
                (y[place] - y[place - 1], number, place)
                for number, (_, y) in enumerate(kept)
                for place in range(1, len(y))
                if y[place] > y[place - 1]
            ),
            reverse=True,
        )
        if not rises:
            break
        largest, number, place = rises[0]
        second = rises[1][0] if len(rises) > 1 else 0
        if largest < JUMP_RATIO * second or largest < JUMP_SHARE * sum(rise for rise, _, _ in rises):
            break
        x, y = kept[number]
        kept[number : number + 1] = [(x[:place], y[:place]), (x[place:], y[place:])]
    return kept


def after(pieces: Sequence[Piece], iteration: float) -> list[Piece]:
    """What was read at `iteration` or later."""
    kept = []
    for x, y in pieces:
        start = bisect_left(x, iteration)
        if start < len(x):
            kept.append((x[start:], y[start:]))
    return kept


def floors(piece: Piece, segments: int) -> tuple[list[int], list[int]]:
    """The minima of a stretch's segments, each where it was read.

    Args:
        piece: At least `segments` samples.
        segments: Of as equal length as the samples allow.
    """
    x, y = piece
    n = len(x)
    edges = [n * k // segments for k in range(segments + 1)]
    # Not at the segment's middle: of a line, the minimum is where the segment begins,
    # and segments differ in length.
    lowest = [min(range(a, b), key=y.__getitem__) for a, b in pairwise(edges)]
    return [x[place] for place in lowest], [y[place] for place in lowest]


def floor_error(pieces: Sequence[Piece], segments: int) -> float:
    """How far the minima of segments lie above the floor, as chance has it.

    Above the floor of noise the lowest reading lies about as far as the second lowest lies above it.
    """
    gaps: list[int] = []
    for piece, share in _shares(pieces, segments):
        y = piece[1]
        edges = [len(y) * k // share for k in range(share + 1)]
        for a, b in pairwise(edges):
            if b - a > 1:
                lowest, second = nsmallest(2, y[a:b])
                gaps.append(second - lowest)
    return sqrt(sum(gap * gap for gap in gaps) / len(gaps) / 2) if gaps else 0.0


def floor_path(pieces: Sequence[Piece], segments: int) -> Path:
    """Join the floors of several stretches into one path.

    Each stretch continues where the one before it ended, so that holes have
    neither width nor height: what a tracer kept, or a replay did not add, has
    no say.

    Args:
        pieces: In order. A piece of one sample adds nothing.
        segments: Over all pieces, shared out by their lengths; each takes two at least.
    """
    path_x, path_y = [0.0], [0.0]
    for piece, share in _shares(pieces, segments):
        places, minima = floors(piece, share)
        move_x, move_y = path_x[-1] - places[0], path_y[-1] - minima[0]
        path_x += [place + move_x for place in places[1:]]
        path_y += [minimum + move_y for minimum in minima[1:]]
    return path_x, path_y


def _shares(pieces: Sequence[Piece], segments: int) -> Iterator[tuple[Piece, int]]:
    """Each piece of two samples or more, and how many of the segments it gets."""
    total = sum(len(x) for x, _ in pieces)
    for piece in pieces:
        n = len(piece[0])
        if n > 1:
            # A stretch of s segments adds s - 1 steps, so each but one brings a segment more.
            yield piece, min(n, max(2, round((segments + len(pieces) - 1) * n / total)))


def envelope_rises(pieces: Sequence[Piece]) -> list[int]:
    """What each reading adds to the level that no later reading of its stretch goes below."""
    rises = []
    for _, y in pieces:
        lowest = y[-1] if y else 0
        for value in reversed(y):
            if value < lowest:
                rises.append(lowest - value)
                lowest = value
    return rises


def falls(pieces: Sequence[Piece], segments: int, *, least: float) -> list[tuple[int, float]]:
    """When the floor lost something of what it had gained, and how much, holes included.

    Args:
        pieces: In order, at their true levels.
        segments: Over all pieces.
        least: Falls of less are nothing.

    Returns:
        (iteration, share of the gain until then that was lost, at most 1), in order.
    """
    total = sum(len(x) for x, _ in pieces)
    found: list[tuple[int, float]] = []
    first = highest = None
    for piece in pieces:
        share = min(len(piece[0]), max(2, round(segments * len(piece[0]) / total)))
        for place, level in zip(*floors(piece, share), strict=True):
            if first is None or highest is None:
                first = highest = level
            highest = max(highest, level)
            fall = highest - level
            if fall > least:
                found.append((place, fall / max(highest - first, fall)))
    return found
