"""Read a capture of memray: what every stack held at some moments.

To find the names of C functions takes the debug information of every library: 100 MB
and more. So it is done in a process of its own, and only the stacks come back; in the
measured process it is done only where no other can be started.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from pytest_reqleak.agent.symbols import is_pythons, native_frames
from pytest_reqleak.agent.windows import Stack, is_ours

Held = dict[Stack, tuple[int, int]]
"""Bytes and blocks by stack."""

# Of glibc on 64 bits.
_LEAST_CHUNK, _HEADER, _ALIGNMENT = 32, 8, 16
# CPython's arenas; what lives in them is traced one by one.
_ARENAS = frozenset({256 * 1024, 1024 * 1024})
_CHILD_SECONDS = 60.0
_CHILD = (
    "import json, sys; asked = json.load(sys.stdin); sys.path[:] = asked.pop('path'); "
    "from pytest_reqleak.agent import capture; capture.answer(**asked)"
)


def held_at(file: str, times: Sequence[float], *, frames: int, native: bool) -> list[Held]:
    """What every stack outside the harness held at each of some times.

    Args:
        file: The capture, closed.
        times: In milliseconds since 1970, ascending.
        frames: How many of Python's frames a stack has at most.
        native: Whether only what Python's allocator does not serve counts, with native frames.
    """
    asked: dict[str, Any] = {"file": file, "times": list(times), "frames": frames, "native": native}
    told = _ask_child(asked)
    if told is None:
        return read(**asked)
    held: list[Held] = [{} for _ in times]
    for stack, figures in told:
        key = tuple((name, line, function) for name, line, function in stack)
        for table, (size, n_blocks) in zip(held, figures, strict=True):
            table[key] = (size, n_blocks)
    return held


def _ask_child(asked: dict[str, Any]) -> list[Any] | None:
    """The stacks with their figures; None where no other process can read them."""
    if not sys.executable:
        return None
    # What the app's environment does to an interpreter (a tracer, another allocator) is not for this one.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MEMRAY"))}
    env.pop("LD_PRELOAD", None)
    try:
        done = subprocess.run(
            [sys.executable, "-S", "-c", _CHILD],
            input=json.dumps({**asked, "path": sys.path}),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=_CHILD_SECONDS,
            env=env,
            check=True,
        )
        told: list[Any] = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
    return told


def answer(**asked: Any) -> None:
    """Read as asked, and print every stack with its figures as one line of JSON."""
    held = read(**asked)
    stacks = dict.fromkeys(stack for table in held for stack in table)
    sys.stdout.write(
        json.dumps([[stack, [table.get(stack, (0, 0)) for table in held]] for stack in stacks]) + "\n"
    )


def read(file: str, times: Sequence[float], frames: int, native: bool) -> list[Held]:
    """Read a capture in this process; see `held_at`."""
    import memray

    held: list[Held] = [{} for _ in times]
    with memray.FileReader(file) as reader:
        notes = [snapshot.time for snapshot in reader.get_memory_snapshots()]
        places = [_last_before(notes, when) for when in times]
        for record in reader.get_temporal_allocation_records(merge_threads=True):
            if native and is_pythons(record.allocator):
                continue
            chunks = native and record.allocator in _from_heap()
            counts = [_held_at(record.intervals, place, chunks=chunks) for place in places]
            if not any(size for size, _ in counts) or _is_arena(record):
                continue
            called = record.stack_trace(frames)
            stack = tuple((file, line, function) for function, file, line in called)
            if is_ours(stack):
                continue
            if native:
                stack = (*native_frames(record), *stack)
            for table, (size, n_blocks) in zip(held, counts, strict=True):
                old = table.get(stack, (0, 0))
                table[stack] = (old[0] + size, old[1] + n_blocks)
    return held


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
