"""How long to go on watching what has fallen, as what expires by the clock does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_reqleak.analysis.expiry import seconds_to_see_again
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.sample import Samples


def read(values, seconds=None):
    places = range(len(values))
    return Samples(
        iterations=tuple(places),
        seconds=tuple(seconds or map(float, places)),
        phases=(Phase.CONFIRM,) * len(values),
        readings={Meter.LIVE_BLOCKS: tuple(values)},
    )


@given(st.lists(st.integers(0, 1000), min_size=1), st.integers(0, 10**6))
def test_what_never_falls_needs_no_longer_watch(steps, start):
    values = [start]
    for step in steps:
        values.append(values[-1] + step)

    assert 0 == seconds_to_see_again(read(values))


@pytest.mark.parametrize(("seen", "wanted"), [(1, 14.0), (5, 10.0), (14, 1.0), (15, 0.0), (40, 0.0)])
def test_a_fall_after_ten_seconds_is_watched_for_half_as_long_again(seen, wanted):
    rising = [1000 * n for n in range(10)]
    again = [1000 * n for n in range(1 + seen)]

    assert wanted == seconds_to_see_again(read([*rising, *again]))


@given(period=st.integers(2, 20), rate=st.integers(0, 5))
def test_what_falls_often_has_been_seen_to_fall_again(period, rate):
    values = [rate * n + 1000 * (n % period) for n in range(20 * period + period // 2)]

    assert 0 == seconds_to_see_again(read(values))


def test_noise_far_below_the_growth_is_no_fall():
    values = [1000 * n - 150 * (n % 2) for n in range(2, 50)]

    assert 0 == seconds_to_see_again(read(values))


def test_growth_after_the_fall_does_not_hide_it():
    values = [*range(0, 1000, 100), *range(0, 100_000, 10_000)]

    assert 6.0 == seconds_to_see_again(read(values))


@pytest.mark.parametrize("rate", [0, 1, 40])
def test_a_pause_between_two_falls_of_a_buffer_is_no_time_to_expire(rate):
    values = [rate * n + 1000 * (n % 7) for n in range(400)]
    seconds = [n / 100 + (50.0 if n >= 203 else 0.0) for n in range(400)]

    assert 0 == seconds_to_see_again(read(values, seconds))
