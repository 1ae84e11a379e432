"""What cannot be repeated says so in one line, with what to do."""

import pytest

MARKED = "import pytest\npytestmark = pytest.mark.no_leak\n"


def test_a_marker_on_a_fixture_is_refused(run_pytest):
    result = run_pytest(
        """
import pytest

@pytest.mark.no_leak
@pytest.fixture
def shop():
    return 1

def test_shop(shop):
    assert shop
""",
        "-Wignore",
    )

    result.assert_outcomes(errors=1)
    if pytest.version_tuple >= (9,):
        # pytest refuses every marker there.
        result.stdout.fnmatch_lines(["*Marks cannot be applied to fixtures*"])
    else:
        result.stdout.fnmatch_lines(
            ["no_leak on the fixture 'shop', used by *test_shop: *mark the tests that use it"]
        )


def test_a_coroutine_that_no_plugin_runs_is_an_error(run_pytest):
    result = run_pytest(MARKED + "async def test_coroutine():\n    pass\n", "-Wignore")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*test_coroutine is a coroutine and no plugin runs it: install pytest-asyncio*"]
    )
    result.stdout.no_fnmatch_line("*iteration 1*")


def test_a_generator_is_no_test(run_pytest):
    result = run_pytest(MARKED + "def test_generator():\n    yield 1\n", "-Wignore")

    assert 0 == result.parseoutcomes().get("passed", 0)
    result.stdout.fnmatch_lines_random(["*yield*"]) if pytest.version_tuple >= (
        9,
    ) else result.assert_outcomes(xfailed=1)


def test_an_app_that_belongs_to_another_event_loop_says_where_to_make_it(run_pytest):
    result = run_pytest(
        MARKED
        + """
import asyncio
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

LOOP = asyncio.new_event_loop()

async def home(request):
    await asyncio.wait_for(LOOP.create_future(), 5)
    return PlainTextResponse("never")

app = Starlette(routes=[Route("/", home)])

@pytest.fixture
def reqleak_app():
    yield app
    LOOP.close()

def test_client(reqleak_client):
    assert 200 == reqleak_client.get("/").status_code

def test_check(reqleak):
    reqleak.check(app)
"""
    )

    result.assert_outcomes(failed=1, errors=1)
    told = [line for line in result.outlines if "made for another event loop" in line]
    assert 2 == len(told), told
    assert all("make it in the app's lifespan or in a request" in line for line in told)


def test_marked_tests_that_are_skipped_are_said_to_be_unmeasured(run_pytest):
    result = run_pytest(
        MARKED
        + """
import unittest
passes = []

@pytest.mark.skip(reason="by its marker")
def test_marker():
    pass

def test_body():
    pytest.skip("by its body")

class TestCase(unittest.TestCase):
    def test_case(self):
        self.skipTest("by its case")

def test_late():
    passes.append(1)
    if len(passes) > 4:
        pytest.skip("late")

def test_part(subtests):
    with subtests.test():
        pytest.skip("a part")

@pytest.mark.skip
@pytest.mark.no_leak(False)
def test_off():
    pass

@pytest.mark.xfail(strict=True)
def test_expected():
    assert False
""",
        "-rs",
        plugins=[] if pytest.version_tuple >= (9,) else ["subtests"],
    )

    result.stdout.fnmatch_lines(
        ["reqleak: 4 tests with no_leak were skipped, so nothing was measured there; -rs says why"]
    )
    # A skip is told as ever; only where it comes in a later pass there is more to say.
    result.stdout.fnmatch_lines_random(["SKIPPED*by its body", "SKIPPED*by its case"])
    if hasattr(BaseException, "add_note"):
        assert 1 == result.stdout.str().count("reqleak: skipped in iteration 5, the 4 before it passed")
    result.stdout.no_fnmatch_line("*iteration 1*")


def test_one_skipped_test_is_said_on_the_controller_too(run_pytest):
    result = run_pytest(
        "import pytest\n@pytest.mark.no_leak\n@pytest.mark.skip\ndef test_a():\n    pass\n",
        "-n1",
        plugins=["xdist"],
    )

    result.stdout.fnmatch_lines(["reqleak: 1 test with no_leak was skipped, so nothing was measured there*"])


def test_tests_that_cannot_be_repeated_are_counted(run_pytest):
    result = run_pytest(
        """
import pytest
SEEN = set()

def insert(name):
    assert name not in SEEN
    SEEN.add(name)

def test_a():
    insert("a")

def test_b():
    insert("b")

def test_fails():
    assert False

def test_third():
    SEEN.add(len(SEEN))
    assert len(SEEN) < 5

@pytest.mark.xfail(strict=True)
def test_expected():
    insert("c")
""",
        "--reqleak",
    )

    result.assert_outcomes(failed=4, xfailed=1)
    result.stdout.fnmatch_lines(
        ["reqleak: 2 tests are not repeatable, as iteration 2 failed and*reqleak_off"]
    )


def test_what_a_marker_asks_for_in_vain_is_warned_of(run_pytest):
    result = run_pytest(
        """
import apps
import pytest

@pytest.fixture
def reqleak_app():
    return apps.asgi

@pytest.mark.no_leak(server="granian", concurrency=4)
def test_body():
    pass

@pytest.mark.no_leak(server="direct")
def test_client(reqleak_client):
    assert 200 == reqleak_client.get("/").status_code
"""
    )

    result.assert_outcomes(passed=2, warnings=2)
    result.stdout.fnmatch_lines_random(
        [
            "*no_leak(server='granian') on test_it.py::test_body: has no effect, *uses no reqleak_client*",
            "*no_leak(concurrency=4) on test_it.py::test_body: has no effect, as a body runs once at a time*",
        ]
    )


def test_a_warning_that_filters_make_an_error_is_told_in_one_line_and_how_to_be_warned_only(run_pytest):
    source = """
import pytest

@pytest.mark.no_leak(concurrency=4)
def test_body():
    pass
"""
    result = run_pytest(source, "-Werror")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "no_leak(concurrency=4) on test_it.py::test_body: has no effect, as a body runs once at a time;*",
            "*add 'default::pytest_reqleak.ReqleakWarning' to it*",
        ]
    )
    result.stdout.no_fnmatch_line("*repeat.py*")
    warned = run_pytest(source, "-Werror", "-Wdefault::pytest_reqleak.ReqleakWarning")
    warned.assert_outcomes(passed=1, warnings=1)
