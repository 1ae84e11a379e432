"""How pytest shows what we raise: the report or one line, and never our own frames.

Knows pytest's representation of failures; not what the messages say.
"""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from pytest_reqleak.errors import MemoryGrowth, ReqleakWarning

_FILTERED = (
    "The project's filterwarnings makes an error of this warning; "
    "add 'default::pytest_reqleak.ReqleakWarning' to it to be warned only."
)

LEAST_COLUMNS, MOST_COLUMNS = 30, 120


def represent(item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
    """Represent what we raise as a failure of a test; a warning too, where filters make an error of it.

    Args:
        item: The test.
        excinfo: With one of ours.

    Returns:
        What `report.longrepr` may be; it survives pytest-xdist.
    """
    error = excinfo.value
    shown: Any = excinfo.getrepr(style="value", tbfilter=False, chain=False)
    text = str(error)
    if isinstance(error, MemoryGrowth):
        from pytest_reqleak.report.terminal import terminal_report

        columns = shutil.get_terminal_size().columns
        text = terminal_report(
            error.run,
            width=max(LEAST_COLUMNS, min(columns, MOST_COLUMNS)),
            verbosity=item.config.option.verbose,
        )
    elif isinstance(error, ReqleakWarning):
        text += f"\n{_FILTERED}"
    path, line = _place(item, excinfo)
    name = type(error).__name__
    entry = shown.reprtraceback.reprentries[-1]
    entry.lines = [*text.rstrip().splitlines(), "", f"{path}:{line}: {name}"]
    shown.reprtraceback.extraline = None
    if shown.reprcrash is not None:
        shown.reprcrash.path, shown.reprcrash.lineno = path, line
        # The first line is all that the short summary has room for.
        shown.reprcrash.message = f"{name}: {str(error).partition(chr(10))[0]}"
    return shown


def _place(item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException]) -> tuple[str, int]:
    """The last line of the test's own file that led here, or the line where the test begins."""
    own = [entry for entry in excinfo.traceback if str(entry.path) == str(item.path)]
    path, line, _ = item.location
    return path, (own[-1].lineno if own else line or 0) + 1
