"""Gather what leads to the line to change: sites, types, holders, culprits, and whether replay grows.

Runs only when something grows. Knows how long each inquiry may take and what it
needs; what its findings mean for the verdict is decided elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_reqleak.analysis.growth import fit_growth
from pytest_reqleak.analysis.ranking import rescale
from pytest_reqleak.model.finding import Culprit
from pytest_reqleak.model.meter import Meter, Phase

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.agent.tracers import RawSite
    from pytest_reqleak.analysis.verdict import Decision
    from pytest_reqleak.model.sample import Samples
    from pytest_reqleak.stages import Stages

# Stack depths, the deepest first (at 16 frames some stacks of SQLAlchemy lose the user's
# own), and what tracing costs as multiples of the bare iteration: measured 24 to 35 times
# with 10 to 25 frames, 13 with 5, 4.5 with one (CPython 3.11, a FastAPI endpoint of 97 us);
# rounded up.
_DEPTHS = ((32, 40.0), (16, 30.0), (8, 20.0), (4, 12.0), (1, 6.0))

ALWAYS_FRAMES = 16
"""Depth of the stacks where the whole measurement is traced."""

TRACE_SECONDS = 2.0
"""What tracing may take; evidence in three seconds leaves one for the holders."""

# The first window fills what only turns over (free lists, ring buffers). In the long pass the
# others are many, so that the floor shows below a buffer that is flushed now and then; with
# deep stacks they are few, as each costs a pass over all that was traced.
_MOST_WINDOWS, _LEAST_WINDOWS = 16, 4

# So many leaked blocks in all the windows tell a leak of one per iteration from one of two;
# a tenth of them still tells a leak from none.
_GOOD_BLOCKS, _LEAST_BLOCKS = 200, 20
_GOOD_ITERATIONS = 1000
_PILOT_ITERATIONS = 5
# Slower than one block in 500 iterations no window of ours would show it.
_SLOWEST_TRACED = 1 / 500

# Each request alone, for so many iterations that its share of the leak shows as six blocks.
_BLOCKS_ALONE = 6
_LEAST_ALONE, _MOST_ALONE = 20, 500
_MOST_REQUESTS = 50
# Below a quarter of the workload's own rate it is what requests happen to hold, not what leaks.
_CULPRIT_SHARE = 0.25

_REPLAY_BATCHES = 8

# A cache keyed by the input grows by nothing on replay; what is left of the growth
# is what the first requests of the replay still had to evict.
_REPLAY_STOPPED = 0.2


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
    long = passes.run(_DEPTHS[-1:], windows=_MOST_WINDOWS, good_blocks=_GOOD_BLOCKS)
    deep = passes.run(_DEPTHS[:-1], windows=_LEAST_WINDOWS, good_blocks=_GOOD_BLOCKS // 2)
    if not long.sites or not deep.sites:
        return deep if deep.sites else long
    return Traced(rescale(deep.sites, long.sites), long.bytes_per_iteration, deep.frames)


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

    def run(self, depths: Sequence[tuple[int, float]], *, windows: int, good_blocks: int) -> Traced:
        """One pass, with the deepest of some stacks that leaves room for the leak to show."""
        stages, agent = self._stages, self._agent
        budget = min(TRACE_SECONDS / 2, stages.seconds_left / 4)
        good, least = self._iterations_for(good_blocks), self._iterations_for(_LEAST_BLOCKS, least=0)
        frames = affordable = 0
        for frames, cost in depths:
            last = frames == depths[-1][0]
            if budget / (self._bare_seconds * cost) < least and not last:
                continue
            agent.start_tracing(self._tracer, frames=frames)
            # What tracing costs differs tenfold between apps, so it is timed before it is planned.
            pilot = stages.run(Phase.TRACE, _PILOT_ITERATIONS, batches=1)
            affordable = int(budget / max(seconds_per_iteration(pilot), 1e-6))
            if affordable >= least or last:
                break
            agent.stop_tracing()
        iterations = max(2 * _LEAST_WINDOWS, min(good, affordable))
        agent.mark_trace(stages.done)
        stages.run(
            Phase.TRACE,
            iterations,
            batches=min(windows, iterations // 2),
            after_batch=lambda: agent.mark_trace(stages.done),
        )
        sites, bytes_per_iteration = agent.stop_tracing()
        return Traced(sites, bytes_per_iteration, frames)

    def _iterations_for(self, blocks: int, *, least: int = _GOOD_ITERATIONS) -> int:
        """How many leave so many blocks; where no Python object stays, a short look is enough."""
        if self._rate < _SLOWEST_TRACED:
            return _GOOD_ITERATIONS // 2
        return max(least, math.ceil(blocks / self._rate))


def stops_on_replay(stages: Stages, *, first: int, count: int, meter: Meter, per_iteration: float) -> bool:
    """Send inputs again that were sent before, and tell whether the growth stops.

    Args:
        stages: Runs the replay.
        first: The first of the inputs.
        count: How many.
        meter: The meter to watch.
        per_iteration: Its growth with fresh inputs.
    """
    replayed = stages.run(Phase.REPLAY, count, batches=_REPLAY_BATCHES, first=first)
    series = replayed.series(meter)
    if series is None or len(series) < 5 or per_iteration <= 0:
        return False
    return fit_growth(series).per_iteration < _REPLAY_STOPPED * per_iteration


def find_culprits(
    stages: Stages, requests: tuple[str, ...], decision: Decision, bytes_per_iteration: float
) -> tuple[Culprit, ...]:
    """Send each request of the workload alone, and tell which of them leave memory behind.

    Args:
        stages: Sends them.
        requests: Titles, in the workload's order.
        decision: Which meters grow, and how fast over the whole workload.
        bytes_per_iteration: Over the whole workload.

    Returns:
        The culprits with what each leaves behind when it is sent, worst first;
        none where the leak shows only when the requests follow each other.
    """
    growth = next((growth for growth in decision.growth if growth.grows), None)
    if growth is None or growth.per_iteration <= 0:
        return ()
    # A request that leaks alone grows at least as fast alone as the whole workload does.
    count = min(_MOST_ALONE, max(_LEAST_ALONE, math.ceil(_BLOCKS_ALONE / growth.per_iteration)))
    culprits = []
    for number, title in enumerate(requests[:_MOST_REQUESTS]):
        if stages.out_of_time:
            break
        readings = [stages.alone(number, count, growth.meter) for _ in range(3)]
        # The first window may only fill what the others had emptied.
        gained = min(readings[1] - readings[0], readings[2] - readings[1]) / count
        if gained >= _CULPRIT_SHARE * growth.per_iteration:
            share = gained / growth.per_iteration
            culprits.append(Culprit(request=title, bytes_per_iteration=bytes_per_iteration * share))
    return tuple(sorted(culprits, key=lambda culprit: -culprit.bytes_per_iteration))


def seconds_per_iteration(samples: Samples) -> float:
    """What one iteration of a stage took, its sampling included."""
    if len(samples) < 2:
        return 0.0
    return (samples.seconds[-1] - samples.seconds[0]) / max(1, samples.iterations[-1] - samples.iterations[0])
