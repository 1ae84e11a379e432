"""Decide, batch by batch, when an app has warmed up.

Knows two columns of numbers: live blocks and bytes of the heap after each
batch. It never says whether an app leaks; only that waiting longer would not
change what a measurement sees.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import pairwise

# A flat app shows it with four readings after the first, which pays for imports and
# first uses; a cold FastAPI needs 600 to 1,500 requests, and fades all that time.
LEAST_BATCHES = 4

# Four batches of one iteration each prove nothing: whatever happens once in ten
# requests has not happened yet.
LEAST_ITERATIONS = 24

# A rise that keeps this share of its rate through later parts of the window is no warm-up: the
# fills of caches that a budget of 2,000 requests could wait for lose more than that
# within a few batches. The measurement looks closer; here, waiting is of no use.
STEADY_PACE = 0.95

# A cache of a hundred entries fills like clockwork; waiting that long costs little.
LEAST_STEADY_ITERATIONS = 200

# Five parts of two readings each, so that one odd reading does not look like a fading.
LEAST_STEADY_BATCHES = 10

# What a quiet app's heap moves by without growing: glibc keeps a few KiB in its bins.
HEAP_SLACK_BYTES = 4096


class WarmUp:
    """Watches an app warm up.

    Feed it one reading after each batch with `observe` until that returns True.
    """

    def __init__(self, *, batch_iterations: int, most_iterations: int) -> None:
        """Begin with nothing seen.

        Args:
            batch_iterations: Iterations between two readings, at least 1.
            most_iterations: The budget; the last batch stays within it.
        """
        self.batch_iterations = max(1, batch_iterations)
        self.most_iterations = most_iterations
        self.settled = False
        """Whether growth has stopped."""
        self.steady = False
        """Whether it grows at a steady rate, so that waiting is no use."""
        # Arrays, as every number of a list is a block that the harness would add to the count.
        self._blocks = array("q")
        self._heap = array("q")

    @property
    def iterations(self) -> int:
        """Done so far."""
        return len(self._blocks) * self.batch_iterations

    def observe(self, live_blocks: int, heap_bytes: int | None) -> bool:
        """Take in the reading after one more batch.

        Args:
            live_blocks: 0 where the allocator does not count them.
            heap_bytes: None where the platform does not tell.

        Returns:
            True when the warm-up may end: settled, steadily growing, or out of budget.
        """
        self._blocks.append(live_blocks)
        self._heap.append(heap_bytes or 0)
        n = len(self._blocks)
        if n >= LEAST_BATCHES and self.iterations >= LEAST_ITERATIONS:
            # The later half of all readings, so that the wait grows with what there was to wait for.
            window = max(LEAST_BATCHES, n // 2)
            blocks, heap = self._blocks[-window:], self._heap[-window:]
            self.settled = _is_quiet(blocks, slack=0) and _is_quiet(heap, slack=HEAP_SLACK_BYTES)
            if self.settled:
                return True
            if n >= LEAST_STEADY_BATCHES and self.iterations >= LEAST_STEADY_ITERATIONS:
                window = max(LEAST_STEADY_BATCHES, n // 2)
                blocks, heap = self._blocks[-window:], self._heap[-window:]
                self.steady = _is_steady(blocks) or (_is_quiet(blocks, slack=0) and _is_steady(heap))
                if self.steady:
                    return True
        return self.iterations + self.batch_iterations > self.most_iterations


def _is_quiet(values: Sequence[int], *, slack: int) -> bool:
    """Whether the floor of the later half is no higher than that of the earlier half."""
    half = len(values) // 2
    return min(values[half:]) <= min(values[:half]) + slack


def _is_steady(values: Sequence[int]) -> bool:
    """Whether the floor rises in every fifth of the values, as fast later as at first."""
    part = len(values) // 5
    newest = values[len(values) - 5 * part :]
    levels = [min(newest[part * k : part * (k + 1)]) for k in range(5)]
    first, *later = [b - a for a, b in pairwise(levels)]
    return first > 0 and min(later) > 0 and min(later) >= STEADY_PACE * first - 1
