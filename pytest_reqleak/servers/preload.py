"""Other allocators for a process that we start: libraries of the system, loaded before all others."""

from __future__ import annotations

import ctypes.util
import os
import sys
from dataclasses import dataclass

from pytest_reqleak.errors import ReqleakError, UsageError


class AllocatorMissing(ReqleakError):
    """The allocator that was asked for is not on this machine."""

    slug = "allocator-missing"


@dataclass(frozen=True, slots=True)
class _Library:
    names: tuple[str, ...]
    package: str
    """Of Debian and Ubuntu."""


_LIBRARIES = {
    "jemalloc": _Library(("jemalloc",), "libjemalloc2"),
    "mimalloc": _Library(("mimalloc",), "libmimalloc2.0 (Debian 12) or libmimalloc3"),
    "tcmalloc": _Library(("tcmalloc_minimal", "tcmalloc"), "libtcmalloc-minimal4"),
}


def preloading(allocator: str) -> dict[str, str]:
    """The variables that make an allocator serve a process.

    Args:
        allocator: `glibc`, which is the C library's own and needs none, `jemalloc`,
            `mimalloc` or `tcmalloc`.

    Raises:
        UsageError: This system cannot load another allocator.
        AllocatorMissing: Its library is not installed.
    """
    if allocator == "glibc":
        return {}
    if not sys.platform.startswith("linux"):
        raise UsageError(f"allocator = {allocator!r}: only Linux loads another allocator into a process")
    library = _LIBRARIES[allocator]
    found = next(filter(None, map(ctypes.util.find_library, library.names)), None)
    if found is None:
        raise AllocatorMissing(
            f"allocator = {allocator!r}: its library is not on this machine: install {library.package}"
        )
    before = os.environ.get("LD_PRELOAD", "")
    return {"LD_PRELOAD": f"{found}:{before}" if before else found}
