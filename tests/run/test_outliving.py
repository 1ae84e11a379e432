"""Whose entries are outlived before a leak is called: those of the first holder alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_reqleak.analysis.decision import Decision, Outcome
from pytest_reqleak.expiring import Expiring
from pytest_reqleak.findings import Findings
from pytest_reqleak.model.finding import Holder
from pytest_reqleak.model.plan import Plan

LEAK = Decision(outcome=Outcome.LEAK, growth=(), reason="")


def outlives(*paths: str, ahead: dict[str, float]) -> tuple[bool, list[str]]:
    found = Findings(
        holders=tuple(Holder(path=path, type="dict", growth_per_iteration=1.0, size=9) for path in paths)
    )
    agent = SimpleNamespace(entries_ahead=lambda: ahead)
    stages = SimpleNamespace(out_of_time=False)
    expiring = Expiring(Plan(), stages, agent, found, None)  # type: ignore[arg-type]
    told = expiring.outlives_entries(LEAK, None)  # type: ignore[arg-type]
    return told, [caveat.slug for caveat in found.caveats]


@pytest.mark.parametrize("paths", [(), ("tasks running shop.wait", "shop.CODES"), ("shop.OTHER",)])
def test_where_another_or_nothing_is_the_first_holder_nothing_is_waited_for(paths):
    assert (False, []) == outlives(*paths, ahead={"shop.CODES": 1.0})


def test_a_life_that_is_too_long_to_wait_for_is_told():
    assert (False, ["may-expire"]) == outlives("shop.CODES", ahead={"shop.CODES": 1800.0})
