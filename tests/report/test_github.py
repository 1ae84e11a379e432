from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from run_strategies import runs
from sample_runs import HOME, hostile_run, inconclusive_run, known_run, native_run, pydantic_run

from pytest_reqleak.errors import UsageError
from pytest_reqleak.report.github import (
    MOST_ANNOTATIONS,
    MOST_SUMMARY_BYTES,
    annotation_lines,
    append_summary,
    is_github,
)

ENVIRON = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": HOME}
COMMAND = re.compile(r"::(?P<level>error|warning|notice) (?P<properties>[^\r\n]*?)::(?P<message>[^\r\n]*)")


def understood(line: str) -> tuple[str, dict[str, str], str]:
    """What GitHub's runner makes of a line: level, properties, message."""
    match = COMMAND.fullmatch(line)
    assert match is not None
    properties = dict(part.split("=", 1) for part in match["properties"].split(","))

    def decoded(text: str) -> str:
        for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            text = text.replace(code, char)
        return text

    return (
        match["level"],
        {key: decoded(value) for key, value in properties.items()},
        decoded(match["message"]),
    )


def test_a_leak_is_an_error_on_the_line_that_allocates() -> None:
    level, properties, message = understood(annotation_lines([pydantic_run()], ENVIRON)[0])

    assert "error" == level
    assert {"file": "shop/orders.py", "line": "11", "title": "Memory grows per request"} == properties
    assert message.startswith("352 B per request (4.0 blocks) allocated here (pydantic model) stay behind.")
    assert message.endswith("(seen by shop.main:app)")


def test_what_is_known_is_a_notice_and_what_is_not_certain_a_warning() -> None:
    levels = [understood(line)[0] for line in annotation_lines([known_run(), inconclusive_run()], ENVIRON)]

    assert ["warning", "notice", "notice"] == levels


def test_percent_signs_commas_colons_and_newlines_reach_github_as_they_are() -> None:
    run = pydantic_run()
    frame = replace(run.sites[0].frames[0], file=f"{HOME}/a,b:c/100%25.py")
    odd = replace(run, sites=(replace(run.sites[0], frames=(frame,), remedy="50 %,\nthen: 10 %"),))

    (line,) = annotation_lines([odd], ENVIRON)

    assert "file=a%2Cb%3Ac/100%2525.py,line=11" in line
    _, properties, message = understood(line)
    assert "a,b:c/100%25.py" == properties["file"]
    assert r"50 %,\nthen: 10 %" in message


@given(run=runs)
@settings(max_examples=60)
def test_any_run_the_model_allows_makes_commands_that_github_understands(run: Any) -> None:
    for line in annotation_lines([run, hostile_run()], ENVIRON):
        understood(line)


def test_a_file_outside_the_repository_is_not_named() -> None:
    lines = annotation_lines([pydantic_run()], {"GITHUB_WORKSPACE": "/somewhere/else"})

    assert [{"title"}, {"title"}] == [set(understood(line)[1]) for line in lines]


def test_no_more_annotations_are_printed_than_github_shows() -> None:
    many = [replace(native_run(), test=f"test_{n}.py::test") for n in range(30)]

    assert MOST_ANNOTATIONS == len(annotation_lines(many, ENVIRON))


@pytest.mark.parametrize(
    ("value", "expected"), [("true", True), ("", False), ("false", False), (None, False)]
)
def test_a_job_of_github_says_so(value: str | None, expected: bool) -> None:
    assert expected == is_github({} if value is None else {"GITHUB_ACTIONS": value})


def test_the_summary_is_added_to_what_the_step_has_said(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n")

    written = append_summary("after\n", {"GITHUB_STEP_SUMMARY": str(file)})

    assert str(file) == written
    assert "before\nafter\n" == file.read_text()


def test_a_summary_that_github_would_refuse_is_not_added(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("x" * MOST_SUMMARY_BYTES)

    assert "" == append_summary("more", {"GITHUB_STEP_SUMMARY": str(file)})
    assert MOST_SUMMARY_BYTES == file.stat().st_size


def test_without_a_summary_nothing_is_written() -> None:
    assert "" == append_summary("text", {})


def test_a_summary_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^GITHUB_STEP_SUMMARY: cannot write '.*': "):
        append_summary("text", {"GITHUB_STEP_SUMMARY": str(tmp_path)})
