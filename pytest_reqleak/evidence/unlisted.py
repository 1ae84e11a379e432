"""Which types survive where nothing that the collector lists leads to them.

A C extension that forgets a reference leaves texts, bytes or dates behind that are in no
list and in no container. They are counted in the heap itself, before and after some fresh
requests in which the harness makes nothing. Costs three passes over the heap, so it is asked
only where no container of Python's was found to grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_reqleak.model.meter import Phase

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.model.finding import Holder, TypeGrowth
    from pytest_reqleak.stages import Stages

_SECONDS = 0.4
_LEAST, _MOST = 60, 200


def unlisted_types(
    stages: Stages,
    agent: Agent,
    *,
    holders: Sequence[Holder],
    types: Sequence[TypeGrowth],
    iteration_seconds: float,
) -> tuple[TypeGrowth, ...]:
    """The types that survive, with those that the collector does not list where nothing else holds them.

    Args:
        stages: Sends fresh requests.
        agent: Lives in the process that is counted.
        holders: Those that explain the growth.
        types: What is known already, in the order in which it tells something.
        iteration_seconds: What an iteration takes.
    """
    if stages.out_of_time or any(not holder.ends_in for holder in holders):
        return tuple(types)
    affordable = int(_SECONDS / max(iteration_seconds, 1e-5))
    # The first few fill what the stage itself makes.
    stages.run(Phase.TRACE, 4, batches=1)
    agent.note_types(stages.done)
    noted: list[tuple[TypeGrowth, ...]] = []
    stages.run(
        Phase.TRACE,
        2 * max(_LEAST, min(_MOST, affordable // 2)),
        batches=2,
        # At once: the samples are turned into values when the stage ends.
        after_batch=lambda: noted.append(agent.note_types(stages.done, tuple(types))),
    )
    return noted[-1] if noted and noted[-1] else tuple(types)
