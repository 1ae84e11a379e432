"""Run one command beside a case's app, in the case's environment, and never longer than allowed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.leakbench.case import Case

MODULE = "case_app"
"""One name for all: a Django app names the module of its own routes."""
PROJECT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    exit_code: int | None
    """None: it was stopped because it took too long."""
    stdout: str
    stderr: str
    seconds: float

    @property
    def last_words(self) -> str:
        """The line that says what went wrong."""
        said = (self.stderr.strip() or self.stdout.strip()).splitlines()
        # A crash ends with its exception, an error of a command line begins with its line.
        return said[-1] if any(line.startswith("Traceback") for line in said) else (said or [""])[0]


def lay_out(case: Case, folder: Path) -> Path:
    """Put the app and its requests into a folder; the path of the requests comes back."""
    requests = folder / "requests.json"
    requests.write_text(json.dumps(case.workload()), "utf-8")
    shutil.copyfile(case.file, folder / f"{MODULE}.py")
    return requests


def run_in(
    folder: Path, command: Sequence[str], case: Case, *, seconds: float, more: Mapping[str, str] | None = None
) -> Ended:
    """Run a command in a folder that `lay_out` has prepared; at the limit it is stopped with its children."""
    # Colours and widths of the caller's terminal would change what is parsed.
    env = {name: value for name, value in os.environ.items() if name not in ("PYTEST_ADDOPTS", "FORCE_COLOR")}
    env |= {**case.env, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1", **(more or {})}
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
        return Ended(None, stdout, stderr, time.perf_counter() - start)
    return Ended(process.returncode, stdout, stderr, time.perf_counter() - start)
