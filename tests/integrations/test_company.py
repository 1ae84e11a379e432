"""Beside the plugins that people have: each does what it is for, and a clean test stays clean."""

import sys

import pytest

MARKED = "import pytest\npytestmark = pytest.mark.no_leak\n"


def test_pytest_cov_counts_the_lines_and_its_tracers_are_not_counted(run_pytest, verdicts):
    result = run_pytest(
        MARKED
        + """
import threading

def test_thread():
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()

@pytest.mark.no_leak(False)
def test_later():
    for number in range(3):
        assert number < 3
""",
        "--cov=.",
        "--cov-branch",
        "--cov-report=term-missing",
        plugins=["pytest_cov"],
    )

    result.assert_outcomes(passed=2)
    assert {"test_thread": "clean"} == verdicts()
    result.stdout.re_match_lines([r"test_it\.py +\d+ +0 +\d+ +0 +100%"])


def test_pytest_randomly_seeds_and_shuffles(run_pytest, verdicts):
    result = run_pytest(
        MARKED
        + """
import random

def test_a():
    random.random()

def test_b():
    random.random()
""",
        "-p",
        "randomly",
        "--randomly-seed=3",
    )

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["Using --randomly-seed=3"])
    assert {"test_a": "clean", "test_b": "clean"} == verdicts()


def test_pytest_timeout_is_for_all_iterations_and_the_answer_says_so(run_pytest, runs):
    result = run_pytest(
        """
import threading
import pytest

WAIT = threading.Event().wait

@pytest.mark.timeout(2)
@pytest.mark.no_leak(iterations=5000, batches=500, warmup=10)
def test_many_batches():
    WAIT(0.002)

@pytest.mark.timeout(3, method="thread")
@pytest.mark.no_leak(iterations=100000, batches=2)
def test_one_long_batch():
    WAIT(0.002)

@pytest.mark.timeout(0.5)
@pytest.mark.no_leak
def test_one_long_pass():
    WAIT(60)
""",
        plugins=["timeout"],
    )

    result.assert_outcomes(passed=2, failed=1, warnings=1)
    advice = "pytest-timeout gives this test 2.0 s for all its iterations together: allow more"
    (caveat,) = [
        caveat for caveat in runs()["test_many_batches"]["caveats"] if "time-limit" == caveat["slug"]
    ]
    assert caveat["text"].startswith(advice)
    # A batch longer than the time is cut.
    result.stdout.fnmatch_lines(
        ["*the time limit of 2 s ended the run after * iterations in all*pytest-timeout gives*3.0 s*"]
    )
    result.stdout.fnmatch_lines(["*pytest-timeout gives this test 0.5 s*"])


def test_pytest_rerunfailures_runs_a_leak_again_and_the_last_answer_counts(run_pytest, verdicts):
    result = run_pytest(
        """
import pytest
KEPT = []
attempts = []

@pytest.fixture
def attempt():
    attempts.append(1)
    return len(attempts)

@pytest.mark.flaky(reruns=1)
@pytest.mark.no_leak(trace="never")
def test_always():
    KEPT.append(object())

@pytest.mark.flaky(reruns=1)
@pytest.mark.no_leak(trace="never")
def test_once(attempt):
    if attempt == 1:
        KEPT.append(object())
""",
        plugins=["rerunfailures"],
    )

    result.stdout.fnmatch_lines(["*1 failed, 1 passed, 2 rerun*"])
    assert {"test_always": "leak", "test_once": "clean"} == verdicts()


@pytest.mark.skipif(sys.platform == "win32", reason="memray does not run there")
@pytest.mark.parametrize("tracer", ["tracemalloc", "memray"])
def test_pytest_memray_tracks_the_first_pass_and_we_the_others(run_pytest, verdicts, tracer):
    result = run_pytest(
        f"""
import pytest
KEPT = []

@pytest.mark.limit_memory("1 MB")
@pytest.mark.no_leak(tracer="{tracer}")
def test_leaky():
    KEPT.append(bytearray(3000))

@pytest.mark.limit_memory("1 KB")
@pytest.mark.no_leak
def test_large():
    bytearray(1_000_000)
""",
        "--memray",
        plugins=["memray"],
    )

    result.assert_outcomes(failed=2)
    assert {"test_leaky": "leak", "test_large": "clean"} == verdicts()
    result.stdout.fnmatch_lines(["*KEPT.append(bytearray(3000))*"])
    result.stdout.fnmatch_lines(["*limited to 1.0KiB but*"])


