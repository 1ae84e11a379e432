"""Answer whether a run's memory grows for ever.

A pure sequential test: `screen` looks at the measurement; whatever is not
flat there is watched longer, stage after stage, and `decide` looks at all of
it after each stage. Only a floor that rises along a straight line, through
the measurement and every stage after it, is a leak; only a floor that was
seen flat is clean.

Knows samples and a threshold: not who ran them, nor for how much longer they can be run.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_reqleak.analysis import resident, sentences
from pytest_reqleak.analysis.decision import Decision, Note, Outcome
from pytest_reqleak.analysis.floors import (
    ADVICE_GARBAGE,
    BYTES,
    LEAST_BLOCK_BYTES,
    MEAN_BLOCK_BYTES,
    MOST_BLOCK_BYTES,
    MOST_OBJECT_BYTES,
    RESOURCES,
    SEEN_BLOCKS,
    estimate_bytes,
)
from pytest_reqleak.analysis.observed import ERRORS, Observed
from pytest_reqleak.analysis.rule import is_fading, is_flat, is_steady, shape_of
from pytest_reqleak.model.finding import Growth
from pytest_reqleak.model.meter import Cause, Meter
from pytest_reqleak.model.sample import Samples

__all__ = ["Decision", "Note", "Outcome", "decide", "screen"]

# Stages of 1, 2, 4 and 8 measurements: sixteen times the measurement in all, which
# shows a fading that is five times as slow as the first stage could show.
MOST_STAGES = 4

# A rise that ended in the last third of the measurement is watched for a stage more: growth
# also pauses where a hundred inputs in a row were met before.
RESTED = 1 / 3

# A stage of fewer iterations proves nothing, however few were asked for.
LEAST_STAGE_ITERATIONS = 100

# Where requests are quick, the first stage is as long as this: caches of up to some
# 1,000 entries, the usual ones, are then seen full in spite of a short measurement.
QUICK_STAGE_ITERATIONS = 1500
QUICK_STAGE_SECONDS = 1.0

# So many stages are run where nothing grows but could hide in noise: after the second,
# one block in 250 of 2,000 iterations shows under noise of +-20 blocks.
HIDDEN_STAGES = 2

# Nor is anybody kept waiting for longer where nothing has been seen to grow.
HIDDEN_SECONDS = 5.0

# A growth that has faded below half of what is promised to be seen counts as settled: a
# plain Flask app still gains a block in 1,000 requests after its first 10,000.
_CEASED = {Meter.LIVE_BLOCKS: SEEN_BLOCKS / 2, Meter.GC_OBJECTS: SEEN_BLOCKS / 2}


def screen(
    measured: Samples, *, threshold: float, collector_disabled: bool = False, unit: str = "request"
) -> Decision:
    """Look at the measurement: where everything is flat the run is clean, else go on.

    Args:
        measured: The measurement's samples, the first of them before its first batch.
        threshold: Bytes per iteration from which certain growth is a leak.
        collector_disabled: Whether the app has switched the cyclic collector off.
        unit: What one iteration is called in sentences.

    Returns:
        `clean`, or `go_on` with the length of the first confirmation.
    """
    seen = Observed([measured], threshold)
    told = sentences.Teller(seen, unit)
    notes = _garbage_notes(seen, collector_disabled, told)
    if len(measured) < 2:
        return _decision(Outcome.INCONCLUSIVE, seen, (), told.too_short(), notes=notes)
    suspects = [meter for meter in _deciding(seen, collector_disabled) if _is_suspect(seen, meter)]
    if _stays_below(seen, suspects):
        suspects = []
        small = [meter for meter in BYTES if meter in seen.trends and is_steady(seen.trends[meter])]
        if small and _stays_below(seen, small):
            notes.append(Note(slug="below-threshold", text=told.below(small)))
    if not suspects and Meter.RSS_BYTES in seen.trends and _is_suspect(seen, Meter.RSS_BYTES):
        suspects = [Meter.RSS_BYTES]
    more = max(seen.measured, LEAST_STAGE_ITERATIONS, _quick_iterations(measured))
    if suspects:
        return _decision(Outcome.GO_ON, seen, suspects, told.unconfirmed(suspects), more=more, notes=notes)
    if _hides_growth(seen):
        return _decision(Outcome.GO_ON, seen, (), told.noisy(), more=more, notes=notes)
    return _decision(Outcome.CLEAN, seen, (), told.flat(), notes=notes)


def decide(
    measured: Samples,
    confirms: Sequence[Samples],
    *,
    threshold: float,
    bytes_per_iteration: float | None = None,
    rss_after_trim: Sequence[tuple[int, int]] = (),
    collector_disabled: bool = False,
    final: bool = False,
    unit: str = "request",
) -> Decision:
    """Look at everything seen so far, after a confirmation.

    Args:
        measured: The measurement's samples.
        confirms: The samples of each confirmation, in order, at least one;
            iterations may be missing inside one, where a tracer ran or inputs
            were replayed.
        threshold: Bytes per iteration from which certain growth is a leak.
        bytes_per_iteration: What a tracer has measured; None: estimated from the meters.
        rss_after_trim: (iterations, RSS) after the C allocator gave free memory
            back, at the end of the measurement and of each confirmation.
        collector_disabled: Whether the app has switched the cyclic collector off.
        final: Whether there can be no further stage; the answer is then never `go_on`.
        unit: What one iteration is called in sentences.
    """
    seen = Observed([measured, *confirms], threshold)
    told = sentences.Teller(seen, unit)
    final = final or len(confirms) >= MOST_STAGES
    notes = _garbage_notes(seen, collector_disabled, told)
    deciding = _deciding(seen, collector_disabled)
    steady = [
        meter
        for meter in deciding
        if is_steady(seen.trends[meter], least=seen.least(meter), stage=len(confirms), final=final)
        and not seen.is_too_soon(meter)
    ]
    below = [meter for meter in steady if meter in BYTES]
    if below and _bytes(seen, below, bytes_per_iteration) < threshold:
        notes.append(Note(slug="below-threshold", text=told.below(below)))
    else:
        below = []
    leaking = [meter for meter in steady if meter not in below]
    if leaking:
        return _decision(Outcome.LEAK, seen, leaking, told.steady(leaking), notes=notes)
    moving = [meter for meter in deciding if meter not in below and not _is_settled(seen, meter)]
    if final:
        moving = [meter for meter in moving if not _is_only_noise(seen, meter)]
    if moving:
        reason = told.unsettled(moving)
        if final:
            return _decision(Outcome.INCONCLUSIVE, seen, moving, reason, notes=notes)
        return _decision(Outcome.GO_ON, seen, moving, reason, more=_next_stage(seen), notes=notes)
    if resident.is_alone(seen):
        return _resident(seen, rss_after_trim, final, told, notes)
    if _hides_growth(seen):
        if not final and seen.confirmations < HIDDEN_STAGES and _next_seconds(seen) < HIDDEN_SECONDS:
            return _decision(Outcome.GO_ON, seen, (), told.noisy(), more=_next_stage(seen), notes=notes)
        notes.append(Note(slug="noise", text=told.noisy()))
    return _decision(Outcome.CLEAN, seen, (), told.settled(), notes=notes)


def _resident(
    seen: Observed,
    trimmed: Sequence[tuple[int, int]],
    final: bool,
    told: sentences.Teller,
    notes: list[Note],
) -> Decision:
    """Decide where RSS alone rises, steadily."""
    rss = [Meter.RSS_BYTES]
    survives = resident.survives_trim(seen, trimmed)
    if survives is False:
        notes.append(Note(slug="allocator", text=told.given_back()))
        return _decision(Outcome.CLEAN, seen, (), told.settled(), notes=notes)
    if seen.confirmations < resident.LEAST_CONFIRMATIONS and not final:
        return _decision(Outcome.GO_ON, seen, rss, told.unconfirmed(rss), more=_next_stage(seen), notes=notes)
    if survives and seen.confirmations >= resident.LEAST_CONFIRMATIONS:
        return _decision(Outcome.LEAK, seen, rss, told.mapped(), notes=notes, classification=(Cause.NATIVE,))
    return _decision(Outcome.INCONCLUSIVE, seen, rss, told.resident_only(), notes=notes)


def _quick_iterations(measured: Samples) -> int:
    """How many iterations, up to the most that are of use, take next to no time."""
    seconds = measured.seconds[-1] - measured.seconds[0]
    iterations = measured.iterations[-1] - measured.iterations[0]
    if seconds <= 0:
        return QUICK_STAGE_ITERATIONS
    return min(QUICK_STAGE_ITERATIONS, int(QUICK_STAGE_SECONDS * iterations / seconds))


def _next_stage(seen: Observed) -> int:
    """As long again as everything so far: what bends shows it twice as clearly."""
    return max(seen.iterations, LEAST_STAGE_ITERATIONS)


def _next_seconds(seen: Observed) -> float:
    """What the next stage takes at the pace of all so far, rests and tracers included."""
    return (
        (seen.stages[-1].seconds[-1] - seen.stages[0].seconds[0])
        * _next_stage(seen)
        / max(1, seen.iterations)
    )


def _deciding(seen: Observed, collector_disabled: bool) -> list[Meter]:
    garbage = (Meter.CYCLIC_GARBAGE,) if collector_disabled else ()
    wanted = (Meter.LIVE_BLOCKS, Meter.HEAP_BYTES, Meter.GC_OBJECTS, *RESOURCES, *garbage)
    return [meter for meter in wanted if meter in seen.trends]


def _is_suspect(seen: Observed, meter: Meter) -> bool:
    """Whether a meter of the measurement looks as if it might grow."""
    trend = seen.trends[meter]
    if not is_flat(trend, least=seen.least(meter)):
        return True
    if trend.quiet:
        # It rose, and rests now: a cache that is full, or inputs that were met before.
        rose = trend.rises > 1 and trend.per_iteration >= seen.least(meter)
        return rose and _rested(seen, meter) < RESTED
    return seen.fit(meter).low > seen.least(meter)


def _hides_growth(seen: Observed) -> bool:
    """Whether a growth that we promise to see could hide in the noise of the live blocks."""
    if Meter.LIVE_BLOCKS not in seen.trends or seen.trends[Meter.LIVE_BLOCKS].quiet:
        return False
    return seen.most(Meter.LIVE_BLOCKS) > max(SEEN_BLOCKS, seen.threshold / MEAN_BLOCK_BYTES)


def _rested(seen: Observed, meter: Meter) -> float:
    """Share of the measurement's iterations since the last rise."""
    x, y = seen.stages[0].iterations, seen.stages[0].readings[meter]
    last = max((place for place in range(1, len(y)) if y[place] > y[place - 1]), default=0)
    return (x[-1] - x[last]) / max(1, x[-1] - x[0])


