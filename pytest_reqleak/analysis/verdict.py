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
from dataclasses import replace

from pytest_reqleak.analysis import resident, sentences
from pytest_reqleak.analysis.classify import kinds
from pytest_reqleak.analysis.decision import Decision, Note, Outcome
from pytest_reqleak.analysis.floors import (
    ADVICE_GARBAGE,
    BYTES,
    LEAST_BLOCK_BYTES,
    MEAN_BLOCK_BYTES,
    MOST_BLOCK_BYTES,
    RESOURCES,
    SEEN_BLOCKS,
    estimate_bytes,
    resolution,
)
from pytest_reqleak.analysis.observed import ERRORS, Observed
from pytest_reqleak.analysis.rule import is_fading, is_flat, is_steady
from pytest_reqleak.model.finding import Growth
from pytest_reqleak.model.meter import Cause, Meter
from pytest_reqleak.model.sample import Samples

__all__ = ["Decision", "Note", "Outcome", "decide", "screen"]

# Stages of 1, 2, 4 and 8 measurements: sixteen times the measurement in all, which
# shows a fading that is five times as slow as the first stage could show.
MOST_STAGES = 4

# Where nobody has said for how long: 256 times the first look.
MOST_STAGES_AUTO = 8

# A rise that ended in the last third of the measurement is watched for a stage more: growth
# also pauses where a hundred inputs in a row were met before.
RESTED = 1 / 3

# A stage of fewer iterations proves nothing, however few were asked for.
LEAST_STAGE_ITERATIONS = 100

# Where requests are quick, the first stage is as long as this: caches of up to some
# 1,000 entries, the usual ones, are then seen full in spite of a short measurement.
QUICK_STAGE_ITERATIONS = 1500
QUICK_STAGE_SECONDS = 1.0

# Where the answer itself says how long to measure, growth that shows early is watched for as
# long as in a default run: 2,000 iterations and 2,000 more, those of a request of 1 ms at least.
WATCHED_AUTO = (4000, 4.0)

# So many stages are run where nothing grows but could hide in noise: a buffer that was emptied
# twice in 5,000 iterations is known to the iteration after the third.
HIDDEN_STAGES = 3

# Nor is anybody kept waiting for longer where nothing has been seen to grow.
HIDDEN_SECONDS = 5.0

# One promise, read twice. To the end, what rises unevenly and is estimated below it is no doubt: a
# plain Flask app still gains a block in 1,000 requests after its first 10,000. While there are stages
# left, what fades is settled only if not even half of it is possible, since the last stage alone may
# show a leak at half its rate: with the whole, a leak of one block in 250 was lost in 20 % of
# cases among coupons, in 25 % at random times (simulated), with half in none and in 5 %.
_PROMISED = {Meter.LIVE_BLOCKS: SEEN_BLOCKS, Meter.GC_OBJECTS: SEEN_BLOCKS}
_CEASED_SHARE = 0.5


