"""One measurement for a command: its progress, and what is said where it is cut short."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from pytest_reqleak.commands.codes import NOT_MEASURED
from pytest_reqleak.commands.results import complain
from pytest_reqleak.units import format_count

if TYPE_CHECKING:
    from pytest_reqleak.model.request import Request
    from pytest_reqleak.model.run import Run
    from pytest_reqleak.settings import Settings


def measured(target: str, requests: Sequence[Request], settings: Settings, *, title: str = "") -> Run:
    """Measure an app while a person may watch.

    Args:
        target: The app's import string.
        requests: The workload.
        settings: Of the run.
        title: Stands before the line of progress, where several runs follow each other.

    Raises:
        KeyboardInterrupt: Says how far it came.
        ReqleakError: It could not be measured.
    """
    from pytest_reqleak.fixture import measure_app
    from pytest_reqleak.report.progress import Progress

    progress = Progress(sys.stderr, title=title)
    try:
        with _told_of_exits(progress.close):
            return measure_app(target, requests, settings, observer=progress)
    except KeyboardInterrupt:
        count = progress.iterations
        done = "1 iteration" if count == 1 else f"{format_count(count)} iterations"
        begin = f"{title}: " if title else ""
        raise KeyboardInterrupt(f"{begin}interrupted after {done}, warm-up included: no result") from None
    finally:
        progress.close()


@contextmanager
def _told_of_exits(close: Callable[[], None]) -> Iterator[None]:
    """Say so where the app ends this process: its exit code, 0 perhaps, would pass for our verdict.

    Only `os._exit` ends a process without an exception. Processes that the app
    has forked end by it too, as they always did.
    """
    real, ours = os._exit, os.getpid()

    def told(status: int) -> NoReturn:
        if os.getpid() != ours:
            real(status)
        close()
        complain(
            f"the app ended the process with code {status} (os._exit) while it was measured; "
            "--isolate gives it a process of its own"
        )
        real(NOT_MEASURED)

    os._exit = told
    try:
        yield
    finally:
        os._exit = real
