"""The part that lives in the measured process and obeys: settle, sample, trace, find holders.

Knows this process alone. It never decides: what to do when is the run's business,
what the numbers mean is the analysis'. What it returns are plain values.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_reqleak.agent.collector import Collector
from pytest_reqleak.agent.meters import Meters, SampleBuffer
from pytest_reqleak.agent.settle import Barrier
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.raw import HEAP, RawLine, bare_frames

if TYPE_CHECKING:
    from pytest_reqleak.agent.garbage import GarbageSample
    from pytest_reqleak.agent.holders import HolderSearch
    from pytest_reqleak.agent.objects import TypeCounter
    from pytest_reqleak.agent.tracers import RawSite, Tracer
    from pytest_reqleak.agent.watch import HolderWatch
    from pytest_reqleak.agent.windows import Stack
    from pytest_reqleak.model.finding import Cycle, Holder, TypeGrowth


# What the harness itself allocates shows on these meters, to the block.
_EXACT = (Meter.LIVE_BLOCKS, Meter.HEAP_BYTES, Meter.GC_OBJECTS)


# A collection goes through 20,000 objects in 1 to 2 ms; more would show in the run's time.
MOST_SURVIVORS = 20_000


class Agent:
    """Obeys one run in this process; use it as a context manager.

    On exit the collector is as it was found: unfrozen unless the app had frozen
    it, and no tracer of ours runs.
    """

    def __init__(
        self,
        *,
        pass_loop: Callable[[], object] | None = None,
        pending_tasks: Callable[[], int] | None = None,
        unfinished: Callable[[], int] | None = None,
        restless: Callable[[], int] | None = None,
        roots: Mapping[str, object] | None = None,
    ) -> None:
        """Find the meters of this process.

        Args:
            pass_loop: Returns when the app's event loop, where it has one of its own,
                has run all that was ready.
            pending_tasks: Counts that loop's unfinished tasks.
            unfinished: Counts the requests whose call of the app has not returned.
            restless: A reading that changes while threads work that Python does not know of.
            roots: More names for paths to begin with, such as `{"app": app}`.
        """
        self._roots = dict(roots or {})
        self._collector = Collector()
        self._refrozen = self._first_frozen = 0
        self._thawed = False
        self._barrier = Barrier(
            pass_loop=pass_loop,
            pending_tasks=pending_tasks,
            unfinished=unfinished,
            restless=restless,
            collector=self._collector,
        )
        self._meters = Meters(pending_tasks)
        started = time.perf_counter()
        self._buffer = SampleBuffer(
            self._meters.readers, lambda: time.perf_counter() - started, self._collector.empty_free_lists
        )
        self._tracer: Tracer | None = None
        self._keep: str | None = None
        self._holders: HolderSearch | None = None
        self._types: TypeCounter | None = None
        self._watch: HolderWatch | None = None
        self._garbage: GarbageSample | None = None
        self._growing: dict[str, float] = {}
        # Where tasks and threads were made, by the path of their group.
        self._made: dict[str, Stack] = {}

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_tracing()
        self.end_watch()
        self.kept_garbage(1)
        self._holders = self._types = None
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
        # Of those that were frozen before some have died since: a full buffer was emptied.
        died = max(0, self._refrozen - (gc.get_freeze_count() - self._first_frozen))
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
        self._thawed = False
        self._collector.freeze()
        self._refrozen, self._first_frozen = 0, gc.get_freeze_count()

    def thaw(self, *, once: bool = False) -> int:
        """Give everything back to the collector and collect; where that is the app's business, nothing.

        Cycles that were frozen and have died since are freed only here.

        Args:
            once: Whether one round through the heap is enough, though finalisers may make
                new garbage in it.

        Returns:
            How many objects were in such cycles.
        """
        if self._thawed:
            # A look at the whole heap more would find nothing: no request was sent since.
            return 0
        self._collector.thaw()
        self._thawed = self._collector.collects and not once
        return self._collector.collect(rounds=1) if once else self._collector.collect()

    def free_garbage(self, meter: Meter, *, thawed: bool = False) -> int:
        """Collect whatever is garbage now, where collecting is otherwise left to the app.

        Args:
            meter: What to read before and after.
            thawed: Whether what the app has frozen is given back to the collector first.

        Returns:
            By how much that lowered the meter.
        """
        before = self.read(meter) or 0
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
        self._buffer.read(0, Phase.MEASURE, _EXACT)
        if self._tracer is not None:
            # memray places what the app takes out of a free list on the line that put it there:
            # none of ours shall be in them.
            self._collector.empty_free_lists()

    def prepare(self, tracer: str) -> None:
        """Import what the inquiries need, so that none of it is found as growth."""
        from pytest_reqleak.agent import garbage, holders, objects, origins, watch  # noqa: F401
        from pytest_reqleak.agent.tracers import prepare_tracer

        prepare_tracer(tracer)

    def keep_capture(self, file: str) -> None:
        """Have memray's capture kept in a file, with native frames; the last one, if there are several.

        Args:
            file: An absolute path; overwritten.
        """
        self._keep = file

    def start_tracing(self, tracer: str, *, frames: int, native: bool = False) -> None:
        """Begin to record where memory is allocated.

        Args:
            tracer: `tracemalloc` or `memray`.
            frames: Depth of the stacks; the deeper, the dearer.
            native: Of memray: record only what Python's own allocator does not serve, with
                C and Rust frames.

        Raises:
            ReqleakError: The tracer cannot run here.
        """
        from pytest_reqleak.agent.tracers import make_tracer

        # What is wanted is the capture of everything, not that of native memory alone.
        self._tracer = make_tracer(tracer, native=native, keep=None if native else self._keep)
        self._tracer.start(frames)

    def mark_trace(self, iterations: int) -> None:
        """Note what is held now of all that was allocated since tracing began."""
        if self._tracer is not None:
            self._tracer.mark(iterations)

    def stop_tracing(self) -> tuple[tuple[RawSite, ...], float | None]:
        """End the tracer, if one runs.

        Returns:
            The sites that grew from mark to mark, and the total in bytes per iteration.
        """
        tracer, self._tracer = self._tracer, None
        if tracer is None:
            return (), None
        from pytest_reqleak.agent.origins import made_stacks

        try:
            self._made.update(made_stacks())
            return tracer.growth(), tracer.bytes_per_iteration()
        finally:
            tracer.stop()

    def mark_objects(self) -> None:
        """Note which containers and objects there are, before what grows is looked for.

        Ends frozen, so that the collector lists only what is made from here on.
        """
        from pytest_reqleak.agent.holders import HolderSearch
        from pytest_reqleak.agent.objects import TypeCounter

        self.thaw()
        self._holders = HolderSearch(roots=self._roots)
        self._holders.mark()
        # The whole heap is counted, here and in the end, so that survivors may be frozen between.
        self._types = TypeCounter()
        self._types.mark()
        self.freeze()

    def grown_types(self, iterations: int) -> tuple[TypeGrowth, ...]:
        """Count by type what survived each of the iterations since the mark; call it thawed."""
        if self._types is None:
            return ()
        types = self._types.grown(iterations)
        self._growing = {growth.type: growth.per_iteration for growth in types}
        return types

    def grown_holders(self, iterations: int) -> tuple[tuple[Holder, ...], tuple[TypeGrowth, ...]]:
        """Find the containers that grew over the iterations since the mark, and name them.

        Call it thawed: the collector does not list what is frozen.

        Returns:
            The holders, and what the first of them holds of types that the collector
            does not track, such as `bytes`.
        """
        if self._holders is None:
            return (), ()
        holders = self._holders.grown(iterations, self._growing)
        named = (replace(one, frames=bare_frames(self._made.get(one.path, ()))) for one in holders)
        return tuple(named), self._holders.untracked_types

    def watch_lines(self, *, memory: Meter | None = None, every_frame: bool = False) -> bool:
        """Watch which lines make the holders found last grow, and a meter of memory.

        Args:
            memory: The meter that grows by what no tracer sees: the C heap, or the RSS.
            every_frame: Whether lines of libraries count like the user's own; dearer.

        Returns:
            False where nothing can be watched: no holder, or a debugger traces lines.
        """
        from pytest_reqleak.agent.watch import HolderWatch

        self.end_watch()
        gauges = {} if self._holders is None else dict(self._holders.gauges)
        read = None if memory is None else self._meters.readers.get(memory)
        if read is not None:
            gauges[HEAP] = read
        watch = HolderWatch(gauges, every_frame=every_frame)
        if not gauges or not watch.start():
            return False
        self._watch = watch
        return True

    def restart_watch(self) -> None:
        """Forget what was watched so far: the first requests fill the watch's own tables."""
        if self._watch is not None:
            self._watch.reset()

    def end_watch(self) -> tuple[RawLine, ...]:
        """Stop watching, and tell which lines made what grow; nothing where none is watched."""
        watch, self._watch = self._watch, None
        return () if watch is None else watch.end()

    def keep_garbage(self) -> None:
        """Have the collector keep what it finds from here on, for `kept_garbage`."""
        from pytest_reqleak.agent.garbage import GarbageSample

        self._garbage = GarbageSample()
        self._garbage.start()

    def kept_garbage(self, iterations: int) -> tuple[Cycle, ...]:
        """Tell what was kept since `keep_garbage`, and free it.

        Args:
            iterations: Done since then.
        """
        sample, self._garbage = self._garbage, None
        return () if sample is None else sample.stop(iterations)


def agent_for(booted: Any, *, roots: Mapping[str, object] | None = None) -> Agent:
    """Make the agent of an app that was booted in this process.

    Args:
        booted: The app.
        roots: More names for paths to begin with.
    """
    return Agent(
        pass_loop=booted.host.barrier,
        pending_tasks=booted.host.pending_tasks,
        unfinished=booted.unfinished,
        roots={"app": booted.app, **(roots or {})},
    )
