"""Run a tool on one case, in the case's own environment, and read what it said."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.leakbench.case import Case
from benchmarks.leakbench.environments import Environment
from benchmarks.leakbench.judge import mark, names_holder, names_site
from benchmarks.leakbench.peers import PEERS, Answer, Peer
from benchmarks.leakbench.process import MODULE, Ended, lay_out, run_in
from benchmarks.leakbench.result import Result, Settings, failed

TOOLS = ("reqleak", *PEERS)
BARE_REQUESTS = 1000

_COMMAND = "import sys; from pytest_reqleak.cli import main; sys.exit(main())"
_VERDICTS = {0: "clean", 1: "leak", 3: "inconclusive"}

# Beyond its own --timeout a run may still have to gather evidence and write its files.
_GRACE_SECONDS = 120


def run_tool(tool: str, case: Case, environment: Environment, settings: Settings) -> Result:
    """Run one of `TOOLS` on a case; whatever goes wrong is a result too."""
    with tempfile.TemporaryDirectory(prefix="leakbench-") as scratch:
        folder = Path(scratch)
        requests = lay_out(case, folder)
        try:
            if tool == "reqleak":
                return _run_reqleak(case, environment, settings, folder, requests)
            return _run_peer(PEERS[tool], case, environment, settings, folder, requests)
        except (ValueError, KeyError, IndexError, OSError) as error:
            return failed(case, f"its answer cannot be read: {error!r}", tool=tool)


def bare_costs(case: Case, environment: Environment, seconds: float) -> tuple[float, float] | None:
    """Seconds of a command that sends nothing, and of each request after warm-up; None: it failed."""
    with tempfile.TemporaryDirectory(prefix="leakbench-") as scratch:
        folder = Path(scratch)
        requests = lay_out(case, folder)
        command = [str(environment.python), "-m", "benchmarks.leakbench.inside.recipes", "bare"]
        count = case.iterations(BARE_REQUESTS)
        ended = run_in(folder, [*command, str(requests), case.interface, str(count)], case, seconds=seconds)
    if ended.exit_code != 0:
        return None
    said = json.loads(ended.stdout.strip().splitlines()[-1])
    return max(ended.seconds - said["loop_seconds"], 0.0), said["loop_seconds"] / said["sent"]


def _run_reqleak(
    case: Case, environment: Environment, settings: Settings, folder: Path, requests: Path
) -> Result:
    answer = (settings.keep or folder) / f"{case.name}.json"
    answer.unlink(missing_ok=True)
    command = [str(environment.python), "-c", _COMMAND, "check", f"{MODULE}:app"]
    command += ["--requests", str(requests), "--json", str(answer)]
    command += ["--server", settings.server, "--interface", case.interface]
    command += ["--iterations", str(case.iterations(settings.iterations))]
    command += ["--concurrency", str(settings.concurrency)]
    command += ["--timeout", str(settings.timeout), *settings.extra]
    ended = run_in(folder, command, case, seconds=settings.timeout + _GRACE_SECONDS)
    _keep_output(settings, f"{case.name}.txt", ended)
    if ended.exit_code is None:
        return failed(case, f"did not end within {ended.seconds:.0f} s", ended.seconds)
    if ended.exit_code not in _VERDICTS:
        return failed(case, f"exit code {ended.exit_code}: {ended.last_words}", ended.seconds)
    try:
        run = json.loads(answer.read_text("utf-8"))
    except (OSError, ValueError) as error:
        return failed(case, f"its JSON cannot be read: {error}; {ended.last_words}", ended.seconds)
    return _judge(case, run, _VERDICTS[ended.exit_code], ended.seconds, environment.note)


def _run_peer(
    peer: Peer, case: Case, environment: Environment, settings: Settings, folder: Path, requests: Path
) -> Result:
    count = case.iterations(settings.iterations)
    command = peer.command(str(environment.python), str(requests), case.interface, count)
    sent_file = folder / "sent.txt"
    more = {
        **peer.env,
        "LEAKBENCH_REQUESTS": str(requests),
        "LEAKBENCH_INTERFACE": case.interface,
        "LEAKBENCH_COUNT": str(count),
        "LEAKBENCH_SENT": str(sent_file),
    }
    ended = run_in(folder, command, case, seconds=settings.timeout + _GRACE_SECONDS, more=more)
    _keep_output(settings, f"{case.name}.{peer.name}.txt", ended)
    if ended.exit_code is None:
        return failed(case, f"did not end within {ended.seconds:.0f} s", ended.seconds, peer.name)
    answer: Answer = peer.read(ended, folder)
    sent = int(sent_file.read_text("utf-8")) if sent_file.exists() else None
    found = {"sites": answer.sites, "holders": []}
    leaks = answer.verdict == "leak"
    return Result(
        case=case,
        tool=peer.name,
        verdict=answer.verdict,
        mark=mark(case, answer.verdict, sent),
        site=names_site(case, found) if leaks else None,
        holder=names_holder(case, found) if leaks else None,
        requests=sent,
        bytes_per_iteration=answer.bytes_per_request,
        seconds=ended.seconds,
        note=answer.note if answer.verdict in ("error", "leak") and answer.verdict != case.expected else "",
    )


def _keep_output(settings: Settings, name: str, ended: Ended) -> None:
    if settings.keep is not None:
        output = f"{ended.stdout}\n--- stderr ---\n{ended.stderr}"
        (settings.keep / name).write_text(output, "utf-8")


def _judge(case: Case, run: dict[str, Any], verdict: str, seconds: float, note: str) -> Result:
    # A file may hold one run or several; a check makes one.
    run = run["runs"][0] if "runs" in run else run
    sent = run.get("total_iterations", run["iterations"] + run["warmup_iterations"])
    if run["verdict"] != verdict:
        return failed(case, f"exit code says {verdict}, JSON says {run['verdict']}", seconds)
    leaks = verdict == "leak"
    reason = "" if verdict == case.expected else str(run.get("reason", ""))
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
