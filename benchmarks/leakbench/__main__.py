"""Run leakbench: `python -m benchmarks.leakbench`, with `--tool` under the peers too.

Exit code 0: reqleak had no miss, no false alarm, no error. 1: some. 2: wrong usage.
What the peers miss changes nothing in it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.leakbench.case import CORPUS, BadCase, Case, read_cases
from benchmarks.leakbench.environments import (
    Environments,
    Here,
    NoEnvironment,
    default_python_folders,
)
from benchmarks.leakbench.judge import Mark
from benchmarks.leakbench.markdown import page
from benchmarks.leakbench.peers import PEERS
from benchmarks.leakbench.result import Result, Settings, failed, stored
from benchmarks.leakbench.runner import TOOLS, bare_costs, run_tool
from benchmarks.leakbench.table import comparison, progress_line, results_table, totals

_BAD = {Mark.MISS, Mark.FALSE_ALARM, Mark.ERROR}
_DEFAULT_CACHE = "~/.cache/reqleak-leakbench"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases that the arguments choose, and print the tables."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        cases = read_cases(chosen.corpus.resolve(), tuple(chosen.select), twins=chosen.twins)
        earlier = [result for file in chosen.beside for result in stored(file, cases)]
    except (BadCase, OSError, SyntaxError, KeyError, ValueError) as error:
        parser.error(str(error))
    if chosen.keep is not None:
        chosen.keep.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        iterations=chosen.iterations,
        server=chosen.server,
        concurrency=chosen.concurrency,
        timeout=chosen.timeout,
        extra=tuple(chosen.extra),
        keep=chosen.keep and chosen.keep.resolve(),
    )
    more = tuple(
        requirement for tool in chosen.tool if tool in PEERS for requirement in PEERS[tool].requirements
    )
    environments = Environments(
        chosen.cache.expanduser().resolve(),
        python_folders=(*chosen.python_dir, *default_python_folders()),
        more=more,
    )
    results: list[Result] = []
    for result in _run_all(cases, Here() if chosen.here else environments, settings, chosen.tool):
        results.append(result)
        # At once, so that a run which is broken off has not been for nothing.
        if chosen.json is not None:
            chosen.json.write_text(json.dumps([result.as_json() for result in results], indent=1), "utf-8")
    for tool in chosen.tool:
        mine = [result for result in results if result.tool == tool]
        if tool == "reqleak":
            print(results_table(mine) + "\n")
        print(f"{tool}\n{totals(mine)}\n")
    everything = [result for result in earlier if result.tool not in chosen.tool] + results
    tools = [tool for tool in TOOLS if any(result.tool == tool for result in everything)]
    if len(tools) > 1:
        print(comparison(everything, tools))
    if chosen.markdown is not None:
        words = sys.argv[1:] if arguments is None else arguments
        chosen.markdown.write_text(page(everything, tools, words), "utf-8")
    return 1 if any(result.mark in _BAD for result in results if result.tool == "reqleak") else 0


def _run_all(
    cases: Sequence[Case], environments: Environments | Here, settings: Settings, tools: Sequence[str]
) -> Iterator[Result]:
    """Every tool on every case, one at a time: two at once would change each other's times."""
    for number, case in enumerate(cases, 1):
        try:
            environment = environments.get(case)
        except NoEnvironment as error:
            print(f"[{number}/{len(cases)}] {case.name}: {error}", file=sys.stderr, flush=True)
            yield from (failed(case, str(error), tool=tool) for tool in tools)
            continue
        costs = bare_costs(case, environment, settings.timeout)
        for tool in tools:
            result = run_tool(tool, case, environment, settings)
            if costs is not None and result.requests is not None:
                start, each = costs
                result = replace(result, bare_seconds=start + each * result.requests)
            print(progress_line(result, number, len(cases)), file=sys.stderr, flush=True)
            yield result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.leakbench",
        description="Run reqleak, and its peers, on small apps whose truth is known.",
    )
    parser.add_argument(
        "--corpus", type=Path, default=CORPUS, metavar="DIR", help="folder of case files (default: our own)"
    )
    parser.add_argument(
        "--tool",
        type=_tools,
        default=["reqleak"],
        metavar="NAMES",
        help=f"with commas between them: {', '.join(TOOLS)} (default: reqleak)",
    )
    parser.add_argument(
        "--iterations",
        type=_positive,
        metavar="N",
        help="at most this many for each case (default: 2000, or the length at which a leak was verified)",
    )
    parser.add_argument(
        "--select",
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="names to run, such as 'pat_*'; repeatable",
    )
    parser.add_argument("--twins", action="store_true", help="run the fixed twin of each library leak too")
    parser.add_argument(
        "--server", choices=("direct", "bundled"), default="direct", help="reqleak's (default: direct)"
    )
    parser.add_argument(
        "--concurrency", type=_positive, default=1, metavar="N", help="reqleak's (default: 1)"
    )
    parser.add_argument("--timeout", type=float, default=300.0, metavar="SECONDS", help="for one case")
    parser.add_argument(
        "--extra", action="append", default=[], metavar="ARG", help="argument for reqleak check; repeatable"
    )
    parser.add_argument(
        "--here",
        action="store_true",
        help="run all in this Python, without environments: for cases whose needs are installed",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(_DEFAULT_CACHE),
        metavar="DIR",
        help=f"where environments are kept (default: {_DEFAULT_CACHE})",
    )
    parser.add_argument(
        "--python-dir",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder of Pythons, one folder per version; pyenv's and the path are searched anyway",
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep each run's JSON and output here")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables for the docs")
    parser.add_argument(
        "--beside",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="JSON of an earlier run, whose other tools are shown beside this run's; repeatable",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _tools(text: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in TOOLS]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"{text!r}: the tools are {', '.join(TOOLS)}")
    return names


if __name__ == "__main__":
    raise SystemExit(main())
