"""What holds the memory, as a picture: the way from a name to each container that grew, and the cycles.

Written in the language of Graphviz by hand; its `dot` makes an SVG of it where
it is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from pytest_reqleak.errors import UsageError
from pytest_reqleak.model.finding import Cycle, Holder, Link
from pytest_reqleak.model.meter import Verdict
from pytest_reqleak.model.run import Run
from pytest_reqleak.report import wording
from pytest_reqleak.report.paths import show_frame
from pytest_reqleak.units import format_average, format_count

_MOST_HOLDERS = 5
_MOST_TEXT = 60
_DOT_SECONDS = 60.0
_HEAD = """digraph reqleak {
  rankdir=LR;
  node [shape=box, style="rounded,filled", fillcolor="#ffffff", fontname="Helvetica", fontsize=11];
  edge [fontname="Helvetica", fontsize=10, color="#555555"];"""
_NAME, _GROWS, _ENTRY, _HIDDEN = "#dbe9ff", "#ffd9d6", "#fff3c4", "#e6e6e6"


def graph_report(runs: Sequence[Run]) -> str:
    """The picture in the language of Graphviz, one box around each run that does not come clean."""
    lines = [_HEAD]
    for number, run in enumerate(runs):
        if run.verdict is not Verdict.CLEAN:
            lines += _run(run, f"r{number}")
    return "\n".join([*lines, "}", ""])


def graph_file(runs: Sequence[Run], path: str) -> str:
    """The content of a file, by the ending of its name: `.dot` or `.svg`.

    Raises:
        UsageError: Graphviz is missing or refuses, or the name ends otherwise.
    """
    check_graph(path)
    text = graph_report(runs)
    if not path.lower().endswith(".svg"):
        return text
    try:
        done = subprocess.run(
            ["dot", "-Tsvg"],
            input=text.encode("utf-8", "backslashreplace"),
            capture_output=True,
            timeout=_DOT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{path!r}: Graphviz made no picture: {error}; name a .dot file") from error
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise UsageError(f"{path!r}: Graphviz made no picture: {said}; name a .dot file")
    return done.stdout.decode("utf-8", "replace")


def check_graph(path: str) -> None:
    """Find out, before a run is spent on it, whether the picture can be made.

    Raises:
        UsageError: The name ends in neither `.dot` nor `.svg`, or Graphviz is missing.
    """
    ending = os.path.splitext(path)[1].lower()
    if ending not in (".dot", ".gv", ".svg"):
        raise UsageError("the picture's file must end in .svg or .dot")
    if ending == ".svg" and shutil.which("dot") is None:
        raise UsageError(
            "no picture without Graphviz: its command 'dot' is missing: install it, or write a .dot file"
        )


def _run(run: Run, name: str) -> list[str]:
    size = f", {wording.size_text(run)} per {run.unit}" if run.bytes_per_iteration > 0 else ""
    lines = [f"  subgraph cluster_{name} {{", f"    label={_quoted((run.name or 'app') + size)};"]
    for number, holder in enumerate(run.holders[:_MOST_HOLDERS]):
        lines += _holder(holder, run.unit, f"{name}h{number}")
    for number, cycle in enumerate(run.cycles):
        lines += _cycle(cycle, f"{name}c{number}")
    if not run.holders and not run.cycles:
        lines.append(_node(f"{name}none", "nothing that Python can see holds it", _HIDDEN))
    return [*lines, "  }"]


def _holder(holder: Holder, unit: str, name: str) -> list[str]:
    links = holder.links or (Link(step=holder.path, type=holder.type),)
    lines = []
    for number, link in enumerate(links):
        last = number == len(links) - 1
        text = [link.step if number == 0 else "", link.type]
        if last:
            text.append(
                f"{format_count(holder.size)} now, +{format_average(holder.growth_per_iteration)} per {unit}"
            )
            if holder.bound is not None:
                text.append(f"at most {format_count(holder.bound)}")
        colour = _GROWS if last else _NAME if number == 0 else ""
        lines.append(_node(f"{name}_{number}", "\n".join(filter(None, text)), colour))
        if number:
            lines.append(_edge(f"{name}_{number - 1}", f"{name}_{number}", link.step.removeprefix(" -> ")))
    end = f"{name}_{len(links) - 1}"
    if holder.ends_in:
        lines += [
            _node(f"{name}_x", f"native code, not visible to Python\nrefers to {holder.ends_in}", _HIDDEN)
        ]
        lines += [_edge(f"{name}_x", end, "")]
    elif holder.entry and holder.entry != links[-1].type:
        lines += [_node(f"{name}_e", holder.entry, _ENTRY), _edge(end, f"{name}_e", "entries")]
    if holder.frames:
        lines += [_node(f"{name}_a", show_frame(holder.frames[0]), _HIDDEN), _edge(f"{name}_a", end, "adds")]
    return lines


def _cycle(cycle: Cycle, name: str) -> list[str]:
    if not cycle.path:
        return []
    count = len(cycle.path) - 1
    lines = [
        _node(f"{name}_{number}", link.type, _ENTRY)
        for number, link in enumerate(cycle.path[: max(1, count)])
    ]
    for number, link in enumerate(cycle.path[1:]):
        following = (number + 1) % max(1, count)
        lines.append(_edge(f"{name}_{number}", f"{name}_{following}", link.step.removeprefix(" -> ")))
    return lines


def _node(name: str, text: str, colour: str) -> str:
    fill = f", fillcolor={_quoted(colour)}" if colour else ""
    return f"    {name} [label={_quoted(text)}{fill}];"


def _edge(start: str, end: str, text: str) -> str:
    return f"    {start} -> {end}" + (f" [label={_quoted(text)}];" if text else ";")


def _quoted(text: str) -> str:
    lines = [line if len(line) <= _MOST_TEXT else f"{line[: _MOST_TEXT - 1]}…" for line in text.split("\n")]
    safe = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return '"' + "\\n".join(safe) + '"'
