"""`reqleak compare`: the same workload on several servers in turn, and what differs."""

from __future__ import annotations

import argparse
import itertools
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_reqleak.commands.check import add_options, add_workload
from pytest_reqleak.commands.codes import CLEAN, INCONCLUSIVE, LEAK, NOT_MEASURED
from pytest_reqleak.commands.measured import measured
from pytest_reqleak.commands.requests import read_requests
from pytest_reqleak.commands.results import print_text, standard_output
from pytest_reqleak.errors import ReqleakError, TargetError, TargetFailed, UsageError
from pytest_reqleak.model.meter import Verdict
from pytest_reqleak.options import BY_NAME, FILE_FORMATS
from pytest_reqleak.settings import Given, given_on_command_line, resolve

if TYPE_CHECKING:
    from pytest_reqleak.model.request import Request
    from pytest_reqleak.report.comparison import Entry
    from pytest_reqleak.settings import Settings

_EPILOG = """\
exit codes:
  0  all are clean
  1  at least one leaks
  2  wrong usage: an option, a request, or a target that does not exist or is no app
  3  none leaks, and at least one is inconclusive (--inconclusive=fail makes it 1,
     pass makes it 0)
  4  none leaks, and at least one could not be measured

examples:
  reqleak compare shop.main:app "GET /orders/{i}" --server bundled --server granian --server uvicorn
  reqleak compare shop.main:app --server granian --server "granian --task-impl rust"
  reqleak compare shop.main:app --server uvicorn --allocator glibc --allocator jemalloc

Each server has a process of its own, but for 'direct', which has none. The columns: bytes that each
request leaves behind, how much of it is Python's objects, native memory of the C heap, and memory
outside of both; unfinished tasks; the resident memory over the run; requests per second while measured.
"""

# What differs between the runs, and what belongs to a single run's report.
_OURS = frozenset({"server", "server_args", "allocator", "isolate"})
_SINGLE = (frozenset(FILE_FORMATS) - {"json"}) | {"github", "baseline", "baseline_update"}


@dataclass(frozen=True, slots=True)
class _Variant:
    label: str
    server: str
    """With its arguments, without the allocator."""
    given: Mapping[str, Given]


def add_to(commands: Any) -> None:
    """Add the command to argparse's sub-commands."""
    compare = commands.add_parser(
        "compare",
        help="measure an app on several servers, and tell what differs",
        description="Run the same workload on several servers in turn, and tell whether it is the app,\n"
        "the server, native code or the allocator that makes memory grow.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    compare.add_argument("target", metavar="TARGET", help="'module:attribute' or 'path/to/file.py:attribute'")
    add_workload(compare)
    compare.add_argument(
        "--server",
        action="append",
        default=[],
        metavar="SERVER",
        help=f"One to compare: {', '.join(BY_NAME['server'].choices)}; it may be followed by arguments "
        "of its own, 'granian --task-impl rust'. Give it once for each.",
    )
    if "allocator" in BY_NAME:
        compare.add_argument(
            "--allocator",
            action="append",
            default=[],
            metavar="|".join(BY_NAME["allocator"].choices),
            help="Run every server with this allocator too. Give it once for each.",
        )
    add_options(compare, without=_OURS | _SINGLE)
    compare.set_defaults(run=_compare)


def _compare(asked: argparse.Namespace) -> int:
    from pytest_reqleak.report.formats import check_all_writable

    given = {
        **given_on_command_line(
            lambda name: getattr(asked, name, None) if name not in _OURS else None, command=True
        )
    }
    variants = _variants(asked.server, getattr(asked, "allocator", []))
    settings = [resolve([given, variant.given]) for variant in variants]
    requests = read_requests(asked.lines, asked.requests)
    file, capture = settings[0].files.get("json"), settings[0].plan.memray_capture
    check_all_writable(
        {name: path for name, path in (("json", file), ("memray_capture", capture)) if path is not None},
        {name: value.place for name, value in given.items()},
        read={asked.requests: "the requests"} if asked.requests else None,
    )
    entries = [
        _measure(asked.target, requests, chosen, variant)
        for variant, chosen in zip(variants, settings, strict=True)
    ]
    runs = [entry.run for entry in entries if entry.run is not None]
    try:
        _print_comparison(entries)
    finally:
        # A disk that takes no output may take files elsewhere.
        if file is not None and runs:
            from pytest_reqleak.report.json import write_runs

            write_runs(file, runs)
    return _exit_code(entries, settings[0].inconclusive)


def _variants(servers: Sequence[str], allocators: Sequence[str]) -> list[_Variant]:
    """Every server with every allocator, in the order in which they were given.

    Raises:
        UsageError: There are fewer than two, or one is given twice.
    """
    found = [
        _variant(server, allocator) for server, allocator in itertools.product(servers, allocators or [""])
    ]
    labels = [variant.label for variant in found]
    twice = [label for label in labels if labels.count(label) > 1]
    if twice:
        raise UsageError(f"{twice[0]!r} is given twice: each run must differ from the others")
    if len(found) < 2:
        known = ", ".join(BY_NAME["server"].choices)
        seen = f"{labels[0]!r} alone cannot be compared" if labels else "there is nothing to compare"
        raise UsageError(f"{seen}: give --server at least twice; known are {known}")
    return found


def _variant(server: str, allocator: str) -> _Variant:
    place = f"--server = {server!r} (command line)"
    try:
        words = shlex.split(server)
    except ValueError as error:
        raise UsageError(f"{place}: cannot be split into words: {error}") from None
    name, arguments = (words[0], words[1:]) if words else ("", [])
    given = {"server": Given(value=name, place=place)}
    if arguments:
        if "server_args" not in BY_NAME:
            raise UsageError(f"{place}: takes no arguments")
        given["server_args"] = Given(value=shlex.join(arguments), place=place)
    if allocator:
        given["allocator"] = Given(value=allocator, place=f"--allocator = {allocator!r} (command line)")
    if name == "bundled" and "isolate" in BY_NAME:
        # So that it is measured as the others are, and finds none of what `direct` has left.
        given["isolate"] = Given(value=True, place=place)
    shown = shlex.join(words)
    return _Variant(f"{shown}, {allocator}" if allocator else shown, shown, given)


def _measure(target: str, requests: Sequence[Request], settings: Settings, variant: _Variant) -> Entry:
    from pytest_reqleak.report.comparison import Entry

    try:
        run = measured(target, requests, settings, title=variant.label)
    except ReqleakError as error:
        if isinstance(error, (UsageError, TargetError)) and not isinstance(error, TargetFailed):
            raise
        return Entry(label=variant.label, server=variant.server, problem=str(error))
    return Entry(label=variant.label, server=variant.server, run=run)


def _print_comparison(entries: Sequence[Entry]) -> None:
    from pytest_reqleak.report.comparison import comparison_report
    from pytest_reqleak.report.stream import stream_abilities

    stream = standard_output()
    can = stream_abilities(stream)
    report = comparison_report(entries, width=can.width, color=can.color, unicode=can.unicode)
    print_text(report, stream)


def _exit_code(entries: Sequence[Entry], inconclusive: str) -> int:
    verdicts = [entry.run.verdict if entry.run is not None else None for entry in entries]
    if Verdict.LEAK in verdicts:
        return LEAK
    unsure = Verdict.INCONCLUSIVE in verdicts
    if unsure and inconclusive == "fail":
        return LEAK
    if None in verdicts:
        return NOT_MEASURED
    return INCONCLUSIVE if unsure and inconclusive != "pass" else CLEAN
