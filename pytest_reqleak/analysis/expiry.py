"""What expires by the clock: how long it must be watched after it was seen to fall.

A cache whose entries live for a second holds as many as come in a second. Where the load
is fast it grows for that second as a leak does, falls once, and rises again, higher than
before if the load has become faster. Only as much time as it took to the first fall, seen
once more, tells whether it falls again. What falls from the beginning, as a buffer that is
flushed does, has soon had that time.
"""

from __future__ import annotations

from pytest_reqleak.model.sample import Samples

# Of what the meter stood above its beginning; less is the noise of most apps.
_DEEP = 0.2

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
