"""Measure for as long as the answer needs.

Knows how looks follow each other; when there are enough is the analysis'
business, and what a sample means too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_reqleak.analysis.decision import Decision
from pytest_reqleak.analysis.looking import look_again
from pytest_reqleak.evidence import seconds_per_iteration
from pytest_reqleak.model.meter import Phase

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.model.sample import Samples
    from pytest_reqleak.stages import Stages


def measure_until_certain(
    stages: Stages,
    agent: Agent,
    *,
    certain: int,
    judge: Callable[[Samples], Decision],
    after_batch: Callable[[], None] | None = None,
) -> Samples:
    """Measure, look, and go on for as long as more of the same would tell more.

    Args:
        stages: Runs the batches, all of one length, so that no stride looks like a hole.
        agent: Holds the samples.
        certain: Iterations after which a flat series is certain.
        judge: Looks at everything measured so far.
        after_batch: Called after each sample.

    Returns:
        All that was measured.
    """
    begin = len(agent.buffer)
    stages.run(Phase.MEASURE, look_again(None, 0, certain=certain), after_batch=after_batch)
    while True:
        measured = agent.buffer.samples(begin)
        more = look_again(
            judge(measured),
            measured.iterations[-1] - measured.iterations[0],
            certain=certain,
            iteration_seconds=seconds_per_iteration(measured),
            seconds_left=stages.seconds_left,
        )
        if not more:
            return measured
        stages.run(Phase.MEASURE, more, after_batch=after_batch)
