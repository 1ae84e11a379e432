from __future__ import annotations

import io
import subprocess
import sys

import pytest

from pytest_reqleak.report.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _a_terminal_of_60_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("TERM", raising=False)


def seen(stream: io.StringIO) -> str:
    """What stands on the line: each return begins it again, and blanks overwrite."""
    line = ""
    for part in stream.getvalue().split("\r"):
        line = part + line[len(part) :]
    return line.rstrip()


def test_nothing_is_written_to_a_pipe() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    progress.phase("measure", 100)
    progress.advance(50)
    progress.close()

    assert "" == stream.getvalue()


def test_the_line_says_phase_iterations_rate_and_time_left() -> None:
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock=clock)
    progress.phase("measure", 2000)
    clock.now += 0.5
    progress.advance(500)

    assert "measuring   500/2,000   1,000/s   1.5 s left" == seen(stream)


def test_a_phase_of_unknown_length_has_no_time_left() -> None:
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock=clock)
    progress.phase("warmup", None)
    clock.now += 0.5
    progress.advance(100)

    assert "warming up   100   200/s" == seen(stream)


def test_a_new_phase_replaces_a_longer_line() -> None:
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock=clock)
    progress.phase("measure", 2000)
    clock.now += 0.5
    progress.advance(500)
    progress.phase("boot", None)

    assert "starting the app" == seen(stream)


def test_the_line_is_drawn_ten_times_per_second_at_most() -> None:
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock=clock)
    progress.phase("measure", 10_000)
    drawn = stream.getvalue().count("\r")
    for _ in range(1000):
        clock.now += 0.001
        progress.advance(10)

    assert 8 <= stream.getvalue().count("\r") - drawn <= 10


def test_closing_leaves_an_empty_line() -> None:
    stream = Terminal()
    progress = Progress(stream)
    progress.phase("measure", 2000)
    progress.close()
    progress.close()
    progress.advance(1)

    assert "" == seen(stream)
    assert stream.getvalue().endswith("\r")


def test_a_narrow_terminal_gets_a_line_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock=clock)
    progress.phase("measure", 2000)
    clock.now += 0.5
    progress.advance(500)

    assert 19 == len(seen(stream))


def test_a_terminal_that_has_gone_does_not_stop_the_run() -> None:
    class Gone(Terminal):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    progress = Progress(Gone())
    progress.phase("measure", 2000)
    progress.advance(1)
    progress.close()


PROBE = """
import gc, io, sys
from pytest_reqleak.report.progress import Progress

class Terminal(io.StringIO):
    def isatty(self):
        return True
    def write(self, text):
        return len(text)

now = 0.0
def clock():
    return now

progress = Progress(Terminal(), clock=clock)
progress.phase("measure", 10**6)

def batches(count):
    global now
    for _ in range(count):
        now += 0.06
        progress.advance(997)
    gc.collect()
    return sys.getallocatedblocks()

# CPython 3.10 makes a cache for each function at its 1,024th call.
batches(3000)
first = batches(300)
last = batches(3000)
print(last - first)
"""


def test_progress_keeps_nothing_per_batch() -> None:
    result = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=60)

    assert ("", True) == (result.stderr, abs(int(result.stdout)) <= 2)
