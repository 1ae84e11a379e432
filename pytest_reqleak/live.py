"""Show progress on pytest's terminal while pytest captures what the test prints.

Knows pytest's terminal and its capture; what the line says is the report's business.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TextIO

import pytest

from pytest_reqleak.report.progress import Progress

if TYPE_CHECKING:
    from pytest_reqleak.stages import Observer


@contextmanager
def terminal_progress(config: pytest.Config) -> Iterator[Observer | None]:
    """Give what shows a run's progress below pytest's own line, and take it away at the end.

    None where nobody watches: in a pipe, with `-q` or `-s`, in a worker of pytest-xdist.
    """
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    terminal = None if config.option.verbose < 0 else _open_terminal(config, reporter)
    if terminal is None:
        yield None
        return
    with terminal:
        terminal.write("\n")
        progress = Progress(terminal)
        try:
            yield progress
        finally:
            progress.close()
            # Back to the end of the line that pytest has begun with the test's name.
            column = reporter._tw.width_of_current_line
            terminal.write("\x1b[A" + (f"\x1b[{column}C" if column else ""))


def _open_terminal(config: pytest.Config, reporter: Any) -> TextIO | None:
    """A stream of our own on pytest's terminal, which capturing does not redirect."""
    file = getattr(getattr(reporter, "_tw", None), "_file", None)
    if file is None:
        return None
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    if capture is not None and not capture.is_globally_capturing():
        # With `-s`, what the test prints and our line would run into each other.
        return None
    # While it captures, pytest's file descriptor 1 is a temporary file.
    with nullcontext() if capture is None else capture.global_and_fixture_disabled():
        try:
            if not file.isatty():
                return None
            file.flush()
            descriptor = os.dup(file.fileno())
        except (OSError, ValueError, AttributeError):
            return None
    return open(descriptor, "w", encoding=file.encoding, errors="replace")
