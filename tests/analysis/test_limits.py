"""On which side of each limit of the rule an answer changes: a little less, a little more."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from pytest_reqleak.analysis.expiry import seconds_to_see_again
from pytest_reqleak.analysis.pieces import split_at_jumps
from pytest_reqleak.analysis.resident import Trimmed
from pytest_reqleak.analysis.rule import MOST_BULGE, is_fading, is_steady
from pytest_reqleak.analysis.trend import trend_of
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.sample import Samples

PLACES = range(0, 4001, 40)
STEADY = trend_of([(PLACES, [3 * n for n in PLACES])])
ROUGH = replace(STEADY, regular=False, roughness=0.02)


def error_of(trend):
    """The error of its bulge, found as the most that may be doubted before it fades."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        fades = is_fading(replace(trend, bulge=MOST_BULGE - middle), stage=2)
        low, high = (middle, high) if fades else (low, middle)
    return low


@pytest.mark.parametrize(("bulge", "steady"), [(0.0, True), (-0.1, True), (-0.2, False), (-0.6, False)])
def test_growth_that_speeds_up_by_too_much_is_no_steady_growth(bulge, steady):
    assert steady is is_steady(replace(STEADY, bulge=bulge), stage=3)


@pytest.mark.parametrize(
    ("errors", "slowed", "steady"),
    [(2.5, False, False), (3.5, False, True), (3.5, True, False), (4.5, True, True)],
)
def test_what_has_slowed_must_be_straighter_than_what_has_not(errors, slowed, steady):
    error = error_of(ROUGH)
    trend = replace(ROUGH, quiet=False, slowing=0.1, bulge=0.1 - errors * error)

    assert steady is is_steady(trend, stage=4, slowed=slowed)


@pytest.mark.parametrize(("errors", "fades"), [(1.5, True), (2.5, False)])
def test_what_is_bent_since_the_beginning_stays_in_doubt(errors, fades):
    trend = replace(ROUGH, bulge=MOST_BULGE - errors * error_of(ROUGH))

    assert fades is is_fading(trend, stage=4, bent=True)
    assert not is_fading(trend, stage=4)


def trimmed(rss, free=(), untrimmed=1.0):
    seen = SimpleNamespace(trends={Meter.RSS_BYTES: SimpleNamespace(per_iteration=untrimmed)})
    return Trimmed(seen, rss, free)


def at(*values):
    return [(1000 * place, value) for place, value in enumerate(values)]


@pytest.mark.parametrize(("share", "survives"), [(0.6, False), (0.8, True), (1.0, True)])
def test_most_of_the_growth_must_survive_a_trim(share, survives):
    found = trimmed(at(0, 1000 * share, 2000 * share))

    assert survives is found.survives()
    assert survives is found.is_in_use


@pytest.mark.parametrize(("middle", "survives"), [(1000, True), (600, True), (400, False), (0, False)])
def test_what_survives_must_rise_in_each_stage(middle, survives):
    assert survives is trimmed(at(0, middle, 2000)).survives()


@pytest.mark.parametrize(("share", "free"), [(0.4, False), (0.6, True)])
def test_half_of_what_survives_must_be_free_to_be_holes(share, free):
    assert free is trimmed(at(0, 1000, 2000), free=at(0, 1000 * share, 2000 * share)).is_free


@pytest.mark.parametrize(("kept", "wanted"), [(0.9, 0.0), (0.7, 3.5)])
def test_a_fall_by_a_fifth_is_watched_for_another(kept, wanted):
    values = [0, 200, 400, 600, 800, 1000, round(1000 * kept), round(1000 * kept), 1000]
    samples = Samples(
        iterations=tuple(range(9)),
        seconds=tuple(map(float, range(9))),
        phases=(Phase.CONFIRM,) * 9,
        readings={Meter.LIVE_BLOCKS: tuple(values)},
    )

    assert wanted == pytest.approx(seconds_to_see_again(samples), abs=3.5 if wanted else 0)
    assert bool(wanted) is bool(seconds_to_see_again(samples))


@pytest.mark.parametrize(("largest", "pieces"), [(35, 1), (70, 2)])
def test_a_rise_three_times_any_other_is_an_event_of_its_own(largest, pieces):
    values = [0]
    for rise in (1, 20, 1, 15, largest, 1, 1, 1, 1, 1, 1):
        values.append(values[-1] + rise)

    assert pieces == len(split_at_jumps([(range(len(values)), values)]))
