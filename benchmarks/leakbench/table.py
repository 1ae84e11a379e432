"""Print the results of leakbench as a table and as totals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from benchmarks.leakbench.judge import Mark, holder_names
from benchmarks.leakbench.result import Result
from pytest_reqleak.units import format_bytes, format_seconds

_YES_NO = {True: "yes", False: "NO", None: "-"}
_HEAD = (
    "case",
    "expected",
    "verdict",
    "ok?",
    "site",
    "holder",
    "B/iteration",
    "truth",
    "requests",
    "seconds",
)
CASE_HEAD = ("case", "truth")
SUMMARY_HEAD = (
    *("tool", "leaks found", "missed", "false alarms", "unsure", "errors", "line named", "holder named"),
    *("requests", "seconds", "of bare"),
)
_SHORT = {
    Mark.HIT: "found",
    Mark.CLEAN: "ok",
    Mark.MISS: "MISSED",
    Mark.FALSE_ALARM: "FALSE ALARM",
    Mark.UNSURE: "unsure",
    Mark.HONEST: "unsure",
    Mark.ERROR: "error",
}
_LEFT = 6
"""Columns from the left that hold words; the rest hold numbers."""


def results_table(results: Sequence[Result]) -> str:
    """One line per case, notes of what went wrong below."""
    lines = [_aligned(_HEAD, [_row(result) for result in results], _LEFT)]
    notes = [f"  {result.case.name}: {result.note}" for result in results if result.note]
    return "\n".join([*lines, *(["", "Notes:", *notes] if notes else [])])


def totals(results: Sequence[Result]) -> str:
    """Hits, misses, false alarms and the doubtful; sites and holders; time."""
    leaks = [result for result in results if result.case.expected == "leak"]
    cleans = [result for result in results if result.case.expected == "clean"]
    sites = [result.site for result in leaks if result.site is not None]
    holders = [result.holder for result in leaks if result.holder is not None]
    lines = [
        f"leaks:   {len(leaks)}: {_count(leaks, Mark.HIT)} hits, {_count(leaks, Mark.MISS)} misses, "
        f"{_count(leaks, Mark.UNSURE)} inconclusive, {_count(leaks, Mark.ERROR)} errors",
        f"clean:   {len(cleans)}: {_count(cleans, Mark.CLEAN)} right, "
        f"{_count(cleans, Mark.FALSE_ALARM)} false alarms, "
        f"{_count(cleans, Mark.UNSURE, Mark.HONEST)} inconclusive "
        f"({_count(cleans, Mark.HONEST)} before their plateau), {_count(cleans, Mark.ERROR)} errors",
        f"sites:   {_share(sites)} of the leaks found have the right one among the first three",
        f"holders: {_share(holders)} of the leaks found have the right one among the first three",
    ]
    if results:
        seconds = [result.seconds for result in results]
        lines.append(
            f"time:    {format_seconds(sum(seconds))} in all, median {format_seconds(median(seconds))} a case"
        )
    return "\n".join(lines)


def progress_line(result: Result, number: int, count: int) -> str:
    """What is said when a case has ended."""
    note = f"  ({result.note})" if result.mark is Mark.ERROR else ""
    return (
        f"[{number}/{count}] {result.tool} on {result.case.name}: {result.verdict}, {result.mark.value}{note}"
    )


def comparison(results: Sequence[Result], tools: Sequence[str]) -> str:
    """One line per case with a column per tool, and one line per tool below."""
    cases = _aligned((*CASE_HEAD, *tools), case_rows(results, tools), 9)
    legend = "found: a leak called a leak; +line, +holder: and the right one was named."
    return f"{cases}\n\n{legend}\n\n{_aligned(SUMMARY_HEAD, summary_rows(results, tools), 1)}"


def case_rows(results: Sequence[Result], tools: Sequence[str]) -> list[Sequence[str]]:
    """The cells below `CASE_HEAD` and the names of the tools."""
    by_case: dict[str, dict[str, Result]] = {}
    for result in results:
        by_case.setdefault(result.case.name, {})[result.tool] = result
    return [
        (name, next(iter(row.values())).case.expected, *(_cell(row.get(tool)) for tool in tools))
        for name, row in by_case.items()
    ]


def summary_rows(results: Sequence[Result], tools: Sequence[str]) -> list[Sequence[str]]:
    """The cells below `SUMMARY_HEAD`: hits, misses, false alarms, requests and time of each tool."""
    rows: list[Sequence[str]] = []
    for tool in tools:
        mine = [result for result in results if result.tool == tool]
        leaks = [result for result in mine if result.case.expected == "leak"]
        cleans = [result for result in mine if result.case.expected == "clean"]
        with_site = [result for result in leaks if result.case.site]
        with_holder = [result for result in leaks if holder_names(result.case.holder)]
        ratios = [result.ratio for result in mine if result.ratio is not None]
        sent = [result.requests for result in mine if result.requests is not None]
        rows.append(
            (
                tool,
                f"{_count(leaks, Mark.HIT)} of {len(leaks)}",
                str(_count(leaks, Mark.MISS)),
                f"{_count(cleans, Mark.FALSE_ALARM)} of {len(cleans)}",
                str(_count(mine, Mark.UNSURE, Mark.HONEST)),
                str(_count(mine, Mark.ERROR)),
                f"{sum(result.site is True for result in with_site)} of {len(with_site)}",
                f"{sum(result.holder is True for result in with_holder)} of {len(with_holder)}",
                f"{median(sent):,.0f}" if sent else "-",
                f"{median(result.seconds for result in mine):.1f}" if mine else "-",
                f"{median(ratios):.1f}x" if ratios else "-",
            )
        )
    return rows


def _cell(result: Result | None) -> str:
    if result is None:
        return "-"
    named = "".join(["+line" * (result.site is True), "+holder" * (result.holder is True)])
    return _SHORT[result.mark] + named


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """Columns as wide as their longest cell; the first `left` hold words, the rest numbers."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [_line(row, widths, left) for row in (head, *rows)]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _row(result: Result) -> tuple[str, ...]:
    case = result.case
    found = result.bytes_per_iteration
    return (
        case.name + (" (no gc)" if case.no_gc else ""),
        case.expected,
        result.verdict,
        result.mark.value,
        _YES_NO[result.site],
        _YES_NO[result.holder],
        "-" if found is None else format_bytes(found),
        format_bytes(case.bytes_per_request),
        "-" if result.requests is None else str(result.requests),
        f"{result.seconds:.1f}",
    )


def _line(row: Sequence[str], widths: Sequence[int], left: int) -> str:
    cells = [
        cell.ljust(width) if column < left else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _count(results: Iterable[Result], *marks: Mark) -> int:
    return sum(result.mark in marks for result in results)


def _share(answers: Sequence[bool]) -> str:
    if not answers:
        return "0 of 0"
    return f"{sum(answers)} of {len(answers)} ({sum(answers) / len(answers):.0%})"
