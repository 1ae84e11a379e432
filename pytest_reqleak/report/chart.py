"""The course of a meter as geometry: where each thing lies on a plot, not how it is drawn.

Places are in units of a box of `WIDTH` by `HEIGHT` that is stretched to any
size; labels are given as percentages, so that text is never stretched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median

from pytest_reqleak.model.finding import Growth
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.run import Run
from pytest_reqleak.model.sample import Samples, Series
from pytest_reqleak.units import format_bytes, format_count

WIDTH, HEIGHT = 1000, 300

MOST_COLUMNS = 500
"""Of a curve; of more samples, the lowest and the highest of each column are drawn."""

# What is judged. Warm-up is a story of its own, and while tracing runs the tracer's own tables show.
JUDGED = (Phase.MEASURE, Phase.CONFIRM, Phase.REPLAY)

_MOST_TICKS = 4
_MARGIN = 0.06


@dataclass(frozen=True, slots=True)
class Tick:
    """A label on an axis."""

    percent: float
    """From the left, or from the top."""
    label: str


@dataclass(frozen=True, slots=True)
class Band:
    """A stage of the run."""

    phase: Phase
    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One meter over the whole run."""

    meter: Meter
    growth: Growth | None
    first: int
    """The first judged reading; the zero of the y axis."""
    last: int
    moves: bool
    """Whether any judged reading differs from the first."""
    curve: str
    """SVG path of the judged samples."""
    aside: str
    """SVG path of warm-up, of tracing, and of what links them to the rest."""
    bands: tuple[Band, ...]
    line: tuple[float, float, float, float] | None
    """The growth over the measurement: x and y of its ends."""
    fan: str
    """SVG points of the area between the ends of the growth's interval; empty where unbounded."""
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    readings: tuple[int, ...]
    """Less the first judged one; as many as `hover_places` names."""
    bottom: float
    top: float
    """Ends of the y axis, in the unit of `readings`."""


def charts(run: Run) -> list[Chart]:
    """One chart per meter that was read, those that grow first."""
    judged, measured = run.samples.only(*JUDGED), run.samples.only(Phase.MEASURE)
    every = (_chart(run, meter, judged, measured) for meter in run.samples.readings)
    drawn = [chart for chart in every if chart is not None]
    return sorted(drawn, key=lambda chart: not (chart.growth and chart.growth.grows))


def _chart(run: Run, meter: Meter, judged_samples: Samples, measured_samples: Samples) -> Chart | None:
    whole = run.samples.series(meter)
    judged = judged_samples.series(meter) or whole
    if whole is None or judged is None or not whole.values:
        return None
    judged = judged if judged.values else whole
    growth = run.growth_of(meter)
    scale = _Scale(judged, right=whole.iterations[-1], grows=growth is not None and growth.grows)
    measured = measured_samples.series(meter)
    line, fan = _growth_line(scale, measured, growth) if measured and growth else (None, "")
    moves = any(value != judged.values[0] for value in judged.values)
    # What never moved is named in a line of text, and is not drawn.
    curve, aside = _paths(scale, run.samples, whole) if moves else ("", "")
    return Chart(
        meter=meter,
        growth=growth,
        first=judged.values[0],
        last=judged.values[-1],
        moves=moves,
        curve=curve,
        aside=aside,
        bands=_bands(scale, run.samples),
        line=line,
        fan=fan,
        x_ticks=scale.x_ticks(),
        y_ticks=scale.y_ticks(meter),
        readings=tuple(whole.values[n] - scale.zero for n in hover_places(run.samples)),
        bottom=scale.bottom,
        top=scale.top,
    )


def hover_places(samples: Samples) -> list[int]:
    """The positions of the samples that a pointer can find: all, or `MOST_COLUMNS` spread evenly."""
    count = len(samples)
    if count <= MOST_COLUMNS:
        return list(range(count))
    return sorted({round(n * (count - 1) / (MOST_COLUMNS - 1)) for n in range(MOST_COLUMNS)})


def least_span(meter: Meter) -> int:
    """What a meter that does not grow must move by, at least, to fill the height of a plot.

    Drawn to its own scale, the noise of a flat series would look like mountains.
    """
    if meter.unit:
        return 64 * 1024
    return 100 if meter in (Meter.LIVE_BLOCKS, Meter.GC_OBJECTS, Meter.CYCLIC_GARBAGE) else 10


