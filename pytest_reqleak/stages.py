"""Fire batches, settle and sample, stage after stage, within the run's time.

Knows the order of things within a stage; not why a stage is run, nor what its
samples mean.
"""

from __future__ import annotations

import math
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from pytest_reqleak.analysis.batches import batch_ends
from pytest_reqleak.analysis.floors import MEAN_BLOCK_BYTES
from pytest_reqleak.analysis.warmup import LEAST_BATCHES, WarmUp
from pytest_reqleak.model.meter import Meter, Phase

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.drivers.driver import Driver
    from pytest_reqleak.model.plan import Plan
    from pytest_reqleak.model.sample import Samples

# A warm-up that has not settled by then is cut, and the report says so. A cold
# FastAPI app with httpx needs 600 to 1500 requests until its last cache is full.
LEAST_WARMUP_BUDGET = 1500


# More samples of a stage than these tell nothing more, and take memory: a run of ten million
# iterations has longer batches, and holds as much as one of a hundred thousand.
MOST_SAMPLES = 1000

# An app has warmed up when it has, however long it will be measured: batches are no longer than in
# a run of 2,500 iterations. A FastAPI endpoint takes 250 iterations in place of 600 before 5,000.
WARMUP_BATCH = 50

# A batch that would take more than this share of the time left is sent in pieces, so that the run
# ends in time; pieces of less than the seconds cost more than they bring.
_PIECE_SHARE, _LEAST_PIECE_SECONDS = 0.25, 0.05

# CPython 3.10 makes a cache for each function at its 1,024th call: blocks that come all at
# once, in the middle of a measurement that began too early.
LEAST_WARMUP = 1100 if sys.version_info < (3, 11) else 0

# For each of ours too, and most are called once for a sample: so many samples of nothing come before a
# confirmation, which takes hundreds.
_PRIMING = 1024 if sys.version_info < (3, 11) else 0


class Observer(Protocol):
    """Is told how the run gets on."""

    def phase(self, name: str, total: int | None) -> None:
        """A phase of `total` iterations begins; None: its length is not known."""

    def advance(self, iterations: int) -> None:
        """That many iterations more are done."""


