"""The barrier waits for work that ends, and does not wait for work that never does."""

from __future__ import annotations

import gc
import threading
from itertools import count

import pytest

from pytest_reqleak.agent import settle
from pytest_reqleak.agent.settle import Barrier


def counting_down(start: int, least: int = 0):
    """A count that falls by one at each reading."""
    left = [start]

    def read() -> int:
        left[0] = max(least, left[0] - 1)
        return left[0]

    return read


def test_it_waits_until_every_request_has_returned():
    unfinished = counting_down(5)
    Barrier(unfinished=unfinished).settle()

    assert 0 == unfinished()


def test_it_waits_while_tasks_are_ending():
    pending = [20]

    def tasks() -> int:
        pending[0] = max(3, pending[0] - 1)
        return pending[0]

    barrier = Barrier(pending_tasks=lambda: 3)
    barrier._pending_tasks = tasks
    barrier.settle()

    assert 3 == pending[0]


def test_tasks_that_never_end_are_waited_for_less_and_less(monkeypatch):
    slept = [0.0]
    monkeypatch.setattr(settle.time, "sleep", lambda seconds: slept.append(slept[-1] + seconds))
    monkeypatch.setattr(settle.time, "monotonic", lambda: slept[-1])
    barrier = Barrier(pending_tasks=lambda: 0)
    barrier._pending_tasks = lambda: 50
    for _ in range(40):
        barrier.settle()

    assert slept[-1] < 4 * settle.RESTLESS_SECONDS + 40 * 0.005


def test_tasks_that_end_a_while_later_are_waited_for_at_each_rest(monkeypatch):
    slept = [0.0]
    started = [0.0]
    monkeypatch.setattr(settle.time, "sleep", lambda seconds: slept.append(slept[-1] + seconds))
    monkeypatch.setattr(settle.time, "monotonic", lambda: slept[-1])
    passed: list[float] = []
    barrier = Barrier(pending_tasks=lambda: 0, pass_loop=lambda: passed.append(slept[-1]))
    barrier._pending_tasks = lambda: 40 if slept[-1] < started[0] + 0.1 else 0
    for _ in range(20):
        started[0] = slept[-1]
        barrier.settle()
        assert slept[-1] >= started[0] + 0.1
        # What waits for the task has had its turn.
        assert slept[-1] == passed[-1]


def test_tasks_that_end_later_again_and_again_are_waited_for_within_bounds(monkeypatch):
    slept = [0.0]
    started = [0.0]
    monkeypatch.setattr(settle.time, "sleep", lambda seconds: slept.append(slept[-1] + seconds))
    monkeypatch.setattr(settle.time, "monotonic", lambda: slept[-1])
    barrier = Barrier(pending_tasks=lambda: 0)
    barrier._pending_tasks = lambda: 1 if slept[-1] < started[0] + 0.2 else 0
    for _ in range(200):
        started[0] = slept[-1]
        barrier.settle()

    # Three equal readings are waited for at each rest, whatever it is.
    assert 2 < slept[-1] < 3 + 200 * 0.005


def test_it_collects_cycles_and_what_their_finalisers_leave():
    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            rest = []
            rest.append(rest)

    gc.collect()
    Cycle()
    Barrier().settle()

    assert 0 == gc.collect()


def test_it_waits_for_a_thread_that_still_works():
    done, started = threading.Event(), threading.Event()
    kept: list[bytes] = []

    def work() -> None:
        for n in range(40):
            kept.append(bytes(100 + n))
            started.set()
            done.wait(0.0005)

    thread = threading.Thread(target=work, name="app-worker")
    thread.start()
    started.wait(5)
    Barrier().settle()
    worked = len(kept)
    thread.join(5)

    assert worked > 1


def test_the_loop_is_asked_to_pass_before_tasks_are_counted():
    calls: list[str] = []
    barrier = Barrier(
        pass_loop=lambda: calls.append("pass"),
        pending_tasks=lambda: calls.append("count") or 0,
    )
    calls.clear()
    barrier.settle()

    assert ["pass", "count"] == calls


def test_a_thread_that_never_rests_is_waited_for_less_and_less(monkeypatch):
    slept = [0.0]
    readings = count()
    monkeypatch.setattr(settle.time, "sleep", lambda seconds: slept.append(slept[-1] + seconds))
    monkeypatch.setattr(settle.time, "monotonic", lambda: slept[-1])
    barrier = Barrier(restless=lambda: next(readings) + 1)
    waited = []
    for _ in range(12):
        before = slept[-1]
        barrier.settle()
        waited.append(slept[-1] - before)

    assert waited[0] >= settle.RESTLESS_SECONDS
    assert waited[-1] <= settle.RESTLESS_SECONDS / 10
    assert sorted(waited, reverse=True) == pytest.approx(waited, abs=0.002)


def test_a_thread_that_rests_again_is_waited_for_as_before(monkeypatch):
    slept = [0.0]
    readings = count(1)
    busy = [True]
    monkeypatch.setattr(settle.time, "sleep", lambda seconds: slept.append(slept[-1] + seconds))
    monkeypatch.setattr(settle.time, "monotonic", lambda: slept[-1])
    barrier = Barrier(restless=lambda: next(readings) if busy[0] else 1)
    for _ in range(12):
        barrier.settle()
    busy[0] = False
    barrier.settle()
    busy[0] = True
    before = slept[-1]
    barrier.settle()

    assert slept[-1] - before >= settle.RESTLESS_SECONDS
