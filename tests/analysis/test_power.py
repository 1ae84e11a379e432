"""The benchmark at a smaller size: seeded, so the same series each time."""

from __future__ import annotations

import pytest

from benchmarks.power import tally
from benchmarks.series import CLEAN, NOISES, added, leak, random_leak

SERIES = 40


@pytest.mark.parametrize("family", CLEAN)
def test_no_clean_series_is_called_a_leak(family):
    outcomes, _ = tally(CLEAN[family], series=SERIES, iterations=2000, seed=family)

    assert 0 == outcomes["leak"]


@pytest.mark.parametrize("family", ["flat", "spikes", "records", "steps", "timers", "saw-tooth", "plateau"])
def test_clean_series_that_settle_are_called_clean(family):
    outcomes, _ = tally(CLEAN[family], series=SERIES, iterations=2000, seed=family)

    assert SERIES == outcomes["clean"]


def test_a_flat_series_costs_no_confirmation():
    outcomes, cost = tally(CLEAN["flat"], series=SERIES, iterations=2000, seed="flat")

    assert (SERIES, 1.0) == (outcomes["stage 0"], cost)


@pytest.mark.parametrize("noise", ["none", "jitter ±1", "jitter ±3", "spikes", "steps", "plateau", "coupons"])
@pytest.mark.parametrize("every", [200, 20, 1])
def test_a_leak_of_one_block_in_200_of_5000_iterations_is_found(noise, every):
    maker = added(leak(1 / every), NOISES[noise])

    outcomes, _ = tally(maker, series=SERIES // 4, iterations=5000, seed=f"{noise} {every}")

    assert SERIES // 4 == outcomes["leak"]


def test_leaks_at_random_moments_are_found():
    outcomes, _ = tally(random_leak(1 / 20), series=SERIES, iterations=2000, seed="random")

    assert SERIES == outcomes["leak"]


@pytest.mark.parametrize("noise", ["timers", "saw-tooth", "long saw-tooth"])
def test_a_block_per_iteration_is_found_under_any_noise(noise):
    maker = added(leak(10), NOISES[noise])

    outcomes, _ = tally(maker, series=SERIES, iterations=2000, seed=noise)

    assert SERIES == outcomes["leak"]
