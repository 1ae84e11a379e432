"""What an exporter does: collects for a moment, by the clock and unevenly, and sends all at once."""

from __future__ import annotations

import random
import time


class Tide:
    """Thousands of objects that come and go."""

    def __init__(self) -> None:
        self.collected: list[list[list[object]]] = []
        self._chance = random.Random(7)
        self._next = 0.0

    def collect(self) -> float:
        """Keep some objects until the next sending; tells what time it is."""
        now = time.monotonic()
        if now > self._next:
            self._next = now + self._chance.uniform(0.05, 0.6)
            self.collected.clear()
        self.collected.append([[], [], [], [], [], []])
        return now
