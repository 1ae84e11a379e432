"""Pending tasks and running threads, grouped by what they run and what they wait for.

When these grow, everything they hold grows with them: they are the cause, the
allocations are its victims. Reads code objects and frames only, runs nothing.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import types
from collections import Counter
from typing import Any

from pytest_reqleak.agent.identity import class_dict, derives, plain
from pytest_reqleak.agent.roots import frame_name, is_task
from pytest_reqleak.model.finding import Holder

_MOST_DEEP = 100
_WAITING = {"asyncio", "threading", "queue", "concurrent", "socket", "selectors", "anyio", "_asyncio"}


def _awaited(coroutine: Any) -> list[types.FrameType]:
    """The frames of a chain of awaits, outermost first."""
    frames: list[types.FrameType] = []
    while type(coroutine) is types.CoroutineType and len(frames) < _MOST_DEEP:
        frame = coroutine.cr_frame
        if frame is None:
            break
        frames.append(frame)
        coroutine = coroutine.cr_await
    return frames


def _story(frames: list[types.FrameType]) -> str:
    """`shop.notify at shop.py:18, waiting in asyncio.locks.Event.wait`; frames outermost first."""
    first = next((frame for frame in frames if not _waits(frame)), frames[0])
    last = frames[-1]
    own = next((frame for frame in reversed(frames) if not _waits(frame)), first)
    story = f"{frame_name(first)} at {os.path.basename(own.f_code.co_filename)}:{own.f_lineno}"
    return story if last is own else f"{story}, waiting in {frame_name(last)}"


def _waits(frame: types.FrameType) -> bool:
    name = plain(dict.get(frame.f_globals, "__name__")) or ""
    return name.partition(".")[0] in _WAITING


def pending_tasks(tracked: list[Any]) -> Counter[str]:
    """How many unfinished tasks there are of each kind."""
    found: Counter[str] = Counter()
    verdicts: dict[int, bool] = {}
    for thing in tracked:
        kind = type(thing)
        verdict = verdicts.get(id(kind))
        if verdict is None:
            verdict = verdicts[id(kind)] = is_task(kind)
        if not verdict:
            continue
        if not derives(kind, asyncio.Task) or asyncio.Future.done(thing):
            continue
        frames = _awaited(class_dict(asyncio.Task)["get_coro"](thing))
        if frames:
            found[_story(frames)] += 1
    return found


def running_threads() -> Counter[str]:
    """How many threads run each target, the calling thread left out."""
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
    return Counter(_story(stack) for stack in stacks.values())


class ResourceCount:
    """Tells which tasks and threads have become more since a mark."""

    def __init__(self) -> None:
        self._tasks: Counter[str] = Counter()
        self._threads: Counter[str] = Counter()

    def mark(self) -> None:
        """Count now."""
        self._tasks, self._threads = pending_tasks(gc.get_objects()), running_threads()

    def grown(self, iterations: int, least: int) -> list[Holder]:
        """Groups that have grown by at least `least`, the fastest first."""
        found = []
        for word, kind, before, now in (
            ("tasks running", "asyncio.Task", self._tasks, pending_tasks(gc.get_objects())),
            ("threads running", "threading.Thread", self._threads, running_threads()),
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
