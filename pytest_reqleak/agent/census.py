"""How many objects of each type live, those that the collector does not list included.

Texts, bytes, numbers, dates and most objects of C extensions are in no list that the
interpreter keeps; where a C extension forgets a reference to one, nothing leads to
it either. But it lies in the heap, and begins with two words that tell it: how often
it is referred to, and where its type is. So the heap itself is read, as a debugger
would read it from outside, and no object is touched.

Two counts at different times are to be compared; in a single one stale memory may
pass for an object here and there.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import compress

_MEMORY, _MAPS = "/proc/self/mem", "/proc/self/maps"
# What is made of a chunk while it is read must not move the resident size.
_CHUNK = 1 << 17
# Of each pair of words the first is the count of references, the second the type: objects
# begin at multiples of 16 bytes, wherever they lie.
_WORD = 8
# 0: it is dead, and its memory not used again yet. From 2**32 on: no count at all. The count
# of what is immortal (3.12) is just below.
_MOST_REFERENCES = (1 << 32) - 1
_MOST_BYTES = 1 << 30
_SECONDS = 1.0


def is_possible() -> bool:
    """Whether objects of this interpreter can be told apart in memory."""
    return (
        sys.implementation.name == "cpython"
        and sys.maxsize > 2**32
        and (3, 10) <= sys.version_info[:2] <= (3, 13)
        and not sysconfig.get_config_var("Py_GIL_DISABLED")
        and not hasattr(sys, "getobjects")
        and os.access(_MEMORY, os.R_OK)
    )


def count_objects(*, seconds: float = _SECONDS) -> Counter[int] | None:
    """Count the living objects by the id of their type.

    Args:
        seconds: Of the processor; 100 MB of heap take about 0.4 s.

    Returns:
        None where memory cannot be read, or not in that time, or is more than a GiB: a part of it would
        pass for objects that have died.
    """
    if not is_possible():
        return None
    found: Counter[int] = Counter()
    # Of this thread's own work: a machine that does other things too is no reason to give up.
    deadline = time.thread_time() + seconds
    is_type = set(map(id, known_types())).__contains__
    try:
        heaps = _heaps()
        if sum(end - begin for begin, end in heaps) > _MOST_BYTES:
            return None
        with open(_MEMORY, "rb", buffering=0) as memory:
            for counts_read, kinds in _pairs(memory.fileno(), heaps):
                marks = list(map(is_type, kinds))
                counts = compress(counts_read, marks)
                living = [0 < count <= _MOST_REFERENCES for count in counts]
                found.update(compress(compress(kinds, marks), living))
                if time.thread_time() > deadline:
                    return None
    except OSError:
        return None
    return found


def known_types() -> list[type]:
    """All classes of the process; those of C, which the collector does not list, included."""
    found: dict[int, type] = {id(object): object}
    level: list[type] = [object]
    while level:
        below: list[type] = []
        for kind in level:
            # Not `kind.__subclasses__`: a metaclass may have one of its own.
            subclasses: list[type] = type.__subclasses__(kind)
            for one in subclasses:
                if id(one) not in found:
                    found[id(one)] = one
                    below.append(one)
        level = below
    return list(found.values())


def _heaps() -> list[tuple[int, int]]:
    """Begin and end of the parts of memory in which objects may lie."""
    with open(_MAPS, "rb") as maps:
        lines = maps.read().splitlines()
    heaps = []
    for line in lines:
        fields = line.split(None, 5)
        # What has a name is a file or a stack; Python's arenas and large blocks have none.
        name = fields[5] if len(fields) > 5 else b""
        if not fields[1].startswith(b"rw") or (name and not name.startswith((b"[heap]", b"[anon:"))):
            continue
        begin, end = (int(part, 16) for part in fields[0].split(b"-"))
        heaps.append((begin, end))
    return heaps


def _pairs(memory: int, heaps: list[tuple[int, int]]) -> Iterator[tuple[array[int], array[int]]]:
    """What may be counts of references, and what may be the types that belong to them.

    A copy of memory is full of objects, too: there is one, it is not read, and nothing is left in it.
    """
    buffer = array("Q", bytes(_CHUNK))
    view = memoryview(buffer).cast("B")
    ours = buffer.buffer_info()[0]
    try:
        for begin, end in heaps:
            for low, high in ((begin, min(end, ours)), (max(begin, ours + _CHUNK), end)):
                for place in range(low, high, _CHUNK):
                    try:
                        size = os.preadv(memory, [view[: min(_CHUNK, high - place)]], place)
                    except OSError:
                        # Given back to the system since the maps were read.
                        break
                    words = size // (2 * _WORD) * 2
                    yield buffer[0:words:2], buffer[1:words:2]
    finally:
        view[:] = bytes(_CHUNK)
