"""Bring the process to rest, so that two samples can be compared.

A sample taken while a request is still being torn down shows that request, not
what it left behind: a healthy server showed 90 blocks per request without this
barrier and 0.07 with it. Every wait here is bounded; a task or thread that never
rests is itself a finding, so it is sampled as it is.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from pytest_reqleak.agent.collector import Collector

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

# Who has not rested at four samples in a row is waited for less and less, but for long enough
# to see three equal readings.
_PATIENT_SAMPLES = 4
_LEAST_PATIENCE = 0.01

# Tasks that pile up are a leak, which shall not take seconds more to be found.
_PATIENT_WITH_TASKS = 2

# A worker that flushes what it has every half second rests when its time has come, at each of a
# hundred samples; that is half a minute for what the noise of a batch or two would have cost.
_LATE_TASKS_SECONDS = 3.0


class _Patience:
    """How long something is waited for that may never rest, or each of hundreds of samples would wait."""

    def __init__(self, *, samples: int, least: float) -> None:
        self.seconds = RESTLESS_SECONDS
        self._given_up, self._samples, self._least = 0, samples, least

    def reward(self) -> None:
        """It rested."""
        self.seconds, self._given_up = RESTLESS_SECONDS, 0

    def lose(self) -> None:
        """It did not."""
        self._given_up += 1
        if self._given_up > self._samples:
            self.seconds = max(self._least, self.seconds / 2)


class Barrier:
    """Waits until the app is quiet."""

    def __init__(
        self,
        *,
        pass_loop: Callable[[], object] | None = None,
        pending_tasks: Callable[[], int] | None = None,
        unfinished: Callable[[], int] | None = None,
        restless: Callable[[], int] | None = None,
        await_quiet: Callable[[float], bool] | None = None,
        collector: Collector | None = None,
    ) -> None:
        """Know whom to wait for.

        Args:
            pass_loop: Returns when the app's event loop has run all that was ready.
            pending_tasks: Counts that loop's unfinished tasks.
            unfinished: Counts the requests whose call of the app has not returned.
            restless: A reading that changes while threads work that Python does not know
                of; None: there are no such threads.
            await_quiet: Waits for those by better means, for so many seconds at most, and tells
                whether they rest; None: there are no such means.
            collector: Frees the garbage, or leaves it.
        """
        self._collector = collector or Collector()
        self._pass_loop = pass_loop
        self._pending_tasks = pending_tasks
        self._unfinished = unfinished
        self._restless = restless
        self._await_quiet = await_quiet
        self._patience = _Patience(samples=_PATIENT_SAMPLES, least=_LEAST_PATIENCE)
        self._patience_with_tasks = _Patience(samples=_PATIENT_WITH_TASKS, least=0.0)
        self._late_seconds_left = _LATE_TASKS_SECONDS
        self._least_tasks = pending_tasks() if pending_tasks is not None else 0

    def settle(self) -> None:
        """Return when the app is quiet and its garbage is collected, or when it will not rest."""
        self._await_unfinished()
        if self._pass_loop is not None:
            self._pass_loop()
        self._await_tasks()
        self._await_threads()
        self._collector.collect()

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
            pending, _ = _await_rest(self._pending_tasks, self._least_tasks)
            if pending > self._least_tasks:
                pending = self._await_late_tasks()
        else:
            self._patience_with_tasks.reward()
        self._least_tasks = min(self._least_tasks, pending)

    def _await_late_tasks(self) -> int:
        """Wait for tasks that stand still: one that writes a record a tenth of a second later ends, too."""
        assert self._pending_tasks is not None
        begun = time.monotonic()
        deadline = begun + min(self._patience_with_tasks.seconds, self._late_seconds_left)
        pending = self._pending_tasks()
        while pending > self._least_tasks and time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)
            pending = self._pending_tasks()
        self._late_seconds_left = max(0.0, self._late_seconds_left - (time.monotonic() - begun))
        if pending > self._least_tasks:
            self._patience_with_tasks.lose()
            return pending
        self._patience_with_tasks.reward()
        if self._pass_loop is not None:
            # Whoever waited for them has something to do now.
            self._pass_loop()
        return pending

    def _await_threads(self) -> None:
        if self._threads_rest():
            self._patience.reward()
        else:
            self._patience.lose()

    def _threads_rest(self) -> bool:
        """Wait for all threads, within our patience; whether they rest."""
        if self._await_quiet is not None and not self._await_quiet(self._patience.seconds):
            return False
        told = self._await_quiet is not None or self._restless is None
        # Where all threads are ours, nobody works between two batches.
        if told and all(_is_ours(thread) for thread in threading.enumerate()):
            return True
        return _await_rest(self._restless or sys.getallocatedblocks, 0, seconds=self._patience.seconds)[1]


def _is_ours(thread: threading.Thread) -> bool:
    return (
        thread is threading.current_thread()
        or thread is threading.main_thread()
        or thread.name.startswith(OWN_THREADS)
    )


def _await_rest(
    read: Callable[[], int], least: int, *, seconds: float = RESTLESS_SECONDS
) -> tuple[int, bool]:
    """Wait until a reading is down or stays as it is: the reading, and whether it does."""
    deadline = time.monotonic() + seconds
    reading, equal = read(), 1
    while reading > least and equal < _EQUAL_READINGS and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
        before, reading = reading, read()
        equal = equal + 1 if reading == before else 1
    return reading, reading <= least or equal >= _EQUAL_READINGS
