"""A run for a tired developer: the answer, the line, the holder and what to do, in ten seconds.

Knows the order in which a person wants to know things, and how much of them at
which verbosity; the phrases are those of `wording`.

Verbosity: -1 the answer alone; 0 what is needed to mend it; 1 more sites,
frames and figures; 2 everything.
"""

from __future__ import annotations

from pytest_reqleak.model.finding import Frame, Growth, Site
from pytest_reqleak.model.meter import Cause, Meter, Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.report import advice, wording
from pytest_reqleak.report.chart import JUDGED, least_span
from pytest_reqleak.report.docs_links import category_page
from pytest_reqleak.report.page import LINK, Page, Span
from pytest_reqleak.report.paths import main_frame, show_frame
from pytest_reqleak.report.sparkline import resample, sparkline
from pytest_reqleak.report.summary import verdict_style
from pytest_reqleak.units import format_average, format_bytes, format_seconds

_HEADING = "bold"
_DIM = "dim"

MOST_COLUMNS = 40
"""Of a sparkline: more say nothing that a page of HTML does not say better."""
LEAST_COLUMNS = 8

_EVERYTHING = 10**9
_MESSAGE_WIDTH = 400
_MOST_SITES = {0: 3, 1: 10}
_MOST_FRAMES = {0: 2, 1: 6}
_MOST_OTHERS = {0: 3, 1: 10}


def terminal_report(
    run: Run, *, width: int = 80, color: bool = False, unicode: bool = True, verbosity: int = 0
) -> str:
    """Print one run.

    Args:
        run: Fresh or stored.
        width: Columns of the terminal; no line is wider.
        color: Whether to style it with escape sequences.
        unicode: Whether the stream can carry block characters.
        verbosity: -1 to 2.

    Returns:
        Lines without a newline at the end.
    """
    page = Page(width=width, color=color, unicode=unicode)
    _answer(page, run, verbosity)
    if verbosity >= 0 and not (run.verdict is Verdict.CLEAN and verbosity == 0):
        _figures(page, run, verbosity)
        _kinds(page, run, verbosity)
        # What a pending task holds was allocated somewhere too, but those lines are its victims.
        parts = (_holders, _sites) if wording.is_made_by_resources(run) else (_sites, _holders)
        for part in parts:
            part(page, run, verbosity)
        _cycles(page, run)
        _others(page, run, verbosity)
        if verbosity >= 1:
            _circumstances(page, run)
    if verbosity >= 0:
        _notes(page, run)
    return page.text()


def growth_message(run: Run) -> str:
    """The text of `MemoryGrowth`: the whole story in its first line, a few more to act on it.

    No colours and no blocks, since nobody knows where an exception's text ends up.
    """
    page = Page(width=_MESSAGE_WIDTH, color=False, unicode=True)
    page.line(_with_locus(run))
    sites = wording.telling_sites(run)
    frame = main_frame(sites[0]) if sites else None
    if frame is not None and frame.code:
        page.line(frame.code, indent=4)
    figures = [
        f"{growth.meter.label} {wording.growth_text(growth, run.unit)}"
        for growth in run.growth
        if growth.grows
    ]
    page.line("; ".join([*figures, f"over {wording.workload_text(run)}"]))
    if run.baseline is not None:
        page.line(f"{run.baseline.file}: {run.baseline.text}")
    for site in sites[1:3]:
        other = wording.site_text(site)
        if other:
            page.line(f"also {format_bytes(site.bytes_per_iteration)}: {other}")
    for culprit in _worst_culprits(run)[:3]:
        page.line(f"sent as {culprit[1]}: {culprit[0]} behind")
    for step in advice.next_steps(run)[:2]:
        page.line(f"next: {step}")
    return page.text()


def _with_locus(run: Run) -> str:
    locus = wording.locus(run) if run.verdict is not Verdict.CLEAN else ""
    return f"{wording.headline(run)}: {locus}" if locus else wording.headline(run)


def _answer(page: Page, run: Run, verbosity: int) -> None:
    word = (f"{wording.verdict_text(run).upper()}:", verdict_style(run))
    if verbosity < 0:
        page.paragraph(word, _with_locus(run), hang=2)
        _baseline(page, run)
        return
    circumstances = f"({run.target or 'app'}, {wording.server_text(run)})"
    if run.verdict is Verdict.CLEAN:
        page.paragraph(word, (wording.headline(run), "bold"), (circumstances, _DIM), hang=2)
        if verbosity >= 1:
            page.paragraph(run.reason, indent=2)
        _baseline(page, run)
        return
    page.paragraph(word, (wording.headline(run), "bold"), hang=2)
    page.paragraph(run.reason, indent=2)
    page.paragraph((f"{wording.workload_text(run)} {circumstances}", _DIM), indent=2)
    _baseline(page, run)


def _baseline(page: Page, run: Run) -> None:
    """How the run stands against what is known, and every rule that hides a part of it."""
    if run.baseline is None:
        return
    page.paragraph((f"{run.baseline.file}:", _HEADING), run.baseline.text, indent=2, hang=2)
    for rule in run.baseline.ignored:
        page.paragraph(
            ("ignored:", _HEADING), f"{rule.matched} ({rule.rule}: {rule.reason})", indent=2, hang=2
        )


