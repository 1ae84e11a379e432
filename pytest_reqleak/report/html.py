"""Runs as one self-contained page: no script, no network, light or dark.

Knows which parts a page has; their looks are in `templates/report.html`. Every
text of the app is escaped by the template engine, and shown with its control
characters as escapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Any

from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.meter import Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.report import chart, wording
from pytest_reqleak.report.files import StrPath, write_text
from pytest_reqleak.report.page import printable
from pytest_reqleak.report.paths import main_frame, show_frame
from pytest_reqleak.units import format_average, format_bytes, format_count, format_seconds


def html_report(runs: Sequence[Run]) -> str:
    """Render one run, or a session's runs with a table of them at the top.

    Raises:
        UsageError: There is no run.
    """
    if not runs:
        raise UsageError("no run to show: nothing was measured")
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    environment.filters.update(
        average=format_average,
        bytes=format_bytes,
        count=format_count,
        seconds=format_seconds,
        frame=show_frame,
    )
    source = resources.files("pytest_reqleak.report").joinpath("templates/report.html")
    template = environment.from_string(source.read_text(encoding="utf-8"))
    # The order of the table is the order of the page.
    ordered = sorted(runs, key=lambda run: run.bytes_per_iteration, reverse=True)
    return template.render(
        title=_title(runs),
        runs=ordered,
        wording=wording,
        charts=chart.charts,
        box=(chart.WIDTH, chart.HEIGHT),
        main_frame=main_frame,
    )


def write_html(path: StrPath, runs: Sequence[Run]) -> None:
    """Write the page, whole or not at all.

    Raises:
        UsageError: There is no run, or `path` cannot be written; nothing was overwritten.
    """
    write_text(path, html_report(runs))


_WORST_FIRST = (Verdict.LEAK, Verdict.INCONCLUSIVE, Verdict.CLEAN)


def _title(runs: Sequence[Run]) -> str:
    if len(runs) == 1:
        return f"{runs[0].verdict}: {runs[0].target}"
    counts = [(verdict, sum(run.verdict is verdict for run in runs)) for verdict in _WORST_FIRST]
    return ", ".join(
        f"{count} {verdict}{'s' if verdict is Verdict.LEAK and count > 1 else ''}"
        for verdict, count in counts
        if count
    )


def _shown(value: Any) -> Any:
    # `Markup` is a str too: what a macro has already escaped must stay as it is.
    return printable(value) if type(value) is str else value
