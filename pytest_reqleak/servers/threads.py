"""A few daemon threads that call what would block the event loop: WSGI apps.

Daemons, unlike those of `concurrent.futures`: an app call that never returns
must not keep the process from ending. Rule of this file: a job leaves nothing
behind, no future, no timer, no record.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

THREAD_NAME = "reqleak-wsgi"

_Job = Callable[[], None]


class Threads:
    """Runs jobs in the order they were given, `count` at a time.

    A job must not raise. A thread is started when a job finds none idle, so that
    an app that is called one request at a time sees one thread only.

    Attributes:
        unended: How many jobs were given and have not returned.
    """

    def __init__(self, count: int) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._most = count
        self._threads: list[threading.Thread] = []
        self.unended = 0
        self._lock = threading.Lock()

    def submit(self, job: _Job) -> None:
        """Have a thread call `job`."""
        with self._lock:
            self.unended += 1
            if self.unended > len(self._threads) < self._most:
                self._add_thread()
        self._jobs.put(job)

    def close(self, *, timeout: float) -> bool:
        """End the threads; whether all ended within `timeout` seconds.

        A call that hangs cannot be cancelled: its thread is left behind, and
        ends with the process.
        """
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(timeout)
            if thread.is_alive():
                return False
        return True

    def _add_thread(self) -> None:
        thread = threading.Thread(
            target=self._serve, name=f"{THREAD_NAME}-{len(self._threads) + 1}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            # Kept until the next job otherwise, with all that it refers to.
            del job
            with self._lock:
                self.unended -= 1
