"""Run the comparison: see the package.

Exit code 0: reqleak was right about all three in each of its settings, and in one
of them with fewer requests and in less time than every peer that was right about
all three. 1: it was not.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.leakbench.environments import Environments, Here, NoEnvironment, default_python_folders
from benchmarks.leakbench.peers import PEERS
from benchmarks.three_endpoints.contestants import (
    BARE,
    ENDPOINTS,
    LOAD,
    PROJECT,
    TRUTH,
    Trial,
    contestants,
)

OURS = "reqleak"


@dataclass(frozen=True)
class Shop:
    """The environment that all of them share."""

    python: str = "3.11"
    needs: tuple[str, ...] = (
        "fastapi==0.115.6",
        "pydantic==2.10.4",
        "httpx==0.28.1",
        "granian==2.8.7",
        *PEERS["memray"].requirements,
        *PEERS["psleak"].requirements,
    )


@dataclass(frozen=True)
class Line:
    """One contestant on one endpoint: medians over the rounds."""

    endpoint: str
    name: str
    verdicts: tuple[str, ...]
    requests: float
    seconds: float
    ratio: float
    """Against a command that only sends as many requests by httpx."""
    place: str
    cpu_seconds: float = 0.0
    """Of the command and its processes, less what the import of the app takes: that is the same for all."""

    @property
    def right(self) -> bool:
        """Right in every round."""
        return set(self.verdicts) == {TRUTH[self.endpoint]}


def main() -> int:
    """Run all, in turn, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.three_endpoints", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="times each (default: 3)")
    parser.add_argument("--few", type=int, default=200, metavar="N", help="iterations of reqleak in a hurry")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/reqleak-leakbench"), metavar="DIR")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--here", action="store_true", help="in this Python, without an environment")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only those whose name begins so (and the bare loop)"
    )
    chosen = parser.parse_args()
    environments: Here | Environments = Here()
    if not chosen.here:
        cache = chosen.cache.expanduser().resolve()
        environments = Environments(cache, python_folders=default_python_folders())
    try:
        python = str(environments.get(Shop()).python)
    except NoEnvironment as error:
        print(error, file=sys.stderr)
        return 2
    # What is installed is compiled, and so are the peers: nobody is timed at compiling.
    compiled = ("pytest_reqleak", "benchmarks/three_endpoints", "benchmarks/leakbench/inside")
    subprocess.run([python, "-m", "compileall", "-q", *compiled], cwd=PROJECT, check=True)
    trials: dict[tuple[str, str], list[Trial]] = {}
    everybody = [
        contestant
        for contestant in contestants(chosen.few)
        if contestant.name in (BARE, LOAD) or contestant.name.startswith(chosen.only)
    ]
    # In turn, so that a slow minute of the machine falls on all of them.
    for round_number in range(chosen.rounds):
        for endpoint in ENDPOINTS:
            for contestant in everybody:
                trial = contestant.run(python, endpoint)
                trials.setdefault((endpoint, contestant.name), []).append(trial)
                said = f"{trial.verdict} {trial.place}" if trial.verdict == "error" else trial.verdict
                print(f"[{round_number + 1}] {endpoint}: {contestant.name}: {said}", file=sys.stderr)
    lines = [
        _line(endpoint, name, done, trials)
        for (endpoint, name), done in trials.items()
        if name not in (BARE, LOAD)
    ]
    print(_table(lines))
    won, verdict = _verdict(lines)
    print(f"\n{_by_endpoint(lines)}\n\n{verdict}")
    if chosen.json is not None:
        chosen.json.write_text(json.dumps([asdict(line) for line in lines], indent=1), "utf-8")
    return 0 if won else 1


def _line(
    endpoint: str, name: str, done: Sequence[Trial], trials: Mapping[tuple[str, str], Sequence[Trial]]
) -> Line:
    bare = trials[endpoint, BARE]
    loading = median(trial.cpu_seconds for trial in trials.get((endpoint, LOAD), bare))
    start = median(trial.seconds - trial.loop_seconds for trial in bare)
    each = median(trial.loop_seconds / trial.requests for trial in bare)
    requests = median(trial.requests for trial in done)
    seconds = median(trial.seconds for trial in done)
    return Line(
        endpoint=endpoint,
        name=name,
        verdicts=tuple(trial.verdict for trial in done),
        requests=requests,
        seconds=seconds,
        ratio=seconds / (start + each * requests),
        place=done[-1].place,
        cpu_seconds=median(trial.cpu_seconds for trial in done) - loading,
    )


def _table(lines: Sequence[Line]) -> str:
    rows = [("endpoint", "tool", "verdict", "", "requests", "seconds", "of bare", "CPU", "line")]
    for line in lines:
        verdict = "/".join(dict.fromkeys(line.verdicts))
        right = "right" if line.right else "WRONG"
        figures = (
            f"{line.requests:,.0f}",
            f"{line.seconds:.2f}",
            f"{line.ratio:.1f}x",
            f"{line.cpu_seconds:.2f}",
        )
        rows.append((line.endpoint, line.name, verdict, right, *figures, line.place))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    numbers = {4, 5, 6, 7}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _by_endpoint(lines: Sequence[Line]) -> str:
    """How many times as long as ours, in its quickest setting, each peer took that was right there."""
    said = []
    for endpoint in dict.fromkeys(line.endpoint for line in lines):
        right = [line for line in lines if line.endpoint == endpoint and line.right]
        ours = [line for line in right if line.name.startswith(OURS)]
        if not ours:
            said.append(f"{endpoint}: reqleak was never right")
            continue
        quickest, leanest = min(line.seconds for line in ours), min(line.cpu_seconds for line in ours)
        peers = [
            f"{line.name} {line.seconds / quickest:.1f}x ({line.cpu_seconds / leanest:.1f}x)"
            for line in right
            if line not in ours
        ]
        said.append(
            f"{endpoint}: reqleak {quickest:.2f} s ({leanest:.2f} s of CPU once the app is loaded); "
            f"of those that were right: {', '.join(peers) or 'nobody'}"
        )
    return "\n".join(said)


def _verdict(lines: Sequence[Line]) -> tuple[bool, str]:
    """Whether ours was ahead of everybody who was right three times, on all three together."""
    totals: dict[str, tuple[float, float]] = {}
    for name in dict.fromkeys(line.name for line in lines):
        mine = [line for line in lines if line.name == name]
        if all(line.right for line in mine):
            totals[name] = (sum(line.requests for line in mine), sum(line.seconds for line in mine))
    said = [
        f"right about all three: {name}, with {requests:,.0f} requests in {seconds:.1f} s"
        for name, (requests, seconds) in totals.items()
    ]
    ours = {line.name for line in lines if line.name.startswith(OURS)}
    if wrong := sorted(ours - totals.keys()):
        return False, "\n".join([*said, f"wrong about one: {', '.join(wrong)}"])
    peers = [total for name, total in totals.items() if name not in ours]
    ahead = [name for name in sorted(ours) if all(_less(totals[name], theirs) for theirs in peers)]
    if not ahead:
        return False, "\n".join([*said, "reqleak is NOT ahead of every peer that was right"])
    word = "fewer requests and less time than every peer that was right"
    return True, "\n".join([*said, f"{word}: {', '.join(ahead)}"])


def _less(ours: tuple[float, float], theirs: tuple[float, float]) -> bool:
    return ours[0] < theirs[0] and ours[1] < theirs[1]


if __name__ == "__main__":
    raise SystemExit(main())
