"""How long to go on watching what has fallen, as what expires by the clock does, and what it leaves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_reqleak.analysis.decision import Decision, Outcome
from pytest_reqleak.analysis.expiry import Floor, as_outlived, seconds_to_see_again
from pytest_reqleak.model.finding import Growth
from pytest_reqleak.model.meter import Cause, Meter, Phase
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


def growing(*rates):
    meters = (Meter.LIVE_BLOCKS, Meter.HEAP_BYTES)
    return Decision(
        outcome=Outcome.LEAK,
        growth=tuple(
            Growth(meter=meter, per_iteration=rate, low=rate, high=rate, grows=True)
            for meter, rate in zip(meters, rates, strict=False)
        ),
        grows=meters[: len(rates)],
        classification=(Cause.PYTHON,),
        reason="live blocks rise",
    )


def floors(*blocks, **others):
    return [
        Floor(
            iterations=2000 * place,
            left={
                Meter.LIVE_BLOCKS: value,
                **{Meter(name): values[place] for name, values in others.items()},
            },
        )
        for place, value in enumerate(blocks)
    ]


def outlived(decision, seen, life=60.0):
    return as_outlived(decision, seen, path="shop.RECENT", life=life, threshold=1.0, unit="request")


@pytest.mark.parametrize("life", [60.0, 600.0])
@pytest.mark.parametrize("blocks", [(100, 100, 100, 100), (100, 105, 110, 115), (100, 90, 190, 185)])
def test_what_goes_with_its_age_and_leaves_nothing_is_clean(blocks, life):
    answer = outlived(growing(3.0), floors(*blocks), life)

    assert Outcome.CLEAN is answer.outcome
    assert () == answer.grows == answer.classification
    assert not any(growth.grows for growth in answer.growth)
    assert ["expires"] == [note.slug for note in answer.notes]
    assert "shop.RECENT" in answer.reason


def test_what_lives_for_an_hour_is_not_certain():
    answer = outlived(growing(3.0), floors(100, 100, 100, 100), life=3600.0)

    assert Outcome.INCONCLUSIVE is answer.outcome
    assert "an hour older" in answer.reason


@pytest.mark.parametrize("blocks", [(0, 200, 400, 600), (0, 2000, 4000, 4500), (0, 30, 60, 90)])
def test_what_stays_each_time_remains_a_leak(blocks):
    decision = growing(3.0)

    assert decision is outlived(decision, floors(*blocks))


def test_what_stays_unevenly_and_is_little_is_not_certain():
    assert Outcome.INCONCLUSIVE is outlived(growing(3.0), floors(0, 40, 300, 320)).outcome


def test_the_heap_that_grows_from_floor_to_floor_remains_a_leak():
    decision = growing(3.0, 500.0)
    seen = floors(100, 100, 100, 100, heap_bytes=(0, 400_000, 800_000, 1_200_000))

    assert decision is outlived(decision, seen)
    assert Outcome.CLEAN is outlived(decision, floors(0, 0, 0, 0, heap_bytes=(0, 9000, 0, 9000))).outcome
