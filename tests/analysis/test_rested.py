"""A rise that has only just ended is watched for a stage more."""

from __future__ import annotations

import pytest

from pytest_reqleak.analysis.verdict import Outcome, screen
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.sample import Samples


def rising_until(share: float, *, batches: int = 50, batch: int = 10, rate: int = 6) -> Samples:
    """Live blocks that rise by `rate` per iteration, and rest after a share of the batches."""
    count = batches + 1
    return Samples(
        iterations=tuple(range(0, batch * count, batch)),
        seconds=tuple(0.01 * n for n in range(count)),
        phases=(Phase.MEASURE,) * count,
        readings={
            Meter.LIVE_BLOCKS: tuple(
                10_000 + rate * batch * min(n, int(share * batches)) for n in range(count)
            )
        },
    )


@pytest.mark.parametrize("share", [0.7, 0.75, 0.8, 0.9, 1.0])
def test_a_rise_that_lasted_into_the_last_third_is_not_called_clean_at_once(share):
    assert Outcome.GO_ON is screen(rising_until(share), threshold=0.05).outcome


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.6, 0.64])
def test_a_rise_that_ended_early_is_clean(share):
    assert Outcome.CLEAN is screen(rising_until(share), threshold=0.05).outcome
