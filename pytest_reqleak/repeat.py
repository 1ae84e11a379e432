"""Measure a test by running its body again and again.

Works on whatever `item.runtest` does: functions, methods, `async def` tests of
any plugin, `unittest` cases with their `setUp` and `tearDown`. Fixtures are set
up once; what the body leaves in them is there in its next pass.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_reqleak.agent.agent import Agent, agent_for
from pytest_reqleak.drivers.body import BodyDriver
from pytest_reqleak.fixture import judge, one_at_a_time
from pytest_reqleak.measuring import run_workload
from pytest_reqleak.model.run import ServerInfo
from pytest_reqleak.recorders import Recorders

if TYPE_CHECKING:
    from pytest_reqleak.boots import Boot
    from pytest_reqleak.model.run import Run
    from pytest_reqleak.settings import Settings
    from pytest_reqleak.stages import Observer


class _PassFailed(BaseException):
    """A pass of a `unittest` case failed, which its item has noted instead of raising."""


def measure_body(
    item: pytest.Item,
    runtest: Callable[[], None],
    settings: Settings,
    *,
    boot: Boot | None,
    keep: Callable[[Run], None],
    observe: Callable[[], AbstractContextManager[Observer | None]],
) -> None:
    """Run a test's body as the workload, and raise when memory grows.

    Args:
        item: The test, set up.
        runtest: Its own `runtest`: one pass.
        settings: Of this test.
        boot: The app of its `reqleak_client`, if it has one.
        keep: Is given the result, for the session's report.
        observe: Makes the context that shows progress.

    Raises:
        MemoryGrowth: The body leaves memory behind.
        ReqleakError: It could not be measured.
        BaseException: What a pass raised, with a note that names the iteration.
    """

    def one_pass() -> None:
        runtest()
        if getattr(item, "_excinfo", None):
            raise _PassFailed

    with one_at_a_time(), Recorders(item) as recorders, observe() as observer:
        driver = BodyDriver(one_pass, before_pass=recorders.before_pass)
        try:
            run = run_workload(
                plan=settings.plan,
                target=item.nodeid,
                driver=driver,
                agent=Agent() if boot is None else agent_for(boot.booted),
                server=_body_info() if boot is None else boot.booted.info,
                observer=observer,
                boot_seconds=0.0 if boot is None else boot.seconds,
                between_batches=recorders.between_batches,
            )
        except _PassFailed:
            # pytest reports what the item has noted.
            _note(item, item._excinfo[-1].value, driver.passes)  # type: ignore[attr-defined]
            return
        except (KeyboardInterrupt, pytest.exit.Exception):
            raise
        except BaseException as error:
            if driver.failed:
                _note(item, error, driver.passes)
            raise
        run = replace(run, caveats=run.caveats + recorders.caveats())
    keep(run)
    judge(run, settings, warn=item.warn)


def _body_info() -> ServerInfo:
    return ServerInfo(name="none", version="", interface="body", pid=os.getpid())


def _note(item: pytest.Item, error: BaseException, number: int) -> None:
    if number == 1:
        note = "iteration 1 of the repeated body failed"
    elif number == 2:
        note = (
            "iteration 2 failed, iteration 1 passed: the test is not repeatable. Its second pass meets what "
            "the first left behind: undo that at its end, or measure single requests with reqleak.check()"
        )
    else:
        note = f"iteration {number:,} of the repeated body failed, the {number - 1:,} before it passed"
    add_note: Any = getattr(error, "add_note", None)
    if add_note is None:
        # Python 3.10 has no notes.
        item.add_report_section("call", "reqleak", note)
    else:
        add_note(f"reqleak: {note}")
