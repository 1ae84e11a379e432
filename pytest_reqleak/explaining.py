"""After the verdict: what explains a leak beyond what its confirmation has found.

Which lines add to the holder, what C code allocates, what the cycles are, how fast the
holders grow when every input is fresh, and which request it is. Knows the order of the
inquiries; each of them is in `evidence`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_reqleak import evidence
from pytest_reqleak.analysis.decision import Decision
from pytest_reqleak.analysis.events import events_per_iteration
from pytest_reqleak.findings import Findings
from pytest_reqleak.model.meter import Cause, Meter, Phase

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.model.plan import Plan
    from pytest_reqleak.stages import Stages


def explain(
    plan: Plan,
    stages: Stages,
    agent: Agent,
    found: Findings,
    decision: Decision,
    *,
    requests: Sequence[str],
    notes: Sequence[str],
    held_fresh: int,
    held_done: int,
    iteration_seconds: float,
) -> None:
    """Ask all that fresh requests can tell of a leak that is certain.

    Args:
        plan: Which tracer, if any.
        stages: Runs the batches.
        agent: Traces and counts.
        found: Holds what the confirmation has found, and takes the rest.
        decision: The verdict.
        requests: Titles of the workload's requests; empty for a test's body.
        notes: What each of them is, beside its title.
        held_fresh: Iterations in which the holders were seen to grow, replayed inputs left out.
        held_done: The same with them.
        iteration_seconds: What one takes.
    """
    if plan.trace != "never":
        _look_deeper(
            plan,
            stages,
            agent,
            found,
            decision,
            n_requests=len(requests),
            held_fresh=held_fresh,
            held_done=held_done,
            iteration_seconds=iteration_seconds,
        )
    if requests:
        found.culprits = evidence.find_culprits(
            stages,
            requests,
            decision,
            found.bytes_per_iteration(decision),
            notes=notes,
            events=_events(agent, decision),
        )


def _events(agent: Agent, decision: Decision) -> float | None:
    """How often the leak happens per iteration, as what was measured and confirmed tells."""
    growth = next((growth for growth in decision.growth if growth.grows), None)
    if growth is None:
        return None
    seen = agent.buffer.samples().only(Phase.MEASURE, Phase.CONFIRM).series(growth.meter)
    return None if seen is None else events_per_iteration(seen, growth.per_iteration)


def _look_deeper(
    plan: Plan,
    stages: Stages,
    agent: Agent,
    found: Findings,
    decision: Decision,
    *,
    n_requests: int,
    held_fresh: int,
    held_done: int,
    iteration_seconds: float,
) -> None:
    """Ask which lines add, what C code allocates and what the cycles are."""
    # Thawed for the search of holders: now each collection would go through the whole heap.
    agent.freeze()
    if not found.traced.frames:
        # Under a saw-tooth growth was not seen soon enough to trace it then.
        blocks = [growth.per_iteration for growth in decision.growth if growth.meter is Meter.LIVE_BLOCKS]
        found.traced = evidence.trace(
            stages,
            agent,
            tracer=plan.tracer,
            blocks_per_iteration=blocks[0] if blocks else 0.0,
            iteration_seconds=iteration_seconds,
        )
    found.types = evidence.unlisted_types(
        stages, agent, holders=found.holders, types=found.types, iteration_seconds=iteration_seconds
    )
    found.holders = evidence.fresh_rates(
        stages,
        agent,
        found.holders,
        counted=held_fresh if found.keyed_by_input else held_done,
        fresh=held_fresh,
        done=held_done,
        iteration_seconds=iteration_seconds,
    )
    held = found.holders[0].growth_per_iteration if found.holders else 1.0
    found.add(
        evidence.look_deeper(
            stages,
            agent,
            holders=found.holders,
            # Of several requests one alone may leak.
            rate=min(1.0, held, 1.0 if found.holders else 1 / max(1, n_requests)),
            native_bytes=found.parts(decision).native,
            mapped_bytes=found.parts(decision).outside,
            cyclic=Cause.CYCLES in decision.classification,
            uncollected=agent.collector_disabled and agent.collects,
            iteration_seconds=iteration_seconds,
            tracer=plan.tracer,
        )
    )
