"""Answer whether a run's memory grows for ever.

A pure sequential test: `screen` looks at the measurement; whatever is not
flat there is watched longer, stage after stage, and `decide` looks at all of
it after each stage. Only a floor that rises along a straight line, stage
after stage, is a leak; only a floor that was seen flat is clean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from pytest_reqleak.analysis.envelope import Piece, Shape, Trend, split_at_holes, trend_of
from pytest_reqleak.analysis.growth import fit_pieces
from pytest_reqleak.model.finding import Growth
from pytest_reqleak.model.meter import Cause, Meter
from pytest_reqleak.model.sample import Samples
from pytest_reqleak.units import format_bytes, format_count


class Outcome(str, Enum):
    """What to do next: three answers, and `go_on`."""

    CLEAN = "clean"
    LEAK = "leak"
    INCONCLUSIVE = "inconclusive"
    GO_ON = "go_on"

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that the reader of a verdict should know."""

    slug: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An answer, or the wish to see more."""

    outcome: Outcome
    growth: tuple[Growth, ...]
    """One per meter that was read."""
    grows: tuple[Meter, ...] = ()
    """The meters that grow steadily and above their floor; for `go_on`, those under suspicion."""
    classification: tuple[Cause, ...] = ()
    reason: str
    """One sentence; with `go_on`, what would be said if the run had to end here."""
    more_iterations: int = 0
    """Of the next stage; 0 unless the outcome is `go_on`."""
    notes: tuple[Note, ...] = ()
    shapes: Mapping[Meter, Shape]


MEAN_BLOCK_BYTES = 64
_DECIDING = (
    Meter.LIVE_BLOCKS,
    Meter.GC_OBJECTS,
    Meter.HEAP_BYTES,
    Meter.DESCRIPTORS,
    Meter.THREADS,
    Meter.TASKS,
)
_RESOURCES = (Meter.DESCRIPTORS, Meter.THREADS, Meter.TASKS)
MOST_STAGES = 4


def screen(measured: Samples, *, threshold: float) -> Decision:
    """Look at the measurement: everything flat is clean, anything else is watched on."""
    trends = {meter: _trend(measured, meter, skip=0.4, segments=5) for meter in measured.readings}
    growing = [meter for meter in _DECIDING if meter in trends and _suspect(trends[meter], meter, threshold)]
    iterations = _span(measured)
    if not growing:
        return _decision(
            Outcome.CLEAN,
            measured,
            (),
            trends,
            (),
            f"nothing grew over {format_count(iterations)} iterations",
        )
    return _decision(
        Outcome.GO_ON,
        measured,
        (),
        trends,
        tuple(growing),
        f"{_tell(growing[0], trends[growing[0]])}, seen once only",
        more=iterations,
    )


def decide(
    measured: Samples,
    confirms: Sequence[Samples],
    *,
    threshold: float,
    bytes_per_iteration: float | None = None,
    rss_after_trim: Sequence[int] = (),
    collector_disabled: bool = False,
    final: bool = False,
) -> Decision:
    """Look at the measurement and all confirmation stages so far."""
    whole = _joined([measured, *confirms])
    trends = {
        meter: _trend(whole, meter, skip=0.4 * len(measured) / len(whole), segments=8)
        for meter in whole.readings
    }
    last = {meter: _trend(confirms[-1], meter, skip=0.0, segments=5) for meter in whole.readings}
    leaking = [
        meter
        for meter in _DECIDING
        if meter in trends
        and trends[meter].shape is Shape.STEADY
        and _suspect(last[meter], meter, threshold)
        and _suspect(trends[meter], meter, threshold)
    ]
    iterations = _span(measured) + sum(_span(stage) for stage in confirms)
    if leaking:
        return _decision(
            Outcome.LEAK,
            measured,
            confirms,
            trends,
            tuple(leaking),
            f"{_tell(leaking[0], trends[leaking[0]])}, steadily over {format_count(iterations)} iterations",
        )
    moving = [meter for meter in _DECIDING if meter in last and _suspect(last[meter], meter, threshold)]
    if not moving:
        return _decision(
            Outcome.CLEAN,
            measured,
            confirms,
            trends,
            (),
            f"what grew at first stayed flat over the last {format_count(_span(confirms[-1]))} iterations",
        )
    reason = f"{_tell(moving[0], last[moving[0]])}, but not steadily ({trends[moving[0]].shape})"
    if final or len(confirms) >= MOST_STAGES:
        return _decision(
            Outcome.INCONCLUSIVE,
            measured,
            confirms,
            trends,
            tuple(moving),
            f"{reason}; run longer to settle it",
        )
    return _decision(
        Outcome.GO_ON, measured, confirms, trends, tuple(moving), reason, more=2 * _span(confirms[-1])
    )


def _suspect(trend: Trend, meter: Meter, threshold: float) -> bool:
    return trend.rise > 1 and trend.per_iteration >= _floor(meter, threshold)


def _floor(meter: Meter, threshold: float) -> float:
    if meter in _RESOURCES:
        return 0.001
    if meter is Meter.HEAP_BYTES:
        return max(8.0, threshold)
    if meter is Meter.RSS_BYTES:
        return max(700.0, threshold)
    return threshold / MEAN_BLOCK_BYTES


def _trend(samples: Samples, meter: Meter, *, skip: float, segments: int) -> Trend:
    return trend_of(_pieces(samples, meter, skip), segments=segments)


def _pieces(samples: Samples, meter: Meter, skip: float) -> list[Piece]:
    start = int(skip * len(samples)) if len(samples) >= 10 else 0
    return split_at_holes(samples.iterations[start:], samples.readings[meter][start:])


def _span(samples: Samples) -> int:
    """Iterations between the first and the last sample."""
    return samples.iterations[-1] - samples.iterations[0] if len(samples) else 0


def _joined(stages: Sequence[Samples]) -> Samples:
    meters = [meter for meter in stages[0].readings if all(meter in stage.readings for stage in stages)]
    return Samples(
        iterations=tuple(n for stage in stages for n in stage.iterations),
        seconds=tuple(n for stage in stages for n in stage.seconds),
        phases=tuple(n for stage in stages for n in stage.phases),
        readings={meter: tuple(n for stage in stages for n in stage.readings[meter]) for meter in meters},
    )


def _tell(meter: Meter, trend: Trend) -> str:
    amount = format_bytes(trend.per_iteration) if meter.unit else format_count(trend.per_iteration)
    return f"{meter.label} rise by {amount} per iteration"


def _decision(
    outcome: Outcome,
    measured: Samples,
    confirms: Sequence[Samples],
    trends: Mapping[Meter, Trend],
    grows: tuple[Meter, ...],
    reason: str,
    more: int = 0,
) -> Decision:
    whole = _joined([measured, *confirms])
    growth = []
    for meter in trends:
        fit = fit_pieces(_pieces(whole, meter, 0.4 * len(measured) / len(whole)), most_samples=60)
        growth.append(
            Growth(
                meter=meter,
                per_iteration=fit.per_iteration,
                low=fit.low,
                high=fit.high,
                grows=meter in grows and outcome is not Outcome.CLEAN,
            )
        )
    causes = {Cause.RESOURCE if meter in _RESOURCES else Cause.PYTHON for meter in grows}
    if grows == (Meter.HEAP_BYTES,):
        causes = {Cause.NATIVE}
    return Decision(
        outcome=outcome,
        growth=tuple(growth),
        grows=grows,
        classification=tuple(cause for cause in Cause if cause in causes)
        if outcome is not Outcome.CLEAN
        else (),
        reason=reason,
        more_iterations=more,
        shapes={meter: trend.shape for meter, trend in trends.items()},
    )
