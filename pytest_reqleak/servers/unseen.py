"""What an app raises where no client sees it: behind a whole answer, or while it is shut down.

Knows how it is told; whoever calls the app knows when it was.
"""

from __future__ import annotations

import threading

from pytest_reqleak.model.finding import Caveat
from pytest_reqleak.servers.failure import describe_exception

_SERVER_ERROR = 500


class Unseen:
    """What was raised since the last `clear`; any thread.

    Attributes:
        lifespan: What has become of the app's lifespan after its start-up; empty: nothing of note.
    """

    def __init__(self) -> None:
        self.lifespan = ""
        self._lock = threading.Lock()
        self._first = ""
        self._count = 0

    def clear(self) -> None:
        """Begin anew, with a run."""
        self._first = ""
        self._count = 0

    def take(self, error: BaseException, *, status: int) -> None:
        """Count what a call has raised after its answer was complete.

        Args:
            error: Told, and not kept: its traceback holds the request's objects.
            status: Of the answer. Frameworks answer 500 for what they then raise: that was seen.
        """
        if status >= _SERVER_ERROR:
            return
        with self._lock:
            self._count += 1
            if not self._first:
                self._first = describe_exception(error)

    def caveats(self) -> tuple[Caveat, ...]:
        """What the reader of a result should know of it."""
        found = []
        if self._count:
            requests = "1 request" if self._count == 1 else f"{self._count:,} requests"
            text = f"the app raised in {requests} after the answer was complete; the first: {self._first}"
            found.append(Caveat(slug="raised-late", text=text))
        if self.lifespan:
            found.append(Caveat(slug="lifespan-failed", text=self.lifespan))
        return tuple(found)
