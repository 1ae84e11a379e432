"""Pending tasks, running threads and open descriptors, grouped by what they wait for or what they are.

When these grow, everything they hold grows with them: they are the cause, the
allocations are its victims. Reads code objects and frames only, runs nothing.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import types
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from pytest_reqleak.agent.descriptors import lowest_free, open_descriptors
from pytest_reqleak.agent.identity import class_dict, derives, of_kind, plain, type_name
from pytest_reqleak.agent.roots import frame_name, is_task
from pytest_reqleak.model.finding import Holder

TASKS, THREADS, DESCRIPTORS = "tasks running", "threads running", "descriptors open:"
"""How the paths of these groups begin."""

_MOST_DEEP = 100
_HEAP_TYPE = 1 << 9
# The first frames of every thread, whatever it runs.
_BOOTSTRAP = {
    *("threading.Thread._bootstrap", "threading.Thread._bootstrap_inner", "threading.Thread.run"),
    # Before CPython 3.11 code does not know its class.
    *("threading._bootstrap", "threading._bootstrap_inner", "threading.run"),
}
_WAITING = {"asyncio", "threading", "queue", "concurrent", "socket", "selectors", "anyio", "_asyncio"}


def _awaited(coroutine: Any) -> tuple[list[types.FrameType], Any]:
    """The frames of a chain of awaits, outermost first, and what the last of them waits for."""
    frames: list[types.FrameType] = []
    while type(coroutine) is types.CoroutineType and len(frames) < _MOST_DEEP:
        frame = coroutine.cr_frame
        if frame is None:
            break
        frames.append(frame)
        coroutine = coroutine.cr_await
    return frames, coroutine


def _story(frames: list[types.FrameType]) -> str:
    """`shop.notify at shop.py:18, waiting in asyncio.locks.Event.wait`; frames outermost first."""
    begun = [frame for frame in frames if frame_name(frame) not in _BOOTSTRAP] or frames
    first = next((frame for frame in begun if not _waits(frame)), begun[0])
    last = frames[-1]
    own = next((frame for frame in reversed(frames) if not _waits(frame)), first)
    inner = "" if own is first else f", in {frame_name(own)}"
    story = f"{frame_name(first)}{inner} at {os.path.basename(own.f_code.co_filename)}:{own.f_lineno}"
    return story if last is own else f"{story}, waiting in {frame_name(last)}"


def _waits(frame: types.FrameType) -> bool:
    name = plain(dict.get(frame.f_globals, "__name__")) or ""
    return name.partition(".")[0] in _WAITING


def tasks_among(tracked: list[Any]) -> list[Any]:
    """The unfinished tasks of asyncio, in the order in which the collector lists them."""
    tasks = of_kind(tracked, lambda kind: is_task(kind) and derives(kind, asyncio.Task))
    return [task for task in tasks if _is_alive(task) and not asyncio.Future.done(task)]


def _is_alive(task: Any) -> bool:
    """Whether a task was initialised: asking one that was not for its coroutine ends the process."""
    try:
        # Granian's Rust tasks are made without; a loop is the first thing that they then lack.
        asyncio.Future.get_loop(task)
    except RuntimeError:
        return False
    return True


def task_story(task: Any) -> str:
    """What a task runs and waits for; empty where it runs no coroutine."""
    frames, last = _awaited(class_dict(asyncio.Task)["get_coro"](task))
    if not frames:
        return ""
    return _story(frames) + _foreign(last) + _resisting(task)


def _foreign(awaited: Any) -> str:
    """What a task waits for that is neither the interpreter's nor asyncio's: a server's future."""
    name = type_name(awaited)
    # Rust types call themselves builtins, but only types of the interpreter itself are static.
    ordinary = not type(awaited).__flags__ & _HEAP_TYPE or name.partition(".")[0] in _WAITING
    return "" if ordinary else f", waiting for {name}"


def _resisting(task: Any) -> str:
    """Whether a task was cancelled and has not taken notice: it was never woken, or caught it."""
    cancelling = class_dict(asyncio.Task).get("cancelling")
    # Counted since Python 3.11.
    return " in spite of having been cancelled" if cancelling is not None and cancelling(task) else ""


def pending_tasks(tracked: list[Any]) -> Counter[str]:
    """How many unfinished tasks there are of each kind."""
    return Counter(story for task in tasks_among(tracked) if (story := task_story(task)))


def thread_stories() -> dict[int, str]:
    """What each thread runs and waits for, by its identifier; the calling thread is left out."""
    stacks: dict[int, list[types.FrameType]] = {}
    here = sys._getframe()
    for ident, top in sys._current_frames().items():
        frame: types.FrameType | None = top
        stack: list[types.FrameType] = []
        while frame is not None and frame is not here and len(stack) < _MOST_DEEP:
            stack.append(frame)
            frame = frame.f_back
        if stack and frame is not here:
            stacks[ident] = stack[::-1]
    return {ident: _story(stack) for ident, stack in stacks.items()}


def running_threads() -> Counter[str]:
    """How many threads run each target, the calling thread left out."""
    return Counter(thread_stories().values())


class ResourceCount:
    """Tells which tasks, threads and descriptors have become more since a mark."""

    def __init__(self) -> None:
        self._tasks: Counter[str] = Counter()
        self._threads: Counter[str] = Counter()
        self._descriptors: Counter[str] = Counter()

    def mark(self) -> None:
        """Count threads and descriptors now."""
        self._threads, self._descriptors = running_threads(), open_descriptors()

    def mark_tasks(self, tracked: list[Any]) -> None:
        """Count the tasks among what the collector lists."""
        self._tasks = pending_tasks(tracked)

    def grown(self, iterations: int, least: int, tracked: list[Any]) -> list[Holder]:
        """Groups that have grown by at least `least`, the fastest first.

        Args:
            iterations: Done since the mark.
            least: That many more are growth.
            tracked: What the collector lists, the tasks at least.
        """
        found = []
        for word, kind, before, now in (
            (TASKS, "asyncio.Task", self._tasks, pending_tasks(tracked)),
            (THREADS, "threading.Thread", self._threads, running_threads()),
            (DESCRIPTORS, "descriptor", self._descriptors, open_descriptors()),
        ):
            for story, count in now.most_common():
                growth = count - before[story]
                if growth >= least:
                    found.append(
                        Holder(
                            path=f"{word} {story}",
                            type=kind,
                            growth_per_iteration=growth / iterations,
                            size=count,
                        )
                    )
        return sorted(found, key=lambda holder: -holder.growth_per_iteration)


def resource_gauges(holders: Sequence[Holder]) -> dict[str, Callable[[], int]]:
    """What rises when one more of the first group of threads, or of descriptors, is made; by its path."""
    gauges: dict[str, Callable[[], int]] = {}
    for word, read in ((THREADS, _count_threads), (DESCRIPTORS, lowest_free)):
        first = next((holder.path for holder in holders if holder.path.startswith(word)), None)
        if first is not None:
            gauges[first] = read
    return gauges


def _count_threads() -> int:
    return len(threading._active)  # type: ignore[attr-defined]
