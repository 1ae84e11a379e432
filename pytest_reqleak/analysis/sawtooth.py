"""Take a regular saw-tooth out of a series: what is emptied every so many iterations.

A buffer that is flushed every 700 requests hides a leak of one block in 200
for tens of thousands of requests, if all that is looked at is its floor. But
it repeats to the iteration, so it can be taken out whole:

    y(n) = level + growth * n + slope * ((n - begin) mod period)

The readings are taken at uneven distances, so a wrong period leaves a rest
that shows, and then nothing is taken out.

Knows numbers only: not meters, not who empties what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import pairwise
from math import ceil, floor, inf, sqrt
from operator import mul
from statistics import median

from pytest_reqleak.analysis.pieces import Piece

LEAST_SAMPLES = 24
"""Four numbers are fitted and a period is searched for; half as many would fit anything."""

LEAST_PERIODS = 4
"""In fewer periods the saw-tooth rises too much like the growth itself."""

MOST_REST = 0.05
"""What is left, as a share of the tooth's height (root of the mean square): a tooth that
varies by a tenth leaves as much, and no random walk leaves so little."""

FARTHEST = 0.5
"""No reading may lie farther from the fit, as a share of the tooth's height: one of 700 that is
taken for the wrong period lies a whole height off, and leaves no more than `MOST_REST`."""

AGREED = 0.5
"""Where all teeth that explain the readings leave growth, they may differ by this share of the least."""

LEAST_APART = 0.5
"""How far the places in the period must be from rising with the iterations (1 less the square
of their correlation); four periods are 0.94 apart."""

LEAST_TOOTH = 8
"""Blocks or bytes. What a smaller one hides, the floor shows."""

MOST_SAMPLES = 120
"""The search looks at so many readings: at any wrong period they leave a rest."""

MOST_STRING = 12
"""Readings ordered by their place in the right period move by twice the tooth's height, and by
as much as the most rest allows: 120 times a twentieth or so. Those of noise move by 40 times."""

STRIPS = 12
"""Parts of a period: a list grows by steps of an eighth of its length."""

LEAST_IN_STRIP = 5
"""Readings of which the median says something."""

PARTS = (1, 2, 3)
"""A buffer that is emptied at every 201st entry, and gets two with each iteration, has a period of
100.5: what parts an iteration is cut into before whole periods are searched for."""

LEAST_UNEVEN = 0.1
"""Between the shortest and the longest batch, as a share of the usual one; ours differ by a half."""

LIKELIEST = 3
"""Among some hundred periods one that is wrong orders the readings as well, where they grow besides."""

_AROUND = 6
"""Candidates on both sides of a period that was read from the falls."""

_FARTHEST = 60
"""So far from the best period others are tried that explain the readings as well."""

# Two periods explain the readings equally well where what they leave differs by less than the
# rounding of a block, or by a tenth of the noise.
_AS_WELL_SHARE, _AS_WELL = 1.1, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tooth:
    """A saw-tooth that was fitted."""

    period: int
    begin: int
    """Iterations modulo the period after which it begins anew."""
    slope: float
    growth: float
    """Per iteration, of what is left without the tooth."""
    rest: float
    """Root of the mean square of what neither explains."""


def without_sawtooth(pieces: Sequence[Piece], *, resolution: float) -> list[Piece] | None:
    """The same stretches without their saw-tooth; None where there is no regular one.

    Readings say between which two of them it was emptied, not when: several periods may
    explain them, each with a growth of its own. Where those differ by too much, more
    iterations are needed to tell.

    Args:
        pieces: In order, at their true levels; x counts every iteration there was.
        resolution: Growth per iteration that must not be in doubt.
    """
    # What happened between two stretches has no say, so they are brought to one level.
    kept = [(x, _risen(y)) for x, y in pieces if len(x) > 1]
    n = sum(len(x) for x, _ in kept)
    if n < LEAST_SAMPLES:
        return None
    spread = max(max(y) for _, y in kept)
    if spread < LEAST_TOOTH or not _falls_far(kept, spread):
        return None
    for parts in PARTS:
        tooth = _find_tooth(_cut(kept, parts), spread, parts, resolution=resolution / parts)
        if tooth is not None:
            left = _unfolded(_cut(pieces, parts), tooth)
            return [(x, y) for (x, _), (_, y) in zip(pieces, left, strict=True)]
    return None


def _risen(y: Sequence[int]) -> list[int]:
    level = min(y)
    return [value - level for value in y]


def _cut(pieces: Sequence[Piece], parts: int) -> list[Piece]:
    """The same stretches, with x in parts of an iteration."""
    return [([parts * n for n in x], y) for x, y in pieces]


def _find_tooth(kept: Sequence[Piece], spread: int, parts: int, *, resolution: float) -> _Tooth | None:
    """Find the period that explains the readings, a whole number of parts of an iteration.

    Args:
        kept: Stretches at one level.
        spread: How far the readings are apart.
        parts: Of which an iteration has so many.
        resolution: Growth per part that must not be in doubt.
    """
    searched = _Readings(_thinned(kept, sum(len(x) for x, _ in kept), MOST_SAMPLES))
    most = MOST_STRING * spread
    tried = [period for period in _candidates(kept) if parts == 1 or period % parts]
    lengths = [(searched.string(period, most)[1], period) for period in tried]
    likely = [period for length, period in nsmallest(LIKELIEST, lengths) if length <= most]
    if not likely:
        return None
    readings = _Readings(kept)
    found = [teeth for period in likely if (teeth := _as_good(readings, period))]
    if not found:
        return None
    teeth = min(found, key=lambda good: min(tooth.rest for tooth in good))
    least = min(t.growth for t in teeth)
    if max(t.growth for t in teeth) - least > max(resolution, AGREED * least):
        return None
    # Of teeth that explain the readings equally, the one that leaves the least growth.
    return min(teeth, key=lambda tooth: abs(tooth.growth))


def _unfolded(pieces: Sequence[Piece], tooth: _Tooth) -> list[Piece]:
    """Take the tooth away, and what else repeats with it: no tooth is quite straight."""
    bare = [
        (x, [v - tooth.slope * ((n - tooth.begin) % tooth.period) for n, v in zip(x, y, strict=True)])
        for x, y in pieces
    ]
    strips: list[list[float]] = [[] for _ in range(STRIPS)]
    for x, y in bare:
        level = min(y)
        for n, v in zip(x, y, strict=True):
            strips[_strip(n, tooth)].append(v - level - tooth.growth * (n - x[0]))
    usual = [median(strip) if len(strip) >= LEAST_IN_STRIP else 0.0 for strip in strips]
    return [(x, [round(v - usual[_strip(n, tooth)]) for n, v in zip(x, y, strict=True)]) for x, y in bare]


def _strip(n: int, tooth: _Tooth) -> int:
    return (n - tooth.begin) % tooth.period * STRIPS // tooth.period


def _as_good(readings: _Readings, period: int) -> list[_Tooth]:
    """The best tooth near a period, and all that explain the readings as well."""
    fitted = {}
    for near in range(max(2, period - _AROUND), period + _AROUND + 1):
        tooth = readings.fit(near)
        if tooth is not None:
            fitted[near] = tooth
    if not fitted:
        return []
    best = min(fitted.values(), key=lambda tooth: tooth.rest)
    height = best.slope * best.period
    if best.rest > MOST_REST * height or readings.farthest(best) > FARTHEST * height:
        return []
    most = _AS_WELL_SHARE * best.rest + _AS_WELL
    good = [best]
    for direction in (-1, 1):
        for distance in range(1, _FARTHEST):
            near = best.period + direction * distance
            if near < 2:
                break
            other = fitted.get(near) or readings.fit(near)
            if other is None or other.rest > most:
                break
            good.append(other)
    return good


def _falls_far(pieces: Sequence[Piece], spread: int) -> bool:
    """Whether one reading is ever below the one before by a quarter of all there is."""
    return any(4 * (a - b) > spread for _, y in pieces for a, b in pairwise(y))


def _thinned(pieces: Sequence[Piece], n: int, most: int) -> list[Piece]:
    """Every so many readings, so that they still span all there is."""
    every = -(-n // most)
    return [(x[::every], y[::every]) for x, y in pieces]


def _candidates(pieces: Sequence[Piece]) -> list[int]:
    """Periods to try: all that are shorter than two batches, and what the falls say."""
    strides = sorted(b - a for x, _ in pieces for a, b in pairwise(x))
    batch = strides[len(strides) // 2]
    longest = (pieces[-1][0][-1] - pieces[0][0][0]) // LEAST_PERIODS
    # Read at even distances, a long period looks like any of many short ones.
    uneven = strides[-1] - strides[0] >= LEAST_UNEVEN * batch
    found = list(range(2, min(2 * batch, longest) + 1)) if uneven else []
    return found + [period for period in _between_falls(pieces, longest) if period > 2 * batch]


def _between_falls(pieces: Sequence[Piece], longest: int) -> range:
    """The periods that the falls allow: so many lie between the first of a stretch and its last.

    How far one falls does not tell, where there is growth besides: it makes the rises steeper,
    and the falls no deeper.
    """
    steps = [(b - a, w - v) for x, y in pieces for (a, v), (b, w) in pairwise(zip(x, y, strict=True))]
    rates = sorted(rise / stride for stride, rise in steps if rise > 0)
    if not rates:
        return range(0)
    # Between two readings without a fall it rises by `rate`; all falls are equal.
    rate = rates[len(rates) // 2]
    fall = median(rate * stride - rise for stride, rise in steps if rise < 0)
    least, most = 0.0, float(longest)
    for x, y in pieces:
        short = [rate * (x[n] - x[n - 1]) - (y[n] - y[n - 1]) for n in range(1, len(x))]
        falls = [max(0, round(missing / fall)) for missing in short]
        places = [n for n, count in enumerate(falls, 1) if count > 0]
        if len(places) > 1:
            first, last = places[0], places[-1]
            count = sum(falls[first:last])
            least = max(least, (x[last - 1] - x[first]) / count)
            most = min(most, (x[last] - x[first - 1]) / count)
    return range(ceil(least), floor(most) + 1) if least > 0 else range(0)


class _Readings:
    """Stretches laid out so that one period after the other is tried on them cheaply.

    Hundreds of periods are tried where a series falls back, so all that does not depend
    on the period is worked out once.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.iterations = [n for x, _ in pieces for n in x]
        self._stretches: list[tuple[list[int], list[float], list[float]]] = []
        """Iterations, then these and the values about their means."""
        self._xx = self._xy = self._yy = 0.0
        for x, y in pieces:
            mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
            dx, dy = [a - mean_x for a in x], [b - mean_y for b in y]
            self._stretches.append((list(x), dx, dy))
            self._xx += sum(map(mul, dx, dx))
            self._xy += sum(map(mul, dx, dy))
            self._yy += sum(map(mul, dy, dy))
        # Growth besides would move the readings of each period away from those before.
        risen = self._xy / self._xx if self._xx else 0.0
        self._leveled = [v - risen * (n - x[0]) for x, y in pieces for n, v in zip(x, y, strict=True)]

    def string(self, period: int, most: float = inf) -> tuple[int, float]:
        """Where the period begins, and how far the leveled readings move, ordered by their place in it.

        Of the right period they rise once and fall once (Dworetsky 1983, MNRAS 203:917). Of one that
        makes them move by more than `most` it is not told by how much more.
        """
        places = [n % period for n in self.iterations]
        values = self._leveled
        # Not by value too: of a period of two, half of all readings have the same place.
        order = sorted(range(len(places)), key=places.__getitem__)
        length, deepest, begin = 0.0, 0.0, 0
        before = values[order[-1]]
        for which in order:
            value = values[which]
            if value > before:
                length += value - before
            else:
                move = value - before
                length -= move
                if move < deepest:
                    deepest, begin = move, places[which]
            if length > most:
                break
            before = value
        return begin, length

    def fit(self, period: int) -> _Tooth | None:
        """Fit growth and tooth by least squares, each stretch at a level of its own; None: no tooth."""
        begin = self.string(period)[0]
        xr = rr = ry = 0.0
        for x, dx, dy in self._stretches:
            places = [(k - begin) % period for k in x]
            mean = sum(places) / len(places)
            dr = [r - mean for r in places]
            rr += sum(map(mul, dr, dr))
            xr += sum(map(mul, dx, dr))
            ry += sum(map(mul, dy, dr))
        xx, xy = self._xx, self._xy
        size = xx * rr - xr * xr
        if size <= LEAST_APART * xx * rr:
            return None
        growth, slope = (xy * rr - ry * xr) / size, (ry * xx - xy * xr) / size
        if slope * period < LEAST_TOOTH:
            return None
        rest = sqrt(max(0.0, self._yy - growth * xy - slope * ry) / len(self.iterations))
        return _Tooth(period=period, begin=begin, slope=slope, growth=growth, rest=rest)

    def farthest(self, tooth: _Tooth) -> float:
        """How far the reading that fits worst lies from growth and tooth."""
        most = 0.0
        for x, dx, dy in self._stretches:
            places = [(k - tooth.begin) % tooth.period for k in x]
            mean = sum(places) / len(places)
            for a, value, r in zip(dx, dy, places, strict=True):
                most = max(most, abs(value - tooth.growth * a - tooth.slope * (r - mean)))
        return most
