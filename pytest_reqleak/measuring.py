"""One run, from the first request to the verdict and its evidence.

    warm up -> measure (passive) -> growing? -- no --> clean
                                    |
                                    yes -> confirm, trace, replay, rest -> still growing? -> leak

This file is the story; the batches are made in `stages`, what the numbers mean
is decided in `analysis`, and what leads to the line is gathered in `evidence`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_reqleak import evidence
from pytest_reqleak.agent.objects import merge_types
from pytest_reqleak.analysis.growth import fit_growth
from pytest_reqleak.analysis.holding import explaining_holders, filling_holder, iterations_to_fill
from pytest_reqleak.analysis.verdict import Decision, Outcome, decide, screen
from pytest_reqleak.findings import Findings, estimate_bytes
from pytest_reqleak.model.finding import Culprit, Holder
from pytest_reqleak.model.meter import Cause, Meter, Phase
from pytest_reqleak.model.run import Run, ServerInfo
from pytest_reqleak.stages import Observer, Stages

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.drivers.driver import Driver
    from pytest_reqleak.model.plan import Plan
    from pytest_reqleak.model.sample import Samples, Series

# What expires by the clock (a session, a TTL cache) cannot expire within a run of a
# fifth of a second: the last stretch of a confirmation goes on for at least this long.
CONFIRM_SECONDS = 1.0

# However few iterations were asked for, fewer than this show nothing.
LEAST_CONFIRM = 100

# An empty app answers 40,000 times a second; more than this many times the measurement
# shows nothing new, and the rest of the second is waited for. What is swept when it has
# doubled is swept within them.
MOST_LATE = 4

# A leak of 100 KB per request would need a gigabyte for 10,000 more requests; the
# confirmation ends when it has added this much.
MOST_GROWTH_BYTES = 256 * 1024 * 1024

# A thaw that frees a third of what had grown shows that our own freeze had kept it.
FREED_BY_THAW = 0.3

# Enough for the floors of the measurement; a heap of a million objects is collected in 0.4 s.
THAWED_BATCHES = 25

# Who waits for an answer in doubt waits half a minute, or as long as three measurements.
CONFIRM_PATIENCE = 30.0
PATIENCE_SHARE = 3.0

# A cache that needs more than this many times the iterations to fill is reported
# as filling; a user who wants to see it full asks for more iterations.
MOST_FILL = 5


def run_workload(
    *,
    plan: Plan,
    target: str,
    driver: Driver,
    agent: Agent,
    server: ServerInfo,
    requests: tuple[str, ...] = (),
    varies: bool = False,
    observer: Observer | None = None,
    boot_seconds: float = 0.0,
    between_batches: Callable[[], None] | None = None,
) -> Run:
    """Measure one workload.

    Args:
        plan: Checked settings.
        target: What reports call the app or the test.
        driver: Makes the iterations happen; it is not closed here.
        agent: Of the process that is measured; it is used up.
        server: What calls the app.
        requests: Titles of the workload's requests; empty for a test's body.
        varies: Whether the inputs differ by iteration, so that replay tells something.
        observer: Is told how the run gets on.
        boot_seconds: What booting took; shown in the report.
        between_batches: Empties what the harness itself has recorded.

    Raises:
        ReqleakError: The workload could not be measured.
    """
    stages = Stages(plan=plan, driver=driver, agent=agent, observer=observer, between_batches=between_batches)
    with agent:
        return _Course(plan, stages, agent, requests, varies).run(target, server, boot_seconds)


class _Course:
    """What one run has decided and found so far."""

    def __init__(
        self, plan: Plan, stages: Stages, agent: Agent, requests: tuple[str, ...], varies: bool
    ) -> None:
        self._plan = plan
        self._stages = stages
        self._agent = agent
        self._requests = requests
        self._varies = varies
        self._unit = "request" if requests else "iteration"
        self._found = Findings()
        self._marked = self._marked_fresh = 0

    def run(self, target: str, server: ServerInfo, boot_seconds: float) -> Run:
        stages = self._stages
        settled = stages.warm_up()
        warmup_iterations = stages.done
        if not settled:
            self._found.doubt(
                "warmup-cut",
                f"growth had not settled after {warmup_iterations} warm-up iterations; "
                "a longer warm-up makes the answer surer",
            )
        measured = self._measure()
        decision = self._screen(measured)
        if decision.outcome is Outcome.GO_ON:
            decision = self._confirm(measured, decision)
        self._find_culprits(decision)
        return self._found.run(
            decision,
            plan=self._plan,
            target=target,
            server=server,
            requests=self._requests,
            iterations=measured.iterations[-1] - measured.iterations[0],
            batches=len(measured) - 1,
            warmup_iterations=warmup_iterations,
            total_iterations=stages.done,
            samples=self._agent.buffer.samples(),
            seconds={"boot": boot_seconds, **stages.seconds},
        )

    def _screen(self, samples: Samples) -> Decision:
        return screen(
            samples,
            threshold=self._plan.threshold,
            collector_disabled=self._agent.collector_disabled,
            unit=self._unit,
        )

    def _measure(self) -> Samples:
        plan, stages, agent = self._plan, self._stages, self._agent
        if plan.trace != "always":
            return stages.run(Phase.MEASURE, plan.iterations, batches=plan.batches)
        agent.start_tracing(plan.tracer, frames=evidence.ALWAYS_FRAMES)
        agent.mark_trace(stages.done)
        measured = stages.run(
            Phase.MEASURE,
            plan.iterations,
            batches=plan.batches,
            after_batch=lambda: agent.mark_trace(stages.done),
        )
        self._found.traced = evidence.Traced(*agent.stop_tracing(), evidence.ALWAYS_FRAMES)
        return measured

    def _confirm(self, measured: Samples, decision: Decision) -> Decision:
        """Run on until growth is certain or gone, and look for what makes it."""
        if self._was_kept_by_freeze(measured):
            measured, decision = self._measure_again(thawed=True)
        while decision.outcome is Outcome.GO_ON:
            decision, confirmed = self._confirm_once(measured, decision)
            if decision.outcome is Outcome.CLEAN:
                break
            if self._agent.freezes and self._was_kept_by_freeze(confirmed):
                measured, decision = self._measure_again(thawed=True)
                continue
            self._find_holders(confirmed.series(decision.grows[0]) if decision.grows else None)
            holder = filling_holder(self._found.holders)
            if holder is None:
                break
            missing = iterations_to_fill(holder)
            if missing > MOST_FILL * self._plan.iterations or self._stages.out_of_time:
                return self._still_filling(decision, holder)
            # Seen full, it no longer grows; what still does is no cache.
            self._stages.run(Phase.CONFIRM, missing)
            measured, decision = self._measure_again()
        return decision

    def _measure_again(self, *, thawed: bool = False) -> tuple[Samples, Decision]:
        if thawed:
            # What we had frozen died and could not be freed: ours, not the app's.
            self._agent.freezes = False
        # Unfrozen, each sample pays for a collection of the whole heap.
        batches = min(self._plan.batches, THAWED_BATCHES) if thawed else self._plan.batches
        measured = self._stages.run(Phase.MEASURE, self._plan.iterations, batches=batches)
        return measured, self._screen(measured)

    def _confirm_once(self, measured: Samples, decision: Decision) -> tuple[Decision, Samples]:
        """Stages of growing length, until one decides; also what they sampled."""
        plan, stages, agent = self._plan, self._stages, self._agent
        agent.prepare(plan.tracer)
        agent.mark_objects()
        self._marked, self._marked_fresh = stages.done, stages.fresh
        begin = len(agent.buffer)
        confirms: list[Samples] = []
        trimmed: list[tuple[int, int]] = []
        self._note_trimmed(trimmed)
        started = time.monotonic()
        patience = max(CONFIRM_PATIENCE, PATIENCE_SHARE * stages.seconds[Phase.MEASURE.value])
        while decision.outcome is Outcome.GO_ON:
            if stages.out_of_time:
                decision = self._unfinished(decision)
                break
            confirms.append(self._confirmation(decision, number=len(confirms)))
            self._note_trimmed(trimmed)
            decision = decide(
                measured,
                confirms,
                threshold=plan.threshold,
                collector_disabled=agent.collector_disabled,
                bytes_per_iteration=self._traced_bytes(decision),
                rss_after_trim=trimmed,
                # The next stage would take as long as all before it.
                final=2 * (time.monotonic() - started) > patience,
                unit=self._unit,
            )
        return decision, agent.buffer.samples(begin).only(Phase.CONFIRM)

    @property
    def _iterations_since_mark(self) -> int:
        """Those that could make things grow: replayed inputs add nothing to a cache keyed by them."""
        stages = self._stages
        if self._found.keyed_by_input:
            return max(1, stages.fresh - self._marked_fresh)
        return max(1, stages.done - self._marked)

    def _find_holders(self, series: Series | None) -> None:
        """Look for what survived the confirmation, and for what holds it.

        Args:
            series: The meter that grew, over the confirmation.
        """
        agent, iterations = self._agent, self._iterations_since_mark
        agent.thaw()
        types = agent.grown_types(iterations)
        holders, untracked = agent.grown_holders(iterations)
        self._found.holders = explaining_holders(holders, series)
        self._found.types = merge_types(types, untracked)

    def _traced_bytes(self, decision: Decision) -> float | None:
        """What the tracer and the meters make of it so far; None where no tracer ran."""
        return self._found.bytes_per_iteration(decision) if self._found.traced.frames else None

    def _note_trimmed(self, trimmed: list[tuple[int, int]]) -> None:
        rss_bytes = self._agent.trimmed_rss()
        if rss_bytes is not None:
            trimmed.append((self._stages.done, rss_bytes))

    def _was_kept_by_freeze(self, samples: Samples) -> bool:
        """Thaw, and tell whether that freed what had grown over the samples."""
        agent = self._agent
        blocks = samples.readings.get(Meter.LIVE_BLOCKS)
        before = agent.read(Meter.LIVE_BLOCKS) or 0
        died = agent.thaw()
        freed = before - (agent.read(Meter.LIVE_BLOCKS) or 0)
        if blocks is None or not agent.freezes:
            return False
        grown = blocks[-1] - blocks[0]
        return grown > 0 and died > 0 and freed >= FREED_BY_THAW * grown

    def _confirmation(self, decision: Decision, *, number: int) -> Samples:
        """One stage: passive, then the inquiries, then passive again for a second at least.

        Only the first stage has inquiries; the others are twice as long as the one before.
        """
        stages, agent = self._stages, self._agent
        longest = max(self._plan.iterations, LEAST_CONFIRM) * 2**number
        iterations = self._affordable(decision, min(decision.more_iterations, longest))
        begin, started, first_input = len(agent.buffer), time.monotonic(), stages.fresh
        early = stages.run(Phase.CONFIRM, max(1, iterations // 2))
        late = max(1, iterations - iterations // 2)
        if number == 0:
            if decision.grows:
                self._inquire(early, first_input)
            wanted = self._iterations_in(CONFIRM_SECONDS, early)
            longest = self._affordable(decision, MOST_LATE * self._plan.iterations)
            late = max(late, min(wanted, longest))
            if late < wanted:
                self._rest(started)
        stages.run(Phase.CONFIRM, late)
        return agent.buffer.samples(begin).only(Phase.CONFIRM)

    def _iterations_in(self, seconds: float, early: Samples) -> int:
        """How many iterations the load must go on for, to last so long."""
        iteration_seconds = evidence.seconds_per_iteration(early)
        return int(seconds / iteration_seconds) if iteration_seconds > 0 else 0

    def _inquire(self, early: Samples, first_input: int) -> None:
        """Trace, and replay, if the first half of the confirmation still grows."""
        plan, stages = self._plan, self._stages
        if self._screen(early).outcome is not Outcome.GO_ON:
            return
        series = early.series(Meter.LIVE_BLOCKS)
        blocks = fit_growth(series).per_iteration if series is not None and len(series) > 1 else 0.0
        if plan.trace != "never" and not self._found.traced.sites:
            self._found.traced = evidence.trace(
                stages,
                self._agent,
                tracer=plan.tracer,
                blocks_per_iteration=blocks,
                iteration_seconds=evidence.seconds_per_iteration(early),
            )
        if self._varies and blocks > 0 and not stages.out_of_time:
            sent = early.iterations[-1] - early.iterations[0]
            self._found.keyed_by_input = evidence.stops_on_replay(
                stages,
                first=first_input,
                count=sent,
                meter=Meter.LIVE_BLOCKS,
                per_iteration=blocks,
            )

    def _rest(self, started: float) -> None:
        """Let the clock go on where the load could not."""
        left = min(CONFIRM_SECONDS - (time.monotonic() - started), self._stages.seconds_left)
        if left > 0:
            time.sleep(left)

    def _affordable(self, decision: Decision, iterations: int) -> int:
        """As many of the iterations as may be, before the growth would fill the machine."""
        rate = estimate_bytes(decision)
        most = int(MOST_GROWTH_BYTES / rate) if rate > 0 else iterations
        return max(2 * self._plan.batch_iterations, min(iterations, most))

    def _still_filling(self, decision: Decision, holder: Holder) -> Decision:
        return replace(
            decision,
            outcome=Outcome.INCONCLUSIVE,
            classification=(Cause.BOUNDED,),
            reason=f"{holder.path} is still filling, {holder.size} of {holder.bound}: "
            "what it holds has a bound, and more iterations would show it full",
        )

    def _unfinished(self, decision: Decision) -> Decision:
        return replace(
            decision,
            outcome=Outcome.INCONCLUSIVE,
            reason=f"the time limit of {self._plan.timeout:g} s ended the run after {self._stages.done} "
            "iterations, before growth was certain or gone; a larger timeout would settle it",
        )

    def _find_culprits(self, decision: Decision) -> None:
        if decision.outcome is not Outcome.LEAK or not self._requests:
            return
        per_iteration = self._found.bytes_per_iteration(decision)
        if len(self._requests) == 1:
            self._found.culprits = (Culprit(request=self._requests[0], bytes_per_iteration=per_iteration),)
        else:
            self._found.culprits = evidence.find_culprits(
                self._stages, self._requests, decision, per_iteration
            )
