"""What is said of a run that its time limit has ended."""

from __future__ import annotations

import pytest

from pytest_reqleak.analysis.decision import Decision, Outcome
from pytest_reqleak.confirming import unfinished
from pytest_reqleak.model.plan import Plan

NOT_YET = Decision(outcome=Outcome.GO_ON, growth=(), reason="")


@pytest.mark.parametrize(
    ("plan", "measured", "told"),
    [
        (
            Plan(iterations=2000, timeout=3),
            300,
            "the time limit of 3 s ended the run after 1,200 requests in all, before growth was certain or "
            "gone; timeout=30 would settle it",
        ),
        (
            Plan(iterations=10**9, timeout=3),
            700,
            "the time limit of 3 s ended the run after 1,200 requests in all, before growth was certain or "
            "gone; iterations=200 would settle it",
        ),
        (
            Plan(iterations=2000, timeout=3),
            0,
            "the time limit of 3 s ended the run after 1,200 requests in all, in its warm-up, so that none "
            "was measured; timeout=30 would settle it",
        ),
    ],
    ids=["more time", "fewer iterations", "warm-up"],
)
def test_what_the_limit_has_ended_is_told_with_what_would_settle_it(plan, measured, told):
    assert told == unfinished(NOT_YET, plan, 1200, measured=measured, unit="request").reason
