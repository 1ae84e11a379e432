"""`reqleak diff`: what got worse between two stored results, by site."""

from __future__ import annotations

import argparse
from typing import Any

from pytest_reqleak.commands.codes import CLEAN, LEAK
from pytest_reqleak.errors import UsageError

_EPILOG = """\
exit codes:
  0  nothing got worse
  1  something got worse: more bytes, a new site, more threads, tasks or descriptors,
     a worse verdict, or a leak in what only the second result has
  2  wrong usage: a file that is missing, cut short, no result, or of a newer version

Workloads are matched by test, app and requests; two files of one run each are
compared as they are. Sites are matched by file and function, since lines move.

example:
  reqleak diff before.json after.json
"""


def add_to(commands: Any) -> None:
    """Add the command to argparse's sub-commands."""
    diff = commands.add_parser(
        "diff",
        help="tell what got worse between two stored results",
        description="Compare two results that --json or --reqleak-json wrote, site by site.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    diff.add_argument("before", metavar="BEFORE", help="JSON of one run or of a session.")
    diff.add_argument("after", metavar="AFTER", help="The newer one.")
    diff.add_argument(
        "--tolerance",
        metavar="PERCENT",
        default="10",
        help="By how much a figure must change to count. Default: 10.",
    )
    diff.set_defaults(run=_diff)


def _diff(asked: argparse.Namespace) -> int:
    from pytest_reqleak.commands.results import print_text, read_results, standard_output
    from pytest_reqleak.report.difference import difference_report, differences
    from pytest_reqleak.report.stream import stream_abilities

    tolerance = _tolerance(asked.tolerance)
    before, after = read_results([asked.before]), read_results([asked.after])
    found = differences(before, after, tolerance=tolerance)
    stream = standard_output()
    can = stream_abilities(stream)
    print_text(difference_report(found, width=can.width, color=can.color, unicode=can.unicode), stream)
    return LEAK if any(one.is_worse for one in found) else CLEAN


def _tolerance(raw: str) -> float:
    try:
        percent = float(raw.strip().removesuffix("%"))
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 1000:
        raise UsageError(f"--tolerance = {raw!r} (command line): must be a number of percent such as 10")
    return percent / 100
