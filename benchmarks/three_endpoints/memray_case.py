"""The test of pytest-memray's user: the endpoint and the limit come in variables."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.three_endpoints.calls import COUNT, WARMUP, Calls, httpx_calls


@pytest.fixture
def calls() -> Iterator[Calls]:
    calls = httpx_calls(os.environ["ENDPOINT"])
    calls.call_many(WARMUP)
    yield calls
    calls.report()


@pytest.mark.limit_leaks(os.environ["LIMIT"])
def test_requests_leave_nothing_behind(calls: Any) -> None:
    calls.call_many(COUNT)
