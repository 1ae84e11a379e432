"""The thread in which the app lives, with an event loop of its own.

Rules of this file: nothing here runs per request, and every wait from another
thread is bounded: an app that blocks its loop must not take the caller along.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from pytest_reqleak.agent.loops import PASS_SECONDS, Passing, pass_loop

T = TypeVar("T")

THREAD_NAME = "reqleak-app"

GRACE_SECONDS = 2.0
"""How long cancelled work may take to end, before it is left behind."""

# asyncio keeps what is ready in a deque, whose blocks of 64 places move on with each callback. The first
# block that it needs besides its own stays with it for good, and would show in the middle of a measurement.
_CALLBACKS = 3 * 64

# Work that waits with progress is looked at this often within its timeout.
_LOOKS = 8


class HostTimeout(Exception):
    """Work on the host thread did not end in time.

    Attributes:
        stopped: Whether cancelling it worked; False: it blocks the loop, or
            swallows its cancellation, and is left behind.
    """

    def __init__(self, *, stopped: bool) -> None:
        super().__init__("the work on the host thread did not end in time")
        self.stopped = stopped


class Host:
    """A daemon thread that runs one event loop until `close`.

    Attributes:
        loop: Of that thread.
        rests: Whether the loop has run all that was ready, and nobody has sent it a request since:
            a further barrier would find nothing to wait for. Two hops from thread to thread cost
            100 us, as much as two requests.
    """

    loop: asyncio.AbstractEventLoop
    rests = False

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Future[None] | None = None
        self._own_tasks: set[asyncio.Task[Any]] = set()
        self._before_end: list[Callable[[], None]] = []
        self._started = threading.Event()
        # The caller's context variables are none of the app's business.
        self._context = contextvars.Context()

    def start(self) -> None:
        """Start the thread; returns when its loop runs."""
        self.loop = asyncio.new_event_loop()
        # A batch is one long callback now and then: not worth a warning in debug mode.
        self.loop.slow_callback_duration = float("inf")
        self._thread = threading.Thread(target=self._serve, name=THREAD_NAME, daemon=True)
        self._thread.start()
        self._started.wait()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def run(
        self,
        work: Coroutine[Any, Any, T],
        *,
        timeout: float,
        progress: Callable[[], object] | None = None,
        before_cancel: Callable[[], None] | None = None,
        rest: bool = False,
    ) -> T:
        """Run a coroutine on the loop, from another thread, and give its result.

        Args:
            work: What to run, in a task of its own.
            timeout: Seconds it may take; with `progress`, seconds without any.
            progress: Gives a value that changes whenever the work advances. It
                is looked at a few times within `timeout`, so that work of many
                steps needs no timer per step.
            before_cancel: Called before the work is cancelled, so that it can
                tell this from a cancellation of its own making.
            rest: Whether to return only when the loop has run all that was ready then.

        Raises:
            HostTimeout: It took longer. It has been cancelled.
            BaseException: Whatever the coroutine raised.
        """
        self.rests = False
        call = _Call(self.loop, work, self._context if rest else None)
        try:
            self.loop.call_soon_threadsafe(call.begin, context=self._context)
        except RuntimeError:
            work.close()
            raise
        ended = False
        try:
            ended = wait_for_end(call.ended, timeout, progress)
            if not ended and call.is_done:
                # It was in time; what it has left ready may take longer, within bounds of its own.
                ended = call.ended.acquire(timeout=PASS_SECONDS + GRACE_SECONDS)
        finally:
            # Not ended: late, or the caller is interrupted (Ctrl-C).
            if not ended:
                if before_cancel is not None:
                    before_cancel()
                self.loop.call_soon_threadsafe(call.cancel, context=self._context)
        if not ended:
            raise HostTimeout(stopped=call.ended.acquire(timeout=GRACE_SECONDS))
        self.rests = rest
        outcome: T = call.outcome()
        return outcome

    def barrier(self, *, timeout: float = GRACE_SECONDS) -> bool:
        """Wait until the loop has run everything that was ready; whether it did so in time.

        After it the loop thread waits for events, so that nothing changes while
        another thread reads the meters.
        """
        self.rests = pass_loop(self.loop, self._context, timeout=timeout)
        return self.rests

    def await_rest(self) -> None:
        """A barrier, unless one has just passed."""
        if not self.rests:
            self.barrier()
        # What comes next need not tell us.
        self.rests = False

    def keep_task(self, task: asyncio.Task[Any]) -> None:
        """Count a task as the server's own, not the app's."""
        self._own_tasks.add(task)

    def before_end(self, call: Callable[[], None]) -> None:
        """Have something called on the loop when it ends, however late an app lets that be."""
        self._before_end.append(call)

    def pending_tasks(self) -> int:
        """Count the app's unfinished tasks: those that are not the server's own."""
        return sum(1 for task in asyncio.all_tasks(self.loop) if task not in self._own_tasks)

    def close(self, *, timeout: float = 2 * GRACE_SECONDS) -> bool:
        """Cancel what still runs, close async generators and end the thread.

        Returns:
            Whether the thread ended within `timeout` seconds. If it did not, the
            app blocks it; it is a daemon and ends with the process.
        """
        thread = self._thread
        if thread is None or not thread.is_alive():
            return True
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._end, context=self._context)
        thread.join(timeout)
        return not thread.is_alive()

    def _end(self) -> None:
        if self._stop is not None and not self._stop.done():
            self._stop.set_result(None)

    def _serve(self) -> None:
        loop = self.loop
        asyncio.set_event_loop(loop)
        # anyio ties its worker threads to the task that run_until_complete() runs. Without
        # one they would be tied to the request, and a thread would be made for each.
        main = loop.create_task(self._main(), name="reqleak-host")
        self._own_tasks.add(main)
        try:
            while not main.done():
                # An app's task that raises SystemExit also raises it here; a server survives that.
                with contextlib.suppress(SystemExit, KeyboardInterrupt):
                    loop.run_until_complete(main)
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    async def _main(self) -> None:
        self._stop = self.loop.create_future()
        for _ in range(_CALLBACKS):
            self.loop.call_soon(_do_nothing)
        self.loop.call_soon(self._started.set)
        await self._stop
        for call in self._before_end:
            call()
        leftover = asyncio.all_tasks() - {asyncio.current_task()}
        for task in leftover:
            task.cancel()
        if leftover:
            done, _ = await asyncio.wait(leftover, timeout=GRACE_SECONDS)
            for task in done:
                # Looked at, so that asyncio does not log it as never retrieved.
                if not task.cancelled():
                    task.exception()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.loop.shutdown_asyncgens(), GRACE_SECONDS)
        # Transports that were just closed let go of their sockets in the next turn.
        await asyncio.sleep(0)


def _do_nothing() -> None:
    """Stand in the row of callbacks."""


class _Call:
    """One coroutine on its way to the loop, and its outcome on the way back."""

    __slots__ = ("_context", "_error", "_loop", "_result", "_task", "_work", "ended", "is_done")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Coroutine[Any, Any, Any],
        context: contextvars.Context | None,
    ) -> None:
        """Take the work; with a context to do so in, the loop is passed before it counts as ended."""
        self._loop = loop
        self._context = context
        self._work = work
        self._task: asyncio.Task[Any] | None = None
        self._result: Any = None
        self._error: BaseException | None = None
        self.is_done = False
        self.ended = threading.Lock()
        self.ended.acquire()

    def begin(self) -> None:
        self._task = self._loop.create_task(self._work)
        self._task.add_done_callback(self._end)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _end(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            self._error = asyncio.CancelledError()
        else:
            self._error = task.exception()
            if self._error is None:
                self._result = task.result()
        self._task = None
        self.is_done = True
        if self._context is None:
            self.ended.release()
            return
        # Not at once: whoever called this still refers to the task.
        passing = Passing(self._loop, self._context, self.ended)
        self._loop.call_soon(passing.step, context=self._context)

    def outcome(self) -> Any:
        error, self._error = self._error, None
        if error is None:
            return self._result
        try:
            raise error
        finally:
            # The traceback refers to this frame: break the cycle.
            del error


def wait_for_end(ended: threading.Lock, timeout: float, progress: Callable[[], object] | None) -> bool:
    """Wait for a lock to be released; with `progress`, for as long as its value changes.

    Returns:
        Whether it was released; False after `timeout` seconds, or after that
        long without progress.
    """
    timeout = min(timeout, threading.TIMEOUT_MAX)
    if progress is None:
        return ended.acquire(timeout=timeout)
    seen, looks = progress(), 0
    while not ended.acquire(timeout=timeout / _LOOKS):
        now = progress()
        looks = looks + 1 if now == seen else 0
        seen = now
        if looks >= _LOOKS:
            return False
    return True
