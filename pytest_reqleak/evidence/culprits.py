"""Which requests of the workload leave memory behind: each alone, then two in a row.

Each is judged by its own slope, on the meter that grew over the whole workload.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from pytest_reqleak.model.finding import Culprit

if TYPE_CHECKING:
    from pytest_reqleak.analysis.verdict import Decision
    from pytest_reqleak.model.meter import Meter
    from pytest_reqleak.stages import Stages

# Each request alone, for so many iterations that its share of the leak shows six times.
_EVENTS_ALONE = 6
_LEAST_ALONE, _MOST_ALONE = 20, 500
_MOST_REQUESTS = 50
# Pairs are many; of a longer workload only neighbours are tried.
_MOST_FOR_ALL_PAIRS = 5
# Below a quarter of the workload's own rate it is what requests happen to hold, not what leaks.
_CULPRIT_SHARE = 0.25


def find_culprits(
    stages: Stages,
    requests: Sequence[str],
    decision: Decision,
    bytes_per_iteration: float,
    *,
    notes: Sequence[str] = (),
    events: float | None = None,
) -> tuple[Culprit, ...]:
    """Send each request of the workload alone, and tell which of them leave memory behind.

    Where none does, two are sent in turn: a leak may need a first request that
    opens what the second forgets to close.

    Args:
        stages: Sends them.
        requests: Titles, in the workload's order.
        decision: Which meters grow, and how fast over the whole workload.
        bytes_per_iteration: Over the whole workload.
        notes: What else is to be said of each request.
        events: How often the leak happens per iteration of the whole workload; None: nobody knows.

    Returns:
        The culprits with what each leaves behind when it is sent, worst first;
        none where the leak shows only in longer sequences.
    """
    growth = next((growth for growth in decision.growth if growth.grows), None)
    if growth is None or growth.per_iteration <= 0:
        return ()
    notes = [*notes, *[""] * (len(requests) - len(notes))]
    requests = _told_apart(requests)
    if len(requests) == 1:
        return (Culprit(request=requests[0], bytes_per_iteration=bytes_per_iteration, note=notes[0]),)
    # A request that leaks alone grows at least as fast alone as the whole workload does.
    if events is None:
        # One block is the least that stays of anything; bytes may be of any number of things.
        events = 0.0 if growth.meter.unit else growth.per_iteration
    count = min(_MOST_ALONE, max(_LEAST_ALONE, math.ceil(_EVENTS_ALONE / max(events, 1e-6))))
    count = max(count, stages.concurrency)

    def left_by(*numbers: int) -> float:
        """What one sending leaves behind, in bytes."""
        gained = _gained(stages, numbers, count, growth.meter)
        return bytes_per_iteration * gained / growth.per_iteration

    floor = _CULPRIT_SHARE * bytes_per_iteration
    culprits = []
    for number, title in list(enumerate(requests))[:_MOST_REQUESTS]:
        if stages.out_of_time:
            break
        left = left_by(number)
        if left >= floor > 0:
            culprits.append(Culprit(request=title, bytes_per_iteration=left, note=notes[number]))
    if not culprits:
        for first, second in _pairs(len(requests)):
            if stages.out_of_time:
                break
            left = left_by(first, second)
            # Two are sent for each count, so the same rate shows as twice as much.
            if left >= 2 * floor > 0:
                # Sent in turn, either comes after the other: which of them has to, nobody knows.
                first, second = sorted((first, second))
                told = "; ".join(note for note in (notes[first], notes[second]) if note)
                name = f"{requests[first]} and {requests[second]}, one after the other"
                culprits.append(Culprit(request=name, bytes_per_iteration=left, note=told))
                break
    return tuple(sorted(culprits, key=lambda culprit: -culprit.bytes_per_iteration))


def _told_apart(requests: Sequence[str]) -> list[str]:
    """The titles, with their places in the workload where several read alike but for headers and bodies."""
    return [
        f"{title} (no. {place} of the workload)" if requests.count(title) > 1 else title
        for place, title in enumerate(requests, 1)
    ]


def _gained(stages: Stages, numbers: tuple[int, ...], count: int, meter: Meter) -> float:
    """How much the meter rises with each sending of some requests, one after the other."""
    readings = [stages.alone(numbers, count, meter) for _ in range(3)]
    # The first window may only fill what the others had emptied.
    return min(readings[1] - readings[0], readings[2] - readings[1]) / count


def _pairs(count: int) -> list[tuple[int, int]]:
    """Places of two requests, neighbours in the workload first."""
    neighbours = [(n, (n + 1) % count) for n in range(min(count, _MOST_REQUESTS))]
    if count > _MOST_FOR_ALL_PAIRS:
        return neighbours
    known = {frozenset(pair) for pair in neighbours}
    return neighbours + [pair for pair in combinations(range(count), 2) if frozenset(pair) not in known]