def _is_settled(seen: Observed, meter: Meter) -> bool:
    """Whether the last stage shows no growth, or noise that leaves no room for it."""
    least, last, trend = seen.least(meter), seen.last_trend(meter), seen.trends[meter]
    if is_flat(last, least=least):
        if last.quiet or is_flat(trend, least=least):
            return True
        # Together it rises, but the last stage does not. Half the rate would have shown.
        if seen.last_most(meter) < trend.per_iteration / 2:
            return True
    if not last.quiet and seen.last_most(meter) < least:
        return True
    # What fades never quite ends; it ceases to matter. A quiet row of rises that does not
    # fade is another matter, however slow.
    fades = not trend.quiet or is_fading(trend, stage=3)
    return fades and seen.last_most(meter) < _CEASED.get(meter, 0.0)


def _is_only_noise(seen: Observed, meter: Meter) -> bool:
    """Whether what rises in a meter is no more than what its noise makes of a level floor."""
    trend = seen.trends[meter]
    return not trend.quiet and trend.per_iteration <= ERRORS * trend.error


def _bytes(seen: Observed, meters: Sequence[Meter], measured: float | None) -> float:
    """Bytes per iteration that some growing meters stand for."""
    rates = {meter: seen.rate(meter) for meter in meters}
    blocks = max(rates.get(Meter.LIVE_BLOCKS, 0.0), rates.get(Meter.GC_OBJECTS, 0.0))
    if measured is None or measured < blocks * LEAST_BLOCK_BYTES:
        # Less than the blocks must hold: the tracer's windows were too short for so slow a growth.
        return estimate_bytes(rates)
    # A tracer of Python's allocations does not see what C code allocates.
    return max(measured, rates.get(Meter.HEAP_BYTES, 0.0))


