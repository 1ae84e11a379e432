"""A thread's turns are those that the kernel counted, not what the clock says."""

from __future__ import annotations

import sys
import threading

import pytest

from pytest_reqleak.agent.turns import Turns, turns_of_new_thread

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="other kernels do not count them"
)


class Clock:
    """A thread that wakes every millisecond until it is stopped."""

    def __init__(self) -> None:
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> str:
        self._thread.start()
        return "started"

    def stop(self) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.001):
            pass


@pytest.fixture
def clock():
    clock = Clock()
    yield clock
    clock.stop()


def test_turns_of_a_thread_that_wakes_are_awaited(clock):
    result, turns = turns_of_new_thread(clock.start)

    assert "started" == result
    assert turns is not None
    assert turns.await_more(5, seconds=60)


def test_a_thread_that_has_ended_has_no_more_turns(clock):
    _, turns = turns_of_new_thread(clock.start)
    clock.stop()

    assert turns is not None
    assert not turns.await_more(1, seconds=60)


def test_a_thread_that_sleeps_is_waited_for_no_longer_than_asked():
    end = threading.Event()
    thread = threading.Thread(target=end.wait, daemon=True)
    _, turns = turns_of_new_thread(thread.start)
    assert turns is not None
    turns.await_more(1, seconds=0.01)

    assert not turns.await_more(1, seconds=0.01)
    end.set()
    thread.join()


def test_of_two_new_threads_neither_is_taken(clock):
    other = Clock()
    _, turns = turns_of_new_thread(lambda: (clock.start(), other.start()))
    other.stop()

    assert turns is None


def test_a_thread_that_never_was_has_no_turns():
    assert not Turns("0").await_more(1, seconds=60)
