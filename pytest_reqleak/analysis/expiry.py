"""What expires by the clock: how long it must be watched after it was seen to fall, and what it leaves.

A cache whose entries live for a second holds as many as come in a second. Where the load
is fast it grows for that second as a leak does, falls once, and rises again, higher than
before if the load has become faster. Only as much time as it took to the first fall, seen
once more, tells whether it falls again. What falls from the beginning, as a buffer that is
flushed does, has soon had that time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from pytest_reqleak.analysis.decision import Decision, Note, Outcome
from pytest_reqleak.analysis.floors import SEEN_BLOCKS, least_growth
from pytest_reqleak.model.finding import Growth
from pytest_reqleak.model.meter import Meter
from pytest_reqleak.model.sample import Samples
from pytest_reqleak.units import format_count

# Of what the meter stood above its beginning; less is the noise of most apps.
_DEEP = 0.2

# Of what came and went: so much may be the reckoning's own error, unless it is as much each time.
_NEARLY_ALL = 0.05
_AS_MUCH = 1.5

# A floor is an object too, and stays until the answer.
_FLOOR_BLOCKS = 5

# What lives for no longer than the usual cache is no leak. A store of sessions is none either, but what it
# takes in an hour of load may be more than there is.
_SOON_OVER = 600.0
_LIVES = {60.0: "a minute", 600.0: "ten minutes", 3600.0: "an hour"}

# The next fall comes as late as the last, and the load is never quite even.
_AGAIN = 1.5


def seconds_to_see_again(samples: Samples) -> float:
    """How much longer to watch, for what has fallen to have had the time to fall again.

    Args:
        samples: From the first reading of a measurement to the last.

    Returns:
        0 where nothing fell deep, or what did has had the time or has fallen again.
    """
    values, seconds = samples.readings[samples.live_meter], samples.seconds
    lowest = highest = values[0]
    last, gaps = seconds[0], []
    for value, at in zip(values, seconds, strict=True):
        lowest = min(lowest, value)
        highest = max(highest, value)
        if highest - value > _DEEP * (highest - lowest):
            gaps.append(at - last)
            last, highest = at, value
    if not gaps:
        return 0.0
    first, *later = gaps
    # A buffer that is flushed falls from the beginning, whatever pauses the run makes.
    if any(gap >= first / 2 for gap in later):
        return 0.0
    return max(0.0, _AGAIN * first - (seconds[-1] - seconds[0] - first))


@dataclass(frozen=True, slots=True)
class Floor:
    """What was there when entries that had been made older were gone."""

    iterations: int
    left: Mapping[Meter, float]
    """Readings, without what the entries hold that have come since."""


def as_outlived(
    decision: Decision, floors: Sequence[Floor], *, path: str, life: float, threshold: float, unit: str
) -> Decision:
    """What is left of an answer where the growth was seen to go with its entries' time.

    Args:
        decision: A leak, or none that is certain.
        floors: At least two, each after a filling.
        path: Of the container.
        life: Seconds by which its entries had been made older: they live for no longer.
        threshold: Bytes per iteration.
        unit: What an iteration is called.

    Returns:
        `clean`, where nothing else grew from floor to floor; `inconclusive` where that is not certain,
        or the entries live for very long; the decision itself where something else stays.
    """
    iterations = floors[-1].iterations - floors[0].iterations
    grown: list[Growth] = []
    certain = True
    for growth in decision.growth:
        if growth.meter not in floors[0].left:
            grown.append(replace(growth, grows=False))
            continue
        own = _FLOOR_BLOCKS if growth.meter is Meter.LIVE_BLOCKS else 0
        rates = [
            (b.left[growth.meter] - a.left[growth.meter] - own) / (b.iterations - a.iterations)
            for a, b in pairwise(floors)
        ]
        least = max(least_growth(growth.meter, threshold), SEEN_BLOCKS)
        stays = min(rates) > _NEARLY_ALL * growth.per_iteration or max(rates) < _AS_MUCH * min(rates)
        if min(rates) > least and stays:
            return decision
        certain = certain and min(rates) <= least
        rate = sum(rates) / len(rates)
        grown.append(
            Growth(meter=growth.meter, per_iteration=rate, low=min(rates), high=max(rates), grows=False)
        )
    how_old = _LIVES[life]
    if certain and life <= _SOON_OVER:
        return replace(
            decision,
            outcome=Outcome.CLEAN,
            growth=tuple(grown),
            grows=(),
            classification=(),
            reason=f"{path} grows until its entries are over: made {how_old} older they were taken out, and "
            f"nothing else had grown over {format_count(iterations)} {unit}s",
            notes=(
                *decision.notes,
                Note(
                    slug="expires",
                    text=f"{path} keeps what each {unit} adds for up to {how_old}: how much that is depends "
                    "on the load",
                ),
            ),
        )
    return replace(
        decision,
        outcome=Outcome.INCONCLUSIVE,
        reason=f"{path} grows, and takes out its entries when they are {how_old} older: it holds as many as "
        "come in their life; a shorter one in the test would settle it",
    )
