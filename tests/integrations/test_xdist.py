"""pytest-xdist as the engine of suites larger than one process or machine: one summary, one report."""

import json
import platform

import pytest

SUITE = """
import pytest
KEPT = []
pytestmark = pytest.mark.no_leak(trace="never")

def test_leaky():
    KEPT.append(object())

@pytest.mark.parametrize("number", range(3))
def test_clean(number):
    pass
"""
TESTS = ["test_leaky", "test_clean[0]", "test_clean[1]", "test_clean[2]"]


def workers_by_test(pytester):
    found = {}
    for run in json.loads((pytester.path / "runs.json").read_text())["runs"]:
        assert platform.node() == run["environment"]["host"]
        found.setdefault(run["target"].rpartition("::")[2], []).append(run["environment"]["worker"])
    return found


@pytest.mark.parametrize(
    "arguments",
    [["-n2"], ["-n2", "--dist=loadfile"], ["--dist=load", "--tx", "popen//id=one", "--tx", "popen//id=two"]],
    ids=["load", "loadfile", "gateways"],
)
def test_the_controller_merges_what_its_workers_measured(run_pytest, pytester, arguments):
    result = run_pytest(SUITE, "--reqleak-html=runs.html", *arguments, plugins=["xdist"])

    result.assert_outcomes(passed=3, failed=1)
    found = workers_by_test(pytester)
    assert sorted(TESTS) == sorted(found)
    known = {"one", "two"} if "--tx" in arguments else {"gw0", "gw1"}
    assert {worker for workers in found.values() for worker in workers} <= known
    assert 1 == result.stdout.str().count("= reqleak =")
    # Most bytes per iteration first.
    result.stdout.fnmatch_lines(["verdict *", "leak *test_leaky*", "clean *test_clean*"])
    result.stdout.fnmatch_lines(["reqleak: wrote runs.json", "reqleak: wrote runs.html"])
    assert ["runs.html", "runs.json"] == sorted(path.name for path in pytester.path.glob("runs.*"))


def test_with_each_every_worker_answers_for_itself(run_pytest, pytester):
    result = run_pytest(SUITE, "--dist=each", "--tx=2*popen", plugins=["xdist"])

    result.assert_outcomes(passed=6, failed=2)
    assert {name: ["gw0", "gw1"] for name in TESTS} == {
        name: sorted(workers) for name, workers in workers_by_test(pytester).items()
    }
    result.stdout.fnmatch_lines_random(["leak *test_leaky on gw0*", "leak *test_leaky on gw1*"])
