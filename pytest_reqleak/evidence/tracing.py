"""Where the memory that stays was allocated: windows with a tracer on, as deep and as long as it takes.

Knows how long tracing may take and when it has seen enough; not what the stacks mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_reqleak.analysis.ranking import cut_share, rescale
from pytest_reqleak.evidence.pace import seconds_per_iteration
from pytest_reqleak.model.meter import Phase

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.agent.tracers import RawSite
    from pytest_reqleak.stages import Stages

# Stack depths, the deepest first (at 16 frames some stacks of SQLAlchemy lose the user's
# own), and what tracing costs as multiples of the bare iteration: measured 24 to 35 times
# with 10 to 25 frames, 13 with 5, 4.5 with one (CPython 3.11, a FastAPI endpoint of 97 us);
# rounded up.
_DEPTHS = ((32, 40.0), (16, 30.0), (8, 20.0), (4, 12.0), (1, 6.0))

ALWAYS_FRAMES = 16
"""Depth of the stacks where the whole measurement is traced."""

TRACE_SECONDS = 1.2
"""What the two passes may take, their marks not counted; evidence in three seconds leaves two
for those, the holders, the replay and the watch of lines."""

# The first window fills what only turns over (free lists, ring buffers). In the long pass the
# others are many, so that the floor shows below a buffer that is flushed now and then; with
# deep stacks they are few, as each costs a pass over all that was traced.
_MOST_WINDOWS, _LEAST_WINDOWS = 16, 4
# Each mark goes through all that was traced: of what leaves so many blocks per iteration half as
# many windows are enough.
_MANY_BLOCKS = 20.0

# So many leaked blocks in all the windows tell a leak of one per iteration from one of two;
# a tenth of them still tells a leak from none.
_GOOD_BLOCKS, _LEAST_BLOCKS = 200, 20
_GOOD_ITERATIONS = 1000
_MOST_BLOCKS = 10_000
# How a line's growth divides among the ways to it shows soon, and marks with deep stacks are dear.
_GOOD_DEEP = 200
_FEWEST = 50
_PILOT_ITERATIONS = 5
# A pilot of several iterations takes no more of a pass's time: the first one is dearer, as a rule.
_DEAR = 0.2
# Slower than one block in 500 iterations no window of ours would show it.
_SLOWEST_TRACED = 1 / 500
# Less than this share of the growth explained, and the tracer looks again for longer; more
# than this share of it with no line of the user's in sight, and it looks deeper.
_ENOUGH, _CUT = 0.9, 0.1
_MOST_LOOKS = 2
_DEEPER = (96, 80.0)


@dataclass(frozen=True, slots=True)
class Traced:
    """What the tracer saw."""

    sites: tuple[RawSite, ...] = ()
    bytes_per_iteration: float | None = None
    frames: int = 0


def trace(
    stages: Stages, agent: Agent, *, tracer: str, blocks_per_iteration: float, iteration_seconds: float
) -> Traced:
    """Find where the memory that stays was allocated, in two passes.

    A long pass with stacks of one frame says how much each line truly gains; a
    short one with deep stacks says on which ways the app comes to the line.

    Args:
        stages: Runs the passes with fresh inputs.
        agent: Lives in the process that is traced.
        tracer: `tracemalloc`, or `memray`, whose stacks are always whole: one pass.
        blocks_per_iteration: How fast live blocks grow, or 0.
        iteration_seconds: What an iteration takes without a tracer.
    """
    passes = _Passes(stages, agent, tracer, blocks_per_iteration, iteration_seconds)
    if tracer != "tracemalloc":
        return passes.run(_DEPTHS[:1], windows=_MOST_WINDOWS, good_blocks=_GOOD_BLOCKS)
    windows = _MOST_WINDOWS // 2 if blocks_per_iteration >= _MANY_BLOCKS else _MOST_WINDOWS
    long = passes.run(_DEPTHS[-1:], windows=windows, good_blocks=_GOOD_BLOCKS)
    for look in range(_MOST_LOOKS):
        if _blocks(long) >= _ENOUGH * blocks_per_iteration or stages.out_of_time:
            break
        # Rare leaks and buffers that are flushed now and then need more iterations.
        again = passes.run(_DEPTHS[-1:], windows=windows, good_blocks=(3 + look) * _GOOD_BLOCKS)
        if _blocks(again) > _blocks(long):
            long = again
    deep = passes.run(
        _DEPTHS[:-1], windows=_LEAST_WINDOWS, good_blocks=_GOOD_BLOCKS // 2, good_iterations=_GOOD_DEEP
    )
    if cut_share(deep.sites, deep.frames) > _CUT and not stages.out_of_time:
        deeper = passes.run(
            [_DEEPER, *_DEPTHS[:1]],
            windows=_LEAST_WINDOWS,
            good_blocks=_GOOD_BLOCKS // 4,
            good_iterations=_GOOD_DEEP // 2,
        )
        if deeper.frames > deep.frames and deeper.sites:
            deep = deeper
    if not long.sites or not deep.sites:
        return deep if deep.sites else long
    return Traced(rescale(deep.sites, long.sites), long.bytes_per_iteration, deep.frames)


def _blocks(traced: Traced) -> float:
    return sum(site.blocks_per_iteration for site in traced.sites)


class _Passes:
    """Runs windows with a tracer on, as deep and as long as the time allows."""

    def __init__(
        self, stages: Stages, agent: Agent, tracer: str, blocks_per_iteration: float, iteration_seconds: float
    ) -> None:
        self._stages = stages
        self._agent = agent
        self._tracer = tracer
        self._rate = blocks_per_iteration
        self._bare_seconds = max(iteration_seconds, 1e-6)

    def run(
        self,
        depths: Sequence[tuple[int, float]],
        *,
        windows: int,
        good_blocks: int,
        good_iterations: int = _GOOD_ITERATIONS,
    ) -> Traced:
        """One pass, with the deepest of some stacks that leaves room for the leak to show."""
        stages, agent = self._stages, self._agent
        budget = min(TRACE_SECONDS / 2, stages.seconds_left / 4)
        good = self._iterations_for(good_blocks, least=good_iterations)
        least = self._iterations_for(_LEAST_BLOCKS, least=0)
        frames = affordable = 0
        for frames, cost in depths:
            last = frames == depths[-1][0]
            if budget / (self._bare_seconds * cost) < least and not last:
                continue
            agent.start_tracing(self._tracer, frames=frames)
            # What tracing costs differs tenfold between apps, so it is timed before it is planned.
            seconds = spent = self._pilot(1)
            pilots = min(_PILOT_ITERATIONS, int(_DEAR * budget / seconds))
            if pilots > 1:
                seconds = self._pilot(pilots)
                spent += pilots * seconds
            affordable = int((budget - spent) / seconds)
            if affordable >= least or last:
                break
            agent.stop_tracing()
        iterations = max(2 * _LEAST_WINDOWS, min(good, affordable))
        agent.mark_trace(stages.done)
        stages.run(
            Phase.TRACE,
            iterations,
            # What needs several requests under way does not leak in shorter windows.
            batches=min(windows, max(_LEAST_WINDOWS, iterations // stages.concurrency), iterations // 2),
            after_batch=lambda: agent.mark_trace(stages.done),
        )
        sites, bytes_per_iteration = agent.stop_tracing()
        return Traced(sites, bytes_per_iteration, frames)

    def _pilot(self, iterations: int) -> float:
        """What an iteration takes with the tracer on, in seconds."""
        return max(seconds_per_iteration(self._stages.run(Phase.TRACE, iterations, batches=1)), 1e-6)

    def _iterations_for(self, blocks: int, *, least: int) -> int:
        """How many leave so many blocks; where no Python object stays, a short look is enough."""
        if self._rate < _SLOWEST_TRACED:
            return max(_LEAST_BLOCKS, least // 2)
        # Each mark goes through all that was traced.
        least = min(least, max(_FEWEST, math.ceil(_MOST_BLOCKS / self._rate)))
        return max(least, math.ceil(blocks / self._rate))
