"""Verify the labels of a corpus by long bare runs: `python -m benchmarks.leakbench.verify --corpus DIR`.

No part of the engine takes part. With PYTHONMALLOC=malloc every byte of Python
and of C is in the heap's count, so the last quarter of a long run says what a
request leaves behind: that is the figure the labels were made from.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.leakbench.case import CORPUS, Case, read_cases
from benchmarks.leakbench.environments import Environments, NoEnvironment, default_python_folders
from benchmarks.leakbench.process import lay_out, run_in

_SECONDS = 900


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.leakbench.verify", description=__doc__)
    parser.add_argument("--corpus", type=Path, default=CORPUS, metavar="DIR")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/reqleak-leakbench"), metavar="DIR")
    parser.add_argument("--select", action="append", default=[], metavar="PATTERN")
    parser.add_argument("--requests", type=int, default=8000, metavar="N", help="for a case without verify_n")
    chosen = parser.parse_args()
    environments = Environments(chosen.cache.expanduser().resolve(), python_folders=default_python_folders())
    for case in read_cases(chosen.corpus.resolve(), tuple(chosen.select), twins=True):
        try:
            python = environments.get(case).python
            count = _length(case, chosen.requests)
            plain = quarters(case, python, count)
            exact = quarters(case, python, count, malloc=True)
        except (NoEnvironment, RuntimeError) as error:
            print(f"{case.name}: {error}", flush=True)
            continue
        heap = " ".join(f"{quarter['heap_bytes']:10.1f}" for quarter in exact)
        blocks = " ".join(f"{quarter['blocks']:8.3f}" for quarter in plain)
        others = {
            meter: plain[-1][meter]
            for meter in ("rss_bytes", "descriptors", "threads", "tasks")
            if plain[-1][meter]
        }
        print(
            f"{case.name:32} {case.expected:5} heap B/request {heap}  blocks {blocks}  {others}", flush=True
        )
    return 0


def _length(case: Case, usual: int) -> int:
    """Long enough for the slow and the late, and short enough for what a process can hold."""
    if case.verify_n:
        return case.verify_n * (4 if case.verify_n < 2000 else 2)
    return max(usual, 3 * (case.plateau_at or 0))


def quarters(case: Case, python: Path, count: int, *, malloc: bool = False) -> list[dict[str, Any]]:
    """What each quarter of a bare run left behind per request."""
    with tempfile.TemporaryDirectory(prefix="leakbench-") as scratch:
        requests = lay_out(case, Path(scratch))
        command = [str(python), "-m", "benchmarks.leakbench.inside.growth", str(requests), case.interface]
        command += [str(count), *(["--no-gc"] if case.no_gc else [])]
        more = {"PYTHONMALLOC": "malloc"} if malloc else {}
        ended = run_in(Path(scratch), command, case, seconds=_SECONDS, more=more)
    if ended.exit_code != 0:
        raise RuntimeError(f"exit code {ended.exit_code}: {ended.last_words}")
    found: list[dict[str, Any]] = json.loads(ended.stdout.strip().splitlines()[-1])
    return found


if __name__ == "__main__":
    sys.exit(main())
