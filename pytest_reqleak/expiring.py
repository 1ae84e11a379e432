"""Ask of what grows whether it goes when its time is over.

A session store, a sliding window or a cache with a time to live grows as a leak does until its first
entries are over, which a run does not last for. Two experiments tell: its entries are made older, and
the app sees to them or not; or they are waited for, where they say that they end soon.

Knows iterations and seconds; how an entry is made older, and what an answer is called, others know.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_reqleak.analysis.decision import Decision, Outcome
from pytest_reqleak.analysis.expiry import Floor, as_outlived
from pytest_reqleak.errors import ReqleakError
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.units import format_seconds

if TYPE_CHECKING:
    from pytest_reqleak.agent.agent import Agent
    from pytest_reqleak.confirming import Confirming
    from pytest_reqleak.findings import Findings
    from pytest_reqleak.model.finding import Holder
    from pytest_reqleak.model.plan import Plan
    from pytest_reqleak.model.sample import Samples
    from pytest_reqleak.stages import Stages

# How old entries are made: rate limits count by the minute, caches live for five, sessions for an hour. What
# lives for longer piles up as a leak does, in all but name.
LIVES: tuple[float, ...] = (60.0, 600.0, 3600.0)

# Some stores are swept at every thousandth request, others by a task that wakes every second.
SWEPT_WITHIN = 1200
SWEPT_WITHIN_SECONDS = 1.1
# Nor is anybody kept waiting for those thousand where each takes long and nothing goes.
LOOK_SECONDS = 3.0
SWEPT_SLOWLY_WITHIN = 10_000
MORE_GO = 1.5
# A request adds as many entries as others have, by and large.
MOST_COME = 1.2
# Requests of the first look; each further one waits for as many as all before it.
FIRST_LOOK = 10

# What makes entries older may take as long as the measurement did, and so many seconds in any case. Where
# none goes it is over after some thousand requests; what is swept a few at a time takes longer.
MOST_SECONDS = 20.0

# A few may have been renewed, or be in use.
GONE = 0.85

# After each of so many fillings, what is left is compared.
FILLINGS = 3

# Entries that say that they end in so many seconds are outlived, half as long again, before they are
# called a leak.
MOST_LIFE_SECONDS, OUTLIVED = 8.0, 1.5


@dataclass(frozen=True, slots=True)
class _Reading:
    """What there was at one moment."""

    meters: dict[Meter, int]
    entries: int


class Expiring:
    """The experiments of one run.

    Args:
        plan: Sizes.
        stages: Runs the batches.
        agent: Makes entries older.
        found: Has the holders, and is given doubts.
        confirming: Watches.
    """

    def __init__(
        self, plan: Plan, stages: Stages, agent: Agent, found: Findings, confirming: Confirming
    ) -> None:
        self._plan = plan
        self._stages = stages
        self._agent = agent
        self._found = found
        self._confirming = confirming
        self._outlived = False
        self._until = 0.0
        self._first_look = max(FIRST_LOOK, plan.concurrency)

    def ages_out(self, decision: Decision) -> Decision:
        """Make the entries of the first holder older, and see whether they go and nothing else stays.

        Args:
            decision: The answer so far.

        Returns:
            What is left of it; itself where no entry carries a moment, or older ones stay as well.
        """
        holder = next(iter(self._found.holders), None)
        if (
            holder is None
            or decision.outcome not in (Outcome.LEAK, Outcome.INCONCLUSIVE)
            or not set(decision.grows) <= {Meter.LIVE_BLOCKS, Meter.HEAP_BYTES, Meter.GC_OBJECTS}
        ):
            return decision
        patience = max(MOST_SECONDS, self._stages.seconds[Phase.MEASURE.value])
        self._until = time.monotonic() + patience
        # Thawed for the search of holders: each rest would go through the whole heap.
        self._agent.freeze()
        if self._floor(holder, decision, LIVES[-1]) is None:
            return decision
        floors: list[Floor] = []
        lives = list(LIVES)
        while len(floors) <= FILLINGS:
            self._stages.unsampled(self._confirming.affordable(decision, self._plan.least_iterations))
            floor = self._floor(holder, decision, lives[0])
            while floor is None:
                # Those that stay in spite of their age are there for the next try.
                del lives[0]
                if not lives or self._is_late:
                    return decision
                floor = self._floor(holder, decision, lives[0])
            floors.append(floor)
        answer = as_outlived(
            decision,
            floors,
            path=holder.path,
            life=lives[0],
            threshold=self._plan.threshold,
            unit=self._confirming.unit,
        )
        if answer is decision:
            self._found.holders = (*self._found.holders[1:], replace(holder, life_seconds=lives[0]))
            self._found.doubt("expires-as-well", _beside(holder, alone=len(self._found.holders) == 1))
        elif answer.outcome is Outcome.INCONCLUSIVE:
            self._found.holders = (replace(holder, life_seconds=lives[0]), *self._found.holders[1:])
        return answer

    @property
    def _is_late(self) -> bool:
        """Whether there is no more time for the experiment."""
        return self._stages.out_of_time or time.monotonic() > self._until

    def _floor(self, holder: Holder, decision: Decision, seconds: float) -> Floor | None:
        """Make all entries so much older, and read what is left once they are gone; None: they stay."""
        agent, stages = self._agent, self._stages
        before = self._read(holder, decision)
        aged = agent.age_entries(holder.path, seconds)
        if not aged:
            return None
        try:
            gone = self._is_swept(holder, aged, before.entries)
        except ReqleakError:
            # The app made no sense of entries so old, and would have been left alone.
            gone = False
        finally:
            agent.rejuvenate()
            # What was kept to make them young again goes as well.
            agent.settle()
        if not gone:
            return None
        after = self._read(holder, decision)
        fewer = before.entries - after.entries
        # What has come since then is none of what is left.
        each = {
            meter: max(0.0, (before.meters[meter] - value) / fewer) if fewer > 0 else 0.0
            for meter, value in after.meters.items()
        }
        left = {meter: value - each[meter] * after.entries for meter, value in after.meters.items()}
        # Where its length alone made it a leak, the meters of memory show nothing but noise.
        return Floor(iterations=stages.done, left=left if self._found.counted is None else {})

    def _is_swept(self, holder: Holder, aged: int, before: int) -> bool:
        """Whether most of the entries that were made older are taken out with the next requests.

        Args:
            holder: What holds them.
            aged: How many were made older.
            before: Entries then.
        """
        stages, begun = self._stages, time.monotonic()
        sent, went = 0, 0
        # A store may be swept a few entries at a time: as long as more go than come, it is.
        while (sent < SWEPT_WITHIN and time.monotonic() - begun < LOOK_SECONDS) or (
            went > MORE_GO * sent and sent < SWEPT_SLOWLY_WITHIN
        ):
            more = max(self._first_look, sent)
            stages.unsampled(more)
            sent += more
            went = self._went(holder, aged, before, sent)
            if went >= GONE * aged:
                return True
            if self._is_late:
                return False
        left = min(SWEPT_WITHIN_SECONDS - (time.monotonic() - begun), stages.seconds_left)
        if left > 0:
            time.sleep(left)
        stages.unsampled(self._first_look)
        return self._went(holder, aged, before, sent + self._first_look) >= GONE * aged

    def _went(self, holder: Holder, aged: int, before: int, sent: int) -> int:
        """How many of the entries that were made older are gone: not merely copied."""
        came = MOST_COME * max(1.0, holder.growth_per_iteration) * sent
        fewer = before + came - self._agent.holder_sizes().get(holder.path, before)
        return min(aged - self._agent.aged_left(holder.path), int(fewer))

    def _read(self, holder: Holder, decision: Decision) -> _Reading:
        agent = self._agent
        # Whatever the collector lists consists of blocks.
        meters = {Meter.LIVE_BLOCKS, *decision.grows} - {Meter.GC_OBJECTS}
        readings = {meter: agent.read(meter) for meter in meters}
        known = {meter: reading for meter, reading in readings.items() if reading is not None}
        return _Reading(known, agent.holder_sizes().get(holder.path, 0))

    def outlives_entries(self, decision: Decision, seen: Samples) -> bool:
        """Go on until the newest entries of the holder are over, where they say when that is.

        Args:
            decision: The answer so far.
            seen: Tells how fast iterations are.

        Returns:
            Whether they were outlived: what grows must then be measured anew. Once in a run, and
            only where a leak was called.
        """
        if self._outlived or decision.outcome is not Outcome.LEAK or self._stages.out_of_time:
            return False
        # Of the first alone: what tasks hold, or a cache that is full, has no say.
        holder = next(iter(self._found.holders), None)
        ahead = 0.0 if holder is None else self._agent.entries_ahead().get(holder.path, 0.0)
        if holder is None or ahead <= 0:
            return False
        if ahead > MOST_LIFE_SECONDS:
            self._found.doubt(
                "may-expire",
                f"the newest entries of {holder.path} carry a time {format_seconds(ahead)} ahead: none goes "
                "when it is over, unless something that wakes up seldom takes them out; a shorter life in "
                "the test would show it",
            )
            return False
        self._outlived = True
        begun, seconds = time.monotonic(), OUTLIVED * ahead
        done = self._stages.done
        # Thawed for the search of holders: each sample would go through the whole heap.
        self._agent.freeze()
        self._confirming.watch_for(seconds, decision, seen)
        left = min(seconds - (time.monotonic() - begun), self._stages.seconds_left)
        if left > 0:
            time.sleep(left)
        kept = self._agent.holder_sizes().get(holder.path, holder.size)
        if kept < GONE * (holder.size + holder.growth_per_iteration * (self._stages.done - done)):
            self._found.expiring = holder.path
        return True


def _beside(holder: Holder, *, alone: bool) -> str:
    """What is said of a store whose entries go with their time, while something else stays."""
    if alone:
        return (
            f"{holder.path} takes out its entries when their time is over, and as much stays all the same: "
            "look at what they are moved to, or leave behind"
        )
    return f"{holder.path} grows as well, until its entries are over: its part is in the figures, and ends"
