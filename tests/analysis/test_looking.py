"""How long a measurement goes on that says itself when it is certain."""

from __future__ import annotations

import pytest

from pytest_reqleak.analysis.decision import Decision, Outcome
from pytest_reqleak.analysis.looking import MOST_DOUBLINGS, look_again
from pytest_reqleak.model.meter import Meter


def decision(outcome: Outcome, *grows: Meter) -> Decision:
    return Decision(outcome=outcome, growth=(), grows=grows, reason="")


def test_the_first_look_comes_half_way():
    assert 600 == look_again(None, 0, certain=1200)


def test_a_flat_series_goes_on_until_it_is_certain():
    assert 600 == look_again(decision(Outcome.CLEAN), 600, certain=1200)
    assert 0 == look_again(decision(Outcome.CLEAN), 1200, certain=1200)


def test_what_grows_is_confirmed_and_not_measured_on():
    assert 0 == look_again(decision(Outcome.GO_ON, Meter.LIVE_BLOCKS), 600, certain=1200)


def test_noise_doubles_the_measurement_a_few_times():
    noisy, iterations, looks = decision(Outcome.GO_ON), 600, 1
    while more := look_again(noisy, iterations, certain=1200):
        assert iterations == more
        iterations, looks = iterations + more, looks + 1

    assert 1200 * 2**MOST_DOUBLINGS == iterations
    assert MOST_DOUBLINGS + 2 == looks


@pytest.mark.parametrize("outcome", [Outcome.CLEAN, Outcome.GO_ON])
def test_no_look_uses_up_the_time_of_the_confirmation(outcome):
    assert 0 == look_again(decision(outcome), 600, certain=1200, iteration_seconds=0.1, seconds_left=200.0)
    assert 600 == look_again(decision(outcome), 600, certain=1200, iteration_seconds=0.1, seconds_left=300.0)
