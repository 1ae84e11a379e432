"""Tell which holders explain a growth, and which of those are caches that still fill.

Knows holders and series; not how more iterations are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from pytest_reqleak.analysis.decision import Decision, Outcome
from pytest_reqleak.model.finding import Holder, TypeGrowth
from pytest_reqleak.model.meter import Cause
from pytest_reqleak.model.plan import MOST_ADVISED_ITERATIONS
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


def endless_holder(holders: Sequence[Holder], filling: Holder) -> Holder | None:
    """Find a container without a bound that gets entries as fast, and is no part of the one that fills.

    Args:
        holders: Those that explain the growth.
        filling: One of them, which has a bound.
    """
    fastest = max((holder.growth_per_iteration for holder in holders), default=0.0)
    return next(
        (
            holder
            for holder in holders
            if holder.bound is None
            and not holder.ends_in
            and holder.growth_per_iteration >= _SHARE * fastest
            and _owner(holder) != _owner(filling)
        ),
        None,
    )


def gets_entry_each(holder: Holder, *, fresh: int, done: int) -> bool:
    """Whether a list or deque got one entry with each iteration, replayed inputs included.

    It cannot be keyed by the input then: that it has stopped to grow, noise had made believe.

    Args:
        holder: With its growth over the fresh iterations.
        fresh: Iterations whose input was new.
        done: All iterations.
    """
    entries = holder.growth_per_iteration * fresh
    last = holder.type.rpartition(".")[2]
    return last in ("list", "deque") and done > fresh and abs(entries - done) < (done - fresh) / 4


def _owner(holder: Holder) -> str:
    """The way to what the container is a part of; its own where that is a name of a module."""
    path = holder.path
    place = max(path.rfind("."), path.rfind("["))
    return path if len(holder.links) < 2 or place < 0 else path[:place]


def as_expiring(decision: Decision, holders: Sequence[Holder], path: str) -> Decision:
    """What is left of a leak where its holder was seen to take out entries when their time was over.

    Args:
        decision: Any answer.
        holders: Those that explain the growth.
        path: Of the container that was seen; empty: none was.
    """
    if decision.outcome is not Outcome.LEAK or not path or not holders or holders[0].path != path:
        return decision
    if endless_holder(holders[1:], holders[0]) is not None:
        return decision
    return replace(
        decision,
        outcome=Outcome.INCONCLUSIVE,
        reason=f"{path} grows, but takes out its entries when the time that they carry is over: it holds as "
        "many as come in their life; a shorter one in the test would settle it",
    )


def still_filling(decision: Decision, holder: Holder) -> Decision:
    """What is left of an answer where a container with a bound may be all that grows."""
    full = iterations_to_fill(holder)
    # More than anybody would wait for is no advice.
    settled = (
        f"iterations={full} would show it full"
        if full <= MOST_ADVISED_ITERATIONS
        else "a lower bound in the test would show it full"
    )
    return replace(
        decision,
        outcome=Outcome.INCONCLUSIVE,
        classification=(Cause.BOUNDED,),
        reason=f"{holder.path} is still filling, {holder.size} of {holder.bound}: "
        f"what it holds has a bound; {settled}",
    )


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
