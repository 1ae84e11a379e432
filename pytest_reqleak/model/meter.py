"""The numbers that can grow, and what a batch belonged to when they were read."""

from __future__ import annotations

from enum import Enum


class _Word(str, Enum):
    """A closed set of words that print as themselves (`StrEnum` needs Python 3.11)."""

    def __str__(self) -> str:
        return str(self.value)


class Meter(_Word):
    """One number, read when the process has settled, that a leak would raise."""

    LIVE_BLOCKS = "live_blocks"
    """Blocks that Python's object allocator has handed out: `sys.getallocatedblocks()`."""
    HEAP_BYTES = "heap_bytes"
    """Bytes in use in the C allocator, its mmap'd chunks included: `psutil.heap_info()`."""
    GC_OBJECTS = "gc_objects"
    """Objects that the collector tracks and that were made since warm-up."""
    RSS_BYTES = "rss_bytes"
    """Memory of the process that is resident in RAM."""
    DESCRIPTORS = "descriptors"
    """Open file descriptors (on Windows: handles)."""
    THREADS = "threads"
    """Threads of the process, native ones included."""
    TASKS = "tasks"
    """asyncio tasks of the app's event loop that have not finished."""
    CYCLIC_GARBAGE = "cyclic_garbage"
    """Objects that only the collector could free, counted since warm-up."""

    @property
    def unit(self) -> str:
        """`B` for bytes, else the empty string for a count."""
        return "B" if self in (Meter.HEAP_BYTES, Meter.RSS_BYTES) else ""

    @property
    def label(self) -> str:
        """The name a person reads."""
        return self.value.replace("_", " ").replace("rss", "RSS")


class Phase(_Word):
    """What the run was doing in a batch."""

    WARMUP = "warmup"
    MEASURE = "measure"
    CONFIRM = "confirm"
    TRACE = "trace"
    REPLAY = "replay"


class Verdict(_Word):
    """The answer for a run."""

    CLEAN = "clean"
    LEAK = "leak"
    INCONCLUSIVE = "inconclusive"


class Cause(_Word):
    """What kind of memory grew: the words of `Run.classification`."""

    PYTHON = "python"
    """Python objects (live blocks, gc objects)."""
    NATIVE = "native"
    """Memory of native code: the C heap, without Python objects to explain it."""
    MAPPED = "mapped"
    """Comes with `native`: memory outside of the C heap too, which a library has mapped for
    itself or taken from an allocator that is linked into it."""
    ALLOCATOR = "allocator"
    """RSS rises while live bytes do not: retention or fragmentation."""
    CYCLES = "cycles"
    """Garbage that only the collector frees."""
    RESOURCE = "resource"
    """Descriptors, threads or tasks."""
    BOUNDED = "bounded"
    """Held by a container with a maximum that is not reached yet."""
