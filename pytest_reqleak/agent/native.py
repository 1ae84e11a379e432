"""memray as a tracer: what C and Rust code allocated too.

One capture for all windows. memray notes the time every few milliseconds, and
its temporal records say between which of those notes an allocation lived; so
the bytes held at each mark can be told afterwards, as with tracemalloc.

memray misplaces objects that came from CPython's free lists (dicts, lists,
tuples, floats): they show on the line that had freed one. For Python objects
tracemalloc is the better witness.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pytest_reqleak.agent.symbols import Libraries, is_pythons, native_frames
from pytest_reqleak.agent.windows import Marks, Stack, is_ours
from pytest_reqleak.errors import ReqleakError
from pytest_reqleak.model.raw import RawSite

# Of glibc on 64 bits.
_LEAST_CHUNK, _HEADER, _ALIGNMENT = 32, 8, 16
_CAPTURE = "capture.bin"
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
        native: Record only what Python's own allocator does not serve, with the C and
            Rust frames that lie between the allocation and the line of Python.
        keep: Where the capture is kept, native frames of everything included; None: nowhere.

    Raises:
        TracerUnavailable: memray is missing.
    """

    def __init__(self, *, native: bool = False, keep: str | None = None) -> None:
        try:
            import memray  # noqa: F401
        except ImportError as exc:
            where = "memray has no version for Windows" if sys.platform == "win32" else str(exc)
            raise TracerUnavailable(
                f"tracer = 'memray' cannot run: {where}; install memray, or use tracer = 'tracemalloc'"
            ) from exc
        self._native = native
        self._keep = keep
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
                native_traces=self._native or self._keep is not None,
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
        return os.path.join(self._folder, _CAPTURE)

    def mark(self, iterations: int) -> None:
        """Note the time, in a pause of 35 ms in which nothing should run."""
        time.sleep(_BEFORE_SECONDS)
        self._times.append((iterations, time.time() * 1000))
        time.sleep(_AFTER_SECONDS)

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
        folder, keep = self._folder, self._keep
        self._folder = None
        if folder is not None:
            capture = os.path.join(folder, _CAPTURE)
            if keep is not None and os.path.exists(capture):
                _move(capture, keep)
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
                if self._native and is_pythons(record.allocator):
                    continue
                chunks = self._native and record.allocator in _from_heap()
                counts = [_held_at(record.intervals, place, chunks=chunks) for place in places]
                if not any(size for size, _ in counts) or _is_arena(record):
                    continue
                called = record.stack_trace(self._frames)
                stack = tuple((file, line, function) for function, file, line in called)
                if is_ours(stack):
                    continue
                if self._native:
                    stack = (*native_frames(record), *stack)
                for table, (size, n_blocks) in zip(held, counts, strict=True):
                    old = table.get(stack, (0, 0))
                    table[stack] = (old[0] + size, old[1] + n_blocks)
        for (iterations, _), table in zip(self._times, held, strict=True):
            marks.add(iterations, table)
        if not self._native:
            return marks.growth()
        libraries = Libraries()
        return tuple(
            replace(site, native=True, frames=tuple(map(libraries.name, site.frames)))
            for site in marks.growth()
        )


def _move(capture: str, keep: str) -> None:
    try:
        shutil.move(capture, keep)
    except OSError as error:
        raise TracerUnavailable(
            f"memray_capture = {keep!r}: the capture cannot be kept there: {error.strerror or error}"
        ) from error


def _last_before(notes: Sequence[float], when: float) -> int:
    return max((place for place, note in enumerate(notes) if note <= when), default=0)


def _held_at(intervals: Sequence[Any], place: int, *, chunks: bool = False) -> tuple[int, int]:
    """Bytes and blocks of one record that lived at a note of the clock; on request in whole chunks."""
    size = n_blocks = 0
    for interval in intervals:
        end = interval.deallocated_before_snapshot
        if interval.allocated_before_snapshot <= place and (end is None or end > place):
            size += interval.n_bytes
            n_blocks += interval.n_allocations
    return (n_blocks * chunk_bytes(size / n_blocks) if chunks and n_blocks else size), n_blocks


def chunk_bytes(size: float) -> int:
    """What an allocation takes from glibc's heap, as the meter of the heap counts it: header and rounding."""
    return max(_LEAST_CHUNK, (math.ceil(size) + _HEADER + _ALIGNMENT - 1) // _ALIGNMENT * _ALIGNMENT)


def _from_heap() -> frozenset[int]:
    """The allocators of memray that take chunks from the C heap."""
    import memray

    kinds = memray.AllocatorType
    return frozenset({kinds.MALLOC, kinds.CALLOC, kinds.REALLOC})


def _is_arena(record: Any) -> bool:
    import memray

    return record.allocator == memray.AllocatorType.MMAP and all(
        interval.n_bytes // max(1, interval.n_allocations) in _ARENAS for interval in record.intervals
    )
