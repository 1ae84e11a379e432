"""Does the growth stop when inputs are sent again that were sent before?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_reqleak.analysis.events import deepest_fall, events_per_iteration
from pytest_reqleak.analysis.growth import fit_growth
from pytest_reqleak.model.meter import Phase

if TYPE_CHECKING:
    from pytest_reqleak.model.sample import Series
    from pytest_reqleak.stages import Stages

_REPLAY_BATCHES, _LEAST_SAMPLES = 8, 5
# Growth that goes on shows in so many inputs, and so many events of it; in a tenth of the events
# chance is no longer likely to have none of it.
_LEAST_REPLAYED, _REPLAYED_EVENTS, _LEAST_EVENTS = 200, 100, 10

# A cache keyed by the input grows by nothing on replay; what is left of the growth
# is what the first requests of the replay still had to evict.
_REPLAY_STOPPED = 0.2

# A saw-tooth that falls while inputs are sent again hides what grows in spite of them, unless that is
# more than the fall.
_ABOVE_NOISE = 2.0


def stops_on_replay(
    stages: Stages, *, first: int, count: int, series: Series, per_iteration: float
) -> bool | None:
    """Send inputs again that were sent before, and tell whether the growth stops.

    Args:
        stages: Runs the replay.
        first: The first of the inputs.
        count: How many.
        series: The meter to watch, while those were sent for the first time.
        per_iteration: What it grew by then, in its unit.

    Returns:
        None where it cannot be told: too little was due to grow, or less than the noise hides.
    """
    if per_iteration <= 0:
        return None
    events, noise = events_per_iteration(series, per_iteration), deepest_fall(series)
    wanted = max(
        _LEAST_REPLAYED,
        math.ceil(_REPLAYED_EVENTS / max(events, 1e-6)),
        math.ceil(2 * _ABOVE_NOISE * noise / per_iteration),
        _REPLAY_BATCHES * stages.concurrency,
    )
    # Those sent last: a cache that has room for few has dropped the others.
    enough = min(count, wanted)
    replayed = stages.run(Phase.REPLAY, enough, batches=_REPLAY_BATCHES, first=first + count - enough)
    again = replayed.series(series.meter)
    if again is None or len(again) < _LEAST_SAMPLES:
        return None
    if fit_growth(again).per_iteration >= _REPLAY_STOPPED * per_iteration:
        return False
    noise = max(noise, deepest_fall(again))
    is_clear = per_iteration * enough > _ABOVE_NOISE * noise and events * enough >= _LEAST_EVENTS
    return True if is_clear else None
