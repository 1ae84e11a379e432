"""Where a search for holders begins: modules, frames, tasks, loops and contexts, each with its name.

Knows which of them a person would name first: the user's modules, then the
libraries, then what runs. The harness's own modules and frames are left out.
"""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import signal
import sys
import threading
import types
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_reqleak.agent.identity import derives, home_of, inherits, module_dict, of_kind, plain
from pytest_reqleak.model.origin import HARNESS_PACKAGES, CodeMap, Origin

# `signal.getsignal` compares a handler with its constants, which runs code of the app's.
_signal: Any = importlib.import_module("_signal")

REQUEST_STATE = "request.state"
"""The name of what an app's lifespan has left for its requests."""

_MAX_FRAMES = 2000
_MAX_TASKS = 200
_MAX_LOST = 500
_OPTIMIZED = 1  # inspect.CO_OPTIMIZED

USER, LIBRARY, RUNNING, FOREIGN = 0, 1, 2, 4
"""Levels: a path from a later root wins only when it is that many steps shorter."""
_MODULE_LEVEL = {Origin.OWN: USER, Origin.LIBRARY: LIBRARY, Origin.SERVER: LIBRARY, Origin.STDLIB: RUNNING}


@dataclass(slots=True)
class Root:
    """Something with a name that keeps other things alive."""

    level: int
    module: str = ""
    """Of a module's globals: its name."""
    names: dict[str, Any] | None = None
    """Of a module: its globals; read afresh each time, so that nothing is copied."""
    things: list[tuple[str, Any]] = field(default_factory=list)
    """Of everything else: the whole text of the path so far, and what it leads to."""

    def entries(self) -> Iterator[tuple[str, Any, bool]]:
        """Text of the path (empty for a module's globals), the object, and whether its home is elsewhere."""
        if self.names is None:
            yield from ((text, thing, False) for text, thing in self.things)
            return
        for thing in list(dict.values(self.names)):
            yield "", thing, self._is_foreign(thing)

    def named(self, keys: Collection[int]) -> Iterator[tuple[str, str, Any, bool]]:
        """Like `entries`, with the last name apart, for those objects whose id is in `keys`."""
        if self.names is None:
            yield from ((text, "", thing, False) for text, thing in self.things if id(thing) in keys)
            return
        for name, thing in list(dict.items(self.names)):
            if id(thing) in keys:
                word = plain(name) or "?"
                yield f"{self.module}.{word}", word, thing, self._is_foreign(thing)

    def _is_foreign(self, thing: object) -> bool:
        home = home_of(thing)
        return home is not None and home[0] != self.module and home[0] in sys.modules

    def defines(self, name: str) -> bool:
        """Whether the module's source assigns to the name at its margin, rather than import it."""
        file = None if self.names is None else self.names.get("__file__")
        if type(file) is not str or not file.endswith(".py"):
            return False
        try:
            with open(file, encoding="utf-8", errors="replace") as source:
                return any(
                    line.startswith(name) and line[len(name) :].lstrip()[:1] in ("=", ":", ",")
                    for line in source
                )
        except (OSError, ValueError):
            return False


def harness_module(name: str) -> bool:
    """Whether a module belongs to the harness."""
    return name.partition(".")[0] in HARNESS_PACKAGES


def all_modules(tracked: list[Any]) -> list[types.ModuleType]:
    """Every module object, those included that `sys.modules` has lost."""
    return of_kind(tracked, lambda kind: derives(kind, types.ModuleType))


def module_roots(code: CodeMap, modules: list[types.ModuleType]) -> tuple[list[Root], list[Root]]:
    """The globals of every module, the latest imported first; those of the harness apart.

    A module that imports a name from another is imported before that other
    one has finished, but listed before it; the reversed order therefore meets
    the module that made an object before those that merely use it.

    Args:
        code: Whose files are whose.
        modules: All module objects, for those that `sys.modules` does not list.
    """
    named, harness = [], []
    listed = set(map(id, sys.modules.values()))
    for module in [module for module in modules if id(module) not in listed][:_MAX_LOST]:
        names = module_dict(module)
        if names is not None:
            title = plain(names.get("__name__")) or "?"
            named.append(Root(level=FOREIGN, module=title, names=names))
    for key, module in reversed(list(sys.modules.items())):
        name = plain(key)
        if name is None or not inherits(module, types.ModuleType):
            continue
        names = module_dict(module)
        if names is None:
            continue
        file = names.get("__file__")
        origin = Origin.STDLIB if type(file) is not str else code.origin(file)
        if origin is Origin.HARNESS or harness_module(name):
            harness.append(Root(level=USER, module=name, names=names))
        else:
            named.append(Root(level=_MODULE_LEVEL[origin], module=name, names=names))
    named.append(Root(level=USER, things=[("sys.modules", sys.modules)]))
    return named, harness


