"""The watch of lines: which line makes a number rise."""

from __future__ import annotations

import sys

import pytest

from pytest_reqleak.agent.watch import adding_lines, retaining_stack

WATCH = """
import threading, queue
import shop
from pytest_reqleak.agent.watch import HolderWatch

asked, answered = queue.Queue(), queue.Queue()

def serve():
    while (count := asked.get()) is not None:
        for i in range(count):
            shop.request(i)
        answered.put(None)

def send(count):
    asked.put(count)
    answered.get()

# The thread runs before anything is watched, as a server's does.
thread = threading.Thread(target=serve)
thread.start()
send(20)
watch = HolderWatch({name: gauge for name, gauge in shop.GAUGES.items()})
started = watch.start()
send(3)
watch.reset()
send(30)
lines = watch.end()
send(5)
asked.put(None)
thread.join()
say([[line.gauge, [[frame[1], frame[2]] for frame in line.frames if frame[0].endswith("shop.py")], line.share]
     for line in lines])
"""

pytestmark = pytest.mark.skipif(sys.implementation.name != "cpython", reason="events of CPython")


def test_the_line_that_adds_to_a_container_is_told_with_its_callers(child):
    source = """
    SEEN = []
    GAUGES = {"shop.SEEN": SEEN.__len__}
    def keep(i):
        SEEN.append(i)
    def request(i):
        keep(i)
    """

    assert [["shop.SEEN", [[5, "keep"], [7, "request"]], 1.0]] == child(WATCH, shop=source)


def test_after_so_many_events_nothing_is_read_any_more(child):
    source = """
    SEEN, READ = [], [0]
    def count():
        READ[0] += 1
        return len(SEEN)
    GAUGES = {"shop.SEEN": count}
    def request(i):
        SEEN.append(i)
    """
    code = WATCH.replace(
        "watch = ", "import pytest_reqleak.agent.watch as module\nmodule.MOST_EVENTS = 40\nwatch = "
    )

    lines, read = child(
        code.replace("say([[", "say([shop.READ[0], [[").replace("in lines])", "in lines]])"), shop=source
    )[::-1]

    assert lines
    # Two readings for each of the events, and some when it begins and ends.
    assert read <= 2 * 2 * 40 + 10


def test_what_a_thread_does_while_it_rests_is_nobody_s(child):
    source = """
    SEEN = []
    GAUGES = {"shop.SEEN": SEEN.__len__}
    def look_around():
        SEEN.append(None)
    def request(i):
        SEEN.append(i)
    """
    code = WATCH.replace(
        "lines = watch.end()",
        """
with watch.resting():
    for _ in range(200):
        shop.look_around()
send(20)
lines = watch.end()
""",
    )

    assert [["shop.SEEN", [[7, "request"]], 1.0]] == child(code, shop=source)


def test_what_is_added_and_taken_out_again_is_nobody_s(child):
    source = """
    SEEN, BUSY = [], []
    GAUGES = {"busy": BUSY.__len__, "seen": SEEN.__len__}
    def request(i):
        BUSY.append(i)
        SEEN.append(i)
        BUSY.pop()
    """

    assert ["seen"] == [line[0] for line in child(WATCH, shop=source)]


def test_lines_of_a_coroutine_that_waits_are_told(child):
    source = """
    import asyncio
    SEEN = {}
    GAUGES = {"seen": SEEN.__len__}
    LOOP = asyncio.new_event_loop()
    async def view(i):
        await asyncio.sleep(0)
        SEEN[len(SEEN)] = i
    def request(i):
        LOOP.run_until_complete(view(i))
    """

    assert [[8, "view"], [10, "request"]] == child(WATCH, shop=source)[0][1]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C heap is only read on Linux")
def test_the_line_behind_which_c_code_allocates_is_told_though_no_tracer_sees_it(child):
    source = """
    import ctypes, psutil
    LIBC = ctypes.CDLL(None)
    LIBC.malloc.restype = ctypes.c_void_p
    def heap():
        found = psutil.heap_info()
        return found.heap_used + found.mmap_used
    GAUGES = {"heap": heap}
    def render(i):
        return bytes(5000 + 16 * (i % 7))
    def request(i):
        text = render(i)
        LIBC.malloc(600)
        del text
    """

    found = child(WATCH, shop=source)

    assert [["heap", [[13, "request"]], 1.0]] == found


def test_a_debugger_that_traces_lines_is_not_disturbed(child):
    code = """
    import sys
    from pytest_reqleak.agent.watch import HolderWatch
    def tracer(frame, event, arg): return tracer
    seen = []
    sys.settrace(tracer)
    watch = HolderWatch({"seen": seen.__len__})
    started = watch.start()
    watch.end()
    kept = sys.gettrace() is tracer
    sys.settrace(None)
    # From Python 3.12 on the two do not meet.
    say([started == hasattr(sys, "monitoring"), kept])
    """

    assert [True, True] == child(code)


def test_watching_leaves_the_app_as_fast_as_it_was(child):
    code = """
    import sys
    from pytest_reqleak.agent.watch import HolderWatch
    seen = []
    for _ in range(3):
        watch = HolderWatch({"seen": seen.__len__})
        watch.start()
        watch.end()
    tools = [sys.monitoring.get_tool(n) for n in range(6)] if hasattr(sys, "monitoring") else []
    say([any(tools), sys.gettrace() is None])
    """

    assert [False, True] == child(code)


def test_largest_share_comes_first_and_trifles_are_left_out():
    nets = {(("a.py", 1, "f"),): 70, (("a.py", 2, "g"),): 25, (("a.py", 3, "h"),): 5}

    assert [((("a.py", 1, "f"),), 0.7), ((("a.py", 2, "g"),), 0.25)] == adding_lines(nets)


def test_what_does_not_grow_has_no_lines():
    assert [] == adding_lines({(("a.py", 1, "f"),): 5, (("a.py", 2, "g"),): -5})
    assert ((), 0.0) == retaining_stack({(("a.py", 1, "f"),): -5})


def test_search_stops_where_two_lines_share_the_growth():
    outer = ("a.py", 9, "view")
    nets = {(("a.py", 1, "f"), outer): 50, (("a.py", 2, "g"), outer): 50}

    assert ((outer,), 100.0) == retaining_stack(nets)


def test_line_whose_memory_its_caller_frees_is_not_blamed():
    outer = ("a.py", 9, "view")
    nets = {(("a.py", 1, "render"), outer): 5000, (outer,): -5000, (("a.py", 2, "leak"), outer): 300}

    assert ((("a.py", 2, "leak"), outer), 300.0) == retaining_stack(nets)
