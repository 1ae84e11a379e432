"""When resident memory may decide alone.

RSS is the only sign of what a library maps for itself, and the worst of
witnesses: allocators keep freed memory, arenas come by the megabyte, the
kernel moves pages. So it decides only where everything else is flat, it has
risen along a line through two confirmations at least, and what was read after
the C allocator had given free memory back rises just as fast. Beside a growth that
is certain it tells what the other meters cannot hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pytest_reqleak.analysis.floors import MOST_BLOCK_BYTES
from pytest_reqleak.analysis.observed import Observed
from pytest_reqleak.analysis.rule import is_steady
from pytest_reqleak.model.meter import Meter

LEAST_CONFIRMATIONS = 2

# After the measurement and after each of two confirmations.
LEAST_TRIMMED = 3

# Between two readings after a trim, growth may be this share of the mean: pages are coarse.
LEAST_STEP = 0.5

# Of the untrimmed growth, this much must survive the trim.
LEAST_SURVIVING = 0.7

# Of the growth that survives, this much must be free memory to be called holes. What a library
# maps for itself makes no allocator hold more.
LEAST_FREE = 0.5

# Were all that other meters gained as large as it can be, it must explain less than this.
MOST_EXPLAINED = 0.5


def is_alone(seen: Observed) -> bool:
    """Whether RSS rises along a line that no other meter explains."""
    rss = seen.trends.get(Meter.RSS_BYTES)
    if rss is None or not is_steady(
        rss, least=seen.least(Meter.RSS_BYTES), stage=max(1, seen.confirmations), final=True
    ):
        return False
    slopes = {meter: max(0.0, trend.per_iteration) for meter, trend in seen.trends.items()}
    blocks = max(slopes.get(Meter.LIVE_BLOCKS, 0.0), slopes.get(Meter.GC_OBJECTS, 0.0))
    explained = blocks * MOST_BLOCK_BYTES + slopes.get(Meter.HEAP_BYTES, 0.0)
    return explained < MOST_EXPLAINED * rss.per_iteration


class Trimmed:
    """What was read at the ends of the stages, once the C allocator had given free memory back."""

    def __init__(
        self, seen: Observed, rss: Sequence[tuple[int, int]], free: Sequence[tuple[int, int]] = ()
    ) -> None:
        """Take the readings.

        Args:
            seen: With an RSS that rises.
            rss: (iterations, bytes).
            free: (iterations, bytes) that allocators hold and nobody uses; empty where they
                cannot be asked.
        """
        self._untrimmed = seen.trends[Meter.RSS_BYTES].per_iteration
        self._rss, self._free = rss, free

    @property
    def per_iteration(self) -> float:
        """How fast the trimmed RSS rises."""
        return _mean(self._rss)

    @property
    def free_per_iteration(self) -> float:
        """How fast what nobody uses rises; 0 where the allocators cannot be asked."""
        return _mean(self._free)

    def survives(self) -> bool | None:
        """Whether RSS rises as fast when trimmed; None where there are too few readings to say."""
        if len(self._rss) < LEAST_TRIMMED:
            return None
        mean = self.per_iteration
        steps = [_mean(pair) for pair in pairwise(self._rss)]
        return mean >= LEAST_SURVIVING * self._untrimmed and min(steps) >= LEAST_STEP * mean

    @property
    def is_in_use(self) -> bool:
        """Whether most of it stays after a trim, and is in use; of a certain growth two readings tell."""
        return self.per_iteration >= LEAST_SURVIVING * self._untrimmed and not self.is_free

    @property
    def is_free(self) -> bool:
        """Whether most of what survives lies in holes: held by an allocator, used by nobody."""
        return self.free_per_iteration >= LEAST_FREE * self.per_iteration


def _mean(readings: Sequence[tuple[int, int]]) -> float:
    if not readings:
        return 0.0
    (x0, y0), (x1, y1) = readings[0], readings[-1]
    return (y1 - y0) / max(1, x1 - x0)
