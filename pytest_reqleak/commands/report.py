"""`reqleak report`: show a stored result again, in any form."""

from __future__ import annotations

import argparse
import os
from typing import Any

from pytest_reqleak import options
from pytest_reqleak.commands.codes import CLEAN

_EPILOG = """\
exit codes:
  0  the result was shown and written, whatever its verdict
  2  wrong usage: a file that is missing, cut short, no result, or of a newer version

examples:
  reqleak report leak.json
  reqleak report leak.json --html leak.html --sarif leak.sarif
  reqleak report leak.json -vv
"""


def add_to(commands: Any) -> None:
    """Add the command to argparse's sub-commands."""
    report = commands.add_parser(
        "report",
        help="show a stored result again, in any form",
        description="Read what --json or --reqleak-json wrote, print it, and write it in other forms.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    report.add_argument("results", metavar="FILE", nargs="+", help="JSON of one run or of a session.")
    for name in options.FILE_FORMATS:
        report.add_argument(f"--{name}", metavar="FILE", help=options.BY_NAME[name].help)
    report.add_argument("-v", "--verbose", action="count", default=0, help="Tell more.")
    report.add_argument("-q", "--quiet", action="count", default=0, help="Tell the verdicts only.")
    report.set_defaults(run=_report)


def _report(asked: argparse.Namespace) -> int:
    from pytest_reqleak.commands.results import print_text, read_results, standard_output
    from pytest_reqleak.report.formats import check_all_writable, write_all
    from pytest_reqleak.report.stream import stream_abilities
    from pytest_reqleak.report.summary import summary_lines
    from pytest_reqleak.report.terminal import terminal_report

    runs = read_results(asked.results)
    files = {name: path for name in options.FILE_FORMATS if (path := getattr(asked, name)) is not None}
    places = {name: f"--{name} = {os.fspath(path)!r}" for name, path in files.items()}
    check_all_writable(files, places)
    # JSON says all that the result said, so it may take its place.
    others = {name: path for name, path in files.items() if name != "json"}
    check_all_writable(others, places, read=dict.fromkeys(asked.results, "the result"))
    write_all(files, runs, session=len(runs) > 1)
    stream = standard_output()
    can = stream_abilities(stream)
    verbosity = max(-1, min(asked.verbose - asked.quiet, 2))
    looks: dict[str, Any] = {"width": can.width, "color": can.color, "unicode": can.unicode}
    parts = [terminal_report(run, verbosity=verbosity, **looks) for run in runs]
    if len(runs) > 1:
        table = "\n".join(summary_lines(runs, **looks))
        parts = [*parts, table] if verbosity >= 0 else [table]
    print_text("\n\n".join(part.rstrip() for part in parts), stream)
    return CLEAN
