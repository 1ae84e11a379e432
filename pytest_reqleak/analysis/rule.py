"""The rule: which trends are a steady growth, which are seen flat, which deserve a second look.

Every number has its reason beside it; where it says "simulated", the figures
come from `python -m benchmarks.power`.

Knows trends only: not meters, not what happens next.
"""

from __future__ import annotations

from math import sqrt

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

# Where levels are each a little off (noise that returns, or regular events seen in batches),
# their bulge is off by this: 1.4 by the fit to six of them, 0.7 to 0.9 for 16 to 30 events.
BULGE_ERROR_LEVELS = 1.4
BULGE_ERROR_REGULAR = 1.0

# A bulge that is certain and above this (the second half is 0.97 of the first) is a
# fading growth caught early: it is watched longer, not called a leak yet.
SLIGHT_BULGE = 0.0075
LATE_SLIGHT_BULGE = 0.02

# Bulges of straight growth exceed three errors in 0.1 % of cases, and two in 2 %; where growth has
# slowed before, the latter is the better bet.
CERTAIN, CERTAIN_BENT = 3.0, 2.0

# Of caches by user, of whom few send most of the requests (simulated), a third were called a leak
# without this doubt, one in seven with half of it.
DOUBT_BENT = 2.0

# What is counted by a value with a long tail (a histogram of durations, of sizes, of users) meets new
# values ever more rarely, and never ends. Of a few rises at random moments nobody can say that they
# do not become rarer: the growth must be straighter than a logarithm by three errors, and by four where
# it was faster before. Of 600 each of three such families (simulated, 5,000 iterations) 4, 3 and 8 were
# called a leak without this, and none with it; of caches by few users 1.7 % and 0.4 %. With two errors
# leaks at random moments are found in two thirds of the time, and 3 % of such counts at 500 iterations.
SLOWING_DOUBT, SLOWED_DOUBT = 3.0, 4.0

# The middle of a row of n rises at random moments lies this / sqrt(n) off its chord.
BULGE_ERROR_RISES = 0.5

# Nine rises at random moments look like clockwork in one of five cases, twenty in one of twenty.
LEAST_CLOCKWORK = 20.0

# They leave a roughness of 0.22 / sqrt(n); where it is a quarter of that, every reading has its share of
# a growth that comes with each iteration, and fewer readings do.
SMOOTH = 0.05

# A random walk passes twelve rising minima with at most this roughness in 0.03 % of
# cases, a count that never falls has no such twin.
MOST_ROUGH_NOISY = 0.05
MOST_ROUGH_QUIET = 0.06

# Eight equal steps at regular distances; seven leave a roughness above the limit anyway.
LEAST_EVEN_RISES = 8.0

# A floor that lost a fifth of what it had gained is a buffer that was emptied or a store
# whose entries expired, even if its next rise is longer: stores are swept when they have
# doubled. Later stages forget it when the fall is a tenth of the rise.
MOST_FALL = 0.2

# A cache that became full shortly before the end has paused for longer than ever before;
# a regular growth pauses once as long at most, one at random hardly ever twice.
MOST_PAUSE = 2.0

# exp(-6) = 0.2 % of the growths at random times pause for six mean distances.
SETTLED_IDLE = 6.0

# A stage of fewer samples cannot show that a rise was the only one.
LEAST_SAMPLES = 5

# Six floors of noise about a level go up by this share of all their moves in 8 % of cases,
# twelve of a random walk in 15 %: those pay for another stage, and no leak is lost that
# rises by twice what its floor shakes.
TRENDING = 0.4


def is_steady(
    trend: Trend,
    *,
    least: float = 0.0,
    stage: int = 1,
    final: bool = False,
    bent: bool = False,
    slowed: bool | None = None,
) -> bool:
    """Whether the floor rises along a straight line, with nothing that speaks against it.

    Args:
        trend: Of the measurement's later part and all stages after it.
        least: Growth per iteration below which nothing counts.
        stage: How many confirmations were seen, from 1.
        final: Whether there will be no other stage.
        bent: Whether the growth has slowed over all that was seen.
        slowed: Whether it has slowed since the first sample, before the window of the trend too;
            None: that the rises may become rarer is no matter, since nothing is called a leak.
    """
    if trend.rise <= 0 or trend.per_iteration < least or trend.segments < LEAST_SEGMENTS:
        return False
    if trend.fall > MOST_FALL:
        return False
    if trend.even_rises < LEAST_EVEN_RISES:
        return False
    if trend.quiet:
        if trend.pause > MOST_PAUSE:
            return False
        if trend.roughness > MOST_ROUGH_QUIET:
            return False
    else:
        if not trend.climbs or not (trend.returns or trend.segments >= SEGMENTS):
            return False
        if trend.roughness > (MOST_ROUGH_QUIET if trend.returns else MOST_ROUGH_NOISY):
            return False
    if slowed is not None and _may_become_rarer(trend, slowed=slowed):
        return False
    return not is_fading(trend, stage=stage, final=final, bent=bent) and trend.bulge >= LEAST_BULGE


def _may_become_rarer(trend: Trend, *, slowed: bool) -> bool:
    """Whether a logarithm could have risen at these moments."""
    rises = sqrt(trend.even_rises)
    if trend.regular and (rises >= sqrt(LEAST_CLOCKWORK) or trend.roughness <= SMOOTH / rises):
        return False
    error = _bulge_error(trend)
    if trend.quiet:
        error = max(error, BULGE_ERROR_RISES / rises)
    return trend.bulge > trend.slowing - (SLOWED_DOUBT if slowed else SLOWING_DOUBT) * error


def is_fading(trend: Trend, *, stage: int, final: bool = False, bent: bool = False) -> bool:
    """Whether the growth slows, or may slow by more than it should for all that was seen.

    In the first stages a doubt counts against growth, because one more stage
    shows it more clearly: the window doubles, and with it the bulge of
    whatever fades. What has slowed since the beginning stays in doubt: a cache that was
    full long ago bends no more, but one whose keys become rare (a few users send most of the
    requests) slows down for ever, in a window of its last three quarters by hardly more than the limit.
    """
    error = _bulge_error(trend)
    doubt = max((1.5, 1.0)[stage - 1] if stage <= 2 else 0.0, DOUBT_BENT if bent else 0.0)
    if trend.bulge + doubt * error > MOST_BULGE:
        return True
    slight = LATE_SLIGHT_BULGE if final else SLIGHT_BULGE
    return trend.bulge > max(slight, (CERTAIN_BENT if bent else CERTAIN) * error)


def _bulge_error(trend: Trend) -> float:
    """How far the bulge of straight growth is off, as chance has it."""
    return trend.roughness * (
        BULGE_ERROR_LEVELS if trend.returns else BULGE_ERROR_REGULAR if trend.regular else BULGE_ERROR
    )


def is_flat(trend: Trend, *, least: float) -> bool:
    """Whether a stage was seen without growth."""
    if trend.rise <= 0 or trend.per_iteration < least:
        return True
    if trend.quiet:
        # One rise is an event, two may be the beginning of a row; one of two samples may be either.
        return trend.rises < (2 if trend.samples >= LEAST_SAMPLES else 1) or trend.idle >= SETTLED_IDLE
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