def test_pytest_benchmark_times_the_first_pass(run_pytest, verdicts):
    result = run_pytest(
        MARKED
        + """
def test_timed(benchmark):
    assert 45 == benchmark(lambda: sum(range(10)))

def test_pedantic(benchmark):
    benchmark.pedantic(sum, args=([1, 2],), rounds=3)
""",
        "--benchmark-max-time=0.01",
        "--benchmark-min-rounds=2",
        plugins=["benchmark"],
    )

    result.assert_outcomes(passed=2)
    assert {"test_timed": "clean", "test_pedantic": "clean"} == verdicts()
    result.stdout.fnmatch_lines(["*benchmark: 2 tests*"])


def test_hypothesis_bodies_are_repeated_with_all_their_examples(run_pytest, verdicts):
    result = run_pytest(
        MARKED
        + """
from hypothesis import given, settings, strategies
KEPT = []

@settings(max_examples=3)
@given(strategies.integers())
def test_clean(number):
    assert isinstance(number, int)

@pytest.mark.no_leak(trace="never")
@settings(max_examples=3)
@given(strategies.integers())
def test_leaky(number):
    KEPT.append(object())
""",
        plugins=["hypothesispytest"],
    )

    result.assert_outcomes(passed=1, failed=1)
    assert {"test_clean": "clean", "test_leaky": "leak"} == verdicts()


def test_pytest_mock_starts_each_pass_without_its_patches_and_calls(run_pytest, verdicts):
    result = run_pytest(
        MARKED
        + """
import os
from unittest.mock import MagicMock

class Shop:
    price = staticmethod(lambda: 1)

@pytest.fixture
def price(mocker):
    return mocker.patch.object(Shop, "price", return_value=5)

@pytest.fixture
def client():
    return MagicMock()

def test_patch(mocker):
    patched = mocker.patch("os.getcwd", return_value="/patched")
    assert "/patched" == os.getcwd()
    patched.assert_called_once_with()

def test_patch_of_a_fixture(price):
    assert 5 == Shop.price()
    price.assert_called_once_with()

def test_spy(mocker):
    spy = mocker.spy(os.path, "join")
    os.path.join("a", "b")
    assert 1 == spy.call_count

def test_mock(client):
    client.orders.get(1)
    client.orders.get.assert_called_once_with(1)

@pytest.mark.no_leak(False)
def test_nothing_is_left():
    assert "/patched" != os.getcwd()
    assert 1 == Shop.price()
""",
        plugins=["pytest_mock"],
    )

    result.assert_outcomes(passed=5)
    names = ["test_patch", "test_patch_of_a_fixture", "test_spy", "test_mock"]
    assert dict.fromkeys(names, "clean") == verdicts()


def test_respx_starts_each_pass_with_the_routes_of_its_fixtures(run_pytest, verdicts):
    result = run_pytest(
        MARKED
        + """
import httpx
import respx

CLIENT = httpx.Client(trust_env=False)

@pytest.fixture
def route(respx_mock):
    return respx_mock.get("https://shop.test/a").respond(200)

def test_fixture(route, respx_mock):
    respx_mock.get("https://shop.test/b").respond(204)
    assert 200 == CLIENT.get("https://shop.test/a").status_code
    assert 204 == CLIENT.get("https://shop.test/b").status_code
    assert 1 == route.call_count
    assert 2 == respx_mock.calls.call_count

@respx.mock
def test_decorator():
    route = respx.get("https://shop.test/c").respond(201)
    assert 201 == CLIENT.get("https://shop.test/c").status_code
    assert 1 == route.call_count
""",
        plugins=["respx"],
    )

    result.assert_outcomes(passed=2)
    assert {"test_fixture": "clean", "test_decorator": "clean"} == verdicts()


