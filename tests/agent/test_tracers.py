"""Tracers find the line that allocates what stays, and leave the process as it was."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_reqleak.agent.tracers import PythonTracer, make_tracer
from pytest_reqleak.errors import UsageError

SHOP = """
import collections
KEPT, RING = [], collections.deque(maxlen=40)
def remember(i):
    KEPT.append(bytes(500 + i % 3))
def request(i):
    remember(i)
    RING.append(bytes(700))
    return [i] * 100
"""
TRACE = """
import gc, shop
from pytest_reqleak.agent.tracers import make_tracer
for i in range(100): shop.request(i)
tracer = make_tracer("TRACER")
tracer.start(8)
tracer.mark(100)
for window in range(4):
    for i in range(100): shop.request(i)
    gc.collect()
    tracer.mark(200 + 100 * window)
sites, total = tracer.growth(), tracer.bytes_per_iteration()
tracer.stop()
say([[[list(f) for f in s.frames], s.bytes_per_iteration, s.blocks_per_iteration] for s in sites] + [total])
"""
UNKEPT = """
import os, tempfile
from pytest_reqleak.agent.native import NativeTracer
from pytest_reqleak.errors import ReqleakError
os.mkdir("temporary")
tempfile.tempdir = "temporary"
tracer = NativeTracer(keep=os.path.join("no", "such", "folder", "capture.bin"))
tracer.start(8)
before = os.listdir("temporary")
try:
    tracer.stop()
except ReqleakError as error:
    say([len(before), os.listdir("temporary"), str(error)])
"""
# Where greenlet is installed it is in use: SQLAlchemy imports it.
QUIET = """
import contextlib
with contextlib.suppress(ImportError):
    import greenlet
from pytest_reqleak.agent.tracers import make_tracer
tracer = make_tracer("memray")
tracer.start(8)
tracer.stop()
"""
memray_needed = pytest.mark.skipif(sys.platform == "win32", reason="memray has no version for Windows")


@pytest.mark.parametrize("tracer", ["tracemalloc", pytest.param("memray", marks=memray_needed)])
def test_line_that_leaks_is_the_only_site_and_a_full_ring_buffer_is_none(child, tracer):
    if tracer == "memray":
        pytest.importorskip("memray")

    *sites, total = child(TRACE.replace("TRACER", tracer), shop=SHOP)
    sites = [site for site in sites if site[1] > 0.01 * total]

    lines = [(frames[0][0].rpartition("/")[2], frames[0][1]) for frames, *_ in sites]
    assert [("shop.py", 5)] == lines
    frames, bytes_per_iteration, blocks_per_iteration = sites[0]
    assert ("shop.py", 7) == (frames[1][0].rpartition("/")[2], frames[1][1])
    # 501 bytes of payload on average and 33 of header, and 8 for its place in the list.
    assert 534 == pytest.approx(bytes_per_iteration, rel=0.05)
    assert 1.0 == pytest.approx(blocks_per_iteration, rel=0.02)
    assert total == pytest.approx(bytes_per_iteration, rel=0.02)


def test_tracemalloc_of_the_user_goes_on_and_is_read_as_differences(child):
    begin = "import tracemalloc\ntracemalloc.start(3)\nbefore = [bytes(900) for _ in range(100)]\n"
    trace = TRACE.replace("TRACER", "tracemalloc")
    end = "say([tracemalloc.get_traceback_limit() if tracemalloc.is_tracing() else 0] + "

    depth, *sites, total = child(begin + trace.replace("say(", end), shop=SHOP)

    assert 3 == depth
    assert 534 == pytest.approx(total, rel=0.05)
    assert ("shop.py", 5) == (sites[0][0][0][0].rpartition("/")[2], sites[0][0][0][1])


def test_what_the_marks_note_is_not_traced_itself(child):
    trace = """
    import shop, tracemalloc
    from pytest_reqleak.agent.tracers import make_tracer
    for i in range(3000): shop.KEPT.append(bytes(600))
    tracer = make_tracer("tracemalloc")
    tracer.start(8)
    for i in range(3000): shop.KEPT.append(bytes(600))
    before = tracemalloc.get_traced_memory()[1]
    tracer.mark(0)
    peak = tracemalloc.get_traced_memory()[1]
    tracer.stop()
    say([peak - before])
    """

    (more,) = child(trace, shop=SHOP)

    # A number for each of the traces would be 90 KB.
    assert more < 20_000


def test_marks_of_many_traces_are_reduced_before_the_tracing_ends(child):
    few = "from pytest_reqleak.agent import tracers\ntracers._MOST_UNREAD = 100\n"

    *sites, total = child(few + TRACE.replace("TRACER", "tracemalloc"), shop=SHOP)

    assert 534 == pytest.approx(total, rel=0.05)
    assert ("shop.py", 5) == (sites[0][0][0][0].rpartition("/")[2], sites[0][0][0][1])


def test_tracer_of_an_unknown_name_is_refused():
    with pytest.raises(UsageError, match=r"tracer = 'valgrind': must be tracemalloc or memray"):
        make_tracer("valgrind")


def test_stopping_a_tracer_that_never_started_does_nothing():
    PythonTracer().stop()


def test_memray_that_is_missing_is_named_with_the_way_out(child):
    code = """
    import sys
    sys.modules["memray"] = None
    from pytest_reqleak.agent.tracers import make_tracer
    from pytest_reqleak.errors import ReqleakError
    try: make_tracer("memray")
    except ReqleakError as error: say(str(error))
    """

    message = child(code)

    assert "tracer = 'memray' cannot run" in message
    assert "use tracer = 'tracemalloc'" in message


@memray_needed
def test_second_tracker_of_memray_is_refused_in_one_line(child):
    pytest.importorskip("memray")
    code = """
    import memray
    from pytest_reqleak.agent.tracers import make_tracer
    from pytest_reqleak.errors import ReqleakError
    with memray.Tracker("other.bin"):
        try: make_tracer("memray").start(4)
        except ReqleakError as error: message = str(error)
    say(message)
    """

    message = child(code)

    assert "\n" not in message
    assert "end the other memray tracker" in message


@memray_needed
def test_capture_of_memray_is_removed(child, tmp_path):
    pytest.importorskip("memray")
    code = """
    import os, tempfile
    tempfile.tempdir = os.getcwd()
    from pytest_reqleak.agent.tracers import make_tracer
    tracer = make_tracer("memray")
    tracer.start(4)
    during = [name for name in os.listdir() if name.startswith("reqleak-")]
    tracer.stop()
    say([len(during), [name for name in os.listdir() if name.startswith("reqleak-")]])
    """

    assert [1, []] == child(code)


@memray_needed
def test_memray_sees_what_c_code_allocates(child):
    pytest.importorskip("memray")
    source = """
    import ctypes
    libc = ctypes.CDLL(None)
    libc.strdup.restype = ctypes.c_void_p
    text = b"x" * 3999
    def request(i):
        libc.strdup(text)
    """

    *sites, _ = child(TRACE.replace("TRACER", "memray"), shop=source)

    assert ("request", 7) == (sites[0][0][0][2], sites[0][0][0][1])
    assert 4000 == pytest.approx(sites[0][1], rel=0.02)


@memray_needed
def test_what_memray_says_of_symbols_and_greenlets_is_not_told_to_the_user(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", QUIET], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )

    assert "" == done.stderr


def test_a_capture_that_cannot_be_kept_is_told_and_leaves_nothing_behind(child):
    pytest.importorskip("memray")

    before, left, message = child(UNKEPT)

    assert (1, []) == (before, left)
    assert "the capture cannot be kept there" in message
