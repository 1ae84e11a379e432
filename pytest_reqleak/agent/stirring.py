"""Whether the other threads of this process work or wait, as the kernel tells it.

A server's own threads may call the app, or free what a request needed, without
Python's knowing of them. Watching the memory until it stays as it is takes
milliseconds at each rest; the kernel knows at once who runs.

Knows threads; not what they do.
"""

from __future__ import annotations

import os
import sys
import threading
import time

_TASKS = "/proc/self/task"
_STAT_BYTES = 256
# Running or about to; waiting for a disk, which takes no time.
_STIRRING = (b"R", b"D")
_PAUSE_SECONDS = 0.0003


class OtherThreads:
    """All threads of this process but the calling one."""

    def __init__(self) -> None:
        """Take the calling thread for the one that asks, from here on."""
        self._own = str(threading.get_native_id())

    def are_quiet(self) -> bool:
        """Whether none works, and none has done anything while this looked.

        One that waits for the interpreter sleeps as well. But it is woken whenever we let
        go of that, as each call of the system does: then it runs, or has been switched.

        Takes 10 us for each thread.
        """
        switches = _switches_of_others()
        return not any(map(self._stirs, os.listdir(_TASKS))) and switches == _switches_of_others()

    def await_quiet(self, seconds: float) -> bool:
        """Wait until they are quiet, for so long at most; whether they are."""
        deadline = time.monotonic() + seconds
        while not self.are_quiet():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE_SECONDS)
        return True

    def _stirs(self, thread: str) -> bool:
        if thread == self._own:
            return False
        try:
            file = os.open(f"{_TASKS}/{thread}/stat", os.O_RDONLY)
        except OSError:
            # It has just ended.
            return True
        try:
            # The name stands in parentheses and may hold anything.
            return os.read(file, _STAT_BYTES).rpartition(b")")[2][1:2] in _STIRRING
        except OSError:
            return True
        finally:
            os.close(file)


def find_other_threads() -> OtherThreads | None:
    """Look at the other threads from the calling one; None where the kernel does not tell of them."""
    if not sys.platform.startswith("linux") or not os.path.exists(_TASKS):
        return None
    before = _own_switches()
    # Who sleeps is switched. Sandboxes that play the kernel count nothing.
    time.sleep(_PAUSE_SECONDS)
    return OtherThreads() if _own_switches() > before else None


if sys.platform.startswith("linux"):
    import resource

    def _own_switches() -> int:
        used = resource.getrusage(resource.RUSAGE_THREAD)
        return used.ru_nvcsw + used.ru_nivcsw

    def _switches_of_others() -> int:
        used = resource.getrusage(resource.RUSAGE_SELF)
        # Threads that have ended stay in this sum.
        return used.ru_nvcsw + used.ru_nivcsw - _own_switches()

else:

    def _own_switches() -> int:
        return 0

    def _switches_of_others() -> int:
        return 0