class _Scale:
    """Iterations, and readings less the first judged one, to places in the box."""

    def __init__(self, judged: Series, *, right: int, grows: bool) -> None:
        self.right = max(right, 1)
        self.zero = judged.values[0]
        # Counted from the first reading: far from zero, floats cannot tell neighbours apart.
        low, high = min(judged.values) - self.zero, max(judged.values) - self.zero
        missing = max(0, (1 if grows else least_span(judged.meter)) - (high - low)) / 2
        margin = (high - low + 2 * missing) * _MARGIN
        self.bottom, self.top = low - missing - margin, high + missing + margin

    def x(self, iterations: float) -> float:
        return round(iterations / self.right * WIDTH, 1)

    def y(self, offset: float) -> float:
        place = (self.top - offset) / (self.top - self.bottom) * HEIGHT
        # What lies outside is cut off by the box; far outside, renderers lose precision.
        return round(min(max(place, -HEIGHT), 2 * HEIGHT), 1)

    def x_ticks(self) -> tuple[Tick, ...]:
        step = _decimal_step(self.right)
        return tuple(
            Tick(round(100 * x / self.right, 2), format_count(x)) for x in range(0, self.right + 1, step)
        )

    def y_ticks(self, meter: Meter) -> tuple[Tick, ...]:
        span = self.top - self.bottom
        step = _binary_step(span) if meter.unit else _decimal_step(span)
        lowest, highest = math.ceil(self.bottom / step), math.floor(self.top / step)
        return tuple(
            Tick(round(100 * self.y(n * step) / HEIGHT, 2), _tick_label(meter, n * step))
            for n in range(lowest, highest + 1)
        )


def _decimal_step(span: float) -> int:
    """1, 2 or 5 times a power of ten, at least 1, so that no more than `_MOST_TICKS` steps fit."""
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if span / step <= _MOST_TICKS:
                return step
        power *= 10


def _binary_step(span: float) -> int:
    step = 1
    while span / step > _MOST_TICKS:
        step *= 2
    return step


def _tick_label(meter: Meter, offset: int) -> str:
    if offset == 0:
        return "0"
    shown = format_bytes(offset) if meter.unit else format_count(offset)
    return shown if offset < 0 else f"+{shown}"


def _growth_line(
    scale: _Scale, measured: Series, growth: Growth
) -> tuple[tuple[float, float, float, float] | None, str]:
    """The growth through the middle of the measurement, and its interval turning about that point."""
    if len(measured) < 2:
        return None, ""
    left, right = measured.iterations[0], measured.iterations[-1]
    centre = (left + right) / 2
    slope = growth.per_iteration
    # Theil and Sen's intercept, as their slope is the growth's.
    offsets = [value - scale.zero for value in measured.values]
    level = median(y - slope * (x - centre) for x, y in zip(measured.iterations, offsets, strict=True))
    if not math.isfinite(level):
        return None, ""

    def at(x: float, rate: float) -> tuple[float, float]:
        return scale.x(x), scale.y(level + rate * (x - centre))

    line = (*at(left, slope), *at(right, slope))
    if not (math.isfinite(growth.low) and math.isfinite(growth.high)):
        return line, ""
    corners = [
        at(left, growth.low),
        at(centre, slope),
        at(right, growth.low),
        at(right, growth.high),
        at(centre, slope),
        at(left, growth.high),
    ]
    return line, " ".join(f"{x:g},{y:g}" for x, y in corners)


def _bands(scale: _Scale, samples: Samples) -> tuple[Band, ...]:
    """The stages other than the measurement, each from the sample before it to its last."""
    bands = []
    left = 0
    for phase, group in groupby(
        zip(samples.phases, samples.iterations, strict=True), key=lambda pair: pair[0]
    ):
        right = [done for _, done in group][-1]
        if phase is not Phase.MEASURE:
            bands.append(Band(phase, scale.x(left), round(scale.x(right) - scale.x(left), 1)))
        left = right
    return tuple(bands)


def _paths(scale: _Scale, samples: Samples, whole: Series) -> tuple[str, str]:
    """The curve of what is judged, and the rest of it."""
    kept = [
        (x, y - scale.zero, samples.phases[n] in JUDGED)
        for n, x, y in _thinned(whole.iterations, whole.values)
    ]
    curve: list[str] = []
    aside: list[str] = []
    ends: dict[bool, tuple[int, int]] = {}
    for (x, y, judged), (next_x, next_y, next_judged) in pairwise(kept):
        path = curve if judged and next_judged else aside
        if ends.get(path is curve) != (x, y):
            path.append(f"M{scale.x(x):g} {scale.y(y):g}")
        path.append(f"L{scale.x(next_x):g} {scale.y(next_y):g}")
        ends[path is curve] = (next_x, next_y)
    if len(kept) == 1:
        curve.append(f"M{scale.x(kept[0][0]):g} {scale.y(kept[0][1]):g}h0")
    return "".join(curve), "".join(aside)


def _thinned(iterations: Sequence[int], values: Sequence[int]) -> list[tuple[int, int, int]]:
    """Position, x and y of the samples that make the same picture."""
    everything = list(zip(range(len(values)), iterations, values, strict=True))
    if len(everything) <= 2 * MOST_COLUMNS:
        return everything
    thinned = []
    per_column = -(-len(everything) // MOST_COLUMNS)
    for start in range(0, len(everything), per_column):
        column = everything[start : start + per_column]
        ends = {min(column, key=lambda sample: sample[2]), max(column, key=lambda sample: sample[2])}
        thinned += sorted(ends)
    return thinned
