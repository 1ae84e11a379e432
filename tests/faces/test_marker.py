"""A marked test is repeated: what becomes of its passes, failures, skips and fixtures."""

import pytest

LEAKY = """
import pytest
KEPT = []

@pytest.mark.no_leak
def test_leaky():
    KEPT.append(object())
"""


def test_a_body_that_keeps_an_object_fails_with_the_report(run_pytest):
    result = run_pytest(LEAKY)

    result.assert_outcomes(failed=1)
    output = result.stdout.str()
    assert "test_it.py:6" in output
    assert "KEPT.append(object())" in output
    assert "test_it.KEPT" in output
    result.stdout.fnmatch_lines(["FAILED test_it.py::test_leaky - MemoryGrowth: *"])


def test_the_report_stands_in_the_place_of_a_traceback(run_pytest):
    result = run_pytest(LEAKY)

    for ours in ("*run_workload*", "*measure_body*", "*repeat.py*", "*pluggy/*"):
        result.stdout.no_fnmatch_line(ours)


def test_a_body_that_keeps_nothing_passes_and_runs_many_times(run_pytest, project):
    result = run_pytest(
        """
        import pytest
        counter = [0]

        @pytest.mark.no_leak(iterations=300, batches=10)
        def test_clean():
            counter[0] += 1

        def test_count():
            assert counter[0] > 300
        """,
        short=False,
    )

    result.assert_outcomes(passed=2)


def test_no_reqleak_runs_a_marked_test_once(run_pytest):
    result = run_pytest(LEAKY + "    assert len(KEPT) == 1\n", "--no-reqleak")

    result.assert_outcomes(passed=1)


def test_without_the_plugin_a_marked_test_runs_once(run_pytest, project):
    project.makeini("[pytest]\nmarkers = no_leak\n")

    result = run_pytest(LEAKY + "    assert len(KEPT) == 1\n", "-p", "no:reqleak", short=False)

    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "outer",
    ["pytestmark = pytest.mark.no_leak(iterations=100)", ""],
    ids=["module", "class"],
)
def test_a_marker_on_a_module_or_class_reaches_its_tests(run_pytest, outer):
    decorator = "" if outer else "@pytest.mark.no_leak(iterations=100)"
    result = run_pytest(
        f"""
        import pytest
        {outer}

        {decorator}
        class TestAll:
            passes = 0

            def test_repeated(self):
                type(self).passes += 1

            @pytest.mark.no_leak(False)
            def test_once(self):
                passes = type(self).passes
                type(self).passes = 0
                assert passes > 100

            def test_after(self):
                pass
        """,
        short=False,
    )

    result.assert_outcomes(passed=3)


def test_a_failing_body_fails_at_once_with_its_own_error_and_the_iteration(run_pytest):
    result = run_pytest(
        """
        import pytest
        passes = [0]

        @pytest.mark.no_leak
        def test_third():
            passes[0] += 1
            assert passes[0] < 3, "the third pass"

        def test_no_more():
            assert passes == [3]
        """
    )

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["*AssertionError: the third pass", "*iteration 3 of the repeated body failed*"]
    )
    result.stdout.no_fnmatch_line("*run_workload*")


