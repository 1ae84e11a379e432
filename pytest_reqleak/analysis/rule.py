"""The rule: which trends are a steady growth, which are seen flat, which deserve a second look.

Every number has its reason beside it; where it says "simulated", the figures
come from `python -m benchmarks.power`.

Knows trends only: not meters, not what happens next.
"""

from __future__ import annotations

from pytest_reqleak.analysis.trend import LEAST_SEGMENTS, SEGMENTS, Shape, Trend

# A bulge of 0.06 is a growth whose second half is 0.79 of its first. A cache that
# fills from a set three times as large as the run bulges by 0.067.
MOST_BULGE = 0.06

# Growing faster and faster is growth too, but a random walk looks like that as
# easily as like a line.
LEAST_BULGE = -0.15

# Of events that fall at random, the bulge has a standard deviation of 2.25 times the
# roughness that they leave (simulated, for 40 to 1,600 events); regular ones have less.
BULGE_ERROR = 2.25

# Where six levels are each a little off, their bulge is off by this (by the fit itself).
BULGE_ERROR_RETURNING = 1.4

# A bulge that is certain and above this (the second half is 0.97 of the first) is a
# fading growth caught early: it is watched longer, not called a leak yet.
SLIGHT_BULGE = 0.0075
LATE_SLIGHT_BULGE = 0.02

# A random walk passes twelve rising minima with at most this roughness in 0.03 % of
# cases, a count that never falls has no such twin.
MOST_ROUGH_NOISY = 0.05
MOST_ROUGH_QUIET = 0.06

# Eight equal steps at regular distances; seven leave a roughness above the limit anyway.
LEAST_EVEN_RISES = 8.0

# A floor that came down by a third of all its rise is a buffer that was emptied or a
# store whose entries expired, until later stages make that fall small beside the rise.
MOST_FALL = 0.35

# exp(-5) = 0.7 % of the growths at random times pause that long; a cache that became
# full shortly before the end does.
MOST_IDLE = 5.0
SETTLED_IDLE = 6.0

# A floor that wanders goes up half as much as it moves in 5 % of the cases.
TRENDING = 0.4


def is_steady(trend: Trend, *, least: float, stage: int, final: bool = False) -> bool:
    """Whether the floor rises along a straight line, with nothing that speaks against it.

    Args:
        trend: Of the measurement's later part and all stages after it.
        least: Growth per iteration below which nothing counts.
        stage: How many confirmations were seen, from 1.
        final: Whether there will be no other stage.
    """
    if trend.rise <= 0 or trend.per_iteration < least or trend.segments < LEAST_SEGMENTS:
        return False
    if trend.fall > MOST_FALL:
        return False
    if trend.quiet:
        if trend.even_rises < LEAST_EVEN_RISES or trend.idle > MOST_IDLE:
            return False
        if trend.roughness > MOST_ROUGH_QUIET:
            return False
    else:
        if not trend.climbs or not (trend.returns or trend.segments >= SEGMENTS):
            return False
        if trend.roughness > (MOST_ROUGH_QUIET if trend.returns else MOST_ROUGH_NOISY):
            return False
    return not is_fading(trend, stage=stage, final=final) and trend.bulge >= LEAST_BULGE


def is_fading(trend: Trend, *, stage: int, final: bool = False) -> bool:
    """Whether the growth slows, or may slow by more than it should for all that was seen.

    In the first stages a doubt counts against growth, because one more stage
    shows it more clearly: the window doubles, and with it the bulge of
    whatever fades.
    """
    error = (BULGE_ERROR_RETURNING if trend.returns else BULGE_ERROR) * trend.roughness
    doubt = (1.5, 1.0)[stage - 1] if stage <= 2 else 0.0
    if trend.bulge + doubt * error > MOST_BULGE:
        return True
    slight = LATE_SLIGHT_BULGE if final else SLIGHT_BULGE
    return trend.bulge > max(slight, 3 * error)


def is_flat(trend: Trend, *, least: float) -> bool:
    """Whether a stage was seen without growth."""
    if trend.rise <= 0 or trend.per_iteration < least:
        return True
    if trend.quiet:
        # One rise is an event, two may be the beginning of a row.
        return trend.rises < 2 or trend.idle >= SETTLED_IDLE
    return trend.straight < TRENDING


def shape_of(trend: Trend, *, least: float, stage: int) -> Shape:
    """Name what a trend looks like, for people."""
    if trend.rise < 0 and trend.straight < -TRENDING:
        return Shape.SHRINKING
    if is_flat(trend, least=least):
        return Shape.FLAT
    if is_steady(trend, least=least, stage=stage):
        return Shape.STEADY
    if trend.fall > MOST_FALL:
        return Shape.SAWTOOTH
    if is_fading(trend, stage=3):
        return Shape.FADING
    return Shape.STEPPED
