"""Run reqleak on one case, in the case's own environment, and read what it said."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.leakbench.case import Case
from benchmarks.leakbench.environments import Environment
from benchmarks.leakbench.judge import Mark, mark, names_holder, names_site

MODULE = "case_app"
PROJECT = Path(__file__).resolve().parent.parent.parent
_COMMAND = "import sys; from pytest_reqleak.cli import main; sys.exit(main())"
_VERDICTS = {0: "clean", 1: "leak", 3: "inconclusive"}

# Beyond its own --timeout a run may still have to gather evidence and write its files.
_GRACE_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How every case is run."""

    iterations: int | None = None
    """None: the default, or the length at which a leak was verified."""
    server: str = "direct"
    timeout: float = 300.0
    """Seconds for one case."""
    extra: tuple[str, ...] = ()
    """More arguments of `reqleak check`."""
    keep: Path | None = None
    """Where each run's JSON and output stay; None: nowhere."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What reqleak said about one case, and whether it was right."""

    case: Case
    verdict: str
    mark: Mark
    site: bool | None = None
    """Whether the right site was among the first; None: there is none to name."""
    holder: bool | None = None
    requests: int | None = None
    """All that were sent, warm-up and confirmation included."""
    bytes_per_iteration: float | None = None
    seconds: float = 0.0
    """Of the whole command: interpreter, imports, run, evidence and report."""
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "name": self.case.name,
            "kind": self.case.kind,
            "expected": self.case.expected,
            "verdict": self.verdict,
            "mark": self.mark.value,
            "site": self.site,
            "holder": self.holder,
            "requests": self.requests,
            "bytes_per_iteration": self.bytes_per_iteration,
            "true_bytes_per_iteration": self.case.bytes_per_request,
            "seconds": round(self.seconds, 2),
            "note": self.note,
        }


def run_case(case: Case, environment: Environment, settings: Settings) -> Result:
    """Run `reqleak check` on a case; whatever goes wrong is a result too."""
    with tempfile.TemporaryDirectory(prefix="leakbench-") as scratch:
        folder = settings.keep or Path(scratch)
        answer = folder / f"{case.name}.json"
        answer.unlink(missing_ok=True)
        requests = Path(scratch) / "requests.json"
        requests.write_text(json.dumps(case.workload()), "utf-8")
        # One name for all: a Django app names the module of its own routes.
        shutil.copyfile(case.file, Path(scratch) / f"{MODULE}.py")
        command = [str(environment.python), "-c", _COMMAND, "check", f"{MODULE}:app"]
        command += ["--requests", str(requests), "--json", str(answer)]
        command += ["--server", settings.server, "--interface", case.interface]
        command += ["--iterations", str(case.iterations(settings.iterations))]
        command += ["--timeout", str(settings.timeout), *settings.extra]
        env = {**os.environ, **case.env, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
        start = time.perf_counter()
        try:
            done = subprocess.run(
                command,
                cwd=scratch,
                env=env,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=settings.timeout + _GRACE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return failed(case, f"did not end within {settings.timeout + _GRACE_SECONDS:g} s")
        seconds = time.perf_counter() - start
        if settings.keep is not None:
            output = f"{done.stdout}\n--- stderr ---\n{done.stderr}"
            (folder / f"{case.name}.txt").write_text(output, "utf-8")
        if done.returncode not in _VERDICTS:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            # A crash ends with its exception, our own error begins with its line.
            line = said[-1] if any(entry.startswith("Traceback") for entry in said) else (said or [""])[0]
            return failed(case, f"exit code {done.returncode}: {line}", seconds)
        try:
            run = json.loads(answer.read_text("utf-8"))
        except (OSError, ValueError) as error:
            return failed(case, f"its JSON cannot be read: {error}", seconds)
    return _judge(case, run, _VERDICTS[done.returncode], seconds, environment.note)


def failed(case: Case, note: str, seconds: float = 0.0) -> Result:
    """The result of a case that could not be run."""
    return Result(case=case, verdict="error", mark=Mark.ERROR, seconds=seconds, note=note)


def _judge(case: Case, run: dict[str, Any], verdict: str, seconds: float, note: str) -> Result:
    # A file may hold one run or several; a check makes one.
    run = run["runs"][0] if "runs" in run else run
    sent = run.get("total_iterations", run["iterations"] + run["warmup_iterations"])
    if run["verdict"] != verdict:
        return failed(case, f"exit code says {verdict}, JSON says {run['verdict']}", seconds)
    leaks = verdict == "leak"
    reason = "" if leaks or verdict == case.expected else str(run.get("reason", ""))
    return Result(
        case=case,
        verdict=verdict,
        mark=mark(case, verdict, sent),
        site=names_site(case, run) if leaks else None,
        holder=names_holder(case, run) if leaks else None,
        requests=sent,
        bytes_per_iteration=run.get("bytes_per_iteration"),
        seconds=seconds,
        note="; ".join(part for part in (note, reason) if part),
    )
