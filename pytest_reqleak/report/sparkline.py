"""A series as one line of characters.

Knows numbers and columns only; not meters, phases or colours.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from statistics import fmean

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.:-=+*#"


def sparkline(values: Sequence[float], *, unicode: bool = True, least_span: float = 0.0) -> str:
    """Draw each value as one character, the lowest and the highest at the ends of the scale.

    Args:
        values: One per column; `resample` makes them.
        unicode: False: seven-bit characters, for streams that cannot carry blocks.
        least_span: A series that moves by less than this fills only that part of the
            scale, so that the noise of a flat series does not look like growth.
    """
    if not values:
        return ""
    levels = BLOCKS if unicode else ASCII
    low = min(values)
    span = max(max(values) - low, least_span)
    if span <= 0:
        return levels[0] * len(values)
    top = len(levels) - 1
    return "".join(levels[round((value - low) / span * top)] for value in values)


def resample(
    iterations: Sequence[int],
    values: Sequence[float],
    columns: int,
    *,
    pick: Callable[[Sequence[float]], float] = fmean,
) -> list[float]:
    """Fit a series into a number of columns of equal length on its x axis.

    Args:
        iterations: Never falls; the x axis.
        values: As many.
        columns: The most to return; a shorter series stays as it is, unless its
            samples are unevenly spaced.
        pick: What stands for the samples of one column: their mean, or `min` for a
            meter whose floor is what counts.

    Returns:
        At most `columns` values. A column without a sample lies on the line between
        its neighbours, so that a stage left out of the series does not bend it.
    """
    count = min(columns, len(values))
    if count < 2:
        return [pick(values)] if count else []
    first, last = iterations[0], iterations[-1]
    if first == last:
        return [pick(values)]
    groups: list[list[float]] = [[] for _ in range(count)]
    for x, value in zip(iterations, values, strict=True):
        groups[min(count - 1, (x - first) * count // (last - first))].append(value)
    width = (last - first) / count
    return [
        pick(group) if group else _between(iterations, values, first + (column + 0.5) * width)
        for column, group in enumerate(groups)
    ]


def _between(iterations: Sequence[int], values: Sequence[float], x: float) -> float:
    """The value at `x` on the line between the samples on both sides of it."""
    after = bisect_right(iterations, x)
    left, right = iterations[after - 1], iterations[after]
    share = (x - left) / (right - left)
    return values[after - 1] + (values[after] - values[after - 1]) * share
