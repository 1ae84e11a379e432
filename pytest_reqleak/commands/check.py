"""`reqleak check`: measure one app by some requests."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_reqleak import options
from pytest_reqleak.commands.codes import CLEAN, INCONCLUSIVE, LEAK
from pytest_reqleak.commands.measured import measured
from pytest_reqleak.commands.requests import read_requests
from pytest_reqleak.commands.results import complain, print_text, standard_output
from pytest_reqleak.model.meter import Verdict
from pytest_reqleak.settings import given_on_command_line, resolve

if TYPE_CHECKING:
    from pytest_reqleak.model.run import Run
    from pytest_reqleak.settings import Settings

_EPILOG = """\
exit codes:
  0  clean: nothing grows, or nothing but what the baseline knows or ignores
  1  leak: memory grows with every iteration
  2  wrong usage: an option, a request, or a target that does not exist or is no app
  3  inconclusive (--inconclusive=fail makes it 1, pass makes it 0)
  4  could not measure: the app failed at import, at start-up or on a request,
     or the result cannot be printed

examples:
  reqleak check shop.main:app "GET /orders/{i}"
  reqleak check app.py:create_app --factory --requests workload.json -n 5000 --json leak.json

{i} in a request becomes the iteration's number. A workload file is a JSON list of
objects with "method" and "path", and optionally "headers", "json", "content",
"expect" and "ending".
"""


def add_to(commands: Any) -> None:
    """Add the command to argparse's sub-commands."""
    check = commands.add_parser(
        "check",
        help="measure an app by some requests",
        description="Boot an app, send requests again and again, and tell whether memory grows with them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    check.add_argument("target", metavar="TARGET", help="'module:attribute' or 'path/to/file.py:attribute'")
    add_workload(check)
    add_options(check)
    check.add_argument("-v", "--verbose", action="count", default=0, help="Tell more.")
    check.add_argument("-q", "--quiet", action="count", default=0, help="Tell the verdict only.")
    check.set_defaults(run=_check)


def add_workload(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say which requests are sent."""
    parser.add_argument(
        "lines", metavar="REQUEST", nargs="*", help="'METHOD /path', sent in turn. Default: 'GET /'."
    )
    parser.add_argument("--requests", metavar="FILE", help="A JSON list of requests, sent after those above.")


def add_options(parser: argparse.ArgumentParser, *, without: frozenset[str] = frozenset()) -> None:
    """Add every option of the table that may stand in a command, but for those named."""
    for option in options.options_for(options.COMMAND):
        if option.name in without:
            continue
        names = ["-n", "--iterations"] if option.name == "iterations" else [f"--{option.dashed}"]
        shown = f" Default: {option.shown_default}." if option.shown_default and option.metavar else ""
        takes: dict[str, Any] = {"metavar": option.metavar}
        if option.choices:
            takes = {"metavar": "|".join(option.choices)}
        elif not option.metavar:
            takes = {"action": "store_const", "const": "true"}
        parser.add_argument(*names, dest=option.name, help=(option.help + shown).replace("%", "%%"), **takes)


def _check(asked: argparse.Namespace) -> int:
    from pytest_reqleak.deliver import check_outputs

    given = given_on_command_line(lambda name: getattr(asked, name), command=True)
    settings = resolve([given])
    requests = read_requests(asked.lines, asked.requests)
    check_outputs(
        settings,
        {name: value.place for name, value in given.items()},
        read={asked.requests: "the requests"} if asked.requests else None,
    )
    run = measured(asked.target, requests, settings)
    if asked.requests:
        # A run keeps the titles of its requests, not their headers and bodies.
        typed = shlex.join([*asked.lines, "--requests", asked.requests])
        run = replace(run, environment={**run.environment, "workload": typed})
    try:
        _print_report(run, settings, asked.verbose - asked.quiet)
    finally:
        # A disk that takes no output may take files elsewhere.
        _write_files(run, settings)
    if run.verdict is Verdict.INCONCLUSIVE:
        return {"fail": LEAK, "pass": CLEAN}.get(settings.inconclusive, INCONCLUSIVE)
    return LEAK if run.verdict is Verdict.LEAK and not run.is_accepted else CLEAN


def _print_report(run: Run, settings: Settings, verbosity: int) -> None:
    from pytest_reqleak.deliver import annotate
    from pytest_reqleak.report.stream import stream_abilities
    from pytest_reqleak.report.terminal import terminal_report

    stream = standard_output()
    can = stream_abilities(stream)
    report = terminal_report(
        run, width=can.width, color=can.color, unicode=can.unicode, verbosity=max(-1, min(verbosity, 2))
    )
    print_text("\n".join([report.rstrip(), *annotate([run], settings)]), stream)


def _write_files(run: Run, settings: Settings) -> None:
    from pytest_reqleak.deliver import add_to_summary, deliver, settle_baseline

    notes = settle_baseline([run], settings)
    deliver([run], settings)
    for note in notes + add_to_summary([run], settings):
        complain(note)