def test_pytest_httpx_starts_each_pass_with_the_responses_of_its_fixtures(run_pytest, verdicts):
    result = run_pytest(
        MARKED
        + """
import httpx

CLIENT = httpx.Client(trust_env=False)

@pytest.fixture
def answered(httpx_mock):
    httpx_mock.add_response(status_code=201)

def test_response_of_a_fixture(answered, httpx_mock):
    assert 201 == CLIENT.get("https://shop.test/").status_code
    assert 1 == len(httpx_mock.get_requests())

def test_response_of_the_body(httpx_mock):
    httpx_mock.add_response(json={"number": 1})
    assert {"number": 1} == CLIENT.get("https://shop.test/").json()
""",
        plugins=["pytest_httpx"],
    )

    result.assert_outcomes(passed=2)
    assert {"test_response_of_a_fixture": "clean", "test_response_of_the_body": "clean"} == verdicts()


def test_sentry_keeps_nothing_of_a_clean_request(run_pytest, verdicts):
    result = run_pytest(
        """
import apps
import pytest
import sentry_sdk

@pytest.fixture
def sentry():
    sentry_sdk.init("http://key@localhost/1", transport=lambda envelope: None, traces_sample_rate=1.0)
    yield
    sentry_sdk.get_client().close()
    sentry_sdk.init()

@pytest.mark.no_leak(iterations=200)
def test_clean(sentry):
    from starlette.testclient import TestClient
    assert 200 == TestClient(apps.asgi).get("/").status_code
""",
        "-Wignore",
    )

    result.assert_outcomes(passed=1)
    assert {"test_clean": "clean"} == verdicts()


def test_opentelemetry_keeps_nothing_of_a_clean_request(run_pytest, runs):
    result = run_pytest(
        """
import apps
import pytest
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter

class Nowhere(SpanExporter):
    def export(self, spans):
        return 0

@pytest.mark.parametrize("processor", [SimpleSpanProcessor, BatchSpanProcessor])
def test_clean(reqleak, processor):
    provider = TracerProvider()
    provider.add_span_processor(processor(Nowhere()))
    reqleak.check(OpenTelemetryMiddleware(apps.asgi, tracer_provider=provider), server="direct")
    provider.shutdown()
""",
        "-Wignore",
        # The batch processor empties its queue when it holds 512 spans.
        "--reqleak-iterations=2000",
    )

    result.assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "arguments",
    [["-p", "no:logging"], ["-s"], ["--capture=sys"]],
    ids=" ".join,
)
def test_without_pytests_own_records(run_pytest, verdicts, arguments):
    result = run_pytest(
        MARKED
        + """
import logging
KEPT = []

def test_talkative():
    print("said")
    logging.getLogger("app").warning("logged")

@pytest.mark.no_leak(trace="never")
def test_leaky():
    KEPT.append(object())
""",
        *arguments,
    )

    assert 1 == result.ret
    assert {"test_talkative": "clean", "test_leaky": "leak"} == verdicts()


@pytest.mark.parametrize("how", ["start", "environment", "collector", "debugger"])
def test_with_a_tracer_a_debugger_or_no_collector_in_the_process(run_pytest, runs, monkeypatch, how):
    prepare = {
        "start": "import tracemalloc; tracemalloc.start(5)",
        "environment": "",
        "collector": "import gc; gc.disable()",
        "debugger": "import sys; trace = lambda *_: trace; sys.settrace(trace)",
    }[how]
    # A tracer that saw all imports has a million blocks to go through at each mark.
    trace = "never" if how in ("start", "environment") else "auto"
    if how == "environment":
        monkeypatch.setenv("PYTHONTRACEMALLOC", "3")
    result = run_pytest(
        MARKED
        + f"""
import gc, sys, tracemalloc
{prepare}
KEPT = []

def test_clean():
    [number for number in range(3)]

@pytest.mark.no_leak(trace="{trace}")
def test_leaky():
    KEPT.append(object())

@pytest.mark.no_leak(False)
def test_all_is_as_it_was():
    assert tracemalloc.is_tracing() is {how in ("start", "environment")}
    assert gc.isenabled() is {how != "collector"}
    assert (sys.gettrace() is not None) is {how == "debugger"}
"""
    )

    result.assert_outcomes(passed=2, failed=1)
    found = runs()
    assert "clean" == found["test_clean"]["verdict"]
    assert "leak" == found["test_leaky"]["verdict"]
    assert "test_it.KEPT" == found["test_leaky"]["holders"][0]["path"]
