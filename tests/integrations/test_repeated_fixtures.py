"""Fixtures of a repeated test: set up once, numbered, and named when it is they that grow."""

import pytest

MARKED = "import pytest\npytestmark = pytest.mark.no_leak\n"


def test_the_body_and_its_parametrised_data_get_the_number_of_the_iteration(run_pytest, verdicts):
    result = run_pytest(
        MARKED
        + """
seen = []
numbers = {"direct": []}

@pytest.fixture
def early(reqleak_iteration):
    return reqleak_iteration

@pytest.mark.parametrize(
    ("path", "body"), [("/orders/{i}", {"tags": ["{i}", b"{i}"], "count": 2})], ids=["order"]
)
def test_numbered(reqleak_iteration, early, path, body):
    if len(seen) < 100:
        assert len(seen) == reqleak_iteration
        seen.append(reqleak_iteration)
    assert early == 0
    assert path == f"/orders/{reqleak_iteration}"
    assert body == {"tags": [str(reqleak_iteration), str(reqleak_iteration).encode()], "count": 2}

@pytest.mark.parametrize("path", ["/orders/{i}"], ids=["order"])
def test_not_asked_for(path):
    assert path == "/orders/{i}"

@pytest.mark.no_leak(False)
@pytest.mark.parametrize("path", ["/orders/{i}"], ids=["order"])
def test_once(reqleak_iteration, path):
    assert (0, "/orders/0") == (reqleak_iteration, path)
"""
    )

    result.assert_outcomes(passed=3)
    assert {"test_numbered[order]": "clean", "test_not_asked_for[order]": "clean"} == verdicts()


@pytest.mark.parametrize("waits", [True, False], ids=["yield", "return"])
def test_a_fixture_that_grows_is_named_as_what_it_is(run_pytest, runs, waits):
    end = "    yield\n" if waits else "    return None\n"
    result = run_pytest(
        MARKED
        + """
class Shop:
    price = staticmethod(lambda: 1)

@pytest.fixture(autouse=True)
def spy(monkeypatch):
    calls = []

    def price():
        calls.append(object())

    monkeypatch.setattr(Shop, "price", price)
"""
        + end
        + """
def test_price():
    Shop.price()
"""
    )

    result.assert_outcomes(failed=1)
    run = runs()["test_price"]
    (caveat,) = [caveat for caveat in run["caveats"] if "fixture-grows" == caveat["slug"]]
    assert caveat["text"].startswith("fixture 'spy' (test_it.py:")
    if waits:
        assert run["holders"][0]["path"].startswith("fixture 'spy' (test_it.py:")
        assert run["holders"][0]["path"].endswith("-> local calls")


def test_reqleak_checks_a_whole_suite_but_for_those_that_opt_out(run_pytest, verdicts):
    result = run_pytest(
        """
import pytest
KEPT = []

def test_clean():
    pass

def test_leaky():
    KEPT.append(bytes(1000))

@pytest.mark.reqleak_off
def test_off():
    KEPT.append(0)

@pytest.mark.no_leak(False)
def test_false():
    KEPT.append(0)

@pytest.mark.reqleak_off
class TestOff:
    def test_off_by_class(self):
        KEPT.append(0)

    @pytest.mark.no_leak
    def test_on_again(self):
        pass

def test_asks_itself(reqleak):
    pass

@pytest.mark.xfail(strict=True)
def test_expected():
    KEPT.append(0)
    assert False
""",
        "--reqleak",
        "--reqleak-trace=never",
    )

    result.assert_outcomes(failed=1, passed=6, xfailed=1)
    assert {"test_clean": "clean", "test_leaky": "leak", "test_on_again": "clean"} == verdicts()
    result.stdout.fnmatch_lines(["verdict *", "leak *test_leaky*", "clean *"])


def test_failing_passes_stop_a_session_as_ever(run_pytest, pytester):
    source = (
        MARKED
        + """
passes = [0]

def test_third():
    passes[0] += 1
    assert passes[0] < 3

def test_other():
    pass
"""
    )
    stopped = run_pytest(source, "-x")
    assert {"failed": 1} == stopped.parseoutcomes()
    stopped.stdout.fnmatch_lines(["*iteration 3 of the repeated body failed, the 2 before it passed*"])

    again = run_pytest(source, "--lf", "--maxfail=1")
    assert {"failed": 1} == {k: n for k, n in again.parseoutcomes().items() if k in ("failed", "passed")}


def test_a_debugger_opens_at_the_failing_pass_before_its_tear_down(run_pytest, pytester):
    source = (
        MARKED
        + """
import unittest
events = []

class TestCase(unittest.TestCase):
    def setUp(self):
        self.number = len(events) // 2
        events.append("up")

    def tearDown(self):
        events.append("down")

    def test_fourth(self):
        self.assertEqual(["up", "down"] * self.number + ["up"], events)
        self.assertLess(self.number, 3)

@pytest.mark.no_leak(False)
def test_events():
    assert ["up", "down"] * 4 == events
"""
    )
    pytester.makepyfile(test_it=source)
    child = pytester.popen(
        [*pytester._getpytestargs(), "--pdb", "test_it.py"], stdin=-1, stdout=-1, text=True
    )
    output, _ = child.communicate("print('number', self.number)\nc\n", timeout=60)

    assert "number 3" in output
    assert "1 failed, 1 passed" in output


def test_trace_steps_into_the_first_pass_alone(run_pytest, pytester):
    run_pytest(MARKED + "def test_one():\n    step = 1\n", "--co")
    child = pytester.popen(
        [*pytester._getpytestargs(), "--trace", "test_it.py"], stdin=-1, stdout=-1, text=True
    )
    output, _ = child.communicate("c\n", timeout=60)

    assert 1 == output.count("(Pdb)")
    assert "1 passed" in output
