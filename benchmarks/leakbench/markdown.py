"""The results as Markdown, for docs/leakbench.md: what was run, the totals, every case, what went wrong."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Sequence

from benchmarks.leakbench.judge import Mark
from benchmarks.leakbench.result import Result
from benchmarks.leakbench.table import CASE_HEAD, SUMMARY_HEAD, case_rows, summary_rows
from pytest_reqleak import __version__

_WRONG = (Mark.MISS, Mark.FALSE_ALARM, Mark.UNSURE, Mark.HONEST, Mark.ERROR)


def page(results: Sequence[Result], tools: Sequence[str], arguments: Sequence[str]) -> str:
    """Everything that a reader needs to judge a run, and to repeat it.

    Args:
        results: Of all tools that are to be shown.
        tools: In the order of the columns.
        arguments: Of the command line; folders of this machine are left out.
    """
    command = " ".join(["python -m benchmarks.leakbench", *_public(arguments)])
    parts = [
        f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}, reqleak {__version__}, "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores:",
        f"<!-- not run: it takes hours -->\n```console\n$ {command}\n```",
        _table(SUMMARY_HEAD, summary_rows(results, tools)),
        _table((*CASE_HEAD, *tools), case_rows(results, tools)),
    ]
    ours = [result for result in results if result.tool == "reqleak" and result.mark in _WRONG]
    if ours:
        lines = [
            f"- `{result.case.name}`: {result.mark.value}: {result.note or 'no reason given'}"
            for result in ours
        ]
        parts.append("What reqleak missed, left open or got wrong:\n\n" + "\n".join(lines))
    unnamed = [
        f"`{result.case.name}`"
        for result in results
        if result.tool == "reqleak" and (result.site is False or result.holder is False)
    ]
    if unnamed:
        parts.append(f"Leaks that reqleak found without naming the line or the holder: {', '.join(unnamed)}.")
    return "\n\n".join(parts) + "\n"


def _public(arguments: Sequence[str]) -> list[str]:
    """The arguments without those that only say where this machine keeps things."""
    kept: list[str] = []
    private = {"--cache", "--keep", "--json", "--beside", "--markdown", "--python-dir"}
    words = iter(arguments)
    for word in words:
        if word in private:
            next(words, None)
        elif word == "--corpus":
            next(words, None)
            kept += ["--corpus", "DIR"]
        elif word.partition("=")[0] not in private:
            kept.append(word)
    return kept


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
