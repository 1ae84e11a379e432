"""The benchmark at a smaller size: seeded, so the same series each time."""

from __future__ import annotations

import random
import re

import pytest

from benchmarks.power import simulate, tally
from benchmarks.series import CLEAN, HARD, NOISES, added, leak, random_leak
from pytest_reqleak.analysis.verdict import Outcome

SERIES = 40


@pytest.mark.parametrize("family", CLEAN)
def test_no_clean_series_is_called_a_leak(family):
    outcomes, _ = tally(CLEAN[family], series=SERIES, iterations=2000, seed=family)

    assert 0 == outcomes["leak"]


def test_a_cache_whose_keys_become_rare_is_hardly_ever_called_a_leak():
    outcomes, _ = tally(HARD["few users"], series=3 * SERIES, iterations=5000, seed="few users")

    # A third of them were, where the growth so far has no say in the last stages.
    assert outcomes["leak"] <= SERIES / 4
    assert outcomes["inconclusive"] > 2 * SERIES


@pytest.mark.parametrize("family", ["flat", "spikes", "records", "steps", "timers", "saw-tooth", "plateau"])
def test_clean_series_that_settle_are_called_clean(family):
    outcomes, _ = tally(CLEAN[family], series=SERIES, iterations=2000, seed=family)

    assert SERIES == outcomes["clean"]


@pytest.mark.parametrize("batches", [5, 10, 25, 50])
@pytest.mark.parametrize("rate", [1.0, 0.1])
def test_clockwork_is_certain_after_one_confirmation_however_few_the_samples(batches, rate):
    for seed in range(5):
        source = leak(rate)(random.Random(seed), 2000)
        decision, stages, _ = simulate(source, iterations=2000, batches=batches)

        assert (Outcome.LEAK, 1) == (decision.outcome, stages)


def test_a_flat_series_costs_no_confirmation():
    outcomes, cost = tally(CLEAN["flat"], series=SERIES, iterations=2000, seed="flat")

    assert (SERIES, 1.0) == (outcomes["stage 0"], cost)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("every", [200, 20, 1])
def test_a_leak_of_one_block_in_200_of_5000_iterations_is_found(noise, every):
    maker = added(leak(1 / every), NOISES[noise])

    outcomes, _ = tally(maker, series=SERIES // 4, iterations=5000, seed=f"{noise} {every}")

    assert SERIES // 4 == outcomes["leak"]


@pytest.mark.parametrize("family", CLEAN)
def test_looking_again_and_again_calls_no_clean_series_a_leak(family):
    outcomes, _ = tally(CLEAN[family], series=SERIES // 4, iterations=None, seed=f"auto {family}")

    assert 0 == outcomes["leak"]


@pytest.mark.parametrize("noise", ["none", "jitter ±1", "spikes", "plateau", "coupons", "long saw-tooth"])
@pytest.mark.parametrize("every", [200, 20, 1])
def test_a_run_that_decides_its_length_finds_as_small_a_leak(noise, every):
    maker = added(leak(1 / every), NOISES[noise])

    outcomes, _ = tally(maker, series=SERIES // 4, iterations=None, seed=f"{noise} {every}")

    assert SERIES // 4 == outcomes["leak"]


@pytest.mark.parametrize("family", ["zipf", "coupons + jitter"])
def test_what_is_said_to_settle_a_doubt_settles_it(family):
    doubts = settled = 0
    for number in range(SERIES):
        decision, _, _ = simulate(CLEAN[family](random.Random(f"{family} {number}"), 2000), iterations=2000)
        if decision.outcome is Outcome.INCONCLUSIVE:
            doubts += 1
            iterations = int(re.findall(r"iterations=(\d+) would settle it", decision.reason)[0])
            again = CLEAN[family](random.Random(f"{family} {number}"), 2000)
            settled += simulate(again, iterations=iterations)[0].outcome is not Outcome.INCONCLUSIVE

    assert doubts > 0
    assert doubts == settled


def test_leaks_at_random_moments_are_found():
    outcomes, _ = tally(random_leak(1 / 20), series=SERIES, iterations=2000, seed="random")

    assert SERIES == outcomes["leak"]


@pytest.mark.parametrize("noise", ["timers", "saw-tooth", "long saw-tooth"])
def test_a_block_per_iteration_is_found_under_any_noise(noise):
    maker = added(leak(10), NOISES[noise])

    outcomes, _ = tally(maker, series=SERIES, iterations=2000, seed=noise)

    assert SERIES == outcomes["leak"]
