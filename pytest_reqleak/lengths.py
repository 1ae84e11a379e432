"""Ask the containers, where the readings of memory leave a question.

The C heap rises in steps, or what grows could hide in the noise of the live blocks: the lengths of
containers know neither steps nor noise. Knows how long they are watched; what their lengths prove is the
analysis' business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_reqleak import evidence
from pytest_reqleak.analysis.decision import Decision, Outcome
from pytest_reqleak.analysis.lengths import (
    as_entries,
    as_leak,
    entries_per_iteration,
    grows_for_ever,
    heap_rate,
    hides_growth,
    may_leak,
    none_endless,
    rises_in_steps,
)
from pytest_reqleak.analysis.pieces import Piece
from pytest_reqleak.findings import Counted
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.units import format_bytes

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.findings import Findings
    from pytest_reqleak.model.finding import Holder
    from pytest_reqleak.model.plan import Plan
    from pytest_reqleak.model.sample import Samples
    from pytest_reqleak.stages import Stages

# Between two looks at all containers: an entry in 250 iterations is then seen four times.
LOOK_ITERATIONS = 1000

# Rings and samples of measurements that people keep hold up to ten thousand entries: what is
# called endless has been watched for longer, where that takes no more than some seconds.
LEAST_WATCHED = 12_000
WATCH_SECONDS = 8.0

# However long the run was before, nobody has looked at the lengths until now.
LEAST_LOOKED = 5000


@dataclass(frozen=True, slots=True)
class _Watched:
    """Containers that may grow for ever, and how long they were while requests went on."""

    holders: Sequence[Holder]
    lengths: dict[str, Piece]
    samples: Samples
    looked: bool = True


class Lengths:
    """Looks at the containers of one run.

    Args:
        plan: How long a measurement is.
        stages: Sends fresh inputs.
        agent: Lives in the process that is measured.
        found: Takes the holder and the trace of what leaks.
        unit: What one iteration is called.
    """

    def __init__(self, plan: Plan, stages: Stages, agent: Agent, found: Findings, *, unit: str) -> None:
        self._plan = plan
        self._stages = stages
        self._agent = agent
        self._found = found
        self._unit = unit

    def ask_steps(self, measured: Samples, decision: Decision) -> Decision:
        """Look whether a container grows for ever, where the C heap rose and nothing else grows.

        Args:
            measured: What has led to the answer, its confirmations included.
            decision: The answer so far; where more than the C heap grows, it stands.
        """
        moving = {Meter.HEAP_BYTES, Meter.RSS_BYTES}.issuperset(decision.grows)
        if not moving or not rises_in_steps(measured):
            return decision
        watched = self._watch(heap_rate(measured))
        for holder, lengths in self._endless(watched):
            answer = as_leak(decision, holder, lengths, watched.samples, unit=self._unit)
            heap = next(growth for growth in answer.growth if growth.meter is Meter.HEAP_BYTES)
            if answer.outcome is Outcome.LEAK and heap.per_iteration >= self._plan.threshold:
                own = f"the memory of {holder.path} itself"
                self._take(holder, lengths, Counted(holder.path, heap.per_iteration, 0.0, own))
                return answer
        return decision

    def ask_entries(self, decision: Decision) -> Decision:
        """Look whether a container grows for ever, where that could hide in the noise of the blocks.

        Args:
            decision: Clean as far as the noise lets see, or not certain; any other stands.
        """
        if not hides_growth(decision):
            return decision
        watched = self._watch(0.0)
        sizes = self._agent.entry_sizes()
        for holder, lengths in self._endless(watched):
            objects, n_bytes = sizes.get(holder.path, (0.0, 0.0))
            answer = as_entries(decision, holder, lengths, objects, unit=self._unit)
            rate = n_bytes * entries_per_iteration(lengths)
            if answer.outcome is Outcome.LEAK and rate >= self._plan.threshold:
                own = f"what {holder.path} gains, as far as its entries show"
                self._take(
                    holder, lengths, Counted(holder.path, rate, objects * entries_per_iteration(lengths), own)
                )
                return answer
        return none_endless(decision) if watched.looked else decision

    def _watch(self, least_heap_rate: float) -> _Watched:
        """Look at all containers twice, and then at those that got longer for as long as it takes."""
        plan, stages, agent = self._plan, self._stages, self._agent
        if stages.out_of_time:
            return _Watched((), {}, agent.buffer.samples(), looked=False)
        agent.prepare(plan.tracer)
        agent.mark_objects(texts=True)
        looked = max(plan.concurrency, min(LOOK_ITERATIONS, plan.least_iterations))
        passed = stages.run(Phase.CONFIRM, looked)
        agent.thaw()
        holders = may_leak(agent.grown_holders(looked)[0], least_heap_rate)
        agent.freeze()
        if not holders:
            return _Watched((), {}, passed)
        pace = evidence.seconds_per_iteration(passed)
        affordable = int(WATCH_SECONDS / pace) if pace > 0 else LEAST_WATCHED
        places: list[int] = []
        sizes: dict[str, list[int]] = {holder.path: [] for holder in holders}

        def note() -> None:
            places.append(stages.done)
            now = agent.holder_sizes()
            for path, known in sizes.items():
                known.append(now.get(path, 0))

        # As long again as everything so far: some stores are swept when they have doubled.
        wanted = max(LEAST_LOOKED, LEAST_WATCHED - stages.done, 0 if least_heap_rate else stages.done)
        note()
        samples = stages.run(
            Phase.CONFIRM,
            max(plan.least_iterations, min(affordable, wanted)),
            batches=plan.batches,
            after_batch=note,
        )
        return _Watched(holders, {path: (places, known) for path, known in sizes.items()}, samples)

    def _endless(self, watched: _Watched) -> list[tuple[Holder, Piece]]:
        done = self._stages.done
        lengths = [(holder, watched.lengths[holder.path]) for holder in watched.holders]
        return [(holder, piece) for holder, piece in lengths if grows_for_ever(piece, since_boot=done)]

    def _take(self, holder: Holder, lengths: Piece, counted: Counted) -> None:
        named = replace(holder, size=lengths[1][-1], growth_per_iteration=entries_per_iteration(lengths))
        self._found.holders = (named,)
        text = f"{counted.text}, {format_bytes(counted.bytes_per_iteration)} per {self._unit}"
        self._found.counted = replace(counted, text=text)
