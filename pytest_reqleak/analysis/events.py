"""How often something is left behind, as far as readings tell: what leaves much may leave it rarely.

Knows a series only; not how more of it would be made.
"""

from __future__ import annotations

from itertools import accumulate, pairwise

from pytest_reqleak.analysis.trend import QUIET
from pytest_reqleak.model.sample import Series

# A rise of less than this share of the mean one is the bookkeeping of the heap.
_TELLING = 0.1

# Where so many of the batches rise, events are too many to be told apart.
_MOST_BATCHES = 0.9


def events_per_iteration(series: Series, rate: float) -> float:
    """Estimate how often a growth happens; rather too rarely than too often.

    Args:
        series: Of the meter that grows, over the batches in which it did.
        rate: What it gained per iteration. Of a count no event is smaller than one; nobody knows
            in how many pieces bytes come.

    Returns:
        Events per iteration; 0.0 where nothing rose.
    """
    x, y = series.iterations, series.values
    steps = [b - a for a, b in pairwise(y)]
    rises = [step for step in steps if step > 0]
    least = _TELLING * sum(rises) / max(1, len(rises))
    telling = sum(rise >= least for rise in rises)
    seen = telling / max(1, x[-1] - x[0]) if rises else 0.0
    if series.meter.unit:
        return seen
    quiet = -sum(step for step in steps if step < 0) <= QUIET * sum(rises)
    rare = quiet and telling < _MOST_BATCHES * len(steps)
    return seen if rare else max(rate, seen)


def deepest_fall(series: Series) -> int:
    """By how much a series ever fell below what it had been; 0 where it only rises."""
    highest = accumulate(series.values, max)
    return max((high - value for high, value in zip(highest, series.values, strict=True)), default=0)
