"""What serves C code in this process: its name, the bytes in use there, and how it gives memory back.

Looks for what an allocator exports to the whole process, so it finds the one
that was preloaded, and not one that an extension has linked into itself.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

# jemalloc's number for all of its arenas at once.
_ALL_ARENAS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocator:
    """The one allocator that `malloc` of this process leads to."""

    name: str
    """Such as `glibc 2.36` or `jemalloc 5.3.0`; empty where it is not known."""
    in_use: Callable[[], int] | None
    """Reads the bytes in use; None where it does not tell."""
    release: Callable[[], object] | None
    """Has it give free memory back to the system; None where it cannot be asked."""


def find_allocator() -> Allocator:
    """Find out what serves this process."""
    try:
        process: Any = ctypes.CDLL(None)
    except (OSError, TypeError):
        return _of_the_c_library()
    if hasattr(process, "mallctl"):
        jemalloc = _Jemalloc(process)
        return Allocator(
            name=f"jemalloc {jemalloc.version()}".strip(),
            in_use=jemalloc.allocated,
            release=jemalloc.purge,
        )
    if hasattr(process, "mi_version"):
        number = int(process.mi_version())
        return Allocator(
            name=f"mimalloc {number // 100}.{number // 10 % 10}.{number % 10}",
            # It counts what it has committed, which swings by megabytes, not what is in use.
            in_use=None,
            release=lambda: process.mi_collect(True),
        )
    if hasattr(process, "MallocExtension_GetNumericProperty"):
        tcmalloc = _Tcmalloc(process)
        return Allocator(name="tcmalloc", in_use=tcmalloc.allocated, release=tcmalloc.release)
    return _of_the_c_library()


def _of_the_c_library() -> Allocator:
    try:
        # Other C libraries than glibc refuse the name.
        name = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError, AttributeError):
        name = ""
    return Allocator(name=name, in_use=_heap_in_use, release=getattr(psutil, "heap_trim", None))


def _heap_in_use() -> int:
    heap = psutil.heap_info()
    return int(heap.heap_used) + int(getattr(heap, "mmap_used", 0) or 0)


class _Jemalloc:
    def __init__(self, process: Any) -> None:
        self._control = process.mallctl
        self._bytes = ctypes.c_size_t()
        self._size = ctypes.c_size_t(ctypes.sizeof(ctypes.c_size_t))
        self._epoch = ctypes.c_uint64(1)
        # Made once: what a reading allocates would be read.
        nothing = ctypes.c_size_t(0)
        self._refresh = (b"epoch", None, None, ctypes.byref(self._epoch), ctypes.c_size_t(8))
        self._read = (
            b"stats.allocated",
            ctypes.byref(self._bytes),
            ctypes.byref(self._size),
            None,
            nothing,
        )
        self._flush = (b"thread.tcache.flush", None, None, None, nothing)
        self._purge = (f"arena.{_ALL_ARENAS}.purge".encode(), None, None, None, nothing)

    def allocated(self) -> int:
        # What a thread keeps for its next allocations is counted as allocated: up to 200 blocks
        # of each size. Only the thread that asks can give its own back; it may have nothing to give.
        self._control(*self._flush)
        # The figures are as of the last change of the epoch.
        if self._control(*self._refresh) or self._control(*self._read):
            raise OSError("jemalloc was built without statistics")
        return self._bytes.value

    def purge(self) -> None:
        self._control(*self._purge)

    def version(self) -> str:
        text, size = ctypes.c_char_p(), ctypes.c_size_t(ctypes.sizeof(ctypes.c_char_p))
        if self._control(b"version", ctypes.byref(text), ctypes.byref(size), None, ctypes.c_size_t(0)):
            return ""
        return (text.value or b"").decode().partition("-")[0]


class _Tcmalloc:
    def __init__(self, process: Any) -> None:
        self._property = process.MallocExtension_GetNumericProperty
        self.release = process.MallocExtension_ReleaseFreeMemory
        self._bytes = ctypes.c_size_t()
        self._arguments = (b"generic.current_allocated_bytes", ctypes.byref(self._bytes))

    def allocated(self) -> int:
        if not self._property(*self._arguments):
            raise OSError("tcmalloc does not tell the bytes in use")
        return self._bytes.value
