"""Every kind of test is repeated, goes through its own wrappers each time, and reads flat when clean."""

import re
import sys

import pytest

MARKED = "import pytest\npytestmark = pytest.mark.no_leak\n"


def all_clean(names):
    return dict.fromkeys(names, "clean")


def test_functions_methods_and_parameters(run_pytest, verdicts):
    result = run_pytest(
        MARKED
        + """
passes = []

def test_function():
    passes.append(1) if not passes else None

class TestClass:
    def test_method(self):
        self.last = object()

@pytest.mark.parametrize("number", [1, 2])
def test_parametrised(number):
    assert number
"""
    )

    result.assert_outcomes(passed=4)
    assert (
        all_clean(["test_function", "test_method", "test_parametrised[1]", "test_parametrised[2]"])
        == verdicts()
    )


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_coroutines_under_pytest_asyncio(run_pytest, verdicts, mode):
    marker = "@pytest.mark.asyncio" if mode == "strict" else ""
    result = run_pytest(
        MARKED
        + f"""
import asyncio
KEPT = []

@pytest.fixture
def number():
    return 7

class TestClass:
    {marker}
    async def test_method(self, number):
        await asyncio.sleep(0)
        assert number == 7

{marker}
@pytest.mark.no_leak(iterations=100)
async def test_leaky():
    KEPT.append(await asyncio.sleep(0, object()))
""",
        f"--asyncio-mode={mode}",
        "-Wignore",
        plugins=["asyncio"],
    )

    result.assert_outcomes(passed=1, failed=1)
    assert {"test_method": "clean", "test_leaky": "leak"} == verdicts()
    result.stdout.fnmatch_lines(["*KEPT.append(await asyncio.sleep(0, object()))*"])


def test_coroutines_under_anyio_with_both_backends(run_pytest, verdicts):
    result = run_pytest(
        MARKED
        + """
import anyio
KEPT = []

@pytest.fixture
async def resource():
    yield await anyio.sleep(0) or "up"

@pytest.mark.anyio
async def test_clean(resource):
    await anyio.sleep(0)
    assert resource == "up"

@pytest.mark.anyio
@pytest.mark.no_leak(trace="never")
async def test_leaky(anyio_backend_name):
    KEPT.append(object())
""",
        plugins=["anyio"],
    )

    result.assert_outcomes(passed=2, failed=2)
    assert {
        "test_clean[asyncio]": "clean",
        "test_clean[trio]": "clean",
        "test_leaky[asyncio]": "leak",
        "test_leaky[trio]": "leak",
    } == verdicts()


def test_unittest_cases_start_each_pass_on_a_clean_instance(run_pytest, verdicts):
    result = run_pytest(
        MARKED
        + """
import asyncio
import unittest

class TestCase(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _outer(self):
        self.outer = "kept"

    def setUp(self):
        assert not hasattr(self, "seen")
        self.addCleanup(setattr, type(self), "cleaned", True)

    def test_plain(self):
        self.seen = self.outer
        self.assertEqual(self.outer, "kept")

class TestCoroutines(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.loop = asyncio.get_running_loop()

    async def test_coroutine(self):
        await asyncio.sleep(0)
        self.assertIs(asyncio.get_running_loop(), self.loop)
"""
    )

    result.assert_outcomes(passed=2)
    assert all_clean(["test_plain", "test_coroutine"]) == verdicts()


def test_subtests_are_reported_once_and_a_failing_one_ends_the_run(run_pytest, verdicts):
    plugins = ["subtests"] if sys.modules["pytest"].version_tuple < (9,) else []
    if plugins:
        pytest.importorskip("pytest_subtests")
    result = run_pytest(
        MARKED
        + """
import unittest
passes = {"test_failing": 0, "test_case": 0}

def test_passing(subtests):
    for number in range(2):
        with subtests.test(number=number):
            assert number < 2

def test_failing(subtests):
    passes["test_failing"] += 1
    with subtests.test("never more than three"):
        assert passes["test_failing"] <= 3

class TestCase(unittest.TestCase):
    def test_case(self):
        passes["test_case"] += 1
        with self.subTest(part="one"):
            pass
        with self.subTest(part="two"):
            self.assertLessEqual(passes["test_case"], 2)

@pytest.mark.no_leak(False)
def test_passes():
    assert passes == {"test_failing": 4, "test_case": 3}
""",
        "-v",
        plugins=plugins,
    )

    # Of the first pass of each: two, one, and two; an older pytest-subtests does not count those of unittest.
    counted = re.search(r"(\d+) subtests passed", result.stdout.str())
    assert counted is not None
    assert int(counted[1]) in ((3, 5) if plugins else (5,))
    assert all_clean(["test_passing"]) == verdicts()
    result.stdout.fnmatch_lines(["*iteration 4 of the repeated body failed, the 3 before it passed*"])
    result.stdout.fnmatch_lines(["*iteration 3 of the repeated body failed, the 2 before it passed*"])
    result.stdout.fnmatch_lines(["*test_passes PASSED*"])


def test_clients_of_asgi_and_wsgi_apps(run_pytest, verdicts):
    result = run_pytest(
        MARKED
        + """
import apps
import httpx
from starlette.testclient import TestClient

def test_starlette():
    assert TestClient(apps.asgi).get("/").text == "ok"

def test_starlette_with_lifespan():
    with TestClient(apps.asgi) as client:
        assert client.get("/").text == "ok"

def test_flask():
    assert apps.wsgi.test_client().get("/").text == "ok"

@pytest.mark.asyncio
async def test_asgi_transport():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=apps.asgi), base_url="http://t") as client:
        assert (await client.get("/")).text == "ok"

def test_wsgi_transport():
    with httpx.Client(transport=httpx.WSGITransport(app=apps.wsgi), base_url="http://t") as client:
        assert client.get("/").text == "ok"
""",
        "-Wignore",
        plugins=["asyncio"],
    )

    result.assert_outcomes(passed=5)
    names = ["test_starlette", "test_starlette_with_lifespan", "test_flask", "test_asgi_transport"]
    assert all_clean([*names, "test_wsgi_transport"]) == verdicts()


def test_clients_of_httpx2(run_pytest, verdicts):
    pytest.importorskip("httpx2", reason="httpx2 has no wheel for this Python")
    result = run_pytest(
        MARKED
        + """
import apps
import httpx2

@pytest.mark.asyncio
async def test_asgi_transport():
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(apps.asgi), base_url="http://t") as client:
        assert (await client.get("/")).text == "ok"

def test_wsgi_transport():
    with httpx2.Client(transport=httpx2.WSGITransport(app=apps.wsgi), base_url="http://t") as client:
        assert client.get("/").text == "ok"
""",
        "-Wignore",
        plugins=["asyncio"],
    )

    result.assert_outcomes(passed=2)
    assert all_clean(["test_asgi_transport", "test_wsgi_transport"]) == verdicts()
