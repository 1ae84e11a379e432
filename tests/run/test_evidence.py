"""What leads to the line: small leaks through the command, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

HEAD = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    status = 200
    try:
        await handle(scope["path"], receive, send)
    except ValueError:
        status = 500
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"one", "more_body": True})
    await send({"type": "http.response.body", "body": b"two"})
"""


@pytest.fixture
def leak(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Check a handler of requests; gives the JSON of its run, which must be a leak."""

    def check(source: str, *requests: Any, iterations: int = 300) -> dict[str, Any]:
        (tmp_path / "shop.py").write_text(textwrap.dedent(source).lstrip() + HEAD)
        (tmp_path / "requests.json").write_text(json.dumps(requests or [{"method": "GET", "path": "/{i}"}]))
        command = [
            sys.executable,
            "-m",
            "pytest_reqleak",
            "check",
            "shop.py:app",
            "--requests",
            "requests.json",
        ]
        done = subprocess.run(
            [*command, "-n", str(iterations), "--server", "direct", "--json", "run.json"],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert 1 == done.returncode, done.stdout + done.stderr
        run: dict[str, Any] = json.loads((tmp_path / "run.json").read_text())
        return run

    return check


def lead(site: dict[str, Any]) -> tuple[str, str]:
    """File and function of the frame that a site or a holder leads with."""
    frame = site["frames"][0]
    return Path(frame["file"]).name, frame["function"]


def test_line_that_keeps_an_exception_comes_before_all_that_it_keeps(leak):
    run = leak(
        """
        ERRORS = []
        def report(error):
            ERRORS.append(error)
        async def handle(path, receive, send):
            try:
                int(path)
            except ValueError as error:
                report(error)
        """
    )

    assert ("shop.py", "report") == lead(run["holders"][0])
    assert ("shop.py", "report") == lead(run["sites"][0]) or "report" in {
        lead(s)[1] for s in run["sites"][:3]
    }
    assert "ValueError" == run["holders"][0]["entry"]
    assert run["explained"] >= 0.9


def test_tasks_that_never_end_come_first_with_the_line_that_makes_them(leak):
    run = leak(
        """
        import asyncio
        KEPT = set()
        async def wait_for(number):
            await asyncio.Event().wait()
        async def handle(path, receive, send):
            KEPT.add(asyncio.create_task(wait_for(path)))
        """
    )

    first = run["holders"][0]
    assert first["path"].startswith("tasks running shop.wait_for at shop.py:4, waiting in asyncio.locks.")
    assert ("shop.py", "handle") == lead(first)
    assert ("shop.py", "handle") == lead(run["sites"][0])
    assert "asyncio task" == run["sites"][0]["category"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="descriptors are told by /proc")
def test_descriptors_come_first_with_the_line_that_opens_them(leak):
    run = leak(
        """
        import os
        def connect():
            return os.open("/dev/null", os.O_RDONLY)
        async def handle(path, receive, send):
            connect()
        """
    )

    assert "descriptors open: file /dev/null" == run["holders"][0]["path"]
    assert ("shop.py", "connect") == lead(run["holders"][0])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C heap is only read on Linux")
def test_memory_that_c_code_allocates_is_traced_to_symbol_library_and_line(leak):
    pytest.importorskip("memray")
    run = leak(
        """
        import ctypes
        LIBC = ctypes.CDLL(None)
        LIBC.strdup.restype = ctypes.c_void_p
        def render(path):
            return LIBC.strdup((path * 100).encode())
        async def handle(path, receive, send):
            render("/orders")
        """
    )

    site = run["sites"][0]
    assert ("shop.py", "render") == lead(site)
    assert "native memory" == site["category"]
    assert any("strdup" in frame["function"] or "strdup" in frame["code"] for frame in site["frames"])
    assert run["explained"] >= 0.9


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C heap is only read on Linux")
def test_memory_that_no_tracer_sees_is_traced_to_the_line_of_python(leak):
    run = leak(
        """
        import ctypes
        LIBC = ctypes.CDLL(None)
        LIBC.malloc.restype = ctypes.c_void_p
        def render(path):
            LIBC.malloc(900)
            return path * 200
        async def handle(path, receive, send):
            render(path)
        """
    )

    assert ("shop.py", "render") == lead(run["sites"][0])
    assert "LIBC.malloc(900)" == run["sites"][0]["frames"][0]["code"]
    assert run["explained"] >= 0.9


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C heap is only read on Linux")
def test_memory_that_c_code_takes_in_large_pieces_is_traced_to_its_line(leak):
    run = leak(
        """
        import ctypes
        LIBC = ctypes.CDLL(None)
        LIBC.malloc.restype = ctypes.c_void_p
        CALLS = [0]
        def render(path):
            CALLS[0] = (CALLS[0] + 1) % 70
            if not CALLS[0]:
                LIBC.malloc(70_000)
        async def handle(path, receive, send):
            render(path)
        """
    )

    assert ("shop.py", "render") == lead(run["sites"][0])
    assert "LIBC.malloc(70_000)" == run["sites"][0]["frames"][0]["code"]


def test_reference_that_c_code_forgets_shows_the_line_that_made_the_object(leak):
    run = leak(
        """
        import ctypes
        class Order:
            def __init__(self, path): self.path = path
        async def handle(path, receive, send):
            order = Order(path)
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(order))
        """
    )

    # Before Python 3.11 the dict of the attributes is a block of its own, made when the first one is set.
    assert ("shop.py", "handle") in [lead(site) for site in run["sites"][: 1 + (sys.version_info < (3, 11))]]
    assert "shop.Order" == run["holders"][0]["ends_in"]
    assert "shop.Order" in {kind["type"] for kind in run["types"]}


def test_leak_that_needs_two_requests_is_told_as_such(leak):
    run = leak(
        """
        OPEN, LOST = {}, []
        async def handle(path, receive, send):
            if path.startswith("/open"):
                OPEN["now"] = bytearray(64)
            elif path.startswith("/close") and "now" in OPEN:
                LOST.append(OPEN.pop("now"))
        """,
        {"method": "GET", "path": "/open"},
        {"method": "GET", "path": "/other"},
        {"method": "GET", "path": "/close"},
    )

    assert ["GET /open and GET /close, one after the other"] == [
        culprit["request"] for culprit in run["culprits"]
    ]


def test_leak_of_one_of_five_requests_that_answers_an_error_is_named(leak):
    run = leak(
        """
        SEEN = {}
        async def handle(path, receive, send):
            if path.startswith("/bad"):
                SEEN[path] = bytearray(50)
                raise ValueError(path)
        """,
        *({"method": "GET", "path": f"/good/{n}"} for n in range(4)),
        {"method": "GET", "path": "/bad/{i}", "expect": 500},
    )

    assert [("GET /bad/{i}", "answered with 500")] == [(c["request"], c["note"]) for c in run["culprits"]]
    assert "the path of GET /bad/{i}" == run["holders"][0]["keyed_by"]


def test_leak_of_a_client_that_disconnects_is_named(leak):
    run = leak(
        """
        SEEN = []
        async def handle(path, receive, send):
            await receive()
            if path == "/stream" and (await receive())["type"] == "http.disconnect":
                SEEN.append(bytearray(50))
        """,
        {"method": "GET", "path": "/plain"},
        {"method": "GET", "path": "/stream", "ending": "disconnect"},
    )

    assert [("GET /stream", "the client disconnects")] == [(c["request"], c["note"]) for c in run["culprits"]]


def test_cycles_that_nobody_collects_come_with_their_types_a_ring_and_sites(leak):
    run = leak(
        """
        import gc
        gc.disable()
        class Node:
            def __init__(self, parent=None):
                self.parent, self.kids = parent, []
        async def handle(path, receive, send):
            root = Node()
            root.kids.append(Node(root))
        """
    )

    (cycle,) = run["cycles"]
    assert {"shop.Node", "list"} <= {kind["type"] for kind in cycle["types"]}
    assert [".kids", "[0]", ".parent"] == [link["step"] for link in cycle["path"][1:]]
    assert {"handle", "Node.__init__"} >= {lead(run["sites"][0])[1]}
    assert run["bytes_per_iteration"] > 200
