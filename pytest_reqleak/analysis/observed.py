"""Everything a run has read so far, meter by meter, with the window that is judged.

Knows samples, and which of them still count; not what they mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pytest_reqleak.analysis.floors import least_growth, resolution
from pytest_reqleak.analysis.growth import Fit, fit_pieces
from pytest_reqleak.analysis.pieces import Piece, after, falls, join_touching, split_at_holes, split_at_jumps
from pytest_reqleak.analysis.rule import MOST_BULGE, MOST_FALL, TRENDING
from pytest_reqleak.analysis.sawtooth import without_sawtooth
from pytest_reqleak.analysis.trend import SEGMENTS, Trend, trend_of
from pytest_reqleak.model.meter import Meter
from pytest_reqleak.model.sample import Samples

# The first two fifths still hold what the warm-up left: caches that were nearly full.
SKIP = 0.4

# Fewer samples than this are too few to give any away.
LEAST_TO_SKIP = 10

# With two confirmations, the first quarter of everything is the oldest news: a cache that
# filled in it, or a step, no longer matters.
SKIP_OF_ALL = 0.25

# Sen's interval of 40 points is 1.1 times as wide as that of 400 thinned to 200, for a
# twenty-fifth of the time.
_THINNED = 40

# Falls of less than this share of the rise are the noise of a floor.
LEAST_REMEMBERED = 0.02

# A store is swept when it has doubled, so what expires within one rest shows within two.
RESTS = 2.0

TICKS = 20.0
"""Equal rises at equal distances, and no fall: the bookkeeping of the C heap does not look like that."""

# Of so many confirmations the lines are long enough for their errors to be believed.
SURE_CONFIRMATIONS = 2

# Student's t at 97.5 % with four degrees of freedom: a line through six minima.
ERRORS = 2.8

_NO_GROWTH = Fit(per_iteration=0.0, low=0.0, high=0.0)


class Observed:
    """The measurement and the confirmations after it."""

    def __init__(self, stages: Sequence[Samples], threshold: float) -> None:
        """Find each meter's window and trend.

        Args:
            stages: The measurement, then each confirmation; meters that not all of
                them have are left out.
            threshold: Bytes per iteration.
        """
        self.stages = stages
        self.threshold = threshold
        self.confirmations = len(stages) - 1
        first, last = stages[0].iterations, stages[-1].iterations
        self.iterations = last[-1] - first[0] if first and last else 0
        """From the first sample to the last."""
        self.measured = first[-1] - first[0] if first else 0
        skip = SKIP * self.measured if len(first) >= LEAST_TO_SKIP else 0.0
        if self.confirmations > 1:
            skip = max(skip, SKIP_OF_ALL * self.iterations)
        self._start = first[0] + skip if first else 0.0
        self._all: dict[Meter, list[Piece]] = {}
        self._windows: dict[Meter, list[Piece]] = {}
        self.trends: dict[Meter, Trend] = {}
        """Of each meter, over the window."""
        for meter in stages[0].readings:
            if any(meter not in stage.readings for stage in stages):
                continue
            # Stage by stage, as their batches may be of different lengths.
            pieces = [
                piece for stage in stages for piece in split_at_holes(stage.iterations, stage.readings[meter])
            ]
            # What the harness took and gave back between two stages is left out of the exact
            # meters as they are read; in RSS it shows as a step where one stage ends.
            if meter is not Meter.RSS_BYTES:
                pieces = join_touching(pieces)
            # What repeats to the iteration hides nothing once it is taken out.
            pieces = without_sawtooth(pieces, resolution=resolution(meter)) or pieces
            self._all[meter] = pieces
            self._windows[meter] = split_at_jumps(after(pieces, self._start))
            self.trends[meter] = trend_of(self._windows[meter], before=pieces)
        self._fits: dict[Meter, Fit] = {}
        threads = stages[0].readings.get(Meter.THREADS)
        self._threads = min(threads) if threads else 1

    @property
    def seconds_per_iteration(self) -> float:
        """Pace of the measurement, sampling included."""
        seconds = self.stages[0].seconds
        return (seconds[-1] - seconds[0]) / max(1, self.measured) if seconds else 0.0

    def least(self, meter: Meter) -> float:
        """Growth per iteration below which a meter is not looked at."""
        trend = self.trends.get(meter)
        ticks = trend is not None and trend.quiet and trend.even_rises >= TICKS and trend.regular
        return least_growth(meter, self.threshold, threads=self._threads, ticks=ticks)

    def fit(self, meter: Meter) -> Fit:
        """Slope and 95 % interval over the window.

        Under noise the slope is the floor's, where the interval of all samples allows it
        or that of the floor is narrower.
        """
        if meter not in self._fits:
            self._fits[meter] = _surer(_fit(self._windows[meter]), self.trends[meter])
        return self._fits[meter]

    def rate(self, meter: Meter) -> float:
        """Growth per iteration over the window."""
        return self.fit(meter).per_iteration or self.trends[meter].per_iteration

    def most(self, meter: Meter) -> float:
        """The most that a meter may grow by per iteration, for all that was seen.

        After one confirmation noise that fell is taken for noise that could have risen as much: of the leaks
        of one block in 200 under timers, 1.7 % were called clean without that, 0.8 % with it (simulated).
        """
        trend, fit = self.trends[meter], self.fit(meter)
        most = _most(trend, fit)
        if self.confirmations >= SURE_CONFIRMATIONS or fit.per_iteration >= 0:
            return most
        mirrored = min(fit.high - 2 * fit.per_iteration, abs(trend.per_iteration) + ERRORS * trend.error)
        return max(most, mirrored)

    def is_too_soon(self, meter: Meter) -> bool:
        """Whether a meter fell, and has not been watched for long enough since.

        What expires by the clock fell when there was a rest, or soon after it. It
        needs as long a time to expire again, and a quick app makes thousands of
        requests in that time.
        """
        lost = falls(self._all[meter], 2 * SEGMENTS, least=LEAST_REMEMBERED * self.trends[meter].rise)
        when = [place for place, share in lost if share > MOST_FALL]
        if not when:
            return False
        clock = [
            (n, second)
            for stage in self.stages
            for n, second in zip(stage.iterations, stage.seconds, strict=True)
        ]
        rest = max((later - second for (_, second), (_, later) in pairwise(clock)), default=0.0)
        fell = max(second for n, second in clock if n <= when[-1])
        return clock[-1][1] - fell < RESTS * rest

    def is_bent(self, meter: Meter) -> bool:
        """Whether growth has slowed since the first two fifths of the measurement."""
        first = self.stages[0].iterations
        begin = first[0] + SKIP * self.measured if first else 0.0
        if self.confirmations < 2 or begin >= self._start:
            return False
        return trend_of(split_at_jumps(after(self._all[meter], begin))).bulge > MOST_BULGE

    def has_slowed(self, meter: Meter) -> bool:
        """Whether growth has slowed since the first sample, be it that a cache was filled."""
        return trend_of(split_at_jumps(self._all[meter])).bulge > MOST_BULGE

    def last_trend(self, meter: Meter) -> Trend:
        """The trend of the newest stage alone."""
        return trend_of(self._newest(meter))

    def last_most(self, meter: Meter) -> float:
        """The most that it may have grown by per iteration in the newest stage."""
        pieces = self._newest(meter)
        return _most(trend_of(pieces), _fit(pieces))

    def last_iterations(self) -> int:
        """How long the newest stage was."""
        stage = self.stages[-1]
        return stage.iterations[-1] - stage.iterations[0] if len(stage) else 0

    def alone(self, stage: int) -> Observed:
        """One stage as if it were the measurement."""
        return Observed([self.stages[stage]], self.threshold)

    def _newest(self, meter: Meter) -> list[Piece]:
        stage = self.stages[-1]
        return split_at_jumps(split_at_holes(stage.iterations, stage.readings[meter]))


def _surer(fit: Fit, trend: Trend) -> Fit:
    slope, error = trend.per_iteration, ERRORS * trend.error
    if trend.quiet:
        return fit
    if 2 * error < fit.high - fit.low:
        return Fit(per_iteration=slope, low=slope - error, high=slope + error)
    if fit.low <= slope <= fit.high:
        return Fit(per_iteration=slope, low=fit.low, high=fit.high)
    return fit


def _most(trend: Trend, fit: Fit) -> float:
    slope, high = max(0.0, trend.per_iteration), fit.high
    if trend.straight <= -TRENDING:
        # Nothing shrinks for ever: what falls in one window may hide as much growth in another. A buffer
        # whose period is nearly that of the batches falls along a line for thousands of iterations.
        slope, high = abs(trend.per_iteration), max(fit.high, -fit.per_iteration)
    floor = slope + ERRORS * trend.error
    # An interval that lies below 0 has taken a fall of the noise for a slope.
    return min(high, floor) if high > 0 else floor


def _fit(pieces: Sequence[Piece]) -> Fit:
    level = pieces[0][1][0] if pieces else 0
    if all(len(x) < 2 for x, _ in pieces) or all(value == level for _, y in pieces for value in y):
        return _NO_GROWTH
    return fit_pieces(pieces, most_samples=_THINNED)
