"""Real servers in processes of their own: measured as an app in this process is."""

import os
import sys
import urllib.request
from itertools import pairwise

import psutil
import pytest

from pytest_reqleak import measure
from pytest_reqleak.drivers.driver import make_driver
from pytest_reqleak.model.meter import Meter, Phase, Verdict
from pytest_reqleak.model.request import Request
from pytest_reqleak.servers.external import boot_external

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="servers in processes need POSIX")

APPS = "tests.servers.outside_apps"
TIMEOUT = 60.0
SMALL = {"iterations": 200, "batches": 20, "warmup": 200, "timeout": TIMEOUT}

SERVED = [
    ("bundled", "asgi", "clean"),
    ("bundled", "wsgi", "wsgi"),
    ("granian", "asgi", "clean"),
    ("granian", "rsgi", "rsgi"),
    ("granian", "wsgi", "wsgi"),
    ("uvicorn", "asgi", "clean"),
    ("hypercorn", "asgi", "clean"),
    ("hypercorn", "wsgi", "wsgi"),
    ("gunicorn", "wsgi", "wsgi"),
    ("gunicorn", "asgi", "clean"),
]


def boot(app="clean", server="uvicorn", **more):
    if server != "bundled":
        pytest.importorskip(server)
    return boot_external(f"{APPS}:{app}", server=server, timeout=TIMEOUT, **more)


def answer(booted, path="/"):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(booted.url + path, timeout=TIMEOUT) as response:
        return response.read().decode()


# Whole numbers up to 256 exist always; a counter beyond is an object of its server's or app's own.
# CPython 3.10 makes a cache for each function at its 1,024th call.
WARMUP = 300 if sys.version_info >= (3, 11) else 1200
# What is called in some requests only gets its cache later: a dozen blocks, once.
ONCE = 2 if sys.version_info >= (3, 11) else 20


def series(booted, meter, batches=10, size=25):
    """Readings of one meter after each batch of requests, the first ones left out."""
    if booted.interface == "wsgi":
        # All threads of the server's pool: where the first is not back yet, another is made at any time.
        many = make_driver(booted, [Request("GET", "/")], concurrency=16, request_seconds=TIMEOUT)
        many.run_batch(0, WARMUP)
        many.close()
    driver = make_driver(booted, [Request("GET", "/")], concurrency=1, request_seconds=TIMEOUT)
    agent = booted.make_agent()
    with agent:
        driver.run_batch(0, WARMUP)
        for batch in range(batches):
            driver.run_batch(WARMUP + batch * size, size)
            agent.settle()
            agent.sample(WARMUP + (batch + 1) * size, Phase.MEASURE)
        driver.close()
        return agent.buffer.samples()[meter][2:]


@pytest.mark.parametrize(("server", "interface", "app"), SERVED)
def test_an_empty_app_is_served_and_reads_flat(server, interface, app):
    with boot(app, server, interface=interface) as booted:
        info = booted.info
        readings = series(booted, Meter.LIVE_BLOCKS)
        worker = psutil.Process(info.pid)

        assert (server, interface, True) == (info.name, info.interface, info.isolated)
        # A block or two may come once, such as a counter's; what grows adds one in each batch.
        assert sum(earlier < later for earlier, later in pairwise(readings)) <= 2 < len(readings) - 1
        assert max(readings) - min(readings) <= ONCE
        assert os.getpid() in [parent.pid for parent in worker.parents()]
    assert not psutil.pid_exists(info.pid) or psutil.Process(info.pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("server", "app", "interface"),
    [
        ("granian", "leaky", "asgi"),
        ("granian", "wsgi_leaky", "wsgi"),
        ("uvicorn", "leaky", "asgi"),
        ("bundled", "leaky", "asgi"),
        ("gunicorn", "wsgi_leaky", "wsgi"),
    ],
)
def test_a_leak_is_found_in_the_worker_with_its_site_and_holder(server, app, interface):
    if server != "bundled":
        pytest.importorskip(server)
    run = measure(f"{APPS}:{app}", "GET /orders/{i}", server=server, isolate=server == "bundled", **SMALL)

    assert Verdict.LEAK is run.verdict
    assert interface == run.server.interface
    assert run.server.pid != os.getpid()
    assert f"{APPS}.KEPT" == run.holders[0].path
    assert "outside_apps.py" == os.path.basename(run.sites[0].frames[0].file)
    assert not run.samples.readings.get(Meter.TASKS) or run.growth_of(Meter.TASKS).per_iteration < 0.01


def test_the_result_says_what_served_the_process_and_not_what_serves_this_one():
    pytest.importorskip("uvicorn")
    run = measure(f"{APPS}:clean", server="uvicorn", python_malloc="malloc", **SMALL)

    assert f"malloc, {run.server.allocator}" == run.environment["allocator"]
    assert run.server.allocator


def test_a_server_is_asked_in_the_interface_that_the_app_has():
    with boot("both", "granian") as both, boot("both", "granian", interface="rsgi") as rsgi:
        assert ("asgi", "rsgi") == (both.info.interface, rsgi.info.interface)


def test_a_factory_is_called_in_the_worker():
    with boot("make_clean", factory=True) as booted:
        assert str(booted.info.pid) == answer(booted)
        assert f"{APPS}:make_clean" == booted.name


def test_the_app_sees_none_of_our_settings(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/of/the/user")
    monkeypatch.delenv("PYTHONMALLOC", raising=False)
    with boot("environment", python_malloc="malloc", environment={"MINE": "set"}) as booted:
        seen = dict(line.split("=", 1) for line in answer(booted).splitlines())

    assert "None" == seen["REQLEAK_WORKER"]
    assert "/of/the/user" == seen["PYTHONPATH"]
    assert ["None"] * 4 == [seen[name] for name in ("PYTHONMALLOC", "GLIBC_TUNABLES", "LD_PRELOAD", "MINE")]


def test_with_malloc_for_python_there_are_heap_bytes_and_no_blocks():
    with boot(python_malloc="malloc") as booted:
        agent = booted.make_agent()
        agent.sample(1, Phase.MEASURE)

        assert "malloc" == booted.info.python_malloc
        assert Meter.LIVE_BLOCKS not in agent.buffer.samples().readings
        assert agent.buffer.last(Meter.HEAP_BYTES) > 1_000_000


def test_several_runs_follow_each_other_in_one_worker():
    with boot() as booted:
        first, second = series(booted, Meter.DESCRIPTORS), series(booted, Meter.DESCRIPTORS)

        assert first == second


def test_arguments_of_the_user_reach_the_server():
    with boot(arguments=["--header", "x-mine: yes"]) as booted:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(booted.url, timeout=TIMEOUT) as response:
            assert "yes" == response.headers["x-mine"]
        assert ("--header", "x-mine: yes") == booted.info.arguments


def test_what_is_sent_at_a_time_is_known_to_a_server_with_threads():
    with boot("wsgi", "granian", concurrency=4) as booted:
        driver = make_driver(booted, [Request("GET", "/")], concurrency=4, request_seconds=TIMEOUT)
        driver.run_batch(0, 100)
        driver.close()
