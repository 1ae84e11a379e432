"""Decide, batch by batch, when an app has warmed up.

Knows two columns of numbers: live blocks and bytes of the heap after each
batch. It never says whether an app leaks; only that waiting longer would not
change what a measurement sees.
"""

from __future__ import annotations

from collections.abc import Sequence

LEAST_BATCHES = 4
"""Three quiet batches after the first, which pays for imports and first uses."""

LEAST_ITERATIONS = 24
"""So that four batches of one iteration each are not taken for quiet."""


class WarmUp:
    """Watches an app warm up.

    Feed it one reading per batch with `observe` until that returns True.
    """

    def __init__(self, *, batch_iterations: int, most_iterations: int) -> None:
        self.batch_iterations = max(1, batch_iterations)
        self.most_iterations = most_iterations
        self.settled = False
        """Whether the growth has stopped; False also where it is steady."""
        self.steady = False
        """Whether it grows at a steady rate, so that waiting is no use."""
        self._blocks: list[int] = []
        self._heap: list[int] = []

    @property
    def iterations(self) -> int:
        """Done so far."""
        return len(self._blocks) * self.batch_iterations

    def observe(self, live_blocks: int, heap_bytes: int | None) -> bool:
        """Take in the reading after one more batch.

        Returns:
            True when the warm-up may end: settled, steadily growing, or out of budget.
        """
        self._blocks.append(live_blocks)
        self._heap.append(heap_bytes or 0)
        n = len(self._blocks)
        if n >= LEAST_BATCHES and self.iterations >= LEAST_ITERATIONS:
            window = max(LEAST_BATCHES, n // 2)
            blocks = self._blocks[-window:]
            if _is_quiet(blocks):
                self.settled = True
                return True
            if n >= 2 * LEAST_BATCHES and _is_steady(blocks):
                self.steady = True
                return True
        return self.iterations + self.batch_iterations > self.most_iterations


def _is_quiet(values: Sequence[int]) -> bool:
    """Whether the floor of the later half is no higher than that of the earlier half."""
    half = len(values) // 2
    return min(values[half:]) <= min(values[:half])


def _is_steady(values: Sequence[int]) -> bool:
    third = len(values) // 3
    early = values[third] - values[0]
    late = values[-1] - values[-1 - third]
    return early > 0 and late >= 0.8 * early
