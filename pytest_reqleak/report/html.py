"""Runs as one self-contained page: no network, light or dark, readable without its script.

Knows which parts a page has; their looks are in `templates`. Every text of the
app is escaped by the template engine, and shown with its control characters as
escapes; the page's policy lets no script run but the one that we wrote.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from itertools import groupby
from typing import Any

from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.meter import Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.report import advice, chart, wording
from pytest_reqleak.report.docs_links import category_page
from pytest_reqleak.report.files import StrPath, write_text
from pytest_reqleak.report.icicle import icicle
from pytest_reqleak.report.page import printable
from pytest_reqleak.report.paths import main_frame, show_frame
from pytest_reqleak.report.tree import holder_tree
from pytest_reqleak.units import format_average, format_bytes, format_count, format_seconds

_JOINTS = re.compile(r"(?<=[/_.])(?=\w)|(?<=::)")

MOST_OPEN = 20
"""Runs of a session up to which those that grow are unfolded from the start."""


def html_report(runs: Sequence[Run]) -> str:
    """Render one run, or a session's runs with a list of them at the top.

    Raises:
        UsageError: There is no run.
    """
    if not runs:
        raise UsageError("no run to show: nothing was measured")
    from markupsafe import Markup

    # The order of the list is the order of the page.
    ordered = sorted(runs, key=lambda run: (_rank(run), -run.bytes_per_iteration))
    script = _part("page.js").strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page: str = (
        _environment()
        .get_template("page.html")
        .render(
            title=_title(runs),
            runs=ordered,
            verdicts=_verdicts(ordered),
            # Ours, and written for these two places.
            style=Markup(_part("style.css").strip()),
            script=Markup(script),
            script_hash=Markup(f"sha256-{digest}"),
        )
    )
    return page


def write_html(path: StrPath, runs: Sequence[Run]) -> None:
    """Write the page, whole or not at all.

    Raises:
        UsageError: There is no run, or `path` cannot be written; nothing was overwritten.
    """
    write_text(path, html_report(runs))


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_part),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.filters.update(
        average=format_average,
        bytes=format_bytes,
        count=format_count,
        seconds=format_seconds,
        frame=show_frame,
        breakable=_breakable,
        quoted=_quoted,
    )
    environment.globals.update(
        advice=advice,
        wording=wording,
        category_page=category_page,
        charts=chart.charts,
        box=(chart.WIDTH, chart.HEIGHT),
        places=_places,
        stages=_stages,
        icicle=icicle,
        holder_tree=holder_tree,
        main_frame=main_frame,
        width=_width,
        lines=_lines,
        rank=_rank,
        class_of=_class_of,
        most_open=MOST_OPEN,
    )
    return environment


def _part(name: str) -> str:
    return resources.files("pytest_reqleak.report").joinpath(f"templates/{name}").read_text(encoding="utf-8")


def _places(run: Run) -> list[int]:
    """The iterations at which a pointer finds readings."""
    return [run.samples.iterations[n] for n in chart.hover_places(run.samples)]


def _stages(run: Run) -> list[tuple[str, int]]:
    """Names of the stages, and how many of the places above each has."""
    names = [wording.PHASES[run.samples.phases[n]] for n in chart.hover_places(run.samples)]
    return [(name, len(list(group))) for name, group in groupby(names)]


def _width(part: float, whole: float) -> int:
    """A bar's length in percent: seen at all, and never beyond its column."""
    return round(min(max(100 * part / whole, 1.0), 100.0))


def _breakable(text: str) -> Any:
    """A name or a path that breaks where a reader would break it, if it must."""
    from markupsafe import Markup, escape

    return Markup("<wbr>").join(escape(part) for part in _JOINTS.split(printable(text)))


def _quoted(text: str) -> Any:
    """A sentence in which what stands between backticks is code."""
    from markupsafe import Markup, escape

    parts = [escape(part) for part in printable(text).split("`")]
    if len(parts) % 2 == 0:
        return Markup("`").join(parts)
    return Markup("").join(
        Markup("<code>") + part + Markup("</code>") if place % 2 else part for place, part in enumerate(parts)
    )


def _lines(text: str) -> Any:
    """A text of several lines as the value of an attribute."""
    from markupsafe import Markup, escape

    return Markup("&#10;").join(escape(printable(line)) for line in text.split("\n"))


def _rank(run: Run) -> int:
    """What fails comes first."""
    if run.is_accepted:
        return 1
    return {Verdict.LEAK: 0, Verdict.INCONCLUSIVE: 2, Verdict.CLEAN: 3}[run.verdict]


def _class_of(run: Run) -> str:
    return "known" if run.is_accepted else str(run.verdict)


def _verdicts(ordered: Sequence[Run]) -> list[tuple[str, int]]:
    return [(word, len(list(group))) for word, group in groupby(map(wording.verdict_text, ordered))]


def _title(runs: Sequence[Run]) -> str:
    if len(runs) == 1:
        return f"{wording.verdict_text(runs[0])}: {runs[0].name}"
    counts: dict[str, int] = {}
    for run in sorted(runs, key=_rank):
        counts[wording.verdict_text(run)] = counts.get(wording.verdict_text(run), 0) + 1
    return ", ".join(
        f"{count} {word}{'s' if word.endswith('leak') and count > 1 else ''}"
        for word, count in counts.items()
    )


def _shown(value: Any) -> Any:
    # `Markup` is a str too: what a macro has already escaped must stay as it is.
    return printable(value) if type(value) is str else value
