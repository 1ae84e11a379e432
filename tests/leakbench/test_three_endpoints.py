"""The comparison of three endpoints: who was right, and who of them was ahead."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.three_endpoints.__main__ import Line, _by_endpoint, _line, _table, _verdict
from benchmarks.three_endpoints.contestants import ENDPOINTS, TRUTH, Trial, contestants


def lines(name: str, requests: float, seconds: float, **verdicts: str) -> list[Line]:
    return [
        Line(
            endpoint=endpoint,
            name=name,
            verdicts=(verdicts.get(endpoint, TRUTH[endpoint]),),
            requests=requests,
            seconds=seconds,
            ratio=1.0,
            place="",
        )
        for endpoint in ENDPOINTS
    ]


OURS = lines("reqleak, 200 iterations", 300, 1.0)


def test_reqleak_is_ahead_where_every_peer_that_was_right_sent_more_and_took_longer() -> None:
    won, said = _verdict([*OURS, *lines("psleak", 9000, 4.0), *lines("quick", 10, 0.1, cache="leak")])

    assert won
    assert "fewer requests and less time than every peer that was right: reqleak, 200 iterations" in said
    assert "quick" not in said


@pytest.mark.parametrize(("requests", "seconds"), [(200, 4.0), (9000, 0.5)])
def test_a_peer_that_was_right_with_less_of_either_is_not_beaten(requests: float, seconds: float) -> None:
    won, said = _verdict([*OURS, *lines("peer", requests, seconds)])

    assert not won
    assert "NOT ahead" in said


def test_one_wrong_verdict_of_ours_in_any_setting_loses() -> None:
    won, said = _verdict([*OURS, *lines("reqleak, default", 2000, 2.0, clean="inconclusive")])

    assert not won
    assert "wrong about one: reqleak, default" in said


def test_the_ratio_is_against_a_command_that_only_sends_as_many_requests() -> None:
    bare = [Trial("none", 1000, 2.0, loop_seconds=1.0)]
    tool = [Trial("leak", 3000, 8.0), Trial("leak", 3000, 8.0), Trial("clean", 3000, 80.0)]

    line = _line("leak", "tool", tool, {("leak", "bare"): bare})

    assert 8.0 / (1.0 + 3.0) == line.ratio
    assert not line.right
    assert "leak/clean" in _table([line])


def test_every_contestant_reads_what_its_command_prints(tmp_path: Path) -> None:
    said = {
        "reqleak": subprocess.CompletedProcess([], 1, "", ""),
        "psleak": subprocess.CompletedProcess([], 1, "", "psleak.MemoryLeakError: kept increasing"),
        "pytest-memray": subprocess.CompletedProcess(
            [], 1, "Test was allowed to leak\n  f:/x/shop.py:14\n", ""
        ),
        "TestClient": subprocess.CompletedProcess([], 0, '{"verdict": "leak", "requests": 7}\n', ""),
    }
    (tmp_path / "sent.txt").write_text("7")
    frame = {"file": "/x/shop.py", "line": 14}
    run = {"verdict": "leak", "total_iterations": 7, "sites": [{"frames": [frame]}]}
    (tmp_path / "run.json").write_text(json.dumps(run))

    for contestant in contestants(200):
        for name, done in said.items():
            if contestant.name.startswith(name):
                verdict, requests, place, _ = contestant.read(done, tmp_path)
                assert ("leak", 7) == (verdict, requests), name
                assert (place == "shop.py:14") == (name in ("reqleak", "pytest-memray")), name


def test_a_peer_that_was_wrong_about_an_endpoint_is_not_compared_there() -> None:
    ours = [replace(line, cpu_seconds=0.5) for line in OURS]
    peer = [replace(line, cpu_seconds=2.0) for line in lines("peer", 900, 4.0, cache="leak")]

    leak, cache, clean = _by_endpoint([*ours, *peer]).splitlines()

    assert leak.endswith("peer 4.0x (4.0x)")
    assert cache.endswith("nobody")
    assert clean.endswith("peer 4.0x (4.0x)")


def test_what_the_import_of_the_app_takes_is_nobodys_cost() -> None:
    trials = {
        ("leak", "bare"): [Trial("none", 1000, 2.0, loop_seconds=1.0, cpu_seconds=1.9)],
        ("leak", "load"): [Trial("none", 0, 1.0, cpu_seconds=0.75)],
    }

    line = _line("leak", "tool", [Trial("leak", 3000, 8.0, cpu_seconds=4.0)], trials)

    assert 3.25 == line.cpu_seconds
