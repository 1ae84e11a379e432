"""How fast the holders grow with fresh inputs, where what has grown since the mark does not tell.

A replayed input adds to a cache nothing, to a list of listeners as much as a fresh one, and
to some holders in part. So the growth since the mark bounds the rate from both sides, and
a window of fresh inputs tells where it lies between. Of a container that is made anew with
each entry only its size is known, which bounds the rate from above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_reqleak.model.meter import Phase

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.model.finding import Holder
    from pytest_reqleak.stages import Stages

_SECONDS = 0.2
_LEAST, _MOST = 20, 300
_SURE_ENTRIES = 5


def fresh_rates(
    stages: Stages,
    agent: Agent,
    holders: Sequence[Holder],
    *,
    counted: int,
    fresh: int,
    done: int,
    iteration_seconds: float,
) -> tuple[Holder, ...]:
    """The holders with their growth per iteration with fresh inputs.

    Args:
        stages: Sends them.
        agent: Knows how large the holders are.
        holders: With their growth over `counted` iterations.
        counted: By how many their growth was divided.
        fresh: Iterations since the mark whose input was new.
        done: All iterations since the mark.
        iteration_seconds: What an iteration takes.
    """
    remade = [holder.growth_per_iteration * counted >= holder.size for holder in holders]
    if not holders or stages.out_of_time or not (fresh < done or any(remade)):
        return tuple(holders)
    before = agent.holder_sizes()
    affordable = int(_SECONDS / max(iteration_seconds, 1e-5))
    window = stages.run(Phase.TRACE, max(_LEAST, min(_MOST, affordable)), batches=1)
    after = agent.holder_sizes()
    sent = window.iterations[-1] - window.iterations[0]
    found = []
    for holder, was_remade in zip(holders, remade, strict=True):
        if holder.path in before and holder.path in after and sent > 0:
            grown = holder.growth_per_iteration * counted
            entries = after[holder.path] - before[holder.path]
            # A window is short: what has grown in all since the mark is known to the entry.
            least = 0.0 if was_remade and entries >= _SURE_ENTRIES else grown / max(1, done)
            rate = min(max(entries / sent, least), grown / max(1, fresh))
            holder = replace(holder, growth_per_iteration=rate)
        found.append(holder)
    return tuple(found)