def test_a_body_that_passes_only_once_is_called_not_repeatable(run_pytest):
    result = run_pytest(
        """
        import pytest
        seen = set()

        @pytest.mark.no_leak
        def test_insert():
            assert "row" not in seen
            seen.add("row")
        """
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*iteration 2 failed, iteration 1 passed: the test is not repeatable*"])


def test_skip_xfail_and_raises_behave_as_ever(run_pytest):
    result = run_pytest(
        """
        import pytest
        KEPT = []
        pytestmark = pytest.mark.no_leak

        @pytest.mark.skip
        def test_skipped(): pass

        @pytest.mark.skipif(True, reason="always")
        @pytest.mark.no_leak(iterations=100)
        def test_skipped_by_condition(): pass

        def test_skips_itself():
            pytest.skip("not today")

        @pytest.mark.xfail(strict=True)
        def test_fails_as_expected():
            assert False

        @pytest.mark.xfail(strict=True, raises=AssertionError)
        def test_leaks_as_expected():
            KEPT.append(object())

        def test_raises():
            with pytest.raises(ValueError):
                int("x")

        @pytest.mark.parametrize("number", [1, 2])
        def test_parametrised(number):
            assert number
        """
    )

    result.assert_outcomes(skipped=3, xfailed=2, passed=3)


def test_function_scoped_fixtures_are_set_up_once(run_pytest):
    result = run_pytest(
        """
        import pytest
        events = []

        @pytest.fixture
        def thing():
            events.append("up")
            yield "thing"
            events.append("down")

        @pytest.mark.no_leak
        def test_body(thing):
            assert thing == "thing"

        def test_events():
            assert events == ["up", "down"]
        """
    )

    result.assert_outcomes(passed=2)


def test_a_unittest_case_sets_up_and_tears_down_in_each_pass(run_pytest):
    result = run_pytest(
        """
        import unittest
        import pytest
        events = {"setUp": 0, "tearDown": 0, "body": 0}

        @pytest.mark.no_leak
        class TestCase(unittest.TestCase):
            def setUp(self):
                events["setUp"] += 1

            def tearDown(self):
                events["tearDown"] += 1

            def test_body(self):
                events["body"] += 1
                self.assertEqual(events["setUp"], events["tearDown"] + 1)

        def test_events():
            assert events["body"] > 200
            assert len(set(events.values())) == 1
        """
    )

    result.assert_outcomes(passed=2)


def test_a_unittest_case_that_fails_says_in_which_iteration(run_pytest):
    result = run_pytest(
        """
        import unittest
        import pytest
        passes = [0]

        @pytest.mark.no_leak
        class TestCase(unittest.TestCase):
            def test_body(self):
                passes[0] += 1
                self.assertLess(passes[0], 5)

            def test_skipped(self):
                self.skipTest("not today")

            @unittest.expectedFailure
            def test_expected(self):
                self.fail()

        def test_no_more():
            assert passes == [5]
        """
    )

    result.assert_outcomes(failed=1, passed=1, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(
        ["*AssertionError: 5 not less than 5", "*iteration 5 of the repeated body failed*"]
    )


def test_a_unittest_case_that_leaks_fails(run_pytest):
    result = run_pytest(
        """
        import unittest
        import pytest

        @pytest.mark.no_leak
        class TestCase(unittest.TestCase):
            kept = []

            def test_body(self):
                self.kept.append(object())
        """
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*MemoryGrowth*"])


def test_an_async_body_is_repeated_by_its_own_plugin(run_pytest):
    result = run_pytest(
        """
        import anyio
        import pytest
        passes = [0]

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        @pytest.mark.no_leak
        async def test_body():
            await anyio.sleep(0)
            passes[0] += 1

        def test_passes():
            assert passes[0] > 200
        """
    )

    result.assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("no_leak(iterations=0)", "no_leak(iterations=0) on test_it.py::test_a: must be at least 1*"),
        (
            "no_leak(iteratons=5)",
            "no_leak(iteratons=5) on test_it.py::test_a: unknown keyword 'iteratons'; did you mean*",
        ),
        (
            "no_leak(threshold='5 parsec')",
            "no_leak(threshold='5 parsec') on test_it.py::test_a: has the unknown unit 'parsec'*",
        ),
        ("no_leak(5000)", "no_leak(5000) on test_it.py::test_a: takes keywords such as iterations=5000*"),
        (
            "no_leak(iterations=10, batches=20)",
            "no_leak(batches=20) on test_it.py::test_a: must not be more than the iterations, 10*",
        ),
        (
            "no_leak(json='x.json')",
            "no_leak(json='x.json') on test_it.py::test_a: unknown keyword 'json'; it can be set by *",
        ),
    ],
)
def test_a_wrong_marker_is_an_error_of_its_test_in_one_line(run_pytest, marker, message):
    result = run_pytest(
        f"""
        import pytest

        @pytest.mark.{marker}
        def test_a(): pass

        def test_b(): pass
        """,
        short=False,
    )

    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines([message.replace("[", "[[]")])
    result.stdout.no_fnmatch_line("*def resolve*")


def test_properties_of_a_body_are_recorded_once(run_pytest, project):
    result = run_pytest(
        """
        import pytest

        @pytest.mark.no_leak
        def test_body(record_property):
            record_property("answer", 42)
        """,
        "--junitxml=junit.xml",
        "--override-ini=junit_family=xunit1",
    )

    result.assert_outcomes(passed=1)
    assert 1 == (project.path / "junit.xml").read_text().count('name="answer"')


def test_the_run_of_a_body_names_the_test(run_pytest, read_json):
    run_pytest(LEAKY, "--reqleak-json=runs.json")

    (run,) = read_json("runs.json")["runs"]
    assert "test_it.py::test_leaky" == run["target"]
    assert "leak" == run["verdict"]
    assert "body" == run["server"]["interface"]
