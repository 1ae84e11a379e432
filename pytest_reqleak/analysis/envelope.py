"""Tell the shape of a series from its lower envelope.

What an app keeps for good raises the *floor* of its readings; buffers,
collections and noise only raise the readings above it. So each stretch is cut
into segments and judged by the segments' minima.

Knows numbers only: not meters, not thresholds, not what a stage was for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from pytest_reqleak.analysis.growth import fit_pieces

Piece = tuple[Sequence[int], Sequence[int]]
"""A stretch without a hole: iterations and readings."""


class Shape(str, Enum):
    """What a stretch of a series looks like."""

    FLAT = "flat"
    """The floor does not rise."""
    STEADY = "steady"
    """The floor rises along a straight line."""
    FADING = "fading"
    """The floor rises, ever more slowly."""
    STEPPED = "stepped"
    """The floor rises in few jumps, or unevenly."""
    SAWTOOTH = "sawtooth"
    """It rises and falls back."""
    SHRINKING = "shrinking"
    """The floor falls."""

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """How the floor of a series moved."""

    shape: Shape
    per_iteration: float
    """Slope of the floor."""
    rise: float
    """Of the floor, over all stretches, what happened between them left out."""
    crookedness: float
    """Largest distance of the floor from a straight line, as a share of its rise; 0: straight."""
    pace: float
    """Slope of the second half over slope of the first; 1: steady, 0: it stopped."""


def split_at_holes(iterations: Sequence[int], values: Sequence[int]) -> list[Piece]:
    """Cut a series where iterations are missing (they were traced, or replayed).

    A hole is a stride of more than twice the usual one: batches are of equal
    length, but for a shorter last one.
    """
    strides = sorted(b - a for a, b in zip(iterations, iterations[1:], strict=False))
    if not strides:
        return [(iterations, values)]
    usual = strides[len(strides) // 2]
    cuts = [n + 1 for n in range(len(iterations) - 1) if iterations[n + 1] - iterations[n] > 2 * usual]
    edges = [0, *cuts, len(iterations)]
    return [(iterations[a:b], values[a:b]) for a, b in zip(edges, edges[1:], strict=False)]


def floor_path(pieces: Sequence[Piece], *, segments: int) -> tuple[list[float], list[float]]:
    """Join the floors of several stretches into one path that starts at (0, 0).

    Args:
        pieces: In order. A piece shorter than two samples adds nothing.
        segments: Over all pieces, shared out by their lengths; each takes two at least.

    Returns:
        x in iterations, y in the meter's unit: each stretch continues where
        the one before it ended, so holes have no width and no height.
    """
    total = sum(len(x) for x, _ in pieces)
    path_x, path_y = [0.0], [0.0]
    for x, y in pieces:
        n = len(x)
        if n < 2:
            continue
        share = min(n, max(2, round(segments * n / total)))
        edges = [round(k * n / share) for k in range(share + 1)]
        middles = [(x[a] + x[b - 1]) / 2 for a, b in zip(edges, edges[1:], strict=False)]
        minima = [min(y[a:b]) for a, b in zip(edges, edges[1:], strict=False)]
        from_x, from_y = path_x[-1] - middles[0], path_y[-1] - minima[0]
        path_x += [middle + from_x for middle in middles[1:]]
        path_y += [minimum + from_y for minimum in minima[1:]]
    return path_x, path_y


def trend_of(pieces: Sequence[Piece], *, segments: int) -> Trend:
    """Judge the floor of a series.

    Args:
        pieces: The stretches to judge, in order.
        segments: Into how many parts to cut them; more for long, quiet series.
    """
    x, y = floor_path(pieces, segments=segments)
    if len(x) < 2:
        return Trend(shape=Shape.FLAT, per_iteration=0.0, rise=0.0, crookedness=0.0, pace=1.0)
    rise, run = y[-1], x[-1]
    slope = fit_pieces([(x, y)]).per_iteration
    crookedness = max(abs(b - rise * a / run) for a, b in zip(x, y, strict=True)) / abs(rise) if rise else 0.0
    pace = _pace(x, y)
    steps = [b - a for a, b in zip(y, y[1:], strict=False)]
    return Trend(
        shape=_shape(rise, steps, crookedness, pace),
        per_iteration=slope,
        rise=rise,
        crookedness=crookedness,
        pace=pace,
    )


MOST_CROOKED = 0.15
LEAST_PACE = 0.7


def _shape(rise: float, steps: Sequence[float], crookedness: float, pace: float) -> Shape:
    falls = -sum(step for step in steps if step < 0)
    if rise <= 0:
        return Shape.SHRINKING if rise < 0 and falls == -rise else Shape.SAWTOOTH if falls else Shape.FLAT
    if falls:
        return Shape.SAWTOOTH
    if pace < LEAST_PACE:
        return Shape.FADING
    if crookedness > MOST_CROOKED or (len(steps) <= 6 and min(steps) <= 0):
        return Shape.STEPPED
    return Shape.STEADY


def _pace(x: Sequence[float], y: Sequence[float]) -> float:
    middle = x[-1] / 2
    height = next(
        y0 + (y1 - y0) * (middle - x0) / (x1 - x0)
        for x0, x1, y0, y1 in zip(x, x[1:], y, y[1:], strict=False)
        if x1 >= middle
    )
    return (y[-1] - height) / height if height > 0 else (1.0 if y[-1] <= 0 else 2.0)
