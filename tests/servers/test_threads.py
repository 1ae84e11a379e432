"""The threads that call WSGI apps."""

from __future__ import annotations

import gc
import threading
import weakref

from pytest_reqleak.servers.threads import THREAD_NAME, Threads

WAIT_SECONDS = 10.0


def wait_until_idle(threads):
    while threads.unended:
        threading.Event().wait(0.001)


def test_threads_are_daemons_and_begin_when_they_are_needed():
    threads, done, seen = Threads(4), threading.Event(), []

    def job():
        seen.append(threading.current_thread())
        done.set()

    before = threading.active_count()
    threads.submit(job)
    assert done.wait(WAIT_SECONDS)

    assert before + 1 == threading.active_count()
    assert seen[0].daemon
    assert seen[0].name.startswith(THREAD_NAME)
    assert threads.close(timeout=WAIT_SECONDS) is True
    assert before == threading.active_count()


def test_no_more_jobs_run_at_a_time_than_asked_for():
    threads, together = Threads(2), threading.Barrier(2, timeout=WAIT_SECONDS)
    names = []

    def job():
        together.wait()
        names.append(threading.current_thread().name)

    for _ in range(6):
        threads.submit(job)
    wait_until_idle(threads)

    assert 6 == len(names)
    assert 2 == len(set(names))
    threads.close(timeout=WAIT_SECONDS)


def test_a_finished_job_is_let_go_of():
    class Thing:
        def job(self):
            pass

    threads, thing = Threads(1), Thing()
    reference = weakref.ref(thing)
    threads.submit(thing.job)
    wait_until_idle(threads)
    del thing
    gc.collect()

    assert reference() is None
    threads.close(timeout=WAIT_SECONDS)


def test_a_job_that_hangs_is_left_behind():
    threads, begun, release = Threads(1), threading.Event(), threading.Event()

    def job():
        begun.set()
        release.wait(60)

    threads.submit(job)
    assert begun.wait(WAIT_SECONDS)

    assert threads.close(timeout=0.05) is False
    assert 1 == threads.unended
    release.set()
    assert threads.close(timeout=WAIT_SECONDS) is True
