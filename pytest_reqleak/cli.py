"""The `reqleak` command: its sub-commands, and what becomes of their errors.

What each of them takes and does stands in `commands`, a file each.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from pytest_reqleak import __version__
from pytest_reqleak.commands import check, compare, diff, report
from pytest_reqleak.commands.codes import INTERRUPTED, NOT_MEASURED, USAGE
from pytest_reqleak.commands.results import complain
from pytest_reqleak.errors import ReqleakError, TargetError, TargetFailed, UsageError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Without the command's name; None: those of the process.

    Returns:
        The exit code; wrong arguments exit with 2 by themselves.
    """
    parser = make_parser()
    asked, rest = parser.parse_known_args(arguments)
    # argparse takes the positional arguments of one place only; requests may stand behind options too.
    if any(argument.startswith("-") for argument in rest):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest and not hasattr(asked, "lines"):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        asked.lines += rest
    try:
        return int(asked.run(asked))
    except KeyboardInterrupt as error:
        return _failed(str(error) or "interrupted", INTERRUPTED)
    except ReqleakError as error:
        wrong_usage = isinstance(error, (UsageError, TargetError)) and not isinstance(error, TargetFailed)
        return _failed(str(error), USAGE if wrong_usage else NOT_MEASURED)
    except BaseException as error:  # noqa: BLE001 - whatever it is, its exit code must not be that of a leak
        from pytest_reqleak.commands.last_resort import fault_text

        verbosity = asked.verbose - asked.quiet if hasattr(asked, "verbose") else None
        return _failed(fault_text(error, verbosity=verbosity), NOT_MEASURED)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of all arguments."""
    parser = argparse.ArgumentParser(
        prog="reqleak",
        description="Find per-request memory growth in any ASGI or WSGI app.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pytest-reqleak {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    check.add_to(commands)
    compare.add_to(commands)
    report.add_to(commands)
    diff.add_to(commands)
    return parser


def _failed(message: str, code: int) -> int:
    complain(message)
    return code