def _figures(page: Page, run: Run, verbosity: int) -> None:
    """A row per meter: its growth, its course, where it began and ended."""
    growths = _shown_growths(run, verbosity)
    if not growths:
        return
    page.blank()
    rows = [
        [growth.meter.label, wording.growth_text(growth, run.unit), *_course(page, run, growth, 0)]
        for growth in growths
    ]
    labels, sizes, ends = (max(page.cells(row[n]) for row in rows) for n in (0, 1, 3))
    columns = min(MOST_COLUMNS, page.width - 2 - labels - 2 - sizes - 2 - 2 - ends)
    if columns < LEAST_COLUMNS:
        ends, columns = 0, min(MOST_COLUMNS, page.width - 2 - labels - 2 - sizes - 2)
    for growth in growths:
        curve, span = _course(page, run, growth, columns) if columns >= LEAST_COLUMNS else ("", "")
        style = "red" if growth.grows else _DIM
        line: list[Span] = [
            page.pad(growth.meter.label, labels),
            "  ",
            (page.pad(wording.growth_text(growth, run.unit), sizes, right=True), style),
            "  ",
            (curve, style),
        ]
        if ends:
            line += ["  ", (span, _DIM)]
        page.line(*line, indent=2)
        if verbosity >= 1:
            page.line((f"95 % interval {wording.interval_text(growth)}", _DIM), indent=4)


def _shown_growths(run: Run, verbosity: int) -> list[Growth]:
    """The meters that matter: those that grow; the memory where none does and the reader wants to look."""
    if verbosity >= 2:
        return list(run.growth)
    main = (Meter.LIVE_BLOCKS, Meter.HEAP_BYTES)
    growing = [growth for growth in run.growth if growth.grows]
    if verbosity == 1 or (run.verdict is Verdict.INCONCLUSIVE and not growing):
        return [growth for growth in run.growth if growth.grows or growth.meter in main]
    return growing


def _course(page: Page, run: Run, growth: Growth, columns: int) -> tuple[str, str]:
    """A meter's curve in so many columns, and its first and last readings."""
    series = run.samples.only(*JUDGED).series(growth.meter)
    if series is None or not series.values:
        return "", ""
    least = 0 if growth.grows else least_span(growth.meter)
    curve = sparkline(
        resample(series.iterations, series.values, columns), unicode=page.unicode, least_span=least
    )
    first, last = (wording.reading_text(growth.meter, series.values[end]) for end in (0, -1))
    return curve, f"{first} → {last}" if first != last else first


def _kinds(page: Page, run: Run, verbosity: int) -> None:
    """What kind of memory grew and what says so, unless it is Python's objects as usual."""
    if verbosity < 1 and {part.cause for part in run.causes} <= {Cause.PYTHON}:
        return
    if run.causes:
        page.blank()
        page.line(("What kind", _HEADING))
    for part in run.causes:
        size = f" {wording.part_text(run, part)}" if part.bytes_per_iteration > 0 else ""
        page.paragraph((f"{part.cause}{size}:", _HEADING), part.text, indent=2, hang=2)


def _sites(page: Page, run: Run, verbosity: int) -> None:
    sites = wording.telling_sites(run) if verbosity == 0 else run.sites
    if not sites:
        return
    page.blank()
    explained = wording.explained_text(run)
    page.line(("Allocated at", _HEADING), (f" ({explained})" if explained else "", _DIM))
    shown = sites[: _MOST_SITES.get(verbosity, _EVERYTHING)]
    rows = [_site_row(run, site) for site in shown]
    for site, row in zip(shown, page.table(rows, right=[True, True, True, False]), strict=True):
        address = category_page(site.category)
        linked = f"magenta{LINK}{address}" if address else "magenta"
        page.line((row[0], "red"), "  ", row[1], "  ", (row[2], _DIM), "  ", (row[3], linked), indent=2)
        _frames(page, site, verbosity)
        if address and verbosity >= 1:
            page.paragraph((f"about this kind: {address}", _DIM), indent=4)
    _more(page, len(run.sites) - len(shown), "site")


def _site_row(run: Run, site: Site) -> list[str]:
    share = ""
    # A tracer may see more than the meters say, and no part is larger than the whole.
    whole = max(run.bytes_per_iteration, sum(each.bytes_per_iteration for each in run.sites))
    if whole > 0:
        share = f"{site.bytes_per_iteration / whole:.0%}".replace("%", " %")
    blocks = wording.averaged(site.blocks_per_iteration, "block")
    return [format_bytes(site.bytes_per_iteration), blocks, share, wording.category_text(site)]


