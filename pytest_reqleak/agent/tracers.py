"""Tracers: where the memory that stays was allocated.

Knows stacks and bytes. Whose lines they are, and what they mean, is the
business of `analysis.ranking`.
"""

from __future__ import annotations

import contextlib
import importlib
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from pytest_reqleak.agent.windows import Marks, Stack, is_ours
from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.raw import LARGEST_SMALL_BLOCK, RawSite

__all__ = ["PythonTracer", "RawSite", "Tracer", "make_tracer"]

# Traces of marks that are not reduced yet: 12 MB.
_MOST_UNREAD = 100_000


class Tracer(Protocol):
    """Records allocations between marks; used once, in this order."""

    def start(self, frames: int) -> None:
        """Begin; stacks are kept `frames` deep."""

    def mark(self, iterations: int) -> None:
        """Note what is held after so many iterations, counted from wherever the caller likes."""

    def growth(self) -> tuple[RawSite, ...]:
        """The stacks that grew from mark to mark."""
        ...

    def bytes_per_iteration(self) -> float | None:
        """The sum of `growth`; None with fewer than two marks."""

    def stop(self) -> None:
        """End, and free everything; may be called at any time and twice."""


def make_tracer(name: str, *, native: bool = False, keep: str | None = None) -> Tracer:
    """The tracer of that name, not started: `tracemalloc` or `memray`.

    Args:
        name: Which.
        native: Of memray: only what Python's allocator does not serve, with native frames.
        keep: Of memray: where its capture is kept.

    Raises:
        UsageError: There is no such tracer.
    """
    if name == "tracemalloc":
        return PythonTracer()
    if name == "memray":
        from pytest_reqleak.agent.native import NativeTracer

        return NativeTracer(native=native, keep=keep)
    raise UsageError(f"tracer = {name!r}: must be tracemalloc or memray")


def prepare_tracer(name: str) -> None:
    """Import what that tracer needs; without it here, `start` says so."""
    make_tracer(name)
    if name == "memray":
        # Reading a capture imports these, and typing_extensions with them.
        with contextlib.suppress(ImportError):
            importlib.import_module("memray.reporters.module_tools")


class PythonTracer:
    """tracemalloc: places every allocation of Python's, those served from free lists too.

    Costs about 4 times the bare iteration with one frame, 24 with ten. Where
    tracemalloc runs already, it goes on at the user's depth and is not stopped.
    """

    def __init__(self) -> None:
        self._found_running = False
        self._started = False
        self._marks: Marks | None = None
        # Iterations and traces of the marks that are not in `_marks` yet.
        self._unread: list[tuple[int, Sequence[Any]]] = []
        self._n_marks = 0
        self._growth: tuple[RawSite, ...] | None = None

    def start(self, frames: int) -> None:
        """Begin to trace with stacks of at most `frames` frames."""
        self._found_running = tracemalloc.is_tracing()
        if not self._found_running:
            tracemalloc.start(max(1, frames))
        self._started = True
        self._marks = Marks()

    def mark(self, iterations: int) -> None:
        """Note what is held now; the caller has settled and collected.

        To hand out the traces is cheap, and tracemalloc does not trace it. To reduce them
        to figures by stack is traced object by object, with stacks as deep as the app's:
        50 times as dear. So that waits for the end of the tracing, if the traces are few.
        """
        assert self._marks is not None, "start() comes before mark()"
        self._unread.append((iterations, _traces()))
        self._n_marks += 1
        if sum(len(traces) for _, traces in self._unread) > _MOST_UNREAD:
            self._reduce(self._marks)

    def growth(self) -> tuple[RawSite, ...]:
        """The stacks that grew in each window after the first, most bytes first; ends the tracing."""
        if self._growth is None:
            self._end_tracing()
            grown: tuple[RawSite, ...] = ()
            if self._marks is not None:
                self._reduce(self._marks)
                grown = self._marks.growth()
            self._growth = tuple(replace(site, frames=_with_names(site.frames)) for site in grown)
            self._marks = None
        return self._growth

    def _reduce(self, marks: Marks) -> None:
        for iterations, traces in self._unread:
            marks.add(iterations, _held(traces))
        self._unread.clear()

    def bytes_per_iteration(self) -> float | None:
        """What all growing stacks add up to; None with fewer than two marks."""
        if self._n_marks < 2:
            return None
        return sum(site.bytes_per_iteration for site in self.growth())

    def stop(self) -> None:
        """End the tracing that we began, and forget the marks."""
        self._end_tracing()
        self._unread.clear()
        self._marks = None
        self._growth = None

    def _end_tracing(self) -> None:
        if self._started and not self._found_running:
            tracemalloc.stop()
        self._started = False


def _with_names(frames: Any) -> Stack:
    # It knows no functions.
    return tuple((file, line, "") for file, line in frames)


def _held(traces: Sequence[Any]) -> dict[Any, tuple[int, int, int, int]]:
    """Bytes, blocks, bytes in large blocks and large blocks by stack.

    All that is made here may be traced too, which costs more than making it: so nothing is
    made for a trace, little for a stack, and stacks stay as tracemalloc has them.
    """
    by_identity: dict[int, list[Any]] = {}
    for trace in traces:
        size, frames = trace[1], trace[2]
        # tracemalloc hands out one tuple per different stack, so most need no hashing.
        entry = by_identity.get(id(frames))
        if entry is None:
            by_identity[id(frames)] = entry = [0, 0, 0, 0, frames]
        entry[0] += size
        entry[1] += 1
        if size > LARGEST_SMALL_BLOCK:
            entry[2] += size
            entry[3] += 1
    held: dict[Any, tuple[int, int, int, int]] = {}
    for size, n_blocks, large, n_large, frames in by_identity.values():
        if is_ours(frames):
            continue
        old = held.get(frames)
        if old is not None:
            size, n_blocks = old[0] + size, old[1] + n_blocks
            large, n_large = old[2] + large, old[3] + n_large
        held[frames] = (size, n_blocks, large, n_large)
    return held


def _traces() -> Sequence[Any]:
    """Domain, size, and frames (the allocating one first) of every live allocation."""
    snapshot: Any = tracemalloc.take_snapshot()
    raw = getattr(snapshot.traces, "_traces", None)
    if type(raw) is list or type(raw) is tuple:
        # A Trace and a Traceback object for each would take five times as long.
        return raw
    return [
        (
            trace.domain,
            trace.size,
            tuple((frame.filename, frame.lineno) for frame in reversed(trace.traceback)),
        )
        for trace in snapshot.traces
    ]
