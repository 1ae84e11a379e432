"""The part that lives in the measured process and obeys: settle, sample, trace, find holders.

Knows this process alone. It never decides: what to do when is the run's business,
what the numbers mean is the analysis'. What it returns are plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_reqleak.agent.sampler import Sampler
from pytest_reqleak.model.meter import Meter

if TYPE_CHECKING:
    from pytest_reqleak.agent.garbage import GarbageSample
    from pytest_reqleak.agent.held import Held
    from pytest_reqleak.agent.holders import HolderSearch
    from pytest_reqleak.agent.objects import TypeCounter
    from pytest_reqleak.agent.tracers import RawSite, Tracer
    from pytest_reqleak.agent.watch import HolderWatch
    from pytest_reqleak.agent.windows import Stack
    from pytest_reqleak.model.finding import Cycle, Holder, TypeGrowth
    from pytest_reqleak.model.raw import RawLine


class Agent(Sampler):
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
        await_quiet: Callable[[float], bool] | None = None,
        roots: Mapping[str, object] | None = None,
    ) -> None:
        """Find the meters of this process.

        Args:
            pass_loop: Returns when the app's event loop, where it has one of its own,
                has run all that was ready.
            pending_tasks: Counts that loop's unfinished tasks.
            unfinished: Counts the requests whose call of the app has not returned.
            restless: A reading that changes while threads work that Python does not know of.
            await_quiet: Waits for those, as long as it is told, by better means than that reading.
            roots: More names for paths to begin with, such as `{"app": app}`.
        """
        super().__init__(
            pass_loop=pass_loop,
            pending_tasks=pending_tasks,
            unfinished=unfinished,
            restless=restless,
            await_quiet=await_quiet,
        )
        self._roots = dict(roots or {})
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
        if self._holders is not None:
            self.rejuvenate()
        self.kept_garbage(1)
        self._holders = self._types = None
        self._end()

    def disown(self) -> None:
        """Leave out of all later samples what the harness has allocated since the last one.

        Only while no request was under way since then.
        """
        # Not by `super()`: what it makes for the call would live during the reading, in Python 3.10.
        Sampler.disown(self)
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

    def mark_objects(self, *, texts: bool = False) -> None:
        """Note which containers and objects there are, before what grows is looked for.

        Ends frozen, so that the collector lists only what is made from here on.

        Args:
            texts: Whether a text that gets longer may be what grows: nothing else shows but the C heap.
        """
        from pytest_reqleak.agent.holders import HolderSearch
        from pytest_reqleak.agent.objects import TypeCounter

        self.thaw()
        # The whole heap is counted, here and in the end, so that survivors may be frozen between.
        self._types = TypeCounter()
        self._holders = HolderSearch(roots=self._roots, own=[self.buffer, self._types])
        self._holders.mark(self._types.begin_mark(), texts=texts)
        self.freeze()

    def note_types(self, iterations: int, types: tuple[TypeGrowth, ...] = ()) -> tuple[TypeGrowth, ...]:
        """Count all that lives now, the types that the collector does not list included; three times.

        Args:
            iterations: Done by now; in between none may be replayed or traced.
            types: What is known to survive.

        Returns:
            The third time the types with what was counted, the most telling first.
        """
        from pytest_reqleak.agent.objects import merge_types, telling_first

        if self._types is None:
            return ()
        noted = self._types.note(iterations)
        return telling_first(merge_types(noted, types)) if noted else ()

    def grown_types(self, iterations: int) -> tuple[TypeGrowth, ...]:
        """Count by type what survived each of the iterations since the mark; call it thawed."""
        if self._types is None:
            return ()
        types = self._types.grown(iterations)
        self._growing = {growth.type: growth.per_iteration for growth in types}
        return types

    def grown_holders(
        self, iterations: int, types: tuple[TypeGrowth, ...] = ()
    ) -> tuple[tuple[Holder, ...], tuple[TypeGrowth, ...]]:
        """Find the containers that grew over the iterations since the mark, and name them.

        Call it thawed: the collector does not list what is frozen.

        Args:
            iterations: Done since the mark.
            types: What survived, as far as that is known.

        Returns:
            The holders; and the types with those that only the first holder shows, the most
            telling first.
        """
        from pytest_reqleak.agent.objects import merge_types, telling_first
        from pytest_reqleak.model.raw import bare_frames

        if self._holders is None:
            return (), telling_first(types)
        holders = self._holders.grown(iterations, self._growing)
        named = (replace(one, frames=bare_frames(self._made.get(one.path, ()))) for one in holders)
        types = merge_types(types, self._holders.untracked_types)
        return tuple(named), telling_first(types)

    def entries_ahead(self) -> dict[str, float]:
        """In how many seconds the newest entries of a holder say that they end, by its path."""
        return {} if self._holders is None else dict(self._holders.entries_ahead)

    @property
    def _held(self) -> Held:
        """The first of the holders found last; none before the first search."""
        from pytest_reqleak.agent.held import Held

        return Held({}) if self._holders is None else self._holders.held

    def entry_sizes(self) -> dict[str, tuple[float, float]]:
        """Objects and bytes of one entry of each of the first of the holders found last, by path."""
        return dict(self._held.entry_sizes)

    def age_entries(self, path: str, seconds: float) -> int:
        """Make the entries of what grew so many seconds older.

        Args:
            path: Of one of the first of the holders found last.
            seconds: By how much.

        Returns:
            How many of them are that holder's; 0, and none is older, where they carry no moment.
        """
        return self._held.age(path, seconds)

    def aged_left(self, path: str) -> int:
        """How many of a holder's entries that were made older are there still."""
        return self._held.aged_left(path)

    def rejuvenate(self) -> None:
        """Give the moments of entries back that were made older; nothing where none was."""
        self._held.rejuvenate()

    def holder_sizes(self) -> dict[str, int]:
        """Entries that the first of the holders found last have now, by path."""
        return (
            {}
            if self._holders is None
            else {path: read() for path, read in self._holders.held.gauges.items()}
        )

    def watch_lines(self, *, memory: Meter | None = None, every_frame: bool = False) -> bool:
        """Watch which lines make the holders found last grow, and a meter of memory.

        Args:
            memory: The meter that grows by what no tracer sees: the C heap, or the RSS.
            every_frame: Whether lines of libraries count like the user's own; dearer.

        Returns:
            False where nothing can be watched: no holder, or a debugger traces lines.
        """
        from pytest_reqleak.agent.watch import HolderWatch
        from pytest_reqleak.model.raw import HEAP

        self.end_watch()
        gauges = dict(self._held.gauges)
        read = None if memory is None else self._meters.readers.get(memory)
        if read is not None:
            gauges[HEAP] = read
        watch = HolderWatch(gauges, every_frame=every_frame)
        if not gauges or not watch.start():
            return False
        self._watch = watch
        return True

    def settle(self) -> None:
        """As every sampler; the lines that this takes are not watched."""
        watch = self._watch
        if watch is None:
            super().settle()
            return
        with watch.resting():
            super().settle()

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
    from pytest_reqleak.agent.roots import REQUEST_STATE

    state = {REQUEST_STATE: booted.state} if booted.state else {}
    return Agent(
        pass_loop=booted.host.await_rest,
        pending_tasks=booted.host.pending_tasks,
        unfinished=booted.unfinished,
        roots={"app": booted.app, **state, **(roots or {})},
    )
