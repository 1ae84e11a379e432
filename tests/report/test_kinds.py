"""What kind of memory grew: where a report says so, and in which order."""

from __future__ import annotations

from dataclasses import replace

from sample_runs import pydantic_run

from pytest_reqleak.model.finding import CauseGrowth, Holder
from pytest_reqleak.model.meter import Cause
from pytest_reqleak.model.run import Run
from pytest_reqleak.report.terminal import growth_message, terminal_report

PYTHON = CauseGrowth(
    cause=Cause.PYTHON, bytes_per_iteration=553.0, text="6.0 live blocks per request, which hold 553 B"
)
TASKS = CauseGrowth(
    cause=Cause.RESOURCE, bytes_per_iteration=0.0, text="1.0 asyncio task per request never finishes"
)
WAITING = Holder(
    path="tasks running shop.notify at shop.py:18, waiting in asyncio.locks.Event.wait",
    type="asyncio.Task",
    growth_per_iteration=1.0,
    size=2000,
)


def stuck_run() -> Run:
    return replace(
        pydantic_run(),
        classification=(Cause.PYTHON, Cause.RESOURCE),
        causes=(TASKS, PYTHON),
        holders=(WAITING, *pydantic_run().holders),
    )


def test_python_objects_as_usual_need_no_words_of_their_own():
    run = replace(pydantic_run(), causes=(PYTHON,))

    assert "What kind" not in terminal_report(run)
    assert "  python 553 B: 6.0 live blocks per request, which hold 553 B\n" in terminal_report(
        run, verbosity=1
    )


def test_each_kind_has_its_bytes_and_its_figures():
    report = terminal_report(stuck_run())

    assert (
        "What kind\n"
        "  resource: 1.0 asyncio task per request never finishes\n"
        "  python 553 B: 6.0 live blocks per request, which hold 553 B\n"
    ) in report


def test_tasks_that_never_finish_come_before_the_lines_that_they_make_allocate():
    report = terminal_report(stuck_run())

    assert report.index("shop.notify") < report.index("Allocated at")
    assert "held by tasks running shop.notify" in growth_message(stuck_run()).split("\n")[0]


def test_a_container_that_grows_comes_after_the_lines():
    report = terminal_report(pydantic_run())

    assert report.index("Allocated at") < report.index("Held by")