def _frames(page: Page, site: Site, verbosity: int) -> None:
    """The user's own line with its source, then a few of the others: the user's before the libraries'."""
    first = main_frame(site)
    if first is None:
        return
    _frame(page, first, "bold cyan" if first.own else "", code=True)
    rest = list(site.frames)
    rest.remove(first)
    most = _MOST_FRAMES.get(verbosity, _EVERYTHING)
    order = sorted(range(len(rest)), key=lambda n: (not rest[n].own, n))
    for n in sorted(order[:most]):
        _frame(page, rest[n], "cyan" if rest[n].own else _DIM, code=verbosity >= 2)
    if len(rest) > most:
        page.line((f"... {wording.counted(len(rest) - most, 'more frame')}", _DIM), indent=4)


def _frame(page: Page, frame: Frame, style: str, *, code: bool) -> None:
    room = page.width - 4
    page.line((page.cut_head(show_frame(frame), room), style), indent=4)
    if code and frame.code:
        page.line(frame.code, indent=8)


def _holders(page: Page, run: Run, verbosity: int) -> None:
    if not run.holders:
        return
    page.blank()
    page.line(("Held by", _HEADING))
    most = _MOST_OTHERS.get(verbosity, _EVERYTHING)
    for holder in run.holders[:most]:
        page.paragraph(
            (f"{holder.path}:", "bold yellow"), wording.holder_text(holder, run.unit), indent=2, hang=2
        )
        adding = wording.adding_text(holder)
        if adding:
            page.line(
                (page.cut_head(adding, page.width - 4), "cyan" if holder.frames[0].own else ""), indent=4
            )
            if holder.frames[0].code:
                page.line(holder.frames[0].code, indent=8)
        if verbosity >= 1 and holder.keys:
            page.line((f"newest keys: {', '.join(holder.keys)}", _DIM), indent=4)
    _more(page, len(run.holders) - most, "container")


def _cycles(page: Page, run: Run) -> None:
    """What is in the cycles, and once around one of them."""
    if not run.cycles:
        return
    page.blank()
    page.line(("In cycles", _HEADING))
    for cycle in run.cycles:
        page.paragraph(wording.cycle_text(cycle, run.unit), indent=2, hang=2)
        ring = wording.ring_text(cycle)
        if ring:
            page.paragraph(("ring:", _DIM), ring, indent=4, hang=2)


def _others(page: Page, run: Run, verbosity: int) -> None:
    """Types that survive, and the requests to blame where there are several."""
    most = _MOST_OTHERS.get(verbosity, _EVERYTHING)
    types = run.types
    if verbosity == 0:
        types = tuple(
            kind
            for kind in run.types
            if kind.per_iteration >= wording.LEAST_SHARE * min(1.0, run.blocks_per_iteration or 1.0)
        )
    if types:
        page.blank()
        page.line(("Objects that stay", _HEADING), (f" (per {run.unit})", _DIM))
        rows = [[f"+{format_average(kind.per_iteration)}", kind.type] for kind in types[:most]]
        for row in page.table(rows, right=[True, False]):
            page.line(row[0], "  ", row[1], indent=2)
        _more(page, len(types) - most, "type")
    culprits = _worst_culprits(run)
    if culprits:
        page.blank()
        page.line(("Requests that leak", _HEADING))
        for size, title in page.table(culprits[:most], right=[True, False]):
            page.line((size, "red"), "  ", title, indent=2)
        _more(page, len(culprits) - most, "request")


def _worst_culprits(run: Run) -> list[tuple[str, str]]:
    """Size and title of each request to blame, the worst first; none where only one kind was sent."""
    if len(run.requests) < 2 and not any(culprit.note for culprit in run.culprits):
        return []
    ordered = sorted(run.culprits, key=lambda culprit: culprit.bytes_per_iteration, reverse=True)
    return [
        (
            wording.size_text(run, culprit.bytes_per_iteration),
            f"{culprit.request} ({culprit.note})" if culprit.note else culprit.request,
        )
        for culprit in ordered
        if culprit.bytes_per_iteration > 0
    ]


def _notes(page: Page, run: Run) -> None:
    """Doubts, then what to do."""
    if run.caveats:
        if run.verdict is not Verdict.CLEAN:
            page.blank()
        for caveat in run.caveats:
            page.paragraph(("note:", _HEADING), caveat.text, indent=2, hang=2)
    steps = advice.next_steps(run)
    if steps:
        page.blank()
        page.line(("What to do next", _HEADING))
        for number, step in enumerate(steps, 1):
            page.paragraph(f"{number}. {step}", indent=2, hang=3)


def _circumstances(page: Page, run: Run) -> None:
    page.blank()
    page.line(("Circumstances", _HEADING))
    spent = ", ".join(f"{name} {format_seconds(seconds)}" for name, seconds in run.seconds.items())
    facts = {
        "sent": wording.sent_text(run),
        "threshold": f"{format_bytes(run.threshold)}/{run.unit}",
        "server": wording.server_details(run),
        "time": spent,
        **run.environment,
    }
    command = advice.reproduce_command(run)
    if command:
        facts["again"] = command
    for name, fact in facts.items():
        page.paragraph((f"{name}:", _DIM), fact, indent=2, hang=2)


def _more(page: Page, count: int, noun: str) -> None:
    if count > 0:
        page.line((f"... {wording.counted(count, f'more {noun}')}", _DIM), indent=2)
