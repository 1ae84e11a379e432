"""Print the results of leakbench as a table and as totals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from benchmarks.leakbench.judge import Mark
from benchmarks.leakbench.runner import Result
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
_LEFT = 6
"""Columns from the left that hold words; the rest hold numbers."""


def results_table(results: Sequence[Result]) -> str:
    """One line per case, notes of what went wrong below."""
    rows = [_HEAD, *(_row(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
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
    return f"[{number}/{count}] {result.case.name}: {result.verdict}, {result.mark.value}{note}"


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


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.ljust(width) if column < _LEFT else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _count(results: Iterable[Result], *marks: Mark) -> int:
    return sum(result.mark in marks for result in results)


def _share(answers: Sequence[bool]) -> str:
    if not answers:
        return "0 of 0"
    return f"{sum(answers)} of {len(answers)} ({sum(answers) / len(answers):.0%})"
