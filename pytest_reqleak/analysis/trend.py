"""Say what a series looks like: flat, steady, fading, stepped, saw-toothed, shrinking.

A line that bends is told from a line that shakes by fitting both at once:

    floor(x) = level + slope * x + bulge * 4x(1 - x),   x from 0 to 1

`bulge`, as a share of the rise, is how far the middle stands above the chord:
a growth that fades bulges upwards. What is left over is `roughness`.

Knows numbers only: not meters, not thresholds, not what a stage was for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from math import log, sqrt

from pytest_reqleak.analysis.pieces import Piece, envelope_rises, falls, floor_error, floor_path

SEGMENTS = 12
"""Twelve minima that all rise, along a line, come from a random walk in 0.03 % of
cases; six do in 0.3 % (400,000 walks)."""

LEAST_SEGMENTS = 6
"""Three numbers are fitted, so six points are the fewest that leave something over.
Longer segments catch more troughs each, so noise that returns is cut into six."""

LEAST_TO_TELL = 60
"""Samples from which noise that returns can be told from a random walk."""

RETURNING = 0.15
"""Variance of changes over a sixth of the series against that of six times as many
single changes: 1 for a random walk, below this in 0.1 % of walks (40,000 walks of 80 to
300 samples), and below it in nearly all noise and saw-teeth that come back to a level."""

QUIET = 0.05
"""Where all falls together are below this share of the rise, the series is a count
that only goes up; no noise and no random walk looks like that."""


REGULAR = 2.0
"""Longest against mean distance between rises. Twelve rises at random moments stay below
in 17 % of cases, thirty in 1 %; one that comes every n iterations always does."""


LEAST_FALL = 0.1
"""A fall of less, as a share of all that the floor rose, is told by the roughness."""


class Shape(str, Enum):
    """What a series looks like."""

    FLAT = "flat"
    """The floor does not rise."""
    STEADY = "steady"
    """The floor rises along a straight line."""
    FADING = "fading"
    """The floor rises, ever more slowly."""
    STEPPED = "stepped"
    """The floor rises in few jumps, or unevenly."""
    SAWTOOTH = "sawtooth"
    """It rises and falls back."""
    SHRINKING = "shrinking"
    """The floor falls."""

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """How the floor of a series moved."""

    per_iteration: float
    """The floor's mean slope."""
    error: float
    """Standard error of that slope, were the floor a line and its minima independent.

    At the least what the distance of a minimum from its floor makes of it."""
    rise: float
    """Of the floor over all stretches, holes left out."""
    iterations: float
    """Over which it rose."""
    bulge: float
    """How far the middle stands above the chord, as a share of the rise; above 0: it fades."""
    slowing: float
    """What `bulge` would be if the growth slowed as a logarithm of all iterations so far does."""
    roughness: float
    """What neither line nor bulge explains, as a share of the rise."""
    climbs: bool
    """Whether each segment's minimum is above the one before."""
    straight: float
    """The rise as a share of all ups and downs of the floor; 1: it only rises, 0: it only wanders."""
    rises: int
    """How often a reading is above the one before."""
    even_rises: float
    """How many equal steps the rise is worth: 1 for a single jump, n for n equal ones.

    Under noise those of the level that is never fallen below again."""
    quiet: bool
    """Whether the readings as good as never fall."""
    returns: bool
    """Whether the noise comes back to the line, as no random walk does."""
    fall: float
    """The largest share of what it had gained by then that the floor ever lost again."""
    idle: float
    """How long ago the last rise was, in mean distances between rises; inf where nothing rose.

    A regular growth reads 1 at most. One whose rises fall at random exceeds n
    with probability exp(-n).
    """
    regular: bool
    """Whether a quiet series rises like clockwork: no distance between rises is twice the mean."""
    pause: float
    """How long ago the last rise was, in longest distances between rises before it."""
    segments: int
    samples: int


_NOTHING = Trend(
    per_iteration=0.0,
    error=0.0,
    rise=0.0,
    iterations=0.0,
    bulge=0.0,
    slowing=0.0,
    roughness=0.0,
    climbs=False,
    straight=0.0,
    rises=0,
    even_rises=0.0,
    quiet=True,
    returns=False,
    fall=0.0,
    regular=False,
    idle=float("inf"),
    pause=float("inf"),
    segments=0,
    samples=0,
)