def screen(
    measured: Samples,
    *,
    threshold: float,
    collector_disabled: bool = False,
    watched: tuple[int, float] = (QUICK_STAGE_ITERATIONS, QUICK_STAGE_SECONDS),
    timeout: float = float("inf"),
    unit: str = "request",
) -> Decision:
    """Look at the measurement: where everything is flat the run is clean, else go on.

    Args:
        measured: The measurement's samples, the first of them before its first batch.
        threshold: Bytes per iteration from which certain growth is a leak.
        collector_disabled: Whether the app has switched the cyclic collector off.
        watched: Iterations of the first confirmation where they take no more than these seconds.
        timeout: Seconds that a run may take, for what would settle it.
        unit: What one iteration is called in sentences.

    Returns:
        `clean`, or `go_on` with the length of the first confirmation.
    """
    seen = Observed([measured], threshold)
    told = sentences.Teller(seen, unit, timeout)
    notes = _garbage_notes(seen, collector_disabled, told)
    if len(measured) < 2:
        return _decision(Outcome.INCONCLUSIVE, seen, (), told.too_short(), notes=notes)
    deciding = _deciding(seen, collector_disabled)
    suspects = _borne_out(seen, [meter for meter in deciding if _is_suspect(seen, meter)])
    if _stays_below(seen, suspects):
        suspects = []
        small = [meter for meter in BYTES if meter in seen.trends and is_steady(seen.trends[meter])]
        if small and _stays_below(seen, small):
            notes.append(Note(slug="below-threshold", text=told.below(small)))
    if not suspects and Meter.RSS_BYTES in seen.trends and _is_suspect(seen, Meter.RSS_BYTES):
        suspects = [Meter.RSS_BYTES]
    more = max(seen.measured, LEAST_STAGE_ITERATIONS, _quick_iterations(seen, *watched))
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
    free_after_trim: Sequence[tuple[int, int]] = (),
    collector_disabled: bool = False,
    final: bool = False,
    most_stages: int = MOST_STAGES,
    timeout: float = float("inf"),
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
        free_after_trim: (iterations, bytes) that allocators hold and nobody uses, likewise.
        collector_disabled: Whether the app has switched the cyclic collector off.
        final: Whether there can be no further stage; the answer is then never `go_on`.
        most_stages: After so many there is no further one.
        timeout: Seconds that a run may take, for what would settle it.
        unit: What one iteration is called in sentences.
    """
    seen = Observed([measured, *confirms], threshold)
    told = sentences.Teller(seen, unit, timeout)
    final = final or len(confirms) >= most_stages
    notes = _garbage_notes(seen, collector_disabled, told)
    deciding = _deciding(seen, collector_disabled)
    steady = [
        meter
        for meter in deciding
        if is_steady(
            seen.trends[meter],
            least=seen.least(meter),
            stage=len(confirms),
            final=final,
            bent=seen.is_bent(meter),
            slowed=seen.has_slowed(meter),
        )
        and not seen.is_too_soon(meter)
    ]
    below = [meter for meter in steady if meter in BYTES]
    if below and _bytes(seen, below, bytes_per_iteration) < threshold:
        notes.append(Note(slug="below-threshold", text=told.below(below)))
    else:
        below = []
    leaking = _borne_out(seen, [meter for meter in steady if meter not in below])
    if leaking:
        # What a kept object has mapped for itself (a file, the buffer of a library) is on no other meter.
        if resident.is_alone(seen) and resident.Trimmed(seen, rss_after_trim, free_after_trim).is_in_use:
            leaking = [*leaking, Meter.RSS_BYTES]
        return _decision(Outcome.LEAK, seen, leaking, told.steady(leaking), notes=notes)
    moving = [meter for meter in deciding if meter not in below and not _is_settled(seen, meter)]
    moving = _borne_out(seen, moving)
    if final:
        slow = [meter for meter in moving if _is_slow(seen, meter)]
        moving = [meter for meter in moving if meter not in slow and not _is_only_noise(seen, meter)]
        if not moving and any(seen.rate(meter) > resolution(meter) for meter in slow):
            notes.append(Note(slug="slow", text=told.slow(slow)))
    if moving:
        reason = told.unsettled(moving)
        if final:
            return _decision(Outcome.INCONCLUSIVE, seen, moving, reason, notes=notes)
        return _decision(Outcome.GO_ON, seen, moving, reason, more=_next_stage(seen), notes=notes)
    if resident.is_alone(seen):
        trimmed = resident.Trimmed(seen, rss_after_trim, free_after_trim)
        return _resident(seen, trimmed, final, told, notes)
    if _hides_growth(seen):
        if not final and seen.confirmations < HIDDEN_STAGES and _next_seconds(seen) < HIDDEN_SECONDS:
            return _decision(Outcome.GO_ON, seen, (), told.noisy(), more=_next_stage(seen), notes=notes)
        notes.append(Note(slug="noise", text=told.noisy()))
        hidden = seen.most(Meter.LIVE_BLOCKS)
        return replace(_decision(Outcome.CLEAN, seen, (), told.settled(), notes=notes), hidden=hidden)
    return _decision(Outcome.CLEAN, seen, (), told.settled(), notes=notes)


def _resident(
    seen: Observed,
    trimmed: resident.Trimmed,
    final: bool,
    told: sentences.Teller,
    notes: list[Note],
) -> Decision:
    """Decide where RSS alone rises, steadily."""
    rss = [Meter.RSS_BYTES]
    survives = trimmed.survives()
    if survives is False:
        notes.append(Note(slug="allocator", text=told.given_back(trimmed.per_iteration)))
        return _decision(Outcome.CLEAN, seen, (), told.flat_but_resident(), notes=notes)
    if survives and trimmed.is_free:
        notes.append(Note(slug="allocator", text=told.fragmented(trimmed.free_per_iteration)))
        return _decision(Outcome.CLEAN, seen, (), told.flat_but_resident(), notes=notes)
    if seen.confirmations < resident.LEAST_CONFIRMATIONS and not final:
        return _decision(Outcome.GO_ON, seen, rss, told.unconfirmed(rss), more=_next_stage(seen), notes=notes)
    if survives and seen.confirmations >= resident.LEAST_CONFIRMATIONS:
        kind = (Cause.NATIVE, Cause.MAPPED)
        return _decision(Outcome.LEAK, seen, rss, told.mapped(), notes=notes, classification=kind)
    return _decision(Outcome.INCONCLUSIVE, seen, rss, told.resident_only(), notes=notes)


def _quick_iterations(seen: Observed, most: int, seconds: float) -> int:
    """How many iterations, up to the most that are of use, take next to no time."""
    pace = seen.seconds_per_iteration
    return most if pace <= 0 else min(most, int(seconds / pace))


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


def _borne_out(seen: Observed, meters: Sequence[Meter]) -> list[Meter]:
    """Leave out the objects of the collector where the blocks they consist of do not move.

    Each of them is a live block. What the collector lists is shifted by our own freezing: a
    cache whose frozen entries die looks as if it grew.
    """
    if Meter.LIVE_BLOCKS in seen.trends and Meter.LIVE_BLOCKS not in meters:
        return [meter for meter in meters if meter is not Meter.GC_OBJECTS]
    return list(meters)


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


def _shown_blocks(seen: Observed) -> tuple[Meter, ...]:
    return (Meter.LIVE_BLOCKS,) if Meter.LIVE_BLOCKS in seen.trends else ()


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
    return fades and seen.last_most(meter) < _CEASED_SHARE * _PROMISED.get(meter, 0.0)


def _is_slow(seen: Observed, meter: Meter) -> bool:
    """Whether what rises unevenly to the end rises by less than what is promised to be seen."""
    return seen.rate(meter) < _PROMISED.get(meter, 0.0)


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
    last = seen.alone(-1) if outcome is Outcome.CLEAN and seen.confirmations else None
    for meter in seen.trends:
        fit = seen.fit(meter)
        # What has settled is told as it is now: what it rose by at first is in the reason. What a buffer
        # holds that fills at the moment is no growth, though: that is told over all there is.
        if last is not None and last.fit(meter).low <= seen.least(meter):
            fit = last.fit(meter)
        growth.append(
            Growth(
                meter=meter,
                per_iteration=fit.per_iteration,
                low=fit.low,
                high=fit.high,
                grows=outcome is Outcome.LEAK and meter in meters,
            )
        )
    return Decision(
        outcome=outcome,
        growth=tuple(growth),
        grows=tuple(meters),
        classification=kinds({meter: seen.rate(meter) for meter in meters})
        if classification is None
        else classification,
        reason=reason,
        more_iterations=more,
        shorter_batches=outcome is Outcome.GO_ON
        and any(not seen.trends[meter].quiet for meter in meters or _shown_blocks(seen)),
        notes=tuple(notes),
    )
