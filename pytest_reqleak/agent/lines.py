"""Events of lines, in every thread of the process, those that run already included.

Three ways, since no one works everywhere: `sys.monitoring` (3.12) beside whatever
debugger or coverage tool there is; before that the interpreter's own C function,
which, unlike `sys.settrace`, reaches threads that were started long ago; and
`sys.settrace` where that function is missing.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

_CALL, _LINE, _RETURN = 0, 2, 3
_TOOL_NAME = "pytest-reqleak"
# 0 to 2 and 5 are meant for debuggers, coverage, profilers and optimisers.
_TOOLS = (4, 3)


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is called at events; only for code that is wanted."""

    enter: Callable[[FrameType], None]
    """A function begins, or a coroutine goes on."""
    line: Callable[[FrameType, int], None]
    """A line is about to run."""
    leave: Callable[[FrameType], None]
    """A function ends, raises, or a coroutine waits."""
    wants: Callable[[CodeType], bool]


def install(hooks: Hooks) -> Callable[[], None] | None:
    """Have the hooks called from now on, in all threads.

    Returns:
        A function that ends it; None where another tool traces lines already.
    """
    if hasattr(sys, "monitoring"):
        return _monitor(hooks)
    if sys.gettrace() is not None or threading.gettrace() is not None:
        return None
    return _trace_all(hooks) or _trace_here(hooks)


def _monitor(hooks: Hooks) -> Callable[[], None] | None:
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
    events = monitoring.events
    tool = next((number for number in _TOOLS if monitoring.get_tool(number) is None), None)
    if tool is None:
        return None
    monitoring.use_tool_id(tool, _TOOL_NAME)
    wants, enter, line, leave = hooks.wants, hooks.enter, hooks.line, hooks.leave

    def on_enter(code: CodeType, *_: object) -> Any:
        return enter(sys._getframe(1)) if wants(code) else monitoring.DISABLE

    def on_line(code: CodeType, number: int) -> Any:
        return line(sys._getframe(1), number) if wants(code) else monitoring.DISABLE

    def on_leave(code: CodeType, *_: object) -> Any:
        return leave(sys._getframe(1)) if wants(code) else monitoring.DISABLE

    def on_jump(code: CodeType, *_: object) -> None:
        # These two events cannot be switched off for single places.
        if wants(code):
            leave(sys._getframe(1))

    def on_throw(code: CodeType, *_: object) -> None:
        if wants(code):
            enter(sys._getframe(1))

    calls = {
        events.PY_START: on_enter,
        events.PY_RESUME: on_enter,
        events.PY_THROW: on_throw,
        events.LINE: on_line,
        events.PY_RETURN: on_leave,
        events.PY_YIELD: on_leave,
        events.PY_UNWIND: on_jump,
    }
    for event, call in calls.items():
        monitoring.register_callback(tool, event, call)
    monitoring.set_events(tool, sum(calls))
    # What an earlier watch has switched off.
    monitoring.restart_events()

    def remove() -> None:
        monitoring.set_events(tool, 0)
        for event in calls:
            monitoring.register_callback(tool, event, None)
        monitoring.free_tool_id(tool)

    return remove


def _trace_all(hooks: Hooks) -> Callable[[], None] | None:
    """CPython before 3.12: `_PyEval_SetTrace` for each thread's state."""
    if sys.implementation.name != "cpython":
        return None
    api = ctypes.pythonapi
    kind = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.py_object, ctypes.c_int, ctypes.c_void_p)
    try:
        set_trace = api._PyEval_SetTrace
        interpreter, first, following = (
            api.PyInterpreterState_Main,
            api.PyInterpreterState_ThreadHead,
            api.PyThreadState_Next,
        )
    except AttributeError:
        return None
    set_trace.argtypes, set_trace.restype = [ctypes.c_void_p, kind, ctypes.c_void_p], ctypes.c_int
    for function in (interpreter, first, following):
        function.restype = ctypes.c_void_p
    first.argtypes = following.argtypes = [ctypes.c_void_p]
    wants, enter, line, leave = hooks.wants, hooks.enter, hooks.line, hooks.leave

    def on_event(_: object, frame: FrameType, what: int, __: object) -> int:
        if wants(frame.f_code):
            if what == _LINE:
                line(frame, frame.f_lineno)
            elif what == _CALL:
                enter(frame)
            elif what == _RETURN:
                leave(frame)
        return 0

    def for_all(call: Any) -> None:
        state = first(interpreter())
        while state:
            set_trace(state, call, None)
            state = following(state)

    call, nothing = kind(on_event), kind()
    for_all(call)
    # Threads that begin from now on.
    threading.settrace(_python_trace(hooks))

    def remove() -> None:
        threading.settrace(None)  # type: ignore[arg-type,unused-ignore]
        for_all(nothing)

    # A thread may be inside it even when it is taken off: its 200 bytes are never given back.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(call))
    return remove


def _trace_here(hooks: Hooks) -> Callable[[], None]:
    """The calling thread, and those that begin from now on."""
    trace = _python_trace(hooks)
    threading.settrace(trace)
    sys.settrace(trace)

    def remove() -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type,unused-ignore]

    return remove


def _python_trace(hooks: Hooks) -> Callable[[FrameType, str, Any], Any]:
    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if not hooks.wants(frame.f_code):
            return None
        if event == "line":
            hooks.line(frame, frame.f_lineno)
        elif event == "call":
            hooks.enter(frame)
        elif event == "return":
            hooks.leave(frame)
        return trace

    return trace
