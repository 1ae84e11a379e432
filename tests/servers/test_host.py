"""The thread in which an app lives."""

from __future__ import annotations

import asyncio
import threading
import time

import anyio.to_thread
import pytest

from pytest_reqleak.servers.host import THREAD_NAME, Host, HostTimeout

WAIT_SECONDS = 10.0


@pytest.fixture
def host():
    host = Host()
    host.start()
    yield host
    host.close()


async def give(value):
    return value


async def fail(error):
    raise error


async def hang():
    await asyncio.get_running_loop().create_future()


def test_work_runs_on_the_thread_and_its_result_comes_back(host):
    async def name():
        return threading.current_thread().name

    assert THREAD_NAME == host.run(name(), timeout=WAIT_SECONDS)


def test_an_exception_crosses_with_its_traceback(host):
    with pytest.raises(LookupError) as caught:
        host.run(fail(LookupError("gone")), timeout=WAIT_SECONDS)

    assert "fail" in [entry.name for entry in caught.traceback]


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_the_thread_survives_an_exception_that_would_end_a_loop(host, kind):
    with pytest.raises(kind):
        host.run(fail(kind()), timeout=WAIT_SECONDS)

    assert 5 == host.run(give(5), timeout=WAIT_SECONDS)


def test_the_thread_survives_a_task_of_the_app_that_exits(host):
    async def start():
        task = asyncio.ensure_future(fail(SystemExit(3)))
        await asyncio.wait({task})
        task.exception()

    host.run(start(), timeout=WAIT_SECONDS)

    assert 5 == host.run(give(5), timeout=WAIT_SECONDS)


def test_work_that_takes_too_long_is_cancelled(host):
    cancelled, told = threading.Event(), []

    async def work():
        try:
            await hang()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(HostTimeout) as caught:
        host.run(work(), timeout=0.05, before_cancel=lambda: told.append(True))

    assert (True, True, [True]) == (caught.value.stopped, cancelled.is_set(), told)


def test_work_that_progresses_may_take_longer_than_the_timeout(host):
    steps = []

    async def work():
        turn = asyncio.Event()
        steps.append(turn)
        for _ in range(12):
            await turn.wait()
            turn.clear()
            steps.append(turn)

    def progress():
        # Each look lets the work take one step, so that it needs 12 looks; 8 make the timeout.
        if steps:
            host.loop.call_soon_threadsafe(steps[0].set)
        return len(steps)

    host.run(work(), timeout=0.4, progress=progress)

    assert 13 == len(steps)


def test_work_that_stops_progressing_times_out(host):
    steps = []

    async def work():
        steps.append(0)
        await hang()

    with pytest.raises(HostTimeout):
        host.run(work(), timeout=0.1, progress=lambda: len(steps))


def test_a_loop_that_is_blocked_is_left_behind_in_bounded_time(host, monkeypatch):
    monkeypatch.setattr("pytest_reqleak.servers.host.GRACE_SECONDS", 0.05)
    release = threading.Event()

    async def block():
        release.wait(60)

    with pytest.raises(HostTimeout) as caught:
        host.run(block(), timeout=0.05)

    assert caught.value.stopped is False
    assert host.barrier(timeout=0.05) is False
    assert host.close(timeout=0.05) is False
    release.set()
    assert host.close() is True


def test_closing_cancels_tasks_and_closes_async_generators():
    host, seen = Host(), []
    host.start()

    async def generate():
        try:
            yield 1
        finally:
            seen.append("closed")

    async def task():
        try:
            await hang()
        finally:
            seen.append("cancelled")

    async def start():
        host.generator = generate()
        await host.generator.__anext__()
        host.task = asyncio.ensure_future(task())
        await asyncio.sleep(0)

    host.run(start(), timeout=WAIT_SECONDS)
    assert 1 == host.pending_tasks()
    assert host.close() is True
    assert ["cancelled", "closed"] == seen
    assert host.close() is True


def test_a_task_that_swallows_its_cancellation_does_not_keep_close_from_returning(monkeypatch):
    monkeypatch.setattr("pytest_reqleak.servers.host.GRACE_SECONDS", 0.05)
    host = Host()
    host.start()

    async def stubborn():
        while True:
            try:
                await hang()
            except asyncio.CancelledError:
                continue

    async def start():
        host.task = asyncio.ensure_future(stubborn())
        await asyncio.sleep(0)

    host.run(start(), timeout=WAIT_SECONDS)
    before = time.monotonic()
    assert host.close() is True
    assert time.monotonic() - before < WAIT_SECONDS
    # It can never be run again; without this asyncio complains when it is collected.
    host.task._log_destroy_pending = False


def test_an_idle_host_has_no_tasks(host):
    assert 0 == host.pending_tasks()


def test_the_barrier_waits_for_callbacks_that_make_callbacks(host):
    seen = []

    def chain(left):
        seen.append(left)
        if left:
            host.loop.call_soon(chain, left - 1)

    host.loop.call_soon_threadsafe(chain, 20)

    assert host.barrier() is True
    assert 21 == len(seen)


def test_work_that_is_to_rest_ends_after_the_callbacks_that_it_left_ready(host):
    seen = []

    async def leave(depth):
        if depth:
            asyncio.get_running_loop().call_soon(lambda: host.loop.create_task(leave(depth - 1)))
        seen.append(depth)

    host.run(leave(5), timeout=WAIT_SECONDS, rest=True)

    assert [5, 4, 3, 2, 1, 0] == seen
    assert host.rests
    host.await_rest()
    assert not host.rests


def test_work_that_ended_in_time_may_rest_for_longer(host):
    async def leave_callbacks():
        # Each in the turn after the one before: the last one after the end of this.
        soon = asyncio.get_running_loop().call_soon
        soon(soon, soon, time.sleep, 0.5)
        return 5

    assert 5 == host.run(leave_callbacks(), timeout=0.2, rest=True)


def test_tasks_that_never_wait_do_not_keep_work_from_its_end(host, monkeypatch):
    monkeypatch.setattr("pytest_reqleak.agent.loops.PASS_SECONDS", 0.1)
    going = [True]

    async def spin():
        while going:
            await asyncio.sleep(0)
            time.sleep(0.01)

    async def start():
        return asyncio.get_running_loop().create_task(spin())

    begun = time.monotonic()
    task = host.run(start(), timeout=WAIT_SECONDS, rest=True)

    assert time.monotonic() - begun < WAIT_SECONDS / 2
    assert not task.done()
    going.clear()


def test_worker_threads_of_anyio_are_kept_between_tasks(host):
    async def ask_thread():
        return await anyio.to_thread.run_sync(threading.get_ident)

    threads = {host.run(ask_thread(), timeout=WAIT_SECONDS) for _ in range(5)}

    assert 1 == len(threads)


def test_the_callers_context_does_not_reach_the_app(host):
    import contextvars

    mine = contextvars.ContextVar("mine")
    mine.set(1)

    async def look():
        return mine.get(None)

    assert host.run(look(), timeout=WAIT_SECONDS) is None
