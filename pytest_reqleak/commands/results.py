"""What the commands on results share: reading stored ones, and printing without a fuss."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from pytest_reqleak.errors import ReqleakError, UsageError

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


def standard_output() -> TextIO:
    """Where results are printed.

    Raises:
        ReqleakError: It was closed before the command began.
    """
    # Python has None in the place of a stream that it finds closed, whatever its type says.
    stream: TextIO | None = sys.stdout
    if stream is None:
        raise ReqleakError("the result cannot be printed: the standard output is closed")
    return stream


def print_text(text: str, stream: TextIO) -> None:
    """Print text and a newline; a reader that has seen enough is no error.

    What the stream's encoding lacks becomes an escape.

    Raises:
        ReqleakError: It cannot be written, as where the disk is full.
    """
    encoding = getattr(stream, "encoding", None) or "ascii"
    printable = text.rstrip().encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(printable + "\n")
        stream.flush()
    except BrokenPipeError:
        _give_up(stream)
    except OSError as error:
        _give_up(stream)
        raise ReqleakError(f"the result cannot be printed: {error.strerror or error}") from error


def complain(message: str) -> None:
    """Say on the standard error what went wrong; where nobody can be told, nothing is said."""
    stream: TextIO | None = sys.stderr
    if stream is None:
        return
    try:
        stream.write(f"reqleak: {message.rstrip()}\n")
        stream.flush()
    except OSError:
        _give_up(stream)


def _give_up(stream: TextIO) -> None:
    """Let what is left in a stream go nowhere: Python's own flush at exit must not complain about it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
