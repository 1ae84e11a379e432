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
