"""Bring the process to rest, so that two samples can be compared.

A sample taken while a request is still being torn down shows that request, not
what it left behind: a healthy server showed 90 blocks per request without this
barrier and 0.07 with it. Every wait here is bounded; a task or thread that never
rests is itself a finding, so it is sampled as it is.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable

UNFINISHED_SECONDS = 5.0
"""How long a request may go on after its response, before it counts as background work."""

OWN_THREADS = "reqleak"
"""How the names of the harness's own threads begin."""

RESTLESS_SECONDS = 0.25
"""How long we watch work that goes down, before we sample it as it is."""

# Three equal readings in a row, 1 ms apart: what still changes (a queue being drained, a
# response being sent) changes within a millisecond; what waits for something does not.
_EQUAL_READINGS = 3
_PAUSE_SECONDS = 0.001

# Finalisers may make new garbage; three rounds are what CPython's own leak tests settle for.
_COLLECTIONS = 3


class Barrier:
    """Waits until the app is quiet."""

    def __init__(
        self,
        *,
        pass_loop: Callable[[], object] | None = None,
        pending_tasks: Callable[[], int] | None = None,
        unfinished: Callable[[], int] | None = None,
    ) -> None:
        """Know whom to wait for.

        Args:
            pass_loop: Returns when the app's event loop has run all that was ready.
            pending_tasks: Counts that loop's unfinished tasks.
            unfinished: Counts the requests whose call of the app has not returned.
        """
        self._pass_loop = pass_loop
        self._pending_tasks = pending_tasks
        self._unfinished = unfinished
        self._least_tasks = pending_tasks() if pending_tasks is not None else 0

    def settle(self) -> None:
        """Return when the app is quiet and its garbage is collected, or when it will not rest."""
        self._await_unfinished()
        if self._pass_loop is not None:
            self._pass_loop()
        self._await_tasks()
        self._await_threads()
        collect()

    def _await_unfinished(self) -> None:
        if self._unfinished is None or not self._unfinished():
            return
        deadline = time.monotonic() + UNFINISHED_SECONDS
        while self._unfinished() and time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)

    def _await_tasks(self) -> None:
        if self._pending_tasks is None:
            return
        pending = self._pending_tasks()
        if pending > self._least_tasks:
            pending = _await_rest(self._pending_tasks, self._least_tasks)
        self._least_tasks = min(self._least_tasks, pending)

    def _await_threads(self) -> None:
        # Where all threads are ours, nobody works between two batches.
        if any(not _is_ours(thread) for thread in threading.enumerate()):
            _await_rest(sys.getallocatedblocks, 0)


# The interpreter's cache of attribute look-ups keeps up to 4,096 names alive that were made
# for one `getattr(visitor, f"visit_{kind}")`: a plateau that takes thousands of requests,
# and is begun anew by whatever else runs in between. Emptying it takes 5 us.
def _find_cache_clearer() -> Callable[[], object]:
    for name in ("_clear_internal_caches", "_clear_type_cache"):
        clear: Callable[[], object] | None = getattr(sys, name, None)
        if clear is not None:
            return clear
    return lambda: None


_clear_interpreter_caches = _find_cache_clearer()


def collect() -> int:
    """Empty the interpreter's own caches, and collect until nothing more is freed.

    Returns:
        How many objects were in cycles that nothing reached any more.
    """
    _clear_interpreter_caches()
    found = 0
    for _ in range(_COLLECTIONS):
        unreachable = gc.collect()
        found += unreachable
        if not unreachable:
            break
    return found


def _is_ours(thread: threading.Thread) -> bool:
    return (
        thread is threading.current_thread()
        or thread is threading.main_thread()
        or thread.name.startswith(OWN_THREADS)
    )


def _await_rest(read: Callable[[], int], least: int) -> int:
    deadline = time.monotonic() + RESTLESS_SECONDS
    reading, equal = read(), 1
    while reading > least and equal < _EQUAL_READINGS and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
        before, reading = reading, read()
        equal = equal + 1 if reading == before else 1
    return reading
