"""A capture of memray is read in a process of its own, and the same is told as in this one."""

from __future__ import annotations

from itertools import pairwise

import pytest

CODE = """
import sys
from pytest_reqleak.agent import capture
from pytest_reqleak.agent.tracers import make_tracer
KEPT = []
tracer = make_tracer("memray")
tracer.start(8)
for done in (20, 40, 60):
    KEPT.extend(bytearray(5000) for _ in range(20))
    tracer.mark(done)
tracer._end_capture()
asked = dict(file=tracer._file, times=[when for _, when in tracer._times], frames=8, native=False)
{before}
held = capture.held_at(**asked)
say([sum(size for size, _ in table.values()) for table in held])
"""


@pytest.mark.parametrize(
    "before",
    ["", "sys.executable = ''", "sys.executable = '/no/such/python'"],
    ids=["in a child", "no interpreter", "an interpreter that does not start"],
)
def test_bytes_held_at_each_time_are_told(child, before):
    pytest.importorskip("memray")

    totals = child(CODE.format(before=before))

    # Twenty times 5,000 bytes more from time to time; what else came is small.
    steps = [after - earlier for earlier, after in pairwise(totals)]
    assert all(95_000 <= step <= 130_000 for step in steps), totals


def test_child_tells_the_same_as_this_process(child):
    pytest.importorskip("memray")
    told = child(
        CODE.format(before="").rpartition("say(")[0] + "here = capture.read(**asked)\n"
        "positive = lambda tables: [{k: tuple(v) for k, v in t.items() if v[0]} for t in tables]\n"
        "say(positive(held) == positive(here))\n"
    )

    assert told is True
