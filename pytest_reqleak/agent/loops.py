"""The event loops of this process, seen from another thread.

Knows how to tell that a loop has run all that was ready, and how many of its
tasks are unfinished; not whose tasks they are.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import heapq
import threading
import time
from typing import Any

PASS_SECONDS = 2.0
"""How long a loop may take to run what is ready, before it is left as it is."""

# A task of the app that never waits keeps the loop busy for ever: then this must do.
_MOST_TURNS = 1000

# What a loop of another make has ready cannot be seen: the callbacks of a finished task that
# end another one take three turns.
_TURNS_UNSEEN = 3

# Where asyncio keeps its tasks: up to 3.11 the first, then the others.
_REGISTERS = ("_all_tasks", "_scheduled_tasks", "_eager_tasks")


class Passing:
    """Turns of a loop until nothing is ready; no closure, which would be a cycle for each batch."""

    __slots__ = ("_context", "_deadline", "_loop", "_turns", "passed")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: contextvars.Context,
        passed: threading.Lock | None = None,
    ) -> None:
        """Take the loop, and the lock to release in the end; without one it is made."""
        # A leak of tasks that never wait makes each turn longer than the one before.
        self._deadline = time.monotonic() + PASS_SECONDS
        self._loop = loop
        self._context = context
        self._turns = 0
        if passed is None:
            passed = threading.Lock()
            passed.acquire()
        self.passed = passed

    def step(self) -> None:
        """Take one turn."""
        self._turns += 1
        # Not a public attribute, and other loops lack it.
        ready = getattr(self._loop, "_ready", None)
        most = _TURNS_UNSEEN if ready is None else _MOST_TURNS
        if self._turns < most and (ready is None or ready) and time.monotonic() < self._deadline:
            self._loop.call_soon(self.step, context=self._context)
        else:
            drop_cancelled_timers(self._loop)
            self.passed.release()


def drop_cancelled_timers(loop: asyncio.AbstractEventLoop) -> None:
    """Let go of cancelled timers, on the loop's own thread, as asyncio does when they are many.

    It keeps up to a hundred of them, or as many as there are live ones: a server that sets a
    timer per request, or an app that calls `asyncio.wait_for`, read as a saw-tooth of 300 blocks.
    """
    scheduled = getattr(loop, "_scheduled", None)
    # Not public, and other loops lack it: then the saw-tooth stays.
    if type(scheduled) is not list or not getattr(loop, "_timer_cancelled_count", 0):
        return
    kept: list[Any] = []
    for handle in scheduled:
        if handle._cancelled:
            handle._scheduled = False
        else:
            kept.append(handle)
    heapq.heapify(kept)
    vars(loop).update(_scheduled=kept, _timer_cancelled_count=0)


def pass_loop(
    loop: asyncio.AbstractEventLoop, context: contextvars.Context, *, timeout: float = PASS_SECONDS
) -> bool:
    """Wait until a loop has run everything that was ready; whether it did so in time.

    After it the loop's thread waits for events, so that nothing changes while
    another thread reads the meters.
    """
    passing = Passing(loop, context)
    try:
        loop.call_soon_threadsafe(passing.step, context=context)
    except RuntimeError:
        # It is closed.
        return False
    return passing.passed.acquire(timeout=timeout)


def _loop_kinds() -> list[type]:
    """All classes of event loops; asking every object for its bases would take 30 ms."""
    kinds: list[type] = [asyncio.AbstractEventLoop]
    for kind in kinds:
        kinds += type.__subclasses__(kind)
    return kinds


class Loops:
    """All loops that run in this process when this is made."""

    def __init__(self) -> None:
        kinds = _loop_kinds()
        # By identity: a metaclass may say what equals what.
        wanted = set(map(id, kinds))
        # Before anything is frozen: what is frozen is not listed.
        self._loops: list[Any] = [
            thing for thing in gc.get_objects() if id(type(thing)) in wanted and thing.is_running()
        ]
        self._context = contextvars.Context()

    def __len__(self) -> int:
        return len(self._loops)

    def pass_all(self) -> None:
        """Wait until each has run what was ready, or will not."""
        for loop in self._loops:
            pass_loop(loop, self._context)

    def pending_tasks(self) -> int:
        """Count their unfinished tasks, the server's own included: those are as many at each rest."""
        return sum(map(unfinished_tasks, self._loops))


def unfinished_tasks(loop: asyncio.AbstractEventLoop) -> int:
    """Count the unfinished tasks of a loop."""
    try:
        return len(asyncio.all_tasks(loop))
    except RuntimeError:
        # One of them answers nothing, since it was made without its initialiser, as the tasks
        # of Granian's Rust implementation are. Those have no state that could be asked.
        registered = [task for name in _REGISTERS for task in list(getattr(asyncio.tasks, name, ()))]
        return sum(_is_unfinished(task, loop) for task in registered)


def _is_unfinished(task: asyncio.Task[object], loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return task.get_loop() is loop and not task.done()
    except RuntimeError:
        return False
