"""Tell which holders explain a growth, and which of those are caches that still fill.

Knows holders and series; not how more iterations are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from pytest_reqleak.model.finding import Holder, TypeGrowth
from pytest_reqleak.model.sample import Series

# A container that grows at a third of the fastest one's rate may be what makes memory grow.
_SHARE = 0.3

# A batch in which memory rose without a new entry was not made to rise by that holder; half
# as many more are allowed for what an entry's making leaves behind later.
_RISES_PER_ENTRY = 1.5

_MOST_TYPES = 20

# Noise makes some batches rise under any leak.
_CHANCE_RISES = 0.1


def explaining_holders(holders: Sequence[Holder], series: Series | None) -> tuple[Holder, ...]:
    """Leave out the containers in which an entry is too rare to be the cause.

    What grows in every batch is not held by a cache of the standard library
    that happened to get two entries in a thousand requests.

    Args:
        holders: Those that grew.
        series: The meter that grew, over the batches in which they did.
    """
    return tuple(holder for holder in holders if _explains(holder, series))


def led_by(holders: Sequence[Holder], types: Sequence[TypeGrowth]) -> tuple[TypeGrowth, ...]:
    """The types with the one first that the first holder keeps: whatever else stays hangs on it.

    Args:
        holders: Those that explain the growth, the likeliest first.
        types: In the order in which they tell something.

    Returns:
        At most 20.
    """
    # asyncio.Task is made by C, and then calls itself _asyncio.Task.
    kept = (holders[0].entry or holders[0].type).lstrip("_") if holders else ""
    return tuple(sorted(types, key=lambda growth: growth.type.lstrip("_") != kept))[:_MOST_TYPES]


def filling_holder(holders: Sequence[Holder]) -> Holder | None:
    """Find the bounded container that was not full and may be what made memory grow.

    One that has become full meanwhile counts too: from now on it grows no more.

    Args:
        holders: Those that explain the growth.

    Returns:
        The one that needs the longest to fill, or None.
    """
    fastest = max((holder.growth_per_iteration for holder in holders), default=0.0)
    found = [
        holder
        for holder in holders
        if holder.bound is not None
        and holder.size <= holder.bound
        and holder.growth_per_iteration >= _SHARE * fastest
    ]
    return max(found, key=iterations_to_fill, default=None)


def iterations_to_fill(holder: Holder) -> int:
    """How many iterations it needs at its present rate; 0 where it has no bound."""
    if holder.bound is None:
        return 0
    return int((holder.bound - holder.size) / max(holder.growth_per_iteration, 1e-9)) + 1


def _explains(holder: Holder, series: Series | None) -> bool:
    """Whether memory rose no more often than the holder got entries."""
    if series is None or len(series) < 2:
        return True
    # What a buffer gains and gives back was not held: only what no later reading goes below counts.
    stays = list(accumulate(reversed(series.values), min))[::-1]
    rises = sum(b > a for a, b in pairwise(stays)) / (len(series) - 1)
    batch = (series.iterations[-1] - series.iterations[0]) / (len(series) - 1)
    return rises <= max(_RISES_PER_ENTRY * holder.growth_per_iteration * batch, _CHANCE_RISES)
