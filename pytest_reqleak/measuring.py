"""One run, from the first request to the verdict and its evidence.

    warm up -> measure (passive) -> growing? -- no --> clean
                                    |
                                    yes -> confirm, trace, replay, rest -> still growing? -> leak

This file is the story; the batches are made in `stages`, what the numbers mean
is decided in `analysis`, and what leads to the line is gathered in `evidence`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_reqleak import evidence, garbage
from pytest_reqleak.analysis.dressing import Input, keyed
from pytest_reqleak.analysis.holding import (
    as_expiring,
    endless_holder,
    explaining_holders,
    filling_holder,
    gets_entry_each,
    iterations_to_fill,
    led_by,
    still_filling,
)
from pytest_reqleak.analysis.verdict import WATCHED_AUTO, Decision, Outcome, screen
from pytest_reqleak.confirming import Confirming, unfinished
from pytest_reqleak.expiring import Expiring
from pytest_reqleak.explaining import explain
from pytest_reqleak.findings import Findings
from pytest_reqleak.lengths import Lengths
from pytest_reqleak.looks import measure_until_certain
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.run import Run, ServerInfo
from pytest_reqleak.stages import Observer, Stages
from pytest_reqleak.thawing import Thaws

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.drivers.driver import Driver
    from pytest_reqleak.model.plan import Plan
    from pytest_reqleak.model.request import Request
    from pytest_reqleak.model.sample import Samples, Series

# Enough for the floors of the measurement; a heap of a million objects is collected in 0.4 s.
THAWED_BATCHES = 25

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
    workload: tuple[Request, ...] = (),
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
        workload: The same requests as values, for what else the evidence tells of them.
        varies: Whether the inputs differ by iteration, so that replay tells something.
        observer: Is told how the run gets on.
        boot_seconds: What booting took; shown in the report.
        between_batches: Empties what the harness itself has recorded.

    Raises:
        ReqleakError: The workload could not be measured.
    """
    stages = Stages(plan=plan, driver=driver, agent=agent, observer=observer, between_batches=between_batches)
    with agent:
        if plan.memray_capture is not None:
            agent.keep_capture(plan.memray_capture)
        return _Course(plan, stages, agent, requests, varies, workload).run(target, server, boot_seconds)


