"""What the command says of an exception that nobody has foreseen.

Python would end with exit code 1 for it, which means a leak.
"""

from __future__ import annotations

import traceback

from pytest_reqleak.model.origin import CodeMap, Origin
from pytest_reqleak.report.paths import show_path
from pytest_reqleak.servers.failure import describe_exception


def fault_text(error: BaseException, *, verbosity: int | None = None) -> str:
    """Name an exception and where it was raised, in one line, and whose fault it is.

    Args:
        error: As it was caught.
        verbosity: From 2 on, the traceback follows. None: the command has no such option.
    """
    line = f"{describe_exception(error)}{_place(error)}: this is a fault of reqleak's, please report it"
    if verbosity is None:
        return line
    if verbosity < 2:
        return f"{line}; -vv shows the traceback"
    return f"{line}\n{''.join(traceback.format_exception(type(error), error, error.__traceback__))}"


def _place(error: BaseException) -> str:
    """The innermost line of ours or the app's: what a library does was asked for there."""
    frames = [
        (frame.f_code.co_filename, line, frame.f_code.co_name)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    code = CodeMap()
    near = [frame for frame in frames if code.origin(frame[0]) in (Origin.OWN, Origin.HARNESS)] or frames
    if not near:
        return ""
    file, line, function = near[-1]
    return f", at {show_path(file)}:{line} in {function}"
