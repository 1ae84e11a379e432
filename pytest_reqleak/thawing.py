"""Whether growth was only what our own freeze kept: a thaw frees it then.

`gc.freeze` makes samples cheap, and keeps cycles alive that were frozen and died
later. Knows the agent and one reading before and after; not what a run makes of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.model.sample import Samples

# A thaw that frees a third of what had grown shows that our own freeze had kept it.
FREED_BY_THAW = 0.3

# What our freeze keeps dies as fast as what grows is made; the first thaw also frees what was dead before.
MOST_FREED = 2.0


class Thaws:
    """The thaws of one run."""

    def __init__(self, agent: Agent) -> None:
        """Take the agent of the process that is measured."""
        self._agent = agent
        self._done = 0

    @property
    def first_is_over(self) -> bool:
        """Whether what a thaw frees has died in this run.

        A clean run never goes through the whole heap, so the first thaw frees what was dead before it, too.
        """
        return self._done > 1

    def free_what_grew(self, samples: Samples) -> bool:
        """Thaw, and tell whether that freed what had grown over the samples."""
        agent = self._agent
        live = samples.readings.get(samples.live_meter)
        if not agent.collects:
            return False
        # What judging the samples has left behind was never frozen.
        agent.settle()
        before = agent.read(samples.live_meter) or 0
        died = agent.thaw()
        self._done += 1
        freed = before - (agent.read(samples.live_meter) or 0)
        if live is None or len(live) < 2 or not agent.freezes:
            return False
        grown = live[-1] - live[0]
        if self._done == 1 and freed > MOST_FREED * grown:
            # Garbage from before the run. What the confirmation gains will be told from it.
            return False
        return grown > 0 and died > 0 and freed >= FREED_BY_THAW * grown
