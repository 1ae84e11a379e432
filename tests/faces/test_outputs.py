"""What a session and the command write besides JSON and HTML, and what a CI job finds."""

import json
from xml.etree import ElementTree

import pytest

from pytest_reqleak.options import FILE_FORMATS

TESTS = """
import apps
import pytest
KEPT = []

@pytest.mark.no_leak
def test_leaky():
    KEPT.append(object())

def test_two(reqleak):
    reqleak.check(apps.clean, "GET /one", server="direct")
    reqleak.check(apps.clean, "GET /two", server="direct")
"""
# A picture's form is told by the ending of its file; Graphviz' own needs no Graphviz.
FILES = {name: f"out.{'dot' if name == 'graph' else name}" for name in FILE_FORMATS}
FORMS = [name for name in FILES if name != "junit"]


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_a_session_writes_every_form_once(run_pytest, project, arguments, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "summary"))
    asked = [f"--reqleak-{name}={FILES[name]}" for name in FORMS]

    result = run_pytest(TESTS, *asked, "--junitxml=junit.xml", *arguments)

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines([f"reqleak: wrote {FILES[name]}" for name in FORMS])
    texts = {name: (project.path / FILES[name]).read_text() for name in FORMS}
    assert 3 == len(json.loads(texts["json"])["runs"])
    assert {"test_it.py::test_leaky", "test_it.py::test_two"} == {
        run["test"] for run in json.loads(texts["json"])["runs"]
    }
    assert {"path": "test_it.py", "lines": {"begin": 7}} == json.loads(texts["gitlab"])[0]["location"]
    assert 1 == len(json.loads(texts["sarif"])["runs"][0]["results"])
    assert 3 == len(json.loads(texts["speedscope"])["profiles"])
    assert 'reqleak_verdict{target="test_it.py::test_leaky"' in texts["prometheus"]
    assert texts["markdown"].startswith("## reqleak: 1 leak, 2 clean\n")
    assert texts["markdown"] == (project.path / "summary").read_text()
    lines = [line for line in result.outlines if line.startswith("::")]
    assert 1 == len(lines)
    assert lines[0].startswith("::error file=test_it.py,line=7,title=Memory grows per request::")
    cases = {
        case.attrib["name"]: case for case in ElementTree.parse(project.path / "junit.xml").iter("testcase")
    }
    figures = {
        name: {each.attrib["name"]: each.attrib["value"] for each in case.iter("property")}
        for name, case in cases.items()
    }
    assert "leak" == figures["test_leaky"]["reqleak_verdict"]
    assert "test_it.KEPT" == figures["test_leaky"]["reqleak_holder"]
    assert ["clean", "clean"] == [figures["test_two"][f"reqleak_{name}"] for name in ("verdict", "2_verdict")]


def test_github_gets_nothing_where_it_is_told_not_to(run_pytest, project, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "summary"))

    result = run_pytest(TESTS, "--reqleak-github=never", "-k", "leaky")

    assert not (project.path / "summary").exists()
    result.stdout.no_fnmatch_line("::*")


def test_the_command_writes_every_form_and_annotates(run_command, project, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    asked = [f"--{name}={file}" for name, file in FILES.items()]

    result = run_command("check", "apps:leaky", "-n", "200", "--server=direct", *asked)

    assert 1 == result.ret
    assert all((project.path / file).stat().st_size for file in FILES.values())
    result.stdout.fnmatch_lines(["::error file=apps.py,line=*"])


@pytest.mark.parametrize("name", [name for name in FORMS if name not in ("json", "html")])
def test_a_file_that_cannot_be_written_is_refused_before_any_test(run_pytest, project, name):
    result = run_pytest("def test_a(): pass", f"--reqleak-{name}=no/{FILES[name]}")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(
        [f"ERROR: --reqleak-{name} = 'no/{FILES[name]}' (command line): cannot write*"]
    )


@pytest.mark.parametrize("command", [("check",), ("compare", "--server=bundled", "--server=direct")])
def test_a_capture_that_cannot_be_kept_is_refused_before_anything_is_measured(
    run_pytest, run_command, command
):
    session = run_pytest("def test_a(): pass", "--reqleak-memray-capture=no/a.bin")
    result = run_command(*command, "nowhere:app", "--memray-capture=no/a.bin")

    complaint = (
        "memray-capture = 'no/a.bin' (command line): cannot write '*a.bin': the folder * does not exist*"
    )
    assert [pytest.ExitCode.USAGE_ERROR, 2] == [session.ret, result.ret]
    session.stderr.fnmatch_lines([f"ERROR: --reqleak-{complaint}"])
    result.stderr.fnmatch_lines([f"reqleak: --{complaint}"])


def test_two_reports_in_one_file_are_refused(run_pytest):
    result = run_pytest("", "--reqleak-json=out", "--reqleak-html=out")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["ERROR: --reqleak-html = 'out' * 'out' is already the file of json: *"])
