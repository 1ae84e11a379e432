"""Runs as GitHub-flavoured Markdown: a table, then what grows with its curve as text.

For the summary of a CI step, a comment on a pull request, a wiki. Knows what
Markdown would take for markup; what the app says is never markup.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.finding import Growth
from pytest_reqleak.model.meter import Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.report import advice, wording
from pytest_reqleak.report.chart import JUDGED, least_span
from pytest_reqleak.report.docs_links import category_page
from pytest_reqleak.report.page import printable
from pytest_reqleak.report.paths import main_frame, show_frame
from pytest_reqleak.report.sparkline import resample, sparkline
from pytest_reqleak.units import format_average, format_bytes

MOST_ROWS = 100
"""Of the table; of more runs, the clean ones are only counted."""
MOST_TOLD = 20
"""Runs that are told in full: a summary of hundreds is read by nobody, and GitHub refuses a large one."""
CURVE_COLUMNS = 50
MOST_CHARACTERS = 300
"""Of one text of the app."""

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~@:&])")
_HARMLESS = re.compile(r"\\([-+.():!](?=\S)|[-+.():!](?=\s|$))")


def markdown_report(runs: Sequence[Run]) -> str:
    """Render the runs of a session, the worst first.

    Raises:
        UsageError: There is no run.
    """
    if not runs:
        raise UsageError("no run to show: nothing was measured")
    ordered = sorted(runs, key=_badness)
    parts = [f"## reqleak: {summary_text(runs)}", _table(ordered)]
    growing = [run for run in ordered if run.verdict is not Verdict.CLEAN]
    parts += [_story(run, alone=len(growing) == 1) for run in growing[:MOST_TOLD]]
    if len(growing) > MOST_TOLD:
        parts.append(f"And {len(growing) - MOST_TOLD} more in the table above.")
    return "\n\n".join(parts) + "\n"


def summary_text(runs: Sequence[Run]) -> str:
    """The verdicts of a session in a few words: `2 leaks, 1 known leak, 5 clean`."""
    counts = {
        ("leak", "leaks"): sum(run.verdict is Verdict.LEAK and not run.is_accepted for run in runs),
        ("known leak", "known leaks"): sum(run.is_accepted for run in runs),
        ("inconclusive", "inconclusive"): sum(run.verdict is Verdict.INCONCLUSIVE for run in runs),
        ("clean", "clean"): sum(run.verdict is Verdict.CLEAN for run in runs),
    }
    return ", ".join(f"{count} {words[count > 1]}" for words, count in counts.items() if count)


def plain(text: str) -> str:
    """A text of the app as Markdown that shows it as it is, in one line."""
    text = printable(text)
    if len(text) > MOST_CHARACTERS:
        text = text[:MOST_CHARACTERS] + "…"
    escaped = _MARKUP.sub(r"\\\1", text)
    # Harmless within a line, and easier to read in a log without the backslash.
    return _HARMLESS.sub(r"\1", escaped)


def code(text: str, *, in_table: bool = False) -> str:
    """A text of the app as a code span."""
    text = printable(text).strip() or " "
    if len(text) > MOST_CHARACTERS:
        text = text[:MOST_CHARACTERS] + "…"
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    # A table is cut at its bars before code spans are looked for.
    return f"{fence}{pad}{text.replace('|', chr(92) + '|') if in_table else text}{pad}{fence}"


def _badness(run: Run) -> tuple[int, float]:
    rank = 1 if run.is_accepted else {Verdict.LEAK: 0, Verdict.INCONCLUSIVE: 2, Verdict.CLEAN: 3}[run.verdict]
    return rank, -run.bytes_per_iteration


def _table(runs: Sequence[Run]) -> str:
    rows = ["| verdict | per iteration | test or app | allocated at |", "|---|---:|---|---|"]
    for run in runs[:MOST_ROWS]:
        sites = wording.telling_sites(run)
        frame = main_frame(sites[0]) if sites else None
        size = wording.size_text(run) if run.bytes_per_iteration > 0 else "0 B"
        word = (
            wording.verdict_text(run) if run.verdict is Verdict.CLEAN else f"**{wording.verdict_text(run)}**"
        )
        place = code(show_frame(frame), in_table=True) if frame is not None else ""
        rows.append(f"| {word} | {size} | {code(run.name or 'app', in_table=True)} | {place} |")
    if len(runs) > MOST_ROWS:
        rows.append(f"| | | and {len(runs) - MOST_ROWS} more | |")
    return "\n".join(rows)


def _story(run: Run, *, alone: bool) -> str:
    heading = f"### {wording.verdict_text(run)}: {code(run.name or 'app')}"
    parts = [heading, f"**{plain(_capital(wording.headline(run)))}.** {plain(run.reason)}"]
    if run.baseline is not None:
        parts.append(f"Baseline {code(run.baseline.file)}: {plain(run.baseline.text)}.")
        parts += [
            f"- ignored by rule {code(rule.rule)} ({plain(rule.reason)}): {code(rule.matched)}"
            for rule in run.baseline.ignored
        ]
    curves = _curves(run)
    if curves:
        parts.append(f"```text\n{curves}\n```")
    details = [*_sites(run), *_holders(run), *_culprits(run)]
    if details:
        parts.append("\n".join(details))
    steps = advice.next_steps(run)
    if steps:
        parts.append("\n".join(f"{n}. {plain(step)}" for n, step in enumerate(steps, 1)))
    parts += [f"> {plain(caveat.text)}" for caveat in run.caveats]
    command = advice.reproduce_command(run)
    if command:
        parts.append(f"Measure it again: {code(command)}")
    if alone:
        return "\n\n".join(parts)
    # Open where it fails; what is known can be looked up.
    state = "" if run.is_accepted else " open"
    return (
        f"<details{state}><summary>{wording.verdict_text(run)}: {_html(run.name or 'app')}</summary>\n\n"
        + "\n\n".join(parts[1:])
        + "\n\n</details>"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _html(text: str) -> str:
    shown = printable(text)[:MOST_CHARACTERS]
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _curves(run: Run) -> str:
    growths = [growth for growth in run.growth if growth.grows] or list(run.growth[:2])
    rows = [(growth, _curve(run, growth)) for growth in growths]
    rows = [row for row in rows if row[1]]
    labels = max((len(growth.meter.label) for growth, _ in rows), default=0)
    amounts = max((len(wording.growth_text(growth, run.unit)) for growth, _ in rows), default=0)
    return "\n".join(
        f"{growth.meter.label:<{labels}}  {wording.growth_text(growth, run.unit):>{amounts}}  {curve}"
        for growth, curve in rows
    )


def _curve(run: Run, growth: Growth) -> str:
    series = run.samples.only(*JUDGED).series(growth.meter)
    if series is None or not series.values:
        return ""
    least = 0 if growth.grows else least_span(growth.meter)
    curve = sparkline(resample(series.iterations, series.values, CURVE_COLUMNS), least_span=least)
    first, last = (wording.reading_text(growth.meter, series.values[end]) for end in (0, -1))
    return f"{curve}  {first} → {last}"


def _sites(run: Run) -> list[str]:
    rows = []
    for site in wording.telling_sites(run)[:5]:
        frame = main_frame(site)
        if frame is None:
            continue
        category, address = plain(wording.category_text(site)), category_page(site.category)
        what = f", [{category}]({address})" if address else f", {category}" if category else ""
        rows.append(f"- {format_bytes(site.bytes_per_iteration)}{what}: {code(show_frame(frame))}")
        if frame.code:
            rows.append(f"  {code(frame.code)}")
    return rows


def _holders(run: Run) -> list[str]:
    rows = []
    for holder in run.holders[:5]:
        rows.append(f"- held by {code(holder.path)}: {plain(wording.holder_text(holder, run.unit))}")
        adding = wording.adding_text(holder)
        if adding:
            rows.append(f"  {code(adding)}")
    rows += [f"- in cycles: {plain(wording.cycle_text(cycle, run.unit))}" for cycle in run.cycles[:5]]
    return rows


def _culprits(run: Run) -> list[str]:
    if len(run.requests) < 2:
        return []
    worst = sorted(run.culprits, key=lambda culprit: -culprit.bytes_per_iteration)
    rows = [
        f"- sent as {code(culprit.request)}: {wording.size_text(run, culprit.bytes_per_iteration)} behind"
        for culprit in worst[:5]
        if culprit.bytes_per_iteration > 0
    ]
    types = [
        f"{code(kind.type)} +{format_average(kind.per_iteration)}"
        for kind in run.types[:5]
        if kind.per_iteration > 0
    ]
    return [*rows, *([f"- objects that stay: {', '.join(types)}"] if types else [])]
