"""Whether the verdict, the first site and the bytes depend on the server: the shop, leaky and clean, on each.

    python -m benchmarks.servers_agree --runs 20 --leaky-runs 3

Each run is a `reqleak check` in a process of its own. Exit code 1 where a verdict is
wrong, the first site is not the same on all servers, or the bytes of a server lie
further than `--within` from those of the first.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
SERVERS = ("bundled", "direct", "granian", "uvicorn")
_VERDICTS = {0: "clean", 1: "leak", 3: "inconclusive"}


@dataclass(slots=True)
class Tally:
    """What the runs on one server said."""

    verdicts: Counter[str] = field(default_factory=Counter)
    sites: Counter[str] = field(default_factory=Counter)
    sizes: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def add(self, run: dict[str, Any], seconds: float) -> None:
        """Take one run's JSON."""
        self.verdicts[run["verdict"]] += 1
        self.seconds.append(seconds)
        self.sizes.append(run["bytes_per_iteration"])
        if run["verdict"] != "leak":
            return
        frames = run["sites"][0]["frames"] if run["sites"] else []
        first: dict[str, Any] = frames[0] if frames else {"file": "none", "line": 0, "function": ""}
        self.sites[f"{Path(first['file']).name}:{first['line']} in {first['function']}"] += 1

    @property
    def site(self) -> str:
        """The commonest first site."""
        return self.sites.most_common(1)[0][0] if self.sites else ""


def check(server: str, leaks: str, iterations: int) -> tuple[dict[str, Any] | str, float]:
    """Run the command once; a text where it failed."""
    with tempfile.TemporaryDirectory(prefix="servers-agree-") as folder:
        answer = Path(folder) / "run.json"
        command = [sys.executable, "-m", "pytest_reqleak", "check", "examples.shop.main:app"]
        command += ["GET /orders/{i}", "--server", server, "-n", str(iterations), "--json", str(answer)]
        start = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env={**os.environ, "SHOP_LEAKS": leaks},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        seconds = time.perf_counter() - start
        if done.returncode not in _VERDICTS or not answer.exists():
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            return (said or [f"exit code {done.returncode}"])[-1], seconds
        run: dict[str, Any] = json.loads(answer.read_text("utf-8"))
        return run, seconds


def tally(servers: Sequence[str], leaks: str, runs: int, iterations: int) -> dict[str, Tally]:
    """Run on each server in turn, so that a busy minute of the machine hits all alike."""
    found = {server: Tally() for server in servers}
    for number in range(runs):
        for server in servers:
            run, seconds = check(server, leaks, iterations)
            said = run if isinstance(run, str) else run["verdict"]
            print(f"run {number + 1} on {server}: {said}, {seconds:.1f} s", file=sys.stderr, flush=True)
            if isinstance(run, str):
                found[server].errors.append(run)
            else:
                found[server].add(run, seconds)
    return found


def report(title: str, found: dict[str, Tally]) -> None:
    """Print one line per server."""
    print(f"\n{title}")
    for server, said in found.items():
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in said.verdicts.most_common())
        line = f"  {server:10} {verdicts or 'nothing'}"
        if said.sites:
            spread = f"{min(said.sizes):.0f} to {max(said.sizes):.0f}"
            line += f"; median {median(said.sizes):.0f} B/request ({spread}); first site {said.site}"
        if said.seconds:
            line += f"; median {median(said.seconds):.1f} s"
        print(line)
        for error in said.errors:
            print(f"    not measured: {error}")


def faults(leaky: dict[str, Tally], clean: dict[str, Tally], within: float) -> list[str]:
    """What is not as it should be."""
    wrong = []
    for expected, found in (("leak", leaky), ("clean", clean)):
        for server, said in found.items():
            others = sum(said.verdicts.values()) - said.verdicts[expected] + len(said.errors)
            if others:
                wrong.append(f"{server}: {others} runs were not {expected}")
    sites = {site for said in leaky.values() for site in said.sites}
    if len(sites) > 1:
        wrong.append(f"the first sites differ: {', '.join(sorted(sites))}")
    sizes = {server: median(said.sizes) for server, said in leaky.items() if said.sizes}
    reference = next(iter(sizes.values()), 0.0)
    wrong += [
        f"{server}: {size:.0f} B/request, {size / reference - 1:+.1%} of the first server's"
        for server, size in sizes.items()
        if abs(size - reference) > within * reference
    ]
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.servers_agree", description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="Of the clean shop, on each server.")
    parser.add_argument("--leaky-runs", type=int, default=3, help="Of the leaky shop, on each server.")
    parser.add_argument("--server", action="append", choices=SERVERS, help="Default: all of them.")
    parser.add_argument("--leaks", default="all", help="Which of the shop's leaks are on in the leaky runs.")
    parser.add_argument("-n", "--iterations", type=int, default=2000)
    parser.add_argument("--within", type=float, default=0.05, help="Share by which the bytes may differ.")
    asked = parser.parse_args(arguments)
    servers = asked.server or SERVERS
    leaky = tally(servers, asked.leaks, asked.leaky_runs, asked.iterations)
    report(f"leaky shop ({asked.leaks}), {asked.leaky_runs} runs of {asked.iterations} requests", leaky)
    clean = tally(servers, "", asked.runs, asked.iterations)
    report(f"clean shop, {asked.runs} runs of {asked.iterations} requests", clean)
    wrong = faults(leaky, clean, asked.within)
    for line in wrong:
        print(line)
    print("\nall agree" if not wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
