"""Read every meter of this process.

Knows how each number is got on this platform; a meter that cannot be read is
left out, never 0. Reading leaves nothing behind: what one reading allocates is
freed before the next, and the readings themselves go to arrays that were
allocated before the first batch.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from array import array
from collections.abc import Callable, Mapping, Sequence

import psutil

from pytest_reqleak.agent.allocators import find_allocator
from pytest_reqleak.agent.proc import ProcFiles
from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.model.sample import Samples

_PHASES = tuple(Phase)


class Meters:
    """The meters of this process, in one fixed order."""

    def __init__(self, pending_tasks: Callable[[], int] | None = None) -> None:
        """Find out which meters can be read here.

        Args:
            pending_tasks: Counts the unfinished tasks of the app's event loop;
                None where no loop is known.
        """
        self._process = psutil.Process()
        self._pending_tasks = pending_tasks
        self._garbage_before = _collected()
        self._proc = ProcFiles()
        self.allocator = find_allocator()
        candidates: dict[Meter, Callable[[], int]] = {
            Meter.LIVE_BLOCKS: sys.getallocatedblocks,
            Meter.GC_OBJECTS: _tracked_objects,
            Meter.CYCLIC_GARBAGE: self._cyclic_garbage,
            Meter.RSS_BYTES: self._proc.rss_bytes or self._rss_bytes,
            Meter.DESCRIPTORS: self._proc.descriptors or self._descriptors,
            Meter.THREADS: self._proc.threads or self._threads,
        }
        if self.allocator.in_use is not None:
            candidates[Meter.HEAP_BYTES] = self._heap_bytes
        if pending_tasks is not None:
            candidates[Meter.TASKS] = pending_tasks
        self.readers = {meter: read for meter, read in candidates.items() if _works(meter, read)}

    def start_counting_garbage(self) -> None:
        """Count the collector's work from here on."""
        self._garbage_before = _collected()

    def close(self) -> None:
        """Give back the descriptors that are read from."""
        self._proc.close()

    def _cyclic_garbage(self) -> int:
        return _collected() - self._garbage_before

    def _heap_bytes(self) -> int:
        assert self.allocator.in_use is not None
        in_use = self.allocator.in_use()
        # tracemalloc keeps its tables in the same heap: they are ours, not the app's.
        return in_use - tracemalloc.get_tracemalloc_memory() if tracemalloc.is_tracing() else in_use

    def _rss_bytes(self) -> int:
        return int(self._process.memory_info().rss)

    def _descriptors(self) -> int:
        if sys.platform == "win32":
            return int(self._process.num_handles())
        return int(self._process.num_fds())

    def _threads(self) -> int:
        return int(self._process.num_threads())


class SampleBuffer:
    """Columns of readings that grow by whole blocks, and never between two batches."""

    def __init__(
        self,
        meters: Mapping[Meter, Callable[[], int]],
        clock: Callable[[], float],
        before: Callable[[], object] = gc.collect,
    ) -> None:
        """Take what reads the meters.

        Args:
            meters: In the order in which they are read.
            clock: Gives the seconds of each row.
            before: Called before each reading, to empty the interpreter's free lists.
        """
        self._before = before
        self._meters = meters
        self._clock = clock
        self._size = 0
        self._capacity = 0
        self._iterations = array("q")
        self._seconds = array("d")
        self._phases = array("b")
        self._columns = {meter: array("q") for meter in meters}
        self._ours = array("q", bytes(8 * len(meters)))

    def __len__(self) -> int:
        return self._size

    def reserve(self, count: int) -> None:
        """Make room for `count` more samples; call it before a stage's first batch."""
        short = self._size + count - self._capacity
        if short <= 0:
            return
        self._capacity += short
        self._iterations.extend(array("q", bytes(8 * short)))
        self._seconds.extend(array("d", bytes(8 * short)))
        self._phases.extend(array("b", bytes(short)))
        for column in self._columns.values():
            column.extend(array("q", bytes(8 * short)))

    def read(self, iterations: int, phase: Phase, disowned: Sequence[Meter] = ()) -> None:
        """Read every meter into the next row, or only find out what is the harness's own.

        Both go the same way to the readers, so that what reading itself needs cancels
        out to the block.

        Args:
            iterations: Done so far.
            phase: What the run is doing.
            disowned: The row is not kept. What these meters have gained or lost since
                the last row is the harness's own, and is left out of every later row.
                Only while no request was under way since then, or the app's memory
                would be left out too.
        """
        row = self._size
        if row == self._capacity:
            self.reserve(64)
        # Whatever ran since the app was at rest has left blocks in the interpreter's free
        # lists, which count as live; only a full collection empties them.
        self._before()
        for place, (meter, read) in enumerate(self._meters.items()):
            self._columns[meter][row] = read() - self._ours[place]
        if not disowned:
            self._iterations[row] = iterations
            self._seconds[row] = self._clock()
            self._phases[row] = _PHASES.index(phase)
            self._size = row + 1
        elif row:
            for place, (meter, column) in enumerate(self._columns.items()):
                if meter in disowned:
                    self._ours[place] += column[row] - column[row - 1]

    def shift(self, meter: Meter, amount: int) -> None:
        """Later readings of a meter will be lower by `amount` for a reason of ours: make up for it."""
        for place, known in enumerate(self._columns):
            if known is meter:
                self._ours[place] -= amount

    def last(self, meter: Meter) -> int | None:
        """The newest reading of one meter; None where it cannot be read or nothing was."""
        column = self._columns.get(meter)
        return None if column is None or self._size == 0 else column[self._size - 1]

    @property
    def meters(self) -> tuple[Meter, ...]:
        """What is read, in the order of each row."""
        return tuple(self._columns)

    def last_row(self) -> tuple[float, tuple[int, ...]]:
        """The newest row's seconds and readings; there is one."""
        row = self._size - 1
        return self._seconds[row], tuple(column[row] for column in self._columns.values())

    def samples(self, start: int = 0, stop: int | None = None) -> Samples:
        """Rows `start` to `stop` as values."""
        stop = self._size if stop is None else min(stop, self._size)
        return Samples(
            iterations=tuple(self._iterations[start:stop]),
            seconds=tuple(self._seconds[start:stop]),
            phases=tuple(_PHASES[code] for code in self._phases[start:stop]),
            readings={meter: tuple(column[start:stop]) for meter, column in self._columns.items()},
        )


def _works(meter: Meter, read: Callable[[], int]) -> bool:
    if meter is Meter.GC_OBJECTS:
        # Nothing is frozen yet, so it would go through the whole heap; it is there everywhere.
        return True
    try:
        reading = read()
    except Exception:  # noqa: BLE001 - whatever a platform answers, the meter is then absent
        return False
    # Under PYTHONMALLOC=malloc, and where CPython was built without pymalloc, no block is ever counted.
    return reading > 0 or meter is not Meter.LIVE_BLOCKS


def _tracked_objects() -> int:
    return len(gc.get_objects())


def _collected() -> int:
    return sum(generation["collected"] for generation in gc.get_stats())
