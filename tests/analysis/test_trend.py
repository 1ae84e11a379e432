from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_reqleak.analysis.rule import is_fading, is_flat, is_steady, shape_of
from pytest_reqleak.analysis.trend import Shape, trend_of


def piece(read, *, n=80, batch=40):
    x = [batch * k for k in range(n)]
    return [(x, [int(read(place)) for place in x])]


def shape(read, **settings):
    return shape_of(trend_of(piece(read, **settings)), least=0.0001, stage=1)


SHAPES = {
    "level": (lambda n: 7, Shape.FLAT),
    "one step": (lambda n: 900 * (n > 1500), Shape.FLAT),
    "line": (lambda n: 6 * n, Shape.STEADY),
    "one in 100": (lambda n: n // 100, Shape.STEADY),
    "filling ever more slowly": (lambda n: 1000 * (1 - math.exp(-n / 1000)), Shape.FADING),
    "full for some time": (lambda n: min(n, 2500), Shape.FLAT),
    "full at last": (lambda n: min(n, 3000), Shape.STEPPED),
    "buffer emptied once": (lambda n: n if n < 1600 else n - 1200, Shape.SAWTOOTH),
    "falling": (lambda n: -n, Shape.SHRINKING),
    "two large steps": (lambda n: 1000 * (n > 1000) + 1000 * (n > 2600), Shape.STEPPED),
}


@pytest.mark.parametrize(("read", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_the_shape_is_named(read, expected):
    assert expected is shape(read)


curves = st.sampled_from([read for read, _ in SHAPES.values()])


@given(read=curves, level=st.integers(0, 2**40))
def test_the_level_does_not_matter(read, level):
    assert trend_of(piece(read)) == trend_of(piece(lambda n: int(read(n)) + level))


@given(read=curves, factor=st.integers(2, 500))
def test_the_scale_of_the_values_does_not_matter(read, factor):
    plain, scaled = trend_of(piece(read)), trend_of(piece(lambda n: int(read(n)) * factor))

    assert pytest.approx(plain.per_iteration * factor) == scaled.per_iteration
    for name in ("bulge", "roughness", "straight", "even_rises", "fall", "idle"):
        assert pytest.approx(getattr(plain, name), abs=1e-6) == getattr(scaled, name)


@given(read=curves, batch=st.integers(1, 500))
def test_the_scale_of_the_iterations_does_not_matter(read, batch):
    values = piece(read)[0][1]

    plain = trend_of([(range(80), values)])
    stretched = trend_of([(range(0, 80 * batch, batch), values)])

    assert pytest.approx(plain.per_iteration, abs=1e-9) == stretched.per_iteration * batch
    assert pytest.approx(plain.bulge, abs=1e-6) == stretched.bulge


@given(values=st.lists(st.integers(0, 10**6), min_size=0, max_size=80))
def test_any_series_has_a_trend(values):
    trend = trend_of([(range(len(values)), values)])

    assert math.isfinite(trend.per_iteration)
    assert not (is_flat(trend, least=0.0) and is_steady(trend, least=0.0, stage=1))


def test_noise_that_comes_back_is_told_from_a_random_walk():
    noise, walks = 0, 0
    for seed in range(200):
        rng = random.Random(seed)
        noise += trend_of(piece(lambda n, rng=rng: rng.randint(-50, 50), n=150)).returns
        level = [0]

        def walk(n, rng=rng, level=level):
            level[0] += rng.randint(-50, 50)
            return level[0]

        walks += trend_of(piece(walk, n=150)).returns

    assert (200, 0) == (noise, walks)


def test_the_bulge_of_a_filling_cache_is_an_eighth_of_the_share_that_it_filled():
    trend = trend_of(piece(lambda n: 100_000 * (1 - math.exp(-n / 6400)), n=81))

    # The window is half of the time constant: 0.5 / 8, but for the segments' ends.
    assert pytest.approx(0.0625, abs=0.008) == trend.bulge
    assert is_fading(trend, stage=1)


def test_a_rise_that_stopped_is_idle():
    assert 8 < trend_of(piece(lambda n: min(n, 1600))).idle


def test_regular_rises_are_never_idle():
    for every in (40, 250, 333, 1000):
        assert trend_of(piece(lambda n, every=every: n // every)).idle <= 1.01
