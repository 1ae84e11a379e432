"""Turn a series into a growth: a slope per iteration, and how sure it is.

Knows numbers only: not bytes, not requests, not why a sample is missing, and
not whether a growth is steady: that is the question of `trend` and `rule`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from pytest_reqleak.errors import ReqleakError
from pytest_reqleak.model.sample import Series

LEAST_SAMPLES = 2
"""A slope needs two points; its interval says how little they prove."""

MOST_SAMPLES = 200
"""19,900 pairs: about 10 ms. Longer series are thinned evenly, which costs no precision that matters."""


class TooFewSamples(ReqleakError):
    """A slope was asked of fewer than two samples."""

    slug = "too-few-samples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A slope and the interval that holds it."""

    per_iteration: float
    """In the meter's unit per iteration; negative: it shrank."""
    low: float
    high: float


def fit_growth(series: Series, *, confidence: float = 0.95) -> Fit:
    """Estimate how much each iteration leaves behind.

    The slope is the median of the slopes between all pairs of samples (Theil
    1950; Sen 1968, JASA 63:1379), so one odd batch cannot move it.

    Args:
        series: In order; x in iterations, y in the meter's unit.
        confidence: Of the interval, in (0, 1). It takes the samples as
            independent around a line; a random walk is not.

    Returns:
        Slope and interval ends per iteration.

    Raises:
        TooFewSamples: Fewer than two samples.

    O(n²) pairs: 0.5 ms at n = 50, and n is thinned to 200.
    """
    return fit_pieces([(series.iterations, series.values)], confidence=confidence)


def fit_pieces(
    pieces: Sequence[tuple[Sequence[float], Sequence[float]]],
    *,
    confidence: float = 0.95,
    most_samples: int = MOST_SAMPLES,
) -> Fit:
    """Estimate one slope that several stretches of a series share, whatever their levels.

    Only pairs within a stretch are compared (Hirsch, Slack and Smith 1982,
    Water Resources Research 18:107, who did so for the months of a year), so
    what happened between two stretches has no say.

    Args:
        pieces: Stretches as (x, y), x strictly rising.
        confidence: Of the interval, in (0, 1).
        most_samples: Over all stretches; more are thinned evenly.

    Raises:
        TooFewSamples: No stretch has two samples.
    """
    total = sum(len(x) for x, _ in pieces)
    slopes: list[float] = []
    variance = 0.0
    for x, y in pieces:
        x, y = _thinned(x, y, most=max(LEAST_SAMPLES, most_samples * len(x) // max(1, total)))
        slopes += _pair_slopes(x, y)
        variance += _rank_variance(y)
    if not slopes:
        raise TooFewSamples(f"a growth needs at least {LEAST_SAMPLES} samples, not {total}; use more batches")
    slopes.sort()
    n_slopes = len(slopes)
    spread = -NormalDist().inv_cdf((1 - confidence) / 2) * sqrt(variance)
    below = max(round((n_slopes - spread) / 2) - 1, 0)
    above = min(round((n_slopes + spread) / 2), n_slopes - 1)
    return Fit(per_iteration=_middle(slopes), low=slopes[below], high=slopes[above])


def _pair_slopes(x: Sequence[float], y: Sequence[float]) -> list[float]:
    points = list(zip(x, y, strict=True))
    return [
        (later_y - y0) / (later_x - x0)
        for place, (x0, y0) in enumerate(points)
        for later_x, later_y in points[place + 1 :]
    ]


def _rank_variance(y: Sequence[float]) -> float:
    """Variance of Kendall's S when there is no trend, ties in y corrected for (Sen 1968)."""
    n = len(y)
    ties = sum(k * (k - 1) * (2 * k + 5) for k in Counter(y).values() if k > 1)
    return (n * (n - 1) * (2 * n + 5) - ties) / 18


def _thinned(x: Sequence[float], y: Sequence[float], *, most: int) -> tuple[Sequence[float], Sequence[float]]:
    n = len(x)
    if n <= most:
        return x, y
    # Both ends stay: the slope's lever is longest there.
    places = [round(k * (n - 1) / (most - 1)) for k in range(most)]
    return [x[place] for place in places], [y[place] for place in places]


def _middle(ordered: Sequence[float]) -> float:
    half, odd = divmod(len(ordered), 2)
    return ordered[half] if odd else (ordered[half - 1] + ordered[half]) / 2
