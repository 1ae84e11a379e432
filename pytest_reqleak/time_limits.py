"""Keep a repeated body within the time that pytest-timeout gives its test.

That limit is for one test, and the passes of a repeated body are one test: its
timer would end the run, with `thread` even the whole session, and not say why.

Knows pytest-timeout's settings; not what is measured in the time.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_reqleak.errors import OutOfTime
from pytest_reqleak.model.finding import Caveat
from pytest_reqleak.model.meter import Verdict
from pytest_reqleak.units import format_seconds

if TYPE_CHECKING:
    from pytest_reqleak.model.plan import Plan
    from pytest_reqleak.model.run import Run

LAST_SHARE = 0.85
"""Of the time left after which a batch is broken off."""
SHARE = 0.75
"""Of the time left that a run may take: the last batch, and the report, come on top."""
LEAST_RESERVE = 1.0
"""Seconds that the report may need on a busy machine, its imports included; of a short time the half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimit:
    """What another plugin allows a test."""

    seconds: float
    """For the whole test."""
    left: float
    """Of those, when the limit was read."""
    end: float
    """When it ends, on the monotonic clock."""

    @property
    def advice(self) -> str:
        """What happened, and what to set."""
        return (
            f"pytest-timeout gives this test {format_seconds(self.seconds)} for all its iterations together: "
            "allow more with @pytest.mark.timeout(...), or ask for fewer iterations"
        )

    @property
    def _least_reserve(self) -> float:
        return min(LEAST_RESERVE, self.left / 2)

    @property
    def _allowed(self) -> float:
        """Seconds that a run may take."""
        return min(SHARE * self.left, self.left - self._least_reserve)

    def shorten(self, plan: Plan) -> Plan:
        """Make a run end, with an answer, before the limit does."""
        return plan._replace(timeout=min(plan.timeout, self._allowed))

    def check(self) -> None:
        """End a run whose single batch is longer than the limit.

        Raises:
            OutOfTime: The limit is close.
        """
        if time.monotonic() > self.end - max((1 - LAST_SHARE) * self.left, self._least_reserve / 2):
            raise OutOfTime(f"the time was over before anything was measured: {self.advice}")

    def explain(self, run: Run) -> Run:
        """Say of a run that found no answer in the time, whose time it was."""
        if run.verdict is Verdict.LEAK or sum(run.seconds.values()) < self._allowed:
            return run
        caveat = Caveat(slug="time-limit", text=f"{self.advice}.")
        reason = run.reason if run.verdict is Verdict.CLEAN else f"{run.reason}; {self.advice}"
        return replace(run, reason=reason, caveats=(*run.caveats, caveat))

    def ended(self, error: BaseException) -> bool:
        """Whether an exception is the limit's own."""
        return isinstance(error, pytest.fail.Exception) and str(error).startswith("Timeout")


def time_limit_of(item: pytest.Item, *, started: float) -> TimeLimit | None:
    """Read how long a test may take; None where nobody limits it.

    Args:
        item: The test.
        started: When its set-up began, on the monotonic clock.
    """
    plugin: Any = sys.modules.get("pytest_timeout")
    read = getattr(plugin, "_get_item_settings", None)
    if read is None or not item.config.pluginmanager.hasplugin("timeout"):
        return None
    given = read(item)
    if given.timeout is None or given.timeout <= 0:
        return None
    spent = 0.0 if given.func_only else time.monotonic() - started
    left = max(0.0, given.timeout - spent)
    return TimeLimit(seconds=given.timeout, left=left, end=time.monotonic() + left)
