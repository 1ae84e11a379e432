"""Run leakbench: `python -m benchmarks.leakbench --corpus DIR`.

Exit code 0: no miss, no false alarm, no error. 1: some. 2: wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from benchmarks.leakbench.case import BadCase, Case, read_cases
from benchmarks.leakbench.environments import (
    Environment,
    Environments,
    NoEnvironment,
    default_python_folders,
)
from benchmarks.leakbench.judge import Mark
from benchmarks.leakbench.runner import Result, Settings, failed, run_case
from benchmarks.leakbench.table import progress_line, results_table, totals

_BAD = {Mark.MISS, Mark.FALSE_ALARM, Mark.ERROR}
_DEFAULT_CACHE = "~/.cache/reqleak-leakbench"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases that the arguments choose, and print the table."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        cases = read_cases(chosen.corpus.resolve(), tuple(chosen.only), twins=chosen.twins)
    except (BadCase, OSError, SyntaxError) as error:
        parser.error(str(error))
    if chosen.keep is not None:
        chosen.keep.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        iterations=chosen.iterations,
        server=chosen.server,
        timeout=chosen.timeout,
        extra=tuple(chosen.extra),
        keep=chosen.keep and chosen.keep.resolve(),
    )
    folders = (*chosen.python_dir, *default_python_folders())
    environments = Environments(chosen.cache.expanduser().resolve(), python_folders=folders)
    results = _run_all(cases, environments, settings, chosen.jobs)
    print(results_table(results))
    print()
    print(totals(results))
    if chosen.json is not None:
        chosen.json.write_text(json.dumps([result.as_json() for result in results], indent=1), "utf-8")
    return 1 if any(result.mark in _BAD for result in results) else 0


def _run_all(
    cases: Sequence[Case], environments: Environments, settings: Settings, jobs: int
) -> list[Result]:
    ready: dict[str, Environment] = {}
    results: dict[str, Result] = {}
    # One at a time: cases share environments, and pip uses every core by itself.
    for case in cases:
        try:
            ready[case.name] = environments.get(case)
        except NoEnvironment as error:
            results[case.name] = failed(case, str(error))
    with ThreadPoolExecutor(jobs) as pool:
        running = [
            pool.submit(run_case, case, ready[case.name], settings) for case in cases if case.name in ready
        ]
        for future in as_completed(running):
            result = future.result()
            results[result.case.name] = result
            print(progress_line(result, len(results), len(cases)), file=sys.stderr, flush=True)
    return [results[case.name] for case in cases]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.leakbench", description="Run reqleak on small apps whose truth is known."
    )
    parser.add_argument("--corpus", type=Path, required=True, metavar="DIR", help="folder of case files")
    parser.add_argument(
        "--iterations",
        type=_positive,
        metavar="N",
        help="at most this many for each case (default: 2000, or the length at which a leak was verified)",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="names to run, such as 'pat_*'; repeatable",
    )
    parser.add_argument("--twins", action="store_true", help="run the fixed twin of each library leak too")
    parser.add_argument("--jobs", type=_positive, default=1, metavar="N", help="cases at a time (default: 1)")
    parser.add_argument("--server", default="direct", help="of reqleak check (default: direct)")
    parser.add_argument("--timeout", type=float, default=300.0, metavar="SECONDS", help="for one case")
    parser.add_argument(
        "--extra", action="append", default=[], metavar="ARG", help="argument for reqleak check; repeatable"
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
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    raise SystemExit(main())
