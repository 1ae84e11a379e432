"""Run `reqleak check` on one subject, in its environment, and read the run that it wrote."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from benchmarks.granian_case.stories import Story, Subject
from pytest_reqleak.model.run import Run
from pytest_reqleak.report.json import read_runs

PROJECT = Path(__file__).resolve().parent.parent.parent
APPS = Path(__file__).resolve().parent / "apps"
_COMMAND = "import sys; from pytest_reqleak.cli import main; sys.exit(main())"
_VERDICTS = (0, 1, 3)

# Beyond its own --timeout a run may still have to gather evidence and write its files.
_GRACE_SECONDS = 120
_MOST_SAID = 800


class NotMeasured(Exception):
    """The command gave no result; its last words are the message."""


def measure(
    story: Story, subject: Subject, python: Path, folder: Path, *, iterations: int | None, timeout: float
) -> Run:
    """Measure one subject.

    Args:
        story: The app and the request.
        subject: The server.
        python: Of the subject's environment.
        folder: Takes the JSON and the output.
        iterations: None: as many as the story says; 0: run nothing, read what was kept.
        timeout: Seconds for the run.

    Raises:
        NotMeasured: The command failed.
    """
    stem = f"{story.name}-{subject.needs[0].replace('==', '-')}{subject.server_args.replace('--', '-')}"
    stem = stem.replace(" ", "-")
    requests, answer, report = (folder / f"{stem}.{kind}" for kind in ("requests.json", "json", "txt"))
    if iterations == 0:
        if not answer.exists():
            raise NotMeasured(f"{answer} does not exist: run it without --stored")
        return read_runs(answer)[0]
    requests.write_text(json.dumps([story.request]), "utf-8")
    answer.unlink(missing_ok=True)
    command = [str(python), "-c", _COMMAND, "check", f"{story.app}:app", "--requests", str(requests)]
    command += ["--server", subject.server, "-n", str(iterations or story.iterations)]
    command += ["--concurrency", str(story.concurrency), "--timeout", str(timeout), "--json", str(answer)]
    if subject.server_args:
        command += [f"--server-args={subject.server_args}"]
    # Not installed in the environment, so that it measures with the code as it is now.
    env = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=APPS,
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout + _GRACE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"did not end within {timeout + _GRACE_SECONDS:g} s") from None
    report.write_text(done.stdout + done.stderr, "utf-8")
    if done.returncode not in _VERDICTS or not answer.exists():
        said = done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}"
        crashed = "Traceback (most recent call last)" in said
        raise NotMeasured(said.splitlines()[-1] if crashed else said[:_MOST_SAID])
    return read_runs(answer)[0]
