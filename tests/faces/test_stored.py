"""The commands on stored results: `report` and `diff`."""

import json
import os
from pathlib import Path

import pytest

from pytest_reqleak.cli import main
from pytest_reqleak.options import FILE_FORMATS

FIRST = Path(__file__).parents[1] / "golden/schema-1/first.json"


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A folder with `run.json`, a leak, and a function that changes it into another file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    document = json.loads(FIRST.read_text("utf-8"))
    (tmp_path / "run.json").write_text(json.dumps(document))

    def change(name, **fields):
        (tmp_path / name).write_text(json.dumps({**document, **fields}))
        return name

    change.document = document
    return change


def test_a_stored_run_is_shown_and_written_in_every_form(stored, tmp_path, capsys):
    # A picture's form is told by the ending of its file; Graphviz' own needs no Graphviz.
    files = {name: f"out.{'dot' if name == 'graph' else name}" for name in FILE_FORMATS}
    asked = [word for name, file in files.items() for word in (f"--{name}", file)]

    assert 0 == main(["report", "run.json", *asked])

    shown = capsys.readouterr()
    assert shown.out.startswith("LEAK: each request leaves 553 B (6.0 blocks) behind\n")
    assert "\x1b" not in shown.out
    assert "" == shown.err
    assert all((tmp_path / file).stat().st_size for file in files.values())
    assert 553.2 == json.loads((tmp_path / "out.json").read_text())["bytes_per_iteration"]


def test_a_session_is_shown_run_by_run_and_as_a_table(stored, tmp_path, capsys):
    stored("clean.json", verdict="clean", bytes_per_iteration=0.0, growth=[])

    assert 0 == main(["report", "run.json", "clean.json", "--json", "both.json"])

    shown = capsys.readouterr().out
    assert shown.startswith("LEAK: ")
    assert "\nCLEAN: 2,000 requests leave nothing behind" in shown
    assert "\nverdict  per iteration  test" in shown
    assert 2 == len(json.loads((tmp_path / "both.json").read_text())["runs"])
    assert 0 == main(["report", "both.json", "-q"])
    assert 3 == len(capsys.readouterr().out.splitlines())


def test_a_result_may_be_written_over_itself(stored, tmp_path):
    assert 0 == main(["report", "run.json", "--json", "run.json"])

    assert 553.2 == json.loads((tmp_path / "run.json").read_text())["bytes_per_iteration"]


def test_a_diff_of_the_same_is_nothing(stored, capsys):
    assert 0 == main(["diff", "run.json", "run.json"])

    assert "1 as before\n" == capsys.readouterr().out


def test_a_diff_names_the_site_that_got_worse(stored, capsys):
    sites = json.loads(json.dumps(stored.document["sites"]))
    sites[0]["bytes_per_iteration"] *= 2
    after = stored("after.json", sites=sites, bytes_per_iteration=905.2)

    assert 1 == main(["diff", "run.json", after])
    assert "shop/orders.py in keep: 352 B → 704 B (+352 B)" in " ".join(capsys.readouterr().out.split())
    assert 0 == main(["diff", after, "run.json"])
    assert capsys.readouterr().out.startswith("BETTER: shop.main:app\n")


@pytest.mark.parametrize(("tolerance", "code"), [("5", 1), ("5%", 1), ("20", 0)])
def test_a_diff_may_be_more_or_less_strict(stored, tolerance, code):
    after = stored("after.json", bytes_per_iteration=553.2 * 1.1)

    assert code == main(["diff", "run.json", after, "--tolerance", tolerance])


BAD = [
    ("", "is not complete JSON (line 1, column 1: Expecting value); was it cut short?"),
    ('{"schema": 1, "verdict": "le', "was it cut short?"),
    ('{"schema": 2}', "was written by a newer pytest-reqleak (schema 2, this one reads up to 1); update"),
    ("[1]", "is no report of pytest-reqleak: it has no 'schema'"),
    ('{"baseline": 1}', "is no report of pytest-reqleak: it has no 'schema'"),
    ('{"schema": 1, "runs": []}', "holds no run: nothing was measured when it was written"),
    ('{"schema": 1, "verdict": "leak", "server": {}}', "field 'reason' is missing"),
]


@pytest.mark.parametrize(("content", "complaint"), BAD)
@pytest.mark.parametrize("command", [["report"], ["diff", "run.json"]], ids=["report", "diff"])
def test_a_bad_file_is_refused_in_one_line_and_nothing_is_overwritten(
    stored, tmp_path, capsys, command, content, complaint
):
    (tmp_path / "bad.json").write_text(content)
    (tmp_path / "old.html").write_text("old")
    outputs = ["--html", "old.html"] if command == ["report"] else []

    assert 2 == main([*command, "bad.json", *outputs])

    said = capsys.readouterr()
    assert "" == said.out
    assert said.err.startswith("reqleak: ")
    assert complaint in said.err
    assert "bad.json" in said.err
    assert 1 == said.err.count("\n")
    assert "old" == (tmp_path / "old.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["report", "gone.json"], "cannot read 'gone.json': No such file or directory"),
        (["report", "."], "cannot read '.': Is a directory"),
        (["report", "run.json", "--html", "."], "--html = '.': cannot write '.': it is a folder"),
        (["report", "run.json", "--sarif", "no/x"], "--sarif = 'no/x': cannot write 'no/x': the folder"),
        (["report", "run.json", "--html", "a", "--json", "a"], "'a' is already the file of json"),
        (["report", "run.json", "--html", "a", "--json", "./a"], "'a' is already the file of json"),
        (["report", "run.json", "--html", "./run.json"], "'./run.json' is the file of the result, which a"),
        (["diff", "run.json", "gone.json"], "cannot read 'gone.json'"),
        (["diff", "run.json", "run.json", "--tolerance", "x"], "--tolerance = 'x' (command line): must be"),
        (["diff", "run.json", "run.json", "--tolerance", "-1"], "must be a number of percent such as 10"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(stored, capsys, arguments, complaint):
    assert 2 == main(arguments)

    said = capsys.readouterr()
    assert complaint in said.err
    assert ("", 1) == (said.out, said.err.count("\n"))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nobody may be kept from reading here")
def test_a_file_that_may_not_be_read_is_refused(stored, tmp_path, capsys):
    (tmp_path / "run.json").chmod(0)

    assert 2 == main(["report", "run.json"])
    assert "cannot read 'run.json': Permission denied" in capsys.readouterr().err
