"""The kernel's own counts are those that a listing gives, and are offered only where they are."""

from __future__ import annotations

import os
import sys

import pytest

from pytest_reqleak.agent.proc import ProcFiles

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture
def files():
    made = ProcFiles()
    yield made
    made.close()


@linux
def test_each_thread_counts_once(child):
    # In a process of its own: here a thread of another test may end between two readings.
    code = """
    import threading
    from pytest_reqleak.agent.proc import ProcFiles
    files = ProcFiles()
    before, stop = files.threads(), threading.Event()
    threads = [threading.Thread(target=stop.wait, args=(30,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    counted = files.threads()
    stop.set()
    say([before, counted])
    """

    before, counted = child(code)

    assert before + 3 == counted


@linux
def test_each_descriptor_counts_once(files):
    if files.descriptors is None:
        pytest.skip("a kernel before 6.2")
    before = files.descriptors()
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(3)]
    counted = files.descriptors()
    for file in opened:
        os.close(file)

    assert before + 3 == counted
    assert before == files.descriptors()


@linux
def test_the_resident_set_is_that_of_psutil(files):
    import psutil

    assert files.rss_bytes is not None
    assert pytest.approx(psutil.Process().memory_info().rss, rel=0.2) == files.rss_bytes()


@linux
def test_closing_gives_every_descriptor_back():
    before = len(os.listdir("/proc/self/fd"))
    files = ProcFiles()
    files.close()
    files.close()

    assert before == len(os.listdir("/proc/self/fd"))
    assert (None, None, None) == (files.rss_bytes, files.descriptors, files.threads)


def test_a_directory_that_does_not_count_its_entries_is_not_read(tmp_path):
    for name in ("fd", "task"):
        (tmp_path / name).mkdir()
        for entry in "123":
            (tmp_path / name / entry).touch()
    files = ProcFiles(str(tmp_path))

    assert (None, None, None) == (files.rss_bytes, files.descriptors, files.threads)
    files.close()
