"""How fast holders grow with fresh inputs, where some inputs since the mark were replayed."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_reqleak.evidence.rates import fresh_rates
from pytest_reqleak.model.finding import Holder
from pytest_reqleak.model.sample import Samples


class Process:
    """Stages and agent in one: a holder of known size that grows by a known number per iteration."""

    out_of_time = False

    def __init__(self, rate: float, size: int = 3000) -> None:
        self.rate, self.size, self.runs = rate, float(size), 0

    def run(self, phase: Any, iterations: int, *, batches: int) -> Samples:
        self.runs += 1
        self.size += self.rate * iterations
        return Samples(iterations=(0, iterations), seconds=(0.0, 1.0), phases=(phase, phase), readings={})

    def holder_sizes(self) -> dict[str, int]:
        return {"app.KEPT": int(self.size)}


def measured(process: Process, rate: float, *, size: int = 3000, fresh: int, done: int) -> float:
    holder = Holder(path="app.KEPT", type="list", growth_per_iteration=rate, size=size)
    stages: Any = process
    (found,) = fresh_rates(
        stages, stages, [holder], counted=done, fresh=fresh, done=done, iteration_seconds=0.001
    )
    return found.growth_per_iteration


@pytest.mark.parametrize(
    ("seen", "true"),
    [(0.5, 1.0), (0.75, 1.0), (1.0, 1.0)],
    ids=["replay adds nothing", "replay adds in part", "replay adds as much"],
)
def test_rate_is_that_of_fresh_inputs(seen, true):
    assert true == pytest.approx(measured(Process(true), seen, fresh=1000, done=2000))


def test_rate_of_a_rare_leak_stays_between_what_the_whole_growth_allows():
    """No entry came in the window; 20 came in 1,000 fresh and 1,000 replayed iterations."""
    assert 0.01 == pytest.approx(measured(Process(0.0), 0.01, fresh=1000, done=2000))


def test_container_that_is_made_anew_has_the_rate_of_the_window():
    """Its whole size, entries from before the mark included, passed for growth."""
    assert 1.0 == pytest.approx(measured(Process(1.0, 1300), 1.3, size=1300, fresh=1000, done=1000))


def test_nothing_is_sent_where_nothing_was_replayed():
    process = Process(1.0)

    assert 1.0 == measured(process, 1.0, fresh=1000, done=1000)
    assert 0 == process.runs
