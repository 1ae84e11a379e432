"""Each small app of known truth, through the command, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

APPS = Path(__file__).parent.parent / "apps"
ROOT = APPS.parent.parent
NAMES = sorted(path.stem for path in APPS.glob("[cl]*_*.py"))
LINUX_ONLY = {"leak_native", "leak_mapped", "leak_mapped_file", "clean_fragmented"}


def expectation(name: str) -> dict[str, Any]:
    """Read `EXPECT` without keeping the app; apps may switch the collector off."""
    script = f"import json, tests.apps.{name} as app; print(json.dumps(app.EXPECT))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    return json.loads(done.stdout)


def check(name: str, folder: Path, *options: str, expect: dict[str, Any]) -> dict[str, Any]:
    report = folder / "run.json"
    command = [sys.executable, "-m", "pytest_reqleak", "check", f"tests.apps.{name}:app", "GET /orders/{i}"]
    iterations = str(expect.get("iterations", 2000))
    done = subprocess.run(
        [*command, "-n", iterations, "--json", str(report), *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert "" == done.stderr
    run = json.loads(report.read_text())
    assert {"clean": 0, "leak": 1, "inconclusive": 3}[run["verdict"]] == done.returncode
    return run


def verify(run: dict[str, Any], expect: dict[str, Any]) -> None:
    if expect["verdict"] == "not leak":
        assert run["verdict"] != "leak", run["reason"]
        return
    assert expect["verdict"] == run["verdict"], run["reason"]
    assert set(expect.get("causes", [])) <= set(run["classification"])
    assert (run["verdict"] == "clean") == (run["classification"] == [])
    if "bytes" in expect:
        low, high = expect["bytes"]
        assert low <= run["bytes_per_iteration"] <= high
    causes = {cause["cause"]: cause for cause in run["causes"]}
    for cause, (low, high) in expect.get("shares", {}).items():
        assert low <= causes[cause]["bytes_per_iteration"] <= high
    if "told" in expect:
        assert expect["told"] in run["causes"][0]["text"]
    if "caveat" in expect:
        assert expect["caveat"] in [caveat["slug"] for caveat in run["caveats"]]
    if "site" in expect:
        file, function = expect["site"]
        leading = run["sites"][0]["frames"][0]
        assert (file, function) == (Path(leading["file"]).name, leading["function"])
    if "holder" in expect:
        assert any(holder["path"].split("[")[0].endswith(expect["holder"]) for holder in run["holders"])
    assert expect.get("reason", "") in run["reason"]


@pytest.mark.parametrize("name", NAMES)
def test_the_verdict_and_its_evidence_are_right_without_a_socket(name, tmp_path):
    if name in LINUX_ONLY and not sys.platform.startswith("linux"):
        pytest.skip("the C heap is only read on Linux")
    expect = expectation(name)
    verify(check(name, tmp_path, "--server", "direct", expect=expect), expect)


@pytest.mark.parametrize("name", ["leak_flags", "leak_list"])
def test_growth_below_the_threshold_is_clean_whatever_shows_it(name, tmp_path):
    run = check(name, tmp_path, "--server", "direct", "--threshold", "1KiB", expect={})

    assert "clean" == run["verdict"], run["reason"]


def test_what_lives_for_an_hour_is_neither_called_a_leak_nor_clean(tmp_path):
    expect = expectation("long_sessions")
    verify(check("long_sessions", tmp_path, "--server", "direct", expect=expect), expect)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C heap is only read on Linux")
def test_what_is_kept_once_in_many_requests_is_no_cache_keyed_by_the_input(tmp_path):
    expect = expectation("rare_bytes")
    run = check(
        "rare_bytes", tmp_path, "--isolate", "--python-malloc", "malloc", "--trace", "never", expect=expect
    )

    verify(run, expect)
    assert "keyed by the input" not in run["reason"]


def test_what_leaks_when_requests_are_side_by_side_is_found_in_a_short_run_too(tmp_path):
    expect = expectation("side_by_side")
    options = ("--server", "direct", "--concurrency", "5")
    verify(check("side_by_side", tmp_path, *options, expect=expect), expect)


@pytest.mark.parametrize(
    "name", ["clean_empty", "clean_sawtooth", "clean_window", "leak_beside_window", "leak_list", "leak_wsgi"]
)
def test_the_verdict_and_its_evidence_are_right_over_a_socket(name, tmp_path):
    expect = expectation(name)
    verify(check(name, tmp_path, expect=expect), expect)


def test_an_empty_app_reads_exactly_flat(tmp_path):
    for server in ("direct", "bundled"):
        run = check("clean_empty", tmp_path, "--server", server, expect={})
        samples = run["samples"]
        blocks = [
            blocks
            for blocks, phase in zip(samples["live_blocks"], samples["phase"], strict=True)
            if phase == "measure"
        ]
        # The interpreter specialises our own sampling once, a few batches in: one block. A busy machine
        # may take the processor from the loop's thread on its last steps to where it waits: a sample then
        # finds it under way, never two in a row.
        level = min(blocks[10:])
        assert {level} == {min(pair) for pair in pairwise(blocks[10:])}, blocks
        assert level - blocks[0] <= 5, server
