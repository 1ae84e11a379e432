from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_reqleak.analysis.growth import MOST_SAMPLES, TooFewSamples, fit_growth, fit_pieces
from pytest_reqleak.model.meter import Meter
from pytest_reqleak.model.sample import Series


def series_of(values, iterations=None):
    places = iterations if iterations is not None else range(0, 100 * len(values), 100)
    return Series(meter=Meter.LIVE_BLOCKS, iterations=tuple(places), values=tuple(values))


many_values = st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=60)


# The first call imports scipy, which takes longer than hypothesis allows.
@settings(deadline=None)
@given(values=many_values, confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_slope_and_interval_are_those_of_scipy(values, confidence):
    stats = pytest.importorskip("scipy.stats")
    x = [100 * k for k in range(len(values))]

    oracle = stats.theilslopes(values, x, alpha=confidence)

    fit = fit_growth(series_of(values), confidence=confidence)
    assert pytest.approx(oracle.slope, rel=1e-9, abs=1e-9) == fit.per_iteration
    assert pytest.approx(oracle.low_slope, rel=1e-9, abs=1e-9) == fit.low
    assert pytest.approx(oracle.high_slope, rel=1e-9, abs=1e-9) == fit.high


@given(values=many_values, level=st.integers(-(2**40), 2**40))
def test_growth_ignores_the_level(values, level):
    assert fit_growth(series_of(values)) == fit_growth(series_of([value + level for value in values]))


@given(values=many_values, factor=st.integers(1, 1000))
def test_growth_scales_with_the_values(values, factor):
    plain, scaled = fit_growth(series_of(values)), fit_growth(series_of([value * factor for value in values]))

    assert pytest.approx(plain.per_iteration * factor) == scaled.per_iteration
    assert pytest.approx(plain.low * factor) == scaled.low


@given(values=many_values)
def test_growth_turns_its_sign_when_the_series_is_read_backwards(values):
    forwards, backwards = fit_growth(series_of(values)), fit_growth(series_of(values[::-1]))

    assert pytest.approx(-forwards.per_iteration) == backwards.per_iteration


def test_one_step_does_not_move_the_growth():
    values = [0] * 25 + [112_836] + [0] * 25

    assert 0.0 == fit_growth(series_of(values)).per_iteration


def test_uneven_distances_are_taken_into_account():
    places = [0, 10, 40, 50, 1000]

    assert 3.0 == fit_growth(series_of([3 * n for n in places], places)).per_iteration


def test_the_interval_holds_the_true_slope_in_95_of_100_series():
    hits = 0
    for seed in range(400):
        rng = random.Random(seed)
        fit = fit_growth(series_of([round(50 * k + rng.gauss(0, 200)) for k in range(50)]))
        hits += fit.low <= 0.5 <= fit.high

    assert 0.92 <= hits / 400 <= 0.98


def test_long_series_are_thinned_and_keep_their_slope():
    rng = random.Random(1)
    values = [round(7 * k + rng.gauss(0, 20)) for k in range(5 * MOST_SAMPLES)]

    assert pytest.approx(0.07, rel=0.01) == fit_growth(series_of(values)).per_iteration


def test_what_happens_between_stretches_has_no_say():
    pieces = [([0, 100, 200], [0, 1, 2]), ([900, 1000, 1100], [5000, 5001, 5002])]

    assert 0.01 == fit_pieces(pieces).per_iteration


@pytest.mark.parametrize("values", [[], [5]])
def test_too_few_samples_are_refused_with_their_number(values):
    with pytest.raises(TooFewSamples, match=f"not {len(values)}"):
        fit_growth(series_of(values))


def test_a_stretch_of_one_sample_adds_nothing():
    with pytest.raises(TooFewSamples):
        fit_pieces([([0], [1]), ([100], [2])])
