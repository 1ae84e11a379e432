"""The numbers in a verdict's sentences are those of its rule."""

from __future__ import annotations

from pytest_reqleak.analysis.floors import SEEN_BLOCKS
from pytest_reqleak.analysis.observed import Observed
from pytest_reqleak.analysis.sentences import Teller
from pytest_reqleak.model.meter import Meter


def test_what_is_too_slow_is_told_with_the_smallest_leak_that_is_promised_to_be_found(make_samples):
    seen = Observed([make_samples({Meter.LIVE_BLOCKS: lambda n: n // 400})], 0.05)
    told = Teller(seen, "request").slow([Meter.LIVE_BLOCKS])

    assert f"less than one in {1 / SEEN_BLOCKS:.0f}, which is too slow" in told
