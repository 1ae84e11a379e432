"""What a run orders at every batch: bring the app to rest, read the meters, keep garbage out of them.

Knows this process alone, and how its collector stands; not what made a meter rise.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

from pytest_reqleak.agent.collector import Collector
from pytest_reqleak.agent.cursors import DeadCursors
from pytest_reqleak.agent.meters import Meters, SampleBuffer
from pytest_reqleak.agent.settle import Barrier
from pytest_reqleak.agent.streams import write_out
from pytest_reqleak.model.meter import Meter, Phase

# What the harness itself allocates shows on these meters, to the block.
_EXACT = (Meter.LIVE_BLOCKS, Meter.HEAP_BYTES, Meter.GC_OBJECTS, Meter.CYCLIC_GARBAGE)

# Each collection takes the tuples off its list that hold nothing it lists. What a tracer hands out is a
# line in a stack in a trace: left alone it goes one layer at a time, while the app's requests are counted.
_LAYERS = 3

# A collection goes through 20,000 objects in 1 to 2 ms; more would show in the run's time.
MOST_SURVIVORS = 20_000


class Sampler:
    """Settles and samples in this process."""

    def __init__(
        self,
        *,
        pass_loop: Callable[[], object] | None = None,
        pending_tasks: Callable[[], int] | None = None,
        unfinished: Callable[[], int] | None = None,
        restless: Callable[[], int] | None = None,
        await_quiet: Callable[[float], bool] | None = None,
    ) -> None:
        """Find the meters of this process.

        Args:
            pass_loop: Returns when the app's event loop, where it has one of its own,
                has run all that was ready.
            pending_tasks: Counts that loop's unfinished tasks.
            unfinished: Counts the requests whose call of the app has not returned.
            restless: A reading that changes while threads work that Python does not know of.
            await_quiet: Waits for those, as long as it is told, by better means than that reading.
        """
        self._collector = Collector()
        self._cursors = DeadCursors()
        self._refrozen = self._first_frozen = 0
        self._thawed = False
        self._barrier = Barrier(
            pass_loop=pass_loop,
            pending_tasks=pending_tasks,
            unfinished=unfinished,
            restless=restless,
            await_quiet=await_quiet,
            collector=self._collector,
        )
        self._meters = Meters(pending_tasks)
        started = time.perf_counter()
        self._buffer = SampleBuffer(
            self._meters.readers, lambda: time.perf_counter() - started, self._collector.empty_free_lists
        )

    def _end(self) -> None:
        """Leave the collector as it was found; nothing can be read any more."""
        self._collector.restore()
        self._meters.close()

    @property
    def collector_disabled(self) -> bool:
        """Whether the app has switched the collector off, so that cycles stay."""
        return self._collector.is_off

    @property
    def collects(self) -> bool:
        """Whether garbage is collected before each sample, or left to the app's own collector."""
        return self._collector.collects

    @property
    def freezes(self) -> bool:
        """Whether survivors are frozen, or each collection goes through the whole heap."""
        return self._collector.freezes

    @property
    def most_samples(self) -> int | None:
        """How many samples a stage can afford; None: any number."""
        return self._collector.most_samples

    def set_collection(self, *, collects: bool, freezes: bool) -> None:
        """Say what is done about garbage from here on.

        Args:
            collects: Collect before each sample; else that is left to the app.
            freezes: Freeze survivors, so that collections are cheap; else frozen cycles
                cannot look like growth, and every collection is a full one.
        """
        if not collects:
            # What we froze ourselves would never be freed by the app's collector.
            self.thaw()
        self._collector.collects, self._collector.freezes = collects, freezes

    @property
    def app_freezes(self) -> bool:
        """Whether the app froze objects of its own in the run; known once something was thawed."""
        return self._collector.app_froze

    @property
    def buffer(self) -> SampleBuffer:
        """All samples so far."""
        return self._buffer

    def settle(self) -> None:
        """Wait until the app is quiet, and collect its garbage."""
        self._thawed = False
        self._barrier.settle()
        self._cursors.forget()
        write_out()

    def sample(self, iterations: int, phase: Phase) -> None:
        """Read every meter into the next row of the buffer."""
        self._buffer.read(iterations, phase)
        if self.collects and self.freezes:
            self._freeze_survivors()

    def _freeze_survivors(self) -> None:
        """Freeze what a leak has left so far: each later collection would go through it again."""
        if (self._buffer.last(Meter.GC_OBJECTS) or 0) - self._refrozen < MOST_SURVIVORS:
            return
        survivors = len(gc.get_objects())
        if survivors < MOST_SURVIVORS:
            return
        # Counting goes through all that is frozen, and most runs have no use for it.
        frozen = gc.get_freeze_count()
        if not self._refrozen:
            self._first_frozen = frozen
        # Of those that were frozen before some have died since: a full buffer was emptied.
        died = max(0, self._refrozen - (frozen - self._first_frozen))
        self._thawed = False
        self._collector.freeze()
        self._buffer.shift(Meter.GC_OBJECTS, survivors - died)
        self._refrozen += survivors - died

    def read(self, meter: Meter) -> int | None:
        """Read one meter now, without keeping it; None where it cannot be read."""
        reader = self._meters.readers.get(meter)
        return None if reader is None else reader()

    def freeze(self) -> None:
        """Take what lives now out of the collector's sight.

        Later collections then cost as little as what was made since, and the
        objects that the collector lists are those that survived since.
        """
        if not self._thawed:
            # What is frozen is not listed; after a thaw that has just been done.
            self._cursors.look()
        self._thawed = False
        self._collector.freeze()
        self._refrozen = 0

    def thaw(self) -> int:
        """Give everything back to the collector and collect; where that is the app's business, nothing.

        Cycles that were frozen and have died since are freed only here.

        Returns:
            How many objects were in such cycles.
        """
        if self._thawed:
            # A look at the whole heap more would find nothing: no request was sent since.
            return 0
        self._cursors.release()
        self._collector.thaw()
        self._thawed = self._collector.collects
        found = self._collector.collect()
        self._cursors.look()
        return found

    def free_garbage(self, meter: Meter, *, thawed: bool = False) -> int:
        """Collect whatever is garbage now, where collecting is otherwise left to the app.

        Args:
            meter: What to read before and after.
            thawed: Whether what the app has frozen is given back to the collector first.

        Returns:
            By how much that lowered the meter.
        """
        before = self.read(meter) or 0
        self._thawed = False
        self._cursors.release()
        if thawed:
            self._collector.thaw_anyway()
        self._collector.collect_anyway()
        return before - (self.read(meter) or 0)

    def start_counting_garbage(self) -> None:
        """Count the collector's work from here on."""
        self._meters.start_counting_garbage()

    def trimmed_rss(self) -> int | None:
        """Read the RSS once the C allocator has given free memory back; None where it cannot be asked."""
        release = self._meters.allocator.release
        if release is None:
            return None
        release()
        return self.read(Meter.RSS_BYTES)

    def free_bytes(self) -> int | None:
        """Bytes that the allocators hold and nobody uses; None where they cannot be asked."""
        from pytest_reqleak.agent.retained import free_bytes

        return free_bytes()

    def disown(self) -> None:
        """Leave out of all later samples what the harness has allocated since the last one.

        Only while no request was under way since then.
        """
        for _ in range(_LAYERS if self.freezes else 0):
            self._collector.empty_free_lists()
        self._buffer.read(0, Phase.MEASURE, _EXACT)
