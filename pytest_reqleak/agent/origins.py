"""Where pending tasks and running threads were made, while a tracer of Python's memory runs.

A tracer keeps the stack of every object that was made under it, and tells it of
one object at a time; the groups are those of `resources`.
"""

from __future__ import annotations

import gc
import threading
import tracemalloc
from collections import Counter
from typing import Any

from pytest_reqleak.agent.resources import TASKS, THREADS, task_story, tasks_among, thread_stories
from pytest_reqleak.agent.windows import Stack, is_ours

_MOST = 500


def made_stacks() -> dict[str, Stack]:
    """The commonest stack of each group of tasks and threads, by the path of its holder.

    Frames from the allocation outwards. Empty where nothing is traced.
    """
    if not tracemalloc.is_tracing():
        return {}
    found: dict[str, Counter[Stack]] = {}
    for task in tasks_among(gc.get_objects())[-_MOST:]:
        story = task_story(task)
        if story:
            _add(found, f"{TASKS} {story}", task)
    threads = dict(list(threading._active.items()))  # type: ignore[attr-defined]
    for ident, story in thread_stories().items():
        if ident in threads:
            _add(found, f"{THREADS} {story}", threads[ident])
    return {path: stacks.most_common(1)[0][0] for path, stacks in found.items()}


def _add(found: dict[str, Counter[Stack]], path: str, thing: Any) -> None:
    traceback = tracemalloc.get_object_traceback(thing)
    if traceback is None:
        return
    stack = tuple((frame.filename, frame.lineno, "") for frame in reversed(traceback))
    if not is_ours(stack):
        found.setdefault(path, Counter())[stack] += 1
