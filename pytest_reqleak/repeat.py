"""Measure a test by running its body again and again.

Fixtures are set up once; what the body leaves in those that we do not know is
there in its next pass. How one pass is made is the business of `passes`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_reqleak.agent.agent import Agent
from pytest_reqleak.categorizing import categorized
from pytest_reqleak.drivers.body import BodyDriver
from pytest_reqleak.errors import ReqleakError, ReqleakWarning
from pytest_reqleak.fixture import against_baseline, check_capture, judge, one_at_a_time
from pytest_reqleak.fixture_names import fixtures_of, own_growth
from pytest_reqleak.measuring import run_workload
from pytest_reqleak.model.run import ServerInfo
from pytest_reqleak.passes import Passes, PassFailed, add_note, note_pass
from pytest_reqleak.recorders import Recorders
from pytest_reqleak.time_limits import time_limit_of

if TYPE_CHECKING:
    from pytest_reqleak.boots import Boot
    from pytest_reqleak.model.run import Run
    from pytest_reqleak.settings import Given, Settings
    from pytest_reqleak.stages import Observer


OF_THE_APP = frozenset({"server", "interface", "server_args", "isolate", "allocator", "python_malloc"})
"""Settings of how an app is booted: without `reqleak_client` a body boots none."""


def measure_body(
    item: pytest.Item,
    runtest: Callable[[], None],
    settings: Settings,
    *,
    marked: Mapping[str, Given],
    started: float,
    boot: Boot | None,
    keep: Callable[[Run], None],
    observe: Callable[[], AbstractContextManager[Observer | None]],
) -> None:
    """Run a test's body as the workload, and raise when memory grows.

    Args:
        item: The test, set up.
        runtest: Its own `runtest`: one pass.
        settings: Of this test.
        marked: Those that its markers set.
        started: When its set-up began, on the monotonic clock.
        boot: The app of its `reqleak_client`, if it has one.
        keep: Is given the result, for the session's report.
        observe: Makes the context that shows progress.

    Raises:
        MemoryGrowth: The body leaves memory behind.
        ReqleakError: It could not be measured.
        BaseException: What a pass raised, with a note that names the iteration.
    """
    for warning in _without_effect(marked, boots=boot is not None):
        item.warn(ReqleakWarning(warning))
    limit = time_limit_of(item, started=started)
    # A body runs once at a time, so that a batch is as long for it as without that setting.
    plan = settings.plan._replace(concurrency=1)
    if limit is not None:
        plan = limit.shorten(plan)
    check_capture(plan)
    fixtures = fixtures_of(item)
    roots = {title: thing for fixture in fixtures for title, thing in fixture.roots().items()}
    with (
        one_at_a_time(),
        Recorders(item) as recorders,
        Passes(item, runtest) as passes,
        observe() as observer,
    ):
        driver = BodyDriver(
            passes.run,
            before_pass=recorders.before_pass,
            after_pass=None if limit is None else limit.check,
        )
        if boot is not None:
            boot.booted.unseen.clear()
        try:
            run = run_workload(
                plan=plan,
                target=item.nodeid,
                driver=driver,
                agent=Agent(roots=roots) if boot is None else boot.booted.make_agent(roots=roots),
                server=_body_info() if boot is None else boot.booted.info,
                observer=observer,
                boot_seconds=0.0 if boot is None else boot.seconds,
                between_batches=recorders.between_batches,
            )
        except PassFailed:
            # pytest reports what the item or the subtest has noted.
            return
        except (KeyboardInterrupt, pytest.exit.Exception):
            raise
        except BaseException as error:
            if driver.failed and not isinstance(error, ReqleakError):
                note_pass(item, error, driver.passes - 1)
            if limit is not None and limit.ended(error):
                add_note(item, error, limit.advice)
            raise
        if limit is not None:
            run = limit.explain(run)
        unseen = () if boot is None else boot.booted.unseen.caveats()
        run = replace(run, caveats=run.caveats + unseen + recorders.caveats() + own_growth(run, fixtures))
        run = against_baseline(categorized(run, recorders.categorize), settings)
    keep(run)
    judge(run, settings, warn=item.warn)


def _without_effect(marked: Mapping[str, Given], *, boots: bool) -> Iterator[str]:
    """What a marker asks for in vain: nobody shall believe that it was measured so."""
    for name, given in marked.items():
        if name == "concurrency":
            yield (
                f"{given.place}: has no effect, as a body runs once at a time; "
                "reqleak.check(app, requests, concurrency=...) sends requests side by side"
            )
        elif name in OF_THE_APP and not boots:
            yield (
                f"{given.place}: has no effect, as the test uses no reqleak_client, so no app is booted "
                f"for it; use that, or reqleak.check(app, requests, {name}=...)"
            )


def _body_info() -> ServerInfo:
    return ServerInfo(name="none", version="", interface="body", pid=os.getpid())
