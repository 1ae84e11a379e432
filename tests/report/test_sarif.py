from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from run_strategies import runs
from sample_runs import EVERY_RUN, HOME, clean_run, known_run, pydantic_run
from sarif_shape import SARIF

from pytest_reqleak.report.sarif import sarif_report

VALIDATOR = jsonschema.Draft202012Validator(SARIF)


def read(*some: Any, root: str = HOME) -> Any:
    document = json.loads(sarif_report(some, root=root))
    VALIDATOR.validate(document)
    return document["runs"][0]


def test_the_shape_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SARIF)


@pytest.mark.parametrize("name", EVERY_RUN)
def test_every_run_makes_a_valid_log(name: str) -> None:
    read(EVERY_RUN[name]())


@given(run=runs)
@settings(max_examples=60)
def test_any_run_the_model_allows_makes_a_valid_log(run: Any) -> None:
    read(run)


def test_a_leak_has_one_result_per_line_with_its_place_and_its_stack() -> None:
    log = read(pydantic_run())

    first, second = log["results"]
    assert ["error", "leak-python"] == [first["level"], first["ruleId"]]
    assert {
        "artifactLocation": {"uri": "shop/orders.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 11, "snippet": {"text": "RECENT.append(Order(**fields))"}},
    } == first["locations"][0]["physicalLocation"]
    lines = [
        frame["location"]["physicalLocation"]["region"]["startLine"] for frame in first["stacks"][0]["frames"]
    ]
    assert [214, 11, 33, 212, 73] == lines
    assert "shop/signing.py" == second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert log["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == first["ruleId"]


def test_a_leak_that_the_baseline_knows_is_a_suppressed_note() -> None:
    (result, *_) = read(known_run())["results"]

    assert "note" == result["level"]
    assert [
        {"kind": "external", "justification": "553 B/request, as known (553 B/request, tolerance 20 %)"}
    ] == result["suppressions"]


def test_clean_runs_have_no_results() -> None:
    assert [] == read(clean_run(), clean_run())["results"]


def test_a_line_keeps_its_fingerprint_when_it_moves() -> None:
    run = pydantic_run()
    moved = replace(
        run,
        sites=tuple(
            replace(site, frames=(replace(site.frames[0], line=site.frames[0].line + 40), *site.frames[1:]))
            for site in run.sites
        ),
    )

    def prints(log: Any) -> list[Any]:
        return [result["partialFingerprints"] for result in log["results"]]

    assert prints(read(run)) == prints(read(moved))
    assert 2 == len({json.dumps(each) for each in prints(read(run))})


def test_a_path_is_written_as_a_uri() -> None:
    run = pydantic_run()
    frame = replace(run.sites[0].frames[0], file=f"{HOME}/shop/größe & co/#1 a%b.py")
    odd = replace(run, sites=(replace(run.sites[0], frames=(frame,)),))

    (result,) = read(odd)["results"]

    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert "shop/gr%C3%B6%C3%9Fe%20%26%20co/%231%20a%25b.py" == uri


def test_a_file_outside_the_repository_is_absolute() -> None:
    (result, *_) = read(pydantic_run(), root="/somewhere/else")["results"]

    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert {"uri": f"file://{HOME}/shop/orders.py"} == artifact