def trend_of(pieces: Sequence[Piece], *, before: Sequence[Piece] | None = None) -> Trend:
    """Measure how the floor of a series moved.

    Args:
        pieces: The stretches to judge, in order.
        before: All that was read, for the deepest fall; by default `pieces`.
    """
    n = sum(len(x) for x, _ in pieces)
    if n < 2 or all(len(x) < 2 for x, _ in pieces):
        return _NOTHING
    ups = [b - a for _, values in pieces for a, b in pairwise(values) if b > a]
    downs = sum(a - b for _, values in pieces for a, b in pairwise(values) if b < a)
    if not ups and not downs:
        return _NOTHING
    quiet = downs <= QUIET * sum(ups)
    returns = not quiet and n >= LEAST_TO_TELL and _variance_ratio(pieces) < RETURNING
    most = SEGMENTS if quiet or (n >= LEAST_TO_TELL and not returns) else LEAST_SEGMENTS
    segments = min(most, max(LEAST_SEGMENTS, n // 2))
    x, y = floor_path(pieces, segments)
    rise, iterations = y[-1], x[-1]
    # Under noise every other reading rises; what counts is what is never lost again.
    kept = ups if quiet else envelope_rises(pieces)
    # Six minima may lie on a line by luck, and say too little of how far they are off.
    slope, error, bulge, roughness = _bend(x, y, 0.0 if quiet else floor_error(pieces, segments))
    lost = falls(before or pieces, 2 * SEGMENTS, least=LEAST_FALL * max(0.0, rise))
    idle, pause, spread = _rest(pieces)
    return Trend(
        per_iteration=slope / iterations,
        error=error / iterations,
        rise=rise,
        iterations=iterations,
        bulge=bulge,
        slowing=_slowing(x, pieces),
        roughness=roughness,
        climbs=all(b > a for a, b in pairwise(y)),
        straight=rise / (sum(abs(b - a) for a, b in pairwise(y)) or 1),
        rises=len(ups),
        even_rises=sum(kept) ** 2 / sum(up * up for up in kept) if kept else 0.0,
        quiet=quiet,
        returns=returns,
        fall=max((share for _, share in lost), default=0.0),
        regular=quiet and spread <= REGULAR,
        idle=idle,
        pause=pause,
        segments=len(x),
        samples=n,
    )


def _bend(x: Sequence[float], y: Sequence[float], least_error: float) -> tuple[float, float, float, float]:
    """Fit line and bulge by least squares.

    Args:
        x: From 0.
        y: From 0.
        least_error: Of each y, whatever the fit says.

    Returns:
        The line's rise and the standard error of that, then bulge and roughness as
        shares of the rise.
    """
    n, run = len(x), x[-1]
    line = [a / run for a in x]
    arch = [4 * a * (1 - a) for a in line]
    mean = sum(line) / n
    line = [a - mean for a in line]
    line_size = sum(a * a for a in line)
    arch = _less(arch, line, line_size)
    arch_size = sum(a * a for a in arch)
    slope = sum(a * b for a, b in zip(line, y, strict=True)) / line_size
    rest = _less(y, line, line_size)
    error = sqrt(max(sum(b * b for b in rest) / max(1, n - 2), least_error**2) / line_size)
    bulge = sum(a * b for a, b in zip(arch, rest, strict=True)) / arch_size if arch_size > 1e-9 else 0.0
    rest = [b - bulge * a for a, b in zip(arch, rest, strict=True)]
    rough = sqrt(sum(b * b for b in rest) / max(1, n - 3))
    if slope <= 0:
        return slope, error, 0.0, float("inf")
    return slope, error, bulge / slope, rough / slope


def _slowing(x: Sequence[float], pieces: Sequence[Piece]) -> float:
    """The bulge of a logarithm at the same places, counted from the app's first request."""
    begin, end = pieces[0][0][0], pieces[-1][0][-1]
    # Holes have no width in `x`.
    stretched = (end - begin) / x[-1]
    logarithm = [log(max(1.0, begin + place * stretched)) for place in x]
    return _bend(x, [value - logarithm[0] for value in logarithm], 0.0)[2]


def _less(y: Sequence[float], base: Sequence[float], size: float) -> list[float]:
    """`y` without its mean and without its part along `base`, which has no mean."""
    mean = sum(y) / len(y)
    part = sum(a * b for a, b in zip(base, y, strict=True)) / size
    return [b - mean - part * a for a, b in zip(base, y, strict=True)]


def _variance_ratio(pieces: Sequence[Piece]) -> float:
    """Lo and MacKinlay's variance ratio (1988) of the readings around their own line."""
    level, joined = 0, []
    for _, values in pieces:
        joined += [value - values[0] + level for value in values]
        level = joined[-1]
    n = len(joined)
    lag = n // 6
    middle = (n - 1) / 2
    mean = sum(joined) / n
    slope = sum((k - middle) * value for k, value in enumerate(joined)) / (n * (n * n - 1) / 12)
    level_free = [value - mean - slope * (k - middle) for k, value in enumerate(joined)]
    single = sum((b - a) ** 2 for a, b in pairwise(level_free)) / (n - 1)
    far = [b - a for a, b in zip(level_free, level_free[lag:], strict=False)]
    centre = sum(far) / len(far)
    return sum((change - centre) ** 2 for change in far) / len(far) / (lag * single) if single else 1.0


def _rest(pieces: Sequence[Piece]) -> tuple[float, float, float]:
    """How long the last rise is ago, in mean and in longest distances between rises; and their ratio."""
    total = last = longest = rises = 0
    for x, y in pieces:
        for place in range(1, len(x)):
            total += x[place] - x[place - 1]
            if y[place] > y[place - 1]:
                rises += 1
                longest = max(longest, total - last)
                last = total
    if not rises:
        return float("inf"), float("inf"), float("inf")
    mean = last / rises
    return (total - last) / mean, (total - last) / longest, longest / mean
