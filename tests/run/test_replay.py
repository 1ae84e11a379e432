"""Whether inputs that are sent again tell that a growth stops, or that it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_reqleak.evidence import stops_on_replay
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.sample import Samples, Series

FIRST = range(0, 1001, 40)
"""Places at which the inputs were sampled when they were sent for the first time."""


class App:
    """Stages that replay: what the meter reads depends on how many iterations there were in all."""

    concurrency = 1

    def __init__(self, meter: Meter, reads: Callable[[int], int]) -> None:
        self.meter, self.reads, self.sent = meter, reads, 0

    def run(self, phase: Phase, iterations: int, *, batches: int, first: int) -> Samples:
        self.sent = iterations
        places = [1000 + iterations * k // batches for k in range(batches + 1)]
        return Samples(
            iterations=tuple(places),
            seconds=tuple(map(float, places)),
            phases=tuple(phase for _ in places),
            readings={self.meter: tuple(map(self.reads, places))},
        )


def replayed(meter: Meter, rate: float, reads: Callable[[int], int]) -> tuple[bool | None, App]:
    app = App(meter, reads)
    stages: Any = app
    series = Series(meter=meter, iterations=tuple(FIRST), values=tuple(map(reads, FIRST)))
    return stops_on_replay(stages, first=0, count=1000, series=series, per_iteration=rate), app


def test_what_every_input_adds_once_stops():
    stops, app = replayed(Meter.LIVE_BLOCKS, 3.0, lambda n: 3 * min(n, 1000))

    assert (True, 200) == (stops, app.sent)


def test_what_every_iteration_adds_goes_on():
    assert False is replayed(Meter.LIVE_BLOCKS, 3.0, lambda n: 3 * n)[0]


@pytest.mark.parametrize(("meter", "size"), [(Meter.HEAP_BYTES, 4000), (Meter.LIVE_BLOCKS, 50)])
def test_what_comes_once_in_a_hundred_iterations_is_waited_for(meter, size):
    """As if the growth came in small pieces, so few inputs would have been sent again that none came."""
    assert False is replayed(meter, size / 100, lambda n: size * (n // 100))[0]


@pytest.mark.parametrize(("meter", "size"), [(Meter.HEAP_BYTES, 4000), (Meter.LIVE_BLOCKS, 50)])
def test_what_came_too_rarely_to_be_missed_says_nothing(meter, size):
    assert None is replayed(meter, size / 300, lambda n: size * (min(n, 1000) // 300))[0]


def test_a_saw_tooth_that_falls_on_replay_does_not_stop_what_grows():
    def reads(n: int) -> int:
        return 2 * n + (3000 - 3 * (n - 1000) if n > 1000 else 3 * n)

    assert None is replayed(Meter.LIVE_BLOCKS, 2.0, reads)[0]


def test_what_stops_is_seen_beside_a_small_saw_tooth():
    stops, _ = replayed(Meter.LIVE_BLOCKS, 3.0, lambda n: 3 * min(n, 1000) + n % 90)

    assert stops
