"""Annotations of GitHub Actions: what its log turns into notes on the lines of a pull request.

Knows the workflow commands and how GitHub wants them escaped; not when they are wanted.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.run import Run

if TYPE_CHECKING:
    from pytest_reqleak.report.line_notes import LineNote

MOST_ANNOTATIONS = 10
"""Of one level that GitHub shows per step; it drops the rest."""

MOST_SUMMARY_BYTES = 1_000_000
"""Of a step's summary; GitHub refuses the whole of one above 1 MiB."""


def is_github(environ: Mapping[str, str] | None = None) -> bool:
    """Whether this process runs in a job of GitHub Actions."""
    return (os.environ if environ is None else environ).get("GITHUB_ACTIONS") == "true"


def annotation_lines(runs: Iterable[Run], environ: Mapping[str, str] | None = None) -> list[str]:
    """The lines to print, each a workflow command; the worst first, as many as GitHub shows.

    Args:
        runs: Of a session.
        environ: Names the repository's folder (`GITHUB_WORKSPACE`); None: the process's own.
    """
    # Here, as most runs only ask whether this is GitHub.
    from pytest_reqleak.report.line_notes import line_notes

    variables = os.environ if environ is None else environ
    shown: dict[str, int] = {}
    lines = []
    for note in line_notes(runs, root=variables.get("GITHUB_WORKSPACE") or None):
        shown[note.level] = shown.get(note.level, 0) + 1
        if shown[note.level] <= MOST_ANNOTATIONS:
            lines.append(annotation(note))
    return lines


def annotation(note: LineNote) -> str:
    """One workflow command: `::error file=shop/orders.py,line=11,title=...::...`."""
    from pytest_reqleak.report.line_notes import is_relative

    place = {"file": note.path, "line": str(note.line)} if is_relative(note.path) else {}
    properties = {**place, "title": note.title}
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    tests = f" ({_told(note.tests)})" if note.site is not None else ""
    return f"::{note.level} {written}::{_data(note.text + tests)}"


def append_summary(markdown: str, environ: Mapping[str, str] | None = None) -> str:
    """Add a text to the step's summary, unless it has grown too large to be shown.

    Returns:
        The file that was written; empty where GitHub offers none.

    Raises:
        UsageError: It cannot be written.
    """
    path = (os.environ if environ is None else environ).get("GITHUB_STEP_SUMMARY", "")
    if not path:
        return ""
    content = markdown.encode("utf-8", "backslashreplace")
    try:
        # Other commands of the step have their say in the same file.
        with open(path, "ab") as stream:
            if stream.tell() + len(content) > MOST_SUMMARY_BYTES:
                return ""
            stream.write(content)
    except OSError as error:
        raise UsageError(f"GITHUB_STEP_SUMMARY: cannot write {path!r}: {error.strerror or error}") from error
    return path


def _told(tests: tuple[str, ...]) -> str:
    first, *others = tests
    more = f" and {len(others)} more" if others else ""
    return f"seen by {first or 'app'}{more}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