def frame_locals(frame: types.FrameType) -> list[tuple[str, Any]]:
    """The variables of a frame, leaving no copy of them behind.

    Until Python 3.12 reading `f_locals` hangs a copy on the frame that keeps
    every value alive; the copy is emptied here. The globals of a module's own
    frame are no copy and are left alone (and are named as the module's).
    """
    if not frame.f_code.co_flags & _OPTIMIZED:
        return []
    names = frame.f_locals
    found = list(names.items())
    if type(names) is dict:
        dict.clear(names)
    return found


def frame_name(frame: types.FrameType) -> str:
    """`shop.jobs.poll`, as far as the interpreter knows."""
    code = frame.f_code
    module = plain(dict.get(frame.f_globals, "__name__")) or "?"
    return f"{module}.{getattr(code, 'co_qualname', code.co_name)}"


def thread_frames() -> Iterator[tuple[str, types.FrameType]]:
    """Every running frame outside the harness, with the name of its thread."""
    names = {thread.ident: thread.name for thread in list(threading._active.values())}  # type: ignore[attr-defined]
    count = 0
    for ident, top in sys._current_frames().items():
        frame: types.FrameType | None = top
        while frame is not None and count < _MAX_FRAMES:
            count += 1
            module = plain(dict.get(frame.f_globals, "__name__")) or ""
            if not harness_module(module):
                yield plain(names.get(ident)) or f"thread {ident}", frame
            frame = frame.f_back


def is_task(kind: type) -> bool:
    """Whether a type is asyncio's Task, in C or in Python, or inherits from it."""
    return derives(kind, asyncio.Task) or derives(kind, asyncio.tasks._PyTask)  # type: ignore[attr-defined]


def is_loop(kind: type) -> bool:
    """Whether a type is an event loop."""
    return derives(kind, asyncio.AbstractEventLoop)


def signal_handlers() -> list[tuple[str, Any]]:
    """What is called at signals: the interpreter keeps it where no object refers to it."""
    handlers = ((number, _signal.getsignal(number)) for number in signal.Signals)
    # The defaults are numbers, and None is what C code has set.
    return [
        (f"signal.getsignal(signal.{number.name})", handler)
        for number, handler in handlers
        if handler is not None and type(handler) is not int and type(handler) is not signal.Handlers
    ]


def is_special(kind: type) -> bool:
    """Whether `all_modules` or `running_roots` look for objects of this type."""
    return derives(kind, types.ModuleType) or kind is contextvars.Context or is_task(kind) or is_loop(kind)


def task_title(task: Any) -> str:
    """`Task 'poller'`; the name alone, since a repr would run the coroutine's own."""
    try:
        name = asyncio.Task.get_name(task)
    except (TypeError, AttributeError):
        name = ""
    return f"Task {(plain(name) or '?')!r}"


def running_roots(tracked: list[Any], extra: Mapping[str, object]) -> list[Root]:
    """Roots that are no modules: what the caller names, frames, tasks, loops and contexts."""
    found = of_kind(tracked, lambda kind: kind is contextvars.Context or is_task(kind) or is_loop(kind))
    tasks = [thing for thing in found if is_task(type(thing))][:_MAX_TASKS]
    loops = [thing for thing in found if is_loop(type(thing))][:_MAX_TASKS]
    contexts = [thing for thing in found if type(thing) is contextvars.Context][:_MAX_TASKS]
    roots = [Root(level=LIBRARY, things=list(extra.items()))]
    # Before the frames: a loop that runs is the `self` of some of them.
    roots.append(Root(level=RUNNING, things=[("loop", loop) for loop in loops]))
    for thread, frame in thread_frames():
        label = f"thread {thread!r} -> frame {frame_name(frame)} -> local "
        roots.append(
            Root(level=RUNNING, things=[(label + name, thing) for name, thing in frame_locals(frame)])
        )
    roots.append(Root(level=RUNNING, things=[(task_title(task), task) for task in tasks]))
    roots.append(Root(level=RUNNING, things=signal_handlers()))
    roots.append(Root(level=FOREIGN, things=[("context", context) for context in contexts]))
    return roots