def _stays_below(seen: Observed, suspects: Sequence[Meter]) -> bool:
    """Whether the suspects could not reach the threshold, were every block as large as can be."""
    if any(meter not in BYTES for meter in suspects):
        return False
    rates = {meter: max(seen.rate(meter), seen.fit(meter).high) for meter in suspects}
    return estimate_bytes(rates) * MOST_BLOCK_BYTES / MEAN_BLOCK_BYTES < seen.threshold


def _garbage_notes(seen: Observed, collector_disabled: bool, told: sentences.Teller) -> list[Note]:
    if collector_disabled or Meter.CYCLIC_GARBAGE not in seen.trends:
        return []
    if seen.rate(Meter.CYCLIC_GARBAGE) < ADVICE_GARBAGE:
        return []
    return [Note(slug="cycles", text=told.cycles())]


def _causes(seen: Observed, meters: Sequence[Meter]) -> tuple[Cause, ...]:
    causes = set()
    rates = {meter: seen.rate(meter) for meter in meters}
    blocks = max(rates.get(Meter.LIVE_BLOCKS, 0.0), rates.get(Meter.GC_OBJECTS, 0.0))
    if blocks > 0:
        causes.add(Cause.PYTHON)
    # A Python object of more than 512 bytes is one live block and lives in the C heap,
    # so heap that grows with blocks is Python's, up to what an object may hold.
    if rates.get(Meter.HEAP_BYTES, 0.0) > blocks * MOST_OBJECT_BYTES:
        causes.add(Cause.NATIVE)
    if Meter.CYCLIC_GARBAGE in rates:
        causes.add(Cause.CYCLES)
    if Meter.RSS_BYTES in rates:
        causes.add(Cause.ALLOCATOR)
    if any(meter in RESOURCES for meter in meters):
        causes.add(Cause.RESOURCE)
    return tuple(cause for cause in Cause if cause in causes)


def _decision(
    outcome: Outcome,
    seen: Observed,
    meters: Sequence[Meter],
    reason: str,
    *,
    more: int = 0,
    notes: Sequence[Note] = (),
    classification: tuple[Cause, ...] | None = None,
) -> Decision:
    growth = []
    for meter in seen.trends:
        fit = seen.fit(meter)
        growth.append(
            Growth(
                meter=meter,
                per_iteration=fit.per_iteration,
                low=fit.low,
                high=fit.high,
                grows=outcome is Outcome.LEAK and meter in meters,
            )
        )
    stage = max(1, seen.confirmations)
    return Decision(
        outcome=outcome,
        growth=tuple(growth),
        grows=tuple(meters),
        classification=_causes(seen, meters) if classification is None else classification,
        reason=reason,
        more_iterations=more,
        notes=tuple(notes),
        shapes={
            meter: shape_of(trend, least=seen.least(meter), stage=stage)
            for meter, trend in seen.trends.items()
        },
    )
