"""A table of a session's runs: one line each, for the end of a terminal's output."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_reqleak.model.meter import Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.report import wording
from pytest_reqleak.report.page import Page
from pytest_reqleak.report.paths import main_frame, show_frame

VERDICT_STYLES = {Verdict.CLEAN: "bold green", Verdict.LEAK: "bold red", Verdict.INCONCLUSIVE: "bold yellow"}
_ACCEPTED_STYLE = "bold yellow"
_DIM = "dim"

_LEAST_SUMMARY = 40
"""Columns for a summary's two long columns; with fewer, the lines of code are left out."""


def verdict_style(run: Run) -> str:
    """How a verdict is written where there are colours."""
    return _ACCEPTED_STYLE if run.is_accepted else VERDICT_STYLES[run.verdict]


def summary_lines(
    runs: Sequence[Run], *, width: int = 80, color: bool = False, unicode: bool = True
) -> list[str]:
    """A table of a session's runs, the one that leaks most first: one line each, after a line of titles.

    Empty without runs.
    """
    if not runs:
        return []
    page = Page(width=width, color=color, unicode=unicode)
    ordered = sorted(runs, key=lambda run: run.bytes_per_iteration, reverse=True)
    rows = [("verdict", "per iteration", "test", "allocated at")]
    for run in ordered:
        telling = wording.telling_sites(run)
        frame = main_frame(telling[0]) if telling else None
        size = wording.size_text(run) if run.bytes_per_iteration > 0 else "0 B"
        rows.append((wording.verdict_text(run), size, run.name, show_frame(frame) if frame else ""))
    verdicts, sizes, tests, sites = (max(page.cells(row[n]) for row in rows) for n in range(4))
    room = page.width - verdicts - sizes - 6
    if room < _LEAST_SUMMARY:
        sites = 0
    # Each of the two long columns has half of the room, and what the other does not need.
    tests, sites = (
        min(tests, room - min(sites, room // 2)),
        min(sites, room - min(tests, room - room // 2)),
    )
    styles = [(_DIM, _DIM), *((verdict_style(run), "") for run in ordered)]
    for row, (verdict, style) in zip(rows, styles, strict=True):
        page.line(
            (page.pad(row[0], verdicts), verdict),
            "  ",
            (page.pad(row[1], sizes, right=True), style),
            "  ",
            (page.pad(page.cut_head(row[2], tests), tests), style),
            "  ",
            (page.cut_head(row[3], sites), style),
        )
    return page.text().split("\n")
