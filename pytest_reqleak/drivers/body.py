"""Make iterations happen by calling a test's body again and again.

Knows a callable only: not pytest, nor what the body asks of the app.
"""

from __future__ import annotations

from collections.abc import Callable


class BodyDriver:
    """Runs one pass of the body per iteration, in the calling thread.

    What the body raises ends the batch and passes through unchanged.
    """

    def __init__(
        self,
        run_pass: Callable[[int], None],
        *,
        before_pass: Callable[[], None] | None = None,
        after_pass: Callable[[], None] | None = None,
    ) -> None:
        """Take the body; nothing runs yet.

        Args:
            run_pass: One pass; is given the iteration's number, counted from 0.
            before_pass: Called before each pass but the first: makes the next one start like that one.
            after_pass: Called after each pass that did not raise; what it raises ends the run.
        """
        self._run_pass = run_pass
        self._before_pass = before_pass
        self._after_pass = after_pass
        self.passes = 0
        """Passes begun: the number, counted from 1, of the one that runs or ran last."""
        self.failed = False
        """Whether the last pass raised."""

    def run_batch(self, first: int, count: int, only: int | None = None) -> None:
        """Run the body `count` times.

        Every pass has a number that no other had, whatever `first` says: a body may do
        what can be done once for each number. A body has no requests, so `only` means nothing.
        """
        run_pass, before_pass, after_pass = self._run_pass, self._before_pass, self._after_pass
        for _ in range(count):
            if before_pass is not None and self.passes:
                before_pass()
            self.passes += 1
            try:
                run_pass(self.passes - 1)
            except BaseException:
                self.failed = True
                raise
            if after_pass is not None:
                after_pass()

    def close(self) -> None:
        """Nothing is open: what the body uses belongs to its fixtures."""
