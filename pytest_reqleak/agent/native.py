"""memray as a tracer: what C and Rust code allocated too.

One capture for all windows. memray notes the time every few milliseconds, and
its temporal records say between which of those notes an allocation lived; so
the bytes held at each mark can be told afterwards, as with tracemalloc.

memray misplaces objects that came from CPython's free lists (dicts, lists,
tuples, floats): they show on the line that had freed one. For Python objects
tracemalloc is the better witness.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from pytest_reqleak.agent.windows import Marks, Stack, is_ours
from pytest_reqleak.errors import ReqleakError
from pytest_reqleak.model.raw import RawSite

_INTERVAL_MS = 5
# Two notes of memray's clock before the mark and one after it, so that the mark falls between quiet ones.
_BEFORE_SECONDS, _AFTER_SECONDS = 0.025, 0.010
# CPython's arenas; what lives in them is traced one by one.
_ARENAS = frozenset({256 * 1024, 1024 * 1024})


class TracerUnavailable(ReqleakError):
    """The tracer that was asked for cannot run here."""

    slug = "tracer-unavailable"


class NativeTracer:
    """memray: 2.4 times the bare iteration, 9 times with native stacks.

    memray is imported when the tracer is made, so make it before the objects
    of the process are counted.

    Args:
        native: Whether the stacks have C and Rust frames.

    Raises:
        TracerUnavailable: memray is missing.
    """

    def __init__(self, *, native: bool = False) -> None:
        try:
            import memray  # noqa: F401
        except ImportError as exc:
            where = "memray has no version for Windows" if sys.platform == "win32" else str(exc)
            raise TracerUnavailable(
                f"tracer = 'memray' cannot run: {where}; install memray, or use tracer = 'tracemalloc'"
            ) from exc
        self._native = native
        self._tracker: Any = None
        self._folder: str | None = None
        self._times: list[tuple[int, float]] = []
        self._frames = 16
        self._growth: tuple[RawSite, ...] | None = None

    def start(self, frames: int) -> None:
        """Begin a capture in a temporary folder; stacks are cut to `frames` when it is read.

        Raises:
            TracerUnavailable: Another tracker of memray runs.
        """
        import memray

        self._frames = max(1, frames)
        self._folder = tempfile.mkdtemp(prefix="reqleak-")
        try:
            self._tracker = memray.Tracker(
                destination=memray.FileDestination(self._file, overwrite=True),
                native_traces=self._native,
                trace_python_allocators=True,
                memory_interval_ms=_INTERVAL_MS,
            )
            self._tracker.__enter__()
        except (RuntimeError, OSError) as exc:
            self._tracker = None
            self.stop()
            raise TracerUnavailable(
                f"tracer = 'memray' cannot run: {exc}; end the other memray tracker "
                "(memray run, pytest --memray), or use tracer = 'tracemalloc'"
            ) from exc

    @property
    def _file(self) -> str:
        assert self._folder is not None
        return os.path.join(self._folder, "capture.bin")

    def mark(self, iterations: int) -> None:
        """Note the time, in a pause of 35 ms in which nothing should run."""
        time.sleep(_BEFORE_SECONDS)
        self._times.append((iterations, time.time() * 1000))
        time.sleep(_AFTER_SECONDS)

    def live_bytes(self) -> None:
        """Not known before the capture is read."""

    def growth(self) -> tuple[RawSite, ...]:
        """End the capture, read it, and tell which stacks grew from mark to mark."""
        if self._growth is None:
            self._end_capture()
            self._growth = self._read() if self._folder is not None and len(self._times) > 1 else ()
            self._remove()
        return self._growth

    def bytes_per_iteration(self) -> float | None:
        """What all growing stacks add up to; None with fewer than two marks."""
        if len(self._times) < 2:
            return None
        return sum(site.bytes_per_iteration for site in self.growth())

    def stop(self) -> None:
        """End the capture and remove its file."""
        self._end_capture()
        self._remove()

    def _end_capture(self) -> None:
        tracker, self._tracker = self._tracker, None
        if tracker is not None:
            tracker.__exit__(None, None, None)

    def _remove(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _read(self) -> tuple[RawSite, ...]:
        import memray

        marks = Marks()
        held: list[dict[Stack, tuple[int, int]]] = []
        with memray.FileReader(self._file) as reader:
            notes = [snapshot.time for snapshot in reader.get_memory_snapshots()]
            places = [_last_before(notes, when) for _, when in self._times]
            held = [{} for _ in places]
            for record in reader.get_temporal_allocation_records(merge_threads=True):
                counts = [_held_at(record.intervals, place) for place in places]
                if not any(size for size, _ in counts) or _is_arena(record):
                    continue
                trace = record.hybrid_stack_trace if self._native else record.stack_trace
                stack = tuple((file, line, function) for function, file, line in trace(self._frames))
                if is_ours(stack):
                    continue
                for table, (size, n_blocks) in zip(held, counts, strict=True):
                    old = table.get(stack, (0, 0))
                    table[stack] = (old[0] + size, old[1] + n_blocks)
        for (iterations, _), table in zip(self._times, held, strict=True):
            marks.add(iterations, table)
        return marks.growth()


def _last_before(notes: Sequence[float], when: float) -> int:
    return max((place for place, note in enumerate(notes) if note <= when), default=0)


def _held_at(intervals: Sequence[Any], place: int) -> tuple[int, int]:
    """Bytes and blocks of one record that lived at a note of the clock."""
    size = n_blocks = 0
    for interval in intervals:
        end = interval.deallocated_before_snapshot
        if interval.allocated_before_snapshot <= place and (end is None or end > place):
            size += interval.n_bytes
            n_blocks += interval.n_allocations
    return size, n_blocks


def _is_arena(record: Any) -> bool:
    import memray

    return record.allocator == memray.AllocatorType.MMAP and all(
        interval.n_bytes // max(1, interval.n_allocations) in _ARENAS for interval in record.intervals
    )
