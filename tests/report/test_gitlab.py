from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from run_strategies import runs
from sample_runs import EVERY_RUN, HOME, clean_run, known_run, native_run, pydantic_run

from pytest_reqleak.report.gitlab import gitlab_report

# What GitLab's documentation demands of each issue; other keys are not read.
SHAPE = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "pattern": "^reqleak-"},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string", "minLength": 1, "pattern": "^[^/]"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def read(*some: Any) -> Any:
    document = json.loads(gitlab_report(some, root=HOME))
    jsonschema.validate(document, SHAPE)
    prints = [issue["fingerprint"] for issue in document]
    assert len(prints) == len(set(prints))
    return document


@pytest.mark.parametrize("name", EVERY_RUN)
def test_every_run_makes_a_valid_report(name: str) -> None:
    read(EVERY_RUN[name](), EVERY_RUN[name]())


@given(run=runs)
@settings(max_examples=60)
def test_any_run_the_model_allows_makes_a_valid_report(run: Any) -> None:
    read(run)


def test_a_leak_is_a_major_issue_on_its_line() -> None:
    first, _ = read(pydantic_run())

    assert ["major", "reqleak-leak-python"] == [first["severity"], first["check_name"]]
    assert {"path": "shop/orders.py", "lines": {"begin": 11}} == first["location"]


def test_a_known_leak_is_for_information() -> None:
    assert {"info"} == {issue["severity"] for issue in read(known_run())}


def test_clean_runs_and_those_without_a_file_make_an_empty_list() -> None:
    assert [] == read(clean_run(), native_run())
