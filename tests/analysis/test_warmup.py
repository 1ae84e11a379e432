from __future__ import annotations

import math
import random

import pytest

from pytest_reqleak.analysis.warmup import WarmUp


def warm_up(read, *, batch=40, most=2000, heap=None):
    watch = WarmUp(batch_iterations=batch, most_iterations=most)
    done = batch
    while not watch.observe(int(read(done)), None if heap is None else int(heap(done))):
        done += batch
    return watch


@pytest.mark.parametrize("batch", [10, 40, 1000])
def test_a_flat_app_has_warmed_up_after_four_batches(batch):
    watch = warm_up(lambda n: 5000, batch=batch, most=100_000)

    assert watch.settled
    assert 4 * batch == watch.iterations


def test_a_few_single_iterations_prove_nothing():
    assert warm_up(lambda n: 5000, batch=1).iterations >= 20


def test_first_uses_are_waited_for():
    watch = warm_up(lambda n: 10_000 * (1 - math.exp(-n / 60)))

    assert watch.settled
    assert 400 <= watch.iterations <= 1500


@pytest.mark.parametrize("rate", [1 / 20, 1, 6.3])
def test_a_steady_rise_is_not_waited_for(rate):
    watch = warm_up(lambda n: n * rate)

    assert watch.steady
    assert not watch.settled
    assert watch.iterations <= 400


def test_a_steady_rise_is_seen_under_noise():
    rng = random.Random(3)

    assert warm_up(lambda n: n + rng.randint(-3, 3)).steady


def test_a_steady_rise_of_the_heap_alone_is_seen():
    watch = warm_up(lambda n: 5000, heap=lambda n: 300 * n)

    assert watch.steady


def test_a_fading_growth_is_waited_for_up_to_the_budget():
    watch = warm_up(lambda n: 30_000 * (1 - math.exp(-n / 700)), most=1500)

    assert not watch.settled
    assert not watch.steady
    assert 1460 <= watch.iterations <= 1500


def test_the_budget_is_never_exceeded():
    for most in (1, 39, 40, 100, 130):
        assert warm_up(lambda n: n * n, most=most).iterations <= max(40, most)


def test_the_slack_of_the_c_heap_is_no_growth():
    assert warm_up(lambda n: 5000, heap=lambda n: 10**6 + 2 * n).settled
