from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from run_strategies import runs
from sample_runs import EVERY_RUN, clean_run, native_run, pydantic_run

from pytest_reqleak.report.speedscope import NOT_EXPLAINED, speedscope_report

# Speedscope's "file format specification" for sampled profiles.
NUMBER = {"type": "number"}
SHAPE = {
    "type": "object",
    "required": ["$schema", "shared", "profiles"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"const": "https://www.speedscope.app/file-format-schema.json"},
        "name": {"type": "string"},
        "exporter": {"type": "string"},
        "activeProfileIndex": {"type": "integer", "minimum": 0},
        "shared": {
            "type": "object",
            "required": ["frames"],
            "additionalProperties": False,
            "properties": {
                "frames": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "additionalProperties": False,
                        "properties": {
                            "name": {"type": "string"},
                            "file": {"type": "string"},
                            "line": NUMBER,
                            "col": NUMBER,
                        },
                    },
                }
            },
        },
        "profiles": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "name", "unit", "startValue", "endValue", "samples", "weights"],
                "additionalProperties": False,
                "properties": {
                    "type": {"const": "sampled"},
                    "name": {"type": "string"},
                    "unit": {"enum": ["bytes", "none", "seconds"]},
                    "startValue": NUMBER,
                    "endValue": NUMBER,
                    "samples": {
                        "type": "array",
                        "items": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "integer", "minimum": 0},
                        },
                    },
                    "weights": {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}},
                },
            },
        },
    },
}


def read(*some: Any) -> Any:
    """Read a file as speedscope does, which looks frames up by their place."""
    document = json.loads(speedscope_report(some))
    jsonschema.validate(document, SHAPE)
    assert document["activeProfileIndex"] < len(document["profiles"])
    for profile in document["profiles"]:
        assert len(profile["samples"]) == len(profile["weights"])
        assert pytest.approx(sum(profile["weights"])) == profile["endValue"] - profile["startValue"]
        assert all(
            place < len(document["shared"]["frames"]) for stack in profile["samples"] for place in stack
        )
    return document


def stacks(document: Any, number: int = 0) -> list[list[str]]:
    names = [frame["name"] for frame in document["shared"]["frames"]]
    return [[names[place] for place in stack] for stack in document["profiles"][number]["samples"]]


@pytest.mark.parametrize("name", EVERY_RUN)
def test_every_run_makes_a_valid_file(name: str) -> None:
    read(EVERY_RUN[name](), clean_run())


@given(run=runs)
@settings(max_examples=60)
def test_any_run_the_model_allows_makes_a_valid_file(run: Any) -> None:
    def sane(size: float) -> float:
        return min(size, 1e300)

    sites = tuple(replace(site, bytes_per_iteration=sane(site.bytes_per_iteration)) for site in run.sites)
    read(replace(run, bytes_per_iteration=sane(run.bytes_per_iteration), sites=sites))


def test_a_site_is_a_stack_with_the_outermost_frame_first_and_its_bytes() -> None:
    document = read(pydantic_run())

    assert [
        ["app", "run_endpoint_function", "post_order", "keep", "__init__"],
        ["post_order", "sign"],
        [NOT_EXPLAINED],
    ] == stacks(document)
    assert [352.0, 190.5, pytest.approx(10.7)] == document["profiles"][0]["weights"]


def test_files_are_as_short_as_in_the_other_reports() -> None:
    frames = read(pydantic_run())["shared"]["frames"]

    assert {"name": "keep", "file": "shop/orders.py", "line": 11} in frames
    assert {"name": "__init__", "file": "pydantic/main.py", "line": 214} in frames


def test_what_was_not_traced_is_one_frame_and_a_clean_run_has_none() -> None:
    document = read(clean_run(), native_run())

    assert [] == stacks(document, 0)
    assert [[NOT_EXPLAINED]] == stacks(document, 1)


def test_the_worst_run_is_shown_first() -> None:
    assert 1 == read(clean_run(), native_run(), pydantic_run())["activeProfileIndex"]
