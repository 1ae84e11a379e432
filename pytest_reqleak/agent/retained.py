"""How much memory the allocators hold that nobody uses: what fragmentation and retention leave.

Two allocators are asked: glibc's (`mallinfo2`) and Python's own for small objects
(the statistics that `sys._debugmallocstats` prints). What a library maps for itself,
or takes from an allocator that is linked into it, is in neither.

Knows bytes now; not whether they grow.
"""

from __future__ import annotations

import ctypes
import re
import sys
from typing import Any

_FIELDS = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks")

# As `sys._debugmallocstats` words them on every Python from 3.10 to 3.14.
_FREE_BLOCKS = re.compile(rb"# bytes in available blocks\s*=\s*([\d,]+)")
_FREE_POOLS = re.compile(rb"\d[\d,]* unused pools \* [\d,]+ bytes\s*=\s*([\d,]+)")


class _Mallinfo2(ctypes.Structure):
    _fields_ = [*((name, ctypes.c_size_t) for name in _FIELDS), ("keepcost", ctypes.c_size_t)]


def free_bytes() -> int | None:
    """Bytes that the C allocator and Python's hold free; None where neither can be asked.

    Memory that was given back to the system inside a free chunk counts too: the
    addresses are still the allocator's. Takes 0.1 ms, and allocates nothing that stays.
    """
    found = [size for size in (_free_in_heap(), _free_in_pools()) if size is not None]
    return sum(found) if found else None


def _free_in_heap() -> int | None:
    if not sys.platform.startswith("linux"):
        return None
    mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None)
    # musl has none, and glibc has it since 2.33.
    if mallinfo2 is None:
        return None
    mallinfo2.restype = _Mallinfo2
    return int(mallinfo2().fordblks)


def _free_in_pools() -> int | None:
    libc: Any = ctypes.CDLL(None) if sys.platform != "win32" else None
    tell = getattr(ctypes.pythonapi, "_PyObject_DebugMallocStats", None)
    # Python's own call prints to stderr; the C function behind it takes any stream.
    open_stream = getattr(libc, "open_memstream", None)
    if tell is None or open_stream is None:
        return None
    text, size = ctypes.c_char_p(), ctypes.c_size_t()
    open_stream.restype = ctypes.c_void_p
    stream = ctypes.c_void_p(open_stream(ctypes.byref(text), ctypes.byref(size)))
    if not stream:
        return None
    tell.argtypes = [ctypes.c_void_p]
    # 0 under PYTHONMALLOC=malloc: Python's own allocator is not in use.
    in_use = tell(stream)
    libc.fclose(stream)
    said = text.value or b""
    libc.free(text)
    if not in_use:
        return None
    parts = [pattern.search(said) for pattern in (_FREE_BLOCKS, _FREE_POOLS)]
    return sum(int(part[1].replace(b",", b"")) for part in parts if part is not None)
