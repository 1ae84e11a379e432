"""A regular saw-tooth is taken out whole; anything else is left as it is."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.series import jitter, random_walk, sessions, timers
from pytest_reqleak.analysis.batches import batch_ends
from pytest_reqleak.analysis.growth import fit_pieces
from pytest_reqleak.analysis.sawtooth import AGREED, without_sawtooth

FINE = 1 / 2000


def read(source, *, iterations=12_000, batches=300, start=200):
    places = [start, *(start + end for end in batch_ends(iterations, batches))]
    return [(places, [int(source(n)) for n in places])]


def tooth(period, *, blocks=1, phase=0, leak=0.0):
    return lambda n: 9000 + (n + phase) % period * blocks + int(n * leak)


@settings(max_examples=30, deadline=None)
@given(
    period=st.integers(30, 900),
    blocks=st.sampled_from([1, 2, 5, 10]),
    phase=st.integers(0, 900),
    leak=st.sampled_from([0.0, 1 / 200, 1 / 20, 1.0]),
)
def test_what_is_left_is_the_leak_or_nothing_is_said(period, blocks, phase, leak):
    left = without_sawtooth(read(tooth(period, blocks=blocks, phase=phase, leak=leak)), resolution=FINE)

    if left is not None:
        # Where all periods that explain it leave growth, they need not agree on how much.
        assert leak == pytest.approx(fit_pieces(left).per_iteration, rel=AGREED, abs=2 * FINE)
        (_, values) = left[0]
        assert max(values) - min(values) <= 12_000 * leak + 3


@pytest.mark.parametrize("period", [37, 100, 173, 611, 1000])
def test_a_buffer_that_is_flushed_like_clockwork_leaves_a_flat_series(period):
    ((_, values),) = without_sawtooth(read(tooth(period, blocks=5)), resolution=FINE)

    assert max(values) - min(values) <= 2


@pytest.mark.parametrize(("each", "entries"), [(2, 201), (2, 1001), (3, 200), (3, 400)])
@pytest.mark.parametrize("leak", [0.0, 1 / 200])
def test_a_buffer_that_gets_several_entries_at_a_time_is_taken_out(each, entries, leak):
    # SQLite's driver forgets its dead cursors at every 200th of them, two statements a request.
    left = without_sawtooth(read(lambda n: 9000 + each * n % entries + int(n * leak)), resolution=FINE)

    assert left is not None
    assert leak == pytest.approx(fit_pieces(left).per_iteration, abs=2 * FINE)


def read_in_stages(source):
    """A measurement of 5,000 iterations and two stages with shorter batches, as a run reads them."""
    measured = read(source, iterations=5000, batches=50)
    early = read(source, start=5200, iterations=5833, batches=291)
    return measured + early + read(source, start=11_200, iterations=11_666, batches=291)


@pytest.mark.parametrize("leak", [1 / 20, 1 / 5])
@pytest.mark.parametrize(("period", "blocks", "phase"), [(2465, 1, 2018), (2311, 1, 1501), (1800, 2, 77)])
def test_growth_besides_does_not_hide_a_long_period(period, blocks, phase, leak):
    left = without_sawtooth(
        read_in_stages(tooth(period, blocks=blocks, phase=phase, leak=leak)), resolution=FINE
    )

    assert left is not None
    assert leak == pytest.approx(fit_pieces(left).per_iteration, rel=AGREED)


@pytest.mark.parametrize(
    ("period", "blocks", "phase"), [(3434, 10, 2668), (3947, 2, 95), (3740, 10, 2375), (3070, 10, 1101)]
)
def test_a_period_that_puts_one_reading_of_hundreds_a_tooth_too_high_is_not_the_right_one(
    period, blocks, phase
):
    left = without_sawtooth(read_in_stages(tooth(period, blocks=blocks, phase=phase)), resolution=FINE)

    assert left is None or fit_pieces(left).per_iteration == pytest.approx(0.0, abs=2 * FINE)


def test_a_buffer_of_few_periods_is_left_alone():
    assert without_sawtooth(read(tooth(5000)), resolution=FINE) is None


def test_a_period_that_the_readings_do_not_tell_is_left_alone():
    # Four periods and some, seen every 100 iterations: several explain them, and each hides another leak.
    assert without_sawtooth(read(tooth(1090), iterations=5000, batches=50), resolution=FINE) is None


@pytest.mark.parametrize(
    "noise",
    [jitter(20), random_walk(10), timers(), sessions],
    ids=["jitter", "random walk", "timers", "sessions"],
)
@pytest.mark.parametrize("seed", range(5))
def test_what_does_not_repeat_to_the_iteration_is_never_made_to_grow(noise, seed):
    source = noise(random.Random(seed), 5000)
    pieces = read(source, iterations=5000, batches=100)
    left = without_sawtooth(pieces, resolution=FINE)

    before = fit_pieces(pieces).per_iteration
    assert left is None or fit_pieces(left).per_iteration <= max(before, 2 * FINE)


def test_stretches_keep_their_places_and_their_levels_apart():
    whole = read(tooth(100, blocks=3))[0]
    early, late = (whole[0][:100], whole[1][:100]), (whole[0][150:], [v + 700 for v in whole[1][150:]])
    left = without_sawtooth([early, late], resolution=FINE)

    assert left is not None
    assert [early[0], late[0]] == [x for x, _ in left]
    assert 700 == pytest.approx(left[1][1][0] - left[0][1][0], abs=2)


def test_a_flat_series_is_left_alone():
    assert without_sawtooth(read(lambda n: 5), resolution=FINE) is None
