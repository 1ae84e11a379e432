"""What the commands on stored results share: reading them, and printing without a fuss."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from pytest_reqleak.errors import UsageError

if TYPE_CHECKING:
    from pytest_reqleak.model.run import Run


def read_results(files: Sequence[str]) -> list[Run]:
    """Read the runs of some files, in order.

    Raises:
        UsageError: A file cannot be read as a result, or holds no run.
    """
    from pytest_reqleak.report.json import read_runs

    runs: list[Run] = []
    for file in files:
        found = read_runs(file)
        if not found:
            raise UsageError(f"{file!r} holds no run: nothing was measured when it was written")
        runs += found
    return runs


def print_text(text: str, stream: TextIO) -> None:
    """Print text and a newline; a reader that has seen enough is no error.

    What the stream's encoding lacks becomes an escape.
    """
    encoding = getattr(stream, "encoding", None) or "ascii"
    printable = text.rstrip().encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(printable + "\n")
        stream.flush()
    except BrokenPipeError:
        # Python's own flush at exit must not complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
