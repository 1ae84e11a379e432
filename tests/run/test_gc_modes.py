"""What the collector frees, late or never, in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent


def check(name: str, folder: Path, *options: str) -> dict[str, Any]:
    report = folder / "run.json"
    command = [sys.executable, "-m", "pytest_reqleak", "check", f"tests.apps.{name}:app", "GET /orders/{i}"]
    done = subprocess.run(
        [*command, "--server", "direct", "--trace", "never", "--json", str(report), *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert "" == done.stderr
    return json.loads(report.read_text())


def notes(run: dict[str, Any]) -> set[str]:
    return {caveat["slug"] for caveat in run["caveats"]}


@pytest.mark.parametrize("mode", ["collect", "natural"])
@pytest.mark.parametrize("name", ["gc_cycles", "gc_by_hand", "clean_empty"])
def test_what_the_app_s_collector_frees_is_no_leak(name, mode, tmp_path):
    run = check(name, tmp_path, "-n", "500", "--gc", mode)

    assert "clean" == run["verdict"], run["reason"]
    assert mode == run["environment"]["gc"]


@pytest.mark.parametrize("mode", ["collect", "natural"])
@pytest.mark.parametrize(
    ("name", "why"), [("leak_cycles_uncollected", "collector"), ("gc_frozen", "the app has frozen it")]
)
def test_what_nobody_will_ever_collect_is_a_leak(name, why, mode, tmp_path):
    run = check(name, tmp_path, "-n", "500", "--gc", mode)

    assert ("leak", ["cycles"]) == (run["verdict"], run["classification"]), run["reason"]
    assert why in run["reason"]


def test_a_leak_beside_cycles_is_found_under_the_app_s_own_collector(tmp_path):
    run = check("leak_list", tmp_path, "-n", "500", "--gc", "natural")

    assert ("leak", ["python"]) == (run["verdict"], run["classification"]), run["reason"]


def test_each_iteration_s_cycles_are_told_as_advice(tmp_path):
    run = check("gc_cycles", tmp_path, "-n", "500")

    (advice,) = [caveat["text"] for caveat in run["caveats"] if caveat["slug"] == "cycles"]
    assert "only the cyclic collector frees them" in advice