class Stages:
    """The batches of one run, in order."""

    def __init__(
        self,
        *,
        plan: Plan,
        driver: Driver,
        agent: Agent,
        observer: Observer | None = None,
        between_batches: Callable[[], None] | None = None,
    ) -> None:
        """Take the parts of a run; nothing is sent yet.

        Args:
            plan: Sizes and the time that the whole run may take.
            driver: Makes the iterations happen.
            agent: Settles and samples.
            observer: Is told of each batch.
            between_batches: Empties what the harness itself has recorded, before each sample.
        """
        self._plan = plan
        self._driver = driver
        self._agent = agent
        self._observer = observer
        self._between_batches = between_batches
        self._deadline = time.monotonic() + plan.timeout
        # What an iteration took last; 0.0: nothing was sent. An array, as a float is a live block.
        self._pace = array("d", [0.0])
        self.done = 0
        """Iterations so far, replayed ones included: the x axis of every series."""
        self.fresh = 0
        """The first input that was never sent."""
        self.seconds: dict[str, float] = {}
        """Time spent in each phase."""

    @property
    def concurrency(self) -> int:
        """How many iterations are under way at a time; a shorter batch never has so many."""
        return self._plan.concurrency

    @property
    def out_of_time(self) -> bool:
        """Whether the run's time is over."""
        return time.monotonic() >= self._deadline

    @property
    def seconds_left(self) -> float:
        """Until the run's time is over, never negative."""
        return max(0.0, self._deadline - time.monotonic())

    def warm_up(self) -> bool:
        """Run until growth has settled or is steady, and tell whether it did so in time."""
        plan = self._plan
        batch = min(plan.batch_iterations, max(WARMUP_BATCH, plan.concurrency))
        most = plan.warmup
        if most is None:
            most = max(plan.least_iterations, LEAST_WARMUP_BUDGET, 2 * LEAST_BATCHES * batch)
            # However long the measurement is: what has not settled by then is told of.
            most = min(most, MOST_SAMPLES * batch)
        batch = max(batch, most // MOST_SAMPLES)
        started = time.perf_counter()
        self._announce(Phase.WARMUP, None if plan.warmup is None else most)
        self._agent.buffer.reserve(math.ceil(most / batch) + 2)
        # What the process held before is frozen, so that collections in between are cheap.
        self._agent.freeze()
        # What the first reading of it makes for good comes before the measurement.
        self._agent.free_bytes()
        settled = True
        if plan.warmup is None:
            watch = WarmUp(batch_iterations=batch, most_iterations=most)
            self._sample(Phase.WARMUP)
            while not self.out_of_time:
                self._batch(batch, first=None)
                self._sample(Phase.WARMUP)
                buffer = self._agent.buffer
                blocks, heap = buffer.last(Meter.LIVE_BLOCKS), buffer.last(Meter.HEAP_BYTES)
                if blocks is None:
                    # Python's objects are in the heap too, and move it by whole ones.
                    blocks = (heap or 0) // MEAN_BLOCK_BYTES
                done = watch.observe(blocks, heap)
                if done and self.done >= min(LEAST_WARMUP, plan.least_iterations):
                    break
            settled = watch.settled or watch.steady
        else:
            left = most
            while left and not self.out_of_time:
                # What is left over is no batch of its own: it would be shorter than the concurrency.
                size = batch if left >= 2 * batch else left
                left -= self._batch(size, first=None)
                self._sample(Phase.WARMUP)
        self._agent.start_counting_garbage()
        self._agent.freeze()
        self._clock(Phase.WARMUP, started)
        return settled

    def run(
        self,
        phase: Phase,
        iterations: int,
        *,
        batches: int | None = None,
        first: int | None = None,
        after_batch: Callable[[], None] | None = None,
    ) -> Samples:
        """Run one stage; it may end early when the time is over, in the middle of a batch too.

        Args:
            phase: What its samples are called.
            iterations: How many, at least 1.
            batches: Samples after the first one; by default as in the measurement. Fewer where a batch
                would be shorter than the concurrency.
            first: The first input; None: inputs that were never sent.
            after_batch: Called after each sample, such as a tracer's mark.

        Returns:
            One sample before the first batch, and one after each.
        """
        agent = self._agent
        wanted = batches or math.ceil(iterations / self._plan.batch_iterations)
        # A tracer needs its marks, however few iterations it can afford between them.
        least = 1 if phase is Phase.TRACE else min(self.concurrency, iterations)
        count = max(1, min(wanted, iterations // least, agent.most_samples or MOST_SAMPLES))
        ends = batch_ends(iterations, count, least=least)
        # One row more, for what `disown` reads.
        agent.buffer.reserve(count + 2)
        started = time.perf_counter()
        self._announce(phase, iterations)
        begin = len(agent.buffer)
        agent.settle()
        # Nothing was sent since the last sample: what has changed is the harness's.
        agent.disown()
        self._sample(phase)
        sent = 0
        for upto in ends:
            if self.out_of_time:
                break
            self._batch(upto - sent, first=None if first is None else first + sent)
            # Not a sum: an int beyond 256 would be a live block of ours. What was cut is the last.
            sent = upto
            self._sample(phase)
            if after_batch is not None:
                after_batch()
                agent.disown()
        self._clock(phase, started)
        return agent.buffer.samples(begin)

    def prime(self) -> None:
        """Have Python 3.10 make its caches for our own functions now; no later sample has them."""
        for _ in range(_PRIMING):
            if self.out_of_time:
                break
            self._driver.run_batch(self.fresh, 0)
            self._rest()
            self._agent.disown()

    def unsampled(self, count: int) -> None:
        """Send fresh requests and let the app come to rest; no sample is kept."""
        self._batch(count, first=None)

    def alone(self, numbers: Sequence[int], count: int, meter: Meter) -> int:
        """Send some requests of the workload and no others, and read one meter afterwards.

        Args:
            numbers: Their places in the workload; several are sent in turn.
            count: How often, with fresh inputs.
            meter: What to read once the app is quiet; 0 where it cannot be read.
        """
        if len(numbers) == 1:
            self._batch(count, first=None, only=numbers[0])
        else:
            for _ in range(count):
                for number in numbers:
                    self._driver.run_batch(self.fresh, 1, number)
                    self.fresh += 1
            self.done += count * len(numbers)
            self._rest()
        return self._agent.read(meter) or 0

    def _batch(self, count: int, *, first: int | None, only: int | None = None) -> int:
        """Send a batch, and let the app come to rest; tells how much of it there was time for."""
        start = self.fresh if first is None else first
        sent = 0
        while sent < count and not (sent and self.out_of_time):
            sent += self._piece(start + sent, count - sent, only)
        if first is None:
            self.fresh += sent
        self.done += sent
        self._rest()
        if self._observer is not None:
            self._observer.advance(sent)
        return sent

    def _piece(self, start: int, count: int, only: int | None) -> int:
        """Send as much of a batch as takes a part of the time left, and tell how much that was."""
        pace = self._pace[0]
        seconds = max(_PIECE_SHARE * self.seconds_left, _LEAST_PIECE_SECONDS)
        piece = WARMUP_BATCH if pace == 0 else int(seconds / pace)
        # A shorter one never has so many requests under way, the last one neither.
        piece = max(1, piece, self.concurrency)
        if count < piece + self.concurrency:
            piece = count
        begun = time.monotonic()
        self._driver.run_batch(start, piece, only)
        self._pace[0] = max((time.monotonic() - begun) / piece, 1e-9)
        return piece

    def _rest(self) -> None:
        if self._between_batches is not None:
            self._between_batches()
        self._agent.settle()

    def _sample(self, phase: Phase) -> None:
        self._agent.sample(self.done, phase)

    def _announce(self, phase: Phase, total: int | None) -> None:
        if self._observer is not None:
            self._observer.phase(phase.value, total)

    def _clock(self, phase: Phase, started: float) -> None:
        spent = time.perf_counter() - started
        self.seconds[phase.value] = self.seconds.get(phase.value, 0.0) + spent
