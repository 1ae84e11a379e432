"""The other tools and the plain recipes: how each is called, and how its answer is read.

Each is used as a careful user would: warm-up first where the tool leaves that to
the user, as many requests as reqleak is given, a collection before each reading,
and a limit of ten bytes per request at one place. docs/leakbench.md says why.
"""

from __future__ import annotations

import ast
import json
import linecache
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.leakbench.inside.limits import BYTES_PER_REQUEST
from benchmarks.leakbench.process import Ended

_INSIDE = Path(__file__).resolve().parent / "inside"
_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_LOCATION = re.compile(r"^\s+- ([\d.]+)([KMG]?i?B) allocated here:")
_FRAME = re.compile(r"^\s+(\S+):(\S+\.py):(\d+)$")
_LAST_RUN = re.compile(r"calls=\s*(\d+), avg/call=\+(\d+)")
# Without these a stack would be "found" in the files that send the requests.
_HARNESS = ("benchmarks/leakbench/inside/", "/_pytest/", "/pluggy/", "/pytest_memray/")


@dataclass(frozen=True)
class Answer:
    """What a peer said."""

    verdict: str
    """`leak`, `clean` or `error`."""
    bytes_per_request: float | None = None
    sites: list[dict[str, Any]] = field(default_factory=list)
    """In the form of a run's JSON, so that all tools are judged alike; empty: it names none."""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One tool or recipe."""

    name: str
    requirements: tuple[str, ...]
    command: Callable[[str, str, str, int], list[str]]
    """From the Python, the file of requests, the interface and the number of requests."""
    read: Callable[[Ended, Path], Answer]
    env: dict[str, str] = field(default_factory=dict)


def read_memray(ended: Ended, folder: Path) -> Answer:
    """Read pytest-memray's report: a failed test must have the section of its limit."""
    if ended.exit_code == 0 and " passed" in ended.stdout:
        return Answer("clean")
    if "Test was allowed to leak" not in ended.stdout:
        return Answer("error", note=ended.last_words)
    found: list[tuple[float, list[dict[str, Any]]]] = []
    for line in ended.stdout.splitlines():
        if match := _LOCATION.match(line):
            found.append((float(match[1]) * _UNITS[match[2]], []))
        elif found and (match := _FRAME.match(line)) and not any(part in match[2] for part in _HARNESS):
            found[-1][1].append(_frame(match[2], int(match[3]), folder, match[1]))
    # A place that only the sending of requests knows is not one that a user would look at.
    found = sorted((entry for entry in found if entry[1]), key=lambda entry: -entry[0])
    return Answer(
        "leak",
        sites=[{"frames": frames} for _, frames in found],
        note=f"{len(found)} places over the limit, the largest {found[0][0] / 1024:.1f} KiB" if found else "",
    )


def read_psleak(ended: Ended, folder: Path) -> Answer:
    """Read unittest's output; psleak names no line."""
    if ended.exit_code == 0 and re.search(r"^OK$", ended.stderr, re.MULTILINE):
        return Answer("clean")
    said = [line for line in ended.stderr.splitlines() if line.startswith("psleak.")]
    if said:
        runs = _LAST_RUN.findall(ended.stderr)
        return Answer("leak", bytes_per_request=float(runs[-1][1]) if runs else None, note=said[-1])
    return Answer("error", note=ended.last_words)


def read_recipe(ended: Ended, folder: Path) -> Answer:
    """Read the JSON line of a recipe of `inside/recipes.py`."""
    if ended.exit_code != 0:
        return Answer("error", note=ended.last_words)
    said = json.loads(ended.stdout.strip().splitlines()[-1])
    sites = [{"frames": [_frame(place["file"], place["line"], folder)]} for place in said.get("places", [])]
    return Answer(
        "leak" if said["leak"] else "clean",
        bytes_per_request=said["bytes_per_request"],
        sites=sites,
        note=said.get("note", ""),
    )


def _frame(file: str, line: int, folder: Path, function: str = "") -> dict[str, Any]:
    """A frame as our own report has it: the reader of a line number would open the file and see the rest."""
    path = Path(file) if Path(file).is_absolute() else folder / file
    code = linecache.getline(str(path), line).strip()
    return {"file": file, "line": line, "function": function or _enclosing(path, line), "code": code}


def _enclosing(path: Path, line: int) -> str:
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ""
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return " ".join(node.name for node in around)


def _recipe(name: str) -> Callable[[str, str, str, int], list[str]]:
    def command(python: str, requests: str, interface: str, count: int) -> list[str]:
        return [python, "-m", "benchmarks.leakbench.inside.recipes", name, requests, interface, str(count)]

    return command


def _memray(python: str, requests: str, interface: str, count: int) -> list[str]:
    return [
        *(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", "."),
        # With the default of five frames a report shows C functions only.
        *("--stacks=40", "--color=no", str(_INSIDE / "memray_case.py")),
    ]


def _psleak(python: str, requests: str, interface: str, count: int) -> list[str]:
    return [python, "-m", "benchmarks.leakbench.inside.psleak_case", requests, interface]


PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            name="memray",
            requirements=("pytest-memray==1.11.0", "memray>=1.20"),
            command=_memray,
            read=read_memray,
        ),
        Peer(
            name="psleak",
            requirements=("psleak==0.1.6",),
            command=_psleak,
            read=read_psleak,
            env={"PYTHONMALLOC": "malloc", "PYTHONUNBUFFERED": "1"},
        ),
        Peer(name="tracemalloc", requirements=(), command=_recipe("tracemalloc"), read=read_recipe),
        Peer(name="rss", requirements=(), command=_recipe("rss"), read=read_recipe),
        Peer(name="leakcheck", requirements=(), command=_recipe("leakcheck"), read=read_recipe),
    )
}
"""By the name that `--tool` takes; memory limits are `BYTES_PER_REQUEST` where the user chooses them."""

__all__ = ["BYTES_PER_REQUEST", "PEERS", "Answer", "Peer", "read_memray", "read_psleak", "read_recipe"]
