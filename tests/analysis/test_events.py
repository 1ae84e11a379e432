"""How often a growth happens, as its readings tell."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_reqleak.analysis.events import deepest_fall, events_per_iteration
from pytest_reqleak.model.meter import Meter
from pytest_reqleak.model.sample import Series

PLACES = tuple(range(0, 2001, 40))
BLOCKS, HEAP = Meter.LIVE_BLOCKS, Meter.HEAP_BYTES


def series(meter: Meter, reads: Callable[[int], int]) -> Series:
    return Series(meter=meter, iterations=PLACES, values=tuple(map(reads, PLACES)))


@pytest.mark.parametrize(("meter", "size"), [(HEAP, 4000), (BLOCKS, 50)])
def test_large_pieces_that_come_rarely_are_few_events(meter, size):
    seen = series(meter, lambda n: size * (n // 200))

    assert 1 / 200 == events_per_iteration(seen, size / 200)


def test_blocks_that_come_in_every_batch_are_an_event_each():
    assert 2.0 == events_per_iteration(series(BLOCKS, lambda n: 2 * n), 2.0)


def test_bytes_that_come_in_every_batch_are_an_event_for_each_batch_at_least():
    assert 1 / 40 == events_per_iteration(series(HEAP, lambda n: 500 * n), 500.0)


def test_noise_makes_no_blocks_rare():
    assert 2.0 == events_per_iteration(series(BLOCKS, lambda n: 2 * n + (n * 7919) % 1000), 2.0)


def test_bookkeeping_of_the_heap_is_no_event():
    seen = series(HEAP, lambda n: 4000 * (n // 200) + n // 40 % 2 * 16)

    assert 1 / 200 == events_per_iteration(seen, 20.0)


def test_nothing_that_rises_is_no_event():
    assert 0.0 == events_per_iteration(series(HEAP, lambda n: 5), 0.0)


def test_deepest_fall_is_told_from_the_highest_reading_before():
    assert 0 == deepest_fall(series(BLOCKS, lambda n: n))
    assert 1000 == deepest_fall(series(BLOCKS, lambda n: n if n <= 1000 else 2000 - n))
