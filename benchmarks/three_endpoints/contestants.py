"""Who takes part: how each is called on one endpoint, and how its answer is read."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent.parent
ENDPOINTS = {"leak": "/leak", "cache": "/cache/{i}", "clean": "/clean"}
BARE, LOAD = "bare", "load"
"""What everybody is compared with: a loop that only sends requests, and an import of the app alone."""
TRUTH = {"leak": "leak", "cache": "clean", "clean": "clean"}

_HERE = Path(__file__).resolve().parent
_SHOP = "benchmarks.three_endpoints.shop:app"
_REQLEAK = "import sys; from pytest_reqleak.cli import main; sys.exit(main())"
_SECONDS = 300


@dataclass(frozen=True)
class Trial:
    """What one contestant said about one endpoint, once."""

    verdict: str
    requests: int
    seconds: float
    """Of the whole command."""
    place: str = ""
    """The line that it named; empty: none."""
    loop_seconds: float = 0.0
    """Of the requests alone; only the bare loop says it."""
    cpu_seconds: float = 0.0
    """Of the command and of all processes that it started."""


@dataclass(frozen=True)
class Contestant:
    """One way to check an endpoint."""

    name: str
    command: Callable[[str, str, Path], list[str]]
    """From the Python, the endpoint and a folder for files."""
    read: Callable[[subprocess.CompletedProcess[str], Path], tuple[str, int, str, float]]
    env: tuple[tuple[str, str], ...] = ()

    def run(self, python: str, endpoint: str) -> Trial:
        """Run it once; an answer that cannot be read is the verdict `error`."""
        with tempfile.TemporaryDirectory(prefix="three-endpoints-") as scratch:
            folder = Path(scratch)
            env = {**os.environ, "PYTHONPATH": str(PROJECT)}
            env |= {**dict(self.env), "ENDPOINT": endpoint, "LEAKBENCH_SENT": str(folder / "sent.txt")}
            start, computed = time.perf_counter(), _children_seconds()
            done = subprocess.run(
                self.command(python, endpoint, folder),
                cwd=folder,
                env=env,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
            seconds, computed = time.perf_counter() - start, _children_seconds() - computed
            try:
                verdict, requests, place, loop_seconds = self.read(done, folder)
            except (ValueError, KeyError, IndexError, OSError) as error:
                last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
                return Trial("error", 0, seconds, f"{error!r} {last}")
        return Trial(verdict, requests, seconds, place, loop_seconds, computed)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def contestants(few: int) -> list[Contestant]:
    """Everybody, after the bare loop and the import of the app; `few`: iterations of reqleak in a hurry."""
    hurry = ["--iterations", str(few)]
    return [
        Contestant(BARE, _inside("bare"), _read_inside),
        Contestant(LOAD, _load, _read_nothing),
        Contestant(f"reqleak, {few} iterations", _reqleak([*hurry, "--server", "direct"]), _read_reqleak),
        Contestant("reqleak, default", _reqleak(["--server", "direct"]), _read_reqleak),
        Contestant("reqleak, bundled server", _reqleak(["--server", "bundled"]), _read_reqleak),
        *(
            Contestant(f"pytest-memray, {limit}", _memray, _read_memray, (("LIMIT", limit),))
            for limit in ("100 KB", "200 KB")
        ),
        Contestant(
            "psleak", _inside("psleak"), _read_psleak, (("PYTHONMALLOC", "malloc"), ("PYTHONUNBUFFERED", "1"))
        ),
        Contestant("TestClient and tracemalloc", _inside("tracemalloc"), _read_inside),
        Contestant("Granian and RSS", _inside("granian"), _read_inside),
    ]


def _inside(name: str) -> Callable[[str, str, Path], list[str]]:
    return lambda python, endpoint, folder: [
        python,
        "-m",
        "benchmarks.three_endpoints.inside",
        name,
        endpoint,
    ]


def _load(python: str, endpoint: str, folder: Path) -> list[str]:
    return [python, "-c", f"import {_SHOP.partition(':')[0]}"]


def _read_nothing(done: subprocess.CompletedProcess[str], folder: Path) -> tuple[str, int, str, float]:
    if done.returncode:
        raise ValueError(done.stderr.strip()[-200:])
    return "none", 0, "", 0.0


def _reqleak(options: list[str]) -> Callable[[str, str, Path], list[str]]:
    def command(python: str, endpoint: str, folder: Path) -> list[str]:
        target = [_SHOP, f"GET {ENDPOINTS[endpoint]}"]
        return [python, "-c", _REQLEAK, "check", *target, *options, "--json", str(folder / "run.json")]

    return command


def _memray(python: str, endpoint: str, folder: Path) -> list[str]:
    return [
        *(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", "."),
        *("--stacks=40", "--color=no", str(_HERE / "memray_case.py")),
    ]


def _sent(folder: Path) -> int:
    return int((folder / "sent.txt").read_text("utf-8"))


def _read_inside(done: subprocess.CompletedProcess[str], folder: Path) -> tuple[str, int, str, float]:
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return said["verdict"], said["requests"], said.get("place", ""), said.get("loop_seconds", 0.0)


def _read_reqleak(done: subprocess.CompletedProcess[str], folder: Path) -> tuple[str, int, str, float]:
    run: dict[str, Any] = json.loads((folder / "run.json").read_text("utf-8"))
    frames = [frame for site in run["sites"][:1] for frame in site["frames"][:1]]
    place = f"{os.path.basename(frames[0]['file'])}:{frames[0]['line']}" if frames else ""
    return run["verdict"], run["total_iterations"], place, 0.0


def _read_memray(done: subprocess.CompletedProcess[str], folder: Path) -> tuple[str, int, str, float]:
    if " passed" in done.stdout:
        return "clean", _sent(folder), "", 0.0
    if "Test was allowed to leak" not in done.stdout:
        raise ValueError(done.stdout.strip()[-200:])
    line = re.search(r"shop\.py:\d+", done.stdout)
    return "leak", _sent(folder), line[0] if line else "", 0.0


def _read_psleak(done: subprocess.CompletedProcess[str], folder: Path) -> tuple[str, int, str, float]:
    if done.returncode == 0:
        return "clean", _sent(folder), "", 0.0
    if "MemoryLeakError" not in done.stderr:
        raise ValueError(done.stderr.strip()[-200:])
    return "leak", _sent(folder), "", 0.0
