"""The page about Granian shows what the stories print: each comparison, with every version in it.

Its figures need versions of old, so only their form is looked at here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.granian_case.page import WIDTH, marked, write
from benchmarks.granian_case.stories import STORIES

PAGE = Path(__file__).parents[2] / "docs" / "granian-case.md"
SHOWN = dict(marked(PAGE.read_text("utf-8")))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_each_story_shows_every_version_with_its_true_verdict(story):
    lines = SHOWN[story.name].split("\n")

    for subject in story.subjects:
        version = subject.needs[0].partition("==")[2]
        (row,) = [
            line.split()
            for line in lines
            if line.startswith(f"{subject.server} {version} {subject.server_args}".rstrip() + " ")
        ]
        assert subject.expected in row


def test_the_report_names_the_tasks_before_any_line_that_allocates():
    report = " ".join(SHOWN["middleware, granian 1.2.3"].split())

    waiting = report.index("waiting for PyFutureAwaitable")
    assert report.index("resource: ") < waiting < report.index("Allocated at")
    assert "never finish" in report[:waiting]


def test_nothing_is_wider_than_the_page():
    assert max(len(line) for shown in SHOWN.values() for line in shown.split("\n")) <= WIDTH


def test_outputs_are_written_below_their_marks_and_nowhere_else(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "before\n\n<!-- granian-case: one -->\n```text\nold\n```\n\n```text\nother\n```\n"
        "<!-- granian-case: two -->\n```text\nkept\n```\n"
    )

    assert ["two"] == write(page, {"one": "new\n"})
    assert {"one": "new\n", "two": "kept\n"} == dict(marked(page.read_text()))
    assert "```text\nother\n```" in page.read_text()
