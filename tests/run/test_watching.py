"""How many requests are watched for a line: enough for what is rare, and no more than anybody waits for."""

from __future__ import annotations

from itertools import accumulate
from types import SimpleNamespace

import pytest

from pytest_reqleak.evidence.deeper import watch
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.sample import Samples

RARE = 1 / 100


class Stages:
    """Requests that take a time each, as they would with every line watched."""

    out_of_time = False

    def __init__(self, pace):
        self.pace, self.counts = pace, []

    def run(self, phase, count, *, batches):
        self.counts.append(count)
        places = tuple(accumulate([0, count]))
        return Samples(
            iterations=places,
            seconds=tuple(self.pace * place for place in places),
            phases=(Phase.TRACE,) * 2,
            readings={Meter.LIVE_BLOCKS: (0, 0)},
        )


def watched(pace, rate):
    stages = Stages(pace)
    agent = SimpleNamespace(watch_lines=lambda **_: True, restart_watch=lambda: None, end_watch=lambda: ())
    watch(stages, agent, (rate,), memory=None)
    return stages.counts


@pytest.mark.parametrize(("rate", "most"), [(1.0, 12), (0.1, 120), (RARE, 300)])
def test_quick_requests_show_a_leak_a_dozen_times_or_are_three_hundred(rate, most):
    assert most == max(watched(1e-4, rate))


@pytest.mark.parametrize("pace", [0.05, 0.2, 1.0])
@pytest.mark.parametrize("rate", [1.0, RARE])
def test_slow_requests_are_watched_for_some_seconds_only(pace, rate):
    counts = watched(pace, rate)

    # Twice: the user's own lines, and then those of libraries.
    assert sum(counts) * pace <= 2 * (3 * pace + 4 + max(4, 3 * pace)) + 1e-9
    assert min(counts) >= 3
