"""Whether other threads work is known at once, and nobody who works is taken for one who waits."""

import hashlib
import sys
import threading

import pytest

from pytest_reqleak.agent import stirring
from pytest_reqleak.agent.stirring import OtherThreads, find_other_threads

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel is Linux's")

WAIT_SECONDS = 20
LOOKS = 50


def in_python(stop):
    while not stop.is_set():
        pass


def without_the_interpreter(stop):
    while not stop.is_set():
        hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 2000)


@pytest.mark.parametrize("work", [in_python, without_the_interpreter])
@pytest.mark.parametrize("threads", [1, 3])
def test_whoever_works_is_seen_at_each_look(work, threads):
    stop = threading.Event()
    working = [threading.Thread(target=work, args=(stop,)) for _ in range(threads)]
    for thread in working:
        thread.start()
    try:
        others = OtherThreads()

        assert [False] * LOOKS == [others.are_quiet() for _ in range(LOOKS)]
        assert not others.await_quiet(0.01)
    finally:
        stop.set()
        for thread in working:
            thread.join()


def test_who_waits_is_quiet():
    done = threading.Event()
    waiting = [threading.Thread(target=done.wait, args=(WAIT_SECONDS,)) for _ in range(5)]
    for thread in waiting:
        thread.start()
    try:
        assert OtherThreads().await_quiet(WAIT_SECONDS)
        assert all(thread.is_alive() for thread in waiting)
    finally:
        done.set()
        for thread in waiting:
            thread.join()


def test_a_thread_is_waited_for_until_it_has_done_its_work():
    done = []

    def work():
        for n in range(20):
            hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 2000)
            done.append(n)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert OtherThreads().await_quiet(WAIT_SECONDS)
        assert 20 == len(done)
    finally:
        worker.join()


def test_who_asks_is_not_looked_at():
    found = []

    def ask():
        found.append(OtherThreads().await_quiet(WAIT_SECONDS))

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join()

    assert [True] == found


def test_a_kernel_that_counts_no_switches_is_not_believed(monkeypatch):
    assert find_other_threads() is not None
    monkeypatch.setattr(stirring, "_own_switches", lambda: 0)

    assert find_other_threads() is None
