"""The part that lives in the measured process and obeys: settle, sample, trace, find holders.

Knows this process alone. It never decides: what to do when is the run's business,
what the numbers mean is the analysis'. What it returns are plain values.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_reqleak.agent.meters import Meters, SampleBuffer
from pytest_reqleak.agent.settle import Barrier, collect
from pytest_reqleak.model.meter import Meter, Phase

if TYPE_CHECKING:
    from pytest_reqleak.agent.holders import HolderSearch
    from pytest_reqleak.agent.objects import TypeCounter
    from pytest_reqleak.agent.tracers import RawSite, Tracer
    from pytest_reqleak.model.finding import Holder, TypeGrowth


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
        roots: Mapping[str, object] | None = None,
    ) -> None:
        """Find the meters of this process.

        Args:
            pass_loop: Returns when the app's event loop, where it has one of its own,
                has run all that was ready.
            pending_tasks: Counts that loop's unfinished tasks.
            unfinished: Counts the requests whose call of the app has not returned.
            roots: More names for paths to begin with, such as `{"app": app}`.
        """
        self._roots = dict(roots or {})
        self.collector_disabled = not gc.isenabled() or gc.get_threshold()[0] == 0
        """Whether the app has switched the collector off, so that cycles stay."""
        self.freezes = True
        """Set to False to pay for full collections, where frozen cycles look like growth."""
        self._refrozen = 0
        self._app_froze = gc.get_freeze_count() > 0
        self._barrier = Barrier(pass_loop=pass_loop, pending_tasks=pending_tasks, unfinished=unfinished)
        self._meters = Meters(pending_tasks)
        started = time.perf_counter()
        self._buffer = SampleBuffer(self._meters.readers, lambda: time.perf_counter() - started)
        self._tracer: Tracer | None = None
        self._holders: HolderSearch | None = None
        self._types: TypeCounter | None = None

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_tracing()
        self._holders = self._types = None
        gc.unfreeze()
        if self._app_froze:
            gc.freeze()
        self._meters.close()

    @property
    def buffer(self) -> SampleBuffer:
        """All samples so far."""
        return self._buffer

    def settle(self) -> None:
        """Wait until the app is quiet, and collect its garbage."""
        self._barrier.settle()

    def sample(self, iterations: int, phase: Phase) -> None:
        """Read every meter into the next row of the buffer."""
        self._buffer.read(iterations, phase)
        if self.freezes:
            self._freeze_survivors()

    def _freeze_survivors(self) -> None:
        """Freeze what a leak has left so far: each later collection would go through it again."""
        if (self._buffer.last(Meter.GC_OBJECTS) or 0) - self._refrozen < MOST_SURVIVORS:
            return
        survivors = len(gc.get_objects())
        gc.freeze()
        self._buffer.shift(Meter.GC_OBJECTS, survivors)
        self._refrozen += survivors

    def read(self, meter: Meter) -> int | None:
        """Read one meter now, without keeping it; None where it cannot be read."""
        reader = self._meters.readers.get(meter)
        return None if reader is None else reader()

    def freeze(self) -> None:
        """Take what lives now out of the collector's sight.

        Later collections then cost as little as what was made since, and the
        objects that the collector lists are those that survived since.
        """
        if self.freezes:
            gc.freeze()

    def thaw(self) -> int:
        """Give everything back to the collector and collect.

        Cycles that were frozen and have died since are freed only here.

        Returns:
            How many objects were in such cycles.
        """
        gc.unfreeze()
        return collect()

    def start_counting_garbage(self) -> None:
        """Count the collector's work from here on."""
        self._meters.start_counting_garbage()

    def trimmed_rss(self) -> int | None:
        """Read the RSS once the C allocator has given free memory back; None where it cannot be asked."""
        import psutil

        trim = getattr(psutil, "heap_trim", None)
        if trim is None:
            return None
        trim()
        return self.read(Meter.RSS_BYTES)

    def disown(self) -> None:
        """Leave out of all later samples what the harness has allocated since the last one.

        Only while no request was under way since then.
        """
        self._buffer.read(0, Phase.MEASURE, _EXACT)

    def prepare(self, tracer: str) -> None:
        """Import what the inquiries need, so that none of it is found as growth."""
        from pytest_reqleak.agent import holders, objects  # noqa: F401
        from pytest_reqleak.agent.tracers import prepare_tracer

        prepare_tracer(tracer)

    def start_tracing(self, tracer: str, *, frames: int) -> None:
        """Begin to record where memory is allocated.

        Args:
            tracer: `tracemalloc` or `memray`.
            frames: Depth of the stacks; the deeper, the dearer.
        """
        from pytest_reqleak.agent.tracers import make_tracer

        self._tracer = make_tracer(tracer)
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
        try:
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
        return () if self._types is None else self._types.grown(iterations)

    def grown_holders(self, iterations: int) -> tuple[tuple[Holder, ...], tuple[TypeGrowth, ...]]:
        """Find the containers that grew over the iterations since the mark, and name them.

        Call it thawed: the collector does not list what is frozen.

        Returns:
            The holders, and what the first of them holds of types that the collector
            does not track, such as `bytes`.
        """
        if self._holders is None:
            return (), ()
        return self._holders.grown(iterations), self._holders.untracked_types


def agent_for(booted: Any) -> Agent:
    """Make the agent of an app that was booted in this process."""
    return Agent(
        pass_loop=booted.host.barrier,
        pending_tasks=booted.host.pending_tasks,
        unfinished=booted.unfinished,
        roots={"app": booted.app},
    )
