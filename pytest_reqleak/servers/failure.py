"""Tell an exception of the app in a line, and where it was raised in a few more.

Knows exceptions only: not what the app was doing. Its own frames and those of
the import system are left out: they are never what the reader must look at.
"""

from __future__ import annotations

import os
import traceback
from types import FrameType, TracebackType

MOST_FRAMES = 8
# asyncio's own words, of which there are several.
_OTHER_LOOP = (
    "different loop",
    "different event loop",
    "attached to a different",
    "non-thread-safe operation",
)
_INDENT = "    "
_OWN_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Returned(Exception):
    """What an app did that has raised nothing and left its request unanswered; its text says it."""


def what_the_app_did(error: BaseException) -> str:
    """Tell what the app raised, with its traceback, or how it returned."""
    if isinstance(error, Returned):
        return f"The app {error}"
    return told(f"The app raised {describe_exception(error)}", error)


def section_of(error: BaseException) -> tuple[str, str]:
    """The same for a test's report: a title, and a text."""
    if isinstance(error, Returned):
        return "Not answered by the app", f"it {error}"
    return "Raised by the app", told(describe_exception(error), error)


def innermost(error: BaseException) -> BaseException:
    """Unwrap groups that hold one exception: task groups wrap what the app raised."""
    while True:
        members = getattr(error, "exceptions", None)
        if not isinstance(members, tuple) or len(members) != 1:
            return error
        if not isinstance(members[0], BaseException):
            return error
        error = members[0]


def describe_exception(error: BaseException) -> str:
    """Say `Type: message` in one line; the module is named unless the type is a builtin."""
    error = innermost(error)
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        text = str(error)
    except Exception as failure:  # noqa: BLE001 - an app may raise anything, even from __str__
        text = f"(its __str__ raised {type(failure).__name__})"
    line = " ".join(text.split())
    if len(line) > 300:
        line = line[:300] + "…"
    return (f"{name}: {line}" if line else name) + _loop_hint(line)


def _loop_hint(line: str) -> str:
    """What to do about a future, a lock or a connection that was made for another event loop."""
    if not any(words in line for words in _OTHER_LOOP):
        return ""
    return (
        " - it was made for another event loop than the one that serves the app: "
        "make it in the app's lifespan or in a request, not while the app is imported or set up by a fixture"
    )


def traceback_tail(error: BaseException) -> str:
    """Show the last frames of the app's own traceback, indented; empty when there are none.

    At most `MOST_FRAMES` frames of the exception itself, then one line for each
    exception that it was raised from.
    """
    error = innermost(error)
    frames = traceback.StackSummary.extract(
        (pair for pair in traceback.walk_tb(error.__traceback__) if not _is_machinery(pair[0])),
        limit=-MOST_FRAMES,
    )
    lines = [line for block in frames.format() for line in block.splitlines()]
    if isinstance(error, SyntaxError):
        lines += [line for block in traceback.format_exception_only(error) for line in block.splitlines()]
    seen = {id(error)}
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    while cause is not None and id(cause) not in seen:
        lines.append(f"  raised from {describe_exception(cause)}")
        seen.add(id(cause))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return indent("\n".join(lines))


def told(line: str, error: BaseException) -> str:
    """Put the line, and the app's traceback below it."""
    tail = traceback_tail(error)
    return f"{line}\n{tail}" if tail else line


def indent(text: str) -> str:
    """Indent what the app printed, so that it cannot be taken for our own words."""
    return "\n".join(f"{_INDENT}{line}".rstrip() for line in text.splitlines())


def has_frames_of_the_app(trace: TracebackType | None) -> bool:
    """Whether any frame belongs neither to us nor to the import system."""
    return any(not _is_machinery(frame) for frame, _ in traceback.walk_tb(trace))


def _is_machinery(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return (
        file.startswith(("<frozen importlib", _OWN_FOLDER))
        or frame.f_globals.get("__name__") == "importlib"
        or (frame.f_globals.get("__name__") or "").startswith(("importlib.", "asyncio."))
    )
