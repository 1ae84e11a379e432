"""leakbench runs real tools on small cases, in the running Python."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from benchmarks.leakbench.__main__ import main
from benchmarks.leakbench.case import CORPUS, Case, read_cases
from benchmarks.leakbench.environments import Environment, Here
from benchmarks.leakbench.judge import Mark
from benchmarks.leakbench.result import Result, Settings
from benchmarks.leakbench.runner import bare_costs, run_tool
from benchmarks.leakbench.table import comparison

LEAK = "pat_visit_log"
CLEAN = "clean_statistics"
QUICK = Settings(iterations=300)


def own(name: str) -> Case:
    (case,) = read_cases(CORPUS, (name,))
    return case


@pytest.mark.parametrize("tool", ["reqleak", "tracemalloc"])
def test_a_tool_that_names_lines_finds_the_leak_and_its_line(tool: str) -> None:
    result = run_tool(tool, own(LEAK), Here().get(own(LEAK)), QUICK)

    assert (Mark.HIT, True) == (result.mark, result.site), result.note


@pytest.mark.parametrize("tool", ["reqleak", "tracemalloc", "leakcheck"])
def test_a_tool_calls_an_app_without_a_leak_clean(tool: str) -> None:
    result = run_tool(tool, own(CLEAN), Here().get(own(CLEAN)), QUICK)

    assert Mark.CLEAN is result.mark, result.note


def test_the_resident_size_shows_a_leak_of_pages() -> None:
    case = own("pat_raw_mmap")

    assert Mark.HIT is run_tool("rss", case, Here().get(case), QUICK).mark


def test_the_bare_loop_says_what_a_start_and_a_request_cost() -> None:
    costs = bare_costs(own(CLEAN), Here().get(own(CLEAN)), 60)

    assert costs is not None
    assert all(cost > 0 for cost in costs)


def fake_python(folder: Path, script: str) -> Environment:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Environment(path)


def test_what_a_peer_prints_and_how_many_requests_it_sent_are_put_together(tmp_path: Path) -> None:
    python = fake_python(
        tmp_path,
        'printf 22663 > "$LEAKBENCH_SENT"; echo "psleak.MemoryLeakError: kept increasing" >&2; exit 1',
    )

    result = run_tool("psleak", own(LEAK), python, QUICK)

    assert (Mark.HIT, 22663, False) == (result.mark, result.requests, result.site)


def test_a_peer_that_does_not_end_is_an_error_of_that_case_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.leakbench.runner._GRACE_SECONDS", 0)
    python = fake_python(tmp_path, "sleep 60")

    result = run_tool("rss", own(LEAK), python, Settings(timeout=0.2))

    assert Mark.ERROR is result.mark
    assert "did not end" in result.note


def test_a_case_whose_environment_cannot_be_made_does_not_end_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    # No Python has this version, so nothing is fetched.
    text = own(LEAK).file.read_text("utf-8").replace('"python": "3.12"', '"python": "3.1.99"')
    (corpus / f"{LEAK}.py").write_text(text)

    code = main(["--corpus", str(corpus), "--cache", str(tmp_path), "--json", str(tmp_path / "out.json")])

    assert 1 == code
    assert "needs Python 3.1.99" in capsys.readouterr().out
    assert "ERROR" == json.loads((tmp_path / "out.json").read_text("utf-8"))[0]["mark"]


def test_a_run_of_our_own_case_here_ends_with_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["--here", "--select", CLEAN, "--iterations", "200"])
    assert "1 right" in capsys.readouterr().out


def test_the_results_of_an_earlier_run_stand_beside_those_of_this_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = tmp_path / "earlier.json"
    result = Result(case=own(CLEAN), tool="psleak", verdict="leak", mark=Mark.FALSE_ALARM, requests=211)
    earlier.write_text(json.dumps([result.as_json()]))

    main(["--here", "--select", CLEAN, "--tool", "rss", "--iterations", "40", "--beside", str(earlier)])

    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(CLEAN))
    assert [CLEAN, "clean", "FALSE", "ALARM", "ok"] == row.split()


def test_the_page_for_the_docs_shows_misses_and_no_folder_of_this_machine(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    earlier = tmp_path / "earlier.json"
    missed = Result(case=own(LEAK), verdict="clean", mark=Mark.MISS, note="nothing grew")
    earlier.write_text(json.dumps([missed.as_json()]))
    corpus = ["--corpus", str(CORPUS), "--select", LEAK]

    main(["--here", "--tool", "rss", *corpus, "--beside", str(earlier), "--markdown", str(page)])

    text = page.read_text("utf-8")
    assert f"- `{LEAK}`: MISS: nothing grew" in text
    assert f"--here --tool rss --corpus DIR --select {LEAK}\n" in text
    assert str(tmp_path) not in text


@pytest.mark.parametrize("tool", ["valgrind", ""])
def test_a_tool_that_is_not_known_is_wrong_usage(tool: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--tool", tool])

    assert 2 == ended.value.code
    assert "the tools are reqleak" in capsys.readouterr().err


def test_the_comparison_shows_who_found_what_and_who_named_what() -> None:
    leak = own(LEAK)
    results = [
        Result(case=leak, verdict="leak", mark=Mark.HIT, site=True, holder=True, requests=100, seconds=2.0),
        Result(case=leak, tool="psleak", verdict="clean", mark=Mark.MISS, seconds=1.0, bare_seconds=0.5),
        Result(case=own(CLEAN), tool="psleak", verdict="leak", mark=Mark.FALSE_ALARM, seconds=1.0),
    ]

    text = comparison(results, ["reqleak", "psleak"])

    assert "found+line+holder" in text
    assert "FALSE ALARM" in text
    assert "1 of 1" in next(line for line in text.splitlines() if line.startswith("reqleak"))
    assert "2.0x" in next(line for line in text.splitlines() if line.startswith("psleak"))
