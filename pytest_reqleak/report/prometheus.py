"""Runs as metrics in Prometheus' text format, for a textfile collector or a push gateway.

Source: "Exposition formats" of the Prometheus documentation, text format 0.0.4.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from pytest_reqleak.model.meter import Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.report.page import printable
from pytest_reqleak.report.paths import main_frame, show_frame

Labels = dict[str, str]


def prometheus_report(runs: Sequence[Run]) -> str:
    """Render runs as gauges, each with the labels `target` and `test`.

    Two runs of a session that share both are told apart by the label `run`.
    """
    labels = list(_labels(runs))
    both = list(zip(runs, labels, strict=True))
    lines: list[str] = []
    _family(
        lines,
        "reqleak_verdict",
        "1 for the verdict of the run, 0 for the others.",
        (
            ({**label, "verdict": str(verdict)}, float(run.verdict is verdict))
            for run, label in both
            for verdict in Verdict
        ),
    )
    _family(
        lines,
        "reqleak_failed",
        "1 for a leak that no baseline accepts.",
        ((label, float(run.verdict is Verdict.LEAK and not run.is_accepted)) for run, label in both),
    )
    for name, about in (
        ("bytes_per_iteration", "Bytes that each iteration leaves behind."),
        ("blocks_per_iteration", "Blocks that each iteration leaves behind."),
        ("threshold", "Bytes per iteration from which certain growth is a leak."),
        ("iterations", "Iterations of the measurement."),
    ):
        metric = "threshold_bytes" if name == "threshold" else name
        _family(
            lines, f"reqleak_{metric}", about, ((label, float(getattr(run, name))) for run, label in both)
        )
    for name, about in (
        ("per_iteration", "Growth of a meter per iteration, in bytes or counts."),
        ("low", "Lower end of the 95 % interval of the growth."),
        ("high", "Upper end of the 95 % interval of the growth."),
    ):
        metric = "reqleak_growth" + ("" if name == "per_iteration" else f"_{name}")
        _family(
            lines,
            metric,
            about,
            (
                ({**label, "meter": str(growth.meter)}, float(getattr(growth, name)))
                for run, label in both
                # One per meter: two of a name would be no valid page.
                for growth in {growth.meter: growth for growth in run.growth}.values()
            ),
        )
    _family(
        lines,
        "reqleak_site_bytes_per_iteration",
        "Bytes per iteration that were allocated at a line.",
        (sample for run, label in both for sample in _sites(run, label)),
    )
    _family(
        lines,
        "reqleak_stage_seconds",
        "Seconds spent in each stage of the run.",
        (
            ({**label, "stage": stage}, float(spent))
            for run, label in both
            for stage, spent in run.seconds.items()
        ),
    )
    return "".join(lines)


def _sites(run: Run, label: Labels) -> Iterable[tuple[Labels, float]]:
    sizes: dict[tuple[str, str], float] = {}
    for site in run.sites:
        frame = main_frame(site)
        if frame is not None:
            key = (show_frame(frame), site.category)
            sizes[key] = sizes.get(key, 0.0) + site.bytes_per_iteration
    for (place, category), size in sizes.items():
        yield {**label, "site": place, "category": category}, size


def _labels(runs: Sequence[Run]) -> Iterable[Labels]:
    seen: dict[tuple[str, str], int] = {}
    for run in runs:
        key = (printable(run.target), printable(run.test))
        number = seen[key] = seen.get(key, 0) + 1
        yield {"target": key[0], "test": key[1], **({"run": str(number)} if number > 1 else {})}


def _family(lines: list[str], name: str, about: str, samples: Iterable[tuple[Labels, float]]) -> None:
    """Add a metric with its samples; one without samples is left out."""
    written = []
    for labels, value in samples:
        shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        written.append(f"{name}{{{shown}}} {_number(value)}\n")
    if written:
        lines += [f"# HELP {name} {about}\n", f"# TYPE {name} gauge\n", *written]


def _escaped(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
