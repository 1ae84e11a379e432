"""Does the growth stop when inputs are sent again that were sent before?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_reqleak.analysis.growth import fit_growth
from pytest_reqleak.model.meter import Meter, Phase

if TYPE_CHECKING:
    from pytest_reqleak.stages import Stages

_REPLAY_BATCHES = 8
# Growth that goes on shows in so many inputs, and so many events of it.
_LEAST_REPLAYED, _REPLAYED_EVENTS = 200, 100

# A cache keyed by the input grows by nothing on replay; what is left of the growth
# is what the first requests of the replay still had to evict.
_REPLAY_STOPPED = 0.2


def stops_on_replay(stages: Stages, *, first: int, count: int, meter: Meter, per_iteration: float) -> bool:
    """Send inputs again that were sent before, and tell whether the growth stops.

    Args:
        stages: Runs the replay.
        first: The first of the inputs.
        count: How many.
        meter: The meter to watch.
        per_iteration: Its growth with fresh inputs.
    """
    # Those sent last: a cache that has room for few has dropped the others.
    enough = min(count, max(_LEAST_REPLAYED, math.ceil(_REPLAYED_EVENTS / max(per_iteration, 1e-6))))
    replayed = stages.run(Phase.REPLAY, enough, batches=_REPLAY_BATCHES, first=first + count - enough)
    series = replayed.series(meter)
    if series is None or len(series) < 5 or per_iteration <= 0:
        return False
    return fit_growth(series).per_iteration < _REPLAY_STOPPED * per_iteration
