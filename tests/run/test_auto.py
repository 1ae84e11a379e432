"""A run that says itself how long it measures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_reqleak.model.plan import AUTO_ITERATIONS

ROOT = Path(__file__).parent.parent.parent


def check(name: str, folder: Path, *options: str) -> dict[str, Any]:
    report = folder / "run.json"
    command = [sys.executable, "-m", "pytest_reqleak", "check", f"tests.apps.{name}:app", "GET /orders/{i}"]
    options = ("--server", "direct", "--iterations", "auto", "--trace", "never", *options)
    done = subprocess.run(
        [*command, "--json", str(report), *options], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert "" == done.stderr
    return json.loads(report.read_text())


def test_where_nothing_grows_it_ends_once_that_is_certain(tmp_path):
    run = check("clean_empty", tmp_path)

    assert ("clean", AUTO_ITERATIONS) == (run["verdict"], run["iterations"])
    assert run["total_iterations"] - run["warmup_iterations"] == AUTO_ITERATIONS


@pytest.mark.parametrize("name", ["leak_list", "leak_slow"])
def test_a_leak_is_found_and_the_json_says_what_was_measured(name, tmp_path):
    run = check(name, tmp_path)
    measured = [
        iterations
        for iterations, phase in zip(run["samples"]["iterations"], run["samples"]["phase"], strict=True)
        if phase == "measure"
    ]

    assert "leak" == run["verdict"], run["reason"]
    assert run["iterations"] <= AUTO_ITERATIONS
    # Garbage from before the run may have had it measured twice; the last time counts.
    begun = measured[-1] - run["iterations"]
    assert begun in measured
    assert len({place for place in measured if place >= begun}) - 1 == run["batches"]


def test_it_ends_within_the_time_of_the_run(tmp_path):
    run = check("slow_list", tmp_path, "--timeout", "0.3")

    assert "inconclusive" == run["verdict"]
    assert "timeout=" in run["reason"]