class _Course:
    """What one run has decided and found so far."""

    def __init__(
        self,
        plan: Plan,
        stages: Stages,
        agent: Agent,
        requests: tuple[str, ...],
        varies: bool,
        workload: tuple[Request, ...],
    ) -> None:
        self._plan = plan
        self._stages = stages
        self._agent = agent
        self._requests = requests
        self._workload = workload
        self._unit = "request" if requests else "iteration"
        self._found = Findings()
        self._confirming = Confirming(
            plan, stages, agent, self._found, varies=varies, screen=self._screen, unit=self._unit
        )
        self._lengths = Lengths(plan, stages, agent, self._found, unit=self._unit)
        self._expiring = Expiring(plan, stages, agent, self._found, self._confirming)
        self._marked = self._marked_fresh = 0
        # Iterations in which the holders found last have grown, the replayed ones left out and in.
        self._held_fresh = self._held_done = 0
        self._doubted = False
        self._thaws = Thaws(agent)

    def run(self, target: str, server: ServerInfo, boot_seconds: float) -> Run:
        stages = self._stages
        if self._plan.gc == "natural":
            self._agent.set_collection(collects=False, freezes=False)
        settled = stages.warm_up()
        warmup_iterations = stages.done
        if not settled:
            self._found.doubt(
                "warmup-cut",
                f"growth had not settled after {warmup_iterations} warm-up iterations; "
                "a longer warm-up makes the answer surer",
            )
        measured = self._measure()
        decision = self._ask_steps(measured, self._screen(measured))
        if decision.outcome is Outcome.GO_ON:
            measured, decision = self._confirm(measured, decision)
            if decision.outcome is Outcome.CLEAN:
                decision = self._ask_steps(measured, decision)
                decision = self._ask_entries(decision)
        elif decision.outcome is Outcome.INCONCLUSIVE and stages.out_of_time:
            seen = measured.iterations[-1] - measured.iterations[0]
            decision = unfinished(decision, self._plan, stages.done, measured=seen, unit=self._unit)
        if decision.outcome is Outcome.LEAK:
            explain(
                self._plan,
                stages,
                self._agent,
                self._found,
                decision,
                requests=self._requests,
                notes=[request.note for request in self._workload],
                held_fresh=self._held_fresh,
                held_done=self._held_done,
                iteration_seconds=evidence.seconds_per_iteration(measured),
            )
        return self._found.run(
            decision,
            plan=self._plan,
            target=target,
            server=server,
            requests=self._requests,
            iterations=measured.iterations[-1] - measured.iterations[0],
            batches=len(set(measured.iterations)) - 1,
            warmup_iterations=warmup_iterations,
            total_iterations=stages.done,
            samples=self._agent.buffer.samples(),
            seconds={"boot": boot_seconds, **stages.seconds},
        )

    def _ask_steps(self, measured: Samples, decision: Decision) -> Decision:
        """Ask the lengths of containers, where memory came in steps or the C heap alone rises."""
        buffer = self._agent.buffer.samples()
        begun = buffer.iterations.index(measured.iterations[0])
        seen = buffer.part(begun).only(Phase.MEASURE, Phase.CONFIRM)
        return self._outlived(self._lengths.ask_steps(seen, decision))

    def _ask_entries(self, decision: Decision) -> Decision:
        """Ask them, where growth could hide in noise."""
        return self._outlived(self._lengths.ask_entries(decision))

    def _outlived(self, decision: Decision) -> Decision:
        """What is left of an answer of lengths, where what gets longer goes when its time is over."""
        if decision.outcome is not Outcome.LEAK:
            return decision
        answer = self._expiring.ages_out(decision)
        if answer.outcome is not Outcome.LEAK:
            self._found.counted = None
        return answer

    def _screen(self, samples: Samples) -> Decision:
        return screen(
            samples,
            threshold=self._plan.threshold,
            collector_disabled=self._agent.collector_disabled,
            timeout=self._plan.timeout,
            unit=self._unit,
            **({"watched": WATCHED_AUTO} if self._plan.iterations is None else {}),
        )

    def _measure(self) -> Samples:
        plan, agent = self._plan, self._agent
        if plan.trace != "always":
            return self._measure_in_batches(None)
        agent.start_tracing(plan.tracer, frames=evidence.ALWAYS_FRAMES)
        agent.mark_trace(self._stages.done)
        measured = self._measure_in_batches(lambda: agent.mark_trace(self._stages.done))
        self._found.traced = evidence.Traced(*agent.stop_tracing(), evidence.ALWAYS_FRAMES)
        return measured

    def _measure_in_batches(self, after_batch: Callable[[], None] | None) -> Samples:
        plan, stages = self._plan, self._stages
        if plan.iterations is not None:
            return stages.run(Phase.MEASURE, plan.iterations, batches=plan.batches, after_batch=after_batch)
        return measure_until_certain(
            stages, self._agent, certain=plan.least_iterations, judge=self._screen, after_batch=after_batch
        )

    def _confirm(self, measured: Samples, decision: Decision) -> tuple[Samples, Decision]:
        """Run on until growth is certain or gone, and look for what makes it.

        Returns:
            The measurement that the answer is of, and the answer.
        """
        self._stages.prime()
        if self._thaws.free_what_grew(measured):
            measured, decision = self._measure_otherwise()
        while decision.outcome is Outcome.GO_ON:
            self._mark(decision)
            decision, confirmed = self._confirming.until_decided(measured, decision)
            if not self._agent.collects:
                asked = self._ask_collector(measured, decision)
                if asked is None:
                    measured, decision = self._measure_again()
                    continue
                decision = asked
            if decision.outcome is Outcome.CLEAN or (
                decision.outcome is Outcome.INCONCLUSIVE and self._stages.out_of_time
            ):
                break
            if self._agent.freezes and self._thaws.free_what_grew(confirmed):
                measured, decision = self._measure_otherwise()
                continue
            self._find_holders(confirmed.series(decision.grows[0]) if decision.grows else None)
            aged = self._expiring.ages_out(decision)
            if aged is not decision:
                return measured, aged
            holder = filling_holder(self._found.holders)
            self._found.holders = tuple(one for one in self._found.holders if not one.is_full)
            if holder is None:
                if self._expiring.outlives_entries(decision, confirmed):
                    measured, decision = self._measure_again()
                    continue
                decision = as_expiring(decision, self._found.holders, self._found.expiring)
                if decision.outcome is Outcome.INCONCLUSIVE and not self._found.expiring:
                    decision = self._ask_entries(decision)
                return measured, decision
            missing = iterations_to_fill(holder)
            endless = endless_holder(self._found.holders, holder) if self._found.grows_on_replay else None
            if endless is not None and decision.outcome is Outcome.LEAK:
                self._found.doubt(
                    "fills-as-well",
                    f"{holder.path} fills as well, {holder.size} of {holder.bound}: its part is in the "
                    f"figures, and ends; {endless.path} has no bound",
                )
                break
            if missing > MOST_FILL * self._plan.least_iterations or self._stages.out_of_time:
                return measured, still_filling(decision, holder)
            # Seen full, it no longer grows; what still does is no cache.
            self._stages.run(Phase.CONFIRM, missing)
            measured, decision = self._measure_again()
        return measured, decision

    def _ask_collector(self, measured: Samples, decision: Decision) -> Decision | None:
        """Let the collector, which was left to the app, tell what is garbage; None: measure with it."""
        agent = self._agent
        self._found.types = agent.grown_types(self._iterations_since_mark)
        found = garbage.ask_collector(agent, measured, self._stages.done)
        if found.is_late:
            self._found.note(garbage.late_note(found, self._unit))
        # Under the app's own collector noise hides more than under ours.
        unclear = decision.outcome is Outcome.INCONCLUSIVE and not found.collector_off and not found.frozen
        if found.is_late or unclear:
            agent.set_collection(collects=True, freezes=False)
            return None
        return garbage.as_cycles(decision, found)

    def _measure_otherwise(self) -> tuple[Samples, Decision]:
        """Measure without what kept dead cycles alive: our own freeze, or our thaw of the app's."""
        agent = self._agent
        if not agent.app_freezes and not self._doubted:
            # In a process that does more than serve the app, what died frozen may be somebody else's; that
            # does not happen twice, and unfrozen each sample is a full collection.
            self._doubted = self._thaws.first_is_over
            agent.freeze()
            measured, decision = self._measure_again()
            if decision.outcome is not Outcome.GO_ON or not self._thaws.free_what_grew(measured):
                return measured, decision
        # What the app freezes for good is a leak that our collections would hide.
        agent.set_collection(collects=not agent.app_freezes, freezes=False)
        return self._measure_again()

    def _measure_again(self) -> tuple[Samples, Decision]:
        # Unfrozen, each sample pays for a collection of the whole heap.
        thawed = self._agent.collects and not self._agent.freezes
        batches = min(self._plan.batches, THAWED_BATCHES) if thawed else self._plan.batches
        measured = self._stages.run(Phase.MEASURE, self._plan.least_iterations, batches=batches)
        return measured, self._screen(measured)

    def _mark(self, decision: Decision) -> None:
        """Note what there is, before what makes it more is looked for."""
        stages, agent = self._stages, self._agent
        agent.prepare(self._plan.tracer)
        agent.mark_objects(texts={Meter.LIVE_BLOCKS, Meter.GC_OBJECTS}.isdisjoint(decision.grows))
        self._marked, self._marked_fresh = stages.done, stages.fresh

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
        agent, stages, iterations = self._agent, self._stages, self._iterations_since_mark
        self._held_fresh = max(1, stages.fresh - self._marked_fresh)
        self._held_done = max(1, stages.done - self._marked)
        agent.thaw()
        # Where collecting was left to the app, they were counted while the garbage was there.
        types = agent.grown_types(iterations) if agent.collects else self._found.types
        holders, types = agent.grown_holders(iterations, types)
        inputs = [Input(title=request.title, parts=request.varying_parts) for request in self._workload]
        explaining = explaining_holders(holders, series)
        self._found.holders = keyed(explaining, inputs, first=self._marked_fresh, last=stages.fresh)
        self._found.types = led_by(self._found.holders, types)
        fresh, done = self._held_fresh, self._held_done
        first = self._found.holders[0] if self._found.holders else None
        if self._found.keyed_by_input and first and gets_entry_each(first, fresh=fresh, done=done):
            self._found.grows_over_all(fresh / done)
