"""Say how much growth of a meter matters: the threshold in bytes, in every meter's unit."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_reqleak.model.meter import Meter

MEAN_BLOCK_BYTES = 72
"""What a live block is taken to hold where nothing has measured it.

Blocks of Python's allocator hold 16 to 512 bytes; those of a web app's objects
60 to 90 in the mean (233 KB in 2,900 blocks of a FastAPI endpoint). The default
threshold of 0.05 B then lies at one block in 1,440 iterations.
"""

LEAST_BLOCK_BYTES = 16
"""The smallest block of Python's allocator."""

MOST_BLOCK_BYTES = 512
"""The largest block of Python's allocator; what is larger shows in the heap too."""

MOST_OBJECT_BYTES = 128 * 1024
"""More heap than this for each live block is not the memory of Python objects alone."""

LEAST_HEAP_BYTES = 8.0
"""The C heap's own bookkeeping wanders by a few KiB: over the 1,200 iterations that
a default measurement is judged by, that is a few bytes per iteration."""

LEAST_TICKING_HEAP_BYTES = 1.0
"""Where the heap rises in equal steps at equal distances and never falls, that is no bookkeeping: an array
that gets a number with each request gains eight bytes, a text forgotten in one of forty gains five."""

TICKING_SHARE = 0.25
"""With more threads their bins may fill as evenly, for a while: this share of what is their bookkeeping."""

USUAL_THREADS = 2
"""Threads of a run besides the one that calls the app: pytest's and the loop's."""

LEAST_RSS_BYTES = 700.0
"""RSS moves by pages and arenas; below this, clean apps of the test corpus rose too."""

LEAST_RESOURCES = 0.001
"""Descriptors, threads and tasks are exact: one in 1,000 iterations ends a busy
service within a day, whatever the threshold in bytes."""

LEAST_GARBAGE = 0.01
"""Cyclic garbage in objects: where the collector is off, one object in 100 iterations."""

ADVICE_GARBAGE = 0.5
"""Cyclic garbage from which a reader is told: every other iteration leaves some."""

SEEN_BLOCKS = 1 / 250
"""The smallest leak that a run promises to find: one block in 250 iterations."""

BYTES = (Meter.LIVE_BLOCKS, Meter.GC_OBJECTS, Meter.HEAP_BYTES)
RESOURCES = (Meter.DESCRIPTORS, Meter.THREADS, Meter.TASKS)


def least_growth(meter: Meter, threshold: float, *, threads: int = 1, ticks: bool = False) -> float:
    """What a meter must grow by per iteration, at the least, to be worth a second look.

    Args:
        meter: Any meter.
        threshold: Bytes per iteration.
        threads: Of the process. Each has bins of its own in the C heap, which fill over tens
            of thousands of requests: eight of a clean app took 10 B per request for 10,000 of them.
        ticks: Whether the meter rises like clockwork and never falls.
    """
    if meter in RESOURCES:
        return LEAST_RESOURCES
    if meter is Meter.CYCLIC_GARBAGE:
        return LEAST_GARBAGE
    if meter is Meter.HEAP_BYTES:
        more_threads = max(1, threads - USUAL_THREADS)
        least = LEAST_HEAP_BYTES * more_threads
        if ticks:
            least = LEAST_TICKING_HEAP_BYTES if more_threads == 1 else TICKING_SHARE * least
        return max(least, threshold)
    if meter is Meter.RSS_BYTES:
        return max(LEAST_RSS_BYTES, threshold)
    # Blocks may be as large as this, so fewer could not reach the threshold.
    return threshold / MOST_BLOCK_BYTES


def resolution(meter: Meter) -> float:
    """Growth per iteration of a meter that must not be in doubt: an eighth of what is looked for."""
    if meter is Meter.HEAP_BYTES:
        return LEAST_HEAP_BYTES / 8
    if meter is Meter.RSS_BYTES:
        return LEAST_RSS_BYTES / 8
    return SEEN_BLOCKS / 8


def estimate_bytes(per_iteration: Mapping[Meter, float]) -> float:
    """Bytes per iteration from the meters that grow, where no tracer has measured them.

    Args:
        per_iteration: Growth of those meters that do grow.
    """
    blocks = max(per_iteration.get(Meter.LIVE_BLOCKS, 0.0), per_iteration.get(Meter.GC_OBJECTS, 0.0))
    return blocks * MEAN_BLOCK_BYTES + max(0.0, per_iteration.get(Meter.HEAP_BYTES, 0.0))
