"""One confirmation: run on while something grows, stage after stage, and ask what makes it.

Knows how long a stage goes on, when tracer and replay come, and for how long an answer
is waited for; what a stage proves is the analysis' business.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_reqleak import evidence
from pytest_reqleak.analysis.batches import SHORTER
from pytest_reqleak.analysis.expiry import seconds_to_see_again
from pytest_reqleak.analysis.floors import MEAN_BLOCK_BYTES, estimate_bytes
from pytest_reqleak.analysis.growth import fit_growth
from pytest_reqleak.analysis.verdict import MOST_STAGES, MOST_STAGES_AUTO, Decision, Outcome, decide
from pytest_reqleak.findings import Findings
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.units import format_count

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.model.plan import Plan
    from pytest_reqleak.model.sample import Samples
    from pytest_reqleak.stages import Stages

# What expires by the clock (a session, a TTL cache) cannot expire within a run of a
# fifth of a second: the last stretch of a confirmation goes on for at least this long.
CONFIRM_SECONDS = 1.0

# However few iterations were asked for, fewer than this show nothing.
LEAST_CONFIRM = 100

# An empty app answers 40,000 times a second; more than this many times the measurement
# shows nothing new, and the rest of the second is waited for. What is swept when it has
# doubled is swept within them.
MOST_LATE = 4

# Nor is anything called a leak that was watched for fewer iterations than this, where they take
# no longer than some seconds: caches that people write hold up to some thousands of entries. One of
# 4,096, the largest usual size in that range, has then been seen full for 900 iterations. After 200,
# which would do where nothing else moves, its table may still be rebuilt.
LEAST_WATCHED = 5000
WATCH_SECONDS = 8.0

# What lives for a second, as most that expires within a confirmation does, is seen to fall again
# in half as long again; twice, if the load was slow at first.
FALL_SECONDS = 4.0

# A half of a stage with short batches takes no more than these, nor one that is longer than the
# measurement: settling and sampling take 0.2 ms, and half a second in which nothing is learnt is too long.
MOST_SAMPLES = 400

# A leak of 100 KB per request would need a gigabyte for 10,000 more requests; the
# confirmation ends when it has added this much.
MOST_GROWTH_BYTES = 256 * 1024 * 1024


# Who waits for an answer in doubt waits half a minute, or as long as three measurements.
CONFIRM_PATIENCE = 30.0
PATIENCE_SHARE = 3.0

# What a run takes in measurements, and what of seconds can be advised.
_RUN_MEASUREMENTS, _MOST_ADVISED_SECONDS = 6, 3600.0

_Readings = list[tuple[int, int]]
"""Iterations done, and a reading."""


class Confirming:
    """Runs confirmations, and their stages."""

    def __init__(
        self,
        plan: Plan,
        stages: Stages,
        agent: Agent,
        found: Findings,
        *,
        varies: bool,
        screen: Callable[[Samples], Decision],
        unit: str,
    ) -> None:
        """Take the parts of a run.

        Args:
            plan: Sizes.
            stages: Runs the batches.
            agent: Traces.
            found: Is given what the inquiries find.
            varies: Whether the inputs differ by iteration, so that replay tells something.
            screen: Tells whether samples show growth.
            unit: What an iteration is called.
        """
        self._plan = plan
        self._stages = stages
        self._agent = agent
        self._found = found
        self._varies = varies
        self._screen = screen
        self.unit = unit

    def until_decided(self, measured: Samples, decision: Decision) -> tuple[Decision, Samples]:
        """Run stages of growing length, until one decides.

        Args:
            measured: What asked for it.
            decision: The answer to that.

        Returns:
            The answer, and what all stages sampled.
        """
        plan, stages, agent = self._plan, self._stages, self._agent
        begin = len(agent.buffer)
        confirms: list[Samples] = []
        trimmed: _Readings = []
        free: _Readings = []
        self._note_trimmed(trimmed, free)
        started = time.monotonic()
        patience = max(CONFIRM_PATIENCE, PATIENCE_SHARE * stages.seconds[Phase.MEASURE.value])
        if plan.iterations is None:
            patience = stages.seconds_left
        while decision.outcome is Outcome.GO_ON:
            if stages.out_of_time:
                seen = measured.iterations[-1] - measured.iterations[0]
                decision = unfinished(decision, plan, stages.done, measured=seen, unit=self.unit)
                break
            stage_begin = len(agent.buffer)
            confirms.append(self.stage(decision, number=len(confirms)))
            # The next stage would take as long as all before it.
            final = 2 * (time.monotonic() - started) > patience
            answer = self._decide(measured, confirms, decision, trimmed, free, final)
            if answer.outcome is Outcome.LEAK and self.watch_after_fall(confirms[-1], decision):
                confirms[-1] = agent.buffer.samples(stage_begin).only(Phase.CONFIRM)
                answer = self._decide(measured, confirms, decision, trimmed, free, final)
            decision = answer
        return decision, agent.buffer.samples(begin).only(Phase.CONFIRM)

    def _decide(
        self,
        measured: Samples,
        confirms: Sequence[Samples],
        decision: Decision,
        trimmed: _Readings,
        free: _Readings,
        final: bool,
    ) -> Decision:
        """What the stages so far prove; `trimmed` and `free` get the readings after the last of them."""
        self._note_trimmed(trimmed, free)
        # What the tracer and the meters make of it so far, where one ran.
        traced = self._found.bytes_per_iteration(decision) if self._found.traced.frames else None
        return decide(
            measured,
            confirms,
            threshold=self._plan.threshold,
            collector_disabled=self._agent.collector_disabled,
            bytes_per_iteration=traced,
            rss_after_trim=trimmed,
            free_after_trim=free,
            final=final,
            most_stages=MOST_STAGES_AUTO if self._plan.iterations is None else MOST_STAGES,
            timeout=self._plan.timeout,
            unit=self.unit,
        )

    def _note_trimmed(self, trimmed: _Readings, free: _Readings) -> None:
        for found, reading in ((trimmed, self._agent.trimmed_rss()), (free, self._agent.free_bytes())):
            if reading is not None:
                found.append((self._stages.done, reading))

    def stage(self, decision: Decision, *, number: int) -> Samples:
        """Run one stage: passive, then the inquiries, then passive again for a second at least.

        Only the first stage has inquiries; the others are twice as long as the one before.

        Args:
            decision: Asks for it.
            number: Stages before it in this confirmation.
        """
        stages, agent = self._stages, self._agent
        iterations = self.affordable(decision, self._allowed(decision, number))
        begin, started, first_input = len(agent.buffer), time.monotonic(), stages.fresh
        early = self._watch(max(1, iterations // 2), decision)
        late = max(1, iterations - iterations // 2)
        cut = True
        if number == 0:
            if decision.grows:
                self._inquire(early, first_input)
            wanted = self._iterations_in(CONFIRM_SECONDS, early)
            unseen = min(LEAST_WATCHED - stages.done, self._iterations_in(WATCH_SECONDS, early))
            longest = max(MOST_LATE * self._plan.least_iterations, unseen)
            planned = min(max(wanted, unseen), longest)
            cut = self.affordable(decision, planned) < planned
            late = max(late, self.affordable(decision, planned))
            if late < wanted:
                self._rest(started)
        begun = time.monotonic()
        watched = self._watch(late, decision)
        # Cold, and sampled often, the first half was slower than what came after it.
        left = self._iterations_in(WATCH_SECONDS - (time.monotonic() - begun), watched)
        unseen = min(LEAST_WATCHED - stages.done, left)
        if unseen > 0 and not cut and not stages.out_of_time:
            self._watch(unseen, decision)
        return agent.buffer.samples(begin).only(Phase.CONFIRM)

    def watch_after_fall(self, stage: Samples, decision: Decision) -> bool:
        """Go on where something has fallen that may have expired, until it had the time to fall again.

        Args:
            stage: The last one; tells how fast iterations are.
            decision: The answer so far.

        Returns:
            Whether there was such a fall, and time to watch.
        """
        buffer, begun, gone_on = self._agent.buffer, time.monotonic(), False
        while not self._stages.out_of_time:
            seen = buffer.samples().only(Phase.MEASURE, Phase.CONFIRM)
            left = FALL_SECONDS - (time.monotonic() - begun)
            seconds = min(left, seconds_to_see_again(seen))
            if seconds <= 0:
                break
            wanted = self.affordable(decision, self._iterations_in(seconds, stage))
            stage = self._watch(max(self._plan.batch_iterations, wanted), decision)
            gone_on = True
        return gone_on

    def watch_for(self, seconds: float, decision: Decision, seen: Samples) -> None:
        """Go on for so long, or for as many iterations as the machine has room for.

        Args:
            seconds: How long.
            decision: Says what grows.
            seen: Tells how fast iterations are.
        """
        self._watch(self.affordable(decision, self._iterations_in(seconds, seen)), decision)

    def _allowed(self, decision: Decision, number: int) -> int:
        """What the decision asks for, within what a run of a given length may cost."""
        if self._plan.iterations is None:
            return decision.more_iterations
        longest: int = max(self._plan.iterations, LEAST_CONFIRM) * 2**number
        return min(decision.more_iterations, longest)

    def _watch(self, iterations: int, decision: Decision) -> Samples:
        batch = self._plan.batch_iterations
        iterations = max(iterations, self._plan.concurrency)
        least = max(self._plan.concurrency, math.ceil(iterations / MOST_SAMPLES))
        if decision.shorter_batches:
            batch = min(batch, max(batch // SHORTER, least))
        elif iterations > self._plan.least_iterations:
            batch = max(batch, least)
        return self._stages.run(Phase.CONFIRM, iterations, batches=math.ceil(iterations / batch))

    def _iterations_in(self, seconds: float, early: Samples) -> int:
        """How many iterations the load must go on for, to last so long."""
        iteration_seconds = evidence.seconds_per_iteration(early)
        return int(seconds / iteration_seconds) if iteration_seconds > 0 else 0

    def _inquire(self, early: Samples, first_input: int) -> None:
        """Trace, and replay, if the first half of the confirmation still grows."""
        plan, stages = self._plan, self._stages
        if self._screen(early).outcome is not Outcome.GO_ON:
            return
        series = early.series(early.live_meter)
        rate = fit_growth(series).per_iteration if series is not None and len(series) > 1 else 0.0
        blocks = rate if early.live_meter is Meter.LIVE_BLOCKS else rate / MEAN_BLOCK_BYTES
        if plan.trace != "never" and not self._found.traced.sites:
            self._found.traced = evidence.trace(
                stages,
                self._agent,
                tracer=plan.tracer,
                blocks_per_iteration=blocks,
                iteration_seconds=evidence.seconds_per_iteration(early),
            )
        if self._varies and series is not None and blocks > 0 and not stages.out_of_time:
            sent = early.iterations[-1] - early.iterations[0]
            stops = evidence.stops_on_replay(
                stages, first=first_input, count=sent, series=series, per_iteration=rate
            )
            self._found.keyed_by_input, self._found.grows_on_replay = stops is True, stops is False

    def _rest(self, started: float) -> None:
        """Let the clock go on where the load could not."""
        left = min(CONFIRM_SECONDS - (time.monotonic() - started), self._stages.seconds_left)
        if left > 0:
            time.sleep(left)

    def affordable(self, decision: Decision, iterations: int) -> int:
        """As many of the iterations as may be, before the growth would fill the machine.

        Args:
            decision: Says what grows.
            iterations: How many are wanted.
        """
        rate = estimate_bytes(
            {
                growth.meter: growth.per_iteration
                for growth in decision.growth
                if growth.meter in decision.grows
            }
        )
        most = int(MOST_GROWTH_BYTES / rate) if rate > 0 else iterations
        return max(2 * self._plan.batch_iterations, min(iterations, most))


def unfinished(decision: Decision, plan: Plan, done: int, *, measured: int, unit: str) -> Decision:
    """What is left of an answer that the time limit came before.

    Args:
        decision: The answer so far.
        plan: Has the limit.
        done: Iterations within it, those of the warm-up too.
        measured: Those of the measurement alone.
        unit: What one is called.
    """
    # Warm-up, measurement and confirmation take as many each; tracing as long as all of them.
    whole = _RUN_MEASUREMENTS * plan.least_iterations + (plan.warmup or 0)
    wanted = plan.timeout * max(2.0, whole / max(1, done))
    fitting = done // _RUN_MEASUREMENTS
    remedy = f"timeout={math.ceil(wanted)}"
    if measured > fitting >= LEAST_CONFIRM and wanted > _MOST_ADVISED_SECONDS:
        # Nobody waits for so long.
        remedy = f"iterations={fitting // LEAST_CONFIRM * LEAST_CONFIRM}"
    before = "before growth was certain or gone" if measured else "in its warm-up, so that none was measured"
    return replace(
        decision,
        outcome=Outcome.INCONCLUSIVE,
        reason=f"the time limit of {round(plan.timeout, 1):g} s ended the run after {format_count(done)} "
        f"{unit}s in all, {before}; {remedy} would settle it",
    )
