"""How often evidence is right: site, holder, surviving type, Python caller, share explained.

    python -m benchmarks.evidence [--corpus DIR] [--iterations 500] [--types FILE] [--kept DIR]

Every leak of a leakbench corpus is run, and what the run names is held against what is true of
the case: among the first three sites, holders and types. The surviving type of a case is the
key `type` of its `CASE`, an entry of a JSON file (`--types`: `{"case": ["type", …]}`), or that
of our own table; a case without any is not scored. With `--kept` nothing is run: the files that
an earlier `--keep` has left are read.

Prints a line for each case, the shares with what is wanted, and what failed by name; ends with
1 where a share is below what is wanted.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.evidence_truth import SURVIVING
from benchmarks.leakbench.case import CORPUS, BadCase, Case, read_cases
from benchmarks.leakbench.environments import Environments, NoEnvironment, default_python_folders
from benchmarks.leakbench.judge import names_holder, names_site
from benchmarks.leakbench.result import Settings
from benchmarks.leakbench.runner import run_tool

FIRST_TYPES = 3
EXPLAINED = 0.9
WANTED = {"site": 0.95, "holder": 0.85, "type": 0.90, "native caller": 0.70, "explained": 0.90}
"""Share of the leaks in which each must be right."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """What one run names rightly; None: the case has no such truth."""

    name: str
    marks: Mapping[str, bool | None]
    said: str = ""
    """The first types that were named."""


def is_native(case: Case) -> bool:
    """Whether C code allocates what stays, or forgets it."""
    return "native" in case.kind


def names_type(wanted: Sequence[str], run: Mapping[str, Any]) -> bool | None:
    """Whether one of the first types is one of the expected, by the last part of its name; None: none is."""
    if not wanted:
        return None
    last = {name.rpartition(".")[2] for name in wanted}
    return any(kind["type"].rpartition(".")[2] in last for kind in run.get("types", [])[:FIRST_TYPES])


def score(case: Case, types: Sequence[str], run: Mapping[str, Any]) -> Score:
    """Hold the JSON of one run against the truth; what is no leak names nothing."""
    run = run["runs"][0] if "runs" in run else run
    found = dict(run) if run.get("verdict") == "leak" else {}
    site = names_site(case, found)
    explained = found.get("explained")
    return Score(
        name=case.name,
        marks={
            "site": site,
            "holder": names_holder(case, found),
            "type": names_type(types, found),
            "native caller": site if is_native(case) else None,
            "explained": None if is_native(case) or not case.site else (explained or 0.0) >= EXPLAINED,
        },
        said=", ".join(kind["type"].rpartition(".")[2] for kind in found.get("types", [])[:FIRST_TYPES]),
    )


def shares(scores: Sequence[Score]) -> dict[str, tuple[int, int]]:
    """How many are right, and of how many, by figure."""
    return {
        figure: (
            sum(one.marks[figure] is True for one in scores),
            sum(one.marks[figure] is not None for one in scores),
        )
        for figure in WANTED
    }


def _runs(cases: Sequence[Case], asked: argparse.Namespace) -> Iterator[tuple[Case, Mapping[str, Any]]]:
    """Each case with its JSON; an empty one where there is none."""
    if asked.kept is not None:
        for case in cases:
            file = asked.kept / f"{case.name}.json"
            yield case, json.loads(file.read_text("utf-8")) if file.exists() else {}
        return
    environments = Environments(asked.cache.expanduser().resolve(), python_folders=default_python_folders())
    with tempfile.TemporaryDirectory(prefix="evidence-") as scratch:
        keep = (asked.keep or Path(scratch)).resolve()
        keep.mkdir(parents=True, exist_ok=True)
        settings = Settings(iterations=asked.iterations, keep=keep)
        for number, case in enumerate(cases, 1):
            file = keep / f"{case.name}.json"
            try:
                result = run_tool("reqleak", case, environments.get(case), settings)
                print(f"[{number}/{len(cases)}] {case.name}: {result.verdict}", file=sys.stderr, flush=True)
            except NoEnvironment as error:
                print(f"[{number}/{len(cases)}] {case.name}: {error}", file=sys.stderr, flush=True)
            yield case, json.loads(file.read_text("utf-8")) if file.exists() else {}


def _print(scores: Sequence[Score]) -> bool:
    """The table and the totals; whether every share is what is wanted."""
    width = max(len(one.name) for one in scores)
    words = {True: "yes", False: "NO", None: "-"}
    print(f"{'case':{width}}  {'  '.join(WANTED)}  first types")
    for one in scores:
        cells = "  ".join(f"{words[one.marks[figure]]:{len(figure)}}" for figure in WANTED)
        print(f"{one.name:{width}}  {cells}  {one.said}")
    print()
    good = True
    for figure, (right, scored) in shares(scores).items():
        if not scored:
            continue
        good = good and right / scored >= WANTED[figure]
        wrong = ", ".join(one.name for one in scores if one.marks[figure] is False)
        print(f"{figure:13} {right} of {scored} ({right / scored:.0%}, wanted {WANTED[figure]:.0%})  {wrong}")
    return good


def main(arguments: Sequence[str] | None = None) -> int:
    """Run or read, print, and tell whether it is good enough."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.evidence",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--corpus", type=Path, default=CORPUS, metavar="DIR")
    parser.add_argument("--select", action="append", default=[], metavar="PATTERN", help="repeatable")
    parser.add_argument("--iterations", type=int, default=500, metavar="N")
    parser.add_argument("--types", type=Path, metavar="FILE", help="JSON of the types that survive")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/reqleak-leakbench"), metavar="DIR")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep each run's JSON here")
    parser.add_argument("--kept", type=Path, metavar="DIR", help="read the JSON here, and run nothing")
    asked = parser.parse_args(arguments)
    try:
        cases = read_cases(asked.corpus.resolve(), tuple(asked.select))
        told = {} if asked.types is None else json.loads(asked.types.read_text("utf-8"))
    except (BadCase, OSError, ValueError, SyntaxError) as error:
        parser.error(str(error))
    leaks = [case for case in cases if case.expected == "leak"]
    if not leaks:
        parser.error(f"{asked.corpus} holds no leak that was asked for")
    scores = []
    for case, run in _runs(leaks, asked):
        types = told.get(case.name) or case.types or SURVIVING.get(case.name, ())
        scores.append(score(case, types, run))
    return 0 if _print(scores) else 1


if __name__ == "__main__":
    raise SystemExit(main())
