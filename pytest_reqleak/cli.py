"""The `reqleak` command.

Knows arguments, streams and exit codes; what it does is `fixture`'s work.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from pytest_reqleak import __version__, options
from pytest_reqleak.errors import ReqleakError, TargetError, TargetFailed, UsageError
from pytest_reqleak.model.meter import Verdict
from pytest_reqleak.model.request import Request, parse_request_line, requests_from_json
from pytest_reqleak.settings import given_on_command_line, resolve

if TYPE_CHECKING:
    from pytest_reqleak.model.run import Run
    from pytest_reqleak.settings import Settings

CLEAN, LEAK, USAGE, INCONCLUSIVE, NOT_MEASURED, INTERRUPTED = 0, 1, 2, 3, 4, 130

_EPILOG = """\
exit codes:
  0  clean: nothing grows
  1  leak: memory grows with every iteration
  2  wrong usage: an option, a request, or a target that does not exist or is no app
  3  inconclusive (--inconclusive=fail makes it 1, pass makes it 0)
  4  could not measure: the app failed at import, at start-up or on a request

examples:
  reqleak check shop.main:app "GET /orders/{i}"
  reqleak check app.py:create_app --factory --requests workload.json -n 5000 --json leak.json

{i} in a request becomes the iteration's number. A workload file is a JSON list of
objects with "method" and "path", and optionally "headers", "json", "content",
"expect" and "ending".
"""


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
    asked.lines += rest
    try:
        return int(asked.run(asked))
    except KeyboardInterrupt:
        return INTERRUPTED
    except ReqleakError as error:
        wrong_usage = isinstance(error, (UsageError, TargetError)) and not isinstance(error, TargetFailed)
        return _complain(str(error), USAGE if wrong_usage else NOT_MEASURED)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of all arguments from the option table."""
    parser = argparse.ArgumentParser(
        prog="reqleak",
        description="Find per-request memory growth in any ASGI or WSGI app.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pytest-reqleak {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    check = commands.add_parser(
        "check",
        help="measure an app by some requests",
        description="Boot an app, send requests again and again, and tell whether memory grows with them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    check.add_argument("target", metavar="TARGET", help="'module:attribute' or 'path/to/file.py:attribute'")
    check.add_argument(
        "lines", metavar="REQUEST", nargs="*", help="'METHOD /path', sent in turn. Default: 'GET /'."
    )
    check.add_argument("--requests", metavar="FILE", help="A JSON list of requests, sent after those above.")
    for option in options.options_for(options.COMMAND):
        names = ["-n", "--iterations"] if option.name == "iterations" else [f"--{option.name}"]
        shown = f" Default: {option.shown_default}." if option.shown_default and option.metavar else ""
        takes: dict[str, Any] = {"metavar": option.metavar}
        if option.choices:
            takes = {"metavar": "|".join(option.choices)}
        elif not option.metavar:
            takes = {"action": "store_const", "const": "true"}
        check.add_argument(*names, dest=option.name, help=(option.help + shown).replace("%", "%%"), **takes)
    check.add_argument("-v", "--verbose", action="count", default=0, help="Tell more.")
    check.add_argument("-q", "--quiet", action="count", default=0, help="Tell the verdict only.")
    check.set_defaults(run=_check)
    return parser


def _check(asked: argparse.Namespace) -> int:
    from pytest_reqleak.report.files import check_writable

    given = given_on_command_line(lambda name: getattr(asked, name), command=True)
    settings = resolve([given])
    requests = _read_requests(asked.lines, asked.requests)
    for name in ("json", "html"):
        path = getattr(settings, name)
        if path is not None:
            try:
                check_writable(path)
            except UsageError as error:
                raise UsageError(f"{given[name].place}: {error}") from None
    run = _measure(asked.target, requests, settings)
    _print_report(run, sys.stdout, asked.verbose - asked.quiet)
    _write_files(run, settings)
    if run.verdict is Verdict.INCONCLUSIVE:
        return {"fail": LEAK, "pass": CLEAN}.get(settings.inconclusive, INCONCLUSIVE)
    return LEAK if run.verdict is Verdict.LEAK else CLEAN


def _measure(target: str, requests: Sequence[Request], settings: Settings) -> Run:
    from pytest_reqleak.fixture import measure_app
    from pytest_reqleak.report.progress import Progress

    progress = Progress(sys.stderr)
    try:
        return measure_app(target, requests, settings, observer=progress)
    finally:
        progress.close()


def _read_requests(lines: Sequence[str], file: str | None) -> tuple[Request, ...]:
    requests = tuple(parse_request_line(line) for line in lines)
    if file is not None:
        requests += _read_file(file)
    return requests or (Request("GET", "/"),)


def _read_file(file: str) -> tuple[Request, ...]:
    try:
        with open(file, "rb") as stream:
            document = json.loads(stream.read())
    except OSError as error:
        raise UsageError(f"--requests = {file!r}: cannot be read: {error.strerror or error}") from None
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{file}: is no JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: is no JSON: it is not encoded as UTF-8") from None
    except RecursionError:
        raise UsageError(f"{file}: is nested too deeply") from None
    return requests_from_json(document, place=file)


def _print_report(run: Run, stream: TextIO, verbosity: int) -> None:
    from pytest_reqleak.report.stream import stream_abilities
    from pytest_reqleak.report.terminal import terminal_report

    can = stream_abilities(stream)
    report = terminal_report(
        run, width=can.width, color=can.color, unicode=can.unicode, verbosity=max(-1, min(verbosity, 2))
    )
    try:
        stream.write(report.rstrip() + "\n")
        stream.flush()
    except BrokenPipeError:
        # The reader has seen enough; Python's own flush at exit must not complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _write_files(run: Run, settings: Settings) -> None:
    if settings.json is not None:
        from pytest_reqleak.report.json import write_run

        write_run(settings.json, run)
    if settings.html is not None:
        from pytest_reqleak.report.files import write_text
        from pytest_reqleak.report.html import html_report

        write_text(settings.html, html_report([run]))


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"reqleak: {message.rstrip()}\n")
    return code
