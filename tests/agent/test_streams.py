"""What an app prints is no memory of the app's, though it waits in a stream."""

from __future__ import annotations

import io
import sys
import textwrap

from pytest_reqleak.agent.streams import write_out

SERIES = """
import sys
from pytest_reqleak.agent.agent import Agent
from pytest_reqleak.model.meter import Meter, Phase

sys.stdout = open("said", "w")
with Agent() as agent:
    agent.buffer.reserve(40)
    agent.freeze()
    for batch in range(40):
        for _ in range(30):
            print("said")
        agent.settle()
        agent.sample(batch, Phase.MEASURE)
    samples = agent.buffer.samples()
sys.stdout.close()
sys.stdout = sys.__stdout__
say([max(row) - min(row) for meter in (Meter.LIVE_BLOCKS, Meter.HEAP_BYTES)
     if (row := samples.readings.get(meter, [0] * 40)[10:])])
"""


def test_words_that_are_printed_leave_every_meter_level(child):
    assert [0, 0] == child(SERIES)


def test_words_that_go_on_to_the_original_stream_leave_every_meter_level(child):
    tee = """
    class Tee:
        def write(self, text): return sys.__stdout__.write(text)
        def flush(self): pass
    sys.stdout = Tee()
    # CPython 3.10 makes a cache for each function at its 1,024th call.
    for _ in range(1100): print("said")
    """
    code = SERIES.replace('sys.stdout = open("said", "w")', textwrap.dedent(tee)).replace(
        "sys.stdout.close()", ""
    )

    assert [0, 0] == child(code)


class Full(io.RawIOBase):
    """Takes nothing; `room` is what it has left."""

    room = 0

    def writable(self) -> bool:
        return True

    def write(self, text) -> int:
        if not self.room:
            raise OSError("no space left")
        return len(text)


def test_a_stream_that_is_closed_or_cannot_write_ends_nothing(monkeypatch):
    closed = io.TextIOWrapper(io.BytesIO())
    closed.close()
    disk = Full()
    full = io.TextIOWrapper(io.BufferedWriter(disk))
    full.write("said")
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setattr(sys, "stderr", full)

    write_out()

    disk.room = 100
    full.close()


def test_a_stream_of_somebodys_class_is_not_asked(monkeypatch):
    asked = []

    class Own(io.TextIOWrapper):
        def flush(self):
            asked.append(self)

    monkeypatch.setattr(sys, "stdout", Own(io.BytesIO()))
    monkeypatch.setattr(sys, "stderr", None)

    write_out()

    assert [] == asked
