"""memray as a tracer: what C and Rust code allocated too.

One capture for all windows. memray notes the time every few milliseconds, and
its temporal records say between which of those notes an allocation lived; so
the bytes held at each mark can be told afterwards, as with tracemalloc.

memray misplaces objects that came from CPython's free lists (dicts, lists,
tuples, floats): they show on the line that had freed one. For Python objects
tracemalloc is the better witness.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from typing import Any

from pytest_reqleak.agent.capture import held_at
from pytest_reqleak.agent.symbols import Libraries
from pytest_reqleak.agent.turns import Turns, turns_of_new_thread
from pytest_reqleak.agent.windows import Marks
from pytest_reqleak.errors import ReqleakError
from pytest_reqleak.model.raw import RawSite

_CAPTURE = "capture.bin"
_INTERVAL_MS = 5
# Two notes of memray's clock before the mark and one after it, so that the mark falls between quiet ones.
_NOTES_BEFORE, _NOTES_AFTER = 2, 1
# Where nobody tells how many it has made: five and two times what they should take.
_BEFORE_SECONDS, _AFTER_SECONDS = 0.025, 0.010
# On a machine that is so busy that the clock stands, a mark is a little off in the end.
_MOST_SECONDS = 1.0


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
        self._clock: Turns | None = None
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
        _log_from(logging.ERROR)
        try:
            self._tracker = memray.Tracker(
                destination=memray.FileDestination(self._file, overwrite=True),
                native_traces=self._native or self._keep is not None,
                trace_python_allocators=True,
                memory_interval_ms=_INTERVAL_MS,
            )
            # Where greenlets are in use memray tells its opinion of them; its errors are raised.
            with contextlib.redirect_stderr(io.StringIO()):
                _, self._clock = turns_of_new_thread(self._tracker.__enter__)
        except (RuntimeError, OSError) as exc:
            self._tracker = None
            _log_from(logging.WARNING)
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
        """Note the time, in a pause of 15 ms or so in which nothing should run."""
        self._await_notes(_NOTES_BEFORE, _BEFORE_SECONDS)
        self._times.append((iterations, time.time() * 1000))
        self._await_notes(_NOTES_AFTER, _AFTER_SECONDS)

    def _await_notes(self, count: int, seconds: float) -> None:
        if self._clock is None or not self._clock.await_more(count, _MOST_SECONDS):
            time.sleep(seconds)

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
            _log_from(logging.WARNING)

    def _remove(self) -> None:
        folder, keep = self._folder, self._keep
        self._folder = None
        if folder is not None:
            capture = os.path.join(folder, _CAPTURE)
            try:
                if keep is not None and os.path.exists(capture):
                    _move(capture, keep)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def _read(self) -> tuple[RawSite, ...]:
        marks = Marks()
        times = [when for _, when in self._times]
        held = held_at(self._file, times, frames=self._frames, native=self._native)
        for (iterations, _), table in zip(self._times, held, strict=True):
            marks.add(iterations, table)
        if not self._native:
            return marks.growth()
        libraries = Libraries()
        return tuple(
            replace(site, native=True, frames=tuple(map(libraries.name, site.frames)))
            for site in marks.growth()
        )


def _log_from(level: int) -> None:
    """What memray logs on the user's terminal; a warning is each symbol that it has corrected."""
    import memray

    # The stub of the package has forgotten the name.
    memray.set_log_level(level)  # type: ignore[attr-defined]


def _move(capture: str, keep: str) -> None:
    try:
        shutil.move(capture, keep)
    except OSError as error:
        raise TracerUnavailable(
            f"memray_capture = {keep!r}: the capture cannot be kept there: {error.strerror or error}"
        ) from error
