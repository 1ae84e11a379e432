"""Tell from the lengths of containers what their memory is too coarse to tell.

A list is reallocated in steps of an eighth of its length: one that gets an entry of eight
bytes with each request leaves a handful of ever longer steps in the C heap, which no
floor tells from a cache that was filled. Its length rises by one each time.

Knows lengths and readings; not whose they are, nor how more of them are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from pytest_reqleak.analysis.decision import Decision, Outcome
from pytest_reqleak.analysis.pieces import Piece
from pytest_reqleak.analysis.rule import is_steady
from pytest_reqleak.analysis.trend import trend_of
from pytest_reqleak.model.finding import Growth, Holder
from pytest_reqleak.model.meter import Cause, Meter
from pytest_reqleak.model.sample import Samples
from pytest_reqleak.units import format_average, format_count

LEAST_ENTRIES = 1 / 250
"""Entries per iteration; as for blocks, the smallest leak that a run promises to find."""

# A byte per entry and an entry in ten iterations leave that much: clean apps whose heap has
# settled read exactly 0, and what wanders comes back to its floor.
_LEAST_RISE = 0.1

# As the rest of the analysis does: what came first still belongs to the warm-up.
_SKIP = 0.4

# Floors of noise, drawn from ten readings each, differ by more than two mean falls in 1 of 300 cases.
_NOISE = 2.0

# Three floors: of the first and of the last third, and room for a tooth between them.
_PARTS = 3

# Had it been emptied before, it would be shorter than its rate makes it since the first request;
# some of the requests may have been others.
_KEPT = 0.8

# A pointer of a list is 8 bytes, with a little room to grow; a number of an array no more. A new
# key of a dict or a set would be a block of its own.
_MOST_ENTRY_BYTES = 16

# Steps end somewhere: of what rose, this much must be explained.
_EXPLAINED = 0.5

# What could hide in the noise of a calm app is a block in a thousand requests; where it is more than one in
# twenty, it is worth a look at the containers.
_LEAST_HIDDEN = 0.05

_STAGE = 3
"""What is judged here was watched for longer than two confirmations: doubts have no credit left."""


def rises_in_steps(samples: Samples) -> bool:
    """Whether the C heap ends higher than it was, so that a look at the containers is worth its cost.

    Args:
        samples: Of the measurement, and of what came after it.
    """
    return heap_rate(samples) > _LEAST_RISE


def heap_rate(samples: Samples) -> float:
    """What the floor of the C heap gained per iteration, in bytes; 0 where it is not read."""
    heap = samples.readings.get(Meter.HEAP_BYTES)
    if heap is None or len(samples) < 2:
        return 0.0
    x = samples.iterations
    start = x[0] + _SKIP * (x[-1] - x[0])
    late = [value for n, value in zip(x, heap, strict=True) if n >= start]
    part = len(late) // _PARTS
    if not part:
        return 0.0
    rise = min(late[-part:]) - min(late[:part])
    falls = [a - b for a, b in pairwise(late) if b < a]
    if falls and rise <= _NOISE * sum(falls) / len(falls):
        # Of noise, the floors differ too, by less than it falls back each time.
        return 0.0
    # From the middle of the first part to that of the last one.
    return rise / max(1.0, (x[-1] - start) * (1 - 1 / _PARTS))


def hides_growth(decision: Decision) -> bool:
    """Whether more could grow than the readings show, so that a look at the containers is worth its cost.

    Args:
        decision: Clean, with room in its noise; or not certain of what grows in Python's objects.
    """
    if decision.outcome is Outcome.CLEAN:
        return decision.hidden >= _LEAST_HIDDEN
    wanted = {Meter.LIVE_BLOCKS, Meter.GC_OBJECTS, Meter.HEAP_BYTES}
    blocks = [growth for growth in decision.growth if growth.meter is Meter.LIVE_BLOCKS]
    rises = any(growth.high >= _LEAST_HIDDEN for growth in blocks)
    return decision.outcome is Outcome.INCONCLUSIVE and wanted.issuperset(decision.grows) and rises


def may_leak(holders: Sequence[Holder], heap_rate: float) -> list[Holder]:
    """Those that nothing known limits, and whose own memory may be what rises.

    Args:
        holders: That got longer.
        heap_rate: What the C heap gained per iteration, in bytes.
    """
    return [
        one
        for one in holders
        if one.bound is None
        and not one.is_weak
        and one.growth_per_iteration >= LEAST_ENTRIES
        and one.growth_per_iteration * _MOST_ENTRY_BYTES >= _EXPLAINED * heap_rate
    ]


_MEASURE = {
    "str": " characters",
    "bytes": " bytes",
    "int": " bytes",
    "bytearray": " bytes",
    "_io.BytesIO": " bytes",
    "_io.StringIO": " bytes",
}
"""What the length of a container is in, where it holds no entries."""


def grows_for_ever(lengths: Piece, *, since_boot: int) -> bool:
    """Whether a container got its entries at one rate all the time, and never lost any.

    Args:
        lengths: Iterations, and its length at each.
        since_boot: Iterations until the last of them, from the very first.
    """
    x, y = lengths
    trend = trend_of([lengths])
    if not trend.quiet or any(b < a for a, b in pairwise(y)):
        return False
    if y[-1] < _KEPT * since_boot * (y[-1] - y[0]) / max(1, x[-1] - x[0]):
        return False
    return is_steady(trend, least=LEAST_ENTRIES, stage=_STAGE, final=True)


def as_leak(decision: Decision, holder: Holder, lengths: Piece, watched: Samples, *, unit: str) -> Decision:
    """The answer where a container grows for ever.

    Args:
        decision: The answer without that knowledge.
        holder: The container.
        lengths: Iterations, and its length at each.
        watched: What the meters read meanwhile.
        unit: What one iteration is called.

    Returns:
        A leak; the answer as it was, where the heap did not grow meanwhile.
    """
    heap = watched.readings[Meter.HEAP_BYTES]
    iterations = max(1, lengths[0][-1] - lengths[0][0])
    rise = heap[-1] - heap[0]
    if rise <= 0:
        return decision
    # It is not known how much of the last step is used, nor how much of the first one was.
    step = max(b - a for a, b in pairwise(heap))
    slope = Growth(
        meter=Meter.HEAP_BYTES,
        per_iteration=rise / iterations,
        low=max(0.0, rise - step) / iterations,
        high=(rise + step) / iterations,
        grows=True,
    )
    return _endless(
        decision, slope, f"{_told(holder, lengths, unit)}; what it takes grows in ever longer steps"
    )


def as_entries(decision: Decision, holder: Holder, lengths: Piece, objects: float, *, unit: str) -> Decision:
    """The answer where a container grows for ever, by more than its own slots, under noise.

    Args:
        decision: The answer without that knowledge.
        holder: The container.
        lengths: Iterations, and its length at each.
        objects: That one entry consists of.
        unit: What one iteration is called.

    Returns:
        A leak; the answer as it was, where the entries take no memory, or too few come to explain the doubt.
    """
    blocks = entries_per_iteration(lengths) * objects
    if blocks < _LEAST_HIDDEN:
        return decision
    slope = Growth(meter=Meter.LIVE_BLOCKS, per_iteration=blocks, low=blocks, high=blocks, grows=True)
    hidden = "whatever else rises and falls hides that from the meters of memory"
    answer = _endless(decision, slope, f"{_told(holder, lengths, unit)}; {hidden}")
    return replace(answer, notes=tuple(note for note in decision.notes if note.slug != "noise"))


def entries_per_iteration(lengths: Piece) -> float:
    """How fast a container gets longer."""
    places, sizes = lengths
    return (sizes[-1] - sizes[0]) / max(1, places[-1] - places[0])


def _told(holder: Holder, lengths: Piece, unit: str) -> str:
    iterations = lengths[0][-1] - lengths[0][0]
    length = format_count(lengths[1][-1]) + _MEASURE.get(holder.type, "")
    return (
        f"{holder.path} gets longer by {format_average(entries_per_iteration(lengths))} per {unit}, steadily "
        f"over {format_count(iterations)} {unit}s, to {length}"
    )


def _endless(decision: Decision, slope: Growth, reason: str) -> Decision:
    return replace(
        decision,
        outcome=Outcome.LEAK,
        growth=tuple(
            slope if growth.meter is slope.meter else replace(growth, grows=False)
            for growth in decision.growth
        ),
        grows=(slope.meter,),
        classification=(Cause.PYTHON,),
        reason=reason,
    )


def none_endless(decision: Decision) -> Decision:
    """The answer with what the lengths add to it, where no container grows for ever."""
    told = [
        replace(note, text=f"{note.text}; of the containers that grew most none gets longer all along")
        if note.slug == "noise"
        else note
        for note in decision.notes
    ]
    return replace(decision, notes=tuple(told))
