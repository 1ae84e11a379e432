"""A test as the users of pytest-memray write them: warm-up in a fixture, requests in the test.

What it needs to know comes in variables, because a marker wants its limit at import.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.leakbench.inside.bare import Bare, load
from benchmarks.leakbench.inside.limits import BYTES_PER_REQUEST, WARMUP

COUNT = int(os.environ["LEAKBENCH_COUNT"])


@pytest.fixture
def bare() -> Iterator[Bare]:
    with load(os.environ["LEAKBENCH_REQUESTS"], os.environ["LEAKBENCH_INTERFACE"]) as bare:
        bare.call_many(WARMUP)
        yield bare
        Path(os.environ["LEAKBENCH_SENT"]).write_text(str(bare.sent), "utf-8")


@pytest.mark.limit_leaks(f"{BYTES_PER_REQUEST * COUNT} B")
def test_requests_leave_nothing_behind(bare: Any) -> None:
    bare.call_many(COUNT)
