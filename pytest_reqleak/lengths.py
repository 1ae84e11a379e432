"""Before a run is called clean: ask the containers, where the C heap rose in steps.

Knows how long they are watched; what their lengths prove is the analysis' business.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_reqleak import evidence
from pytest_reqleak.analysis.decision import Decision, Outcome
from pytest_reqleak.analysis.lengths import as_leak, grows_for_ever, heap_rate, may_leak, rises_in_steps
from pytest_reqleak.model.meter import Meter, Phase

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.findings import Findings
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


def ask_lengths(
    plan: Plan,
    stages: Stages,
    agent: Agent,
    found: Findings,
    measured: Samples,
    decision: Decision,
    *,
    unit: str,
) -> Decision:
    """Look whether a container grows for ever, where the C heap rose and nothing else grows.

    Args:
        plan: How long a measurement is.
        stages: Sends fresh inputs.
        agent: Lives in the process that is measured.
        found: Takes the holder and the trace of what leaks.
        measured: What has led to the answer, its confirmations included.
        decision: The answer so far; where more than the C heap grows, it stands.
        unit: What one iteration is called.
    """
    moving = {Meter.HEAP_BYTES, Meter.RSS_BYTES}.issuperset(decision.grows)
    if not moving or stages.out_of_time or not rises_in_steps(measured):
        return decision
    agent.prepare(plan.tracer)
    agent.mark_objects(texts=True)
    looked = max(plan.concurrency, min(LOOK_ITERATIONS, plan.least_iterations))
    passed = stages.run(Phase.CONFIRM, looked)
    agent.thaw()
    holders = may_leak(agent.grown_holders(looked)[0], heap_rate(measured))
    agent.freeze()
    if not holders:
        return decision
    pace = evidence.seconds_per_iteration(passed)
    affordable = int(WATCH_SECONDS / pace) if pace > 0 else LEAST_WATCHED
    places: list[int] = []
    sizes: dict[str, list[int]] = {holder.path: [] for holder in holders}

    def note() -> None:
        places.append(stages.done)
        now = agent.holder_sizes()
        for path, known in sizes.items():
            known.append(now.get(path, 0))

    wanted = max(LEAST_LOOKED, LEAST_WATCHED - stages.done)
    note()
    watched = stages.run(
        Phase.CONFIRM,
        max(plan.least_iterations, min(affordable, wanted)),
        batches=plan.batches,
        after_batch=note,
    )
    for holder in holders:
        lengths = (places, sizes[holder.path])
        if not grows_for_ever(lengths, since_boot=stages.done):
            continue
        answer = as_leak(decision, holder, lengths, watched, unit=unit)
        if answer.outcome is Outcome.LEAK:
            gained = (lengths[1][-1] - lengths[1][0]) / max(1, places[-1] - places[0])
            found.holders = (replace(holder, size=lengths[1][-1], growth_per_iteration=gained),)
            found.lengthening = holder.path
            return answer
    return decision
