"""What a session writes and prints, alone and under pytest-xdist."""

import os
import subprocess
import sys

import pytest

TESTS = """
import apps
import pytest
KEPT = []

@pytest.mark.no_leak
def test_leaky():
    KEPT.append(object())

@pytest.mark.no_leak
def test_clean():
    pass

def test_two_checks(reqleak):
    reqleak.check(apps.clean, "GET /one", server="direct")
    reqleak.check(apps.clean, "GET /two", server="direct")

@pytest.mark.no_leak(iterations=0)
def test_wrong():
    pass

def test_not_measured(reqleak):
    reqleak.check(apps.failing, server="direct")
"""

VERDICTS = [("apps:clean", "clean"), ("apps:clean", "clean")]
VERDICTS += [("test_it.py::test_clean", "clean"), ("test_it.py::test_leaky", "leak")]


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_all_runs_of_a_session_are_written_and_listed(run_pytest, read_json, project, arguments):
    result = run_pytest(TESTS, "--reqleak-json=runs.json", "--reqleak-html=runs.html", *arguments)

    result.assert_outcomes(failed=1, passed=2, errors=2)
    document = read_json("runs.json")
    assert 1 == document["schema"]
    assert VERDICTS == sorted((run["target"], run["verdict"]) for run in document["runs"])
    assert "test_it.py::test_leaky" in (project.path / "runs.html").read_text()
    result.stdout.fnmatch_lines(
        [
            "*test_it.KEPT*",
            "*= reqleak =*",
            "leak *test_it.py::test_leaky*",
            "clean *apps:clean*",
            "reqleak: wrote runs.json",
            "reqleak: wrote runs.html",
            "FAILED *test_leaky - MemoryGrowth*",
        ]
    )


def test_a_session_that_measured_nothing_says_that_it_wrote_nothing(run_pytest, project):
    result = run_pytest("def test_a(): pass", "--reqleak-json=runs.json")

    assert 0 == result.ret
    assert not (project.path / "runs.json").exists()
    result.stdout.fnmatch_lines(["reqleak: nothing was measured, so 'runs.json' was not written"])
    result.stdout.no_fnmatch_line("*reqleak =*")


def test_collecting_writes_nothing(run_pytest, project):
    run_pytest(TESTS, "--reqleak-json=runs.json", "--collect-only")

    assert not (project.path / "runs.json").exists()


@pytest.mark.parametrize("option", ["json", "html"])
@pytest.mark.parametrize("place", ["no/such/folder/report", "."])
def test_a_report_that_cannot_be_written_is_refused_before_any_test(run_pytest, option, place):
    result = run_pytest("def test_a(): pass", f"--reqleak-{option}={place}")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"ERROR: --reqleak-{option} = '{place}' (command line): cannot write*"])
    result.stdout.no_fnmatch_line("*test_it.py*")


def test_a_report_that_can_no_longer_be_written_fails_the_session(run_pytest):
    result = run_pytest(
        """
        import pathlib
        import pytest

        @pytest.mark.no_leak
        def test_clean():
            pass

        def test_a():
            pathlib.Path("runs.json").mkdir()
        """,
        "--reqleak-json=runs.json",
    )

    assert pytest.ExitCode.TESTS_FAILED == result.ret
    result.stdout.fnmatch_lines(["reqleak: cannot write 'runs.json'*"])


INCONCLUSIVE = """
import time
import pytest
KEPT = []

@pytest.mark.no_leak(timeout=0.2{more})
def test_slow():
    KEPT.append(object())
    time.sleep(0.01)
"""


@pytest.mark.parametrize(
    ("more", "outcome"),
    [("", "passed"), (", inconclusive='pass'", "passed"), (", inconclusive='fail'", "failed")],
    ids=["warn", "pass", "fail"],
)
def test_an_inconclusive_run_warns_passes_or_fails_as_asked(run_pytest, more, outcome):
    result = run_pytest(INCONCLUSIVE.format(more=more))

    warns = not more
    result.assert_outcomes(**{outcome: 1}, warnings=int(warns))
    if warns:
        result.stdout.fnmatch_lines(["*ReqleakWarning: test_it.py::test_slow: inconclusive: *"])
    if outcome == "failed":
        result.stdout.fnmatch_lines(["FAILED test_it.py::test_slow - NoVerdict: *inconclusive: *"])
        result.stdout.no_fnmatch_line("*def judge*")


def test_an_inconclusive_run_fails_where_warnings_are_errors(run_pytest):
    result = run_pytest(INCONCLUSIVE.format(more=""), "-W", "error")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["FAILED test_it.py::test_slow - *ReqleakWarning*"])


def test_the_warning_can_be_ignored_by_its_public_name(run_pytest, project):
    project.makeini("[pytest]\nfilterwarnings =\n  error\n  ignore::pytest_reqleak.ReqleakWarning\n")

    result = run_pytest(INCONCLUSIVE.format(more=""))

    result.assert_outcomes(passed=1)


def test_many_clean_runs_are_counted_rather_than_listed(run_pytest):
    tests = "import pytest\n@pytest.mark.no_leak(iterations=20)\n"
    tests += "@pytest.mark.parametrize('number', range(13))\ndef test_a(number): pass\n"

    result = run_pytest(tests, short=False)

    result.stdout.fnmatch_lines(["and 3 more that are clean; -v shows them"])


def test_the_marker_explains_itself(run_pytest):
    result = run_pytest("", "--markers")

    result.stdout.fnmatch_lines(["@pytest.mark.no_leak(iterations=..., batches=*"])


def test_the_options_explain_themselves(run_pytest):
    result = run_pytest("", "--help")

    result.stdout.fnmatch_lines(["memory growth per request:", "*--reqleak-iterations=N*"])
    result.stdout.fnmatch_lines(["*reqleak_threshold*"])


def run_on_terminal(folder, *arguments):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        command, cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        pieces = []
        try:
            while piece := os.read(ours, 65536):
                pieces.append(piece)
        except OSError:
            # Linux says so when the other end of a terminal is closed.
            pass
        finally:
            os.close(ours)
    return process.returncode, b"".join(pieces).decode()


CHATTY = """
import pytest

@pytest.mark.no_leak(iterations=500)
def test_chatty():
    print("captured")
"""


def test_a_long_run_shows_its_progress_on_a_terminal_and_takes_it_away(project):
    project.makepyfile(test_it=CHATTY)

    code, output = run_on_terminal(project.path)

    assert 0 == code
    before, shown, after = output.partition("\rmeasuring ")
    assert before.rstrip("\r\n").endswith("warming up")
    assert shown
    # The cursor goes back up to where pytest has written the file's name.
    assert f"\x1b[A\x1b[{len('test_it.py ')}C" in after
    assert "captured" not in output


@pytest.mark.parametrize("argument", ["-q", "-s"])
def test_there_is_no_progress_where_it_would_be_in_the_way(project, argument):
    project.makepyfile(test_it=CHATTY)

    code, output = run_on_terminal(project.path, argument)

    assert 0 == code
    assert "measuring" not in output


def test_there_is_no_progress_in_a_pipe(run_pytest):
    result = run_pytest(CHATTY, short=False)

    assert "measuring" not in result.stdout.str() + result.stderr.str()
