"""How a run gets on: one line, rewritten in place, for a person who waits.

The rule of this file: the tool must not see itself. It runs between the batches
of the process that may be measured, so it keeps a fixed handful of numbers, and
everything else that it makes dies before `advance` returns.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from pytest_reqleak.report.stream import stream_abilities
from pytest_reqleak.units import format_count, format_seconds

REDRAW_SECONDS = 0.1
"""At most ten lines per second: more cannot be read, and each costs a write to the terminal."""

_NAMES = {
    "boot": "starting the app",
    "warmup": "warming up",
    "measure": "measuring",
    "confirm": "confirming",
    "trace": "tracing",
    "replay": "replaying",
}


class Progress:
    """Shows phase, iterations, rate and time left; does nothing where nobody watches.

    Example:
        `measuring   1,200/2,000   9,800/s   0.1 s left`
    """

    def __init__(
        self, stream: TextIO | None = None, *, title: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Watch a run.

        Args:
            stream: Where to draw; None: standard error.
            title: Stands before each line, where several runs follow each other.
            clock: Seconds, never going back.
        """
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._title = f"{title}: " if title else ""
        self._watched = stream_abilities(self._stream).is_terminal
        self.iterations = 0
        """Done in all phases together, whether anybody watches or not."""
        self._name = ""
        self._total = 0
        self._done = 0
        self._began = 0.0
        self._drawn = 0.0
        self._columns = 0

    def phase(self, name: str, total: int | None) -> None:
        """Begin a phase of `total` iterations; None: its length is not known."""
        if not self._watched:
            return
        self._name = _NAMES.get(name, name)
        self._total = total or 0
        self._done = 0
        self._began = self._drawn = self._clock()
        self._draw(self._began)

    def advance(self, iterations: int) -> None:
        """Count iterations that are done; redraw the line when its time has come."""
        self.iterations += iterations
        if not self._watched:
            return
        self._done += iterations
        now = self._clock()
        if now - self._drawn >= REDRAW_SECONDS:
            self._drawn = now
            self._draw(now)

    def close(self) -> None:
        """Take the line away; what is printed next begins at the line's start."""
        if self._watched and self._columns:
            self._write("\r" + " " * self._columns + "\r")
        self._columns = 0
        self._watched = False

    def _draw(self, now: float) -> None:
        spent = now - self._began
        line = self._title + self._name
        if self._total:
            line += f"   {format_count(self._done)}/{format_count(self._total)}"
        elif self._done:
            line += f"   {format_count(self._done)}"
        if self._done and spent > 0:
            rate = self._done / spent
            line += f"   {format_count(round(rate))}/s"
            if self._total > self._done:
                line += f"   {format_seconds((self._total - self._done) / rate)} left"
        # The last column stays free: a terminal that has filled it would go on to a new line.
        line = line[: max(0, stream_abilities(self._stream).width - 1)]
        blanks = " " * (self._columns - len(line))
        self._columns = len(line)
        self._write(f"\r{line}{blanks}")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            # The terminal has gone; the run has not, and its result is what counts.
            self._watched = False
