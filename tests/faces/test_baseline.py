"""A code base with leaks that are known: what passes, what fails, and what is said."""

import json

import pytest

BODY = """
import pytest
KEPT = []
SIZE = {size}

@pytest.mark.no_leak
def test_leaky():
    KEPT.append(bytes(SIZE))

@pytest.mark.no_leak
def test_clean():
    pass
"""


@pytest.fixture
def with_baseline(run_pytest):
    def run(size, *arguments):
        return run_pytest(BODY.format(size=size), "--reqleak-baseline=known.json", *arguments)

    return run


def known(project):
    return json.loads((project.path / "known.json").read_text())["known"]


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_a_leak_is_written_down_and_then_known(with_baseline, project, arguments):
    first = with_baseline(100, "--reqleak-baseline-update", *arguments)

    first.assert_outcomes(passed=2)
    first.stdout.fnmatch_lines(["reqleak: updated known.json: 1 added"])
    assert ["test_it.py::test_leaky"] == list(known(project))
    assert 130 < known(project)["test_it.py::test_leaky"]["bytes_per_iteration"] < 160

    second = with_baseline(100, "--reqleak-json=runs.json", *arguments)

    second.assert_outcomes(passed=2)
    second.stdout.fnmatch_lines(["known leak *test_it.py::test_leaky*"])
    standings = {
        run["target"]: run["baseline"] and run["baseline"]["standing"]
        for run in json.loads((project.path / "runs.json").read_text())["runs"]
    }
    assert {"test_it.py::test_leaky": "known", "test_it.py::test_clean": None} == standings


def written(project, size):
    entry = {"bytes_per_iteration": size, "sites": {"test_it.py in test_leaky": size}}
    known = {"test_it.py::test_leaky": entry}
    (project.path / "known.json").write_text(json.dumps({"baseline": 1, "known": known}))


def test_what_is_worse_fails_with_both_figures(with_baseline, project):
    written(project, 50)

    result = with_baseline(100, "-k", "leaky")

    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(
        ["*known.json: * more than known*", "*; known: 50 B/iteration, tolerance 20 %)"]
    )


def test_what_got_better_passes_and_asks_to_tighten_the_baseline(with_baseline, project):
    written(project, 400)

    result = with_baseline(100, "-k", "leaky")

    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(
        [
            "reqleak: test_it.py::test_leaky got better than known.json knows: "
            "tighten it with --reqleak-baseline-update"
        ]
    )


def test_a_rule_that_matches_nothing_is_told(with_baseline, run_command, project):
    rule = {"holder": "shop.GONE", "reason": "goes away with version 3"}
    (project.path / "known.json").write_text(json.dumps({"baseline": 1, "ignore": [rule]}))
    note = "reqleak: known.json: nothing that was measured matches the rule holder shop.GONE: take it out *"

    with_baseline(100, "-k", "clean").stdout.fnmatch_lines([note])
    command = run_command("check", "apps:clean", "-n", "100", "--server=direct", "--baseline=known.json")
    command.stderr.fnmatch_lines([note])


def test_a_rule_is_named_with_its_reason_wherever_it_matches(with_baseline, project):
    rule = {"holder": "test_it.KEPT", "reason": "goes away with version 3"}
    (project.path / "known.json").write_text(json.dumps({"baseline": 1, "ignore": [rule]}))

    result = with_baseline(100)

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["known leak *test_leaky*", "reqleak: ignored holder test_it.KEPT: goes away with version 3"]
    )


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "the baseline 'known.json' does not exist: make it with the option baseline-update"),
        ('{"baseline": 1, "igno', "the baseline 'known.json' is no complete JSON: *"),
        ('{"schema": 1, "runs": []}', "'known.json' is no baseline of pytest-reqleak but a report of a run*"),
        ('{"baseline": 9}', "the baseline 'known.json' was written by a newer pytest-reqleak*"),
        (
            '{"baseline": 1, "ignore": [{"site": "x"}]}',
            "known.json: ignore?0?: field 'reason' is missing: say why this is ignored",
        ),
    ],
    ids=["missing", "cut", "report", "newer", "no reason"],
)
@pytest.mark.parametrize("face", ["pytest", "command"])
def test_a_wrong_baseline_ends_it_before_anything_is_measured(
    run_pytest, run_command, project, content, complaint, face
):
    if content is not None:
        (project.path / "known.json").write_text(content)
    if face == "pytest":
        result = run_pytest("def test_a(): 1 / 0", "--reqleak-baseline=known.json")
        place = "ERROR: --reqleak-baseline = 'known.json' (command line): "
    else:
        result = run_command("check", "apps:clean", "--baseline", "known.json")
        place = "reqleak: --baseline = 'known.json' (command line): "

    assert (pytest.ExitCode.USAGE_ERROR, 2)[face == "command"] == result.ret
    result.stderr.fnmatch_lines([f"{place}{complaint}"])
    if content is not None:
        assert content == (project.path / "known.json").read_text()


def test_an_update_into_a_folder_is_refused(run_pytest):
    result = run_pytest("", "--reqleak-baseline=.", "--reqleak-baseline-update")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["ERROR: --reqleak-baseline = '.' (command line): * it is a folder"])


def test_a_baseline_of_the_configuration_lies_beside_it(project, run_pytest):
    project.makeini("[pytest]\nreqleak_baseline = known.json\naddopts = -p no:randomly\n")
    rule = {"holder": "*test_it.KEPT", "reason": "known"}
    (project.path / "known.json").write_text(json.dumps({"baseline": 1, "ignore": [rule]}))
    project.makepyfile(test_it=BODY.format(size=100))
    (project.path / "sub").mkdir()

    result = run_pytest("", f"--rootdir={project.path}", f"{project.path}/test_it.py", "-k", "leaky")

    result.assert_outcomes(passed=1, deselected=1)


def test_the_command_passes_what_is_known_and_says_so(run_command, project):
    arguments = ("check", "apps:leaky", "GET /", "-n", "200", "--server=direct", "--baseline=known.json")

    first = run_command(*arguments, "--baseline-update", "-q")
    second = run_command(*arguments)
    other = run_command(*arguments[:2], "GET /other", *arguments[3:], "-q")

    assert [0, 0, 1] == [first.ret, second.ret, other.ret]
    first.stderr.fnmatch_lines(["reqleak: updated known.json: 1 added"])
    assert ["apps:leaky: GET /"] == list(known(project))
    second.stdout.fnmatch_lines(["KNOWN LEAK: each request leaves *", "*known.json: *, as known (*"])
    other.stdout.fnmatch_lines(["*of which the baseline knows nothing (it knows 'apps:leaky: GET /')"])
