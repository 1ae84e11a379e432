"""From which growth on a meter is looked at."""

from __future__ import annotations

import pytest

from pytest_reqleak.analysis.floors import LEAST_HEAP_BYTES, USUAL_THREADS, least_growth
from pytest_reqleak.model.meter import Meter

THRESHOLD = 0.05


def least_heap(threads: int, *, ticks: bool) -> float:
    return least_growth(Meter.HEAP_BYTES, THRESHOLD, threads=threads, ticks=ticks)


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_an_array_that_gains_a_number_per_request_is_seen_beside_a_few_idle_threads(threads):
    assert least_heap(threads, ticks=True) < 8.0 <= least_heap(threads, ticks=False)


def test_what_the_bins_of_many_threads_take_is_not_looked_at():
    for threads in range(USUAL_THREADS + 1, 40):
        assert least_heap(threads, ticks=False) == LEAST_HEAP_BYTES * (threads - USUAL_THREADS)
    assert least_heap(10, ticks=True) > 10


def test_a_threshold_holds_for_bytes_and_blocks():
    assert least_growth(Meter.HEAP_BYTES, 5000.0, ticks=True) == 5000.0
    assert least_growth(Meter.LIVE_BLOCKS, 5120.0) == 10.0
