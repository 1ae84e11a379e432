"""How often a thread has had its turn, as the kernel counts it.

Who waits for another thread's next turn by the clock waits too long where the
machine is idle, and not long enough where it is busy.

Knows threads by their numbers; not what they do in their turn.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TypeVar

_TASKS = "/proc/self/task"
_COUNT = b"\nvoluntary_ctxt_switches:"
_POLL_SECONDS = 0.001

_T = TypeVar("_T")


class Turns:
    """The turns of one thread: how often it has waited for something and was woken again."""

    def __init__(self, thread: str) -> None:
        """Take a thread of this process by its number."""
        self._status = f"{_TASKS}/{thread}/status"

    def await_more(self, count: int, seconds: float) -> bool:
        """Wait until it had so many turns more, for so long at most; whether it had them."""
        before = self._count()
        deadline = time.monotonic() + seconds
        while before is not None:
            time.sleep(_POLL_SECONDS)
            now = self._count()
            if now is None:
                break
            if now - before >= count:
                return True
            if time.monotonic() >= deadline:
                break
        return False

    def _count(self) -> int | None:
        """None where the thread has ended, or the kernel does not count."""
        try:
            with open(self._status, "rb") as file:
                found = file.read().partition(_COUNT)[2].split(maxsplit=1)
        except OSError:
            return None
        return int(found[0]) if found else None


def turns_of_new_thread(begin: Callable[[], _T]) -> tuple[_T, Turns | None]:
    """Do something that starts a thread.

    Returns:
        What it returned, and the turns of that thread; None where the kernel tells of no threads,
        or of more than one that is new.
    """
    before = _threads()
    result = begin()
    new = _threads() - before
    return result, Turns(*new) if len(new) == 1 else None


def _threads() -> set[str]:
    if not sys.platform.startswith("linux"):
        return set()
    try:
        return set(os.listdir(_TASKS))
    except OSError:
        return set()
