"""What the kernel counts for this process, read through descriptors that stay open.

A listing of `/proc/self/fd` or a parse of `/proc/self/stat` costs tens of
microseconds, at each of hundreds of samples; the kernel keeps the same numbers in
the attributes of those directories, which one system call on an open descriptor
reads in one microsecond.

Knows files under /proc; not what a number means. Where there is no such file, or
the kernel keeps no number there, the number is None for good: ask somebody else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

_ROOT = "/proc/self"
_STATM_BYTES = 256


class ProcFiles:
    """Open files of the kernel about the process that made this; `close` it."""

    def __init__(self, root: str = _ROOT) -> None:
        """Open what there is.

        Args:
            root: The process' directory.
        """
        self._files: list[int] = []
        self._page = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
        self._statm = self._open(root, "statm")
        self._tasks = self._open(root, "task")
        self._descriptors = self._open(root, "fd")
        if self._tasks is not None and os.fstat(self._tasks).st_nlink != 2 + _count(f"{root}/task"):
            self._tasks = None
        # Kernels before 6.2 say 0. Listing opens one more, which the directory lists too.
        if self._descriptors is not None and os.fstat(self._descriptors).st_size != _count(f"{root}/fd") - 1:
            self._descriptors = None

    def close(self) -> None:
        """Give the descriptors back; nothing can be read any more."""
        files, self._files = self._files, []
        self._statm = self._tasks = self._descriptors = None
        for file in files:
            os.close(file)

    @property
    def rss_bytes(self) -> Callable[[], int] | None:
        """Reads the resident set size."""
        return None if self._statm is None else self._read_rss

    @property
    def descriptors(self) -> Callable[[], int] | None:
        """Counts the open descriptors, these files included."""
        return None if self._descriptors is None else self._count_descriptors

    @property
    def threads(self) -> Callable[[], int] | None:
        """Counts the threads, native ones included."""
        return None if self._tasks is None else self._count_threads

    def _open(self, root: str, name: str) -> int | None:
        if not sys.platform.startswith("linux"):
            return None
        try:
            file = os.open(f"{root}/{name}", os.O_RDONLY)
        except OSError:
            return None
        self._files.append(file)
        return file

    def _read_rss(self) -> int:
        assert self._statm is not None
        # The kernel writes this file anew at each read.
        return int(os.pread(self._statm, _STATM_BYTES, 0).split()[1]) * self._page

    def _count_descriptors(self) -> int:
        assert self._descriptors is not None
        return os.fstat(self._descriptors).st_size

    def _count_threads(self) -> int:
        assert self._tasks is not None
        # A directory's links: itself, its parent, and one from each directory in it.
        return os.fstat(self._tasks).st_nlink - 2


def _count(directory: str) -> int:
    try:
        return len(os.listdir(directory))
    except OSError:
        return -1
