"""What a reader is told of growth that is not certain."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from pytest_reqleak.analysis.floors import SEEN_BLOCKS
from pytest_reqleak.analysis.observed import Observed
from pytest_reqleak.analysis.sentences import Teller
from pytest_reqleak.analysis.trend import trend_of
from pytest_reqleak.model.meter import Meter

PLACES = range(0, 4001, 40)
LINE = trend_of([(PLACES, [3 * n for n in PLACES])])


def told(trend, *, too_soon=False):
    seen = SimpleNamespace(
        trends={Meter.LIVE_BLOCKS: trend},
        least=lambda meter: 0.0,
        rate=lambda meter: trend.per_iteration,
        is_too_soon=lambda meter: too_soon,
        confirmations=4,
        iterations=17_000,
        seconds_per_iteration=1e-3,
    )
    return Teller(seen, "request").unsettled([Meter.LIVE_BLOCKS])


@pytest.mark.parametrize(
    ("trend", "why"),
    [
        (LINE, "but may be slowing down"),
        (replace(LINE, even_rises=9.0), "but too few times to be certain"),
        (replace(LINE, fall=0.5), "but fell back in between"),
        (replace(LINE, bulge=0.2), "but ever more slowly"),
        (replace(LINE, roughness=0.5), "but unevenly"),
    ],
)
def test_it_says_what_speaks_against_a_leak(trend, why):
    assert f"live blocks rise by 3.0 per request over 17,000 requests, {why};" in told(trend)


def test_what_fell_and_has_not_been_watched_for_long_since_may_fall_again():
    assert ", but fell before, and may fall again;" in told(LINE, too_soon=True)


def test_what_is_too_slow_is_told_with_the_smallest_leak_that_is_promised_to_be_found(make_samples):
    seen = Observed([make_samples({Meter.LIVE_BLOCKS: lambda n: n // 400})], 0.05)
    told = Teller(seen, "request").slow([Meter.LIVE_BLOCKS])

    assert f"less than one in {1 / SEEN_BLOCKS:.0f}, which is too slow" in told
