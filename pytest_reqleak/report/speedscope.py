"""The sites of runs as flame graphs for https://www.speedscope.app (or its command).

Source: speedscope's own file format, version 0.0.1: frames once, and per
profile a list of stacks (the outermost frame first) with their weights.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pytest_reqleak.model.finding import Frame
from pytest_reqleak.model.run import Run
from pytest_reqleak.report.page import printable
from pytest_reqleak.report.paths import show_path

SCHEMA = "https://www.speedscope.app/file-format-schema.json"

NOT_EXPLAINED = "(not explained by a site)"
"""Stands for the part of the growth that no site accounts for."""

LEAST_REST = 0.005
"""Of the growth: less than that is rounding."""


def speedscope_report(runs: Sequence[Run]) -> str:
    """Render one profile per run; a weight is the bytes that a stack leaves behind per iteration.

    What no site explains is a frame of its own, so that widths tell the truth; a
    clean run has an empty profile.
    """
    from pytest_reqleak import __version__

    frames = _Frames()
    profiles = [_profile(run, frames) for run in runs]
    worst = max(range(len(runs)), key=lambda n: runs[n].bytes_per_iteration, default=0)
    document = {
        "$schema": SCHEMA,
        "shared": {"frames": frames.table},
        "profiles": profiles,
        "name": "reqleak: bytes left behind per iteration",
        "activeProfileIndex": worst,
        "exporter": f"pytest-reqleak@{__version__}",
    }
    return json.dumps(document, allow_nan=False) + "\n"


class _Frames:
    """The table of frames that all profiles share."""

    def __init__(self) -> None:
        self.table: list[dict[str, Any]] = []
        self._places: dict[tuple[str, str, int], int] = {}

    def place(self, name: str, file: str = "", line: int = 0) -> int:
        key = (name, file, line)
        if key not in self._places:
            self._places[key] = len(self.table)
            self.table.append({"name": name, **({"file": file, "line": line} if file else {})})
        return self._places[key]

    def of(self, frame: Frame) -> int:
        file = printable(show_path(frame.file))
        return self.place(printable(frame.function) or f"{file}:{frame.line}", file, frame.line)


def _profile(run: Run, frames: _Frames) -> dict[str, Any]:
    stacks = []
    weights = []
    for site in run.sites:
        if site.bytes_per_iteration > 0 and site.frames:
            stacks.append([frames.of(frame) for frame in site.stack])
            weights.append(site.bytes_per_iteration)
    rest = run.bytes_per_iteration - sum(weights)
    if rest > LEAST_REST * run.bytes_per_iteration:
        stacks.append([frames.place(NOT_EXPLAINED)])
        weights.append(rest)
    return {
        "type": "sampled",
        "name": printable(run.name) or "app",
        "unit": "bytes",
        "startValue": 0,
        "endValue": sum(weights),
        "samples": stacks,
        "weights": weights,
    }
