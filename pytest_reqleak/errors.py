"""Everything that can go wrong, told apart by what the user must do.

`ReqleakError`: we could not measure. `MemoryGrowth`: we measured, and it grew.
A message says what happened, to what, the value seen, and what to do, in that
order, and fits one line; what the app itself printed may follow on more lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_reqleak.model.run import Run

_MOST_SHOWN = 200


def shown(value: object) -> str:
    """A value that somebody gave, as a message shows it: cut, in one line, whatever its `repr` does."""
    try:
        text = " ".join(repr(value).splitlines())
    except Exception:  # noqa: BLE001 - nested too deeply, too many digits, or a class of the user's own
        text = f"(a value of type {type(value).__name__} that cannot be printed)"
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"


class ReqleakError(Exception):
    """We could not measure: exit code 4 of the command, an error of the test."""

    slug = "could-not-measure"


class UsageError(ReqleakError):
    """A setting, a target or a request is wrong: exit code 2 of the command."""

    slug = "usage"


class TargetError(ReqleakError):
    """The app could not be loaded or is no app: exit code 2 of the command."""

    slug = "target"


class TargetFailed(TargetError):
    """The app's own code raised while it was loaded: exit code 4 of the command."""

    slug = "target-failed"


class BootFailed(ReqleakError):
    """The app or its server did not start."""

    slug = "boot-failed"


class RequestFailed(ReqleakError):
    """A request was not answered as the workload expects, so nothing it did can be judged."""

    slug = "request-failed"


class RequestTimeout(ReqleakError):
    """A request was not answered in time."""

    slug = "request-timeout"


class OutOfTime(ReqleakError):
    """The time that another plugin gives a test was over before anything could be said."""

    slug = "out-of-time"


class MemoryGrowth(AssertionError):
    """The app keeps memory after each request.

    Attributes:
        run: The whole result, with its evidence.
    """

    def __init__(self, message: str, run: Run) -> None:
        super().__init__(message)
        self.run = run

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions cross process borders under xdist; the default would lose `run`.
        return (type(self), (self.args[0], self.run))


class NoVerdict(AssertionError):
    """The run was inconclusive, and the user asked that this fail.

    Attributes:
        run: The whole result.
    """

    def __init__(self, message: str, run: Run) -> None:
        super().__init__(message)
        self.run = run

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.args[0], self.run))


class ReqleakWarning(UserWarning):
    """A run whose result somebody should look at, such as an inconclusive one."""
